//! Every kind of model that SeaORM knows can have cached fields. That a file compiles, without a warning, is half of its
//! claim.

mod compact;
mod compact_model;
mod composite_key;
mod dense;
mod optional_value;
mod relations_to_itself;
mod renamed_columns;
mod shadowed_prelude;
mod two_junctions_to_one_entity;
mod two_relations_to_one_entity;
