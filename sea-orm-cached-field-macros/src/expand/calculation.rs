use proc_macro2::TokenStream;
use quote::{ToTokens, quote, quote_spanned};
use syn::{Ident, spanned::Spanned};

use super::at;
use crate::ast::{CachedField, Model};

/// Returns the methods of `CachedField` that call the user's calculation.
pub(super) fn methods(model: &Model<'_>, field: &CachedField<'_>) -> TokenStream {
    let model_name = &model.item.ident;
    let db = quote!(db: &'a ::sea_orm::DatabaseExecutor<'a>);
    let calculation = quote!(::sea_orm_cached_field::__private::Calculation);
    let body = match &field.calculate_batch {
        Some(calculate_batch) => {
            let body = Written::of_many(model, field, calculate_batch).body(model, field);
            // On a thread of its own the calculation gets a `Vec`.
            let body = quote!({
                let models = ::std::convert::AsRef::<[#model_name]>::as_ref(models);
                #body
            });
            on_a_thread(field, &quote!(models), &quote!(models.to_vec()), body)
        }
        None if field.is_by_query() => {
            quote!(::sea_orm_cached_field::__private::select::<Self>(models, db))
        }
        None => {
            let body = Written::of_one(field).body(model, field);
            let body = on_a_thread(
                field,
                &quote!(model),
                &quote!(::std::clone::Clone::clone(model)),
                body,
            );
            return quote! {
                fn calculate<'a>(model: &'a #model_name, #db) -> #calculation<'a, Self::Value> {
                    #body
                }
            };
        }
    };
    quote! {
        fn calculate<'a>(model: &'a #model_name, #db) -> #calculation<'a, Self::Value> {
            ::sea_orm_cached_field::__private::calculate_one::<Self>(model, db)
        }

        fn calculate_batch<'a>(
            models: &'a [#model_name],
            #db,
        ) -> #calculation<'a, ::std::vec::Vec<Self::Value>> {
            #body
        }
    }
}

