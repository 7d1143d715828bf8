//! Fields that are calculated from cached fields.
