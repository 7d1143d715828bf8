//! Rows whose calculation does what their `mood` says, and what was seen of these calculations.

use std::{
    collections::HashMap,
    sync::{
        Arc, LazyLock, Mutex,
        atomic::{AtomicBool, AtomicUsize, Ordering},
    },
    time::Duration,
};

pub use sea_orm::{ActiveModelTrait, ActiveValue::Set, EntityTrait};
use sea_orm::{
    ConnectionTrait, DatabaseConnection, DatabaseExecutor, Schema, Statement, TransactionTrait,
};
use sea_orm_cached_field::{CachedFields, Event, Worker};
use tokio::sync::Semaphore;

use crate::harness::{PATIENCE, TestDb, connect};

#[sea_orm_cached_field::cached_fields]
#[sea_orm::model]
#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "fragile")]
pub struct Model {
    #[sea_orm(primary_key)]
    pub id: i32,
    /// The test that it belongs to.
    pub place: String,
    pub mood: String,

    #[cached(depends_on(mood), temporal_triggers)]
    #[sea_orm(column_type = "String(StringLen::N(60))")]
    pub opinion: String,
}

use sea_orm::entity::prelude::*;

impl ActiveModelBehavior for ActiveModel {}

impl Model {
    pub async fn calculate_opinion(&self, db: &DatabaseExecutor<'_>) -> Result<String, BoxError> {
        let place = Place::named(&self.place);
        let _running = place.begin(self.id);
        Entity::find_by_id(self.id).one(db).await?;

        match self.mood.as_str() {
            "error" => Err("not in the mood".into()),
            "error until repaired" if !place.repaired.load(Ordering::SeqCst) => {
                Err("broken".into())
            }
            "panic" => panic!("aaah"),
            "endless" => std::future::pending().await,
            "deletes itself" => {
                Entity::delete_by_id(self.id).exec(db).await?;
                Ok("feels gone".to_owned())
            }
            "greedy" => {
                let mut connections = Vec::new();
                loop {
                    connections.push(db.begin().await?);
                }
            }
            restless if restless.starts_with("restless") => {
                set_mood(db, self.id, &format!("{restless}.")).await;
                Ok(format!("feels {restless}"))
            }
            "asks" => {
                let asked = Statement::from_string(db.get_database_backend(), ASKED);
                db.query_one_raw(asked).await?;
                Ok("feels answered".to_owned())
            }
            "too long" => Ok("x".repeat(61)),
            "refused" => Ok("refused".to_owned()),
            mood => {
                if mood.starts_with("gate") {
                    place.wait_at_gate().await;
                }
                assert!(!mood.ends_with("then panic"), "aaah, {mood}");
                if mood.ends_with("then error") {
                    Err("not in the mood".into())
                } else {
                    Ok(format!("feels {mood}"))
                }
            }
        }
    }
}

/// The statement of calculations whose mood is `asks`.
pub const ASKED: &str = "SELECT 'asked by a calculation'";

pub type BoxError = Box<dyn std::error::Error + Send + Sync>;

/// What is known of the calculations of one test.
pub struct Place {
    calculated: Mutex<HashMap<i32, usize>>,
    running: AtomicUsize,
    most: AtomicUsize,
    arrived: Semaphore,
    open: Semaphore,
    pub repaired: AtomicBool,
}

/// A calculation that is running, until dropped.
struct Running(Arc<Place>);

impl Drop for Running {
    fn drop(&mut self) {
        self.0.running.fetch_sub(1, Ordering::SeqCst);
    }
}

impl Place {
    fn named(name: &str) -> Arc<Self> {
        static PLACES: LazyLock<Mutex<HashMap<String, Arc<Place>>>> = LazyLock::new(Mutex::default);
        let new = || {
            Arc::new(Place {
                calculated: Mutex::default(),
                running: AtomicUsize::default(),
                most: AtomicUsize::default(),
                arrived: Semaphore::new(0),
                open: Semaphore::new(0),
                repaired: AtomicBool::default(),
            })
        };
        Arc::clone(PLACES.lock().unwrap().entry(name.to_owned()).or_insert_with(new))
    }

    /// That of this test.
    pub fn of(db: &TestDb) -> Arc<Self> {
        Self::named(&db.url)
    }

    fn begin(self: &Arc<Self>, id: i32) -> Running {
        *self.calculated.lock().unwrap().entry(id).or_default() += 1;
        let running = self.running.fetch_add(1, Ordering::SeqCst) + 1;
        self.most.fetch_max(running, Ordering::SeqCst);
        Running(Arc::clone(self))
    }

    async fn wait_at_gate(&self) {
        self.arrived.add_permits(1);
        self.open.acquire().await.unwrap().forget();
    }

    /// Waits until this many more calculations stand at the gate.
    pub async fn arrivals(&self, count: u32) {
        let arrived = tokio::time::timeout(PATIENCE, self.arrived.acquire_many(count)).await;
        arrived.expect("calculations should have come to the gate").unwrap().forget();
    }

    /// Lets this many calculations pass.
    pub fn open(&self, count: usize) {
        self.open.add_permits(count);
    }

    /// How often this row was calculated.
    pub fn times(&self, id: i32) -> usize {
        self.calculated.lock().unwrap().get(&id).copied().unwrap_or_default()
    }

    /// How many calculations there were of all rows.
    pub fn all_times(&self) -> usize {
        self.calculated.lock().unwrap().values().sum()
    }

    /// How many calculations ran at a time, at most.
    pub fn most_at_a_time(&self) -> usize {
        self.most.load(Ordering::SeqCst)
    }
}

pub fn fragiles() -> CachedFields {
    CachedFields::of::<Entity>()
}

