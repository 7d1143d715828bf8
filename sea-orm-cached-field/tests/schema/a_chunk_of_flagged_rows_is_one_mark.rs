//! Of which workers queue the rows, chunk after chunk.

use std::sync::{
    Arc,
    atomic::{AtomicUsize, Ordering},
};

use sea_orm::{ConnectionTrait, EntityTrait, QueryOrder, Statement, TransactionTrait};
use sea_orm_cached_field::CachedFields;
use tokio::{runtime, sync::Notify};

use crate::{
    catalog::installed,
    harness::{TestDb, connect, not_there},
};

pub mod leaf {
    use sea_orm::entity::prelude::*;
    use sea_orm_cached_field::cached_fields;

    #[cached_fields]
    #[sea_orm::model]
    #[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
    #[sea_orm(table_name = "leaf")]
    pub struct Model {
        #[sea_orm(primary_key, auto_increment = false)]
        pub id: i32,
        pub width: i32,
        pub twig_id: i32,
        #[sea_orm(belongs_to, from = "twig_id", to = "id")]
        pub twig: BelongsTo<super::twig::Entity>,
        #[cached(depends_on(width))]
        pub area: i32,
        #[cached(lazy, depends_on(width))]
        pub rim: i32,
    }

    impl ActiveModelBehavior for ActiveModel {}

    impl Model {
        pub async fn calculate_area(&self, _: &impl ConnectionTrait) -> Result<i32, DbErr> {
            Ok(self.width * self.width)
        }

        pub async fn calculate_rim(&self, _: &impl ConnectionTrait) -> Result<i32, DbErr> {
            Ok(self.width * 4)
        }
    }
}

pub mod twig {
    use sea_orm::entity::prelude::*;
    use sea_orm_cached_field::cached_fields;

    #[cached_fields]
    #[sea_orm::model]
    #[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
    #[sea_orm(table_name = "twig")]
    pub struct Model {
        #[sea_orm(primary_key, auto_increment = false)]
        pub id: i32,
        #[sea_orm(has_many)]
        pub leaves: HasMany<super::leaf::Entity>,
        #[cached(depends_on(leaves(cached_area)))]
        pub shade: i64,
    }

    impl ActiveModelBehavior for ActiveModel {}

    impl Model {
        pub async fn calculate_shade(&self, db: &impl ConnectionTrait) -> Result<i64, DbErr> {
            let leaves = self.find_related(super::leaf::Entity).all(db).await?;
            Ok(leaves.iter().filter_map(|leaf| leaf.cached_area).map(i64::from).sum())
        }
    }
}

fn leaves() -> CachedFields {
    CachedFields::of::<leaf::Entity>()
}

fn all() -> CachedFields {
    leaves().and::<twig::Entity>()
}

/// Two twigs of three leaves each, at rest.
async fn at_rest(db: &TestDb) {
    db.create(twig::Entity).await;
    db.create(leaf::Entity).await;
    installed(db, all()).await;
    db.sql("INSERT INTO twig (id) VALUES (1), (2)").await;
    let leaves = "INSERT INTO leaf (id, width, twig_id) VALUES";
    db.sql(&format!(
        "{leaves} (10, 1, 1), (20, 2, 2), (30, 3, 1), (40, 4, 2), (50, 5, 1), (60, 6, 2)"
    ))
    .await;
    db.drain(all()).await;
    assert_eq!((db.pending("leaf").await, areas(db).await), (0, right(1)));
}

/// What is cached of the leaves.
async fn areas(db: &TestDb) -> Vec<Option<i32>> {
    let leaves =
        leaf::Entity::find().order_by_asc(leaf::Column::Id).all(&**db).await.expect("loaded");
    leaves
        .into_iter()
        .map(|leaf| leaf.cached_area.filter(|_| !leaf.area_recalculation_needed))
        .collect()
}

/// With leaves that are so many times as wide.
fn right(times: i32) -> Vec<Option<i32>> {
    (1..=6).map(|width| Some((width * times).pow(2))).collect()
}

async fn flagged(db: &TestDb, flag: &str) -> i64 {
    db.scalar(&format!("SELECT count(*) FROM leaf WHERE {flag}")).await
}

/// All leaves get twice as wide, unseen by any trigger, and the next installation is to flag all.
async fn unwatched(db: &TestDb, table: &str) {
    if table == "leaf" {
        db.sql("UPDATE leaf SET width = width * 2").await;
        db.sql("DELETE FROM _leaf_cached_marks").await;
    }
    db.sql(&format!("UPDATE _{table}_cached_versions SET renewal = 1")).await;
}

