//! Generates the code: the struct with its columns, and per cached field a type, its traits and its
//! methods.

mod calculation;
mod columns;
mod dependencies;
mod marker;
mod methods;
mod query;
mod roll_up;
mod warning;

use proc_macro2::{Span, TokenStream};
use quote::{quote, quote_spanned};
use syn::spanned::Spanned;

use crate::ast::{CachedField, Model};

pub(crate) fn model(model: &Model<'_>) -> TokenStream {
    let item = columns::item(model);
    let methods = methods::impls(model);
    let active = methods::active(model);
    let markers = model.cached_fields.iter().map(|field| marker::marker(model, field));
    let fields = model.cached_fields.iter().map(|field| &field.marker);
    let checks = model.cached_fields.iter().map(check_type);
    quote! {
        #(#checks)*
        #item
        #methods
        #active
        #(#markers)*
        #[automatically_derived]
        impl ::sea_orm_cached_field::__private::CachedModel for Entity {
            const MODULE: &'static str = ::core::module_path!();

            fn cached_fields()
            -> ::std::vec::Vec<::sea_orm_cached_field::__private::FieldEntry<Self>> {
                ::std::vec![#(::sea_orm_cached_field::__private::FieldEntry::of::<#fields>()),*]
            }
        }

        ::sea_orm_cached_field::__private::inventory::submit! {
            ::sea_orm_cached_field::__private::Registration::of::<Entity>()
        }
    }
}

/// Returns a check of the field's type. It comes before the struct, so that its error comes before
/// those of the code that SeaORM generates for the column.
fn check_type(field: &CachedField<'_>) -> TokenStream {
    let value = field.optional.unwrap_or(field.ty);
    quote_spanned! {at(field.ty.span())=>
        const _: () = {
            #[allow(dead_code, trivial_bounds)]
            struct Value where #value: ::sea_orm_cached_field::__private::CachedValue;
        };
    }
}

/// Returns the compiler's warnings about a model without mistakes.
pub(crate) fn warnings(model: &Model<'_>) -> TokenStream {
    model.cached_fields.iter().filter_map(warning::depends_on_nothing).collect()
}

/// Returns the expression of an `Option`.
fn option(value: Option<TokenStream>) -> TokenStream {
    match value {
        Some(value) => quote!(::std::option::Option::Some(#value)),
        None => quote!(::std::option::Option::None),
    }
}

/// Returns a span for generated code whose errors are shown there. Unlike code with that span
/// itself, no lint takes it for the user's.
fn at(span: Span) -> Span {
    Span::call_site().located_at(span)
}
