//! What stands in the database: install, uninstall, the migration step, and everything that
//! `install` refuses.

#![allow(dead_code, reason = "SeaORM generates more than a test uses")]

#[macro_use]
extern crate macro_rules_attribute;

#[macro_use]
#[path = "../harness/mod.rs"]
mod harness;
mod catalog;
#[macro_use]
mod models;

mod a_changed_dependency_replaces_what_changed;
mod a_changed_key_keeps_everything;
mod a_chunk_of_flagged_rows_is_one_mark;
mod a_lost_trigger_is_made_again;
mod a_plan_says_what_install_would_do;
mod a_read_only_database_is_left_as_it_is;
mod abandoned_objects_are_reported;
mod columns_of_other_types_are_refused;
mod cycles_are_refused;
mod dumps;
mod install_says_what_it_did;
mod install_takes_part_in_a_transaction;
mod installs_do_not_get_in_each_others_way;
mod links_of_different_types_are_refused;
mod long_names_are_told_apart;
mod long_paths_are_followed_or_refused;
mod migrations_suspend_triggers;
mod missing_columns_are_added;
mod missing_columns_are_named;
mod missing_privileges_are_named;
mod missing_tables_are_named;
mod names_are_only_names;
mod neighbours_are_left_alone;
mod other_program;
mod other_schemas_than_public;
mod paths_that_no_trigger_can_follow_are_refused;
mod renamed_tables_are_followed;
mod rights_are_the_workers_alone;
mod shops;
mod stale_rows_are_queued;
mod tables_of_older_releases_are_upgraded;
mod tables_of_sqlite_are_built_anew;
mod tables_that_are_not_ours_are_left_alone;
mod tables_that_triggers_do_not_see_all_of_are_refused;
mod the_doctor_finds_what_is_wrong;
mod the_log_of_an_installation_is_short;
mod the_migration_goes_up_and_down;
mod triggers_of_a_lost_account_are_made_again;
mod two_entities_of_one_table_are_refused;
mod uninstall_leaves_only_the_columns;
mod what_was_not_watched_is_flagged;
