use sea_orm_cached_field::CachedFields;

use crate::support::{NOTHING, Watch};

/// It counts its eggs, and describes them.
mod hen {
    use sea_orm::{PaginatorTrait, QueryOrder, entity::prelude::*};
    use sea_orm_cached_field::cached_fields;

    #[cached_fields]
    #[sea_orm::model]
    #[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
    #[sea_orm(table_name = "hen")]
    pub struct Model {
        #[sea_orm(primary_key)]
        pub id: i32,
        #[sea_orm(has_many)]
        pub eggs: HasMany<super::egg::Entity>,
        #[cached(depends_on(eggs()))]
        pub count: i64,
        #[cached(depends_on(eggs(*)))]
        pub description: String,
    }

    impl ActiveModelBehavior for ActiveModel {}

    impl Model {
        pub async fn calculate_count(&self, db: &impl ConnectionTrait) -> Result<i64, DbErr> {
            Ok(self.find_related(super::egg::Entity).count(db).await? as i64)
        }

        pub async fn calculate_description(
            &self,
            db: &impl ConnectionTrait,
        ) -> Result<String, DbErr> {
            let eggs = self.find_related(super::egg::Entity).order_by_asc(super::egg::Column::Id);
            let eggs = eggs
                .all(db)
                .await?
                .into_iter()
                .map(|egg| format!("{} {:?} {}", egg.id, egg.colour, egg.grams));
            Ok(eggs.collect::<Vec<_>>().join(", "))
        }
    }
}

mod egg {
    use sea_orm::entity::prelude::*;

    #[sea_orm::model]
    #[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
    #[sea_orm(table_name = "egg")]
    pub struct Model {
        #[sea_orm(primary_key)]
        pub id: i32,
        pub colour: Option<String>,
        pub grams: i32,
        pub hen_id: i32,
        #[sea_orm(belongs_to, from = "hen_id", to = "id")]
        pub hen: BelongsTo<super::hen::Entity>,
    }

    impl ActiveModelBehavior for ActiveModel {}
}

fn hens() -> CachedFields {
    CachedFields::of::<hen::Entity>()
}

#[apply(contract)]
async fn which_rows_there_are_and_what_stands_in_them(db: TestDb) {
    db.create(hen::Entity).await;
    db.create(egg::Entity).await;
    hens().install(&*db).await.expect("installed");
    db.sql("INSERT INTO hen (id) VALUES (1), (2)").await;
    let mut watch = Watch::begin(&db, hens).await;

    let laid = "INSERT INTO egg (id, grams, hen_id) VALUES (1, 60, 1), (2, 61, 1)";
    assert_eq!(watch.after(laid).await, ["hen.count 1", "hen.description 1"]);

    // Any column is read, and none of them counts.
    for change in ["colour = 'brown'", "grams = 70", "colour = NULL", "id = 9"] {
        let recalculated = watch.after(&format!("UPDATE egg SET {change} WHERE id = 1")).await;
        let unread = recalculated.iter().filter(|told| *told != "hen.description 1");
        // PostgreSQL tells rows apart by their keys.
        assert!(
            unread.clone().all(|told| told == "hen.count 1, unchanged" && change == "id = 9"),
            "{recalculated:?}"
        );
        assert!(
            recalculated.contains(&"hen.description 1".to_owned()),
            "{change}: {recalculated:?}"
        );
    }

    assert_eq!(
        watch.after("UPDATE egg SET grams = grams, colour = colour, hen_id = hen_id").await,
        NOTHING
    );
    assert_eq!(
        watch.after("UPDATE egg SET hen_id = 2 WHERE id = 9").await,
        ["hen.count 1", "hen.count 2", "hen.description 1", "hen.description 2"]
    );
    assert_eq!(
        watch.after("DELETE FROM egg WHERE hen_id = 1").await,
        ["hen.count 1", "hen.description 1"]
    );
    assert_eq!(
        db.scalar::<String>("SELECT cached_description FROM hen WHERE id = 2").await,
        "9 None 70"
    );
}
