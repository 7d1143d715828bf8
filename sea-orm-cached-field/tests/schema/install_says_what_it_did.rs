use crate::{
    catalog::{catalog, installed},
    harness::{TestDb, lampposts::*},
};

async fn tables_of_the_lampposts(db: &TestDb) {
    db.create(city::Entity).await;
    db.create(lamppost::Entity).await;
    db.create(pigeon::Entity).await;
    db.create(plaque::Entity).await;
}

contract! {
    async fn the_first_lists_it_and_the_second_has_nothing_to_do(db: TestDb) {
        tables_of_the_lampposts(&db).await;
        let first = installed(&db, lampposts()).await;
        if db.is_sqlite() {
            insta::assert_snapshot!(first, @r#"
            lamppost: created table lamppost_cached_marks
            lamppost: created table lamppost_cached_recalculations
            lamppost: created index lamppost_cached_marks_key
            lamppost: created index lamppost_cached_recalculations_due
            lamppost: created index lamppost_cached_full_name_expires_after
            lamppost: created trigger zz_cached_field_lamppost_ai
            lamppost: created trigger zz_cached_field_lamppost_full_name_flagged
            lamppost: created trigger zz_cached_field_lamppost_full_name_own
            lamppost: created trigger zz_cached_field_lamppost_full_name_guard
            lamppost: created trigger zz_cached_field_lamppost_full_name_city_id_city_id_ai
            lamppost: created trigger zz_cached_field_lamppost_full_name_city_id_city_id_ad
            lamppost: created trigger zz_cached_field_lamppost_full_name_city_id_city_id_au
            lamppost: created trigger zz_cached_field_lamppost_full_name_city_id_city_id_bi0
            lamppost: created trigger zz_cached_field_lamppost_full_name_city_id_city_id_bu0
            lamppost: created trigger zz_cached_field_lamppost_full_name_pigeon_lamppost_id_id_ai
            lamppost: created trigger zz_cached_field_lamppost_full_name_pigeon_lamppost_id_id_ad
            lamppost: created trigger zz_cached_field_lamppost_full_name_pigeon_lamppost_id_id_au
            lamppost: created trigger zz_cached_field_lamppost_full_name_pigeon_lamppost_id_id_bi0
            lamppost: created trigger zz_cached_field_lamppost_full_name_pigeon_lamppost_id_id_bu0
            lamppost: created trigger zz_cached_field_lamppost_full_name_pigeon_lamppost_id_id_bi1
            lamppost: created trigger zz_cached_field_lamppost_full_name_pigeon_lamppost_id_id_bu1
            lamppost: created trigger zz_cached_field_lamppost_full_name_plaque_lamppost_id_id_ai
            lamppost: created trigger zz_cached_field_lamppost_full_name_plaque_lamppost_id_id_ad
            lamppost: created trigger zz_cached_field_lamppost_full_name_plaque_lamppost_id_id_au
            lamppost: created trigger zz_cached_field_lamppost_full_name_plaque_lamppost_id_id_bi0
            lamppost: created trigger zz_cached_field_lamppost_full_name_plaque_lamppost_id_id_bu0
            lamppost: created trigger zz_cached_field_lamppost_full_name_plaque_lamppost_id_id_bi1
            lamppost: created trigger zz_cached_field_lamppost_full_name_plaque_lamppost_id_id_bu1
            "#);
        } else {
            insta::assert_snapshot!(first, @r#"
            lamppost: created table lamppost_cached_marks
            lamppost: created table lamppost_cached_recalculations
            lamppost: created index lamppost_cached_full_name_expires_after
            lamppost: created function cf_lamppost_mark
            lamppost: created function cf_lamppost_flag
            lamppost: created function cf_lamppost_work
            lamppost: created function cf_lamppost_mark_links
            lamppost: created function cf_lamppost_city_id_city_id_expand
            lamppost: created function cf_lamppost_flush
            lamppost: created trigger zz_cached_field_flush
            lamppost: created function cf_lamppost_bu
            lamppost: created trigger zz_cached_field_bu
            lamppost: created function cf_lamppost_bi
            lamppost: created trigger zz_cached_field_bi
            lamppost: created function cf_lamppost_ai
            lamppost: created trigger zz_cached_field_ai
            lamppost: created function cf_lamppost_au
            lamppost: created trigger zz_cached_field_au
            lamppost: created function cf_lamppost_reflag
            lamppost: created trigger zz_cached_field_reflag_full_name
            lamppost: created function cf_lamppost_city_id_city_id_ai
            lamppost: created trigger zz_cached_field_lamppost_city_id_city_id_ai
            lamppost: created function cf_lamppost_city_id_city_id_ad
            lamppost: created trigger zz_cached_field_lamppost_city_id_city_id_ad
            lamppost: created function cf_lamppost_city_id_city_id_au
            lamppost: created trigger zz_cached_field_lamppost_city_id_city_id_au
            lamppost: created function cf_lamppost_city_id_city_id_at
            lamppost: created trigger zz_cached_field_lamppost_city_id_city_id_at
            lamppost: created function cf_lamppost_pigeon_lamppost_id_id_ai
            lamppost: created trigger zz_cached_field_lamppost_pigeon_lamppost_id_id_ai
            lamppost: created function cf_lamppost_pigeon_lamppost_id_id_ad
            lamppost: created trigger zz_cached_field_lamppost_pigeon_lamppost_id_id_ad
            lamppost: created function cf_lamppost_pigeon_lamppost_id_id_au
            lamppost: created trigger zz_cached_field_lamppost_pigeon_lamppost_id_id_au
            lamppost: created function cf_lamppost_pigeon_lamppost_id_id_at
            lamppost: created trigger zz_cached_field_lamppost_pigeon_lamppost_id_id_at
            lamppost: created function cf_lamppost_plaque_lamppost_id_id_ai
            lamppost: created trigger zz_cached_field_lamppost_plaque_lamppost_id_id_ai
            lamppost: created function cf_lamppost_plaque_lamppost_id_id_ad
            lamppost: created trigger zz_cached_field_lamppost_plaque_lamppost_id_id_ad
            lamppost: created function cf_lamppost_plaque_lamppost_id_id_au
            lamppost: created trigger zz_cached_field_lamppost_plaque_lamppost_id_id_au
            lamppost: created function cf_lamppost_plaque_lamppost_id_id_at
            lamppost: created trigger zz_cached_field_lamppost_plaque_lamppost_id_id_at
            "#);
        }
        let before = catalog(&db).await;
        assert_eq!(installed(&db, lampposts()).await, "nothing to do\n");
        assert_eq!(catalog(&db).await, before, "DDL was issued");
    }
}
