use sea_orm::{
    ActiveModelTrait,
    ActiveValue::Set,
    ColumnTrait, DbBackend, EntityTrait, QueryFilter, Value,
    prelude::{Date, DateTime, Decimal, TextUuid, Uuid},
    sea_query::Expr,
};
use sea_orm_cached_field::CachedFields;

use crate::{
    harness::TestDb,
    support::{NOTHING, Watch},
};

/// An owner with this type of key, and rows related to it.
macro_rules! keyed {
    (
        $owner:ident, $part:ident, $key:ident, $owner_table:literal, $part_table:literal
        $(, $column_type:literal)? $(, $prepared:ident)?
    ) => {
        #[allow(dead_code, reason = "SeaORM makes more than is used here")]
        mod $owner {
            use sea_orm::entity::prelude::*;
            use sea_orm_cached_field::cached_fields;

            #[cached_fields]
            #[sea_orm::model]
            #[derive(Clone, Debug, PartialEq, DeriveEntityModel)]
            #[sea_orm(table_name = $owner_table)]
            pub struct Model {
                #[sea_orm(primary_key, auto_increment = false $(, column_type = $column_type)?)]
                pub id: $key,
                pub base: i64,
                #[sea_orm(has_many)]
                pub parts: HasMany<super::$part::Entity>,
                #[cached(depends_on(base, parts(size)))]
                pub total: i64,
            }

            impl ActiveModelBehavior for ActiveModel {}

            impl Model {
                pub async fn calculate_total(&self, db: &impl ConnectionTrait) -> Result<i64, DbErr> {
                    let parts = self.find_related(super::$part::Entity).all(db).await?;
                    Ok(self.base + parts.iter().map(|part| part.size).sum::<i64>())
                }
            }
        }

        #[allow(dead_code, reason = "SeaORM makes more than is used here")]
        mod $part {
            use sea_orm::entity::prelude::*;

            #[sea_orm::model]
            #[derive(Clone, Debug, PartialEq, DeriveEntityModel)]
            #[sea_orm(table_name = $part_table)]
            pub struct Model {
                #[sea_orm(primary_key)]
                pub id: i32,
                pub size: i64,
                $(#[sea_orm(column_type = $column_type)])?
                pub owner_id: $key,
                #[sea_orm(belongs_to, from = "owner_id", to = "id")]
                pub owner: BelongsTo<super::$owner::Entity>,
            }

            impl ActiveModelBehavior for ActiveModel {}
        }

        impl Keyed for $owner::Entity {
            type Key = $key;

            async fn follow(db: &TestDb, [one, two, three]: [$key; 3]) {
                db.create($owner::Entity).await;
                db.create($part::Entity).await;
                $($prepared(db).await;)?
                CachedFields::of::<$owner::Entity>().install(&**db).await.expect("installed");
                for id in [&one, &two] {
                    let owner = $owner::ActiveModel { id: Set(id.clone()), base: Set(1), ..Default::default() };
                    owner.insert(&**db).await.expect("an owner");
                }
                let mut watch = Watch::begin(db, || CachedFields::of::<$owner::Entity>()).await;
                let told = |id: &$key| format!("{}.total {}", $owner_table, Value::from(id.clone()));

                let part = $part::ActiveModel { size: Set(5), owner_id: Set(one.clone()), ..Default::default() };
                part.insert(&**db).await.expect("a part");
                assert_eq!(watch.recalculated().await, [told(&one)]);

                let moved = $part::ActiveModel { id: Set(1), owner_id: Set(two.clone()), ..Default::default() };
                moved.update(&**db).await.expect("moved");
                let mut both = [told(&one), told(&two)];
                both.sort();
                assert_eq!(watch.recalculated().await, both);

                let renamed = $owner::Entity::update_many().col_expr($owner::Column::Id, Expr::value(three.clone()));
                renamed.filter($owner::Column::Id.eq(one)).exec(&**db).await.expect("renamed");
                assert_eq!(watch.recalculated().await, [format!("{}, unchanged", told(&three))]);

                let row = $owner::Entity::find_by_id(two).one(&**db).await.expect("loaded").expect("the row");
                assert_eq!(row.cached_total, Some(6));
                assert_eq!(row.fresh_total(&**db).await.expect("read"), 6);
                row.recalculate_total(&**db).await.expect("recalculated");
                assert_eq!(db.pending($owner_table).await, 0);
            }

            async fn recognize(db: &TestDb, [owner, part]: [Spelled; 2]) {
                let Spelled(kind, spelled) = owner;
                let columns = "base bigint NOT NULL, cached_total bigint,
                    total_recalculation_needed boolean NOT NULL DEFAULT true";
                db.sql(&format!(
                    "CREATE TABLE {} (id {kind} NOT NULL PRIMARY KEY, {columns})",
                    $owner_table
                ))
                .await;
                let Spelled(kind, otherwise) = part;
                let columns = "id integer PRIMARY KEY, size bigint NOT NULL";
                db.sql(&format!(
                    "CREATE TABLE {} ({columns}, owner_id {kind} NOT NULL)",
                    $part_table
                ))
                .await;

                let owners = || CachedFields::of::<$owner::Entity>();
                let installed = owners().install(&**db).await;
                if db.is_mysql() && owner.0 != part.0 {
                    let refused = installed.expect_err("MySQL compares such columns in another way than their keys");
                    assert!(refused.to_string().contains("are of different types; make them of one type"), "{refused}");
                    return;
                }
                installed.expect("installed");
                db.sql(&format!("INSERT INTO {} (id, base) VALUES ({spelled}, 1)", $owner_table))
                    .await;
                db.drain(owners()).await;

                for (id, size, total) in [(1, 5, 6), (2, 7, 13)] {
                    db.sql(&format!(
                        "INSERT INTO {} VALUES ({id}, {size}, {otherwise})",
                        $part_table
                    ))
                    .await;
                    db.drain(owners()).await;
                    let row = $owner::Entity::find().one(&**db).await.expect("loaded").expect("the row");
                    assert_eq!((row.cached_total, row.total_recalculation_needed), (Some(total), false));
                    assert_eq!(db.pending($owner_table).await, 0);
                }

                db.sql(&format!("UPDATE {} SET size = 8 WHERE id = 1", $part_table)).await;
                let row = $owner::Entity::find().one(&**db).await.expect("loaded").expect("the row");
                assert_eq!(row.fresh_total(&**db).await.expect("read"), 16);
                assert_eq!(db.drain(owners()).await, 0, "the read has stored it");
            }
        }
    };
}

trait Keyed {
    type Key;
    async fn follow(db: &TestDb, keys: [Self::Key; 3]);
    /// The owner's key and what names it are equal for the database, though they are not spelled
    /// alike. MySQL refuses columns of different types.
    async fn recognize(db: &TestDb, owner_and_part: [Spelled; 2]);
}

/// The type of a column, and a literal of it.
#[derive(Clone, Copy)]
struct Spelled(&'static str, &'static str);

keyed!(box32, part32, i32, "box32", "part32");
keyed!(box64, part64, i64, "box64", "part64");
keyed!(word, letter, String, "word", "letter");
keyed!(thing, piece, Uuid, "thing", "piece");
keyed!(label, tag, TextUuid, "label", "tag");
keyed!(ratio, sample, f64, "ratio", "sample");
keyed!(price, offer, Decimal, "price", "offer", "Decimal(Some((12, 3)))");
keyed!(day, event, Date, "day", "event");
keyed!(moment, reading, DateTime, "moment", "reading", with_fractions);

/// SeaORM's columns of MySQL hold whole seconds.
async fn with_fractions(db: &TestDb) {
    if db.is_mysql() {
        db.sql(
            "ALTER TABLE reading
               DROP FOREIGN KEY `fk-reading-owner_id`,
               MODIFY owner_id datetime(6) NOT NULL;
             ALTER TABLE moment MODIFY id datetime(6) NOT NULL",
        )
        .await;
    }
}

mod seat {
    use sea_orm::entity::prelude::*;
    use sea_orm_cached_field::cached_fields;

    #[cached_fields]
    #[sea_orm::model]
    #[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
    #[sea_orm(table_name = "seat")]
    pub struct Model {
        #[sea_orm(primary_key, auto_increment = false)]
        pub number: i32,
        #[sea_orm(primary_key, auto_increment = false)]
        pub hall: String,
        #[sea_orm(has_many)]
        pub tickets: HasMany<super::ticket::Entity>,
        #[sea_orm(has_many)]
        pub fees: HasMany<super::fee::Entity>,
        #[cached(depends_on(tickets(price), fees(amount)))]
        pub income: i64,
    }

    impl ActiveModelBehavior for ActiveModel {}

    impl Model {
        pub async fn calculate_income(&self, db: &impl ConnectionTrait) -> Result<i64, DbErr> {
            let tickets = self.find_related(super::ticket::Entity).all(db).await?;
            let fees = self.find_related(super::fee::Entity).all(db).await?;
            let prices: i64 = tickets.iter().map(|ticket| ticket.price).sum();
            Ok(prices - fees.iter().map(|fee| fee.amount).sum::<i64>())
        }
    }
}

mod ticket {
    use sea_orm::entity::prelude::*;

    #[sea_orm::model]
    #[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
    #[sea_orm(table_name = "ticket")]
    pub struct Model {
        #[sea_orm(primary_key)]
        pub id: i32,
        pub price: i64,
        pub seat_hall: Option<String>,
        pub seat_number: Option<i32>,
        #[sea_orm(
            belongs_to,
            from = "(seat_number, seat_hall)",
            to = "(number, hall)",
            on_update = "Cascade",
            on_delete = "Cascade"
        )]
        pub seat: BelongsTo<Option<super::seat::Entity>>,
    }

    impl ActiveModelBehavior for ActiveModel {}
}

