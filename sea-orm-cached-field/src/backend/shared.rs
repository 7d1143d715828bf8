//! Statements and fragments that are the same on every database.

use sea_orm::{DbErr, Statement, Value};

use super::{
    bound::Bound,
    names::{All, Columns, Dialect},
    sql::{CHUNK, Sql, marks, recalculations, versions_beside},
};
#[cfg(test)]
use crate::backend::example::{Example, Named, named};
use crate::{
    catalog::{IndexedColumn, UniqueIndex, Version},
    declaration::{Chunk, Key},
    layout::{Field, Owner, Table, Upstream},
    queue::{Claim, Enqueued, Shape, ShapedField, Written},
};

/// How many of the oldest due rows are looked at for each that is leased: some of them may have to
/// wait.
pub(super) const LOOKED_AT: i64 = 10;

/// The first of the library's tables for this owner, and of these other objects, that an error
/// names.
pub(super) fn object_in<const N: usize>(
    owner: &Owner,
    others: [String; N],
    error: &DbErr,
) -> Option<String> {
    let message = error.to_string();
    let is_named = |name: &String| {
        // The name of another owner's table may end like this one.
        let continues = |before: char| before.is_alphanumeric() || before == '_';
        message.match_indices(name.as_str()).any(|(at, _)| !message[..at].ends_with(continues))
    };
    let tables = [marks(owner).name, recalculations(owner).name];
    tables.into_iter().chain(others).find(is_named)
}

pub(super) fn flag(mut sql: Sql, owner: &Owner, field: usize, key: &Key) -> Statement {
    let names = sql.names(owner);
    let flag = names.flag(field);
    let table = names.table();
    let is_row = sql.key_is(owner, &names.own_key(), key);
    sql.statement(format!(
        "UPDATE {table}
            SET {flag} = true
          WHERE {is_row}"
    ))
}

/// Appends a mark of a field of a row; `eager` says whether it is to be queued, if that is not left
/// to the field.
pub(super) fn append_mark(
    mut sql: Sql,
    owner: &Owner,
    field: usize,
    key: &Key,
    eager: Option<bool>,
) -> Statement {
    let names = sql.names(owner);
    let rows = [key];
    let tuple = sql.tuples(
        owner,
        &rows,
        |key| key,
        |sql, _| vec![sql.bind(owner.fields[field].name), sql.bind(eager)],
    );
    let marks = names.marks();
    let columns = names.keys();
    sql.statement(format!(
        "INSERT INTO {marks} ({columns}, field, eager)
         VALUES {tuple}"
    ))
}

pub(super) fn set_expiry(
    mut sql: Sql,
    owner: &Owner,
    field: usize,
    key: &Key,
    moment: Value,
) -> Statement {
    let names = sql.names(owner);
    let expires = sql.quote(owner.fields[field].expires_after.as_deref().unwrap_or_default());
    let moment = sql.bind(moment);
    let table = names.table();
    let is_row = sql.key_is(owner, &names.own_key(), key);
    sql.statement(format!(
        "UPDATE {table}
            SET {expires} = {moment}
          WHERE {is_row}"
    ))
}

pub(super) fn backlog_boundary(
    mut sql: Sql,
    owner: &Owner,
    after: Option<&Key>,
    rows: u64,
) -> Statement {
    let names = sql.names(owner);
    let table = names.table();
    let range = rows_after(&mut sql, owner, after);
    let order = owner.key.iter().zip(names.own_key());
    let order: Columns =
        order.map(|(key, column)| sql.dialect().cast(&key.order, &format!("t.{column}"))).collect();
    let offset = sql.bind(rows as i64 - 1);
    let text = format!(
        "SELECT {selected}
           FROM {table} t
          WHERE {range}
          ORDER BY {order}
          LIMIT 1 OFFSET {offset}",
        selected = names.read_own_key(),
    );
    sql.statement(text)
}

pub(super) fn is_any_flagged(sql: Sql, owner: &Owner, field: usize) -> Statement {
    let names = sql.names(owner);
    let table = names.table();
    let flag = names.flag(field);
    sql.statement(format!("SELECT EXISTS (SELECT 1 FROM {table} t WHERE t.{flag}) AS flagged"))
}

