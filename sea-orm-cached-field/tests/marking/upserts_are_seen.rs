use crate::{
    changes_behind_has_many_are_seen::perched,
    harness::{TestDb, lampposts::*},
    support::NOTHING,
};

const BOTH: [&str; 2] = ["lamppost.full_name 1", "lamppost.full_name 2"];

/// A standard upsert as MySQL says it.
fn upsert(db: &TestDb, text: &str) -> String {
    if !db.is_mysql() {
        return text.to_owned();
    }
    match text.split_once("ON CONFLICT") {
        Some((insert, rest)) if rest.trim_end().ends_with("DO NOTHING") => {
            insert.replacen("INSERT", "INSERT IGNORE", 1)
        }
        _ => {
            text.replace("ON CONFLICT (id) DO UPDATE SET", "ON DUPLICATE KEY UPDATE")
                .replace("= excluded.", "= VALUES(")
                + ")"
        }
    }
}

#[apply(contract)]
async fn an_upsert_that_updates_is_an_update(db: TestDb) {
    let mut watch = perched(&db).await;
    let changing = "INSERT INTO pigeon (id, weight_in_g, lamppost_id) VALUES (1, 500, 1), (3, 7, 1)
                        ON CONFLICT (id) DO UPDATE SET weight_in_g = excluded.weight_in_g";
    assert_eq!(watch.after(&upsert(&db, changing)).await, BOTH[..1]);
    assert_eq!(
        reloaded(&db, 1).await.cached_full_name.as_deref(),
        Some("Ada of nowhere, 2 pigeons of 507, -")
    );
    let moving = "INSERT INTO pigeon (id, weight_in_g, lamppost_id) VALUES (1, 500, 2)
                      ON CONFLICT (id) DO UPDATE SET lamppost_id = excluded.lamppost_id";
    assert_eq!(watch.after(&upsert(&db, moving)).await, BOTH);
}

#[apply(contract)]
async fn an_upsert_that_does_nothing_changes_nothing(db: TestDb) {
    let mut watch = perched(&db).await;
    let ignored = "INSERT INTO pigeon (id, weight_in_g, lamppost_id)
                   VALUES (1, 500, 2)
                       ON CONFLICT DO NOTHING";
    let recalculated = watch.after(&upsert(&db, ignored)).await;
    if db.is_sqlite() {
        // Its triggers are told of the collision before it is known whether the old row will be
        // replaced.
        assert_eq!(recalculated, ["lamppost.full_name 1, unchanged"]);
    } else {
        assert_eq!(recalculated, NOTHING);
    }
}

#[apply(contract)]
async fn an_upsert_of_the_owner_is_seen(db: TestDb) {
    let mut watch = perched(&db).await;
    let changing = "INSERT INTO lamppost (id, first_name, full_name_recalculation_needed)
                    VALUES (1, 'Cid', false)
                        ON CONFLICT (id) DO UPDATE SET first_name = excluded.first_name";
    assert_eq!(watch.after(&upsert(&db, changing)).await, BOTH[..1]);
    let ignored =
        "INSERT INTO lamppost (id, first_name) VALUES (1, 'Dan') ON CONFLICT (id) DO NOTHING";
    assert_eq!(watch.after(&upsert(&db, ignored)).await, NOTHING);
    assert_eq!(
        reloaded(&db, 1).await.cached_full_name.as_deref(),
        Some("Cid of nowhere, 1 pigeons of 300, -")
    );
}

// SQLite deletes the rows that `OR REPLACE` collides with without calling a trigger.

#[apply(on_sqlite)]
async fn a_row_replaced_by_its_primary_key_concerns_its_owner(db: TestDb) {
    let mut watch = perched(&db).await;

    assert_eq!(
        watch
            .after(
                "INSERT OR REPLACE INTO pigeon (id, weight_in_g, lamppost_id) VALUES (1, 500, 2)"
            )
            .await,
        BOTH
    );
    assert_eq!(
        watch.after("REPLACE INTO pigeon (id, weight_in_g, lamppost_id) VALUES (2, 5, NULL)").await,
        BOTH[1..]
    );
    assert_eq!(
        reloaded(&db, 2).await.cached_full_name.as_deref(),
        Some("Bob of nowhere, 1 pigeons of 500, -")
    );
}

