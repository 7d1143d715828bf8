//! From an entity's types to the shape that SQL is rendered from.

use sea_orm::{
    ColumnTrait, DbBackend, EntityTrait, IdenStatic, Iterable, PrimaryKeyToColumn, Schema,
    sea_query::{Expr, PostgresQueryBuilder, Query, SqliteQueryBuilder, Table as AlterTable, TableAlterStatement},
};

use super::{Model, rows::TypedRows};
use crate::{
    Error,
    field::{
        CachedModel, Dependency, FieldEntry, Hop,
        layout::{Cast, Column, Field, Link, Owner, Reader, Source, Table},
    },
};

pub(super) fn model<E: CachedModel>() -> Result<Model, Error> {
    let entries = E::cached_fields();
    let entity = E::default();
    let mut owner = Owner {
        table: Table { schema: entity.schema_name().map(str::to_owned), name: entity.table_name().to_owned() },
        key: E::PrimaryKey::iter().map(|key| column::<E>(key.into_column())).collect(),
        fields: entries.iter().map(field).collect(),
        sources: Vec::new(),
    };
    for (index, entry) in entries.iter().enumerate() {
        for dependency in &entry.spec.depends_on {
            add_dependency(&mut owner, index, dependency)?;
        }
    }
    let dependencies = entries.iter().map(|entry| entry.spec.depends_on.clone()).collect();
    Ok(Model { owner, dependencies, rows: Box::new(TypedRows::<E>::new(entries)), alter: added_columns::<E> })
}

fn column<E: EntityTrait>(column: E::Column) -> Column {
    Column { name: column.as_str().to_owned(), cast: cast::<E>(column) }
}

/// What SeaORM puts around a value that it writes to this column.
fn cast<E: EntityTrait>(column: E::Column) -> Cast {
    const VALUE: &str = "@value@";
    let around = |select: String| {
        let written = select.trim_start_matches("SELECT ").split_once(VALUE);
        written.map_or_else(Default::default, |(before, after)| (before.to_owned(), after.to_owned()))
    };
    let select = Query::select().expr(column.save_as(Expr::cust(VALUE))).to_owned();
    Cast {
        postgres: around(select.to_string(PostgresQueryBuilder)),
        sqlite: around(select.to_string(SqliteQueryBuilder)),
    }
}

fn field<E: EntityTrait>(entry: &FieldEntry<E>) -> Field {
    let spec = &entry.spec;
    Field {
        name: spec.name,
        cached: column::<E>(spec.cached),
        recalculation_needed: spec.recalculation_needed.as_str().to_owned(),
        expires_after: spec.expires_after.map(|column| column.as_str().to_owned()),
        flagging: spec.flagging,
        own_columns: Vec::new(),
    }
}

fn add_dependency(owner: &mut Owner, field: usize, dependency: &Dependency) -> Result<(), Error> {
    match dependency.hops.as_slice() {
        [] => add_own_column(owner, field, &dependency.column),
        [hop] if hop.conditional => {
            let reason = "the relation has a condition of its own (`on_condition`), which a trigger cannot evaluate; depend on a relation without one";
            return Err(unsupported(owner, field, dependency, reason));
        }
        [hop] => add_source(owner, field, hop, &dependency.column),
        _ => {
            let reason =
                "it leads over more than one table; keep a cached field on the table in between, and depend on that";
            return Err(unsupported(owner, field, dependency, reason));
        }
    }
    Ok(())
}

fn add_own_column(owner: &mut Owner, field: usize, column: &str) {
    let is_key = owner.key.iter().any(|key| key.name == column);
    let own = &mut owner.fields[field].own_columns;
    if !is_key && !own.iter().any(|own| own == column) {
        own.push(column.to_owned());
    }
}

fn add_source(owner: &mut Owner, field: usize, hop: &Hop, column: &str) {
    let table = Table { schema: hop.schema.clone(), name: hop.table.clone() };
    let link: Vec<Link> = hop
        .from
        .iter()
        .zip(&hop.to)
        .map(|(owner, related)| Link { owner: owner.clone(), related: related.clone() })
        .collect();
    for pair in &link {
        add_own_column(owner, field, &pair.owner);
    }
    let at =
        owner.sources.iter().position(|source| source.table == table && source.link == link).unwrap_or_else(|| {
            owner.sources.push(Source { table, link, readers: Vec::new() });
            owner.sources.len() - 1
        });
    let readers = &mut owner.sources[at].readers;
    match readers.iter_mut().find(|reader| reader.field == field) {
        Some(reader) if reader.columns.iter().any(|read| read == column) => {}
        Some(reader) => reader.columns.push(column.to_owned()),
        None => readers.push(Reader { field, columns: vec![column.to_owned()] }),
    }
}

fn unsupported(owner: &Owner, field: usize, dependency: &Dependency, reason: &'static str) -> Error {
    let hops: String = dependency.hops.iter().map(|hop| format!("{}(", hop.table)).collect();
    let path = format!("{hops}{}{}", dependency.column, ")".repeat(dependency.hops.len()));
    Error::UnsupportedPath { table: owner.table.name.clone(), field: owner.fields[field].name, path, reason }
}

fn added_columns<E: CachedModel>(backend: DbBackend, field: usize) -> Vec<(String, TableAlterStatement)> {
    let spec = &E::cached_fields()[field].spec;
    let columns = [Some(spec.cached), Some(spec.recalculation_needed), spec.expires_after];
    let added = columns.into_iter().flatten().map(|column| {
        let mut definition = Schema::new(backend).get_column_def::<E>(column);
        let alter = AlterTable::alter().table(E::default().table_ref()).add_column(&mut definition).to_owned();
        (column.as_str().to_owned(), alter)
    });
    added.collect()
}