/// A row of the queue may be under way.
pub(super) fn has_values(mut sql: Sql, owner: &Owner, field: usize) -> Statement {
    let names = sql.names(owner);
    let name = sql.bind(owner.fields[field].name);
    let text = format!(
        "SELECT EXISTS (SELECT 1 FROM {table} WHERE NOT {flag})
             OR EXISTS (SELECT 1 FROM {queue} WHERE field = {name}) AS found",
        table = names.table(),
        flag = names.flag(field),
        queue = names.queue(),
    );
    sql.statement(text)
}

pub(super) fn forget(sql: Sql, versions: &Table) -> Statement {
    let versions = sql.dialect().qualified(versions);
    sql.statement(format!("DELETE FROM {versions}"))
}

pub(super) fn declarations(sql: Sql, owner: &Table) -> Statement {
    let versions = sql.dialect().qualified(&versions_beside(owner));
    sql.statement(format!("SELECT inputs, declared_by FROM {versions}"))
}

pub(super) fn count_rest(mut sql: Sql, owner: &Owner, after: Option<&Key>) -> Statement {
    let names = sql.names(owner);
    let range = rows_after(&mut sql, owner, after);
    let table = names.table();
    sql.statement(format!(
        "SELECT count(*) AS found
           FROM {table} t
          WHERE {range}"
    ))
}

pub(super) fn versions(sql: Sql, owner: &Owner) -> Statement {
    let names = sql.names(owner);
    let table = names.versions();
    sql.statement(format!(
        "SELECT field, version, inputs, kept_by, renewal, declared_by
           FROM {table}"
    ))
}

pub(super) fn set_version(
    [mut old, mut new]: [Sql; 2],
    owner: &Owner,
    version: &Version,
) -> [Statement; 2] {
    let names = old.names(owner);
    let table = names.versions();
    let Version { field, calculation, inputs, kept_by, renewal, declared_by } = version;
    let old_field = old.bind(field.as_str());
    let delete = format!("DELETE FROM {table} WHERE field = {old_field}");
    let field = new.bind(field.as_str());
    let calculation = new.bind(*calculation);
    let inputs = new.bind(inputs.clone());
    let kept_by = new.bind(kept_by.clone());
    let renewal = new.bind(*renewal);
    let declared_by = new.bind(declared_by.clone());
    let insert = format!(
        "INSERT INTO {table} (field, version, inputs, kept_by, renewal, declared_by)
         VALUES ({field}, {calculation}, {inputs}, {kept_by}, {renewal}, {declared_by})"
    );
    [old.statement(delete), new.statement(insert)]
}

pub(super) fn end_renewal(mut sql: Sql, owner: &Owner, field: usize, renewal: i64) -> Statement {
    let names = sql.names(owner);
    let table = names.versions();
    let field = sql.bind(owner.fields[field].name);
    let renewal = sql.bind(renewal);
    sql.statement(format!(
        "UPDATE {table}
            SET renewal = NULL
          WHERE field = {field}
            AND renewal = {renewal}"
    ))
}

/// Of a mark that names a related row it is not known whom it concerns. SQLite has none.
pub(super) fn unqueued(sql: Sql, owner: &Owner, field: usize) -> Statement {
    let names = sql.names(owner);
    let name = names.field(field);
    let is_related = match sql.dialect() {
        Dialect::Sqlite => String::new(),
        _ => format!("\n                        OR m.via <> '{CHUNK}'"),
    };
    let text = format!(
        "SELECT count(*) AS found
           FROM {table} t
          WHERE t.{flag}
            AND NOT EXISTS (
                SELECT 1
                  FROM {queue} q
                 WHERE {queued}
                   AND q.field = {name})
            AND NOT EXISTS (
                SELECT 1
                  FROM {marks} m
                 WHERE {listed}
                   AND ({marked}{is_related}
                        OR {is_of_chunk}))",
        listed = names.dialect.is_listed(&name, "m.field"),
        table = names.table(),
        flag = names.flag(field),
        queue = names.queue(),
        marks = names.marks(),
        queued = names.is_of("q", "t"),
        marked = names.is_of("m", "t"),
        is_of_chunk = names.is_of_chunk(),
    );
    sql.statement(text)
}

