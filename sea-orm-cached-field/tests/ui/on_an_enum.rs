use sea_orm_cached_field::cached_fields;

#[cached_fields]
pub enum Model {
    Lamppost {
        #[cached]
        full_name: String,
    },
}

fn main() {}
