//! What the database calls one key, though it is spelled in several ways: as a collation does that
//! tells neither case nor accents apart.

use sea_orm::{ActiveModelTrait, ActiveValue::Set, DbBackend, EntityTrait};
use sea_orm_cached_field::CachedFields;

use crate::harness::TestDb;

mod club {
    use sea_orm::{QuerySelect, entity::prelude::*};
    use sea_orm_cached_field::cached_fields;

    #[cached_fields]
    #[sea_orm::model]
    #[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
    #[sea_orm(table_name = "club")]
    pub struct Model {
        #[sea_orm(primary_key, auto_increment = false)]
        pub code: String,
        #[sea_orm(has_many)]
        pub players: HasMany<super::player::Entity>,
        #[cached(depends_on(players()))]
        pub size: i64,
        #[cached(batch, depends_on(players()))]
        pub squad: i64,
        #[cached(query, depends_on(players()))]
        pub counted: Option<i64>,
    }

    impl ActiveModelBehavior for ActiveModel {}

    impl Model {
        pub async fn calculate_size(&self, db: &impl ConnectionTrait) -> Result<i64, DbErr> {
            Ok(self.find_related(super::player::Entity).all(db).await?.len() as i64)
        }

        pub async fn calculate_squads(
            models: &[Self],
            db: &impl ConnectionTrait,
        ) -> Result<Vec<i64>, DbErr> {
            let mut sizes = Vec::new();
            for model in models {
                sizes.push(model.calculate_size(db).await?);
            }
            Ok(sizes)
        }

        pub fn select_counted() -> Select<super::player::Entity> {
            use super::player::{Column, Entity};

            let players = Entity::find().select_only().column(Column::ClubCode);
            players
                .column_as(Column::Id.count(), "players")
                .filter(Column::ClubCode.is_not_null())
                .group_by(Column::ClubCode)
        }
    }
}

mod player {
    use sea_orm::entity::prelude::*;

    #[sea_orm::model]
    #[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
    #[sea_orm(table_name = "player")]
    pub struct Model {
        #[sea_orm(primary_key)]
        pub id: i32,
        pub club_code: Option<String>,
        #[sea_orm(belongs_to, from = "club_code", to = "code", skip_fk)]
        pub club: BelongsTo<Option<super::club::Entity>>,
    }

    impl ActiveModelBehavior for ActiveModel {}
}

/// A key of two columns, of which one is spelled in several ways.
mod team {
    use sea_orm::entity::prelude::*;
    use sea_orm_cached_field::cached_fields;

    #[cached_fields]
    #[sea_orm::model]
    #[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
    #[sea_orm(table_name = "team")]
    pub struct Model {
        #[sea_orm(primary_key, auto_increment = false)]
        pub code: String,
        #[sea_orm(primary_key, auto_increment = false)]
        pub year: i32,
        #[sea_orm(has_many)]
        pub games: HasMany<super::game::Entity>,
        #[cached(depends_on(games()))]
        pub played: i64,
    }

    impl ActiveModelBehavior for ActiveModel {}

    impl Model {
        pub async fn calculate_played(&self, db: &impl ConnectionTrait) -> Result<i64, DbErr> {
            Ok(self.find_related(super::game::Entity).all(db).await?.len() as i64)
        }
    }
}

mod game {
    use sea_orm::entity::prelude::*;

    #[sea_orm::model]
    #[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
    #[sea_orm(table_name = "game")]
    pub struct Model {
        #[sea_orm(primary_key)]
        pub id: i32,
        pub code: String,
        pub year: i32,
        #[sea_orm(belongs_to, from = "(code, year)", to = "(code, year)", skip_fk)]
        pub team: BelongsTo<super::team::Entity>,
    }

    impl ActiveModelBehavior for ActiveModel {}
}

/// A total up a tree, and circles in it.
mod part {
    use sea_orm::entity::prelude::*;
    use sea_orm_cached_field::cached_fields;

    #[cached_fields]
    #[sea_orm::model]
    #[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
    #[sea_orm(table_name = "part")]
    pub struct Model {
        #[sea_orm(primary_key, auto_increment = false)]
        pub code: String,
        pub weight: i64,
        pub whole_code: Option<String>,
        #[sea_orm(
            self_ref,
            relation_enum = "Whole",
            relation_reverse = "Parts",
            from = "whole_code",
            to = "code",
            skip_fk
        )]
        pub whole: BelongsTo<Option<Entity>>,
        #[sea_orm(self_ref, relation_enum = "Parts", relation_reverse = "Whole")]
        pub parts: HasMany<Entity>,
        #[cached(recursive, depends_on(weight, parts(cached_total)))]
        pub total: i64,
    }

    impl ActiveModelBehavior for ActiveModel {}

    impl Model {
        pub async fn calculate_total(&self, db: &impl ConnectionTrait) -> Result<i64, DbErr> {
            let parts =
                Entity::find().filter(Column::WholeCode.eq(self.code.as_str())).all(db).await?;
            Ok(self.weight + parts.iter().map(|part| part.cached_total.unwrap_or(0)).sum::<i64>())
        }
    }
}

