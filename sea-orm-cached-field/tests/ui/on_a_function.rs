use sea_orm_cached_field::cached_fields;

#[cached_fields]
pub fn full_name() -> String {
    String::new()
}

fn main() {}
