use proc_macro2::TokenStream;
use quote::{quote, quote_spanned};
use syn::{Ident, spanned::Spanned};

use super::at;
use crate::ast::{CachedField, Model};

/// The body of `CachedField::calculate`: calls the user's method and says what is wrong with it, if something is.
pub(super) fn body(model: &Model<'_>, field: &CachedField<'_>) -> TokenStream {
    let (at_name, at_type) = (field.name.span(), field.ty.span());
    let [model_name, calculate] =
        [&model.item.ident, &field.calculate].map(|name| Ident::new(&name.to_string(), at_name));
    let fallback = fallback(field);
    let checks = checks(model, field);
    // The arguments are not the user's, or rustc would suggest to remove them from the field.
    let arguments = quote_spanned!(at(at_name)=> (model, db));
    let method = quote_spanned!(at_name=> #model_name::#calculate);
    let calculation = quote_spanned!(at_name=> asynchronous(calculation));
    let output = quote_spanned!(at_name=> calculation.await);
    let value = quote_spanned!(at_type=> result::<Self::Value, _>(output)?);
    let boxed = quote_spanned!(at_name=> ::std::boxed::Box::pin(async move {
        let output = #output;
        let value = #value;
        ::std::result::Result::Ok(value)
    }));
    quote! {
        #fallback
        #checks
        let calculation = #method #arguments;
        let calculation = #calculation;
        #boxed
    }
}

/// An inherent method comes before a trait's. So this one is found only if the user's is missing.
fn fallback(field: &CachedField<'_>) -> TokenStream {
    let calculate = &field.calculate;
    quote! {
        struct NoSuchMethod;
        #[allow(dead_code)]
        trait Fallback {
            fn #calculate<C>(&self, _: &C) -> NoSuchMethod {
                NoSuchMethod
            }
        }
        impl<M> Fallback for M {}
    }
}

fn checks(model: &Model<'_>, field: &CachedField<'_>) -> TokenStream {
    let method = format!("{}::{}", model.item.ident, field.calculate);
    let ty = field.ty;
    let ty = quote!(#ty).to_string().replace(' ', "");
    let missing = format!("the cached field `{}` needs an async method `{method}`", field.name);
    // The text is a format string once more.
    let missing_note = format!(
        "write: impl {} {{{{ async fn {}(&self, db: &impl ConnectionTrait) -> Result<{ty}, DbErr> {{{{ .. }}}} }}}}",
        model.item.ident, field.calculate,
    );
    let wrong = format!("`{method}` must return `Result<{ty}, E>`, where `E` is an error such as `DbErr`");
    let wrong_label = format!("expected `Result<{ty}, E>`, found `{{Self}}`");
    quote! {
        #[diagnostic::on_unimplemented(
            message = #missing,
            label = "expected an `async fn`, found `{Self}`",
            note = #missing_note
        )]
        trait AsyncMethod<T>: ::std::future::Future<Output = T> {}
        #[diagnostic::do_not_recommend]
        impl<T, F: ::std::future::Future<Output = T>> AsyncMethod<T> for F {}
        fn asynchronous<T, F: AsyncMethod<T>>(method: F) -> impl ::std::future::Future<Output = T> {
            method
        }

        #[diagnostic::on_unimplemented(message = #wrong, label = #wrong_label)]
        trait ResultOf<T> {
            type Error;
            fn result(self) -> ::std::result::Result<T, Self::Error>;
        }
        #[diagnostic::do_not_recommend]
        impl<T, E> ResultOf<T> for ::std::result::Result<T, E> {
            type Error = E;
            fn result(self) -> ::std::result::Result<T, E> {
                self
            }
        }
        fn result<T, R: ResultOf<T>>(result: R) -> ::std::result::Result<T, R::Error> {
            result.result()
        }
    }
}
