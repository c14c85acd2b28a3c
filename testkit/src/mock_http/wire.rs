//! Requests as they come in, and answers as they go out.

use bytes::Bytes;
use http::header::{CONTENT_TYPE, HeaderMap, HeaderName, HeaderValue};
use http::{Method, Response, StatusCode};
use percent_encoding::percent_decode_str;
use serde_json::Value;

/// A request, or one part of a request that holds several.
#[derive(Clone, Debug)]
pub(crate) struct Call {
    pub(crate) method: Method,
    /// The path as it came.
    pub(crate) path: String,
    /// The query as it came, without the question mark.
    pub(crate) query: Option<String>,
    pub(crate) headers: HeaderMap,
    pub(crate) body: Bytes,
    /// Whether it is a part of a request that holds several.
    pub(crate) batched: bool,
}

impl Call {
    pub(crate) fn new(request: http::Request<Bytes>) -> Self {
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

    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        self.headers.get(name).and_then(|value| value.to_str().ok())
    }

    /// The parts of the path, decoded; `None` for an empty part or bytes that are no text.
    pub(crate) fn segments(&self) -> Option<Vec<String>> {
        let parts = self.path.strip_prefix('/')?.split('/');
        parts.map(|part| decoded(part).filter(|part| !part.is_empty())).collect()
    }

    /// The options of the query in order, decoded.
    pub(crate) fn options(&self) -> Option<Vec<(String, String)>> {
        pairs(self.query.as_deref().unwrap_or_default())
    }

    /// The media type of the body, without its parameters, in lower case.
    pub(crate) fn media_type(&self) -> Option<String> {
        let value = self.header(CONTENT_TYPE.as_str())?;
        Some(value.split(';').next().unwrap_or_default().trim().to_ascii_lowercase())
    }
}

/// Names and values of a query or of a form.
pub(crate) fn pairs(text: &str) -> Option<Vec<(String, String)>> {
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
pub(crate) struct Answer {
    pub(crate) status: StatusCode,
    pub(crate) headers: Vec<(&'static str, String)>,
    pub(crate) body: Body,
}

/// The body of an answer.
#[derive(Clone, Debug)]
pub(crate) enum Body {
    None,
    Json(Value),
    Text(String),
    /// A page for people, as gateways send it.
    Html(&'static str),
    /// Bytes that claim to be JSON.
    Bytes(Bytes),
}

impl Answer {
    pub(crate) fn json(status: StatusCode, body: Value) -> Self {
        Self { status, headers: Vec::new(), body: Body::Json(body) }
    }

    pub(crate) fn ok(body: Value) -> Self {
        Self::json(StatusCode::OK, body)
    }

    pub(crate) fn no_content() -> Self {
        Self { status: StatusCode::NO_CONTENT, headers: Vec::new(), body: Body::None }
    }

    pub(crate) fn text(body: String) -> Self {
        Self { status: StatusCode::OK, headers: Vec::new(), body: Body::Text(body) }
    }

    pub(crate) fn with(mut self, name: &'static str, value: impl Into<String>) -> Self {
        self.headers.push((name, value.into()));
        self
    }

    pub(crate) fn media_type(&self) -> Option<&'static str> {
        match self.body {
            Body::None => None,
            Body::Json(_) | Body::Bytes(_) => Some("application/json"),
            Body::Text(_) => Some("text/plain"),
            Body::Html(_) => Some("text/html"),
        }
    }

    pub(crate) fn bytes(&self) -> Bytes {
        match &self.body {
            Body::None => Bytes::new(),
            Body::Json(value) => value.to_string().into(),
            Body::Text(text) => text.clone().into(),
            Body::Html(page) => Bytes::from_static(page.as_bytes()),
            Body::Bytes(bytes) => bytes.clone(),
        }
    }

    pub(crate) fn into_response(self) -> Response<Bytes> {
        let mut response = Response::new(self.bytes());
        *response.status_mut() = self.status;
        let mut set = |name: &'static str, value: &str| {
            if let (Ok(name), Ok(value)) = (HeaderName::try_from(name), HeaderValue::try_from(value)) {
                response.headers_mut().append(name, value);
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
