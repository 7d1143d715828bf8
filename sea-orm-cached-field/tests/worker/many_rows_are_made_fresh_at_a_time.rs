use sea_orm::{ColumnTrait, Condition, QueryOrder, TransactionTrait};
use sea_orm_cached_field::{CachedFields, Error};

use crate::{fragile::*, harness::TestDb};

async fn all_rows(db: &TestDb) -> Vec<Model> {
    Entity::find().order_by_asc(Column::Id).all(&**db).await.expect("rows")
}

/// Whether each loaded row says that it is fresh, and with which value.
fn opinions(rows: &[Model]) -> Vec<Option<&str>> {
    rows.iter()
        .map(|row| row.cached_opinion.as_deref().filter(|_| !row.opinion_recalculation_needed))
        .collect()
}

/// A worker and a reader that store at the same moment may each find the row or its queue row
/// locked by the other one. Then neither stores, and the row is calculated again.
async fn calculate_what_both_found_locked(db: &TestDb) {
    db.let_time_pass("fragile").await;
    db.drain(fragiles()).await;
}

/// A field by a query, whose hook changes the row once.
mod clock {
    use sea_orm::{ExprTrait, QuerySelect, entity::prelude::*};
    use sea_orm_cached_field::cached_fields;

    #[cached_fields]
    #[sea_orm::model]
    #[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
    #[sea_orm(table_name = "clock")]
    pub struct Model {
        #[sea_orm(primary_key, auto_increment = false)]
        pub id: i32,
        pub hour: i64,
        #[cached(query, depends_on(hour), after_recalculation = "strike")]
        pub chimes: i64,
    }

    impl ActiveModelBehavior for ActiveModel {}

    impl Model {
        fn select_chimes() -> Select<Entity> {
            Entity::find().select_only().column(Column::Id).column(Column::Hour)
        }

        /// It is twelve, or, after noon, later each time.
        async fn strike(&self, db: &impl ConnectionTrait) -> Result<(), DbErr> {
            let twelve = Entity::update_many()
                .col_expr(Column::Hour, Expr::value(12))
                .filter(Column::Hour.lt(12));
            twelve.exec(db).await?;
            let later =
                Entity::update_many().col_expr(Column::Hour, Expr::col(Column::Hour).add(1));
            later.filter(Column::Hour.gt(12)).exec(db).await.map(drop)
        }
    }
}

#[apply(contract)]
async fn as_they_are_loaded(db: TestDb) {
    let place = set_up_fragiles(&db).await;
    let [a, b, c] = rows_of(&db, ["fine", "tired", "mad"]).await;
    row(&db, a).await.opinion(&*db).await.unwrap();
    let mut rows = all_rows(&db).await;
    db.sql("UPDATE fragile SET mood = 'merry' WHERE mood = 'fine'").await;
    Opinion::load(&mut rows, &*db).await.unwrap();
    assert_eq!(opinions(&rows), [Some("feels merry"), Some("feels tired"), Some("feels mad")]);
    assert_eq!(opinions(&all_rows(&db).await), opinions(&rows));
    assert_eq!([a, b, c].map(|id| place.times(id)), [2, 1, 1]);
    assert_eq!(db.pending("fragile").await, 0);
    Opinion::load(&mut rows, &*db).await.unwrap();
    assert_eq!(place.all_times(), 4);
    assert_eq!(rows[0].opinion(&*db).await.unwrap(), "feels merry");
    Opinion::load(&mut [], &*db).await.unwrap();
}

