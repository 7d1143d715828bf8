#![deny(warnings)]

use sea_orm_cached_field::{CachedFields, Error, GraphField, GraphInput};

/// Calculated from itself alone, and from itself and its songs.
pub mod song {
    use sea_orm::entity::prelude::*;
    use sea_orm_cached_field::cached_fields;

    #[cached_fields]
    #[sea_orm::model]
    #[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
    #[sea_orm(table_name = "graph_song")]
    pub struct Model {
        #[sea_orm(primary_key)]
        pub id: i32,
        pub seconds: i32,
        pub record_id: i32,
        #[sea_orm(belongs_to, from = "record_id", to = "id")]
        pub record: BelongsTo<super::record::Entity>,
        #[cached(lazy, expires_every = "30m", depends_on(seconds))]
        pub minutes: i32,
    }

    impl ActiveModelBehavior for ActiveModel {}

    impl Model {
        async fn calculate_minutes(&self, _: &impl ConnectionTrait) -> Result<i32, DbErr> {
            Ok(self.seconds / 60)
        }
    }
}

pub mod record {
    use sea_orm::entity::prelude::*;
    use sea_orm_cached_field::cached_fields;

    #[cached_fields]
    #[sea_orm::model]
    #[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
    #[sea_orm(table_name = "graph_record")]
    pub struct Model {
        #[sea_orm(primary_key)]
        pub id: i32,
        pub title: String,
        pub band_id: i32,
        #[sea_orm(belongs_to, from = "band_id", to = "id")]
        pub band: BelongsTo<super::band::Entity>,
        #[sea_orm(has_many)]
        pub songs: HasMany<super::song::Entity>,
        #[cached(depends_on(title, cached_length))]
        pub label: String,
        #[cached(depends_on(songs(cached_minutes)))]
        pub length: i32,
    }

    impl ActiveModelBehavior for ActiveModel {}

    impl Model {
        async fn calculate_label(&self, _: &impl ConnectionTrait) -> Result<String, DbErr> {
            Ok(self.title.clone())
        }

        async fn calculate_length(&self, _: &impl ConnectionTrait) -> Result<i32, DbErr> {
            Ok(0)
        }
    }
}

pub mod band {
    use sea_orm::entity::prelude::*;
    use sea_orm_cached_field::cached_fields;

    #[cached_fields]
    #[sea_orm::model]
    #[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
    #[sea_orm(table_name = "graph_band")]
    pub struct Model {
        #[sea_orm(primary_key)]
        pub id: i32,
        pub founded_in: i32,
        #[sea_orm(has_many)]
        pub records: HasMany<super::record::Entity>,
        #[cached(depends_on(records(songs(seconds), cached_label)))]
        pub playing_time: i32,
        #[cached(depends_on(records()))]
        pub record_count: i32,
    }

    impl ActiveModelBehavior for ActiveModel {}

    impl Model {
        async fn calculate_playing_time(&self, _: &impl ConnectionTrait) -> Result<i32, DbErr> {
            Ok(self.founded_in)
        }

        async fn calculate_record_count(&self, _: &impl ConnectionTrait) -> Result<i32, DbErr> {
            Ok(0)
        }
    }
}

/// A tree, with a total from the totals below, and a total of all rows below.
pub mod folder {
    use sea_orm::entity::prelude::*;
    use sea_orm_cached_field::cached_fields;

    #[cached_fields]
    #[sea_orm::model]
    #[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
    #[sea_orm(table_name = "graph_folder")]
    pub struct Model {
        #[sea_orm(primary_key)]
        pub id: i32,
        pub bytes: i64,
        pub parent_id: Option<i32>,
        #[sea_orm(
            self_ref,
            relation_enum = "Parent",
            relation_reverse = "Children",
            from = "parent_id",
            to = "id"
        )]
        pub parent: BelongsTo<Option<Entity>>,
        #[sea_orm(self_ref, relation_enum = "Children", relation_reverse = "Parent")]
        pub children: HasMany<Entity>,
        #[cached(recursive, depends_on(bytes, children(cached_size)))]
        pub size: i64,
        #[cached(depends_on(recursive children(bytes)))]
        pub bytes_below: i64,
    }

    impl ActiveModelBehavior for ActiveModel {}

    impl Model {
        async fn calculate_size(&self, _: &impl ConnectionTrait) -> Result<i64, DbErr> {
            Ok(self.bytes)
        }

        async fn calculate_bytes_below(&self, _: &impl ConnectionTrait) -> Result<i64, DbErr> {
            Ok(self.bytes)
        }
    }
}

/// Its word is found by a cached field.
pub mod sign {
    use sea_orm::entity::prelude::*;
    use sea_orm_cached_field::cached_fields;

