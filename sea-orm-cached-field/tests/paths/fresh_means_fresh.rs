//! What is read as fresh is calculated from nothing that is stale.

use std::sync::{
    Arc,
    atomic::{AtomicUsize, Ordering},
};

use sea_orm::{
    ActiveModelTrait, ActiveValue::Set, ColumnTrait, DatabaseTransaction, EntityTrait,
    IntoActiveModel, QueryOrder, TransactionTrait,
};
use sea_orm_cached_field::{CachedFields, Error};

use crate::{
    harness::{TestDb, gate::Gate},
    poles::*,
};

/// Each field is calculated from all before it, so that the ways between them double with each.
pub mod stack {
    use sea_orm::entity::prelude::*;
    use sea_orm_cached_field::cached_fields;

    #[cached_fields]
    #[sea_orm::model]
    #[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
    #[sea_orm(table_name = "stack")]
    pub struct Model {
        #[sea_orm(primary_key, auto_increment = false)]
        pub id: i32,
        pub base: i64,
        #[cached(depends_on(base))]
        pub a: i64,
        #[cached(depends_on(cached_a))]
        pub b: i64,
        #[cached(depends_on(cached_a, cached_b))]
        pub c: i64,
        #[cached(depends_on(cached_a, cached_b, cached_c))]
        pub d: i64,
        #[cached(depends_on(cached_a, cached_b, cached_c, cached_d))]
        pub e: i64,
        #[cached(depends_on(cached_a, cached_b, cached_c, cached_d, cached_e))]
        pub f: i64,
        #[cached(depends_on(cached_a, cached_b, cached_c, cached_d, cached_e, cached_f))]
        pub g: i64,
        #[cached(depends_on(
            cached_a, cached_b, cached_c, cached_d, cached_e, cached_f, cached_g
        ))]
        pub h: i64,
    }

    impl ActiveModelBehavior for ActiveModel {}

    macro_rules! sums {
        ($($calculate:ident: $($below:ident)*;)*) => {
            impl Model {
                $(pub async fn $calculate(&self, _: &impl ConnectionTrait) -> Result<i64, DbErr> {
                    Ok(self.base $(+ self.$below.unwrap_or(0))*)
                })*
            }
        };
    }

    sums! {
        calculate_a: ;
        calculate_b: cached_a;
        calculate_c: cached_a cached_b;
        calculate_d: cached_a cached_b cached_c;
        calculate_e: cached_a cached_b cached_c cached_d;
        calculate_f: cached_a cached_b cached_c cached_d cached_e;
        calculate_g: cached_a cached_b cached_c cached_d cached_e cached_f;
        calculate_h: cached_a cached_b cached_c cached_d cached_e cached_f cached_g;
    }
}

pub mod playground {
    use sea_orm::entity::prelude::*;
    use sea_orm_cached_field::cached_fields;

    #[cached_fields]
    #[sea_orm::model]
    #[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
    #[sea_orm(table_name = "playground")]
    pub struct Model {
        #[sea_orm(primary_key, auto_increment = false)]
        pub id: i32,
        #[sea_orm(has_many)]
        pub seesaws: HasMany<super::seesaw::Entity>,
        #[cached(depends_on(seesaws(cached_height)))]
        pub height: i64,
    }

    impl ActiveModelBehavior for ActiveModel {}

    impl Model {
        pub async fn calculate_height(&self, db: &impl ConnectionTrait) -> Result<i64, DbErr> {
            let seesaws = self.find_related(super::seesaw::Entity).all(db).await?;
            Ok(seesaws.iter().map(|seesaw| seesaw.cached_height.unwrap_or(0)).sum())
        }
    }
}

/// Each one that is calculated changes the others.
pub mod seesaw {
    use sea_orm::{ExprTrait, entity::prelude::*};
    use sea_orm_cached_field::cached_fields;

    #[cached_fields]
    #[sea_orm::model]
    #[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
    #[sea_orm(table_name = "seesaw")]
    pub struct Model {
        #[sea_orm(primary_key, auto_increment = false)]
        pub id: i32,
        pub weight: i64,
        pub playground_id: i32,
        #[sea_orm(belongs_to, from = "playground_id", to = "id")]
        pub playground: BelongsTo<super::playground::Entity>,
        #[cached(depends_on(weight), after_recalculation = "push")]
        pub height: i64,
    }

