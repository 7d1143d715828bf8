//! The tables of the Chinook database, a file each.

pub(crate) mod album;
pub(crate) mod artist;
pub(crate) mod customer;
pub(crate) mod employee;
pub(crate) mod genre;
pub(crate) mod invoice;
pub(crate) mod invoice_line;
pub(crate) mod media_type;
pub(crate) mod playlist;
pub(crate) mod playlist_track;
pub(crate) mod track;
