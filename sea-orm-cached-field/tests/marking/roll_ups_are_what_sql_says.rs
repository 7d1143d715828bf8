use fastrand::Rng;
use sea_orm::{ConnectionTrait, EntityTrait, QueryResult, Statement, prelude::Decimal};
use sea_orm_cached_field::{CachedFields, Error, InstallError};

use crate::{
    harness::{
        TestDb,
        lampposts::{lampposts, set_up_lampposts},
    },
    shelves::{book::TITLE, *},
    support::{NOTHING, Watch},
};

const SHELVES: i32 = 6;

/// Each field, with the value that it should have.
const VALUES: &[(&str, &str)] = &[
    ("books_count", "count(book.id)"),
    ("long_lent", "count(CASE WHEN book.lent AND book.pages >= 300 THEN 1 END)"),
    ("other", "count(CASE WHEN NOT (book.pages < 100 OR book.kind = 'novel') THEN 1 END)"),
    (
        "titled",
        "count(CASE WHEN book.title = {title} OR (book.title <> 'a' AND book.price < 2.5)
                    THEN 1 END)",
    ),
    ("waits", "max(CASE WHEN book.id IS NOT NULL AND book.returned IS NULL THEN 1 ELSE 0 END) = 1"),
    ("written", "count(authorship.author_id) > 0"),
    ("pages", "coalesce(sum(book.pages), 0)"),
    ("returned", "coalesce(sum(CASE WHEN book.kind <> 'novel' THEN book.returned END), 0)"),
    ("price", "coalesce(sum(book.price), 0)"),
    ("tax", "coalesce(sum(book.tax), 0)"),
    ("first", "min(book.title)"),
    ("highest_tax", "max(book.tax)"),
    ("latest", "max(book.printed)"),
    ("length", "avg(book.pages * 1e0)"),
    ("average_tax", "avg(book.tax)"),
    ("exact_length", "avg(book.pages * 1e0)"),
    ("weight", "coalesce(sum(book.weight * 1e0), 0)"),
    ("authorships", "count(author.id)"),
    ("alive", "count(CASE WHEN author.alive THEN 1 END)"),
    ("pages_of_the_room", "coalesce(sum(neighbour_book.pages), 0)"),
    ("area", "max(room.area)"),
    ("fewest", "min(neighbour.cached_books_count)"),
];

/// The tables that lead to the rows of a field.
fn tables(field: &str) -> &'static str {
    match field {
        "written" | "authorships" | "alive" => {
            "LEFT JOIN book ON book.shelf_id = shelf.id
             LEFT JOIN authorship ON authorship.book_id = book.id
             LEFT JOIN author ON author.id = authorship.author_id"
        }
        "pages_of_the_room" | "area" | "fewest" => {
            "LEFT JOIN room ON room.id = shelf.room_id
             LEFT JOIN shelf neighbour ON neighbour.room_id = room.id
             LEFT JOIN book neighbour_book ON neighbour_book.shelf_id = neighbour.id"
        }
        _ => "LEFT JOIN book ON book.shelf_id = shelf.id",
    }
}

fn quoted(db: &TestDb, text: &str) -> String {
    let text = text.replace('\'', "''");
    format!("'{}'", if db.is_mysql() { text.replace('\\', "\\\\") } else { text })
}

/// All shelves are fresh, and each value is what its query says.
async fn all_agree(db: &TestDb) {
    assert_eq!(db.pending("shelf").await, 0);
    let text = if db.is_mysql() { "CHAR" } else { "TEXT" };
    for (field, value) in VALUES {
        let value = value.replace("{title}", &quoted(db, TITLE));
        let said = format!(
            "SELECT shelf.id, CAST({value} AS {text}) AS value
               FROM shelf
               {tables}
              GROUP BY shelf.id
              ORDER BY shelf.id",
            tables = tables(field),
        );
        let stored = format!(
            "SELECT id, CAST(cached_{field} AS {text}) AS value
               FROM shelf
              WHERE NOT {field}_recalculation_needed
              ORDER BY id"
        );
        let [said, stored] = [values(db, said).await, values(db, stored).await];
        let is_same =
            |(said, stored): (&Value, &Value)| said.0 == stored.0 && is_same(&said.1, &stored.1);
        assert!(
            said.len() == stored.len() && said.iter().zip(&stored).all(is_same),
            "{field} is {stored:?}, not {said:?}"
        );
    }
}

/// The number of a row, and a value of it.
type Value = (i32, Option<String>);

