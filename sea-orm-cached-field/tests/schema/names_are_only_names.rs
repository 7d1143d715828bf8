use sea_orm::DbBackend;
use sea_orm_cached_field::CachedFields;

use crate::{
    catalog::{installed, names},
    harness::TestDb,
};

/// Names that would do harm if they were more than names.
pub mod bobby {
    use sea_orm::entity::prelude::*;
    use sea_orm_cached_field::cached_fields;

    #[cached_fields]
    #[sea_orm::model]
    #[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
    #[sea_orm(table_name = "x\"; DROP TABLE y; -- */ %s $1 ?")]
    pub struct Model {
        #[sea_orm(primary_key, column_name = "i\"d'")]
        pub id: i32,
        #[sea_orm(column_name = "näme'); DROP TABLE y; --")]
        pub name: String,
        #[sea_orm(has_many)]
        pub toys: HasMany<super::toy::Entity>,
        #[cached(depends_on(name, toys(name)), temporal_triggers)]
        #[sea_orm(column_name = "la\"bel'é 灯")]
        pub label: String,
    }

    impl ActiveModelBehavior for ActiveModel {}

    impl Model {
        pub async fn calculate_label(&self, db: &impl ConnectionTrait) -> Result<String, DbErr> {
            let toys = self.find_related(super::toy::Entity).all(db).await?;
            Ok(format!("{} with {}", self.name, toys.len()))
        }
    }
}

related!(toy, { table_name = "y" }, {
    #[sea_orm(column_name = "bobby's \"id\"")]
    pub bobby_id: i32,
    #[sea_orm(belongs_to, from = "bobby_id", to = "id")]
    pub bobby: BelongsTo<super::bobby::Entity>,
});

/// By hand: SeaORM cannot create a table with such columns on PostgreSQL.
async fn create_tables(db: &TestDb) {
    let (id, text) = match db.get_database_backend() {
        DbBackend::Sqlite => ("INTEGER", "TEXT"),
        DbBackend::MySql => ("INTEGER AUTO_INCREMENT", "VARCHAR(100)"),
        _ => ("SERIAL", "TEXT"),
    };
    let table = format!(
        r#"CREATE TABLE "x""; DROP TABLE y; -- */ %s $1 ?" (
            "i""d'" {id} PRIMARY KEY, "näme'); DROP TABLE y; --" {text} NOT NULL)"#
    );
    db.sql(&db.quoted(&table)).await;
    let toys = format!(
        r#"CREATE TABLE y (id {id} PRIMARY KEY, name TEXT, "bobby's ""id""" INTEGER NOT NULL)"#
    );
    db.sql(&db.quoted(&toys)).await;
}

async fn label(db: &TestDb) -> Option<String> {
    use sea_orm::EntityTrait;
    let row = bobby::Entity::find().one(&**db).await.expect("loaded").expect("the row");
    assert!(!row.label_recalculation_needed);
    row.cached_label
}

#[apply(contract)]
async fn whatever_stands_in_them(db: TestDb) {
    use sea_orm::{ActiveModelTrait, Set};
    create_tables(&db).await;
    let before = names(&db).await;
    installed(&db, CachedFields::of::<bobby::Entity>()).await;
    assert_eq!(installed(&db, CachedFields::of::<bobby::Entity>()).await, "nothing to do\n");

    let bobby = bobby::ActiveModel { name: Set("Bobby".to_owned()), ..Default::default() };
    let bobby = bobby.insert(&*db).await.expect("a row");
    db.drain(CachedFields::of::<bobby::Entity>()).await;
    assert_eq!(label(&db).await.as_deref(), Some("Bobby with 0"));

    let toy = toy::ActiveModel {
        name: Set("ball".to_owned()),
        bobby_id: Set(bobby.id),
        ..Default::default()
    };
    toy.insert(&*db).await.expect("a toy");
    assert_eq!(db.drain(CachedFields::of::<bobby::Entity>()).await, 1);
    assert_eq!(label(&db).await.as_deref(), Some("Bobby with 1"));

    CachedFields::of::<bobby::Entity>().uninstall(&*db).await.expect("uninstalled");
    let left: Vec<String> =
        names(&db).await.into_iter().filter(|name| !before.contains(name)).collect();
    assert!(left.iter().all(|name| name.starts_with("column ")), "{left:?}");
    assert_eq!(db.scalar::<i64>("SELECT count(*) FROM y").await, 1);
}
