//! The output of the story: what happens, the code that does it, the result, and the time.

use std::{fmt::Display, time::Duration};

use anstream::println;
use anstyle::{AnsiColor, Style};
use anyhow::{Context, Result, bail};
use sea_orm_cached_field::Event;
use tokio_stream::{Stream, StreamExt};

const TITLE: Style = Style::new().bold();
const CODE: Style = AnsiColor::Cyan.on_default();
const VALUE: Style = AnsiColor::Green.on_default().bold();
const ASIDE: Style = Style::new().dimmed();

/// The time that the worker may take for anything in this story.
const PATIENCE: Duration = Duration::from_secs(60);

/// Runs an expression, or a `let`, and prints its source: the printed code is the code that ran.
macro_rules! run {
    (let $name:ident = $code:expr) => {
        $crate::transcript::code(concat!("let ", stringify!($name), " = ", stringify!($code)));
        let $name = $code;
    };
    ($code:expr) => {{
        $crate::transcript::code(stringify!($code));
        $code
    }};
}

/// Runs a read as `run!` does. It also prints the value, and the time.
macro_rules! read {
    ($code:expr) => {{
        let started = std::time::Instant::now();
        let value = run!($code);
        $crate::transcript::value(&value, started.elapsed());
        value
    }};
}

pub(crate) use {read, run};

pub(crate) fn chapter(title: &str) {
    println!();
    self::title(title);
}

pub(crate) fn title(title: &str) {
    println!("{TITLE}{title}{TITLE:#}");
}

pub(crate) fn code(source: &str) {
    // `stringify!` breaks long lines.
    let source = source.split_whitespace().collect::<Vec<_>>().join(" ");
    println!("  {CODE}{source}{CODE:#}");
}

pub(crate) fn value(value: &str, took: Duration) {
    println!("    = {VALUE}{value:<32}{VALUE:#} {ASIDE}{}{ASIDE:#}", milliseconds(took));
}

pub(crate) fn aside(text: impl Display) {
    println!("    {ASIDE}{text}{ASIDE:#}");
}

fn milliseconds(took: Duration) -> String {
    let milliseconds = took.as_secs_f64() * 1000.0;
    if milliseconds < 1.0 {
        format!("{milliseconds:.3} ms")
    } else {
        format!("{milliseconds:.0} ms")
    }
}

/// The events of the engine.
pub(crate) trait Events: Stream<Item = Event> + Unpin {}

impl<S: Stream<Item = Event> + Unpin> Events for S {}

/// Prints the events of the engine until the expected one comes.
pub(crate) async fn watch(
    events: &mut impl Events,
    awaited: impl Fn(&Event) -> bool,
) -> Result<()> {
    let watching = async {
        while let Some(event) = events.next().await {
            tell(&event);
            match event {
                Event::Failed { error, .. } => bail!("the calculation failed: {error}"),
                event if awaited(&event) => return Ok(()),
                _ => {}
            }
        }
        bail!("the engine fell silent")
    };

    tokio::time::timeout(PATIENCE, watching)
        .await
        .context("the worker did not do it within a minute")?
}

fn tell(event: &Event) {
    match event {
        Event::Calculated { took, .. } => aside(format!("worker: {event} {}", milliseconds(*took))),
        _ => aside(format!("worker: {event}")),
    }
}
