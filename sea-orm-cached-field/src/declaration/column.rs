//! The column of a field of a model. Attributes of the field name it, and the macro does not see
//! those of other models.

use sea_orm::{
    ActiveModelTrait, ActiveValue, EntityTrait, Iterable,
    sea_query::{Nullable, Value},
};

/// The type of a cached field, or the type inside if it is an `Option`.
#[diagnostic::on_unimplemented(
    message = "`{Self}` cannot be the type of a cached field",
    label = "expected a type that SeaORM stores in a column that may be NULL, found `{Self}`",
    note = "an `Option` is written as `Option<..>`, not by an alias; a type of your own derives \
            `DeriveValueType`, `DeriveActiveEnum` or `FromJsonQueryResult`"
)]
pub trait CachedValue {}

#[diagnostic::do_not_recommend]
impl<T: Into<Value> + Nullable> CachedValue for T {}

/// A field of an active model that is stored in a column.
#[diagnostic::on_unimplemented(
    message = "this field is a relation, not a column",
    label = "expected a column, found `{Self}`",
    note = "in `depends_on`, a relation is followed by what is read behind it: `pigeons(weight)`; \
            `pigeons(*)` is all its columns, `pigeons()` only which rows there are",
    note = "a roll-up of a column ends with one: `sum(pigeons.weight)`"
)]
pub trait StoredField {
    /// Takes the value out of the active model.
    fn unset(&mut self);
}

#[diagnostic::do_not_recommend]
impl<T: Into<Value>> StoredField for ActiveValue<T> {
    fn unset(&mut self) {
        *self = Self::NotSet;
    }
}

/// Returns the column that a field is stored in. `variant` is the name that SeaORM gives the column
/// in `Column` if no attribute says otherwise.
///
/// The column is found by an active model with values. The field is unset there, and the column
/// that then has no value is the field's. SeaORM has no such value for some types, such as enums.
/// For those the name of the variant decides.
pub(super) fn column_of<E: EntityTrait, F: StoredField>(
    field: impl FnOnce(&mut E::ActiveModelEx) -> &mut F,
    variant: &str,
) -> Option<E::Column> {
    // `Column::from_str` would not do. It knows the columns' names, too, and a field's column may
    // have the name of another field.
    let mut row = E::ActiveModelEx::default_values();
    let (with_value, without): (Vec<E::Column>, Vec<E::Column>) =
        E::Column::iter().partition(|column| has_value(&row, *column));

    field(&mut row).unset();

    let unset = with_value.into_iter().find(|column| !has_value(&row, *column));
    unset.or_else(|| without.into_iter().find(|column| format!("{column:?}") == variant))
}

fn has_value<A: ActiveModelTrait>(row: &A, column: <A::Entity as EntityTrait>::Column) -> bool {
    !matches!(row.get(column), ActiveValue::NotSet)
}
