use crate::{
    harness::{TestDb, lampposts::*},
    support::{NOTHING, Watch},
};

/// Two lampposts, the first with a plaque, nothing stale.
async fn labelled(db: &TestDb) -> Watch<'_> {
    set_up_lampposts(db).await;
    a_lamppost(db, "Ada").await;
    a_lamppost(db, "Bob").await;
    db.sql("INSERT INTO plaque (text, lamppost_id) VALUES ('do not climb', 1)").await;
    Watch::begin(db, lampposts).await
}

#[apply(contract)]
async fn the_core_set_behind_has_one(db: TestDb) {
    let mut watch = labelled(&db).await;
    let both = ["lamppost.full_name 1", "lamppost.full_name 2"];

    assert_eq!(
        reloaded(&db, 1).await.cached_full_name.as_deref(),
        Some("Ada of nowhere, 0 pigeons of 0, do not climb")
    );
    assert_eq!(
        watch.after("INSERT INTO plaque (text, lamppost_id) VALUES ('new', 2)").await,
        both[1..]
    );
    assert_eq!(
        watch.after("UPDATE plaque SET text = 'old' WHERE lamppost_id = 2").await,
        both[1..]
    );
    assert_eq!(watch.after("UPDATE plaque SET text = 'old' WHERE lamppost_id = 2").await, NOTHING);
    assert_eq!(watch.after("DELETE FROM plaque WHERE lamppost_id = 2").await, both[1..]);
    assert_eq!(watch.after("UPDATE plaque SET lamppost_id = 2").await, both);
    assert_eq!(
        reloaded(&db, 2).await.cached_full_name.as_deref(),
        Some("Bob of nowhere, 0 pigeons of 0, do not climb")
    );
}

#[apply(contract)]
async fn an_owner_that_is_deleted_leaves_nothing(db: TestDb) {
    let mut watch = labelled(&db).await;
    assert_eq!(watch.after("DELETE FROM lamppost WHERE id = 1").await, NOTHING);
    assert_eq!(db.scalar::<i64>("SELECT count(*) FROM plaque").await, 0);
    assert_eq!(db.pending("lamppost").await, 0);
}
