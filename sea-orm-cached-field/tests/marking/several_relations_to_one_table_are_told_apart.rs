use sea_orm_cached_field::CachedFields;

use crate::{
    harness::TestDb,
    support::{NOTHING, Watch},
};

mod city {
    use sea_orm::entity::prelude::*;

    #[sea_orm::model]
    #[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
    #[sea_orm(table_name = "city")]
    pub struct Model {
        #[sea_orm(primary_key)]
        pub id: i32,
        pub name: String,
        pub people: i64,
    }

    impl ActiveModelBehavior for ActiveModel {}
}

/// Two relations to one table, each read by fields of its own.
mod trip {
    use sea_orm::entity::prelude::*;
    use sea_orm_cached_field::cached_fields;

    #[cached_fields]
    #[sea_orm::model]
    #[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
    #[sea_orm(table_name = "trip")]
    pub struct Model {
        #[sea_orm(primary_key)]
        pub id: i32,
        pub from_id: i32,
        pub to_id: Option<i32>,
        #[sea_orm(belongs_to, relation_enum = "Origin", from = "from_id", to = "id")]
        pub origin: BelongsTo<super::city::Entity>,
        #[sea_orm(belongs_to, relation_enum = "Target", from = "to_id", to = "id")]
        pub target: BelongsTo<Option<super::city::Entity>>,
        #[cached(depends_on(origin(name), target(name)))]
        pub label: String,
        #[cached(depends_on(target(people)))]
        pub crowd: Option<i64>,
    }

    impl ActiveModelBehavior for ActiveModel {}

    impl Model {
        pub async fn calculate_label(&self, db: &impl ConnectionTrait) -> Result<String, DbErr> {
            let name = |city: Option<super::city::Model>| {
                city.map_or_else(|| "anywhere".to_owned(), |city| city.name)
            };
            let origin = super::city::Entity::find_by_id(self.from_id).one(db).await?;
            let target =
                super::city::Entity::find_by_id(self.to_id.unwrap_or_default()).one(db).await?;
            Ok(format!("{} to {}", name(origin), name(target)))
        }

        pub async fn calculate_crowd(
            &self,
            db: &impl ConnectionTrait,
        ) -> Result<Option<i64>, DbErr> {
            let target =
                super::city::Entity::find_by_id(self.to_id.unwrap_or_default()).one(db).await?;
            Ok(target.map(|city| city.people))
        }
    }
}

/// A second owner that looks at the same table.
mod museum {
    use sea_orm::entity::prelude::*;
    use sea_orm_cached_field::cached_fields;

    #[cached_fields]
    #[sea_orm::model]
    #[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
    #[sea_orm(table_name = "museum")]
    pub struct Model {
        #[sea_orm(primary_key)]
        pub id: i32,
        pub city_id: i32,
        #[sea_orm(belongs_to, from = "city_id", to = "id")]
        pub city: BelongsTo<super::city::Entity>,
        #[cached(depends_on(city(name)))]
        pub address: String,
    }

    impl ActiveModelBehavior for ActiveModel {}

    impl Model {
        pub async fn calculate_address(&self, db: &impl ConnectionTrait) -> Result<String, DbErr> {
            let city = self.find_related(super::city::Entity).one(db).await?;
            Ok(city.map(|city| city.name).unwrap_or_default())
        }
    }
}

/// A table related to itself, in both directions.
mod staff {
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
        pub boss_id: Option<i32>,
        #[sea_orm(
            self_ref,
            relation_enum = "ReportsTo",
            relation_reverse = "Manages",
            from = "boss_id",
            to = "id"
        )]
        pub reports_to: BelongsTo<Option<Entity>>,
        #[sea_orm(self_ref, relation_enum = "Manages", relation_reverse = "ReportsTo")]
        pub manages: HasMany<Entity>,
        #[cached(depends_on(name, reports_to(name)))]
        pub signature: String,
        #[cached(depends_on(manages(name)))]
        pub team: String,
    }

    impl ActiveModelBehavior for ActiveModel {}

    impl Model {
        pub async fn calculate_signature(
            &self,
            db: &impl ConnectionTrait,
        ) -> Result<String, DbErr> {
            let boss = Entity::find_by_id(self.boss_id.unwrap_or_default()).one(db).await?;
            Ok(format!(
                "{} for {}",
                self.name,
                boss.map_or_else(|| "nobody".to_owned(), |boss| boss.name)
            ))
        }

        pub async fn calculate_team(&self, db: &impl ConnectionTrait) -> Result<String, DbErr> {
            let team = Entity::find().filter(Column::BossId.eq(self.id)).all(db).await?;
            let mut names: Vec<String> = team.into_iter().map(|member| member.name).collect();
            names.sort();
            Ok(names.join(", "))
        }
    }
}