async fn values(db: &TestDb, select: String) -> Vec<Value> {
    let select = Statement::from_string(db.get_database_backend(), select);
    let rows = db.query_all_raw(select).await.expect("rows");
    let value = |row: &QueryResult| {
        (row.try_get("", "id").expect("a number"), row.try_get("", "value").expect("a text"))
    };
    rows.iter().map(value).collect()
}

/// Databases write means with more digits or fewer.
fn is_same(one: &Option<String>, other: &Option<String>) -> bool {
    let number = |value: &Option<String>| value.as_ref().and_then(|text| text.parse::<f64>().ok());
    match (number(one), number(other)) {
        (Some(one), Some(other)) => (one - other).abs() < 0.000_1,
        _ => one == other,
    }
}

/// Does something at random to the tables.
async fn edit(db: &TestDb, chance: &mut Rng, id: i32) {
    let or_null = |chance: &mut Rng, value: String| match chance.u8(..4) {
        0 => "NULL".to_owned(),
        _ => value,
    };
    let shelf = chance.i32(1..=SHELVES).to_string();
    let shelf = or_null(chance, shelf);
    let pages = chance.i32(0..500);
    let title = chance.choice(["a", "b", "C", TITLE]).expect("a title");
    let title = quoted(db, title);
    let kind = chance.choice(["'novel'", "'comic'"]).expect("a kind").to_owned();
    let kind = or_null(chance, kind);
    let lent = chance.bool();
    let quarter = f64::from(chance.i32(-8..40)) / 4.0;
    let quarter = or_null(chance, quarter.to_string());
    let small = chance.i32(-5..5).to_string();
    let small = or_null(chance, small);
    let day = format!("'20{:02}-0{}-11'", chance.u8(10..30), chance.u8(1..=9));
    let day = or_null(chance, day);
    let book = chance.i32(1..=id.max(1));
    let author = chance.i32(1..=5);
    let room = chance.i32(1..=3).to_string();
    let room = or_null(chance, room);

    let statement = match chance.u8(..10) {
        0..=3 => format!(
            "INSERT INTO book
                    (id, shelf_id, title, pages, kind, lent, price, tax, returned, printed)
             VALUES ({id}, {shelf}, {title}, {pages}, {kind}, {lent}, {quarter}, {quarter},
                    {small}, {day})"
        ),
        4 => format!(
            "UPDATE book SET pages = {pages}, lent = {lent}, returned = {small} WHERE id <= {book}"
        ),
        5 => format!(
            "UPDATE book
                SET shelf_id = {shelf}, kind = {kind}, price = {quarter}, tax = {quarter},
                    printed = {day}
              WHERE id = {book}"
        ),
        6 => format!("DELETE FROM book WHERE id = {book}"),
        7 => format!(
            "INSERT INTO authorship (book_id, author_id)
             SELECT {book}, {author}
              WHERE NOT EXISTS (
                    SELECT 1 FROM authorship WHERE book_id = {book} AND author_id = {author})
                AND EXISTS (SELECT 1 FROM book WHERE id = {book})"
        ),
        8 => format!("UPDATE author SET alive = {lent} WHERE id = {author}"),
        _ => format!("UPDATE shelf SET room_id = {room} WHERE id = {shelf}"),
    };
    let statement = match statement.starts_with("DELETE") {
        true => vec![format!("DELETE FROM authorship WHERE book_id = {book}"), statement],
        false => vec![statement],
    };
    for statement in statement {
        db.sql(&statement).await;
    }
}

async fn fill(db: &TestDb) {
    db.sql("INSERT INTO room (id, area) VALUES (1, 10), (2, 20), (3, 30)").await;
    let ids = (1..=SHELVES).map(|id| format!("({id}, {})", id % 3 + 1)).collect::<Vec<_>>();
    db.sql(&format!("INSERT INTO shelf (id, room_id) VALUES {}", ids.join(", "))).await;
    db.sql(
        "INSERT INTO author (id, alive)
         VALUES (1, true), (2, false), (3, NULL), (4, true), (5, true)",
    )
    .await;
}

#[apply(contract)]
async fn after_any_edits(db: TestDb) {
    set_up_shelves(&db).await;
    fill(&db).await;
    db.drain(shelves()).await;
    all_agree(&db).await;

    let mut chance = Rng::with_seed(1);
    let mut id = 0;
    for _ in 0..12 {
        for _ in 0..8 {
            id += 1;
            edit(&db, &mut chance, id).await;
        }
        db.drain(shelves()).await;
        all_agree(&db).await;
    }
}

