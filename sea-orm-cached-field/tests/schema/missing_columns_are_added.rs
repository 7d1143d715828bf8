use sea_orm::{EntityTrait, QueryOrder};
use sea_orm_cached_field::CachedFields;

use crate::catalog::{installed, refused};

owner!(lamp, { table_name = "lamp" }, {}, depends_on(name), temporal_triggers);

owner!(shelf, { table_name = "shelf" }, {
    pub room_id: i32,
    #[sea_orm(belongs_to, from = "room_id", to = "id")]
    pub room: BelongsTo<super::room::Entity>,
}, depends_on(name));

owner!(room, { table_name = "room" }, {
    #[sea_orm(has_many)]
    pub shelves: HasMany<super::shelf::Entity>,
}, depends_on(shelves(cached_label)));

const TABLE: &str = "CREATE TABLE lamp (id integer PRIMARY KEY, name varchar(20) NOT NULL)";
const ROWS: &str = "INSERT INTO lamp (id, name) VALUES (1, 'Ada'), (2, 'Bob')";

#[apply(contract)]
async fn and_the_rows_are_queued_and_calculated(db: TestDb) {
    db.sql(TABLE).await;
    db.sql(ROWS).await;

    let report = installed(&db, CachedFields::of::<lamp::Entity>()).await;
    let (columns, rest): (Vec<&str>, Vec<&str>) =
        report.lines().partition(|line| line.contains(" column "));
    let message = columns.join("\n");
    insta::allow_duplicates!(insta::assert_snapshot!(message, @r#"
    lamp: created column cached_label
    lamp: created column label_recalculation_needed
    lamp: created column label_expires_after
    "#));
    assert_eq!(rest.last(), Some(&"lamp: queued 2 rows for label"));

    db.drain(CachedFields::of::<lamp::Entity>()).await;
    let rows = lamp::Entity::find().order_by_asc(lamp::Column::Id).all(&*db).await.expect("loaded");
    let labels: Vec<_> =
        rows.into_iter().map(|row| (row.cached_label, row.label_recalculation_needed)).collect();
    assert_eq!(labels, [(Some("Ada 1".to_owned()), false), (Some("Bob 2".to_owned()), false)]);
}

#[apply(contract)]
async fn of_all_models_before_one_reads_those_of_another(db: TestDb) {
    db.sql("CREATE TABLE room (id integer PRIMARY KEY, name varchar(20) NOT NULL)").await;
    db.sql(
        "CREATE TABLE shelf (
           id integer PRIMARY KEY, name varchar(20) NOT NULL, room_id integer NOT NULL)",
    )
    .await;

    let models = || CachedFields::of::<room::Entity>().and::<shelf::Entity>();
    let message = refused(&db, CachedFields::of::<room::Entity>).await;
    insta::allow_duplicates!(
        insta::assert_snapshot!(message, @r#"the table `shelf` has no column `cached_label`, which the cached field `label` of `room` needs: the related entity declares it: add it to the table, or, if it is of a cached field there, install those fields too"#)
    );

    installed(&db, models()).await;
    assert_eq!(installed(&db, models()).await, "nothing to do\n");
    db.sql("INSERT INTO room (id, name) VALUES (1, 'Hall')").await;
    db.drain(models()).await;
    db.sql("INSERT INTO shelf (id, name, room_id) VALUES (1, 'Top', 1)").await;
    assert_eq!(db.drain(models()).await, 2, "the shelf, and the room once, after it");
}

#[apply(contract)]
async fn but_not_if_some_of_them_are_there(db: TestDb) {
    db.sql(TABLE).await;
    db.sql(ROWS).await;
    db.sql("ALTER TABLE lamp ADD COLUMN cached_label varchar(20)").await;
    let message = refused(&db, CachedFields::of::<lamp::Entity>).await;
    insta::allow_duplicates!(
        insta::assert_snapshot!(message, @r#"the table `lamp` has no column `label_recalculation_needed`, which the cached field `label` of `lamp` needs: it has other columns of this field: add this one by hand, or drop the others so that `install` adds all"#)
    );
}