/// Members, each with the names of their friends: of another model, through a junction of `staff`
/// to itself.
mod club {
    use sea_orm::{QueryOrder, entity::prelude::*};
    use sea_orm_cached_field::cached_fields;

    #[cached_fields]
    #[sea_orm::model]
    #[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
    #[sea_orm(table_name = "club")]
    pub struct Model {
        #[sea_orm(primary_key)]
        pub id: i32,
        #[sea_orm(has_many)]
        pub members: HasMany<super::member::Entity>,
        #[cached(depends_on(members(super::friendship::Relation::Member(friend(name)))))]
        pub guests: String,
    }

    impl ActiveModelBehavior for ActiveModel {}

    impl Model {
        pub async fn calculate_guests(&self, db: &impl ConnectionTrait) -> Result<String, DbErr> {
            let members = self
                .find_related(super::member::Entity)
                .order_by_asc(super::member::Column::Id)
                .all(db)
                .await?;

            let mut guests = Vec::new();
            for member in members {
                let friends = super::friendship::Entity::find()
                    .filter(super::friendship::Column::MemberId.eq(member.id))
                    .order_by_asc(super::friendship::Column::FriendId)
                    .all(db)
                    .await?;
                for friend in friends {
                    guests
                        .extend(super::member::Entity::find_by_id(friend.friend_id).one(db).await?);
                }
            }
            Ok(guests.into_iter().map(|guest| guest.name).collect::<Vec<_>>().join(", "))
        }
    }
}

mod member {
    use sea_orm::entity::prelude::*;

    #[sea_orm::model]
    #[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
    #[sea_orm(table_name = "member")]
    pub struct Model {
        #[sea_orm(primary_key)]
        pub id: i32,
        pub name: String,
        pub club_id: i32,
        #[sea_orm(belongs_to, from = "club_id", to = "id")]
        pub club: BelongsTo<super::club::Entity>,
        #[sea_orm(self_ref, via = "friendship", from = "Member", to = "Friend")]
        pub friends: HasMany<Entity>,
    }

    impl ActiveModelBehavior for ActiveModel {}
}

mod friendship {
    use sea_orm::entity::prelude::*;

    #[sea_orm::model]
    #[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
    #[sea_orm(table_name = "friendship")]
    pub struct Model {
        #[sea_orm(primary_key, auto_increment = false)]
        pub member_id: i32,
        #[sea_orm(primary_key, auto_increment = false)]
        pub friend_id: i32,
        #[sea_orm(belongs_to, relation_enum = "Member", from = "member_id", to = "id")]
        pub member: BelongsTo<super::member::Entity>,
        #[sea_orm(belongs_to, relation_enum = "Friend", from = "friend_id", to = "id")]
        pub friend: BelongsTo<super::member::Entity>,
    }

    impl ActiveModelBehavior for ActiveModel {}
}

fn clubs() -> CachedFields {
    CachedFields::of::<club::Entity>()
}

fn travels() -> CachedFields {
    CachedFields::of::<trip::Entity>().and::<museum::Entity>()
}

fn staffs() -> CachedFields {
    CachedFields::of::<staff::Entity>()
}

/// Trips 1 from Rome to Oslo and 2 from Oslo to nowhere; a museum in Oslo.
async fn travelled(db: &TestDb) -> Watch<'_> {
    db.create(city::Entity).await;
    db.create(trip::Entity).await;
    db.create(museum::Entity).await;
    travels().install(&**db).await.expect("installed");
    db.sql("INSERT INTO city (id, name, people) VALUES (1, 'Rome', 10), (2, 'Oslo', 20)").await;
    db.sql("INSERT INTO trip (id, from_id, to_id) VALUES (1, 1, 2), (2, 2, NULL)").await;
    db.sql("INSERT INTO museum (id, city_id) VALUES (1, 2)").await;
    Watch::begin(db, travels).await
}

/// Ann manages Bob and Cid, Bob manages Dan.
async fn hired(db: &TestDb) -> Watch<'_> {
    db.create(staff::Entity).await;
    staffs().install(&**db).await.expect("installed");
    db.sql(
        "INSERT INTO staff (id, name, boss_id)
         VALUES (1, 'Ann', NULL), (2, 'Bob', 1), (3, 'Cid', 1), (4, 'Dan', 2)",
    )
    .await;
    Watch::begin(db, staffs).await
}

