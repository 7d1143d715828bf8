//! The arguments of each command, and which function runs it.

use std::net::SocketAddr;

use clap::{Args, Subcommand, ValueEnum, builder::PossibleValue};
use clap_complete::Shell;
use sea_orm::DatabaseConnection;

use super::{Code, Failure, ask, change, output::Output, rows, work};
use crate::{CachedFields, FieldState};

// The options that each command has. A doc comment would become the help of each.
#[derive(Args, Clone, Debug)]
pub(super) struct Common {
    /// Writes the result as JSON
    #[arg(long, global = true)]
    pub(super) json: bool,
    /// Gives up after so many seconds, with exit code 4
    #[arg(long, value_name = "SECONDS", global = true)]
    pub(super) timeout: Option<u64>,
}

#[derive(Clone, Debug, Subcommand)]
pub(super) enum Kind {
    /// Tells the state of each field: what waits, what fails, and for how long
    ///
    /// Example: status --fail-on failing,behind
    Status(Status),

    /// Lists the workers that run
    ///
    /// Example: workers
    Workers,

    /// Tells what workers did: how many values, how many of them in vain, and how long they were
    /// stale
    ///
    /// Example: activity --minutes 60
    Activity(Activity),

    /// Lists the errors of calculations that fail, and retries
    ///
    /// The texts of errors come from the calculations. They may hold values of rows.
    ///
    /// Example: failed retry shop.revenue
    Failed(Failed),

    /// Tells whether a field of a row is stale, and why
    ///
    /// The text of its last error may hold values of the row.
    ///
    /// Example: explain shop.revenue 7
    Explain(OfRow),

    /// Counts the values that expire soon
    ///
    /// Example: expirations
    Expirations,

    /// Draws what each field is calculated from. It asks no database
    ///
    /// Example: graph --format mermaid
    Graph(Graph),

    /// Makes workers leave a field alone until it is resumed
    ///
    /// Changes are still recorded, and readers go on.
    ///
    /// Example: pause shop.revenue --reason "the deploy of 2.1" --wait
    Pause(Pause),

    /// Ends the pause of a field
    ///
    /// Example: resume shop.revenue
    Resume(OfField),

    /// Flags rows of a field: they are recalculated in the background
    ///
    /// Example: flag shop.revenue --key 7 --key 8
    Flag(Flag),

    /// Calculates and stores a field of rows now
    ///
    /// Many rows are taken in the order of their keys. If it ends early, it says after which key to
    /// continue. The texts of errors may hold values of rows.
    ///
    /// Example: recalculate shop.revenue --key 7
    ///
    /// Example: recalculate shop.revenue --after 1200
    Recalculate(Recalculate),

    /// Works as a worker, until it is interrupted
    ///
    /// With --until-empty, it ends with exit code 1 if calculations have failed.
    ///
    /// Example: work --until-empty
    ///
    /// Example: work --probe 0.0.0.0:8080
    Work(Work),

    /// Creates everything in the database that the fields need
    ///
    /// Example: install --check
    Install(Install),

    /// Prints the statements by which `install` would change the schema now
    ///
    /// Flags, and the library's own records, are not among them.
    ///
    /// Example: sql > install.sql
    Sql,

    /// Drops everything that `install` has created, except for the columns
    ///
    /// Example: uninstall --yes
    Uninstall(Uninstall),

    /// Looks for problems in the database
    ///
    /// Example: doctor --repair
    Doctor(Doctor),

    /// Prints completions of these commands for a shell
    ///
    /// Example: completions bash
    Completions(Completions),
}

#[derive(Args, Clone, Debug)]
pub(super) struct Status {
    /// Fields, as table and field; all if there are none
    #[arg(value_name = "FIELD")]
    pub(super) fields: Vec<String>,
    /// Tells it again and again, every so many seconds
    #[arg(long, value_name = "SECONDS", num_args = 0..=1, default_missing_value = "2")]
    pub(super) watch: Option<u64>,
    /// Ends with exit code 1 if a field is in one of these states
    #[arg(long, value_name = "STATE", value_delimiter = ',')]
    pub(super) fail_on: Vec<FieldState>,
}

