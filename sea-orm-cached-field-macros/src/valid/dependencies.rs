use syn::{Error, Ident, Path, Result, ext::IdentExt};

use crate::{
    ast::{CachedField, Model},
    attr::{Dependency, written},
    errors::Errors,
};

/// Drops the dependencies that are wrong. Whether a column exists is left to rustc, which knows the similar names.
pub(super) fn check(model: &mut Model<'_>, errors: &mut Errors) {
    for index in 0..model.cached_fields.len() {
        let given = std::mem::take(&mut model.cached_fields[index].options.depends_on);
        let mut kept = Vec::new();
        for dependency in given {
            match check_one(model, &model.cached_fields[index], &kept, &dependency) {
                Ok(()) => kept.push(dependency),
                Err(error) => errors.push(error),
            }
        }
        model.cached_fields[index].options.depends_on = kept;
    }
}

fn check_one(model: &Model<'_>, field: &CachedField<'_>, before: &[Dependency], dependency: &Dependency) -> Result<()> {
    match dependency {
        Dependency::Column(column) => {
            let same = |other: &Dependency| matches!(other, Dependency::Column(other) if other == column);
            if before.iter().any(same) {
                return Err(Error::new(column.span(), format!("`{column}` is given twice: keep one of them")));
            }
            own_column(model, field, column)
        }
        Dependency::Related { relation, .. } => match relation.get_ident() {
            Some(name) => own_relation(model, name),
            None => a_module(relation),
        },
    }
}

fn own_column(model: &Model<'_>, field: &CachedField<'_>, column: &Ident) -> Result<()> {
    let message = if model.relations.iter().any(|relation| relation.name == column) {
        format!(
            "`{column}` is a relation: name the columns that the calculation reads behind it, as in \
             `{column}(weight)`"
        )
    } else if field.name == column || field.columns().any(|own| own == column) {
        format!("`{}` cannot depend on itself: name the columns that its calculation reads", field.name)
    } else if let Some(other) = model.cached_fields.iter().find(|other| other.name == column) {
        format!("`{column}` is a cached field: depend on its column `{}`", other.cached)
    } else if model.columns.iter().any(|known| known.ignored && known.name == column) {
        format!("`{column}` is not stored, as `#[sea_orm(ignore)]` says: only columns can be depended on")
    } else {
        return Ok(());
    };
    Err(Error::new(column.span(), message))
}

fn own_relation(model: &Model<'_>, name: &Ident) -> Result<()> {
    if model.relations.iter().any(|relation| relation.name == name) {
        return Ok(());
    }
    let mut columns = model.columns.iter().map(|column| column.name);
    let message = if columns.any(|column| column == name) || model.cached_fields.iter().any(|field| field.name == name)
    {
        format!("`{name}` is a column, not a relation: write it without parentheses, as in `depends_on({name})`")
    } else if model.relations.is_empty() {
        format!(
            "`{name}` is no relation of this model, which has no relation fields: write the module of the related \
             entity, as in `super::{name}(weight)`",
            name = name.unraw()
        )
    } else {
        let known: Vec<String> = model.relations.iter().map(|relation| format!("`{}`", relation.name)).collect();
        format!("`{name}` is no relation of this model, which has the relations {}", known.join(", "))
    };
    Err(Error::new(name.span(), message))
}

/// Tells the frequent `super::pigeon::Entity(weight)` apart from what is meant.
fn a_module(relation: &Path) -> Result<()> {
    if relation.segments.last().is_some_and(|last| last.ident == "Entity") {
        let path = written(relation);
        let module = path.trim_end_matches("::Entity");
        let message = format!("a related model is written as its module, without `Entity`: `{module}(weight)`");
        return Err(Error::new_spanned(relation, message));
    }
    Ok(())
}
