//! Workers, and what readers see of their work. Workers meet failures, deleted rows, other workers,
//! lost connections, shutdown, wake-ups and expiry. Rows are read, flagged and recalculated, in and
//! outside transactions.

#[macro_use]
extern crate macro_rules_attribute;

#[macro_use]
#[path = "../harness/mod.rs"]
mod harness;

mod crowd;
mod failures_are_grouped_and_retried;
mod fields_of_two_schemas_are_told_apart;
mod fragile;
mod league;
mod queried;

mod a_backlog_is_worked_off_by_age;
mod a_calculation_that_blocks_has_a_thread_of_its_own;
mod a_dropped_worker_hands_back;
mod a_failure_is_of_its_row_alone;
mod a_field_is_known_by_its_name;
mod a_fuse_pauses_a_field;
mod a_killed_worker_is_taken_over;
mod a_lazy_field_is_left_to_its_readers;
mod a_new_version_makes_all_rows_stale;
mod a_paused_field_is_left_alone;
mod a_query_says_what_rows_would;
mod a_row_explains_itself;
mod a_value_expires_again_and_again;
mod a_value_expires_on_its_moment;
mod a_value_is_returned_as_it_is_stored;
mod a_value_set_by_hand_is_kept;
mod a_worker_connects_as_its_pool_does;
mod an_active_model_is_saved_by_its_user;
mod changes_in_quick_succession_are_one;
mod commands_end_with_a_code;
mod deleted_rows_are_dropped;
mod drain_and_run_once_say_what_they_did;
mod leases_last_as_long_as_calculations;
mod loops_are_stopped;
mod many_rows_are_calculated_at_a_time;
mod many_rows_are_flagged_at_a_time;
mod many_rows_are_made_fresh_at_a_time;
mod many_rows_of_a_tree_are_calculated_level_by_level;
mod metrics_say_what_was_done;
mod outages_are_survived;
mod readers_share_one_calculation;
mod reading_goes_by_what_was_loaded;
mod recalculation_need_not_be_eager;
mod several_workers_share_the_work;
mod sleepers_are_woken;
mod slow_fields_do_not_hold_up_others;
mod something_follows_each_recalculation;
mod staleness_is_measured;
mod statements_have_few_texts;
mod the_backend_serves_another_apalis_worker;
mod the_doctor_names_what_fails_and_what_waits;
mod the_engine_narrates_itself;
mod the_status_tells_what_waits;
mod the_worker_says_that_it_starts_and_stops;
mod the_worker_stops_when_told;
mod unique_values_are_exchanged;
mod volumes_are_no_danger;
mod what_is_not_installed_is_an_error;
mod within_a_transaction;
mod workers_say_that_they_are_there;
