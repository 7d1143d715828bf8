//! `offload_cache_recalculation`, the original's task.

use sea_orm::EntityTrait;

use crate::street::*;

#[apply(contract)]
async fn of_a_row_that_does_not_exist(db: TestDb) {
    let loaded = set_up(&db).await;
    let mut narration = db.narration();
    Entity::delete_by_id(loaded.id).exec(&*db).await.unwrap();
    drain(&db).await;
    let said = narration.said();
    assert!(
        said.contains(&format!("gone lamppost {}", loaded.id))
            && !said.iter().any(|event| event.starts_with("failed")),
        "{said:?}"
    );
    assert_eq!(db.pending("lamppost").await, 0);
}

#[apply(contract)]
async fn of_all_flagged_fields_of_a_row_together(db: TestDb) {
    let loaded = set_up(&db).await;
    let mut narration = db.narration();

    assert_eq!(drain(&db).await, 3);
    let said = narration.said();
    assert!(
        said.contains(&format!(
            "claimed lamppost {}: slow_full_name, letters, continent",
            loaded.id
        )),
        "{said:?}"
    );

    db.sql("UPDATE lamppost SET letters_are_stale = true").await;
    drain(&db).await;
    let said = narration.said();
    assert!(said.contains(&format!("claimed lamppost {}: letters", loaded.id)), "{said:?}");
}
