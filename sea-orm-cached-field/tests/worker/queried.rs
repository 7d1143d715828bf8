//! Fields that are calculated by a query, and others that are calculated alike, row by row.

use sea_orm::{ColumnTrait, ConnectionTrait, DbErr, EntityTrait, QueryFilter};
use sea_orm_cached_field::CachedFields;

use crate::harness::TestDb;

/// Of every kind of query, with their likes.
pub mod perch {
    use sea_orm::{QueryTrait, entity::prelude::*, sea_query::SelectStatement};

    use super::bird;

    #[sea_orm_cached_field::cached_fields]
    #[sea_orm::model]
    #[derive(Clone, Debug, PartialEq, DeriveEntityModel)]
    #[sea_orm(table_name = "perch")]
    pub struct Model {
        #[sea_orm(primary_key, auto_increment = false)]
        pub id: i32,
        #[sea_orm(has_many)]
        pub birds: HasMany<super::bird::Entity>,

        #[cached(query, depends_on(birds(weight)))]
        pub load: i64,
        #[cached(query, depends_on(birds(weight)))]
        pub half_load: f64,
        #[cached(query, depends_on(birds(weight)))]
        pub heaviest: Option<i32>,
        #[cached(query, depends_on(birds(ring)))]
        pub last_ring: Option<String>,
        #[cached(depends_on(birds(weight)))]
        pub load_by_row: i64,
        #[cached(batch, depends_on(birds(weight)))]
        pub greatest_weight: Option<i32>,
        #[cached(depends_on(birds(ring)))]
        pub last_ring_by_row: Option<String>,
    }

    impl ActiveModelBehavior for ActiveModel {}

    impl Model {
        fn select_load() -> Select<Entity> {
            let load = bird::Column::Weight.sum().if_null(0);
            Entity::find()
                .left_join(bird::Entity)
                .select_only()
                .column(Column::Id)
                .expr(load)
                .group_by(Column::Id)
        }

        fn select_half_load() -> impl QueryTrait<QueryStatement = SelectStatement> {
            let half = bird::Column::Weight.sum().if_null(0).mul(0.5);
            Entity::find()
                .left_join(bird::Entity)
                .select_only()
                .column(Column::Id)
                .expr(half)
                .group_by(Column::Id)
        }

        fn select_heaviest() -> Select<bird::Entity> {
            let heaviest = bird::Column::Weight.max();
            let birds = bird::Entity::find().filter(bird::Column::Weight.gt(0));
            birds
                .select_only()
                .column(bird::Column::PerchId)
                .expr(heaviest)
                .group_by(bird::Column::PerchId)
        }

        fn select_last_ring() -> Select<bird::Entity> {
            let last = bird::Column::Ring.max();
            bird::Entity::find()
                .select_only()
                .column(bird::Column::PerchId)
                .expr(last)
                .group_by(bird::Column::PerchId)
        }

        async fn calculate_load_by_row(&self, db: &impl ConnectionTrait) -> Result<i64, DbErr> {
            Ok(super::birds_of(&[self.id], db)
                .await?
                .iter()
                .map(|bird| i64::from(bird.weight))
                .sum())
        }

        async fn calculate_greatest_weights(
            perches: &[Self],
            db: &impl ConnectionTrait,
        ) -> Result<Vec<Option<i32>>, DbErr> {
            let ids: Vec<i32> = perches.iter().map(|perch| perch.id).collect();
            let birds = super::birds_of(&ids, db).await?;
            let of = |id| birds.iter().filter(move |bird| bird.perch_id == id && bird.weight > 0);
            Ok(ids.iter().map(|id| of(*id).map(|bird| bird.weight).max()).collect())
        }

        async fn calculate_last_ring_by_row(
            &self,
            db: &impl ConnectionTrait,
        ) -> Result<Option<String>, DbErr> {
            Ok(super::birds_of(&[self.id], db).await?.into_iter().map(|bird| bird.ring).max())
        }
    }

    use sea_orm::{QueryFilter, QuerySelect, sea_query::ExprTrait};
}

/// Of one field alone, which the database can calculate and store in one statement.
pub mod roost {
    use sea_orm::{QuerySelect, entity::prelude::*, sea_query::ExprTrait};

    use super::bird;

    #[sea_orm_cached_field::cached_fields]
    #[sea_orm::model]
    #[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
    #[sea_orm(table_name = "roost")]
    pub struct Model {
        #[sea_orm(primary_key, auto_increment = false)]
        pub id: i32,
        #[sea_orm(has_many)]
        pub birds: HasMany<super::bird::Entity>,

        #[cached(query, depends_on(birds(weight)), temporal_triggers)]
        pub load: i64,
    }

    impl ActiveModelBehavior for ActiveModel {}

