//! The protocol's invariants (I1 to I7 of ARCHITECTURE.md), each by the very interleaving that
//! would break it.

#[macro_use]
extern crate macro_rules_attribute;

#[macro_use]
#[path = "../harness/mod.rs"]
mod harness;

mod a_change_during_a_calculation_is_not_lost;
mod a_claim_that_is_locked_out_ends;
mod a_claim_that_the_database_refuses_is_no_failure;
mod a_rollback_leaves_nothing_behind;
mod an_expiry_during_a_calculation_is_not_lost;
mod an_older_calculation_never_wins;
mod errors_say_whether_to_try_again;
mod mark_ids_come_out_of_commit_order;
mod nobody_waits_for_us;
mod rows_of_the_queue_are_locked_in_one_order;
mod unknown_fields_are_left_to_newer_programs;
mod what_is_given_up_leaves_no_transaction_open;
mod work_is_linear_in_what_is_stale;