/// A chunk, and others that are marked: of the rows of the one that are in none of the others.
pub(super) fn unqueued_in(
    mut sql: Sql,
    owner: &Owner,
    field: usize,
    chunk: &Chunk,
    marked: &[Chunk],
) -> Statement {
    let names = sql.names(owner);
    let name = names.field(field);
    let others = marked.iter().map(|chunk| {
        let rows = rows_of(&mut sql, owner, chunk);
        format!("\n            AND NOT ({rows})")
    });
    let others = others.collect::<String>();
    let text = format!(
        "SELECT count(*) AS found
           FROM {table} t
          WHERE t.{flag}
            AND {range}{others}
            AND NOT EXISTS (
                SELECT 1
                  FROM {queue} q
                 WHERE {range_of_queue}
                   AND {queued}
                   AND q.field = {name})
            AND NOT EXISTS (
                SELECT 1
                  FROM {marks} m
                 WHERE {range_of_marks}
                   AND {same_key}
                   AND {listed})",
        table = names.table(),
        flag = names.flag(field),
        range = rows_of(&mut sql, owner, chunk),
        queue = names.queue(),
        range_of_queue = range_of(&mut sql, owner, &names.keys_of("q"), chunk),
        queued = names.is_of("q", "t"),
        marks = names.marks(),
        range_of_marks = range_of(&mut sql, owner, &names.keys_of("m"), chunk),
        same_key = names.is_of("m", "t"),
        listed = names.dialect.is_listed(&name, "m.field"),
    );
    sql.statement(text)
}

/// How many marked chunks that meet another one are looked at.
const CHUNKS: u32 = 20;

pub(super) fn marked_chunks(mut sql: Sql, owner: &Owner, field: usize, chunk: &Chunk) -> Statement {
    let names = sql.names(owner);
    let name = sql.bind(owner.fields[field].name);
    let mut conditions = vec![names.dialect.is_chunk("m"), format!("m.field = {name}")];
    for (bound, operator, key) in [("to", ">", &chunk.after), ("after", "<", &chunk.to)] {
        if let Some(key) = key {
            let columns = names.bound(bound).of("m");
            let meets = sql.compare_keys(owner, &columns, operator, key);
            let first = columns.first();
            conditions.push(format!("({first} IS NULL OR {meets})"));
        }
    }
    let text = format!(
        "SELECT {chunks}
           FROM {marks} m
          WHERE {conditions}
          LIMIT {CHUNKS}",
        chunks = names.marked_chunks(),
        marks = names.marks(),
        conditions = conditions.join("\n            AND "),
    );
    sql.statement(text)
}

pub(super) fn mark_chunk(mut sql: Sql, owner: &Owner, field: usize, chunk: &Chunk) -> Statement {
    let names = sql.names(owner);
    let mut columns = vec!["field".to_owned()];
    let mut values = vec![sql.bind(owner.fields[field].name)];
    if sql.dialect() != Dialect::Sqlite {
        columns.push("via".to_owned());
        values.push(sql.dialect().literal(CHUNK));
    }
    for (bound, key) in [("after", &chunk.after), ("to", &chunk.to)] {
        let key = key.iter().flat_map(Key::values);
        for ((column, name), value) in owner.key.iter().zip(names.bound(bound)).zip(key) {
            columns.push(name);
            values.push(sql.bind_for(column, value.clone()));
        }
    }
    let marks = names.marks();
    let [columns, values] = [columns, values].map(Columns::from_iter);
    sql.statement(format!(
        "INSERT INTO {marks} ({columns})
         VALUES ({values})"
    ))
}

