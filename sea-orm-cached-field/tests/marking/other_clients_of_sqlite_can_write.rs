//! SQLite only: triggers and defaults run in whatever program writes, with the SQLite of that
//! program. The distribution's is usually older than this library's.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use crate::{
    changes_behind_has_many_are_seen::perched,
    harness::{client::sqlite3, lampposts::*},
    support::NOTHING,
};

const BOTH: [&str; 2] = ["lamppost.full_name 1", "lamppost.full_name 2"];

fn now() -> Duration {
    SystemTime::now().duration_since(UNIX_EPOCH).expect("a time after 1970")
}

#[apply(on_sqlite)]
async fn and_all_is_marked(db: TestDb) {
    let mut watch = perched(&db).await;
    let changes: [(&str, &[&str]); 9] = [
        ("UPDATE lamppost SET first_name = 'Cid' WHERE id = 1", &BOTH[..1]),
        (
            "UPDATE lamppost SET cached_full_name = 'forged', full_name_recalculation_needed = 0",
            &BOTH,
        ),
        ("UPDATE pigeon SET weight_in_g = weight_in_g + 1", &BOTH),
        ("UPDATE pigeon SET lamppost_id = 2 WHERE lamppost_id = 1", &BOTH),
        ("INSERT INTO pigeon (id, weight_in_g, lamppost_id) VALUES (20, 5, 1)", &BOTH[..1]),
        (
            "INSERT INTO pigeon (id, weight_in_g, lamppost_id)
             VALUES (20, 6, 1)
                 ON CONFLICT DO UPDATE SET weight_in_g = 6",
            &BOTH[..1],
        ),
        ("INSERT OR REPLACE INTO pigeon (id, weight_in_g, lamppost_id) VALUES (20, 7, 2)", &BOTH),
        ("DELETE FROM pigeon WHERE id = 20", &BOTH[1..]),
        ("UPDATE pigeon SET colour = 'grey'", &NOTHING),
    ];

    for (change, expected) in changes {
        sqlite3(&db, change).expect(change);
        assert_eq!(watch.recalculated().await, expected, "{change}");
    }
}

#[apply(on_sqlite)]
async fn with_the_time_of_the_change(db: TestDb) {
    set_up_lampposts(&db).await;
    let before = now().as_millis();
    sqlite3(&db, "INSERT INTO lamppost (first_name) VALUES ('Ada')").expect("inserted");
    let after = now().as_millis();
    let marked_at: i64 = db.scalar("SELECT marked_at FROM _lamppost_cached_marks").await;
    let marked_at = u128::try_from(marked_at).expect("after 1970");
    assert!((before - 1..=after + 1).contains(&marked_at), "{before}, {marked_at}, {after}");
}
