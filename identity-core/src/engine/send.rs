//! The sending: orders grouped by their class, in batches of what the governor has room for.

use std::panic::AssertUnwindSafe;

use futures::FutureExt;
use futures::future::join_all;
use tokio::sync::mpsc::UnboundedSender;
use tracing::Instrument;

use super::attempt::Work;
use super::cohort::Cohort;
use super::lane::Lane;
use super::observe::{Answer, Observed};
use crate::error::{Error, ErrorKind, Status};
use crate::limits::{OperationClass, clock};
use crate::reset::{Action, Order, Outcome};

/// Whoever enables this target at the level `TRACE` is told, in an event
/// of each send, which accounts it is about. Spans never name any.
const ACCOUNTS: &str = "identity_reset::accounts";

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
        let span = span(lane, class, &orders);
        if tracing::enabled!(target: ACCOUNTS, tracing::Level::TRACE) {
            let ids: Vec<&str> = orders.iter().map(|order| order.account.as_str()).collect();
            let ids = ids.join(" ");
            span.in_scope(|| tracing::trace!(target: ACCOUNTS, { identity_reset.account.ids = ids.as_str() }, "sends"));
        }
        let outcomes = send_batch(lane, class, &orders).instrument(span).await;
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
    let directory = &lane.backend.info().id;
    let began = clock::instant();
    lane.teller.observe(&Observed::Waits { directory, class, orders: count });
    let permit = tokio::select! {
        biased;
        () = lane.guard.stopped() => None,
        permit = lane.backend.governor().acquire(class, count) => Some(permit),
    };
    let took = clock::instant().duration_since(began);
    lane.teller.observe(&Observed::Waited { directory, class, orders: count, took });
    let permit = permit?;
    // From here to the recorded outcomes nothing is cancelled: bytes may be leaving.
    let sent = clock::instant();
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
    let answers: Vec<_> = orders.iter().map(|order| order.action).zip(outcomes.iter().map(Answer::from)).collect();
    let took = clock::instant().duration_since(sent);
    lane.teller.observe(&Observed::Answered { directory, class, answers: &answers, took });
    tell_span(&answers);
    Some(outcomes)
}

/// The batch's span says what came of its orders: counts, and nobody's name.
fn tell_span(answers: &[(Action, Answer)]) {
    let span = tracing::Span::current();
    if span.is_disabled() {
        return;
    }
    let count = |answer: Answer| answers.iter().filter(|(_, given)| *given == answer).count() as u64;
    let mut worst = None;
    for (name, answer) in [
        ("identity_reset.orders.done", Answer::Done),
        ("identity_reset.orders.throttled", Answer::Throttled),
        ("identity_reset.orders.temporary", Answer::Temporary),
        ("identity_reset.orders.refused", Answer::Refused),
        ("identity_reset.orders.unknown", Answer::Unknown),
    ] {
        let orders = count(answer);
        if orders > 0 {
            span.record(name, orders);
            worst = Some(answer).filter(|answer| *answer != Answer::Done).or(worst);
        }
    }
    if let Some(answer) = worst {
        span.record("error.type", answer.as_str());
        span.record("otel.status_code", "ERROR");
    }
}

/// The span of one send. Batches and not orders: what a run has of them is bounded by its requests,
/// and whoever exports spans takes a part of them.
fn span(lane: &Lane, class: OperationClass, orders: &[Order]) -> tracing::Span {
    let action = orders.first().map_or("", |order| order.action.as_str());
    tracing::debug_span!(
        "send",
        otel.kind = "client",
        otel.status_code = tracing::field::Empty,
        error.type = tracing::field::Empty,
        identity_reset.directory.id = %lane.backend.info().id,
        identity_reset.directory.kind = %lane.backend.info().kind,
        identity_reset.operation.class = class.as_str(),
        identity_reset.action = action,
        identity_reset.orders = orders.len() as u64,
        identity_reset.orders.done = tracing::field::Empty,
        identity_reset.orders.refused = tracing::field::Empty,
        identity_reset.orders.throttled = tracing::field::Empty,
        identity_reset.orders.temporary = tracing::field::Empty,
        identity_reset.orders.unknown = tracing::field::Empty,
    )
}

fn unanswered(kind: ErrorKind, detail: &str) -> Error {
    Error::new(kind, "apply").with_status(Status::Unknown).with_detail(detail)
}
