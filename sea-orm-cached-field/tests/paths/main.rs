//! Dependencies behind paths of every shape, compared with independent queries after every change.

#[macro_use]
extern crate macro_rules_attribute;

#[macro_use]
#[path = "../harness/mod.rs"]
mod harness;
mod circles_are_found_behind_any_path;
mod every_value_is_what_an_independent_query_says;
mod fresh_behind_cached_links;
mod fresh_means_fresh;
mod inputs_that_cannot_be_stored;
mod on_a_standby;
mod poles;
mod society;
mod tables_in_other_schemas_are_followed;
mod trees;
mod waves;