/// The installed table, which takes no value `refused` and none longer than 60 characters.
pub async fn set_up_fragiles(db: &TestDb) -> Arc<Place> {
    let backend = db.get_database_backend();
    let create = backend.build(&Schema::new(backend).create_table_from_entity(Entity)).to_string();
    let column = db.quoted("\"cached_opinion\" varchar(60)");
    assert!(create.contains(&column), "{create}");
    let check =
        format!("{column} CHECK (cached_opinion <> 'refused' AND length(cached_opinion) <= 60)");
    // SeaORM's `timestamp` of MySQL knows no fractions of a second, and ends in 2038.
    db.sql(&create.replace(&column, &check).replace("` timestamp", "` datetime(6)")).await;
    fragiles().install(&**db).await.expect("installed");
    Place::of(db)
}

/// Rows of these moods.
pub async fn rows_of<const N: usize>(db: &TestDb, moods: [&str; N]) -> [i32; N] {
    let mut ids = [0; N];
    for (id, mood) in ids.iter_mut().zip(moods) {
        let row = ActiveModel {
            place: Set(db.url.clone()),
            mood: Set(mood.to_owned()),
            ..Default::default()
        };
        *id = row.insert(&**db).await.expect("a row").id;
    }
    ids
}

/// Many rows of one mood.
pub async fn many_rows(db: &TestDb, count: usize, mood: &str) {
    let row = ActiveModel {
        place: Set(db.url.clone()),
        mood: Set(mood.to_owned()),
        ..Default::default()
    };
    Entity::insert_many(vec![row; count]).exec(&**db).await.expect("rows");
}

pub async fn row(db: &DatabaseConnection, id: i32) -> Model {
    Entity::find_by_id(id).one(db).await.expect("loaded").expect("the row")
}

pub async fn set_mood(db: &impl ConnectionTrait, id: i32, mood: &str) {
    db.execute_unprepared(&format!("UPDATE fragile SET mood = '{mood}' WHERE id = {id}"))
        .await
        .expect("another mood");
}

/// Not flagged, nothing of it waits, and this value.
pub async fn assert_opinion(db: &TestDb, id: i32, opinion: &str) {
    let row = row(db, id).await;
    assert_eq!(
        (row.cached_opinion.as_deref(), row.opinion_recalculation_needed),
        (Some(opinion), false),
        "row {id}"
    );
    assert_eq!(queued(db, id).await + marked(db, id).await, 0, "row {id} waits for something");
}

pub async fn queued(db: &TestDb, id: i32) -> i64 {
    db.scalar(&format!("SELECT count(*) FROM _fragile_cached_recalculations WHERE key_1 = {id}"))
        .await
}

pub async fn last_error(db: &TestDb, id: i32) -> String {
    db.scalar(&format!("SELECT last_error FROM _fragile_cached_recalculations WHERE key_1 = {id}"))
        .await
}

/// Whether the row stays as failed until it is marked again.
pub async fn given_up(db: &TestDb, id: i32) -> bool {
    let due = format!(
        "SELECT count(*) FROM _fragile_cached_recalculations WHERE key_1 = {id} AND due_at IS NULL"
    );
    db.scalar::<i64>(&due).await == 1
}

async fn marked(db: &TestDb, id: i32) -> i64 {
    db.scalar(&format!("SELECT count(*) FROM _fragile_cached_marks WHERE key_1 = {id}")).await
}

/// How many rows are leased now.
pub async fn leased(db: &TestDb) -> i64 {
    let now = db.now();
    db.scalar(&format!(
        "SELECT count(*) FROM _fragile_cached_recalculations WHERE leased_until > {now}"
    ))
    .await
}

/// A worker that runs in the background until told to stop.
pub struct Started {
    stop: tokio::sync::oneshot::Sender<()>,
    ended: tokio::task::JoinHandle<Result<(), sea_orm_cached_field::Error>>,
}

pub fn start(worker: Worker) -> Started {
    let (stop, told) = tokio::sync::oneshot::channel();
    let told = async { told.await.unwrap_or_default() };
    Started { stop, ended: tokio::spawn(worker.run_until(told)) }
}

impl Started {
    /// Waits for its end.
    pub async fn stop(self) {
        self.stop.send(()).expect("it should still run");
        let ended = tokio::time::timeout(PATIENCE, self.ended).await;
        ended.expect("it should stop").unwrap().expect("it should stop without an error");
    }
}

/// A worker in a runtime and over connections of its own, as in another process.
pub struct Elsewhere(tokio::runtime::Runtime);

pub fn start_elsewhere(
    db: &TestDb,
    set: impl FnOnce(Worker) -> Worker + Send + 'static,
) -> Elsewhere {
    let runtime = tokio::runtime::Runtime::new().expect("a runtime");
    let url = db.url.clone();
    runtime.spawn(async move { set(fragiles().worker(&connect(&url).await)).run().await });
    Elsewhere(runtime)
}

impl Elsewhere {
    /// Ends it in the middle of whatever it does, as the end of its process would.
    pub fn kill(self) {
        self.0.shutdown_background();
    }
}

/// An event that says that this row was completed.
pub fn completes(id: i32) -> impl Fn(&Event) -> bool {
    move |event| matches!(event, Event::Completed { key, .. } if key.to_string() == id.to_string())
}

/// Asks again and again until something is so.
pub async fn eventually(what: &str, is_so: impl AsyncFn() -> bool) {
    let so = async {
        while !is_so().await {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    };
    tokio::time::timeout(PATIENCE, so).await.unwrap_or_else(|_| panic!("it is not so: {what}"));
}
