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
/// to another machine, and the mock speaks plain HTTP.
#[derive(Debug)]
struct Inside(InProcess);

#[async_trait]
impl Transport for Inside {
    async fn send(&self, mut request: Request<Bytes>) -> Result<Response<Bytes>, TransportFault> {
        let mut parts = request.uri().clone().into_parts();
        parts.scheme = Some(Scheme::HTTP);
        *request.uri_mut() = Uri::from_parts(parts).unwrap();
        self.0.send(request).await.map_err(|error| match error.kind() {
            ErrorKind::AddrNotAvailable => TransportFault::NotSent(error.to_string()),
            _ => TransportFault::NoAnswer(error.to_string()),
        })
    }
}

/// A configuration of the mock's tenant in the process. Links that the mock gives lead nowhere: it
/// does not know that it is asked over HTTPS.
pub(crate) fn config(mock: &MockGraph) -> EntraConfig {
    let secure = |url: &str| url.replace("http://", "https://");
    EntraConfig::new(DirectoryId::new("cloud").unwrap(), mock.tenant_id().to_string())
        .login_url(secure(mock.login_url()))
        .graph_url(secure(mock.graph_url()))
        .client_secret(mock.client_id().to_string(), mock.client_secret().unwrap().into())
        .transport(Arc::new(Inside(mock.in_process())))
}

pub(crate) async fn connect(config: EntraConfig) -> Arc<EntraDirectory> {
    EntraDirectory::connect(config).await.unwrap()
}
