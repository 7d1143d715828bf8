//! PostgreSQL only: SQLite has no schemas within a database.

use sea_orm::EntityTrait;
use sea_orm_cached_field::CachedFields;

use crate::{
    catalog::{installed, names},
    harness::TestDb,
};

owner!(lamp, { schema_name = "town", table_name = "lamp" }, {
    #[sea_orm(has_many)]
    pub bulbs: HasMany<super::bulb::Entity>,
}, depends_on(name, bulbs(name)), temporal_triggers);

related!(bulb, { schema_name = "Store \"1\"", table_name = "bulb" }, {
    pub lamp_id: i32,
    #[sea_orm(belongs_to, from = "lamp_id", to = "id")]
    pub lamp: BelongsTo<super::lamp::Entity>,
});

fn lamps() -> CachedFields {
    CachedFields::of::<lamp::Entity>()
}

async fn set_up(db: &TestDb) {
    db.sql("CREATE SCHEMA town").await;
    db.sql(r#"CREATE SCHEMA "Store ""1""""#).await;
    db.create(lamp::Entity).await;
    db.create(bulb::Entity).await;
}

async fn assert_label(db: &TestDb, label: &str) {
    let row = lamp::Entity::find().one(&**db).await.expect("loaded").expect("the lamp");
    assert_eq!((row.cached_label.as_deref(), row.label_recalculation_needed), (Some(label), false));
}

#[apply(on_postgres)]
async fn an_owner_in_one_and_a_related_table_in_another(db: TestDb) {
    set_up(&db).await;
    installed(&db, lamps()).await;
    assert_eq!(installed(&db, lamps()).await, "nothing to do\n");
    db.sql("INSERT INTO town.lamp (id, name) VALUES (1, 'Ada')").await;
    db.drain(lamps()).await;
    assert_label(&db, "Ada 1").await;
    db.sql(r#"INSERT INTO "Store ""1""".bulb (id, name, lamp_id) VALUES (1, 'E27', 1)"#).await;
    assert_eq!(db.pending("town.lamp").await, 1);
    assert_eq!(db.drain(lamps()).await, 1);
    assert_label(&db, "Ada 1").await;
}

#[apply(on_postgres)]
async fn nothing_of_ours_stands_elsewhere_nor_is_left(db: TestDb) {
    set_up(&db).await;
    let before = names(&db).await;
    installed(&db, lamps()).await;
    let new: Vec<String> =
        names(&db).await.into_iter().filter(|name| !before.contains(name)).collect();
    assert!(
        new.iter().all(|name| name.contains("town") || name.contains("on Store \"1\".bulb")),
        "{new:?}"
    );
    lamps().uninstall(&*db).await.expect("uninstalled");
    assert_eq!(names(&db).await, before);
}

#[apply(on_postgres)]
async fn also_when_the_search_path_leads_there(db: TestDb) {
    set_up(&db).await;
    db.sql("CREATE TABLE town.torch (id serial PRIMARY KEY, name text NOT NULL)").await;
    let db = db.with_setting("search_path = town").await;
    CachedFields::of::<torch::Entity>().install(&*db).await.expect("installed");
    assert_eq!(
        CachedFields::of::<torch::Entity>().install(&*db).await.expect("again").to_string(),
        "nothing to do\n"
    );
    db.sql("INSERT INTO town.torch (name) VALUES ('Ada')").await;
    assert_eq!(db.pending("town.torch").await, 1);
}

owner!(torch, { table_name = "torch" }, {}, depends_on(name));
