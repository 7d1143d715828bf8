//! The translation of an entity's types into the shape that SQL is rendered from.

use std::{ops::Range, sync::OnceLock, time::Duration};

use sea_orm::{
    ColumnTrait, ColumnType, DbBackend, EntityTrait, IdenStatic, Iterable, PrimaryKeyToColumn,
    Schema,
    sea_query::{Expr, MysqlQueryBuilder, PostgresQueryBuilder, Query, SqliteQueryBuilder},
};

use super::{FieldColumn, Model, Registration, Upkeep, crate_of, rows::TypedRows};
use crate::{
    Error,
    backend::{cast_for_order, define_expiry},
    declaration::{
        CachedModel, Dependency, FieldEntry, FieldSpec, Hop, Key, PathError, Read, RollUp, Zone,
    },
    layout::{self, Cast, Column, Field, Link, Owner, Reader, Select, Source, Step, Table},
};

/// The number of tables that a path may lead over. MySQL joins 61 at most, and takes minutes to
/// plan that. SQLite limits the depth of nested queries.
const LONGEST_PATH: usize = 16;

pub(super) fn model<E: CachedModel>() -> Result<Model, Error> {
    let entries = E::cached_fields();
    let mut owner = Owner {
        key_reader: Key::read::<E>,
        table: table_of::<E>(),
        key: E::PrimaryKey::iter().map(|key| column::<E>(key.into_column())).collect(),
        fields: entries.iter().map(field).collect(),
        sources: Vec::new(),
    };

    for (index, entry) in entries.iter().enumerate() {
        check_query(&owner, index)?;
        check_roll_up(&owner, index, &entry.spec)?;
        let roll_up = entry.spec.roll_up.iter().flat_map(RollUp::dependencies);
        for dependency in entry.spec.depends_on.iter().cloned().chain(roll_up) {
            add_dependency(&mut owner, index, &dependency)?;
        }
    }

    Ok(Model {
        entity: std::any::type_name::<E>(),
        owner,
        declared_by: crate_of(E::MODULE),
        rows: Box::new(TypedRows::<E>::new(entries)),
        columns: columns::<E>,
        below: OnceLock::new(),
    })
}

fn column<E: EntityTrait>(column: E::Column) -> Column {
    Column {
        name: column.as_str().to_owned(),
        cast: around(|value| column.save_as(value)),
        read: around(|value| column.select_as(value)),
        order: if is_enum(column) { cast_for_order() } else { Cast::default() },
    }
}

pub(super) fn is_enum(column: impl ColumnTrait) -> bool {
    matches!(column.def().get_column_type(), ColumnType::Enum { .. })
}

/// Returns the text that SeaORM puts around a value.
fn around(cast: impl Fn(Expr) -> Expr) -> Cast {
    const VALUE: &str = "@value@";
    let around = |select: String| {
        let written = select.trim_start_matches("SELECT ").split_once(VALUE);
        written
            .map_or_else(Default::default, |(before, after)| (before.to_owned(), after.to_owned()))
    };
    let select = Query::select().expr(cast(Expr::cust(VALUE))).to_owned();
    Cast {
        postgres: around(select.to_string(PostgresQueryBuilder)),
        sqlite: around(select.to_string(SqliteQueryBuilder)),
        mysql: around(select.to_string(MysqlQueryBuilder)),
    }
}

fn field<E: EntityTrait>(entry: &FieldEntry<E>) -> Field {
    let spec = &entry.spec;
    Field {
        name: spec.name,
        cached: column::<E>(spec.cached),
        recalculation_needed: spec.recalculation_needed.as_str().to_owned(),
        expires_after: spec.expires_after.map(|column| column.as_str().to_owned()),
        expires_every: spec.expires_every.map(milliseconds),
        time_zone: spec.expiration_time_zone.map(Zone::named),
        flagging: spec.flagging,
        index_flag: spec.index_flag,
        debounce: spec.debounce.map(milliseconds),
        version: spec.version,
        lazy: spec.lazy,
        query: query(spec),
        recursive: spec.recursive,
        exact: is_exact::<E>(spec.cached),
        own_columns: Vec::new(),
    }
}

/// Returns the query that calculates a field: the user's, or that of a roll-up.
fn query<E: EntityTrait>(spec: &FieldSpec<E>) -> Option<layout::Query> {
    let kind = spec.cached.def().get_column_type().clone();
    let written = spec.query.map(|query| (Select::Written(query.select), query.optional));
    let rolled_up = || {
        let roll_up = spec.roll_up.clone()?;
        let optional = roll_up.function.is_optional();
        Some((Select::RolledUp(Box::new(roll_up)), optional))
    };
    let (select, optional) = written.or_else(rolled_up)?;
    Some(layout::Query { select, optional, kind })
}

