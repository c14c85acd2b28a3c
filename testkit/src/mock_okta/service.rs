//! The way of one request: who asks, which bucket, which route, may it, is it well-formed, what is the
//! answer.

use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Mutex, MutexGuard};
use std::time::Duration;

use bytes::Bytes;
use http::StatusCode;
use tokio::sync::Notify;

use super::access;
use super::org::{Org, id};
use super::quota::{Bucket, Quotas, Verdict};
use super::record::Counts;
use super::refusal::Refusal;
use super::routes::{self, Visit};
use super::settings::Settings;
use super::tokens::{Caller, Tokens};
use crate::fault::{Fault, Faults, Operation};
use crate::mock_http::{Answer, Body, Call, Recorder, http_date, lock};
use crate::organisation::draw;

/// Everything of a mock but its sockets.
#[derive(Debug)]
pub(super) struct Service {
    pub(super) settings: Mutex<Settings>,
    pub(super) faults: Faults,
    /// `http://127.0.0.1:port` of the org.
    pub(super) url: String,
    pub(super) seed: u64,
    pub(super) latency: Mutex<Duration>,
    /// Somebody was answered: an overtaken answer may go.
    pub(super) answered: Notify,
    pub(super) refuse_connections: AtomicBool,
    pub(super) recorder: Mutex<Recorder>,
    org: Mutex<Org>,
    tokens: Mutex<Tokens>,
    quotas: Mutex<Quotas>,
    counts: Mutex<Counts>,
    ids: AtomicU64,
}

impl Service {
    pub(super) fn new(
        org: Org,
        tokens: Tokens,
        quotas: Quotas,
        settings: Settings,
        faults: Faults,
        url: String,
    ) -> Self {
        Self {
            settings: Mutex::new(settings),
            faults,
            url,
            seed: org.population.seed(),
            latency: Mutex::default(),
            answered: Notify::new(),
            refuse_connections: AtomicBool::new(false),
            recorder: Mutex::default(),
            org: Mutex::new(org),
            tokens: Mutex::new(tokens),
            quotas: Mutex::new(quotas),
            counts: Mutex::default(),
            ids: AtomicU64::new(0),
        }
    }

    pub(super) fn org(&self) -> MutexGuard<'_, Org> {
        lock(&self.org)
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

    /// The settings of now.
    pub(super) fn settings(&self) -> Settings {
        lock(&self.settings).clone()
    }

    /// An id for a request: 32 hexadecimal digits.
    pub(super) fn next_request(&self) -> String {
        draw::guid(self.seed ^ 0x7265_7175, self.ids.fetch_add(1, Ordering::Relaxed)).simple().to_string()
    }

    /// An address of the org.
    pub(super) fn address(&self, path: &str) -> String {
        format!("{}{path}", self.url)
    }

    /// What a fault script says to a request.
    pub(super) fn fault(&self, call: &Call) -> Option<Fault> {
        if self.faults.is_empty() {
            return None;
        }
        let path = call.segments()?;
        let (route, _) = routes::find(&call.method, &path).ok()?;
        let user = route.user_at.and_then(|at| path.get(at));
        let user = user.and_then(|name| {
            let mut org = self.org();
            let number = org.resolve(name)?;
            Some(org.id_of(number))
        });
        let fault = self.faults.next(route.operation, user.as_deref());
        if fault.is_some() {
            self.counts().faults += 1;
        }
        fault
    }

    /// Carries a request out.
    pub(super) fn carry_out(&self, call: &Call, fault: Option<&Fault>) -> Answer {
        let (mut verdict, request) = (None, self.next_request());
        let answered = self.answer(call, fault, &request, &mut verdict);
        self.finish(&request, verdict, answered)
    }

    /// Refuses a request before anything is looked at but who asks.
    pub(super) fn refuse(&self, refusal: Refusal) -> Answer {
        let request = self.next_request();
        self.finish(&request, None, Err(refusal))
    }