fn clubs() -> CachedFields {
    CachedFields::of::<club::Entity>().and::<team::Entity>().and::<part::Entity>()
}

/// A type of text whose equality looks neither at case nor at accents, as far as the database has
/// one.
async fn alike(db: &TestDb) -> &'static str {
    match db.get_database_backend() {
        DbBackend::Sqlite => "varchar(20) COLLATE NOCASE",
        DbBackend::MySql => "varchar(20)",
        _ => {
            db.sql("CREATE SCHEMA elsewhere").await;
            db.sql(
                r#"CREATE COLLATION elsewhere."no case"
                     (provider = icu, locale = 'und-u-ks-level1', deterministic = false)"#,
            )
            .await;
            r#"varchar(20) COLLATE elsewhere."no case""#
        }
    }
}

async fn set_up(db: &TestDb) {
    let kind = alike(db).await;
    db.sql(&format!("CREATE TABLE club (code {kind} NOT NULL PRIMARY KEY)")).await;
    db.sql(&format!("CREATE TABLE player (id integer PRIMARY KEY, club_code {kind})")).await;
    db.sql(&format!(
        "CREATE TABLE team (code {kind} NOT NULL, year integer NOT NULL, PRIMARY KEY (code, year))"
    ))
    .await;
    db.sql(&format!(
        "CREATE TABLE game (id integer PRIMARY KEY, code {kind} NOT NULL, year integer NOT NULL)"
    ))
    .await;
    db.sql(&format!(
        "CREATE TABLE part (code {kind} NOT NULL PRIMARY KEY,
                            weight bigint NOT NULL,
                            whole_code {kind})"
    ))
    .await;

    clubs().install(&**db).await.expect("installed");
}

/// A club without players, at rest.
async fn a_club(db: &TestDb) -> club::Model {
    set_up(db).await;
    db.sql("INSERT INTO club (code) VALUES ('FCB')").await;
    db.drain(clubs()).await;
    the_club(db).await
}

async fn the_club(db: &TestDb) -> club::Model {
    club::Entity::find().one(&**db).await.expect("loaded").expect("the club")
}

/// All is calculated of so many players, and nothing waits any more.
async fn assert_size(db: &TestDb, players: i64) {
    assert_eq!(db.pending("club").await, 0);
    let club = the_club(db).await;
    assert_eq!((club.cached_size, club.cached_squad), (Some(players), Some(players)));
    assert_eq!(club.cached_counted, (players > 0).then_some(players));
    assert!(
        !(club.size_recalculation_needed
            || club.squad_recalculation_needed
            || club.counted_recalculation_needed)
    );
}

#[apply(contract)]
async fn where_a_related_row_names_it(db: TestDb) {
    a_club(&db).await;
    db.sql("INSERT INTO player (id, club_code) VALUES (1, 'fcb')").await;
    db.drain(clubs()).await;
    assert_size(&db, 1).await;
    db.sql("INSERT INTO player (id, club_code) VALUES (2, 'Fcb'), (3, 'FCB'), (4, 'fcB')").await;
    db.sql("UPDATE player SET club_code = 'nowhere' WHERE id = 1").await;
    db.drain(clubs()).await;
    assert_size(&db, 3).await;
    db.sql("DELETE FROM player WHERE id = 4").await;
    db.drain(clubs()).await;
    assert_size(&db, 2).await;
}

#[apply(contract)]
async fn where_nothing_has_that_key(db: TestDb) {
    a_club(&db).await;
    db.sql("INSERT INTO player (id, club_code) VALUES (1, 'nowhere'), (2, 'Nowhere')").await;
    db.drain(clubs()).await;
    assert_size(&db, 0).await;
}

#[apply(contract)]
async fn where_the_key_is_spelled_anew(db: TestDb) {
    a_club(&db).await;
    db.sql("INSERT INTO player (id, club_code) VALUES (1, 'FCB')").await;
    db.sql("UPDATE club SET code = 'fcb'").await;
    db.drain(clubs()).await;
    assert_size(&db, 1).await;
    db.sql("UPDATE club SET code = 'Fcb'").await;
    db.drain(clubs()).await;
    assert_size(&db, 1).await;
}

/// As after a worker that has died, or an installation.
#[apply(contract)]
async fn where_the_queue_has_another_spelling(db: TestDb) {
    a_club(&db).await;
    for field in ["size", "squad", "counted"] {
        db.sql(&format!(
            "INSERT INTO _club_cached_recalculations (key_1, field, generation)
             VALUES ('fCb', '{field}', 5)"
        ))
        .await;
    }
    db.drain(clubs()).await;
    assert_size(&db, 0).await;

    db.sql(
        "INSERT INTO _club_cached_recalculations (key_1, field, generation)
         VALUES ('fCb', 'size', 5)",
    )
    .await;

    db.sql("UPDATE club SET code = 'FcB'").await;
    db.drain(clubs()).await;
    assert_size(&db, 0).await;
}

