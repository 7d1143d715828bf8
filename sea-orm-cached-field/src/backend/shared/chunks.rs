//! Chunks of flagged rows: which rows are of one, and which are marked.

use sea_orm::Statement;

use crate::{
    backend::{
        names::{All, Columns, Dialect},
        sql::{CHUNK, Sql},
    },
    declaration::{Chunk, Key},
    layout::{Owner, Upstream},
};

pub(crate) fn backlog_boundary(
    mut sql: Sql,
    owner: &Owner,
    after: Option<&Key>,
    rows: u64,
) -> Statement {
    let keys = keys_in_order(&mut sql, owner, &Chunk { after: after.cloned(), to: None });
    let offset = sql.bind(rows as i64 - 1);
    sql.statement(format!(
        "{keys}
          LIMIT 1 OFFSET {offset}"
    ))
}

/// The keys of the first rows of a chunk, at most so many.
pub(crate) fn keys(mut sql: Sql, owner: &Owner, chunk: &Chunk, rows: u64) -> Statement {
    let keys = keys_in_order(&mut sql, owner, chunk);
    let rows = sql.bind(i64::try_from(rows).unwrap_or(i64::MAX));
    sql.statement(format!(
        "{keys}
          LIMIT {rows}"
    ))
}

fn keys_in_order(sql: &mut Sql, owner: &Owner, chunk: &Chunk) -> String {
    let names = sql.names(owner);
    let range = rows_of(sql, owner, chunk);
    let order = owner.key.iter().zip(names.own_key());
    let order: Columns =
        order.map(|(key, column)| sql.dialect().cast(&key.order, &format!("t.{column}"))).collect();

    format!(
        "SELECT {selected}
           FROM {table} t
          WHERE {range}
          ORDER BY {order}",
        selected = names.read_own_key(),
        table = names.table(),
    )
}

pub(crate) fn count_rest(mut sql: Sql, owner: &Owner, after: Option<&Key>) -> Statement {
    let names = sql.names(owner);
    let range = rows_after(&mut sql, owner, after);
    let table = names.table();
    sql.statement(format!(
        "SELECT count(*) AS found
           FROM {table} t
          WHERE {range}"
    ))
}

/// A chunk, and others that are marked: of the rows of the one that are in none of the others.
pub(crate) fn unqueued_in(
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

pub(crate) fn marked_chunks(mut sql: Sql, owner: &Owner, field: usize, chunk: &Chunk) -> Statement {
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

pub(crate) fn mark_chunk(mut sql: Sql, owner: &Owner, field: usize, chunk: &Chunk) -> Statement {
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

/// Which marks `m` of chunks can be taken. They are of these fields, but for those of a field that
/// is calculated from others of which chunks wait. Of its own row it is calculated in
/// its turn, and the row's chunks come together.
pub(crate) fn takeable_chunks(
    sql: &Sql,
    owner: &Owner,
    fields: &[usize],
    upstream: &[Upstream],
) -> String {
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
    let names = dialect.names(owner).fields(fields.iter().copied());
    format!(
        "{is_chunk}
            AND m.field IN ({names}){waits}"
    )
}

pub(crate) fn delete_mark(mut sql: Sql, owner: &Owner, id: i64) -> Statement {
    let names = sql.names(owner);
    let marks = names.marks();
    let id = sql.bind(id);
    sql.statement(format!("DELETE FROM {marks} WHERE id = {id}"))
}

/// What is read of the rows `t` of a chunk, and which of them: those that the flagging has passed
/// over, locked as they were. What waits in the queue may be under way: it has to miss, though its
/// flag is set. The queue, too, is read from the one key to the other, however the database goes
/// about it.
pub(crate) fn passed_over(
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
pub(crate) fn rows_of(sql: &mut Sql, owner: &Owner, chunk: &Chunk) -> String {
    let names = sql.names(owner);
    range_of(sql, owner, &names.own_key_of("t"), chunk)
}

/// The owner's rows `t` after a key.
fn rows_after(sql: &mut Sql, owner: &Owner, after: Option<&Key>) -> String {
    rows_of(sql, owner, &Chunk { after: after.cloned(), to: None })
}

/// The rows of a chunk, with the owner's key in these columns.
pub(crate) fn range_of(sql: &mut Sql, owner: &Owner, columns: &Columns, chunk: &Chunk) -> String {
    let bounds = [(">", &chunk.after), ("<=", &chunk.to)];
    let bounds = bounds
        .map(|(operator, bound)| Some(sql.compare_keys(owner, columns, operator, bound.as_ref()?)));
    match bounds {
        [None, None] => "true".to_owned(),
        bounds => bounds.into_iter().flatten().collect::<All>().to_string(),
    }
}
