//! A library whose fields are all roll-ups.

use sea_orm_cached_field::CachedFields;

use crate::harness::TestDb;

/// With a roll-up of each kind, of rows one step away or more.
pub mod shelf {
    use sea_orm::entity::prelude::*;

    use super::book::{Kind, LONG, TITLE};

    #[sea_orm_cached_field::cached_fields]
    #[sea_orm::model]
    #[derive(Clone, Debug, PartialEq, DeriveEntityModel)]
    #[sea_orm(table_name = "shelf")]
    pub struct Model {
        #[sea_orm(primary_key, auto_increment = false)]
        pub id: i32,
        pub room_id: Option<i32>,
        #[sea_orm(belongs_to, from = "room_id", to = "id")]
        pub room: BelongsTo<Option<super::room::Entity>>,
        #[sea_orm(has_many)]
        pub books: HasMany<super::book::Entity>,

        #[cached(count(books))]
        pub books_count: i64,
        #[cached(count(books, where(lent && pages >= LONG)))]
        pub long_lent: i32,
        #[cached(count(books, where(!(pages < 100 || kind == Kind::Novel))))]
        pub other: i64,
        #[cached(count(books, where(title == TITLE || title != "a" && price < 2.5)))]
        pub titled: i64,
        #[cached(exists(books, where(returned.is_null())))]
        pub waits: bool,
        #[cached(exists(books.authors))]
        pub written: bool,
        #[cached(sum(books.pages))]
        pub pages: i64,
        #[cached(sum(books.returned, where(!returned.is_null() && kind != Kind::Novel)))]
        pub returned: i32,
        #[cached(sum(books.price))]
        pub price: f64,
        #[cached(sum(books.tax))]
        #[sea_orm(column_type = "Decimal(Some((16, 4)))")]
        pub tax: Decimal,
        #[cached(min(books.title))]
        pub first: Option<String>,
        #[cached(max(books.tax))]
        #[sea_orm(column_type = "Decimal(Some((16, 4)))")]
        pub highest_tax: Option<Decimal>,
        #[cached(max(books.printed, where(pages > -1)))]
        pub latest: Option<Date>,
        #[cached(avg(books.pages))]
        pub length: Option<f64>,
        #[cached(avg(books.tax))]
        #[sea_orm(column_type = "Decimal(Some((16, 4)))")]
        pub average_tax: Option<Decimal>,
        #[cached(avg(books.pages))]
        #[sea_orm(column_type = "Decimal(Some((20, 8)))")]
        pub exact_length: Option<Decimal>,
        #[cached(sum(books.weight))]
        pub weight: f64,
        #[cached(count(books.authors))]
        pub authorships: i64,
        #[cached(count(books.authors, where(alive)), flagging = "collector", debounce = "1ms")]
        pub alive: i64,
        #[cached(sum(room.shelves.books.pages))]
        pub pages_of_the_room: i64,
        #[cached(max(super::room.area))]
        pub area: Option<i16>,
        /// From another roll-up.
        #[cached(min(room.shelves.cached_books_count))]
        pub fewest: Option<i64>,
    }

    impl ActiveModelBehavior for ActiveModel {}
}

pub mod book {
    use sea_orm::entity::prelude::*;

    /// A title that needs quotes.
    pub const TITLE: &str = "it's \"\\ ?";

    /// The pages of a long book.
    pub const LONG: i32 = 300;

    #[derive(Clone, Debug, PartialEq, Eq, EnumIter, DeriveActiveEnum)]
    #[sea_orm(rs_type = "String", db_type = "Enum", enum_name = "kind")]
    pub enum Kind {
        #[sea_orm(string_value = "novel")]
        Novel,
        #[sea_orm(string_value = "comic")]
        Comic,
    }

    #[sea_orm::model]
    #[derive(Clone, Debug, PartialEq, DeriveEntityModel)]
    #[sea_orm(table_name = "book")]
    pub struct Model {
        #[sea_orm(primary_key, auto_increment = false)]
        pub id: i32,
        pub shelf_id: Option<i32>,
        #[sea_orm(belongs_to, from = "shelf_id", to = "id")]
        pub shelf: BelongsTo<Option<super::shelf::Entity>>,
        #[sea_orm(has_many, via = "authorship")]
        pub authors: HasMany<super::author::Entity>,
        pub title: String,
        pub pages: i32,
        pub kind: Option<Kind>,
        pub lent: bool,
        pub price: Option<f64>,
        #[sea_orm(column_type = "Decimal(Some((16, 4)))")]
        pub tax: Option<Decimal>,
        pub returned: Option<i32>,
        pub weight: Option<f32>,
        pub printed: Option<Date>,
    }

    impl ActiveModelBehavior for ActiveModel {}
}

pub mod authorship {
    use sea_orm::entity::prelude::*;

    #[sea_orm::model]
    #[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
    #[sea_orm(table_name = "authorship")]
    pub struct Model {
        #[sea_orm(primary_key, auto_increment = false)]
        pub book_id: i32,
        #[sea_orm(primary_key, auto_increment = false)]
        pub author_id: i32,
        #[sea_orm(belongs_to, from = "book_id", to = "id")]
        pub book: BelongsTo<super::book::Entity>,
        #[sea_orm(belongs_to, from = "author_id", to = "id")]
        pub author: BelongsTo<super::author::Entity>,
    }

    impl ActiveModelBehavior for ActiveModel {}
}

pub mod author {
    use sea_orm::entity::prelude::*;

    #[sea_orm::model]
    #[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
    #[sea_orm(table_name = "author")]
    pub struct Model {
        #[sea_orm(primary_key, auto_increment = false)]
        pub id: i32,
        pub alive: Option<bool>,
        #[sea_orm(has_many, via = "authorship")]
        pub books: HasMany<super::book::Entity>,
    }

    impl ActiveModelBehavior for ActiveModel {}
}

pub mod room {
    use sea_orm::entity::prelude::*;

    #[sea_orm::model]
    #[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
    #[sea_orm(table_name = "room")]
    pub struct Model {
        #[sea_orm(primary_key, auto_increment = false)]
        pub id: i32,
        pub area: i16,
        #[sea_orm(has_many)]
        pub shelves: HasMany<super::shelf::Entity>,
    }

    impl ActiveModelBehavior for ActiveModel {}
}

pub fn shelves() -> CachedFields {
    CachedFields::of::<shelf::Entity>()
}

/// Empty tables.
pub async fn set_up_shelves(db: &TestDb) {
    if db.get_database_backend() == sea_orm::DbBackend::Postgres {
        db.sql("CREATE TYPE kind AS ENUM ('novel', 'comic')").await;
    }
    db.create(room::Entity).await;
    db.create(shelf::Entity).await;
    db.create(book::Entity).await;
    db.create(author::Entity).await;
    db.create(authorship::Entity).await;
    db.sql("CREATE INDEX shelf_of_book ON book (shelf_id)").await;
    db.sql("CREATE INDEX room_of_shelf ON shelf (room_id)").await;
    shelves().install(&**db).await.expect("installed");
}
