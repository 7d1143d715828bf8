use std::collections::HashSet;

use proc_macro2::{Ident, TokenStream, TokenTree};
use quote::ToTokens;
use syn::ext::IdentExt;

use crate::{
    ast::{CachedField, Model},
    errors::Errors,
};

/// The names that SeaORM generates beside the model.
const GENERATED: &[&str] = &[
    "ActiveModel",
    "ActiveModelEx",
    "COLUMN",
    "Column",
    "Entity",
    "EntityLoader",
    "EntityLoaderWith",
    "Model",
    "ModelEx",
    "PrimaryKey",
    "RelatedEntity",
    "Relation",
    "TypedColumn",
];

/// The names that the code of SeaORM's macros, and almost every calculation, expects to find in the
/// module under their own names.
const EXPECTED: &[&str] = &[
    "ActiveModelBehavior",
    "BelongsTo",
    "Box",
    "ColumnTrait",
    "Default",
    "EntityName",
    "EntityTrait",
    "EnumIter",
    "HasMany",
    "HasOne",
    "Iterable",
    "Option",
    "PrimaryKeyTrait",
    "Related",
    "RelationDef",
    "RelationTrait",
    "Result",
    "Select",
    "Self",
    "String",
    "Vec",
];

/// Returns whether all generated names are free.
pub(super) fn check(model: &Model<'_>, errors: &mut Errors) -> bool {
    let types = model
        .cached_fields
        .iter()
        .map(|field| type_name(model, field, errors))
        .fold(true, |all, one| all & one);
    let columns = columns(model, errors);
    let methods = methods(model, errors);
    types && columns && methods
}

fn columns(model: &Model<'_>, errors: &mut Errors) -> bool {
    let relations = model.relations.iter().map(|relation| relation.name);
    let mut taken: HashSet<String> =
        relations.chain(model.columns.iter().map(|column| column.name)).map(text).collect();

    let mut free = true;
    for field in &model.cached_fields {
        let option = |column: &Ident| match column {
            column if *column == field.cached => "cached_field_name",
            column if *column == field.recalculation_needed => "recalculation_needed_field_name",
            _ => "expiration_field_name",
        };
        for column in field.columns() {
            if !taken.insert(text(column)) {
                errors.at(
                    column.span(),
                    format!(
                        "the model has a field `{column}` already: choose another name for this \
                         column of the cached field, as in `#[cached({} = \"another_name\")]`",
                        option(column)
                    ),
                );
                free = false;
            }
        }
    }

    free
}

fn methods(model: &Model<'_>, errors: &mut Errors) -> bool {
    let mut taken = HashSet::new();
    let mut free = true;
    for field in &model.cached_fields {
        for method in field.methods().all() {
            if !taken.insert(text(method)) {
                errors.at(
                    field.name.span(),
                    format!(
                        "the method `{method}` of this cached field belongs to another one: \
                         rename one of the fields"
                    ),
                );
                free = false;
            }
        }
    }

    for calculation in model.cached_fields.iter().filter_map(CachedField::written) {
        if taken.contains(&text(calculation)) {
            errors.at(
                calculation.span(),
                format!(
                    "`{calculation}` is a method that `#[cached_fields]` generates: choose \
                     another `calculation_method_name`"
                ),
            );
            free = false;
        }
    }

    free
}

fn type_name(model: &Model<'_>, field: &CachedField<'_>, errors: &mut Errors) -> bool {
    let marker = field.marker.to_string();
    let mut types = model
        .columns
        .iter()
        .map(|column| column.ty)
        .chain(model.cached_fields.iter().map(|field| field.ty));

    let wrong = if GENERATED.contains(&marker.as_str()) {
        "SeaORM generates a type of that name: rename the field"
    } else if EXPECTED.contains(&marker.as_str()) {
        "that would hide another type in this module: rename the field"
    } else if types.any(|ty| names(ty.to_token_stream(), &field.marker)) {
        "a field uses another type of that name: rename the field, or do not import that type and \
         write it with its module, as in `super::birds::Pigeon`"
    } else {
        return true;
    };

    errors.at(
        field.name.span(),
        format!(
            "the cached field `{}` gets a type `{marker}` beside the model, but {wrong}",
            field.name
        ),
    );

    false
}

/// Returns whether a type is written with this name alone, not as `module::Name`.
fn names(tokens: TokenStream, name: &Ident) -> bool {
    let mut qualified = false;
    tokens.into_iter().any(|token| match token {
        TokenTree::Ident(ident) => ident == *name && !qualified,
        TokenTree::Group(group) => names(group.stream(), name),
        TokenTree::Punct(punct) => {
            qualified = punct.as_char() == ':';
            false
        }
        TokenTree::Literal(_) => false,
    })
}

fn text(name: &Ident) -> String {
    name.unraw().to_string()
}
