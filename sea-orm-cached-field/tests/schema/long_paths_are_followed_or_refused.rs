use sea_orm::EntityTrait;
use sea_orm_cached_field::CachedFields;

use crate::catalog::refused;

/// Rows of a chain, each of which depends on one far up.
macro_rules! link {
    ($name:ident, $table:literal, $($path:tt)*) => {
        pub mod $name {
            use sea_orm::entity::prelude::*;
            use sea_orm_cached_field::cached_fields;

            #[cached_fields]
            #[sea_orm::model]
            #[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
            #[sea_orm(table_name = $table)]
            pub struct Model {
                #[sea_orm(primary_key, auto_increment = false)]
                pub id: i32,
                pub name: String,
                pub up_id: Option<i32>,
                #[sea_orm(self_ref, relation_enum = "Up", relation_reverse = "Down", from = "up_id", to = "id")]
                pub up: BelongsTo<Option<Entity>>,
                #[sea_orm(self_ref, relation_enum = "Down", relation_reverse = "Up")]
                pub down: HasMany<Entity>,
                #[cached(depends_on($($path)*))]
                pub far: String,
            }

            impl ActiveModelBehavior for ActiveModel {}

            impl Model {
                pub async fn calculate_far(&self, db: &impl ConnectionTrait) -> Result<String, DbErr> {
                    let mut row = self.up_id;
                    let mut name = String::new();
                    for _ in 0..16 {
                        let Some(id) = row else { return Ok(String::new()) };
                        let Some(above) = Entity::find_by_id(id).one(db).await? else { return Ok(String::new()) };
                        (row, name) = (above.up_id, above.name);
                    }
                    Ok(name)
                }
            }
        }
    };
}

#[rustfmt::skip]
link!(longest, "longest",
    up(up(up(up(up(up(up(up(up(up(up(up(up(up(up(up(name))))))))))))))))
);

#[rustfmt::skip]
link!(too_long, "too_long",
    up(up(up(up(up(up(up(up(up(up(up(up(up(up(up(up(up(name)))))))))))))))))
);

#[apply(contract)]
async fn sixteen_tables_can_be_followed(db: TestDb) {
    db.create(longest::Entity).await;
    let models = CachedFields::of::<longest::Entity>;
    models().install(&*db).await.expect("installed");
    for id in 0..=16 {
        let up = if id == 0 { "NULL".to_owned() } else { (id - 1).to_string() };
        db.sql(&format!("INSERT INTO longest (id, name, up_id) VALUES ({id}, 'n{id}', {up})"))
            .await;
    }
    db.drain(models()).await;

    db.sql("UPDATE longest SET name = 'top' WHERE id = 0").await;
    let last = longest::Entity::find_by_id(16).one(&*db).await.expect("found").expect("the last");
    assert_eq!(last.cached_far.as_deref(), Some("n0"));
    assert_eq!(last.fresh_far(&*db).await.expect("read"), "top");

    db.sql("UPDATE longest SET name = 'summit' WHERE id = 0").await;
    db.drain(models()).await;
    let last = longest::Entity::find_by_id(16).one(&*db).await.expect("found").expect("the last");
    assert_eq!(last.cached_far.as_deref(), Some("summit"));
}

#[apply(contract)]
async fn but_no_more(db: TestDb) {
    db.create(too_long::Entity).await;
    let message = refused(&db, CachedFields::of::<too_long::Entity>).await;
    let path = format!("{}name{}", "too_long(".repeat(17), ")".repeat(17));
    assert_eq!(
        message,
        format!(
            "`far` of `too_long` cannot depend on `{path}`: at `too_long`, it leads over more than 16 tables, which not every database can join; keep a cached field on a table in between, and depend on that"
        )
    );
}
