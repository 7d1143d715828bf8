use std::fmt::Display;

use syn::{Error, Ident, Path, Result, ext::IdentExt};

use crate::{
    ast::{CachedField, Model},
    attr::{Dependency, Related, written},
    errors::Errors,
};

/// Drops the wrong dependencies. Whether a column exists is left to rustc, which suggests similar
/// names.
pub(super) fn check(model: &mut Model<'_>, errors: &mut Errors) {
    for index in 0..model.cached_fields.len() {
        let given = model.cached_fields[index].options.depends_on.take();
        let is_given = given.is_some();
        let mut depends_on = given.unwrap_or_default();
        let field = &model.cached_fields[index];
        recursion(field, &depends_on, errors);
        check_all(Place::Row(model, field), &mut depends_on, errors);
        model.cached_fields[index].options.depends_on = is_given.then_some(depends_on);
    }
}

/// The way in which the names of a path are put together.
#[derive(Clone, Copy)]
pub(super) enum Notation {
    /// `depends_on(pigeons(weight))`
    DependsOn,
    /// `sum(pigeons.weight)`, or, of rows alone, `count(pigeons)`
    RollUp { is_of_rows: bool },
}

impl Notation {
    fn behind(self, relation: impl Display, column: &str) -> String {
        match self {
            Self::DependsOn => format!("`{relation}({column})`"),
            Self::RollUp { is_of_rows: false } => format!("`{relation}.{column}`"),
            Self::RollUp { is_of_rows: true } => format!("`{relation}`"),
        }
    }
}

/// The start of a list of dependencies.
#[derive(Clone, Copy)]
enum Place<'a> {
    /// The row that has the field.
    Row(&'a Model<'a>, &'a CachedField<'a>),
    /// Other rows of the same model.
    SameModel(&'a Model<'a>),
    /// Rows of a model that the macro does not see.
    OtherModel,
}

fn check_all(place: Place<'_>, given: &mut Vec<Dependency>, errors: &mut Errors) {
    let mut kept: Vec<Dependency> = Vec::new();
    for mut dependency in std::mem::take(given) {
        match check_one(place, &kept, &dependency) {
            Ok(()) => {
                if let Dependency::Related(related) = &mut dependency {
                    check_all(behind(place, &related.relation), &mut related.reads, errors);
                }
                kept.push(dependency);
            }
            Err(error) => errors.push(error),
        }
    }

    *given = kept;
}

fn behind<'a>(place: Place<'a>, relation: &Path) -> Place<'a> {
    match place {
        Place::Row(model, _) | Place::SameModel(model) if model.leads_back(relation) => {
            Place::SameModel(model)
        }
        _ => Place::OtherModel,
    }
}

fn check_one(place: Place<'_>, before: &[Dependency], dependency: &Dependency) -> Result<()> {
    match dependency {
        Dependency::Column(column) => {
            twice(before, column)?;
            match place {
                Place::Row(model, field) => not_itself(field, column)
                    .and_then(|()| own_column(model, column, Notation::DependsOn)),
                Place::SameModel(model) => own_column(model, column, Notation::DependsOn),
                Place::OtherModel => Ok(()),
            }
        }
        Dependency::AllColumns(star) => match place {
            Place::Row(..) => Err(Error::new_spanned(
                star,
                "`*` is all columns of related rows, as in `pigeons(*)`: of the row itself, name \
                 the columns that the calculation reads",
            )),
            _ if before.iter().any(|other| matches!(other, Dependency::AllColumns(_))) => {
                Err(Error::new_spanned(star, "`*` is given twice: keep one of them"))
            }
            _ => Ok(()),
        },
        Dependency::Related(Related { relation, .. }) => match (relation.get_ident(), place) {
            (Some(name), Place::Row(model, _) | Place::SameModel(model)) => {
                own_relation(model, name, Notation::DependsOn)
            }
            (Some(_), Place::OtherModel) => Ok(()),
            (None, _) => a_module(relation, Notation::DependsOn),
        },
    }
}

fn twice(before: &[Dependency], column: &Ident) -> Result<()> {
    let same = |other: &Dependency| matches!(other, Dependency::Column(other) if other == column);
    if before.iter().any(same) {
        return Err(Error::new(
            column.span(),
            format!("`{column}` is given twice: keep one of them"),
        ));
    }

    if before.iter().any(|other| matches!(other, Dependency::AllColumns(_))) {
        return Err(Error::new(
            column.span(),
            format!("`*` is all columns already: leave `{column}` out"),
        ));
    }

    Ok(())
}

