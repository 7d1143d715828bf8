//! The protocol, one file a verb: mark, collect, claim, judge, complete, fail, pause, report.
//!
//! Decides what becomes of marks and claims; `backend` asks the database.

mod backlog;
mod claim;
mod collect;
mod complete;
mod connections;
mod fail;
mod fuse;
mod installed;
mod judge;
mod mark;
mod pause;
mod query;
mod read;
mod recursion;
mod report;
mod unique;
mod wave;

use crate::queue::{Claim, in_order};

pub(crate) use claim::{
    ClaimRequest, Claimed, First, Work, claim, claim_one, claim_rows, look, renew,
};
pub(crate) use complete::{
    Calculation, clock, complete, drop_gone, hand_back, store_in_transaction,
};
pub(crate) use connections::Connections;
pub(crate) use fail::{Retry, fail, retry};
pub(crate) use fuse::Fuse;
pub(crate) use installed::explained;
pub(crate) use judge::Verdict;
pub(crate) use mark::{flag, flag_all, flag_expired, flagged, set_expiry};
pub(crate) use pause::{
    ASKED_AGAIN, check_tables, not_known_as_paused, not_paused, pause, resume, wait_for_claims,
};
pub(crate) use query::{Queried, complete_by_query};
pub(crate) use read::{query_by_keys, query_recursive};
pub(crate) use recursion::find_circles;
pub(crate) use report::{Report, leave, report};

/// Returns the claims whose lease is not shared, in order.
fn own(claims: &[Claim]) -> Vec<Claim> {
    in_order(claims.iter().filter(|claim| !claim.shared).cloned().collect(), |claim| {
        (&claim.key, claim.field)
    })
}
