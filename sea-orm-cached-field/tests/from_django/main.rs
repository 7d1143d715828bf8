//! All that `django-cached-field` does, by the names that it has there: src/docs/from-django.md
//! leads from each name to its test.

#![allow(dead_code, reason = "SeaORM generates more than a test uses")]

#[macro_use]
extern crate macro_rules_attribute;

#[macro_use]
#[path = "../harness/mod.rs"]
mod harness;

mod adoption;
mod caveats;
mod constructor_arguments;
mod field_classes;
mod guide;
mod methods;
mod settings;
mod street;
mod tasks;
mod time_zones;
