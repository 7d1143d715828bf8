//! Hooks: `after_recalculation`.

use std::time::Duration;

use sea_orm::{ConnectionTrait, EntityTrait, TransactionTrait};
use sea_orm_cached_field::{CachedFields, Event};

use crate::harness::TestDb;

mod letter {
    use sea_orm::{DbErr, entity::prelude::*};

    use crate::fragile::BoxError;

    #[sea_orm_cached_field::cached_fields]
    #[sea_orm::model]
    #[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
    #[sea_orm(table_name = "letter")]
    pub struct Model {
        #[sea_orm(primary_key)]
        pub id: i32,
        pub text: String,
        #[cached(depends_on(text), after_recalculation = "announce")]
        pub words: i64,
    }

    impl ActiveModelBehavior for ActiveModel {}

    impl Model {
        pub async fn calculate_words(&self, _: &impl ConnectionTrait) -> Result<i64, DbErr> {
            Ok(self.text.split(' ').count() as i64)
        }

        async fn announce(&self, db: &impl ConnectionTrait) -> Result<(), BoxError> {
            let words = self.cached_words.ok_or("the value is not stored yet")?;
            db.execute_unprepared(&format!(
                "INSERT INTO announcement VALUES ({}, {words})",
                self.id
            ))
            .await?;

            match self.text.as_str() {
                "hoarse" => Err("lost its voice".into()),
                "wrong" => {
                    Ok(db.execute_unprepared("INSERT INTO nowhere VALUES (1)").await.map(drop)?)
                }
                "panic" => panic!("aaah"),
                "endless" => std::future::pending().await,
                _ => Ok(()),
            }
        }
    }
}

mod poster {
    use sea_orm::{DbErr, QuerySelect, entity::prelude::*};

    #[sea_orm_cached_field::cached_fields]
    #[sea_orm::model]
    #[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
    #[sea_orm(table_name = "poster")]
    pub struct Model {
        #[sea_orm(primary_key)]
        pub id: i32,
        pub width: i64,
        #[cached(query, depends_on(width), after_recalculation = "announce")]
        pub double: i64,
    }

    impl ActiveModelBehavior for ActiveModel {}

    impl Model {
        pub fn select_double() -> Select<Entity> {
            Entity::find().select_only().column(Column::Id).expr(Expr::cust("width + width"))
        }

        async fn announce(&self, db: &impl ConnectionTrait) -> Result<(), DbErr> {
            let double = self.cached_double.unwrap_or_default();
            let announcement = format!("INSERT INTO announcement VALUES ({}, {double})", self.id);
            db.execute_unprepared(&announcement).await.map(drop)
        }
    }
}

fn letters() -> CachedFields {
    CachedFields::of::<letter::Entity>()
}

async fn set_up(db: &TestDb, texts: &[&str]) {
    db.create(letter::Entity).await;
    db.sql("CREATE TABLE announcement (id integer NOT NULL, value bigint NOT NULL)").await;
    letters().install(&**db).await.expect("installed");
    for text in texts {
        db.sql(&format!("INSERT INTO letter (text) VALUES ('{text}')")).await;
    }
}

async fn the_letter(db: &impl ConnectionTrait) -> letter::Model {
    letter::Entity::find().one(db).await.expect("loaded").expect("a letter")
}

/// Identities and values, in order.
async fn announced(db: &TestDb) -> Vec<(i64, i64)> {
    let rows = db.rows("SELECT id, value FROM announcement ORDER BY id, value").await;
    rows.iter()
        .map(|row| (row["id"].as_i64().expect("an id"), row["value"].as_i64().expect("a value")))
        .collect()
}

#[apply(contract)]
async fn in_the_worker(db: TestDb) {
    set_up(&db, &["a b c", "d"]).await;
    assert_eq!(db.drain(letters()).await, 2);
    assert_eq!(announced(&db).await, [(1, 3), (2, 1)]);
    db.sql("UPDATE letter SET text = 'x y' WHERE id = 2").await;
    db.drain(letters()).await;
    assert_eq!(announced(&db).await, [(1, 3), (2, 1), (2, 2)]);
}

