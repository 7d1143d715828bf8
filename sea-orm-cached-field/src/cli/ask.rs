//! Commands that ask.

use std::{io::Write, time::Duration};

use clap::CommandFactory;
use sea_orm::DatabaseConnection;

use super::{
    Code, Failure, Program,
    args::{Activity, Completions, Graph, GraphFormat, OfRow, Status},
    key::key,
    output::{Output, duration, table, unless_zero},
    work::interrupted,
};
use crate::{CachedFields, FailedGroup, FieldState, FieldStatus, Reason, WorkerStatus};

pub(super) async fn status(
    args: &Status,
    fields: &CachedFields,
    db: &DatabaseConnection,
    output: Output,
) -> Result<Code, Failure> {
    let Some(seconds) = args.watch else { return status_once(args, fields, db, output).await };
    let watch = async {
        loop {
            let code = status_once(args, fields, db, output).await?;
            if code != Code::Done {
                return Ok(code);
            }
            tokio::time::sleep(Duration::from_secs(seconds.max(1))).await;
        }
    };
    tokio::select! {
        biased;
        () = interrupted() => Ok(Code::Interrupted),
        ended = watch => ended,
    }
}

async fn status_once(
    args: &Status,
    fields: &CachedFields,
    db: &DatabaseConnection,
    output: Output,
) -> Result<Code, Failure> {
    let wanted = args.fields.iter().map(|name| fields.full_name(name));
    let wanted: Vec<String> = wanted.collect::<Result<_, _>>()?;
    let mut found = fields.status(db).await?.fields;
    found.retain(|status| wanted.is_empty() || wanted.contains(&status.name()));

    if args.watch.is_some() {
        output.clear()?;
    }
    output.write("fields", &found, || states(&found))?;
    let fails = found.iter().any(|status| args.fail_on.contains(&status.state));
    Ok(if fails { Code::Findings } else { Code::Done })
}

fn states(fields: &[FieldStatus]) -> String {
    let headings = [
        "FIELD",
        "STATE",
        "NOT COLLECTED",
        "DUE",
        "CLAIMED",
        "LATER",
        "FAILING",
        "FAILED",
        "OLDEST",
        "INPUTS",
    ];
    let row = |status: &FieldStatus| {
        let count = |count| match status.state {
            FieldState::NotInstalled => String::new(),
            _ => unless_zero(count),
        };
        [
            status.name(),
            status.state.to_string(),
            count(status.changes),
            count(status.due),
            count(status.claimed),
            count(status.later),
            count(status.failing),
            count(status.failed),
            status.waiting_for.map(duration).unwrap_or_default(),
            status.inherited.map(duration).unwrap_or_default(),
        ]
    };

    let mut text = table(headings, fields.iter().map(row).collect());
    for status in fields {
        if let Some(pause) = &status.paused {
            text.push_str(&format!("{} is paused {pause}\n", status.name()));
        }
    }
    text
}

pub(super) async fn workers(
    fields: &CachedFields,
    db: &DatabaseConnection,
    output: Output,
) -> Result<Code, Failure> {
    let workers = fields.workers(db).await?;
    let row = |worker: &WorkerStatus| {
        [
            worker.state.to_string(),
            worker.program.clone(),
            worker.host.clone(),
            worker.process.to_string(),
            worker.claims.to_string(),
            duration(Duration::from_secs(worker.seen.as_secs())) + " ago",
            duration(Duration::from_secs(worker.started.as_secs())) + " ago",
            worker.version.clone(),
        ]
    };
    let headings = ["STATE", "PROGRAM", "HOST", "PROCESS", "CLAIMS", "SEEN", "STARTED", "LIBRARY"];
    output.write("workers", &workers, || match workers.is_empty() {
        true => "no worker runs".to_owned(),
        false => table(headings, workers.iter().map(row).collect()),
    })?;
    Ok(Code::Done)
}

pub(super) async fn activity(
    args: &Activity,
    fields: &CachedFields,
    db: &DatabaseConnection,
    output: Output,
) -> Result<Code, Failure> {
    let activity =
        fields.activity(Duration::from_secs(args.minutes.saturating_mul(60)), db).await?;
    let headings = [
        "FIELD",
        "CHANGED",
        "UNCHANGED",
        "FAILED",
        "STALE 50%",
        "99%",
        "INPUTS 99%",
        "TOOK 50%",
        "99%",
    ];
    let row = |field: &crate::FieldActivity| {
        let quantile = |durations: &crate::Durations, share| {
            durations.quantile(share).map(duration).unwrap_or_default()
        };
        [
            field.name(),
            field.changed.to_string(),
            field.unchanged.to_string(),
            field.failed.to_string(),
            quantile(&field.stale_for, 0.5),
            quantile(&field.stale_for, 0.99),
            field.inherited.map(duration).unwrap_or_default(),
            quantile(&field.took, 0.5),
            quantile(&field.took, 0.99),
        ]
    };
    output.write("fields", &activity, || table(headings, activity.iter().map(row).collect()))?;
    Ok(Code::Done)
}

