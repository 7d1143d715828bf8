use sea_orm_cached_field::CachedFields;

use crate::catalog::refused;

owner!(lamp, { table_name = "lamp" }, {
    pub note: Option<String>,
    #[sea_orm(has_many)]
    pub bulbs: HasMany<super::bulb::Entity>,
}, depends_on(note, bulbs(name)));

related!(bulb, { table_name = "bulb" }, {
    pub lamp_id: i32,
    #[sea_orm(belongs_to, from = "lamp_id", to = "id")]
    pub lamp: BelongsTo<super::lamp::Entity>,
});

// A good one before the bad one.
owner!(torch, { table_name = "torch" }, {}, depends_on(name));

contract! {
    async fn of_the_own_table(db: TestDb) {
        db.create(lamp::Entity).await;
        db.create(bulb::Entity).await;
        db.sql("ALTER TABLE lamp DROP COLUMN note").await;
        let message = refused(&db, CachedFields::of::<lamp::Entity>).await;
        insta::allow_duplicates!(insta::assert_snapshot!(message, @r#"the table `lamp` has no column `note`, which the cached field `label` of `lamp` needs: the entity declares it: add it to the table, for instance in a migration"#));
    }

    async fn of_a_related_table(db: TestDb) {
        db.create(lamp::Entity).await;
        db.create(bulb::Entity).await;
        db.sql("ALTER TABLE bulb DROP COLUMN name").await;
        let message = refused(&db, CachedFields::of::<lamp::Entity>).await;
        insta::allow_duplicates!(insta::assert_snapshot!(message, @r#"the table `bulb` has no column `name`, which the cached field `label` of `lamp` needs: the related entity declares it: add it to the table, or, if it is of a cached field there, install those fields too"#));
    }

    async fn that_link_a_related_table(db: TestDb) {
        db.create(lamp::Entity).await;
        db.sql("CREATE TABLE bulb (id integer PRIMARY KEY, name varchar(20))").await;
        let message = refused(&db, CachedFields::of::<lamp::Entity>).await;
        insta::allow_duplicates!(insta::assert_snapshot!(message, @r#"the table `bulb` has no column `lamp_id`, which the cached field `label` of `lamp` needs: the related entity declares it: add it to the table, or, if it is of a cached field there, install those fields too"#));
    }

    async fn of_the_second_model_before_the_first_is_installed(db: TestDb) {
        db.sql("CREATE TABLE torch (id integer PRIMARY KEY, name varchar(20))").await;
        db.create(lamp::Entity).await;
        db.sql("CREATE TABLE bulb (id integer PRIMARY KEY, name varchar(20))").await;
        let message = refused(&db, || CachedFields::of::<torch::Entity>().and::<lamp::Entity>()).await;
        assert!(message.starts_with("the table `bulb` has no column `lamp_id`"), "{message}");
    }
}
