//! Keys that SeaORM writes through a cast and reads through another: native enums, `save_as` and
//! `select_as`.

use sea_orm::{
    ColumnTrait, Condition, ConnectionTrait, DbBackend, EntityTrait, QueryFilter, Schema,
};
use sea_orm_cached_field::CachedFields;

use crate::{
    harness::TestDb,
    support::{NOTHING, Watch},
};

pub mod hunt {
    use sea_orm::{QuerySelect, entity::prelude::*};
    use sea_orm_cached_field::cached_fields;

    use super::prey;

    #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, EnumIter, DeriveActiveEnum)]
    #[sea_orm(rs_type = "String", db_type = "Enum", enum_name = "hunt_region")]
    pub enum Region {
        #[sea_orm(string_value = "south")]
        South,
        #[sea_orm(string_value = "north")]
        North,
    }

    #[cached_fields]
    #[sea_orm::model]
    #[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
    #[sea_orm(table_name = "hunt")]
    pub struct Model {
        #[sea_orm(primary_key, auto_increment = false)]
        pub region: Region,
        #[sea_orm(primary_key, auto_increment = false)]
        pub number: i32,
        #[sea_orm(belongs_to, from = "region", to = "region", skip_fk)]
        pub ranger: BelongsTo<super::ranger::Entity>,
        #[sea_orm(has_many)]
        pub preys: HasMany<super::prey::Entity>,
        #[cached(depends_on(preys(weight), ranger(name)))]
        pub report: String,
        #[cached(query, depends_on(preys(weight)))]
        pub bag: Option<i64>,
    }

    impl ActiveModelBehavior for ActiveModel {}

    impl Model {
        async fn calculate_report(&self, db: &impl ConnectionTrait) -> Result<String, DbErr> {
            let ranger = self.find_related(super::ranger::Entity).one(db).await?;
            let ranger = ranger.map_or_else(|| "no one".to_owned(), |ranger| ranger.name);
            Ok(format!("{} for {ranger}", self.find_related(prey::Entity).all(db).await?.len()))
        }

        fn select_bag() -> Select<prey::Entity> {
            use prey::Column::*;
            let preys = prey::Entity::find().select_only().column(HuntRegion).column(HuntNumber);
            preys.expr(Weight.sum()).group_by(HuntRegion).group_by(HuntNumber)
        }
    }
}

pub mod prey {
    use sea_orm::entity::prelude::*;

    #[sea_orm::model]
    #[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
    #[sea_orm(table_name = "prey")]
    pub struct Model {
        #[sea_orm(primary_key)]
        pub id: i32,
        pub weight: i32,
        pub hunt_region: super::hunt::Region,
        pub hunt_number: i32,
        #[sea_orm(
            belongs_to,
            from = "(hunt_region, hunt_number)",
            to = "(region, number)",
            skip_fk
        )]
        pub hunt: BelongsTo<super::hunt::Entity>,
    }

    impl ActiveModelBehavior for ActiveModel {}
}

pub mod ranger {
    use sea_orm::entity::prelude::*;

    #[sea_orm::model]
    #[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
    #[sea_orm(table_name = "ranger")]
    pub struct Model {
        #[sea_orm(primary_key, auto_increment = false)]
        pub region: super::hunt::Region,
        pub name: String,
        #[sea_orm(has_many)]
        pub hunts: HasMany<super::hunt::Entity>,
    }

    impl ActiveModelBehavior for ActiveModel {}
}

/// A number in the database, text in the program.
pub mod den {
    use sea_orm::entity::prelude::*;
    use sea_orm_cached_field::cached_fields;

    #[cached_fields]
    #[sea_orm::model]
    #[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
    #[sea_orm(table_name = "den")]
    pub struct Model {
        #[sea_orm(primary_key, auto_increment = false, select_as = "text", save_as = "integer")]
        pub code: String,
        #[sea_orm(select_as = "text", save_as = "integer")]
        pub parent: Option<String>,
        pub foxes: i64,
        #[sea_orm(
            self_ref,
            relation_enum = "Parent",
            relation_reverse = "Dens",
            from = "parent",
            to = "code",
            skip_fk
        )]
        pub above: BelongsTo<Option<Entity>>,
        #[sea_orm(self_ref, relation_enum = "Dens", relation_reverse = "Parent")]
        pub dens: HasMany<Entity>,
        #[cached(recursive, depends_on(foxes, dens(cached_total)))]
        pub total: i64,
    }

    impl ActiveModelBehavior for ActiveModel {}

    impl Model {
        async fn calculate_total(&self, db: &impl ConnectionTrait) -> Result<i64, DbErr> {
            let dens = Entity::find().filter(Column::Parent.eq(self.code.clone())).all(db).await?;
            Ok(self.foxes + dens.iter().filter_map(|den| den.cached_total).sum::<i64>())
        }
    }
}

