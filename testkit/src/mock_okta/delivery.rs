//! How an answer reaches whoever asked, or does not: faults of the way, too many at once, the record.

use std::future::Future;
use std::io;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::Ordering;

use bytes::Bytes;
use http::{Response, StatusCode};
use identity_core::limits::clock;
use tokio::sync::Notify;

use super::service::{Service, gateway};
use super::tokens;
use crate::fault::{Fault, Operation};
use crate::mock_http::{Answer, Call, Ending, Host, Inside, Way, deliver, lock, not_ours};

/// The org of a mock without sockets: HTTPS, as everything is that goes to another machine.
pub(super) const ORG: &str = "https://okta.mock.test";

/// Where tokens are.
const TOKEN: &str = "/oauth2/v1/token";

/// A request to the API that is being worked on.
struct InFlight<'a>(&'a Service, u64);

impl<'a> InFlight<'a> {
    fn new(service: &'a Service) -> Self {
        let mut counts = service.counts();
        counts.requests += 1;
        counts.in_flight += 1;
        counts.most_in_flight = counts.most_in_flight.max(counts.in_flight);
        Self(service, counts.in_flight)
    }
}

impl Drop for InFlight<'_> {
    fn drop(&mut self) {
        self.0.counts().in_flight -= 1;
    }
}

impl Way for Service {
    fn answered(&self) -> &Notify {
        &self.answered
    }

    fn gateway_timeout(&self) -> Answer {
        let page = "<html><head><title>504 Gateway Time-out</title></head><body><h1>504</h1></body></html>";
        gateway(StatusCode::GATEWAY_TIMEOUT, page)
    }
}

impl Host for Service {
    type Front = ();

    async fn serve(self: Arc<Self>, (): (), request: http::Request<Bytes>) -> Ending {
        serve(&self, request).await
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
            if origin != self.url {
                return Err(not_ours(&origin));
            }
            serve(&self, request).await.whole()
        })
    }
}

/// Serves one request to its end, which may never come.
async fn serve(service: &Arc<Service>, request: http::Request<Bytes>) -> Ending {
    let call = Call::new(request);
    let login = call.path == TOKEN;
    let ending = if login {
        token(service, &call).await
    } else {
        let flight = InFlight::new(service);
        let principal = service.principal(&call).map(|caller| caller.principal);
        let most = service.quotas().concurrency_of(principal.as_deref().unwrap_or_default());
        let latency = *lock(&service.latency);
        let ending = if flight.1 > most {
            Ending::Answered(service.over_concurrency())
        } else {
            if !latency.is_zero() {
                clock::sleep(latency).await;
            }
            api(service, &call).await
        };
        drop(flight);
        ending
    };
    lock(&service.recorder).add(login, &call, ending.answer());
    service.answered.notify_waiters();
    ending
}

async fn token(service: &Arc<Service>, call: &Call) -> Ending {
    service.counts().token_requests += 1;
    let fault = if service.faults.is_empty() { None } else { service.faults.next(Operation::SignIn, None) };
    if fault.is_some() {
        service.counts().faults += 1;
    }
    deliver(&**service, fault.as_ref(), || {
        let refused = fault.as_ref().and_then(|fault| service.refused_by(fault));
        refused.unwrap_or_else(|| tokens::serve(service, call))
    })
    .await
}

async fn api(service: &Arc<Service>, call: &Call) -> Ending {
    let fault = service.fault(call);
    if let Some(Fault::LateApply(wait)) = fault {
        let (service, call) = (Arc::clone(service), call.clone());
        tokio::spawn(async move {
            clock::sleep(wait).await;
            drop(service.carry_out(&call, None));
        });
        return Ending::Broken(None);
    }
    deliver(&**service, fault.as_ref(), || {
        let refused = fault.as_ref().and_then(|fault| service.refused_by(fault));
        refused.unwrap_or_else(|| service.carry_out(call, fault.as_ref()))
    })
    .await
}
