//! A transport that answers what the test says, in order, and keeps what was sent.
//!
//! For unit tests of a backend over HTTP, where a whole mock would say less clearly what matters.

use std::collections::VecDeque;
use std::fmt;
use std::sync::{Arc, Mutex, PoisonError};

use async_trait::async_trait;
use bytes::Bytes;
use http::{HeaderMap, HeaderName, HeaderValue, Method, StatusCode, Uri, header};
use identity_core::http::{Transport, TransportFault};

/// An answer, or what keeps it away.
pub type Answer = Result<http::Response<Bytes>, TransportFault>;

type Aside = Arc<dyn Fn(&Uri) -> Option<Answer> + Send + Sync>;

/// What was sent.
#[derive(Clone, Debug)]
pub struct Sent {
    /// The method.
    pub method: Method,
    /// The whole address.
    pub target: String,
    /// The headers.
    pub headers: HeaderMap,
    /// The body.
    pub body: Bytes,
}

/// Answers requests in the order of its answers, but for those that it answers
/// [aside](Canned::with_aside).
#[derive(Default)]
pub struct Canned {
    answers: Mutex<VecDeque<Answer>>,
    sent: Mutex<Vec<Sent>>,
    asides: Mutex<Vec<(&'static str, Aside)>>,
}

/// An answer with a JSON body.
///
/// # Errors
/// [`TransportFault::NotSent`] for a `status` that is none.
pub fn reply(status: u16, body: &str) -> Answer {
    let mut response = http::Response::new(Bytes::copy_from_slice(body.as_bytes()));
    *response.status_mut() = StatusCode::from_u16(status).map_err(|_| unfit(&format!("{status} is no status")))?;
    response.headers_mut().insert(header::CONTENT_TYPE, HeaderValue::from_static("application/json"));
    Ok(response)
}

/// The answer, with a header more; one of the same name stays.
///
/// # Errors
/// What keeps the answer away, as it was; [`TransportFault::NotSent`] for a value that no header has.
pub fn with_header(answer: Answer, name: &'static str, value: &str) -> Answer {
    let mut response = answer?;
    let value = HeaderValue::from_str(value).map_err(|_| unfit(&format!("{value:?} is no value of a header")))?;
    response.headers_mut().append(HeaderName::from_static(name), value);
    Ok(response)
}

fn unfit(what: &str) -> TransportFault {
    TransportFault::NotSent(format!("the test is wrong: {what}"))
}

impl Canned {
    /// Answers everything in this order.
    #[must_use]
    pub fn new(answers: impl IntoIterator<Item = Answer>) -> Arc<Self> {
        Arc::new(Self { answers: Mutex::new(answers.into_iter().collect()), ..Self::default() })
    }

    /// Answers aside what `answer` knows, whenever it comes; it is not among [`sent`](Self::sent).
    #[must_use]
    pub fn with_aside(
        self: Arc<Self>,
        name: &'static str,
        answer: impl Fn(&Uri) -> Option<Answer> + Send + Sync + 'static,
    ) -> Arc<Self> {
        self.asides.lock().unwrap_or_else(PoisonError::into_inner).push((name, Arc::new(answer)));
        self
    }

    /// Leaves to the answers in order what was answered aside by this name.
    pub fn no_longer_aside(&self, name: &str) {
        self.asides.lock().unwrap_or_else(PoisonError::into_inner).retain(|(known, _)| *known != name);
    }

    /// What was sent so far, without what was answered aside.
    #[must_use]
    pub fn sent(&self) -> Vec<Sent> {
        self.sent.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Forgets what was sent so far.
    pub fn forget(&self) {
        self.sent.lock().unwrap_or_else(PoisonError::into_inner).clear();
    }

    /// How many answers were not asked for.
    #[must_use]
    pub fn left(&self) -> usize {
        self.answers.lock().unwrap_or_else(PoisonError::into_inner).len()
    }
}

#[async_trait]
impl Transport for Canned {
    async fn send(&self, request: http::Request<Bytes>) -> Answer {
        let (parts, body) = request.into_parts();
        let asides = self.asides.lock().unwrap_or_else(PoisonError::into_inner).clone();
        if let Some(answer) = asides.iter().find_map(|(_, answer)| answer(&parts.uri)) {
            return answer;
        }
        let sent = Sent { method: parts.method, target: parts.uri.to_string(), headers: parts.headers, body };
        self.sent.lock().unwrap_or_else(PoisonError::into_inner).push(sent);
        let none = || TransportFault::NoAnswer("the test has no answer left".into());
        self.answers.lock().unwrap_or_else(PoisonError::into_inner).pop_front().ok_or_else(none)?
    }
}

impl fmt::Debug for Canned {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Canned").field("left", &self.left()).finish_non_exhaustive()
    }
}
