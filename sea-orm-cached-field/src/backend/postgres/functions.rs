//! The functions that the triggers share. All run as their owner with a pinned `search_path`. So a
//! role that may write a related table needs no right on those of the library. And no object of the
//! same name can come in between.

use super::{DIALECT, as_expiry, names, tables, way};
use crate::{
    backend::{
        names::{All, Any, Columns},
        sql::{marks, unique_name},
    },
    catalog::{Described, Object, ObjectKind, checksum},
    declaration::Flagging,
    layout::{Owner, Source, Table},
};

/// What functions of the library are declared with. See [`function_object`] for who may call them.
const DEFINER: &str = "LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp";

/// What triggers are declared with that handle the text of values of these types. It shows all that
/// they are made of, whatever the session wants to see of them. Each setting costs a little in each
/// call.
pub(super) fn trigger<'a>(kinds: impl IntoIterator<Item = &'a str>) -> String {
    let settings = if kinds.into_iter().all(is_shown_alike) {
        ""
    } else {
        "\n  SET extra_float_digits = 1 SET DateStyle = 'ISO, MDY' SET IntervalStyle = 'postgres'"
    };
    format!("() RETURNS trigger {DEFINER}{settings}")
}

/// Whether no setting of the session changes how values of this type are shown.
fn is_shown_alike(kind: &str) -> bool {
    const ALIKE: [&str; 10] = [
        "smallint", "integer", "bigint", "boolean", "uuid", "text", "xml", "json", "jsonb",
        "\"char\"",
    ];
    let item = kind.strip_suffix("[]").unwrap_or(kind);
    let with_length = ["character", "numeric", "bit"];
    ALIKE.contains(&item)
        || (!kind.contains('.') && with_length.iter().any(|name| item.starts_with(name)))
}

/// What a function is declared with that updates the owner's table. Users' triggers there run
/// inside it. So it keeps the `search_path` that it was installed under, and names everything of
/// its own with the schema.
const UPDATES_OWNERS: &str = "LANGUAGE plpgsql SECURITY DEFINER SET search_path FROM CURRENT";

/// What the functions are declared with that a worker calls. Rows that a policy hides from us must
/// not be overlooked.
const INDEXED: &str = "LANGUAGE sql SECURITY DEFINER SET search_path = pg_catalog, pg_temp
  SET enable_seqscan = off SET enable_bitmapscan = off SET jit = off SET row_security = off";

/// Tells our own writes of flags and values from foreign ones. Our functions and workers'
/// transactions set `cached_field.internal`, but any session can. It counts only for a role that
/// may empty the queue, and so could end a flag unseen anyway. Only the condition of a trigger can
/// ask this, for its function runs as who installed it.
pub(super) fn foreign(owner: &Owner) -> String {
    let names = names(owner);
    let queue = DIALECT.literal(&names.queue());
    format!(
        "(current_setting('cached_field.internal', true) IS DISTINCT FROM 'on'
    OR NOT has_table_privilege({queue}::regclass, 'DELETE'))"
    )
}

/// The argument of a trigger whose condition has found the write foreign, and how its function asks
/// for it.
pub(super) const FOREIGN: &str = "'foreign'";
pub(super) const IS_FOREIGN: &str = "TG_NARGS = 1";

pub(super) fn objects(owner: &Owner, table: &Described, related: &[Described]) -> Vec<Object> {
    let mut objects = vec![flag(owner, table), work(owner, table)];
    objects.extend(owner.looked_up().map(|source| expand(owner, table, source, related)));
    if owner.fields.iter().any(|field| field.flagging == Flagging::Commit) {
        objects.extend(flush(owner, table, related));
    }
    objects
}

/// The name of a function of the library, quoted and with its schema.
pub(super) fn function(owner: &Owner, suffix: &str) -> String {
    DIALECT.beside(&owner.table, &function_name(owner, suffix))
}

pub(super) fn function_name(owner: &Owner, suffix: &str) -> String {
    unique_name("cf", None, owner, suffix)
}

