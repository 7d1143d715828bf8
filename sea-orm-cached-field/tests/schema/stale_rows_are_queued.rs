use sea_orm_cached_field::CachedFields;

use crate::{catalog::installed, harness::TestDb};

owner!(lamp, { table_name = "lamp" }, {}, depends_on(name));

/// A model whose key has two columns.
pub mod seat {
    use sea_orm::entity::prelude::*;
    use sea_orm_cached_field::cached_fields;

    #[cached_fields]
    #[sea_orm::model]
    #[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
    #[sea_orm(table_name = "seat")]
    pub struct Model {
        #[sea_orm(primary_key, auto_increment = false)]
        pub hall: String,
        #[sea_orm(primary_key, auto_increment = false)]
        pub number: i32,
        #[cached(depends_on(hall))]
        pub price: i64,
    }

    impl ActiveModelBehavior for ActiveModel {}

    impl Model {
        pub async fn calculate_price(&self, _: &impl ConnectionTrait) -> Result<i64, DbErr> {
            Ok(i64::from(self.number))
        }
    }
}

/// More than two chunks of 10 000.
const NUMBERS: &str = "WITH RECURSIVE n (i) AS (SELECT 1
                                                 UNION ALL
                                                SELECT i + 1 FROM n WHERE i < 25001)";

/// Inserts a row for each number `i`.
async fn insert(db: &TestDb, into: &str, values: &str) {
    let insert = if db.is_mysql() {
        format!(
            "SET @@cte_max_recursion_depth = 30000;
             INSERT INTO {into} {NUMBERS} SELECT {values} FROM n"
        )
        .replace("cte_max_recursion_depth", recursion_limit(db).await)
    } else {
        format!("{NUMBERS} INSERT INTO {into} SELECT {values} FROM n")
    };
    db.sql(&insert).await;
}

async fn recursion_limit(db: &TestDb) -> &'static str {
    let version: String = db.scalar("SELECT version()").await;
    if version.contains("MariaDB") { "max_recursive_iterations" } else { "cte_max_recursion_depth" }
}

async fn many_lamps(db: &TestDb, needed: &str) {
    db.create(lamp::Entity).await;
    insert(db, "lamp (id, name, label_recalculation_needed)", &format!("i, 'x', {needed}")).await;
}

/// Whether the queue holds exactly the rows that are flagged.
async fn queue_is_what_is_flagged(
    db: &TestDb,
    table: &str,
    key: &str,
    queue_key: &str,
    flag: &str,
) -> bool {
    let flagged = format!("SELECT {key} FROM {table} WHERE {flag}");
    let queued = format!("SELECT {queue_key} FROM _{table}_cached_recalculations");
    let unqueued = db.rows(&format!("{flagged} EXCEPT {queued}")).await;
    unqueued.is_empty() && db.rows(&format!("{queued} EXCEPT {flagged}")).await.is_empty()
}

/// Has the rows of all chunks queued, of each of which one row is calculated.
async fn queue_all(db: &TestDb, models: fn() -> CachedFields, table: &str) {
    let marks = format!("SELECT count(*) FROM _{table}_cached_marks");
    let later = if db.is_sqlite() { "9000000000000000" } else { "'2999-01-01'" };
    while db.scalar::<i64>(&marks).await > 0 {
        db.sql(&format!("UPDATE _{table}_cached_recalculations SET due_at = {later}")).await;
        assert_eq!(models().worker(db).batch_size(1).run_once().await.expect("worked"), 1);
    }
}

#[apply(contract)]
async fn all_of_them_once_and_in_chunks(db: TestDb) {
    many_lamps(&db, "true").await;
    let report = installed(&db, CachedFields::of::<lamp::Entity>()).await;
    assert_eq!(report.lines().last(), Some("lamp: queued 25001 rows for label"));
    assert_eq!(db.pending("lamp").await, 3, "a mark for each chunk");
    let step =
        async || CachedFields::of::<lamp::Entity>().worker(&db).batch_size(1000).run_once().await;
    assert_eq!(step().await.expect("worked"), 1000);
    assert_eq!(db.pending("lamp").await, 9000 + 2, "the rows of one");
    assert_eq!(step().await.expect("worked"), 1000);
    assert_eq!(db.pending("lamp").await, 8000 + 2);
    assert_eq!(installed(&db, CachedFields::of::<lamp::Entity>()).await, "nothing to do\n");
}

