use std::time::Duration;

use sea_orm::{DatabaseConnection, DbBackend, EntityTrait};
use sea_orm_cached_field::{CachedFields, Error, InstallError};

use crate::{
    harness::{Narration, TestDb},
    queried::*,
};

const PLACES: i32 = 12;

/// Does something at random to the birds.
async fn edit(db: &DatabaseConnection, bird: i32) {
    let weight = fastrand::i32(0..100);
    let place = fastrand::i32(1..=PLACES);
    let statement = match fastrand::u8(..4) {
        0 => format!(
            "INSERT INTO bird (id, weight, ring, perch_id, roost_id)
             VALUES ({bird}, {weight}, 'r{weight}', {place}, {place})"
        ),
        1 => format!(
            "UPDATE bird SET weight = {weight}, ring = 'r{weight}' WHERE perch_id = {place}"
        ),
        2 => format!(
            "UPDATE bird SET perch_id = {place}, roost_id = {place} WHERE id = {}",
            fastrand::i32(..bird)
        ),
        _ => format!("DELETE FROM bird WHERE id = {}", fastrand::i32(..bird)),
    };

    sea_orm::ConnectionTrait::execute_unprepared(db, &statement).await.expect("edited");
}

async fn all_agree(db: &TestDb) {
    let birds = bird::Entity::find().all(&**db).await.expect("birds");
    let load = |place: i32| {
        birds.iter().filter(|bird| bird.perch_id == place).map(|bird| i64::from(bird.weight)).sum()
    };

    for perch in perch::Entity::find().all(&**db).await.expect("perches") {
        assert_eq!(perch.cached_load, Some(load(perch.id)), "{perch:?}");
        assert_eq!(perch.cached_load, perch.cached_load_by_row, "{perch:?}");
        assert_eq!(
            perch.cached_half_load,
            perch.cached_load_by_row.map(|load| load as f64 / 2.0),
            "{perch:?}"
        );
        assert_eq!(perch.cached_heaviest, perch.cached_greatest_weight, "{perch:?}");
        assert_eq!(perch.cached_last_ring, perch.cached_last_ring_by_row, "{perch:?}");
    }

    for roost in roost::Entity::find().all(&**db).await.expect("roosts") {
        assert_eq!(roost.cached_load, Some(load(roost.id)), "{roost:?}");
        assert!(!roost.load_recalculation_needed);
    }
    assert_eq!(db.pending("perch").await + db.pending("roost").await, 0);
}

fn failures(narration: &mut Narration) -> Vec<String> {
    narration.said().into_iter().filter(|said| said.starts_with("failed")).collect()
}

async fn drain_patiently(db: &TestDb, models: CachedFields) {
    let hour = Duration::from_secs(3600);
    models.worker(db).backoff(hour, hour).drain().await.expect("drained");
}

/// Ledge 2 of four fails alone, with this error; the others are stored.
async fn one_fails(db: &TestDb, error: &str) {
    let mut narration = db.narration();
    drain_patiently(db, ledges()).await;
    let failures = failures(&mut narration);
    let row = "failed ledge.milligrams (1, 2), attempt 1";
    assert!(
        failures.len() == 1 && failures[0].starts_with(row) && failures[0].contains(error),
        "{failures:?}"
    );
    assert_eq!(milligrams(db).await, [Some(1000), None, Some(3000), Some(4000), Some(5000)]);
}

#[apply(contract)]
async fn after_any_edits(db: TestDb) {
    set_up_birds(&db, PLACES).await;
    for round in 0..6 {
        for edit_number in 1..=10 {
            edit(&db, round * 10 + edit_number).await;
        }
        db.drain(perches()).await;
        db.drain(roosts()).await;
        all_agree(&db).await;
    }
}

