use std::time::Duration;

use sea_orm::{ConnectionTrait, TransactionTrait};
use sea_orm_cached_field::{Error, Worker};

use crate::{harness::TestDb, league::*};

const OF_RANKS: &str = "CREATE UNIQUE INDEX club_rank ON club (cached_rank)";

/// A row that has failed is due again in an hour.
fn patient(db: &TestDb) -> Worker {
    let hour = Duration::from_secs(3600);
    clubs().worker(db).backoff(hour, hour)
}

/// Three clubs, in these places.
async fn ranked(db: &TestDb, index: &str) {
    set_up_clubs(db).await;
    db.sql(index).await;
    clubs_at(db, [1, 2, 3]).await;
    patient(db).drain().await.expect("drained");
    assert_eq!(ranks(db).await, [Some(1), Some(2), Some(3)]);
}

/// In batches of this size, and nothing fails.
async fn become_right(db: &TestDb, batch_size: u64, places: [i32; 3]) {
    let mut narration = db.narration();
    move_to(&**db, places).await;
    patient(db).batch_size(batch_size).drain().await.expect("drained");
    assert_eq!(ranks(db).await, places.map(Some));
    assert_eq!(
        titles(db).await,
        places.map(|place| format!("No. {place}")),
        "what depends on it follows"
    );
    assert_eq!(db.pending("club").await, 0);
    let failed: Vec<String> =
        narration.said().into_iter().filter(|said| said.starts_with("failed")).collect();
    assert_eq!(failed, Vec::<String>::new());
}

async fn error_of(db: &TestDb, club: i32) -> String {
    let of_rank = format!(
        "SELECT last_error FROM _club_cached_recalculations WHERE key_1 = {club} AND field = 'rank'"
    );
    db.scalar::<Option<String>>(&of_rank).await.expect("an error")
}

/// An index over some of the rows: those of league 1.
async fn rows_that_are_not_in_the_index_are_not_in_the_way(db: &TestDb) {
    ranked(db, &format!("{OF_RANKS} WHERE league = 1")).await;
    db.sql("UPDATE club SET league = 2 WHERE id = 3").await;
    become_right(db, 10, [3, 2, 3]).await;
    become_right(db, 10, [2, 3, 3]).await;
}

/// Its snapshot shows a value that another row has by now.
#[apply(on_mariadb_and_mysql)]
async fn beside_a_transaction_that_has_read_before(db: TestDb) {
    ranked(&db, OF_RANKS).await;
    let transaction = db.begin().await.expect("begun");
    let first = row(&transaction, 1).await;
    move_to(&*db, [2, 1, 3]).await;
    db.drain(clubs()).await;

    let recalculated = first.recalculate_title(&transaction).await;
    if db.refuses_newer_rows().await {
        let error = recalculated
            .expect_err("it has read what another transaction has written since its snapshot");
        assert!(error.to_string().contains("Record has changed since last read"), "{error}");
        return;
    }

    assert_eq!(recalculated.expect("recalculated"), Some("No. 1".to_owned()));
    transaction.commit().await.expect("committed");
    db.drain(clubs()).await;
    assert_eq!(stored_ranks(&db).await, [Some(2), Some(1), Some(3)]);
    assert_eq!(row(&*db, 1).await.cached_title.as_deref(), Some("No. 2"));
}

#[apply(contract)]
async fn by_two_rows(db: TestDb) {
    ranked(&db, OF_RANKS).await;
    become_right(&db, 10, [2, 1, 3]).await;
    become_right(&db, 10, [1, 2, 3]).await;
}

#[apply(contract)]
async fn by_two_rows_in_batches_of_their_own(db: TestDb) {
    ranked(&db, OF_RANKS).await;
    become_right(&db, 1, [2, 1, 3]).await;
}

#[apply(contract)]
async fn around_a_circle(db: TestDb) {
    ranked(&db, OF_RANKS).await;
    become_right(&db, 10, [2, 3, 1]).await;
    become_right(&db, 1, [3, 1, 2]).await;
}

