//! A field that is calculated from the same field of other rows.

use sea_orm::{ConnectionTrait, DbBackend, EntityTrait, TransactionTrait};
use sea_orm_cached_field::{CachedFields, Error};

use crate::harness::{Narration, TestDb};

pub mod folder {
    use sea_orm::entity::prelude::*;
    use sea_orm_cached_field::cached_fields;

    #[cached_fields]
    #[sea_orm::model]
    #[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
    #[sea_orm(table_name = "folder")]
    pub struct Model {
        #[sea_orm(primary_key, auto_increment = false)]
        pub id: i32,
        pub bytes: i64,
        pub parent_id: Option<i32>,
        #[sea_orm(
            self_ref,
            relation_enum = "Parent",
            relation_reverse = "Children",
            from = "parent_id",
            to = "id"
        )]
        pub parent: BelongsTo<Option<Entity>>,
        #[sea_orm(self_ref, relation_enum = "Children", relation_reverse = "Parent")]
        pub children: HasMany<Entity>,
        #[cached(recursive, depends_on(bytes, children(cached_size)))]
        pub size: i64,
    }

    impl ActiveModelBehavior for ActiveModel {}

    impl Model {
        pub async fn calculate_size(&self, db: &impl ConnectionTrait) -> Result<i64, DbErr> {
            if self.bytes == GROWS {
                let grown = Entity::update_many()
                    .col_expr(Column::Bytes, Expr::value(4))
                    .filter(Column::Id.eq(self.id));
                grown.exec(db).await?;
            }
            let children = Entity::find().filter(Column::ParentId.eq(self.id)).all(db).await?;
            Ok(self.bytes
                + children.iter().map(|child| child.cached_size.unwrap_or(0)).sum::<i64>())
        }
    }

    /// The bytes of a folder that has four by the time that it is calculated.
    pub const GROWS: i64 = -1;
}

/// Of more digits than its column has.
pub mod share {
    use sea_orm::entity::prelude::*;
    use sea_orm_cached_field::cached_fields;

    #[cached_fields]
    #[sea_orm::model]
    #[derive(Clone, Debug, PartialEq, DeriveEntityModel)]
    #[sea_orm(table_name = "share")]
    pub struct Model {
        #[sea_orm(primary_key, auto_increment = false)]
        pub id: i32,
        pub parent_id: Option<i32>,
        #[sea_orm(
            self_ref,
            relation_enum = "Parent",
            relation_reverse = "Children",
            from = "parent_id",
            to = "id"
        )]
        pub parent: BelongsTo<Option<Entity>>,
        #[sea_orm(self_ref, relation_enum = "Children", relation_reverse = "Parent")]
        pub children: HasMany<Entity>,
        #[cached(recursive, depends_on(children(cached_part)))]
        #[sea_orm(column_type = "Decimal(Some((8, 2)))")]
        pub part: Decimal,
    }

    impl ActiveModelBehavior for ActiveModel {}

    impl Model {
        pub async fn calculate_part(&self, db: &impl ConnectionTrait) -> Result<Decimal, DbErr> {
            let children = Entity::find().filter(Column::ParentId.eq(self.id)).all(db).await?;
            let parts = children.iter().filter_map(|child| child.cached_part).sum::<Decimal>();
            Ok((Decimal::ONE + parts) / Decimal::from(3))
        }
    }
}

/// A field that is calculated from itself without saying so.
pub mod silent {
    use sea_orm::entity::prelude::*;
    use sea_orm_cached_field::cached_fields;

    #[cached_fields]
    #[sea_orm::model]
    #[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
    #[sea_orm(table_name = "silent")]
    pub struct Model {
        #[sea_orm(primary_key, auto_increment = false)]
        pub id: i32,
        pub parent_id: Option<i32>,
        #[sea_orm(
            self_ref,
            relation_enum = "Parent",
            relation_reverse = "Children",
            from = "parent_id",
            to = "id"
        )]
        pub parent: BelongsTo<Option<Entity>>,
        #[sea_orm(self_ref, relation_enum = "Children", relation_reverse = "Parent")]
        pub children: HasMany<Entity>,
        #[cached(depends_on(children(cached_size)))]
        pub size: i64,
    }

    impl ActiveModelBehavior for ActiveModel {}

    impl Model {
        pub async fn calculate_size(&self, _: &impl ConnectionTrait) -> Result<i64, DbErr> {
            Ok(0)
        }
    }
}

