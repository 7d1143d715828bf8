//! A change that concerns several fields of a row leaves one mark.

use sea_orm_cached_field::CachedFields;

use crate::{harness::TestDb, support::Watch};

/// Two fields over the same columns of plants, one over fewer, and one over the bed's own column.
mod bed {
    use sea_orm::{PaginatorTrait, QuerySelect, entity::prelude::*};
    use sea_orm_cached_field::cached_fields;

    use super::plant;

    #[cached_fields]
    #[sea_orm::model]
    #[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
    #[sea_orm(table_name = "bed")]
    pub struct Model {
        #[sea_orm(primary_key, auto_increment = false)]
        pub id: i32,
        pub width: i64,
        #[sea_orm(has_many)]
        pub plants: HasMany<super::plant::Entity>,
        #[cached(depends_on(plants(height)))]
        pub greatest_height_of_all_that_grows_in_here: i64,
        #[cached(depends_on(plants(height)))]
        pub smallest_height_of_all_that_grows_in_here: i64,
        #[cached(depends_on(plants(height)))]
        pub total_of_heights_of_all_that_grows_in_here: i64,
        #[cached(depends_on(plants()))]
        pub number_of_all_the_plants_that_grow_in_here: i64,
        #[cached(depends_on(width))]
        pub area: i64,
    }

    impl ActiveModelBehavior for ActiveModel {}

    impl Model {
        pub async fn calculate_greatest_height_of_all_that_grows_in_here(
            &self,
            db: &impl ConnectionTrait,
        ) -> Result<i64, DbErr> {
            Ok(heights(self, db).await?.into_iter().max().unwrap_or(0))
        }

        pub async fn calculate_smallest_height_of_all_that_grows_in_here(
            &self,
            db: &impl ConnectionTrait,
        ) -> Result<i64, DbErr> {
            Ok(heights(self, db).await?.into_iter().min().unwrap_or(0))
        }

        pub async fn calculate_total_of_heights_of_all_that_grows_in_here(
            &self,
            db: &impl ConnectionTrait,
        ) -> Result<i64, DbErr> {
            Ok(heights(self, db).await?.into_iter().sum())
        }

        pub async fn calculate_number_of_all_the_plants_that_grow_in_here(
            &self,
            db: &impl ConnectionTrait,
        ) -> Result<i64, DbErr> {
            Ok(self.find_related(plant::Entity).count(db).await? as i64)
        }

        pub async fn calculate_area(&self, _: &impl ConnectionTrait) -> Result<i64, DbErr> {
            Ok(self.width * self.width)
        }
    }

    async fn heights(bed: &Model, db: &impl ConnectionTrait) -> Result<Vec<i64>, DbErr> {
        let heights = bed.find_related(plant::Entity).select_only().column(plant::Column::Height);
        heights.into_tuple().all(db).await
    }
}

mod plant {
    use sea_orm::entity::prelude::*;

    #[sea_orm::model]
    #[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
    #[sea_orm(table_name = "plant")]
    pub struct Model {
        #[sea_orm(primary_key, auto_increment = false)]
        pub id: i32,
        pub height: i64,
        pub bed_id: i32,
        #[sea_orm(belongs_to, from = "bed_id", to = "id")]
        pub bed: BelongsTo<super::bed::Entity>,
    }

    impl ActiveModelBehavior for ActiveModel {}
}

/// Three fields over the key.
mod scroll {
    use sea_orm::entity::prelude::*;
    use sea_orm_cached_field::cached_fields;

    #[cached_fields]
    #[sea_orm::model]
    #[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
    #[sea_orm(table_name = "scroll")]
    pub struct Model {
        #[sea_orm(primary_key, auto_increment = false, column_type = "Text")]
        pub text: String,
        #[cached(depends_on(text))]
        pub length_of_all_that_is_written_down_in_it: i64,
        #[cached(depends_on(text))]
        pub number_of_lines_that_are_written_down_in: i64,
        #[cached(depends_on(text))]
        pub number_of_words_that_are_written_down_in: i64,
    }

    impl ActiveModelBehavior for ActiveModel {}

    impl Model {
        pub async fn calculate_length_of_all_that_is_written_down_in_it(
            &self,
            _: &impl ConnectionTrait,
        ) -> Result<i64, DbErr> {
            Ok(self.text.len() as i64)
        }

        pub async fn calculate_number_of_lines_that_are_written_down_in(
            &self,
            _: &impl ConnectionTrait,
        ) -> Result<i64, DbErr> {
            Ok(self.text.lines().count() as i64)
        }

        pub async fn calculate_number_of_words_that_are_written_down_in(
            &self,
            _: &impl ConnectionTrait,
        ) -> Result<i64, DbErr> {
            Ok(self.text.split_whitespace().count() as i64)
        }
    }
}

/// The fields over plants, with the row `1`.
const OVER_PLANTS: [&str; 4] = [
    "bed.greatest_height_of_all_that_grows_in_here 1",
    "bed.number_of_all_the_plants_that_grow_in_here 1",
    "bed.smallest_height_of_all_that_grows_in_here 1",
    "bed.total_of_heights_of_all_that_grows_in_here 1",
];

