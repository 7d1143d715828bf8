use sea_orm_cached_field::CachedFields;

use crate::catalog::{installed, refused};

owner!(invoice, { table_name = "invoice" }, {
    #[sea_orm(has_many)]
    pub lines: HasMany<super::line::Entity>,
}, depends_on(lines(cached_label)));

owner!(line, { table_name = "line" }, {
    pub invoice_id: i32,
    #[sea_orm(belongs_to, from = "invoice_id", to = "id")]
    pub invoice: BelongsTo<super::invoice::Entity>,
}, depends_on(invoice(cached_label)));

/// Two fields of one model, of which each is calculated from the other.
pub mod pair {
    use sea_orm::entity::prelude::*;
    use sea_orm_cached_field::cached_fields;

    #[cached_fields]
    #[sea_orm::model]
    #[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
    #[sea_orm(table_name = "pair")]
    pub struct Model {
        #[sea_orm(primary_key)]
        pub id: i32,
        #[cached(depends_on(cached_hen))]
        pub egg: i32,
        #[cached(depends_on(cached_egg))]
        pub hen: i32,
    }

    impl ActiveModelBehavior for ActiveModel {}

    impl Model {
        pub async fn calculate_egg(&self, _: &impl ConnectionTrait) -> Result<i32, DbErr> {
            Ok(self.cached_hen.unwrap_or_default())
        }

        pub async fn calculate_hen(&self, _: &impl ConnectionTrait) -> Result<i32, DbErr> {
            Ok(self.cached_egg.unwrap_or_default())
        }
    }
}

/// Two fields of which one is calculated from the other: no cycle.
pub mod chain {
    use sea_orm::entity::prelude::*;
    use sea_orm_cached_field::cached_fields;

    #[cached_fields]
    #[sea_orm::model]
    #[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
    #[sea_orm(table_name = "chain")]
    pub struct Model {
        #[sea_orm(primary_key)]
        pub id: i32,
        #[cached(depends_on(cached_egg))]
        pub hen: i32,
        #[cached(depends_on(id))]
        pub egg: i32,
    }

    impl ActiveModelBehavior for ActiveModel {}

    impl Model {
        pub async fn calculate_egg(&self, _: &impl ConnectionTrait) -> Result<i32, DbErr> {
            Ok(self.id + 1)
        }

        pub async fn calculate_hen(&self, _: &impl ConnectionTrait) -> Result<i32, DbErr> {
            Ok(self.cached_egg.unwrap_or_default() * 10)
        }
    }
}

#[apply(contract)]
async fn of_two_fields_of_one_model(db: TestDb) {
    db.create(pair::Entity).await;
    let message = refused(&db, CachedFields::of::<pair::Entity>).await;
    insta::allow_duplicates!(
        insta::assert_snapshot!(message, @r#"cached fields depend on each other in a circle: pair.egg -> pair.hen -> pair.egg; remove one of these dependencies"#)
    );
}

#[apply(contract)]
async fn of_two_models(db: TestDb) {
    db.create(invoice::Entity).await;
    db.create(line::Entity).await;
    let both = || CachedFields::of::<invoice::Entity>().and::<line::Entity>();
    let message = refused(&db, both).await;
    insta::allow_duplicates!(
        insta::assert_snapshot!(message, @r#"cached fields depend on each other in a circle: invoice.label -> line.label -> invoice.label; remove one of these dependencies"#)
    );
}

#[apply(contract)]
async fn but_a_chain_is_none(db: TestDb) {
    db.create(chain::Entity).await;
    installed(&db, CachedFields::of::<chain::Entity>()).await;
    db.sql("INSERT INTO chain (id) VALUES (1)").await;
    db.drain(CachedFields::of::<chain::Entity>()).await;
    assert_eq!(db.scalar::<i32>("SELECT cached_hen FROM chain").await, 20);
}
