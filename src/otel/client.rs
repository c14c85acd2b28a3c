//! The HTTP client that sends: the one reqwest of the tree, in the runtime of the run.

use std::time::Duration;

use async_trait::async_trait;
use bytes::Bytes;
use http::{Request, Response, Uri};
use opentelemetry_http::{HttpClient, HttpError};
use tokio::runtime::Handle;

/// No collector is waited for longer.
const PATIENCE: Duration = Duration::from_secs(10);

/// The SDK calls it from threads of its own, where no runtime is: it sends in the one it was made in.
#[derive(Clone, Debug)]
pub(super) struct Client {
    client: reqwest::Client,
    runtime: Handle,
}

impl Client {
    pub(super) fn new() -> Result<Self, String> {
        let runtime = Handle::try_current().map_err(|_| "there is no tokio runtime to send in".to_owned())?;
        let client = reqwest::Client::builder().timeout(PATIENCE).redirect(reqwest::redirect::Policy::none());
        Ok(Self { client: client.build().map_err(|fault| fault.to_string())?, runtime })
    }
}

/// Whether it can be sent to.
pub(super) fn check(url: &str) -> Result<(), String> {
    let uri: Uri = url.parse().map_err(|fault| format!("{fault}"))?;
    let host = uri.host().unwrap_or_default();
    match uri.scheme_str() {
        Some("https") if !host.is_empty() => Ok(()),
        Some("http") if matches!(host, "127.0.0.1" | "[::1]" | "localhost") => Ok(()),
        Some("http") => Err("plain http goes to this machine only".to_owned()),
        _ => Err("it is neither https:// nor http://".to_owned()),
    }
}

#[async_trait]
impl HttpClient for Client {
    async fn send_bytes(&self, request: Request<Bytes>) -> Result<Response<Bytes>, HttpError> {
        let client = self.client.clone();
        let sent = self.runtime.spawn(async move {
            let answer = client.execute(request.try_into()?).await?;
            let mut response = Response::builder().status(answer.status());
            if let Some(headers) = response.headers_mut() {
                headers.clone_from(answer.headers());
            }
            Ok::<_, HttpError>(response.body(answer.bytes().await?)?)
        });
        sent.await?
    }
}

#[cfg(test)]
mod tests {
    use super::check;

    #[test]
    fn plain_http_goes_to_this_machine_only() {
        for good in ["https://collector.example:4318", "http://127.0.0.1:4318", "http://[::1]:4318", "http://localhost"]
        {
            assert_eq!(check(good), Ok(()), "{good}");
        }
        for bad in ["http://collector.example:4318", "collector:4318", "", "ftp://x", "http://127.0.0.1.example/"] {
            assert!(check(bad).is_err(), "{bad}");
        }
    }
}