#[apply(contract)]
async fn each_relation_finds_its_own_rows(db: TestDb) {
    let mut watch = travelled(&db).await;
    assert_eq!(watch.after("UPDATE city SET name = 'Roma' WHERE id = 1").await, ["trip.label 1"]);
    assert_eq!(watch.after("UPDATE city SET people = 11 WHERE id = 1").await, NOTHING);
    assert_eq!(watch.after("UPDATE city SET people = 21 WHERE id = 2").await, ["trip.crowd 1"]);
    assert_eq!(watch.after("UPDATE trip SET from_id = 2 WHERE id = 1").await, ["trip.label 1"]);
    assert_eq!(
        watch.after("UPDATE trip SET to_id = 1 WHERE id = 2").await,
        ["trip.crowd 2", "trip.label 2"]
    );
    let label: String = db.scalar("SELECT cached_label FROM trip WHERE id = 2").await;
    assert_eq!(label, "Oslo to Roma");
}

#[apply(contract)]
async fn each_owner_is_marked(db: TestDb) {
    let mut watch = travelled(&db).await;
    assert_eq!(
        watch.after("UPDATE city SET name = 'Bergen' WHERE id = 2").await,
        ["museum.address 1", "trip.label 1", "trip.label 2"]
    );
}

#[apply(contract)]
async fn a_table_may_be_related_to_itself(db: TestDb) {
    let mut watch = hired(&db).await;

    assert_eq!(
        watch.after("UPDATE staff SET name = 'Bo' WHERE id = 2").await,
        ["staff.signature 2", "staff.signature 4", "staff.team 1"]
    );
    assert_eq!(db.scalar::<String>("SELECT cached_team FROM staff WHERE id = 1").await, "Bo, Cid");
    assert_eq!(
        watch.after("UPDATE staff SET boss_id = 2 WHERE id = 3").await,
        ["staff.signature 3", "staff.team 1", "staff.team 2"]
    );
    assert_eq!(watch.after("DELETE FROM staff WHERE id = 4").await, ["staff.team 2"]);
    assert_eq!(
        watch.after("INSERT INTO staff (id, name, boss_id) VALUES (5, 'Eve', 1)").await,
        ["staff.signature 5", "staff.team 1", "staff.team 5"]
    );
}

#[apply(contract)]
async fn one_statement_may_change_both_ends(db: TestDb) {
    let mut watch = hired(&db).await;
    watch.after("UPDATE staff SET name = lower(name)").await;
    assert_eq!(db.scalar::<String>("SELECT cached_team FROM staff WHERE id = 1").await, "bob, cid");
    assert_eq!(
        db.scalar::<String>("SELECT cached_signature FROM staff WHERE id = 4").await,
        "dan for bob"
    );

    watch.after("UPDATE staff SET boss_id = id").await;
    assert_eq!(db.scalar::<String>("SELECT cached_team FROM staff WHERE id = 1").await, "ann");
    assert_eq!(
        db.scalar::<String>("SELECT cached_signature FROM staff WHERE id = 4").await,
        "dan for dan"
    );

    assert_eq!(
        watch.after("UPDATE staff SET name = 'Dan' WHERE id = 4").await,
        ["staff.signature 4", "staff.team 4"]
    );
    assert_eq!(db.pending("staff").await, 0);
}

#[apply(contract)]
async fn a_junction_to_itself_is_followed_from_another_model(db: TestDb) {
    db.create(club::Entity).await;
    db.create(member::Entity).await;
    db.create(friendship::Entity).await;
    clubs().install(&*db).await.expect("installed");
    db.sql("INSERT INTO club (id) VALUES (1), (2)").await;
    db.sql(
        "INSERT INTO member (id, name, club_id) VALUES (1, 'Ann', 1), (2, 'Bob', 2), (3, 'Cid', 2)",
    )
    .await;
    db.sql("INSERT INTO friendship (member_id, friend_id) VALUES (1, 2)").await;
    let mut watch = Watch::begin(&db, clubs).await;

    assert_eq!(watch.after("UPDATE member SET name = 'Ben' WHERE id = 2").await, ["club.guests 1"]);
    assert_eq!(watch.after("UPDATE member SET name = 'Anna' WHERE id = 1").await, NOTHING);
    assert_eq!(
        watch.after("INSERT INTO friendship (member_id, friend_id) VALUES (1, 3)").await,
        ["club.guests 1"]
    );
    assert_eq!(
        watch.after("UPDATE friendship SET member_id = 2 WHERE friend_id = 3").await,
        ["club.guests 1", "club.guests 2"]
    );
    assert_eq!(
        db.rows("SELECT cached_guests FROM club ORDER BY id").await,
        [
            serde_json::json!({ "cached_guests": "Ben" }),
            serde_json::json!({ "cached_guests": "Cid" }),
        ]
    );
}
