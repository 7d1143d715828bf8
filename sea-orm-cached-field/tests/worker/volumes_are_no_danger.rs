//! No statement binds more values than a database takes, and no more is kept in memory than a batch
//! needs, however much has piled up.

use sea_orm::{ActiveValue::Set, EntityTrait, PaginatorTrait};
use sea_orm_cached_field::CachedFields;

use crate::harness::TestDb;

/// A model of many fields.
macro_rules! wide {
    ($($field:ident $cached:ident $calculate:ident)+) => {
        #[allow(dead_code, reason = "SeaORM makes more than is used here")]
        mod wide {
            use sea_orm::entity::prelude::*;
            use sea_orm_cached_field::cached_fields;

            #[cached_fields]
            #[sea_orm::model]
            #[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
            #[sea_orm(table_name = "wide")]
            pub struct Model {
                #[sea_orm(primary_key)]
                pub id: i32,
                pub seed: i64,
                $(
                    #[cached(depends_on(seed))]
                    pub $field: i64,
                )+
            }

            impl ActiveModelBehavior for ActiveModel {}

            impl Model {
                /// How many of the fields are as they should be.
                pub fn right(&self) -> usize {
                    [$(self.$cached),+].iter().filter(|value| **value == Some(self.seed + 1)).count()
                }

                $(
                    pub async fn $calculate(&self, _: &impl ConnectionTrait) -> Result<i64, DbErr> {
                        Ok(self.seed + 1)
                    }
                )+
            }
        }

        /// How many fields it has.
        const FIELDS: usize = [$(stringify!($field)),+].len();
    };
}

wide! {
    a cached_a calculate_a
    b cached_b calculate_b
    c cached_c calculate_c
    d cached_d calculate_d
    e cached_e calculate_e
    f cached_f calculate_f
    g cached_g calculate_g
    h cached_h calculate_h
    i cached_i calculate_i
    j cached_j calculate_j
    k cached_k calculate_k
    l cached_l calculate_l
    m cached_m calculate_m
    n cached_n calculate_n
}

fn wides() -> CachedFields {
    CachedFields::of::<wide::Entity>()
}

mod loft {
    use sea_orm::entity::prelude::*;
    use sea_orm_cached_field::cached_fields;

    #[cached_fields]
    #[sea_orm::model]
    #[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
    #[sea_orm(table_name = "loft")]
    pub struct Model {
        #[sea_orm(primary_key)]
        pub id: i32,
        pub city_id: i32,
        #[sea_orm(belongs_to, from = "city_id", to = "id")]
        pub city: BelongsTo<super::city::Entity>,
        #[sea_orm(has_many)]
        pub birds: HasMany<super::bird::Entity>,
        #[cached(depends_on(birds(weight)))]
        pub load: i64,
        #[cached(depends_on(city(name)))]
        pub address: String,
    }

    impl ActiveModelBehavior for ActiveModel {}

    impl Model {
        pub async fn calculate_load(&self, db: &impl ConnectionTrait) -> Result<i64, DbErr> {
            let birds = self.find_related(super::bird::Entity).all(db).await?;
            Ok(birds.iter().map(|bird| bird.weight).sum())
        }

        pub async fn calculate_address(&self, db: &impl ConnectionTrait) -> Result<String, DbErr> {
            let city = super::city::Entity::find_by_id(self.city_id).one(db).await?;
            Ok(city.map_or_else(String::new, |city| format!("{} in {}", self.id, city.name)))
        }
    }
}

mod bird {
    use sea_orm::entity::prelude::*;

    #[sea_orm::model]
    #[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
    #[sea_orm(table_name = "bird")]
    pub struct Model {
        #[sea_orm(primary_key)]
        pub id: i32,
        pub weight: i64,
        pub loft_id: i32,
        #[sea_orm(belongs_to, from = "loft_id", to = "id")]
        pub loft: BelongsTo<super::loft::Entity>,
    }

    impl ActiveModelBehavior for ActiveModel {}
}

mod city {
    use sea_orm::entity::prelude::*;

    #[sea_orm::model]
    #[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
    #[sea_orm(table_name = "city")]
    pub struct Model {
        #[sea_orm(primary_key)]
        pub id: i32,
        pub name: String,
        #[sea_orm(has_many)]
        pub lofts: HasMany<super::loft::Entity>,
    }

    impl ActiveModelBehavior for ActiveModel {}
}

fn lofts() -> CachedFields {
    CachedFields::of::<loft::Entity>()
}

/// More than any statement could bind.
const MARKS: i64 = 70_000;

/// More than are kept in memory at a time.
const MANY_OWNERS: i64 = 20_000;

/// Three lofts at rest.
async fn at_rest(db: &TestDb) {
    db.create(city::Entity).await;
    db.create(loft::Entity).await;
    db.create(bird::Entity).await;
    lofts().install(&**db).await.expect("installed");
    db.sql("INSERT INTO city (id, name) VALUES (1, 'Ulm')").await;
    db.sql("INSERT INTO loft (id, city_id) VALUES (1, 1), (2, 1), (3, 1)").await;
    db.sql("INSERT INTO bird (id, weight, loft_id) VALUES (1, 1, 1), (2, 1, 2), (3, 1, 3)").await;
    db.drain(lofts()).await;
}

