//! Tables of the user, and what stands there of the library.

use std::collections::{BTreeMap, BTreeSet};

use sea_orm::{ConnectionTrait, DbErr, QueryResult};

use super::query;
use crate::{
    backend::Backend,
    catalog::{
        Action, Cascade, Described, Found, MissingRight, Object, ObjectKind, Standing, Tagged,
        UniqueColumn,
    },
    layout::{Owner, Table},
};

impl Backend {
    /// The table as the database has it, without what [`Backend::partitions`],
    /// [`Backend::unreadable_columns`] and [`Backend::foreign_keys`] say of it; `None` if there is
    /// none of this name.
    pub(crate) async fn describe(
        self,
        db: &impl ConnectionTrait,
        table: &Table,
    ) -> Result<Option<Found>, DbErr> {
        let mut kind = String::new();
        let mut described = Described {
            table: table.clone(),
            owned_by: None,
            columns: BTreeMap::new(),
            strict: false,
            collations: BTreeMap::new(),
            operators: BTreeMap::new(),
            nullable: BTreeSet::new(),
            generated: BTreeSet::new(),
            unreadable: BTreeMap::new(),
            by_row: false,
            partitions: Vec::new(),
            primary_key: Vec::new(),
            cascades: Vec::new(),
            unique: Vec::new(),
        };

        for row in query(db, statements!(self, catalog::describe(table))).await? {
            let is = |column| Ok::<_, DbErr>(row.try_get::<i32>("", column)? > 0);
            let name: String = row.try_get("", "name")?;
            kind = row.try_get("", "kind")?;
            described.table.schema = row.try_get("", "schema")?;
            described.by_row = is("by_row")?;
            described.strict = is("strict")?;
            described.owned_by = row.try_get("", "owned_by")?;
            if is("key")? {
                described.primary_key.push(name.clone());
            }
            if is("nullable")? {
                described.nullable.insert(name.clone());
            }
            if is("is_generated")? {
                described.generated.insert(name.clone());
            }
            if let Some(operator) = row.try_get("", "equality")? {
                described.operators.insert(name.clone(), operator);
            }
            if let Some(collation) = row.try_get("", "collated")? {
                described.collations.insert(name.clone(), collation);
            }
            described.columns.insert(name, row.try_get("", "type")?);
        }

        if described.columns.is_empty() {
            return Ok(None);
        }

        described.unique = self.replaceable(db, table).await?;
        Ok(Some(Found { kind, described }))
    }

    /// The columns of the unique indexes of a table that a replacing insert could hit.
    async fn replaceable(
        self,
        db: &impl ConnectionTrait,
        table: &Table,
    ) -> Result<Vec<Vec<UniqueColumn>>, DbErr> {
        let mut indexes: BTreeMap<String, Vec<Option<UniqueColumn>>> = BTreeMap::new();
        for row in query(db, statements!(self, Sqlite => catalog::unique_indexes(table))).await? {
            let name: Option<String> = row.try_get("", "column")?;
            let collation: String = row.try_get("", "collation")?;
            let column = name.map(|name| UniqueColumn { name, collation });
            indexes.entry(row.try_get("", "name")?).or_default().push(column);
        }

        // An index over an expression has columns without name; a trigger cannot look into it.
        Ok(indexes.into_values().filter_map(|columns| columns.into_iter().collect()).collect())
    }

    /// The partitions that hold a table's rows, and whether each is a `table` or what else.
    pub(crate) async fn partitions(
        self,
        db: &impl ConnectionTrait,
        table: &Table,
    ) -> Result<Vec<(Table, String)>, DbErr> {
        let found = query(db, statements!(self, Postgres => catalog::partitions(table))).await?;
        let read = |row: &QueryResult| {
            let table =
                Table { schema: row.try_get("", "schema")?, name: row.try_get("", "name")? };
            Ok((table, row.try_get("", "kind")?))
        };
        found.iter().map(read).collect()
    }

    /// The columns of a table that triggers read as NULL, whatever their value, each with the
    /// columns that it is computed from.
    pub(crate) async fn unreadable_columns(
        self,
        db: &impl ConnectionTrait,
        table: &Table,
    ) -> Result<BTreeMap<String, Vec<String>>, DbErr> {
        let mut unreadable: BTreeMap<String, Vec<String>> = BTreeMap::new();
        for row in
            query(db, statements!(self, Postgres => catalog::unreadable_columns(table))).await?
        {
            let behind = unreadable.entry(row.try_get("", "name")?).or_default();
            behind.extend(row.try_get::<Option<String>>("", "behind")?);
        }
        Ok(unreadable)
    }

