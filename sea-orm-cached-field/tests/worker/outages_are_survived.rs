use std::{
    sync::{Arc, Mutex},
    time::Duration,
};

use sea_orm::{ConnectOptions, Database, DatabaseConnection};
use tokio::{
    net::{TcpListener, TcpStream},
    task::JoinHandle,
};

use crate::{fragile::*, harness::TestDb};

/// How long an outage lasts: longer than the worker tries to store a value.
const OUTAGE: Duration = Duration::from_millis(1500);

/// Stands between a pool and PostgreSQL, and can be cut.
struct Proxy {
    port: u16,
    server: String,
    accepting: Mutex<Option<JoinHandle<()>>>,
}

impl Proxy {
    async fn start(db: &TestDb) -> Self {
        let address = db.url.split('@').nth(1).unwrap().split('/').next().unwrap();
        let server =
            if address.contains(':') { address.to_owned() } else { format!("{address}:5432") };
        let port = TcpListener::bind("127.0.0.1:0").await.unwrap().local_addr().unwrap().port();
        let proxy = Self { port, server, accepting: Mutex::default() };
        proxy.mend().await;
        proxy
    }

    fn url(&self, db: &TestDb) -> String {
        let (user, rest) = db.url.split_once('@').unwrap();
        let (_, database) = rest.split_once('/').unwrap();
        format!("{user}@127.0.0.1:{}/{database}", self.port)
    }

    /// Takes connections from now on.
    async fn mend(&self) {
        let listener = TcpListener::bind(("127.0.0.1", self.port)).await.unwrap();
        let server = self.server.clone();
        let accepting = tokio::spawn(async move {
            // Dropped with this task, and all connections with it.
            let mut connections = tokio::task::JoinSet::new();
            while let Ok((mut client, _)) = listener.accept().await {
                let server = server.clone();
                connections.spawn(async move {
                    if let Ok(mut server) = TcpStream::connect(server).await {
                        let _ = tokio::io::copy_bidirectional(&mut client, &mut server).await;
                    }
                });
            }
        });

        *self.accepting.lock().unwrap() = Some(accepting);
    }

    /// Ends all connections, and refuses new ones.
    async fn cut(&self) {
        let accepting = self.accepting.lock().unwrap().take().unwrap();
        accepting.abort();
        let _ = accepting.await;
    }
}

async fn pool_of(url: &str) -> DatabaseConnection {
    let mut options = ConnectOptions::new(url);
    options.max_connections(5).acquire_timeout(Duration::from_millis(200)).sqlx_logging(false);
    if url.starts_with("sqlite") {
        options.map_sqlx_sqlite_opts(|options| options.busy_timeout(Duration::from_millis(50)));
    }
    Database::connect(options).await.unwrap()
}

#[apply(on_postgres)]
async fn of_the_network(db: TestDb) {
    let place = set_up_fragiles(&db).await;
    let [during, held] = rows_of(&db, ["fine", "gate"]).await;
    let proxy = Arc::new(Proxy::start(&db).await);
    let worker =
        start(fragiles().worker(&pool_of(&proxy.url(&db)).await).lease(Duration::from_secs(3600)));
    place.arrivals(1).await;

    proxy.cut().await;
    set_mood(&*db, during, "missed").await;
    place.open(10);
    tokio::time::sleep(OUTAGE).await;
    proxy.mend().await;

    eventually("the change is seen", async || db.pending("fragile").await == 0).await;
    assert_opinion(&db, during, "feels missed").await;
    assert_opinion(&db, held, "feels gate").await;
    worker.stop().await;
}

#[apply(on_postgres)]
async fn of_all_connections_of_the_worker(db: TestDb) {
    db.needs_sessions_of_its_own().await;
    set_up_fragiles(&db).await;
    let pool = pool_of(&format!("{}?application_name=worker", db.url)).await;
    let worker = start(fragiles().worker(&pool));

    for mood in ["first", "second", "third"] {
        let [id] = rows_of(&db, [mood]).await;
        eventually("it is calculated", async || {
            queued(&db, id).await + db.pending("fragile").await == 0
        })
        .await;
        let ended = "SELECT pg_terminate_backend(pid)
                       FROM pg_stat_activity
                      WHERE application_name = 'worker'
                        AND datname = current_database()";
        db.rows(ended).await;

        set_mood(&*db, id, "better").await;
        eventually("it is calculated again", async || db.pending("fragile").await == 0).await;
        assert_opinion(&db, id, "feels better").await;
    }
    worker.stop().await;
}

/// Another connection keeps the file locked for longer than the worker waits, several times over.
#[apply(on_sqlite)]
async fn of_a_locked_file(db: TestDb) {
    let place = set_up_fragiles(&db).await;
    let [held, later] = rows_of(&db, ["gate", "fine"]).await;
    let pool = pool_of(&db.url).await;
    let worker = start(fragiles().worker(&pool).lease(Duration::from_secs(3600)));
    place.arrivals(1).await;
    let locked = locked(&db).await;
    place.open(10);
    tokio::time::sleep(OUTAGE).await;
    drop(locked);
    eventually("all is calculated", async || db.pending("fragile").await == 0).await;
    assert_opinion(&db, held, "feels gate").await;
    assert_opinion(&db, later, "feels fine").await;
    worker.stop().await;
}

async fn locked(db: &TestDb) -> sea_orm::DatabaseTransaction {
    use sea_orm::{SqliteTransactionMode, TransactionOptions, TransactionTrait};
    let mode = Some(SqliteTransactionMode::Immediate);
    let options = TransactionOptions { sqlite_transaction_mode: mode, ..Default::default() };
    db.begin_with_options(options).await.unwrap()
}