/// Which marks `m` of chunks can be taken: those of fields of this program, but for those of a
/// field that is calculated from others of which chunks wait. Of its own row it is calculated in
/// its turn, and the row's chunks come together.
pub(super) fn takeable_chunks(sql: &Sql, owner: &Owner, upstream: &[Upstream]) -> String {
    let dialect = sql.dialect();
    let waits =
        upstream.iter().filter(|upstream| upstream.source.is_some()).filter_map(|upstream| {
            let field = owner.fields[upstream.field].name;
            // What is calculated from its like would wait for itself.
            let is_other = |name: &&&str| upstream.owner.table != owner.table || **name != field;
            let others: Vec<_> = upstream.fields.iter().filter(is_other).copied().collect();
            let wait = format!(
                "
            AND NOT (m.field = {field}
            AND EXISTS (
                SELECT 1
                  FROM {marks} u
                 WHERE {is_chunk}
                   AND u.field IN ({names})))",
                field = dialect.literal(field),
                marks = dialect.names(&upstream.owner).marks(),
                is_chunk = dialect.is_chunk("u"),
                names = dialect.literals(others.iter().copied()),
            );
            (!others.is_empty()).then_some(wait)
        });
    let waits: String = waits.collect();
    let is_chunk = dialect.is_chunk("m");
    let names = dialect.names(owner).all_fields();
    format!(
        "{is_chunk}
            AND m.field IN ({names}){waits}"
    )
}

pub(super) fn delete_mark(mut sql: Sql, owner: &Owner, id: i64) -> Statement {
    let names = sql.names(owner);
    let marks = names.marks();
    let id = sql.bind(id);
    sql.statement(format!("DELETE FROM {marks} WHERE id = {id}"))
}

pub(super) fn waiting(sql: Sql, owner: &Owner) -> Statement {
    let names = sql.names(owner);
    let text = format!(
        "SELECT s.field, s.state, count(*) AS found, min(s.error) AS error
           FROM (SELECT field,
                        CASE WHEN due_at IS NULL THEN 'failed'
                             WHEN last_error IS NULL THEN 'due'
                             ELSE 'failing' END AS state,
                        last_error AS error
                   FROM {queue}
                  UNION ALL
                 SELECT field, 'due', NULL
                   FROM {marks}) s
          GROUP BY s.field, s.state
          ORDER BY s.field, s.state",
        queue = names.queue(),
        marks = names.marks(),
    );
    sql.statement(text)
}

/// `now`: the moment, as the queue has it.
pub(super) fn retry_failed(sql: Sql, owner: &Owner, now: &str) -> Statement {
    let names = sql.names(owner);
    let queue = names.queue();
    sql.statement(format!(
        "UPDATE {queue}
            SET due_at = {now}, attempts = 0
          WHERE due_at IS NULL
             OR (last_error IS NOT NULL AND due_at > {now})"
    ))
}

/// What is read of the rows `t` of a chunk, and which of them: those that the flagging has passed
/// over, locked as they were. What waits in the queue may be under way: it has to miss, though its
/// flag is set. The queue, too, is read from the one key to the other, however the database goes
/// about it.
pub(super) fn passed_over(
    sql: &mut Sql,
    owner: &Owner,
    field: usize,
    chunk: &Chunk,
    read: &str,
) -> String {
    let names = sql.names(owner);
    let name = sql.bind(owner.fields[field].name);
    format!(
        "SELECT {read}
           FROM {table} t
          WHERE {range}
            AND (NOT t.{flag}
                 OR EXISTS (
                SELECT 1
                  FROM {queue} q
                 WHERE {range_of_queue}
                   AND {queued}
                   AND q.field = {name}))",
        table = names.table(),
        range = rows_of(sql, owner, chunk),
        range_of_queue = range_of(sql, owner, &names.keys_of("q"), chunk),
        flag = names.flag(field),
        queue = names.queue(),
        queued = names.is_of("q", "t"),
    )
}

/// The owner's rows `t` of a chunk.
pub(super) fn rows_of(sql: &mut Sql, owner: &Owner, chunk: &Chunk) -> String {
    let names = sql.names(owner);
    range_of(sql, owner, &names.own_key_of("t"), chunk)
}

/// The owner's rows `t` after a key.
fn rows_after(sql: &mut Sql, owner: &Owner, after: Option<&Key>) -> String {
    rows_of(sql, owner, &Chunk { after: after.cloned(), to: None })
}

/// The rows of a chunk, with the owner's key in these columns.
pub(super) fn range_of(sql: &mut Sql, owner: &Owner, columns: &Columns, chunk: &Chunk) -> String {
    let bounds = [(">", &chunk.after), ("<=", &chunk.to)];
    let bounds = bounds
        .map(|(operator, bound)| Some(sql.compare_keys(owner, columns, operator, bound.as_ref()?)));
    match bounds {
        [None, None] => "true".to_owned(),
        bounds => bounds.into_iter().flatten().collect::<All>().to_string(),
    }
}

