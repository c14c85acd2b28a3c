//! How an answer reaches whoever asked, or does not: faults of the way, batches, the record.

use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use bytes::Bytes;
use http::{Method, Response};
use identity_core::limits::clock;

use super::batch;
use super::refusal::Refusal;
use super::service::{Service, lock};
use super::tokens;
use super::tokens::Caller;
use super::wire::{Answer, Call};
use crate::fault::{Fault, Operation};

/// How long an overtaken answer waits for another to overtake it.
const OVERTAKEN_AT_MOST: Duration = Duration::from_secs(1);

/// Which server is asked.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Front {
    Login,
    Graph,
}

/// How an exchange ends.
#[derive(Debug)]
pub(super) enum Ending {
    Answered(Answer),
    /// The connection breaks, within the answer where there is one.
    Broken(Option<Answer>),
}

/// A request to Graph that is being worked on.
struct InFlight<'a>(&'a Service);

impl<'a> InFlight<'a> {
    fn new(service: &'a Service) -> Self {
        let mut counts = service.counts();
        counts.requests += 1;
        counts.in_flight += 1;
        counts.most_in_flight = counts.most_in_flight.max(counts.in_flight);
        drop(counts);
        Self(service)
    }
}

impl Drop for InFlight<'_> {
    fn drop(&mut self) {
        self.0.counts().in_flight -= 1;
    }
}

/// Serves one request to its end, which may never come.
pub(super) async fn serve(service: &Arc<Service>, front: Front, request: http::Request<Bytes>) -> Ending {
    let call = Call::new(request);
    let ending = match front {
        Front::Login => login(service, &call).await,
        Front::Graph => {
            let flight = InFlight::new(service);
            let latency = *lock(&service.latency);
            if !latency.is_zero() {
                clock::sleep(latency).await;
            }
            let ending = graph(service, &call).await;
            drop(flight);
            ending
        }
    };
    let answer = match &ending {
        Ending::Answered(answer) => Some(answer),
        Ending::Broken(_) => None,
    };
    lock(&service.recorder).add(front == Front::Login, &call, answer);
    service.answered.notify_waiters();
    ending
}

async fn login(service: &Arc<Service>, call: &Call) -> Ending {
    service.counts().token_requests += 1;
    let fault = if service.faults.is_empty() { None } else { service.faults.next(Operation::SignIn, None) };
    let Some(fault) = fault else { return Ending::Answered(tokens::serve(service, call)) };
    service.counts().faults += 1;
    deliver(service, Some(&fault), || match &fault {
        Fault::Busy => tokens::unavailable(service),
        Fault::Unavailable => tokens::unavailable(service).with("retry-after", "2"),
        Fault::Forbid => service.finish(call, Err(Refusal::forbidden())),
        fault => match service.refused_by(fault) {
            Some(refused) => service.finish(call, refused),
            None => tokens::serve(service, call),
        },
    })
    .await
}

async fn graph(service: &Arc<Service>, call: &Call) -> Ending {
    if call.method == Method::POST && call.path == "/v1.0/$batch" {
        return batch::serve(service, call).await;
    }
    let fault = service.fault(call);
    if let Some(Fault::LateApply(wait)) = fault {
        later(service, vec![call.clone()], None, wait);
        return Ending::Broken(None);
    }
    deliver(service, fault.as_ref(), || one(service, call, None, fault.as_ref())).await
}

/// Answers one request or part of a batch, or refuses it as the fault says.
pub(super) fn one(service: &Service, call: &Call, caller: Option<&Caller>, fault: Option<&Fault>) -> Answer {
    match fault.and_then(|fault| service.refused_by(fault)) {
        Some(refused) => service.finish(call, refused),
        None => service.carry_out(call, caller, fault),
    }
}

/// Brings an answer about, and on its way as the fault says. What a fault does to the connection, a
/// part of a batch does to the whole batch.
pub(super) async fn deliver(
    service: &Service,
    fault: Option<&Fault>,
    answer: impl FnOnce() -> Answer + Send,
) -> Ending {
    match fault {
        Some(Fault::CutBeforeApply) => Ending::Broken(None),
        Some(Fault::Swallow) => std::future::pending().await,
        Some(Fault::CutAfterApply) => {
            drop(answer());
            Ending::Broken(None)
        }
        Some(Fault::CutMidAnswer) => Ending::Broken(Some(answer())),
        Some(Fault::NeverAnswer) => {
            drop(answer());
            std::future::pending().await
        }
        Some(Fault::Slow(wait)) => {
            clock::sleep(*wait).await;
            Ending::Answered(answer())
        }
        Some(Fault::Overtaken) => {
            let answer = answer();
            // Whether another one went before or the time is over is the same.
            let _ = clock::within(OVERTAKEN_AT_MOST, service.answered.notified()).await;
            Ending::Answered(answer)
        }
        Some(Fault::GatewayTimeout) => {
            drop(answer());
            // The gateway knows no client's id, and gives its own twice.
            let (id, now) = (service.next_id(), service.tenant().now());
            Ending::Answered(Refusal::gateway_timeout().into_answer(now, id, &id.to_string()))
        }
        _ => Ending::Answered(answer()),
    }
}

/// Carries requests out later: they were still queued when the connection broke.
pub(super) fn later(service: &Arc<Service>, calls: Vec<Call>, caller: Option<Caller>, wait: Duration) {
    let service = Arc::clone(service);
    tokio::spawn(async move {
        clock::sleep(wait).await;
        for call in &calls {
            drop(service.carry_out(call, caller.as_ref(), None));
        }
    });
}

/// Whether the next part of a batch is left out of its answer.
pub(super) fn leaves_out(service: &Service) -> bool {
    service.left_out.fetch_update(Ordering::Relaxed, Ordering::Relaxed, |left| left.checked_sub(1)).is_ok()
}

impl Ending {
    /// The whole answer.
    ///
    /// # Errors
    /// When the connection breaks.
    pub(super) fn whole(self) -> std::io::Result<Response<Bytes>> {
        use std::io::ErrorKind::{ConnectionReset, UnexpectedEof};
        match self {
            Self::Answered(answer) => Ok(answer.into_response()),
            Self::Broken(None) => Err(std::io::Error::new(ConnectionReset, "the connection broke without an answer")),
            Self::Broken(Some(_)) => Err(std::io::Error::new(UnexpectedEof, "the connection broke within the answer")),
        }
    }
}
