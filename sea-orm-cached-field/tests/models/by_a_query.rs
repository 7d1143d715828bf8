#![deny(warnings)]
#![allow(dead_code, reason = "that they compile is the claim")]

use sea_orm::{QuerySelect, QueryTrait, entity::prelude::*, sea_query::SelectStatement};
use sea_orm_cached_field::{CachedField, cached_fields};

#[cached_fields]
#[sea_orm::model]
#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "lamppost")]
pub struct Model {
    #[sea_orm(primary_key)]
    pub id: i32,
    pub first_name: String,
    pub mood: Mood,
    #[cached(query, depends_on(first_name), calculation_method_name = "measure")]
    pub name_length: i64,
    #[cached(query, depends_on(mood))]
    pub r#type: Option<Mood>,
}

#[derive(Clone, Debug, PartialEq, Eq, EnumIter, DeriveActiveEnum)]
#[sea_orm(rs_type = "String", db_type = "Enum", enum_name = "mood")]
pub enum Mood {
    #[sea_orm(string_value = "bright")]
    Bright,
    #[sea_orm(string_value = "dark")]
    Dark,
}

impl ActiveModelBehavior for ActiveModel {}

impl Model {
    fn measure() -> Select<Entity> {
        Entity::find().select_only().column(Column::Id).expr(Expr::cust("length(first_name)"))
    }

    fn select_type() -> impl QueryTrait<QueryStatement = SelectStatement> {
        Entity::find()
            .select_only()
            .columns([Column::Id, Column::Mood])
            .filter(Column::Mood.eq(Mood::Dark))
    }
}

#[tokio::test]
async fn it_serves_for_one_row_and_for_many() {
    use sea_orm::{ActiveValue::Set, DatabaseExecutor, Schema};

    let db = sea_orm::Database::connect("sqlite::memory:").await.unwrap();
    db.execute(&Schema::new(db.get_database_backend()).create_table_from_entity(Entity))
        .await
        .unwrap();
    let mut rows = Vec::new();
    for (name, mood) in [("Ada", Mood::Dark), ("", Mood::Bright)] {
        let row =
            ActiveModel { first_name: Set(name.to_owned()), mood: Set(mood), ..Default::default() };
        rows.push(row.insert(&db).await.unwrap());
    }
    assert_eq!(NameLength::preview(&rows[0], &db).await.unwrap(), 3);
    assert_eq!(Type::preview(&rows[0], &db).await.unwrap(), Some(Mood::Dark));
    let executor = DatabaseExecutor::Connection(&db);
    assert_eq!(NameLength::calculate_batch(&rows, &executor).await.unwrap(), [3, 0]);
    assert_eq!(Type::calculate_batch(&rows, &executor).await.unwrap(), [Some(Mood::Dark), None]);
    assert!(Type::spec().query.is_some_and(|query| query.optional));
}
