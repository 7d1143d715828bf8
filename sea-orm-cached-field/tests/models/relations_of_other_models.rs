//! Which relation a field stands for is written in attributes of its model, which the macro does
//! not see if it stands above another model. What cannot be told is refused by `install`; the wrong
//! relation is never taken.
#![deny(warnings)]
#![allow(dead_code, reason = "that they compile is the claim")]

pub mod country {
    use sea_orm::entity::prelude::*;
    use sea_orm_cached_field::cached_fields;

    #[cached_fields]
    #[sea_orm::model]
    #[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
    #[sea_orm(table_name = "country")]
    pub struct Model {
        #[sea_orm(primary_key)]
        pub id: i32,
        #[sea_orm(has_many)]
        pub trips: HasMany<super::trip::Entity>,
        #[sea_orm(has_many)]
        pub legs: HasMany<super::leg::Entity>,
        #[sea_orm(has_many)]
        pub songs: HasMany<super::song::Entity>,
        #[sea_orm(has_many)]
        pub people: HasMany<super::person::Entity>,
        #[sea_orm(has_many)]
        pub cities: HasMany<super::city::Entity>,

        #[cached(depends_on(trips(origin(name), target(name), home(name))))]
        pub places: String,
        #[cached(depends_on(legs(origin(name), target(name), renamed(name))))]
        pub stops: String,
        #[cached(depends_on(
            songs(performers(name), written_by(name), first(name)),
            songs(super::performed(super::artist(name)))
        ))]
        pub credits: String,
        #[cached(depends_on(people(recursive mother(name), children(name), recursive friends(name))))]
        pub families: String,
        #[cached(depends_on(super::city(name), super::city(super::trip())))]
        pub city_names: String,
        #[cached(depends_on(
            people(super::friendship::Relation::Person(friend(name))),
            people(super::friendship::Relation::Friend(person(name))),
            people(recursive super::person::Relation::Mother(name)),
            super::city::Relation::Country(name),
            cities(super::trip::Relation::Target(), super::leg::Relation::Country())
        ))]
        pub neighbours: String,
    }

    impl ActiveModelBehavior for ActiveModel {}

    macro_rules! calculations {
        ($($name:ident)*) => {
            impl Model {
                $(async fn $name(&self, _: &impl ConnectionTrait) -> Result<String, DbErr> {
                    Ok(self.id.to_string())
                })*
            }
        };
    }
    calculations!(calculate_places calculate_stops calculate_credits calculate_families calculate_city_names);
    calculations!(calculate_neighbours);
}

pub mod city {
    use sea_orm::entity::prelude::*;

    #[sea_orm::model]
    #[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
    #[sea_orm(table_name = "city")]
    pub struct Model {
        #[sea_orm(primary_key)]
        pub id: i32,
        pub name: String,
        pub country_id: i32,
        #[sea_orm(belongs_to, from = "country_id", to = "id")]
        pub country: BelongsTo<super::country::Entity>,
        #[sea_orm(has_many, relation_enum = "Departures", via_rel = "Origin")]
        pub departures: HasMany<super::trip::Entity>,
        #[sea_orm(has_many, relation_enum = "Arrivals", via_rel = "Target")]
        pub arrivals: HasMany<super::trip::Entity>,
    }

    /// By hand, beside two relation fields.
    impl Related<super::trip::Entity> for Entity {
        fn to() -> RelationDef {
            Relation::Arrivals.def()
        }
    }

    impl ActiveModelBehavior for ActiveModel {}
}

/// Several relations to one entity: SeaORM implements no `Related`.
pub mod trip {
    use sea_orm::entity::prelude::*;

    #[sea_orm::model]
    #[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
    #[sea_orm(table_name = "trip")]
    pub struct Model {
        #[sea_orm(primary_key)]
        pub id: i32,
        pub country_id: i32,
        pub from_id: i32,
        pub to_id: Option<i32>,
        pub home_id: i32,
        #[sea_orm(belongs_to, from = "country_id", to = "id")]
        pub country: BelongsTo<super::country::Entity>,
        #[sea_orm(belongs_to, relation_enum = "Origin", from = "from_id", to = "id")]
        pub origin: BelongsTo<super::city::Entity>,
        #[sea_orm(belongs_to, relation_enum = "Target", from = "to_id", to = "id")]
        pub target: BelongsTo<Option<super::city::Entity>>,
        #[sea_orm(belongs_to, relation_enum = "StartedAt", from = "home_id", to = "id")]
        pub home: BelongsTo<super::city::Entity>,
    }

