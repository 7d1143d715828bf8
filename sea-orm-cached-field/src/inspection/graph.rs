//! The graph: what each cached field is calculated from.

mod drawing;
#[cfg(feature = "cli")]
mod svg;
mod tree;

use std::{sync::Arc, time::Duration};

use crate::{
    Error,
    layout::{Field, Owner, Source, Table},
    registry::{Model, check_cycles, field_in, with_others},
};

/// The cached fields of some models, and what each of them is calculated from.
///
/// [`CachedFields::graph`](crate::CachedFields::graph) returns it.
#[derive(Clone, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize))]
#[non_exhaustive]
pub struct Graph {
    /// The fields. [`CachedFields::all`](crate::CachedFields::all) orders their models by table.
    /// The fields of a model are in the order of their declaration.
    pub fields: Vec<GraphField>,
}

/// A cached field of a [`Graph`].
#[derive(Clone, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize))]
#[non_exhaustive]
pub struct GraphField {
    /// The schema of the table, if its entity names one.
    pub schema: Option<String>,
    /// The table.
    pub table: String,
    /// The name of the field.
    pub field: &'static str,
    /// The column that holds the value.
    pub column: String,
    /// Whether only readers recalculate the field.
    pub lazy: bool,
    /// Whether the field may be calculated from the same field of other rows.
    pub recursive: bool,
    /// Whether one query calculates the field for many rows.
    pub query: bool,
    /// Whether a value can expire.
    pub expires: bool,
    /// The time after which each value expires, if it does by itself.
    #[cfg_attr(
        feature = "serde",
        serde(rename = "expires_every_seconds", serialize_with = "crate::json::optional_seconds")
    )]
    pub expires_every: Option<Duration>,
    /// What the field is calculated from. The columns of its own row come first, then those behind
    /// relations.
    ///
    /// The primary key of the row is not among them. A calculation that reads nothing has no
    /// inputs.
    pub inputs: Vec<GraphInput>,
}

/// A column that a field of a [`Graph`] is calculated from.
#[derive(Clone, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize))]
#[non_exhaustive]
pub struct GraphInput {
    /// The schema of the table, if its entity names one.
    pub schema: Option<String>,
    /// The table.
    pub table: String,
    /// The column.
    pub column: String,
    /// The cached field whose values the column holds, if it holds any.
    pub field: Option<&'static str>,
    /// Whether the column relates rows. Then it says which related rows there are. The calculation
    /// may read it, too.
    pub is_link: bool,
    /// The relations that lead from the field's row to the rows of the column. It is empty for the
    /// row itself.
    pub through: Vec<GraphStep>,
}

/// A relation on the way to an input of a [`Graph`].
#[derive(Clone, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize))]
#[non_exhaustive]
pub struct GraphStep {
    /// The schema of the table that it leads to, if its entity names one.
    pub schema: Option<String>,
    /// The table that it leads to.
    pub table: String,
    /// The columns at the near end.
    pub from: Vec<String>,
    /// The columns at the far end. Each equals the one of `from` at its place.
    pub to: Vec<String>,
    /// Whether the relation is followed any number of times, but at least once. If it is one of
    /// several in a row, they are followed together.
    pub recursive: bool,
}

impl Graph {
    /// Returns the graph of these models.
    pub(crate) fn of(models: &[Arc<Model>]) -> Result<Self, Error> {
        check_cycles(models)?;
        let known = with_others(models);
        let mut fields = Vec::new();
        for model in models {
            let owner = &model.owner;
            fields.extend((0..owner.fields.len()).map(|at| field(&known, owner, at)));
        }
        Ok(Self { fields })
    }

    /// Returns the place of the cached field that an input is, if this graph has it.
    fn place_of(&self, input: &GraphInput) -> Option<usize> {
        let is_it = |field: &GraphField| {
            (&field.schema, &field.table, Some(field.field))
                == (&input.schema, &input.table, input.field)
        };
        self.fields.iter().position(is_it)
    }
}