#[apply(contract)]
async fn with_nothing_left_to_be_calculated_otherwise(db: TestDb) {
    set_up_ledges(&db, [1, 2, 3, 4, 5]).await;
    db.drain(ledges()).await;
    assert_eq!(milligrams(&db).await, [1000, 2000, 3000, 4000, 5000].map(Some));
    assert_eq!(db.pending("ledge").await, 0);
}

#[apply(contract)]
async fn but_of_a_deleted_row(db: TestDb) {
    set_up_ledges(&db, [1, 2, 3, 4, 5]).await;
    db.sql("DELETE FROM egg WHERE id = 2").await;
    db.sql("DELETE FROM ledge WHERE rock = 1 AND number = 2").await;
    db.drain(ledges()).await;
    assert_eq!(milligrams(&db).await, [1000, 3000, 4000, 5000].map(Some));
    assert_eq!(db.pending("ledge").await, 0);
}

#[apply(contract)]
async fn while_others_write(db: TestDb) {
    set_up_birds(&db, PLACES).await;
    let pool = db.another_pool().await;
    let writer = tokio::spawn(async move {
        for bird in 1..=150 {
            edit(&pool, bird).await;
        }
    });
    while !writer.is_finished() {
        db.drain(roosts()).await;
    }
    writer.await.expect("written");
    db.drain(perches()).await;
    db.drain(roosts()).await;
    all_agree(&db).await;
}

#[apply(contract)]
async fn a_reader_gets_it_for_its_row(db: TestDb) {
    set_up_birds(&db, 2).await;
    let perch = perch::Entity::find_by_id(1).one(&*db).await.unwrap().unwrap();
    assert_eq!((perch.load(&*db).await.unwrap(), perch.heaviest(&*db).await.unwrap()), (0, None));
    db.sql(
        "INSERT INTO bird (id, weight, ring, perch_id, roost_id)
         VALUES (1, 7, 'a', 1, 1), (2, 5, 'b', 1, 1)",
    )
    .await;
    assert_eq!(perch::Load::preview(&perch, &*db).await.unwrap(), 12);
    assert_eq!(perch.fresh_load(&*db).await.unwrap(), 12);
    assert_eq!(perch.fresh_heaviest(&*db).await.unwrap(), Some(7));
    assert_eq!(perch.fresh_half_load(&*db).await.unwrap(), 6.0);
    assert_eq!(perch.fresh_last_ring(&*db).await.unwrap(), Some("b".to_owned()));
}

#[apply(contract)]
async fn its_events_are_those_of_rows(db: TestDb) {
    set_up_birds(&db, 2).await;
    db.drain(roosts()).await;
    db.sql(
        "INSERT INTO bird (id, weight, ring, perch_id, roost_id)
         VALUES (1, 7, 'a', 1, 1), (2, 5, 'b', 1, 1)",
    )
    .await;
    db.drain(roosts()).await;

    let mut narration = db.narration();
    db.sql("UPDATE bird SET weight = 12 - weight").await;
    db.drain(roosts()).await;

    let said = narration.said();
    assert_eq!(said[0], "calculated roost.load 1");
    assert_eq!(said.last().unwrap(), "completed roost.load 1, unchanged");
}

#[apply(contract)]
async fn the_same_value_is_known_again(db: TestDb) {
    set_up_birds(&db, 2).await;
    db.sql("INSERT INTO bird (id, weight, ring, perch_id, roost_id) VALUES (1, 7, 'a', 1, 1)")
        .await;
    db.drain(perches()).await;

    for field in ["load", "half_load", "heaviest", "last_ring"] {
        let completed = async |change: &str| {
            let mut narration = db.narration();
            db.sql(change).await;
            db.drain(perches()).await;
            let mut said = narration.said();
            said.retain(|said| said.starts_with(&format!("completed perch.{field} ")));
            said.sort();
            said
        };

        let flagged =
            completed(&format!("UPDATE perch SET {field}_recalculation_needed = true")).await;
        let unchanged = [1, 2].map(|id| format!("completed perch.{field} {id}, unchanged"));
        assert_eq!(flagged, unchanged);

        let changed =
            completed(&format!("UPDATE bird SET weight = weight + 1, ring = '{field}'")).await;
        assert_eq!(changed, [format!("completed perch.{field} 1")]);
    }
}

