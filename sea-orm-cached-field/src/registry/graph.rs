//! The graph between cached fields: an edge leads from a field to one that it is calculated from.

use std::{
    collections::{HashMap, HashSet},
    sync::Arc,
};

use super::Model;
use crate::{
    Error,
    layout::{Source, Table, Upstream},
};

/// A field: the model's index in the list, and the field's index in the model.
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

/// Visits a field, in a depth-first search. A node that is already on the path closes a circle.
fn visit(
    models: &[Arc<Model>],
    node: Node,
    path: &mut Vec<Node>,
    finished: &mut Vec<Node>,
) -> Result<(), Error> {
    if finished.contains(&node) {
        return Ok(());
    }

    path.push(node);
    if let Some(start) = path[..path.len() - 1].iter().position(|earlier| *earlier == node) {
        return Err(Error::Cycle {
            path: path[start..].iter().map(|node| name(models, *node)).collect(),
        });
    }
    for Edge { source, below, .. } in upstream(models, node) {
        if source.is_none() || !is_recursion(models, node, below) {
            visit(models, below, path, finished)?;
        }
    }

    path.pop();
    finished.push(node);
    Ok(())
}

/// Returns whether a field depends on itself and says so.
fn is_recursion(models: &[Arc<Model>], node: Node, upstream: Node) -> bool {
    node == upstream && models[node.0].owner.fields[node.1].recursive
}

fn name(models: &[Arc<Model>], (model, field): Node) -> String {
    let owner = &models[model].owner;
    format!("{}.{}", owner.table.name, owner.fields[field].name)
}

/// A cached field that another is calculated from.
#[derive(Clone)]
struct Edge {
    /// The path to its rows; none if it is the row itself.
    source: Option<Source>,
    /// Whether the field links its rows with the row that is calculated. Until it is fresh, any row
    /// of its table may turn out to be linked.
    is_link: bool,
    below: Node,
}

/// Returns the cached fields that this one is calculated from. Fields that lead to related rows
/// count, too: a wrong link leads to the wrong rows.
fn upstream(models: &[Arc<Model>], (model, field): Node) -> Vec<Edge> {
    let owner = &models[model].owner;
    let mut upstream = Vec::new();
    let own = &owner.fields[field].own_columns;
    let own = fields(models, &owner.table, |column| own.contains(column));
    upstream.extend(own.map(|below| Edge { source: None, is_link: false, below }));

    for source in &owner.sources {
        for reader in source.readers.iter().filter(|reader| reader.field == field) {
            let way = Source { readers: Vec::new(), ..source.clone() };
            let is_link = |column: &String| source.link_columns().any(|far| far == column);
            let is_read = |column: &String| !is_link(column) && reader.columns.contains(column);
            let edge = |below, is_link| Edge { source: Some(way.clone()), is_link, below };
            upstream.extend(fields(models, source.table(), is_link).map(|below| edge(below, true)));
            upstream
                .extend(fields(models, source.table(), is_read).map(|below| edge(below, false)));
        }
    }
    upstream
}

/// Returns the cached fields of a table whose columns are read.
fn fields(
    models: &[Arc<Model>],
    table: &Table,
    is_read: impl Fn(&String) -> bool,
) -> impl Iterator<Item = Node> {
    let model = models.iter().position(|model| model.owner.table == *table);
    let fields = model.into_iter().flat_map(|model| {
        let fields = models[model].owner.fields.iter().enumerate();
        fields.map(move |(at, field)| ((model, at), &field.cached.name))
    });
    fields.filter(move |(_, column)| is_read(column)).map(|(node, _)| node)
}

/// Returns the name of the cached field whose values a column holds; `None` if it holds none.
pub(crate) fn field_in(models: &[Arc<Model>], table: &Table, column: &str) -> Option<&'static str> {
    let (model, field) = fields(models, table, |cached| cached == column).next()?;
    Some(models[model].owner.fields[field].name)
}

/// Returns the models, upstream ones first: those whose fields others are calculated from.
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

/// Returns the length of the longest chain of fields below this one. Each field is looked at once.
fn depth(models: &[Arc<Model>], node: Node, depths: &mut HashMap<Node, usize>) -> usize {
    if let Some(depth) = depths.get(&node) {
        return *depth;
    }
    // A way down that comes back to it does not count.
    depths.insert(node, 0);
    let deepest =
        upstream(models, node).into_iter().map(|edge| depth(models, edge.below, depths) + 1).max();
    depths.insert(node, deepest.unwrap_or(0));
    deepest.unwrap_or(0)
}

