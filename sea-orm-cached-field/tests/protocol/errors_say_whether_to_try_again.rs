//! A caller is told whether the same call may succeed a little later.

use sea_orm::{ConnectionTrait, DbErr, TransactionTrait};
use sea_orm_cached_field::Error;

use crate::harness::{TestDb, lampposts::*};

/// The database's own refusal because of another transaction.
async fn refused_for_a_moment(db: &TestDb) -> DbErr {
    if db.is_sqlite() {
        let other = db.another_pool().await;
        let writer = other.begin().await.expect("begun");
        writer.execute_unprepared("DELETE FROM pigeon").await.expect("it writes");
        let reader = db.begin().await.expect("begun");
        reader.execute_unprepared("PRAGMA busy_timeout = 0").await.expect("set");
        let refused = reader.execute_unprepared("DELETE FROM pigeon").await.expect_err("locked");
        writer.rollback().await.expect("rolled back");
        reader.rollback().await.ok();
        return refused;
    }

    let deadlock = if db.is_mysql() {
        "SIGNAL SQLSTATE '40001' SET MYSQL_ERRNO = 1213"
    } else {
        "DO $$ BEGIN RAISE EXCEPTION USING ERRCODE = 'deadlock_detected'; END $$"
    };
    db.execute_unprepared(deadlock).await.expect_err("a deadlock")
}

#[apply(contract)]
async fn a_moment_is_told_from_a_mistake(db: TestDb) {
    set_up_lampposts(&db).await;

    assert!(Error::from(refused_for_a_moment(&db).await).is_transient());

    let mistake = db.execute_unprepared("SELECT nothing FROM nowhere").await.expect_err("refused");
    let mistake = Error::from(mistake);
    assert!(!mistake.is_transient(), "{mistake}");
    assert!(!mistake.is_of_calculation());
}
