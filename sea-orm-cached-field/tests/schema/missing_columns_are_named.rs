use sea_orm_cached_field::CachedFields;

use crate::catalog::{installed, refused};

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

owner!(street, { table_name = "street" }, {
    #[sea_orm(has_many)]
    pub houses: HasMany<super::house::Entity>,
}, depends_on(houses(roof(name))));

related!(house, { table_name = "house" }, {
    pub street_id: i32,
    #[sea_orm(belongs_to, from = "street_id", to = "id")]
    pub street: BelongsTo<super::street::Entity>,
    pub roof_id: i32,
    #[sea_orm(belongs_to, from = "roof_id", to = "id")]
    pub roof: BelongsTo<super::roof::Entity>,
});

related!(roof, { table_name = "roof" }, {});

// A good one before the bad one.
owner!(torch, { table_name = "torch" }, {}, depends_on(name));

#[apply(contract)]
async fn of_the_own_table(db: TestDb) {
    db.create(lamp::Entity).await;
    db.create(bulb::Entity).await;
    db.sql("ALTER TABLE lamp DROP COLUMN note").await;
    let message = refused(&db, CachedFields::of::<lamp::Entity>).await;
    insta::allow_duplicates!(
        insta::assert_snapshot!(message, @r#"the table `lamp` has no column `note`, which the cached field `label` of `lamp` needs: the entity declares it: add it to the table, for instance in a migration"#)
    );
}

#[apply(contract)]
async fn of_a_related_table(db: TestDb) {
    db.create(lamp::Entity).await;
    db.create(bulb::Entity).await;
    db.sql("ALTER TABLE bulb DROP COLUMN name").await;
    let message = refused(&db, CachedFields::of::<lamp::Entity>).await;
    insta::allow_duplicates!(
        insta::assert_snapshot!(message, @r#"the table `bulb` has no column `name`, which the cached field `label` of `lamp` needs: the related entity declares it: add it to the table, or, if it is of a cached field there, install those fields too"#)
    );
}

#[apply(contract)]
async fn that_link_a_related_table(db: TestDb) {
    db.create(lamp::Entity).await;
    db.sql("CREATE TABLE bulb (id integer PRIMARY KEY, name varchar(20))").await;
    let message = refused(&db, CachedFields::of::<lamp::Entity>).await;
    insta::allow_duplicates!(
        insta::assert_snapshot!(message, @r#"the table `bulb` has no column `lamp_id`, which the cached field `label` of `lamp` needs: the related entity declares it: add it to the table, or, if it is of a cached field there, install those fields too"#)
    );
}

#[apply(contract)]
async fn that_was_renamed_since_the_last_install(db: TestDb) {
    db.create(lamp::Entity).await;
    db.create(bulb::Entity).await;
    installed(&db, CachedFields::of::<lamp::Entity>()).await;

    for (renaming, told) in [
        ("lamp RENAME COLUMN note TO remark", "the table `lamp` has no column `note`, "),
        ("bulb RENAME COLUMN name TO label", "the table `bulb` has no column `name`, "),
        ("bulb RENAME COLUMN lamp_id TO socket", "the table `bulb` has no column `lamp_id`, "),
    ] {
        db.sql(&format!("ALTER TABLE {renaming}")).await;
        let message = refused(&db, CachedFields::of::<lamp::Entity>).await;
        assert!(message.starts_with(told), "{message}");
        let words: Vec<&str> = renaming.split(' ').collect();
        db.sql(&format!("ALTER TABLE {} RENAME COLUMN {} TO {}", words[0], words[5], words[3]))
            .await;
    }

    assert_eq!(installed(&db, CachedFields::of::<lamp::Entity>()).await, "nothing to do\n");
}

#[apply(contract)]
async fn that_lead_on_in_the_middle_of_a_path(db: TestDb) {
    db.create(street::Entity).await;
    db.create(roof::Entity).await;
    db.create(house::Entity).await;
    for (table, column) in [("house", "roof_id"), ("house", "street_id"), ("roof", "id")] {
        db.sql(&format!("ALTER TABLE {table} RENAME COLUMN {column} TO renamed")).await;
        let message = refused(&db, CachedFields::of::<street::Entity>).await;
        assert!(
            message.starts_with(&format!("the table `{table}` has no column `{column}`, ")),
            "{message}"
        );
        db.sql(&format!("ALTER TABLE {table} RENAME COLUMN renamed TO {column}")).await;
    }
}

#[apply(contract)]
async fn of_the_second_model_before_the_first_is_installed(db: TestDb) {
    db.sql("CREATE TABLE torch (id integer PRIMARY KEY, name varchar(20))").await;
    db.create(lamp::Entity).await;
    db.sql("CREATE TABLE bulb (id integer PRIMARY KEY, name varchar(20))").await;
    let message = refused(&db, || CachedFields::of::<torch::Entity>().and::<lamp::Entity>()).await;
    assert!(message.starts_with("the table `bulb` has no column `lamp_id`"), "{message}");
}
