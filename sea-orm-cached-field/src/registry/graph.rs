//! The graph between cached fields: which field is calculated from which.

use std::{
    collections::{HashMap, HashSet},
    sync::Arc,
};

use super::Model;
use crate::{
    Error,
    field::layout::{Source, Table, Upstream},
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
    for (source, upstream) in upstream(models, node) {
        if source.is_none() || !is_recursion(models, node, upstream) {
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

/// The cached fields that this one is calculated from, each with the way to its rows; none if it is the row itself. What leads
/// to related rows counts, too: a link that is wrong leads to the wrong rows.
fn upstream(models: &[Arc<Model>], (model, field): Node) -> Vec<(Option<Source>, Node)> {
    let owner = &models[model].owner;
    let mut upstream = Vec::new();
    let own = &owner.fields[field].own_columns;
    upstream.extend(fields(models, &owner.table, |column| own.contains(column)).map(|below| (None, below)));
    for source in &owner.sources {
        for reader in source.readers.iter().filter(|reader| reader.field == field) {
            let way = Source { readers: Vec::new(), ..source.clone() };
            let is_read =
                |column: &String| reader.columns.contains(column) || source.link_columns().any(|far| far == column);
            upstream.extend(fields(models, source.table(), is_read).map(|below| (Some(way.clone()), below)));
        }
    }
    upstream
}

/// The cached fields of a table whose columns are read.
fn fields(models: &[Arc<Model>], table: &Table, is_read: impl Fn(&String) -> bool) -> impl Iterator<Item = Node> {
    let model = models.iter().position(|model| model.owner.table == *table);
    let fields = model.into_iter().flat_map(|model| {
        let fields = models[model].owner.fields.iter().enumerate();
        fields.map(move |(at, field)| ((model, at), &field.cached.name))
    });
    fields.filter(move |(_, column)| is_read(column)).map(|(node, _)| node)
}

/// The models, those first whose fields others are calculated from.
pub(crate) fn upstream_first(models: &[Arc<Model>]) -> Vec<Arc<Model>> {
    let mut depths = HashMap::new();
    let mut least = |at: usize| {
        let fields = 0..models[at].owner.fields.len();
        fields.map(|field| depth(models, (at, field), &mut depths)).min()
    };
    let mut order: Vec<usize> = (0..models.len()).collect();
    order.sort_by_cached_key(|at| least(*at));
    order.into_iter().map(|at| Arc::clone(&models[at])).collect()
}

/// How many fields stand one upon the other below this one. Each field is looked at once.
fn depth(models: &[Arc<Model>], node: Node, depths: &mut HashMap<Node, usize>) -> usize {
    if let Some(depth) = depths.get(&node) {
        return *depth;
    }
    // What comes back to it on the way down does not count.
    depths.insert(node, 0);
    let deepest = upstream(models, node).into_iter().map(|(_, below)| depth(models, below, depths) + 1).max();
    depths.insert(node, deepest.unwrap_or(0));
    deepest.unwrap_or(0)
}

/// What the fields of each model wait for.
pub(crate) fn upstreams(models: &[Arc<Model>]) -> Vec<Vec<Upstream>> {
    let of_model = |at: usize| {
        let mut waits: Vec<Upstream> = Vec::new();
        for field in 0..models[at].owner.fields.len() {
            for (source, (model, below)) in upstream(models, (at, field)) {
                let owner = &models[model].owner;
                let name = owner.fields[below].name;
                match waits.iter_mut().find(|wait| wait.field == field && wait.source == source) {
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
    let mut descent = Descent { models, path: vec![node], seen: HashSet::new(), found: Vec::new() };
    descent.descend(node, None);
    let below = |(source, (model, field))| Below { source, model: Arc::clone(&models[model]), field };
    descent.found.into_iter().map(below).collect()
}

/// The way to rows, and a field of them.
type Place = (Option<Source>, Node);

struct Descent<'m> {
    models: &'m [Arc<Model>],
    path: Vec<Node>,
    /// Each place is looked at once, however many ways through the graph lead to it.
    seen: HashSet<Place>,
    found: Vec<Place>,
}

impl Descent<'_> {
    fn descend(&mut self, node: Node, way: Option<Source>) {
        let (itself, others): (Vec<Place>, Vec<Place>) =
            upstream(self.models, node).into_iter().partition(|(_, below)| *below == node);
        let recursions = itself.into_iter().filter_map(|(source, _)| source?.repeated_as_a_whole());
        let recursions: Vec<Option<Source>> =
            recursions.map(|recursion| Source::joined(way.clone(), Some(recursion))).collect();
        for (source, below) in others {
            if self.path.contains(&below) {
                continue;
            }
            for way in std::iter::once(&way).chain(&recursions) {
                let place = (Source::joined(way.clone(), source.clone()), below);
                if self.seen.insert(place.clone()) {
                    self.path.push(below);
                    self.descend(below, place.0.clone());
                    self.path.pop();
                    self.found.push(place);
                }
            }
        }
        self.found.extend(recursions.into_iter().map(|recursion| (recursion, node)));
    }
}
