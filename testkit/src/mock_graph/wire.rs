//! Requests as they come in, and answers as they go out.

use bytes::Bytes;
use http::header::{CONTENT_TYPE, HeaderMap, HeaderName, HeaderValue};
use http::{Method, Response, StatusCode, Uri};
use percent_encoding::percent_decode_str;
use serde_json::Value;

/// A request, or one part of a batch.
#[derive(Clone, Debug)]
pub(super) struct Call {
    pub(super) method: Method,
    /// The path as it came.
    pub(super) path: String,
    /// The query as it came, without the question mark.
    pub(super) query: Option<String>,
    pub(super) headers: HeaderMap,
    pub(super) body: Bytes,
    /// Whether it is a part of a batch.
    pub(super) batched: bool,
}

impl Call {
    pub(super) fn new(request: http::Request<Bytes>) -> Self {
        let (parts, body) = request.into_parts();
        Self {
            path: parts.uri.path().to_owned(),
            query: parts.uri.query().map(str::to_owned),
            method: parts.method,
            headers: parts.headers,
            body,
            batched: false,
        }
    }

    /// A part of a batch; `None` for an address that is none.
    pub(super) fn part(method: Method, url: &str, headers: HeaderMap, body: Bytes) -> Option<Self> {
        let url = format!("/v1.0/{}", url.strip_prefix('/').unwrap_or(url));
        // What a browser's address may not have, the parts of batches have nevertheless: spaces, quotes.
        let (path, query) = match url.split_once('?') {
            Some((path, query)) => (path.to_owned(), Some(query.to_owned())),
            None => (url, None),
        };
        path.parse::<Uri>().ok()?;
        Some(Self { method, path, query, headers, body, batched: true })
    }

    pub(super) fn header(&self, name: &str) -> Option<&str> {
        self.headers.get(name).and_then(|value| value.to_str().ok())
    }

    /// The parts of the path, decoded; `None` for an empty part or bytes that are no text.
    pub(super) fn segments(&self) -> Option<Vec<String>> {
        let parts = self.path.strip_prefix('/')?.split('/');
        parts.map(|part| decoded(part).filter(|part| !part.is_empty())).collect()
    }

    /// The options of the query in order, decoded.
    pub(super) fn options(&self) -> Option<Vec<(String, String)>> {
        pairs(self.query.as_deref().unwrap_or_default())
    }

    /// The media type of the body, without its parameters, in lower case.
    pub(super) fn media_type(&self) -> Option<String> {
        let value = self.header(CONTENT_TYPE.as_str())?;
        Some(value.split(';').next().unwrap_or_default().trim().to_ascii_lowercase())
    }
}

/// Names and values of a query or of a form.
pub(super) fn pairs(text: &str) -> Option<Vec<(String, String)>> {
    let each = text.split('&').filter(|pair| !pair.is_empty());
    let pair = |pair: &str| {
        let (name, value) = pair.split_once('=').unwrap_or((pair, ""));
        Some((decoded(&name.replace('+', " "))?, decoded(&value.replace('+', " "))?))
    };
    each.map(pair).collect()
}

fn decoded(text: &str) -> Option<String> {
    percent_decode_str(text).decode_utf8().ok().map(std::borrow::Cow::into_owned)
}

/// An answer.
#[derive(Clone, Debug)]
pub(super) struct Answer {
    pub(super) status: StatusCode,
    pub(super) headers: Vec<(&'static str, String)>,
    pub(super) body: Body,
}

/// The body of an answer.
#[derive(Clone, Debug)]
pub(super) enum Body {
    None,
    Json(Value),
    Text(String),
    /// A page for people, as gateways send it.
    Html(&'static str),
    /// Bytes that claim to be JSON.
    Bytes(Bytes),
}

impl Answer {
    pub(super) fn json(status: StatusCode, body: Value) -> Self {
        Self { status, headers: Vec::new(), body: Body::Json(body) }
    }

    pub(super) fn ok(body: Value) -> Self {
        Self::json(StatusCode::OK, body)
    }

    pub(super) fn no_content() -> Self {
        Self { status: StatusCode::NO_CONTENT, headers: Vec::new(), body: Body::None }
    }

    pub(super) fn text(body: String) -> Self {
        Self { status: StatusCode::OK, headers: Vec::new(), body: Body::Text(body) }
    }

    pub(super) fn with(mut self, name: &'static str, value: impl Into<String>) -> Self {
        self.headers.push((name, value.into()));
        self
    }

    pub(super) fn media_type(&self) -> Option<&'static str> {
        match self.body {
            Body::None => None,
            Body::Json(_) | Body::Bytes(_) => Some("application/json"),
            Body::Text(_) => Some("text/plain"),
            Body::Html(_) => Some("text/html"),
        }
    }

    pub(super) fn bytes(&self) -> Bytes {
        match &self.body {
            Body::None => Bytes::new(),
            Body::Json(value) => value.to_string().into(),
            Body::Text(text) => text.clone().into(),
            Body::Html(page) => Bytes::from_static(page.as_bytes()),
            Body::Bytes(bytes) => bytes.clone(),
        }
    }

    pub(super) fn into_response(self) -> Response<Bytes> {
        let mut response = Response::new(self.bytes());
        *response.status_mut() = self.status;
        let mut set = |name: &'static str, value: &str| {
            if let (Ok(name), Ok(value)) = (HeaderName::try_from(name), HeaderValue::try_from(value)) {
                response.headers_mut().insert(name, value);
            }
        };
        if let Some(media_type) = self.media_type() {
            set("content-type", media_type);
        }
        for (name, value) in &self.headers {
            set(name, value);
        }
        response
    }
}
