//! A field that is calculated from the same field of rows behind a path of which a part is
//! repeated.

use sea_orm::EntityTrait;
use sea_orm_cached_field::CachedFields;

use crate::harness::TestDb;

pub mod desk {
    use sea_orm::entity::prelude::*;
    use sea_orm_cached_field::cached_fields;

    #[cached_fields]
    #[sea_orm::model]
    #[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
    #[sea_orm(table_name = "desk")]
    pub struct Model {
        #[sea_orm(primary_key, auto_increment = false)]
        pub id: i32,
        pub cost: i64,
        pub office_id: i32,
        #[sea_orm(belongs_to, from = "office_id", to = "id")]
        pub office: BelongsTo<super::office::Entity>,
        /// What it costs, and all desks of the offices that its own is a part of.
        #[cached(recursive, depends_on(cost, office(recursive part_of(desks(cached_total)))))]
        pub total: i64,
    }

    impl ActiveModelBehavior for ActiveModel {}

    impl Model {
        pub async fn calculate_total(&self, db: &impl ConnectionTrait) -> Result<i64, DbErr> {
            let mut total = self.cost;
            let mut seen = std::collections::HashSet::new();
            let mut part = self.office_id;
            while let Some(above) =
                super::office::Entity::find_by_id(part).one(db).await?.and_then(|o| o.part_of_id)
            {
                if !seen.insert(above) {
                    break;
                }
                let desks = Entity::find().filter(Column::OfficeId.eq(above)).all(db).await?;
                total += desks.iter().filter_map(|desk| desk.cached_total).sum::<i64>();
                part = above;
            }
            Ok(total)
        }
    }
}

pub mod office {
    use sea_orm::entity::prelude::*;

    #[sea_orm::model]
    #[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
    #[sea_orm(table_name = "office")]
    pub struct Model {
        #[sea_orm(primary_key, auto_increment = false)]
        pub id: i32,
        pub part_of_id: Option<i32>,
        #[sea_orm(self_ref, relation_enum = "PartOf", from = "part_of_id", to = "id")]
        pub part_of: BelongsTo<Option<Entity>>,
        #[sea_orm(has_many)]
        pub desks: HasMany<super::desk::Entity>,
    }

    impl Related<Entity> for Entity {
        fn to() -> RelationDef {
            Relation::PartOf.def()
        }
    }

    impl ActiveModelBehavior for ActiveModel {}
}

fn desks() -> CachedFields {
    CachedFields::of::<desk::Entity>()
}

async fn totals(db: &TestDb) -> Vec<Option<i64>> {
    let mut desks = desk::Entity::find().all(&**db).await.expect("desks");
    desks.sort_by_key(|desk| desk.id);
    desks.iter().map(|desk| desk.cached_total).collect()
}

/// Office 3 is a part of 2, and 2 of 1; there is no desk in 2.
async fn furnished(db: &TestDb) {
    db.create(office::Entity).await;
    db.create(desk::Entity).await;
    desks().install(&**db).await.expect("installed");
    db.sql("INSERT INTO office (id, part_of_id) VALUES (1, NULL), (2, 1), (3, 2)").await;
    db.sql("INSERT INTO desk (id, cost, office_id) VALUES (1, 5, 1), (3, 7, 3)").await;
    db.drain(desks()).await;
    assert_eq!(totals(db).await, [Some(5), Some(12)]);
}

#[apply(contract)]
async fn a_change_goes_around(db: TestDb) {
    furnished(&db).await;
    db.sql("UPDATE desk SET cost = 6 WHERE id = 1").await;
    db.drain(desks()).await;
    assert_eq!(totals(&db).await, [Some(6), Some(13)]);
}

#[apply(contract)]
async fn a_circle_over_more_than_one_round_is_found(db: TestDb) {
    furnished(&db).await;
    let mut narration = db.narration();
    // The cost is 0, so that the calculation would end if the circle went unnoticed.
    db.sql("UPDATE desk SET cost = 0").await;
    db.sql("UPDATE office SET part_of_id = 3 WHERE id = 1").await;
    db.drain(desks()).await;

    let said = narration.said();
    for desk in ["desk.total 1,", "desk.total 3,"] {
        let told =
            |said: &String| said.contains(desk) && said.contains("the data goes in a circle");
        assert!(said.iter().any(told), "{desk} {said:#?}");
    }

    db.sql("UPDATE office SET part_of_id = NULL WHERE id = 1").await;
    db.sql("UPDATE desk SET cost = 1").await;
    db.drain(desks()).await;
    assert_eq!(totals(&db).await, [Some(1), Some(2)]);
    assert_eq!(db.pending("desk").await, 0);
}
