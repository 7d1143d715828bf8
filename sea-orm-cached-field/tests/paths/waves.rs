//! Fields that are calculated from cached fields: upstream first, each once a wave, and no further
//! than values change.

use std::collections::HashMap;

use sea_orm::{ColumnTrait, EntityTrait, QueryFilter};
use sea_orm_cached_field::CachedFields;

use crate::harness::{Narration, TestDb};

/// Three cached fields, of which one depends on the other two, and one more behind a relation.
pub mod order {
    use sea_orm::entity::prelude::*;
    use sea_orm_cached_field::cached_fields;

    #[cached_fields]
    #[sea_orm::model]
    #[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
    #[sea_orm(table_name = "orders")]
    pub struct Model {
        #[sea_orm(primary_key, auto_increment = false)]
        pub id: i32,
        pub price: i64,
        pub weight: i64,
        pub note: i64,
        pub buyer_id: i32,
        #[sea_orm(belongs_to, from = "buyer_id", to = "id")]
        pub buyer: BelongsTo<super::buyer::Entity>,
        #[cached(depends_on(price, note))]
        pub net: i64,
        #[cached(depends_on(weight, price))]
        pub shipping: i64,
        #[cached(depends_on(cached_net, cached_shipping, note))]
        pub total: i64,
    }

    impl ActiveModelBehavior for ActiveModel {}

    impl Model {
        pub async fn calculate_net(&self, _: &impl ConnectionTrait) -> Result<i64, DbErr> {
            if self.note == 666 {
                return Err(DbErr::Custom("a note from hell".to_owned()));
            }
            Ok(self.price / 10 + self.note)
        }

        pub async fn calculate_shipping(&self, _: &impl ConnectionTrait) -> Result<i64, DbErr> {
            Ok(self.weight / 10 + self.price)
        }

        pub async fn calculate_total(&self, _: &impl ConnectionTrait) -> Result<i64, DbErr> {
            Ok(self.cached_net.unwrap_or(0) + self.cached_shipping.unwrap_or(0) + self.note)
        }
    }
}

pub mod buyer {
    use sea_orm::entity::prelude::*;
    use sea_orm_cached_field::cached_fields;

    #[cached_fields]
    #[sea_orm::model]
    #[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
    #[sea_orm(table_name = "buyer")]
    pub struct Model {
        #[sea_orm(primary_key, auto_increment = false)]
        pub id: i32,
        #[sea_orm(has_many)]
        pub orders: HasMany<super::order::Entity>,
        #[cached(depends_on(orders(cached_total, note)))]
        pub spent: i64,
    }

    impl ActiveModelBehavior for ActiveModel {}

    impl Model {
        pub async fn calculate_spent(&self, db: &impl ConnectionTrait) -> Result<i64, DbErr> {
            let orders = super::order::Entity::find()
                .filter(super::order::Column::BuyerId.eq(self.id))
                .all(db)
                .await?;
            Ok(orders.iter().map(|order| order.cached_total.unwrap_or(0) + order.note).sum())
        }
    }
}

fn models() -> CachedFields {
    // The model that waits stands first: the order is the library's business.
    CachedFields::of::<buyer::Entity>().and::<order::Entity>()
}

async fn open(db: &TestDb) {
    db.create(buyer::Entity).await;
    db.create(order::Entity).await;
    models().install(&**db).await.expect("installed");
    db.sql("INSERT INTO buyer (id) VALUES (1), (2)").await;
    for id in 1..=10 {
        let buyer = 1 + id % 2;
        db.sql(&format!(
            "INSERT INTO orders (id, price, weight, note, buyer_id)
             VALUES ({id}, {id}0, {id}, 0, {buyer})"
        ))
        .await;
    }
    db.drain(models()).await;
}

/// How often each field of each row was calculated since the last time.
fn calculated(narration: &mut Narration) -> HashMap<String, u32> {
    let mut times = HashMap::new();
    for said in narration.said() {
        if let Some(field) = said.strip_prefix("calculated ") {
            *times.entry(field.to_owned()).or_insert(0) += 1;
        }
    }
    times
}

async fn assert_right(db: &TestDb, after: &str) {
    for order in order::Entity::find().all(&**db).await.expect("orders") {
        let net = order.price / 10 + order.note;
        let shipping = order.weight / 10 + order.price;
        assert_eq!(
            (order.cached_net, order.cached_shipping, order.cached_total),
            (Some(net), Some(shipping), Some(net + shipping + order.note)),
            "order {} after {after}",
            order.id
        );
    }

    for buyer in buyer::Entity::find().all(&**db).await.expect("buyers") {
        let orders = order::Entity::find()
            .filter(order::Column::BuyerId.eq(buyer.id))
            .all(&**db)
            .await
            .expect("orders");
        let spent = orders.iter().map(|order| order.cached_total.unwrap_or(0) + order.note).sum();
        assert_eq!(buyer.cached_spent, Some(spent), "buyer {} after {after}", buyer.id);
    }
}

