//! The replacement of a model by its generated code.

use proc_macro2::TokenStream;
use quote::quote;
use syn::Item;

use crate::{ast, errors::Errors, expand, fallback, valid};

/// Returns the code of an item with the attribute. If there are mistakes, it returns the errors and
/// the item without cached fields.
pub(crate) fn item(arguments: &TokenStream, item: &Item) -> TokenStream {
    let mut errors = Errors::default();
    let mut model =
        valid::item(arguments, item, &mut errors).map(|item| ast::Model::of(item, &mut errors));
    let sound = model.as_mut().is_some_and(|model| valid::model(model, &mut errors));
    let code = match &model {
        Some(model) if sound => expand::model(model),
        _ => fallback::without_cached_fields(item),
    };
    let remarks = errors.into_compile_errors().or_else(|| model.as_ref().map(expand::warnings));
    quote!(#remarks #code)
}