#[apply(contract)]
async fn for_who_reads(db: TestDb) {
    let club = a_club(&db).await;
    db.sql("INSERT INTO player (id, club_code) VALUES (1, 'fcb')").await;
    assert_eq!(club.fresh_size(&*db).await.expect("read"), 1);
    assert_eq!(club.fresh_squad(&*db).await.expect("read"), 1);
    assert_eq!(club.fresh_counted(&*db).await.expect("read"), Some(1));
    assert_size(&db, 1).await;

    db.sql("INSERT INTO player (id, club_code) VALUES (2, 'fcB')").await;
    let mut rows = [club.clone()];
    club::Size::load(&mut rows, &*db).await.expect("loaded");
    assert_eq!(rows[0].cached_size, Some(2));

    db.sql("UPDATE club SET code = 'fcb'").await;
    db.sql("INSERT INTO player (id, club_code) VALUES (3, 'fCB')").await;
    club::Size::load(&mut rows, &*db).await.expect("loaded");
    assert_eq!((rows[0].code.as_str(), rows[0].cached_size), ("FCB", Some(3)));

    db.sql("INSERT INTO player (id, club_code) VALUES (4, 'fCb')").await;
    assert_eq!(club.fresh_size(&*db).await.expect("read"), 4);
    assert_eq!(club.recalculate_size(&*db).await.expect("recalculated"), 4);
    let all = club::Size::recalculate(sea_orm::Condition::all(), &*db).await.expect("recalculated");
    assert_eq!(all, 1);
    db.drain(clubs()).await;
    assert_size(&db, 4).await;
}

#[apply(contract)]
async fn of_several_columns(db: TestDb) {
    set_up(&db).await;
    db.sql("INSERT INTO team (code, year) VALUES ('FCB', 1999), ('FCB', 2000)").await;
    db.drain(clubs()).await;
    db.sql("INSERT INTO game (id, code, year) VALUES (1, 'fcb', 2000), (2, 'Fcb', 2000)").await;
    db.drain(clubs()).await;
    assert_eq!(db.scalar::<i64>("SELECT cached_played FROM team WHERE year = 2000").await, 2);
    assert_eq!(db.scalar::<i64>("SELECT cached_played FROM team WHERE year = 1999").await, 0);
    assert_eq!(db.pending("team").await, 0);
}

#[apply(contract)]
async fn up_a_tree(db: TestDb) {
    set_up(&db).await;
    db.sql(
        "INSERT INTO part (code, weight, whole_code)
         VALUES ('Car', 1, NULL), ('Wheel', 2, 'CAR'), ('Tyre', 4, 'wheel')",
    )
    .await;
    db.drain(clubs()).await;

    db.sql("UPDATE part SET weight = 14 WHERE code = 'tyre'").await;
    db.drain(clubs()).await;
    assert_eq!(db.scalar::<i64>("SELECT cached_total FROM part WHERE code = 'car'").await, 17);
    assert_eq!(db.pending("part").await, 0);

    // A circle is found, whichever way it is spelled, and left alone until it is broken.
    db.sql("UPDATE part SET whole_code = 'TYRE' WHERE code = 'car'").await;
    db.sql(
        "INSERT INTO _part_cached_recalculations (key_1, field, generation)
         VALUES ('cAR', 'total', 5)",
    )
    .await;
    db.drain(clubs()).await;
    let errors = db.rows("SELECT last_error FROM _part_cached_recalculations").await;
    assert_eq!(errors.len(), 2, "{errors:?}");
    assert!(
        errors.iter().all(|error| error["last_error"]
            .as_str()
            .is_some_and(|error| error.contains("'Car' -> 'Tyre' -> 'Wheel'")
                || error.contains("'Tyre' -> 'Wheel' -> 'Car'"))),
        "{errors:?}"
    );

    db.sql("UPDATE part SET whole_code = NULL WHERE code = 'car'").await;
    db.let_time_pass("part").await;
    db.drain(clubs()).await;
    assert_eq!(db.scalar::<i64>("SELECT cached_total FROM part WHERE code = 'car'").await, 17);
    assert_eq!(db.pending("part").await, 0);
}

/// Accents, and blanks at the end: the default collations of MariaDB and MySQL.
#[apply(on_mariadb_and_mysql)]
async fn by_the_accents_and_blanks_of_mysql(db: TestDb) {
    set_up(&db).await;
    db.sql(
        "ALTER TABLE club
           MODIFY code varchar(20) CHARACTER SET utf8mb4 COLLATE utf8mb4_unicode_ci NOT NULL",
    )
    .await;
    db.sql(
        "ALTER TABLE player
           MODIFY club_code varchar(20) CHARACTER SET utf8mb4 COLLATE utf8mb4_unicode_ci",
    )
    .await;
    clubs().uninstall(&*db).await.expect("uninstalled");
    clubs().install(&*db).await.expect("installed");

    let club = club::ActiveModel { code: Set("Zoé".to_owned()), ..Default::default() };
    club.insert(&*db).await.expect("a club");
    db.drain(clubs()).await;

    db.sql("INSERT INTO player (id, club_code) VALUES (1, 'zoe'), (2, 'ZOE  '), (3, 'Zoë')").await;
    db.drain(clubs()).await;
    assert_size(&db, 3).await;
}
