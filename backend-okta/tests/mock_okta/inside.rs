//! The mock without sockets, for runs in virtual time: a minute of Okta's windows takes no time.

use std::io::ErrorKind;
use std::sync::Arc;

use async_trait::async_trait;
use backend_okta::{OktaConfig, OktaDirectory};
use bytes::Bytes;
use http::{Request, Response};
use identity_core::directory::{AccountEnumerator as _, Scope};
use identity_core::http::{Transport, TransportFault};
use identity_core::limits::clock;
use testkit::mock_okta::{Bucket, InProcess, MockOkta, Status};

use crate::stage::{account_id, list, of, reaching};

/// Carries requests to the mock in the process.
#[derive(Debug)]
struct Inside(InProcess);

#[async_trait]
impl Transport for Inside {
    async fn send(&self, request: Request<Bytes>) -> Result<Response<Bytes>, TransportFault> {
        self.0.send(request).await.map_err(|error| match error.kind() {
            ErrorKind::AddrNotAvailable => TransportFault::NotSent(error.to_string()),
            _ => TransportFault::NoAnswer(error.to_string()),
        })
    }
}

/// A configuration of the mock's org in the process, that says nothing of how to sign in.
pub(crate) fn reaching_inside(mock: &MockOkta) -> OktaConfig {
    reaching(mock).transport(Arc::new(Inside(mock.in_process())))
}

/// The same, with the API token.
pub(crate) fn config(mock: &MockOkta) -> OktaConfig {
    reaching_inside(mock).api_token(mock.api_token().into())
}

pub(crate) async fn connect(config: OktaConfig) -> Arc<OktaDirectory> {
    OktaDirectory::connect(config).await.unwrap()
}

#[tokio::test(start_paused = true)]
async fn many_look_ups_keep_to_the_bucket_of_single_reads_and_nothing_is_refused() {
    // Of 300 single reads a minute the token has a half, and the run uses all of it.
    let mock = of(700).limit(Bucket::User, 300).build();
    let directory = connect(config(&mock).share(1.0)).await;
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