/// Related by a part of the key: to all seats of a hall.
mod fee {
    use sea_orm::entity::prelude::*;

    #[sea_orm::model]
    #[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
    #[sea_orm(table_name = "fee")]
    pub struct Model {
        #[sea_orm(primary_key)]
        pub id: i32,
        pub amount: i64,
        pub hall: String,
        #[sea_orm(belongs_to, from = "hall", to = "hall", skip_fk)]
        pub seat: BelongsTo<super::seat::Entity>,
    }

    impl ActiveModelBehavior for ActiveModel {}
}

fn seats() -> sea_orm_cached_field::CachedFields {
    CachedFields::of::<seat::Entity>()
}

/// Three seats, with the number and the hall that are most alike.
async fn seated(db: &TestDb) -> Watch<'_> {
    db.create(seat::Entity).await;
    db.create(ticket::Entity).await;
    db.create(fee::Entity).await;
    seats().install(&**db).await.expect("installed");
    db.sql(
        "INSERT INTO seat (number, hall)
         VALUES (1, 'O''Hall, \"a\"'), (2, 'O''Hall, \"a\"'), (1, 'b')",
    )
    .await;
    Watch::begin(db, seats).await
}

#[apply(contract)]
async fn an_integer(db: TestDb) {
    box32::Entity::follow(&db, [1, i32::MAX, i32::MIN]).await;
}

