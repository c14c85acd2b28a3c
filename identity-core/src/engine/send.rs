//! The sending: orders grouped by their class, in batches of what the governor has room for.

use std::panic::AssertUnwindSafe;

use futures::FutureExt;
use futures::future::join_all;
use tokio::sync::mpsc::UnboundedSender;

use super::attempt::Work;
use super::cohort::Cohort;
use super::lane::Lane;
use crate::error::{Error, ErrorKind, Status};
use crate::limits::{OperationClass, clock};
use crate::reset::{Order, Outcome};

/// Orders that go to the backend together.
#[derive(Debug)]
pub(super) struct Batch {
    class: OperationClass,
    /// Where their works are among the pending ones.
    places: Vec<usize>,
    orders: Vec<Order>,
}

/// What came of the work at a place; `None` for an order that was not sent because the run stopped
/// while it waited for a permit.
pub(super) type Answered = (usize, Option<Outcome>);

/// The orders of these works, each class in batches of what the governor has room for.
pub(super) fn batches(lane: &Lane, cohort: &Cohort, pending: &[Work]) -> Vec<Batch> {
    let mut classes: Vec<(OperationClass, usize)> = Vec::new();
    let mut batches: Vec<Batch> = Vec::new();
    for (place, work) in pending.iter().enumerate() {
        let mut order = Order::new(cohort.entry(work.subject).id.clone(), work.action);
        order.password.clone_from(&work.password);
        let class = lane.backend.class_of(work.action);
        let room = classes.iter().find_map(|(known, room)| (*known == class).then_some(*room)).unwrap_or_else(|| {
            let room = lane.backend.governor().batch_room(class).max(1) as usize;
            classes.push((class, room));
            room
        });
        match batches.iter_mut().rev().find(|batch| batch.class == class).filter(|batch| batch.orders.len() < room) {
            Some(batch) => {
                batch.places.push(place);
                batch.orders.push(order);
            }
            None => batches.push(Batch { class, places: vec![place], orders: vec![order] }),
        }
    }
    batches
}

/// Takes permits and sends the batches, side by side; each is told of when it is answered.
pub(super) async fn send(lane: &Lane, batches: Vec<Batch>, tell: UnboundedSender<Vec<Answered>>) {
    let tell = &tell;
    let sent = batches.into_iter().map(async |Batch { class, places, orders }| {
        let outcomes = send_batch(lane, class, &orders).await;
        let answered = match outcomes {
            Some(outcomes) => places.into_iter().zip(outcomes.into_iter().map(Some)).collect(),
            None => places.into_iter().map(|place| (place, None)).collect(),
        };
        // Whoever is told outlives this.
        let _ = tell.send(answered);
    });
    join_all(sent).await;
}

async fn send_batch(lane: &Lane, class: OperationClass, orders: &[Order]) -> Option<Vec<Outcome>> {
    let count = u32::try_from(orders.len()).unwrap_or(u32::MAX);
    // One batch of many: the run may have to stop since the first of them left.
    if lane.must_stop() {
        return None;
    }
    let permit = tokio::select! {
        biased;
        () = lane.guard.stopped() => return None,
        permit = lane.backend.governor().acquire(class, count) => permit,
    };
    // From here to the recorded outcomes nothing is cancelled: bytes may be leaving.
    let applied = AssertUnwindSafe(lane.backend.apply(orders)).catch_unwind();
    let answered = clock::within(lane.limits.deadline, applied).await;
    drop(permit);
    let (mut outcomes, kind, missing) = match answered {
        Ok(Ok(outcomes)) => (outcomes, ErrorKind::Protocol, "the backend gave no outcome"),
        Ok(Err(_panic)) => (Vec::new(), ErrorKind::Unexpected, "the backend panicked"),
        Err(_elapsed) => (Vec::new(), ErrorKind::Timeout, "no answer within the deadline"),
    };
    outcomes.truncate(orders.len());
    outcomes.resize_with(orders.len(), || Outcome::Unknown(unanswered(kind, missing)));
    // At once: the other batches of this send may wait for permits for minutes.
    for outcome in &outcomes {
        if let Outcome::Refused(error) = outcome {
            lane.stop_if_fatal(error);
        }
    }
    Some(outcomes)
}

fn unanswered(kind: ErrorKind, detail: &str) -> Error {
    Error::new(kind, "apply").with_status(Status::Unknown).with_detail(detail)
}