fn hunts() -> CachedFields {
    CachedFields::of::<hunt::Entity>()
}

fn dens() -> CachedFields {
    CachedFields::of::<den::Entity>()
}

async fn hunted(db: &TestDb) -> Watch<'_> {
    let backend = db.get_database_backend();
    for enums in Schema::new(backend)
        .create_enum_from_entity(hunt::Entity)
        .iter()
        .filter(|_| backend == DbBackend::Postgres)
    {
        db.execute(enums).await.expect("a type");
    }

    db.create(ranger::Entity).await;
    db.create(hunt::Entity).await;
    db.create(prey::Entity).await;
    hunts().install(&**db).await.expect("installed");
    db.sql("INSERT INTO ranger (region, name) VALUES ('south', 'Ada'), ('north', 'Bob')").await;
    db.sql("INSERT INTO hunt (region, number) VALUES ('south', 1), ('south', 2), ('north', 1)")
        .await;

    Watch::begin(db, hunts).await
}

/// `hunt.bag ('north', 1)`, and so on.
fn both(key: &str) -> [String; 2] {
    ["bag", "report"].map(|field| format!("hunt.{field} {key}"))
}

#[apply(contract)]
async fn an_enum_in_a_composite_key(db: TestDb) {
    let mut watch = hunted(&db).await;
    assert_eq!(
        watch
            .after("INSERT INTO prey (weight, hunt_region, hunt_number) VALUES (5, 'north', 1)")
            .await,
        both("('north', 1)")
    );
    assert_eq!(
        watch
            .after(
                "INSERT INTO prey (weight, hunt_region, hunt_number)
                 VALUES (7, 'south', 1), (1, 'south', 1)"
            )
            .await,
        both("('south', 1)")
    );

    let moved = [both("('south', 1)"), both("('south', 2)")].concat();
    let mut changed = watch.after("UPDATE prey SET hunt_number = 2 WHERE weight = 7").await;
    changed.sort();
    let mut expected = moved.clone();
    expected.sort();
    assert_eq!(changed, expected);

    assert_eq!(
        watch.after("UPDATE ranger SET name = 'Cid' WHERE region = 'south'").await,
        ["hunt.report ('south', 1)", "hunt.report ('south', 2)"]
    );
    assert_eq!(watch.after("DELETE FROM hunt WHERE region = 'north'").await, NOTHING);
    assert_eq!(db.pending("hunt").await, 0);

    let rows = hunt::Entity::find()
        .filter(hunt::Column::Region.eq(hunt::Region::South))
        .all(&*db)
        .await
        .expect("read");
    let stored: Vec<_> =
        rows.iter().map(|row| (row.number, row.cached_bag, row.cached_report.as_deref())).collect();
    assert_eq!(stored, [(1, Some(1), Some("1 for Cid")), (2, Some(7), Some("1 for Cid"))]);
}

#[apply(contract)]
async fn rows_of_a_composite_key_with_an_enum_are_read_and_recalculated(db: TestDb) {
    hunted(&db).await;
    db.sql("UPDATE ranger SET name = 'Cid'").await;
    let find = hunt::Entity::find_by_id((hunt::Region::South, 1));
    let row = find.clone().one(&*db).await.expect("read").expect("the row");
    assert_eq!(row.fresh_report(&*db).await.expect("read"), "0 for Cid");
    row.flag_report_as_stale(&*db).await.expect("flagged");
    row.recalculate_report(&*db).await.expect("recalculated");

    db.sql("UPDATE ranger SET name = 'Dan'").await;
    let mut rows = hunt::Entity::find().all(&*db).await.expect("read");
    hunt::Report::load(&mut rows, &*db).await.expect("loaded");
    assert!(rows.iter().all(|row| row.cached_report.as_deref() == Some("0 for Dan")), "{rows:?}");

    db.sql("UPDATE ranger SET name = 'Eve'").await;
    let recalculated =
        hunt::Report::recalculate(Condition::all(), &*db).await.expect("recalculated");
    assert_eq!(recalculated, 3);
    db.drain(hunts()).await;
    assert_eq!(
        db.scalar::<i64>("SELECT count(*) FROM hunt WHERE cached_report = '0 for Eve'").await,
        3
    );
    assert_eq!(db.pending("hunt").await, 0);
}

