//! Our tables, and the list of everything that stands beside them.

use super::{DIALECT, cascades, names, own_triggers, related_triggers};
use crate::{
    backend::{
        names::Columns,
        shared::records::records,
        sql::{fitted, marks, recalculations, versions},
    },
    catalog::{Described, Object, ObjectKind, checksum},
    layout::{Owner, Source, Table},
};

/// Names of fields and sources are compared byte by byte.
pub(super) const NAME: &str = "CHARACTER SET utf8mb4 COLLATE utf8mb4_bin";

/// Everything that has to stand in the database for this owner.
pub(crate) fn objects(owner: &Owner, table: &Described, related: &[Described]) -> Vec<Object> {
    let mut objects =
        vec![marks_table(owner, table), recalculations_table(owner, table), versions_table(owner)];
    objects.extend(
        records(DIALECT, owner)
            .into_iter()
            .map(|record| self::table(owner, &record.table, &record.definitions)),
    );
    objects.extend(
        owner.fields.iter().filter_map(|field| Some(index(owner, field.expires_after.as_ref()?))),
    );

    objects.extend(
        owner
            .fields
            .iter()
            .filter(|field| field.index_flag)
            .map(|field| index(owner, &field.recalculation_needed)),
    );

    objects.extend(own_triggers::objects(owner, table));
    objects.extend(cascades::of_owner(owner, table));
    for (source, far) in owner.sources.iter().zip(related) {
        objects.extend(related_triggers::objects(owner, source, far));
        objects.extend(cascades::of_source(owner, source, far));
    }

    objects
}

/// What the tag of each of our objects begins with.
pub(super) fn tag_prefix(owner: &Table) -> String {
    // It stands in a string, in which nothing may have to be escaped.
    let table =
        DIALECT.qualified(owner).replace('%', "%25").replace('\'', "%27").replace('\\', "%5C");
    let tag = Object::TAG;
    format!("{tag}{table} ")
}

/// The table that an object with this tag serves.
pub(crate) fn owner_of(tag: &str) -> Option<Table> {
    let table = Object::owner(tag)?.replace("%5C", "\\").replace("%27", "'").replace("%25", "%");
    DIALECT.table_of(&table)
}

fn tag(owner: &Owner, kind: ObjectKind, made_from: &str) -> String {
    tag_prefix(&owner.table) + &Object::fingerprint(kind, made_from)
}

/// The `sql_mode` that triggers are made under and so run under, whatever that of the writing
/// session is. It is not strict: a value that a mark cannot hold becomes another one, and the
/// user's statement goes on. No owner's row is concerned then, or one is calculated once more.
/// Dates are kept as they are.
pub(super) const SQL_MODE: &str = "ALLOW_INVALID_DATES";

/// Sets the session's `sql_mode` to what it was before a trigger was made, which may have failed.
pub(super) const RESTORE_SQL_MODE: &str =
    "SET SESSION sql_mode = COALESCE(@cached_field_sql_mode, @@SESSION.sql_mode),
    @cached_field_sql_mode = NULL";

/// A trigger, whose body ends with its tag; not in a comment, for those get lost when a dump is
/// restored. It is named after its text, so that the one that replaces it can stand there before it
/// goes: MySQL cannot replace a trigger.
pub(super) fn trigger(
    owner: &Owner,
    suffix: &str,
    on: &Table,
    event: &str,
    statements: &[String],
) -> Object {
    let table = DIALECT.qualified(on);
    let event = format!("{event} ON {table} FOR EACH ROW");
    let body = statements.join("\n");
    let made_from = format!("{SQL_MODE} {event}{body}");
    let tag = tag(owner, ObjectKind::Trigger, &made_from);

    let checksum = checksum(&made_from);
    let suffix = format!("{suffix}_{checksum}");
    let name = crate::backend::sql::unique_name(
        "zz_cached_field",
        owner.table.schema.as_deref(),
        owner,
        &suffix,
    );

    let schema = on.schema.as_deref().map(|name| DIALECT.quote(name));
    let qualified = schema.iter().map(|schema| format!("{schema}.")).collect::<String>()
        + &DIALECT.quote(&name);
    let create = vec![format!(
        "SET @cached_field_sql_mode = @@SESSION.sql_mode, SESSION sql_mode = '{SQL_MODE}';
CREATE TRIGGER {qualified} {event}\nBEGIN\n{body}\n  DO '{tag}';\nEND;
{RESTORE_SQL_MODE}"
    )];

    Object { kind: ObjectKind::Trigger, name, parent: schema, create, tag }
}

fn table(owner: &Owner, table: &Table, definitions: &[String]) -> Object {
    let definitions = definitions.join(",\n  ");
    let tag = tag(owner, ObjectKind::Table, &definitions);
    let create = vec![format!(
        "CREATE TABLE {name} (
  {definitions}
) ENGINE = InnoDB COMMENT = {tag}",
        name = DIALECT.qualified(table),
        tag = DIALECT.literal(&tag),
    )];
    Object { kind: ObjectKind::Table, name: table.name.clone(), parent: None, create, tag }
}

