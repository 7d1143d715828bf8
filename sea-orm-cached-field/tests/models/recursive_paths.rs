#![deny(warnings)]
#![allow(dead_code, reason = "that they compile is the claim")]

pub mod employee {
    use sea_orm::entity::prelude::*;
    use sea_orm_cached_field::cached_fields;

    #[cached_fields]
    #[sea_orm::model]
    #[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
    #[sea_orm(table_name = "employee")]
    pub struct Model {
        #[sea_orm(primary_key)]
        pub id: i32,
        pub name: String,
        pub salary: i64,
        pub manager_id: Option<i32>,
        pub office_id: i32,
        #[sea_orm(
            self_ref,
            relation_enum = "Manager",
            relation_reverse = "Reports",
            from = "manager_id",
            to = "id"
        )]
        pub manager: BelongsTo<Option<Entity>>,
        #[sea_orm(self_ref, relation_enum = "Reports", relation_reverse = "Manager")]
        pub reports: HasMany<Entity>,
        #[sea_orm(self_ref, via = "friendship", from = "Employee", to = "Friend")]
        pub friends: HasMany<Entity>,
        /// A relation may be called like the word for it.
        #[sea_orm(self_ref, via = "friendship", reverse)]
        pub recursive: HasMany<Entity>,
        #[sea_orm(belongs_to, from = "office_id", to = "id")]
        pub office: BelongsTo<super::office::Entity>,

        #[cached(depends_on(recursive reports(salary, office(city)), recursive manager(name), recursive friends()))]
        pub summary: String,
        #[cached(depends_on(recursive(name), recursive recursive(name), recursive reports(recursive friends(name))))]
        pub befriended_by: String,
        #[cached(depends_on(office(recursive part_of(city), recursive super::office(city)), reports(friends(name))))]
        pub seat: String,
        #[cached(recursive, depends_on(salary, reports(cached_team_salary)))]
        pub team_salary: i64,
    }

    impl ActiveModelBehavior for ActiveModel {}

    impl Model {
        async fn calculate_summary(&self, _: &impl ConnectionTrait) -> Result<String, DbErr> {
            Ok(self.name.clone())
        }

        async fn calculate_befriended_by(&self, _: &impl ConnectionTrait) -> Result<String, DbErr> {
            Ok(self.name.clone())
        }

        async fn calculate_seat(&self, _: &impl ConnectionTrait) -> Result<String, DbErr> {
            Ok(self.name.clone())
        }

        async fn calculate_team_salary(&self, _: &impl ConnectionTrait) -> Result<i64, DbErr> {
            Ok(self.salary)
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
        pub employee_id: i32,
        #[sea_orm(primary_key, auto_increment = false)]
        pub friend_id: i32,
        #[sea_orm(belongs_to, from = "employee_id", to = "id")]
        pub employee: BelongsTo<super::employee::Entity>,
        #[sea_orm(belongs_to, relation_enum = "Friend", from = "friend_id", to = "id")]
        pub friend: BelongsTo<super::employee::Entity>,
    }

    impl ActiveModelBehavior for ActiveModel {}
}

pub mod office {
    use sea_orm::entity::prelude::*;

    #[sea_orm::model]
    #[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
    #[sea_orm(table_name = "office")]
    pub struct Model {
        #[sea_orm(primary_key)]
        pub id: i32,
        pub city: String,
        pub part_of_id: Option<i32>,
        #[sea_orm(self_ref, relation_enum = "PartOf", from = "part_of_id", to = "id")]
        pub part_of: BelongsTo<Option<Entity>>,
    }

    impl Related<Entity> for Entity {
        fn to() -> RelationDef {
            Relation::PartOf.def()
        }
    }

    impl ActiveModelBehavior for ActiveModel {}
}

const FRIENDS: &str = "id=employee_id friendship, friend_id=id employee";

#[test]
fn a_relation_to_the_model_itself_is_followed_any_number_of_times() {
    use sea_orm_cached_field::CachedField;

    assert_eq!(
        crate::written(&employee::Summary::spec().depends_on),
        [
            "id=manager_id employee x1: salary".to_owned(),
            "id=manager_id employee x1, office_id=id office: city".to_owned(),
            "manager_id=id employee x1: name".to_owned(),
            format!("{FRIENDS} x2: ()"),
        ]
    );
}

#[test]
fn a_relation_may_be_called_recursive() {
    use sea_orm_cached_field::CachedField;

    let befriended = "id=friend_id friendship, employee_id=id employee";
    assert_eq!(
        crate::written(&employee::BefriendedBy::spec().depends_on),
        [
            format!("{befriended}: name"),
            format!("{befriended} x2: name"),
            format!("id=manager_id employee x1, {FRIENDS} x2: name"),
        ]
    );
}

#[test]
fn other_models_lead_back_to_themselves_too() {
    use sea_orm_cached_field::CachedField;

    assert_eq!(
        crate::written(&employee::Seat::spec().depends_on),
        [
            "office_id=id office, part_of_id=id office x1: city".to_owned(),
            "office_id=id office, part_of_id=id office x1: city".to_owned(),
            format!("id=manager_id employee, {FRIENDS}: name"),
        ]
    );
}

#[test]
fn a_field_can_be_calculated_from_itself_of_other_rows() {
    use sea_orm_cached_field::CachedField;

    let spec = employee::TeamSalary::spec();
    assert!(spec.recursive && !employee::Seat::spec().recursive);
    assert_eq!(
        crate::written(&spec.depends_on),
        ["salary", "id=manager_id employee: cached_team_salary"]
    );
}
