use heck::ToUpperCamelCase;
use proc_macro2::TokenStream;
use quote::{quote, quote_spanned};
use syn::{Ident, Path, ext::IdentExt, spanned::Spanned};

use super::at;
use crate::{
    ast::{Model, Relation},
    attr::{Dependency, variant},
};

/// Returns the inputs of a calculation, as expressions of type `Dependency`.
pub(super) fn dependencies(model: &Model<'_>, depends_on: &[Dependency]) -> Vec<TokenStream> {
    let start = start();
    depends_on.iter().flat_map(|dependency| paths(Some(model), &start, dependency)).collect()
}

/// Returns the empty path, at the model.
pub(super) fn start() -> TokenStream {
    quote!(::sea_orm_cached_field::__private::Path::<Entity>::start())
}

/// Continues from the end of a path, which is the model if that is known.
fn paths(
    model: Option<&Model<'_>>,
    path: &TokenStream,
    dependency: &Dependency,
) -> Vec<TokenStream> {
    match dependency {
        Dependency::Column(name) => vec![column(model, path, name)],
        Dependency::AllColumns(_) => vec![quote!(#path.all_columns())],
        Dependency::Related(related) => {
            let path = hop(model, path, &related.relation, related.recursive.is_some());
            if related.reads.is_empty() {
                return vec![quote!(#path.existence())];
            }
            let model = model.filter(|model| model.leads_back(&related.relation));
            related.reads.iter().flat_map(|dependency| paths(model, &path, dependency)).collect()
        }
    }
}

/// Ends a path at a column. The closure makes the compiler check the field, and editors find it.
fn column(model: Option<&Model<'_>>, path: &TokenStream, name: &Ident) -> TokenStream {
    let text = name.unraw().to_string();
    let variant = model.map_or_else(|| variant(name), |model| model.variant(name)).to_string();
    quote_spanned!(at(name.span())=> #path.column(|row| &mut row.#name, #text, #variant))
}

/// Continues from the end of a path over a relation.
pub(super) fn hop(
    model: Option<&Model<'_>>,
    path: &TokenStream,
    relation: &Path,
    is_repeated: bool,
) -> TokenStream {
    let span =
        at(relation.segments.last().map_or_else(|| relation.span(), |last| last.ident.span()));
    let hop = match relation.get_ident() {
        Some(name) => match model.and_then(|model| Some((model, model.relation(name)?))) {
            Some((model, field)) => hop_over_own_field(model, field),
            None => hop_over_field(name),
        },
        None => match module_of_variant(relation) {
            Some(module) => quote_spanned!(span=> .back::<#module Entity>(#relation)),
            None => quote_spanned!(span=> .toward::<#relation::Entity>().follow()),
        },
    };

    // An error about a method is shown at the beginning of the value that the method is called on.
    match is_repeated {
        true => quote_spanned!(span=> { let path = #path; path.repeated(|path| path #hop) }),
        false => quote_spanned!(span=> { let path = #path; path #hop }),
    }
}

/// Returns the part before `Relation::Variant`, if the path ends so.
fn module_of_variant(relation: &Path) -> Option<TokenStream> {
    let count = relation.segments.len().checked_sub(2)?;
    let is_variant = relation.segments[count].ident == "Relation";
    let Path { leading_colon, segments } = relation;
    let module = segments.pairs().take(count);
    is_variant.then(|| quote!(#leading_colon #(#module)*))
}

/// Follows a field of a model that cannot be seen. The closure makes the compiler check the field.
fn hop_over_field(name: &Ident) -> TokenStream {
    let text = name.unraw().to_string();
    let variant = text.to_upper_camel_case();
    quote_spanned!(at(name.span())=> .over(|model| &model.#name, #text, #variant).follow())
}

fn hop_over_own_field(model: &Model<'_>, field: &Relation<'_>) -> TokenStream {
    let entity = field.entity;
    let span = at(field.name.span());

    // SeaORM implements `Related` only if one relation of the model leads to the entity.
    let related = model.relations.iter().filter(|other| other.entity == entity).count() == 1;
    match (&field.sea_orm.via, &field.sea_orm.relation_enum) {
        (Some(junction), _) if field.sea_orm.self_ref => many_to_many_self(junction, field),
        (Some(junction), _) if !related => many_to_many(junction, field),
        (None, Some(variant)) => {
            let variant = Ident::new(&variant.value().to_upper_camel_case(), variant.span());
            quote_spanned! {span=>
                .by_definition::<#entity>(::sea_orm::RelationTrait::def(&Relation::#variant))
            }
        }
        (None, None) if !related => hop_over_field(field.name),
        _ => quote_spanned!(span=> .to::<#entity>()),
    }
}

/// Follows a relation to another model through a junction, which is related to both.
fn many_to_many(junction: &Path, field: &Relation<'_>) -> TokenStream {
    let entity = field.entity;
    let module = &junction.segments[0].ident;
    let back = match junction.segments.get(1).map(|segment| &segment.ident) {
        Some(variant) => quote!(::sea_orm::RelationTrait::def(&super::#module::Relation::#variant)),
        None => quote!(<super::#module::Entity as ::sea_orm::Related<Entity>>::to()),
    };
    quote!(.by_definition::<super::#module::Entity>(#back.rev()).to::<#entity>())
}

/// Follows a relation from the model to itself through a junction. SeaORM implements
/// `RelatedSelfVia` the junction for it.
fn many_to_many_self(junction: &Path, field: &Relation<'_>) -> TokenStream {
    let entity = field.entity;
    let module = &junction.segments[0].ident;
    let related = quote!(<Entity as ::sea_orm::RelatedSelfVia<super::#module::Entity>>);
    let (near, far) = if field.sea_orm.reverse {
        (quote!(#related::to().rev()), quote!(#related::via().rev()))
    } else {
        (quote!(#related::via()), quote!(#related::to()))
    };
    quote!(.by_definition::<super::#module::Entity>(#near).by_definition::<#entity>(#far))
}
