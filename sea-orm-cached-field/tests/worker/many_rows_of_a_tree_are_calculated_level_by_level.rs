use std::{
    collections::HashMap,
    sync::{LazyLock, Mutex},
};

use sea_orm::entity::prelude::*;
use sea_orm_cached_field::CachedFields;

use crate::harness::TestDb;

#[sea_orm_cached_field::cached_fields]
#[sea_orm::model]
#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "folder")]
pub struct Model {
    #[sea_orm(primary_key, auto_increment = false)]
    pub id: i32,
    /// The test that it belongs to.
    pub place: String,
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
    #[cached(batch, recursive, depends_on(bytes, children(cached_size)))]
    pub size: i64,
}

impl ActiveModelBehavior for ActiveModel {}

/// The folders of each calculation, by test.
static CALLS: LazyLock<Mutex<HashMap<String, Vec<Vec<i32>>>>> = LazyLock::new(Mutex::default);

impl Model {
    async fn calculate_sizes(
        models: &[Self],
        db: &impl ConnectionTrait,
    ) -> Result<Vec<i64>, DbErr> {
        let mut ids: Vec<i32> = models.iter().map(|folder| folder.id).collect();
        let children =
            Entity::find().filter(Column::ParentId.is_in(ids.iter().copied())).all(db).await?;
        let size = |folder: &Self| {
            let children = children.iter().filter(|child| child.parent_id == Some(folder.id));
            folder.bytes + children.filter_map(|child| child.cached_size).sum::<i64>()
        };
        let sizes = models.iter().map(size).collect();
        ids.sort_unstable();
        CALLS.lock().unwrap().entry(models[0].place.clone()).or_default().push(ids);
        Ok(sizes)
    }
}

fn folders() -> CachedFields {
    CachedFields::of::<Entity>()
}

async fn sizes(db: &TestDb) -> Vec<Option<i64>> {
    let mut folders = Entity::find().all(&**db).await.expect("folders");
    folders.sort_by_key(|folder| folder.id);
    folders.iter().map(|folder| folder.cached_size).collect()
}

fn calls(db: &TestDb) -> Vec<Vec<i32>> {
    CALLS.lock().unwrap().remove(&db.url).unwrap_or_default()
}

#[apply(contract)]
async fn those_of_a_batch_never_depend_on_each_other(db: TestDb) {
    db.create(Entity).await;
    folders().install(&*db).await.expect("installed");
    let rows = (1..=7).map(|id| {
        let parent = if id == 1 { "NULL".to_owned() } else { (id / 2).to_string() };
        format!("({id}, '{}', 1, {parent})", db.url)
    });
    let rows = rows.collect::<Vec<_>>().join(", ");
    db.sql(&format!("INSERT INTO folder (id, place, bytes, parent_id) VALUES {rows}")).await;

    db.drain(folders()).await;
    assert_eq!(sizes(&db).await, [7, 3, 3, 1, 1, 1, 1].map(Some));
    assert_eq!(calls(&db), [vec![4, 5, 6, 7], vec![2, 3], vec![1]]);

    db.sql("UPDATE folder SET bytes = 10 WHERE id IN (2, 4, 5)").await;
    db.drain(folders()).await;
    assert_eq!(sizes(&db).await, [34, 30, 3, 10, 10, 1, 1].map(Some));
    assert_eq!(calls(&db), [vec![4, 5], vec![2], vec![1]]);
}
