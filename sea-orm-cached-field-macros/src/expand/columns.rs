use quote::quote;
use syn::{Field, Fields, FieldsNamed, ItemStruct, parse_quote};

use crate::ast::{CachedField, Model, is_cached};

/// The struct, with the columns of each cached field in the place of the field.
pub(super) fn item(model: &Model<'_>) -> ItemStruct {
    let mut item = model.item.clone();
    let mut cached_fields = model.cached_fields.iter();
    let fields = model.item.fields.iter().flat_map(|field| {
        // Both go through the same fields in the same order.
        let cached = field.attrs.iter().any(is_cached).then(|| cached_fields.next()).flatten();
        cached.map_or_else(|| vec![field.clone()], columns)
    });
    if let Fields::Named(named) = &mut item.fields {
        named.named = fields.collect();
    }
    item
}

fn columns(field: &CachedField<'_>) -> Vec<Field> {
    let CachedField { name, vis, attributes, cached, recalculation_needed, .. } = field;
    let documented = attributes.iter().any(|attribute| attribute.path().is_ident("doc"));
    let doc = (!documented).then(|| {
        let text = format!(" The stored value of `{name}`, possibly stale.");
        quote!(#[doc = #text])
    });
    // SeaORM makes a column nullable if the text of its type starts with `Option<`: no path may stand before it.
    let value = field.optional.unwrap_or(field.ty);
    let flag_doc = format!(" Whether the stored value of `{name}` is stale.");
    let expiry = field.expires_after.as_ref().map(|expires_after| {
        let text = format!(" From when on the stored value of `{name}` counts as stale.");
        let moment = match field.options.expiration_time_zone {
            Some(_) => quote!(::sea_orm::prelude::DateTime),
            None => quote!(::sea_orm::prelude::DateTimeUtc),
        };
        quote!(#[doc = #text] #vis #expires_after: Option<#moment>,)
    });
    let columns: FieldsNamed = parse_quote!({
        #doc #(#attributes)* #vis #cached: Option<#value>,
        #[doc = #flag_doc] #[sea_orm(default_value = true)] #vis #recalculation_needed: bool,
        #expiry
    });
    columns.named.into_iter().collect()
}
