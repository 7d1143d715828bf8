// With a model, what SeaORM says of the column follows.

type Maybe<T> = Option<T>;

struct Value
where
    Maybe<String>: sea_orm_cached_field::__private::CachedValue;

fn main() {}