/// Multiplies what is marked, as by many writes while no worker runs.
async fn pile_up(db: &TestDb) {
    let names =
        if db.is_sqlite() { "key_1, field, eager" } else { "key_1, field, eager, via, link" };
    let names = if db.is_mysql() { format!("{names}, link_hash") } else { names.to_owned() };
    let mut marks: i64 = db.scalar("SELECT count(*) FROM _loft_cached_marks").await;
    assert!(marks > 0, "nothing is marked");
    while marks < MARKS {
        let again = format!(
            "INSERT INTO _loft_cached_marks ({names}) SELECT {names} FROM _loft_cached_marks"
        );
        marks += i64::try_from(db.sql(&again).await).expect("so many");
    }
}

async fn stored(db: &TestDb) -> Vec<(Option<i64>, Option<String>)> {
    let mut rows = loft::Entity::find().all(&**db).await.expect("loaded");
    rows.sort_by_key(|row| row.id);
    rows.into_iter().map(|row| (row.cached_load, row.cached_address)).collect()
}

fn expected(load: i64, city: &str) -> Vec<(Option<i64>, Option<String>)> {
    (1..=3).map(|id| (Some(load), Some(format!("{id} in {city}")))).collect()
}

#[apply(contract)]
async fn of_many_fields(db: TestDb) {
    db.create(wide::Entity).await;
    wides().install(&*db).await.expect("installed");
    let row = wide::ActiveModel { seed: Set(1), ..Default::default() };
    wide::Entity::insert_many(vec![row; 1000]).exec(&*db).await.expect("inserted");
    let drain = async || wides().worker(&db).batch_size(1000).drain().await.expect("drained");

    drain().await;
    db.sql("UPDATE wide SET seed = 2").await;
    assert_eq!(drain().await, 1000 * FIELDS);
    let rows = wide::Entity::find().all(&*db).await.expect("loaded");
    assert_eq!(rows.iter().map(|row| row.right()).sum::<usize>(), 1000 * FIELDS);

    db.sql("UPDATE wide SET seed = 3").await;
    db.sql("DELETE FROM wide").await;
    drain().await;
    assert_eq!(wide::Entity::find().count(&*db).await.expect("counted"), 0);
    assert_eq!(db.pending("wide").await, 0);
}

#[apply(contract)]
async fn of_marks_of_a_row(db: TestDb) {
    at_rest(&db).await;
    db.sql("UPDATE bird SET weight = 2").await;
    pile_up(&db).await;
    db.drain(lofts()).await;
    assert_eq!(db.pending("loft").await, 0);
    assert_eq!(stored(&db).await, expected(2, "Ulm"));
}

#[apply(contract)]
async fn of_marks_of_a_related_row(db: TestDb) {
    at_rest(&db).await;
    db.sql("UPDATE city SET name = 'Bonn'").await;
    pile_up(&db).await;
    db.drain(lofts()).await;
    assert_eq!(db.pending("loft").await, 0);
    assert_eq!(stored(&db).await, expected(1, "Bonn"));
}

/// The owners are looked up once for all marks that say the same.
#[apply(contract)]
async fn of_marks_of_a_related_row_owners_are_marked_once(db: TestDb) {
    at_rest(&db).await;
    db.sql("UPDATE city SET name = 'Bonn'").await;
    pile_up(&db).await;
    let newest = async || db.scalar::<i64>("SELECT max(id) FROM _loft_cached_marks").await;
    db.sql("UPDATE city SET name = 'Trier'").await;
    let before = newest().await;
    db.drain(lofts()).await;
    db.sql("UPDATE city SET name = 'Aachen'").await;
    let appended = newest().await - before;
    assert!(appended <= 3 + 1, "{appended} marks for three owners and their city");
}

/// Of one related row, and of several together.
#[apply(contract)]
async fn of_owners_of_related_rows(db: TestDb) {
    at_rest(&db).await;
    db.sql("INSERT INTO city (id, name) VALUES (2, 'Ulm')").await;
    let mut owners: i64 = 3;
    while owners <= MANY_OWNERS {
        let more =
            format!("INSERT INTO loft (id, city_id) SELECT id + {owners}, city_id FROM loft");
        owners += i64::try_from(db.sql(&more).await).expect("so many");
    }

    for move_half in [false, true] {
        if move_half {
            db.sql("UPDATE loft SET city_id = 2 WHERE id % 2 = 0").await;
        }
        db.sql("DELETE FROM _loft_cached_marks").await;
        db.sql("DELETE FROM _loft_cached_recalculations").await;
        db.sql(&format!("UPDATE city SET name = 'Bonn {move_half}'")).await;

        assert_eq!(lofts().worker(&db).batch_size(1).run_once().await.expect("worked"), 1);
        let marked =
            "SELECT key_1 FROM _loft_cached_marks WHERE field = 'address' AND key_1 IS NOT NULL";
        let queued = "SELECT key_1 FROM _loft_cached_recalculations WHERE field = 'address'";
        let left = format!("SELECT count(*) FROM ({marked} UNION {queued}) l");
        assert_eq!(db.scalar::<i64>(&left).await, owners - 1);
    }
}

#[apply(contract)]
async fn for_who_reads(db: TestDb) {
    at_rest(&db).await;
    db.sql("UPDATE bird SET weight = 2").await;
    db.sql("UPDATE city SET name = 'Bonn'").await;
    pile_up(&db).await;
    let row = loft::Entity::find_by_id(1).one(&*db).await.expect("loaded").expect("the row");
    assert_eq!(row.fresh_load(&*db).await.expect("read"), 2);
    assert_eq!(row.fresh_address(&*db).await.expect("read"), "1 in Bonn");
    db.drain(lofts()).await;
    assert_eq!(db.pending("loft").await, 0);
    assert_eq!(stored(&db).await, expected(2, "Bonn"));
}