    /// Puts a refusal into its envelope and adds what every answer has.
    pub(super) fn finish(&self, request: &str, verdict: Option<Verdict>, answered: Result<Answer, Refusal>) -> Answer {
        let mut verdict = verdict;
        let mut answer = match answered {
            Ok(answer) => answer,
            Err(refusal) => {
                match refusal.status {
                    StatusCode::TOO_MANY_REQUESTS => self.counts().throttled += 1,
                    StatusCode::UNAUTHORIZED => self.counts().unauthenticated += 1,
                    _ => {}
                }
                if refusal.without_rate_headers {
                    verdict = None;
                }
                let error = id::id(self.seed, "oae", self.ids.fetch_add(1, Ordering::Relaxed));
                refusal.into_answer(&error)
            }
        };
        if let Some(verdict) = verdict {
            answer = with_rate_headers(answer, verdict.limit, verdict.remaining, verdict.reset);
            if answer.status == StatusCode::TOO_MANY_REQUESTS && self.settings().duplicate_rate_headers {
                // Of a second limit that is not used up, as some endpoints were seen to do.
                answer = with_rate_headers(answer, verdict.limit.saturating_mul(2), verdict.limit, verdict.reset - 1);
            }
        }
        answer
            .with("x-okta-request-id", request)
            .with("cache-control", "no-cache, no-store")
            .with("date", http_date(self.org().now()))
    }

    fn answer(
        &self,
        call: &Call,
        fault: Option<&Fault>,
        request: &str,
        verdict: &mut Option<Verdict>,
    ) -> Result<Answer, Refusal> {
        let now = self.org().now();
        let caller = self.tokens().caller(call, &self.url, now)?;
        let path = call.segments().ok_or_else(Refusal::no_such_path)?;
        let found = routes::find(&call.method, &path);
        let bucket = found.as_ref().map_or(Bucket::Rest, |(route, _)| route.bucket);
        // What is throttled is not looked at, and is counted.
        *verdict = self.quotas().attempt(bucket, &caller.principal, now);
        if verdict.is_some_and(|verdict| verdict.refused) {
            return Err(Refusal::throttled());
        }
        let (route, captures) = found?;
        if !access::has_scope(&caller, route.scopes) {
            return Err(Refusal::insufficient_scope());
        }
        if !access::allows(&caller, route.right) || fault == Some(&Fault::Forbid) {
            return Err(Refusal::forbidden());
        }
        let (query, body) = routes::read(call, route)?;
        if fault == Some(&Fault::TruncatedPage) && route.operation == Operation::Write {
            return Err(Refusal::internal());
        }
        let refuse_password = fault == Some(&Fault::RefusePassword);
        let visit = Visit { call, captures, query, body, caller: &caller, request, refuse_password };
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

    /// The principal of a request, as far as it says who it is.
    pub(super) fn principal(&self, call: &Call) -> Option<Caller> {
        let now = self.org().now();
        self.tokens().who(call, now)
    }

    /// The answer to one request too many at once.
    pub(super) fn over_concurrency(&self) -> Answer {
        self.counts().over_concurrency += 1;
        let request = self.next_request();
        // The reset is an estimate only.
        let reset = self.org().now().as_second() + 60;
        let verdict = Verdict { limit: 0, remaining: 0, reset, refused: true };
        self.finish(&request, Some(verdict), Err(Refusal::throttled()))
    }

    /// What a fault refuses without looking at the request; `None` for a fault of another sort.
    pub(super) fn refused_by(&self, fault: &Fault) -> Option<Answer> {
        Some(match fault {
            Fault::Busy => self.over_concurrency(),
            Fault::Throttle(wait) => {
                let reset = self.org().now().as_second().saturating_add(i64::try_from(wait.as_secs()).unwrap_or(60));
                let verdict = Verdict { limit: 300, remaining: 0, reset, refused: true };
                self.finish(&self.next_request(), Some(verdict), Err(Refusal::throttled()))
            }
            Fault::Unavailable => self.refuse(Refusal::read_only()),
            Fault::NoticeOfDisconnection => self.refuse(Refusal::read_only().with("connection", "close")),
            Fault::Conflict => self.refuse(Refusal::still_activating()),
            Fault::BadGateway => gateway(
                StatusCode::BAD_GATEWAY,
                "<html><head><title>502 Bad Gateway</title></head><body><h1>502</h1></body></html>",
            ),
            Fault::GarbledMessage => Answer {
                status: StatusCode::SERVICE_UNAVAILABLE,
                headers: Vec::new(),
                body: Body::Bytes(Bytes::from_static(b"{\"errorCode\":\"\xFF\xFE\xC3\x28")),
            },
            _ => return None,
        })
    }
}

/// A page for people, from something that stands before the org and adds none of its headers.
pub(super) fn gateway(status: StatusCode, page: &'static str) -> Answer {
    Answer { status, headers: Vec::new(), body: Body::Html(page) }
}

fn with_rate_headers(answer: Answer, limit: u32, remaining: u32, reset: i64) -> Answer {
    answer
        .with("x-rate-limit-limit", limit.to_string())
        .with("x-rate-limit-remaining", remaining.to_string())
        .with("x-rate-limit-reset", reset.to_string())
}
