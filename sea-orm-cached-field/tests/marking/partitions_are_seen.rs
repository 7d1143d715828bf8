//! PostgreSQL only. Statements may name the whole table or one of its partitions, which come and
//! go.

use sea_orm::{ConnectionTrait, DbBackend, Statement, TransactionTrait};

use crate::{
    harness::{TestDb, lampposts::*},
    support::{NOTHING, Watch},
};

const ADA: [&str; 1] = ["lamppost.full_name 1"];
const BOTH: [&str; 2] = ["lamppost.full_name 1", "lamppost.full_name 2"];

/// Two lampposts; the pigeons are kept by colour, the white ones once more by weight.
async fn kept_by_colour(db: &TestDb) -> Watch<'_> {
    db.create(city::Entity).await;
    db.create(lamppost::Entity).await;
    db.create(plaque::Entity).await;
    db.sql(
        "CREATE TABLE pigeon (
           id integer, weight_in_g integer NOT NULL, colour varchar, ring varchar,
           lamppost_id integer
         ) PARTITION BY LIST (colour);
         CREATE TABLE pigeon_grey PARTITION OF pigeon FOR VALUES IN ('grey');
         CREATE TABLE pigeon_white PARTITION OF pigeon FOR VALUES IN ('white')
           PARTITION BY RANGE (weight_in_g);
         CREATE TABLE pigeon_white_light PARTITION OF pigeon_white FOR VALUES FROM (0) TO (100);
         CREATE TABLE pigeon_white_heavy PARTITION OF pigeon_white FOR VALUES FROM (100) TO (1000)",
    )
    .await;

    lampposts().install(&**db).await.expect("installed");
    a_lamppost(db, "Ada").await;
    a_lamppost(db, "Bob").await;
    db.sql(
        "INSERT INTO pigeon
         VALUES (1, 5, 'grey', NULL, 1), (2, 5, 'white', NULL, 2), (3, 300, 'white', NULL, NULL)",
    )
    .await;
    Watch::begin(db, lampposts).await
}

async fn name_of(db: &TestDb, id: i32) -> String {
    reloaded(db, id).await.cached_full_name.expect("calculated")
}

#[apply(on_postgres)]
async fn what_is_written_to_the_whole_table(db: TestDb) {
    let mut watch = kept_by_colour(&db).await;

    assert_eq!(
        watch
            .after("INSERT INTO pigeon VALUES (4, 7, 'grey', NULL, 1), (5, 7, 'white', NULL, 2)")
            .await,
        BOTH
    );
    assert_eq!(watch.after("UPDATE pigeon SET weight_in_g = 8 WHERE id = 4").await, ADA);
    assert_eq!(
        watch.after("UPDATE pigeon SET ring = 'r', weight_in_g = weight_in_g").await,
        NOTHING
    );
    assert_eq!(watch.after("UPDATE pigeon SET lamppost_id = 2 WHERE id = 1").await, BOTH);
    assert_eq!(watch.after("DELETE FROM pigeon WHERE lamppost_id = 1").await, ADA);
    assert_eq!(name_of(&db, 2).await, "Bob of nowhere, 3 pigeons of 17, -");
}

#[apply(on_postgres)]
async fn what_is_written_to_a_partition(db: TestDb) {
    let mut watch = kept_by_colour(&db).await;
    assert_eq!(watch.after("INSERT INTO pigeon_grey VALUES (4, 7, 'grey', NULL, 1)").await, ADA);
    assert_eq!(watch.after("UPDATE pigeon_white_light SET weight_in_g = 8").await, BOTH[1..]);
    assert_eq!(watch.after("UPDATE pigeon_white SET lamppost_id = 1 WHERE id = 3").await, ADA);
    assert_eq!(watch.after("UPDATE pigeon_white_heavy SET ring = 'r'").await, NOTHING);
    assert_eq!(watch.after("DELETE FROM pigeon_white").await, BOTH);
    assert_eq!(name_of(&db, 1).await, "Ada of nowhere, 2 pigeons of 12, -");
}

#[apply(on_postgres)]
async fn a_row_that_an_update_moves_to_another_partition(db: TestDb) {
    let mut watch = kept_by_colour(&db).await;
    assert_eq!(
        watch.after("UPDATE pigeon SET colour = 'white', weight_in_g = 200 WHERE id = 1").await,
        ADA
    );
    assert_eq!(name_of(&db, 1).await, "Ada of nowhere, 1 pigeons of 200, -");

    assert_eq!(
        watch.after("UPDATE pigeon SET colour = 'grey', lamppost_id = 2 WHERE id = 1").await,
        BOTH
    );

    // For PostgreSQL it is deleted and inserted.
    assert_eq!(
        watch.after("UPDATE pigeon SET colour = 'white' WHERE id = 1").await,
        ["lamppost.full_name 2, unchanged"]
    );
}