#[apply(contract)]
async fn no_field_is_calculated_twice_in_a_wave(db: TestDb) {
    open(&db).await;
    let mut narration = db.narration();
    let mut chance = fastrand::Rng::with_seed(11);

    for edit in 0..250 {
        let id = chance.i32(1..=10);
        let value = chance.i64(0..100);
        let columns = chance.choose_multiple(["price", "weight", "note"], 1 + edit % 3);
        let changes: Vec<String> =
            columns.iter().map(|column| format!("{column} = {value}")).collect();
        let edited = format!("UPDATE orders SET {} WHERE id = {id}", changes.join(", "));
        db.sql(&edited).await;
        db.drain(models()).await;

        let times = calculated(&mut narration);
        assert!(times.values().all(|times| *times == 1), "edit {edit}, {edited}: {times:?}");
        if edit % 25 == 0 {
            assert_right(&db, &edited).await;
        }
    }

    assert_right(&db, "all edits").await;
}

#[apply(contract)]
async fn all_due_fields_of_a_row_go_together(db: TestDb) {
    open(&db).await;
    let mut narration = db.narration();
    db.sql("UPDATE orders SET price = 1234 WHERE id = 3").await;
    db.drain(models()).await;
    let said = narration.said();
    let claimed: Vec<&String> = said.iter().filter(|said| said.starts_with("claimed")).collect();
    assert_eq!(
        claimed,
        ["claimed buyer 2: spent", "claimed orders 3: net, shipping", "claimed orders 3: total"]
    );
}

#[apply(contract)]
async fn a_value_that_stays_the_same_ends_the_wave(db: TestDb) {
    open(&db).await;
    let mut narration = db.narration();
    db.sql("UPDATE orders SET weight = weight - weight % 10 + (weight + 1) % 10 WHERE id = 3")
        .await;
    db.drain(models()).await;
    assert_eq!(calculated(&mut narration).into_keys().collect::<Vec<_>>(), ["orders.shipping 3"]);
}

#[apply(contract)]
async fn a_field_does_not_wait_for_one_that_has_failed(db: TestDb) {
    open(&db).await;
    let mut narration = db.narration();
    db.sql("UPDATE orders SET note = 666, weight = 500 WHERE id = 3").await;
    db.drain(models()).await;
    let order = order::Entity::find_by_id(3).one(&*db).await.expect("found").expect("an order");
    assert_eq!(
        (order.cached_net, order.cached_shipping, order.cached_total),
        (Some(3), Some(80), Some(3 + 80 + 666))
    );
    assert_eq!(calculated(&mut narration)["orders.total 3"], 1);
    db.sql("UPDATE orders SET note = 7 WHERE id = 3").await;
    db.drain(models()).await;
    assert_right(&db, "a failure").await;
}

#[apply(contract)]
async fn a_fresh_value_is_calculated_from_fresh_values(db: TestDb) {
    open(&db).await;
    let order = order::Entity::find_by_id(3).one(&*db).await.expect("found").expect("an order");
    let buyer = buyer::Entity::find_by_id(2).one(&*db).await.expect("found").expect("a buyer");
    db.sql("UPDATE orders SET price = 1000 WHERE id = 3").await;
    assert_eq!(order.fresh_total(&*db).await.expect("read"), 100 + 1000);
    db.sql("UPDATE orders SET price = 2000 WHERE id = 3").await;
    let others: i64 = [1, 5, 7, 9].map(|id| id + id * 10).iter().sum();
    assert_eq!(buyer.fresh_spent(&*db).await.expect("read"), 200 + 2000 + others);
    assert_right(&db, "reading").await;
    assert_eq!((db.pending("orders").await, db.pending("buyer").await), (0, 0));
}

#[apply(contract)]
async fn a_wave_over_many_rows_calculates_each_of_them_once(db: TestDb) {
    open(&db).await;
    let mut narration = db.narration();
    db.sql("UPDATE orders SET price = price + 100, note = note + 1").await;
    models().worker(&db).batch_size(3).drain().await.expect("drained");
    let times = calculated(&mut narration);
    assert_eq!(times.len(), 32, "{times:?}");
    assert!(times.values().all(|times| *times == 1), "{times:?}");
    assert_right(&db, "all at once").await;
}