fn folders() -> CachedFields {
    CachedFields::of::<folder::Entity>()
}

/// Folders 1 to 7, each of one byte, in a tree: the parent of n is n / 2.
async fn planted(db: &TestDb) {
    db.create(folder::Entity).await;
    folders().install(&**db).await.expect("installed");
    for id in 1..=7 {
        let parent = if id == 1 { "NULL".to_owned() } else { (id / 2).to_string() };
        db.sql(&format!("INSERT INTO folder (id, bytes, parent_id) VALUES ({id}, 1, {parent})"))
            .await;
    }
}

async fn sizes(db: &TestDb) -> Vec<Option<i64>> {
    let mut folders = folder::Entity::find().all(&**db).await.expect("folders");
    folders.sort_by_key(|folder| folder.id);
    folders.iter().map(|folder| folder.cached_size).collect()
}

fn a_minute_before(db: &TestDb, moment: &str) -> String {
    match db.get_database_backend() {
        DbBackend::Sqlite => format!("{moment} - 60000"),
        DbBackend::Postgres => format!("{moment} - interval '1 minute'"),
        _ => format!("{moment} - INTERVAL 1 MINUTE"),
    }
}

/// As if all that waits had waited for a minute.
async fn after_a_minute(db: &TestDb) {
    let past = a_minute_before(db, "queued_at");
    db.sql(&format!("UPDATE _folder_cached_recalculations SET queued_at = {past}")).await;
}

/// Each size is right, or its row is stale; on SQLite, it is flagged.
async fn assert_flags(db: &TestDb) {
    let found = folder::Entity::find().all(&**db).await.expect("folders");
    for folder in &found {
        let children = found.iter().filter(|child| child.parent_id == Some(folder.id));
        let right =
            folder.bytes + children.map(|child| child.cached_size.unwrap_or(0)).sum::<i64>();
        let is_flagged = folder.size_recalculation_needed || !db.is_sqlite();
        assert!(folder.cached_size == Some(right) || is_flagged, "{folder:?} should have {right}");
    }
}

/// What has failed since the last time.
fn failures(narration: &mut Narration) -> Vec<String> {
    narration.said().into_iter().filter(|said| said.starts_with("failed")).collect()
}

fn circular(row: i32, other: i32) -> String {
    format!(
        "failed folder.size {row}, attempt 1, will retry: `size` of `folder` is calculated from itself: the data goes in a circle, {row} -> {other} -> {row}"
    )
}

#[apply(contract)]
async fn children_come_before_their_parents(db: TestDb) {
    planted(&db).await;
    let mut narration = db.narration();
    db.drain(folders()).await;
    assert_eq!(sizes(&db).await, [7, 3, 3, 1, 1, 1, 1].map(Some));
    let calculated =
        narration.said().into_iter().filter(|said| said.starts_with("calculated")).count();
    assert_eq!(calculated, 7, "each folder once");
}

/// Nothing waits for its inputs for longer than a while, but that begins when a worker sees it.
#[apply(contract)]
async fn also_where_no_worker_ran_for_a_while(db: TestDb) {
    planted(&db).await;
    let past = a_minute_before(&db, "marked_at");
    db.sql(&format!("UPDATE _folder_cached_marks SET marked_at = {past}")).await;
    let mut narration = db.narration();
    db.drain(folders()).await;
    assert_eq!(sizes(&db).await, [7, 3, 3, 1, 1, 1, 1].map(Some));
    let calculated =
        narration.said().into_iter().filter(|said| said.starts_with("calculated")).count();
    assert_eq!(calculated, 7, "each folder once");
}