/// Returns whether a column returns each value as it was written. Other columns round it, or write
/// it in another way.
fn is_exact<E: EntityTrait>(column: E::Column) -> bool {
    use ColumnType as Type;

    let is_whole = matches!(
        column.def().get_column_type(),
        Type::TinyInteger
            | Type::SmallInteger
            | Type::Integer
            | Type::BigInteger
            | Type::TinyUnsigned
            | Type::SmallUnsigned
            | Type::Unsigned
            | Type::BigUnsigned
            | Type::Boolean
            | Type::Uuid
            | Type::Text
            | Type::String(_)
            | Type::Blob
    );
    is_whole && self::column::<E>(column).cast == Cast::default()
}

fn milliseconds(time: Duration) -> i64 {
    i64::try_from(time.as_millis()).unwrap_or(i64::MAX)
}

/// Checks that a field's query selects the key and a value, as far as that can be seen.
fn check_query(owner: &Owner, field: usize) -> Result<(), Error> {
    let Some(layout::Query { select: Select::Written(select), .. }) = &owner.fields[field].query
    else {
        return Ok(());
    };
    let mut found = 0;
    select().exprs_mut_for_each(|_| found += 1);
    if found == owner.key.len() + 1 {
        return Ok(());
    }
    let key: Vec<&str> = owner.key.iter().map(|column| column.name.as_str()).collect();
    let table = owner.table.name.clone();
    let field = owner.fields[field].name;
    Err(Error::NotKeyAndValue { table, field, key: key.join(", "), found })
}

/// Checks that the field holds what is rolled up.
fn check_roll_up<E: EntityTrait>(
    owner: &Owner,
    field: usize,
    spec: &FieldSpec<E>,
) -> Result<(), Error> {
    let Some(roll_up) = &spec.roll_up else { return Ok(()) };
    let Some(reason) = roll_up.mistake(spec.cached.def().get_column_type()) else { return Ok(()) };
    let roll_up = roll_up.written.to_owned();
    let table = owner.table.name.clone();
    Err(Error::WrongRollUp { table, field: owner.fields[field].name, roll_up, reason })
}

fn add_dependency(owner: &mut Owner, field: usize, dependency: &Dependency) -> Result<(), Error> {
    if let Some(flaw) = &dependency.flaw {
        return Err(unsupported(owner, field, dependency, flaw));
    }
    if let Some(hop) = dependency.hops.iter().position(|hop| hop.conditional) {
        let reason = "the relation to this table has a condition of its own (`on_condition`), \
                      which a trigger cannot evaluate; depend on a relation without one";
        let flaw =
            PathError { table: dependency.hops[hop].table.clone(), reason: reason.to_owned() };
        return Err(unsupported(owner, field, dependency, &flaw));
    }
    if let Some(hop) = dependency.hops.get(LONGEST_PATH) {
        let reason = "it leads over more than 16 tables, which not every database can join; keep \
                      a cached field on a table in between, and depend on that";
        let flaw = PathError { table: hop.table.clone(), reason: reason.to_owned() };
        return Err(unsupported(owner, field, dependency, &flaw));
    }

    let columns = read_columns(owner, dependency);
    let Some(first) = dependency.hops.first() else {
        columns.iter().for_each(|column| add_own_column(owner, field, column));
        return Ok(());
    };

    first.from.iter().for_each(|column| add_own_column(owner, field, column));
    let mut sources = sources(&dependency.hops).into_iter().peekable();
    while let Some((source, leading_on)) = sources.next() {
        let read = if sources.peek().is_none() { columns.clone() } else { Vec::new() };
        add_source(owner, field, source, leading_on.into_iter().chain(read));
    }
    Ok(())
}

/// Returns the tables of a path, each with the columns that lead further from it.
fn sources(hops: &[Hop]) -> Vec<(Source, Vec<String>)> {
    let steps: Vec<Step> = hops.iter().map(step).collect();
    let repeated = repeated(hops);

    let source = |at: usize| {
        let group = repeated.iter().find(|group| group.contains(&at));
        let source = Source {
            steps: steps[..group.map_or(at + 1, |group| group.end)].to_vec(),
            at,
            repeated: repeated.iter().filter(|group| group.start <= at).cloned().collect(),
            readers: Vec::new(),
        };
        let next = steps.get(at + 1).into_iter();
        // The end of a group leads back to its beginning, too.
        let again = group.filter(|group| group.end == at + 1).map(|group| &steps[group.start]);
        let leading_on =
            next.chain(again).flat_map(|step| &step.link).map(|link| link.near.clone());
        (source, leading_on.collect())
    };

    (0..steps.len()).map(source).collect()
}

