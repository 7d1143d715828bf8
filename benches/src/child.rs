//! Workers and writers in processes of their own: this program, started again.

mod role;

use std::{
    fs,
    io::{BufRead, BufReader, Write},
    process::{ChildStdin, ChildStdout, Command, Stdio},
    thread,
    time::{Duration, Instant},
};

use anyhow::{Context, Result};

pub(crate) use role::Role;

use crate::schema::Way;

/// A process that ends when the value is dropped.
pub(crate) struct Child {
    process: std::process::Child,
    input: Option<ChildStdin>,
    output: BufReader<ChildStdout>,
}

impl Child {
    /// Starts a process that says when it is ready, and takes commands line by line.
    pub(crate) fn spawn(mut command: Command) -> Result<Self> {
        let started = command.stdin(Stdio::piped()).stdout(Stdio::piped()).spawn();
        let mut process = started.with_context(|| format!("{command:?}"))?;
        let input = process.stdin.take();
        let output = BufReader::new(process.stdout.take().context("no output")?);
        let mut child = Self { process, input, output };
        let mut ready = String::new();
        child.output.read_line(&mut ready)?;
        anyhow::ensure!(ready.trim() == "ready", "{command:?} has failed");
        Ok(child)
    }

    fn start(arguments: &[&str]) -> Result<Self> {
        let mut command = Command::new(std::env::current_exe()?);
        command.args(arguments);
        Self::spawn(command)
    }

    /// Starts a running worker.
    pub(crate) fn worker(url: &str, way: Way, batch_size: u64, concurrency: usize) -> Result<Self> {
        let way = clap::ValueEnum::to_possible_value(&way).context("a way without a name")?;
        Self::start(&[
            "worker",
            url,
            way.get_name(),
            &batch_size.to_string(),
            &concurrency.to_string(),
        ])
    }

    /// Starts a process that installs on command.
    pub(crate) fn installer(url: &str, way: Way) -> Result<Self> {
        let way = clap::ValueEnum::to_possible_value(&way).context("a way without a name")?;
        Self::start(&["installer", url, way.get_name()])
    }

    /// Starts a process that changes pigeons on request. With `by_hand` it also changes the names
    /// of their lampposts.
    pub(crate) fn writer(url: &str, by_hand: bool) -> Result<Self> {
        if by_hand {
            Self::start(&["writer", url, "--by-hand"])
        } else {
            Self::start(&["writer", url])
        }
    }

    /// Sends a command, and returns the answer.
    pub(crate) fn ask(&mut self, line: &str) -> Result<f64> {
        self.tell(line)?;
        let mut answer = String::new();
        self.output.read_line(&mut answer)?;
        answer.trim().parse().with_context(|| format!("the answer to {line:?} is {answer:?}"))
    }

    pub(crate) fn tell(&mut self, line: &str) -> Result<()> {
        let input = self.input.as_mut().context("it was told to stop")?;
        Ok(writeln!(input, "{line}")?)
    }

    /// Returns the number of queries that a worker has sent.
    pub(crate) fn queries(&mut self) -> Result<f64> {
        self.ask("queries")
    }

    /// Returns the peak of its memory, in bytes.
    pub(crate) fn peak_memory(&self) -> Result<f64> {
        let status = fs::read_to_string(format!("/proc/{}/status", self.process.id()))?;
        let peak =
            status.lines().find_map(|line| line.strip_prefix("VmHWM:")).context("no VmHWM")?;
        let kibibytes: f64 = peak.trim().trim_end_matches("kB").trim().parse()?;
        Ok(kibibytes * 1024.0)
    }

    /// Returns its time on a processor, in seconds. (`stat` counts in hundredths of a second.)
    pub(crate) fn processor_time(&self) -> Result<f64> {
        let mut nanoseconds = 0.0;
        for task in fs::read_dir(format!("/proc/{}/task", self.process.id()))? {
            // A thread may have ended a moment ago; in an idle process few come and go.
            let Ok(times) = fs::read_to_string(task?.path().join("schedstat")) else { continue };
            nanoseconds +=
                times.split(' ').next().context("no time in schedstat")?.parse::<f64>()?;
        }
        Ok(nanoseconds / 1e9)
    }

    /// Lets it end its work, and ends it.
    pub(crate) fn stop(mut self) -> Result<()> {
        self.input = None;
        let ended = self.process.wait()?;
        anyhow::ensure!(ended.success(), "a process has failed: {ended}");
        Ok(())
    }
}

/// The time that a process may take to end, and to end those that it has started.
const PATIENCE: Duration = Duration::from_secs(15);

/// No process is left behind, however a case ends.
impl Drop for Child {
    fn drop(&mut self) {
        self.input = None;
        let started = Instant::now();
        while matches!(self.process.try_wait(), Ok(None)) && started.elapsed() < PATIENCE {
            thread::sleep(Duration::from_millis(5));
        }
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}
