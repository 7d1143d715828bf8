//! A trigger would have to cast, and a value that cannot be cast would make the user's statement
//! fail.

use sea_orm_cached_field::CachedFields;

use crate::catalog::refused;

owner!(lamp, { table_name = "lamp" }, {
    #[sea_orm(has_many)]
    pub bulbs: HasMany<super::bulb::Entity>,
}, depends_on(bulbs(name)));

related!(bulb, { table_name = "bulb" }, {
    pub lamp_id: i32,
    #[sea_orm(belongs_to, from = "lamp_id", to = "id")]
    pub lamp: BelongsTo<super::lamp::Entity>,
});

#[apply(on_postgres)]
async fn on_postgres(db: TestDb) {
    db.create(lamp::Entity).await;
    db.sql("CREATE TABLE bulb (id integer PRIMARY KEY, name text NOT NULL, lamp_id text)").await;
    let error = refused(&db, CachedFields::of::<lamp::Entity>).await;
    insta::assert_snapshot!(error, @"`label` of `lamp` cannot depend on `bulb(name)`: at `bulb`, the columns that relate the two tables are of different types; make them of one type");
}
