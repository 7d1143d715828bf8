use quote::ToTokens;
use syn::{Error, Ident, Result};

use super::dependencies::{Notation, a_module, own_column, own_relation};
use crate::{
    ast::{CachedField, Model},
    attr::{Condition, RollUp},
    errors::Errors,
};

/// The options that contradict a roll-up, each with the reason.
const CONTRADICTING: &[(&str, &str)] = &[
    ("depends_on", "its inputs follow from it"),
    ("query", "it is a query itself"),
    ("batch", "it is a query itself"),
    ("blocking", "the database calculates it, and nothing blocks here"),
    ("calculation_method_name", "there is no method to write"),
    ("recursive", "it is calculated from other fields only"),
];

/// Checks roll-ups, and drops wrong ones. Whether a column exists is left to rustc, which suggests
/// similar names.
pub(super) fn check(model: &mut Model<'_>, errors: &mut Errors) {
    for index in 0..model.cached_fields.len() {
        let field = &model.cached_fields[index];
        let Some(roll_up) = &field.options.roll_up else { continue };
        contradictions(field, roll_up, errors);
        type_of_value(field, roll_up, errors);
        if let Err(error) = names(model, field, roll_up) {
            errors.push(error);
            model.cached_fields[index].options.roll_up = None;
        }
    }
}

fn contradictions(field: &CachedField<'_>, roll_up: &RollUp, errors: &mut Errors) {
    for (key, reason) in CONTRADICTING {
        if let Some(key) = field.options.key(key) {
            let function = roll_up.function.name();
            errors.at(
                key.span(),
                format!("`{function}(..)` is the whole calculation: {reason}; remove `{key}`"),
            );
        }
    }
}

fn type_of_value(field: &CachedField<'_>, roll_up: &RollUp, errors: &mut Errors) {
    if roll_up.function.is_optional() && field.optional.is_none() {
        let function = roll_up.function.name();
        let ty = field.ty.to_token_stream().to_string().replace(' ', "");
        let message = format!("`{function}` of no rows is `None`: write `Option<{ty}>`");
        errors.push(Error::new_spanned(field.ty, message));
    }
}

fn not_itself(field: &CachedField<'_>, column: &Ident) -> Result<()> {
    if field.name != column && field.columns().all(|own| own != column) {
        return Ok(());
    }
    let message = format!(
        "`{}` cannot be rolled up from itself: write the calculation, with `recursive`",
        field.name
    );
    Err(Error::new(column.span(), message))
}

/// Checks the names of the model itself. The macro sees no other model.
fn names(model: &Model<'_>, field: &CachedField<'_>, roll_up: &RollUp) -> Result<()> {
    let notation = Notation::RollUp { is_of_rows: roll_up.function.is_of_rows() };
    let mut is_here = true;
    for relation in &roll_up.relations {
        match relation.get_ident() {
            Some(name) if is_here => own_relation(model, name, notation)?,
            Some(_) => {}
            None => a_module(relation, notation)?,
        }
        is_here = is_here && model.leads_back(relation);
    }

    if is_here {
        let mut columns: Vec<&Ident> = roll_up.column.iter().collect();
        if let Some(condition) = &roll_up.condition {
            condition.columns(&mut columns);
        }
        for column in columns {
            not_itself(field, column)?;
            own_column(model, column, notation)?;
        }
    }
    Ok(())
}

impl Condition {
    /// Adds the columns that it is about.
    fn columns<'a>(&'a self, columns: &mut Vec<&'a Ident>) {
        match self {
            Self::Compare { column, .. } | Self::IsNull(column) => columns.push(column),
            Self::Not(condition) => condition.columns(columns),
            Self::And(left, right) | Self::Or(left, right) => {
                left.columns(columns);
                right.columns(columns);
            }
        }
    }
}
