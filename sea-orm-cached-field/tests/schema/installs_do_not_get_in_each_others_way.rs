//! Owners whose names look alike when they are put together, the same name in two schemas, and
//! programs that start at the same moment.

use sea_orm_cached_field::CachedFields;

use crate::{catalog::installed, harness::lampposts::*};

pub mod lamp {
    use sea_orm::entity::prelude::*;
    use sea_orm_cached_field::cached_fields;
    #[cached_fields]
    #[sea_orm::model]
    #[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
    #[sea_orm(table_name = "lamp")]
    pub struct Model {
        #[sea_orm(primary_key)]
        pub id: i32,
        pub name: String,
        #[cached(depends_on(name))]
        pub post_label: String,
    }
    impl ActiveModelBehavior for ActiveModel {}
    impl Model {
        pub async fn calculate_post_label(
            &self,
            _: &impl ConnectionTrait,
        ) -> Result<String, DbErr> {
            Ok(self.name.clone())
        }
    }
}
owner!(lamp_post, { table_name = "lamp_post" }, {}, depends_on(name));

owner!(a, { schema_name = "a", table_name = "lamp" }, { #[sea_orm(has_many)] pub bulbs: HasMany<super::bulb::Entity>, }, depends_on(bulbs(name)));
owner!(b, { schema_name = "b", table_name = "lamp" }, { #[sea_orm(has_many)] pub bulbs: HasMany<super::bulb::Entity>, }, depends_on(bulbs(name)));
related!(bulb, { table_name = "bulb" }, {
    pub lamp_id: i32,
    #[sea_orm(belongs_to, from = "lamp_id", to = "id")]
    pub a: BelongsTo<super::a::Entity>,
    #[sea_orm(belongs_to, from = "lamp_id", to = "id")]
    pub b: BelongsTo<super::b::Entity>,
});

#[apply(on_postgres)]
async fn a_name_in_two_schemas_is_two_names(db: TestDb) {
    for s in ["a", "b"] {
        db.sql(&format!(
            "CREATE SCHEMA {s}; CREATE TABLE {s}.lamp (id integer PRIMARY KEY, name text NOT NULL)"
        ))
        .await;
    }
    db.sql("CREATE TABLE bulb (id integer PRIMARY KEY, name text, lamp_id integer)").await;
    let m = || CachedFields::of::<a::Entity>().and::<b::Entity>();
    installed(&db, m()).await;
    assert_eq!(installed(&db, m()).await, "nothing to do\n");
}

#[apply(contract)]
async fn names_that_look_alike_put_together_are_two_names(db: TestDb) {
    db.create(lamp::Entity).await;
    db.create(lamp_post::Entity).await;
    let m = || CachedFields::of::<lamp::Entity>().and::<lamp_post::Entity>();
    installed(&db, m()).await;
}
#[apply(contract)]
async fn three_programs_install_at_once(db: TestDb) {
    db.create(city::Entity).await;
    db.create(lamppost::Entity).await;
    db.create(pigeon::Entity).await;
    db.create(plaque::Entity).await;
    let x = db.another_pool().await;
    let y = db.another_pool().await;
    let fields = lampposts();
    let (r, s, t) = tokio::join!(fields.install(&*db), fields.install(&x), fields.install(&y));
    assert!(r.is_ok() && s.is_ok() && t.is_ok(), "{:?} {:?} {:?}", r.err(), s.err(), t.err());
}