impl ValueEnum for FieldState {
    fn value_variants<'a>() -> &'a [Self] {
        &[
            Self::NotInstalled,
            Self::Paused,
            Self::Failing,
            Self::Filling,
            Self::Behind,
            Self::Working,
            Self::Lazy,
            Self::Unknown,
            Self::Fresh,
        ]
    }

    fn to_possible_value(&self) -> Option<PossibleValue> {
        Some(PossibleValue::new(match self {
            Self::NotInstalled => "not-installed",
            state => state.as_str(),
        }))
    }
}

#[derive(Args, Clone, Debug)]
pub(super) struct Activity {
    /// The number of minutes that it looks back, at most 1440
    #[arg(long, default_value_t = 5)]
    pub(super) minutes: u64,
}

#[derive(Args, Clone, Debug)]
pub(super) struct Failed {
    #[command(subcommand)]
    pub(super) what: Option<FailedWhat>,
}

#[derive(Clone, Debug, Subcommand)]
pub(super) enum FailedWhat {
    /// Lists the rows that fail, with their errors
    Show {
        /// The field, as table and field
        field: String,
        /// Only errors that contain this text
        #[arg(long, value_name = "TEXT")]
        like: Option<String>,
        /// The greatest number of rows
        #[arg(long, default_value_t = 20, value_parser = clap::value_parser!(u64).range(1..))]
        limit: u64,
    },
    /// Makes what has failed due again
    Retry {
        /// The field, as table and field; all if there is none
        field: Option<String>,
        /// Only errors that contain this text
        #[arg(long, value_name = "TEXT")]
        like: Option<String>,
        /// Only the row with this key; the values of several key columns are separated by commas
        #[arg(long, requires = "field", conflicts_with = "like", allow_hyphen_values = true)]
        key: Option<String>,
    },
}

#[derive(Args, Clone, Debug)]
pub(super) struct OfField {
    /// The field, as table and field
    pub(super) field: String,
}

#[derive(Args, Clone, Debug)]
pub(super) struct OfRow {
    /// The field, as table and field
    pub(super) field: String,
    /// The row's key; the values of several key columns are separated by commas
    #[arg(allow_hyphen_values = true)]
    pub(super) key: String,
}

#[derive(Args, Clone, Debug)]
pub(super) struct Graph {
    /// The format
    #[arg(long, value_enum, default_value_t = GraphFormat::Tree)]
    pub(super) format: GraphFormat,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(super) enum GraphFormat {
    Tree,
    Mermaid,
    Dot,
    Svg,
    Json,
}

#[derive(Args, Clone, Debug)]
pub(super) struct Pause {
    /// The field, as table and field
    pub(super) field: String,
    /// The reason, which `status` shows
    #[arg(long)]
    pub(super) reason: String,
    /// Your name, which `status` shows
    #[arg(long, env = "USER", default_value = "unknown")]
    pub(super) by: String,
    /// Waits until no row of the field is being calculated; if --timeout ends it, the pause stays
    #[arg(long)]
    pub(super) wait: bool,
}

#[derive(Args, Clone, Debug)]
pub(super) struct Flag {
    /// The field, as table and field
    pub(super) field: String,
    #[command(flatten)]
    pub(super) rows: Rows,
}

#[derive(Args, Clone, Debug)]
pub(super) struct Recalculate {
    /// The field, as table and field
    pub(super) field: String,
    #[command(flatten)]
    pub(super) rows: Rows,
}

#[derive(Args, Clone, Debug)]
#[group(required = true, multiple = true)]
pub(super) struct Rows {
    /// The key of a row; the values of several key columns are separated by commas
    #[arg(
        long = "key",
        value_name = "KEY",
        conflicts_with_all = ["all", "after", "to"],
        allow_hyphen_values = true
    )]
    pub(super) keys: Vec<String>,
    /// All rows
    #[arg(long, conflicts_with_all = ["after", "to"])]
    pub(super) all: bool,
    /// All rows after this key, in the order of keys
    #[arg(long, value_name = "KEY", allow_hyphen_values = true)]
    pub(super) after: Option<String>,
    /// All rows up to this key, in the order of keys
    #[arg(long, value_name = "KEY", allow_hyphen_values = true)]
    pub(super) to: Option<String>,
}