    impl ActiveModelBehavior for ActiveModel {}

    impl Model {
        pub async fn calculate_height(&self, _: &impl ConnectionTrait) -> Result<i64, DbErr> {
            Ok(self.weight)
        }

        async fn push(&self, db: &impl ConnectionTrait) -> Result<(), DbErr> {
            let heavier =
                Entity::update_many().col_expr(Column::Weight, Expr::col(Column::Weight).add(1));
            heavier.filter(Column::Id.ne(self.id)).exec(db).await.map(drop)
        }
    }
}

/// Begins a transaction that has read. By default its snapshot is as old as that: it cannot see
/// what other transactions store from now on.
async fn begun_and_read(db: &TestDb) -> DatabaseTransaction {
    let transaction = db.begin().await.expect("begun");
    pole::Entity::find_by_id(1).one(&transaction).await.expect("read").expect("the pole");
    transaction
}

/// `None` where the server refuses to write a row that has changed since the snapshot, which is
/// error 1020.
async fn unless_refused(db: &TestDb, read: Result<i64, Error>) -> Option<i64> {
    if !db.refuses_newer_rows().await {
        return Some(read.expect("read"));
    }
    let error = read.expect_err("the row has changed since the snapshot");
    assert!(error.to_string().contains("Record has changed since last read"), "{error}");
    None
}

#[apply(on_mariadb_and_mysql)]
async fn inside_a_transaction_that_has_read_before(db: TestDb) {
    open(&db).await;
    grow(&db, 2).await;
    let loaded = pole(&db).await;
    let transaction = begun_and_read(&db).await;
    db.drain(poles()).await;
    let Some(read) = unless_refused(&db, loaded.fresh_loud(&transaction).await).await else {
        return;
    };
    assert_eq!(read, 21);
    assert_eq!(loaded.fresh_both(&transaction).await.expect("read"), 20_023);
    assert_eq!(loaded.recalculate_slow(&transaction).await.expect("recalculated"), 20);
    transaction.commit().await.expect("committed");
    assert_settled(&db, 2).await;
}

/// What the other transaction has stored is what this one calculates: its UPDATE would change
/// nothing, and mark nothing.
#[apply(on_mariadb_and_mysql)]
async fn above_what_was_stored_since_a_transaction_has_read(db: TestDb) {
    open(&db).await;
    grow(&db, 2).await;
    let total = row(&db).await;
    let transaction = begun_and_read(&db).await;
    db.drain(poles()).await;
    let Some(read) = unless_refused(&db, total.fresh_total(&transaction).await).await else {
        return;
    };
    assert_eq!(read, 21);
    transaction.commit().await.expect("committed");
    assert_settled(&db, 2).await;
}

/// Also where the transaction sees the row as it is now because it has stored another field of it.
#[apply(on_mariadb_and_mysql)]
async fn a_value_that_was_set_since_a_transaction_has_read_is_kept(db: TestDb) {
    open(&db).await;
    let total = row(&db).await;
    let loaded = pole(&db).await;
    let transaction = begun_and_read(&db).await;
    loaded.set_loud(99, &db).await.expect("set");
    db.drain(poles()).await;
    let Some(read) = unless_refused(&db, loaded.recalculate_slow(&transaction).await).await else {
        return;
    };
    assert_eq!(read, 10);
    assert_eq!(total.fresh_total(&transaction).await.expect("read"), 99);
    transaction.commit().await.expect("committed");
    db.drain(poles()).await;
    assert_eq!(db.scalar::<i64>("SELECT cached_loud FROM pole WHERE id = 1").await, 99);
}

#[apply(contract)]
async fn downstream_of_what_a_worker_calculates(db: TestDb) {
    let name = open(&db).await;
    let loaded = pole(&db).await;
    grow(&db, 2).await;
    let gate = Gate::at(&name);
    let worker = tokio::spawn(poles().worker(&db).run_once());
    gate.arrival().await;
    assert_eq!(loaded.fresh_loud(&*db).await.expect("read"), 21);
    assert_eq!(loaded.fresh_both(&*db).await.expect("read"), 20_023);
    assert_eq!(row(&db).await.fresh_total(&*db).await.expect("read"), 21);
    gate.open();
    worker.await.unwrap().expect("worked");
    assert_settled(&db, 2).await;
}

