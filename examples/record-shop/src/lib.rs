//! The Chinook record shop: its tables, with cached fields of every kind, and its data.

pub mod chinook;
pub mod database;
pub mod entity;