    impl ActiveModelBehavior for ActiveModel {}
}

/// The compact format: relations are written by hand, `Related` for one of them.
pub mod leg {
    use sea_orm::entity::prelude::*;

    #[sea_orm::compact_model]
    #[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
    #[sea_orm(table_name = "leg")]
    pub struct Model {
        #[sea_orm(primary_key)]
        pub id: i32,
        pub country_id: i32,
        pub from_id: i32,
        pub to_id: i32,
        pub country: BelongsTo<super::country::Entity>,
        pub origin: BelongsTo<super::city::Entity>,
        pub target: BelongsTo<super::city::Entity>,
        pub renamed: BelongsTo<super::city::Entity>,
    }

    #[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
    pub enum Relation {
        #[sea_orm(
            belongs_to = "super::country::Entity",
            from = "Column::CountryId",
            to = "super::country::Column::Id"
        )]
        Country,
        #[sea_orm(
            belongs_to = "super::city::Entity",
            from = "Column::FromId",
            to = "super::city::Column::Id"
        )]
        Origin,
        #[sea_orm(
            belongs_to = "super::city::Entity",
            from = "Column::ToId",
            to = "super::city::Column::Id"
        )]
        Target,
    }

    impl Related<super::country::Entity> for Entity {
        fn to() -> RelationDef {
            Relation::Country.def()
        }
    }

    impl Related<super::city::Entity> for Entity {
        fn to() -> RelationDef {
            Relation::Origin.def()
        }
    }

    impl ActiveModelBehavior for ActiveModel {}
}

/// Two junctions, and a direct relation, to one entity.
pub mod song {
    use sea_orm::entity::prelude::*;

    #[sea_orm::model]
    #[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
    #[sea_orm(table_name = "song")]
    pub struct Model {
        #[sea_orm(primary_key)]
        pub id: i32,
        pub country_id: i32,
        pub first_id: i32,
        #[sea_orm(belongs_to, from = "country_id", to = "id")]
        pub country: BelongsTo<super::country::Entity>,
        #[sea_orm(has_many, via = "performed")]
        pub performers: HasMany<super::artist::Entity>,
        #[sea_orm(has_many, relation_enum = "Writers", via = "performed::Song")]
        pub written_by: HasMany<super::artist::Entity>,
        #[sea_orm(belongs_to, relation_enum = "First", from = "first_id", to = "id")]
        pub first: BelongsTo<super::artist::Entity>,
    }

    impl ActiveModelBehavior for ActiveModel {}
}

pub mod artist {
    use sea_orm::entity::prelude::*;

    #[sea_orm::model]
    #[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
    #[sea_orm(table_name = "artist")]
    pub struct Model {
        #[sea_orm(primary_key)]
        pub id: i32,
        pub name: String,
    }

    impl ActiveModelBehavior for ActiveModel {}
}

pub mod performed {
    use sea_orm::entity::prelude::*;

    #[sea_orm::model]
    #[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
    #[sea_orm(table_name = "performed")]
    pub struct Model {
        #[sea_orm(primary_key, auto_increment = false)]
        pub song_id: i32,
        #[sea_orm(primary_key, auto_increment = false)]
        pub artist_id: i32,
        #[sea_orm(belongs_to, from = "song_id", to = "id")]
        pub song: BelongsTo<super::song::Entity>,
        #[sea_orm(belongs_to, from = "artist_id", to = "id")]
        pub artist: BelongsTo<super::artist::Entity>,
    }

    impl ActiveModelBehavior for ActiveModel {}
}

/// Relations to itself: SeaORM implements no `Related`.
pub mod person {
    use sea_orm::entity::prelude::*;

    #[sea_orm::model]
    #[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
    #[sea_orm(table_name = "person")]
    pub struct Model {
        #[sea_orm(primary_key)]
        pub id: i32,
        pub name: String,
        pub country_id: i32,
        pub mother_id: Option<i32>,
        #[sea_orm(belongs_to, from = "country_id", to = "id")]
        pub country: BelongsTo<super::country::Entity>,
        #[sea_orm(
            self_ref,
            relation_enum = "Mother",
            relation_reverse = "Children",
            from = "mother_id",
            to = "id"
        )]
        pub mother: BelongsTo<Option<Entity>>,
        #[sea_orm(self_ref, relation_enum = "Children", relation_reverse = "Mother")]
        pub children: HasMany<Entity>,
        #[sea_orm(self_ref, via = "friendship", from = "Person", to = "Friend")]
        pub friends: HasMany<Entity>,
    }

    impl ActiveModelBehavior for ActiveModel {}
}

