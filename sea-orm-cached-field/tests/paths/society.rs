//! A town with towns in it, people with managers, clubs, shops and sales: a model for each shape of
//! path.

pub mod person {
    use sea_orm::entity::prelude::*;
    use sea_orm_cached_field::cached_fields;

    #[cached_fields]
    #[sea_orm::model]
    #[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
    #[sea_orm(table_name = "person")]
    pub struct Model {
        #[sea_orm(primary_key, auto_increment = false)]
        pub id: i32,
        pub salary: i64,
        pub manager_id: Option<i32>,
        pub home_id: Option<i32>,
        pub work_id: Option<i32>,
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
        #[sea_orm(belongs_to, relation_enum = "Home", from = "home_id", to = "id")]
        pub home: BelongsTo<Option<super::town::Entity>>,
        #[sea_orm(belongs_to, relation_enum = "Work", from = "work_id", to = "id")]
        pub work: BelongsTo<Option<super::town::Entity>>,
        #[sea_orm(has_many, via = "membership")]
        pub clubs: HasMany<super::club::Entity>,
        #[sea_orm(self_ref, via = "friendship", from = "Person", to = "Friend")]
        pub friends: HasMany<Entity>,
        #[sea_orm(has_many)]
        pub sales: HasMany<super::sale::Entity>,

        /// Two steps of a relation to itself: the salary of the manager's manager.
        #[cached(depends_on(manager(manager(salary))))]
        pub grand_salary: i64,
        /// The whole subtree, of which only the existence counts.
        #[cached(depends_on(recursive reports()))]
        pub subordinates: i64,
        /// The chain upwards, however long.
        #[cached(depends_on(recursive manager(salary)))]
        pub salary_above: i64,
        /// A tree: a parent's total on its children's totals.
        #[cached(recursive, depends_on(salary, reports(cached_payroll)))]
        pub payroll: i64,
        /// Two relations to the same table, which meet there.
        #[cached(depends_on(home(tax), work(tax)))]
        pub taxes: i64,
        /// A junction, and a step beyond it.
        #[cached(depends_on(clubs(fee, town(tax))))]
        pub fees: i64,
        /// Friends of friends, however far: a junction of the table with itself, any number of
        /// times.
        #[cached(depends_on(recursive friends(salary)))]
        pub circle: i64,
        /// Down, up over a composite key, and up again.
        #[cached(depends_on(sales(shelf(shop(town_id)))))]
        pub reach: i64,
    }

    impl ActiveModelBehavior for ActiveModel {}

    async fn number(db: &impl ConnectionTrait, sql: String) -> Result<i64, DbErr> {
        let statement = sea_orm::Statement::from_string(db.get_database_backend(), sql);
        db.query_one_raw(statement)
            .await?
            .map_or(Ok(0), |row| row.try_get_by_index::<Option<i64>>(0).map(|sum| sum.unwrap_or(0)))
    }

    impl Model {
        pub async fn calculate_grand_salary(
            &self,
            db: &impl ConnectionTrait,
        ) -> Result<i64, DbErr> {
            let Some(manager) = self.manager_id else { return Ok(0) };
            let Some(manager) = Entity::find_by_id(manager).one(db).await? else { return Ok(0) };
            let Some(grand) = manager.manager_id else { return Ok(0) };
            Ok(Entity::find_by_id(grand).one(db).await?.map_or(0, |grand| grand.salary))
        }

        pub async fn calculate_subordinates(
            &self,
            db: &impl ConnectionTrait,
        ) -> Result<i64, DbErr> {
            let mut found = std::collections::HashSet::new();
            let mut open = vec![self.id];
            while let Some(id) = open.pop() {
                for report in Entity::find().filter(Column::ManagerId.eq(id)).all(db).await? {
                    if found.insert(report.id) {
                        open.push(report.id);
                    }
                }
            }
            Ok(found.len() as i64)
        }

        pub async fn calculate_salary_above(
            &self,
            db: &impl ConnectionTrait,
        ) -> Result<i64, DbErr> {
            let mut sum = 0;
            let mut seen = std::collections::HashSet::new();
            let mut above = self.manager_id;
            while let Some(id) = above.filter(|id| seen.insert(*id)) {
                let Some(manager) = Entity::find_by_id(id).one(db).await? else { break };
                sum += manager.salary;
                above = manager.manager_id;
            }
            Ok(sum)
        }

        pub async fn calculate_payroll(&self, db: &impl ConnectionTrait) -> Result<i64, DbErr> {
            let reports = Entity::find().filter(Column::ManagerId.eq(self.id)).all(db).await?;
            Ok(self.salary + reports.iter().filter_map(|report| report.cached_payroll).sum::<i64>())
        }

