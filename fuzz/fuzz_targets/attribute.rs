//! Any tokens in `#[cached(..)]`: the macro does not panic, and its output is valid Rust.

#![no_main]

#[path = "../../sea-orm-cached-field-macros/src/ast.rs"]
mod ast;
#[path = "../../sea-orm-cached-field-macros/src/attr/mod.rs"]
mod attr;
#[path = "../../sea-orm-cached-field-macros/src/errors.rs"]
mod errors;
#[path = "../../sea-orm-cached-field-macros/src/expand/mod.rs"]
mod expand;
#[path = "../../sea-orm-cached-field-macros/src/fallback.rs"]
mod fallback;
#[path = "../../sea-orm-cached-field-macros/src/rewrite.rs"]
mod rewrite;
#[path = "../../sea-orm-cached-field-macros/src/valid/mod.rs"]
mod valid;

use libfuzzer_sys::{Corpus, fuzz_target};
use proc_macro2::TokenStream;

fuzz_target!(|options: &str| -> Corpus {
    let model = format!(
        "#[sea_orm::model]
         #[derive(Clone, Debug, PartialEq, DeriveEntityModel)]
         #[sea_orm(table_name = \"lamppost\")]
         pub struct Model {{
             #[sea_orm(primary_key)]
             pub id: i32,
             pub first_name: String,
             #[sea_orm(has_many)]
             pub pigeons: HasMany<super::pigeon::Entity>,
             #[cached({options})]
             pub slow_full_name: String,
         }}"
    );
    // Tokens that are not valid Rust do not reach the macro.
    let Ok(item) = model.parse::<TokenStream>().map_err(drop).and_then(|tokens| syn::parse2(tokens).map_err(drop)) else {
        return Corpus::Reject;
    };
    let written = rewrite::item(&TokenStream::new(), &item);
    syn::parse2::<syn::File>(written.clone()).unwrap_or_else(|error| panic!("{error}: {written}"));
    Corpus::Keep
});
