//! The sending: orders grouped by their class, in batches of what the governor has room for.

use std::panic::AssertUnwindSafe;

use futures::FutureExt;
use futures::future::join_all;

use super::attempt::Work;
use super::cohort::Cohort;
use super::lane::Lane;
use crate::error::{Error, ErrorKind, Status};
use crate::limits::{OperationClass, clock};
use crate::reset::{Order, Outcome};

/// Takes permits and sends the orders, each class in batches of what the governor has room for.
///
/// `None` for an order that was not sent because the run stopped while it waited for a permit.
pub(super) async fn send(lane: &Lane, cohort: &Cohort, pending: &[Work]) -> Vec<Option<Outcome>> {
    let mut classes: Vec<(OperationClass, Vec<usize>, Vec<Order>)> = Vec::new();
    for (place, work) in pending.iter().enumerate() {
        let mut order = Order::new(cohort.entry(work.subject).id.clone(), work.action);
        order.password.clone_from(&work.password);
        let class = lane.backend.class_of(work.action);
        match classes.iter_mut().find(|(known, ..)| *known == class) {
            Some((_, places, orders)) => {
                places.push(place);
                orders.push(order);
            }
            None => classes.push((class, vec![place], vec![order])),
        }
    }
    let batches = classes.iter().flat_map(|(class, places, orders)| {
        let room = lane.backend.governor().batch_room(*class).max(1) as usize;
        places.chunks(room).zip(orders.chunks(room)).map(async |(places, batch)| {
            let outcomes = send_batch(lane, *class, batch).await;
            places.iter().copied().zip(outcomes.into_iter().flatten()).collect::<Vec<_>>()
        })
    });
    let mut answered: Vec<Option<Outcome>> = pending.iter().map(|_| None).collect();
    for (place, outcome) in join_all(batches).await.into_iter().flatten() {
        if let Some(answer) = answered.get_mut(place) {
            *answer = Some(outcome);
        }
    }
    answered
}

async fn send_batch(lane: &Lane, class: OperationClass, orders: &[Order]) -> Option<Vec<Outcome>> {
    let count = u32::try_from(orders.len()).unwrap_or(u32::MAX);
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
    // At once, not when the whole cohort has been sent: each further batch would meet the same fault.
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