        pub async fn calculate_taxes(&self, db: &impl ConnectionTrait) -> Result<i64, DbErr> {
            let mut taxes = 0;
            for town in [self.home_id, self.work_id].into_iter().flatten() {
                taxes +=
                    super::town::Entity::find_by_id(town).one(db).await?.map_or(0, |town| town.tax);
            }
            Ok(taxes)
        }

        pub async fn calculate_circle(&self, db: &impl ConnectionTrait) -> Result<i64, DbErr> {
            let mut found = std::collections::HashSet::new();
            let mut open = vec![self.id];
            let mut sum = 0;

            while let Some(id) = open.pop() {
                let friendships = super::friendship::Entity::find();
                for friendship in
                    friendships.filter(super::friendship::Column::PersonId.eq(id)).all(db).await?
                {
                    let friend = Entity::find_by_id(friendship.friend_id).one(db).await?;
                    if let Some(friend) = friend.filter(|friend| found.insert(friend.id)) {
                        sum += friend.salary;
                        open.push(friend.id);
                    }
                }
            }

            Ok(sum)
        }

        pub async fn calculate_reach(&self, db: &impl ConnectionTrait) -> Result<i64, DbErr> {
            let mut towns = std::collections::HashSet::new();
            for sale in super::sale::Entity::find()
                .filter(super::sale::Column::PersonId.eq(self.id))
                .all(db)
                .await?
            {
                let shelf = super::shelf::Entity::find_by_id((sale.shop_id, sale.shelf_number))
                    .one(db)
                    .await?;
                let Some(shelf) = shelf else { continue };
                towns.extend(
                    super::shop::Entity::find_by_id(shelf.shop_id)
                        .one(db)
                        .await?
                        .map(|shop| shop.town_id),
                );
            }

            Ok(towns.len() as i64)
        }

        pub async fn calculate_fees(&self, db: &impl ConnectionTrait) -> Result<i64, DbErr> {
            number(
                db,
                format!(
                    "SELECT CAST(sum(c.fee + coalesce(t.tax, 0)) AS {})
                       FROM membership m
                       JOIN club c ON c.id = m.club_id
                       LEFT JOIN town t ON t.id = c.town_id
                      WHERE m.person_id = {}",
                    super::big_integer(db.get_database_backend()),
                    self.id
                ),
            )
            .await
        }
    }
}

pub mod town {
    use sea_orm::entity::prelude::*;
    use sea_orm_cached_field::cached_fields;

    #[cached_fields]
    #[sea_orm::model]
    #[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
    #[sea_orm(table_name = "town")]
    pub struct Model {
        #[sea_orm(primary_key, auto_increment = false)]
        pub id: i32,
        pub tax: i64,
        #[sea_orm(has_many)]
        pub clubs: HasMany<super::club::Entity>,
        #[sea_orm(has_many)]
        pub shops: HasMany<super::shop::Entity>,

        /// Three steps down, over a composite key, and one up again.
        #[cached(depends_on(shops(shelves(sales(amount, person(salary))))))]
        pub turnover: i64,
        /// All columns of a relation.
        #[cached(depends_on(clubs(*)))]
        pub club_text: String,
    }

    impl ActiveModelBehavior for ActiveModel {}

    impl Model {
        pub async fn calculate_turnover(&self, db: &impl ConnectionTrait) -> Result<i64, DbErr> {
            let mut sum = 0;
            for shop in super::shop::Entity::find()
                .filter(super::shop::Column::TownId.eq(self.id))
                .all(db)
                .await?
            {
                for shelf in super::shelf::Entity::find()
                    .filter(super::shelf::Column::ShopId.eq(shop.id))
                    .all(db)
                    .await?
                {
                    let sales = super::sale::Entity::find()
                        .filter(super::sale::Column::ShopId.eq(shelf.shop_id))
                        .filter(super::sale::Column::ShelfNumber.eq(shelf.number));
                    for sale in sales.all(db).await? {
                        let person =
                            super::person::Entity::find_by_id(sale.person_id).one(db).await?;
                        sum += sale.amount * person.map_or(0, |person| person.salary);
                    }
                }
            }

            Ok(sum)
        }

        pub async fn calculate_club_text(
            &self,
            db: &impl ConnectionTrait,
        ) -> Result<String, DbErr> {
            use sea_orm::QueryOrder;
            let clubs = super::club::Entity::find().filter(super::club::Column::TownId.eq(self.id));
            let clubs = clubs.order_by_asc(super::club::Column::Id).all(db).await?;
            Ok(clubs
                .iter()
                .map(|club| format!("{}:{}:{}", club.id, club.fee, club.motto))
                .collect::<Vec<_>>()
                .join(" "))
        }
    }
}

pub mod club {
    use sea_orm::entity::prelude::*;

