//! The graph between cached fields: which field is calculated from which.

use std::sync::Arc;

use super::Model;
use crate::{
    Error,
    field::{Dependency, layout::Owner},
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
    for upstream in upstream(models, node) {
        visit(models, upstream, path, finished)?;
    }
    path.pop();
    finished.push(node);
    Ok(())
}

fn name(models: &[Arc<Model>], (model, field): Node) -> String {
    let owner = &models[model].owner;
    format!("{}.{}", owner.table.name, owner.fields[field].name)
}

/// The cached fields that this one is calculated from.
fn upstream(models: &[Arc<Model>], (model, field): Node) -> Vec<Node> {
    let dependencies = &models[model].dependencies[field];
    dependencies.iter().flat_map(|dependency| find(models, &models[model].owner, dependency)).collect()
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
