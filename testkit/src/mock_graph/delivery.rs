//! How an answer reaches whoever asked, or does not: faults of the way, batches, the record.

use std::future::Future;
use std::io;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use bytes::Bytes;
use http::{Method, Response};
use identity_core::limits::clock;
use tokio::sync::Notify;

use super::batch;
use super::refusal::Refusal;
use super::service::Service;
use super::tokens;
use super::tokens::Caller;
use crate::fault::{Fault, Operation};
use crate::mock_http::{Answer, Call, Ending, Host, Inside, Way, deliver, lock, not_ours};

/// The login server of a mock without sockets.
pub(super) const LOGIN: &str = "http://login.mock.test";
/// Graph of a mock without sockets.
pub(super) const GRAPH: &str = "http://graph.mock.test";

/// Which server is asked.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Front {
    Login,
    Graph,
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
    lock(&service.recorder).add(front == Front::Login, &call, ending.answer());
    service.answered.notify_waiters();
    ending
}

async fn login(service: &Arc<Service>, call: &Call) -> Ending {
    service.counts().token_requests += 1;
    let fault = if service.faults.is_empty() { None } else { service.faults.next(Operation::SignIn, None) };
    let Some(fault) = fault else { return Ending::Answered(tokens::serve(service, call)) };
    service.counts().faults += 1;
    deliver(&**service, Some(&fault), || match &fault {
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
    deliver(&**service, fault.as_ref(), || one(service, call, None, fault.as_ref())).await
}

/// Answers one request or part of a batch, or refuses it as the fault says.
pub(super) fn one(service: &Service, call: &Call, caller: Option<&Caller>, fault: Option<&Fault>) -> Answer {
    match fault.and_then(|fault| service.refused_by(fault)) {
        Some(refused) => service.finish(call, refused),
        None => service.carry_out(call, caller, fault),
    }
}

impl Way for Service {
    fn answered(&self) -> &Notify {
        &self.answered
    }

    fn gateway_timeout(&self) -> Answer {
        // The gateway knows no client's id, and gives its own twice.
        let (id, now) = (self.next_id(), self.tenant().now());
        Refusal::gateway_timeout().into_answer(now, id, &id.to_string())
    }
}

impl Host for Service {
    type Front = Front;

    async fn serve(self: Arc<Self>, front: Front, request: http::Request<Bytes>) -> Ending {
        serve(&self, front, request).await
    }

    fn connected(&self) -> bool {
        self.counts().connections += 1;
        !self.refuse_connections.load(Ordering::Relaxed)
    }
}

impl Inside for Service {
    fn ask(
        self: Arc<Self>,
        origin: String,
        request: http::Request<Bytes>,
    ) -> Pin<Box<dyn Future<Output = io::Result<Response<Bytes>>> + Send>> {
        Box::pin(async move {
            let front = if origin == self.login_url {
                Front::Login
            } else if origin == self.graph_url {
                Front::Graph
            } else {
                return Err(not_ours(&origin));
            };
            serve(&self, front, request).await.whole()
        })
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
