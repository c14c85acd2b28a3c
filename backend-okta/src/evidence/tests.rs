use super::*;
use crate::canned::{DENIED, ME, directory, reply, with_header};
use identity_core::directory::Directory as _;

fn at(text: &str) -> Timestamp {
    text.parse().unwrap()
}

async fn read(answers: Vec<crate::canned::Answer>) -> (Result<Vec<AuditEvent>>, Vec<String>) {
    let (directory, canned) = directory(answers).await;
    let log = directory.audit_log().unwrap();
    let events = log.events(at("2026-01-02T03:04:05Z"), at("2026-01-02T03:24:05.5Z")).try_collect().await;
    (events, canned.sent().iter().map(|sent| sent.target.to_string()).collect())
}

const WHOLE: &str = r#"{"uuid":"u-1","published":"2026-01-02T03:04:06.789Z","eventType":"user.account.reset_password",
  "version":"0","severity":"INFO","displayMessage":"x","actor":{"id":"0oa1","type":"PublicClientApp","alternateId":"unknown","displayName":"resetter"},
  "client":{"ipAddress":"192.0.2.7","zone":null},"outcome":{"result":"SUCCESS","reason":null},
  "target":[{"id":"0pw1","type":"Policy"},{"id":"00u1","type":"User","alternateId":"a@example.test"},{"id":"00u1","type":"User"}],
  "transaction":{"type":"WEB","id":"t-1","detail":{}},"debugContext":{"debugData":{"requestId":"r-1","requestUri":"/x"}}}"#;
const BARE: &str = r#"{"uuid":"u-2","published":"2026-01-02T03:04:06Z","eventType":"a.word.that.is.new","actor":null,
  "outcome":{"result":"FAILURE","reason":"INVALID"},"target":null,"transaction":{"id":"r-2"},"debugContext":{"debugData":{"requestId":"r-2"}}}"#;

#[tokio::test(start_paused = true)]
async fn pages_of_a_bounded_query_are_followed_and_events_read() {
    let next = "https://acme.okta.test/api/v1/logs?after=x%2By";
    let first = with_header(reply(200, &format!("[{WHOLE}]")), "link", &format!("<{next}>; rel=\"next\""));
    let (events, sent) = read(vec![first, reply(200, &format!("[{BARE}]"))]).await;
    let events = events.unwrap();
    let (whole, bare) = (&events[0], &events[1]);
    assert_eq!((whole.id.as_str(), whole.at), ("u-1", at("2026-01-02T03:04:06.789Z")));
    assert_eq!(whole.request_ids, ["t-1", "r-1"]);
    assert_eq!(whole.actor, Actor::new("0oa1").named("resetter"));
    assert_eq!(whole.accounts.iter().map(AccountId::as_str).collect::<Vec<_>>(), ["00u1"]);
    assert_eq!((whole.success, whole.address.as_deref()), (true, Some("192.0.2.7")));
    assert_eq!(
        (bare.success, bare.detail.as_deref(), bare.request_ids.as_slice()),
        (false, Some("INVALID"), &["r-2".to_owned()][..])
    );
    assert!(bare.accounts.is_empty());
    assert_eq!(sent[1], next);
    let query = "/api/v1/logs?since=2026-01-02T03%3A04%3A05.000Z&until=2026-01-02T03%3A24%3A05.500Z&limit=1000&filter=eventType%20eq%20%22";
    assert!(sent[0].contains(query), "{}", sent[0]);
    assert!(sent[0].len() < 4_096, "a proxy may refuse {} characters", sent[0].len());
}

#[tokio::test(start_paused = true)]
async fn without_the_permission_the_error_says_what_to_grant() {
    let (events, _) = read(vec![reply(403, DENIED)]).await;
    let error = events.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::InsufficientPrivilege);
    assert!(error.advice().unwrap().contains("okta.logs.read"), "{error:?}");
}

#[tokio::test(start_paused = true)]
async fn a_page_that_is_not_whole_is_an_error() {
    let (events, _) = read(vec![reply(200, r#"[{"uuid":"u-1"}]"#)]).await;
    assert_eq!(events.unwrap_err().kind(), ErrorKind::Protocol);
}

#[tokio::test(start_paused = true)]
async fn what_an_action_leaves_is_asked_for_and_the_caller_is_the_actor() {
    let (directory, _) = directory([]).await;
    assert_eq!(AuditLog::actor(directory.as_ref()).as_deref(), Some(ME));
    let can = directory.capabilities();
    for action in Action::ALL {
        let left = ASKED.iter().filter(|word| shows(word, action)).count();
        // Refused in the plan although it can set passwords: what would it leave?
        let leaves = can.can(action) || action == Action::SetPassword { must_change: true };
        assert_eq!(left > 0, leaves, "{action}");
    }
    assert_eq!(ASKED.iter().collect::<std::collections::BTreeSet<_>>().len(), ASKED.len());
}
