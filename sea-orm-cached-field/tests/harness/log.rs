//! What the log says, of the whole process or of one test.

use std::{
    cell::RefCell,
    fmt,
    sync::{Arc, LazyLock, Mutex},
};

use tracing::{
    Event, Level, Metadata, Subscriber,
    field::{Field, Visit},
    span::{Attributes, Id, Record},
};
use tracing_core::span::Current;

/// Where SQLx logs what PostgreSQL has to say.
const NOTICES: &str = "sqlx::postgres::notice";

/// Keeps what the library says, and what PostgreSQL says to it, each with its level, its fields and
/// its span. It also keeps the spans of SeaORM, each with the span around it.
#[derive(Clone, Default)]
pub struct Log {
    said: Arc<Mutex<Vec<String>>>,
    /// A span's number is its place here, from 1 on.
    spans: Arc<Mutex<Vec<Span>>>,
}

/// A span: its name and its fields.
#[derive(Clone)]
struct Span(String, &'static Metadata<'static>);

thread_local! {
    /// The numbers of the spans that this thread is in.
    static ENTERED: RefCell<Vec<u64>> = const { RefCell::new(Vec::new()) };

    /// What was said on this thread, if that is kept.
    static HERE: RefCell<Option<Vec<String>>> = const { RefCell::new(None) };
}

impl Log {
    /// The one subscriber of this process: those of single tests would turn off each other's
    /// callsites.
    pub fn everywhere() -> &'static Self {
        static LOG: LazyLock<Log> = LazyLock::new(|| {
            let log = Log::default();
            tracing::subscriber::set_global_default(log.clone()).expect("the only one");
            log
        });
        &LOG
    }

    /// All that was said, by all tests.
    pub fn said(&self) -> Vec<String> {
        self.said.lock().unwrap().clone()
    }

    /// The spans as they are by now.
    pub fn spans(&self) -> Vec<String> {
        self.spans.lock().unwrap().iter().map(|Span(text, _)| text.clone()).collect()
    }

    /// What was said of the row with this key, which is written as `ID`.
    pub fn of_row(&self, id: i32) -> String {
        let id = id.to_string();
        let key = format!("key={id}");
        let said = self.said().into_iter().filter(|said| said.contains(&key));
        said.map(|said| said.replace(&id, "ID")).collect::<Vec<_>>().join("\n")
    }
}

/// Does the work on a thread of its own, which runs all of its tasks. Returns what comes of it, and
/// what the log says meanwhile.
pub async fn logged<T: Send + 'static, F: Future<Output = T>>(
    work: impl FnOnce() -> F + Send + 'static,
) -> (T, Vec<String>) {
    Log::everywhere();
    let thread = move || {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
        HERE.set(Some(Vec::new()));
        let done = runtime.expect("a runtime").block_on(work());
        (done, HERE.take().expect("what was said"))
    };
    tokio::task::spawn_blocking(thread).await.expect("it should not panic")
}

/// A line without the numbers of its durations, which differ each time.
pub fn without_durations(line: &str) -> String {
    let parts = line.split(' ').map(|part| match part.split_once("seconds=") {
        // What was set is known.
        Some((what, rest)) if !["lease_", "calculation_timeout_"].contains(&what) => {
            let end = rest.trim_start_matches(|c: char| c.is_ascii_digit() || ".e-".contains(c));
            format!("{what}seconds=..{end}")
        }
        _ => part.to_owned(),
    });
    parts.collect::<Vec<_>>().join(" ")
}

/// A message, and the fields that it is about.
#[derive(Default)]
struct Said {
    message: String,
    fields: String,
}

impl Visit for Said {
    fn record_str(&mut self, field: &Field, value: &str) {
        match field.name() {
            "message" => self.message = value.to_owned(),
            _ => self.record_debug(field, &value),
        }
    }

    fn record_debug(&mut self, field: &Field, value: &dyn fmt::Debug) {
        match field.name() {
            "message" => self.message = format!("{value:?}"),
            name => self.fields += &format!(" {name}={value:?}"),
        }
    }
}

impl Subscriber for Log {
    fn enabled(&self, metadata: &Metadata<'_>) -> bool {
        let is_ours = metadata.target().starts_with("sea_orm_cached_field::");
        let is_of_tests = metadata.is_span() && metadata.target().starts_with("worker::");
        let is_of_sea_orm = metadata.is_span()
            && metadata.target().starts_with("sea_orm::")
            && *metadata.level() == Level::INFO;
        (is_ours && *metadata.level() <= Level::DEBUG)
            || is_of_tests
            || is_of_sea_orm
            || metadata.target() == NOTICES
    }

    fn event(&self, event: &Event<'_>) {
        let mut said = Said::default();
        event.record(&mut said);
        let Said { message, fields } = said;
        let spans = self.spans.lock().unwrap();
        let entered = ENTERED.with_borrow(Clone::clone);
        let entered = entered.into_iter().map(|span| &spans[span as usize - 1]);
        let is_ours = |Span(_, of): &&Span| of.target().starts_with("sea_orm_cached_field::");
        let within = entered.rev().find(is_ours).map(|Span(text, _)| format!("; in {text}"));
        drop(spans);

        let within = within.unwrap_or_default();
        let metadata = event.metadata();
        let notice = if metadata.target() == NOTICES { "notice: " } else { "" };
        let line = format!("{} {notice}{message};{fields}{within}", metadata.level());
        HERE.with_borrow_mut(|here| here.iter_mut().for_each(|here| here.push(line.clone())));
        self.said.lock().unwrap().push(line);
    }

    fn new_span(&self, span: &Attributes<'_>) -> Id {
        let mut said = Said::default();
        span.record(&mut said);
        let mut spans = self.spans.lock().unwrap();
        let around = ENTERED.with_borrow(|entered| entered.last().copied());
        let around = around.filter(|_| span.metadata().target().starts_with("sea_orm::"));
        let around = around.map(|around| format!(" in ({})", spans[around as usize - 1].0));
        let name = span.metadata().name();
        let text = format!("{name}{}{}", said.fields, around.unwrap_or_default());
        spans.push(Span(text, span.metadata()));
        Id::from_u64(spans.len() as u64)
    }

    fn record(&self, span: &Id, values: &Record<'_>) {
        let mut said = Said::default();
        values.record(&mut said);
        self.spans.lock().unwrap()[span.into_u64() as usize - 1].0 += &said.fields;
    }

    fn record_follows_from(&self, _: &Id, _: &Id) {}

    fn enter(&self, span: &Id) {
        ENTERED.with_borrow_mut(|entered| entered.push(span.into_u64()));
    }

    fn current_span(&self) -> Current {
        let span = ENTERED.with_borrow(|entered| entered.last().copied());
        let current = |span: u64| {
            let Span(_, metadata) = self.spans.lock().unwrap()[span as usize - 1].clone();
            Current::new(Id::from_u64(span), metadata)
        };
        span.map_or_else(Current::none, current)
    }

    fn exit(&self, _: &Id) {
        ENTERED.with_borrow_mut(|entered| entered.pop());
    }
}
