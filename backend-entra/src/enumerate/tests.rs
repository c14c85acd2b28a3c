use super::*;
use crate::canned::{Canned, config, connected, directory, reply, with_header};

const NOBODY: &str = r#"{"value":[]}"#;
const GRAPH: &str = "https://graph.microsoft.com/v1.0/users?$skiptoken=";

fn row(number: u32) -> String {
    format!(
        r#"{{"id":"00000000-0000-4000-8000-{number:012}","userPrincipalName":"u{number}@managed.test","accountEnabled":true}}"#
    )
}

/// A page of these rows, with a link to the next one.
fn page(numbers: &[u32], next: Option<&str>) -> String {
    let rows: Vec<String> = numbers.iter().copied().map(row).collect();
    let next = next.map(|token| format!(r#","@odata.nextLink":"{GRAPH}{token}""#)).unwrap_or_default();
    format!(r#"{{"value":[{}]{next}}}"#, rows.join(","))
}

async fn names(directory: &EntraDirectory, scope: Scope) -> Result<Vec<String>> {
    directory.accounts(&AccountQuery::of(scope)).map_ok(|account| account.name).try_collect().await
}

fn expected(numbers: std::ops::RangeInclusive<u32>) -> Vec<String> {
    numbers.map(|number| format!("u{number}@managed.test")).collect()
}

#[tokio::test]
async fn pages_are_followed_as_they_stand_and_empty_ones_survived() {
    let (directory, canned) = directory([
        reply(200, NOBODY),
        reply(200, &page(&[1, 2], Some("A%2Bb%3d"))),
        reply(200, &page(&[], Some("B"))),
        reply(200, &page(&[3, 2], None)),
    ])
    .await;
    let listing = directory.accounts(&AccountQuery::everyone());
    assert!(canned.sent().is_empty(), "nothing is sent before the stream is polled");
    let listed: Vec<String> = listing.map_ok(|account| account.name).try_collect().await.unwrap();
    assert_eq!(listed, expected(1..=3));
    let sent = canned.sent();
    assert!(
        sent[1].target.contains("/v1.0/users?$select=id%2CuserPrincipalName") && sent[1].target.ends_with("&$top=999")
    );
    assert_eq!(sent[2].target, format!("{GRAPH}A%2Bb%3d"));
    assert!(sent.iter().all(|sent| sent.headers["authorization"] == "Bearer t0k3n" && sent.method == "GET"));
    assert!(sent.iter().all(|sent| sent.headers.contains_key("client-request-id") && sent.body.is_empty()));
}

#[tokio::test]
async fn a_listing_that_is_not_whole_begins_anew_and_then_is_an_error() {
    let broken = r#"{"value":[{"id":7}]}"#;
    let (directory, canned) = directory([
        reply(200, NOBODY),
        reply(200, &page(&[1, 2], Some("A"))),
        reply(200, broken),
        reply(200, &page(&[2, 1], Some("A2"))),
        reply(200, &page(&[3], None)),
    ])
    .await;
    assert_eq!(names(&directory, Scope::Everyone).await.unwrap(), expected(1..=3));
    assert_eq!(canned.left(), 0);
    for _ in 0..2 {
        let answers = std::iter::once(reply(200, NOBODY)).chain((0..3).map(|_| reply(200, broken)));
        let (directory, canned) = connected(config(), answers).await;
        let error = names(&directory, Scope::Everyone).await.unwrap_err();
        assert_eq!((error.kind(), canned.left()), (ErrorKind::Protocol, 0), "{error}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_page_that_ends_too_early_is_read_again() {
    let (directory, canned) = directory([
        reply(200, NOBODY),
        reply(200, &page(&[1, 2], Some("A"))),
        reply(200, r#"{"value":[{"id":"#),
        reply(200, &page(&[3], None)),
    ])
    .await;
    assert_eq!(names(&directory, Scope::Everyone).await.unwrap(), expected(1..=3));
    assert_eq!(canned.left(), 0);
}

#[tokio::test(start_paused = true)]
async fn a_place_that_has_expired_begins_anew() {
    let expired =
        r#"{"error":{"code":"Directory_ExpiredPageToken","message":"The specified page token value has expired."}}"#;
    let (directory, _) = directory([
        reply(200, NOBODY),
        reply(200, &page(&[1], Some("A"))),
        reply(400, expired),
        reply(200, &page(&[1, 2], None)),
    ])
    .await;
    assert_eq!(names(&directory, Scope::Everyone).await.unwrap(), expected(1..=2));
}

#[tokio::test]
async fn a_circle_of_links_and_a_link_to_elsewhere_are_errors() {
    let circle = || [reply(200, &page(&[1], Some("A"))), reply(200, &page(&[2], Some("A")))];
    let answers = [reply(200, NOBODY)].into_iter().chain(circle()).chain(circle()).chain(circle());
    let (in_circles, _) = connected(config(), answers).await;
    let error = names(&in_circles, Scope::Everyone).await.unwrap_err();
    assert!(error.detail().contains("circle"), "{error}");
    assert_eq!(error.directory().unwrap().as_str(), "cloud");

    let elsewhere = r#"{"value":[],"@odata.nextLink":"https://evil.test/v1.0/users?$skiptoken=x"}"#;
    let answers = [reply(200, NOBODY)].into_iter().chain((0..3).map(|_| reply(200, elsewhere)));
    let (directory, canned) = connected(config(), answers).await;
    let error = names(&directory, Scope::Everyone).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Protocol);
    assert!(canned.sent().iter().all(|sent| sent.target.starts_with("https://graph.microsoft.com/")));
}

#[tokio::test]
async fn a_filter_goes_as_it_is_and_a_refused_one_is_explained() {
    let (directory, canned) = directory([
        reply(200, NOBODY),
        reply(200, &page(&[1], None)),
        reply(400, r#"{"error":{"code":"Request_UnsupportedQuery","message":"Unsupported query."}}"#),
    ])
    .await;
    let filter = "department eq 'R&D'";
    assert_eq!(names(&directory, Scope::Native(filter.into())).await.unwrap(), expected(1..=1));
    assert!(canned.sent()[1].target.ends_with("&$filter=department%20eq%20%27R%26D%27"), "{}", canned.sent()[1].target);
    let error = names(&directory, Scope::Native("city ne null".into())).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::InputInvalid);
    assert!(error.advice().unwrap().contains("advanced query"), "{error}");
    let error = names(&directory, Scope::Native(" ".into())).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::InputInvalid);
    let error = names(&directory, Scope::Unit("OU=x".into())).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Unsupported);
}

#[tokio::test]
async fn who_synchronises_is_known_by_the_role_whatever_the_name() {
    let holder = r#"{"value":[{"principalId":"00000000-0000-4000-8000-000000000002"}]}"#;
    let (directory, canned) = directory([reply(200, holder), reply(200, &page(&[1, 2], None))]).await;
    let kinds: Vec<_> =
        directory.accounts(&AccountQuery::everyone()).map_ok(|account| account.kind).try_collect().await.unwrap();
    use identity_core::account::AccountKind;
    assert_eq!(kinds, [AccountKind::Person, AccountKind::DirectorySync]);
    assert!(canned.sent()[0].target.contains("d29b2b05-8046-44ba-8758-1e26182fcf32"));
}

#[tokio::test]
async fn sign_in_times_are_read_in_pages_of_500() {
    let (directory, canned) = connected(config().sign_in_times(), [reply(200, NOBODY), reply(200, NOBODY)]).await;
    assert!(names(&directory, Scope::Everyone).await.unwrap().is_empty());
    let target = &canned.sent()[1].target;
    assert!(target.contains("%2CsignInActivity") && target.ends_with("&$top=500"), "{target}");
}

#[tokio::test(start_paused = true)]
async fn a_refusal_for_pace_is_waited_out() {
    let busy = || reply(429, r#"{"error":{"code":"TooManyRequests","message":"Please retry again later."}}"#);
    let answers = [reply(200, NOBODY), with_header(busy(), "retry-after", "10"), reply(200, &page(&[1], None))];
    let (directory, _) = connected(config(), answers).await;
    let begun = identity_core::limits::clock::instant();
    assert_eq!(names(&directory, Scope::Everyone).await.unwrap(), expected(1..=1));
    assert!(begun.elapsed().as_secs() >= 10);
}

#[tokio::test]
async fn a_refused_sign_in_is_tried_once() {
    let refused = r#"{"error":"invalid_client","error_description":"AADSTS7000215: Invalid client secret.","error_codes":[7000215],"trace_id":"t-1"}"#;
    let canned = Canned::new([reply(401, refused), reply(401, refused)]);
    let error = EntraDirectory::connect(config().transport(canned.clone())).await.unwrap_err();
    assert_eq!((error.kind(), canned.left()), (ErrorKind::Unauthenticated, 1), "{error}");
    assert!(error.advice().unwrap().contains("secret is wrong"), "{error}");
    assert!(!format!("{error:?}").contains("planted-secret"));
    let sent = &canned.sent()[0];
    assert_eq!(sent.target, "https://login.microsoftonline.com/managed.test/oauth2/v2.0/token");
    let body = String::from_utf8(sent.body.to_vec()).unwrap();
    assert!(body.contains("scope=https%3A%2F%2Fgraph.microsoft.com%2F.default"), "{body}");
}