#[apply(contract)]
async fn of_no_rows(db: TestDb) {
    set_up_shelves(&db).await;
    db.sql("INSERT INTO shelf (id) VALUES (1)").await;
    db.drain(shelves()).await;

    let shelf = shelf::Entity::find_by_id(1).one(&*db).await.unwrap().unwrap();
    assert_eq!((shelf.cached_books_count, shelf.cached_pages), (Some(0), Some(0)));
    assert_eq!((shelf.cached_price, shelf.cached_tax), (Some(0.0), Some(0.into())));
    assert_eq!((shelf.cached_waits, shelf.cached_written), (Some(false), Some(false)));
    assert_eq!((shelf.cached_first, shelf.cached_length), (None, None));
    assert!(!shelf.first_recalculation_needed && !shelf.length_recalculation_needed);
}

/// A row is marked by the columns that the roll-up reads, and by no other.
#[apply(contract)]
async fn and_nothing_else_makes_them_stale(db: TestDb) {
    set_up_shelves(&db).await;
    fill(&db).await;
    db.sql("INSERT INTO book (id, shelf_id, title, pages, lent) VALUES (1, 1, 'a', 5, true)").await;
    let mut watch = Watch::begin(&db, shelves).await;

    assert_eq!(watch.after("UPDATE book SET lent = false").await, ["shelf.long_lent 1, unchanged"]);
    assert_eq!(
        watch.after("UPDATE book SET title = 'b'").await,
        ["shelf.first 1", "shelf.titled 1, unchanged"]
    );
    assert_eq!(watch.after("UPDATE author SET alive = false").await, NOTHING);
}

#[apply(contract)]
async fn a_reader_gets_it_for_its_row(db: TestDb) {
    set_up_shelves(&db).await;
    fill(&db).await;
    let shelf = shelf::Entity::find_by_id(1).one(&*db).await.unwrap().unwrap();
    assert_eq!(shelf.books_count(&*db).await.unwrap(), 0);
    db.sql("INSERT INTO book (id, shelf_id, title, pages, lent) VALUES (1, 1, 'a', 5, true)").await;
    assert_eq!(shelf.fresh_books_count(&*db).await.unwrap(), 1);
    assert_eq!(shelf.fresh_first(&*db).await.unwrap().as_deref(), Some("a"));
    assert_eq!(shelf.fresh_length(&*db).await.unwrap(), Some(5.0));
    assert!(shelf.fresh_waits(&*db).await.unwrap());
}

/// The same columns, put together in another way.
#[apply(contract)]
async fn another_definition_makes_all_rows_stale(db: TestDb) {
    set_up_shelves(&db).await;
    fill(&db).await;
    db.drain(shelves()).await;
    let columns = "books_count_recalculation_needed = false";
    let fresh = format!("SELECT count(*) FROM shelf WHERE {columns}");
    assert_eq!(db.scalar::<i64>(&fresh).await, i64::from(SHELVES));

    let record = "UPDATE \"_shelf_cached_versions\"
                     SET inputs = replace(inputs, 'count(books)', 'count(books, where(lent))')
                   WHERE field = 'books_count'";
    assert_eq!(db.sql(&db.quoted(record)).await, 1);
    let changes = shelves().install(&*db).await.expect("installed");
    assert_eq!(db.scalar::<i64>(&fresh).await, 0, "{changes}");
    db.drain(shelves()).await;
    all_agree(&db).await;
}

/// Whole numbers have no digits after the point, and an `f32` has seven in all. SQLite adds up
/// decimals as binary numbers.
#[apply(contract)]
async fn they_have_the_digits_of_their_field(db: TestDb) {
    set_up_shelves(&db).await;
    db.sql("INSERT INTO shelf (id) VALUES (1)").await;
    db.sql(
        "INSERT INTO book (id, shelf_id, title, lent, pages, weight, tax)
         VALUES (1, 1, '', true, 1, 16777216, 0.1), (2, 1, '', true, 1, 1, 0.2),
                (3, 1, '', true, 2, 1, NULL)",
    )
    .await;
    db.drain(shelves()).await;

    let shelf = shelf::Entity::find_by_id(1).one(&*db).await.unwrap().unwrap();
    let mean = shelf.cached_exact_length.expect("a mean").round_dp(8);
    assert_eq!(mean.to_string(), "1.33333333");
    assert_eq!(shelf.cached_weight, Some(16_777_218.0));
    assert_eq!(shelf.cached_tax, Some(Decimal::new(3, 1)));
}