#[apply(contract)]
async fn a_bigint_beyond_what_a_float_holds(db: TestDb) {
    const EXACT: i64 = 1 << 53;
    box64::Entity::follow(&db, [EXACT, EXACT + 1, i64::MAX]).await;
    let totals = db.rows("SELECT cached_total FROM box64 ORDER BY id").await;
    assert_eq!(
        totals.iter().map(|row| row["cached_total"].as_i64()).collect::<Vec<_>>(),
        [Some(6), Some(1)]
    );
}

#[apply(contract)]
async fn a_text(db: TestDb) {
    let [one, two, three] = ["O'Brien \"Bob\", \\{NULL}", "Zoë 🕊", ""];
    word::Entity::follow(&db, [one.to_owned(), two.to_owned(), three.to_owned()]).await;
}

#[apply(contract)]
async fn a_uuid(db: TestDb) {
    thing::Entity::follow(&db, [Uuid::new_v4(), Uuid::new_v4(), Uuid::nil()]).await;
}

#[apply(contract)]
async fn a_uuid_in_a_text(db: TestDb) {
    label::Entity::follow(&db, [Uuid::new_v4(), Uuid::new_v4(), Uuid::nil()].map(TextUuid)).await;
}

#[apply(contract)]
async fn a_float(db: TestDb) {
    ratio::Entity::follow(&db, [0.1 + 0.2, 1e300, -1.5e-9]).await;
}

#[apply(contract)]
async fn a_decimal(db: TestDb) {
    // SQLite keeps no zeros at the end.
    let read = |number: Decimal| if db.is_sqlite() { number.normalize() } else { number };
    price::Entity::follow(
        &db,
        [12_500, -500, 125].map(|thousandths| read(Decimal::new(thousandths, 3))),
    )
    .await;
}

#[apply(contract)]
async fn a_date(db: TestDb) {
    day::Entity::follow(
        &db,
        ["2026-11-28", "1969-12-31", "0001-01-01"].map(|day| day.parse().expect("a date")),
    )
    .await;
}

#[apply(contract)]
async fn a_moment_with_fractions(db: TestDb) {
    let moments =
        ["2026-11-28T12:30:00.123456", "2026-11-28T12:30:00.123457", "1970-01-01T00:00:00"];
    moment::Entity::follow(&db, moments.map(|moment| moment.parse().expect("a moment"))).await;
}

#[apply(contract)]
async fn a_float_with_two_zeros(db: TestDb) {
    let spelled = match db.get_database_backend() {
        DbBackend::Sqlite => [Spelled("real", "0.0"), Spelled("real", "-0.0")],
        DbBackend::MySql => [Spelled("double", "0e0"), Spelled("double", "-0e0")],
        _ => [Spelled("double precision", "'0'"), Spelled("double precision", "'-0'")],
    };
    ratio::Entity::recognize(&db, spelled).await;
}

