//! The models of a program that shares its tables with a Django application, whose models stand in
//! `application/street/models.py`: the same tables and columns, under the names that Django gives
//! them.

pub mod lamppost;
pub mod pigeon;
