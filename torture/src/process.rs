//! Processes that are killed, frozen, and started again.

use std::{
    collections::BTreeMap,
    process::Stdio,
    sync::{Arc, Mutex, PoisonError},
};

use anyhow::{Context, Result};
use nix::{
    sys::signal::{Signal, kill},
    unistd::Pid,
};
use tokio::{
    io::{AsyncBufReadExt, BufReader},
    process::{Child, Command},
    task::JoinHandle,
};

/// The number of times that each line was printed, by all processes that share it.
#[derive(Clone, Default)]
pub(crate) struct Tally(Arc<Mutex<BTreeMap<String, u64>>>);

impl Tally {
    fn count(&self, line: String) {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner).entry(line).or_default() += 1;
    }

    pub(crate) fn counts(&self) -> BTreeMap<String, u64> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }
}

/// This program, started once more with other arguments, and again whenever it is killed.
pub(crate) struct Process {
    arguments: Vec<String>,
    variable: Option<(&'static str, &'static str)>,
    tally: Tally,
    child: Child,
    /// A task that ends with the output of the process.
    listening: JoinHandle<()>,
}

impl Process {
    pub(crate) fn start(
        arguments: Vec<String>,
        variable: Option<(&'static str, &'static str)>,
        tally: Tally,
    ) -> Result<Self> {
        let (child, listening) = start(&arguments, variable, &tally)?;
        Ok(Self { arguments, variable, tally, child, listening })
    }

    fn signal(&self, signal: Signal) -> Result<()> {
        let id = self.child.id().context("the process has ended")?;
        Ok(kill(Pid::from_raw(i32::try_from(id)?), signal)?)
    }

    pub(crate) fn freeze(&self) -> Result<()> {
        self.signal(Signal::SIGSTOP)
    }

    pub(crate) fn thaw(&self) -> Result<()> {
        self.signal(Signal::SIGCONT)
    }

    /// Kills the process in the middle of whatever it does, and starts another in its place.
    pub(crate) async fn replace(&mut self) -> Result<()> {
        self.child.kill().await?;
        (self.child, self.listening) = start(&self.arguments, self.variable, &self.tally)?;
        Ok(())
    }

    /// Kills the process, and counts the rest of its output.
    pub(crate) async fn kill(mut self) -> Result<()> {
        self.child.kill().await?;
        Ok(self.listening.await?)
    }

    /// Returns whether it has ended by itself.
    pub(crate) fn has_ended(&mut self) -> bool {
        !matches!(self.child.try_wait(), Ok(None))
    }

    /// Tells it to calm down, by the end of its input.
    pub(crate) fn tell(&mut self) {
        drop(self.child.stdin.take());
    }

    /// Waits until it has ended by itself, and all of its output is counted.
    pub(crate) async fn stop(mut self) -> Result<()> {
        self.tell();
        let ended = self.child.wait().await?;
        self.listening.await?;
        anyhow::ensure!(ended.success(), "{:?} has failed: {ended}", self.arguments);
        Ok(())
    }
}

fn start(
    arguments: &[String],
    variable: Option<(&'static str, &'static str)>,
    tally: &Tally,
) -> Result<(Child, JoinHandle<()>)> {
    let mut command = Command::new(std::env::current_exe()?);
    command.args(arguments).stdin(Stdio::piped()).stdout(Stdio::piped()).kill_on_drop(true);
    command.envs(variable);
    let mut child = command.spawn().context("this program once more")?;
    let output = child.stdout.take().context("no output")?;
    let tally = tally.clone();
    let listening = tokio::spawn(async move {
        let mut lines = BufReader::new(output).lines();
        while let Ok(Some(line)) = lines.next_line().await {
            tally.count(line);
        }
    });
    Ok((child, listening))
}
