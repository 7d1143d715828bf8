//! Writes the code: the struct with its columns, and per cached field a type, its traits and its methods.

mod calculation;
mod columns;
mod dependencies;
mod marker;
mod methods;
mod query;

use proc_macro2::{Span, TokenStream};
use quote::quote;

use crate::ast::Model;

pub(crate) fn model(model: &Model<'_>) -> TokenStream {
    let item = columns::item(model);
    let methods = methods::impls(model);
    let active = methods::active(model);
    let markers = model.cached_fields.iter().map(|field| marker::marker(model, field));
    let fields = model.cached_fields.iter().map(|field| &field.marker);
    quote! {
        #item
        #methods
        #active
        #(#markers)*

        #[automatically_derived]
        impl ::sea_orm_cached_field::__private::CachedModel for Entity {
            const MODULE: &'static str = ::core::module_path!();

            fn cached_fields() -> ::std::vec::Vec<::sea_orm_cached_field::__private::FieldEntry<Self>> {
                ::std::vec![#(::sea_orm_cached_field::__private::FieldEntry::of::<#fields>()),*]
            }
        }

        ::sea_orm_cached_field::__private::inventory::submit! {
            ::sea_orm_cached_field::__private::Registration::of::<Entity>()
        }
    }
}

/// Generated code whose errors are shown there. Unlike code with that span itself, no lint takes it for the user's.
fn at(span: Span) -> Span {
    Span::call_site().located_at(span)
}
