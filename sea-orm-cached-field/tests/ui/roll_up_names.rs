#[path = "models/pigeon.rs"]
mod pigeon;

mod lamppost {
    use sea_orm::entity::prelude::*;
    use sea_orm_cached_field::cached_fields;

    #[cached_fields]
    #[sea_orm::model]
    #[derive(Clone, Debug, PartialEq, DeriveEntityModel)]
    #[sea_orm(table_name = "lamppost")]
    pub struct Model {
        #[sea_orm(primary_key)]
        pub id: i32,
        pub first_name: String,
        #[sea_orm(has_many)]
        pub pigeons: HasMany<super::pigeon::Entity>,
        pub next_id: i32,
        #[sea_orm(
            self_ref,
            relation_enum = "Next",
            relation_reverse = "Before",
            from = "next_id",
            to = "id"
        )]
        pub next: BelongsTo<Entity>,
        #[sea_orm(self_ref, relation_enum = "Before", relation_reverse = "Next")]
        pub before: HasMany<Entity>,

        #[cached(count(first_name))]
        pub field_1: i64,
        #[cached(sum(birds.weight))]
        pub field_2: i64,
        #[cached(count(super::pigeon::Entity))]
        pub field_3: i64,
        #[cached(count(next.first_name))]
        pub field_4: i64,
        #[cached(sum(before.next))]
        pub field_5: i64,
        #[cached(sum(before.cached_field_6))]
        pub field_6: i64,
        #[cached(sum(next.field_1))]
        pub field_7: i64,
        #[cached(count(before, where(next)))]
        pub field_8: i64,
    }

    impl ActiveModelBehavior for ActiveModel {}
}

fn main() {}