/// `key_1 int NOT NULL`, ...
fn key_definitions(owner: &Owner, table: &Described, null: &str) -> Vec<String> {
    definitions(owner, table, names(owner).keys(), null)
}

/// `after_key_1 int NULL`, ..., `to_key_1 int NULL`, ...
pub(super) fn bound_definitions(owner: &Owner, table: &Described) -> Vec<String> {
    ["after", "to"]
        .map(|bound| definitions(owner, table, names(owner).bound(bound), "NULL"))
        .concat()
}

fn definitions(owner: &Owner, table: &Described, columns: Columns, null: &str) -> Vec<String> {
    let columns = columns.into_iter().zip(&owner.key);
    let columns = columns.map(|(column, own)| (column, &table.columns[&own.name]));
    columns.map(|(column, kind)| format!("{column} {kind} {null}")).collect()
}

/// The columns of a mark that name a related row.
pub(super) fn link_columns() -> Columns {
    Columns::from(["via", "link", "link_hash"])
}

/// What marks of a source carry in the column `via`.
pub(super) fn via(source: &Source) -> String {
    fitted(source.name())
}

fn marks_table(owner: &Owner, described: &Described) -> Object {
    let names = names(owner);
    let mut definitions = vec!["id BIGINT NOT NULL AUTO_INCREMENT PRIMARY KEY".to_owned()];
    definitions.push(format!("field VARCHAR(128) {NAME} NOT NULL"));
    definitions.extend(key_definitions(owner, described, "NULL"));
    definitions.extend([
        "eager BOOLEAN NULL".to_owned(),
        "marked_at DATETIME(6) NOT NULL DEFAULT (UTC_TIMESTAMP(6))".to_owned(),
        format!("via VARCHAR(64) {NAME} NULL"),
        "link LONGTEXT CHARACTER SET ascii COLLATE ascii_bin NULL".to_owned(),
        "link_hash INT UNSIGNED NULL".to_owned(),
    ]);
    definitions.extend(bound_definitions(owner, described));
    definitions.extend([
        format!("KEY by_key ({columns}, field)", columns = names.keys()),
        "KEY by_via (via)".to_owned(),
        "KEY by_link (link_hash)".to_owned(),
    ]);

    table(owner, &marks(owner), &definitions)
}

fn recalculations_table(owner: &Owner, described: &Described) -> Object {
    let names = names(owner);
    let mut definitions = key_definitions(owner, described, "NOT NULL");
    definitions.extend([
        format!("field VARCHAR(128) {NAME} NOT NULL"),
        "generation BIGINT NOT NULL".to_owned(),
        "due_at DATETIME(6) NULL DEFAULT (UTC_TIMESTAMP(6))".to_owned(),
        "leased_until DATETIME(6) NOT NULL DEFAULT '1970-01-01 00:00:00'".to_owned(),
        "attempts INT NOT NULL DEFAULT 0".to_owned(),
        "waves INT NOT NULL DEFAULT 0".to_owned(),
        "last_error LONGTEXT CHARACTER SET utf8mb4 NULL".to_owned(),
        "queued_at DATETIME(6) NOT NULL DEFAULT (UTC_TIMESTAMP(6))".to_owned(),
        "stale_since DATETIME(6) NULL".to_owned(),
        format!("PRIMARY KEY ({columns}, field)", columns = names.keys()),
        "KEY by_due (due_at)".to_owned(),
    ]);

    table(owner, &recalculations(owner), &definitions)
}

fn versions_table(owner: &Owner) -> Object {
    let definitions = [
        format!("field VARCHAR(128) {NAME} NOT NULL PRIMARY KEY"),
        "version BIGINT NOT NULL".to_owned(),
        format!("inputs LONGTEXT {NAME} NULL"),
        format!("kept_by LONGTEXT {NAME} NULL"),
        "renewal BIGINT NULL".to_owned(),
        format!("declared_by VARCHAR(128) {NAME} NULL"),
    ];
    table(owner, &versions(owner), &definitions)
}

fn index(owner: &Owner, column: &str) -> Object {
    let names = names(owner);
    let table_name = &owner.table.name;
    let name = fitted(format!("{table_name}_cached_{column}"));
    let table = names.table();
    let (quoted, column) = (DIALECT.quote(&name), DIALECT.quote(column));
    let head = format!("CREATE INDEX {quoted} ON {table} ({column})");
    let tag = tag(owner, ObjectKind::Index, &head);
    let comment = DIALECT.literal(&tag);
    let create = vec![format!("{head} COMMENT {comment}")];
    Object { kind: ObjectKind::Index, name, parent: None, create, tag }
}