/// Three chunks of two leaves, in the place of one of all.
async fn in_three_chunks(db: &TestDb) {
    db.sql("DELETE FROM _leaf_cached_marks").await;
    for (after, to) in [("NULL", "20"), ("20", "40"), ("40", "NULL")] {
        mark(db, "area", after, to).await;
    }
}

/// All leaves are flagged, and each of their three chunks has a mark.
async fn flagged_in_three_chunks(db: &TestDb) {
    at_rest(db).await;
    unwatched(db, "leaf").await;
    installed(db, all()).await;
    in_three_chunks(db).await;
}

async fn mark(db: &TestDb, field: &str, after: &str, to: &str) {
    let [via, chunk] = if db.is_sqlite() { ["", ""] } else { ["via, ", "'chunk', "] };
    let columns = format!("(field, {via}after_key_1, to_key_1)");
    db.sql(&format!(
        "INSERT INTO _leaf_cached_marks {columns} VALUES ('{field}', {chunk}{after}, {to})"
    ))
    .await;
}

async fn marks(db: &TestDb) -> i64 {
    db.scalar("SELECT count(*) FROM _leaf_cached_marks").await
}

async fn queued(db: &TestDb) -> i64 {
    db.scalar("SELECT count(*) FROM _leaf_cached_recalculations").await
}

/// One row.
async fn work(db: &TestDb) {
    assert_eq!(leaves().worker(db).batch_size(1).run_once().await.expect("worked"), 1);
}

/// Batch after batch: a worker that queues a chunk beside its own claims may calculate some of
/// its rows twice. Returns how many values were calculated.
async fn work_off(db: &TestDb, models: fn() -> CachedFields) -> usize {
    let mut calculated = 0;
    loop {
        match models().worker(db).batch_size(1).run_once().await.expect("worked") {
            0 => return calculated,
            some => calculated += some,
        }
    }
}

#[apply(contract)]
async fn where_all_rows_are_flagged(db: TestDb) {
    at_rest(&db).await;
    db.sql("UPDATE leaf SET width = 2 WHERE id = 10").await;
    db.sql("DELETE FROM _leaf_cached_marks").await;
    db.sql("UPDATE _leaf_cached_versions SET renewal = 1").await;
    assert_eq!(flagged(&db, "area_recalculation_needed").await, 1);

    let report = installed(&db, all()).await;
    assert_eq!(report, "leaf: flagged 6 rows for area\nleaf: flagged 6 rows for rim\n");
    let flags = (
        flagged(&db, "area_recalculation_needed").await,
        flagged(&db, "rim_recalculation_needed").await,
    );
    assert_eq!(
        (flags, marks(&db).await, queued(&db).await),
        ((6, 6), 1, 0),
        "nothing waits of a lazy field"
    );
    assert_eq!(installed(&db, all()).await, "nothing to do\n");
    assert_eq!(marks(&db).await, 1);
    assert!(all().doctor(&*db).await.expect("examined").is_healthy());

    db.drain(all()).await;
    let right = [4, 4, 9, 16, 25, 36].map(Some).to_vec();
    assert_eq!(
        (areas(&db).await, db.pending("leaf").await, db.pending("twig").await),
        (right, 0, 0)
    );
    assert_eq!(flagged(&db, "rim_recalculation_needed").await, 6);
}

#[apply(contract)]
async fn of_which_no_more_is_queued_than_there_is_work_for(db: TestDb) {
    flagged_in_three_chunks(&db).await;
    for (marked, in_queue) in [(2, 1), (2, 0), (1, 1), (1, 0), (0, 1), (0, 0)] {
        work(&db).await;
        assert_eq!((marks(&db).await, queued(&db).await), (marked, in_queue));
    }
    assert_eq!(areas(&db).await, right(2));
}

#[apply(contract)]
async fn also_when_an_installation_comes_in_between(db: TestDb) {
    flagged_in_three_chunks(&db).await;
    work(&db).await;
    assert_eq!(installed(&db, all()).await, "nothing to do\n");
    assert_eq!((marks(&db).await, queued(&db).await), (2, 1));
    assert_eq!(db.drain(leaves()).await, 5, "each once");
    assert_eq!((areas(&db).await, db.pending("leaf").await), (right(2), 0));
}

