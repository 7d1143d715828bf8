//! Two versions of a program at work: the older one leaves what it does not know.

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

contract! {
    async fn their_marks_and_queue_rows_stay(db: TestDb) {
        set_up_lampposts(&db).await;
        let lamppost = a_lamppost(&db, "Ada").await;
        let id = lamppost.id;
        db.sql(&format!("INSERT INTO _lamppost_cached_marks (key_1, field) VALUES ({id}, 'newer')")).await;
        db.sql(&format!("INSERT INTO _lamppost_cached_recalculations (key_1, field, generation) VALUES ({id}, 'newer', 1)")).await;
        assert_eq!(db.drain(lampposts()).await, 1);
        assert_eq!(db.scalar::<i64>("SELECT count(*) FROM _lamppost_cached_marks WHERE field = 'newer'").await, 1);
        assert_eq!(db.scalar::<i64>("SELECT count(*) FROM _lamppost_cached_recalculations WHERE field = 'newer'").await, 1);
    }

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
}
