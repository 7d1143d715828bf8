//! PostgreSQL keeps 63 bytes of a name.

use sea_orm_cached_field::CachedFields;

use crate::{
    catalog::{installed, names, refused},
    harness::TestDb,
};

owner!(first, {
    table_name = "llllllllllllllllllllllllllllllllllllllllllllllllllllllllllllll1"
}, {
    #[sea_orm(has_many)]
    pub bulbs: HasMany<super::bulb::Entity>,
}, depends_on(name, bulbs(name)), temporal_triggers);

owner!(second, {
    table_name = "llllllllllllllllllllllllllllllllllllllllllllllllllllllllllllll2"
}, {
    #[sea_orm(has_many)]
    pub bulbs: HasMany<super::bulb::Entity>,
}, depends_on(name, bulbs(name)), temporal_triggers);

related!(bulb, { table_name = "bulb" }, {
    pub first_id: Option<i32>,
    pub second_id: Option<i32>,
    #[sea_orm(belongs_to, from = "first_id", to = "id")]
    pub first: BelongsTo<Option<super::first::Entity>>,
    #[sea_orm(belongs_to, from = "second_id", to = "id")]
    pub second: BelongsTo<Option<super::second::Entity>>,
});

fn both() -> CachedFields {
    CachedFields::of::<first::Entity>().and::<second::Entity>()
}

const FIRST: &str = "llllllllllllllllllllllllllllllllllllllllllllllllllllllllllllll1";
const SECOND: &str = "llllllllllllllllllllllllllllllllllllllllllllllllllllllllllllll2";

async fn flagged(db: &TestDb) -> (i64, i64) {
    let count =
        |table: &str| format!("SELECT count(*) FROM {table} WHERE label_recalculation_needed");
    (db.scalar(&count(FIRST)).await, db.scalar(&count(SECOND)).await)
}

#[apply(contract)]
async fn two_tables_that_differ_in_the_last_byte(db: TestDb) {
    db.create(first::Entity).await;
    db.create(second::Entity).await;
    db.create(bulb::Entity).await;
    let before = names(&db).await;
    installed(&db, both()).await;
    assert_eq!(installed(&db, both()).await, "nothing to do\n");

    for table in [FIRST, SECOND] {
        db.sql(&format!("INSERT INTO {table} (id, name) VALUES (1, 'Ada')")).await;
    }
    assert_eq!(db.drain(both()).await, 2);

    db.sql("INSERT INTO bulb (id, name, second_id) VALUES (1, 'E27', 1)").await;
    assert_eq!(flagged(&db).await, (0, i64::from(!db.flags_by_the_collector())));
    assert_eq!(db.drain(both()).await, 1);

    CachedFields::of::<first::Entity>().uninstall(&*db).await.expect("uninstalled");
    assert_eq!(installed(&db, CachedFields::of::<second::Entity>()).await, "nothing to do\n");
    CachedFields::of::<second::Entity>().uninstall(&*db).await.expect("uninstalled");
    assert_eq!(names(&db).await, before);
}

/// A cached field whose flag's name is longer than PostgreSQL keeps.
pub mod wordy {
    use sea_orm::entity::prelude::*;
    use sea_orm_cached_field::cached_fields;

    #[cached_fields]
    #[sea_orm::model]
    #[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
    #[sea_orm(table_name = "wordy")]
    pub struct Model {
        #[sea_orm(primary_key)]
        pub id: i32,
        #[cached(depends_on(id))]
        pub the_name_by_which_everybody_in_town_knows_it: i32,
    }

    impl ActiveModelBehavior for ActiveModel {}

    impl Model {
        pub async fn calculate_the_name_by_which_everybody_in_town_knows_it(
            &self,
            _: &impl ConnectionTrait,
        ) -> Result<i32, DbErr> {
            Ok(self.id)
        }
    }
}

/// SQLite keeps names of any length.
#[apply(on_postgres)]
async fn a_column_whose_name_the_database_cuts_is_refused(db: TestDb) {
    db.create(wordy::Entity).await;
    insta::assert_snapshot!(refused(&db, CachedFields::of::<wordy::Entity>).await, @r#"the table `wordy` has no column `the_name_by_which_everybody_in_town_knows_it_recalculation_needed`, which the cached field `the_name_by_which_everybody_in_town_knows_it` of `wordy` needs: the database cuts so long a name: give the column another with `cached_field_name`, `recalculation_needed_field_name` or `expiration_field_name`"#);
}

#[apply(on_postgres)]
async fn also_if_it_would_have_to_be_added(db: TestDb) {
    db.sql("CREATE TABLE wordy (id integer PRIMARY KEY)").await;
    let message = refused(&db, CachedFields::of::<wordy::Entity>).await;
    assert!(message.contains("the database cuts so long a name"), "{message}");
}
