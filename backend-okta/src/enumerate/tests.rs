use super::*;
use crate::OktaConfig;
use crate::canned::{Answer, DENIED, config, connected, directory, reply, with_header};
use proptest::prelude::*;

const USERS_URL: &str = "https://acme.okta.test/api/v1/users";

pub(crate) fn id(number: u32) -> String {
    format!("00u{number:017}")
}

/// A user with a password of Okta's.
pub(crate) fn row(number: u32) -> String {
    format!(
        r#"{{"id":"{}","status":"ACTIVE","profile":{{"login":"u{number}@example.test"}},"credentials":{{"password":{{}},"provider":{{"type":"OKTA","name":"OKTA"}}}}}}"#,
        id(number)
    )
}

pub(crate) fn page(numbers: &[u32]) -> String {
    let rows: Vec<String> = numbers.iter().copied().map(row).collect();
    format!("[{}]", rows.join(","))
}

/// The answer, with links to itself and to the next page, each in a line of its own.
pub(crate) fn with_next(answer: Answer, next: &str) -> Answer {
    let own = with_header(answer, "link", &format!(r#"<{USERS_URL}?limit=200>; rel="self""#));
    with_header(own, "link", &format!(r#"<{next}>; rel="next""#))
}

pub(crate) async fn names(directory: &OktaDirectory, scope: Scope) -> Result<Vec<String>> {
    directory.accounts(&AccountQuery::of(scope)).map_ok(|account| account.name).try_collect().await
}

fn expected(numbers: impl IntoIterator<Item = u32>) -> Vec<String> {
    numbers.into_iter().map(|number| format!("u{number}@example.test")).collect()
}

fn cursor(after: &str) -> String {
    format!("{USERS_URL}?after={after}&limit=200")
}

#[tokio::test(start_paused = true)]
async fn pages_are_followed_as_they_stand_and_repeated_rows_and_a_last_page_that_names_itself_survived() {
    let (second, third) = (cursor("a%2Bb+c%2f"), cursor("d"));
    let (directory, canned) = directory([
        with_next(reply(200, &page(&[1, 2])), &second),
        // Short, with a row that was there already.
        with_next(reply(200, &page(&[2, 3])), &third),
        with_next(reply(200, "[]"), &third),
    ])
    .await;
    let listing = directory.accounts(&AccountQuery::everyone());
    assert!(canned.sent().is_empty(), "nothing is sent before the stream is polled");
    let listed: Vec<String> = listing.map_ok(|account| account.name).try_collect().await.unwrap();
    assert_eq!(listed, expected(1..=3));
    let sent = canned.sent();
    let targets: Vec<&str> = sent.iter().map(|sent| sent.target.as_str()).collect();
    assert_eq!(targets, [&format!("{USERS_URL}?limit=200"), &second, &third]);
    let lean = r#"application/json; okta-response="omitCredentialsLinks, omitTransitioningToStatus""#;
    assert!(sent.iter().all(|sent| sent.headers["content-type"] == lean && sent.method == "GET"));
    assert!(sent.iter().all(|sent| sent.body.is_empty() && sent.headers["authorization"] == "SSWS planted-token"));
}

#[tokio::test(start_paused = true)]
async fn an_empty_page_in_the_middle_ends_nothing() {
    let (directory, canned) = directory([
        with_next(reply(200, "[]"), &cursor("a")),
        with_next(reply(200, &page(&[1])), &cursor("b")),
        reply(200, &page(&[2])),
    ])
    .await;
    assert_eq!(names(&directory, Scope::Everyone).await.unwrap(), expected(1..=2));
    assert_eq!(canned.left(), 0);
}

#[tokio::test(start_paused = true)]
async fn a_listing_that_is_not_whole_begins_anew_and_then_is_an_error() {
    let broken = r#"[{"id":7}]"#;
    let (directory, canned) = directory([
        with_next(reply(200, &page(&[1, 2])), &cursor("a")),
        reply(200, broken),
        with_next(reply(200, &page(&[2, 1])), &cursor("b")),
        reply(200, &page(&[3])),
    ])
    .await;
    assert_eq!(names(&directory, Scope::Everyone).await.unwrap(), expected(1..=3));
    assert_eq!(canned.left(), 0);
    let (directory, canned) = connected(config(), (0..3).map(|_| reply(200, broken))).await;
    let error = names(&directory, Scope::Everyone).await.unwrap_err();
    assert_eq!((error.kind(), canned.left()), (ErrorKind::Protocol, 0), "{error}");
}

#[tokio::test(start_paused = true)]
async fn a_page_that_ends_too_early_is_read_again() {
    let (directory, canned) = directory([
        with_next(reply(200, &page(&[1, 2])), &cursor("a")),
        reply(200, r#"[{"id":"#),
        reply(200, &page(&[3])),
    ])
    .await;
    assert_eq!(names(&directory, Scope::Everyone).await.unwrap(), expected(1..=3));
    assert_eq!(canned.left(), 0);
}

#[tokio::test(start_paused = true)]
async fn a_cursor_that_is_no_longer_good_begins_anew_and_a_refused_search_does_not() {
    let bad = r#"{"errorCode":"E0000001","errorSummary":"Api validation failed: after","errorLink":"E0000001","errorId":"oae1","errorCauses":[]}"#;
    let (directory, canned) = directory([
        with_next(reply(200, &page(&[1])), &cursor("a")),
        reply(400, bad),
        reply(200, &page(&[1, 2])),
        reply(400, bad),
    ])
    .await;
    assert_eq!(names(&directory, Scope::Everyone).await.unwrap(), expected(1..=2));
    assert_eq!(names(&directory, Scope::Everyone).await.unwrap_err().kind(), ErrorKind::InputInvalid);
    assert_eq!(canned.left(), 0);
}

#[tokio::test(start_paused = true)]
async fn a_circle_of_links_and_a_link_to_elsewhere_are_errors() {
    let circle = |number| with_next(reply(200, &page(&[number])), &cursor("a"));
    let (in_circles, _) = connected(config(), (0..9).map(circle)).await;
    let error = names(&in_circles, Scope::Everyone).await.unwrap_err();
    assert!(error.detail().contains("circle"), "{error}");
    assert_eq!(error.directory().unwrap().as_str(), "okta");
    for elsewhere in [
        "https://evil.test/api/v1/users?after=x",
        "https://acme.okta.test.evil.test/api/v1/users?after=x",
        "http://acme.okta.test/api/v1/users?after=x",
        "/api/v1/users?after=x",
    ] {
        let page = || with_next(reply(200, &page(&[1])), elsewhere);
        let (directory, canned) = directory((0..3).map(|_| page())).await;
        let error = names(&directory, Scope::Everyone).await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Protocol, "{elsewhere}");
        assert!(canned.sent().iter().all(|sent| sent.target.starts_with("https://acme.okta.test/")), "{elsewhere}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_link_that_cannot_be_read_does_not_end_the_listing_in_silence() {
    let page = || with_header(reply(200, &page(&[1])), "link", "https://acme.okta.test/api/v1/users?after=x; rel=next");
    let (directory, canned) = directory((0..3).map(|_| page())).await;
    let error = names(&directory, Scope::Everyone).await.unwrap_err();
    assert_eq!((error.kind(), canned.left()), (ErrorKind::Protocol, 0), "{error}");
}

#[tokio::test(start_paused = true)]
async fn a_search_goes_as_it_is_and_a_refused_one_is_explained() {
    let refused = r#"{"errorCode":"E0000031","errorSummary":"Invalid search criteria.","errorLink":"E0000031","errorId":"oae1","errorCauses":[]}"#;
    let (directory, canned) = directory([reply(200, &page(&[1])), reply(400, refused)]).await;
    let search = r#"profile.department eq "R&D""#;
    assert_eq!(names(&directory, Scope::Native(search.into())).await.unwrap(), expected([1]));
    let target = &canned.sent()[0].target;
    assert!(target.ends_with("?limit=200&search=profile.department%20eq%20%22R%26D%22"), "{target}");
    let error = names(&directory, Scope::Native("x ne 1".into())).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::InputInvalid, "{error}");
    assert!(error.advice().unwrap().contains("there is no ne"), "{error}");
    let error = names(&directory, Scope::Native(" ".into())).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::InputInvalid);
    let error = names(&directory, Scope::Unit("OU=x".into())).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Unsupported);
    assert_eq!(canned.left(), 0);
}

fn gone(number: u32) -> String {
    row(number).replace("ACTIVE", "DEPROVISIONED")
}

#[tokio::test(start_paused = true)]
async fn who_was_deactivated_is_listed_on_request_only() {
    let both = || reply(200, &format!("[{},{}]", row(1), gone(2)));
    // A search finds them and was not asked to; then one that was.
    let (directory, _) = directory([both(), both()]).await;
    assert_eq!(names(&directory, Scope::Native("profile.city pr".into())).await.unwrap(), expected([1]));
    let asked = r#"(status eq "ACTIVE" or status eq "deprovisioned")"#;
    assert_eq!(names(&directory, Scope::Native(asked.into())).await.unwrap(), expected(1..=2));
    // The configuration asks for them: the plain listing leaves them out, so they are listed apart.
    let ours: OktaConfig = config().deprovisioned();
    let (directory, canned) = connected(ours, [reply(200, &page(&[1])), reply(200, &format!("[{}]", gone(2)))]).await;
    assert_eq!(names(&directory, Scope::Everyone).await.unwrap(), expected(1..=2));
    let sent = canned.sent();
    assert!(sent[0].target.ends_with("/users?limit=200"), "{}", sent[0].target);
    assert!(sent[1].target.ends_with("?limit=200&filter=status%20eq%20%22DEPROVISIONED%22"), "{}", sent[1].target);
}

#[tokio::test(start_paused = true)]
async fn a_missing_right_is_named() {
    let (directory, _) = directory([reply(403, DENIED)]).await;
    let error = names(&directory, Scope::Everyone).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::InsufficientPrivilege);
    assert!(error.advice().unwrap().contains("okta.users.read"), "{error}");
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    /// However a listing is cut into pages, whatever is repeated, wherever it breaks off twice:
    /// everybody is listed, once, in the order in which they first came.
    #[test]
    fn any_pages_list_everybody_once(
        pages in prop::collection::vec(prop::collection::vec(0_u32..40, 0..6), 1..8),
        breaks in prop::collection::vec(0_usize..8, 0..=2),
        names_itself in any::<bool>(),
    ) {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().start_paused(true).build().unwrap();
        let last = pages.len() - 1;
        let answer = |at: usize| {
            let body = reply(200, &page(&pages[at]));
            match at < last {
                true => with_next(body, &cursor(&format!("p{}", at + 1))),
                false if names_itself && pages[at].is_empty() && at > 0 => with_next(body, &cursor(&format!("p{at}"))),
                false => body,
            }
        };
        let mut answers = Vec::new();
        for stop in breaks {
            // Up to here, and then a page of something else.
            answers.extend((0..stop.min(last)).map(answer));
            answers.push(reply(200, "[7]"));
        }
        answers.extend((0..=last).map(answer));
        let mut once: Vec<u32> = Vec::new();
        for number in pages.iter().flatten() {
            if !once.contains(number) {
                once.push(*number);
            }
        }
        let (listed, left) = runtime.block_on(async {
            let (directory, canned) = directory(answers).await;
            (names(&directory, Scope::Everyone).await, canned.left())
        });
        prop_assert_eq!(listed.unwrap(), expected(once));
        prop_assert_eq!(left, 0);
    }
}
