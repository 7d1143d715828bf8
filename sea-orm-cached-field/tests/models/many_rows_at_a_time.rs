#![deny(warnings)]
#![allow(dead_code, reason = "that they compile is the claim")]

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
    #[cached(batch, depends_on(first_name))]
    pub nickname: Option<String>,
    #[cached(batch, depends_on(first_name), calculation_method_name = "measure_name")]
    pub name_length: i64,
    #[cached(batch, depends_on())]
    pub r#type: i32,
    #[cached(depends_on(first_name))]
    pub shout: String,
}

impl ActiveModelBehavior for ActiveModel {}

impl Model {
    async fn calculate_nicknames(
        models: &[Self],
        _: &impl ConnectionTrait,
    ) -> Result<Vec<Option<String>>, DbErr> {
        Ok(models.iter().map(Self::calculate_nickname).collect())
    }

    /// No more than a helper of the function above.
    fn calculate_nickname(&self) -> Option<String> {
        self.first_name.get(..1).map(str::to_owned)
    }

    async fn measure_names(
        models: &[Model],
        _: &impl ConnectionTrait,
    ) -> Result<Vec<i64>, std::num::TryFromIntError> {
        models.iter().map(|model| i64::try_from(model.first_name.len())).collect()
    }

    /// Not every calculation needs an `async fn`.
    fn calculate_types(
        models: &[Self],
        _: &impl ConnectionTrait,
    ) -> impl Future<Output = Result<Vec<i32>, DbErr>> {
        std::future::ready(Ok(vec![0; models.len()]))
    }

    async fn calculate_shout(&self, _: &impl ConnectionTrait) -> Result<String, DbErr> {
        Ok(self.first_name.to_uppercase())
    }
}

fn row(first_name: &str) -> Model {
    Model {
        id: 1,
        first_name: first_name.to_owned(),
        cached_nickname: None,
        nickname_recalculation_needed: true,
        cached_name_length: None,
        name_length_recalculation_needed: true,
        cached_type: None,
        type_recalculation_needed: true,
        cached_shout: None,
        shout_recalculation_needed: true,
    }
}

#[tokio::test]
async fn either_form_serves_for_one_row_and_for_many() {
    use sea_orm::DatabaseExecutor;
    use sea_orm_cached_field::CachedField;

    let db = sea_orm::Database::connect("sqlite::memory:").await.unwrap();
    let executor = DatabaseExecutor::Connection(&db);
    let rows = [row("Ada"), row("")];
    assert_eq!(
        Nickname::calculate_batch(&rows, &executor).await.unwrap(),
        [Some("A".to_owned()), None]
    );
    assert_eq!(Shout::calculate_batch(&rows, &executor).await.unwrap(), ["ADA", ""]);
    assert_eq!(NameLength::calculate(&rows[0], &executor).await.unwrap(), 3);
    assert_eq!(NameLength::preview(&rows[0], &db).await.unwrap(), 3);
    assert_eq!(Type::preview(&rows[0], &db).await.unwrap(), 0);
    assert!(Nickname::spec().batch && !Shout::spec().batch);
}