#[apply(on_sqlite)]
async fn a_row_replaced_by_another_unique_column_concerns_its_owner(db: TestDb) {
    let mut watch = perched(&db).await;
    db.sql("UPDATE pigeon SET ring = 'r' || id").await;
    assert_eq!(
        watch
            .after(
                "INSERT OR REPLACE INTO pigeon (weight_in_g, ring, lamppost_id) VALUES (5, 'r1', 2)"
            )
            .await,
        BOTH
    );
    assert_eq!(
        reloaded(&db, 1).await.cached_full_name.as_deref(),
        Some("Ada of nowhere, 0 pigeons of 0, -")
    );
}

#[apply(on_sqlite)]
async fn a_row_that_an_update_replaces_concerns_its_owner(db: TestDb) {
    let mut watch = perched(&db).await;
    db.sql("UPDATE pigeon SET ring = 'r' || id").await;
    assert_eq!(
        watch.after("UPDATE OR REPLACE pigeon SET ring = 'r1' WHERE id = 2").await,
        BOTH[..1]
    );
    assert_eq!(
        reloaded(&db, 1).await.cached_full_name.as_deref(),
        Some("Ada of nowhere, 0 pigeons of 0, -")
    );

    a_pigeon(&db, 1, 40).await;
    watch.recalculated().await;
    assert_eq!(
        watch.after("UPDATE OR REPLACE pigeon SET id = 2 WHERE lamppost_id = 1").await,
        BOTH[1..]
    );
    assert_eq!(
        reloaded(&db, 2).await.cached_full_name.as_deref(),
        Some("Bob of nowhere, 0 pigeons of 0, -")
    );
}

/// The unique index sees a collision where the column's own collation sees none.
#[apply(on_sqlite)]
async fn a_row_replaced_by_the_collation_of_an_index_concerns_its_owner(db: TestDb) {
    perched(&db).await;
    db.sql("CREATE UNIQUE INDEX rings ON pigeon (ring COLLATE NOCASE)").await;
    lampposts().install(&*db).await.expect("installed again");
    db.sql("UPDATE pigeon SET ring = 'r' || id").await;
    let mut watch = crate::support::Watch::begin(&db, lampposts).await;
    assert_eq!(
        watch
            .after(
                "INSERT OR REPLACE INTO pigeon (weight_in_g, ring, lamppost_id) VALUES (5, 'R1', 2)"
            )
            .await,
        BOTH
    );
}

/// As documented: what `install` has not seen cannot be looked into.
#[apply(on_sqlite)]
async fn but_not_one_replaced_by_an_index_that_install_has_not_seen(db: TestDb) {
    let mut watch = perched(&db).await;
    db.sql("UPDATE pigeon SET ring = 'r' || id, colour = 'c' || id").await;
    db.sql(
        "CREATE UNIQUE INDEX colours ON pigeon (colour);
            CREATE UNIQUE INDEX initials ON pigeon (upper(ring))",
    )
    .await;
    let replace = |column: &str, value: &str| {
        format!(
            "INSERT OR REPLACE INTO pigeon (weight_in_g, {column}, lamppost_id)
             VALUES (5, '{value}', 2)"
        )
    };

    assert_eq!(watch.after(&replace("colour", "c1")).await, BOTH[1..]);
    lampposts().install(&*db).await.expect("installed again");
    assert_eq!(watch.after("UPDATE pigeon SET lamppost_id = 1 WHERE colour = 'c1'").await, BOTH);
    assert_eq!(watch.after(&replace("colour", "c1")).await, BOTH);

    db.sql("UPDATE pigeon SET ring = 'r1', lamppost_id = 1 WHERE colour = 'c1'").await;
    watch.recalculated().await;
    assert_eq!(watch.after(&replace("ring", "R1")).await, BOTH[1..]);
    let all = "UPDATE lamppost SET full_name_recalculation_needed = true WHERE id = 1";
    assert_eq!(watch.after(all).await, BOTH[..1]);
    assert_eq!(
        reloaded(&db, 1).await.cached_full_name.as_deref(),
        Some("Ada of nowhere, 0 pigeons of 0, -")
    );
}
