use quote::quote;
use syn::{
    Attribute, Field, Fields, FieldsNamed, ItemStruct, Meta, Token, parse_quote,
    punctuated::Punctuated,
};

use crate::ast::{CachedField, Model, derives, is_cached};

/// Returns the struct, with the columns of each cached field in the place of the field.
pub(super) fn item(model: &Model<'_>) -> ItemStruct {
    let mut item = model.item.clone();
    let mut cached_fields = model.cached_fields.iter();
    let fields = model.item.fields.iter().flat_map(|field| {
        // Both iterators go through the same fields in the same order.
        let cached = field.attrs.iter().any(is_cached).then(|| cached_fields.next()).flatten();
        cached.map_or_else(|| vec![field.clone()], |cached| columns(model, cached))
    });
    if let Fields::Named(named) = &mut item.fields {
        named.named = fields.collect();
    }
    item
}

fn columns(model: &Model<'_>, field: &CachedField<'_>) -> Vec<Field> {
    let CachedField { name, vis, attributes, cached, recalculation_needed, .. } = field;
    let beside = &field.options.attributes;
    let documented = attributes.iter().any(|attribute| attribute.path().is_ident("doc"));
    let doc = (!documented).then(|| {
        let text = format!(" The stored value of `{name}`, possibly stale.");
        quote!(#[doc = #text])
    });
    // SeaORM makes a column nullable if the text of its type starts with `Option<`. So no path may
    // come before it.
    let value = field.optional.unwrap_or(field.ty);

    let flag_doc = format!(" Whether the stored value of `{name}` is stale.");
    let expiry = field.expires_after.as_ref().map(|expires_after| {
        let text =
            format!(" The moment from which on the stored value of `{name}` counts as stale.");
        let moment = match field.options.expiration_time_zone {
            Some(_) => quote!(::sea_orm::prelude::DateTime),
            None => quote!(::sea_orm::prelude::DateTimeUtc),
        };
        quote!(#[doc = #text] #(#[#beside])* #vis #expires_after: Option<#moment>,)
    });

    let if_absent = if_absent(model, field);
    let columns: FieldsNamed = parse_quote!({
        #doc #(#attributes)* #vis #cached: Option<#value>,
        #[doc = #flag_doc]
        #[sea_orm(default_value = true)]
        #if_absent
        #(#[#beside])*
        #vis #recalculation_needed: bool,
        #expiry
    });

    columns.named.into_iter().collect()
}

/// Returns the attribute that makes a row stale if it is deserialized without its flag. Nothing
/// says that its value is right.
fn if_absent(model: &Model<'_>, field: &CachedField<'_>) -> Option<Attribute> {
    let says_itself = field.options.attributes.iter().any(is_serde_default);
    (deserializes(model.item) && !says_itself)
        .then(|| parse_quote!(#[serde(default = "::sea_orm_cached_field::__private::stale")]))
}

fn is_serde_default(attribute: &Meta) -> bool {
    let Meta::List(list) = attribute else { return false };
    let options = list.parse_args_with(Punctuated::<Meta, Token![,]>::parse_terminated);
    list.path.is_ident("serde")
        && options
            .is_ok_and(|options| options.iter().any(|option| option.path().is_ident("default")))
}

/// Returns whether the struct derives `serde::Deserialize`. Other crates have a derive of that
/// name, too, but on longer paths.
fn deserializes(item: &ItemStruct) -> bool {
    derives(item).any(|path| {
        let names: Vec<String> =
            path.segments.iter().map(|segment| segment.ident.to_string()).collect();
        names == ["Deserialize"] || names == ["serde", "Deserialize"]
    })
}
