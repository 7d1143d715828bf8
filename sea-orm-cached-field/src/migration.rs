use sea_orm_migration::{
    MigrationName, MigrationTrait, SchemaManager,
    sea_orm::{DatabaseExecutor, DbErr},
};

use crate::CachedFields;

/// A step of a migrator that installs: up installs all cached fields of the program, down
/// uninstalls them.
///
/// In a program with several databases, [`InstallCachedFields::of`] picks the models of this one.
///
/// Put it after the migrations that create the tables. A migration runs only once. So list the step
/// again, under another name (with [`InstallCachedFields::named`]), when fields were added or
/// changed. It creates only what is missing.
///
/// ```
/// use sea_orm_cached_field::InstallCachedFields;
/// use sea_orm_migration::{MigrationTrait, MigratorTrait};
///
/// struct Migrator;
///
/// impl MigratorTrait for Migrator {
///     fn migrations() -> Vec<Box<dyn MigrationTrait>> {
///         vec![/* create the tables, */ Box::new(InstallCachedFields::named("m20260101_000002_cached_fields"))]
///     }
/// }
/// ```
#[derive(Clone, Copy, Debug)]
pub struct InstallCachedFields {
    name: &'static str,
    fields: fn() -> CachedFields,
}

impl InstallCachedFields {
    /// Returns the step under this name, by which the migrator knows whether it was applied.
    pub const fn named(name: &'static str) -> Self {
        Self { name, fields: CachedFields::all }
    }

    /// Picks these models: `.of(|| CachedFields::of::<lamppost::Entity>())`.
    #[must_use]
    pub const fn of(self, fields: fn() -> CachedFields) -> Self {
        Self { name: self.name, fields }
    }
}

impl MigrationName for InstallCachedFields {
    fn name(&self) -> &str {
        self.name
    }
}

#[sea_orm_migration::async_trait::async_trait]
#[allow(
    elided_lifetimes_in_paths,
    reason = "`async_trait` must see the signatures that the trait has"
)]
impl MigrationTrait for InstallCachedFields {
    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        (self.fields)().install(executor(manager)).await?;
        Ok(())
    }

    async fn down(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        (self.fields)().uninstall(executor(manager)).await?;
        Ok(())
    }
}

/// The first step of a migration that changes a table with cached fields, or one that they depend
/// on. Up does what [`CachedFields::suspend`] does, down does nothing.
///
/// Put it before the migration, and [`InstallCachedFields`] after it.
///
/// ```
/// use sea_orm_cached_field::{InstallCachedFields, SuspendCachedFields};
/// use sea_orm_migration::{MigrationTrait, MigratorTrait};
///
/// struct Migrator;
///
/// impl MigratorTrait for Migrator {
///     fn migrations() -> Vec<Box<dyn MigrationTrait>> {
///         vec![
///             Box::new(SuspendCachedFields::named("m20260201_000001_suspend").of("orders")),
///             /* change `orders`, */
///             Box::new(InstallCachedFields::named("m20260201_000003_install")),
///         ]
///     }
/// }
/// ```
#[derive(Clone, Debug)]
pub struct SuspendCachedFields {
    name: &'static str,
    tables: Vec<&'static str>,
}

impl SuspendCachedFields {
    /// Returns the step under this name, by which the migrator knows whether it was applied.
    pub const fn named(name: &'static str) -> Self {
        Self { name, tables: Vec::new() }
    }

    /// Adds this table, as it is named before the migration. Call it once for each table that is
    /// changed.
    #[must_use]
    pub fn of(mut self, table: &'static str) -> Self {
        self.tables.push(table);
        self
    }
}

impl MigrationName for SuspendCachedFields {
    fn name(&self) -> &str {
        self.name
    }
}

#[sea_orm_migration::async_trait::async_trait]
#[allow(
    elided_lifetimes_in_paths,
    reason = "`async_trait` must see the signatures that the trait has"
)]
impl MigrationTrait for SuspendCachedFields {
    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        for table in &self.tables {
            CachedFields::suspend(table, executor(manager)).await?;
        }
        Ok(())
    }

    async fn down(&self, _: &SchemaManager) -> Result<(), DbErr> {
        Ok(())
    }
}

fn executor<'c>(manager: &'c SchemaManager<'_>) -> &'c DatabaseExecutor<'c> {
    manager.get_connection()
}
