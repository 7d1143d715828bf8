//! Our tables, and the list of everything that stands beside them.

use super::{DIALECT, functions, names, own_triggers, related_triggers};
use crate::{
    backend::{
        names::Columns,
        shared::records::{Record, records},
        sql::{fitted, marks, recalculations, versions},
    },
    catalog::{Described, Object, ObjectKind},
    layout::{Column, Field, Owner, Source, Table},
};

/// Everything that has to stand in the database for this owner.
pub(crate) fn objects(owner: &Owner, table: &Described, related: &[Described]) -> Vec<Object> {
    let mut objects =
        vec![marks_table(owner, table), recalculations_table(owner, table), versions_table(owner)];
    objects.extend(records(DIALECT, owner).into_iter().map(|record| record_table(owner, record)));
    objects.extend(
        owner
            .fields
            .iter()
            .filter_map(|field| Some(expiry_index(owner, field.expires_after.as_ref()?))),
    );

    objects.extend(
        owner.fields.iter().filter(|field| field.index_flag).map(|field| flag_index(owner, field)),
    );

    objects.extend(functions::objects(owner, table, related));
    objects.extend(own_triggers::objects(owner, table));
    for (source, far) in owner.sources.iter().zip(related) {
        objects.extend(related_triggers::objects(owner, table, source, far));
    }

    objects
}

/// What the comment of each of our objects begins with.
pub(super) fn tag_prefix(owner: &Table) -> String {
    let tag = Object::TAG;
    let owner = DIALECT.qualified(owner);
    format!("{tag}{owner} ")
}

/// The table that an object with this comment serves.
pub(crate) fn owner_of(tag: &str) -> Option<Table> {
    DIALECT.table_of(Object::owner(tag)?)
}

/// An object whose comment says whose it is and what it was made from.
pub(super) fn object(
    owner: &Owner,
    kind: ObjectKind,
    name: &str,
    parent: Option<String>,
    create: Vec<String>,
) -> Object {
    let tag = tag_prefix(&owner.table) + &Object::fingerprint(kind, &create.concat());
    let mut create = create;
    create.push(comment(owner, kind, name, parent.as_deref(), &tag));
    Object { kind, name: name.to_owned(), parent, create, tag }
}

pub(super) fn comment(
    owner: &Owner,
    kind: ObjectKind,
    name: &str,
    parent: Option<&str>,
    tag: &str,
) -> String {
    let object = identity(&owner.table, kind, name, parent);
    let tag = DIALECT.literal(tag);
    format!("COMMENT ON {object} IS {tag}")
}

/// The object as `COMMENT ON` and `DROP` name it. `parent` is quoted already.
pub(super) fn identity(
    beside: &Table,
    kind: ObjectKind,
    name: &str,
    parent: Option<&str>,
) -> String {
    let own = DIALECT.beside(beside, name);

    match (kind, parent) {
        (ObjectKind::Table, _) => format!("TABLE {own}"),
        (ObjectKind::Index, _) => format!("INDEX {own}"),
        (ObjectKind::Function, _) => format!("FUNCTION {own}"),
        (ObjectKind::Trigger, parent) => {
            let name = DIALECT.quote(name);
            let table = parent.unwrap_or_default();
            format!("TRIGGER {name} ON {table}")
        }
    }
}

/// The type of each key column.
pub(super) fn key_types<'a>(owner: &Owner, table: &'a Described) -> Vec<&'a str> {
    owner.key.iter().map(|column| table.columns[&column.name].as_str()).collect()
}

/// ` COLLATE ..` of each key column, where different texts may be equal.
fn key_collations(owner: &Owner, table: &Described) -> Vec<String> {
    let collation =
        |column: &Column| table.collations.get(&column.name).map(|name| format!(" COLLATE {name}"));
    owner.key.iter().map(|column| collation(column).unwrap_or_default()).collect()
}

/// `key_1 integer NOT NULL`, ... The key is compared as the owner's is: two spellings that are
/// equal there are one key.
fn key_definitions(owner: &Owner, table: &Described, columns: Columns, null: &str) -> Columns {
    let columns =
        columns.into_iter().zip(key_types(owner, table)).zip(key_collations(owner, table));
    columns.map(|((column, kind), collation)| format!("{column} {kind}{collation}{null}")).collect()
}

/// `after_key_1 integer`, ..., `to_key_1 integer`, ...
pub(super) fn bound_definitions(owner: &Owner, table: &Described) -> Columns {
    let bounds = ["after", "to"].map(|bound| names(owner).bound(bound));
    bounds.into_iter().flat_map(|bound| key_definitions(owner, table, bound, "")).collect()
}

