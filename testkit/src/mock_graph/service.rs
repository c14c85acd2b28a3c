//! The way of one request: who asks, which route, is it well-formed, may it, what is the answer.

use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Mutex, MutexGuard};
use std::time::Duration;

use bytes::Bytes;
use http::StatusCode;
use identity_core::limits::clock;
use tokio::sync::Notify;
use uuid::Uuid;

use super::quota::{Charge, Quotas, Verdict};
use super::record::Counts;
use super::refusal::Refusal;
use super::routes::{self, Family, Route, Visit};
use super::settings::Settings;
use super::strict;
use super::tenant::{Population, Tenant};
use super::tokens::{Caller, Tokens};
use crate::fault::{Fault, Faults, Operation};
use crate::mock_http::{Answer, Body, Call, Recorder, http_date, lock};
use crate::organisation::draw;

/// Everything of a mock but its sockets.
#[derive(Debug)]
pub(super) struct Service {
    pub(super) settings: Settings,
    pub(super) faults: Faults,
    /// `http://127.0.0.1:port` of the login server.
    pub(super) login_url: String,
    /// `http://127.0.0.1:port` of Graph, without a version.
    pub(super) graph_url: String,
    pub(super) seed: u64,
    pub(super) population: Population,
    pub(super) latency: Mutex<Duration>,
    /// So many of the next answers within batches are left out.
    pub(super) left_out: AtomicU64,
    /// Delta links of an earlier number are gone.
    pub(super) delta_epoch: AtomicU64,
    /// Somebody was answered: an overtaken answer may go.
    pub(super) answered: Notify,
    pub(super) refuse_connections: AtomicBool,
    pub(super) recorder: Mutex<Recorder>,
    tenant: Mutex<Tenant>,
    tokens: Mutex<Tokens>,
    quotas: Mutex<Quotas>,
    counts: Mutex<Counts>,
    ids: AtomicU64,
    reports_asked: AtomicU64,
}

impl Service {
    pub(super) fn new(
        tenant: Tenant,
        tokens: Tokens,
        quotas: Quotas,
        settings: Settings,
        faults: Faults,
        (login_url, graph_url): (String, String),
    ) -> Self {
        Self {
            settings,
            faults,
            login_url,
            graph_url,
            seed: tenant.population.organisation.seed(),
            population: tenant.population.clone(),
            latency: Mutex::default(),
            left_out: AtomicU64::new(0),
            delta_epoch: AtomicU64::new(0),
            answered: Notify::new(),
            refuse_connections: AtomicBool::new(false),
            recorder: Mutex::default(),
            tenant: Mutex::new(tenant),
            tokens: Mutex::new(tokens),
            quotas: Mutex::new(quotas),
            counts: Mutex::default(),
            ids: AtomicU64::new(0),
            reports_asked: AtomicU64::new(0),
        }
    }