#[apply(contract)]
async fn which_flags_all_again_if_it_has_to(db: TestDb) {
    flagged_in_three_chunks(&db).await;
    work(&db).await;

    db.sql("UPDATE leaf SET width = width * 2").await;
    db.sql("DELETE FROM _leaf_cached_marks WHERE key_1 IS NOT NULL").await;
    db.sql("UPDATE _leaf_cached_versions SET renewal = 1").await;

    let report = installed(&db, all()).await;
    assert_eq!(report, "leaf: flagged 6 rows for area\nleaf: flagged 6 rows for rim\n");
    assert_eq!(
        marks(&db).await,
        4,
        "two chunks of before, all rows, and one that stands in the queue"
    );

    db.drain(leaves()).await;
    assert_eq!((areas(&db).await, db.pending("leaf").await), (right(4), 0));
}

#[apply(contract)]
async fn and_rows_beside_it_are_marked_again(db: TestDb) {
    at_rest(&db).await;
    unwatched(&db, "leaf").await;
    installed(&db, all()).await;
    db.sql("DELETE FROM _leaf_cached_marks").await;
    mark(&db, "area", "20", "40").await;
    let report = installed(&db, all()).await;
    assert_eq!(report, "leaf: queued 4 rows for area\n");
    assert_eq!(installed(&db, all()).await, "nothing to do\n");
    assert_eq!(work_off(&db, leaves).await, 6);
    assert_eq!((areas(&db).await, db.pending("leaf").await), (right(2), 0));
}

#[apply(contract)]
async fn and_the_doctor_finds_rows_beside_it(db: TestDb) {
    flagged_in_three_chunks(&db).await;
    assert!(all().doctor(&*db).await.expect("examined").is_healthy());
    db.sql("DELETE FROM _leaf_cached_marks").await;
    for (after, to, outside) in [("20", "40", 4), ("NULL", "10", 5), ("50", "NULL", 5)] {
        mark(&db, "area", after, to).await;
        let diagnosis = all().doctor(&*db).await.expect("examined").to_string();
        let found = format!("leaf: {outside} rows are flagged for area, unseen by any worker");
        assert!(diagnosis.starts_with(&found), "{diagnosis}");
        assert_eq!(diagnosis.lines().count(), 1, "{diagnosis}");
        db.sql("DELETE FROM _leaf_cached_marks").await;
    }
}

#[apply(contract)]
async fn also_when_a_worker_is_killed_anywhere(db: TestDb) {
    at_rest(&db).await;
    for waits in 0.. {
        let times = 2 - waits % 2;
        db.sql(&format!("UPDATE leaf SET width = id / 10 * {times}")).await;
        db.sql("DELETE FROM _leaf_cached_marks").await;
        db.sql("UPDATE _leaf_cached_versions SET renewal = 1").await;
        installed(&db, all()).await;
        in_three_chunks(&db).await;

        let has_ended = killed_after(waits, &db).await;
        while db.pending("leaf").await > 0 {
            db.let_time_pass("leaf").await;
            db.drain(leaves()).await;
        }

        assert_eq!(areas(&db).await, right(times as i32), "after {waits} waits");
        if has_ended {
            break;
        }
    }
}

/// Runs a worker in a runtime of its own. The runtime ends with all tasks when it has waited so
/// often, as with the end of its process. Returns whether the worker had ended before.
async fn killed_after(waits: usize, db: &TestDb) -> bool {
    let url = db.url.clone();
    let process = move || {
        let left = Arc::new(AtomicUsize::new(usize::MAX));
        let kill = Arc::new(Notify::new());
        let before_a_wait = {
            let left = Arc::clone(&left);
            let kill = Arc::clone(&kill);
            move || {
                if left.fetch_sub(1, Ordering::Relaxed) == 1 {
                    kill.notify_one();
                }
            }
        };
        let runtime = runtime::Builder::new_current_thread()
            .enable_all()
            .on_thread_park(before_a_wait)
            .build();
        let runtime = runtime.expect("a runtime");

        let has_ended = runtime.block_on(async {
            let pool = connect(&url).await;
            let worker = leaves().worker(&pool).batch_size(1);
            left.store(waits + 1, Ordering::Relaxed);
            tokio::select! {
                biased;
                () = kill.notified() => false,
                worked = worker.run_once() => worked.is_ok(),
            }
        });

        runtime.shutdown_background();
        has_ended
    };
    tokio::task::spawn_blocking(process).await.expect("it should not panic")
}

#[apply(contract)]
async fn whatever_becomes_of_the_rows(db: TestDb) {
    flagged_in_three_chunks(&db).await;
    db.sql("UPDATE leaf SET id = 5 WHERE id = 60").await;
    db.sql("UPDATE leaf SET width = 1 WHERE id = 40").await;
    db.sql("DELETE FROM leaf WHERE id = 20").await;
    db.sql("INSERT INTO leaf (id, width, twig_id) VALUES (45, 7, 1)").await;
    db.drain(all()).await;
    assert_eq!(areas(&db).await, [144, 4, 36, 1, 49, 100].map(Some));
    assert_eq!((db.pending("leaf").await, db.pending("twig").await), (0, 0));
}

