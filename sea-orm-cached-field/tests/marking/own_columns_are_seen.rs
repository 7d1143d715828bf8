use crate::harness::lampposts::*;

contract! {
    async fn a_declared_column_marks_and_another_does_not(db: TestDb) {
        set_up_lampposts(&db).await;
        let ada = a_lamppost(&db, "Ada").await;
        db.drain(lampposts()).await;
        db.sql("UPDATE lamppost SET note = 'x', first_name = 'Ada'").await;
        assert_eq!(db.pending("lamppost").await, 0);
        db.sql("UPDATE lamppost SET first_name = 'Bob'").await;
        assert!(reloaded(&db, ada.id).await.full_name_recalculation_needed);
        assert_eq!(db.pending("lamppost").await, 1);
        db.drain(lampposts()).await;
        assert_eq!(reloaded(&db, ada.id).await.cached_full_name.as_deref(), Some("Bob of nowhere, 0 pigeons of 0, -"));
    }
}