#[apply(contract)]
async fn a_float_whose_zero_is_negative(db: TestDb) {
    let spelled = match db.get_database_backend() {
        DbBackend::Sqlite => [Spelled("real", "-0.0"), Spelled("real", "0")],
        DbBackend::MySql => [Spelled("double", "-0e0"), Spelled("double", "0e0")],
        _ => [Spelled("double precision", "'-0'"), Spelled("double precision", "'0'")],
    };
    ratio::Entity::recognize(&db, spelled).await;
}

#[apply(contract)]
async fn a_decimal_of_another_scale(db: TestDb) {
    price::Entity::recognize(
        &db,
        [Spelled("decimal(12, 3)", "12.5"), Spelled("decimal(12, 1)", "12.50")],
    )
    .await;
}

#[apply(contract)]
async fn a_moment_of_another_precision(db: TestDb) {
    let kind = |digits| match (db.get_database_backend(), digits) {
        (DbBackend::Sqlite, _) => "datetime_text",
        (DbBackend::MySql, 0) => "datetime",
        (DbBackend::MySql, _) => "datetime(6)",
        (_, 0) => "timestamp(0)",
        (_, _) => "timestamp(6)",
    };
    let moment = "'2026-11-28 12:30:00'";
    moment::Entity::recognize(&db, [Spelled(kind(6), moment), Spelled(kind(0), moment)]).await;
}

#[apply(contract)]
async fn a_uuid_in_a_text_that_knows_no_case(db: TestDb) {
    let kind = match db.get_database_backend() {
        DbBackend::Sqlite => "varchar(36) COLLATE NOCASE",
        DbBackend::MySql => "varchar(36)",
        _ => {
            db.sql(
                "CREATE COLLATION nocase
                   (provider = icu, locale = 'und-u-ks-level2', deterministic = false)",
            )
            .await;
            "varchar(36) COLLATE nocase"
        }
    };

    let [upper, lower] =
        ["'6F9619FF-8B86-D011-B42D-00C04FC964FF'", "'6f9619ff-8b86-d011-b42d-00c04fc964ff'"];
    label::Entity::recognize(&db, [Spelled(kind, upper), Spelled(kind, lower)]).await;
}

#[apply(contract)]
async fn several_columns(db: TestDb) {
    let mut watch = seated(&db).await;
    let a1 = r#"seat.income (1, 'O\'Hall, \"a\"')"#;
    let a2 = r#"seat.income (2, 'O\'Hall, \"a\"')"#;
    let b1 = "seat.income (1, 'b')";

    assert_eq!(
        watch
            .after(
                "INSERT INTO ticket (price, seat_number, seat_hall)
                 VALUES (5, 1, 'b'), (7, 1, 'O''Hall, \"a\"')"
            )
            .await,
        [a1, b1]
    );
    assert_eq!(watch.after("UPDATE ticket SET seat_number = 2 WHERE price = 7").await, [a1, a2]);
    assert_eq!(watch.after("UPDATE ticket SET seat_hall = NULL WHERE price = 7").await, [a2]);
    assert_eq!(watch.after("UPDATE ticket SET price = 8 WHERE price = 7").await, NOTHING);
    assert_eq!(
        watch.after("UPDATE seat SET number = 3 WHERE hall = 'b'").await,
        ["seat.income (3, 'b'), unchanged"]
    );
    assert_eq!(
        watch.after("UPDATE ticket SET price = 6 WHERE price = 5").await,
        ["seat.income (3, 'b')"]
    );
    assert_eq!(watch.after("DELETE FROM seat WHERE number = 3").await, NOTHING);
    assert_eq!(db.pending("seat").await, 0);
}

#[apply(contract)]
async fn a_part_of_several_columns(db: TestDb) {
    let mut watch = seated(&db).await;
    let halves = [r#"seat.income (1, 'O\'Hall, \"a\"')"#, r#"seat.income (2, 'O\'Hall, \"a\"')"#];
    assert_eq!(
        watch.after("INSERT INTO fee (amount, hall) VALUES (5, 'O''Hall, \"a\"')").await,
        halves
    );
    assert_eq!(watch.after("UPDATE fee SET hall = 'nowhere'").await, halves);
    assert_eq!(watch.after("UPDATE fee SET amount = 9").await, NOTHING);
    assert_eq!(watch.after("UPDATE fee SET hall = 'b'").await, ["seat.income (1, 'b')"]);
    assert_eq!(db.scalar::<i64>("SELECT cached_income FROM seat WHERE hall = 'b'").await, -9);
    assert_eq!(watch.after("DELETE FROM fee").await, ["seat.income (1, 'b')"]);
    assert_eq!(db.pending("seat").await, 0);
}