#[apply(on_postgres)]
async fn what_is_written_to_a_partition_that_came_later(db: TestDb) {
    let mut watch = kept_by_colour(&db).await;
    db.sql("CREATE TABLE pigeon_black PARTITION OF pigeon FOR VALUES IN ('black')").await;
    assert_eq!(watch.after("INSERT INTO pigeon_black VALUES (6, 9, 'black', NULL, 1)").await, ADA);
    assert_eq!(watch.after("UPDATE pigeon SET weight_in_g = 10 WHERE id = 6").await, ADA);

    db.sql(
        "CREATE TABLE pigeon_red (
           lamppost_id integer, ring varchar, gone integer, colour varchar,
           weight_in_g integer NOT NULL, id integer)",
    )
    .await;
    db.sql("ALTER TABLE pigeon_red DROP COLUMN gone").await;
    db.sql("ALTER TABLE pigeon ATTACH PARTITION pigeon_red FOR VALUES IN ('red')").await;
    assert_eq!(
        watch
            .after(
                "INSERT INTO pigeon_red (id, weight_in_g, colour, lamppost_id)
                 VALUES (7, 1, 'red', 2)"
            )
            .await,
        BOTH[1..]
    );
    assert_eq!(name_of(&db, 2).await, "Bob of nowhere, 2 pigeons of 6, -");
    assert_eq!(watch.after("UPDATE pigeon_red SET lamppost_id = 1").await, BOTH);
}

#[apply(on_postgres)]
async fn truncate_of_all_and_of_one(db: TestDb) {
    let mut watch = kept_by_colour(&db).await;
    assert_eq!(watch.after("TRUNCATE pigeon_grey").await, ADA);
    assert_eq!(watch.after("TRUNCATE pigeon_white").await, BOTH[1..]);
    db.sql("CREATE TABLE pigeon_black PARTITION OF pigeon FOR VALUES IN ('black')").await;
    assert_eq!(watch.after("INSERT INTO pigeon VALUES (6, 9, 'black', NULL, 1)").await, ADA);
    assert_eq!(
        watch.after("TRUNCATE pigeon").await,
        ["lamppost.full_name 1", "lamppost.full_name 2, unchanged"]
    );
    // Of a partition that came later the next install learns.
    let changes = format!("{:#}", lampposts().install(&*db).await.expect("installed"));
    assert!(changes.contains("pigeon_black"), "{changes}");
    assert_eq!(watch.after("INSERT INTO pigeon VALUES (6, 9, 'black', NULL, 1)").await, ADA);
    assert_eq!(watch.after("TRUNCATE pigeon_black").await, ADA);
}

/// What a job that makes a partition each month has to do.
#[apply(on_postgres)]
async fn an_install_for_a_new_partition_is_cheap(db: TestDb) {
    let mut watch = kept_by_colour(&db).await;
    db.sql("CREATE TABLE pigeon_black PARTITION OF pigeon FOR VALUES IN ('black')").await;
    let diagnosis = async || lampposts().doctor(&*db).await.expect("examined").to_string();
    assert_eq!(
        diagnosis().await,
        "lamppost: the partition \"public\".\"pigeon_black\" is newer than the last installation, and its TRUNCATE goes unseen; run `CachedFields::all().install(&db)`\n"
    );

    let transaction = db.begin().await.expect("begun");
    let scans = async || {
        let scans = "SELECT (seq_scan + coalesce(idx_scan, 0))::bigint
                       FROM pg_stat_xact_user_tables
                      WHERE relname = 'lamppost'";
        let scans = transaction
            .query_one_raw(Statement::from_string(DbBackend::Postgres, scans))
            .await
            .expect("asked");
        scans.expect("a row").try_get_by_index::<i64>(0).expect("a count")
    };

    let before = scans().await;
    let changes = lampposts().install(&transaction).await.expect("installed");
    let scans = scans().await - before;
    transaction.commit().await.expect("committed");

    assert_eq!(changes.iter().count(), 2, "a function and a trigger: {changes}");
    assert_eq!(scans, 1, "one look for flagged rows");
    assert_eq!(watch.recalculated().await, NOTHING);
    assert_eq!(diagnosis().await, "nothing is wrong\n");
    assert_eq!(watch.after("INSERT INTO pigeon VALUES (6, 9, 'black', NULL, 1)").await, ADA);
    assert_eq!(watch.after("TRUNCATE pigeon_black").await, ADA);
}

