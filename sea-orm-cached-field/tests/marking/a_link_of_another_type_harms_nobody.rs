use sea_orm_cached_field::CachedFields;

use crate::support::{NOTHING, Watch};

mod shelf {
    use sea_orm::{PaginatorTrait, entity::prelude::*};
    use sea_orm_cached_field::cached_fields;

    #[cached_fields]
    #[sea_orm::model]
    #[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
    #[sea_orm(table_name = "shelf")]
    pub struct Model {
        #[sea_orm(primary_key)]
        pub id: i32,
        #[sea_orm(has_many)]
        pub books: HasMany<super::book::Entity>,
        pub room_id: Option<i32>,
        #[sea_orm(belongs_to, from = "room_id", to = "id", skip_fk)]
        pub room: BelongsTo<Option<super::room::Entity>>,
        #[cached(depends_on(books(title), room(name)))]
        pub books_count: i64,
    }

    impl ActiveModelBehavior for ActiveModel {}

    impl Model {
        pub async fn calculate_books_count(&self, db: &impl ConnectionTrait) -> Result<i64, DbErr> {
            Ok(self.find_related(super::book::Entity).count(db).await? as i64)
        }
    }
}

/// Its link is wider than the key, and no foreign key guards it.
mod book {
    use sea_orm::entity::prelude::*;

    #[sea_orm::model]
    #[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
    #[sea_orm(table_name = "book")]
    pub struct Model {
        #[sea_orm(primary_key)]
        pub id: i32,
        pub title: String,
        pub shelf_id: Option<i64>,
        #[sea_orm(belongs_to, from = "shelf_id", to = "id", skip_fk)]
        pub shelf: BelongsTo<Option<super::shelf::Entity>>,
    }

    impl ActiveModelBehavior for ActiveModel {}
}

/// Its key is wider than the link.
mod room {
    use sea_orm::entity::prelude::*;

    #[sea_orm::model]
    #[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
    #[sea_orm(table_name = "room")]
    pub struct Model {
        #[sea_orm(primary_key)]
        pub id: i64,
        pub name: String,
        #[sea_orm(has_many)]
        pub shelves: HasMany<super::shelf::Entity>,
    }

    impl ActiveModelBehavior for ActiveModel {}
}

fn shelves() -> CachedFields {
    CachedFields::of::<shelf::Entity>()
}

#[apply(contract)]
async fn what_no_owner_can_have_is_nobodys(db: TestDb) {
    db.create(shelf::Entity).await;
    db.create(book::Entity).await;
    db.create(room::Entity).await;
    shelves().install(&*db).await.expect("installed");
    db.sql("INSERT INTO shelf (id) VALUES (1)").await;
    let mut watch = Watch::begin(&db, shelves).await;

    assert_eq!(
        watch.after("INSERT INTO book (title, shelf_id) VALUES ('A', 3000000000)").await,
        NOTHING
    );
    assert_eq!(
        watch.after("INSERT INTO book (title, shelf_id) VALUES ('B', 1), ('C', 4000000000)").await,
        ["shelf.books_count 1"]
    );
    assert_eq!(watch.after("UPDATE book SET shelf_id = 5000000000").await, ["shelf.books_count 1"]);

    assert_eq!(db.scalar::<i64>("SELECT cached_books_count FROM shelf").await, 0);
    assert_eq!(db.pending("shelf").await, 0);
}
#[apply(contract)]
async fn nor_does_a_row_that_no_owner_can_name(db: TestDb) {
    db.create(shelf::Entity).await;
    db.create(book::Entity).await;
    db.create(room::Entity).await;
    shelves().install(&*db).await.expect("installed");
    db.sql("INSERT INTO shelf (id, room_id) VALUES (1, 7)").await;
    let mut watch = Watch::begin(&db, shelves).await;

    assert_eq!(
        watch.after("INSERT INTO room (id, name) VALUES (3000000000, 'attic')").await,
        NOTHING
    );
    assert_eq!(
        watch.after("INSERT INTO room (id, name) VALUES (7, 'hall')").await,
        ["shelf.books_count 1, unchanged"]
    );
    assert_eq!(
        watch.after("UPDATE room SET name = name || '!'").await,
        ["shelf.books_count 1, unchanged"]
    );

    assert_eq!(db.pending("shelf").await, 0);
}