/// Returns the columns that are read. For a whole row with cached fields, it leaves out the columns
/// of flags and expiries.
fn read_columns(owner: &Owner, dependency: &Dependency) -> Vec<String> {
    let columns = dependency.read.columns().to_vec();
    let Read::AllColumns(_) = dependency.read else { return columns };
    let table = dependency.hops.last().map_or_else(|| owner.table.clone(), table);
    let upkeep: Vec<String> = inventory::iter::<Registration>
        .into_iter()
        .map(|registration| registration.upkeep())
        .filter(|upkeep| upkeep.table == table)
        .flat_map(|upkeep| upkeep.columns)
        .collect();
    columns.into_iter().filter(|column| !upkeep.contains(column)).collect()
}

fn table(hop: &Hop) -> Table {
    Table { schema: hop.schema.clone(), name: hop.table.clone() }
}

pub(super) fn upkeep<E: CachedModel>() -> Upkeep {
    let columns = E::cached_fields().into_iter().flat_map(|entry| {
        let expires = entry.spec.expires_after.map(|column| column.as_str().to_owned());
        std::iter::once(entry.spec.recalculation_needed.as_str().to_owned()).chain(expires)
    });
    Upkeep { table: table_of::<E>(), columns: columns.collect() }
}

fn table_of<E: EntityTrait>() -> Table {
    let entity = E::default();
    Table { schema: entity.schema_name().map(str::to_owned), name: entity.table_name().to_owned() }
}

fn step(hop: &Hop) -> Step {
    let link = hop
        .from
        .iter()
        .zip(&hop.to)
        .map(|(near, far)| Link { near: near.clone(), far: far.clone() });
    Step { table: table(hop), link: link.collect() }
}

fn repeated(hops: &[Hop]) -> Vec<Range<usize>> {
    let ends = hops.iter().enumerate().filter(|(_, hop)| hop.repeats > 0);
    ends.map(|(at, hop)| at + 1 - hop.repeats..at + 1).collect()
}

fn add_own_column(owner: &mut Owner, field: usize, column: &str) {
    let is_key = owner.key.iter().any(|key| key.name == column);
    let own = &mut owner.fields[field].own_columns;
    if !is_key && !own.iter().any(|own| own == column) {
        own.push(column.to_owned());
    }
}

fn add_source(
    owner: &mut Owner,
    field: usize,
    source: Source,
    columns: impl Iterator<Item = String>,
) {
    let same = |other: &Source| {
        (&other.steps, other.at, &other.repeated) == (&source.steps, source.at, &source.repeated)
    };
    let at = owner.sources.iter().position(same).unwrap_or_else(|| {
        owner.sources.push(source);
        owner.sources.len() - 1
    });

    let readers = &mut owner.sources[at].readers;
    let reader = readers.iter().position(|reader| reader.field == field).unwrap_or_else(|| {
        readers.push(Reader { field, columns: Vec::new() });
        readers.len() - 1
    });

    for column in columns {
        if !readers[reader].columns.contains(&column) {
            readers[reader].columns.push(column);
        }
    }
}

fn unsupported(owner: &Owner, field: usize, dependency: &Dependency, flaw: &PathError) -> Error {
    let hops: String = dependency.hops.iter().map(|hop| format!("{}(", hop.table)).collect();
    let read = match &dependency.read {
        Read::Column(column) => column.as_str(),
        Read::AllColumns(_) => "*",
        Read::Existence => "",
    };
    let path = format!("{hops}{read}{}", ")".repeat(dependency.hops.len()));
    Error::UnsupportedPath {
        table: owner.table.name.clone(),
        field: owner.fields[field].name,
        path,
        hop: flaw.table.clone(),
        reason: flaw.reason.clone(),
    }
}

fn columns<E: CachedModel>(backend: DbBackend, field: usize) -> Vec<FieldColumn> {
    let spec = &E::cached_fields()[field].spec;
    let columns = [Some(spec.cached), Some(spec.recalculation_needed), spec.expires_after];
    let columns = columns.into_iter().flatten().map(|column| {
        let mut definition = Schema::new(backend).get_column_def::<E>(column);
        if spec.expires_after.is_some_and(|expires| expires.as_str() == column.as_str()) {
            define_expiry(backend, &mut definition);
        }
        let name = column.as_str().to_owned();
        let kind = column.def().get_column_type().clone();
        FieldColumn { name, kind, definition, table: E::default().table_ref() }
    });

    columns.collect()
}