    #[cached_fields]
    #[sea_orm::model]
    #[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
    #[sea_orm(table_name = "graph_sign")]
    pub struct Model {
        #[sea_orm(primary_key)]
        pub id: i32,
        pub number: i32,
        #[cached(depends_on(number))]
        pub word_id: i32,
        #[sea_orm(belongs_to, from = "cached_word_id", to = "id")]
        pub word: BelongsTo<Option<super::word::Entity>>,
        #[cached(depends_on(word(text)))]
        pub label: String,
    }

    impl ActiveModelBehavior for ActiveModel {}

    impl Model {
        async fn calculate_word_id(&self, _: &impl ConnectionTrait) -> Result<i32, DbErr> {
            Ok(self.number)
        }

        async fn calculate_label(&self, _: &impl ConnectionTrait) -> Result<String, DbErr> {
            Ok(self.number.to_string())
        }
    }
}

/// It finds its signs by a cached field of theirs.
pub mod word {
    use sea_orm::entity::prelude::*;
    use sea_orm_cached_field::cached_fields;

    #[cached_fields]
    #[sea_orm::model]
    #[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
    #[sea_orm(table_name = "graph_word")]
    pub struct Model {
        #[sea_orm(primary_key)]
        pub id: i32,
        pub text: String,
        #[sea_orm(has_many)]
        pub signs: HasMany<super::sign::Entity>,
        #[cached(depends_on(signs()))]
        pub sign_count: i32,
    }

    impl ActiveModelBehavior for ActiveModel {}

    impl Model {
        async fn calculate_sign_count(&self, _: &impl ConnectionTrait) -> Result<i32, DbErr> {
            Ok(self.id)
        }
    }
}

/// Its names need quotes, wherever they stand.
pub mod odd {
    use sea_orm::entity::prelude::*;
    use sea_orm_cached_field::cached_fields;

    #[cached_fields]
    #[sea_orm::model]
    #[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
    #[sea_orm(schema_name = "a.b", table_name = "odd \"table\"")]
    pub struct Model {
        #[sea_orm(primary_key)]
        pub id: i32,
        #[sea_orm(column_name = "a, [column]")]
        pub column: i32,
        #[cached(depends_on(column))]
        pub total: i32,
    }

    impl ActiveModelBehavior for ActiveModel {}

    impl Model {
        async fn calculate_total(&self, _: &impl ConnectionTrait) -> Result<i32, DbErr> {
            Ok(self.column)
        }
    }
}

/// Two fields that are calculated from each other.
pub mod circle {
    use sea_orm::entity::prelude::*;
    use sea_orm_cached_field::cached_fields;

    #[cached_fields]
    #[sea_orm::model]
    #[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
    #[sea_orm(table_name = "graph_circle")]
    pub struct Model {
        #[sea_orm(primary_key)]
        pub id: i32,
        #[cached(depends_on(cached_egg))]
        pub hen: i32,
        #[cached(depends_on(cached_hen))]
        pub egg: i32,
    }

    impl ActiveModelBehavior for ActiveModel {}

    impl Model {
        async fn calculate_hen(&self, _: &impl ConnectionTrait) -> Result<i32, DbErr> {
            Ok(self.id)
        }

        async fn calculate_egg(&self, _: &impl ConnectionTrait) -> Result<i32, DbErr> {
            Ok(self.id)
        }
    }
}

fn field(fields: &CachedFields, table: &str, name: &str) -> GraphField {
    let graph = fields.graph().expect("a graph");
    let field =
        graph.fields.iter().find(|field| (field.table.as_str(), field.field) == (table, name));
    field.expect("the field").clone()
}

/// Returns `near=far table, ..: column` of each input of a field. Behind it stand the cached field
/// whose column it is, and whether it is a link.
fn inputs(fields: &CachedFields, table: &str, name: &str) -> Vec<String> {
    field(fields, table, name).inputs.iter().map(written).collect()
}

fn written(input: &GraphInput) -> String {
    let steps = input.through.iter().map(|step| {
        let recursive = if step.recursive { "recursive " } else { "" };
        format!("{recursive}{}={} {}: ", step.from.join("+"), step.to.join("+"), step.table)
    });
    let cached = input.field.map(|field| format!(" = {field}")).unwrap_or_default();
    let link = if input.is_link { " (link)" } else { "" };
    format!("{}{}.{}{cached}{link}", steps.collect::<String>(), input.table, input.column)
}

#[test]
fn columns_of_the_row() {
    let songs = CachedFields::of::<song::Entity>();
    let minutes = field(&songs, "graph_song", "minutes");
    assert_eq!(minutes.column, "cached_minutes");
    assert_eq!(
        (minutes.lazy, minutes.expires, minutes.recursive, minutes.query),
        (true, true, false, false)
    );
    assert_eq!(minutes.expires_every, Some(std::time::Duration::from_secs(1800)));
    assert_eq!(inputs(&songs, "graph_song", "minutes"), ["graph_song.seconds"]);
}

