use sea_orm::EntityTrait;
use sea_orm_cached_field::CachedFields;

use crate::support::{NOTHING, Watch};

/// Columns named by words of SQL, by words of triggers, in quotes, in mixed case, and like columns
/// of the library.
mod order {
    use sea_orm::entity::prelude::*;
    use sea_orm_cached_field::cached_fields;

    #[cached_fields]
    #[sea_orm::model]
    #[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
    #[sea_orm(table_name = "order")]
    pub struct Model {
        #[sea_orm(primary_key, column_name = "key_1")]
        pub id: i32,
        pub group: String,
        pub new: String,
        #[sea_orm(column_name = "the \"old\" one")]
        pub old: String,
        pub field: String,
        #[sea_orm(column_name = "v_key_1")]
        pub irrelevant: Option<String>,
        #[sea_orm(has_many)]
        pub lines: HasMany<super::select::Entity>,
        #[cached(
            depends_on(group, new, old, field, lines(table)),
            temporal_triggers,
            cached_field_name = "label",
            recalculation_needed_field_name = "label_is_stale",
            expiration_field_name = "until",
            calculation_method_name = "make_label"
        )]
        #[sea_orm(column_name = "the Label")]
        pub r#type: String,
    }

    impl ActiveModelBehavior for ActiveModel {}

    impl Model {
        pub async fn make_label(&self, db: &impl ConnectionTrait) -> Result<String, DbErr> {
            let lines = self.find_related(super::select::Entity).all(db).await?;
            let lines: String = lines.into_iter().map(|line| line.table).collect();
            Ok(format!("{}{}{}{}{lines}", self.group, self.new, self.old, self.field))
        }
    }
}

mod select {
    use sea_orm::entity::prelude::*;

    #[sea_orm::model]
    #[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
    #[sea_orm(table_name = "Select 'me'")]
    pub struct Model {
        #[sea_orm(primary_key, column_name = "c_1")]
        pub id: i32,
        pub table: String,
        #[sea_orm(column_name = "v_links")]
        pub order_id: i32,
        #[sea_orm(belongs_to, from = "order_id", to = "id")]
        pub order: BelongsTo<super::order::Entity>,
    }

    impl ActiveModelBehavior for ActiveModel {}
}

fn orders() -> CachedFields {
    CachedFields::of::<order::Entity>()
}

#[apply(contract)]
async fn of_tables_columns_and_fields(db: TestDb) {
    db.create(order::Entity).await;
    db.create(select::Entity).await;
    orders().install(&*db).await.expect("installed");
    let order = r#"INSERT INTO "order" ("group", "new", "the ""old"" one", "field")
        VALUES ('g', 'n', 'o', 'f')"#;
    db.sql(&db.quoted(order)).await;
    db.sql(&db.quoted(r#"INSERT INTO "Select 'me'" ("table", v_links) VALUES ('t', 1)"#)).await;
    let mut watch = Watch::begin(&db, orders).await;

    for column in ["group", "new", r#"the ""old"" one"#, "field"] {
        // sqlx has MySQL read `||` as the standard does.
        let change = format!(r#"UPDATE "order" SET "{column}" = "{column}" || '!'"#);
        assert_eq!(watch.after(&db.quoted(&change)).await, ["order.type 1"], "{column}");
    }
    assert_eq!(watch.after(&db.quoted(r#"UPDATE "order" SET v_key_1 = 'x'"#)).await, NOTHING);
    assert_eq!(
        watch.after(&db.quoted(r#"UPDATE "Select 'me'" SET "table" = 'T'"#)).await,
        ["order.type 1"]
    );
    assert_eq!(
        watch.after(&db.quoted(r#"UPDATE "order" SET "the Label" = 'forged'"#)).await,
        ["order.type 1"]
    );

    let order = order::Entity::find_by_id(1).one(&*db).await.expect("loaded").expect("the order");
    assert_eq!(order.label.as_deref(), Some("g!n!o!f!T"));
    assert_eq!((order.label_is_stale, order.until), (false, None));
    assert_eq!(order.fresh_type(&*db).await.expect("read"), "g!n!o!f!T");
}
