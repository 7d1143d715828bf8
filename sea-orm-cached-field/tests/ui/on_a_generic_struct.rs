use sea_orm_cached_field::cached_fields;

#[cached_fields]
pub struct Model<T> {
    pub id: i32,
    #[cached]
    pub full_name: T,
}

fn main() {}
