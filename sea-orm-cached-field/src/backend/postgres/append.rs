//! What triggers append: marks, and a notification if a worker sleeps. It stands in each trigger's
//! own function, for a call of another that runs as its owner costs as much as the mark.

use super::{DIALECT, functions::key_equal, names, sleep_lock, tables};
use crate::{
    backend::names::Columns,
    catalog::Described,
    layout::{Owner, Source},
};

/// The variables in which a trigger keeps the keys of owners: arrays, and what they are named with
/// in between.
pub(super) fn key_arrays(owner: &Owner, of: &str) -> Columns {
    let names = names(owner);
    names.keys().each(|key| format!("v_{of}{key}"))
}

/// Their declarations.
pub(super) fn declared_key_arrays(owner: &Owner, table: &Described, of: &str) -> String {
    let arrays = key_arrays(owner, of).into_iter().zip(tables::key_types(owner, table));
    arrays.map(|(array, kind)| format!("{array} {kind}[];")).collect::<Vec<_>>().join(" ")
}

/// Wakes the worker if it sleeps: it holds the lock then. The shared lock, kept to the end of this
/// transaction, keeps a worker from falling asleep while a mark is not yet visible.
fn wake(owner: &Owner) -> String {
    let names = names(owner);
    format!(
        "    IF NOT pg_try_advisory_xact_lock_shared({lock}) THEN
      PERFORM pg_notify({channel}, '');
    END IF;",
        lock = sleep_lock(&names.marks()),
        channel = DIALECT.literal(super::CHANNEL),
    )
}

/// The array that the first mark of a statement carries: what to flag at COMMIT. Not where a newer
/// version of the row would make the user's transaction fail.
fn flushed(array: &str) -> String {
    format!(
        "CASE WHEN u.n = 1
             AND current_setting('transaction_isolation') = 'read committed' THEN {array} END"
    )
}

/// An expression of the list of those fields for which a condition is true; it is empty if there
/// are none.
pub(super) fn list_where(
    owner: &Owner,
    conditions: impl IntoIterator<Item = (usize, String)>,
) -> String {
    let names = names(owner);
    let listed = conditions.into_iter().map(|(field, condition)| {
        let name = names.field(field);
        format!("CASE WHEN {condition} THEN {name} END")
    });
    let listed = listed.collect::<Columns>().join(",\n         ");
    format!("concat_ws(',', {listed})")
}

/// Marks the owners that stand in the variables; `list` is an expression.
pub(super) fn owners(owner: &Owner, table: &Described, list: &str, at_commit: bool) -> String {
    let names = names(owner);
    let keys = names.keys();
    let arrays = key_arrays(owner, "");

    // A related row may spell the key in another way, where the type calls both equal; a worker
    // goes by the owner's.
    let given = names.keys_of("u");
    let (mut values, spelled) =
        if owner.key.iter().any(|key| table.operators.contains_key(&key.name)) {
            let own = names.own_key_of("t");
            let spelled = own.iter().zip(given.iter());
            let spelled = spelled.map(|(own, given)| format!("coalesce({own}, {given})"));
            let same_row = key_equal(owner, table, "u");
            let table = names.table();
            (spelled.collect(), format!("\n      LEFT JOIN {table} t ON {same_row}"))
        } else {
            (given, String::new())
        };

    let mut columns = keys.clone();
    if at_commit {
        columns = columns.and(keys.each(|key| format!("flush_{key}")));
        values = values.and(arrays.each(flushed));
    }

    let unnested = unnested(&arrays, &keys, at_commit);
    let insert = insert(owner, list, &columns, &values, &format!("{unnested}{spelled}"));
    let wake = wake(owner);
    format!("  IF v_key_1 IS NOT NULL THEN\n{insert}\n{wake}\n  END IF;")
}

/// Marks that name related rows, from which the owners are looked up when the mark is collected. An
/// owner that another transaction is about to attach to such a row cannot be seen now.
pub(super) fn links(owner: &Owner, source: &Source, list: &str, at_commit: bool) -> String {
    let via = DIALECT.literal(&tables::via(source));
    let link = Columns::from(["link"]);
    let mut columns = Columns::from(["via", "link"]);
    let mut values = Columns::from_iter([via]).and(link.of("u"));
    if at_commit {
        columns = columns.and(["flush_links"]);
        values = values.and([flushed("v_links")]);
    }
    let unnested = unnested(&Columns::from(["v_links"]), &link, at_commit);
    let insert = insert(owner, list, &columns, &values, &unnested);
    let wake = wake(owner);
    format!("  IF v_links IS NOT NULL THEN\n{insert}\n{wake}\n  END IF;")
}

/// Marks the row at hand, of the owner's own table.
pub(super) fn own_row(owner: &Owner, list: &str) -> String {
    let names = names(owner);
    format!(
        "    INSERT INTO {marks} (field, {columns})
    VALUES ({list}, {values});
{wake}",
        marks = names.marks(),
        columns = names.keys(),
        values = names.own_key_of("NEW"),
        wake = wake(owner),
    )
}

fn unnested(arrays: &Columns, columns: &Columns, numbered: bool) -> String {
    let (ordinality, number) = if numbered { (" WITH ORDINALITY", ", n") } else { ("", "") };
    format!("unnest({arrays}){ordinality} AS u({columns}{number})")
}

fn insert(owner: &Owner, list: &str, columns: &Columns, values: &Columns, from: &str) -> String {
    let names = names(owner);
    format!(
        "    INSERT INTO {marks} (field, {columns})
    SELECT {list}, {values}
      FROM {from};",
        marks = names.marks(),
    )
}