/// Runs a blocking calculation on a thread of its own, with these rows. Leaves others as they are.
fn on_a_thread(
    field: &CachedField<'_>,
    rows: &TokenStream,
    owned: &TokenStream,
    body: TokenStream,
) -> TokenStream {
    if !field.options.blocking {
        return body;
    }
    quote!(::sea_orm_cached_field::__private::blocking(#owned, db, |#rows, db| { #body }))
}

/// Returns the method of `CachedField` that calls the user's hook after a recalculation.
pub(super) fn hook(model: &Model<'_>, field: &CachedField<'_>) -> Option<TokenStream> {
    let model_name = &model.item.ident;
    let name = field.options.after_recalculation.as_ref()?;
    let body = Written::hook(name).body(model, field);
    Some(quote! {
        fn after_recalculation<'a>(
            model: &'a #model_name,
            db: &'a ::sea_orm::DatabaseExecutor<'a>,
        ) -> ::std::option::Option<::sea_orm_cached_field::__private::Calculation<'a, ()>> {
            ::std::option::Option::Some({ #body })
        }
    })
}

/// The function that the user has to write: a method for one row, or an associated function for
/// many.
struct Written<'a> {
    name: &'a Ident,
    kind: &'static str,
    /// The first parameter: in the code, without regard to its type, and in messages.
    first: (TokenStream, String),
    /// The name of the rows in the code that calls the function.
    rows: &'static str,
    /// The type of the result: in the code and in messages.
    value: (TokenStream, String),
}

impl<'a> Written<'a> {
    fn of_one(field: &'a CachedField<'_>) -> Self {
        Self {
            name: &field.calculate,
            kind: "method",
            first: (quote!(&self), "&self".to_owned()),
            rows: "model",
            value: (quote!(Self::Value), text(field.ty)),
        }
    }

    fn of_many(model: &Model<'_>, field: &CachedField<'_>, name: &'a Ident) -> Self {
        let model = &model.item.ident;
        let ty = field.ty;
        Self {
            name,
            kind: "function",
            first: (quote!(_: &[#model]), format!("models: &[{model}]")),
            rows: "models",
            value: (quote!(::std::vec::Vec<Self::Value>), text(quote!(Vec<#ty>))),
        }
    }

    fn hook(name: &'a Ident) -> Self {
        Self {
            name,
            kind: "method",
            first: (quote!(&self), "&self".to_owned()),
            rows: "model",
            value: (quote!(()), "()".to_owned()),
        }
    }

    /// Returns the code that calls the function, and that reports a mistake in it.
    fn body(&self, model: &Model<'_>, field: &CachedField<'_>) -> TokenStream {
        let at_name = field.name.span();
        let at_type = field.ty.span();
        let [model_name, calculate] =
            [&model.item.ident, self.name].map(|name| Ident::new(&name.to_string(), at_name));

        let fallback = self.fallback();
        let checks = self.checks(model, field);
        // The arguments are not the user's, or rustc would suggest to remove them from the field.
        let rows = Ident::new(self.rows, at(at_name));
        let arguments = quote_spanned!(at(at_name)=> (#rows, db));
        let method = quote_spanned!(at_name=> #model_name::#calculate);
        let call = quote_spanned! {at(at_name)=>
            ::sea_orm_cached_field::__private::Call(#method, #arguments).call()
        };

        // The same identifiers serve for the definition and the use. If a macro was given the
        // field's name, rustc would otherwise take them for different variables.
        let [calculation, output] = ["calculation", "output"].map(|name| Ident::new(name, at_name));
        let value = &self.value.0;
        let value = quote_spanned! {at_type=>
            ::sea_orm_cached_field::__private::boxed(result::<#value, _>(#output))?
        };

        let checked = quote_spanned!(at_name=> asynchronous(#calculation));
        let boxed = quote_spanned!(at_name=> ::std::boxed::Box::pin(async move {
            let #output = #calculation.await;
            #[allow(clippy::let_unit_value)]
            let value = #value;
            ::std::result::Result::Ok(value)
        }));

        quote! {
            #fallback
            #checks
            let #calculation = {
                #[allow(unused_imports)]
                use ::sea_orm_cached_field::__private::{Takes as _, TakesOthers as _};
                #call
            };
            let #calculation = #checked;
            #boxed
        }
    }

    /// Returns the fallback for a missing function. An inherent method takes precedence over a
    /// trait's. So this one is found only if the user's is missing.
    fn fallback(&self) -> TokenStream {
        let name = self.name;
        let (first, _) = &self.first;
        quote! {
            struct NoSuchMethod;
            #[allow(dead_code)]
            trait Fallback {
                fn #name<C>(#first, _: &C) -> NoSuchMethod {
                    NoSuchMethod
                }
            }
            impl<M> Fallback for M {}
        }
    }

    fn checks(&self, model: &Model<'_>, field: &CachedField<'_>) -> TokenStream {
        let Self { name, kind, first: (_, first), value: (_, value), .. } = self;
        let model = &model.item.ident;
        let parameters = format!("{first}, db: &impl ConnectionTrait");
        let missing = format!(
            "the cached field `{}` needs an async {kind} `{model}::{name}({parameters})`",
            field.name
        );
        let instead = match &field.calculate_batch {
            Some(batch) if batch == *name => format!(", in place of `{}`", field.calculate),
            _ => String::new(),
        };
        // The text becomes a format string once more.
        let missing_note = format!(
            "write: impl {model} {{{{ async fn {name}({parameters}) -> Result<{value}, DbErr> \
             {{{{ .. }}}} }}}}{instead}"
        );
        let any_connection = "`db` is a connection or a transaction: take it as `&impl \
                              ConnectionTrait`, which is both";
        let wrong = format!(
            "`{model}::{name}` must return `Result<{value}, E>`, where `E` is an error such as \
             `DbErr`"
        );
        let wrong_label = format!("expected `Result<{value}, E>`, found `{{Self}}`");
        quote! {
            #[diagnostic::on_unimplemented(
                message = #missing,
                label = "expected an `async fn` that takes these, found `{Self}`",
                note = #missing_note,
                note = #any_connection
            )]
            trait AsyncMethod<T>: ::std::future::Future<Output = T> {}
            #[diagnostic::do_not_recommend]
            impl<T, F: ::std::future::Future<Output = T>> AsyncMethod<T> for F {}
            fn asynchronous<T, F: AsyncMethod<T>>(
                method: F,
            ) -> impl ::std::future::Future<Output = T> {
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
}

fn text(ty: impl ToTokens) -> String {
    ty.to_token_stream().to_string().replace(' ', "")
}
