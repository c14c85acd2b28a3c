//! One request, before it is signed.

use std::fmt;
use std::io;

use bytes::Bytes;
use http::{HeaderMap, HeaderName, HeaderValue, Method, Uri, header};
use serde::Serialize;
use zeroize::Zeroizing;

use super::BaseUrl;
use crate::error::{Error, ErrorKind, Result};

/// Whether a request can change something at the service.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Effect {
    /// It only reads: it may be repeated.
    Read,
    /// It can change something: without an answer its outcome is unknown.
    Write,
}

/// One request, before it is signed. `Debug` prints the method and the path and nothing more, and
/// the body is wiped from memory when the last copy is dropped.
///
/// ```
/// use identity_core::http::{Effect, Request};
///
/// let request = Request::get("/users").segment("Zoë/1").query("$select", "id");
/// assert_eq!(format!("{request:?}"), "GET /users/Zo%C3%AB%2F1");
/// let lookup = Request::post("/directoryObjects/getByIds").json(&["1", "2"])?.with_effect(Effect::Read);
/// assert_eq!(lookup.effect(), Effect::Read);
/// # Ok::<(), identity_core::error::Error>(())
/// ```
#[derive(Clone)]
pub struct Request {
    method: Method,
    target: Target,
    headers: HeaderMap,
    body: Bytes,
    effect: Effect,
    of_account: bool,
}

#[derive(Clone)]
enum Target {
    Path { path: String, query: Vec<(String, String)> },
    Link(String),
}

impl Request {
    /// A request of this method to a path below the [`BaseUrl`]. All but `GET` and `HEAD` count as
    /// writes until [`Request::with_effect`] says otherwise.
    #[must_use]
    pub fn new(method: Method, path: impl Into<String>) -> Self {
        let effect = if method.is_safe() { Effect::Read } else { Effect::Write };
        Self {
            method,
            target: Target::Path { path: path.into(), query: Vec::new() },
            headers: HeaderMap::new(),
            body: Bytes::new(),
            effect,
            of_account: false,
        }
    }

    /// Reads a path.
    #[must_use]
    pub fn get(path: impl Into<String>) -> Self {
        Self::new(Method::GET, path)
    }

    /// Posts to a path.
    #[must_use]
    pub fn post(path: impl Into<String>) -> Self {
        Self::new(Method::POST, path)
    }

    /// Changes what is at a path.
    #[must_use]
    pub fn patch(path: impl Into<String>) -> Self {
        Self::new(Method::PATCH, path)
    }

    /// Puts to a path.
    #[must_use]
    pub fn put(path: impl Into<String>) -> Self {
        Self::new(Method::PUT, path)
    }

    /// Deletes what is at a path.
    #[must_use]
    pub fn delete(path: impl Into<String>) -> Self {
        Self::new(Method::DELETE, path)
    }

    /// Reads a link that the service gave (the next page), as it stands. It must be of the origin
    /// of the [`BaseUrl`].
    #[must_use]
    pub fn link(link: impl Into<String>) -> Self {
        Self { target: Target::Link(link.into()), ..Self::get("") }
    }

    /// Adds one segment to the path, escaped: for ids and names from outside. Without effect on a
    /// link.
    #[must_use]
    pub fn segment(mut self, segment: &str) -> Self {
        todo!()
    }

    /// Adds a query parameter; escaped on the wire. Without effect on a link.
    #[must_use]
    pub fn query(mut self, name: impl Into<String>, value: impl Into<String>) -> Self {
        if let Target::Path { query, .. } = &mut self.target {
            query.push((name.into(), value.into()));
        }
        self
    }

    /// Sets a header.
    #[must_use]
    pub fn header(mut self, name: HeaderName, value: HeaderValue) -> Self {
        self.headers.insert(name, value);
        self
    }

    /// Sends this as JSON.
    ///
    /// # Errors
    /// [`ErrorKind::InputInvalid`] when it cannot be written as JSON.
    pub fn json<T: Serialize + ?Sized>(mut self, body: &T) -> Result<Self> {
        todo!()
    }

    /// Sends these fields as a form.
    #[must_use]
    pub fn form(mut self, fields: &[(&str, &str)]) -> Self {
        todo!()
    }

    /// Says whether it can change something, where the method does not tell (a `POST` that only
    /// looks up).
    #[must_use]
    pub fn with_effect(mut self, effect: Effect) -> Self {
        self.effect = effect;
        self
    }

    /// It asks for one account: a 404 then is [`ErrorKind::AccountNotFound`].
    #[must_use]
    pub fn of_account(mut self) -> Self {
        self.of_account = true;
        self
    }

    /// The method.
    #[must_use]
    pub fn method(&self) -> &Method {
        &self.method
    }

    /// The headers that were set.
    #[must_use]
    pub fn headers(&self) -> &HeaderMap {
        &self.headers
    }

    /// The body; empty for none. It may hold a password.
    #[must_use]
    pub fn body(&self) -> &Bytes {
        &self.body
    }

    /// Whether it can change something.
    #[must_use]
    pub fn effect(&self) -> Effect {
        self.effect
    }

    /// Whether it asks for one account.
    #[must_use]
    pub fn is_of_account(&self) -> bool {
        self.of_account
    }

    /// The path below the [`BaseUrl`] with its query, escaped: what an entry of a batch names.
    /// `None` for a link.
    ///
    /// # Errors
    /// [`ErrorKind::InputInvalid`] as of [`BaseUrl::join`].
    pub fn path_and_query(&self) -> Result<Option<String>> {
        todo!()
    }

    /// The whole address.
    ///
    /// # Errors
    /// As of [`BaseUrl::join`] and [`BaseUrl::accepts`].
    pub fn url(&self, base: &BaseUrl) -> Result<Uri> {
        match &self.target {
            Target::Path { path, query } => base.join(path, query),
            Target::Link(link) => base.accepts(link),
        }
    }
}

impl fmt::Debug for Request {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} ", self.method)?;
        match &self.target {
            Target::Path { path, .. } => f.write_str(path),
            // Its path ends where its query begins; what is there may be anything.
            Target::Link(_) => f.write_str("(a link of the service)"),
        }
    }
}
