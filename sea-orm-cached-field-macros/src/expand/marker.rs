use std::time::Duration;

use proc_macro2::TokenStream;
use quote::quote;
use syn::ext::IdentExt;

use super::{calculation, dependencies, option, query, roll_up};
use crate::{
    ast::{CachedField, Model},
    attr::{Flagging, variant},
};

/// Returns the type that stands for a field, with its `CachedField`.
pub(super) fn marker(model: &Model<'_>, field: &CachedField<'_>) -> TokenStream {
    let CachedField { vis, ty, marker, .. } = field;
    let model_name = &model.item.ident;
    let name = field.name.unraw().to_string();
    let doc = format!(" The cached field `{name}` of [`{model_name}`].");
    let flag_doc = format!(
        " Flags the stored values of `{name}` as stale, of all rows that meet the condition, by \
         one statement. `.and_recalculate(..)` on the result overrides, for this call, the setting \
         whether they are recalculated at once."
    );
    let recalculate_doc = format!(
        " Recalculates `{name}` of all rows that meet the condition now, a few hundred at a time, \
         and stores it. Returns the number of rows. If some of them fail, the others are stored \
         all the same, and the first error is returned at the end. In a transaction the rows are \
         calculated one by one, and locks of other transactions are not waited for."
    );
    let load_doc = format!(
        " Makes these loaded rows fresh, a few hundred at a time. It asks the database which of \
         them are stale, and recalculates and stores `{name}` of those. Then it puts the values \
         into the rows, and [`{model_name}::{name}`] returns them as loaded. If some of the rows \
         fail, the others are fresh all the same, and the first error is returned. In a \
         transaction only the cached fields that they are calculated from are stored."
    );
    let preview_doc =
        format!(" Calculates `{name}` of this row as it is loaded, and stores nothing.");
    let error = quote!(::sea_orm_cached_field::__private::Error);
    let db = quote!(db: impl ::sea_orm_cached_field::__private::IntoExecutor<'c>);
    let spec = spec(model, field);
    let stored = stored(field, &quote!(model));
    let calculation = calculation::methods(model, field);
    let hook = calculation::hook(model, field);
    quote! {
        #[doc = #doc]
        #[allow(dead_code)]
        #[derive(::std::clone::Clone, ::std::marker::Copy, ::std::fmt::Debug)]
        #vis struct #marker;

        #[allow(dead_code)]
        impl #marker {
            #[doc = #flag_doc]
            #vis fn flag<'c>(
                filter: impl ::sea_orm::sea_query::IntoCondition,
                #db,
            ) -> ::sea_orm_cached_field::__private::FlagRows<'c, Self> {
                let db = ::sea_orm_cached_field::__private::IntoExecutor::into_executor(db);
                ::sea_orm_cached_field::__private::flag_rows::<Self>(db, filter)
            }

            #[doc = #recalculate_doc]
            #vis async fn recalculate<'c>(
                filter: impl ::sea_orm::sea_query::IntoCondition,
                #db,
            ) -> ::std::result::Result<u64, #error> {
                let db = ::sea_orm_cached_field::__private::IntoExecutor::into_executor(db);
                ::sea_orm_cached_field::__private::recalculate_rows::<Self>(db, filter).await
            }

            #[doc = #load_doc]
            #vis async fn load<'c>(
                models: &mut [#model_name],
                #db,
            ) -> ::std::result::Result<(), #error> {
                let db = ::sea_orm_cached_field::__private::IntoExecutor::into_executor(db);
                ::sea_orm_cached_field::__private::load_rows::<Self>(db, models).await
            }

            #[doc = #preview_doc]
            #vis async fn preview<'c>(
                model: &#model_name,
                #db,
            ) -> ::std::result::Result<#ty, #error> {
                let db = ::sea_orm_cached_field::__private::IntoExecutor::into_executor(db);
                ::sea_orm_cached_field::__private::preview::<Self>(model, db).await
            }
        }

        #[automatically_derived]
        impl ::sea_orm_cached_field::__private::Generated for #marker {}

        #[automatically_derived]
        impl ::sea_orm_cached_field::__private::CachedField for #marker {
            type Entity = Entity;
            type Value = #ty;
            const NAME: &'static str = #name;

            fn spec() -> ::sea_orm_cached_field::__private::FieldSpec<Entity> {
                #spec
            }

            fn stored(
                model: &#model_name,
            ) -> ::sea_orm_cached_field::__private::Stored<'_, Self::Value> {
                #stored
            }

            #calculation

            #hook
        }
    }
}

