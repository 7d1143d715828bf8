//! Fresh reads behind relations whose link is a cached column.

use sea_orm::{EntityTrait, TransactionTrait};
use sea_orm_cached_field::{CachedFields, Error, InstallError};

use crate::harness::{TestDb, gate::Gate};

/// A link that is a cached field.
pub mod sign {
    use sea_orm::entity::prelude::*;
    use sea_orm_cached_field::cached_fields;

    #[cached_fields]
    #[sea_orm::model]
    #[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
    #[sea_orm(table_name = "sign")]
    pub struct Model {
        #[sea_orm(primary_key, auto_increment = false)]
        pub id: i32,
        pub number: i32,
        #[cached(depends_on(number))]
        pub word_id: i32,
        #[sea_orm(belongs_to, from = "cached_word_id", to = "id")]
        pub word: BelongsTo<Option<super::word::Entity>>,
        #[cached(depends_on(word(text)))]
        pub label: String,
    }

    impl ActiveModelBehavior for ActiveModel {}

    impl Model {
        pub async fn calculate_word_id(&self, _: &impl ConnectionTrait) -> Result<i32, DbErr> {
            Ok(self.number + 100)
        }

        pub async fn calculate_label(&self, db: &impl ConnectionTrait) -> Result<String, DbErr> {
            let word =
                super::word::Entity::find_by_id(self.cached_word_id.unwrap_or(0)).one(db).await?;
            Ok(word.map(|word| word.text).unwrap_or_default())
        }
    }
}

pub mod word {
    use sea_orm::entity::prelude::*;

    #[sea_orm::model]
    #[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
    #[sea_orm(table_name = "word")]
    pub struct Model {
        #[sea_orm(primary_key, auto_increment = false)]
        pub id: i32,
        pub text: String,
        #[sea_orm(has_many)]
        pub signs: HasMany<super::sign::Entity>,
    }

    impl ActiveModelBehavior for ActiveModel {}
}

/// Its letters are found by a cached field of theirs.
pub mod letter_box {
    use sea_orm::entity::prelude::*;
    use sea_orm_cached_field::cached_fields;

    #[cached_fields]
    #[sea_orm::model]
    #[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
    #[sea_orm(table_name = "letter_box")]
    pub struct Model {
        #[sea_orm(primary_key, auto_increment = false)]
        pub id: i32,
        pub name: String,
        #[sea_orm(has_many)]
        pub letters: HasMany<super::letter::Entity>,
        #[cached(depends_on(letters(grams)))]
        pub weight: i64,
    }

    impl ActiveModelBehavior for ActiveModel {}

    impl Model {
        pub async fn calculate_weight(&self, db: &impl ConnectionTrait) -> Result<i64, DbErr> {
            let letters = super::letter::Entity::find()
                .filter(super::letter::Column::CachedBoxId.eq(self.id));
            let letters = letters.all(db).await?;
            crate::harness::gate::pass(&self.name).await;
            Ok(letters.iter().map(|letter| i64::from(letter.grams)).sum())
        }
    }
}

pub mod letter {
    use sea_orm::entity::prelude::*;
    use sea_orm_cached_field::cached_fields;

    #[cached_fields]
    #[sea_orm::model]
    #[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
    #[sea_orm(table_name = "letter")]
    pub struct Model {
        #[sea_orm(primary_key, auto_increment = false)]
        pub id: i32,
        pub grams: i32,
        pub number: i32,
        pub street_id: i32,
        #[sea_orm(belongs_to, from = "street_id", to = "id")]
        pub street: BelongsTo<super::mail_street::Entity>,
        #[cached(depends_on(number, street(cached_first_box)))]
        pub box_id: i32,
        #[sea_orm(belongs_to, from = "cached_box_id", to = "id")]
        pub letter_box: BelongsTo<Option<super::letter_box::Entity>>,
    }

    impl ActiveModelBehavior for ActiveModel {}

    impl Model {
        pub async fn calculate_box_id(&self, db: &impl ConnectionTrait) -> Result<i32, DbErr> {
            let street = super::mail_street::Entity::find_by_id(self.street_id).one(db).await?;
            Ok(self.number + street.and_then(|street| street.cached_first_box).unwrap_or(0))
        }
    }
}

pub mod mail_street {
    use sea_orm::entity::prelude::*;
    use sea_orm_cached_field::cached_fields;

    #[cached_fields]
    #[sea_orm::model]
    #[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
    #[sea_orm(table_name = "mail_street")]
    pub struct Model {
        #[sea_orm(primary_key, auto_increment = false)]
        pub id: i32,
        pub hundreds: i32,
        #[cached(depends_on(hundreds))]
        pub first_box: i32,
        #[sea_orm(has_many)]
        pub letters: HasMany<super::letter::Entity>,
    }

    impl ActiveModelBehavior for ActiveModel {}

    impl Model {
        pub async fn calculate_first_box(&self, _: &impl ConnectionTrait) -> Result<i32, DbErr> {
            Ok(100 * self.hundreds)
        }
    }
}

/// A link that is calculated from what it leads to.
pub mod ring {
    use sea_orm::entity::prelude::*;
    use sea_orm_cached_field::cached_fields;

    #[cached_fields]
    #[sea_orm::model]
    #[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
    #[sea_orm(table_name = "ring")]
    pub struct Model {
        #[sea_orm(primary_key, auto_increment = false)]
        pub id: i32,
        #[cached(depends_on(cached_label))]
        pub word_id: i32,
        #[sea_orm(belongs_to, from = "cached_word_id", to = "id")]
        pub word: BelongsTo<Option<super::word::Entity>>,
        #[cached(depends_on(word(text)))]
        pub label: i32,
    }

    impl ActiveModelBehavior for ActiveModel {}