/// A function object; `signature` is what follows its name up to the body, `on` the table that it
/// serves. The owner of that table may call it: a new partition gets the triggers of the table, and
/// PostgreSQL asks for that right then.
pub(super) fn function_object(
    owner: &Owner,
    on: &Described,
    suffix: &str,
    signature: &str,
    body: &str,
) -> Object {
    // A user's column may be named like a variable of the function. Columns are qualified, so the
    // variable is always meant.
    let option = if signature.contains("LANGUAGE plpgsql") {
        "#variable_conflict use_variable\n"
    } else {
        ""
    };

    // No name in the body can contain the checksum of the body.
    let checksum = checksum(body);
    let mark = format!("$cached_field_{checksum}$");
    let function = function(owner, suffix);
    let head = format!("CREATE OR REPLACE FUNCTION {function}{signature}");
    let create = format!("{head} AS {mark}\n{option}{body}\n{mark}");

    let mut create = vec![create, format!("REVOKE ALL ON FUNCTION {function} FROM PUBLIC")];
    let granted = on.owned_by.iter().map(|role| {
        format!("GRANT EXECUTE ON FUNCTION {function} TO {role}", role = DIALECT.quote(role))
    });
    create.extend(granted);

    tables::object(owner, ObjectKind::Function, &function_name(owner, suffix), None, create)
}

/// `p_key_1 integer[], ...`
fn key_array_parameters(owner: &Owner, table: &Described) -> Columns {
    let names = names(owner);
    let types = tables::key_types(owner, table);
    let columns = names.keys().into_iter().zip(types);
    columns.map(|(column, kind)| format!("p_{column} {kind}[]")).collect()
}

/// The parameters of [`key_array_parameters`] by name.
fn key_arrays(owner: &Owner, prefix: &str) -> Columns {
    names(owner).keys().each(|column| format!("{prefix}{column}"))
}

/// Sets missing flags of a list of fields without waiting, those of a row at once. An UPDATE of no
/// rows, which would still run all statement triggers, is not sent.
fn flag(owner: &Owner, table: &Described) -> Object {
    let names = names(owner);
    let keys = names.keys();
    let marks = names.marks();
    let declared: Vec<String> =
        keys.iter().map(|key| format!("v_{key} {marks}.flush_{key}%TYPE;")).collect();

    let listed = (1..).zip(&owner.fields).map(|(at, field)| {
        let name = DIALECT.literal(field.name);
        let is_listed =
            format!("{name} OPERATOR(pg_catalog.=) ANY (pg_catalog.string_to_array(p_field, ','))");
        format!("v_field_{at} boolean := {is_listed};")
    });
    let listed: Vec<String> = listed.collect();

    // Not in the function's SET clause: only a superuser may put a parameter there that no
    // extension declares.
    let body = format!(
        "DECLARE
  {declared}
  {listed}
  v_internal pg_catalog.text := pg_catalog.current_setting('cached_field.internal', true);
BEGIN
  PERFORM pg_catalog.set_config('cached_field.internal', 'on', true);
  IF pg_catalog.cardinality(p_key_1) OPERATOR(pg_catalog.=) 1 THEN
{one}
  ELSE
{many}
  END IF;
  PERFORM pg_catalog.set_config('cached_field.internal', coalesce(v_internal, ''), true);
END",
        declared = declared.join("\n  "),
        listed = listed.join("\n  "),
        one = flag_one(owner, table),
        many = flag_many(owner, table),
    );

    let keys = key_array_parameters(owner, table);
    let signature = format!("(p_field text, {keys}) RETURNS void {UPDATES_OWNERS}");
    function_object(owner, table, "flag", &signature, &body)
}

/// Whether a flag of the row `t` is missing that is listed; and what sets those.
fn missing_flags(owner: &Owner) -> (Any, Columns) {
    let flags = || (1..).zip(&owner.fields).map(|(at, field)| (at, DIALECT.flag(field)));
    let missing: Any = flags().map(|(at, flag)| format!("v_field_{at} AND NOT t.{flag}")).collect();
    let set: Columns =
        flags().map(|(at, flag)| format!("{flag} = t.{flag} OR v_field_{at}")).collect();
    (missing, set)
}

/// `t.id OPERATOR(pg_catalog.=) u.key_1 AND ...`: the owner's row with these values in our key
/// columns.
pub(super) fn key_equal(owner: &Owner, table: &Described, values: &str) -> All {
    let names = names(owner);
    let pairs = owner.key.iter().zip(names.keys());
    let pairs = pairs.map(|(own, key)| {
        let (own, is) = (DIALECT.quote(&own.name), equality(table, &own.name));
        format!("t.{own} {is} {values}.{key}")
    });
    pairs.collect()
}

