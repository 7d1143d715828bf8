//! I2: a connection that is handed on in an open transaction of the library would keep the writes
//! of its next user.

use sea_orm::{Condition, ConnectionTrait, Statement};
use sea_orm_cached_field::Error;

use crate::harness::{TestDb, cut_off, lampposts::*, not_there};

const LOST: &str = "SQLx loses a connection of MySQL on which a statement is given up";

/// Gives the work up after each number of polls, until it ends by itself. Each time another
/// statement writes over the same connection.
///
/// On MySQL SQLx 0.9 loses a connection on which any statement is given up while it is prepared. So
/// only what is done in tasks of its own can be given up there.
async fn is_given_up<T>(db: TestDb, mut work: impl AsyncFnMut(&TestDb) -> Result<T, Error>) {
    let db = db.with_one_connection().await;
    set_up_lampposts(&db).await;
    db.sql("INSERT INTO city (id, name) VALUES (1, 'Rome')").await;
    let lamppost = a_lamppost(&db, "Ada").await;
    let others = db.another_pool().await;

    for polls in 0.. {
        db.sql("UPDATE lamppost SET first_name = 'Bob', full_name_recalculation_needed = true")
            .await;
        let ended = cut_off(work(&db), polls).await;
        db.sql(&format!("UPDATE city SET mayor = 'mayor {polls}'")).await;
        let mayor = Statement::from_string(others.get_database_backend(), "SELECT mayor FROM city");
        let seen = others.query_one_raw(mayor).await.expect("read").expect("a city");
        let seen: String = seen.try_get("", "mayor").expect("a mayor");
        assert_eq!(seen, format!("mayor {polls}"), "after {polls} polls");
        if ended.is_some() {
            break;
        }
    }

    db.let_time_pass("lamppost").await;
    db.drain(lampposts()).await;
    assert_fresh(&db, lamppost.id, "Bob of nowhere, 0 pigeons of 0, -").await;
}

#[apply(contract)]
async fn by_a_reader(db: TestDb) {
    is_given_up(db, async |db| reloaded(db, 1).await.fresh_full_name(&**db).await).await;
}

#[apply(contract)]
async fn by_one_who_recalculates(db: TestDb) {
    is_given_up(db, async |db| reloaded(db, 1).await.recalculate_full_name(&**db).await).await;
}

#[apply(contract)]
async fn by_one_who_flags_many(db: TestDb) {
    if db.is_mysql() {
        return not_there(LOST);
    }
    is_given_up(db, async |db| {
        lamppost::FullName::flag(Condition::all(), &**db).and_recalculate(true).await
    })
    .await;
}

#[apply(contract)]
async fn by_a_worker(db: TestDb) {
    if db.is_mysql() {
        return not_there(LOST);
    }
    is_given_up(db, async |db| lampposts().worker(db).run_once().await).await;
}

#[apply(contract)]
async fn by_who_installs(db: TestDb) {
    is_given_up(db, async |db| Ok(lampposts().install(&**db).await?)).await;
}
