//! One round: a schema, its writers, its workers, the faults that they suffer, and the observer.

use std::{
    fmt,
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicU64, Ordering},
    },
    time::{Duration, Instant},
};

use anyhow::{Context, Result, ensure};
use fastrand::Rng;
use sea_orm::{ConnectionTrait, DatabaseConnection, Statement};

use crate::{
    counters::{COUNTED, DIFFERENCE},
    mutation::{Mutation, REPLACED},
    observer::Observer,
    process::{Process, Tally},
    proxy::Proxy,
    reader::VIOLATION,
    role::{LEASE, connect},
    schema::Schema,
    server::{Account, Database, Server, Span},
    snapshot::Snapshot,
};

const WORKERS: usize = 3;
const CLIENTS: usize = 2;

/// The time that workers may take to catch up in the end.
const CATCHING_UP: Duration = Duration::from_secs(60);

/// The time that a server may be out of reach.
const OUTAGE: Duration = Duration::from_secs(60);

/// The time between two kills of the server.
const BETWEEN_RESTARTS: Duration = Duration::from_secs(6);

pub(crate) struct Round<'a> {
    pub(crate) database: Database,
    pub(crate) seed: u64,
    pub(crate) time: Duration,
    /// Whether a single client writes, and reads.
    pub(crate) reads: bool,
    pub(crate) mutation: Option<&'a Mutation>,
}

/// The report of one or several rounds.
#[derive(Default)]
pub(crate) struct Report {
    pub(crate) violations: Vec<String>,
    pub(crate) rounds: u64,
    pub(crate) tally: std::collections::BTreeMap<String, u64>,
    pub(crate) snapshots: u64,
    deadlocks_by_the_server: u64,
    faults: Faults,
}

#[derive(Default)]
struct Faults {
    /// The times in which workers were frozen or cut off.
    spans: Vec<Span>,
    workers_killed: u64,
    workers_frozen: u64,
    workers_cut_off: u64,
    clients_killed: u64,
    servers_killed: u64,
}

impl Report {
    pub(crate) fn add(&mut self, other: Self) {
        self.violations.extend(other.violations);
        self.rounds += other.rounds;
        for (what, count) in other.tally {
            *self.tally.entry(what).or_default() += count;
        }
        self.snapshots += other.snapshots;
        self.deadlocks_by_the_server += other.deadlocks_by_the_server;
        let faults = &mut self.faults;
        let others = other.faults;
        faults.workers_killed += others.workers_killed;
        faults.workers_frozen += others.workers_frozen;
        faults.workers_cut_off += others.workers_cut_off;
        faults.clients_killed += others.clients_killed;
        faults.servers_killed += others.servers_killed;
    }
}

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Faults {
            workers_killed,
            workers_frozen,
            workers_cut_off,
            clients_killed,
            servers_killed,
            ..
        } = self.faults;

        let of = |what: &str| self.tally.get(what).copied().unwrap_or(0);
        let refused: Vec<String> = self
            .tally
            .iter()
            .filter(|(what, _)| {
                !["committed", "rolled back", "read", COUNTED].contains(&what.as_str())
            })
            .filter(|(what, _)| !is_violation(what) && !what.starts_with(REPLACED))
            .map(|(what, count)| format!("{count} {what}"))
            .collect();

        write!(
            f,
            "{} schemas; {} transactions committed, {} rolled back, {} fresh reads, refused: {}; \
             {} values counted; \
             workers: {workers_killed} killed, {workers_frozen} frozen, {workers_cut_off} cut off; \
             {clients_killed} clients and {servers_killed} servers killed; {} snapshots, {} violations",
            self.rounds,
            of("committed"),
            of("rolled back"),
            of("read"),
            if refused.is_empty() { "none".to_owned() } else { refused.join(", ") },
            of(COUNTED),
            self.snapshots,
            self.violations.len(),
        )?;

        if self.deadlocks_by_the_server > 0 {
            write!(
                f,
                " ({} deadlocks that the server makes by itself, see docs/reliability.md)",
                self.deadlocks_by_the_server
            )?;
        }
        Ok(())
    }
}