fn field(known: &[Arc<Model>], owner: &Owner, at: usize) -> GraphField {
    let Field { name, cached, lazy, recursive, query, expires_after, expires_every, .. } =
        &owner.fields[at];
    let milliseconds = |every: i64| Duration::from_millis(every.unsigned_abs());

    GraphField {
        schema: owner.table.schema.clone(),
        table: owner.table.name.clone(),
        field: name,
        column: cached.name.clone(),
        lazy: *lazy,
        recursive: *recursive,
        query: query.is_some(),
        expires: expires_after.is_some(),
        expires_every: expires_every.map(milliseconds),
        inputs: inputs(known, owner, at),
    }
}

/// Returns the inputs of a field. `known` are the models whose cached fields can be among them.
fn inputs(known: &[Arc<Model>], owner: &Owner, field: usize) -> Vec<GraphInput> {
    let input = |table: &Table, column: &str, is_link, through: &[GraphStep]| GraphInput {
        schema: table.schema.clone(),
        table: table.name.clone(),
        column: column.to_owned(),
        field: field_in(known, table, column),
        is_link,
        through: through.to_vec(),
    };

    let leading = owner.leading(field, None);
    let own = owner.fields[field].own_columns.iter().map(|column| {
        let is_link = leading.contains(&column.as_str());
        input(&owner.table, column, is_link, &[])
    });
    let mut inputs: Vec<GraphInput> = own.collect();

    for (at, source) in owner.sources.iter().enumerate() {
        let Some(reader) = source.readers.iter().find(|reader| reader.field == field) else {
            continue;
        };
        let links: Vec<&str> =
            source.link_columns().chain(owner.leading(field, Some(at))).collect();
        let mut columns: Vec<&str> = Vec::new();
        for column in source.watched(&reader.columns) {
            if !columns.contains(&column) {
                columns.push(column);
            }
        }

        let through = steps(source);
        inputs.extend(columns.into_iter().map(|column| {
            let is_link = links.contains(&column);
            input(source.table(), column, is_link, &through)
        }));
    }
    inputs
}

/// Returns the relations that lead to a source.
fn steps(source: &Source) -> Vec<GraphStep> {
    let steps = source.steps[..=source.at].iter().enumerate();
    let step = steps.map(|(at, step)| GraphStep {
        schema: step.table.schema.clone(),
        table: step.table.name.clone(),
        from: step.link.iter().map(|link| link.near.clone()).collect(),
        to: step.link.iter().map(|link| link.far.clone()).collect(),
        recursive: source.repeated.iter().any(|group| group.contains(&at)),
    });
    step.collect()
}

#[cfg(test)]
mod examples {
    use super::{Graph, GraphField, GraphInput, GraphStep};

    pub(super) fn field(
        schema: Option<&str>,
        table: &str,
        field: &'static str,
        inputs: Vec<GraphInput>,
    ) -> GraphField {
        GraphField {
            schema: schema.map(str::to_owned),
            table: table.to_owned(),
            field,
            column: format!("cached_{field}"),
            lazy: false,
            recursive: false,
            query: false,
            expires: false,
            expires_every: None,
            inputs,
        }
    }

    pub(super) fn input(table: &str, column: &str, through: Vec<GraphStep>) -> GraphInput {
        GraphInput {
            schema: None,
            table: table.to_owned(),
            column: column.to_owned(),
            field: None,
            is_link: false,
            through,
        }
    }

    pub(super) fn step(table: &str, recursive: bool) -> GraphStep {
        GraphStep {
            schema: None,
            table: table.to_owned(),
            from: Vec::new(),
            to: Vec::new(),
            recursive,
        }
    }

    /// Returns a graph with names that mean something in each of the languages.
    pub(super) fn of_odd_names() -> Graph {
        let owner = "order [lines];\n%% \"new\"";
        let own = GraphInput {
            schema: Some("a\"b".to_owned()),
            ..input(owner, "<b>#35; &amp;</b>", Vec::new())
        };
        let far = input("back\\slash\\", "__x__", vec![step("`1. x`", true), step("-> y", true)]);
        let cached = GraphInput {
            field: Some("end"),
            is_link: true,
            ..input("-> y", "cached_end", vec![step("-> y", false)])
        };
        let fields = vec![
            field(Some("a\"b"), owner, "total", vec![own, far, cached]),
            GraphField { lazy: true, ..field(None, "-> y", "end", Vec::new()) },
        ];
        Graph { fields }
    }
}
