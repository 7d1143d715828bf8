use sea_orm_cached_field::CachedFields;

use crate::{
    catalog::{installed, names, without_checksums},
    harness::TestDb,
};

owner!(before, { table_name = "lamp" }, {
    pub note: Option<String>,
    #[sea_orm(has_many)]
    pub bulbs: HasMany<super::bulb::Entity>,
}, depends_on(name, bulbs(name)));

// The same table in a later version of the program.
owner!(after, { table_name = "lamp" }, {
    pub note: Option<String>,
}, depends_on(note));

related!(bulb, { table_name = "bulb" }, {
    pub lamp_id: i32,
    #[sea_orm(belongs_to, from = "lamp_id", to = "id")]
    pub lamp: BelongsTo<super::before::Entity>,
});

async fn a_fresh_lamp(db: &TestDb) {
    db.create(before::Entity).await;
    db.create(bulb::Entity).await;
    installed(db, CachedFields::of::<before::Entity>()).await;
    db.sql("INSERT INTO lamp (id, name) VALUES (1, 'Ada')").await;
    db.sql("INSERT INTO bulb (id, name, lamp_id) VALUES (1, 'E27', 1)").await;
    db.drain(CachedFields::of::<before::Entity>()).await;
}

#[apply(contract)]
async fn and_drops_what_is_not_needed_any_more(db: TestDb) {
    a_fresh_lamp(&db).await;
    let report = installed(&db, CachedFields::of::<after::Entity>()).await;
    if db.is_sqlite() {
        insta::assert_snapshot!(report, @r#"
        lamp: replaced trigger zz_cached_field_lamp_label_own_dd385640
        lamp: dropped trigger zz_cached_field_lamp_bu0_bulb__lamp_id__id_4f93f667
        lamp: dropped trigger zz_cached_field_lamp_bi0_bulb__lamp_id__id_78729fc3
        lamp: dropped trigger zz_cached_field_lamp_au0_bulb__lamp_id__id_db132462
        lamp: dropped trigger zz_cached_field_lamp_ai_bulb__lamp_id__id_8afc2f14
        lamp: dropped trigger zz_cached_field_lamp_ad_bulb__lamp_id__id_33ba49cf
        lamp: flagged 1 row for label
        "#);
    } else if db.is_mysql() {
        // MariaDB and MySQL come here, in one process.
        insta::allow_duplicates! {
        insta::assert_snapshot!(without_checksums(&report), @r#"
        lamp: created trigger zz_cached_field_lamp_bu
        lamp: created trigger zz_cached_field_lamp_au
        lamp: dropped trigger zz_cached_field_lamp_bulb__lamp_id__id_au
        lamp: dropped trigger zz_cached_field_lamp_bulb__lamp_id__id_ai
        lamp: dropped trigger zz_cached_field_lamp_bulb__lamp_id__id_ad
        lamp: dropped trigger zz_cached_field_lamp_bu
        lamp: dropped trigger zz_cached_field_lamp_au
        lamp: flagged 1 row for label
        "#);
        }
    } else {
        insta::assert_snapshot!(report, @r#"
        lamp: replaced function cf_lamp_bu_08a5616e
        lamp: replaced trigger zz_cached_field_bu
        lamp: replaced trigger zz_cached_field_bui
        lamp: replaced function cf_lamp_aur_193361e5
        lamp: replaced trigger zz_cached_field_aur
        lamp: replaced function cf_lamp_au_f8a919d5
        lamp: dropped trigger zz_cached_field_lamp_bulb__lamp_id__id_au_da775af3
        lamp: dropped trigger zz_cached_field_lamp_bulb__lamp_id__id_at_d9775960
        lamp: dropped trigger zz_cached_field_lamp_bulb__lamp_id__id_ai_f6778707
        lamp: dropped trigger zz_cached_field_lamp_bulb__lamp_id__id_ad_e9777290
        lamp: dropped function cf_lamp_bulb__lamp_id__id_au_33ef7a62
        lamp: dropped function cf_lamp_bulb__lamp_id__id_at_34ef7bf5
        lamp: dropped function cf_lamp_bulb__lamp_id__id_ai_27ef677e
        lamp: dropped function cf_lamp_bulb__lamp_id__id_ad_24ef62c5
        lamp: flagged 1 row for label
        "#);
    }

    assert_eq!(installed(&db, CachedFields::of::<after::Entity>()).await, "nothing to do\n");
}

#[apply(contract)]
async fn and_the_database_marks_by_the_new_ones(db: TestDb) {
    a_fresh_lamp(&db).await;
    let report = installed(&db, CachedFields::of::<after::Entity>()).await;
    assert!(
        report.ends_with("lamp: flagged 1 row for label\n"),
        "nobody has watched the note: {report}"
    );
    db.drain(CachedFields::of::<after::Entity>()).await;
    db.sql("UPDATE lamp SET name = 'Bob'").await;
    db.sql("UPDATE bulb SET name = 'E14'").await;
    assert_eq!(db.pending("lamp").await, 0);
    db.sql("UPDATE lamp SET note = 'dark'").await;
    assert_eq!(db.pending("lamp").await, 1);
}

#[apply(contract)]
async fn and_back_again(db: TestDb) {
    a_fresh_lamp(&db).await;
    let before = names(&db).await;
    installed(&db, CachedFields::of::<after::Entity>()).await;
    assert_ne!(names(&db).await, before);
    installed(&db, CachedFields::of::<before::Entity>()).await;
    assert_eq!(names(&db).await, before);
    db.drain(CachedFields::of::<before::Entity>()).await;
    db.sql("UPDATE bulb SET name = 'E14'").await;
    assert_eq!(db.pending("lamp").await, 1);
}
