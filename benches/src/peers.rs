//! The Django packages with a similar purpose, as processes: `peers/peer.py`.

use std::{
    io::{Read, Write},
    net::TcpStream,
    path::{Path, PathBuf},
    process::{Command, Stdio},
    thread,
    time::{Duration, Instant},
};

use anyhow::{Context, Result, bail, ensure};

use crate::{
    cases::{BEST_PEER, COMPUTEDFIELDS},
    child::Child,
    report,
};

const REDIS: &str = "CACHED_FIELD_BENCH_REDIS";
const DEFAULT_REDIS: &str = "redis://127.0.0.1:6379/7";

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Peer {
    CachedField,
    Computedfields,
}

impl Peer {
    pub(crate) const ALL: [Self; 2] = [Self::CachedField, Self::Computedfields];

    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::CachedField => BEST_PEER,
            Self::Computedfields => COMPUTEDFIELDS,
        }
    }
}

/// The requirements of the peers: an environment of Python, and Redis.
pub(crate) struct Peers {
    python: PathBuf,
    redis: String,
    /// The server, if it was not running.
    _server: Option<RedisServer>,
}

impl Peers {
    pub(crate) fn get_ready() -> Result<Self> {
        let python =
            environment().context("the peers need Python 3.10 or later with venv, and PyPI")?;
        let redis = std::env::var(REDIS).unwrap_or_else(|_| DEFAULT_REDIS.to_owned());
        let server = ensure_redis(&redis).with_context(|| {
            format!("django-cached-field needs Redis: install redis-server, or name one in {REDIS}")
        })?;
        Ok(Self { python, redis, _server: server })
    }

    /// Starts the peer on this database.
    pub(crate) fn start(&self, peer: Peer, database: &str) -> Result<Child> {
        let mut command = Command::new(&self.python);
        command.arg("peer.py").current_dir(folder()).env("PYTHONDONTWRITEBYTECODE", "1");
        command.env("PEER", if peer == Peer::CachedField { "cached" } else { "computed" });
        command.env("BENCH_DATABASE", database).env(REDIS, &self.redis);
        Child::spawn(command).with_context(|| format!("{} cannot be measured", peer.name()))
    }
}

fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("peers")
}

/// Returns the Python of an environment with everything in `requirements.txt`.
fn environment() -> Result<PathBuf> {
    let venv = report::folder()?.join("peers-venv");
    let python = venv.join("bin/python");
    if !python.exists() {
        run(Command::new("python3").args(["-m", "venv"]).arg(&venv))?;
    }
    let requirements = folder().join("requirements.txt");
    run(Command::new(&python)
        .args(["-m", "pip", "install", "--quiet", "--requirement"])
        .arg(requirements))?;
    Ok(python)
}

fn run(command: &mut Command) -> Result<()> {
    let status = command.status().with_context(|| format!("{command:?}"))?;
    ensure!(status.success(), "{command:?}: {status}");
    Ok(())
}

/// A server that ends when the value is dropped.
struct RedisServer(std::process::Child);

impl Drop for RedisServer {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// Starts Redis if it does not answer and its URL is on this machine.
fn ensure_redis(url: &str) -> Result<Option<RedisServer>> {
    let address =
        url.split("://").nth(1).context("not a URL")?.split('/').next().unwrap_or_default();
    let address = address.rsplit('@').next().unwrap_or(address);
    let (host, port) = address.split_once(':').unwrap_or((address, "6379"));
    let Err(unreachable) = answers(host, port) else { return Ok(None) };
    if !["127.0.0.1", "localhost"].contains(&host) {
        bail!("no Redis answers at {address}: {unreachable}");
    }

    let mut command = Command::new("redis-server");
    command.args(["--bind", "127.0.0.1", "--port", port, "--save", "", "--appendonly", "no"]);
    let server = RedisServer(command.stdout(Stdio::null()).spawn().context("redis-server")?);

    let started = Instant::now();
    while let Err(error) = answers(host, port) {
        ensure!(
            started.elapsed() < Duration::from_secs(10),
            "redis-server does not answer: {error}"
        );
        thread::sleep(Duration::from_millis(50));
    }
    Ok(Some(server))
}

/// Checks that it answers. Any answer is enough, even one that asks for a password: Celery has it
/// from the URL.
fn answers(host: &str, port: &str) -> Result<()> {
    let mut stream = TcpStream::connect(format!("{host}:{port}"))?;
    stream.set_read_timeout(Some(Duration::from_secs(2)))?;
    stream.write_all(b"PING\r\n")?;
    Ok(stream.read_exact(&mut [0; 4])?)
}