fn marks_table(owner: &Owner, table: &Described) -> Object {
    let names = names(owner);
    let name = marks(owner).name;
    let marks = names.marks();
    let keys = key_definitions(owner, table, names.keys(), "");
    let flush_keys = names.keys().into_iter().zip(key_types(owner, table));
    let flush_keys: Columns =
        flush_keys.map(|(column, kind)| format!("flush_{column} {kind}[]")).collect();
    let bounds = bound_definitions(owner, table);
    let via_index = DIALECT.quote(&fitted(format!("{name}_via")));

    let create = vec![
        format!(
            "CREATE TABLE {marks} (
                id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
                field text NOT NULL,
                {keys},
                eager boolean, -- NULL: as the field is set
                marked_at timestamptz NOT NULL DEFAULT now(),
                via text,
                link text,
                {flush_keys},
                flush_links text[],
                {bounds}
            ) WITH (autovacuum_vacuum_scale_factor = 0.02, autovacuum_vacuum_cost_delay = 0)"
        ),
        key_index(owner),
        format!("CREATE INDEX {via_index} ON {marks} (via, link, id) WHERE via IS NOT NULL"),
    ];

    let mut object = object(owner, ObjectKind::Table, &name, None, create);
    // Ids are generations. Those of a table that stood here before must not come again: a worker
    // may still have a claim of then.
    object.create.push(format!(
        "SELECT setval(pg_get_serial_sequence({table}, 'id'),
                CAST(extract(epoch FROM clock_timestamp()) * 1000000 AS bigint))",
        table = DIALECT.literal(&marks),
    ));

    object
}

/// Without the list of fields: an index refuses entries of more than 2,704 bytes, and with them the
/// user's write.
pub(super) fn key_index(owner: &Owner) -> String {
    let names = names(owner);
    let marks_name = marks(owner).name;
    let name = DIALECT.quote(&fitted(format!("{marks_name}_key")));
    let table = names.marks();
    let columns = names.keys();
    format!("CREATE INDEX {name} ON {table} ({columns})")
}

/// What marks of a source carry in the column `via`.
pub(super) fn via(source: &Source) -> String {
    fitted(source.name())
}

fn recalculations_table(owner: &Owner, table: &Described) -> Object {
    let names = names(owner);
    let queue = names.queue();
    let name = recalculations(owner).name;
    let keys = key_definitions(owner, table, names.keys(), " NOT NULL");
    let due_index = DIALECT.quote(&fitted(format!("{name}_due")));

    let create = vec![
        // The lease stands in a column of its own that no index holds, and the pages have room:
        // updates stay HOT.
        format!(
            "CREATE TABLE {queue} (
                {keys},
                field text NOT NULL,
                generation bigint NOT NULL,
                due_at timestamptz DEFAULT now(),
                leased_until timestamptz NOT NULL DEFAULT '-infinity',
                attempts integer NOT NULL DEFAULT 0,
                waves integer NOT NULL DEFAULT 0, -- negative: held back since then
                last_error text,
                queued_at timestamptz NOT NULL DEFAULT now(),
                stale_since timestamptz, -- NULL: it is not known, or the row is fresh
                PRIMARY KEY ({columns}, field)
            ) WITH (fillfactor = 50, autovacuum_vacuum_scale_factor = 0.02, \
             autovacuum_vacuum_cost_delay = 0)",
            columns = names.keys(),
        ),
        format!("CREATE INDEX {due_index} ON {queue} (due_at)"),
    ];

    object(owner, ObjectKind::Table, &name, None, create)
}

fn versions_table(owner: &Owner) -> Object {
    let table = versions(owner);
    let create = format!(
        "CREATE TABLE {name} (
                field text PRIMARY KEY,
                version bigint NOT NULL,
                inputs text,
                kept_by text,
                renewal bigint, -- not NULL: rows have yet to be flagged
                declared_by text
            )",
        name = DIALECT.qualified(&table),
    );

    object(owner, ObjectKind::Table, &table.name, None, vec![create])
}

fn record_table(owner: &Owner, Record { table, definitions }: Record) -> Object {
    let definitions = definitions.join(",\n                ");
    let name = DIALECT.qualified(&table);
    let create = format!(
        "CREATE TABLE {name} (
                {definitions}
            )"
    );
    object(owner, ObjectKind::Table, &table.name, None, vec![create])
}

/// Of the few rows that are flagged.
fn flag_index(owner: &Owner, field: &Field) -> Object {
    let names = names(owner);
    let table_name = &owner.table.name;
    let flag_name = &field.recalculation_needed;
    let name = fitted(format!("{table_name}_cached_{flag_name}"));
    let create = format!(
        "CREATE INDEX {quoted} ON {table} ({keys}) WHERE {flag}",
        quoted = DIALECT.quote(&name),
        table = names.table(),
        keys = names.own_key(),
        flag = DIALECT.quote(flag_name),
    );
    object(owner, ObjectKind::Index, &name, None, vec![create])
}

fn expiry_index(owner: &Owner, expires_after: &str) -> Object {
    let names = names(owner);
    let table_name = &owner.table.name;
    let name = fitted(format!("{table_name}_cached_{expires_after}"));
    let create = vec![format!(
        "CREATE INDEX {quoted} ON {table} ({column}) WHERE {column} IS NOT NULL",
        quoted = DIALECT.quote(&name),
        table = names.table(),
        column = DIALECT.quote(expires_after),
    )];
    object(owner, ObjectKind::Index, &name, None, create)
}