#[apply(contract)]
async fn a_change_climbs_as_far_as_values_change(db: TestDb) {
    planted(&db).await;
    db.drain(folders()).await;
    let mut narration = db.narration();
    db.sql("UPDATE folder SET bytes = 10 WHERE id = 4").await;
    db.drain(folders()).await;
    assert_eq!(sizes(&db).await, [16, 12, 3, 10, 1, 1, 1].map(Some));
    narration.clear();
    db.sql("UPDATE folder SET bytes = bytes - 5 WHERE id = 2").await;
    db.sql("UPDATE folder SET bytes = bytes + 5 WHERE id = 4").await;
    db.drain(folders()).await;
    assert_eq!(sizes(&db).await, [16, 12, 3, 15, 1, 1, 1].map(Some));
    let said = narration.said();
    assert!(!said.iter().any(|said| said.contains("folder.size 1")), "{said:?}");
}

#[apply(contract)]
async fn a_subtree_moves_with_its_total(db: TestDb) {
    planted(&db).await;
    db.drain(folders()).await;
    db.sql("UPDATE folder SET parent_id = 3 WHERE id = 2").await;
    db.drain(folders()).await;
    assert_eq!(sizes(&db).await, [7, 3, 6, 1, 1, 1, 1].map(Some));
    db.sql("DELETE FROM folder WHERE id = 5").await;
    db.drain(folders()).await;
    assert_eq!(sizes(&db).await, [6, 2, 5, 1, 1, 1].map(Some));
}

#[apply(contract)]
async fn a_fresh_total_is_of_fresh_totals(db: TestDb) {
    planted(&db).await;
    let root = folder::Entity::find_by_id(1).one(&*db).await.expect("found").expect("a folder");
    assert_eq!(root.fresh_size(&*db).await.expect("read"), 7);
    db.sql("UPDATE folder SET bytes = 10 WHERE id IN (4, 7)").await;
    assert_eq!(root.fresh_size(&*db).await.expect("read"), 25);
    assert_eq!(sizes(&db).await, [25, 12, 12, 10, 1, 1, 10].map(Some));
}

#[apply(contract)]
async fn no_value_of_a_batch_hides_that_another_has_changed_its_inputs(db: TestDb) {
    planted(&db).await;
    // Subfolders before their folders, as they are written then.
    db.sql("UPDATE folder SET parent_id = NULL WHERE id = 7").await;
    for n in 2..=7 {
        db.sql(&format!("UPDATE folder SET parent_id = {} WHERE id = {}", 8 - n / 2, 8 - n)).await;
    }
    db.drain(folders()).await;

    for bytes in 2..=5 {
        db.sql(&format!("UPDATE folder SET bytes = {bytes}")).await;
        assert_eq!(
            folders().worker(&db).run_once().await.expect("worked"),
            4,
            "those without subfolders"
        );

        // They have waited for so long that none waits for its subfolders.
        after_a_minute(&db).await;
        assert_eq!(folders().worker(&db).run_once().await.expect("worked"), 3, "all others");
        assert_flags(&db).await;
        db.drain(folders()).await;
        assert_eq!(sizes(&db).await, [1, 1, 1, 1, 3, 3, 7].map(|folders| Some(folders * bytes)));
    }
}

/// A value that is only published is written before those that are done.
#[apply(contract)]
async fn no_value_hides_what_one_that_changes_meanwhile_has_changed(db: TestDb) {
    planted(&db).await;
    db.drain(folders()).await;
    db.sql(&format!("UPDATE folder SET bytes = {} WHERE id = 4", folder::GROWS)).await;
    db.sql("DELETE FROM _folder_cached_marks").await;
    let queue = "INSERT INTO _folder_cached_recalculations (key_1, field, generation)";
    db.sql(&format!("{queue} VALUES (2, 'size', 1), (4, 'size', 1)")).await;
    after_a_minute(&db).await;
    assert_eq!(folders().worker(&db).run_once().await.expect("worked"), 2);
    assert_flags(&db).await;
    db.drain(folders()).await;
    assert_eq!(sizes(&db).await, [10, 6, 3, 4, 1, 1, 1].map(Some));
}

