use proc_macro2::{Span, TokenStream};
use syn::{Fields, Item, ItemStruct, spanned::Spanned};

use crate::{ast, attr::struct_has_key, errors::Errors};

/// Returns the struct, if `#[cached_fields]` is where it can do its work.
pub(crate) fn item<'a>(
    arguments: &TokenStream,
    item: &'a Item,
    errors: &mut Errors,
) -> Option<&'a ItemStruct> {
    if !arguments.is_empty() {
        errors.at(
            arguments.span(),
            "`#[cached_fields]` takes no options: they belong on the field, as in \
             `#[cached(depends_on(first_name))]`",
        );
    }

    let Item::Struct(item) = item else {
        errors.at(
            item_kind(item),
            "`#[cached_fields]` belongs above a SeaORM model: `pub struct Model { .. }`",
        );
        return None;
    };

    if !matches!(item.fields, Fields::Named(_)) {
        errors.at(
            item.ident.span(),
            "cached fields need a model with named fields: `pub struct Model { .. }`",
        );
        return None;
    }

    if !item.generics.params.is_empty() {
        errors.at(
            item.generics.span(),
            "a SeaORM model has no generic parameters: `pub struct Model { .. }`",
        );
        return None;
    }

    placement(item, errors).then_some(item)
}

fn placement(item: &ItemStruct, errors: &mut Errors) -> bool {
    // SeaORM copies the attributes below its own to both structs that it makes. One error is
    // enough.
    if struct_has_key(&item.attrs, "model_ex") {
        errors.at(
            Span::call_site(),
            "`#[cached_fields]` must stand above `#[sea_orm::model]`, which has to see its columns",
        );
        return false;
    }

    if derives(item, "DeriveModelEx") {
        return false;
    }

    if !derives(item, "DeriveEntityModel") {
        errors.at(
            Span::call_site(),
            "`#[cached_fields]` must stand above `#[derive(DeriveEntityModel)]`, and above \
             `#[sea_orm::model]` if there is one",
        );
        return false;
    }

    true
}

/// Returns whether the struct derives this, by any path.
pub(crate) fn derives(item: &ItemStruct, name: &str) -> bool {
    ast::derives(item).any(|path| path.segments.last().is_some_and(|segment| segment.ident == name))
}

fn item_kind(item: &Item) -> Span {
    match item {
        Item::Enum(item) => item.enum_token.span,
        Item::Union(item) => item.union_token.span,
        _ => Span::call_site(),
    }
}
