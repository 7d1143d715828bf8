//! Clubs that have a rank, which changes with that of others; and lots that a query draws.

use sea_orm::ConnectionTrait;
pub use sea_orm::EntityTrait;
use sea_orm_cached_field::CachedFields;

pub use club::*;

use crate::harness::TestDb;

pub mod club {
    use sea_orm::entity::prelude::*;

    use super::bonus;

    #[sea_orm_cached_field::cached_fields]
    #[sea_orm::model]
    #[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
    #[sea_orm(table_name = "club")]
    pub struct Model {
        #[sea_orm(primary_key, auto_increment = false)]
        pub id: i32,
        pub league: i32,
        pub place: i32,
        #[sea_orm(has_many)]
        pub bonuses: HasMany<super::bonus::Entity>,

        #[cached(depends_on(place, bonuses(points)))]
        pub rank: i32,
        #[cached(batch, depends_on(place))]
        pub seat: i32,
        #[cached(depends_on(cached_rank))]
        pub title: Option<String>,
    }

    impl ActiveModelBehavior for ActiveModel {}

    impl Model {
        async fn calculate_rank(&self, db: &impl ConnectionTrait) -> Result<i32, DbErr> {
            let bonuses = self.find_related(bonus::Entity).all(db).await?;
            Ok(self.place + bonuses.iter().map(|bonus| bonus.points).sum::<i32>())
        }

        async fn calculate_seats(
            clubs: &[Self],
            _: &impl ConnectionTrait,
        ) -> Result<Vec<i32>, DbErr> {
            Ok(clubs.iter().map(|club| club.place).collect())
        }

        async fn calculate_title(&self, _: &impl ConnectionTrait) -> Result<Option<String>, DbErr> {
            Ok(self.cached_rank.map(|rank| format!("No. {rank}")))
        }
    }
}

pub mod bonus {
    use sea_orm::entity::prelude::*;

    #[sea_orm::model]
    #[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
    #[sea_orm(table_name = "bonus")]
    pub struct Model {
        #[sea_orm(primary_key, auto_increment = false)]
        pub id: i32,
        pub club_id: i32,
        pub points: i32,
        #[sea_orm(belongs_to, from = "club_id", to = "id")]
        pub club: HasOne<super::club::Entity>,
    }

    impl ActiveModelBehavior for ActiveModel {}
}

pub mod draw {
    use sea_orm::{QuerySelect, entity::prelude::*};

    #[sea_orm_cached_field::cached_fields]
    #[sea_orm::model]
    #[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
    #[sea_orm(table_name = "draw")]
    pub struct Model {
        #[sea_orm(primary_key, auto_increment = false)]
        pub id: i32,
        pub place: i32,

        #[cached(query, depends_on(place))]
        pub lot: i32,
    }

    impl ActiveModelBehavior for ActiveModel {}

    impl Model {
        fn select_lot() -> Select<Entity> {
            Entity::find().select_only().column(Column::Id).column(Column::Place)
        }
    }
}

pub fn clubs() -> CachedFields {
    CachedFields::of::<club::Entity>()
}

pub fn draws() -> CachedFields {
    CachedFields::of::<draw::Entity>()
}

pub async fn set_up_clubs(db: &TestDb) {
    db.create(club::Entity).await;
    db.create(bonus::Entity).await;
    clubs().install(&**db).await.expect("installed");
}

pub async fn set_up_draws(db: &TestDb) {
    db.create(draw::Entity).await;
    draws().install(&**db).await.expect("installed");
}

/// Clubs 1, 2 and 3.
pub async fn clubs_at(db: &TestDb, [one, two, three]: [i32; 3]) {
    let rows = format!("(1, 1, {one}), (2, 1, {two}), (3, 1, {three})");
    db.sql(&format!("INSERT INTO club (id, league, place) VALUES {rows}")).await;
}

/// By one statement, which changes those alone that move.
pub async fn move_to(db: &impl ConnectionTrait, [one, two, three]: [i32; 3]) {
    let place = format!("CASE id WHEN 1 THEN {one} WHEN 2 THEN {two} ELSE {three} END");
    let statement = format!("UPDATE club SET place = {place} WHERE place <> {place}");
    db.execute_unprepared(&statement).await.expect("moved");
}

pub async fn row(db: &impl ConnectionTrait, id: i32) -> club::Model {
    club::Entity::find_by_id(id).one(db).await.expect("loaded").expect("the row")
}

async fn rows(db: &TestDb) -> Vec<club::Model> {
    let mut rows = club::Entity::find().all(&**db).await.expect("loaded");
    rows.sort_by_key(|row| row.id);
    rows
}

/// As they are stored, right or not.
pub async fn stored_ranks(db: &TestDb) -> Vec<Option<i32>> {
    rows(db).await.into_iter().map(|row| row.cached_rank).collect()
}

/// None is stale.
pub async fn ranks(db: &TestDb) -> Vec<Option<i32>> {
    let rows = rows(db).await;
    assert!(
        rows.iter().all(|row| !row.rank_recalculation_needed && !row.seat_recalculation_needed),
        "{rows:?}"
    );
    rows.into_iter().map(|row| row.cached_rank).collect()
}

pub async fn seats(db: &TestDb) -> Vec<Option<i32>> {
    rows(db).await.into_iter().map(|row| row.cached_seat).collect()
}

pub async fn titles(db: &TestDb) -> Vec<String> {
    rows(db).await.into_iter().map(|row| row.cached_title.unwrap_or_default()).collect()
}

pub async fn lots_of(db: &TestDb) -> Vec<Option<i32>> {
    let mut rows = draw::Entity::find().all(&**db).await.expect("loaded");
    rows.sort_by_key(|row| row.id);
    assert!(rows.iter().all(|row| !row.lot_recalculation_needed), "{rows:?}");
    rows.into_iter().map(|row| row.cached_lot).collect()
}