    impl Model {
        fn select_load() -> Select<Entity> {
            let load = bird::Column::Weight.sum().if_null(0);
            Entity::find()
                .left_join(bird::Entity)
                .select_only()
                .column(Column::Id)
                .expr(load)
                .group_by(Column::Id)
        }
    }
}

pub mod bird {
    use sea_orm::entity::prelude::*;

    #[sea_orm::model]
    #[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
    #[sea_orm(table_name = "bird")]
    pub struct Model {
        #[sea_orm(primary_key, auto_increment = false)]
        pub id: i32,
        pub weight: i32,
        pub ring: String,
        pub perch_id: i32,
        pub roost_id: i32,
        #[sea_orm(belongs_to, from = "perch_id", to = "id")]
        pub perch: BelongsTo<super::perch::Entity>,
        #[sea_orm(belongs_to, from = "roost_id", to = "id")]
        pub roost: BelongsTo<super::roost::Entity>,
    }

    impl ActiveModelBehavior for ActiveModel {}
}

/// Of a composite key, and with a query that has, of some rows, no value, several, or one too
/// great.
pub mod ledge {
    use sea_orm::{QuerySelect, entity::prelude::*, sea_query::ExprTrait};

    use super::egg;

    #[sea_orm_cached_field::cached_fields]
    #[sea_orm::model]
    #[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
    #[sea_orm(table_name = "ledge")]
    pub struct Model {
        #[sea_orm(primary_key, auto_increment = false)]
        pub rock: i32,
        #[sea_orm(primary_key, auto_increment = false)]
        pub number: i32,

        #[cached(query, depends_on(super::egg(weight)))]
        pub milligrams: i32,
    }

    impl ActiveModelBehavior for ActiveModel {}

    impl Model {
        fn select_milligrams() -> Select<egg::Entity> {
            let key = [egg::Column::Rock, egg::Column::Ledge];
            egg::Entity::find()
                .select_only()
                .columns(key)
                .expr(egg::Column::Weight.into_expr().mul(1000_i64))
        }
    }
}

pub mod egg {
    use sea_orm::entity::prelude::*;

    #[sea_orm::model]
    #[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
    #[sea_orm(table_name = "egg")]
    pub struct Model {
        #[sea_orm(primary_key, auto_increment = false)]
        pub id: i32,
        pub weight: i64,
        pub rock: i32,
        pub ledge: i32,
        #[sea_orm(belongs_to, from = "(rock, ledge)", to = "(rock, number)")]
        pub at: BelongsTo<super::ledge::Entity>,
    }

    impl ActiveModelBehavior for ActiveModel {}
}

async fn birds_of(perches: &[i32], db: &impl ConnectionTrait) -> Result<Vec<bird::Model>, DbErr> {
    bird::Entity::find().filter(bird::Column::PerchId.is_in(perches.iter().copied())).all(db).await
}

pub fn perches() -> CachedFields {
    CachedFields::of::<perch::Entity>()
}

pub fn roosts() -> CachedFields {
    CachedFields::of::<roost::Entity>()
}

pub fn ledges() -> CachedFields {
    CachedFields::of::<ledge::Entity>()
}

/// Perches and roosts, so many of each.
pub async fn set_up_birds(db: &TestDb, count: i32) {
    db.create(perch::Entity).await;
    db.create(roost::Entity).await;
    db.create(bird::Entity).await;
    perches().install(&**db).await.expect("installed");
    roosts().install(&**db).await.expect("installed");
    let ids = (1..=count).map(|id| format!("({id})")).collect::<Vec<_>>().join(", ");
    db.sql(&format!("INSERT INTO perch (id) VALUES {ids}")).await;
    db.sql(&format!("INSERT INTO roost (id) VALUES {ids}")).await;
}

/// Ledges 1 to 4 of rock 1, and one of rock 2, with an egg of so many grams on each.
pub async fn set_up_ledges(db: &TestDb, grams: [i64; 5]) {
    db.create(ledge::Entity).await;
    db.create(egg::Entity).await;
    ledges().install(&**db).await.expect("installed");
    for (id, grams) in (1..).zip(grams) {
        let (rock, number) = if id == 5 { (2, 1) } else { (1, id) };
        db.sql(&format!("INSERT INTO ledge (rock, number) VALUES ({rock}, {number})")).await;
        db.sql(&format!(
            "INSERT INTO egg (id, weight, rock, ledge) VALUES ({id}, {grams}, {rock}, {number})"
        ))
        .await;
    }
}

/// What is stored of each ledge, if it is fresh.
pub async fn milligrams(db: &TestDb) -> Vec<Option<i32>> {
    let mut ledges = ledge::Entity::find().all(&**db).await.expect("loaded");
    ledges.sort_by_key(|ledge| (ledge.rock, ledge.number));
    let fresh = |ledge: ledge::Model| {
        ledge.cached_milligrams.filter(|_| !ledge.milligrams_recalculation_needed)
    };
    ledges.into_iter().map(fresh).collect()
}