/// By what a column is compared with values of its type. By name alone `=` of a type that is not
/// PostgreSQL's own would not be found under our `search_path`, or `=` of `text` would be found
/// instead, by a cast.
pub(super) fn equality<'a>(table: &'a Described, column: &str) -> &'a str {
    table.operators.get(column).map_or("OPERATOR(pg_catalog.=)", String::as_str)
}

/// A key by itself has a plan that is kept: those for arrays depend on their length and are made
/// anew.
fn flag_one(owner: &Owner, described: &Described) -> String {
    let names = names(owner);
    let (missing, set) = missing_flags(owner);
    let pairs = owner.key.iter().zip(names.keys());
    let pairs = pairs.map(|(own, key)| {
        let (own, is) = (DIALECT.quote(&own.name), equality(described, &own.name));
        format!("t.{own} {is} p_{key}[1]")
    });
    let is_row = pairs.collect::<All>();
    let table = names.table();

    format!(
        "    PERFORM
       FROM {table} t
      WHERE {is_row}
        AND ({missing})
        FOR NO KEY UPDATE SKIP LOCKED;
    IF FOUND THEN
      UPDATE {table} t SET {set} WHERE {is_row};
    END IF;"
    )
}

fn flag_many(owner: &Owner, described: &Described) -> String {
    let names = names(owner);
    let (missing, set) = missing_flags(owner);
    let keys = names.keys();
    let own_key = names.own_key();
    let table = names.table();
    let aggregated = keys.each(|key| format!("pg_catalog.array_agg(l.{key})"));
    let equal = key_equal(owner, described, "u");
    // `unnest` of several arrays has no name with a schema.
    let unnested = |prefix: &str| keys.each(|key| format!("pg_catalog.unnest({prefix}{key})"));
    let is_any = equality(described, &owner.key[0].name);
    let selected = names.own_key_as_keys("t");

    // One key column: `= ANY`. More: a subquery a key. Both can only go by the key's index.
    let locked = match own_key.len() {
        1 => format!(
            "SELECT {selected}
              FROM {table} t
             WHERE t.{own_key} {is_any} ANY (p_key_1)
               AND ({missing})
               FOR NO KEY UPDATE SKIP LOCKED",
        ),
        _ => format!(
            "SELECT s.*
              FROM ROWS FROM ({arrays}) AS u({keys}), LATERAL (
                   SELECT {selected}
                     FROM {table} t
                    WHERE {equal}
                      AND ({missing})
                      FOR NO KEY UPDATE SKIP LOCKED) s",
            arrays = unnested("p_"),
        ),
    };

    let update = match own_key.len() {
        1 => format!("UPDATE {table} t SET {set} WHERE t.{own_key} {is_any} ANY (v_key_1);"),
        _ => format!(
            "UPDATE {table} t
         SET {set}
        FROM ROWS FROM ({arrays}) AS u({keys})
       WHERE {equal};",
            arrays = unnested("v_"),
        ),
    };

    format!(
        "    SELECT {aggregated} INTO {into}
      FROM ({locked}) l;
    IF v_key_1 IS NOT NULL THEN
      {update}
    END IF;",
        into = key_arrays(owner, "v_"),
    )
}

/// Turns marks of related rows into marks of their owners, by a snapshot that is newer than the
/// change. Where there is no mark, the owner's table is not looked at, in whatever order the
/// planner would join.
fn expand(owner: &Owner, table: &Described, source: &Source, related: &[Described]) -> Object {
    let names = names(owner);
    let marks = names.marks();

    let body = format!(
        "WITH named AS (
  SELECT u.link FROM unnest(p_links) AS u(link)
   UNION
  SELECT o.link FROM (
         SELECT m.link
           FROM {marks} m
          WHERE p_links IS NULL
            AND m.via = {via}
          LIMIT p_limit
            FOR UPDATE SKIP LOCKED) o),
gone AS (
  DELETE FROM {marks}
   WHERE ctid = ANY (ARRAY(
         SELECT l.ctid
           FROM named n, LATERAL (
                SELECT m.ctid
                  FROM {marks} m
                 WHERE m.via = {via}
                   AND m.link = n.link
                   FOR UPDATE SKIP LOCKED) l))
  RETURNING field, link, marked_at),
once AS (
  SELECT field, link, min(marked_at) AS marked_at
    FROM gone
   GROUP BY field, link),
expanded AS (
  INSERT INTO {marks} (field, {columns}, marked_at)
  SELECT g.field, {owner_keys}, min(g.marked_at)
    FROM once g{owners}
   WHERE (SELECT EXISTS (SELECT FROM gone))
   GROUP BY g.field, {owner_keys}
  RETURNING 1)
SELECT count(*) FROM expanded",
        via = DIALECT.literal(&tables::via(source)),
        columns = names.keys(),
        owner_keys = names.own_key_of("t"),
        owners = way::to_owners(owner, source, related, "g.link"),
    );

    let signature = format!("(p_limit bigint, p_links text[]) RETURNS bigint {INDEXED}");
    function_object(owner, table, &expand_suffix(source), &signature, &body)
}

