use crate::{Error, backend::Backend, layout::Owner};

/// Returns the database's error, or [`Error::NotInstalled`] if it says that an object of the
/// library is missing. That is a table or function for one of these owners.
pub(crate) fn explained<'o>(
    backend: Backend,
    owners: impl IntoIterator<Item = &'o Owner>,
    error: Error,
) -> Error {
    let Error::Database(refused) = &error else { return error };
    let missing =
        owners.into_iter().find_map(|owner| Some((owner, backend.missing_object(owner, refused)?)));
    match missing {
        Some((owner, missing)) => Error::NotInstalled {
            table: owner.table.name.clone(),
            fields: owner.field_names(),
            missing,
        },
        None => error,
    }
}
