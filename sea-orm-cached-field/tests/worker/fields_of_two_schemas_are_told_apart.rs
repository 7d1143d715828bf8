//! Two tables of one name, one of them in a schema that its entity names, and a field of one name.

use sea_orm_cached_field::{CachedFields, Error, Key, Retry};

use crate::harness::TestDb;

mod item {
    use sea_orm::entity::prelude::*;

    #[sea_orm_cached_field::cached_fields]
    #[sea_orm::model]
    #[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
    #[sea_orm(table_name = "item")]
    pub struct Model {
        #[sea_orm(primary_key, auto_increment = false)]
        pub id: i32,
        pub number: i32,

        #[cached(depends_on(number))]
        pub total: i32,
    }

    impl ActiveModelBehavior for ActiveModel {}

    impl Model {
        async fn calculate_total(&self, _: &impl ConnectionTrait) -> Result<i32, DbErr> {
            Err(DbErr::Custom("no total".to_owned()))
        }
    }
}

mod archived_item {
    use sea_orm::entity::prelude::*;

    #[sea_orm_cached_field::cached_fields]
    #[sea_orm::model]
    #[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
    #[sea_orm(schema_name = "archive", table_name = "item")]
    pub struct Model {
        #[sea_orm(primary_key, auto_increment = false)]
        pub id: i32,
        pub number: i32,

        #[cached(depends_on(number))]
        pub total: i32,
    }

    impl ActiveModelBehavior for ActiveModel {}

    impl Model {
        async fn calculate_total(&self, _: &impl ConnectionTrait) -> Result<i32, DbErr> {
            Err(DbErr::Custom("no total".to_owned()))
        }
    }
}

fn items() -> CachedFields {
    CachedFields::of::<item::Entity>().and::<archived_item::Entity>()
}

/// One row in the table without a schema, two in the other, all of which have failed for good.
async fn set_up_items(db: &TestDb) {
    db.sql("CREATE SCHEMA archive").await;
    db.create(item::Entity).await;
    db.create(archived_item::Entity).await;
    items().install(&**db).await.expect("installed");
    db.sql("INSERT INTO item (id, number) VALUES (1, 1)").await;
    db.sql("INSERT INTO archive.item (id, number) VALUES (1, 1), (2, 2)").await;
    items().worker(db).max_attempts(1).drain().await.unwrap();
}

#[apply(on_postgres)]
async fn by_the_schema_before_their_names(db: TestDb) {
    set_up_items(&db).await;
    let key = Key::new([2.into()]);
    let explained = items().explain("archive.item.total", &key, &db).await.unwrap().to_string();
    assert!(explained.starts_with("archive.item.total 2 is stale\n"), "{explained}");
    let explained = items().explain("item.total", &key, &db).await.unwrap().to_string();
    assert!(explained.starts_with("item.total 2 does not exist\n"), "{explained}");

    let groups = items().failed(&db).await.unwrap().groups;
    let shown: Vec<String> = groups.iter().map(ToString::to_string).collect();
    let expected = [
        "item.total: 1 row has failed for good: Custom Error: no total",
        "archive.item.total: 2 rows have failed for good: Custom Error: no total",
    ];
    assert_eq!(shown, expected);
    assert_eq!(items().failed_rows(&groups[1], None, 10, &db).await.unwrap().len(), 2);
    assert_eq!(items().retry(Retry::Group(&groups[0]), &db).await.unwrap(), 1);
    assert_eq!(items().retry(Retry::Field("archive.item.total"), &db).await.unwrap(), 2);
}

/// Where only one table has such a field, its schema need not be named.
#[apply(on_postgres)]
async fn which_may_be_left_out_where_one_is_meant(db: TestDb) {
    set_up_items(&db).await;
    let archived = CachedFields::of::<archived_item::Entity>();
    assert_eq!(archived.retry(Retry::Field("item.total"), &db).await.unwrap(), 2);
    let error = archived.retry(Retry::Field("total"), &db).await.unwrap_err();
    assert!(matches!(&error, Error::NoSuchField { .. }), "{error}");
    let expected = "`total` does not name one cached field; there is archive.item.total";
    assert_eq!(error.to_string(), expected);
}
