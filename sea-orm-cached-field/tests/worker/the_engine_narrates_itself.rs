use std::{
    fmt,
    sync::{Arc, Mutex},
};

use sea_orm_cached_field::CachedFields;
use tracing::{
    Event, Level, Metadata, Subscriber,
    field::{Field, Visit},
    instrument::WithSubscriber,
    span::{Attributes, Id, Record},
};

use crate::fragile::*;

/// Keeps what the engine says, with its level.
#[derive(Clone, Default)]
struct Heard(Arc<Mutex<Vec<String>>>);

struct Message<'a>(&'a mut String);

impl Visit for Message<'_> {
    fn record_debug(&mut self, field: &Field, value: &dyn fmt::Debug) {
        if field.name() == "message" {
            *self.0 = format!("{value:?}");
        }
    }
}

impl Subscriber for Heard {
    fn enabled(&self, metadata: &Metadata<'_>) -> bool {
        metadata.target() == "sea_orm_cached_field" && *metadata.level() <= Level::DEBUG
    }

    fn event(&self, event: &Event<'_>) {
        let mut message = String::new();
        event.record(&mut Message(&mut message));
        self.0.lock().unwrap().push(format!("{} {message}", event.metadata().level()));
    }

    fn new_span(&self, _: &Attributes<'_>) -> Id {
        Id::from_u64(1)
    }

    fn record(&self, _: &Id, _: &Record<'_>) {}

    fn record_follows_from(&self, _: &Id, _: &Id) {}

    fn enter(&self, _: &Id) {}

    fn exit(&self, _: &Id) {}
}

contract! {
    async fn a_change(db: TestDb) {
        set_up_fragiles(&db).await;
        let [id] = rows_of(&db, ["fine"]).await;
        db.drain(fragiles()).await;
        let mut narration = db.narration();
        set_mood(&*db, id, "odd").await;
        db.drain(fragiles()).await;
        insta::allow_duplicates! {
            insta::assert_snapshot!(narration.said().join("\n"), @r"
        calculated fragile.opinion 1
        claimed fragile 1: opinion
        collected 1 marks of 1 rows of fragile
        completed fragile.opinion 1
        ");
        }
    }

    async fn a_change_that_makes_no_difference(db: TestDb) {
        set_up_fragiles(&db).await;
        let [id] = rows_of(&db, ["fine"]).await;
        db.drain(fragiles()).await;
        let mut narration = db.narration();
        row(&db, id).await.flag_opinion_as_stale(&*db).await.unwrap();
        db.drain(fragiles()).await;
        insta::allow_duplicates! {
            insta::assert_snapshot!(narration.said().join("\n"), @r"
        calculated fragile.opinion 1
        claimed fragile 1: opinion
        collected 1 marks of 1 rows of fragile
        completed fragile.opinion 1, unchanged
        flagged fragile.opinion 1
        ");
        }
    }

    async fn a_read(db: TestDb) {
        set_up_fragiles(&db).await;
        let [id] = rows_of(&db, ["fine"]).await;
        let mut narration = db.narration();
        row(&db, id).await.opinion(&*db).await.unwrap();
        row(&db, id).await.recalculate_opinion(&*db).await.unwrap();
        insta::allow_duplicates! {
            insta::assert_snapshot!(narration.said().join("\n"), @r"
        calculated fragile.opinion 1
        calculated fragile.opinion 1
        claimed fragile 1: opinion
        claimed fragile 1: opinion
        collected 1 marks of 1 rows of fragile
        completed fragile.opinion 1
        completed fragile.opinion 1, unchanged
        ");
        }
    }

    async fn tracing_hears_the_same(db: TestDb) {
        set_up_fragiles(&db).await;
        rows_of(&db, ["fine", "error"]).await;
        let heard = Heard::default();
        let work = async { db.drain(fragiles()).await };
        work.with_subscriber(heard.clone()).await;
        let mut heard = heard.0.lock().unwrap().clone();
        heard.sort();
        let [.., failed] = heard.as_slice() else { panic!("nothing heard") };
        assert!(failed.starts_with("WARN failed fragile.opinion 2, attempt 1, will retry: "), "{failed}");
        insta::allow_duplicates! {
            insta::assert_snapshot!(heard[..heard.len() - 1].join("\n"), @r"
        DEBUG calculated fragile.opinion 1
        DEBUG claimed fragile 1: opinion
        DEBUG claimed fragile 2: opinion
        DEBUG collected 2 marks of 2 rows of fragile
        DEBUG completed fragile.opinion 1
        ");
        }
    }

    async fn every_listener_of_a_pool_hears_it_and_those_of_other_pools_do_not(db: TestDb) {
        set_up_fragiles(&db).await;
        let [id] = rows_of(&db, ["fine"]).await;
        let (mut first, mut second) = (db.narration(), db.narration());
        let other = db.another_pool().await;
        fragiles().worker(&other).drain().await.unwrap();
        assert_eq!(first.said(), Vec::<String>::new());
        set_mood(&*db, id, "odd").await;
        db.drain(fragiles()).await;
        assert_eq!(first.said(), second.said());
        assert!(CachedFields::events(&db).is_ok());
    }
}
