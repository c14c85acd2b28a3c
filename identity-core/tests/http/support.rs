//! A service in the process, a raw server on a socket, and a dialect for both.

use std::collections::VecDeque;
use std::fmt;
use std::net::SocketAddr;
use std::num::NonZeroU32;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use async_trait::async_trait;
use bytes::Bytes;
use futures::future::BoxFuture;
use http::{HeaderMap, HeaderName, HeaderValue, Request as Wire, Response as Answer, StatusCode, header};
use identity_core::account::DirectoryId;
use identity_core::error::Result;
use identity_core::http::{
    AccessToken, BaseUrl, Client, ClientSettings, Dialect, Response, ServerFault, SignIn, TokenSource, Transport,
    TransportFault,
};
use identity_core::limits::{Governor, Limits};
use secrecy::SecretString;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinHandle;

pub(crate) type Answered = Result<Answer<Bytes>, TransportFault>;
type Serve = dyn Fn(Wire<Bytes>) -> BoxFuture<'static, Answered> + Send + Sync;

/// A service in the process; it remembers what it was asked.
pub(crate) struct InProcess {
    serve: Box<Serve>,
    pub(crate) asked: Mutex<Vec<Wire<Bytes>>>,
}

impl InProcess {
    pub(crate) fn new<F>(serve: impl Fn(Wire<Bytes>) -> F + Send + Sync + 'static) -> Arc<Self>
    where
        F: Future<Output = Answered> + Send + 'static,
    {
        Arc::new(Self { serve: Box::new(move |request| Box::pin(serve(request))), asked: Mutex::default() })
    }

    /// Gives these answers, one after the other.
    pub(crate) fn script(answers: impl IntoIterator<Item = Answered>) -> Arc<Self> {
        let answers: Mutex<VecDeque<Answered>> = Mutex::new(answers.into_iter().collect());
        Self::new(move |_| {
            let answer = answers.lock().unwrap().pop_front().expect("no further request was expected");
            async { answer }
        })
    }

    pub(crate) fn count(&self) -> usize {
        self.asked.lock().unwrap().len()
    }

    pub(crate) fn header(&self, index: usize, name: &str) -> String {
        self.asked.lock().unwrap()[index].headers()[name].to_str().unwrap().to_owned()
    }
}

impl fmt::Debug for InProcess {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("InProcess")
    }
}

#[async_trait]
impl Transport for InProcess {
    async fn send(&self, request: Wire<Bytes>) -> Answered {
        self.asked.lock().unwrap().push(request.clone());
        (self.serve)(request).await
    }
}

pub(crate) fn answer(status: u16, body: &str) -> Answer<Bytes> {
    let answer = Answer::builder().status(status).header(header::CONTENT_TYPE, "application/json");
    answer.header("x-request", format!("server-{status}")).body(Bytes::from(body.to_owned())).unwrap()
}

pub(crate) fn with_header(mut answer: Answer<Bytes>, name: &'static str, value: &str) -> Answer<Bytes> {
    answer.headers_mut().insert(HeaderName::from_static(name), HeaderValue::from_str(value).unwrap());
    answer
}

/// Codes as `{"code":…,"message":…}`, the server's id in `x-request`, ours in `x-client-request`.
#[derive(Debug)]
pub(crate) struct Plain;

impl Dialect for Plain {
    fn request_id_header(&self) -> Option<HeaderName> {
        Some(HeaderName::from_static("x-client-request"))
    }

    fn request_id(&self, headers: &HeaderMap) -> Option<String> {
        Some(headers.get("x-request")?.to_str().ok()?.to_owned())
    }

    fn fault(&self, response: &Response) -> ServerFault {
        let body: serde_json::Value = serde_json::from_slice(&response.body).unwrap_or_default();
        ServerFault::new(body["code"].as_str().unwrap_or(""), body["message"].as_str().unwrap_or(""))
    }
}

/// Gives numbered tokens of this lifetime.
#[derive(Debug)]
pub(crate) struct Tokens {
    pub(crate) lifetime: Duration,
    pub(crate) given: Arc<Mutex<u32>>,
    /// How long giving one takes.
    pub(crate) takes: Duration,
}

impl Tokens {
    pub(crate) fn living(lifetime: Duration) -> Self {
        Self { lifetime, given: Arc::default(), takes: Duration::from_millis(200) }
    }
}

