use sea_orm::EntityTrait;
use sea_orm_cached_field::CachedFields;

use crate::{
    harness::TestDb,
    support::{NOTHING, Watch},
};

/// A customer knows the sums of its invoices, an invoice the sum of its lines, and its own label
/// goes by that sum.
mod customer {
    use sea_orm::entity::prelude::*;
    use sea_orm_cached_field::cached_fields;

    #[cached_fields]
    #[sea_orm::model]
    #[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
    #[sea_orm(table_name = "customer")]
    pub struct Model {
        #[sea_orm(primary_key)]
        pub id: i32,
        pub name: String,
        #[sea_orm(has_many)]
        pub invoices: HasMany<super::invoice::Entity>,
        #[cached(depends_on(invoices(cached_total)))]
        pub spent: i64,
        #[cached(depends_on(name))]
        pub greeting: String,
    }

    impl ActiveModelBehavior for ActiveModel {}

    impl Model {
        pub async fn calculate_spent(&self, db: &impl ConnectionTrait) -> Result<i64, DbErr> {
            let invoices = self.find_related(super::invoice::Entity).all(db).await?;
            Ok(invoices.iter().filter_map(|invoice| invoice.cached_total).sum())
        }

        pub async fn calculate_greeting(&self, _: &impl ConnectionTrait) -> Result<String, DbErr> {
            Ok(format!("Dear {}", self.name))
        }
    }
}

mod invoice {
    use sea_orm::entity::prelude::*;
    use sea_orm_cached_field::cached_fields;

    #[cached_fields]
    #[sea_orm::model]
    #[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
    #[sea_orm(table_name = "invoice")]
    pub struct Model {
        #[sea_orm(primary_key)]
        pub id: i32,
        pub currency: String,
        pub customer_id: i32,
        #[sea_orm(belongs_to, from = "customer_id", to = "id")]
        pub customer: BelongsTo<super::customer::Entity>,
        #[sea_orm(has_many)]
        pub lines: HasMany<super::line::Entity>,
        #[cached(depends_on(lines(amount)))]
        pub total: i64,
        #[cached(depends_on(currency, cached_total))]
        pub label: String,
    }

    impl ActiveModelBehavior for ActiveModel {}

    impl Model {
        pub async fn calculate_total(&self, db: &impl ConnectionTrait) -> Result<i64, DbErr> {
            Ok(self
                .find_related(super::line::Entity)
                .all(db)
                .await?
                .iter()
                .map(|line| line.amount)
                .sum())
        }

        pub async fn calculate_label(&self, _: &impl ConnectionTrait) -> Result<String, DbErr> {
            Ok(format!("{} {}", self.cached_total.unwrap_or_default(), self.currency))
        }
    }
}

mod line {
    use sea_orm::entity::prelude::*;

    #[sea_orm::model]
    #[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
    #[sea_orm(table_name = "line")]
    pub struct Model {
        #[sea_orm(primary_key)]
        pub id: i32,
        pub amount: i64,
        pub text: Option<String>,
        pub invoice_id: i32,
        #[sea_orm(belongs_to, from = "invoice_id", to = "id")]
        pub invoice: BelongsTo<super::invoice::Entity>,
    }

    impl ActiveModelBehavior for ActiveModel {}
}

fn accounts() -> CachedFields {
    CachedFields::of::<customer::Entity>().and::<invoice::Entity>()
}

/// Ann has the invoices 1 (of 5 and 7) and 2 (of 8).
async fn booked(db: &TestDb) -> Watch<'_> {
    db.create(customer::Entity).await;
    db.create(invoice::Entity).await;
    db.create(line::Entity).await;
    accounts().install(&**db).await.expect("installed");
    db.sql("INSERT INTO customer (id, name) VALUES (1, 'Ann')").await;
    db.sql("INSERT INTO invoice (id, currency, customer_id) VALUES (1, 'EUR', 1), (2, 'EUR', 1)")
        .await;
    db.sql("INSERT INTO line (amount, invoice_id) VALUES (5, 1), (7, 1), (8, 2)").await;
    let watch = Watch::begin(db, accounts).await;
    let ann = customer::Entity::find_by_id(1).one(&**db).await.expect("loaded").expect("Ann");
    assert_eq!(ann.cached_spent, Some(20));
    watch
}

async fn first_label(db: &TestDb) -> Option<String> {
    invoice::Entity::find_by_id(1)
        .one(&**db)
        .await
        .expect("loaded")
        .expect("the invoice")
        .cached_label
}

#[apply(contract)]
async fn a_change_concerns_the_fields_that_read_it(db: TestDb) {
    let mut watch = booked(&db).await;
    assert_eq!(
        watch.after("UPDATE invoice SET currency = 'CHF' WHERE id = 2").await,
        ["invoice.label 2"]
    );
    assert_eq!(watch.after("UPDATE customer SET name = 'Anne'").await, ["customer.greeting 1"]);
    assert_eq!(watch.after("UPDATE line SET text = 'x'").await, NOTHING);
}

#[apply(contract)]
async fn a_change_travels_as_far_as_values_change(db: TestDb) {
    let mut watch = booked(&db).await;

    let recalculated = watch.after("UPDATE line SET amount = 6 WHERE id = 1").await;
    for field in ["invoice.total 1", "invoice.label 1", "customer.spent 1"] {
        assert!(
            recalculated.iter().any(|completed| completed == field),
            "{field} in {recalculated:?}"
        );
    }
    assert!(
        recalculated
            .iter()
            .all(|completed| !completed.contains("invoice.label 2")
                && !completed.contains("greeting"))
    );

    assert_eq!(first_label(&db).await.as_deref(), Some("13 EUR"));
    let ann = customer::Entity::find_by_id(1).one(&*db).await.expect("loaded").expect("Ann");
    assert_eq!(ann.cached_spent, Some(21));
    assert_eq!(db.pending("customer").await + db.pending("invoice").await, 0);
}

#[apply(contract)]
async fn a_value_that_stays_ends_the_journey(db: TestDb) {
    let mut watch = booked(&db).await;
    assert_eq!(
        watch.after("UPDATE line SET amount = 12 - amount WHERE invoice_id = 1").await,
        ["invoice.total 1, unchanged"]
    );
    assert_eq!(first_label(&db).await.as_deref(), Some("12 EUR"));
}

#[apply(contract)]
async fn both_fields_of_a_row_may_be_stale_at_once(db: TestDb) {
    let mut watch = booked(&db).await;
    db.sql("UPDATE line SET amount = 100 WHERE id = 1").await;
    db.sql("UPDATE invoice SET currency = 'CHF' WHERE id = 1").await;
    watch.recalculated().await;
    assert_eq!(first_label(&db).await.as_deref(), Some("107 CHF"));
}

#[apply(contract)]
async fn a_row_that_moves_takes_its_value_along(db: TestDb) {
    let mut watch = booked(&db).await;
    db.sql("INSERT INTO customer (id, name) VALUES (2, 'Bea')").await;
    watch.recalculated().await;
    assert_eq!(
        watch.after("UPDATE invoice SET customer_id = 2 WHERE id = 2").await,
        ["customer.spent 1", "customer.spent 2"]
    );
}