    /// The foreign keys of a table whose actions call no triggers.
    pub(crate) async fn foreign_keys(
        self,
        db: &impl ConnectionTrait,
        table: &Table,
    ) -> Result<Vec<Cascade>, DbErr> {
        let mut keys: Vec<Cascade> = Vec::new();
        for row in query(db, statements!(self, MySql => catalog::foreign_keys(table))).await? {
            let name: String = row.try_get("", "name")?;
            let column = row.try_get("", "column")?;
            let parent_column = row.try_get("", "parent_column")?;
            if let Some(key) = keys.last_mut().filter(|key| key.name == name) {
                key.columns.push(column);
                key.parent_columns.push(parent_column);
                continue;
            }

            let action =
                |column| Ok::<_, DbErr>(Action::parse(&row.try_get::<String>("", column)?));
            let parent = Table {
                schema: row.try_get("", "parent_schema")?,
                name: row.try_get("", "parent")?,
            };
            keys.push(Cascade {
                name,
                table: table.clone(),
                columns: vec![column],
                parent,
                parent_columns: vec![parent_column],
                on_delete: action("on_delete")?,
                on_update: action("on_update")?,
            });
        }
        Ok(keys)
    }

    /// Whether the database knows this time zone, where it has to.
    pub(crate) async fn knows_time_zone(
        self,
        db: &impl ConnectionTrait,
        name: &str,
    ) -> Result<bool, DbErr> {
        let known = statements!(self, Postgres => catalog::knows_time_zone(name));
        Ok(super::value(db, known, "known").await?.unwrap_or(true))
    }

    /// The privileges that the database's user lacks to install on these tables, each with its
    /// remedy.
    pub(crate) async fn missing_privileges(
        self,
        db: &impl ConnectionTrait,
        owner: &Described,
        related: &[Described],
    ) -> Result<Vec<(String, String)>, DbErr> {
        let missing =
            query(db, statements!(self, Postgres => catalog::missing_privileges(owner, related)))
                .await?;
        missing
            .iter()
            .map(|row| Ok((row.try_get("", "privilege")?, row.try_get("", "remedy")?)))
            .collect()
    }

    /// What roles lack that work on the tables of this owner, where they may lack something.
    pub(crate) async fn missing_rights(
        self,
        db: &impl ConnectionTrait,
        owner: &Owner,
    ) -> Result<Vec<MissingRight>, DbErr> {
        let missing = query(db, statements!(self, Postgres => rights::missing(owner))).await?;
        let read = |row: &QueryResult| {
            Ok(MissingRight {
                role: row.try_get("", "role")?,
                privilege: row.try_get("", "privilege")?,
                remedy: row.try_get("", "remedy")?,
                can_be_granted: row.try_get("", "ours")?,
            })
        };

        missing.iter().map(read).collect()
    }

    /// All that was ever installed for this owner, and what stands in its place.
    pub(crate) async fn installed(
        self,
        db: &impl ConnectionTrait,
        owner: &Owner,
    ) -> Result<Vec<Standing>, DbErr> {
        let mut installed = Vec::new();
        for row in query(db, statements!(self, catalog::installed(owner))).await? {
            let Some(kind) = ObjectKind::parse(&row.try_get::<String>("", "kind")?) else {
                continue;
            };
            installed.push(Standing {
                kind,
                name: row.try_get("", "name")?,
                parent: row.try_get("", "parent")?,
                tag: row.try_get("", "tag")?,
                on: row.try_get("", "on_table")?,
            });
        }

        Ok(installed)
    }

    /// All objects in this database that have a tag of the library, with the table that each
    /// serves. With an owner, only those of this owner, in any database.
    pub(crate) async fn tagged(
        self,
        db: &impl ConnectionTrait,
        owner: Option<&Table>,
    ) -> Result<Vec<(Table, Tagged)>, DbErr> {
        let mut tagged = Vec::new();
        for row in query(db, statements!(self, catalog::tagged(owner))).await? {
            let kind: String = row.try_get("", "kind")?;
            let tag: String = row.try_get("", "tag")?;
            let (Some(kind), Some(owner)) = (ObjectKind::parse(&kind), self.owner_of(&tag)) else {
                continue;
            };
            let on: Option<String> = row.try_get("", "on_table")?;
            tagged.push((
                owner,
                Tagged {
                    kind,
                    tag,
                    name: row.try_get("", "name")?,
                    on: Table { schema: row.try_get("", "schema")?, name: on.unwrap_or_default() },
                    is_droppable: row.try_get("", "droppable")?,
                    parent: row.try_get("", "parent")?,
                },
            ));
        }

        Ok(tagged)
    }

    /// The statements that bring a table of the library, with its rows, from an older schema to
    /// this one.
    pub(crate) fn upgrade_steps(
        self,
        owner: &Owner,
        described: &Described,
        table: &Object,
        from: u32,
    ) -> Vec<String> {
        of_database!(self, upgrade::upgrade(owner, described, table, from))
    }

    /// Brings a table of the library, with its rows, from an older schema to this one.
    pub(crate) async fn upgrade(
        self,
        db: &impl ConnectionTrait,
        owner: &Owner,
        described: &Described,
        table: &Object,
        from: u32,
    ) -> Result<(), DbErr> {
        for statement in self.upgrade_steps(owner, described, table, from) {
            db.execute_unprepared(&statement).await?;
        }

        Ok(())
    }
}