impl Round<'_> {
    pub(crate) async fn run(&self, server: &mut dyn Server) -> Result<Report> {
        let schema = Arc::new(Schema::random(self.seed));
        static ROUND: AtomicU64 = AtomicU64::new(1);
        let name = format!("round_{}", ROUND.fetch_add(1, Ordering::Relaxed));
        let tally = Tally::default();

        self.set_up(server, &name, &schema, tally.clone()).await?;
        let db = connect(&server.url(&name, Account::Owner, None), 3).await?;
        let mut people = People::start(self, server, &name, tally).await?;
        let watching = Arc::new(Watch::default());
        let observer = tokio::spawn(watch(
            db.clone(),
            Arc::clone(&schema),
            self.database,
            Arc::clone(&watching),
        ));

        let mut report = Report { rounds: 1, ..Report::default() };
        let worked = async {
            self.torment(server, &mut people, &watching, &mut report.faults).await?;
            people.calm_down().await?;
            if watching.is_over() {
                Ok(None)
            } else {
                people.catch_up(&db, &schema, self.database).await.map(Some)
            }
        };

        let at_rest = worked.await;
        watching.end();
        report.violations.extend(observer.await??);
        report.violations.extend(at_rest?.flatten());
        let counts = !self.reads && self.mutation.is_none() && report.violations.is_empty();
        let tally = people.end().await?;
        if counts {
            self.compare_counters(server, &name, tally.clone()).await?;
        }
        let complaints = server.complaints(&report.faults.spans)?;
        report.deadlocks_by_the_server = complaints.by_the_server;
        report.violations.extend(
            complaints
                .by_us
                .into_iter()
                .map(|text| format!("I2, the library was in the way: {text}")),
        );
        report.snapshots = watching.snapshots.load(Ordering::Relaxed);
        report.tally = tally.counts();
        report.violations.extend(report.tally.keys().filter(|said| is_violation(said)).cloned());

        let did = |what: &str| self.mutation.is_some() || report.tally.contains_key(what);
        ensure!(did("committed"), "no client has written anything");
        ensure!(!self.reads || did("read"), "no client has read anything");
        Ok(report)
    }

    async fn set_up(
        &self,
        server: &dyn Server,
        name: &str,
        schema: &Schema,
        tally: Tally,
    ) -> Result<()> {
        if let Some(create) = server.create(name) {
            let db = connect(&server.url(self.database.maintenance().0, Account::Owner, None), 1)
                .await?;
            db.execute_unprepared(&create).await?;
            db.close().await?;
        }

        let url = server.url(name, Account::Owner, None);
        let arguments = ["install", &url, &self.seed.to_string()].map(str::to_owned).to_vec();
        Process::start(arguments, self.variable(), tally)?.stop().await?;

        let db = connect(&url, 1).await?;
        let mut tables: Vec<&str> = schema.tables.iter().map(|table| table.name).collect();
        tables.push("ledger");
        for grant in server.grants(&tables) {
            db.execute_unprepared(&grant).await?;
        }
        Ok(db.close().await?)
    }

    async fn compare_counters(&self, server: &dyn Server, name: &str, tally: Tally) -> Result<()> {
        let urls = [Account::Owner, Account::Worker].map(|account| server.url(name, account, None));
        let mut arguments = vec!["count".to_owned()];
        arguments.extend(urls);
        arguments.push(self.seed.to_string());
        Process::start(arguments, None, tally)?.stop().await
    }

    fn variable(&self) -> Option<(&'static str, &'static str)> {
        self.mutation.map(|mutation| mutation.environment(self.database.backend()))
    }

    /// Causes one fault after the other, until the time is over or enough was observed.
    async fn torment(
        &self,
        server: &mut dyn Server,
        people: &mut People,
        watch: &Watch,
        faults: &mut Faults,
    ) -> Result<()> {
        let mut chance = Rng::with_seed(self.seed);
        let begun = Instant::now();
        let mut restarted = Instant::now();

        while begun.elapsed() < self.time && !watch.is_over() {
            tokio::time::sleep(Duration::from_millis(chance.u64(50..600))).await;
            people.replace_the_dead().await?;
            match chance.u8(..100) {
                0..45 => {
                    people.some_worker(&mut chance).replace().await?;
                    faults.workers_killed += 1;
                }
                45..65 => {
                    let worker = people.some_worker(&mut chance);
                    let begun = now();
                    worker.freeze()?;
                    tokio::time::sleep(LEASE.mul_f64(0.5 + chance.f64() * 2.0)).await;
                    worker.thaw()?;
                    faults.spans.push(begun..now());
                    faults.workers_frozen += 1;
                }
                65..78 => {
                    let Some(proxy) = &people.proxy else { continue };
                    let begun = now();
                    proxy.cut();
                    tokio::time::sleep(Duration::from_millis(chance.u64(..800))).await;
                    proxy.mend();
                    faults.spans.push(begun..now());
                    faults.workers_cut_off += 1;
                }
                78..90 if !self.reads => {
                    let client = chance.usize(..people.clients.len());
                    people.clients[client].replace().await?;
                    faults.clients_killed += 1;
                }
                _ if restarted.elapsed() > BETWEEN_RESTARTS => {
                    let killed = tokio::task::block_in_place(|| server.restart())?;
                    faults.servers_killed += u64::from(killed.is_some());
                    restarted = Instant::now();
                }
                _ => {}
            }
        }
        Ok(())
    }
}

