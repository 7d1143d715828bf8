use std::time::Duration;

use apalis_core::worker::builder::WorkerBuilder;
use sea_orm::{Condition, TransactionTrait};
use sea_orm_cached_field::{CachedFields, Error, apalis::recalculate};

use crate::{fragile::*, harness::TestDb, queried};

/// The table, with a row of this mood, but nothing of the library.
async fn not_installed(db: &TestDb, mood: &str) -> Model {
    db.create(Entity).await;
    let [id] = rows_of(db, [mood]).await;
    row(db, id).await
}

fn names_the_remedy<T>(ended: Result<T, Error>) {
    let error = ended.err().expect("nothing is installed");
    let Error::NotInstalled { table, fields, missing } = &error else { panic!("{error}") };
    assert_eq!((table.as_str(), fields.as_str()), ("fragile", "opinion"));
    assert!(missing.contains("fragile"), "{missing}");
    let text = error.to_string();
    for remedy in ["`CachedFields::all().install(&db)`", "`CachedFields::of`"] {
        assert!(text.contains(remedy), "{text}");
    }
}

async fn within<T>(future: impl Future<Output = T>) -> T {
    tokio::time::timeout(Duration::from_secs(20), future).await.expect("it should end within 20 s")
}

#[apply(contract)]
async fn of_whoever_reads(db: TestDb) {
    let row = not_installed(&db, "fine").await;
    names_the_remedy(row.opinion(&*db).await);
    names_the_remedy(row.fresh_opinion(&*db).await);
    names_the_remedy(row.recalculate_opinion(&*db).await);
    names_the_remedy(Opinion::load(&mut [row.clone()], &*db).await);
    names_the_remedy(Opinion::recalculate(Condition::all(), &*db).await);
    let transaction = db.begin().await.unwrap();
    names_the_remedy(row.fresh_opinion(&transaction).await);
}

#[apply(contract)]
async fn of_whoever_flags_or_sets(db: TestDb) {
    let row = not_installed(&db, "fine").await;
    names_the_remedy(row.set_opinion("mine".to_owned(), &db).await);
    names_the_remedy(row.flag_opinion_as_stale(&*db).and_recalculate(true).await);
    let transaction = db.begin().await.unwrap();
    names_the_remedy(row.recalculate_opinion(&transaction).await);
}

#[apply(contract)]
async fn of_a_worker_that_begins(db: TestDb) {
    not_installed(&db, "fine").await;
    names_the_remedy(within(fragiles().worker(&db).run()).await);
    names_the_remedy(fragiles().worker(&db).run_once().await);
    names_the_remedy(fragiles().worker(&db).drain().await);
    let backend = fragiles().worker(&db).into_backend().unwrap();
    let ended =
        within(WorkerBuilder::new("theirs").backend(backend).build(recalculate).run()).await;
    let ended = ended.expect_err("nothing is installed").to_string();
    assert!(ended.contains("`CachedFields::all().install(&db)`"), "{ended}");
}

/// Also if it is not the first model that it looks at.
#[apply(contract)]
async fn of_a_worker_for_several_models(db: TestDb) {
    set_up_fragiles(&db).await;
    let ended = within(fragiles().and::<queried::ledge::Entity>().worker(&db).run()).await;
    assert!(
        matches!(&ended, Err(Error::NotInstalled { table, .. }) if table == "ledge"),
        "{ended:?}"
    );
}

/// A migration may be under way.
#[apply(contract)]
async fn but_not_of_a_worker_that_runs(db: TestDb) {
    set_up_fragiles(&db).await;
    let [id] = rows_of(&db, ["first"]).await;
    let mut narration = db.narration();
    let worker = start(fragiles().worker(&db));
    narration.wait_for(completes(id)).await;

    fragiles().uninstall(&*db).await.expect("uninstalled");
    let names_it =
        async || matches!(fragiles().worker(&db).run_once().await, Err(Error::NotInstalled { .. }));
    assert!(names_it().await);

    db.sql("UPDATE fragile SET mood = 'second', opinion_recalculation_needed = true").await;
    fragiles().install(&*db).await.expect("installed again");
    eventually("the worker goes on", async || !row(&db, id).await.opinion_recalculation_needed)
        .await;
    worker.stop().await;
    assert_opinion(&db, id, "feels second").await;
}

/// The name of one table may be the end of another's.
#[apply(on_sqlite)]
async fn of_the_table_that_it_is_about(db: TestDb) {
    let row = not_installed(&db, "fine").await;
    let error = row.fresh_opinion(&*db).await.unwrap_err().to_string();
    assert_eq!(
        error,
        "the cached fields of `fragile` (opinion) are not installed in this database: it has no `_fragile_cached_marks`; call `CachedFields::all().install(&db)` at start-up or in a migration, or, if `fragile` belongs to another database of this program, pick the models of each database with `CachedFields::of`"
    );
    let said = CachedFields::of::<Entity>().doctor(&*db).await.unwrap().to_string();
    assert_eq!(said, "fragile: nothing is installed; run `CachedFields::all().repair(&db)`\n");
}