#[apply(contract)]
async fn along_a_chain(db: TestDb) {
    ranked(&db, OF_RANKS).await;
    become_right(&db, 10, [2, 3, 4]).await;
    become_right(&db, 1, [3, 4, 5]).await;
    become_right(&db, 10, [2, 3, 4]).await;
}

/// On MariaDB and MySQL their flags are set only when the marks are collected, one row after the
/// other.
#[apply(contract)]
async fn by_rows_that_changes_elsewhere_have_made_stale(db: TestDb) {
    ranked(&db, OF_RANKS).await;
    db.sql("INSERT INTO bonus (id, club_id, points) VALUES (1, 1, 0), (2, 2, 0)").await;
    become_right(&db, 10, [1, 2, 3]).await;
    let mut narration = db.narration();
    db.sql("UPDATE bonus SET points = 3 - 2 * club_id").await;
    patient(&db).batch_size(1).drain().await.unwrap();
    assert_eq!(ranks(&db).await, [2, 1, 3].map(Some));
    let said = narration.said();
    assert!(!said.iter().any(|said| said.starts_with("failed")), "{said:?}");
}

#[apply(contract)]
async fn in_an_index_of_several_columns(db: TestDb) {
    set_up_clubs(&db).await;
    db.sql("CREATE UNIQUE INDEX club_rank ON club (league, cached_rank)").await;
    clubs_at(&db, [1, 2, 2]).await;
    db.sql("UPDATE club SET league = 2 WHERE id = 3").await;
    become_right(&db, 10, [1, 2, 2]).await;
    move_to(&*db, [2, 1, 1]).await;
    // The third is stale, too, but not in the way.
    row(&*db, 1).await.recalculate_rank(&*db).await.unwrap();
    assert_eq!(stored_ranks(&db).await, [Some(2), None, Some(2)]);
    become_right(&db, 1, [2, 1, 1]).await;
}

#[apply(contract)]
async fn of_several_fields_in_one_index(db: TestDb) {
    ranked(&db, "CREATE UNIQUE INDEX club_seat ON club (cached_rank, cached_seat)").await;
    become_right(&db, 10, [2, 1, 3]).await;
    become_right(&db, 1, [3, 2, 1]).await;
}

#[apply(contract)]
async fn that_are_calculated_many_at_a_time(db: TestDb) {
    ranked(&db, "CREATE UNIQUE INDEX club_seat ON club (cached_seat)").await;
    become_right(&db, 10, [2, 3, 1]).await;
    assert_eq!(seats(&db).await, [2, 3, 1].map(Some));
    become_right(&db, 1, [3, 1, 2]).await;
    assert_eq!(seats(&db).await, [3, 1, 2].map(Some));
}

#[apply(contract)]
async fn that_a_query_calculates(db: TestDb) {
    set_up_draws(&db).await;
    db.sql("CREATE UNIQUE INDEX draw_lot ON draw (cached_lot)").await;
    db.sql("INSERT INTO draw (id, place) VALUES (1, 1), (2, 2), (3, 3)").await;
    db.drain(draws()).await;
    let hour = Duration::from_secs(3600);
    for (batch_size, lots) in [(10, [2, 3, 1]), (1, [3, 1, 2])] {
        let [one, two, three] = lots;
        let places = format!("CASE id WHEN 1 THEN {one} WHEN 2 THEN {two} ELSE {three} END");
        db.sql(&format!("UPDATE draw SET place = {places}")).await;
        draws().worker(&db).backoff(hour, hour).batch_size(batch_size).drain().await.unwrap();
        assert_eq!(lots_of(&db).await, lots.map(Some));
        assert_eq!(db.pending("draw").await, 0);
    }
}

#[apply(contract)]
async fn under_an_index_that_is_made_later(db: TestDb) {
    set_up_clubs(&db).await;
    clubs_at(&db, [1, 2, 3]).await;
    become_right(&db, 10, [3, 1, 2]).await;
    db.sql(OF_RANKS).await;
    become_right(&db, 1, [1, 2, 3]).await;
    become_right(&db, 10, [2, 1, 3]).await;
}

