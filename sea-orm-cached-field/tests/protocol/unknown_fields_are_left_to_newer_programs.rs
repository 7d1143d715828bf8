//! Two versions of a program at work: the older one leaves what it does not know.

use sea_orm::EntityTrait;
use sea_orm_cached_field::CachedFields;

use crate::harness::lampposts::*;

/// Two fields: neither is leased when its mark is collected.
mod sundial {
    use sea_orm::entity::prelude::*;
    use sea_orm_cached_field::cached_fields;

    #[cached_fields]
    #[sea_orm::model]
    #[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
    #[sea_orm(table_name = "sundial")]
    pub struct Model {
        #[sea_orm(primary_key, auto_increment = false)]
        pub id: i32,
        pub hour: i32,
        #[cached(depends_on(hour))]
        pub next: i32,
        #[cached(depends_on(hour))]
        pub last: i32,
    }

    impl ActiveModelBehavior for ActiveModel {}

    impl Model {
        pub async fn calculate_next(&self, _: &impl ConnectionTrait) -> Result<i32, DbErr> {
            Ok(self.hour + 1)
        }

        pub async fn calculate_last(&self, _: &impl ConnectionTrait) -> Result<i32, DbErr> {
            Ok(self.hour - 1)
        }
    }
}

#[apply(contract)]
async fn their_marks_and_queue_rows_stay(db: TestDb) {
    set_up_lampposts(&db).await;
    let lamppost = a_lamppost(&db, "Ada").await;
    let id = lamppost.id;
    db.sql(&format!("INSERT INTO _lamppost_cached_marks (key_1, field) VALUES ({id}, 'newer')"))
        .await;
    db.sql(&format!(
        "INSERT INTO _lamppost_cached_recalculations (key_1, field, generation)
         VALUES ({id}, 'newer', 1)"
    ))
    .await;

    assert_eq!(db.drain(lampposts()).await, 1);
    assert_eq!(
        db.scalar::<i64>("SELECT count(*) FROM _lamppost_cached_marks WHERE field = 'newer'").await,
        1
    );
    assert_eq!(
        db.scalar::<i64>(
            "SELECT count(*) FROM _lamppost_cached_recalculations WHERE field = 'newer'"
        )
        .await,
        1
    );
}

#[apply(contract)]
async fn their_marks_hold_up_no_other_field(db: TestDb) {
    let sundials = || CachedFields::of::<sundial::Entity>();
    db.create(sundial::Entity).await;
    sundials().install(&*db).await.unwrap();
    db.sql("INSERT INTO sundial (id, hour) VALUES (1, 3)").await;
    db.sql("INSERT INTO _sundial_cached_marks (key_1, field) VALUES (1, 'newer')").await;
    assert_eq!(db.drain(sundials()).await, 2);
    let right = "SELECT count(*) FROM sundial WHERE cached_next = 4 AND cached_last = 2";
    assert_eq!(db.scalar::<i64>(right).await, 1);
    assert_eq!(db.scalar::<i64>("SELECT count(*) FROM _sundial_cached_marks").await, 1);
}

#[apply(contract)]
async fn their_share_of_a_mark_stays(db: TestDb) {
    let sundials = || CachedFields::of::<sundial::Entity>();
    db.create(sundial::Entity).await;
    sundials().install(&*db).await.unwrap();
    db.sql("INSERT INTO sundial (id, hour) VALUES (1, 3), (2, 5)").await;
    db.drain(sundials()).await;

    for (id, list) in [(1, "newer,next,newest"), (2, "last,newest")] {
        db.sql(&format!(
            "INSERT INTO _sundial_cached_marks (key_1, field) VALUES ({id}, '{list}')"
        ))
        .await;
    }

    let row = sundial::Entity::find_by_id(1).one(&*db).await.expect("loaded").expect("the sundial");
    assert_eq!(row.fresh_next(&*db).await.expect("read"), 4);
    let left = async |id: i32| {
        let of_row = format!("FROM _sundial_cached_marks WHERE key_1 = {id}");
        assert_eq!(db.scalar::<i64>(&format!("SELECT count(*) {of_row}")).await, 1);
        db.scalar::<String>(&format!("SELECT max(field) {of_row}")).await
    };

    assert_eq!(left(1).await, "newer,newest");
    assert_eq!(db.drain(sundials()).await, 1);
    assert_eq!((left(1).await, left(2).await), ("newer,newest".to_owned(), "newest".to_owned()));
    let diagnosis = sundials().doctor(&*db).await.expect("a diagnosis").to_string();
    assert!(diagnosis.contains("newest") && diagnosis.contains("newer"), "{diagnosis}");
}
