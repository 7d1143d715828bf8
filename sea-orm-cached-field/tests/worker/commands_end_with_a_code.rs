//! Each command of the command line ends with the exit code of its outcome.

use std::{net::SocketAddr, process::ExitCode, sync::atomic::Ordering};

use clap::Parser;
use sea_orm_cached_field::{Count, cli};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::{TcpListener, TcpStream},
};

use crate::{
    fragile::*,
    harness::{TestDb, connect},
};

#[derive(Parser)]
struct Program {
    #[command(subcommand)]
    command: cli::Command,
}

/// Runs a command over a pool of its own, as each process does.
async fn run(arguments: &str, db: &TestDb) -> ExitCode {
    let arguments = ["shop"].into_iter().chain(arguments.split(' '));
    let Program { command } = Program::try_parse_from(arguments).expect("a command");
    let pool = connect(&db.url).await;
    let code = command.run(&fragiles(), &pool).await;
    pool.close().await.expect("closed");
    code
}

fn code(code: u8) -> ExitCode {
    ExitCode::from(code)
}

#[apply(contract)]
async fn of_calculations_that_fail(db: TestDb) {
    let place = set_up_fragiles(&db).await;
    rows_of(&db, ["fine", "error until repaired"]).await;
    assert_eq!(run("status --fail-on failing", &db).await, code(0));
    assert_eq!(run("work --until-empty", &db).await, code(1));
    assert_eq!(run("failed", &db).await, code(1));
    assert_eq!(run("failed show fragile.opinion --like broken", &db).await, code(1));
    assert_eq!(run("doctor", &db).await, code(1));

    place.repaired.store(true, Ordering::SeqCst);
    assert_eq!(run("failed retry fragile.opinion --like broken", &db).await, code(0));
    assert_eq!(run("work --until-empty", &db).await, code(0));
    assert_eq!(run("failed show fragile.opinion", &db).await, code(0));
    assert_eq!(run("doctor", &db).await, code(0));
}

/// What it was at is handed back before it ends.
#[apply(contract)]
async fn of_a_command_that_has_timed_out(db: TestDb) {
    let place = set_up_fragiles(&db).await;
    let [id] = rows_of(&db, ["endless"]).await;
    // On a slow machine the time may be over before it is claimed.
    while place.times(id) == 0 {
        assert_eq!(run("work --until-empty --timeout 1", &db).await, code(4));
    }
    let status = fragiles().status(&db).await.expect("a status").fields.remove(0);
    assert_eq!(status.claimed, Count::Exactly(0), "{status}");
    assert_eq!(run("status --watch --timeout 1", &db).await, code(4));
}

#[apply(contract)]
async fn of_a_pause_that_waits_for_calculations(db: TestDb) {
    let place = set_up_fragiles(&db).await;
    let [id] = rows_of(&db, ["gate"]).await;
    let worker = start(fragiles().worker(&db));
    place.arrivals(1).await;
    let pause = "pause fragile.opinion --reason deploy --wait";
    assert_eq!(run(&format!("{pause} --timeout 3"), &db).await, code(4));

    place.open(1);
    assert_eq!(run(pause, &db).await, code(0));
    assert!(!row(&db, id).await.opinion_recalculation_needed);
    worker.stop().await;
}

#[apply(contract)]
async fn of_rows_that_are_taken_in_order(db: TestDb) {
    let place = set_up_fragiles(&db).await;
    let [one, two, three] = rows_of(&db, ["fine", "error", "well"]).await;
    let times = || [one, two, three].map(|id| place.times(id));

    assert_eq!(run(&format!("recalculate fragile.opinion --key {two}"), &db).await, code(1));
    assert_eq!(run("recalculate fragile.opinion --all", &db).await, code(1));
    assert_opinion(&db, one, "feels fine").await;
    assert_opinion(&db, three, "feels well").await;
    let before = times();
    let rest = format!("recalculate fragile.opinion --after {two}");
    assert_eq!(run(&rest, &db).await, code(0));
    assert_eq!(times(), [before[0], before[1], before[2] + 1]);
    let some = format!("recalculate fragile.opinion --after {one} --to {two}");
    assert_eq!(run(&some, &db).await, code(1));
    assert_eq!(times()[2], before[2] + 1);

    let flag = format!("flag fragile.opinion --after {two} --to {three}");
    assert_eq!(run(&flag, &db).await, code(0));
    let flagged = async |id: i32| row(&db, id).await.opinion_recalculation_needed;
    assert_eq!([flagged(one).await, flagged(three).await], [false, true]);
}

#[apply(contract)]
async fn of_names_and_keys_that_do_not_exist(db: TestDb) {
    set_up_fragiles(&db).await;
    for arguments in [
        "explain fragile.mood 1",
        "explain fragile.opinion seven",
        "recalculate fragile.opinion --key 4711",
        "status fragile.mood",
    ] {
        assert_eq!(run(arguments, &db).await, code(2), "{arguments}");
    }
}

/// The status and the body of the answer to a probe, or nothing if it cannot be reached.
async fn probe(address: SocketAddr, path: &str) -> Option<(String, String)> {
    let mut stream = TcpStream::connect(address).await.ok()?;
    let request = format!("GET {path} HTTP/1.1\r\nHost: probe\r\nConnection: close\r\n\r\n");
    stream.write_all(request.as_bytes()).await.ok()?;
    let mut answer = String::new();
    stream.read_to_string(&mut answer).await.ok()?;
    let (head, body) = answer.split_once("\r\n\r\n")?;
    Some((head.split(' ').nth(1)?.to_owned(), body.to_owned()))
}

#[apply(contract)]
async fn and_a_worker_answers_probes(db: TestDb) {
    let place = set_up_fragiles(&db).await;
    rows_of(&db, ["error until repaired"]).await;
    let free = TcpListener::bind("127.0.0.1:0").await.expect("a port");
    let address = free.local_addr().expect("an address");
    assert_eq!(run(&format!("work --probe {address}"), &db).await, code(3), "it is taken");
    drop(free);

    let says = async |path: &str, status: &str, body: &str| {
        let expected = (status.to_owned(), body.to_owned());
        eventually(path, async || probe(address, path).await.as_ref() == Some(&expected)).await;
    };
    let asked = async {
        says("/status", "200", "alive\n").await;
        says("/status/started", "200", "started\n").await;
        says("/status/connected", "200", "connected\n").await;
        says("/status/fresh", "503", "fragile.opinion: failing\n").await;
        place.repaired.store(true, Ordering::SeqCst);
        assert_eq!(run("failed retry", &db).await, code(0));
        says("/status/fresh", "200", "fresh\n").await;
    };
    let work = format!("work --probe {address}");
    tokio::select! {
        ended = run(&work, &db) => panic!("it has ended: {ended:?}"),
        () = asked => {}
    }
}
