//! The graph between cached fields: which field is calculated from which.

use std::sync::Arc;

use super::{Model, layout::last_source};
use crate::{
    Error,
    field::{
        Dependency,
        layout::{Owner, Source, Upstream},
    },
};

/// A field: the model's place in the list, and the field's place in the model.
type Node = (usize, usize);

/// Refuses fields that depend on each other in a circle.
pub(crate) fn check_cycles(models: &[Arc<Model>]) -> Result<(), Error> {
    let mut finished = Vec::new();
    for (at, model) in models.iter().enumerate() {
        for field in 0..model.owner.fields.len() {
            visit(models, (at, field), &mut Vec::new(), &mut finished)?;
        }
    }
    Ok(())
}

/// Depth-first search: a node that stands on the path to itself closes a circle.
fn visit(models: &[Arc<Model>], node: Node, path: &mut Vec<Node>, finished: &mut Vec<Node>) -> Result<(), Error> {
    if finished.contains(&node) {
        return Ok(());
    }
    path.push(node);
    if let Some(start) = path[..path.len() - 1].iter().position(|earlier| *earlier == node) {
        return Err(Error::Cycle { path: path[start..].iter().map(|node| name(models, *node)).collect() });
    }
    for (_, upstream) in upstream(models, node) {
        if !is_recursion(models, node, upstream) {
            visit(models, upstream, path, finished)?;
        }
    }
    path.pop();
    finished.push(node);
    Ok(())
}

/// Whether a field depends on itself and says so.
fn is_recursion(models: &[Arc<Model>], node: Node, upstream: Node) -> bool {
    node == upstream && models[node.0].owner.fields[node.1].recursive
}

fn name(models: &[Arc<Model>], (model, field): Node) -> String {
    let owner = &models[model].owner;
    format!("{}.{}", owner.table.name, owner.fields[field].name)
}

/// The cached fields that this one is calculated from, each with the dependency that says so.
fn upstream(models: &[Arc<Model>], (model, field): Node) -> Vec<(&Dependency, Node)> {
    let dependencies = &models[model].dependencies[field];
    let read = dependencies.iter().map(|dependency| (dependency, find(models, &models[model].owner, dependency)));
    read.flat_map(|(dependency, nodes)| nodes.into_iter().map(move |node| (dependency, node))).collect()
}

fn find(models: &[Arc<Model>], owner: &Owner, dependency: &Dependency) -> Vec<Node> {
    let (schema, table) = match dependency.hops.last() {
        Some(hop) => (&hop.schema, &hop.table),
        None => (&owner.table.schema, &owner.table.name),
    };
    let is_read_from = |model: &Arc<Model>| model.owner.table.name == *table && model.owner.table.schema == *schema;
    let Some(model) = models.iter().position(is_read_from) else { return Vec::new() };
    let fields = models[model].owner.fields.iter().enumerate();
    let read = fields.filter(|(_, field)| dependency.read.columns().contains(&field.cached.name));
    read.map(|(field, _)| (model, field)).collect()
}

/// The models, those first whose fields others are calculated from.
pub(crate) fn upstream_first(models: &[Arc<Model>]) -> Vec<Arc<Model>> {
    let fields = |at: usize| (0..models[at].owner.fields.len()).map(move |field| (at, field));
    let mut order: Vec<usize> = (0..models.len()).collect();
    order.sort_by_cached_key(|at| fields(*at).map(|node| depth(models, node, &mut Vec::new())).min());
    order.into_iter().map(|at| Arc::clone(&models[at])).collect()
}

/// How many fields stand one upon the other below this one.
fn depth(models: &[Arc<Model>], node: Node, path: &mut Vec<Node>) -> usize {
    if path.contains(&node) {
        return 0;
    }
    path.push(node);
    let deepest = upstream(models, node).iter().map(|(_, below)| depth(models, *below, path) + 1).max();
    path.pop();
    deepest.unwrap_or(0)
}

/// What the fields of each model wait for.
pub(crate) fn upstreams(models: &[Arc<Model>]) -> Vec<Vec<Upstream>> {
    let of_model = |at: usize| {
        let mut waits: Vec<Upstream> = Vec::new();
        for field in 0..models[at].owner.fields.len() {
            for (dependency, (model, below)) in upstream(models, (at, field)) {
                let (source, owner) = (last_source(&dependency.hops), &models[model].owner);
                let name = owner.fields[below].name;
                match waits.iter_mut().find(|wait| wait.field == field && wait.source == source) {
                    Some(wait) if wait.fields.contains(&name) => {}
                    Some(wait) => wait.fields.push(name),
                    None => waits.push(Upstream { field, source, owner: owner.clone(), fields: vec![name] }),
                }
            }
        }
        waits
    };
    (0..models.len()).map(of_model).collect()
}

/// A cached field that another is calculated from, directly or over others.
pub(crate) struct Below {
    /// The way to its rows; none if it is the row itself.
    pub(crate) source: Option<Source>,
    pub(crate) model: Arc<Model>,
    pub(crate) field: usize,
}

/// All cached fields that one is calculated from, those first which others of them are calculated from.
pub(super) fn all_below(models: &[Arc<Model>], node: Node) -> Vec<Below> {
    let mut found = Vec::new();
    descend(models, node, None, &mut vec![node], &mut found);
    let below =
        |(source, (model, field)): (Option<Source>, Node)| Below { source, model: Arc::clone(&models[model]), field };
    found.into_iter().map(below).collect()
}

fn descend(
    models: &[Arc<Model>],
    node: Node,
    way: Option<Source>,
    path: &mut Vec<Node>,
    found: &mut Vec<(Option<Source>, Node)>,
) {
    let upstream = upstream(models, node);
    let (itself, others): (Vec<_>, Vec<_>) = upstream.into_iter().partition(|(_, below)| *below == node);
    let recursions =
        itself.into_iter().filter_map(|(dependency, _)| last_source(&dependency.hops)?.repeated_as_a_whole());
    let recursions: Vec<Option<Source>> =
        recursions.map(|recursion| Source::joined(way.clone(), Some(recursion))).collect();
    for (dependency, below) in others {
        if path.contains(&below) {
            continue;
        }
        for way in std::iter::once(&way).chain(&recursions) {
            let source = Source::joined(way.clone(), last_source(&dependency.hops));
            path.push(below);
            descend(models, below, source.clone(), path, found);
            path.pop();
            found.push((source, below));
        }
    }
    found.extend(recursions.into_iter().map(|recursion| (recursion, node)));
}
