//! Without sockets, in virtual time: a minute of Okta's windows takes no time.

use std::io::ErrorKind;
use std::sync::Arc;

use async_trait::async_trait;
use backend_okta::{OktaConfig, OktaDirectory};
use bytes::Bytes;
use http::uri::Scheme;
use http::{HeaderValue, Request, Response, Uri, header};
use identity_core::account::DirectoryId;
use identity_core::directory::{AccountEnumerator as _, Scope};
use identity_core::http::{Transport, TransportFault};
use identity_core::limits::clock;
use testkit::mock_okta::{Bucket, InProcess, MockOkta, Status};

use crate::stage::{account_id, list, of};

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
        let mut answer = self.0.send(request).await.map_err(|error| match error.kind() {
            ErrorKind::AddrNotAvailable => TransportFault::NotSent(error.to_string()),
            _ => TransportFault::NoAnswer(error.to_string()),
        })?;
        if let header::Entry::Occupied(mut links) = answer.headers_mut().entry(header::LINK) {
            for link in links.iter_mut() {
                *link = HeaderValue::from_str(&secure(link.to_str().unwrap())).unwrap();
            }
        }
        Ok(answer)
    }
}

fn secure(url: &str) -> String {
    url.replace("http://", "https://")
}

pub(crate) async fn inside(mock: &MockOkta) -> Arc<OktaDirectory> {
    let config = OktaConfig::new(DirectoryId::new("org").unwrap(), secure(mock.url()));
    let config = config.api_token(mock.api_token().into()).share(1.0).transport(Arc::new(Inside(mock.in_process())));
    OktaDirectory::connect(config).await.unwrap()
}

#[tokio::test(start_paused = true)]
async fn many_look_ups_keep_to_the_bucket_of_single_reads_and_nothing_is_refused() {
    // Of 300 single reads a minute the token has a half, and the run uses all of it.
    let mock = of(700).limit(Bucket::User, 300).build();
    let directory = inside(&mock).await;
    let listed = list(&directory, Scope::Everyone).await.unwrap();
    let expected = mock.users().filter(|user| user.status() != Status::Deprovisioned).count();
    assert_eq!(listed.len(), expected);
    let begun = clock::instant();
    let ids: Vec<_> = mock.users().take(600).map(|user| account_id(&user.id)).collect();
    for ids in ids.chunks(100) {
        assert!(directory.lookup(ids).await.unwrap().iter().all(Option::is_some));
    }
    let minutes = begun.elapsed().as_secs() / 60;
    assert!((3..=5).contains(&minutes), "600 reads of 150 a minute took {minutes} minutes");
    assert_eq!((mock.counts().throttled, mock.counts().unauthenticated), (0, 0), "{:?}", mock.counts());
    assert!(mock.buckets().iter().all(|used| used.refused == 0), "{:?}", mock.buckets());
}