/// Only on SQLite columns hold any number of digits.
#[apply(contract)]
async fn a_sum_that_its_column_does_not_hold_fails_alone(db: TestDb) {
    set_up_shelves(&db).await;
    db.sql("INSERT INTO shelf (id) VALUES (1), (2)").await;
    db.sql(
        "INSERT INTO book (id, shelf_id, title, lent, pages, tax)
         VALUES (1, 1, '', true, 1, 900000000000), (2, 1, '', true, 1, 900000000000),
                (3, 2, '', true, 1, 5)",
    )
    .await;
    db.drain(shelves()).await;

    let stale = "SELECT id FROM shelf WHERE tax_recalculation_needed";
    let stale: Vec<i64> =
        db.rows(stale).await.iter().filter_map(|row| row["id"].as_i64()).collect();
    assert_eq!(stale, if db.is_sqlite() { vec![] } else { vec![1] });
}

#[apply(contract)]
async fn a_calculation_instead_of_one_makes_all_rows_stale(db: TestDb) {
    set_up_lampposts(&db).await;
    db.sql("INSERT INTO lamppost (id, first_name) VALUES (1, 'Ada')").await;
    db.drain(lampposts()).await;
    let inputs: String =
        db.scalar("SELECT inputs FROM _lamppost_cached_versions WHERE field = 'full_name'").await;
    let is_stale = "SELECT count(*) FROM lamppost WHERE full_name_recalculation_needed";

    lampposts().install(&*db).await.expect("installed");
    assert_eq!(db.scalar::<i64>(is_stale).await, 0);
    let record =
        format!("UPDATE _lamppost_cached_versions SET inputs = '{inputs}\n= count(pigeons)'");
    db.sql(&record).await;
    lampposts().install(&*db).await.expect("installed");
    assert_eq!(db.scalar::<i64>(is_stale).await, 1);
}

mod wrong {
    use sea_orm::entity::prelude::*;

    #[sea_orm_cached_field::cached_fields]
    #[sea_orm::model]
    #[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
    #[sea_orm(table_name = "wrong")]
    pub struct Model {
        #[sea_orm(primary_key, auto_increment = false)]
        pub id: i32,
        pub title: String,
        pub up_id: i32,
        #[sea_orm(
            self_ref,
            relation_enum = "Up",
            relation_reverse = "Down",
            from = "up_id",
            to = "id"
        )]
        pub up: BelongsTo<Entity>,
        #[sea_orm(self_ref, relation_enum = "Down", relation_reverse = "Up")]
        pub down: HasMany<Entity>,
        #[cached(sum(down.title))]
        pub titles: i64,
    }

    impl ActiveModelBehavior for ActiveModel {}
}

mod unordered {
    use sea_orm::entity::prelude::*;

    #[derive(Clone, Debug, PartialEq, Eq, EnumIter, DeriveActiveEnum)]
    #[sea_orm(rs_type = "String", db_type = "Enum", enum_name = "priority")]
    pub enum Priority {
        #[sea_orm(string_value = "low")]
        Low,
        #[sea_orm(string_value = "high")]
        High,
    }

    #[sea_orm_cached_field::cached_fields]
    #[sea_orm::model]
    #[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
    #[sea_orm(table_name = "unordered")]
    pub struct Model {
        #[sea_orm(primary_key, auto_increment = false)]
        pub id: i32,
        pub priority: Priority,
        pub up_id: i32,
        #[sea_orm(
            self_ref,
            relation_enum = "Up",
            relation_reverse = "Down",
            from = "up_id",
            to = "id"
        )]
        pub up: BelongsTo<Entity>,
        #[sea_orm(self_ref, relation_enum = "Down", relation_reverse = "Up")]
        pub down: HasMany<Entity>,
        #[cached(count(down, where(priority < Priority::High)))]
        pub unimportant: i64,
    }

    impl ActiveModelBehavior for ActiveModel {}
}

#[apply(on_sqlite)]
async fn an_order_of_enums_is_refused(db: TestDb) {
    let refused = CachedFields::of::<unordered::Entity>().install(&*db).await.unwrap_err();
    assert_eq!(
        refused.to_string(),
        "`unimportant` of `unordered` cannot depend on `unordered()`: at `unordered`, the databases \
         do not put the values of `priority` in the same order"
    );
}

#[apply(on_sqlite)]
async fn a_sum_of_texts_is_refused(db: TestDb) {
    let refused = CachedFields::of::<wrong::Entity>().install(&*db).await.unwrap_err();
    assert!(matches!(refused, InstallError::Fields(Error::WrongRollUp { .. })), "{refused:?}");
    assert_eq!(
        refused.to_string(),
        "`titles` of `wrong` cannot be `sum(down.title)`: `title` is no number"
    );
}
