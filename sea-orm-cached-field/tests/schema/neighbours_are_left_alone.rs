use sea_orm_cached_field::CachedFields;

use crate::{
    catalog::{catalog, installed},
    harness::TestDb,
};

owner!(lamp, { table_name = "lamp" }, {
    #[sea_orm(has_many)]
    pub bulbs: HasMany<super::bulb::Entity>,
}, depends_on(name, bulbs(name)));

// The name of the other is the beginning of this one's.
owner!(lamp_post, { table_name = "lamp_post" }, {
    #[sea_orm(has_many)]
    pub bulbs: HasMany<super::bulb::Entity>,
}, depends_on(name, bulbs(name)));

related!(bulb, { table_name = "bulb" }, {
    pub lamp_id: Option<i32>,
    pub lamp_post_id: Option<i32>,
    #[sea_orm(belongs_to, from = "lamp_id", to = "id")]
    pub lamp: BelongsTo<Option<super::lamp::Entity>>,
    #[sea_orm(belongs_to, from = "lamp_post_id", to = "id")]
    pub lamp_post: BelongsTo<Option<super::lamp_post::Entity>>,
});

fn lamps() -> CachedFields {
    CachedFields::of::<lamp::Entity>()
}

fn lamp_posts() -> CachedFields {
    CachedFields::of::<lamp_post::Entity>()
}

async fn set_up(db: &TestDb) {
    db.create(lamp::Entity).await;
    db.create(lamp_post::Entity).await;
    db.create(bulb::Entity).await;
    installed(db, lamps()).await;
    installed(db, lamp_posts()).await;
}

/// What stands in the catalog because of the lamp posts. (Its triggers change the version of the
/// row of `bulb`.)
async fn of_the_lamp_posts(db: &TestDb) -> Vec<String> {
    let ours =
        |line: &String| line.contains("lamp_post") && !line.contains("relation public.lamp_post:");
    catalog(db).await.into_iter().filter(ours).collect()
}

#[apply(contract)]
async fn by_the_install_of_another(db: TestDb) {
    set_up(&db).await;
    assert_eq!(installed(&db, lamps()).await, "nothing to do\n");
    assert_eq!(installed(&db, lamp_posts()).await, "nothing to do\n");
}

#[apply(contract)]
async fn by_the_uninstall_of_another(db: TestDb) {
    set_up(&db).await;
    let before = of_the_lamp_posts(&db).await;
    lamps().uninstall(&*db).await.expect("uninstalled");
    assert_eq!(of_the_lamp_posts(&db).await, before);
    db.sql("INSERT INTO lamp_post (id, name) VALUES (1, 'Ada')").await;
    db.drain(lamp_posts()).await;
    db.sql("INSERT INTO bulb (id, name, lamp_post_id) VALUES (1, 'E27', 1)").await;
    assert_eq!(db.pending("lamp_post").await, 1);
}

#[apply(contract)]
async fn by_the_uninstall_of_the_longer_name(db: TestDb) {
    set_up(&db).await;
    lamp_posts().uninstall(&*db).await.expect("uninstalled");
    assert_eq!(installed(&db, lamps()).await, "nothing to do\n");
    assert!(of_the_lamp_posts(&db).await.iter().all(|line| !line.contains("cached_field")));
}
