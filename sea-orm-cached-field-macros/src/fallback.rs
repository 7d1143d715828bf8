//! The code that is generated when the model cannot be expanded.

use proc_macro2::TokenStream;
use quote::ToTokens;
use syn::{Field, Item, parse_quote};

use crate::{ast::is_cached, attr::SeaOrm, valid::derives};

/// Returns the item without the attributes of this macro. So the user sees only the errors of this
/// macro. Otherwise there would also be those of a module without its `Entity`.
pub(crate) fn without_cached_fields(item: &Item) -> TokenStream {
    let mut item = item.clone();
    for field in fields(&mut item) {
        field.attrs.retain(|attribute| !is_cached(attribute));
    }
    if let Item::Struct(model) = &mut item
        && derives(model, "DeriveEntityModel")
    {
        give_primary_key(model.fields.iter_mut().collect());
    }
    item.into_token_stream()
}

fn fields(item: &mut Item) -> Vec<&mut Field> {
    match item {
        Item::Struct(item) => item.fields.iter_mut().collect(),
        Item::Enum(item) => {
            item.variants.iter_mut().flat_map(|variant| variant.fields.iter_mut()).collect()
        }
        Item::Union(item) => item.fields.named.iter_mut().collect(),
        _ => Vec::new(),
    }
}

/// Gives the fields a primary key. Without one, nothing that SeaORM generates compiles, and the
/// error of this macro drowns.
fn give_primary_key(mut fields: Vec<&mut Field>) {
    if !fields.iter().any(|field| SeaOrm::of(&field.attrs).primary_key)
        && let Some(first) = fields.first_mut()
    {
        first.attrs.push(parse_quote!(#[sea_orm(primary_key)]));
    }
}