fn beds() -> CachedFields {
    CachedFields::of::<bed::Entity>()
}

async fn dug(db: &TestDb) -> Watch<'_> {
    db.create(bed::Entity).await;
    db.create(plant::Entity).await;
    beds().install(&**db).await.expect("installed");
    db.sql("INSERT INTO bed (id, width) VALUES (1, 3)").await;
    db.sql("INSERT INTO plant (id, height, bed_id) VALUES (1, 20, 1)").await;
    Watch::begin(db, beds).await
}

/// How many marks there are.
async fn marks(db: &TestDb) -> i64 {
    db.scalar("SELECT count(*) FROM _bed_cached_marks").await
}

/// What was recalculated, whether or not it changed a value.
async fn recalculated(watch: &mut Watch<'_>) -> Vec<String> {
    let told = watch.recalculated().await.into_iter();
    told.map(|told| told.trim_end_matches(", unchanged").to_owned()).collect()
}

/// An index refuses an entry that is too long, and with it the user's statement.
#[apply(on_postgres)]
async fn and_the_longest_key_takes_their_names(db: TestDb) {
    db.create(scroll::Entity).await;
    CachedFields::of::<scroll::Entity>().install(&*db).await.expect("installed");
    // Nothing in it repeats itself, so that it cannot be compressed.
    db.sql(
        "INSERT INTO scroll (text)
         SELECT string_agg(md5(i::text), '')
           FROM generate_series(1, 81) i",
    )
    .await;
    assert_eq!(db.drain(CachedFields::of::<scroll::Entity>()).await, 3);
}

#[apply(contract)]
async fn of_a_related_row_that_comes_or_goes(db: TestDb) {
    let mut watch = dug(&db).await;
    // The four names are too long for one list of MySQL.
    let lists = if db.is_mysql() { 2 } else { 1 };
    for change in [
        "INSERT INTO plant (id, height, bed_id) VALUES (2, 10, 1)",
        "DELETE FROM plant WHERE id = 2",
    ] {
        db.sql(change).await;
        assert_eq!(marks(&db).await, lists, "{change}");
        assert_eq!(recalculated(&mut watch).await, OVER_PLANTS, "{change}");
    }
}

#[apply(contract)]
async fn of_a_related_row_that_changes(db: TestDb) {
    let mut watch = dug(&db).await;
    db.sql("UPDATE plant SET height = 30").await;
    assert_eq!(marks(&db).await, 1);
    assert_eq!(recalculated(&mut watch).await, [OVER_PLANTS[0], OVER_PLANTS[2], OVER_PLANTS[3]]);
    let right =
        "SELECT count(*) FROM bed WHERE cached_greatest_height_of_all_that_grows_in_here = 30";
    assert_eq!(db.scalar::<i64>(right).await, 1);
}

#[apply(contract)]
async fn of_many_related_rows_that_change(db: TestDb) {
    let mut watch = dug(&db).await;
    db.sql("INSERT INTO plant (id, height, bed_id) VALUES (2, 10, 1), (3, 15, 1)").await;
    watch.recalculated().await;
    db.sql("UPDATE plant SET height = height + 1").await;
    // There, a trigger sees one row.
    assert_eq!(marks(&db).await, if db.is_mysql() { 3 } else { 1 });
    assert_eq!(recalculated(&mut watch).await, [OVER_PLANTS[0], OVER_PLANTS[2], OVER_PLANTS[3]]);
}

#[apply(contract)]
async fn of_a_row_that_comes_or_changes(db: TestDb) {
    let mut watch = dug(&db).await;
    let lists = if db.is_mysql() { 2 } else { 1 };
    db.sql("INSERT INTO bed (id, width) VALUES (2, 3)").await;
    assert_eq!(marks(&db).await, lists);
    watch.recalculated().await;

    db.sql("UPDATE bed SET width = 4 WHERE id = 2").await;
    assert_eq!((marks(&db).await, watch.recalculated().await), (1, vec!["bed.area 2".to_owned()]));

    db.sql("UPDATE bed SET id = 3 WHERE id = 2").await;
    // On SQLite, those that depend on the same columns of their row share one.
    assert_eq!(
        marks(&db).await,
        if db.is_sqlite() { 2 } else { lists },
        "the key is an input of all"
    );
    assert_eq!(watch.recalculated().await.len(), 5);
}

/// On SQLite a mark that waits stands for later changes, too. On the other databases no trigger
/// reads marks.
#[apply(contract)]
async fn and_many_changes_of_one_row_stay_few(db: TestDb) {
    let mut watch = dug(&db).await;
    for height in 40..50 {
        db.sql(&format!("UPDATE plant SET height = {height}")).await;
    }
    assert_eq!(marks(&db).await, if db.is_sqlite() { 1 } else { 10 });
    assert_eq!(recalculated(&mut watch).await, [OVER_PLANTS[0], OVER_PLANTS[2], OVER_PLANTS[3]]);
}
