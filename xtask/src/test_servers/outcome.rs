//! The outcome of each test of a program, by the output of `cargo test`.

use std::collections::{BTreeMap, BTreeSet};

#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Outcome {
    Passed,
    Failed,
    /// The test has found that something is missing on this machine, and has failed for that
    /// reason.
    NotRun(String),
}

/// Returns the outcome of each of these tests. A test that the program does not report, because it
/// was killed, has failed.
pub(super) fn read(said: &str, tests: &[String]) -> BTreeMap<String, Outcome> {
    let passed: BTreeSet<&str> = said
        .lines()
        .filter_map(|line| line.strip_prefix("test ")?.strip_suffix(" ... ok"))
        .collect();

    let reasons = reasons(said);
    let outcomes = tests.iter().map(|test| {
        let outcome = match reasons.get(test.as_str()) {
            _ if passed.contains(test.as_str()) => Outcome::Passed,
            Some(reason) => Outcome::NotRun((*reason).to_owned()),
            None => Outcome::Failed,
        };
        (test.clone(), outcome)
    });

    outcomes.collect()
}

/// Returns the reasons why tests were not run, from their panics.
fn reasons(said: &str) -> BTreeMap<&str, &str> {
    let mut reasons = BTreeMap::new();
    let mut of_test = None;
    for line in said.lines() {
        if let Some(test) =
            line.strip_prefix("---- ").and_then(|rest| rest.strip_suffix(" stdout ----"))
        {
            of_test = Some(test);
        } else if let (Some(test), Some(reason)) = (of_test, line.strip_prefix("not run: ")) {
            reasons.insert(test, reason);
        }
    }
    reasons
}

#[cfg(test)]
mod tests {
    use super::*;

    const SAID: &str = "
running 4 tests
test a::mysql::passes ... ok
test a::mysql::fails ... FAILED
test a::mysql::is_not_run ... FAILED

failures:

---- a::mysql::fails stdout ----

thread 'a::mysql::fails' (1) panicked at a.rs:1:1:
wrong
---- a::mysql::is_not_run stdout ----

thread 'a::mysql::is_not_run' (2) panicked at a.rs:2:2:
not run: there is no mysqldump
note: run with `RUST_BACKTRACE=1` environment variable to display a backtrace
";

    #[test]
    fn every_test_has_an_outcome() {
        let tests =
            ["passes", "fails", "is_not_run", "hangs"].map(|name| format!("a::mysql::{name}"));
        let outcomes: Vec<Outcome> = read(SAID, &tests).into_values().collect();
        let [fails, hangs, is_not_run, passes] = outcomes.try_into().unwrap();
        assert_eq!((passes, fails, hangs), (Outcome::Passed, Outcome::Failed, Outcome::Failed));
        assert_eq!(is_not_run, Outcome::NotRun("there is no mysqldump".to_owned()));
    }
}
