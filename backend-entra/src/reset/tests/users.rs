//! Orders that are one request on a user.

use std::time::Duration;

use identity_core::account::{Account, AccountKind};
use identity_core::http::TransportFault;
use identity_core::limits::clock;

use super::*;
use crate::canned::with_header;

const SET: Action = Action::SetPassword { must_change: true };

#[tokio::test(start_paused = true)]
async fn each_action_is_one_sensitive_change() {
    let profile = |must_change: bool, with_mfa: bool| {
        json!({ "passwordProfile": {
            "password": PLANTED,
            "forceChangePasswordNextSignIn": must_change,
            "forceChangePasswordNextSignInWithMfa": with_mfa,
        } })
    };
    let user = format!("/users/{}", id(1));
    for (action, method, path, expected) in [
        (SET, "PATCH", "", profile(true, false)),
        (Action::SetPassword { must_change: false }, "PATCH", "", profile(false, false)),
        (Action::SetPasswordChangeAfterMfa, "PATCH", "", profile(true, true)),
        (Action::Scramble, "PATCH", "", profile(false, false)),
        (Action::ExpirePassword, "PATCH", "", json!({ "passwordProfile": { "forceChangePasswordNextSignIn": true } })),
        (Action::Disable, "PATCH", "", json!({ "accountEnabled": false })),
        (Action::RevokeSessions, "POST", "/revokeSignInSessions", json!({})),
    ] {
        let answer = with_header(reply(204, ""), "request-id", "r-1");
        let answer = with_header(answer, "date", "Tue, 24 Nov 2026 10:00:00 GMT");
        let (outcome, sent) = alone(answer, order(1, action)).await;
        assert_eq!(line(&sent), format!("{method} {user}{path}"));
        assert_eq!(body(&sent), expected, "{action}");
        let Outcome::Done(receipt) = outcome else { panic!("{outcome:?}") };
        assert_eq!(receipt.request_id.as_deref(), Some("r-1"));
        assert_eq!(receipt.at, Some("2026-11-24T10:00:00Z".parse().unwrap()));
        assert!(receipt.server_secret.is_none());
    }
}

#[tokio::test(start_paused = true)]
async fn what_graph_cannot_do_is_not_sent() {
    for action in [Action::Unlock, Action::SendRecoveryLink] {
        let (outcomes, sent) = applied([], &[order(1, action)]).await;
        assert_eq!(meaning(&outcomes[0]), (ErrorKind::Unsupported, Status::Permanent));
        assert!(sent.is_empty());
    }
    let bare = Order::new(AccountId::new(id(1)).unwrap(), SET);
    let named = Order::new(AccountId::new("adelev@managed.test").unwrap(), Action::Disable);
    let (outcomes, sent) = applied([], &[bare, named]).await;
    assert_eq!(meaning(&outcomes[0]), (ErrorKind::InputInvalid, Status::Permanent));
    assert_eq!(meaning(&outcomes[1]), (ErrorKind::AccountNotFound, Status::Permanent), "a name could be anybody's");
    assert!(sent.is_empty());
}

#[tokio::test(start_paused = true)]
async fn a_batch_of_twenty_has_twenty_outcomes() {
    let refused = json!({ "error": { "code": "Request_ResourceNotFound", "message": "does not exist" } });
    let parts = (1..=20).rev().filter(|part| *part != 7).map(|part| match part {
        3 => json!({ "id": "3", "status": 404, "body": refused }),
        5 => json!({ "id": "5", "status": 429, "headers": { "retry-after": "9" } }),
        _ => json!({ "id": part.to_string(), "status": 204, "headers": { "request-id": format!("r-{part}") } }),
    });
    let answer = reply(200, &json!({ "responses": parts.collect::<Vec<_>>() }).to_string());
    let (outcomes, sent) = applied([answer], &orders(20, SET)).await;
    assert_eq!(line(&sent[0]), "POST /$batch");
    let requests = body(&sent[0])["requests"].as_array().unwrap().clone();
    assert!(requests.iter().all(|part| part["body"]["passwordProfile"]["password"] == PLANTED));
    for (at, outcome) in outcomes.iter().enumerate() {
        match (at + 1, outcome) {
            (3, Outcome::Refused(error)) => assert_eq!(error.kind(), ErrorKind::AccountNotFound),
            (5, Outcome::Throttled(error)) => assert_eq!(error.retry_after(), Some(Duration::from_secs(9))),
            (7, Outcome::Unknown(_)) => {}
            (part, Outcome::Done(receipt)) if ![3, 5, 7].contains(&part) => {
                assert_eq!(receipt.request_id, Some(format!("r-{part}")));
            }
            (part, outcome) => panic!("{part}: {outcome:?}"),
        }
    }
}