/// Returns the cached fields that the fields of each model wait for.
pub(crate) fn upstreams(models: &[Arc<Model>]) -> Vec<Vec<Upstream>> {
    let of_model = |at: usize| {
        let mut waits: Vec<Upstream> = Vec::new();
        for field in 0..models[at].owner.fields.len() {
            for Edge { source, below: (model, below), .. } in upstream(models, (at, field)) {
                let owner = &models[model].owner;
                let name = owner.fields[below].name;
                match waits.iter_mut().find(|wait| wait.field == field && wait.source == source) {
                    Some(wait) => wait.fields.push(name),
                    None => waits.push(Upstream {
                        field,
                        source,
                        owner: owner.clone(),
                        fields: vec![name],
                    }),
                }
            }
        }
        waits
    };

    (0..models.len()).map(of_model).collect()
}

/// A cached field that another one is calculated from, directly or over others.
pub(crate) struct Below {
    pub(crate) way: Way,
    pub(crate) model: Arc<Model>,
    pub(crate) field: usize,
}

impl Below {
    /// Returns whether only the rows count that are stale when the read begins. In a table that is
    /// written all the time, there is always a row that has just become stale.
    pub(crate) fn is_asked_once(&self) -> bool {
        self.way == Way::Anywhere && !self.model.owner.fields[self.field].recursive
    }
}

/// The way from a row to the rows whose field has to be fresh before the row's own field is.
#[derive(Clone, PartialEq, Eq, Hash)]
pub(crate) enum Way {
    /// The row itself.
    Itself,
    /// The rows behind this source.
    Behind(Source),
    /// All rows of the table. The field links them, so it has to be fresh before their row is
    /// known.
    Anywhere,
}

impl Way {
    /// Extends this way over an edge.
    fn over(&self, edge: Edge) -> Self {
        match edge.source {
            Some(_) if edge.is_link => Self::Anywhere,
            Some(source) => self.to(source),
            None => self.clone(),
        }
    }

    /// Extends this way to a source.
    fn to(&self, source: Source) -> Self {
        match self {
            Self::Itself => Self::Behind(source),
            Self::Behind(way) => Self::Behind(way.clone().joined(source)),
            Self::Anywhere => Self::Anywhere,
        }
    }
}

/// Returns all cached fields that one is calculated from. A field comes after the fields that it is
/// calculated from itself.
pub(super) fn all_below(models: &[Arc<Model>], node: Node) -> Vec<Below> {
    let mut descent = Descent { models, path: vec![node], seen: HashSet::new(), found: Vec::new() };
    descent.descend(node, &Way::Itself);
    let below = |(way, (model, field))| Below { way, model: Arc::clone(&models[model]), field };
    descent.found.into_iter().map(below).collect()
}

/// A way to rows, and a field of them.
type Place = (Way, Node);

struct Descent<'m> {
    models: &'m [Arc<Model>],
    path: Vec<Node>,
    /// The places found so far. Each is looked at once, however many ways through the graph lead to
    /// it.
    seen: HashSet<Place>,
    found: Vec<Place>,
}

impl Descent<'_> {
    fn descend(&mut self, node: Node, way: &Way) {
        let (itself, others): (Vec<Edge>, Vec<Edge>) =
            upstream(self.models, node).into_iter().partition(|edge| edge.below == node);
        let recursions = itself.into_iter().filter_map(|edge| edge.source?.repeated_as_a_whole());
        let recursions: Vec<Way> = recursions
            .map(|recursion| way.to(recursion))
            .filter(|recursion| recursion != way)
            .collect();

        for edge in others {
            if self.path.contains(&edge.below) {
                continue;
            }
            for way in std::iter::once(way).chain(&recursions) {
                let place = (way.over(edge.clone()), edge.below);
                if self.seen.insert(place.clone()) {
                    self.path.push(edge.below);
                    self.descend(edge.below, &place.0);
                    self.path.pop();
                    self.found.push(place);
                }
            }
        }
        self.found.extend(recursions.into_iter().map(|recursion| (recursion, node)));
    }
}
