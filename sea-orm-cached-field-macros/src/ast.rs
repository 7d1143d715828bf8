//! The model as the macro sees it.

use heck::ToUpperCamelCase;
use proc_macro2::Span;
use quote::format_ident;
use syn::{
    Attribute, Field, GenericArgument, Ident, ItemStruct, Path, PathArguments, Token, Type,
    Visibility, ext::IdentExt, punctuated::Punctuated, spanned::Spanned,
};

use crate::{
    attr::{Options, SeaOrm, variant},
    errors::Errors,
};

/// A struct with named fields, which has the attribute `#[cached_fields]`.
pub(crate) struct Model<'a> {
    pub(crate) item: &'a ItemStruct,
    /// The struct that SeaORM makes beside the model, with the relation fields.
    pub(crate) extended: Option<Ident>,
    pub(crate) primary_key: Vec<&'a Ident>,
    /// The columns as declared; those of the cached fields are not among them.
    pub(crate) columns: Vec<Column<'a>>,
    pub(crate) relations: Vec<Relation<'a>>,
    pub(crate) cached_fields: Vec<CachedField<'a>>,
}

/// A field that is stored in a column.
pub(crate) struct Column<'a> {
    pub(crate) name: &'a Ident,
    pub(crate) ty: &'a Type,
    pub(crate) sea_orm: SeaOrm,
}

/// A field of type `HasMany`, `HasOne` or `BelongsTo`.
pub(crate) struct Relation<'a> {
    pub(crate) name: &'a Ident,
    pub(crate) entity: &'a Type,
    pub(crate) sea_orm: SeaOrm,
}

/// A field with `#[cached]`.
pub(crate) struct CachedField<'a> {
    pub(crate) name: &'a Ident,
    pub(crate) vis: &'a Visibility,
    pub(crate) ty: &'a Type,
    /// `T` of a field of type `Option<T>`.
    pub(crate) optional: Option<&'a Type>,
    /// All attributes except for `#[cached]`.
    pub(crate) attributes: Vec<&'a Attribute>,
    pub(crate) sea_orm: SeaOrm,
    pub(crate) options: Options,
    /// The second `#[cached]`, if there is one.
    pub(crate) again: Option<Span>,
    /// The type that stands for the field: `SlowFullName`.
    pub(crate) marker: Ident,
    pub(crate) cached: Ident,
    pub(crate) recalculation_needed: Ident,
    pub(crate) expires_after: Option<Ident>,
    /// The user's calculation of one row, which `batch` and `query` do without.
    pub(crate) calculate: Ident,
    /// The user's calculation of many rows at a time, with `batch`.
    pub(crate) calculate_batch: Option<Ident>,
    /// The user's query, with `query`.
    pub(crate) select: Option<Ident>,
}

impl<'a> Model<'a> {
    pub(crate) fn of(item: &'a ItemStruct, errors: &mut Errors) -> Self {
        let mut model = Self {
            item,
            extended: has_extended_model(item).then(|| format_ident!("{}Ex", item.ident)),
            primary_key: Vec::new(),
            columns: Vec::new(),
            relations: Vec::new(),
            cached_fields: Vec::new(),
        };
        for field in &item.fields {
            model.add(field, errors);
        }
        model
    }

    fn add(&mut self, field: &'a Field, errors: &mut Errors) {
        let Some(name) = &field.ident else { return };

        let sea_orm = SeaOrm::of(&field.attrs);
        let cached: Vec<&Attribute> =
            field.attrs.iter().filter(|attribute| is_cached(attribute)).collect();

        if let Some(attribute) = cached.first() {
            let options = Options::of(attribute, errors);
            let again = cached.get(1).map(|attribute| attribute.path().span());
            self.cached_fields.push(CachedField::of(name, field, sea_orm, options, again));
        } else if let Some(entity) = related_entity(&field.ty) {
            self.relations.push(Relation { name, entity, sea_orm });
        } else {
            if sea_orm.primary_key {
                self.primary_key.push(name);
            }
            self.columns.push(Column { name, ty: &field.ty, sea_orm });
        }
    }

    /// Returns the relation field of this name.
    pub(crate) fn relation(&self, name: &Ident) -> Option<&Relation<'a>> {
        self.relations.iter().find(|relation| relation.name == name)
    }

    /// Returns the name of a field's variant in `Column`.
    pub(crate) fn variant(&self, field: &Ident) -> Ident {
        let cached = self.cached_fields.iter().map(|cached| (&cached.cached, &cached.sea_orm));
        let mut columns =
            self.columns.iter().map(|column| (column.name, &column.sea_orm)).chain(cached);
        let found = columns.find(|(name, _)| *name == field);
        found.map_or_else(|| variant(field), |(_, sea_orm)| sea_orm.variant(field))
    }

    /// Returns whether a relation is seen to lead to the model itself.
    pub(crate) fn leads_back(&self, relation: &Path) -> bool {
        let field = relation.get_ident().and_then(|name| self.relation(name));
        let is_self =
            |entity: &Type| matches!(entity, Type::Path(path) if path.path.is_ident("Entity"));
        field.is_some_and(|field| field.sea_orm.self_ref || is_self(field.entity))
    }
}