/// `v (key_1, ..., field, generation, lease) AS (..)`
pub(super) fn queued(sql: &mut Sql, owner: &Owner, rows: &[Enqueued], lease: i64) -> String {
    let mut columns = Bound::keys(owner, rows.iter().map(|row| &row.key));
    columns.push(Bound::alike("field", rows.iter().map(|row| owner.fields[row.field].name)));
    columns.push(Bound::new("generation", rows.iter().map(|row| row.generation)));
    columns.push(Bound::alike("lease", rows.iter().map(|row| if row.lease { lease } else { 0 })));
    sql.table("v", columns)
}

/// `claimed (key_1, ..., field, generation) AS (..)`
pub(super) fn claimed(sql: &mut Sql, owner: &Owner, claims: &[Claim]) -> String {
    let mut columns = Bound::keys(owner, claims.iter().map(|claim| &claim.key));
    columns.push(Bound::alike("field", claims.iter().map(|claim| owner.fields[claim.field].name)));
    columns.push(Bound::new("generation", claims.iter().map(|claim| claim.generation)));
    sql.table("claimed", columns)
}

pub(super) fn is_marked(mut sql: Sql, owner: &Owner, claim: &Claim) -> Statement {
    let names = sql.names(owner);
    let marks = names.marks();
    let is_row = sql.key_is(owner, &names.keys(), &claim.key);
    let is_listed = names.dialect.is_listed(&names.field(claim.field), "field");
    sql.statement(format!(
        "SELECT EXISTS (
                SELECT 1
                  FROM {marks}
                 WHERE {is_row}
                   AND {is_listed}) AS marked"
    ))
}

pub(super) fn is_given_up(mut sql: Sql, owner: &Owner, claim: &Claim) -> Statement {
    let names = sql.names(owner);
    let queue = names.queue();
    let is_row = sql.key_is(owner, &names.keys(), &claim.key);
    let field = sql.bind(owner.fields[claim.field].name);
    sql.statement(format!(
        "SELECT due_at IS NULL AS given_up
           FROM {queue}
          WHERE {is_row}
            AND field = {field}"
    ))
}

/// `k (key_1, ...) AS (..)`
pub(super) fn keys(sql: &mut Sql, owner: &Owner, keys: &[Key]) -> String {
    sql.table("k", Bound::keys(owner, keys.iter()))
}

/// `k (key_1, ..., place) AS (..)`
pub(super) fn numbered(sql: &mut Sql, owner: &Owner, keys: &[Key]) -> String {
    let mut columns = Bound::keys(owner, keys.iter());
    columns.push(Bound::new("place", 0..keys.len() as i64));
    sql.table("k", columns)
}

/// `v (key_1, ..., claimed_at, value_1, ...) AS (..)`, one value a field of the shape.
pub(super) fn written(sql: &mut Sql, owner: &Owner, shape: &Shape, rows: &[Written]) -> String {
    let mut columns = Bound::keys(owner, rows.iter().map(|row| &row.key));
    columns.push(Bound::alike("claimed_at", rows.iter().map(|row| row.claimed_at)));
    columns.extend(values_of(owner, shape, rows));
    sql.table("v", columns)
}

/// The columns `value_1, ...`, one a field of the shape.
fn values_of<'o>(owner: &'o Owner, shape: &Shape, rows: &[Written]) -> Vec<Bound<'o>> {
    let column = |(at, shaped): (usize, &ShapedField)| {
        let values = rows.iter().map(|row| row.values[at].clone());
        let number = at + 1;
        Bound::to(&owner.fields[shaped.field].cached, format!("value_{number}"), values)
    };
    shape.0.iter().enumerate().map(column).collect()
}

/// `v (key_1, ..., place, value_1, ...) AS (..)`: what rows are about to have, one value a field of
/// the shape, each with its place among them, from 0 on.
pub(super) fn wanted(sql: &mut Sql, owner: &Owner, shape: &Shape, rows: &[Written]) -> String {
    let mut columns = Bound::keys(owner, rows.iter().map(|row| &row.key));
    columns.push(Bound::new("place", 0..rows.len() as i64));
    columns.extend(values_of(owner, shape, rows));
    sql.table("v", columns)
}

