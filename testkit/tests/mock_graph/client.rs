//! A plain client: what it sends is written out in each test.

use http::Request;
use reqwest::{Method, StatusCode};
use serde_json::{Value, json};
use testkit::mock_graph::{InProcess, MockGraph, MockGraphBuilder};
use testkit::organisation::Organisation;

/// A mock of 300 accounts, described further.
pub(crate) fn described() -> MockGraphBuilder {
    MockGraph::builder(Organisation::new(1, 300))
}

pub(crate) async fn started() -> (MockGraph, Client) {
    connect(described()).await
}

pub(crate) async fn connect(described: MockGraphBuilder) -> (MockGraph, Client) {
    let mock = described.start().await.unwrap();
    let client = Client::new(&mock).await;
    (mock, client)
}

/// An answer.
#[derive(Debug)]
pub(crate) struct Reply {
    pub(crate) status: StatusCode,
    pub(crate) headers: reqwest::header::HeaderMap,
    pub(crate) body: Value,
    pub(crate) text: String,
}

impl Reply {
    pub(crate) async fn of(response: reqwest::Response) -> Self {
        let (status, headers) = (response.status(), response.headers().clone());
        let text = response.text().await.unwrap();
        let body = serde_json::from_str(&text).unwrap_or(Value::Null);
        Self { status, headers, body, text }
    }

    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        self.headers.get(name).map(|value| value.to_str().unwrap())
    }

    /// Status and error code.
    pub(crate) fn refusal(&self) -> (u16, &str) {
        (self.status.as_u16(), self.body["error"]["code"].as_str().unwrap_or("(no code)"))
    }

    pub(crate) fn message(&self) -> &str {
        self.body["error"]["message"].as_str().unwrap_or_default()
    }

    pub(crate) fn rows(&self) -> &[Value] {
        self.body["value"].as_array().map_or(&[], Vec::as_slice)
    }
}

pub(crate) struct Client {
    pub(crate) http: reqwest::Client,
    pub(crate) graph: String,
    pub(crate) token: String,
}

impl Client {
    pub(crate) async fn new(mock: &MockGraph) -> Self {
        let http = reqwest::Client::builder().no_proxy().build().unwrap();
        let reply = token(&http, mock, &form(mock)).await;
        assert_eq!(reply.status, 200, "{}", reply.text);
        let token = reply.body["access_token"].as_str().unwrap().to_owned();
        Self { http, graph: format!("{}/v1.0", mock.graph_url()), token }
    }

    pub(crate) fn request(&self, method: Method, path: &str) -> reqwest::RequestBuilder {
        let url = if path.starts_with("http") { path.to_owned() } else { format!("{}{path}", self.graph) };
        self.http.request(method, url).bearer_auth(&self.token)
    }

    pub(crate) async fn get(&self, path: &str) -> Reply {
        Reply::of(self.request(Method::GET, path).send().await.unwrap()).await
    }

    /// With the header of advanced queries.
    pub(crate) async fn get_eventual(&self, path: &str) -> Reply {
        let request = self.request(Method::GET, path).header("ConsistencyLevel", "eventual");
        Reply::of(request.send().await.unwrap()).await
    }

    pub(crate) async fn try_patch(&self, path: &str, body: &Value) -> reqwest::Result<Reply> {
        Ok(Reply::of(self.request(Method::PATCH, path).json(body).send().await?).await)
    }

    pub(crate) async fn patch(&self, path: &str, body: &Value) -> Reply {
        self.try_patch(path, body).await.unwrap()
    }

    pub(crate) async fn post(&self, path: &str, body: &Value) -> Reply {
        Reply::of(self.request(Method::POST, path).json(body).send().await.unwrap()).await
    }

    pub(crate) async fn revoke(&self, id: impl std::fmt::Display) -> Reply {
        let request = self.request(Method::POST, &format!("/users/{id}/revokeSignInSessions"));
        Reply::of(request.header("content-length", "0").send().await.unwrap()).await
    }

    /// Sets a password that need not be changed.
    pub(crate) async fn set(&self, id: impl std::fmt::Display, password: &str) -> Reply {
        self.patch(&format!("/users/{id}"), &profile(password)).await
    }

    /// Every row of a listing, page after page, and how many pages had none.
    pub(crate) async fn all(&self, path: &str) -> (Vec<Value>, usize) {
        let (mut rows, mut empty, mut next) = (Vec::new(), 0, Some(path.to_owned()));
        while let Some(path) = next {
            let reply = self.get(&path).await;
            assert_eq!(reply.status, 200, "{}", reply.text);
            empty += usize::from(reply.rows().is_empty());
            rows.extend(reply.rows().iter().cloned());
            next = reply.body["@odata.nextLink"].as_str().map(str::to_owned);
        }
        (rows, empty)
    }
}

pub(crate) fn profile(password: &str) -> Value {
    json!({ "passwordProfile": { "password": password, "forceChangePasswordNextSignIn": false } })
}

/// The form of a client that has a secret.
pub(crate) fn form(mock: &MockGraph) -> Vec<(&'static str, String)> {
    vec![
        ("client_id", mock.client_id().to_string()),
        ("scope", "https://graph.microsoft.com/.default".into()),
        ("client_secret", mock.client_secret().unwrap_or_default()),
        ("grant_type", "client_credentials".into()),
    ]
}

pub(crate) async fn token(http: &reqwest::Client, mock: &MockGraph, form: &[(&'static str, String)]) -> Reply {
    let url = format!("{}/{}/oauth2/v2.0/token", mock.login_url(), mock.tenant_id());
    Reply::of(http.post(url).form(form).send().await.unwrap()).await
}

/// A client without sockets, for tests in virtual time.
pub(crate) struct Inside {
    service: InProcess,
    graph: String,
    token: String,
}

impl Inside {
    pub(crate) async fn new(mock: &MockGraph) -> Self {
        let service = mock.in_process();
        let pairs: Vec<String> = form(mock).iter().map(|(name, value)| format!("{name}={value}")).collect();
        let request = Request::post(format!("{}/{}/oauth2/v2.0/token", mock.login_url(), mock.tenant_id()))
            .header("content-type", "application/x-www-form-urlencoded")
            .body(pairs.join("&").into())
            .unwrap();
        let answer = service.send(request).await.unwrap();
        let body: Value = serde_json::from_slice(answer.body()).unwrap();
        let token = body["access_token"].as_str().unwrap().to_owned();
        Self { service, graph: format!("{}/v1.0", mock.graph_url()), token }
    }

    pub(crate) async fn send(&self, method: &str, path: &str, body: Option<&Value>) -> std::io::Result<Reply> {
        let mut request = Request::builder()
            .method(method)
            .uri(format!("{}{path}", self.graph))
            .header("authorization", format!("Bearer {}", self.token));
        if body.is_some() {
            request = request.header("content-type", "application/json");
        }
        let body = body.map(Value::to_string).unwrap_or_default();
        let answer = self.service.send(request.body(body.into()).unwrap()).await?;
        let text = String::from_utf8_lossy(answer.body()).into_owned();
        Ok(Reply {
            status: answer.status(),
            headers: answer.headers().clone(),
            body: serde_json::from_str(&text).unwrap_or(Value::Null),
            text,
        })
    }

    pub(crate) async fn set(&self, id: impl std::fmt::Display, password: &str) -> Reply {
        self.send("PATCH", &format!("/users/{id}"), Some(&profile(password))).await.unwrap()
    }
}