    pub(super) fn tenant(&self) -> MutexGuard<'_, Tenant> {
        lock(&self.tenant)
    }

    pub(super) fn tokens(&self) -> MutexGuard<'_, Tokens> {
        lock(&self.tokens)
    }

    pub(super) fn quotas(&self) -> MutexGuard<'_, Quotas> {
        lock(&self.quotas)
    }

    pub(super) fn counts(&self) -> MutexGuard<'_, Counts> {
        lock(&self.counts)
    }

    /// Whether the report on registrations can be had: the refusal was seen to come and go in tenants
    /// that have the licence.
    pub(super) fn needs_report_licence(&self) -> Result<(), Refusal> {
        let every = self.settings.licence_flaps_every;
        let asked = self.reports_asked.fetch_add(1, Ordering::Relaxed);
        let flaps = every > 0 && asked.is_multiple_of(every);
        if self.settings.premium && !flaps { Ok(()) } else { Err(Refusal::no_licence()) }
    }

    /// An id for a request or a trace.
    pub(super) fn next_id(&self) -> Uuid {
        draw::guid(self.seed ^ 0x7265_7175, self.ids.fetch_add(1, Ordering::Relaxed))
    }

    /// Who asks.
    pub(super) fn authenticate(&self, call: &Call) -> Result<Caller, Refusal> {
        let caller = self.tokens().caller(call.header("authorization"));
        caller.map_err(|message| {
            self.counts().unauthenticated += 1;
            Refusal::unauthenticated(message, self.settings.other_codes)
        })
    }

    /// What a fault script says to a request.
    pub(super) fn fault(&self, call: &Call) -> Option<Fault> {
        if self.faults.is_empty() {
            return None;
        }
        let path = strict::path(call).ok()?;
        let (route, _) = routes::find(&call.method, &path).ok()?;
        let user = route.user_at.and_then(|at| path.get(at));
        let user = user.and_then(|name| {
            let mut tenant = self.tenant();
            let number = tenant.resolve(name)?;
            tenant.view(number).map(|view| view.user.id.to_string())
        });
        let fault = self.faults.next(route.operation, user.as_deref());
        if fault.is_some() {
            self.counts().faults += 1;
        }
        fault
    }

    /// Carries a request out that is no batch. A part of a batch comes with who asks.
    pub(super) fn carry_out(&self, call: &Call, caller: Option<&Caller>, fault: Option<&Fault>) -> Answer {
        let mut verdict = None;
        let answered = match caller {
            Some(caller) => self.answer(call, caller, fault, &mut verdict),
            None => self.authenticate(call).and_then(|caller| self.answer(call, &caller, fault, &mut verdict)),
        };
        let mut answer = self.finish(call, answered);
        if let Some((units, verdict)) = verdict {
            answer = answer.with("x-ms-resource-unit", units.to_string());
            if let Some(share) = verdict.share {
                answer = answer.with("x-ms-throttle-limit-percentage", format!("{:.2}", share.min(1.8)));
            }
        }
        answer
    }

    /// Puts a refusal into its envelope and adds what every answer has.
    pub(super) fn finish(&self, call: &Call, answered: Result<Answer, Refusal>) -> Answer {
        let (request, now) = (self.next_id(), self.tenant().now());
        let client_request = call.header("client-request-id").map_or_else(|| request.to_string(), str::to_owned);
        let answer = match answered {
            Ok(answer) => answer,
            Err(refusal) => {
                if refusal.status == StatusCode::TOO_MANY_REQUESTS {
                    self.counts().throttled += 1;
                }
                refusal.into_answer(now, request, &client_request)
            }
        };
        answer
            .with("request-id", request.to_string())
            .with("client-request-id", client_request)
            .with("x-ms-ags-diagnostic", r#"{"ServerInfo":{"DataCenter":"Mock","Slice":"E","Ring":"1"}}"#)
            .with("cache-control", "no-store")
            .with("date", http_date(now))
    }

    fn answer(
        &self,
        call: &Call,
        caller: &Caller,
        fault: Option<&Fault>,
        verdict: &mut Option<(u32, Verdict)>,
    ) -> Result<Answer, Refusal> {
        let path = strict::path(call);
        let found = path.and_then(|path| routes::find(&call.method, &path));
        let charge = charge(call, found.as_ref().ok().map(|(route, _)| *route));
        // What is throttled is not looked at, and is counted.
        let said = self.quotas().attempt(&charge, clock::instant());
        let refused = said.refused;
        *verdict = Some((charge.units, said));
        if let Some(refused) = refused {
            let (client, tenant) = (self.tokens().client_id, self.tenant().id);
            let mut refusal = Refusal::throttled()
                .with("x-ms-throttle-scope", format!("{}/{client}/{tenant}", refused.scope))
                .with("x-ms-throttle-information", refused.information);
            if let Some(wait) = refused.retry_after {
                refusal = refusal.with("retry-after", wait.as_secs().to_string());
            }
            return Err(refusal);
        }
        let (route, captures) = found?;
        let (query, body) = strict::check(call, route, &self.settings)?;
        if !caller.has_any(route.permissions) || fault == Some(&Fault::Forbid) {
            return Err(route.forbidden());
        }
        let refuse_password = fault == Some(&Fault::RefusePassword);
        let visit = Visit { call, captures, query, body, caller, refuse_password };
        let answer = (route.answer)(self, &visit)?;
        if fault == Some(&Fault::TruncatedPage) && route.operation == Operation::Read {
            return self.truncated(&answer);
        }
        Ok(answer)
    }

    /// A listing that ends in the middle: in turns as a server error and as JSON without its end.
    fn truncated(&self, answer: &Answer) -> Result<Answer, Refusal> {
        if self.counts().faults % 2 == 1 {
            return Err(Refusal::internal());
        }
        let whole = answer.bytes();
        Ok(Answer { body: Body::Bytes(whole.slice(..whole.len() / 2)), ..answer.clone() })
    }

    /// What a fault refuses without looking at the request; `None` for a fault of another sort.
    pub(super) fn refused_by(&self, fault: &Fault) -> Option<Result<Answer, Refusal>> {
        let whole = |wait: &Duration| wait.as_secs().max(1);
        Some(Err(match fault {
            Fault::Busy => Refusal::unavailable(),
            Fault::Unavailable => Refusal::unavailable().with("retry-after", "2"),
            Fault::NoticeOfDisconnection => Refusal::unavailable().with("connection", "close"),
            Fault::Throttle(wait) => {
                // In turns as seconds and as a date.
                let seconds = whole(wait);
                let later = self.tenant().now().checked_add(Duration::from_secs(seconds));
                let as_date = self.counts().faults.is_multiple_of(2);
                let value = later.ok().filter(|_| as_date).map_or_else(|| seconds.to_string(), http_date);
                Refusal::throttled().with("retry-after", value)
            }
            Fault::Conflict => Refusal::conflict(),
            Fault::BadGateway => {
                let page = "<html><head><title>502 Bad Gateway</title></head><body><h1>502</h1></body></html>";
                return Some(Ok(Answer {
                    status: StatusCode::BAD_GATEWAY,
                    headers: Vec::new(),
                    body: Body::Html(page),
                }));
            }
            Fault::GarbledMessage => {
                return Some(Ok(Answer {
                    status: StatusCode::SERVICE_UNAVAILABLE,
                    headers: Vec::new(),
                    body: Body::Bytes(Bytes::from_static(b"{\"error\":{\"code\":\"\xFF\xFE\xC3\x28")),
                }));
            }
            _ => return None,
        }))
    }
}

/// What a request uses of the quotas: the published costs and modifiers.
fn charge(call: &Call, route: Option<&Route>) -> Charge {
    let Some(route) = route else { return Charge { units: 1, ..Charge::default() } };
    let options = call.options().unwrap_or_default();
    let option = |name: &str| options.iter().find(|(given, _)| given.eq_ignore_ascii_case(name)).map(|(_, v)| v);
    let mut units = i64::from(if option("$select").is_some() { route.units_selected } else { route.units });
    units += i64::from(option("$expand").is_some());
    units -= i64::from(option("$top").and_then(|top| top.parse::<u32>().ok()).is_some_and(|top| top < 20));
    let sign_ins =
        ["$select", "$filter"].iter().any(|name| option(name).is_some_and(|value| value.contains("signInActivity")));
    Charge {
        units: u32::try_from(units.max(1)).unwrap_or(1),
        writes: u32::from(route.operation == Operation::Write),
        reports: u32::from(route.family == Family::Reports),
        sign_in_activity: u32::from(sign_ins),
        identity_protection: u32::from(route.family == Family::IdentityProtection),
    }
}
