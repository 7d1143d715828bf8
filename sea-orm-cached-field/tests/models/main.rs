//! Every kind of model that SeaORM knows can have cached fields. That a file compiles, without a
//! warning, is half of its claim.

mod by_a_query;
mod compact;
mod compact_model;
mod composite_key;
mod deep_paths;
mod dense;
mod json;
mod many_rows_at_a_time;
mod named_as_its_column;
mod named_like_a_relation;
mod optional_value;
mod recursive_paths;
mod relations_of_other_models;
mod relations_to_itself;
mod renamed_columns;
mod schemas_and_composite_keys;
mod shadowed_prelude;
mod the_graph_names_every_input;
mod two_junctions_to_one_entity;
mod two_relations_to_one_entity;
mod written_by_a_macro;

/// Returns the dependencies of a field as text. Hops are `near=far table`, and a repeated group has
/// its length behind it. Then follow the column that is read, and the mistake, if any.
fn written(depends_on: &[sea_orm_cached_field::__private::Dependency]) -> Vec<String> {
    depends_on.iter().map(dependency).collect()
}

fn dependency(dependency: &sea_orm_cached_field::__private::Dependency) -> String {
    use sea_orm_cached_field::__private::Read;

    let hops: Vec<String> = dependency.hops.iter().map(hop).collect();
    let read = match &dependency.read {
        Read::Column(column) => column.clone(),
        Read::AllColumns(columns) => format!("*{columns:?}").replace('"', ""),
        Read::Existence => "()".to_owned(),
    };
    let flaw = dependency
        .flaw
        .as_ref()
        .map(|flaw| format!(" !{}: {}", flaw.table, flaw.reason))
        .unwrap_or_default();
    if hops.is_empty() {
        format!("{read}{flaw}")
    } else {
        format!("{}: {read}{flaw}", hops.join(", "))
    }
}

fn hop(hop: &sea_orm_cached_field::__private::Hop) -> String {
    let schema = hop.schema.as_ref().map(|schema| format!("{schema}.")).unwrap_or_default();
    let repeats = if hop.repeats > 0 { format!(" x{}", hop.repeats) } else { String::new() };
    format!("{}={} {schema}{}{repeats}", hop.from.join("+"), hop.to.join("+"), hop.table)
}
