//! The command line, as an operator uses it. `TRYCMD=overwrite cargo test -p record-shop --test
//! command_line` writes the files anew. Put `[..]` in place of times and of names of machines
//! afterwards.

#[test]
fn tells_and_does_what_its_help_says() {
    trycmd::TestCases::new()
        .env("DATABASE_URL", "sqlite:shop.sqlite?mode=rwc")
        .env("USER", "ann")
        .case("tests/cli/*.trycmd");
}

fn record_shop(arguments: &[&str], url: &str) -> std::process::Command {
    let mut command = std::process::Command::new(env!("CARGO_BIN_EXE_record-shop"));
    command.args(arguments).env("DATABASE_URL", url);
    command
}

#[test]
fn ends_with_3_if_the_database_cannot_be_reached() {
    let ended = record_shop(&["status"], "sqlite:nowhere/shop.sqlite").output().expect("run");
    let said = String::from_utf8_lossy(&ended.stderr).into_owned();
    assert_eq!(ended.status.code(), Some(3), "{said}");
    assert!(said.starts_with("error: cannot connect to DATABASE_URL: "), "{said}");
}

#[cfg(unix)]
#[test]
fn ends_with_130_if_it_is_interrupted() {
    use std::{
        io::{BufRead, BufReader},
        process::{Command, Stdio},
    };

    let folder = tempfile::tempdir().expect("a folder");
    let url = format!("sqlite:{}?mode=rwc", folder.path().join("shop.sqlite").display());
    assert!(record_shop(&["load"], &url).output().expect("run").status.success());

    let mut watching =
        record_shop(&["status", "--watch"], &url).stdout(Stdio::piped()).spawn().expect("run");
    let mut line = String::new();
    let mut output = BufReader::new(watching.stdout.take().expect("its output"));
    output.read_line(&mut line).expect("a line");
    assert!(line.contains("STATE"), "{line}");
    let sent = Command::new("kill").args(["-INT", &watching.id().to_string()]).status();
    assert!(sent.expect("kill").success());
    assert_eq!(watching.wait().expect("it ends").code(), Some(130));
}
