use crate::{
    catalog::{catalog, installed, without_checksums},
    harness::{TestDb, lampposts::*},
};

async fn tables_of_the_lampposts(db: &TestDb) {
    db.create(city::Entity).await;
    db.create(lamppost::Entity).await;
    db.create(pigeon::Entity).await;
    db.create(plaque::Entity).await;
}

#[apply(contract)]
async fn the_first_lists_it_and_the_second_has_nothing_to_do(db: TestDb) {
    tables_of_the_lampposts(&db).await;
    let first = installed(&db, lampposts()).await;
    if db.is_sqlite() {
        insta::assert_snapshot!(first, @r#"
        lamppost: created table _lamppost_cached_marks
        lamppost: created table _lamppost_cached_recalculations
        lamppost: created table _lamppost_cached_versions
        lamppost: created table _lamppost_cached_settings
        lamppost: created table _lamppost_cached_workers
        lamppost: created table _lamppost_cached_minutes
        lamppost: created index _lamppost_cached_marks_key
        lamppost: created index _lamppost_cached_recalculations_due
        lamppost: created index lamppost_cached_full_name_expires_after
        lamppost: created trigger zz_cached_field_lamppost_ai_236b7217
        lamppost: created trigger zz_cached_field_lamppost_flagged_86f780f9
        lamppost: created trigger zz_cached_field_lamppost_full_name_reflagged_b2f03e74
        lamppost: created trigger zz_cached_field_lamppost_full_name_guard_65a89fec
        lamppost: created trigger zz_cached_field_lamppost_full_name_own_064e1b11
        lamppost: created trigger zz_cached_field_lamppost_ai_city__id__city_id_c5da8757
        lamppost: created trigger zz_cached_field_lamppost_ad_city__id__city_id_8bd6cb34
        lamppost: created trigger zz_cached_field_lamppost_bi0_city__id__city_id_54c51298
        lamppost: created trigger zz_cached_field_lamppost_bu0_city__id__city_id_108bb08c
        lamppost: created trigger zz_cached_field_lamppost_au0_city__id__city_id_143e0271
        lamppost: created trigger zz_cached_field_lamppost_ai_pigeon__lamppost_id__id_2b5333c3
        lamppost: created trigger zz_cached_field_lamppost_ad_pigeon__lamppost_id__id_08f01a64
        lamppost: created trigger zz_cached_field_lamppost_bi0_pigeon__lamppost_id__id_9b3c79f8
        lamppost: created trigger zz_cached_field_lamppost_bu0_pigeon__lamppost_id__id_ed9c211c
        lamppost: created trigger zz_cached_field_lamppost_bi1_pigeon__lamppost_id__id_50d3c123
        lamppost: created trigger zz_cached_field_lamppost_bu1_pigeon__lamppost_id__id_06237087
        lamppost: created trigger zz_cached_field_lamppost_au0_pigeon__lamppost_id__id_1c6dbb91
        lamppost: created trigger zz_cached_field_lamppost_ai_plaque__lamppost_id__id_29342e45
        lamppost: created trigger zz_cached_field_lamppost_ad_plaque__lamppost_id__id_b5f21b6a
        lamppost: created trigger zz_cached_field_lamppost_bi0_plaque__lamppost_id__id_4f0d7c76
        lamppost: created trigger zz_cached_field_lamppost_bu0_plaque__lamppost_id__id_6b41f662
        lamppost: created trigger zz_cached_field_lamppost_bi1_plaque__lamppost_id__id_edaca325
        lamppost: created trigger zz_cached_field_lamppost_bu1_plaque__lamppost_id__id_6949b2c1
        lamppost: created trigger zz_cached_field_lamppost_au0_plaque__lamppost_id__id_f99f5edf
        "#);
    } else if db.is_mysql() {
        // MariaDB and MySQL come here, in one process.
        insta::allow_duplicates! {
        insta::assert_snapshot!(without_checksums(&first), @r#"
        lamppost: created table _lamppost_cached_marks
        lamppost: created table _lamppost_cached_recalculations
        lamppost: created table _lamppost_cached_versions
        lamppost: created table _lamppost_cached_settings
        lamppost: created table _lamppost_cached_workers
        lamppost: created table _lamppost_cached_minutes
        lamppost: created index lamppost_cached_full_name_expires_after
        lamppost: created trigger zz_cached_field_lamppost_bi
        lamppost: created trigger zz_cached_field_lamppost_ai
        lamppost: created trigger zz_cached_field_lamppost_bu
        lamppost: created trigger zz_cached_field_lamppost_au
        lamppost: created trigger zz_cached_field_lamppost_city__id__city_id_ai
        lamppost: created trigger zz_cached_field_lamppost_city__id__city_id_ad
        lamppost: created trigger zz_cached_field_lamppost_city__id__city_id_au
        lamppost: created trigger zz_cached_field_lamppost_pigeon__lamppost_id__id_ai
        lamppost: created trigger zz_cached_field_lamppost_pigeon__lamppost_id__id_ad
        lamppost: created trigger zz_cached_field_lamppost_pigeon__lamppost_id__id_au
        lamppost: created trigger zz_cached_field_lamppost_plaque__lamppost_id__id_ai
        lamppost: created trigger zz_cached_field_lamppost_plaque__lamppost_id__id_ad
        lamppost: created trigger zz_cached_field_lamppost_plaque__lamppost_id__id_au
        "#);
        }
    } else {
        insta::assert_snapshot!(first, @r#"
        lamppost: created table _lamppost_cached_marks
        lamppost: created table _lamppost_cached_recalculations
        lamppost: created table _lamppost_cached_versions
        lamppost: created table _lamppost_cached_settings
        lamppost: created table _lamppost_cached_workers
        lamppost: created table _lamppost_cached_minutes
        lamppost: created index lamppost_cached_full_name_expires_after
        lamppost: created function cf_lamppost_flag_066d2dcf
        lamppost: created function cf_lamppost_work_fd595328
        lamppost: created function cf_lamppost_city__id__city_id_expand_c5318e15
        lamppost: created function cf_lamppost_flush_001beab5
        lamppost: created trigger zz_cached_field_flush
        lamppost: created function cf_lamppost_bu_37724d58
        lamppost: created trigger zz_cached_field_bu
        lamppost: created trigger zz_cached_field_bui
        lamppost: created function cf_lamppost_bi_4372603c
        lamppost: created trigger zz_cached_field_bi
        lamppost: created function cf_lamppost_ai_236b7217
        lamppost: created trigger zz_cached_field_ai
        lamppost: created function cf_lamppost_aur_1f2e02c3
        lamppost: created trigger zz_cached_field_aur
        lamppost: created function cf_lamppost_au_276b7863
        lamppost: created trigger zz_cached_field_au
        lamppost: created function cf_lamppost_reflag_dc10069a
        lamppost: created trigger zz_cached_field_reflag_full_name
        lamppost: created function cf_lamppost_city__id__city_id_ai_d96032bb
        lamppost: created trigger zz_cached_field_lamppost_city__id__city_id_ai_70ea61aa
        lamppost: created function cf_lamppost_city__id__city_id_ad_d4602adc
        lamppost: created trigger zz_cached_field_lamppost_city__id__city_id_ad_65ea5059
        lamppost: created function cf_lamppost_city__id__city_id_au_c560133f
        lamppost: created trigger zz_cached_field_lamppost_city__id__city_id_au_74ea67f6
        lamppost: created function cf_lamppost_city__id__city_id_at_c46011ac
        lamppost: created trigger zz_cached_field_lamppost_city__id__city_id_at_75ea6989
        lamppost: created function cf_lamppost_pigeon__lamppost_id__id_ai_5d42c26b
        lamppost: created trigger zz_cached_field_lamppost_pigeon__lamppost_id__id_ai_055c2ac6
        lamppost: created function cf_lamppost_pigeon__lamppost_id__id_ad_5842ba8c
        lamppost: created trigger zz_cached_field_lamppost_pigeon__lamppost_id__id_ad_125c3f3d
        lamppost: created function cf_lamppost_pigeon__lamppost_id__id_au_6942d54f
        lamppost: created trigger zz_cached_field_lamppost_pigeon__lamppost_id__id_au_215c56da
        lamppost: created function cf_lamppost_pigeon__lamppost_id__id_at_6842d3bc
        lamppost: created trigger zz_cached_field_lamppost_pigeon__lamppost_id__id_at_225c586d
        lamppost: created function cf_lamppost_plaque__lamppost_id__id_ai_c33a8af9
        lamppost: created trigger zz_cached_field_lamppost_plaque__lamppost_id__id_ai_96f13eb8
        lamppost: created function cf_lamppost_plaque__lamppost_id__id_ad_ce3a9c4a
        lamppost: created trigger zz_cached_field_lamppost_plaque__lamppost_id__id_ad_93f139ff
        lamppost: created function cf_lamppost_plaque__lamppost_id__id_au_df3ab70d
        lamppost: created trigger zz_cached_field_lamppost_plaque__lamppost_id__id_au_a2f1519c
        lamppost: created function cf_lamppost_plaque__lamppost_id__id_at_de3ab57a
        lamppost: created trigger zz_cached_field_lamppost_plaque__lamppost_id__id_at_a3f1532f
        "#);
    }

    let before = catalog(&db).await;
    assert_eq!(installed(&db, lampposts()).await, "nothing to do\n");
    assert_eq!(catalog(&db).await, before, "DDL was issued");
}