/// What a query has stored is known from the row alone.
#[apply(contract)]
async fn also_those_that_change_before_they_are_loaded(db: TestDb) {
    let clocks = || CachedFields::of::<clock::Entity>();
    db.create(clock::Entity).await;
    clocks().install(&*db).await.unwrap();
    db.sql("INSERT INTO clock (id, hour) VALUES (1, 3)").await;

    let mut rows = clock::Entity::find().all(&*db).await.unwrap();
    clock::Chimes::load(&mut rows, &*db).await.unwrap();
    // MySQL tells the value before it is stored. It was right when it was calculated.
    let (value, left) = if db.is_mysql() { (3, 1) } else { (12, 0) };
    assert_eq!((rows[0].cached_chimes, rows[0].chimes_recalculation_needed), (Some(value), false));
    assert_eq!(db.drain(clocks()).await, left);

    db.sql("UPDATE clock SET hour = 13").await;
    clock::Chimes::load(&mut rows, &*db).await.unwrap();
    let hour = db.scalar::<i64>("SELECT hour FROM clock").await;
    let value = if db.is_mysql() { 13 } else { hour };
    assert_eq!((rows[0].cached_chimes, rows[0].chimes_recalculation_needed), (Some(value), false));
    assert!(hour > 13, "it is not later");
}

#[apply(contract)]
async fn if_some_of_them_fail(db: TestDb) {
    set_up_fragiles(&db).await;
    let [_, bad, _] = rows_of(&db, ["fine", "error", "mad"]).await;
    let mut rows = all_rows(&db).await;

    let error = Opinion::load(&mut rows, &*db).await.expect_err("one fails");
    assert!(
        matches!(&error, Error::Calculation { key, .. } if key.to_string() == bad.to_string()),
        "{error}"
    );
    assert_eq!(opinions(&rows), [Some("feels fine"), None, Some("feels mad")]);

    db.sql(&format!("DELETE FROM fragile WHERE id = {bad}")).await;
    let error = Opinion::load(&mut rows, &*db).await.expect_err("one is gone");
    assert!(matches!(error, Error::RowGone { .. }), "{error}");

    db.let_time_pass("fragile").await;
    db.drain(fragiles()).await;
    assert_eq!(db.pending("fragile").await, 0);
}

#[apply(contract)]
async fn while_somebody_else_calculates_some(db: TestDb) {
    let place = set_up_fragiles(&db).await;
    rows_of(&db, ["gate", "fine"]).await;
    let once = tokio::spawn(fragiles().worker(&db).run_once());
    place.arrivals(1).await;
    let mut rows = all_rows(&db).await;
    let (loaded, ()) = tokio::join!(Opinion::load(&mut rows, &*db), async {
        place.arrivals(1).await;
        place.open(3);
    });
    loaded.unwrap();
    assert_eq!(opinions(&rows), [Some("feels gate"), Some("feels fine")]);
    once.await.unwrap().unwrap();
    calculate_what_both_found_locked(&db).await;
    assert_eq!(opinions(&all_rows(&db).await), opinions(&rows));
}

#[apply(contract)]
async fn while_one_fails_and_somebody_else_calculates_another(db: TestDb) {
    let place = set_up_fragiles(&db).await;
    let [gate] = rows_of(&db, ["gate"]).await;
    let once = tokio::spawn(fragiles().worker(&db).run_once());
    place.arrivals(1).await;
    rows_of(&db, ["error", "fine"]).await;

    let mut rows = all_rows(&db).await;
    let (loaded, ()) = tokio::join!(Opinion::load(&mut rows, &*db), async {
        place.arrivals(1).await;
        place.open(3);
    });

    assert!(matches!(loaded, Err(Error::Calculation { .. })), "{loaded:?}");
    assert_eq!(opinions(&rows), [Some("feels gate"), None, Some("feels fine")]);
    once.await.unwrap().unwrap();
    calculate_what_both_found_locked(&db).await;
    assert_opinion(&db, gate, "feels gate").await;
}

#[apply(contract)]
async fn that_have_expired_where_nothing_is_stored(db: TestDb) {
    set_up_fragiles(&db).await;
    rows_of(&db, ["fine"]).await;
    db.drain(fragiles()).await;
    db.sql("UPDATE fragile SET opinion_expires_after = '2020-01-01 00:00:00'").await;
    let mut rows = all_rows(&db).await;
    let transaction = db.begin().await.unwrap();
    Opinion::load(&mut rows, &transaction).await.unwrap();
    transaction.rollback().await.unwrap();
    assert_eq!((opinions(&rows)[0], rows[0].opinion_expires_after), (Some("feels fine"), None));
}