#[apply(contract)]
async fn where_a_reader_recalculates(db: TestDb) {
    set_up(&db, &["a b c"]).await;
    assert_eq!(the_letter(&*db).await.words(&*db).await.unwrap(), 3);
    assert_eq!(announced(&db).await, [(1, 3)]);
    assert_eq!(the_letter(&*db).await.words(&*db).await.unwrap(), 3);
    assert_eq!(announced(&db).await.len(), 1, "what is fresh is not recalculated");
    the_letter(&*db).await.recalculate_words(&*db).await.unwrap();
    assert_eq!(announced(&db).await.len(), 2);
}

#[apply(contract)]
async fn and_spoils_no_value(db: TestDb) {
    set_up(&db, &["hoarse", "panic", "wrong", "endless", "fine"]).await;
    let mut narration = db.narration();

    let worker = letters().worker(&db).calculation_timeout(Duration::from_millis(500));
    assert_eq!(worker.drain().await.unwrap(), 5);
    assert_eq!(db.pending("letter").await, 0);
    let stored =
        "SELECT count(*) FROM letter WHERE cached_words = 1 AND NOT words_recalculation_needed";
    assert_eq!(db.scalar::<i64>(stored).await, 5);

    let said = narration.said().join("\n");
    for failed in [
        "1 failed: lost its voice",
        "2 failed: panicked: aaah",
        "3 failed: ",
        "4 failed: stopped after 0.5 s",
    ] {
        let failed = format!("the hook after the recalculation of letter.words {failed}");
        assert!(said.contains(&failed), "{failed}\n{said}");
    }
    assert!(!said.contains("letter.words 5 failed"), "{said}");
}

#[apply(contract)]
async fn nor_what_a_reader_gets(db: TestDb) {
    set_up(&db, &["hoarse"]).await;
    let mut narration = db.narration();
    assert_eq!(the_letter(&*db).await.words(&*db).await.unwrap(), 1);
    assert_eq!(the_letter(&*db).await.cached_words, Some(1));
    let is_told = |event: &Event| matches!(event, Event::HookFailed { field: "words", .. });
    narration.wait_for(is_told).await;
}

#[apply(contract)]
async fn within_the_users_transaction(db: TestDb) {
    set_up(&db, &["a b c"]).await;
    let transaction = db.begin().await.unwrap();
    the_letter(&transaction).await.recalculate_words(&transaction).await.unwrap();
    transaction.rollback().await.unwrap();
    assert_eq!(announced(&db).await, []);
    let transaction = db.begin().await.unwrap();
    the_letter(&transaction).await.recalculate_words(&transaction).await.unwrap();
    transaction.commit().await.unwrap();
    assert_eq!(announced(&db).await, [(1, 3)]);
}

#[apply(contract)]
async fn whose_transaction_goes_on_if_it_fails(db: TestDb) {
    set_up(&db, &["wrong"]).await;
    let transaction = db.begin().await.unwrap();
    assert_eq!(the_letter(&transaction).await.recalculate_words(&transaction).await.unwrap(), 1);
    transaction.commit().await.unwrap();
    let letter = the_letter(&*db).await;
    assert_eq!((letter.cached_words, letter.words_recalculation_needed), (Some(1), false));
    assert_eq!(announced(&db).await, [], "what it had done is undone");
}

#[apply(contract)]
async fn also_where_the_database_calculates(db: TestDb) {
    db.create(poster::Entity).await;
    db.sql("CREATE TABLE announcement (id integer NOT NULL, value bigint NOT NULL)").await;
    let posters = || CachedFields::of::<poster::Entity>();
    posters().install(&*db).await.unwrap();
    db.sql("INSERT INTO poster (width) VALUES (3), (4)").await;
    assert_eq!(db.drain(posters()).await, 2);
    assert_eq!(announced(&db).await, [(1, 6), (2, 8)]);
}
