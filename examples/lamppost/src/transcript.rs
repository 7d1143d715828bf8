//! How the story is told: what happens, the code that does it, what comes of it, and how long it
//! took.

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

/// How long the worker may take for anything in this story.
const PATIENCE: Duration = Duration::from_secs(60);

/// Runs an expression, or a `let`, and shows its source: what one reads is what ran.
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

/// As `run!`, for a read: shows the value too, and how long it took.
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

/// What the engine tells.
pub(crate) trait Events: Stream<Item = Event> + Unpin {}

impl<S: Stream<Item = Event> + Unpin> Events for S {}

/// Tells what the engine does until it is what is waited for.
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