pub mod friendship {
    use sea_orm::entity::prelude::*;

    #[sea_orm::model]
    #[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
    #[sea_orm(table_name = "friendship")]
    pub struct Model {
        #[sea_orm(primary_key, auto_increment = false)]
        pub person_id: i32,
        #[sea_orm(primary_key, auto_increment = false)]
        pub friend_id: i32,
        #[sea_orm(belongs_to, from = "person_id", to = "id")]
        pub person: BelongsTo<super::person::Entity>,
        #[sea_orm(belongs_to, relation_enum = "Friend", from = "friend_id", to = "id")]
        pub friend: BelongsTo<super::person::Entity>,
    }

    impl ActiveModelBehavior for ActiveModel {}
}

fn written<F: sea_orm_cached_field::CachedField>() -> Vec<String> {
    crate::written(&F::spec().depends_on)
}

#[test]
fn several_relations_to_one_entity_are_told_apart_by_name() {
    insta::assert_debug_snapshot!(written::<country::Places>(), @r#"
        [
            "id=country_id trip, from_id=id city: name",
            "id=country_id trip, to_id=id city: name",
            "id=country_id trip, = city: name !city: it is not clear which relation of `trip` its field `home` is; call the relation like the field, `relation_enum = \"Home\"`, or, if it leads through a junction, go by the relation of the junction that leads here, `super::junction::Relation::Variant(target(..))`",
        ]
        "#);
}

#[test]
fn related_is_not_taken_for_another_relation() {
    insta::assert_debug_snapshot!(written::<country::Stops>(), @r#"
        [
            "id=country_id leg, from_id=id city: name",
            "id=country_id leg, to_id=id city: name",
            "id=country_id leg, = city: name !city: it is not clear which relation of `leg` its field `renamed` is; call the relation like the field, `relation_enum = \"Renamed\"`, or, if it leads through a junction, go by the relation of the junction that leads here, `super::junction::Relation::Variant(target(..))`",
        ]
        "#);
}

#[test]
fn junctions_that_nobody_can_tell_apart_are_refused() {
    insta::assert_debug_snapshot!(written::<country::Credits>(), @r#"
        [
            "id=country_id song, = artist: name !artist: it is not clear which relation of `song` its field `performers` is; call the relation like the field, `relation_enum = \"Performers\"`, or, if it leads through a junction, go by the relation of the junction that leads here, `super::junction::Relation::Variant(target(..))`",
            "id=country_id song, = artist: name !artist: it is not clear which relation of `song` its field `written_by` is; call the relation like the field, `relation_enum = \"WrittenBy\"`, or, if it leads through a junction, go by the relation of the junction that leads here, `super::junction::Relation::Variant(target(..))`",
            "id=country_id song, first_id=id artist: name",
            "id=country_id song, id=song_id performed, artist_id=id artist: name",
        ]
        "#);
}

#[test]
fn relations_to_itself_are_found_by_name() {
    insta::assert_debug_snapshot!(written::<country::Families>(), @r#"
        [
            "id=country_id person, mother_id=id person x1: name",
            "id=country_id person, id=mother_id person: name",
            "id=country_id person, = person x1: name !person: it is not clear which relation of `person` its field `friends` is; call the relation like the field, `relation_enum = \"Friends\"`, or, if it leads through a junction, go by the relation of the junction that leads here, `super::junction::Relation::Variant(target(..))`",
        ]
        "#);
}

#[test]
fn modules_go_by_related() {
    insta::assert_debug_snapshot!(written::<country::CityNames>(), @r#"
        [
            "id=country_id city: name",
            "id=country_id city, id=to_id trip: ()",
        ]
        "#);
}

#[test]
fn relations_that_lead_here_are_named_by_their_module() {
    insta::assert_debug_snapshot!(written::<country::Neighbours>(), @r#"
        [
            "id=country_id person, id=person_id friendship, friend_id=id person: name",
            "id=country_id person, id=friend_id friendship, person_id=id person: name",
            "id=country_id person, id=mother_id person x1: name",
            "id=country_id city: name",
            "id=country_id city, id=to_id trip: ()",
            "id=country_id city, = leg: () !leg: the relation `Country` leads to `country`, not to `city`; name one that leads there",
        ]
        "#);
}