/// Whether a row has, in all columns of the index, what the row `o` is about to have: these values,
/// and otherwise what it has.
pub(super) fn holds_wanted(
    sql: &Sql,
    owner: &Owner,
    index: &UniqueIndex,
    shape: &Shape,
    row: &str,
    value: impl Fn(usize) -> String,
) -> All {
    let equal = |column: &IndexedColumn| {
        let name = sql.dialect().quote(&column.name);
        let place =
            shape.0.iter().position(|shaped| owner.fields[shaped.field].cached.name == column.name);
        let wanted = place.map_or_else(|| format!("o.{name}"), &value);
        let collation = column.collation.as_ref().map(|collation| sql.dialect().quote(collation));
        let collation = collation.map(|collation| format!(" COLLATE {collation}"));
        let collation = collation.unwrap_or_default();
        format!("{row}.{name} = {wanted}{collation}")
    };
    index.columns.iter().map(equal).collect()
}

/// What is assigned to each field of the shape, from the table [`written`].
pub(super) fn assigned(
    owner: &Owner,
    shape: &Shape,
    assignments: impl Fn(&Field, &str, bool) -> Vec<String>,
) -> String {
    let assigned = shape.0.iter().enumerate().flat_map(|(at, shaped)| {
        let number = at + 1;
        assignments(&owner.fields[shaped.field], &format!("v.value_{number}"), shaped.done)
    });
    assigned.collect::<Vec<_>>().join(",\n                ")
}

pub(super) fn change_generation(mut sql: Sql, owner: &Owner, rows: &[Enqueued]) -> Statement {
    let names = sql.names(owner);
    let queued = queued(&mut sql, owner, rows, 0);
    let queue = names.queue();
    let text = format!(
        "WITH {queued}
         UPDATE {queue} AS q
            SET generation = v.generation
           FROM v
          WHERE {same_key}
            AND q.field = v.field",
        same_key = names.same_key("q", "v"),
    );
    sql.statement(text)
}

/// What is the same on every database, and sent by workers and readers.
#[cfg(test)]
pub(super) fn examples(of: &Example, sql: impl Fn() -> Sql) -> Vec<Named> {
    let owner = &of.owner;
    let after = of.chunk.after.as_ref();
    let marked = std::slice::from_ref(&of.chunk);
    [
        named("flag", flag(sql(), owner, 0, &of.keys[0])),
        named("is_given_up", is_given_up(sql(), owner, &of.claims[0])),
        named("is_marked", is_marked(sql(), owner, &of.claims[0])),
        named("delete_mark", delete_mark(sql(), owner, 1)),
        named("backlog_boundary", backlog_boundary(sql(), owner, after, 100)),
        named("count_rest", count_rest(sql(), owner, after)),
        named("marked_chunks", marked_chunks(sql(), owner, 0, &of.chunk)),
        named("unqueued_in", unqueued_in(sql(), owner, 0, &of.chunk, marked)),
        named("mark_chunk", mark_chunk(sql(), owner, 0, &of.chunk)),
    ]
    .concat()
}

/// What is the same on every database, and sent by installations and the doctor.
#[cfg(test)]
pub(super) fn examples_of_installation(of: &Example, sql: impl Fn() -> Sql) -> Vec<Named> {
    let owner = &of.owner;
    let version = Version {
        field: "full_name".to_owned(),
        calculation: 1,
        inputs: None,
        kept_by: None,
        renewal: None,
        declared_by: None,
    };
    [
        named("versions", versions(sql(), owner)),
        named("declarations", declarations(sql(), &owner.table)),
        named("set_version", set_version([sql(), sql()], owner, &version)),
        named("end_renewal", end_renewal(sql(), owner, 0, 1)),
        named("forget", forget(sql(), &versions_beside(&owner.table))),
        named("has_values", has_values(sql(), owner, 0)),
        named("is_any_flagged", is_any_flagged(sql(), owner, 0)),
        named("unqueued", unqueued(sql(), owner, 0)),
        named("waiting", waiting(sql(), owner)),
    ]
    .concat()
}