#[apply(contract)]
async fn in_a_transaction_that_stores_nothing(db: TestDb) {
    set_up_fragiles(&db).await;
    rows_of(&db, ["fine", "tired"]).await;
    let mut rows = all_rows(&db).await;
    let transaction = db.begin().await.unwrap();
    set_mood(&transaction, rows[0].id, "merry").await;
    Opinion::load(&mut rows, &transaction).await.unwrap();
    assert_eq!(opinions(&rows), [Some("feels merry"), Some("feels tired")]);
    transaction.rollback().await.unwrap();
    assert_eq!(opinions(&all_rows(&db).await), [None, None]);
    db.drain(fragiles()).await;
    assert_eq!(opinions(&all_rows(&db).await), [Some("feels fine"), Some("feels tired")]);
}

#[apply(contract)]
async fn recalculated_if_they_meet_a_condition(db: TestDb) {
    let place = set_up_fragiles(&db).await;
    let [a, b, other] = rows_of(&db, ["fine", "fine", "tired"]).await;
    db.drain(fragiles()).await;
    db.sql(&format!("UPDATE fragile SET mood = 'merry' WHERE id = {b}")).await;
    let condition = Column::Id.is_in([a, b]);
    assert_eq!(Opinion::recalculate(condition, &*db).await.unwrap(), 2);
    assert_eq!([a, b, other].map(|id| place.times(id)), [2, 2, 1]);
    assert_opinion(&db, b, "feels merry").await;
    assert_eq!(db.pending("fragile").await, 0);
    assert_eq!(Opinion::recalculate(Column::Mood.eq("nobody"), &*db).await.unwrap(), 0);
}

#[apply(contract)]
async fn recalculated_however_many_they_are(db: TestDb) {
    set_up_fragiles(&db).await;
    many_rows(&db, 450, "fine").await;
    assert_eq!(Opinion::recalculate(Condition::all(), &*db).await.unwrap(), 450);
    assert_eq!(db.pending("fragile").await, 0);
    let right: i64 =
        db.scalar("SELECT count(*) FROM fragile WHERE cached_opinion = 'feels fine'").await;
    assert_eq!(right, 450);
    db.sql("UPDATE fragile SET mood = 'merry'").await;
    let mut rows = all_rows(&db).await;
    Opinion::load(&mut rows, &*db).await.unwrap();
    assert!(opinions(&rows).iter().all(|opinion| *opinion == Some("feels merry")));
    assert_eq!(db.pending("fragile").await, 0);
}

#[apply(contract)]
async fn recalculated_while_one_of_them_fails(db: TestDb) {
    set_up_fragiles(&db).await;
    let [good, bad, refused, last] = rows_of(&db, ["fine", "error", "refused", "mad"]).await;
    let error = Opinion::recalculate(Condition::all(), &*db).await.expect_err("two fail");
    assert!(matches!(error, Error::Calculation { .. } | Error::Database(_)), "{error}");
    assert_opinion(&db, good, "feels fine").await;
    assert_opinion(&db, last, "feels mad").await;
    assert_eq!((queued(&db, bad).await, queued(&db, refused).await, leased(&db).await), (1, 1, 0));
}

#[apply(contract)]
async fn recalculated_in_a_transaction(db: TestDb) {
    set_up_fragiles(&db).await;
    let [a, b] = rows_of(&db, ["fine", "tired"]).await;
    let transaction = db.begin().await.unwrap();
    assert_eq!(Opinion::recalculate(Condition::all(), &transaction).await.unwrap(), 2);
    transaction.commit().await.unwrap();
    for (id, opinion) in [(a, "feels fine"), (b, "feels tired")] {
        assert_eq!(row(&db, id).await.cached_opinion.as_deref(), Some(opinion));
    }
    db.drain(fragiles()).await;
    assert_eq!(db.pending("fragile").await, 0);
}