#[apply(on_postgres)]
async fn an_install_after_a_partition_was_dropped_makes_up_for_its_rows(db: TestDb) {
    let mut watch = kept_by_colour(&db).await;
    assert_eq!(watch.after("DROP TABLE pigeon_grey").await, NOTHING);
    let changes = format!("{:#}", lampposts().install(&*db).await.expect("installed"));
    assert!(changes.contains("flagged 2 rows for full_name"), "{changes}");
    assert_eq!(
        watch.recalculated().await,
        ["lamppost.full_name 1", "lamppost.full_name 2, unchanged"]
    );
    assert_eq!(lampposts().install(&*db).await.expect("installed").to_string(), "nothing to do\n");
}

/// No trigger fires: this is what the documentation says, with the remedy that it names.
#[apply(on_postgres)]
async fn rows_that_come_or_go_with_their_partition_are_flagged_by_hand(db: TestDb) {
    let mut watch = kept_by_colour(&db).await;
    let flag_all = "UPDATE lamppost SET full_name_recalculation_needed = true";
    assert_eq!(watch.after("ALTER TABLE pigeon DETACH PARTITION pigeon_grey").await, NOTHING);
    assert_eq!(
        watch.after(flag_all).await,
        ["lamppost.full_name 1", "lamppost.full_name 2, unchanged"]
    );
    assert_eq!(watch.after("UPDATE pigeon_grey SET weight_in_g = 6").await, NOTHING);
    db.sql("ALTER TABLE pigeon ATTACH PARTITION pigeon_grey FOR VALUES IN ('grey')").await;
    assert_eq!(
        watch.after(flag_all).await,
        ["lamppost.full_name 1", "lamppost.full_name 2, unchanged"]
    );
    assert_eq!(watch.after("UPDATE pigeon_grey SET weight_in_g = 7").await, ADA);
}

#[apply(on_postgres)]
async fn a_table_that_becomes_partitioned_and_a_partition_by_itself(db: TestDb) {
    set_up_lampposts(&db).await;
    db.sql("ALTER TABLE pigeon RENAME TO old_pigeon; DROP TABLE old_pigeon").await;
    db.sql(
        "CREATE TABLE bird (
           id integer, weight_in_g integer NOT NULL, colour varchar, ring varchar,
           lamppost_id integer
         ) PARTITION BY LIST (colour);
         CREATE TABLE pigeon PARTITION OF bird DEFAULT",
    )
    .await;
    lampposts().install(&*db).await.expect("installed");
    a_lamppost(&db, "Ada").await;
    let mut watch = Watch::begin(&db, lampposts).await;

    assert_eq!(watch.after("INSERT INTO bird VALUES (1, 9, 'black', NULL, 1)").await, ADA);
    assert_eq!(watch.after("UPDATE pigeon SET weight_in_g = 10").await, ADA);
    assert_eq!(watch.after("TRUNCATE bird").await, ADA);
}

/// The lampposts stand in two towns, which their notes say.
async fn spread(db: &TestDb) -> Watch<'_> {
    db.create(city::Entity).await;
    db.sql(
        "CREATE TABLE lamppost (
           id integer NOT NULL, first_name varchar NOT NULL, note varchar, city_id integer,
           cached_full_name varchar,
           full_name_recalculation_needed boolean NOT NULL DEFAULT true,
           full_name_expires_after timestamptz
         ) PARTITION BY LIST (note);
         CREATE TABLE lamppost_here PARTITION OF lamppost FOR VALUES IN ('here');
         CREATE TABLE lamppost_there PARTITION OF lamppost FOR VALUES IN ('there');
         CREATE TABLE pigeon (
           id integer, weight_in_g integer NOT NULL, colour varchar, ring varchar,
           lamppost_id integer);
         CREATE TABLE plaque (id integer, text varchar NOT NULL, lamppost_id integer)",
    )
    .await;

    lampposts().install(&**db).await.expect("installed");
    db.sql(
        "INSERT INTO lamppost (id, first_name, note)
         VALUES (1, 'Ada', 'here'), (2, 'Bob', 'there')",
    )
    .await;
    Watch::begin(db, lampposts).await
}

