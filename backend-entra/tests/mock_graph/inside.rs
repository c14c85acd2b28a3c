//! The mock without sockets, for runs in virtual time.

use std::io::ErrorKind;
use std::sync::Arc;

use async_trait::async_trait;
use backend_entra::{EntraConfig, EntraDirectory};
use bytes::Bytes;
use http::uri::Scheme;
use http::{Request, Response, Uri};
use identity_core::account::DirectoryId;
use identity_core::http::{Transport, TransportFault};
use testkit::mock_graph::{InProcess, MockGraph};

/// Carries requests to the mock in the process. They are written as HTTPS, since nothing else may go
/// to another machine, and the mock speaks plain HTTP; so do the links in its answers.
#[derive(Debug)]
struct Inside(InProcess);

#[async_trait]
impl Transport for Inside {
    async fn send(&self, mut request: Request<Bytes>) -> Result<Response<Bytes>, TransportFault> {
        let mut parts = request.uri().clone().into_parts();
        parts.scheme = Some(Scheme::HTTP);
        *request.uri_mut() = Uri::from_parts(parts).unwrap();
        let answer = self.0.send(request).await.map_err(|error| match error.kind() {
            ErrorKind::AddrNotAvailable => TransportFault::NotSent(error.to_string()),
            _ => TransportFault::NoAnswer(error.to_string()),
        })?;
        Ok(answer.map(|body| match std::str::from_utf8(&body) {
            Ok(text) if text.contains(GRAPH) => text.replace(GRAPH, &secure(GRAPH)).into(),
            _ => body,
        }))
    }
}

/// Where the mock says that it is.
const GRAPH: &str = "http://graph.mock.test/";

fn secure(url: &str) -> String {
    url.replace("http://", "https://")
}

/// A configuration of the mock's tenant in the process.
pub(crate) fn config(mock: &MockGraph) -> EntraConfig {
    EntraConfig::new(DirectoryId::new("cloud").unwrap(), mock.tenant_id().to_string())
        .login_url(secure(mock.login_url()))
        .graph_url(secure(mock.graph_url()))
        .client_secret(mock.client_id().to_string(), mock.client_secret().unwrap().into())
        .transport(Arc::new(Inside(mock.in_process())))
}

pub(crate) async fn connect(config: EntraConfig) -> Arc<EntraDirectory> {
    EntraDirectory::connect(config).await.unwrap()
}
