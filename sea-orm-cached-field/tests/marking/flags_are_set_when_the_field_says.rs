use sea_orm::{ConnectionTrait, EntityTrait, IsolationLevel, TransactionTrait};
use sea_orm_cached_field::CachedFields;

use crate::{harness::TestDb, support::Watch};

/// One field of each kind of flagging over the same relation.
mod tree {
    use sea_orm::{PaginatorTrait, entity::prelude::*};
    use sea_orm_cached_field::cached_fields;

    #[cached_fields]
    #[sea_orm::model]
    #[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
    #[sea_orm(table_name = "tree")]
    pub struct Model {
        #[sea_orm(primary_key)]
        pub id: i32,
        #[sea_orm(has_many)]
        pub nests: HasMany<super::nest::Entity>,
        #[cached(depends_on(nests(id)), flagging = "commit")]
        pub prompt: i64,
        #[cached(depends_on(nests(id)), flagging = "collector")]
        pub relaxed: i64,
    }

    impl ActiveModelBehavior for ActiveModel {}

    impl Model {
        pub async fn calculate_prompt(&self, db: &impl ConnectionTrait) -> Result<i64, DbErr> {
            Ok(self.find_related(super::nest::Entity).count(db).await? as i64)
        }

        pub async fn calculate_relaxed(&self, db: &impl ConnectionTrait) -> Result<i64, DbErr> {
            self.calculate_prompt(db).await
        }
    }
}

mod nest {
    use sea_orm::entity::prelude::*;

    #[sea_orm::model]
    #[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
    #[sea_orm(table_name = "nest")]
    pub struct Model {
        #[sea_orm(primary_key)]
        pub id: i32,
        pub tree_id: i32,
        #[sea_orm(belongs_to, from = "tree_id", to = "id")]
        pub tree: BelongsTo<super::tree::Entity>,
    }

    impl ActiveModelBehavior for ActiveModel {}
}

fn trees() -> CachedFields {
    CachedFields::of::<tree::Entity>()
}

async fn planted(db: &TestDb) -> Watch<'_> {
    db.create(tree::Entity).await;
    db.create(nest::Entity).await;
    trees().install(&**db).await.expect("installed");
    db.sql("INSERT INTO tree (id) VALUES (1)").await;
    Watch::begin(db, trees).await
}

/// The flags of `prompt` and `relaxed`.
async fn flags(db: &impl ConnectionTrait) -> (bool, bool) {
    let tree = tree::Entity::find_by_id(1).one(db).await.expect("loaded").expect("the tree");
    (tree.prompt_recalculation_needed, tree.relaxed_recalculation_needed)
}

#[apply(contract)]
async fn at_commit_or_by_the_collector(db: TestDb) {
    let mut watch = planted(&db).await;
    let transaction = db.begin().await.expect("begun");
    transaction.execute_unprepared("INSERT INTO nest (tree_id) VALUES (1)").await.expect("a nest");
    // On SQLite both stand at once, in the statement of the change.
    let at_once = db.is_sqlite();
    assert_eq!(flags(&transaction).await, (at_once, at_once));
    transaction.commit().await.expect("committed");
    assert_eq!(flags(&*db).await, (!db.flags_by_the_collector(), at_once));
    assert_eq!(db.pending("tree").await, 2, "both are marked");
    assert_eq!(watch.recalculated().await, ["tree.prompt 1", "tree.relaxed 1"]);
    assert_eq!(flags(&*db).await, (false, false));
    let tree = tree::Entity::find_by_id(1).one(&*db).await.expect("loaded").expect("the tree");
    assert_eq!((tree.cached_prompt, tree.cached_relaxed), (Some(1), Some(1)));
    assert_eq!(db.pending("tree").await, 0);
}

#[apply(contract)]
async fn an_exact_read_sees_the_mark_without_the_flag(db: TestDb) {
    planted(&db).await;
    db.sql("INSERT INTO nest (tree_id) VALUES (1)").await;
    let tree = tree::Entity::find_by_id(1).one(&*db).await.expect("loaded").expect("the tree");
    assert_eq!(tree.fresh_relaxed(&*db).await.expect("read"), 1);
}

/// In an old snapshot, a flag that another transaction has written meanwhile would be a
/// serialization failure of the user's.
#[apply(on_postgres)]
async fn by_the_collector_if_the_transaction_looks_at_an_old_snapshot(db: TestDb) {
    let mut watch = planted(&db).await;
    for isolation in [IsolationLevel::RepeatableRead, IsolationLevel::Serializable] {
        let old = db.begin_with_config(Some(isolation), None).await.expect("begun");
        old.execute_unprepared("INSERT INTO nest (tree_id) VALUES (1)").await.expect("a nest");
        db.sql("UPDATE tree SET prompt_recalculation_needed = true").await;
        assert_eq!(watch.recalculated().await, ["tree.prompt 1, unchanged"]);
        old.commit().await.expect("no serialization failure");
        assert_eq!(flags(&*db).await, (false, false), "{isolation:?}");
        assert_eq!(watch.recalculated().await, ["tree.prompt 1", "tree.relaxed 1"]);
    }
}

#[apply(on_postgres)]
async fn in_the_statement_if_constraints_are_immediate(db: TestDb) {
    let mut watch = planted(&db).await;
    let transaction = db.begin().await.expect("begun");
    transaction.execute_unprepared("SET CONSTRAINTS ALL IMMEDIATE").await.expect("set");
    transaction.execute_unprepared("INSERT INTO nest (tree_id) VALUES (1)").await.expect("a nest");
    assert_eq!(flags(&transaction).await, (true, false));
    transaction.commit().await.expect("committed");
    assert_eq!(watch.recalculated().await, ["tree.prompt 1", "tree.relaxed 1"]);
}
