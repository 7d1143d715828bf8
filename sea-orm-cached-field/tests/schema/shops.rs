//! Shops with their sales, under the names that a table and a column have before and after a
//! migration.

macro_rules! shops {
    ($module:ident, $table:literal, $sale:literal, $amount:literal, { $($own:tt)* }, $($depends_on:ident),*) => {
        pub mod $module {
            pub mod shop {
                use sea_orm::entity::prelude::*;
                use sea_orm_cached_field::cached_fields;

                #[cached_fields]
                #[sea_orm::model]
                #[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
                #[sea_orm(table_name = $table)]
                pub struct Model {
                    #[sea_orm(primary_key)]
                    pub id: i32,
                    $($own)*
                    #[sea_orm(has_many)]
                    pub sales: HasMany<super::sale::Entity>,
                    #[cached(temporal_triggers, depends_on($($depends_on,)* sales(amount)))]
                    pub total: i32,
                }

                impl ActiveModelBehavior for ActiveModel {}

                impl Model {
                    pub async fn calculate_total(&self, db: &impl ConnectionTrait) -> Result<i32, DbErr> {
                        let sales = self.find_related(super::sale::Entity).all(db).await?;
                        Ok(sales.iter().map(|sale| sale.amount).sum())
                    }
                }
            }

            pub mod sale {
                use sea_orm::entity::prelude::*;

                #[sea_orm::model]
                #[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
                #[sea_orm(table_name = $sale)]
                pub struct Model {
                    #[sea_orm(primary_key)]
                    pub id: i32,
                    #[sea_orm(column_name = $amount)]
                    pub amount: i32,
                    pub shop_id: i32,
                    #[sea_orm(belongs_to, from = "shop_id", to = "id")]
                    pub shop: BelongsTo<super::shop::Entity>,
                }

                impl ActiveModelBehavior for ActiveModel {}
            }

            pub fn models() -> sea_orm_cached_field::CachedFields {
                sea_orm_cached_field::CachedFields::of::<shop::Entity>()
            }
        }
    };
}

shops!(before, "shop", "sale", "amount", { pub name: Option<String>, }, name);
shops!(renamed, "store", "sale", "amount", { pub name: Option<String>, }, name);
shops!(with_deals, "shop", "deal", "amount", { pub name: Option<String>, }, name);
// The table of sales calls the amount otherwise, and shops have no name any more.
shops!(migrated, "shop", "sale", "price", {},);

use crate::{catalog::installed, harness::TestDb};

/// A shop of one sale, for 10; at rest.
pub async fn a_shop_at_rest(db: &TestDb) {
    db.create(before::shop::Entity).await;
    db.create(before::sale::Entity).await;
    installed(db, before::models()).await;
    db.sql("INSERT INTO shop (id) VALUES (1)").await;
    db.sql("INSERT INTO sale (id, amount, shop_id) VALUES (1, 10, 1)").await;
    db.drain(before::models()).await;
}

/// The total that is stored, if nothing of it waits any more.
pub async fn total(db: &TestDb, table: &str) -> i32 {
    assert_eq!(db.pending(table).await, 0);
    db.scalar(&format!("SELECT cached_total FROM {table} WHERE NOT total_recalculation_needed"))
        .await
}

/// What of the library stands in the database for this table.
pub async fn left_of(db: &TestDb, table: &str) -> Vec<String> {
    let ours =
        [format!("{table}_cached_"), format!("zz_cached_field_{table}"), format!("cf_{table}_")];
    let names = crate::catalog::names(db).await.into_iter();
    names.filter(|line| ours.iter().any(|ours| line.contains(ours))).collect()
}
