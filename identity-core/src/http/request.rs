//! One request, before it is signed.

use std::fmt;
use std::io;

use bytes::Bytes;
use http::{HeaderMap, HeaderName, HeaderValue, Method, Uri, header};
use serde::Serialize;
use zeroize::Zeroizing;

use super::BaseUrl;
use super::base_url::{self, escape_into};
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
/// let request = Request::get("/users").segment("zoë@example.test").query("$select", "id");
/// assert_eq!(format!("{request:?}"), "GET /users/zo%C3%AB%40example.test");
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

    /// Adds one segment to the path, escaped: for ids and names from outside. One that is empty, is
    /// `..` or has a slash makes the request fail before it is sent, rather than mean something
    /// else. Without effect on a link.
    #[must_use]
    pub fn segment(mut self, segment: &str) -> Self {
        if let Target::Path { path, .. } = &mut self.target {
            path.push('/');
            escape_into(path, segment, b"");
        }
        self
    }

    /// Adds text of our own to the path, such as the name of an action after an id. Without effect
    /// on a link.
    #[must_use]
    pub fn then(mut self, path_below: &str) -> Self {
        if let Target::Path { path, .. } = &mut self.target {
            path.push_str(path_below);
        }
        self
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
        let invalid = |error: serde_json::Error| {
            Error::new(ErrorKind::InputInvalid, "write a request")
                .with_detail(format!("not JSON ({:?})", error.classify()))
        };
        // Measured first: a buffer that grows leaves copies of a password behind.
        let mut length = Length(0);
        serde_json::to_writer(&mut length, body).map_err(invalid)?;
        let mut bytes = Zeroizing::new(Vec::with_capacity(length.0));
        serde_json::to_writer(&mut *bytes, body).map_err(invalid)?;
        self.body = Bytes::from_owner(bytes);
        self.headers.insert(header::CONTENT_TYPE, HeaderValue::from_static("application/json"));
        Ok(self)
    }

    /// Sends these fields as a form.
    #[must_use]
    pub fn form(mut self, fields: &[(&str, &str)]) -> Self {
        // Escaping makes three bytes of one at most.
        let most = fields.iter().map(|(name, value)| 3 * (name.len() + value.len()) + 2).sum();
        let mut text = Zeroizing::new(String::with_capacity(most));
        for (name, value) in fields {
            if !text.is_empty() {
                text.push('&');
            }
            escape_into(&mut text, name, b"");
            text.push('=');
            escape_into(&mut text, value, b"");
        }
        self.body = Bytes::from_owner(text);
        self.headers.insert(header::CONTENT_TYPE, HeaderValue::from_static("application/x-www-form-urlencoded"));
        self
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
        match &self.target {
            Target::Path { path, query } => base_url::path_and_query(path, query).map(Some),
            Target::Link(_) => Ok(None),
        }
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

/// Counts what is written.
struct Length(usize);

impl io::Write for Length {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0 += bytes.len();
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl fmt::Debug for Request {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} ", self.method)?;
        match &self.target {
            Target::Path { path, .. } => f.write_str(path),
            // It is the service's, and opaque: what is in it may be anything.
            Target::Link(_) => f.write_str("(a link of the service)"),
        }
    }
}
