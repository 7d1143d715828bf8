//! SQLite only: the conflict clause of a statement replaces those inside of its triggers, and
//! triggers may call themselves.

use crate::{changes_behind_has_many_are_seen::perched, harness::lampposts::*, support::Watch};

const BOTH: [&str; 2] = ["lamppost.full_name 1", "lamppost.full_name 2"];

#[apply(on_sqlite)]
async fn whatever_a_statement_says_of_conflicts(db: TestDb) {
    let mut watch = perched(&db).await;
    for (n, clause) in ["IGNORE", "REPLACE", "FAIL", "ABORT", "ROLLBACK"].iter().enumerate() {
        db.sql(&format!("UPDATE OR {clause} pigeon SET weight_in_g = {n} - 1 WHERE id < 3")).await;
        // One mark stands for both changes.
        db.sql(&format!(
            "INSERT OR {clause} INTO pigeon (id, weight_in_g, lamppost_id) VALUES ({}, 5, 1)",
            10 + n
        ))
        .await;

        db.sql(&format!(
            "UPDATE OR {clause} lamppost SET first_name = first_name || '!' WHERE id = 2"
        ))
        .await;
        let marks = "SELECT count(*) FROM _lamppost_cached_marks WHERE key_1 = 1";
        assert_eq!(db.scalar::<i64>(marks).await, 1, "{clause}");
        assert_eq!(watch.recalculated().await, BOTH, "{clause}");
    }
}

#[apply(on_sqlite)]
async fn nor_triggers_that_may_call_themselves(db: TestDb) {
    perched(&db).await;
    let db = db.with_one_connection().await;
    db.sql("PRAGMA recursive_triggers = ON").await;
    let mut watch = Watch::begin(&db, lampposts).await;

    assert_eq!(watch.after("UPDATE lamppost SET first_name = 'Cid' WHERE id = 1").await, BOTH[..1]);
    assert_eq!(
        watch
            .after(
                "UPDATE lamppost
                    SET cached_full_name = 'forged', full_name_recalculation_needed = 0"
            )
            .await,
        BOTH
    );
    assert_eq!(
        watch
            .after(
                "INSERT OR REPLACE INTO pigeon (id, weight_in_g, lamppost_id) VALUES (1, 500, 2)"
            )
            .await,
        BOTH
    );
    assert_eq!(
        watch.after("INSERT INTO lamppost (id, first_name) VALUES (3, 'Eve')").await,
        ["lamppost.full_name 3"]
    );
    assert_eq!(
        watch.after("REPLACE INTO lamppost (id, first_name) VALUES (3, 'Eva')").await,
        ["lamppost.full_name 3"]
    );
}

/// The rows of an owner that are replaced need not be found: those that come in their place are
/// new.
#[apply(on_sqlite)]
async fn nor_does_an_index_by_which_an_owner_is_replaced(db: TestDb) {
    let mut watch = perched(&db).await;
    db.sql("CREATE UNIQUE INDEX same_name ON lamppost (lower(first_name))").await;
    lampposts().install(&*db).await.expect("installed");
    db.sql("UPDATE lamppost SET note = 'waits', first_name = 'Ada' WHERE id = 1").await;
    assert_eq!(
        watch.after("INSERT OR REPLACE INTO lamppost (id, first_name) VALUES (9, 'ADA')").await,
        ["lamppost.full_name 9"]
    );
    assert_eq!(db.scalar::<i64>("SELECT count(*) FROM lamppost WHERE id = 1").await, 0);
    assert_eq!(db.pending("lamppost").await, 0);
}

#[apply(on_sqlite)]
async fn nor_does_one_over_some_rows_by_which_a_related_row_is_replaced(db: TestDb) {
    let mut watch = perched(&db).await;
    db.sql("CREATE UNIQUE INDEX one_grey ON pigeon (colour) WHERE colour = 'grey'").await;
    lampposts().install(&*db).await.expect("installed");
    db.sql("INSERT INTO pigeon (id, weight_in_g, colour, lamppost_id) VALUES (20, 5, 'grey', 1)")
        .await;
    watch.recalculated().await;

    assert_eq!(
        watch
            .after(
                "INSERT OR REPLACE INTO pigeon (id, weight_in_g, colour, lamppost_id)
                 VALUES (21, 6, 'grey', 2)"
            )
            .await,
        BOTH
    );
}