pub(super) fn expand_suffix(source: &Source) -> String {
    let source = source.name();
    format!("{source}_expand")
}

/// How many of the oldest due rows are looked at for leases that end: when a worker is idle, all
/// due rows are leased.
const LEASES_LOOKED_AT: u32 = 1000;

/// Whether there is work, and otherwise in how many milliseconds: between nothing and a day, for a
/// moment may be infinite. A function, for it has to bring its planner settings along without a
/// transaction.
fn work(owner: &Owner, table: &Described) -> Object {
    let names = names(owner);
    let marks = names.marks();
    let queue = names.queue();

    let mut moments = vec![
        format!(
            "(SELECT due_at
       FROM {queue}
      WHERE due_at IS NOT NULL
        AND leased_until <= now()
        AND field || '' = ANY (p_fields)
      ORDER BY due_at
      LIMIT 1)"
        ),
        format!(
            "(SELECT min(leased_until)
       FROM (SELECT leased_until
               FROM {queue}
              WHERE due_at <= now()
              ORDER BY due_at
              LIMIT {LEASES_LOOKED_AT}) d
      WHERE leased_until > now())"
        ),
    ];

    moments.extend(owner.fields.iter().filter_map(|field| {
        let expires = DIALECT.expiry(field)?;
        let flag = DIALECT.flag(field);
        let table = names.table();
        let now = as_expiry(field, "now()");
        let moment = as_expiry(field, &expires);
        Some(format!(
            "(SELECT {moment}
       FROM {table}
      WHERE {expires} IS NOT NULL
        AND ({expires} > {now} OR NOT {flag})
      ORDER BY {expires}
      LIMIT 1)"
        ))
    }));

    let moments = moments.join(",\n    ");
    let body = format!(
        "SELECT EXISTS (
       SELECT
         FROM (SELECT
                 FROM {marks}
                WHERE string_to_array(field, ',') && p_fields
                ORDER BY id
                LIMIT 1) m),
  CAST(ceil(extract(epoch FROM greatest(least({moments},
    now() + interval '1 day'), now()) - now()) * 1000) AS bigint)"
    );

    let signature = format!("(p_fields text[], OUT work boolean, OUT wait bigint) {INDEXED}");
    function_object(owner, table, "work", &signature, &body)
}

/// At COMMIT: set the flags. No statement of the user can follow that would wait while these rows
/// are locked.
fn flush(owner: &Owner, table: &Described, related: &[Described]) -> Vec<Object> {
    let names = names(owner);
    let keys = names.keys();
    let types = tables::key_types(owner, table);
    let declared = keys.iter().zip(types).map(|(key, kind)| format!("v_{key} {kind}[];"));
    let declared = declared.collect::<Vec<_>>().join(" ");
    let lookups: Vec<String> =
        owner.looked_up().map(|source| flush_branch(owner, source, related)).collect();

    let body = format!(
        "DECLARE {declared}
BEGIN
  IF NEW.flush_key_1 IS NOT NULL THEN
    PERFORM {flag}(NEW.field, {new_keys});
  END IF;
{lookups}
  RETURN NULL;
END",
        flag = function(owner, "flag"),
        new_keys = key_arrays(owner, "NEW.flush_"),
        lookups = lookups.join("\n"),
    );

    let name = "zz_cached_field_flush";
    let create = format!(
        "CREATE CONSTRAINT TRIGGER {name} AFTER INSERT ON {marks}
  DEFERRABLE INITIALLY DEFERRED FOR EACH ROW
  WHEN (NEW.flush_key_1 IS NOT NULL OR NEW.flush_links IS NOT NULL)
  EXECUTE FUNCTION {function}()",
        marks = names.marks(),
        function = function(owner, "flush"),
    );

    vec![
        function_object(owner, table, "flush", &trigger([]), &body),
        trigger_object(owner, name, &marks(owner), create),
    ]
}

