//! Workers in processes of their own: this very program, started again.

use std::{
    process::{Child, Command, Stdio},
    sync::atomic::Ordering,
    time::{Duration, Instant},
};

use crate::harness::{self, lampposts::lampposts};

/// The variable that makes this program a worker, of the database that it names.
pub const WORKER_OF: &str = "CACHED_FIELD_STRESS_WORKER_OF";

/// Short, so that a killed worker's rows are soon free; some calculations take longer.
const LEASE: Duration = Duration::from_millis(300);
const LONGEST_PAUSE: u64 = 400;

/// What the process does that was started as a worker.
pub fn work(url: &str) {
    harness::LONGEST_PAUSE.store(LONGEST_PAUSE, Ordering::Relaxed);
    let runtime = tokio::runtime::Runtime::new().expect("a runtime");
    runtime.block_on(async {
        let db = harness::connect(url).await;
        lampposts().worker(&db).lease(LEASE).batch_size(20).run().await.expect("a worker runs until it is killed");
    });
}

pub struct Workers {
    url: String,
    running: Vec<Child>,
    random: fastrand::Rng,
}

impl Workers {
    pub fn start(url: &str, count: usize, seed: u64) -> Self {
        let running = (0..count).map(|_| start_one(url)).collect();
        Self { url: url.to_owned(), running, random: fastrand::Rng::with_seed(seed) }
    }

    /// Kills one worker after the other until the time is over, and starts others in their place.
    pub async fn kill_at_random(&mut self, time: Duration) -> u32 {
        let (begun, mut kills) = (Instant::now(), 0);
        while begun.elapsed() < time {
            tokio::time::sleep(Duration::from_millis(self.random.u64(50..600))).await;
            let victim = self.random.usize(..self.running.len());
            if self.running[victim].kill().is_ok() {
                kills += 1;
            }
            self.replace_the_dead();
        }
        kills
    }

    pub fn replace_the_dead(&mut self) {
        for worker in &mut self.running {
            if !matches!(worker.try_wait(), Ok(None)) {
                *worker = start_one(&self.url);
            }
        }
    }
}

/// However the test ends, no worker is left behind.
impl Drop for Workers {
    fn drop(&mut self) {
        for worker in &mut self.running {
            let _ = worker.kill();
            let _ = worker.wait();
        }
    }
}

fn start_one(url: &str) -> Child {
    let program = std::env::current_exe().expect("this program");
    Command::new(program).env(WORKER_OF, url).stdout(Stdio::null()).spawn().expect("a worker")
}
