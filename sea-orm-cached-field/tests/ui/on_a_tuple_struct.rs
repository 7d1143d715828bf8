use sea_orm_cached_field::cached_fields;

#[cached_fields]
pub struct Model(#[cached] String);

fn main() {}