/// Its leases last for a minute.
#[apply(contract)]
async fn downstream_of_what_a_killed_worker_has_claimed(db: TestDb) {
    let name = open(&db).await;
    let loaded = pole(&db).await;
    grow(&db, 2).await;
    let gate = Gate::at(&name);
    let url = db.url.clone();
    let elsewhere = tokio::runtime::Runtime::new().expect("a runtime");
    elsewhere
        .spawn(async move { poles().worker(&crate::harness::connect(&url).await).run().await });
    gate.arrival().await;
    elsewhere.shutdown_background();
    assert_eq!(loaded.fresh_both(&*db).await.expect("read"), 20_023);
    assert_eq!(row(&db).await.fresh_total(&*db).await.expect("read"), 21);
    assert_settled(&db, 2).await;
}

#[apply(contract)]
async fn downstream_of_what_another_reader_calculates(db: TestDb) {
    let name = open(&db).await;
    let loaded = pole(&db).await;
    grow(&db, 2).await;

    let gate = Gate::at(&name);
    let other = db.another_pool().await;
    let reader = tokio::spawn({
        let loaded = loaded.clone();
        async move { loaded.fresh_loud(&other).await }
    });

    gate.arrival().await;
    assert_eq!(loaded.fresh_loud(&*db).await.expect("read"), 21);
    grow(&db, 3).await;
    assert_eq!(row(&db).await.fresh_total(&*db).await.expect("read"), 31);

    gate.open();
    let read = reader.await.unwrap().expect("read");
    assert!(read == 21 || read == 31, "{read} was never right while it read");
    assert_settled(&db, 3).await;
}

/// While the calculation of its inputs stands at the gate, the inputs change once more.
#[apply(contract)]
async fn what_changes_while_it_is_read(db: TestDb) {
    let name = open(&db).await;
    let loaded = pole(&db).await;
    grow(&db, 2).await;

    let gate = Gate::at(&name);
    let reader = tokio::spawn({
        let loaded = loaded.clone();
        let db = (*db).clone();
        async move { loaded.fresh_both(&db).await }
    });

    gate.arrival().await;
    grow(&db, 3).await;
    gate.open();

    let read = reader.await.unwrap().expect("read");
    assert!(read == 20_023 || read == 30_034, "{read} is of two moments");
    assert_settled(&db, 3).await;
}

/// After the inputs were found right, and before the calculation reads them.
#[apply(contract)]
async fn what_changes_before_it_is_calculated(db: TestDb) {
    open(&db).await;
    let loaded = row(&db).await;
    grow(&db, 2).await;
    let gate = Gate::at(&loaded.name);
    let reader = tokio::spawn({
        let db = (*db).clone();
        async move { loaded.fresh_mixed(&db).await }
    });
    gate.arrival().await;
    grow(&db, 3).await;
    gate.open();
    assert_eq!(reader.await.unwrap().expect("read"), 31_003);
    assert_settled(&db, 3).await;
}

/// Between two inputs that the calculation reads, a worker makes both right again.
#[apply(contract)]
async fn what_is_right_again_before_it_is_calculated(db: TestDb) {
    open(&db).await;
    let loaded = row(&db).await;
    let gate_of = |row: &row::Model| Gate::at(&format!("{} apart", row.name));
    grow(&db, 2).await;
    let gate = gate_of(&loaded);
    let reader = tokio::spawn({
        let loaded = loaded.clone();
        let db = (*db).clone();
        async move { loaded.fresh_apart(&db).await }
    });
    gate.arrival().await;
    grow(&db, 3).await;
    db.drain(poles()).await;
    gate.open();
    assert_eq!(reader.await.unwrap().expect("read"), 30_031);

    grow(&db, 4).await;
    let gate = gate_of(&loaded);
    let reader = tokio::spawn({
        let loaded = loaded.clone();
        let db = (*db).clone();
        async move {
            let mut rows = [loaded];
            row::Apart::load(&mut rows, &db).await.map(|()| rows[0].cached_apart)
        }
    });
    gate.arrival().await;
    grow(&db, 5).await;
    db.drain(poles()).await;
    gate.open();
    assert_eq!(reader.await.unwrap().expect("read"), Some(50_051));
    assert_settled(&db, 5).await;
}