/// Returns whether a process has reported this as a violation.
fn is_violation(said: &str) -> bool {
    [VIOLATION, DIFFERENCE].iter().any(|violation| said.starts_with(violation))
}

/// Returns the version of the server.
pub(crate) async fn version(database: Database, server: &dyn Server) -> Result<String> {
    let (maintenance, query) = database.maintenance();
    let db = connect(&server.url(maintenance, Account::Owner, None), 1).await?;
    let row = db
        .query_one_raw(Statement::from_string(database.backend(), query))
        .await?
        .context("no version")?;
    let version = row.try_get("", "version")?;
    db.close().await?;
    Ok(version)
}

/// Returns the time in milliseconds since 1970.
fn now() -> u128 {
    std::time::UNIX_EPOCH.elapsed().map_or(0, |since| since.as_millis())
}

/// All processes other than the observer: clients and workers.
struct People {
    clients: Vec<Process>,
    workers: Vec<Process>,
    /// Whether the one client is a reader.
    reads: bool,
    proxy: Option<Proxy>,
    tally: Tally,
}

impl People {
    async fn start(
        round: &Round<'_>,
        server: &dyn Server,
        name: &str,
        tally: Tally,
    ) -> Result<Self> {
        let proxy = match server.port() {
            Some(port) => Some(Proxy::to(port).await?),
            None => None,
        };
        let worker_url = server.url(name, Account::Worker, proxy.as_ref().map(Proxy::port));
        let seed = round.seed.to_string();

        let worker = || {
            let arguments = vec!["worker".to_owned(), worker_url.clone(), seed.clone()];
            Process::start(arguments, round.variable(), tally.clone())
        };

        let client = |n: usize| {
            let urls =
                [Account::Owner, Account::Clerk].map(|account| server.url(name, account, None));
            let chance = (round.seed << 8 | n as u64).to_string();
            let mut arguments = vec!["client".to_owned()];
            arguments.extend(urls);
            arguments.extend(["--seed", &seed, "--chance", &chance].map(str::to_owned));
            if server.tells_the_undecided_apart() {
                arguments
                    .extend(["--undecided".to_owned(), server.url(name, Account::Undecided, None)]);
            }
            Process::start(arguments, round.variable(), tally.clone())
        };

        let reader = || {
            let urls =
                [Account::Owner, Account::Worker].map(|account| server.url(name, account, None));
            let mut arguments = vec!["reader".to_owned()];
            arguments.extend(urls);
            arguments.extend([seed.clone(), seed.clone()]);
            Process::start(arguments, round.variable(), tally.clone())
        };

        Ok(Self {
            workers: (0..WORKERS).map(|_| worker()).collect::<Result<_>>()?,
            reads: round.reads,
            clients: if round.reads {
                vec![reader()?]
            } else {
                (0..CLIENTS).map(client).collect::<Result<_>>()?
            },
            proxy,
            tally,
        })
    }

