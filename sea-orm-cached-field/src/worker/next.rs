//! Finding a batch of work, and claiming it.

use std::{
    borrow::Cow,
    sync::{Arc, atomic::Ordering},
};

use sea_orm::DatabaseExecutor;

use super::{batch::Batch, claiming::Claiming, context::Context, lane::Lane, schedule::Stop};
use crate::{
    Error, installation,
    layout::Upstream,
    protocol::{self, ClaimRequest, Claimed, First, Work},
    queue::Claim,
    registry::Model,
};

/// The result of a look for work.
pub(super) enum Next {
    Batch(Batch),
    /// Nothing is due now.
    Nothing(Work),
}

/// The result of a claim on a model.
enum Taken {
    Batch(Batch),
    /// Only marks were collected, and more marks of the same rows are left.
    MoreMarks,
    Nothing,
}

impl Context {
    /// Returns when there is work for any model, without claiming it.
    pub(super) async fn look(&self) -> Result<Work, Error> {
        let mut work = Work::None;
        for model in &self.models {
            let fields: Vec<usize> = (0..model.owner.fields.len()).collect();
            let look = self.look_for(model, &fields).await;
            work = work.or_earlier(look.map_err(|error| self.explained(error))?);
        }
        Ok(work)
    }

    /// Claims a batch, for a place in one of these lanes, or of everything that is due if there are
    /// no lanes. It is of the first model that has work, but no model is passed over for long.
    pub(super) async fn next(self: &Arc<Self>, lanes: &[Lane]) -> Result<Next, Error> {
        self.find_next(lanes).await.map_err(|error| self.explained(error))
    }

    /// Claims a batch in a task of its own. If the worker is dropped meanwhile, the claim is
    /// finished, and then handed back.
    pub(super) async fn next_to_the_end(self: &Arc<Self>) -> Result<Next, Error> {
        let context = Arc::clone(self);
        let claiming = Claiming::start(&self.engine, async move { context.next(&[]).await });
        claiming.await.unwrap_or_else(|stopped| Err(Error::Stopped(stopped.to_string())))
    }

    /// Claims a batch as [`Context::next`] does. It collects new marks without a look first, where
    /// a look would cost as much.
    pub(super) async fn next_marked(self: &Arc<Self>, lanes: &[Lane]) -> Result<Next, Error> {
        if self.has_connections_of_its_own() {
            let stops = self.schedule.stops(&self.models, &self.limits, lanes);
            for stop in stops.into_iter().filter(|stop| self.upstream[stop.turn].is_empty()) {
                // What is due, but not marked, is found by the look that follows.
                let taken = self.claim(&stop, First::OnlyMarks).await;
                if let Taken::Batch(batch) = taken.map_err(|error| self.explained(error))? {
                    return Ok(Next::Batch(batch));
                }
            }
        }
        self.next(lanes).await
    }

    async fn find_next(self: &Arc<Self>, lanes: &[Lane]) -> Result<Next, Error> {
        self.open_dedicated_connections().await?;
        self.hand_back([]).await?;
        self.queue_flagged().await?;
        loop {
            let mut work = Work::None;
            let mut has_more = false;
            for stop in self.schedule.stops(&self.models, &self.limits, lanes) {
                let (found, first) = self.look_at(&stop).await?;
                work = work.or_earlier(found);
                if found != Work::Now {
                    continue;
                }

                let model = &self.models[stop.turn];
                let rows = self.settings.batch_size;
                protocol::flag_expired(&self.engine, self.connections(), model, rows).await?;
                match self.claim(&stop, first).await? {
                    Taken::Batch(batch) => return Ok(Next::Batch(batch)),
                    Taken::MoreMarks => has_more = true,
                    Taken::Nothing => {}
                }
            }
            if !has_more {
                return Ok(Next::Nothing(work));
            }
        }
    }

    /// Queues the rows that were flagged while they were left to readers.
    async fn queue_flagged(&self) -> Result<(), Error> {
        for model in &self.models {
            if let Some(time) = self.engine.has_unqueued(&model.owner.table) {
                installation::mark_flagged(&DatabaseExecutor::Connection(&self.db), model).await?;
                self.engine.flagged_are_queued(&model.owner.table, time);
            }
        }
        Ok(())
    }

