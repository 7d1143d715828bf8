use proc_macro2::TokenStream;
use quote::{quote, quote_spanned};
use syn::Ident;

use super::at;
use crate::ast::{CachedField, Model};

/// Returns the user's query, for `FieldSpec`. The code reports a mistake in it.
pub(super) fn query(model: &Model<'_>, field: &CachedField<'_>, select: &Ident) -> TokenStream {
    let at_name = field.name.span();
    // These identifiers are not the user's, or rustc would suggest to write arguments after the
    // field.
    let [model_name, select] =
        [&model.item.ident, select].map(|name| Ident::new(&name.to_string(), at(at_name)));
    let optional = field.optional.is_some();
    let missing =
        format!("the cached field `{}` needs a query `{model_name}::{select}()`", field.name);
    // The text becomes a format string once more.
    let note = format!(
        "write: impl {model_name} {{{{ fn {select}() -> Select<Entity> {{{{ .. }}}} }}}}, a query \
         of any entity that selects the key of `{model_name}`, then the value, in place of `{}`",
        field.calculate
    );
    let selected = quote_spanned! {at(at_name)=>
        ::sea_orm_cached_field::__private::Call(#model_name::#select, ()).call()
    };
    // The same identifier serves for the definition and the use. If a macro was given the field's
    // name, rustc would otherwise take them for two variables.
    let query = Ident::new("query", at_name);
    let statement = quote_spanned!(at_name=> statement(#query));
    quote! {{
        struct NoSuchFunction;
        #[allow(dead_code)]
        trait Fallback {
            fn #select() -> NoSuchFunction {
                NoSuchFunction
            }
        }
        impl<M> Fallback for M {}

        #[diagnostic::on_unimplemented(
            message = #missing,
            label = "expected a query, found `{Self}`",
            note = #note
        )]
        trait Query {
            fn statement(self) -> ::sea_orm::sea_query::SelectStatement;
        }
        #[diagnostic::do_not_recommend]
        impl<Q> Query for Q
        where
            Q: ::sea_orm::QueryTrait<QueryStatement = ::sea_orm::sea_query::SelectStatement>,
        {
            fn statement(self) -> ::sea_orm::sea_query::SelectStatement {
                self.into_query()
            }
        }
        fn statement<Q: Query>(query: Q) -> ::sea_orm::sea_query::SelectStatement {
            query.statement()
        }

        ::sea_orm_cached_field::__private::Query {
            select: || {
                #[allow(unused_imports)]
                use ::sea_orm_cached_field::__private::{Takes as _, TakesOthers as _};
                let #query = #selected;
                #statement
            },
            optional: #optional,
        }
    }}
}