/// Two seesaws, each of which moves the other one.
#[apply(contract)]
async fn what_never_comes_to_rest_is_an_error(db: TestDb) {
    db.create(playground::Entity).await;
    db.create(seesaw::Entity).await;
    let playgrounds = || CachedFields::of::<playground::Entity>().and::<seesaw::Entity>();
    playgrounds().install(&*db).await.expect("installed");
    db.sql("INSERT INTO playground (id) VALUES (1)").await;
    db.sql("INSERT INTO seesaw (id, weight, playground_id) VALUES (1, 1, 1), (2, 1, 1)").await;
    for seesaw in seesaw::Entity::find().all(&*db).await.expect("loaded") {
        seesaw.set_height(1, &db).await.expect("set");
    }
    db.sql("UPDATE seesaw SET weight = 2 WHERE id = 1").await;
    let loaded =
        playground::Entity::find_by_id(1).one(&*db).await.expect("loaded").expect("the playground");
    let refused = loaded.fresh_height(&*db).await.expect_err("it never comes to rest");
    assert!(matches!(refused, Error::StaleInput { field: "height", .. }), "{refused}");
}

/// It is marked again while the reader calculates, so the worker still has something to do.
#[apply(contract)]
async fn a_lease_that_is_shared_is_left_to_its_worker(db: TestDb) {
    let name = open(&db).await;
    let loaded = pole(&db).await;
    grow(&db, 2).await;
    let of_worker = Gate::at(&name);
    let worker = tokio::spawn(poles().worker(&db).run_once());
    of_worker.arrival().await;

    let of_reader = Gate::at(&name);
    let reader = tokio::spawn({
        let db = (*db).clone();
        async move { loaded.fresh_slow(&db).await }
    });

    of_reader.arrival().await;
    grow(&db, 3).await;
    of_reader.open();
    assert_eq!(reader.await.unwrap().expect("read"), 20);

    let leased = format!(
        "SELECT count(*) FROM _pole_cached_recalculations WHERE leased_until > {}",
        db.now()
    );
    assert_eq!(db.scalar::<i64>(&leased).await, 1);

    of_worker.open();
    worker.await.unwrap().expect("worked");
    assert_settled(&db, 3).await;
}

#[apply(contract)]
async fn many_rows_at_a_time(db: TestDb) {
    let name = open(&db).await;
    grow(&db, 2).await;
    let gate = Gate::at(&name);
    let worker = tokio::spawn(poles().worker(&db).run_once());
    gate.arrival().await;

    let mut loaded = [pole(&db).await];
    pole::Loud::load(&mut loaded, &*db).await.expect("loaded");
    assert_eq!((loaded[0].cached_loud, loaded[0].loud_recalculation_needed), (Some(21), false));

    grow(&db, 3).await;
    let mut rows = [row(&db).await];
    row::Total::load(&mut rows, &*db).await.expect("loaded");
    assert_eq!((rows[0].cached_total, rows[0].total_recalculation_needed), (Some(31), false));

    gate.open();
    worker.await.unwrap().expect("worked");
    assert_settled(&db, 3).await;
}

#[apply(contract)]
async fn what_is_recalculated(db: TestDb) {
    let name = open(&db).await;
    grow(&db, 2).await;
    let gate = Gate::at(&name);
    let worker = tokio::spawn(poles().worker(&db).run_once());
    gate.arrival().await;
    assert_eq!(pole(&db).await.recalculate_loud(&*db).await.expect("recalculated"), 21);
    grow(&db, 3).await;
    pole::Both::recalculate(pole::Column::Id.eq(1), &*db).await.expect("recalculated");
    assert_eq!(pole(&db).await.cached_both, Some(30_034));
    gate.open();
    worker.await.unwrap().expect("worked");
    assert_settled(&db, 3).await;
}

