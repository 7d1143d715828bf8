#![deny(warnings)]
#![allow(dead_code, reason = "that they compile is the claim")]
#![forbid(unsafe_code)]

pub mod lamppost {
    use sea_orm::entity::prelude::*;
    use sea_orm_cached_field::cached_fields;

    #[cached_fields]
    #[sea_orm::model]
    #[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
    #[sea_orm(table_name = "lamppost")]
    pub struct Model {
        #[sea_orm(primary_key)]
        pub id: i32,
        pub first_name: String,
        pub country: Option<String>,
        #[sea_orm(has_many)]
        pub pigeons: HasMany<super::pigeon::Entity>,
        #[sea_orm(has_many, via = "lamppost_tag")]
        pub tags: HasMany<super::tag::Entity>,
        /// What the lamppost is called.
        #[cached(
            temporal_triggers,
            depends_on(first_name, country, cached_load, pigeons(weight), tags(label))
        )]
        #[sea_orm(column_type = "Text")]
        pub slow_full_name: String,
        #[cached(depends_on(pigeons(weight)), flagging = "collector")]
        pub load: i64,
        #[cached(depends_on())]
        pub r#type: String,
    }

    impl ActiveModelBehavior for ActiveModel {}

    impl Model {
        async fn calculate_slow_full_name(
            &self,
            db: &impl ConnectionTrait,
        ) -> Result<String, DbErr> {
            let pigeons = self.find_related(super::pigeon::Entity).all(db).await?;
            Ok(format!("{} with {} pigeons", self.first_name, pigeons.len()))
        }

        /// With SeaORM's executor, other cached fields can be read.
        async fn calculate_load(
            &self,
            db: &sea_orm::DatabaseExecutor<'_>,
        ) -> Result<i64, Box<dyn std::error::Error + Send + Sync>> {
            Ok(self.slow_full_name(db).await?.len() as i64)
        }

        async fn calculate_type(
            &self,
            _: &impl ConnectionTrait,
        ) -> Result<String, std::fmt::Error> {
            Ok(self.first_name.clone())
        }
    }
}

pub mod pigeon {
    use sea_orm::entity::prelude::*;

    #[sea_orm::model]
    #[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
    #[sea_orm(table_name = "pigeon")]
    pub struct Model {
        #[sea_orm(primary_key)]
        pub id: i32,
        #[sea_orm(column_name = "weight_g")]
        pub weight: i32,
        pub lamppost_id: i32,
        #[sea_orm(belongs_to, from = "lamppost_id", to = "id")]
        pub lamppost: BelongsTo<super::lamppost::Entity>,
    }

    impl ActiveModelBehavior for ActiveModel {}
}

pub mod tag {
    use sea_orm::entity::prelude::*;

    #[sea_orm::model]
    #[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
    #[sea_orm(table_name = "tag")]
    pub struct Model {
        #[sea_orm(primary_key)]
        pub id: i32,
        pub label: String,
        #[sea_orm(has_many, via = "lamppost_tag")]
        pub lampposts: HasMany<super::lamppost::Entity>,
    }

    impl ActiveModelBehavior for ActiveModel {}
}

pub mod lamppost_tag {
    use sea_orm::entity::prelude::*;

    #[sea_orm::model]
    #[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
    #[sea_orm(table_name = "lamppost_tag")]
    pub struct Model {
        #[sea_orm(primary_key, auto_increment = false)]
        pub lamppost_id: i32,
        #[sea_orm(primary_key, auto_increment = false)]
        pub tag_id: i32,
        #[sea_orm(belongs_to, from = "lamppost_id", to = "id")]
        pub lamppost: BelongsTo<super::lamppost::Entity>,
        #[sea_orm(belongs_to, from = "tag_id", to = "id")]
        pub tag: BelongsTo<super::tag::Entity>,
    }

    impl ActiveModelBehavior for ActiveModel {}
}

fn is_send(_: impl Send) {}

pub fn futures_are_send(
    row: &lamppost::Model,
    extended: &lamppost::ModelEx,
    db: &sea_orm::DatabaseConnection,
    transaction: &sea_orm::DatabaseTransaction,
) {
    is_send(row.slow_full_name(db));
    is_send(row.slow_full_name(transaction));
    is_send(extended.slow_full_name(db));
    is_send(extended.fresh_slow_full_name(transaction));
    is_send(row.recalculate_slow_full_name(db));
    is_send(extended.flag_slow_full_name_as_stale(db));
    is_send(row.expire_slow_full_name_after(None, db));
    is_send(row.expire_slow_full_name_after(sea_orm::prelude::DateTimeUtc::default(), transaction));
}

/// A future that owns its row and its connection can be spawned.
pub fn can_be_spawned(row: lamppost::Model, db: sea_orm::DatabaseConnection) {
    is_send(async move { row.load(&db).await });
}

#[test]
fn its_fields_are_what_was_declared() {
    use sea_orm::{ColumnTrait, DbBackend, Schema};
    use sea_orm_cached_field::CachedField;

    use crate::written;

    let spec = lamppost::SlowFullName::spec();
    assert_eq!(
        written(&spec.depends_on),
        [
            "first_name",
            "country",
            "cached_load",
            "id=lamppost_id pigeon: weight_g",
            "id=lamppost_id lamppost_tag, tag_id=id tag: label",
        ]
    );
    assert!(matches!(spec.flagging, sea_orm_cached_field::__private::Flagging::Commit));
    assert!(matches!(
        lamppost::Load::spec().flagging,
        sea_orm_cached_field::__private::Flagging::Collector
    ));
    assert_eq!(lamppost::Type::NAME, "type");

    let table = Schema::new(DbBackend::Sqlite).create_table_from_entity(lamppost::Entity);
    let table = DbBackend::Sqlite.build(&table).sql;
    assert!(table.contains(r#""cached_slow_full_name" text,"#), "{table}");
    assert!(
        table.contains(r#""slow_full_name_recalculation_needed" boolean NOT NULL DEFAULT TRUE"#),
        "{table}"
    );
    assert!(lamppost::Column::SlowFullNameExpiresAfter.def().is_null());
    assert!(lamppost::Column::CachedType.def().is_null());
}