    impl Model {
        pub async fn calculate_word_id(&self, _: &impl ConnectionTrait) -> Result<i32, DbErr> {
            Ok(0)
        }

        pub async fn calculate_label(&self, _: &impl ConnectionTrait) -> Result<i32, DbErr> {
            Ok(0)
        }
    }
}

fn mail() -> CachedFields {
    CachedFields::of::<letter_box::Entity>().and::<letter::Entity>().and::<mail_street::Entity>()
}

/// Two letters in the first box of a street, one in the second; the boxes of another street are
/// empty.
async fn letter_boxes(db: &TestDb) -> Vec<letter_box::Model> {
    db.create(mail_street::Entity).await;
    db.create(letter_box::Entity).await;
    db.create(letter::Entity).await;
    mail().install(&**db).await.expect("installed");
    db.sql("INSERT INTO mail_street (id, hundreds) VALUES (1, 1)").await;
    for id in [101, 102, 201, 202] {
        let name = db.name(&format!("box {id}"));
        db.sql(&format!("INSERT INTO letter_box (id, name) VALUES ({id}, '{name}')")).await;
    }
    let letters = "(1, 20, 1, 1), (2, 50, 1, 1), (3, 7, 2, 1)";
    db.sql(&format!("INSERT INTO letter (id, grams, number, street_id) VALUES {letters}")).await;
    db.drain(mail()).await;
    boxes_of(db).await
}

async fn boxes_of(db: &TestDb) -> Vec<letter_box::Model> {
    letter_box::Entity::find().order_by_id_asc().all(&**db).await.expect("loaded")
}

fn weights(boxes: &[letter_box::Model]) -> Vec<Option<i64>> {
    boxes.iter().map(|each| each.cached_weight).collect()
}

#[apply(contract)]
async fn behind_a_link_that_is_cached(db: TestDb) {
    db.create(word::Entity).await;
    db.create(sign::Entity).await;
    let signs = || CachedFields::of::<sign::Entity>();
    signs().install(&*db).await.expect("installed");
    db.sql("INSERT INTO word (id, text) VALUES (101, 'stop'), (102, 'go')").await;
    db.sql("INSERT INTO sign (id, number) VALUES (1, 1)").await;
    db.drain(signs()).await;
    let sign =
        async || sign::Entity::find_by_id(1).one(&*db).await.expect("loaded").expect("the sign");

    let loaded = sign().await;
    assert_eq!(loaded.cached_label.as_deref(), Some("stop"));

    db.sql("UPDATE sign SET number = 2").await;
    assert_eq!(loaded.fresh_label(&*db).await.expect("read"), "go");

    db.sql("UPDATE sign SET number = 1").await;
    let mut loaded = [sign().await];
    sign::Label::load(&mut loaded, &*db).await.expect("loaded");
    assert_eq!(
        (loaded[0].cached_label.as_deref(), loaded[0].label_recalculation_needed),
        (Some("stop"), false)
    );

    db.drain(signs()).await;
    assert_eq!((sign().await.cached_label.as_deref(), db.pending("sign").await), (Some("stop"), 0));
}

#[apply(contract)]
async fn behind_a_relation_whose_rows_are_found_by_a_cached_column(db: TestDb) {
    let mut boxes = letter_boxes(&db).await;
    assert_eq!(weights(&boxes), [Some(70), Some(7), Some(0), Some(0)]);

    // A letter that no box knows of yet.
    db.sql("UPDATE letter SET number = 2 WHERE id = 2").await;
    assert_eq!(boxes[1].fresh_weight(&*db).await.expect("read"), 57);
    assert_eq!(boxes[0].fresh_weight(&*db).await.expect("read"), 20);

    // What the letters' boxes are calculated from is stale itself.
    db.sql("UPDATE mail_street SET hundreds = 2").await;
    let transaction = db.begin().await.expect("begun");
    assert_eq!(boxes[3].fresh_weight(&transaction).await.expect("read"), 57);
    transaction.rollback().await.expect("rolled back");
    letter_box::Weight::load(&mut boxes, &*db).await.expect("loaded");
    assert_eq!(weights(&boxes), [Some(0), Some(0), Some(20), Some(57)]);

    db.drain(mail()).await;
    assert_eq!(weights(&boxes_of(&db).await), [Some(0), Some(0), Some(20), Some(57)]);
}

/// In a table that is written all the time there is always such a row.
#[apply(contract)]
async fn a_row_whose_cached_link_becomes_stale_during_a_read_is_not_waited_for(db: TestDb) {
    let boxes = letter_boxes(&db).await;
    db.sql("UPDATE letter SET number = 2 WHERE id = 2").await;
    let gate = Gate::at(&boxes[1].name);
    let reader = tokio::spawn({
        let second = boxes[1].clone();
        let db = (*db).clone();
        async move { second.fresh_weight(&db).await }
    });
    gate.arrival().await;
    db.sql("UPDATE letter SET number = 1 WHERE id = 3").await;
    gate.open();
    assert_eq!(reader.await.unwrap().expect("read"), 57, "as of when the read began");
    assert_eq!(boxes[1].fresh_weight(&*db).await.expect("read"), 50);

    db.drain(mail()).await;
    assert_eq!(weights(&boxes_of(&db).await), [Some(27), Some(50), Some(0), Some(0)]);
}

#[apply(contract)]
async fn a_circle_through_a_link_is_refused(db: TestDb) {
    db.create(word::Entity).await;
    db.create(ring::Entity).await;
    let refused = CachedFields::of::<ring::Entity>().install(&*db).await.expect_err("a circle");
    let InstallError::Fields(Error::Cycle { path }) = &refused else { panic!("{refused}") };
    assert_eq!(path.len(), 3, "{refused}");
}
