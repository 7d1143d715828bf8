//! The models of a program that shares its tables with a Django application. The models of that
//! application are in `application/street/models.py`. Both have the same tables and columns, under
//! the names that Django gives them.

pub mod lamppost;
pub mod pigeon;