#[derive(Args, Clone, Debug)]
pub(super) struct Work {
    /// Ends when nothing is due any more
    #[arg(long)]
    pub(super) until_empty: bool,
    /// How many calculations run at a time
    #[arg(long, value_name = "NUMBER")]
    pub(super) concurrency: Option<usize>,
    /// Pauses a field of which one transaction marks more than so many rows
    #[arg(long, value_name = "ROWS")]
    pub(super) fuse: Option<u64>,
    /// Answers probes at this address: /status, /status/started, /status/connected, /status/fresh
    #[arg(long, value_name = "ADDRESS")]
    pub(super) probe: Option<SocketAddr>,
}

#[derive(Args, Clone, Debug)]
pub(super) struct Install {
    /// Only tells what would be changed
    #[arg(long)]
    pub(super) dry_run: bool,
    /// Only tells what would be changed, and ends with exit code 1 if that is anything
    #[arg(long, conflicts_with = "dry_run")]
    pub(super) check: bool,
}

#[derive(Args, Clone, Debug)]
pub(super) struct Uninstall {
    /// Confirms that it is meant
    #[arg(long, required = true)]
    pub(super) yes: bool,
}

#[derive(Args, Clone, Debug)]
pub(super) struct Doctor {
    /// Also does what a program can do about it
    #[arg(long)]
    pub(super) repair: bool,
    /// Also shows the texts of errors of calculations. They may hold values of rows
    #[arg(long)]
    pub(super) errors: bool,
}

#[derive(Args, Clone, Debug)]
pub(super) struct Completions {
    /// The shell
    pub(super) shell: Shell,
}

impl Kind {
    pub(super) async fn run(
        &self,
        fields: &CachedFields,
        db: &DatabaseConnection,
        output: Output,
    ) -> Result<Code, Failure> {
        if let Self::Completions(of) = self {
            return ask::completions(of);
        }
        if fields.graph()?.fields.is_empty() {
            return Err(Failure::NoFields);
        }

        match self {
            Self::Status(of) => ask::status(of, fields, db, output).await,
            Self::Workers => ask::workers(fields, db, output).await,
            Self::Activity(of) => ask::activity(of, fields, db, output).await,
            Self::Failed(of) => match &of.what {
                None => ask::failed(fields, db, output).await,
                Some(FailedWhat::Show { field, like, limit }) => {
                    ask::failed_rows(field, like.as_deref(), *limit, fields, db, output).await
                }
                Some(FailedWhat::Retry { field, like, key }) => {
                    let (field, like, key) = (field.as_deref(), like.as_deref(), key.as_deref());
                    change::retry(field, like, key, fields, db, output).await
                }
            },
            Self::Explain(of) => ask::explain(of, fields, db, output).await,
            Self::Expirations => ask::expirations(fields, db, output).await,
            Self::Graph(of) => ask::graph(of, fields, output),
            Self::Pause(of) => change::pause(of, fields, db, output).await,
            Self::Resume(of) => change::resume(of, fields, db, output).await,
            Self::Flag(of) => rows::flag(of, fields, db, output).await,
            Self::Recalculate(of) => rows::recalculate(of, fields, db, output).await,
            Self::Work(of) => work::work(of, fields, db, output).await,
            Self::Install(of) => change::install(of, fields, db, output).await,
            Self::Sql => ask::sql(fields, db, output).await,
            Self::Uninstall(_) => change::uninstall(fields, db, output).await,
            Self::Doctor(of) => change::doctor(of, fields, db, output).await,
            Self::Completions(_) => Ok(Code::Done),
        }
    }
}