#[test]
fn columns_behind_two_relations() {
    let bands = CachedFields::of::<band::Entity>();
    let [records, songs] =
        ["id=band_id graph_record: ", "id=band_id graph_record: id=record_id graph_song: "];
    assert_eq!(
        inputs(&bands, "graph_band", "playing_time"),
        [
            format!("{records}graph_record.band_id (link)"),
            format!("{records}graph_record.id (link)"),
            format!("{records}graph_record.cached_label = label"),
            format!("{songs}graph_song.record_id (link)"),
            format!("{songs}graph_song.seconds"),
        ]
    );
    assert_eq!(
        inputs(&bands, "graph_band", "record_count"),
        [format!("{records}graph_record.band_id (link)")]
    );
}

#[test]
fn cached_fields_of_the_row_and_of_others() {
    let records = CachedFields::of::<record::Entity>();
    assert_eq!(
        inputs(&records, "graph_record", "label"),
        ["graph_record.title", "graph_record.cached_length = length"]
    );
    assert_eq!(
        inputs(&records, "graph_record", "length"),
        [
            "id=record_id graph_song: graph_song.record_id (link)",
            "id=record_id graph_song: graph_song.cached_minutes = minutes",
        ]
    );
}

#[test]
fn the_same_field_of_other_rows() {
    let folders = CachedFields::of::<folder::Entity>();
    let children = "id=parent_id graph_folder: graph_folder";
    assert!(field(&folders, "graph_folder", "size").recursive);
    assert_eq!(
        inputs(&folders, "graph_folder", "size"),
        [
            "graph_folder.bytes".to_owned(),
            format!("{children}.parent_id (link)"),
            format!("{children}.cached_size = size"),
        ]
    );
    assert_eq!(
        inputs(&folders, "graph_folder", "bytes_below"),
        [
            format!("recursive {children}.parent_id (link)"),
            format!("recursive {children}.id (link)"),
            format!("recursive {children}.bytes"),
        ]
    );
}

#[test]
fn cached_columns_that_relate_rows() {
    let signs = CachedFields::of::<sign::Entity>().and::<word::Entity>();
    assert_eq!(
        inputs(&signs, "graph_sign", "label"),
        [
            "graph_sign.cached_word_id = word_id (link)",
            "cached_word_id=id graph_word: graph_word.id (link)",
            "cached_word_id=id graph_word: graph_word.text",
        ]
    );
    assert_eq!(
        inputs(&signs, "graph_word", "sign_count"),
        ["id=cached_word_id graph_sign: graph_sign.cached_word_id = word_id (link)"]
    );
}

#[test]
fn of_several_models_it_is_one_tree() {
    let models = CachedFields::of::<song::Entity>()
        .and::<record::Entity>()
        .and::<band::Entity>()
        .and::<folder::Entity>()
        .and::<sign::Entity>()
        .and::<word::Entity>()
        .and::<odd::Entity>();
    insta::assert_snapshot!(models.graph().expect("a graph").tree(), @r#"
    graph_band.playing_time
    ├── graph_band -> graph_record (links: band_id, id)
    ├── graph_band -> graph_record.label
    │   ├── graph_record: title
    │   └── graph_record.length
    │       ├── graph_record -> graph_song (links: record_id)
    │       └── graph_record -> graph_song.minutes (lazy, expires)
    │           └── graph_song: seconds
    └── graph_band -> graph_record -> graph_song: seconds (links: record_id)
    graph_band.record_count
    └── graph_band -> graph_record (links: band_id)
    graph_folder.size (recursive)
    ├── graph_folder: bytes
    ├── graph_folder -> graph_folder (links: parent_id)
    └── graph_folder -> graph_folder.size (recursive) (*)
    graph_folder.bytes_below
    └── graph_folder -> recursive graph_folder: bytes (links: parent_id, id)
    graph_sign.label
    ├── graph_sign.word_id (link)
    │   └── graph_sign: number
    └── graph_sign -> graph_word: text (links: id)
    graph_word.sign_count
    └── graph_word -> graph_sign.word_id (link) (*)
    "a.b"."odd \"table\"".total
    └── "a.b"."odd \"table\"": "a, [column]"
    "#);
}

#[test]
fn a_field_of_a_model_that_is_not_selected_has_nothing_below_it() {
    let bands = CachedFields::of::<record::Entity>();
    insta::assert_snapshot!(bands.graph().expect("a graph").tree(), @"
    graph_record.label
    ├── graph_record: title
    └── graph_record.length
        ├── graph_record -> graph_song (links: record_id)
        └── graph_record -> graph_song.minutes
    ");
}

#[test]
fn a_circle_has_none() {
    let refused = CachedFields::of::<circle::Entity>().graph().expect_err("a circle");
    assert!(matches!(refused, Error::Cycle { .. }), "{refused}");
}
