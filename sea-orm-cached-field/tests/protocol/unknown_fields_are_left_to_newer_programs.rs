//! Two versions of a program at work: the older one leaves what it does not know.

use crate::harness::lampposts::*;

contract! {
    async fn their_marks_and_queue_rows_stay(db: TestDb) {
        set_up_lampposts(&db).await;
        let lamppost = a_lamppost(&db, "Ada").await;
        let id = lamppost.id;
        db.sql(&format!("INSERT INTO _lamppost_cached_marks (key_1, field) VALUES ({id}, 'newer')")).await;
        db.sql(&format!("INSERT INTO _lamppost_cached_recalculations (key_1, field, generation) VALUES ({id}, 'newer', 1)")).await;
        assert_eq!(db.drain(lampposts()).await, 1);
        assert_eq!(db.scalar::<i64>("SELECT count(*) FROM _lamppost_cached_marks WHERE field = 'newer'").await, 1);
        assert_eq!(db.scalar::<i64>("SELECT count(*) FROM _lamppost_cached_recalculations WHERE field = 'newer'").await, 1);
    }
}