    fn some_worker(&mut self, chance: &mut Rng) -> &mut Process {
        let worker = chance.usize(..self.workers.len());
        &mut self.workers[worker]
    }

    async fn replace_the_dead(&mut self) -> Result<()> {
        let reader = self.clients.iter_mut().filter(|_| self.reads).any(Process::has_ended);
        ensure!(!reader, "the reader has ended by itself");
        for process in self.workers.iter_mut().chain(&mut self.clients) {
            if process.has_ended() {
                process.replace().await?;
            }
        }
        Ok(())
    }

    /// Stops all writers and readers.
    async fn calm_down(&mut self) -> Result<()> {
        self.workers.iter_mut().for_each(Process::tell);
        for client in std::mem::take(&mut self.clients) {
            client.stop().await?;
        }
        Ok(())
    }

    /// Ends all workers.
    async fn end(self) -> Result<Tally> {
        for worker in self.workers {
            worker.kill().await?;
        }
        Ok(self.tally)
    }

    /// Waits until everything is recalculated, and checks whether it is right.
    async fn catch_up(
        &mut self,
        db: &DatabaseConnection,
        schema: &Schema,
        database: Database,
    ) -> Result<Option<String>> {
        let begun = Instant::now();
        loop {
            self.replace_the_dead().await?;
            let snapshot = match Snapshot::take(db, schema).await {
                Ok(snapshot) => snapshot,
                // A pooler reports for a while that the server is away.
                Err(error) if begun.elapsed() > CATCHING_UP => return Err(error),
                Err(_) => {
                    tokio::time::sleep(Duration::from_millis(20)).await;
                    continue;
                }
            };

            if snapshot.pending() == 0 {
                return Ok(Observer::new(schema, &snapshot, database == Database::Sqlite)
                    .check_at_rest()
                    .err());
            }
            if begun.elapsed() > CATCHING_UP {
                let left = (&snapshot.marked, &snapshot.marked_elsewhere, &snapshot.queued);
                return Ok(Some(format!(
                    "I1, what is marked stays so: after {CATCHING_UP:?} there is {left:?}"
                )));
            }
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    }
}

/// The messages between the observer and the other tasks.
#[derive(Default)]
struct Watch {
    is_over: AtomicBool,
    snapshots: AtomicU64,
}

impl Watch {
    fn is_over(&self) -> bool {
        self.is_over.load(Ordering::Relaxed)
    }

    fn end(&self) {
        self.is_over.store(true, Ordering::Relaxed);
    }
}

/// Looks at snapshots until it is told to stop, or has seen a violation.
async fn watch(
    db: DatabaseConnection,
    schema: Arc<Schema>,
    database: Database,
    watch: Arc<Watch>,
) -> Result<Option<String>> {
    let mut seen = Instant::now();
    while !watch.is_over() {
        match Snapshot::take(&db, &schema).await {
            Ok(snapshot) => {
                if let Err(violation) =
                    Observer::new(&schema, &snapshot, database == Database::Sqlite).check()
                {
                    watch.end();
                    return Ok(Some(violation));
                }
                seen = Instant::now();
                watch.snapshots.fetch_add(1, Ordering::Relaxed);
            }
            Err(error) if seen.elapsed() > OUTAGE => {
                return Err(error).context("the observer sees nothing");
            }
            Err(_) => tokio::time::sleep(Duration::from_millis(20)).await,
        }
        tokio::task::yield_now().await;
    }

    Ok(None)
}