#[apply(contract)]
async fn chunks_of_a_composite_key_with_an_enum_have_their_ends(db: TestDb) {
    hunted(&db).await;
    db.sql(
        "INSERT INTO hunt (region, number)
         WITH RECURSIVE n (n) AS (SELECT 0
                                   UNION ALL
                                  SELECT n + 1 FROM n WHERE n < 104)
         SELECT 'south', 3 + a.n * 100 + b.n
           FROM n a, n b
          WHERE b.n < 100",
    )
    .await;
    db.sql("DELETE FROM _hunt_cached_marks").await;
    db.sql("DELETE FROM _hunt_cached_recalculations").await;
    hunts().install(&*db).await.expect("installed");

    let flagged: i64 =
        db.scalar("SELECT count(*) FROM hunt WHERE report_recalculation_needed").await;
    let marks: i64 =
        db.scalar("SELECT count(*) FROM _hunt_cached_marks WHERE field = 'report'").await;
    assert_eq!((flagged, marks), (10_500, 2), "flagged rows, and marks of chunks");

    // Several chunks of 200.
    let some = Condition::all().add(hunt::Column::Number.lt(500));
    assert_eq!(hunt::Report::recalculate(some, &*db).await.expect("recalculated"), 500);
    db.drain(hunts()).await;
    let flagged: i64 =
        db.scalar("SELECT count(*) FROM hunt WHERE report_recalculation_needed").await;
    assert_eq!((flagged, db.pending("hunt").await), (0, 0));
}

/// What SeaORM casts to differs: MySQL has no `CAST(.. AS text)`.
async fn a_tree_of_dens(db: TestDb) {
    let code = if db.is_sqlite() { "integer" } else { "den_code" };
    db.sql(&format!(
        "CREATE TABLE den (
           code {code} PRIMARY KEY, parent {code}, foxes bigint NOT NULL, cached_total bigint,
           total_recalculation_needed boolean NOT NULL DEFAULT true)"
    ))
    .await;
    dens().install(&*db).await.expect("installed");
    db.sql("INSERT INTO den (code, parent, foxes) VALUES (1, NULL, 1), (10, 1, 2), (100, 10, 4)")
        .await;
    let mut watch = Watch::begin(&db, dens).await;

    assert_eq!(
        watch.after("UPDATE den SET foxes = 5 WHERE code = 100").await,
        ["den.total '1'", "den.total '10'", "den.total '100'"]
    );
    assert_eq!(db.scalar::<i64>("SELECT cached_total FROM den WHERE code = 1").await, 8);

    db.sql("UPDATE den SET foxes = 6 WHERE code = 100").await;
    let row =
        den::Entity::find_by_id("1".to_owned()).one(&*db).await.expect("read").expect("the row");
    assert_eq!(row.fresh_total(&*db).await.expect("read"), 9);
    assert_eq!(den::Total::recalculate(Condition::all(), &*db).await.expect("recalculated"), 3);

    // A circle, which is found and named.
    db.sql("UPDATE den SET parent = 100 WHERE code = 1").await;
    let mut narration = db.narration();
    db.drain(dens()).await;
    let said = narration.said();
    assert!(said.iter().any(|event| event.starts_with("failed den.total")), "{said:?}");

    db.sql("UPDATE den SET parent = NULL WHERE code = 1").await;
    db.let_time_pass("den").await;
    db.drain(dens()).await;
    assert_eq!(db.pending("den").await, 0);
    assert_eq!(db.scalar::<i64>("SELECT cached_total FROM den WHERE code = 1").await, 9);
}

#[apply(on_sqlite)]
async fn a_key_that_is_cast_to_be_read(db: TestDb) {
    a_tree_of_dens(db).await;
}

#[apply(on_postgres)]
async fn a_domain_that_is_cast_to_be_read(db: TestDb) {
    db.sql("CREATE DOMAIN den_code AS integer CHECK (VALUE > 0)").await;
    a_tree_of_dens(db).await;
}