pub(super) async fn failed(
    fields: &CachedFields,
    db: &DatabaseConnection,
    output: Output,
) -> Result<Code, Failure> {
    let failed = fields.failed(db).await?;
    output.write("failed", &failed, || {
        let lines = failed.groups.iter().map(|group| format!("{group}\n")).collect::<String>();
        match (lines.is_empty(), failed.is_complete) {
            (true, true) => "nothing fails".to_owned(),
            (true, false) => "no failure was seen, but not all rows were looked at".to_owned(),
            (false, true) => lines,
            (false, false) => lines + "and perhaps others: not all rows were looked at\n",
        }
    })?;
    Ok(if failed.groups.is_empty() { Code::Done } else { Code::Findings })
}

/// The groups of a field, or of all, whose errors contain a text.
pub(super) async fn groups(
    field: Option<&str>,
    like: Option<&str>,
    fields: &CachedFields,
    db: &DatabaseConnection,
) -> Result<Vec<FailedGroup>, Failure> {
    let wanted = field.map(|field| fields.full_name(field)).transpose()?;
    let mut failed = fields.failed(db).await?;
    if !failed.is_complete {
        eprintln!("not all rows were looked at: there may be others");
    }
    failed.groups.retain(|group| {
        wanted.as_ref().is_none_or(|wanted| group.name() == *wanted)
            && like.is_none_or(|like| group.error.contains(like))
    });
    Ok(failed.groups)
}

pub(super) async fn failed_rows(
    field: &str,
    like: Option<&str>,
    limit: u64,
    fields: &CachedFields,
    db: &DatabaseConnection,
    output: Output,
) -> Result<Code, Failure> {
    let mut rows = Vec::new();
    for group in groups(Some(field), like, fields, db).await? {
        let mut after = None;
        while (rows.len() as u64) < limit {
            let left = limit - rows.len() as u64;
            let page = fields.failed_rows(&group, after.as_ref(), left, db).await?;
            let Some(last) = page.last() else { break };
            after = Some(last.key.clone());
            rows.extend(page);
        }
    }
    let row = |row: &crate::FailedRow| {
        let next = match row.retry_in {
            _ if row.is_final => "never".to_owned(),
            Some(retry_in) => format!("in {}", duration(retry_in)),
            None => String::new(),
        };
        [row.key.to_string(), row.attempts.to_string(), next, row.error.clone()]
    };
    output.write("rows", &rows, || match rows.is_empty() {
        true => "nothing fails".to_owned(),
        false => table(["KEY", "ATTEMPTS", "NEXT", "ERROR"], rows.iter().map(row).collect()),
    })?;
    Ok(if rows.is_empty() { Code::Done } else { Code::Findings })
}

pub(super) async fn explain(
    OfRow { field, key: text }: &OfRow,
    fields: &CachedFields,
    db: &DatabaseConnection,
    output: Output,
) -> Result<Code, Failure> {
    let key = key(fields, field, text)?;
    let explanation = fields.explain(field, &key, db).await?;
    output.write("explanation", &explanation, || explanation.to_string())?;
    Ok(if explanation.reasons.contains(&Reason::NoRow) { Code::Usage } else { Code::Done })
}

pub(super) async fn expirations(
    fields: &CachedFields,
    db: &DatabaseConnection,
    output: Output,
) -> Result<Code, Failure> {
    let expirations = fields.expirations(db).await?;
    output.write("fields", &expirations, || match expirations.is_empty() {
        true => "no field expires".to_owned(),
        false => expirations.iter().map(|field| format!("{field}\n")).collect(),
    })?;
    Ok(Code::Done)
}

pub(super) fn graph(args: &Graph, fields: &CachedFields, output: Output) -> Result<Code, Failure> {
    let graph = fields.graph()?;
    let output = Output { is_json: output.is_json || args.format == GraphFormat::Json };
    output.write("graph", &graph, || match args.format {
        GraphFormat::Mermaid => graph.mermaid(),
        GraphFormat::Dot => graph.dot(),
        GraphFormat::Svg => graph.svg(),
        GraphFormat::Tree | GraphFormat::Json => graph.tree(),
    })?;
    Ok(Code::Done)
}

pub(super) async fn sql(
    fields: &CachedFields,
    db: &DatabaseConnection,
    output: Output,
) -> Result<Code, Failure> {
    let plan = fields.plan(db).await?;
    output.write("statements", &plan.statements, || plan.script())?;
    Ok(Code::Done)
}

pub(super) fn completions(args: &Completions) -> Result<Code, Failure> {
    let mut command = Program::command();
    let name = std::env::args().next().unwrap_or_default();
    let name = std::path::Path::new(&name).file_name().unwrap_or_default();
    let name = name.to_string_lossy().into_owned();
    let mut completions = Vec::new();
    clap_complete::generate(args.shell, &mut command, name, &mut completions);
    std::io::stdout().write_all(&completions)?;
    Ok(Code::Done)
}