#[apply(contract)]
async fn by_a_reader_under_an_index_that_is_made_later(db: TestDb) {
    set_up_clubs(&db).await;
    clubs_at(&db, [1, 2, 3]).await;
    become_right(&db, 10, [3, 1, 2]).await;
    db.sql(OF_RANKS).await;
    move_to(&*db, [1, 3, 2]).await;
    assert_eq!(row(&*db, 1).await.recalculate_rank(&*db).await.unwrap(), 1);
    assert_eq!(stored_ranks(&db).await, [Some(1), None, Some(2)]);
    become_right(&db, 10, [1, 3, 2]).await;
}

#[apply(contract)]
async fn by_readers(db: TestDb) {
    ranked(&db, OF_RANKS).await;
    move_to(&*db, [2, 1, 3]).await;
    assert_eq!(row(&*db, 1).await.recalculate_rank(&*db).await.unwrap(), 2);
    assert_eq!(stored_ranks(&db).await, [Some(2), None, Some(3)]);
    let given_up = row(&*db, 2).await;
    assert!(given_up.rank_recalculation_needed);
    assert_eq!(given_up.rank(&*db).await.unwrap(), 1);
    become_right(&db, 10, [2, 1, 3]).await;

    move_to(&*db, [1, 3, 2]).await;
    assert_eq!(Rank::recalculate(sea_orm::Condition::all(), &*db).await.unwrap(), 3);
    assert_eq!(stored_ranks(&db).await, [1, 3, 2].map(Some));
    become_right(&db, 10, [1, 3, 2]).await;

    move_to(&*db, [2, 1, 3]).await;
    let mut rows = vec![row(&*db, 1).await, row(&*db, 2).await];
    Rank::load(&mut rows, &*db).await.unwrap();
    assert_eq!(rows.iter().map(|row| row.cached_rank).collect::<Vec<_>>(), [Some(2), Some(1)]);
    become_right(&db, 10, [2, 1, 3]).await;
}

#[apply(contract)]
async fn inside_a_transaction(db: TestDb) {
    ranked(&db, OF_RANKS).await;
    let transaction = db.begin().await.unwrap();
    move_to(&transaction, [2, 1, 3]).await;
    assert_eq!(row(&transaction, 1).await.recalculate_rank(&transaction).await.unwrap(), 2);
    assert_eq!(row(&transaction, 2).await.cached_rank, None);
    assert_eq!(row(&transaction, 2).await.recalculate_rank(&transaction).await.unwrap(), 1);
    transaction.commit().await.unwrap();
    assert_eq!(stored_ranks(&db).await, [2, 1, 3].map(Some));
    become_right(&db, 10, [2, 1, 3]).await;
}

/// It fails, and the error says what to do.
#[apply(contract)]
async fn unless_the_other_row_keeps_its_own(db: TestDb) {
    ranked(&db, OF_RANKS).await;
    move_to(&*db, [2, 2, 3]).await;
    patient(&db).drain().await.unwrap();

    let diagnosis = clubs().doctor(&*db).await.expect("examined").to_string();
    let seen = "club: rank of 1 row fails and is tried again later (a unique index allows its \
                value only once: another row that is not to be recalculated has it; let the \
                calculation give each row a value of its own, or drop the unique index: ";
    let index = if db.is_sqlite() { "club.cached_rank" } else { "club_rank" };
    assert!(diagnosis.starts_with(seen) && diagnosis.contains(index), "{diagnosis}");
    assert_eq!(
        stored_ranks(&db).await,
        [1, 2, 3].map(Some),
        "the one keeps what it had, until it has something else"
    );

    let refused = row(&*db, 1).await.recalculate_rank(&*db).await.unwrap_err();
    assert!(matches!(refused, Error::NotUnique { field: "rank", .. }), "{refused}");
    let refused = row(&*db, 1).await.set_rank(3, &db).await.unwrap_err();
    assert!(matches!(refused, Error::NotUnique { field: "rank", .. }), "{refused}");

    become_right(&db, 10, [2, 1, 3]).await;
    assert!(clubs().doctor(&*db).await.expect("examined").is_healthy());
}

