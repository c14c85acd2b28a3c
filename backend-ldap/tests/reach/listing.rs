//! Listings that break are begun again, whole and without an entry twice.

use std::collections::HashSet;

use futures::StreamExt;
use identity_core::account::AccountId;
use identity_core::directory::{AccountEnumerator, AccountQuery, Directory};
use testkit::fault::{Fault, When};

use crate::stage::{NEVER, SIZE, config, connect, lose, mock};

#[tokio::test(flavor = "multi_thread")]
async fn a_listing_whose_controller_is_lost_is_begun_again_on_another_one() {
    let pdc = mock().start().await.expect("starts");
    let second = pdc.replica(NEVER).await.expect("starts");
    let directory = connect(config(&[&pdc, &second]).page_size(40)).await;
    let mut listing = directory.accounts(&AccountQuery::everyone());
    let mut seen: Vec<AccountId> = Vec::new();
    while seen.len() < 100 {
        seen.push(listing.next().await.expect("more").expect("an account").id);
    }
    lose(&pdc);
    while let Some(account) = listing.next().await {
        seen.push(account.expect("mended").id);
    }
    assert_eq!(seen.len(), usize::try_from(SIZE).expect("small"));
    assert_eq!(seen.iter().collect::<HashSet<_>>().len(), seen.len(), "none twice");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_listing_that_breaks_again_and_again_is_an_error_in_the_end() {
    let pdc = mock().start().await.expect("starts");
    let directory = connect(config(&[&pdc]).page_size(40)).await;
    let mut listing = directory.accounts(&AccountQuery::everyone());
    assert!(listing.next().await.expect("the first").is_ok());
    pdc.add_fault(When::read(), Fault::CutBeforeApply);
    let rest: Vec<_> = listing.collect().await;
    let error = rest.last().expect("not short in silence").as_ref().expect_err("an error");
    assert!(error.is_temporary(), "{error:?}");
    assert!(rest.len() < usize::try_from(SIZE).expect("small"));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_page_that_is_refused_is_halved_and_the_listing_is_whole() {
    let pdc = mock().start().await.expect("starts");
    let directory = connect(config(&[&pdc]).page_size(100)).await;
    let searches = pdc.counts().searches;
    pdc.add_fault(When::read().times(2), Fault::TruncatedPage);
    let listed: Vec<_> = directory.accounts(&AccountQuery::everyone()).collect().await;
    let ids: HashSet<AccountId> = listed.into_iter().map(|account| account.expect("whole").id).collect();
    assert_eq!(ids.len(), usize::try_from(SIZE).expect("small"));
    assert_eq!(pdc.counts().searches - searches, 2 + SIZE.div_ceil(25), "pages of 25 from then on");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_page_is_never_asked_for_above_the_controllers_own_limit() {
    let pdc = mock().max_page_size(30).start().await.expect("starts");
    let directory = connect(config(&[&pdc]).page_size(500)).await;
    let listed: Vec<_> = directory.accounts(&AccountQuery::everyone()).collect().await;
    assert_eq!(listed.into_iter().filter(Result::is_ok).count(), usize::try_from(SIZE).expect("small"));
    let findings = directory.preflight().await.expect("reads").findings;
    assert!(findings.iter().any(|finding| finding.text.contains("pages of 30 at most")), "{findings:?}");
}