/// Nothing is read from an input that cannot be calculated.
#[apply(contract)]
async fn an_input_that_fails_is_an_error(db: TestDb) {
    open(&db).await;
    let loaded = pole(&db).await;
    grow(&db, -1).await;

    let failed = loaded.fresh_both(&*db).await.expect_err("it fails");
    assert!(matches!(failed, Error::Calculation { field: "slow", .. }), "{failed}");
    let failed = row(&db).await.fresh_total(&*db).await.expect_err("it fails");
    assert!(matches!(failed, Error::Calculation { field: "slow", .. }), "{failed}");

    // The other rows are right all the same.
    let other = db.name("other pole");
    db.sql(&format!("INSERT INTO pole (id, name, height, row_id) VALUES (2, '{other}', 5, 1)"))
        .await;
    let mut both =
        pole::Entity::find().order_by_asc(pole::Column::Id).all(&*db).await.expect("loaded");
    let failed = pole::Loud::load(&mut both, &*db).await.expect_err("one fails");
    assert!(matches!(failed, Error::Calculation { field: "slow", .. }), "{failed}");
    assert_eq!((both[1].cached_loud, both[1].loud_recalculation_needed), (Some(51), false));

    pole::Both::recalculate(sea_orm::Condition::all(), &*db).await.expect_err("one fails");
    assert_eq!(
        pole::Entity::find_by_id(2).one(&*db).await.unwrap().unwrap().cached_both,
        Some(50_056)
    );

    db.sql("DELETE FROM pole WHERE id = 2").await;
    grow(&db, 4).await;
    assert_eq!(loaded.fresh_both(&*db).await.expect("read"), 40_045);
    assert_settled(&db, 4).await;
}

/// Eight fields, each upon all before it.
#[apply(contract)]
async fn each_field_below_is_looked_at_once(db: TestDb) {
    db.create(stack::Entity).await;
    let stacks = || CachedFields::of::<stack::Entity>();
    stacks().install(&*db).await.expect("installed");
    db.sql("INSERT INTO stack (id, base) VALUES (1, 1)").await;
    db.drain(stacks()).await;
    let loaded = stack::Entity::find_by_id(1).one(&*db).await.expect("loaded").expect("the stack");

    let mut pool = db.another_pool().await;
    let statements = Arc::new(AtomicUsize::new(0));
    let counted = Arc::clone(&statements);
    pool.set_metric_callback(move |_| {
        counted.fetch_add(1, Ordering::Relaxed);
    });

    assert_eq!(loaded.fresh_h(&pool).await.expect("read"), 128);
    let asked = statements.load(Ordering::Relaxed);
    assert!((8..=10).contains(&asked), "{asked} statements for seven fields and one upon them");
}

#[apply(contract)]
async fn what_a_write_returns_is_read_right(db: TestDb) {
    open(&db).await;
    let mut changed = pole(&db).await.into_active_model();
    changed.height = Set(2);
    let returned = changed.update(&*db).await.expect("updated");
    assert_eq!(returned.slow(&*db).await.expect("read"), 20);
    let mut changed = pole(&db).await.into_active_model();
    changed.height = Set(3);
    let transaction = db.begin().await.expect("begun");
    let returned = changed.update(&transaction).await.expect("updated");
    assert_eq!(returned.slow(&transaction).await.expect("read"), 30);
    transaction.commit().await.expect("committed");
    assert_settled(&db, 3).await;
}

#[apply(contract)]
async fn inside_a_transaction(db: TestDb) {
    open(&db).await;
    let transaction = db.begin().await.expect("begun");
    let set = |height: i64| {
        let mut changed = pole::ActiveModel { id: Set(1), ..Default::default() };
        changed.height = Set(height);
        changed
    };

    let changed = set(2).update(&transaction).await.expect("updated");
    assert_eq!(changed.fresh_both(&transaction).await.expect("read"), 20_023);
    let row = row::Entity::find_by_id(1).one(&transaction).await.expect("loaded").expect("the row");
    assert_eq!(row.fresh_total(&transaction).await.expect("read"), 21);

    let changed = set(3).update(&transaction).await.expect("updated");
    assert_eq!(changed.recalculate_loud(&transaction).await.expect("recalculated"), 31);
    let mut loaded = [row];
    row::Total::load(&mut loaded, &transaction).await.expect("loaded");
    assert_eq!(loaded[0].cached_total, Some(31));
    transaction.rollback().await.expect("rolled back");
    assert_settled(&db, 1).await;

    let transaction = db.begin().await.expect("begun");
    let changed = set(4).update(&transaction).await.expect("updated");
    assert_eq!(changed.fresh_both(&transaction).await.expect("read"), 40_045);
    transaction.commit().await.expect("committed");
    assert_settled(&db, 4).await;
}