#[apply(contract)]
async fn inside_a_transaction(db: TestDb) {
    planted(&db).await;
    db.drain(folders()).await;

    for bytes in 2..=9 {
        let transaction = db.begin().await.expect("begun");
        let change = format!("UPDATE folder SET bytes = {bytes} WHERE id IN (2, 3, 4, 5)");
        transaction.execute_unprepared(&change).await.expect("changed");
        let root = folder::Entity::find_by_id(1)
            .one(&transaction)
            .await
            .expect("found")
            .expect("a folder");
        assert_eq!(root.fresh_size(&transaction).await.expect("read"), 3 + 4 * bytes);

        transaction.commit().await.expect("committed");
        assert_flags(&db).await;
        db.drain(folders()).await;
        let subfolders = [3 * bytes, bytes + 2];
        let sizes = sizes(&db).await;
        assert_eq!(sizes[..3], [3 + 4 * bytes, subfolders[0], subfolders[1]].map(Some));
    }
}

/// The column never holds what was calculated.
#[apply(contract)]
async fn inside_a_transaction_where_values_are_rounded(db: TestDb) {
    let shares = || CachedFields::of::<share::Entity>();
    db.create(share::Entity).await;
    shares().install(&*db).await.expect("installed");
    db.sql("INSERT INTO share (id, parent_id) VALUES (1, NULL), (2, 1), (3, 2)").await;
    let transaction = db.begin().await.expect("begun");
    let root =
        share::Entity::find_by_id(1).one(&transaction).await.expect("found").expect("a share");
    let read = root.fresh_part(&transaction).await.expect("read");
    transaction.commit().await.expect("committed");
    db.drain(shares()).await;
    let stored =
        share::Entity::find_by_id(1).one(&*db).await.expect("found").expect("a share").cached_part;
    assert_eq!(Some(read.round_dp(2)), stored.map(|stored| stored.round_dp(2)));
}

#[apply(contract)]
async fn a_circle_in_the_data_is_named_and_heals_when_it_is_broken(db: TestDb) {
    planted(&db).await;
    db.drain(folders()).await;
    let mut narration = db.narration();
    // A folder in its own subfolder: only the one whose inputs have changed is calculated.
    db.sql("UPDATE folder SET parent_id = 4 WHERE id = 2").await;
    db.drain(folders()).await;
    assert_eq!(failures(&mut narration), [circular(4, 2)]);
    db.sql("UPDATE folder SET bytes = 9 WHERE id = 2").await;
    after_a_minute(&db).await;
    db.drain(folders()).await;
    assert_eq!(failures(&mut narration), [circular(2, 4)]);
    assert_eq!(sizes(&db).await[0], Some(4), "what lies beyond the circle goes on");

    let folder = folder::Entity::find_by_id(4).one(&*db).await.expect("found").expect("a folder");
    let refused = folder.fresh_size(&*db).await.expect_err("a circle");
    assert!(matches!(refused, Error::DataCycle { .. } | Error::Shared(_)), "{refused}");

    // The value of 4 stays the same, so that it does not mark 2, which waits after its failure.
    db.sql("UPDATE folder SET parent_id = 1 WHERE id = 2").await;
    db.drain(folders()).await;
    assert_eq!(sizes(&db).await, [15, 11, 3, 1, 1, 1, 1].map(Some));
    assert_eq!(db.pending("folder").await, 0);
}

#[apply(contract)]
async fn a_row_that_is_its_own_parent_is_a_circle(db: TestDb) {
    planted(&db).await;
    db.drain(folders()).await;
    let folder = folder::Entity::find_by_id(5).one(&*db).await.expect("found").expect("a folder");
    db.sql("UPDATE folder SET parent_id = 5 WHERE id = 5").await;
    let refused = folder.fresh_size(&*db).await.expect_err("a circle").to_string();
    assert_eq!(
        refused,
        "`size` of `folder` is calculated from itself: the data goes in a circle, 5 -> 5"
    );
}

#[apply(contract)]
async fn a_field_has_to_say_that_it_is_calculated_from_itself(db: TestDb) {
    db.create(silent::Entity).await;
    let refused =
        CachedFields::of::<silent::Entity>().install(&*db).await.expect_err("a cycle").to_string();
    assert_eq!(
        refused,
        "cached fields depend on each other in a circle: silent.size -> silent.size; remove one of these dependencies"
    );
}