fn not_itself(field: &CachedField<'_>, column: &Ident) -> Result<()> {
    if field.name == column || field.columns().any(|own| own == column) {
        let message = format!(
            "`{}` cannot depend on itself: name the columns that its calculation reads",
            field.name
        );
        return Err(Error::new(column.span(), message));
    }
    Ok(())
}

pub(super) fn own_column(model: &Model<'_>, column: &Ident, notation: Notation) -> Result<()> {
    let message = if model.relation(column).is_some() {
        match notation {
            Notation::DependsOn => format!(
                "`{column}` is a relation: name the columns that the calculation reads behind it, \
                 as in `{column}(weight)`; `{column}()` is only which rows there are"
            ),
            Notation::RollUp { .. } => format!(
                "`{column}` is a relation: a roll-up and its condition name columns of the last \
                 table"
            ),
        }
    } else if let Some(other) =
        model.cached_fields.iter().find(|other| other.name == column && other.cached != *column)
    {
        format!("`{column}` is a cached field: depend on its column `{}`", other.cached)
    } else if model.columns.iter().any(|known| known.sea_orm.ignore && known.name == column) {
        format!(
            "`{column}` is not stored, as `#[sea_orm(ignore)]` says: only columns can be depended \
             on"
        )
    } else {
        return Ok(());
    };

    Err(Error::new(column.span(), message))
}

pub(super) fn own_relation(model: &Model<'_>, name: &Ident, notation: Notation) -> Result<()> {
    if model.relation(name).is_some() {
        return Ok(());
    }

    let mut columns = model.columns.iter().map(|column| column.name);
    let message = if columns.any(|column| column == name)
        || model.cached_fields.iter().any(|field| field.name == name)
    {
        let remedy = match notation {
            Notation::DependsOn => {
                format!("write it without parentheses, as in `depends_on({name})`")
            }
            Notation::RollUp { is_of_rows: true } => {
                "`count` and `exists` lead over relations to rows, as in `count(pigeons)`"
                    .to_owned()
            }
            Notation::RollUp { is_of_rows: false } => {
                "a roll-up leads over relations to one column, as in `sum(pigeons.weight)`"
                    .to_owned()
            }
        };
        format!("`{name}` is a column, not a relation: {remedy}")
    } else if model.relations.is_empty() {
        format!(
            "`{name}` is no relation of this model, which has no relation fields: write the \
             module of the related entity, as in {}",
            notation.behind(format!("super::{}", name.unraw()), "weight"),
        )
    } else {
        let known: Vec<String> =
            model.relations.iter().map(|relation| format!("`{}`", relation.name)).collect();
        format!(
            "`{name}` is no relation of this model, which has the relations {}",
            known.join(", ")
        )
    };

    Err(Error::new(name.span(), message))
}

/// Reports the frequent `super::pigeon::Entity(weight)` with the correct form.
pub(super) fn a_module(relation: &Path, notation: Notation) -> Result<()> {
    if relation.segments.last().is_some_and(|last| last.ident == "Entity") {
        let path = written(relation);
        let module = path.trim_end_matches("::Entity");
        let message = format!(
            "a related model is written as its module, without `Entity`: {}",
            notation.behind(module, "weight")
        );
        return Err(Error::new_spanned(relation, message));
    }
    Ok(())
}

/// Checks that the option `recursive` has a reason: the field's own column behind a relation.
fn recursion(field: &CachedField<'_>, depends_on: &[Dependency], errors: &mut Errors) {
    let Some(option) = field.options.key("recursive") else { return };
    if field.options.is_rolled_up {
        return;
    }

    let reads = |dependency: &Dependency| match dependency {
        Dependency::Related(related) => reads(related, &field.cached),
        _ => false,
    };

    if !depends_on.iter().any(reads) {
        errors.at(
            option.span(),
            format!(
                "`recursive` says that `{name}` is calculated from `{name}` of other rows: name \
                 its column behind a relation of the model to itself, as in `#[cached(recursive, \
                 depends_on(children({column})))]`",
                name = field.name,
                column = field.cached
            ),
        );
    }
}

fn reads(related: &Related, column: &Ident) -> bool {
    related.reads.iter().any(|dependency| match dependency {
        Dependency::Column(read) => read == column,
        Dependency::AllColumns(_) => true,
        Dependency::Related(related) => reads(related, column),
    })
}
