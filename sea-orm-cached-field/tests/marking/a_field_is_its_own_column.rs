//! A field and a column of another field may have the same name: `depends_on` means the field.

use sea_orm::EntityTrait;
use sea_orm_cached_field::CachedFields;

use crate::support::{NOTHING, Watch};

/// Each column has the name of another field, or of none.
mod ware {
    use sea_orm::entity::prelude::*;
    use sea_orm_cached_field::cached_fields;

    #[cached_fields]
    #[sea_orm::model]
    #[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
    #[sea_orm(table_name = "ware", rename_all = "camelCase")]
    pub struct Model {
        #[sea_orm(column_name = "id")]
        pub number: i32,
        #[sea_orm(primary_key, column_name = "number")]
        pub id: i32,
        #[sea_orm(column_name = "name")]
        pub code: String,
        #[sea_orm(column_name = "title")]
        pub name: String,
        #[sea_orm(enum_name = "Type", column_name = "type")]
        pub kind: String,
        #[sea_orm(enum_name = "Kind", column_name = "kind")]
        pub r#type: String,
        pub line_2: String,
        #[sea_orm(has_many)]
        pub parts: HasMany<super::part::Entity>,
        #[cached(
            depends_on(
                name,
                r#type,
                line_2,
                parts(name, r#type, line_2, shade),
                super::tag(name, r#type)
            ),
            cached_field_name = "label",
            recalculation_needed_field_name = "stale"
        )]
        #[sea_orm(column_name = "shown")]
        pub label: String,
        #[sea_orm(column_name = "label")]
        pub unrelated: Option<String>,
    }

    impl ActiveModelBehavior for ActiveModel {}

    impl Model {
        pub async fn calculate_label(&self, db: &impl ConnectionTrait) -> Result<String, DbErr> {
            let parts = self.find_related(super::part::Entity).all(db).await?;
            let parts: String = parts
                .into_iter()
                .map(|part| format!("{}{}{}{:?}", part.name, part.r#type, part.line_2, part.shade))
                .collect();
            let tags = super::tag::Entity::find()
                .filter(super::tag::Column::WareId.eq(self.id))
                .all(db)
                .await?;
            let tags: String = tags.into_iter().map(|tag| tag.name + &tag.r#type).collect();
            Ok(format!("{}{}{}{parts}{tags}", self.name, self.r#type, self.line_2))
        }
    }
}

mod part {
    use sea_orm::entity::prelude::*;

    #[sea_orm::model]
    #[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
    #[sea_orm(table_name = "part", rename_all = "camelCase")]
    pub struct Model {
        #[sea_orm(primary_key)]
        pub id: i32,
        #[sea_orm(column_name = "shelf_id")]
        pub ware_id: i32,
        #[sea_orm(column_name = "ware_id")]
        pub shelf_id: i32,
        #[sea_orm(column_name = "name")]
        pub code: String,
        #[sea_orm(column_name = "title")]
        pub name: String,
        #[sea_orm(enum_name = "Type", column_name = "type")]
        pub kind: String,
        #[sea_orm(enum_name = "Kind", column_name = "kind")]
        pub r#type: String,
        pub line_2: String,
        #[sea_orm(column_name = "shade")]
        pub tone: Shade,
        #[sea_orm(column_name = "tone")]
        pub shade: Shade,
        #[sea_orm(belongs_to, from = "ware_id", to = "id")]
        pub ware: BelongsTo<super::ware::Entity>,
    }

    /// No value of it is like the empty text.
    #[derive(Clone, Debug, PartialEq, Eq, EnumIter, DeriveActiveEnum)]
    #[sea_orm(rs_type = "String", db_type = "String(StringLen::N(5))")]
    pub enum Shade {
        #[sea_orm(string_value = "light")]
        Light,
        #[sea_orm(string_value = "dark")]
        Dark,
    }

    impl ActiveModelBehavior for ActiveModel {}
}

/// The compact format.
mod tag {
    use sea_orm::entity::prelude::*;

    #[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
    #[sea_orm(table_name = "tag")]
    pub struct Model {
        #[sea_orm(primary_key)]
        pub id: i32,
        pub ware_id: i32,
        #[sea_orm(column_name = "name")]
        pub code: String,
        #[sea_orm(column_name = "title")]
        pub name: String,
        #[sea_orm(enum_name = "Type", column_name = "type")]
        pub kind: String,
        #[sea_orm(enum_name = "Kind", column_name = "kind")]
        pub r#type: String,
    }

    #[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
    pub enum Relation {
        #[sea_orm(
            belongs_to = "super::ware::Entity",
            from = "Column::WareId",
            to = "super::ware::Column::Id"
        )]
        Ware,
    }

    impl Related<super::ware::Entity> for Entity {
        fn to() -> RelationDef {
            Relation::Ware.def()
        }
    }

    impl ActiveModelBehavior for ActiveModel {}
}

fn wares() -> CachedFields {
    CachedFields::of::<ware::Entity>()
}

#[apply(contract)]
async fn whatever_other_columns_are_called(db: TestDb) {
    db.create(ware::Entity).await;
    db.create(part::Entity).await;
    db.create(tag::Entity).await;
    wares().install(&*db).await.expect("installed");

    let ware = r#"INSERT INTO ware (number, id, name, title, "type", kind, "line2")
        VALUES (1, 0, '', 'n', '', 't', 'l')"#;
    db.sql(&db.quoted(ware)).await;
    let part = r#"INSERT INTO part
          (shelf_id, ware_id, name, title, "type", kind, "line2", shade, tone)
        VALUES (1, 2, '', 'N', '', 'T', 'L', 'light', 'dark')"#;
    db.sql(&db.quoted(part)).await;
    db.sql(&db.quoted(
        r#"INSERT INTO tag (ware_id, name, title, "type", kind) VALUES (1, '', 'n', '', 't')"#,
    ))
    .await;

    let mut watch = Watch::begin(&db, wares).await;
    let read = [
        "UPDATE ware SET title = 'm'",
        "UPDATE ware SET kind = 's'",
        r#"UPDATE ware SET "line2" = 'k'"#,
        "UPDATE part SET title = 'M'",
        "UPDATE part SET kind = 'S'",
        r#"UPDATE part SET "line2" = 'K'"#,
        "UPDATE part SET tone = 'light'",
        "UPDATE tag SET title = 'x'",
        "UPDATE tag SET kind = 'y'",
    ];
    for change in read {
        assert_eq!(watch.after(&db.quoted(change)).await, ["ware.label 1"], "{change}");
    }

    let unread = [
        "UPDATE ware SET id = 2",
        "UPDATE ware SET name = 'x'",
        r#"UPDATE ware SET "type" = 'x'"#,
        "UPDATE ware SET label = 'x'",
        "UPDATE part SET ware_id = 3",
        "UPDATE part SET name = 'x'",
        r#"UPDATE part SET "type" = 'x'"#,
        "UPDATE part SET shade = 'dark'",
        "UPDATE tag SET name = 'z'",
        r#"UPDATE tag SET "type" = 'z'"#,
    ];
    for change in unread {
        assert_eq!(watch.after(&db.quoted(change)).await, NOTHING, "{change}");
    }

    let ware = ware::Entity::find_by_id(1).one(&*db).await.expect("loaded").expect("the ware");
    assert_eq!((ware.label.as_deref(), ware.stale), (Some("mskMSKLightxy"), false));
}
