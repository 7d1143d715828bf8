//! The marks that the database makes: for every real change of a declared input, whichever client
//! made it, and for nothing else.

#[macro_use]
extern crate macro_rules_attribute;

#[macro_use]
#[path = "../harness/mod.rs"]
mod harness;
mod shelves;
mod support;

mod a_field_is_its_own_column;
mod a_key_in_several_spellings_is_one;
mod a_key_that_reads_otherwise_each_time_is_a_failure;
mod a_link_of_another_type_harms_nobody;
mod a_role_without_rights_on_ours_can_write;
mod a_rollback_leaves_no_mark;
mod an_attachment_that_the_change_could_not_see_is_not_lost;
mod bulk_writes_are_seen;
mod changes_behind_belongs_to_are_seen;
mod changes_behind_has_many_are_seen;
mod changes_behind_has_one_are_seen;
mod changes_that_equality_hides_are_seen;
mod clauses_and_pragmas_of_sqlite_change_nothing;
mod existence_and_all_columns_are_told_apart;
mod fields_share_a_mark;
mod flags_are_set_when_the_field_says;
mod foreign_keys_that_act_are_seen;
mod foreign_writes_are_healed;
mod irrelevant_changes_cost_next_to_nothing;
mod keys_of_every_type_serve;
mod keys_spelled_in_another_way_serve;
mod keys_with_casts_serve;
mod large_statements_after_small_ones_stay_linear;
mod names_that_need_quotes_serve;
mod no_value_makes_a_write_fail;
mod nothing_comes_in_between;
mod only_columns_of_the_field_are_written;
mod only_dependent_fields_are_marked;
mod other_clients_of_sqlite_can_write;
mod own_columns_are_seen;
mod partitions_are_seen;
mod roll_ups_are_what_sql_says;
mod row_level_security_hides_nothing;
mod several_relations_to_one_table_are_told_apart;
mod statements_of_every_form_are_seen;
mod the_users_own_triggers_run_as_ever;
mod upserts_are_seen;
mod values_of_every_type_come_back;
mod virtual_columns_are_seen;
mod what_only_mysql_does_is_seen;
