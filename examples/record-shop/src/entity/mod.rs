//! The tables of the Chinook database, one file for each.

#![allow(missing_docs, reason = "the columns speak for themselves")]

pub mod album;
pub mod artist;
pub mod customer;
pub mod employee;
pub mod genre;
pub mod invoice;
pub mod invoice_line;
pub mod media_type;
pub mod playlist;
pub mod playlist_track;
pub mod shop;
pub mod track;
