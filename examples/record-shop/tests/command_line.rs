//! The command line, as an operator uses it. `TRYCMD=overwrite cargo test -p record-shop --test
//! command_line` writes the files anew. Put `[..]` in place of times and of names of machines
//! afterwards.

use sea_orm::{ConnectionTrait, Database, DatabaseConnection, Statement};

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

/// No command shows texts of rows or cached values. Errors that hold such texts are shown only if
/// they are asked for.
#[tokio::test]
async fn shows_no_value_of_a_row() {
    let folder = tempfile::tempdir().expect("a folder");
    let url = format!("sqlite:{}?mode=rwc", folder.path().join("shop.sqlite").display());
    let run = |command: &str| {
        let arguments: Vec<&str> = command.split(' ').collect();
        let ended = record_shop(&arguments, &url).output().expect("run");
        let code = ended.status.code();
        assert!(matches!(code, Some(0 | 1)), "{command} ends with {code:?}");
        let [said, told] = [&ended.stdout, &ended.stderr].map(|text| String::from_utf8_lossy(text));
        format!("{said}{told}")
    };
    for command in ["load", "work --until-empty"] {
        run(command);
    }

    let db = Database::connect(&url).await.expect("a connection");
    let secrets = secrets(&db).await;
    let fail = "INSERT INTO _artist_cached_recalculations
                       (key_1, field, generation, due_at, attempts, last_error)
                SELECT id, 'revenue', 1, NULL, 20, 'no such artist: ' || name FROM artist";

    // Not `graph --format svg`: among coordinates there is any number.
    let commands = [
        "status",
        "activity",
        "workers",
        "expirations",
        "explain shop.revenue 1",
        "graph --format tree",
        "graph --format mermaid",
        "graph --format dot",
        "doctor",
        "install --check",
        "install --dry-run",
        "sql",
        "pause artist.revenue --reason deploy",
        "resume artist.revenue",
        "flag genre.revenue --all",
        "recalculate genre.revenue --after 20",
        "failed retry",
        "work --until-empty",
    ];
    for json in ["", " --json"] {
        db.execute_unprepared(fail).await.expect("failures");
        let said = run(&format!("failed{json}"));
        assert!(said.contains("no such artist: "), "errors are shown if they are asked for");
        for command in commands {
            let said = run(&format!("{command}{json}"));
            // Among times there may be any number.
            let has_times = ["status", "activity", "workers"].contains(&command);
            let is_looked_for = |secret: &&String| !has_times || secret.parse::<f64>().is_err();
            let mut secrets = secrets.iter().filter(is_looked_for);
            let shown = secrets.find(|secret| said.contains(*secret));
            assert_eq!(shown, None, "{command}{json}: {said}");
        }
    }
    db.close().await.expect("closed");
}

/// Texts of rows, and cached values. Short ones and single words could be found by accident.
async fn secrets(db: &DatabaseConnection) -> Vec<String> {
    let texts = "SELECT name AS text FROM artist
                  UNION SELECT title FROM album
                  UNION SELECT name FROM track
                  UNION SELECT composer FROM track WHERE composer IS NOT NULL
                  UNION SELECT company FROM customer WHERE company IS NOT NULL
                  UNION SELECT CAST(cached_revenue AS text) FROM artist
                  UNION SELECT CAST(cached_lifetime_value AS text) FROM customer
                  UNION SELECT CAST(cached_revenue AS text) FROM genre";
    let rows = db.query_all_raw(Statement::from_string(db.get_database_backend(), texts)).await;
    let texts = rows.expect("texts").into_iter().map(|row| row.try_get("", "text").expect("one"));
    let is_word = |text: &String| text.len() < 5 || text.chars().all(char::is_alphabetic);
    let secrets: Vec<String> = texts.filter(|text| !is_word(text)).collect();
    assert!(secrets.len() > 500, "{}", secrets.len());
    secrets
}