    #[sea_orm::model]
    #[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
    #[sea_orm(table_name = "club")]
    pub struct Model {
        #[sea_orm(primary_key, auto_increment = false)]
        pub id: i32,
        pub fee: i64,
        pub motto: String,
        pub town_id: Option<i32>,
        #[sea_orm(belongs_to, from = "town_id", to = "id")]
        pub town: BelongsTo<Option<super::town::Entity>>,
        #[sea_orm(has_many, via = "membership")]
        pub members: HasMany<super::person::Entity>,
    }

    impl ActiveModelBehavior for ActiveModel {}
}

pub mod membership {
    use sea_orm::entity::prelude::*;

    #[sea_orm::model]
    #[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
    #[sea_orm(table_name = "membership")]
    pub struct Model {
        #[sea_orm(primary_key, auto_increment = false)]
        pub person_id: i32,
        #[sea_orm(primary_key, auto_increment = false)]
        pub club_id: i32,
        #[sea_orm(belongs_to, from = "person_id", to = "id")]
        pub person: BelongsTo<super::person::Entity>,
        #[sea_orm(belongs_to, from = "club_id", to = "id")]
        pub club: BelongsTo<super::club::Entity>,
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

pub mod shop {
    use sea_orm::entity::prelude::*;

    #[sea_orm::model]
    #[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
    #[sea_orm(table_name = "shop")]
    pub struct Model {
        #[sea_orm(primary_key, auto_increment = false)]
        pub id: i32,
        pub town_id: i32,
        #[sea_orm(belongs_to, from = "town_id", to = "id")]
        pub town: BelongsTo<super::town::Entity>,
        #[sea_orm(has_many)]
        pub shelves: HasMany<super::shelf::Entity>,
    }

    impl ActiveModelBehavior for ActiveModel {}
}

pub mod shelf {
    use sea_orm::entity::prelude::*;

    #[sea_orm::model]
    #[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
    #[sea_orm(table_name = "shelf")]
    pub struct Model {
        #[sea_orm(primary_key, auto_increment = false)]
        pub shop_id: i32,
        #[sea_orm(primary_key, auto_increment = false)]
        pub number: i32,
        #[sea_orm(belongs_to, from = "shop_id", to = "id")]
        pub shop: BelongsTo<super::shop::Entity>,
        #[sea_orm(has_many)]
        pub sales: HasMany<super::sale::Entity>,
    }

    impl ActiveModelBehavior for ActiveModel {}
}

pub mod sale {
    use sea_orm::entity::prelude::*;

    #[sea_orm::model]
    #[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
    #[sea_orm(table_name = "sale")]
    pub struct Model {
        #[sea_orm(primary_key, auto_increment = false)]
        pub id: i32,
        pub amount: i64,
        pub shop_id: i32,
        pub shelf_number: i32,
        pub person_id: i32,
        #[sea_orm(belongs_to, from = "(shop_id, shelf_number)", to = "(shop_id, number)")]
        pub shelf: BelongsTo<super::shelf::Entity>,
        #[sea_orm(belongs_to, from = "person_id", to = "id")]
        pub person: BelongsTo<super::person::Entity>,
    }

    impl ActiveModelBehavior for ActiveModel {}
}

use sea_orm::DbBackend;
use sea_orm_cached_field::CachedFields;

use crate::harness::TestDb;

/// What `CAST` calls an integer of 64 bits.
pub fn big_integer(backend: DbBackend) -> &'static str {
    if backend == DbBackend::MySql { "SIGNED" } else { "bigint" }
}

pub fn models() -> CachedFields {
    CachedFields::of::<person::Entity>().and::<town::Entity>()
}

pub async fn found(db: &TestDb) {
    let integers = |columns: &str| columns.replace(',', " INTEGER,") + " INTEGER";

    for (table, columns, more) in [
        ("town", "id, tax", "PRIMARY KEY (id)"),
        ("person", "id, salary, manager_id, home_id, work_id", "PRIMARY KEY (id)"),
        ("club", "id, fee, town_id", "motto VARCHAR(40), PRIMARY KEY (id)"),
        ("membership", "person_id, club_id", "PRIMARY KEY (person_id, club_id)"),
        ("friendship", "person_id, friend_id", "PRIMARY KEY (person_id, friend_id)"),
        ("shop", "id, town_id", "PRIMARY KEY (id)"),
        ("shelf", "shop_id, number", "PRIMARY KEY (shop_id, number)"),
        ("sale", "id, amount, shop_id, shelf_number, person_id", "PRIMARY KEY (id)"),
    ] {
        let columns = integers(columns)
            .replace("tax INTEGER", "tax BIGINT")
            .replace("salary INTEGER", "salary BIGINT");
        let columns =
            columns.replace("fee INTEGER", "fee BIGINT").replace("amount INTEGER", "amount BIGINT");
        db.sql(&format!("CREATE TABLE {table} ({columns}, {more})")).await;
    }

    models().install(&**db).await.expect("installed");
}