#[apply(contract)]
async fn and_readers_need_not_wait_for_it(db: TestDb) {
    flagged_in_three_chunks(&db).await;

    let leaf = leaf::Entity::find_by_id(50).one(&*db).await.expect("loaded").expect("the leaf");
    assert_eq!(leaf.fresh_area(&*db).await.expect("read"), 100);
    let twig = twig::Entity::find_by_id(2).one(&*db).await.expect("loaded").expect("the twig");
    assert_eq!(
        twig.fresh_shade(&*db).await.expect("read"),
        4 * (4 + 16 + 36),
        "upon what it is calculated from"
    );

    assert_eq!(marks(&db).await, 3);
    assert_eq!(db.drain(leaves()).await, 2, "the others");
    assert_eq!((areas(&db).await, db.pending("leaf").await), (right(2), 0));
}

#[apply(contract)]
async fn and_what_is_calculated_from_it_comes_later(db: TestDb) {
    flagged_in_three_chunks(&db).await;
    unwatched(&db, "twig").await;
    assert_eq!(installed(&db, all()).await, "twig: flagged 2 rows for shade\n");
    assert_eq!(work_off(&db, || CachedFields::of::<twig::Entity>().and::<leaf::Entity>()).await, 8);
    let shades =
        twig::Entity::find().order_by_asc(twig::Column::Id).all(&*db).await.expect("loaded");
    let shades: Vec<_> = shades.into_iter().map(|twig| twig.cached_shade).collect();
    assert_eq!(shades, [Some(4 * (1 + 9 + 25)), Some(4 * (4 + 16 + 36))]);
}

#[apply(contract)]
async fn also_if_others_are_at_that(db: TestDb) {
    if db.is_sqlite() {
        return not_there("SQLite has one writer");
    }

    at_rest(&db).await;
    unwatched(&db, "leaf").await;
    unwatched(&db, "twig").await;
    installed(&db, all()).await;

    let other = db.begin().await.expect("begun");
    let lock = Statement::from_string(
        db.get_database_backend(),
        "SELECT id FROM _leaf_cached_marks FOR UPDATE",
    );
    assert_eq!(other.query_all_raw(lock).await.expect("locked").len(), 1);
    assert_eq!(all().worker(&db).run_once().await.expect("worked"), 0);
    other.rollback().await.expect("rolled back");
    assert_eq!(work_off(&db, all).await, 8);
}

#[apply(contract)]
async fn and_the_doctor_tells_that_it_waits(db: TestDb) {
    at_rest(&db).await;
    unwatched(&db, "leaf").await;
    installed(&db, all()).await;
    let past = if db.is_sqlite() { "0" } else { "'2000-01-01'" };
    db.sql(&format!("UPDATE _leaf_cached_marks SET marked_at = {past}")).await;
    let diagnosis = all().doctor(&*db).await.expect("examined").to_string();
    assert!(diagnosis.contains("is not claimed: no worker runs for this table"), "{diagnosis}");
    assert_eq!(diagnosis.lines().count(), 1, "{diagnosis}");
}

#[apply(contract)]
async fn and_one_of_a_field_that_only_a_newer_program_knows_stays(db: TestDb) {
    at_rest(&db).await;
    mark(&db, "fall", "NULL", "30").await;
    assert_eq!(db.drain(all()).await, 0);
    assert_eq!(marks(&db).await, 1);
}

/// What a trigger of the user writes while rows are flagged is marked like anything else.
#[apply(on_sqlite)]
async fn but_not_what_a_trigger_of_the_user_changes_meanwhile(db: TestDb) {
    at_rest(&db).await;
    unwatched(&db, "twig").await;
    db.sql(
        "CREATE TRIGGER others AFTER UPDATE OF shade_recalculation_needed ON twig WHEN NEW.id = 1
         BEGIN
           INSERT INTO leaf (id, width, twig_id) VALUES (70, 7, 2);
         END",
    )
    .await;

    installed(&db, all()).await;
    assert_eq!((db.pending("twig").await, marks(&db).await), (1, 1), "a chunk, and the new leaf");

    db.sql("DROP TRIGGER others").await;
    db.drain(all()).await;
    let shade = "SELECT cached_shade FROM twig WHERE id = 2";
    assert_eq!(db.scalar::<i64>(shade).await, 4 + 16 + 36 + 49);
}