    /// Returns the work that there is, and the kind of work that is taken first.
    async fn look_at(&self, stop: &Stop) -> Result<(Work, First), Error> {
        if let Some(first) = self.schedule.begin(stop) {
            return Ok((Work::Now, first));
        }
        let work = self.look_for(&self.models[stop.turn], &stop.fields).await?;
        Ok((work, First::Marks))
    }

    /// Looks for work on these fields of a model, apart from those that are known as paused.
    async fn look_for(&self, model: &Model, fields: &[usize]) -> Result<Work, Error> {
        let connections = self.connections();
        let served =
            protocol::not_known_as_paused(&self.engine, connections, model, fields).await?;
        // Whether they are resumed is asked again then.
        let paused =
            if served.len() < fields.len() { Work::In(protocol::ASKED_AGAIN) } else { Work::None };
        if served.is_empty() {
            return Ok(paused);
        }
        Ok(paused.or_earlier(protocol::look(&self.engine, connections, model, &served).await?))
    }

    /// Fails if the library's tables are those of an older release.
    pub(super) async fn check_tables(&self) -> Result<(), Error> {
        for model in &self.models {
            protocol::check_tables(&self.engine, self.connections(), model).await?;
        }
        Ok(())
    }

    async fn claim(self: &Arc<Self>, stop: &Stop, first: First) -> Result<Taken, Error> {
        if self.has_ended.load(Ordering::Relaxed) {
            return Ok(Taken::Nothing);
        }

        let model = &self.models[stop.turn];
        let connections = self.connections();
        let fields = protocol::not_paused(&self.engine, connections, model, &stop.fields).await?;
        if fields.is_empty() {
            return Ok(Taken::Nothing);
        }

        let rows = self.batch_size(stop);
        let request = ClaimRequest {
            fields: &fields,
            upstream: &self.upstream_at_work(stop.turn),
            rows,
            lease: self.settings.lease,
            first,
            time_for_chunks: self.schedule.is_time_for_chunks(stop),
            fuse: self.fuse.as_ref(),
        };
        let claimed = protocol::claim(&self.engine, connections, model, &request).await?;
        let Claimed { claims, has_more, looked_for_chunks } = claimed;
        let left_some = has_more || claims.len() as u64 >= rows;
        self.schedule.end(stop, Some(first).filter(|_| left_some), looked_for_chunks);

        let claims = self.put_off(model, claims).await?;
        Ok(match claims.is_empty() {
            false => Taken::Batch(Batch::new(self, model, claims, stop.lane)),
            true if has_more => Taken::MoreMarks,
            true => Taken::Nothing,
        })
    }

    /// Returns the cached fields that the fields of a model wait for, without paused ones.
    fn upstream_at_work(&self, turn: usize) -> Cow<'_, [Upstream]> {
        let upstream = &self.upstream[turn];
        let paused = &self.engine.paused;
        if !upstream.iter().any(|upstream| paused.is_any(&upstream.owner.table)) {
            return upstream.into();
        }
        let mut at_work = upstream.clone();
        for upstream in &mut at_work {
            let table = &upstream.owner.table;
            upstream.fields.retain(|field| !paused.is_paused(table, field));
        }
        at_work.retain(|upstream| !upstream.fields.is_empty());
        at_work.into()
    }

    /// Puts off the claims that have failed while this worker drains, and returns the rest.
    async fn put_off(&self, model: &Model, claims: Vec<Claim>) -> Result<Vec<Claim>, Error> {
        let Some(failures) = &self.failures else { return Ok(claims) };
        let (failed, claims) = failures.partition(model, claims);
        if !failed.is_empty() {
            let delay = failures.put_off_for();
            protocol::hand_back(&self.engine, self.connections(), model, &failed, delay).await?;
        }
        Ok(claims)
    }

    /// Returns the size of a batch. Slow rows that are calculated one by one are not claimed before
    /// they can soon be calculated: other workers may have room for them.
    fn batch_size(&self, stop: &Stop) -> u64 {
        let batch_size = self.settings.batch_size;
        let rows = &self.models[stop.turn].rows;
        if stop.lane == Some(Lane::Slow) && !stop.fields.iter().any(|field| rows.is_batch(*field)) {
            return batch_size.min(2 * self.settings.concurrency as u64);
        }
        batch_size
    }
}
