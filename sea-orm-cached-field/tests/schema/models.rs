//! Models in few words: most claims here are about one dependency, not about what is calculated.

/// A model with an `id`, a `name`, the given columns, and the cached field `label`.
macro_rules! owner {
    ($module:ident, { $($attributes:tt)* }, { $($columns:tt)* }, $($cached:tt)*) => {
        pub mod $module {
            use sea_orm::entity::prelude::*;
            use sea_orm_cached_field::cached_fields;

            #[cached_fields]
            #[sea_orm::model]
            #[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
            #[sea_orm($($attributes)*)]
            pub struct Model {
                #[sea_orm(primary_key)]
                pub id: i32,
                pub name: String,
                $($columns)*
                #[cached($($cached)*)]
                pub label: String,
            }

            impl ActiveModelBehavior for ActiveModel {}

            impl Model {
                pub async fn calculate_label(&self, _: &impl ConnectionTrait) -> Result<String, DbErr> {
                    Ok(format!("{} {}", self.name, self.id))
                }
            }
        }
    };
}

/// A model without cached fields, with an `id`, a `name` and the given columns.
macro_rules! related {
    ($module:ident, { $($attributes:tt)* }, { $($columns:tt)* }) => {
        pub mod $module {
            use sea_orm::entity::prelude::*;

            #[sea_orm::model]
            #[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
            #[sea_orm($($attributes)*)]
            pub struct Model {
                #[sea_orm(primary_key)]
                pub id: i32,
                pub name: String,
                $($columns)*
            }

            impl ActiveModelBehavior for ActiveModel {}
        }
    };
}
