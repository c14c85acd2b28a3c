//! The passes behind the leading one: actions of classes that are paced apart.
//!
//! A leading pass sets passwords as fast as their quota allows, and leaves each account before
//! its first action of another class. There is one pass for each such class: it follows through the
//! same entries with places of its own, so that a slow class (five requests in ten seconds, say)
//! keeps no password waiting, and nobody whose next action is of a faster class. It begins each
//! account anew: what the journal knows of it, and a second look just before the touch, which can be
//! hours after the password was set.

use std::sync::Arc;

use futures::StreamExt;
use futures::stream::FuturesUnordered;
use tokio::sync::watch;

use super::front::Passed;
use super::lane::{Lane, MAX_COHORT, Part};
use super::look::WITHIN_A_PASS;
use crate::error::Result;
use crate::limits::OperationClass;
use crate::plan::{Disposition, Entry};

/// Cohorts that are under way at once. Few: whoever waits long for a permit was looked at long ago.
const PLACES: usize = 16;

/// Follows the leading pass through those of a wave's entries that it leaves before an action of this
/// class, and ends when all are gone through or the run stops. Who is privileged is taken when the
/// first of them can begin: until then the pass holds nothing.
pub(super) async fn follow<I>(
    mut lane: Arc<Lane>,
    class: OperationClass,
    entries: I,
    mut front: watch::Receiver<Passed>,
) where
    I: Iterator<Item = Result<Entry>> + Send,
{
    // An error says that the leading pass ended.
    drop(front.wait_for(|passed| passed.has_met(class)).await);
    if !front.borrow().has_met(class) {
        return;
    }
    let mut entries = (1..).zip(entries);
    let mut working = FuturesUnordered::new();
    let mut next = lane.readable(next_cohort(&lane, class, &mut entries)).flatten();
    loop {
        let has_room = next.is_some() && working.len() < PLACES && !lane.must_stop();
        let needed = next.as_ref().map_or(0, |(last, _)| *last);
        tokio::select! {
            biased;
            Some(ended) = working.next() => lane.take_in(ended),
            () = passed(&mut front, needed), if has_room => {
                if lane.look.as_ref().is_none_or(|look| look.is_older_than(WITHIN_A_PASS)) {
                    match lane.looking(WITHIN_A_PASS).await {
                        Ok(looked) => lane = Arc::new(looked),
                        Err(error) => {
                            lane.guard.fatal(&error, &lane.teller);
                            continue;
                        }
                    }
                }
                if let Some((_, entries)) = next.take() {
                    working.push(lane.cohort(entries, Part::Rest));
                }
                next = lane.readable(next_cohort(&lane, class, &mut entries)).flatten();
            }
            () = lane.guard.stopped(), if has_room => {}
            else => return,
        }
    }
}

/// Ends when the leading pass has gone through so many entries, or has ended.
async fn passed(front: &mut watch::Receiver<Passed>, entries: u64) {
    // An error says that it ended.
    drop(front.wait_for(|passed| passed.entries >= entries).await);
}

/// The next entries with something left for this pass, and the number of the last of them among all;
/// no more than the smallest batch of their classes, so that each account's later actions follow its
/// slow one soon.
fn next_cohort<I>(lane: &Lane, class: OperationClass, entries: &mut I) -> Result<Option<(u64, Vec<Entry>)>>
where
    I: Iterator<Item = (u64, Result<Entry>)>,
{
    let mut cohort = Vec::new();
    let (mut most, mut last) = (MAX_COHORT, 0);
    while cohort.len() < most as usize
        && let Some((number, entry)) = entries.next()
    {
        let entry = entry?;
        let Disposition::Reset { actions } = &entry.disposition else { continue };
        if lane.class_behind(actions) != Some(class) {
            continue;
        }
        let classes = actions.iter().skip(lane.lead_of(actions)).map(|action| lane.backend.class_of(*action));
        let smallest = classes.map(|class| lane.limits.batch_of(class).get()).min();
        if let Some(smallest) = smallest {
            most = most.min(smallest);
            last = number;
            cohort.push(entry);
        }
    }
    Ok((!cohort.is_empty()).then_some((last, cohort)))
}