impl<'a> CachedField<'a> {
    fn of(
        name: &'a Ident,
        field: &'a Field,
        sea_orm: SeaOrm,
        options: Options,
        again: Option<Span>,
    ) -> Self {
        let or = |given: &Option<Ident>, default: Ident| given.clone().unwrap_or(default);
        let plain = name.unraw();
        // Errors about what is generated for the field point to the field.
        let named = |text: String| Ident::new(&text, name.span());
        let calculate = or(&options.calculation_method_name, named(format!("calculate_{plain}")));

        Self {
            name,
            vis: &field.vis,
            ty: &field.ty,
            optional: argument_of(&field.ty, &["Option"]),
            attributes: field.attrs.iter().filter(|attribute| !is_cached(attribute)).collect(),
            sea_orm,
            again,
            marker: named(plain.to_string().to_upper_camel_case()),
            cached: or(&options.cached_field_name, named(format!("cached_{plain}"))),
            recalculation_needed: or(
                &options.recalculation_needed_field_name,
                named(format!("{plain}_recalculation_needed")),
            ),
            expires_after: options.temporal_triggers.then(|| {
                or(&options.expiration_field_name, named(format!("{plain}_expires_after")))
            }),
            select: (options.query && !options.is_rolled_up)
                .then(|| or(&options.calculation_method_name, named(format!("select_{plain}")))),
            calculate_batch: (options.batch && !options.query && !options.is_rolled_up)
                .then(|| Ident::new(&format!("{}s", calculate.unraw()), calculate.span())),
            calculate,
            options,
        }
    }

    /// Returns the columns that stand for the field.
    pub(crate) fn columns(&self) -> impl Iterator<Item = &Ident> {
        [&self.cached, &self.recalculation_needed].into_iter().chain(&self.expires_after)
    }

    /// Returns the name of the function that the user writes, if there is one.
    pub(crate) fn written(&self) -> Option<&Ident> {
        let written =
            || self.select.as_ref().or(self.calculate_batch.as_ref()).unwrap_or(&self.calculate);
        (!self.options.is_rolled_up).then(written)
    }

    /// Returns whether the calculation is one of many rows at a time.
    pub(crate) fn is_of_many(&self) -> bool {
        self.is_by_query() || self.calculate_batch.is_some()
    }

    /// Returns whether the calculation is a query: the user's, or that of a roll-up.
    pub(crate) fn is_by_query(&self) -> bool {
        self.select.is_some() || self.options.is_rolled_up
    }

    /// Returns the methods that are generated for the field.
    pub(crate) fn methods(&self) -> Methods {
        let plain = self.name.unraw();
        let named = |text: String| Ident::new(&text, self.name.span());
        Methods {
            get: self.name.clone(),
            fresh: named(format!("fresh_{plain}")),
            recalculate: named(format!("recalculate_{plain}")),
            flag: named(format!("flag_{plain}_as_stale")),
            set: named(format!("set_{plain}")),
            expire: self.expires_after.is_some().then(|| named(format!("expire_{plain}_after"))),
        }
    }
}

/// The names of the methods that are generated for a field.
pub(crate) struct Methods {
    pub(crate) get: Ident,
    pub(crate) fresh: Ident,
    pub(crate) recalculate: Ident,
    pub(crate) flag: Ident,
    pub(crate) set: Ident,
    pub(crate) expire: Option<Ident>,
}

impl Methods {
    pub(crate) fn all(&self) -> impl Iterator<Item = &Ident> {
        [&self.get, &self.fresh, &self.recalculate, &self.flag, &self.set]
            .into_iter()
            .chain(&self.expire)
    }
}

pub(crate) fn is_cached(attribute: &Attribute) -> bool {
    attribute.path().is_ident("cached")
}

/// Returns the paths that the struct derives.
pub(crate) fn derives(item: &ItemStruct) -> impl Iterator<Item = Path> {
    let derives = item.attrs.iter().filter(|attribute| attribute.path().is_ident("derive"));
    derives
        .filter_map(|attribute| {
            attribute.parse_args_with(Punctuated::<Path, Token![,]>::parse_terminated).ok()
        })
        .flatten()
}

/// Returns whether `#[sea_orm::model]` or `#[sea_orm::compact_model]` is still to read the struct.
fn has_extended_model(item: &ItemStruct) -> bool {
    let last = |attribute: &Attribute| {
        attribute.path().segments.last().map(|segment| segment.ident.to_string())
    };
    item.attrs.iter().filter_map(last).any(|name| name == "model" || name == "compact_model")
}

/// Returns the entity at the other end of a relation field.
pub(crate) fn related_entity(ty: &Type) -> Option<&Type> {
    let target = argument_of(ty, &["HasMany", "HasOne", "BelongsTo"])?;
    Some(argument_of(target, &["Option"]).unwrap_or(target))
}

/// Returns `T` of `Name<T>`. Types have no meaning yet when a macro runs: SeaORM goes by their
/// names, too.
fn argument_of<'a>(ty: &'a Type, names: &[&str]) -> Option<&'a Type> {
    match ty {
        Type::Group(group) => argument_of(&group.elem, names),
        Type::Path(path) => {
            let last = path.path.segments.last()?;
            let PathArguments::AngleBracketed(arguments) = &last.arguments else {
                return None;
            };
            match arguments.args.first()? {
                GenericArgument::Type(argument) if names.iter().any(|name| last.ident == name) => {
                    Some(argument)
                }
                _ => None,
            }
        }
        _ => None,
    }
}
