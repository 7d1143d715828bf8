use proc_macro2::TokenStream;
use quote::quote;

use super::marker::stored;
use crate::ast::{CachedField, Methods, Model};

/// Returns the methods of the cached fields, on the model and on the struct with its relation
/// fields.
pub(super) fn impls(model: &Model<'_>) -> TokenStream {
    let methods: Vec<TokenStream> =
        model.cached_fields.iter().map(|field| methods(model, field)).collect();
    let targets = [Some(&model.item.ident), model.extended.as_ref()];
    let impls = targets.into_iter().flatten().map(|target| {
        quote! {
            #[allow(dead_code)]
            impl #target {
                #(#methods)*
            }
        }
    });
    quote!(#(#impls)*)
}

fn methods(model: &Model<'_>, field: &CachedField<'_>) -> TokenStream {
    let CachedField { name, vis, ty, marker, .. } = field;
    let Methods { get, fresh, recalculate, flag, set, .. } = field.methods();
    let key = key(model);
    let stored = stored(field, &quote!(self));
    let expire = expire(field, &key);

    let get_doc = format!(
        " Returns the value of `{name}`. If the loaded row is neither flagged nor expired, it is \
         the value as loaded, without a query. Otherwise the value is recalculated now and stored. \
         On SQLite the loaded row may be what a write has returned before its triggers ran. So if \
         the field depends on columns of its own row, SQLite is asked by the key whether the \
         loaded value is right."
    );
    let fresh_doc = format!(
        " Returns the value of `{name}` as of now. It asks the database whether the stored value \
         is still right, and recalculates it if not. In a transaction a recalculated value is \
         returned as calculated, not as its column would round it."
    );
    let recalculate_doc =
        format!(" Recalculates `{name}` now, stores it, and returns it as its column holds it.");
    let flag_doc = format!(
        " Flags the stored value of `{name}` as stale. `.and_recalculate(..)` on the result \
         overrides, for this call, the setting whether it is recalculated at once."
    );
    let set_doc = format!(
        " Stores a value of `{name}` that was not calculated. It is kept until the next change of \
         an input of `{name}`. If a transaction holds the row locked, the call waits for up to 10 \
         s. It cannot be part of a transaction, because the value would have to be checked once \
         more."
    );
    let error = quote!(::sea_orm_cached_field::__private::Error);
    let result = quote!(::std::result::Result<#ty, #error>);
    let db = quote!(db: impl ::sea_orm_cached_field::__private::IntoExecutor<'c>);
    let executor = quote!(::sea_orm_cached_field::__private::IntoExecutor::into_executor(db));
    quote! {
        #[doc = #get_doc]
        #vis async fn #get<'c>(&self, #db) -> #result {
            ::sea_orm_cached_field::__private::read::<#marker>(#stored, || #key, #executor).await
        }

        #[doc = #fresh_doc]
        #vis async fn #fresh<'c>(&self, #db) -> #result {
            ::sea_orm_cached_field::__private::read_fresh::<#marker>(#key, #executor).await
        }

        #[doc = #recalculate_doc]
        #vis async fn #recalculate<'c>(&self, #db) -> #result {
            ::sea_orm_cached_field::__private::recalculate::<#marker>(#key, #executor).await
        }

        #[doc = #flag_doc]
        #vis fn #flag<'c>(&self, #db) -> ::sea_orm_cached_field::__private::Flag<'c, #marker> {
            ::sea_orm_cached_field::__private::flag::<#marker>(#key, #executor)
        }

        #[doc = #set_doc]
        #vis async fn #set(
            &self,
            value: #ty,
            db: &::sea_orm::DatabaseConnection,
        ) -> ::std::result::Result<(), #error> {
            ::sea_orm_cached_field::__private::set::<#marker>(#key, db, value).await
        }

        #expire
    }
}

/// Returns the methods of the active model. Their results are stored when it is saved.
pub(super) fn active(model: &Model<'_>) -> TokenStream {
    let model_name = &model.item.ident;
    let methods = model.cached_fields.iter().map(|field| {
        let CachedField { name, vis, ty, marker, cached, recalculation_needed, .. } = field;
        let Methods { recalculate, flag, .. } = field.methods();
        let flag_doc = format!(
            " Flags `{name}` as stale in this active model alone, to be saved with other changes."
        );
        let recalculate_doc = format!(
            " Calculates `{name}` from this active model and sets it, to be saved with other \
             changes. The database does not trust that value: the row stays flagged until it was \
             calculated from the stored columns. Fails if a column of the model is not set."
        );
        let stored = match field.optional {
            Some(_) => quote!(::std::clone::Clone::clone(&value)),
            None => quote!(::std::option::Option::Some(::std::clone::Clone::clone(&value))),
        };
        let error = quote!(::sea_orm_cached_field::__private::Error);
        quote! {
            #[doc = #flag_doc]
            #vis fn #flag(&mut self) {
                self.#recalculation_needed = ::sea_orm::ActiveValue::Set(true);
            }

            #[doc = #recalculate_doc]
            #vis async fn #recalculate<'c>(
                &mut self,
                db: impl ::sea_orm_cached_field::__private::IntoExecutor<'c>,
            ) -> ::std::result::Result<#ty, #error> {
                let row: #model_name =
                    ::sea_orm::TryIntoModel::try_into_model(::std::clone::Clone::clone(&*self))?;
                let db = ::sea_orm_cached_field::__private::IntoExecutor::into_executor(db);
                let value = ::sea_orm_cached_field::__private::preview::<#marker>(&row, db).await?;
                self.#cached = ::sea_orm::ActiveValue::Set(#stored);
                self.#recalculation_needed = ::sea_orm::ActiveValue::Set(false);
                ::std::result::Result::Ok(value)
            }
        }
    });
    let methods: Vec<TokenStream> = methods.collect();
    quote! {
        #[allow(dead_code)]
        impl ActiveModel {
            #(#methods)*
        }
    }
}

fn expire(field: &CachedField<'_>, key: &TokenStream) -> Option<TokenStream> {
    let CachedField { name, vis, marker, .. } = field;
    let expire = field.methods().expire?;

    let doc = format!(
        " Sets when the stored value of `{name}` expires: a date, a date-time or `None`. From that \
         moment on, the row counts as stale and is recalculated."
    );

    Some(quote! {
        #[doc = #doc]
        #vis async fn #expire<'c>(
            &self,
            when: impl ::std::convert::Into<::sea_orm_cached_field::__private::Expiry>,
            db: impl ::sea_orm_cached_field::__private::IntoExecutor<'c>,
        ) -> ::std::result::Result<(), ::sea_orm_cached_field::__private::Error> {
            let when = ::std::convert::Into::into(when);
            let db = ::sea_orm_cached_field::__private::IntoExecutor::into_executor(db);
            ::sea_orm_cached_field::__private::expire::<#marker>(#key, db, when).await
        }
    })
}

/// Returns the primary key of the row at hand.
fn key(model: &Model<'_>) -> TokenStream {
    let columns = &model.primary_key;
    quote! {
        ::sea_orm_cached_field::__private::Key::new([
            #(::std::convert::Into::<::sea_orm::Value>::into(
                ::std::clone::Clone::clone(&self.#columns)
            )),*
        ])
    }
}
