use crate::{
    harness::{TestDb, lampposts::*},
    support::{NOTHING, Watch},
};

/// Two lampposts, a pigeon on each under the same number, nothing stale.
pub async fn perched(db: &TestDb) -> Watch<'_> {
    set_up_lampposts(db).await;
    for name in ["Ada", "Bob"] {
        let lamppost = a_lamppost(db, name).await;
        a_pigeon(db, lamppost.id, 300).await;
    }
    Watch::begin(db, lampposts).await
}

async fn name_of(db: &TestDb, id: i32) -> String {
    reloaded(db, id).await.cached_full_name.expect("calculated")
}

#[apply(contract)]
async fn a_row_that_comes_or_goes_concerns_its_owner(db: TestDb) {
    let mut watch = perched(&db).await;
    assert_eq!(
        watch.after("INSERT INTO pigeon (weight_in_g, lamppost_id) VALUES (50, 1)").await,
        ["lamppost.full_name 1"]
    );
    assert_eq!(name_of(&db, 1).await, "Ada of nowhere, 2 pigeons of 350, -");
    assert_eq!(watch.after("DELETE FROM pigeon WHERE id = 1").await, ["lamppost.full_name 1"]);
    assert_eq!(name_of(&db, 1).await, "Ada of nowhere, 1 pigeons of 50, -");
    assert_eq!(
        watch.after("DELETE FROM pigeon").await,
        ["lamppost.full_name 1", "lamppost.full_name 2"]
    );
}

#[apply(contract)]
async fn only_declared_columns_concern_the_owner(db: TestDb) {
    let mut watch = perched(&db).await;
    assert_eq!(
        watch.after("UPDATE pigeon SET weight_in_g = 400 WHERE id = 2").await,
        ["lamppost.full_name 2"]
    );
    assert_eq!(watch.after("UPDATE pigeon SET colour = 'grey', ring = 'r' || id").await, NOTHING);
    assert_eq!(
        watch.after("UPDATE pigeon SET weight_in_g = weight_in_g, lamppost_id = lamppost_id").await,
        NOTHING
    );
    assert_eq!(watch.after("UPDATE pigeon SET weight_in_g = 400").await, ["lamppost.full_name 1"]);
}

#[apply(contract)]
async fn a_row_that_moves_concerns_both_owners(db: TestDb) {
    let mut watch = perched(&db).await;
    let both = ["lamppost.full_name 1", "lamppost.full_name 2"];

    assert_eq!(watch.after("UPDATE pigeon SET lamppost_id = 2 WHERE id = 1").await, both);
    assert_eq!(name_of(&db, 2).await, "Bob of nowhere, 2 pigeons of 600, -");
    assert_eq!(watch.after("UPDATE pigeon SET lamppost_id = NULL WHERE id = 1").await, both[1..]);
    assert_eq!(watch.after("UPDATE pigeon SET weight_in_g = 9 WHERE id = 1").await, NOTHING);
    assert_eq!(watch.after("INSERT INTO pigeon (weight_in_g) VALUES (5)").await, NOTHING);
    assert_eq!(watch.after("UPDATE pigeon SET lamppost_id = 1 WHERE id = 1").await, both[..1]);

    // The owners swap: each keeps as many, of the same weight.
    db.sql("UPDATE pigeon SET weight_in_g = 300 WHERE id = 1").await;
    assert_eq!(watch.recalculated().await, both[..1]);
    assert_eq!(
        watch
            .after("UPDATE pigeon SET lamppost_id = 3 - lamppost_id WHERE lamppost_id IS NOT NULL")
            .await,
        ["lamppost.full_name 1, unchanged", "lamppost.full_name 2, unchanged"]
    );
}

#[apply(contract)]
async fn an_owner_that_is_deleted_leaves_nothing(db: TestDb) {
    let mut watch = perched(&db).await;
    assert_eq!(watch.after("DELETE FROM lamppost WHERE id = 1").await, NOTHING);
    assert_eq!(db.scalar::<i64>("SELECT count(*) FROM pigeon").await, 1);
    assert_eq!(db.pending("lamppost").await, 0);
}

#[apply(contract)]
async fn a_key_that_changes_takes_its_related_rows_along(db: TestDb) {
    let mut watch = perched(&db).await;
    assert_eq!(
        watch.after("UPDATE lamppost SET id = 9 WHERE id = 1").await,
        ["lamppost.full_name 9, unchanged"]
    );
    assert_eq!(
        watch.after("UPDATE pigeon SET weight_in_g = 1 WHERE id = 1").await,
        ["lamppost.full_name 9"]
    );
    assert_eq!(name_of(&db, 9).await, "Ada of nowhere, 1 pigeons of 1, -");
    assert_eq!(db.pending("lamppost").await, 0);
}

#[apply(contract)]
async fn what_another_trigger_changes_is_seen(db: TestDb) {
    let mut watch = perched(&db).await;
    // The statement does not set the column that the trigger changes. The trigger comes after the
    // library's: on PostgreSQL by its name, on MySQL by its age.
    let weighing = if db.is_sqlite() {
        "CREATE TRIGGER zzz_weigh AFTER UPDATE OF colour ON pigeon BEGIN
           UPDATE pigeon SET weight_in_g = 7 WHERE id = NEW.id;
         END"
    } else if db.is_mysql() {
        "CREATE TRIGGER zzz_weigh BEFORE UPDATE ON pigeon FOR EACH ROW SET NEW.weight_in_g = 7"
    } else {
        "CREATE FUNCTION weigh() RETURNS trigger LANGUAGE plpgsql AS $$
           BEGIN NEW.weight_in_g := 7; RETURN NEW; END$$;
         CREATE TRIGGER zzz_weigh BEFORE UPDATE ON pigeon FOR EACH ROW EXECUTE FUNCTION weigh()"
    };

    db.sql(weighing).await;
    assert_eq!(
        watch.after("UPDATE pigeon SET colour = 'grey' WHERE id = 1").await,
        ["lamppost.full_name 1"]
    );
    assert_eq!(name_of(&db, 1).await, "Ada of nowhere, 1 pigeons of 7, -");
    assert_eq!(watch.after("UPDATE pigeon SET colour = 'white' WHERE id = 1").await, NOTHING);
}

#[apply(contract)]
async fn what_the_orm_writes_is_seen(db: TestDb) {
    let mut watch = perched(&db).await;
    let pigeon = a_pigeon(&db, 2, 10).await;
    assert_eq!(watch.recalculated().await, ["lamppost.full_name 2"]);
    let heavier = pigeon::ActiveModel { id: Set(pigeon.id), weight: Set(20), ..Default::default() };
    heavier.update(&*db).await.expect("updated");
    assert_eq!(watch.recalculated().await, ["lamppost.full_name 2"]);
    pigeon::Entity::delete_by_id(pigeon.id).exec(&*db).await.expect("deleted");
    assert_eq!(watch.recalculated().await, ["lamppost.full_name 2"]);
    assert_eq!(name_of(&db, 2).await, "Bob of nowhere, 1 pigeons of 300, -");
}