#[apply(contract)]
async fn unless_the_column_may_not_be_null(db: TestDb) {
    if db.is_sqlite() {
        db.sql(
            "CREATE TABLE club (
               id integer PRIMARY KEY, league integer NOT NULL, place integer NOT NULL,
               cached_rank integer NOT NULL DEFAULT (1000 + abs(random()) % 1000000),
               rank_recalculation_needed boolean NOT NULL DEFAULT true)",
        )
        .await;
        db.create(bonus::Entity).await;
        clubs().install(&*db).await.expect("installed");
    } else {
        set_up_clubs(&db).await;
    }

    db.sql(OF_RANKS).await;
    clubs_at(&db, [1, 2, 3]).await;
    patient(&db).drain().await.unwrap();
    if db.is_mysql() {
        db.sql("ALTER TABLE club MODIFY cached_rank int NOT NULL").await;
    } else if !db.is_sqlite() {
        db.sql("ALTER TABLE club ALTER cached_rank SET NOT NULL").await;
    }

    move_to(&*db, [2, 1, 3]).await;
    patient(&db).drain().await.unwrap();
    let error = error_of(&db, 1).await;
    let remedy = "another row that is to be recalculated has it, and its column may not be NULL until then; let the column be NULL, or drop the unique index";
    assert!(error.contains(remedy), "{error}");
    let diagnosis = clubs().doctor(&*db).await.expect("examined").to_string();
    assert!(diagnosis.contains(remedy), "{diagnosis}");
}

#[apply(contract)]
async fn unless_the_index_is_not_over_the_column_itself(db: TestDb) {
    let index = if db.is_mariadb() {
        "ALTER TABLE club ADD doubled int AS (cached_rank * 2) VIRTUAL, ADD UNIQUE (doubled)"
    } else {
        "CREATE UNIQUE INDEX club_rank ON club ((cached_rank * 2))"
    };
    ranked(&db, index).await;
    move_to(&*db, [2, 1, 3]).await;
    patient(&db).drain().await.unwrap();
    let error = error_of(&db, 1).await;
    assert!(
        error.contains("because the unique index is not over the cached column itself; make it one of whole columns"),
        "{error}"
    );
}

/// Another transaction holds a lock on the row that has the value, or is about to delete that row.
#[apply(contract)]
async fn without_waiting_for_a_lock(db: TestDb) {
    if db.is_sqlite() {
        // There is one writer, which waits for all others anyway.
        return;
    }
    ranked(&db, OF_RANKS).await;
    for change in ["UPDATE club SET league = 7 WHERE id = 2", "DELETE FROM club WHERE id = 2"] {
        let mut narration = db.narration();
        let holder = db.begin().await.unwrap();
        holder.execute_unprepared(change).await.unwrap();
        db.sql("UPDATE club SET place = 2 WHERE id = 1").await;
        patient(&db).run_once().await.unwrap();
        let tries = row(&*db, 1).await;
        assert!(tries.rank_recalculation_needed && tries.cached_rank == Some(1), "{tries:?}");

        let transaction = db.begin().await.unwrap();
        assert_eq!(
            row(&transaction, 1).await.recalculate_rank(&transaction).await.unwrap(),
            2,
            "it is not stored"
        );
        transaction.commit().await.unwrap();
        assert_eq!(stored_ranks(&db).await[0], Some(1));

        // The worker keeps no lock that this would wait for.
        holder.execute_unprepared("UPDATE club SET league = 7 WHERE id = 1").await.unwrap();
        let said = narration.said();
        assert!(!said.iter().any(|said| said.starts_with("failed")), "{said:?}");

        if change.starts_with("UPDATE") {
            holder.rollback().await.unwrap();
            db.sql("UPDATE club SET place = 1 WHERE id = 1").await;
            patient(&db).drain().await.unwrap();
        } else {
            holder.commit().await.unwrap();
        }
    }

    patient(&db).drain().await.unwrap();
    assert_eq!(ranks(&db).await, [Some(2), Some(3)]);
}

#[apply(on_sqlite)]
async fn in_an_index_over_some_of_the_rows_of_sqlite(db: TestDb) {
    rows_that_are_not_in_the_index_are_not_in_the_way(&db).await;
}

#[apply(on_postgres)]
async fn in_an_index_over_some_of_the_rows_of_postgres(db: TestDb) {
    rows_that_are_not_in_the_index_are_not_in_the_way(&db).await;
}
