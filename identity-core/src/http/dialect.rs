//! How one service spells what all of them say.

use std::fmt;

use http::{HeaderMap, HeaderName, StatusCode};

use super::{Pace, Response, Verdict};
use crate::error::Error;
use crate::limits::OperationClass;

/// How one service spells what all of them say. A backend implements it; each method has a
/// default that fits a plain service.
pub trait Dialect: fmt::Debug + Send + Sync + 'static {
    /// The header of a request that carries our id of it: a fresh UUID with each attempt.
    fn request_id_header(&self) -> Option<HeaderName> {
        None
    }

    /// The service's id of the request.
    fn request_id(&self, headers: &HeaderMap) -> Option<String>;

    /// What the body of a refusal says.
    fn fault(&self, response: &Response) -> ServerFault;

    /// What the refusal means, where the service's code says more than the status; `verdict` is
    /// what [`classify`](super::classify) makes of the status.
    fn refine(&self, response: &Response, fault: &ServerFault, verdict: Verdict) -> Verdict {
        let _ = (response, fault);
        verdict
    }

    /// Whether our sign-in was refused, before anything was done: then [`SignIn::refused`] is asked
    /// whether a replay can help. By default each 401.
    ///
    /// [`SignIn::refused`]: super::SignIn::refused
    fn refuses_sign_in(&self, response: &Response, fault: &ServerFault) -> bool {
        let _ = fault;
        response.status == StatusCode::UNAUTHORIZED
    }

    /// What a response says of pace. By default by its status and Retry-After.
    fn pace(&self, class: OperationClass, response: &Response) -> Pace {
        let _ = class;
        Pace::of(response.status, &response.headers)
    }
}

/// What the body of a refusal says. The texts are of one line; before an error shows them, whatever
/// they repeat of the request is struck out, and then they are capped. It is the source of the
/// [`Error`](crate::error::Error) that a refusal becomes, for `downcast_ref`.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct ServerFault {
    /// The service's code, for programs.
    pub code: String,
    /// A more specific code, where the service gives one.
    pub inner_code: Option<String>,
    /// The service's words, for people.
    pub message: String,
    /// The service's id of the request, where the body gives one.
    pub request_id: Option<String>,
}

impl ServerFault {
    /// The most characters of a text that are kept.
    pub const LONGEST_TEXT: usize = 400;

    /// A code and a message of the service.
    #[must_use]
    pub fn new(code: &str, message: &str) -> Self {
        Self { code: one_line(code), message: one_line(message), ..Self::default() }
    }

    /// What the service said, where an error came of a refusal.
    #[must_use]
    pub fn of(error: &Error) -> Option<&Self> {
        std::error::Error::source(error)?.downcast_ref()
    }

    /// Adds a more specific code.
    #[must_use]
    pub fn with_inner_code(mut self, code: &str) -> Self {
        self.inner_code = Some(one_line(code));
        self
    }

    /// Adds the service's id of the request.
    #[must_use]
    pub fn with_request_id(mut self, id: &str) -> Self {
        self.request_id = Some(one_line(id));
        self
    }
}

impl fmt::Display for ServerFault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match (self.code.as_str(), self.message.as_str()) {
            ("", "") => f.write_str("no reason given"),
            (code, "") => f.write_str(code),
            ("", message) => f.write_str(message),
            (code, message) => write!(f, "{code}: {message}"),
        }
    }
}

impl std::error::Error for ServerFault {}

impl ServerFault {
    /// Every text of it.
    pub(super) fn texts(&mut self) -> impl Iterator<Item = &mut String> {
        [Some(&mut self.code), self.inner_code.as_mut(), Some(&mut self.message), self.request_id.as_mut()]
            .into_iter()
            .flatten()
    }

    /// The texts, no longer than what is kept.
    pub(super) fn capped(mut self) -> Self {
        self.texts().for_each(|text| *text = capped(text));
        self
    }
}

/// A server's text in one line.
fn one_line(text: &str) -> String {
    text.trim().chars().map(|c| if c.is_control() { ' ' } else { c }).collect()
}

/// A server's text in one line, and no longer than what is kept.
pub(super) fn capped(text: &str) -> String {
    let mut kept: String = one_line(text).chars().take(ServerFault::LONGEST_TEXT + 1).collect();
    if kept.chars().count() > ServerFault::LONGEST_TEXT {
        kept = kept.chars().take(ServerFault::LONGEST_TEXT - 1).chain(['…']).collect();
    }
    kept
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_servers_text_is_capped_and_of_one_line() {
        let fault =
            ServerFault::new("Denied\r\n", &"ä\n".repeat(1000)).with_inner_code("x\u{7}y").with_request_id(" r ");
        let fault = fault.capped();
        assert_eq!(fault.message.chars().count(), ServerFault::LONGEST_TEXT);
        assert!(fault.message.starts_with("ä ä ") && fault.message.ends_with('…'));
        assert_eq!((fault.code.as_str(), fault.inner_code.as_deref()), ("Denied", Some("x y")));
        assert_eq!(fault.request_id.as_deref(), Some("r"));
    }

    #[test]
    fn a_fault_without_words_still_says_something() {
        let texts =
            [("", ""), ("Code", ""), ("", "why"), ("Code", "why")].map(|(c, m)| ServerFault::new(c, m).to_string());
        assert_eq!(texts, ["no reason given", "Code", "why", "Code: why"]);
    }
}
