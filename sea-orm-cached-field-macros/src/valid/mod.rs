//! The rules, each with the message for its violation.

mod dependencies;
mod item;
mod names;
mod roll_up;

pub(crate) use item::{derives, item};

use proc_macro2::Span;
use syn::spanned::Spanned;

use crate::{
    ast::{CachedField, Model, related_entity},
    errors::Errors,
};

/// Checks the model, and drops the wrong dependencies from it. Returns whether it can be expanded.
/// It can after an error in an option alone, so that code that uses the field's methods compiles.
pub(crate) fn model(model: &mut Model<'_>, errors: &mut Errors) -> bool {
    let mut sound = true;
    if model.cached_fields.is_empty() {
        errors.at(
            Span::call_site(),
            "`#[cached_fields]` finds no cached field: put `#[cached]` on one, as in \
             `#[cached(depends_on(first_name))]`",
        );
        sound = false;
    }

    for field in &model.cached_fields {
        sound &= kind_of_field(field, errors);
        options(field, errors);
    }

    sound &= primary_key(model, errors);
    sound &= names::check(model, errors);
    dependencies::check(model, errors);
    roll_up::check(model, errors);
    sound
}

fn primary_key(model: &Model<'_>, errors: &mut Errors) -> bool {
    // A primary key that is a cached field is a mistake of its own.
    let found = !model.primary_key.is_empty()
        || model.cached_fields.iter().any(|field| field.sea_orm.primary_key);
    if !found {
        errors.at(
            model.item.ident.span(),
            "cached fields need a primary key: mark its columns with `#[sea_orm(primary_key)]`",
        );
    }
    found
}

fn kind_of_field(field: &CachedField<'_>, errors: &mut Errors) -> bool {
    let span = field.name.span();
    if related_entity(field.ty).is_some() {
        errors.at(
            span,
            "a relation cannot be cached, but what is calculated from it: \
             `#[cached(depends_on(pigeons(weight)))] load: i64`",
        );
    } else if field.sea_orm.primary_key {
        errors.at(
            span,
            "a primary key cannot be cached: put `#[cached]` on a field that is calculated from \
             others",
        );
    } else if field.sea_orm.ignore {
        errors.at(
            span,
            "a cached field is stored in a column: remove `#[sea_orm(ignore)]` or `#[cached]`",
        );
    } else {
        return true;
    }

    false
}

fn options(field: &CachedField<'_>, errors: &mut Errors) {
    if let Some(again) = field.again {
        errors.at(
            again,
            "`#[cached]` is given twice: put all options into one, as in \
             `#[cached(depends_on(first_name), temporal_triggers)]`",
        );
    }

    if let Some(name) = &field.options.expiration_field_name
        && !field.options.temporal_triggers
    {
        errors.at(
            name.span(),
            format!(
                "`expiration_field_name` needs `temporal_triggers`: `#[cached(temporal_triggers, \
                 expiration_field_name = \"{name}\")]`"
            ),
        );
    }

    if let Some(zone) = &field.options.expiration_time_zone
        && !field.options.temporal_triggers
    {
        let zone_name = zone.value();
        errors.at(
            zone.span(),
            format!(
                "`expiration_time_zone` needs `temporal_triggers`: `#[cached(temporal_triggers, \
                 expiration_time_zone = \"{zone_name}\")]`"
            ),
        );
    }

    let with = |key: &str, is_wrong: bool| field.options.key(key).filter(|_| is_wrong);

    if let Some(query) = with("query", field.options.batch) {
        errors.at(
            query.span(),
            "`batch` and `query` are two ways to calculate many rows at a time: keep `batch` for \
             a function, `query` for a single query",
        );
    }

    if let Some(blocking) = with("blocking", field.options.query) {
        errors.at(
            blocking.span(),
            "a `query` is calculated by the database, and blocks nothing here: remove `blocking`",
        );
    }

    if let Some(debounce) = with("debounce", field.options.lazy) {
        errors.at(
            debounce.span(),
            "`debounce` is how long a worker waits, and no worker recalculates a `lazy` field: \
             remove one of them",
        );
    }

    if let Some(attribute) =
        field.attributes.iter().find(|attribute| attribute.path().is_ident("cfg"))
    {
        errors.at(
            attribute.path().span(),
            "a cached field cannot be conditional: put the `#[cfg]` on the whole model",
        );
    }
}
