//! A plain client: what it sends is written out in each test.

use http::Request;
use serde_json::{Value, json};
use testkit::mock_okta::{InProcess, MockOkta, MockOktaBuilder, OktaUser};
use testkit::organisation::Organisation;

/// A password that the policy takes.
pub(crate) const NEW: &str = "Zq7-bcdfghjkmnp";

/// A mock of 300 accounts, described further.
pub(crate) fn described() -> MockOktaBuilder {
    MockOkta::builder(Organisation::new(1, 300))
}

/// A mock without sockets and a client with the API token.
pub(crate) fn begun() -> (MockOkta, Client) {
    with(described())
}

pub(crate) fn with(described: MockOktaBuilder) -> (MockOkta, Client) {
    let mock = described.build();
    let client = Client::new(&mock);
    (mock, client)
}

/// An answer.
#[derive(Debug)]
pub(crate) struct Reply {
    pub(crate) status: u16,
    pub(crate) headers: http::HeaderMap,
    pub(crate) body: Value,
    pub(crate) text: String,
}

impl Reply {
    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        self.headers.get(name).map(|value| value.to_str().unwrap())
    }

    /// Every header line of a name.
    pub(crate) fn lines(&self, name: &str) -> Vec<&str> {
        self.headers.get_all(name).iter().map(|value| value.to_str().unwrap()).collect()
    }

    /// Status and error code.
    pub(crate) fn refusal(&self) -> (u16, &str) {
        let code = self.body["errorCode"].as_str().or_else(|| self.body["error"].as_str());
        (self.status, code.unwrap_or("(no code)"))
    }

    /// The first cause.
    pub(crate) fn cause(&self) -> &str {
        self.body["errorCauses"][0]["errorSummary"].as_str().unwrap_or_default()
    }

    pub(crate) fn rows(&self) -> &[Value] {
        self.body.as_array().map_or(&[], Vec::as_slice)
    }

    /// Limit, what remains, and when it is over.
    pub(crate) fn limits(&self) -> (u32, u32, i64) {
        let number = |name| self.header(name).unwrap().parse::<i64>().unwrap();
        let small = |name| u32::try_from(number(name)).unwrap();
        (small("x-rate-limit-limit"), small("x-rate-limit-remaining"), number("x-rate-limit-reset"))
    }

    /// The address of a relation in the header lines.
    pub(crate) fn link(&self, relation: &str) -> Option<&str> {
        let wanted = format!("; rel=\"{relation}\"");
        let found = self.lines("link").into_iter().find_map(|line| line.strip_suffix(wanted.as_str()))?;
        Some(found.strip_prefix('<').unwrap().strip_suffix('>').unwrap())
    }
}

#[derive(Clone)]
pub(crate) struct Client {
    pub(crate) service: InProcess,
    pub(crate) url: String,
    pub(crate) authorization: String,
}

impl Client {
    pub(crate) fn new(mock: &MockOkta) -> Self {
        Self {
            service: mock.in_process(),
            url: mock.url().to_owned(),
            authorization: format!("SSWS {}", mock.api_token()),
        }
    }

    pub(crate) fn bearing(&self, token: &str) -> Self {
        Self { authorization: format!("Bearer {token}"), ..self.clone() }
    }

    pub(crate) async fn try_send(
        &self,
        method: &str,
        path: &str,
        headers: &[(&str, &str)],
        body: &[u8],
    ) -> std::io::Result<Reply> {
        let url = if path.starts_with("http") { path.to_owned() } else { format!("{}{path}", self.url) };
        let mut request = Request::builder().method(method).uri(url);
        if !self.authorization.is_empty() {
            request = request.header("authorization", &self.authorization);
        }
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        let answer = self.service.send(request.body(body.to_vec().into()).unwrap()).await?;
        let text = String::from_utf8_lossy(answer.body()).into_owned();
        Ok(Reply {
            status: answer.status().as_u16(),
            headers: answer.headers().clone(),
            body: serde_json::from_str(&text).unwrap_or(Value::Null),
            text,
        })
    }

    pub(crate) async fn send(&self, method: &str, path: &str) -> Reply {
        self.try_send(method, path, &[], b"").await.unwrap()
    }

    pub(crate) async fn get(&self, path: &str) -> Reply {
        self.send("GET", path).await
    }

    pub(crate) async fn post(&self, path: &str, body: &Value) -> Reply {
        let headers = [("content-type", "application/json")];
        self.try_send("POST", path, &headers, body.to_string().as_bytes()).await.unwrap()
    }

    pub(crate) async fn user(&self, user: &OktaUser) -> Reply {
        self.get(&format!("/api/v1/users/{}", user.id)).await
    }

    /// An operation on a user, without a body.
    pub(crate) async fn operate(&self, user: &OktaUser, operation: &str) -> Reply {
        self.send("POST", &format!("/api/v1/users/{}/{operation}", user.id)).await
    }

    /// Sets a password as an administrator.
    pub(crate) async fn set(&self, user: &OktaUser, password: &str) -> Reply {
        self.post(&format!("/api/v1/users/{}", user.id), &credentials(password)).await
    }

    /// Every row of a listing, page after page.
    pub(crate) async fn all(&self, path: &str) -> Vec<Value> {
        let (mut rows, mut next) = (Vec::new(), Some(path.to_owned()));
        while let Some(path) = next {
            let reply = self.get(&path).await;
            assert_eq!(reply.status, 200, "{}", reply.text);
            rows.extend(reply.rows().iter().cloned());
            next = reply.link("next").map(str::to_owned);
        }
        rows
    }
}

pub(crate) fn credentials(password: &str) -> Value {
    json!({ "credentials": { "password": { "value": password } } })
}

pub(crate) fn logins(rows: &[Value]) -> Vec<&str> {
    rows.iter().map(|row| row["profile"]["login"].as_str().unwrap()).collect()
}