fn spec(model: &Model<'_>, field: &CachedField<'_>) -> TokenStream {
    let name = field.name.unraw().to_string();
    // An `enum_name` among the attributes went to the first column.
    let cached = field.sea_orm.variant(&field.cached);
    let recalculation_needed = variant(&field.recalculation_needed);
    let expires_after = match field.expires_after.as_ref().map(variant) {
        Some(variant) => quote!(::std::option::Option::Some(Column::#variant)),
        None => quote!(::std::option::Option::None),
    };
    let expiration_time_zone = match &field.options.expiration_time_zone {
        Some(zone) => quote!(::std::option::Option::Some(#zone)),
        None => quote!(::std::option::Option::None),
    };
    let expires_every = duration(field.options.expires_every);

    let flagging = match field.options.flagging {
        Some(Flagging::Commit) => quote!(::sea_orm_cached_field::__private::Flagging::Commit),
        Some(Flagging::Collector) => quote!(::sea_orm_cached_field::__private::Flagging::Collector),
        None => quote!(::std::default::Default::default()),
    };
    let debounce = duration(field.options.debounce);
    let index_flag = field.options.index_flag;
    let version = field.options.version;
    let lazy = field.options.lazy;
    let batch = field.is_of_many();

    let query = option(field.select.as_ref().map(|select| query::query(model, field, select)));
    let roll_up = field.options.roll_up.as_ref();
    let roll_up = option(roll_up.map(|roll_up| roll_up::roll_up(model, roll_up)));
    let after_recalculation = field.options.after_recalculation.is_some();
    let recursive = field.options.recursive;
    let depends_on =
        dependencies::dependencies(model, field.options.depends_on.as_deref().unwrap_or_default());

    quote! {
        #[allow(unused_imports)]
        use ::sea_orm_cached_field::__private::{FollowBack as _, FollowUnrelated as _};
        ::sea_orm_cached_field::__private::FieldSpec {
            name: #name,
            cached: Column::#cached,
            recalculation_needed: Column::#recalculation_needed,
            expires_after: #expires_after,
            expires_every: #expires_every,
            expiration_time_zone: #expiration_time_zone,
            flagging: #flagging,
            index_flag: #index_flag,
            debounce: #debounce,
            version: #version,
            lazy: #lazy,
            batch: #batch,
            query: #query,
            roll_up: #roll_up,
            after_recalculation: #after_recalculation,
            recursive: #recursive,
            depends_on: ::std::vec::Vec::from([#(#depends_on),*]),
        }
    }
}

fn duration(time: Option<Duration>) -> TokenStream {
    match time.map(|time| (time.as_secs(), time.subsec_nanos())) {
        Some((seconds, nanoseconds)) => {
            quote!(::std::option::Option::Some(::std::time::Duration::new(#seconds, #nanoseconds)))
        }
        None => quote!(::std::option::Option::None),
    }
}

/// Returns the state of the field in a row, which is a `Model` or a `ModelEx`.
pub(super) fn stored(field: &CachedField<'_>, row: &TokenStream) -> TokenStream {
    let CachedField { cached, recalculation_needed, .. } = field;
    // The stored value of a field of type `Option<T>` is that option, NULL included.
    let value = match field.optional {
        Some(_) => quote!(::std::option::Option::Some(&#row.#cached)),
        None => quote!(#row.#cached.as_ref()),
    };

    let expires_after = match (&field.expires_after, &field.options.expiration_time_zone) {
        (Some(expires_after), Some(zone)) => {
            quote! {
                #row.#expires_after
                    .map(|local| ::sea_orm_cached_field::__private::moment_in(#zone, local))
            }
        }
        (Some(expires_after), None) => quote!(#row.#expires_after),
        (None, _) => quote!(::std::option::Option::None),
    };

    quote! {
        ::sea_orm_cached_field::__private::Stored {
            value: #value,
            recalculation_needed: #row.#recalculation_needed,
            expires_after: #expires_after,
        }
    }
}
