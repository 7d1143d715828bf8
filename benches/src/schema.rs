//! The tables: lampposts, and pigeons that sit on them. Each way of keeping a lamppost's name has
//! models of its own.

use sea_orm::DbBackend;
use sea_orm_cached_field::CachedFields;

/// Returns the type with which CAST makes an `i64`. Sums of MariaDB and MySQL are decimal numbers.
pub(crate) fn integer(backend: DbBackend) -> &'static str {
    if backend == DbBackend::MySql { "signed" } else { "bigint" }
}

/// A lamppost whose name is cached as `$cached` says, and its pigeons.
macro_rules! lampposts {
    ($(#[$doc:meta])* $town:ident, cached($($cached:tt)*), $($calculation:tt)*) => {
        $(#[$doc])*
        #[allow(dead_code, reason = "each way uses part of what SeaORM generates")]
        pub(crate) mod $town {
            pub(crate) mod lamppost {
                use sea_orm::{ExprTrait, QuerySelect, entity::prelude::*};
                use sea_orm_cached_field::cached_fields;

                use super::pigeon;

                #[cached_fields]
                #[sea_orm::model]
                #[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
                #[sea_orm(table_name = "lamppost")]
                pub struct Model {
                    #[sea_orm(primary_key)]
                    pub id: i32,
                    pub first_name: String,
                    pub country: String,
                    #[sea_orm(has_many)]
                    pub pigeons: HasMany<super::pigeon::Entity>,
                    #[cached($($cached)*)]
                    pub slow_full_name: String,
                }

                impl ActiveModelBehavior for ActiveModel {}

                impl Model {
                    $($calculation)*

                    /// Returns the weight, by the query that makes the name slow.
                    async fn weight(&self, db: &impl ConnectionTrait) -> Result<i64, DbErr> {
                        let weights = self.find_related(pigeon::Entity).select_only();
                        let integer = crate::schema::integer(db.get_database_backend());
                        let sum = weights.expr(pigeon::Column::Weight.sum().cast_as(integer)).into_tuple();
                        Ok(sum.one(db).await?.flatten().unwrap_or(0))
                    }

                    fn with_weight(&self, weight: i64) -> String {
                        format!("The {weight} {} of {}", self.first_name, self.country)
                    }
                }
            }

            pub(crate) mod pigeon {
                use sea_orm::entity::prelude::*;

                #[sea_orm::model]
                #[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
                #[sea_orm(table_name = "pigeon")]
                pub struct Model {
                    #[sea_orm(primary_key)]
                    pub id: i32,
                    #[sea_orm(indexed)]
                    pub lamppost_id: i32,
                    pub weight: i32,
                    pub name: String,
                    #[sea_orm(belongs_to, from = "lamppost_id", to = "id")]
                    pub lamppost: BelongsTo<super::lamppost::Entity>,
                }

                impl ActiveModelBehavior for ActiveModel {}
            }
        }
    };
}

lampposts! {
    /// Calculated row by row, with a query each.
    row_wise,
    cached(depends_on(first_name, country, pigeons(weight))),
    async fn calculate_slow_full_name(&self, db: &impl ConnectionTrait) -> Result<String, DbErr> {
        Ok(self.with_weight(self.weight(db).await?))
    }
}

lampposts! {
    /// The same, flagged by the collector.
    collector,
    cached(depends_on(first_name, country, pigeons(weight)), flagging = "collector"),
    async fn calculate_slow_full_name(&self, db: &impl ConnectionTrait) -> Result<String, DbErr> {
        Ok(self.with_weight(self.weight(db).await?))
    }
}

lampposts! {
    /// Many rows at a time.
    batch,
    cached(batch, depends_on(first_name, country, pigeons(weight))),
    async fn calculate_slow_full_names(models: &[Self], db: &impl ConnectionTrait) -> Result<Vec<String>, DbErr> {
        let integer = crate::schema::integer(db.get_database_backend());
        let weights = pigeon::Entity::find()
            .filter(pigeon::Column::LamppostId.is_in(models.iter().map(|model| model.id)))
            .select_only()
            .column(pigeon::Column::LamppostId)
            .expr(pigeon::Column::Weight.sum().cast_as(integer))
            .group_by(pigeon::Column::LamppostId);
        let weights: Vec<(i32, i64)> = weights.into_tuple().all(db).await?;
        let weights: std::collections::HashMap<i32, i64> = weights.into_iter().collect();
        Ok(models.iter().map(|model| model.with_weight(weights.get(&model.id).copied().unwrap_or(0))).collect())
    }
}

lampposts! {
    /// By one query that selects the names of many rows.
    by_query,
    cached(query, depends_on(first_name, country, pigeons(weight))),
    fn select_slow_full_name() -> Select<Entity> {
        Entity::find()
            .select_only()
            .column(Column::Id)
            .expr(Expr::cust("'The ' || coalesce(sum(weight), 0) || ' ' || first_name || ' of ' || country"))
            .left_join(pigeon::Entity)
            .group_by(Column::Id)
            .group_by(Column::FirstName)
            .group_by(Column::Country)
    }
}

/// Lampposts whose names have nothing to do with pigeons.
macro_rules! lampposts_alone {
    ($(#[$doc:meta])* $town:ident, $($calculation:tt)*) => {
        $(#[$doc])*
        #[allow(dead_code, reason = "each way uses part of what SeaORM generates")]
        pub(crate) mod $town {
            use sea_orm::entity::prelude::*;
            use sea_orm_cached_field::cached_fields;

            #[cached_fields]
            #[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
            #[sea_orm(table_name = "lamppost")]
            pub struct Model {
                #[sea_orm(primary_key)]
                pub id: i32,
                pub first_name: String,
                pub country: String,
                #[cached(depends_on(first_name, country))]
                pub slow_full_name: String,
            }

            #[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
            pub enum Relation {}

            impl ActiveModelBehavior for ActiveModel {}

            impl Model {
                $($calculation)*
            }
        }
    };
}

lampposts_alone! {
    /// Without a calculation: only the work of the library is left.
    own_columns,
    async fn calculate_slow_full_name(&self, _: &impl ConnectionTrait) -> Result<String, DbErr> {
        Ok(format!("The {} of {}", self.first_name, self.country))
    }
}

lampposts_alone! {
    /// By a calculation that waits for another service for 5 ms.
    waiting,
    async fn calculate_slow_full_name(&self, _: &impl ConnectionTrait) -> Result<String, DbErr> {
        tokio::time::sleep(std::time::Duration::from_millis(5)).await;
        Ok(format!("The {} of {}", self.first_name, self.country))
    }
}

/// Lampposts with a field that expires, and is calculated from another field.
pub(crate) mod expiring {
    use sea_orm::entity::prelude::*;
    use sea_orm_cached_field::cached_fields;

    #[cached_fields]
    #[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
    #[sea_orm(table_name = "lamppost")]
    pub struct Model {
        #[sea_orm(primary_key, auto_increment = false)]
        pub id: i32,
        pub first_name: String,
        pub country: String,
        #[cached(depends_on(first_name, country))]
        pub slow_full_name: String,
        #[cached(depends_on(cached_slow_full_name), expires_every = "1day")]
        pub greeting: String,
    }

    #[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
    pub enum Relation {}

    impl ActiveModelBehavior for ActiveModel {}

    impl Model {
        async fn calculate_slow_full_name(
            &self,
            _: &impl ConnectionTrait,
        ) -> Result<String, DbErr> {
            Ok(format!("The {} of {}", self.first_name, self.country))
        }

        async fn calculate_greeting(&self, _: &impl ConnectionTrait) -> Result<String, DbErr> {
            Ok(format!("Hello, {}", self.cached_slow_full_name.as_deref().unwrap_or_default()))
        }
    }
}

/// A name without a calculation, in an ordinary column.
pub(crate) mod plain {
    use sea_orm::entity::prelude::*;

    #[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
    #[sea_orm(table_name = "plain_lamppost")]
    pub struct Model {
        #[sea_orm(primary_key)]
        pub id: i32,
        pub first_name: String,
        pub country: String,
        pub slow_full_name: String,
    }

    #[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
    pub enum Relation {}

    impl ActiveModelBehavior for ActiveModel {}
}

/// A cached number.
pub(crate) mod number {
    use sea_orm::entity::prelude::*;
    use sea_orm_cached_field::cached_fields;

    #[cached_fields]
    #[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
    #[sea_orm(table_name = "number")]
    pub struct Model {
        #[sea_orm(primary_key)]
        pub id: i32,
        #[cached(depends_on(id))]
        pub square: i64,
    }

    #[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
    pub enum Relation {}

    impl ActiveModelBehavior for ActiveModel {}

    impl Model {
        async fn calculate_square(&self, _: &impl ConnectionTrait) -> Result<i64, DbErr> {
            Ok(i64::from(self.id).pow(2))
        }
    }
}

/// A way of keeping the lampposts' names.
#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
pub(crate) enum Way {
    RowWise,
    Collector,
    Batch,
    Query,
    OwnColumns,
    Expiring,
    Waiting,
}

impl Way {
    pub(crate) fn models(self) -> CachedFields {
        match self {
            Self::RowWise => CachedFields::of::<row_wise::lamppost::Entity>(),
            Self::Collector => CachedFields::of::<collector::lamppost::Entity>(),
            Self::Batch => CachedFields::of::<batch::lamppost::Entity>(),
            Self::Query => CachedFields::of::<by_query::lamppost::Entity>(),
            Self::OwnColumns => CachedFields::of::<own_columns::Entity>(),
            Self::Expiring => CachedFields::of::<expiring::Entity>(),
            Self::Waiting => CachedFields::of::<waiting::Entity>(),
        }
    }
}