#[apply(contract)]
async fn by_the_order_of_a_composite_key_too(db: TestDb) {
    db.create(seat::Entity).await;
    let row =
        if db.is_mysql() { "concat('hall ', i % 7), i div 7" } else { "'hall ' || (i % 7), i / 7" };
    insert(&db, "seat (hall, number)", row).await;
    let report = installed(&db, CachedFields::of::<seat::Entity>()).await;
    assert_eq!(report.lines().last(), Some("seat: queued 25001 rows for price"));
    assert_eq!(db.pending("seat").await, 3, "a mark for each chunk");
    queue_all(&db, CachedFields::of::<seat::Entity>, "seat").await;
    let own = "hall, number";
    let queue = "key_1, key_2";
    assert!(queue_is_what_is_flagged(&db, "seat", own, queue, "price_recalculation_needed").await);
}

#[apply(contract)]
async fn and_fresh_ones_are_not(db: TestDb) {
    db.create(lamp::Entity).await;
    installed(&db, CachedFields::of::<lamp::Entity>()).await;
    db.sql("INSERT INTO lamp (id, name) VALUES (1, 'Ada'), (2, 'Bob'), (3, 'Cid')").await;
    db.drain(CachedFields::of::<lamp::Entity>()).await;
    db.sql("UPDATE lamp SET label_recalculation_needed = true WHERE id = 2").await;
    db.sql("DELETE FROM _lamp_cached_marks").await;
    let report = installed(&db, CachedFields::of::<lamp::Entity>()).await;
    assert_eq!(report, "lamp: queued 1 row for label\n");
    assert_eq!(db.pending("lamp").await, 1);
    assert_eq!(db.drain(CachedFields::of::<lamp::Entity>()).await, 1);
    assert!(
        queue_is_what_is_flagged(&db, "lamp", "id", "key_1", "label_recalculation_needed").await
    );
}

#[apply(contract)]
async fn and_all_are_flagged_if_nothing_says_who_has_filled_the_columns(db: TestDb) {
    many_lamps(&db, "i % 5000 = 0").await;
    let report = installed(&db, CachedFields::of::<lamp::Entity>()).await;
    assert_eq!(report.lines().last(), Some("lamp: flagged 25001 rows for label"));
    let flagged = "SELECT count(*) FROM lamp WHERE label_recalculation_needed";
    assert_eq!(db.scalar::<i64>(flagged).await, 25_001);
    assert_eq!(db.pending("lamp").await, 3, "a mark for each chunk");
    assert_eq!(installed(&db, CachedFields::of::<lamp::Entity>()).await, "nothing to do\n");
}

#[apply(contract)]
async fn and_those_that_a_cut_off_install_left_by_the_next(db: TestDb) {
    many_lamps(&db, "true").await;
    installed(&db, CachedFields::of::<lamp::Entity>()).await;
    queue_all(&db, CachedFields::of::<lamp::Entity>, "lamp").await;
    db.sql("DELETE FROM _lamp_cached_recalculations WHERE key_1 > 10000").await;
    let report = installed(&db, CachedFields::of::<lamp::Entity>()).await;
    assert_eq!(report, "lamp: queued 14999 rows for label\n");
    queue_all(&db, CachedFields::of::<lamp::Entity>, "lamp").await;
    assert!(
        queue_is_what_is_flagged(&db, "lamp", "id", "key_1", "label_recalculation_needed").await
    );
}

#[apply(contract)]
async fn but_not_those_that_are_marked_already(db: TestDb) {
    db.create(lamp::Entity).await;
    installed(&db, CachedFields::of::<lamp::Entity>()).await;
    db.sql("INSERT INTO lamp (id, name) VALUES (1, 'Ada')").await;
    assert_eq!(db.pending("lamp").await, 1);
    assert_eq!(installed(&db, CachedFields::of::<lamp::Entity>()).await, "nothing to do\n");
    assert_eq!(db.pending("lamp").await, 1);
}