fn flush_branch(owner: &Owner, source: &Source, related: &[Described]) -> String {
    let names = names(owner);
    let keys = names.keys();
    let aggregated = names.own_key_of("t").each(|key| format!("array_agg({key})"));
    let into = keys.each(|key| format!("v_{key}"));

    format!(
        "  IF NEW.via = {via} THEN
    SELECT {aggregated} INTO {into}
      FROM (SELECT DISTINCT {owner_keys}
              FROM unnest(NEW.flush_links) AS u(link){owners}) t;
    IF v_key_1 IS NOT NULL THEN
      PERFORM {flag}(NEW.field, {into});
    END IF;
  END IF;",
        via = DIALECT.literal(&tables::via(source)),
        owner_keys = names.own_key_of("t"),
        owners = way::to_owners(owner, source, related, "u.link"),
        flag = function(owner, "flag"),
    )
}

/// A trigger object. The trigger is dropped first: `OR REPLACE` knows no constraint triggers.
pub(super) fn trigger_object(owner: &Owner, name: &str, on: &Table, create: String) -> Object {
    let on = DIALECT.qualified(on);
    let trigger = DIALECT.quote(name);
    let drop = format!("DROP TRIGGER IF EXISTS {trigger} ON {on}");
    tables::object(owner, ObjectKind::Trigger, name, Some(on), vec![drop, create])
}

/// Where a trigger finds the rows of its statement: in transition tables, or in `OLD` and `NEW` if
/// it fires for each row.
pub(super) fn old_rows(table: &Described) -> &'static str {
    if table.by_row { "(SELECT OLD.*)" } else { "cf_old" }
}

pub(super) fn new_rows(table: &Described) -> &'static str {
    if table.by_row { "(SELECT NEW.*)" } else { "cf_new" }
}

/// `AFTER <event> ON <table> ...`. Partitions do not share triggers of statements, but those of
/// rows: PostgreSQL makes them on every partition, also on later ones. They cannot have transition
/// tables.
///
/// `read`: the columns that matter to an UPDATE. The function looks more closely than the
/// condition.
pub(super) fn after<'a>(
    event: &str,
    table: &Described,
    read: impl IntoIterator<Item = &'a str>,
) -> String {
    let changed = image_changed(read);
    let level = match event {
        "TRUNCATE" => "FOR EACH STATEMENT",
        "UPDATE" if table.by_row => &format!("FOR EACH ROW WHEN ({changed})"),
        _ if table.by_row => "FOR EACH ROW",
        "INSERT" => "REFERENCING NEW TABLE AS cf_new FOR EACH STATEMENT",
        "DELETE" => "REFERENCING OLD TABLE AS cf_old FOR EACH STATEMENT",
        _ => "REFERENCING OLD TABLE AS cf_old NEW TABLE AS cf_new FOR EACH STATEMENT",
    };

    let table = DIALECT.qualified(&table.table);
    format!("AFTER {event} ON {table} {level}")
}

/// Whether the equality of a type hides no change.
pub(super) fn is_exact(kind: &str) -> bool {
    const EXACT: [&str; 9] =
        ["smallint", "integer", "bigint", "boolean", "uuid", "date", "bytea", "oid", "\"char\""];
    EXACT.contains(&kind) || (kind.starts_with("timestamp") && !kind.contains('.'))
}

/// A column's value in a form whose equality hides no change. Most types have an equality of their
/// own that does (`1.0` and `1.00`, case-insensitive collations), or none at all (`json`). Inside
/// of a row, for a cast to `text` may leave something out, such as trailing blanks of a `bpchar`.
/// And no value is there another text than NULL.
pub(super) fn comparable(expression: &str, kind: &str) -> String {
    match kind {
        _ if is_exact(kind) => expression.to_owned(),
        "text" | "xml" => format!("{expression}::text COLLATE \"C\""),
        _ if kind.starts_with("character varying") => format!("{expression}::text COLLATE \"C\""),
        _ => format!("ROW({expression})::text COLLATE \"C\""),
    }
}

/// Whether any of these columns looks different, byte by byte: what a condition may ask that is
/// evaluated under the session's settings. By the operator's function, for a dump writes
/// `ROW(..) *<> ROW(..)`, which is no comparison of rows when it is read again.
pub(super) fn image_changed<'a>(columns: impl IntoIterator<Item = &'a str>) -> String {
    let columns = DIALECT.columns(columns);
    let old = columns.of("OLD");
    let new = columns.of("NEW");
    format!("pg_catalog.record_image_ne(ROW({old}), ROW({new}))")
}