#[apply(on_postgres)]
async fn an_owner_in_partitions(db: TestDb) {
    let mut watch = spread(&db).await;
    assert_eq!(name_of(&db, 2).await, "Bob of nowhere, 0 pigeons of 0, -");
    assert_eq!(watch.after("UPDATE lamppost SET first_name = 'Cid' WHERE id = 1").await, ADA);
    assert_eq!(watch.after("UPDATE lamppost_there SET first_name = 'Dan'").await, BOTH[1..]);
    assert_eq!(watch.after("UPDATE lamppost SET city_id = city_id").await, NOTHING);

    assert_eq!(watch.after("INSERT INTO pigeon VALUES (1, 5, NULL, NULL, 1)").await, ADA);
    assert_eq!(
        watch
            .after(
                "INSERT INTO city (id, name)
                 VALUES (1, 'Ulm');
                 UPDATE lamppost_here
                    SET city_id = 1"
            )
            .await,
        ADA
    );

    assert_eq!(watch.after("UPDATE city SET name = 'Ulm!'").await, ADA);
    assert_eq!(name_of(&db, 1).await, "Cid of Ulm!, 1 pigeons of 5, -");
    assert_eq!(
        watch.after("UPDATE lamppost SET cached_full_name = 'forged' WHERE id = 2").await,
        BOTH[1..]
    );
    assert_eq!(
        watch.after("UPDATE lamppost SET full_name_recalculation_needed = true").await.len(),
        2
    );
    assert_eq!(
        watch.after("UPDATE lamppost SET note = 'there', first_name = 'Eva' WHERE id = 1").await,
        ADA
    );
    assert_eq!(watch.after("DELETE FROM lamppost").await, NOTHING);
    assert_eq!(db.pending("lamppost").await, 0);
}

#[apply(on_postgres)]
async fn an_owner_in_a_partition_that_came_later(db: TestDb) {
    let mut watch = spread(&db).await;
    db.sql("CREATE TABLE lamppost_new PARTITION OF lamppost FOR VALUES IN ('new')").await;
    db.sql(
        "INSERT INTO lamppost_new
           (id, first_name, note, cached_full_name, full_name_recalculation_needed)
         VALUES (3, 'Eve', 'new', 'forged', false)",
    )
    .await;
    assert_eq!(watch.recalculated().await, ["lamppost.full_name 3"]);

    // Rows that come along with their partition are flagged if their column says so; the next
    // install queues them.
    db.sql(
        "CREATE TABLE lamppost_far (LIKE lamppost INCLUDING ALL);
            INSERT INTO lamppost_far (id, first_name, note)
            VALUES (4, 'Fay', 'far')",
    )
    .await;
    db.sql("ALTER TABLE lamppost ATTACH PARTITION lamppost_far FOR VALUES IN ('far')").await;
    assert_eq!(watch.recalculated().await, NOTHING);
    assert!(reloaded(&db, 4).await.full_name_recalculation_needed);

    lampposts().install(&*db).await.expect("installed");
    assert_eq!(watch.recalculated().await, ["lamppost.full_name 4"]);
    assert_eq!(
        watch.after("UPDATE lamppost_far SET first_name = 'Gus'").await,
        ["lamppost.full_name 4"]
    );
}

/// A table that inherits is written by statements on the other one too.
#[apply(on_postgres)]
async fn a_table_that_inherits(db: TestDb) {
    db.create(city::Entity).await;
    db.create(lamppost::Entity).await;
    db.create(plaque::Entity).await;
    db.sql(
        "CREATE TABLE bird (id integer, weight_in_g integer NOT NULL, colour varchar);
         CREATE TABLE pigeon (ring varchar, lamppost_id integer) INHERITS (bird)",
    )
    .await;
    lampposts().install(&*db).await.expect("installed");
    a_lamppost(&db, "Ada").await;
    let mut watch = Watch::begin(&db, lampposts).await;

    assert_eq!(
        watch.after("INSERT INTO pigeon (id, weight_in_g, lamppost_id) VALUES (1, 5, 1)").await,
        ADA
    );
    assert_eq!(watch.after("UPDATE bird SET weight_in_g = 6").await, ADA);
    assert_eq!(watch.after("TRUNCATE bird").await, ADA);
}

#[apply(on_postgres)]
async fn uninstall_leaves_no_trigger_on_a_partition(db: TestDb) {
    kept_by_colour(&db).await;
    let triggers = "SELECT count(*) FROM pg_trigger WHERE tgname LIKE 'zz_cached%'";
    assert!(db.scalar::<i64>(triggers).await > 0);
    lampposts().uninstall(&*db).await.expect("uninstalled");
    assert_eq!(db.scalar::<i64>(triggers).await, 0);
}