#[apply(contract)]
async fn an_expiry_ends_with_it(db: TestDb) {
    set_up_birds(&db, 1).await;
    db.drain(roosts()).await;
    let roost = roost::Entity::find_by_id(1).one(&*db).await.unwrap().unwrap();
    let past = sea_orm::prelude::DateTimeUtc::from_timestamp(86_400, 0);
    roost.expire_load_after(past, &*db).await.unwrap();
    db.drain(roosts()).await;
    let roost = roost::Entity::find_by_id(1).one(&*db).await.unwrap().unwrap();
    assert_eq!((roost.load_expires_after, roost.load_recalculation_needed), (None, false));
}

#[apply(contract)]
async fn a_row_without_a_value_fails_alone(db: TestDb) {
    set_up_ledges(&db, [1, 2, 3, 4, 5]).await;
    db.sql("DELETE FROM egg WHERE id = 2").await;
    one_fails(&db, "its query has no value for (1, 2): it has to select one for each row, or the field be an `Option`")
        .await;
}

#[apply(contract)]
async fn a_row_with_several_values_fails_alone(db: TestDb) {
    set_up_ledges(&db, [1, 2, 3, 4, 5]).await;
    db.sql("INSERT INTO egg (id, weight, rock, ledge) VALUES (6, 2, 1, 2)").await;
    one_fails(&db, "its query has several rows for (1, 2): it has to select each key once").await;
}

#[apply(contract)]
async fn a_value_that_the_column_refuses_fails_alone(db: TestDb) {
    set_up_ledges(&db, [1, 3_000_000, 3, 4, 5]).await;
    let error = match db.get_database_backend() {
        DbBackend::Postgres => "out of range",
        _ => "out of range",
    };
    one_fails(&db, error).await;
}

/// Where the database can, it calculates and stores in one statement.
#[apply(on_postgres)]
async fn postgres_stores_what_it_calculates(db: TestDb) {
    set_up_birds(&db, 3).await;
    db.sql(
        "CREATE TABLE seen (statement text);
         CREATE FUNCTION seen() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN
           INSERT INTO seen VALUES (current_query()); RETURN NEW; END $$;
         CREATE TRIGGER seen BEFORE UPDATE ON roost FOR EACH ROW EXECUTE FUNCTION seen()",
    )
    .await;
    db.drain(roosts()).await;
    let stored: i64 =
        db.scalar("SELECT count(*) FROM seen WHERE statement LIKE '%cached_field_query%'").await;
    assert_eq!(stored, 3);
}

mod wrong {
    use sea_orm::entity::prelude::*;

    #[sea_orm_cached_field::cached_fields]
    #[sea_orm::model]
    #[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
    #[sea_orm(table_name = "wrong")]
    pub struct Model {
        #[sea_orm(primary_key)]
        pub id: i32,
        pub weight: i32,
        #[cached(query, depends_on(weight))]
        pub double: i32,
    }

    impl ActiveModelBehavior for ActiveModel {}

    impl Model {
        fn select_double() -> Select<Entity> {
            Entity::find()
        }
    }
}

#[apply(on_sqlite)]
async fn a_query_of_other_columns_is_refused(db: TestDb) {
    let refused = CachedFields::of::<wrong::Entity>().install(&*db).await.unwrap_err();
    assert!(
        matches!(refused, InstallError::Fields(Error::NotKeyAndValue { found: 4, .. })),
        "{refused}"
    );
    assert_eq!(
        refused.to_string(),
        "the query of `double` of `wrong` selects 4 columns: it has to select, after `select_only()`, the key (id), then the value"
    );
}