#[tokio::test(start_paused = true)]
async fn a_revocation_that_says_no_is_not_done() {
    for (status, said, done) in [(200, r#"{"value":true}"#, true), (204, "", true), (200, r#"{"value":false}"#, false)]
    {
        let (outcome, _) = alone(reply(status, said), order(1, Action::RevokeSessions)).await;
        assert_eq!(matches!(outcome, Outcome::Done(_)), done, "{said}");
        assert!(done || meaning(&outcome) == (ErrorKind::Unavailable, Status::Temporary));
    }
}

#[tokio::test(start_paused = true)]
async fn an_answer_that_graph_does_not_give_is_not_taken_for_done() {
    let portal = "<html>Sign in to the network</html>";
    for (action, status, said) in [
        (SET, 200, "{}"),
        (SET, 200, portal),
        (SET, 202, ""),
        (Action::Disable, 200, ""),
        (Action::RevokeSessions, 200, portal),
        (Action::RevokeSessions, 200, "{}"),
        (Action::RevokeSessions, 200, r#"{"value":"true"}"#),
        (Action::RevokeSessions, 202, r#"{"value":true}"#),
        (Action::FlagCompromised, 200, "{}"),
        (Action::FlagCompromised, 202, ""),
    ] {
        let (outcome, _) = alone(reply(status, said), order(1, action)).await;
        assert!(matches!(outcome, Outcome::Unknown(_)), "{action} {status} {said}: {outcome:?}");
    }
    let (outcome, _) = alone(reply(200, ""), order(1, Action::RevokeSessions)).await;
    assert!(matches!(outcome, Outcome::Done(_)), "{outcome:?}");
}

#[tokio::test(start_paused = true)]
async fn refusals_mean_what_can_be_done_about_them() {
    use ErrorKind::{InputInvalid, InsufficientPrivilege, PasswordRejected, Unsupported};
    let weak = "The specified password does not comply with password complexity requirements. Please provide a different password.";
    let synced = "Unable to update the specified properties for on-premises mastered Directory Sync objects or objects currently undergoing migration.";
    let federated = "The password profile can't be used for federated users.";
    for (action, status, message, kind, advice) in [
        (SET, 400, weak, PasswordRejected, "banned"),
        (SET, 400, "This password has been seen before.", PasswordRejected, ""),
        (Action::Disable, 400, "No password here.", InputInvalid, ""),
        (SET, 400, synced, Unsupported, "on-prem"),
        (SET, 400, federated, Unsupported, "identity provider"),
        (SET, 403, "Insufficient privileges to complete the operation.", InsufficientPrivilege, "User-PasswordProfile"),
        (Action::RevokeSessions, 403, "Insufficient privileges.", InsufficientPrivilege, "User.RevokeSessions.All"),
    ] {
        let code = if status == 403 { "Authorization_RequestDenied" } else { "Request_BadRequest" };
        let (outcome, _) = alone(refusal(status, code, message), order(1, action)).await;
        assert!(matches!(outcome, Outcome::Refused(_)));
        assert_eq!(error(&outcome).kind(), kind, "{message}");
        assert!(error(&outcome).advice().unwrap_or_default().contains(advice), "{outcome:?}");
    }
}

#[test]
fn the_token_tells_a_missing_permission_from_a_missing_role() {
    let granted = |names: &[&str]| names.iter().map(|name| (*name).to_owned()).collect::<crate::permissions::Granted>();
    let advice = |names: &[&str]| crate::reset::refusal::privilege(SET, Some(&granted(names)));
    assert!(advice(&["User.ReadWrite.All"]).starts_with("grant the app User-PasswordProfile"));
    assert!(advice(&["User-PasswordProfile.ReadWrite.All"]).contains("outranks the app"));
    assert!(crate::reset::refusal::privilege(SET, None).starts_with("if the app lacks"));
}

#[tokio::test(start_paused = true)]
async fn without_an_answer_nobody_knows_and_nothing_is_sent_twice() {
    for count in [1, 3] {
        let cut = Err(TransportFault::NoAnswer("reset".into()));
        let (outcomes, sent) = applied([cut], &orders(count, SET)).await;
        assert!(outcomes.iter().all(|outcome| matches!(outcome, Outcome::Unknown(_))), "{outcomes:?}");
        assert_eq!(sent.len(), 1);
        let unsent = Err(TransportFault::NotSent("refused".into()));
        let (outcomes, _) = applied([unsent], &orders(count, SET)).await;
        assert!(outcomes.iter().all(|outcome| matches!(outcome, Outcome::Temporary(_))), "{outcomes:?}");
    }
}

#[tokio::test(start_paused = true)]
async fn an_account_that_is_new_may_not_be_found_yet() {
    let gone = || refusal(404, "Request_ResourceNotFound", "Resource does not exist.");
    let (directory, _) = directory((0..5).map(|_| gone())).await;
    let mut account = Account::new(
        directory.tenant.directory.clone(),
        AccountId::new(id(1)).unwrap(),
        "new@managed.test",
        AccountKind::Person,
    );
    account.created = Some(clock::now());
    directory.tenant.newcomers.seen(&account);
    for status in [Status::Temporary, Status::Temporary, Status::Temporary, Status::Permanent] {
        let outcomes = directory.apply(&[order(1, SET)]).await;
        assert_eq!(meaning(&outcomes[0]), (ErrorKind::AccountNotFound, status));
    }
    let outcomes = directory.apply(&[order(2, SET)]).await;
    assert!(matches!(outcomes[0], Outcome::Refused(_)), "an account that nobody saw is not there");
}

#[tokio::test(start_paused = true)]
async fn a_password_that_graph_repeats_is_told_to_nobody() {
    let echo = format!("The password {PLANTED} is banned.");
    let (outcome, _) = alone(refusal(400, "Request_BadRequest", &echo), order(1, SET)).await;
    assert_eq!(error(&outcome).kind(), ErrorKind::PasswordRejected);
    assert!(error(&outcome).detail().contains("[as sent]"));
}
