use sea_orm_cached_field::cached_fields;

#[cached_fields]
pub struct Model {
    pub id: i32,
    #[cached]
    pub full_name: String,
}

fn main() {}
