#![deny(warnings)]
#![allow(dead_code, reason = "that they compile is the claim")]

pub mod staff {
    use sea_orm::entity::prelude::*;
    use sea_orm_cached_field::cached_fields;

    #[cached_fields]
    #[sea_orm::model]
    #[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
    #[sea_orm(table_name = "staff")]
    pub struct Model {
        #[sea_orm(primary_key)]
        pub id: i32,
        pub name: String,
        pub reports_to_id: Option<i32>,
        #[sea_orm(
            self_ref,
            relation_enum = "ReportsTo",
            relation_reverse = "Manages",
            from = "reports_to_id",
            to = "id"
        )]
        pub reports_to: BelongsTo<Option<Entity>>,
        #[sea_orm(self_ref, relation_enum = "Manages", relation_reverse = "ReportsTo")]
        pub manages: HasMany<Entity>,
        #[sea_orm(self_ref, via = "friendship", from = "Staff", to = "Friend")]
        pub friends: HasMany<Entity>,
        #[sea_orm(self_ref, via = "friendship", reverse)]
        pub befriended_by: HasMany<Entity>,
        #[cached(depends_on(reports_to(name), manages(name), friends(name), befriended_by(name)))]
        pub signature: String,
    }

    impl ActiveModelBehavior for ActiveModel {}

    impl Model {
        async fn calculate_signature(&self, _: &impl ConnectionTrait) -> Result<String, DbErr> {
            Ok(self.name.clone())
        }
    }
}

pub mod friendship {
    use sea_orm::entity::prelude::*;

    #[sea_orm::model]
    #[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
    #[sea_orm(table_name = "friendship")]
    pub struct Model {
        #[sea_orm(primary_key, auto_increment = false)]
        pub staff_id: i32,
        #[sea_orm(primary_key, auto_increment = false)]
        pub friend_id: i32,
        #[sea_orm(belongs_to, from = "staff_id", to = "id")]
        pub staff: BelongsTo<super::staff::Entity>,
        #[sea_orm(belongs_to, relation_enum = "Friend", from = "friend_id", to = "id")]
        pub friend: BelongsTo<super::staff::Entity>,
    }

    impl ActiveModelBehavior for ActiveModel {}
}

#[test]
fn its_fields_are_what_was_declared() {
    use sea_orm_cached_field::CachedField;

    let hops: Vec<Vec<String>> = staff::Signature::spec()
        .depends_on
        .iter()
        .map(|dependency| {
            dependency
                .hops
                .iter()
                .map(|hop| format!("{:?} -> {}.{:?}", hop.from, hop.table, hop.to))
                .collect()
        })
        .collect();
    assert_eq!(hops[0], [r#"["reports_to_id"] -> staff.["id"]"#]);
    assert_eq!(hops[1], [r#"["id"] -> staff.["reports_to_id"]"#]);
    assert_eq!(
        hops[2],
        [r#"["id"] -> friendship.["staff_id"]"#, r#"["friend_id"] -> staff.["id"]"#]
    );
    assert_eq!(
        hops[3],
        [r#"["id"] -> friendship.["friend_id"]"#, r#"["staff_id"] -> staff.["id"]"#]
    );
}