#[async_trait]
impl TokenSource for Tokens {
    async fn token(&self) -> Result<AccessToken> {
        identity_core::limits::clock::sleep(self.takes).await;
        let number = {
            let mut given = self.given.lock().unwrap();
            *given += 1;
            *given
        };
        Ok(AccessToken::new(SecretString::from(format!("token-{number}")), self.lifetime))
    }
}

pub(crate) fn governor() -> Arc<Governor> {
    Governor::new(&Limits::new(NonZeroU32::MIN, NonZeroU32::new(400).unwrap()))
}

pub(crate) fn client(base: &str, transport: Arc<dyn Transport>, sign_in: Arc<dyn SignIn>) -> Client {
    let settings = ClientSettings::new(BaseUrl::parse(base).unwrap()).with_directory(DirectoryId::new("corp").unwrap());
    Client::new(settings, transport, Arc::new(Plain), sign_in, governor())
}

/// A client in the process whose tokens live for an hour.
pub(crate) fn in_process(transport: Arc<dyn Transport>) -> Client {
    let tokens = Tokens::living(Duration::from_secs(3600));
    client("https://service.test/v1", transport, Arc::new(identity_core::http::TokenCache::new(tokens)))
}

pub(crate) fn status(code: u16) -> StatusCode {
    StatusCode::from_u16(code).unwrap()
}

/// A server on a socket that answers each request with bytes as they stand.
pub(crate) struct RawServer {
    pub(crate) address: SocketAddr,
    /// The head of each request.
    pub(crate) heads: Arc<Mutex<Vec<String>>>,
    pub(crate) connections: Arc<Mutex<u32>>,
    listening: JoinHandle<()>,
}

impl RawServer {
    /// `answer` gives the bytes for a request; the connection is closed after them when it says so.
    pub(crate) async fn start(answer: impl Fn(&str) -> (Vec<u8>, bool) + Send + Sync + 'static) -> Self {
        let listener = TcpListener::bind(("127.0.0.1", 0)).await.unwrap();
        let address = listener.local_addr().unwrap();
        let (heads, connections, answer) = (Arc::default(), Arc::<Mutex<u32>>::default(), Arc::new(answer));
        let (kept, counted) = (Arc::clone(&heads), Arc::clone(&connections));
        let listening = tokio::spawn(async move {
            let mut serving = tokio::task::JoinSet::new();
            while let Ok((stream, _)) = listener.accept().await {
                *counted.lock().unwrap() += 1;
                serving.spawn(serve(stream, Arc::clone(&kept), Arc::clone(&answer)));
            }
        });
        Self { address, heads, connections, listening }
    }

    pub(crate) fn base(&self) -> String {
        format!("http://{}", self.address)
    }

    pub(crate) fn count(&self) -> usize {
        self.heads.lock().unwrap().len()
    }
}

impl Drop for RawServer {
    fn drop(&mut self) {
        self.listening.abort();
    }
}

async fn serve(
    mut stream: TcpStream,
    heads: Arc<Mutex<Vec<String>>>,
    answer: Arc<impl Fn(&str) -> (Vec<u8>, bool) + Send + Sync>,
) {
    let mut bytes = Vec::new();
    loop {
        let end = loop {
            if let Some(end) = bytes.windows(4).position(|window| window == b"\r\n\r\n") {
                break end + 4;
            }
            if stream.read_buf(&mut bytes).await.unwrap_or(0) == 0 {
                return;
            }
        };
        let head = String::from_utf8(bytes.drain(..end).collect()).unwrap();
        let length =
            head.lines().find_map(|line| line.to_ascii_lowercase().strip_prefix("content-length: ")?.parse().ok());
        let length: usize = length.unwrap_or(0);
        while bytes.len() < length {
            if stream.read_buf(&mut bytes).await.unwrap_or(0) == 0 {
                return;
            }
        }
        bytes.drain(..length);
        let (response, close) = answer(&head);
        heads.lock().unwrap().push(head);
        if stream.write_all(&response).await.is_err() || close {
            return;
        }
    }
}

/// A whole response of HTTP/1.1.
pub(crate) fn raw(status: &str, headers: &str, body: &[u8]) -> Vec<u8> {
    let mut bytes = format!("HTTP/1.1 {status}\r\nContent-Length: {}\r\n{headers}\r\n", body.len()).into_bytes();
    bytes.extend_from_slice(body);
    bytes
}
