//! The contract on servers of any version: the tests that passed on each, that failed, and that
//! could not be run.

mod outcome;
mod program;

use std::collections::BTreeMap;

use anyhow::{Context, Result, bail, ensure};
use url::Url;
use xshell::Shell;

use crate::services::Kind;
use outcome::Outcome;
use program::Program;

/// A server by its argument, `NAME=URL`.
#[derive(Clone, Debug)]
pub(crate) struct Server {
    name: String,
    url: String,
}

impl std::str::FromStr for Server {
    type Err = anyhow::Error;

    fn from_str(text: &str) -> Result<Self> {
        let (name, url) = text.split_once('=').context("not of the form NAME=URL")?;
        Url::parse(url).with_context(|| format!("{url} is not a URL"))?;
        let is_name = !name.is_empty()
            && name.chars().all(|char| char.is_alphanumeric() || "-_.".contains(char));
        ensure!(
            is_name,
            "{name:?} is no name: it has to consist of letters, digits, `-`, `_` and `.`"
        );
        Ok(Self { name: name.to_owned(), url: url.to_owned() })
    }
}

pub(crate) fn run(sh: &Shell, servers: &[Server]) -> Result<()> {
    let kinds: Vec<Kind> = servers.iter().map(|server| kind(sh, server)).collect::<Result<_>>()?;
    let programs = program::build(sh)?;

    let mut all_passed = true;
    for (server, kind) in servers.iter().zip(kinds) {
        let outcomes =
            on(sh, server, kind, &programs).with_context(|| format!("on {}", server.name))?;
        println!("{}", report(&server.name, &outcomes));
        all_passed &= !outcomes.values().any(|outcome| matches!(outcome, Outcome::Failed));
    }
    if !all_passed {
        bail!("tests have failed; what they said is in {}", program::logs(sh).display());
    }
    Ok(())
}

fn kind(sh: &Shell, server: &Server) -> Result<Kind> {
    Kind::of(sh, &Url::parse(&server.url)?)
        .with_context(|| format!("what kind of server is {}?", server.name))
}

/// Runs only the tests of this kind of server.
fn on(
    sh: &Shell,
    server: &Server,
    kind: Kind,
    programs: &[Program],
) -> Result<BTreeMap<String, Outcome>> {
    let mut outcomes = BTreeMap::new();
    for program in programs {
        let tests = program.tests(kind)?;
        if tests.is_empty() {
            continue;
        }
        eprintln!("{}: {} tests of {}", server.name, tests.len(), program.name());
        let log = program::logs(sh).join(&server.name).join(format!("{}.log", program.name()));
        sh.create_dir(log.parent().expect("a folder"))?;
        let said = program.run(
            &tests,
            kind.variable().map(|variable| (variable, server.url.as_str())),
            &log,
        )?;
        let found = outcome::read(&said, &tests);
        outcomes.extend(
            found
                .into_iter()
                .map(|(test, outcome)| (format!("{} {test}", program.name()), outcome)),
        );
    }

    ensure!(!outcomes.is_empty(), "there are no tests of {}", kind.module());
    Ok(outcomes)
}

/// Returns one line, and the names of the tests that did not pass.
fn report(server: &str, outcomes: &BTreeMap<String, Outcome>) -> String {
    let mut passed = 0;
    let mut failed: Vec<&str> = Vec::new();
    let mut not_run: BTreeMap<&str, Vec<&str>> = BTreeMap::new();
    for (test, outcome) in outcomes {
        match outcome {
            Outcome::Passed => passed += 1,
            Outcome::Failed => failed.push(test),
            Outcome::NotRun(reason) => not_run.entry(reason).or_default().push(test),
        }
    }

    let left: usize = not_run.values().map(Vec::len).sum();
    let mut report = format!("{server}: {passed} passed, {} failed, {left} not run", failed.len());
    for test in failed {
        report += &format!("\n  failed: {test}");
    }
    for (reason, tests) in not_run {
        for test in tests {
            report += &format!("\n  not run: {test} ({reason})");
        }
    }
    report
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_server_has_a_name_and_a_url() {
        let server: Server =
            "mysql-9=mysql://root@127.0.0.1:3307/mysql?ssl-mode=disabled".parse().unwrap();
        assert_eq!(server.name, "mysql-9");
        assert_eq!(server.url, "mysql://root@127.0.0.1:3307/mysql?ssl-mode=disabled");
        for wrong in [
            "mysql",
            "mysql=",
            "=mysql://root@127.0.0.1/mysql",
            "../up=mysql://root@127.0.0.1/mysql",
        ] {
            assert!(wrong.parse::<Server>().is_err(), "{wrong}");
        }
    }

    #[test]
    fn what_did_not_pass_is_named() {
        let outcomes = [
            ("marking a::mysql::b", Outcome::Passed),
            ("marking a::mysql::c", Outcome::Failed),
            ("schema dumps::mysql::d", Outcome::NotRun("there is no mysqldump".to_owned())),
        ];
        let outcomes =
            outcomes.into_iter().map(|(test, outcome)| (test.to_owned(), outcome)).collect();

        assert_eq!(
            report("mysql-9", &outcomes),
            "mysql-9: 1 passed, 1 failed, 1 not run
  failed: marking a::mysql::c
  not run: schema dumps::mysql::d (there is no mysqldump)"
        );
    }
}
