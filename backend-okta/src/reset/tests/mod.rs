//! What is sent for each order, and what comes of it.

use http::Method;
use identity_core::account::AccountId;
use identity_core::directory::ForcedReset;
use identity_core::error::{Error, ErrorKind, Status};
use identity_core::http::TransportFault;
use identity_core::reset::{Action, Order, Outcome, Receipt, Secret, SecretKind};
use serde_json::json;

use crate::canned::{Answer, ORG, directory, reply, with_header};

const PLANTED: &str = "planted-Passw0rd";
const TEMPORARY: &str = "x4HpS7TE";
const SET: Action = Action::SetPassword { must_change: false };

fn id(number: usize) -> String {
    format!("00u{number:017}")
}

fn order(number: usize, action: Action) -> Order {
    let order = Order::new(AccountId::new(id(number)).unwrap(), action);
    if action.needs_password() { order.with_password(Secret::new(PLANTED.to_owned())) } else { order }
}

/// What Okta answers with a whole user.
fn user(number: usize) -> String {
    json!({ "id": id(number), "status": "ACTIVE", "passwordChanged": "2026-02-03T04:05:06.789Z" }).to_string()
}

/// The outcome of one order, and what was sent for it: method, path with query, body.
async fn alone(answer: Answer, order: Order) -> (Outcome, Vec<(Method, String, String)>) {
    let (directory, canned) = directory([answer]).await;
    let outcome = directory.apply(std::slice::from_ref(&order)).await.remove(0);
    assert!(!format!("{outcome:?} {order:?}").contains(PLANTED));
    assert!(!format!("{outcome:?}").contains(TEMPORARY));
    if let Some(error) = outcome.error() {
        assert_eq!(error.account(), Some(&order.account));
        assert_eq!(error.directory().unwrap().as_str(), "okta");
    }
    let sent = canned.sent().into_iter().map(|sent| {
        let path = sent.target.strip_prefix(ORG).unwrap().to_owned();
        (sent.method, path, String::from_utf8(sent.body.to_vec()).unwrap())
    });
    (outcome, sent.collect())
}

fn receipt(outcome: &Outcome) -> &Receipt {
    match outcome {
        Outcome::Done(receipt) => receipt,
        other => panic!("{other:?}"),
    }
}

fn error(outcome: &Outcome) -> &Error {
    outcome.error().unwrap_or_else(|| panic!("{outcome:?}"))
}

fn refusal(status: u16, code: &str, summary: &str, cause: &str) -> Answer {
    let causes = if cause.is_empty() { json!([]) } else { json!([{ "errorSummary": cause }]) };
    reply(
        status,
        &json!({ "errorCode": code, "errorSummary": summary, "errorLink": code, "errorId": "oaeq1", "errorCauses": causes })
            .to_string(),
    )
}

#[tokio::test(start_paused = true)]
async fn each_order_is_one_call_of_its_own() {
    let password = format!(r#"{{"credentials":{{"password":{{"value":"{PLANTED}"}}}}}}"#);
    let link = r#"{"resetPasswordUrl":"https://acme.okta.test/reset_password/Tn3k"}"#;
    let temporary = format!(r#"{{"tempPassword":"{TEMPORARY}"}}"#);
    let (user, post, delete) = (user(1), Method::POST, Method::DELETE);
    for (action, status, answer, method, path, body) in [
        (SET, 200, user.as_str(), &post, "", password.as_str()),
        (Action::Scramble, 200, user.as_str(), &post, "", password.as_str()),
        (
            Action::SetTemporaryPassword,
            200,
            temporary.as_str(),
            &post,
            "/lifecycle/expire_password_with_temp_password?revokeSessions=true",
            "",
        ),
        (
            Action::ResetToRecovery { mail: false },
            200,
            link,
            &post,
            "/lifecycle/reset_password?sendEmail=false&revokeSessions=true",
            "",
        ),
        (
            Action::ResetToRecovery { mail: true },
            200,
            "{}",
            &post,
            "/lifecycle/reset_password?sendEmail=true&revokeSessions=true",
            "",
        ),
        (Action::ExpirePassword, 200, user.as_str(), &post, "/lifecycle/expire_password", ""),
        (Action::Unlock, 200, "{}", &post, "/lifecycle/unlock", ""),
        (Action::Disable, 200, "", &post, "/lifecycle/suspend", ""),
        (Action::ResetAuthenticators, 200, "{}", &post, "/lifecycle/reset_factors", ""),
        (Action::SendRecoveryLink, 200, "{}", &post, "/credentials/forgot_password?sendEmail=true", ""),
        (Action::RevokeSessions, 204, "", &delete, "/sessions?oauthTokens=true&forgetDevices=true", ""),
    ] {
        let answer = with_header(reply(status, answer), "x-okta-request-id", "req-1");
        let (outcome, sent) = alone(answer, order(1, action)).await;
        let path = format!("/api/v1/users/{}{path}", id(1));
        assert_eq!(sent, [(method.clone(), path, body.to_owned())], "{action}");
        assert_eq!(receipt(&outcome).request_id.as_deref(), Some("req-1"), "{action}");
        let tells = matches!(action, Action::SetTemporaryPassword | Action::ResetToRecovery { mail: false });
        assert_eq!(receipt(&outcome).server_secret.is_some(), tells, "{action}");
    }
}

#[tokio::test(start_paused = true)]
async fn what_okta_tells_once_is_kept_as_it_is() {
    let (outcome, _) =
        alone(reply(200, &format!(r#"{{"tempPassword":"{TEMPORARY}"}}"#)), order(1, Action::SetTemporaryPassword))
            .await;
    assert_eq!(receipt(&outcome).server_secret.as_ref().unwrap().expose(), TEMPORARY);
    assert_eq!(Action::SetTemporaryPassword.server_secret(), Some(SecretKind::TemporaryPassword));
    let link = "https://login.acme.test/signin/reset-password/Tn3k";
    let (outcome, _) = alone(
        reply(200, &json!({ "resetPasswordUrl": link }).to_string()),
        order(1, Action::ResetToRecovery { mail: false }),
    )
    .await;
    assert_eq!(receipt(&outcome).server_secret.as_ref().unwrap().expose(), link);
}

#[tokio::test(start_paused = true)]
async fn a_set_is_dated_by_what_okta_says_of_the_password() {
    let answer = with_header(reply(200, &user(1)), "date", "Tue, 03 Feb 2026 04:05:07 GMT");
    let (outcome, _) = alone(answer, order(1, SET)).await;
    assert_eq!(receipt(&outcome).at, Some("2026-02-03T04:05:06.789Z".parse().unwrap()));
    // An expiry does not move the password's time; what the answer says of the status can be old.
    let answer = with_header(reply(200, &user(1)), "date", "Tue, 03 Feb 2026 04:05:07 GMT");
    let (outcome, _) = alone(answer, order(1, Action::ExpirePassword)).await;
    assert_eq!(receipt(&outcome).at, Some("2026-02-03T04:05:07Z".parse().unwrap()));
}

#[tokio::test(start_paused = true)]
async fn an_answer_that_okta_does_not_give_is_not_taken_for_done() {
    let portal = "<html>Sign in to the network</html>";
    let recovery = Action::ResetToRecovery { mail: false };
    for (action, status, said) in [
        (SET, 200, "{}"),
        (SET, 200, portal),
        (SET, 204, ""),
        (SET, 200, &user(2)),
        (Action::SetTemporaryPassword, 200, "{}"),
        (Action::SetTemporaryPassword, 200, r#"{"tempPassword":" "}"#),
        (recovery, 200, "{}"),
        (recovery, 200, r#"{"resetPasswordUrl":"http://acme.okta.test/reset_password/Tn3k"}"#),
        (recovery, 200, r#"{"resetPasswordUrl":"/reset_password/Tn3k"}"#),
        (recovery, 200, r#"{"resetPasswordUrl":"javascript:alert(1)"}"#),
        (Action::ResetToRecovery { mail: true }, 200, r#"{"resetPasswordUrl":"https://acme.okta.test/x"}"#),
        (Action::RevokeSessions, 200, "{}"),
        (Action::Unlock, 200, portal),
        (Action::Disable, 202, "{}"),
    ] {
        let (outcome, _) = alone(reply(status, said), order(1, action)).await;
        assert!(matches!(outcome, Outcome::Unknown(_)), "{action} {status} {said}: {outcome:?}");
    }
}

#[tokio::test(start_paused = true)]
async fn refusals_mean_what_can_be_done_about_them() {
    use ErrorKind::{Conflict, InsufficientPrivilege, PasswordRejected, Unsupported};
    let credentials = "Update of credentials failed";
    let denied = "You do not have permission to perform the requested action";
    for (action, status, code, summary, cause, kind) in [
        (
            SET,
            403,
            "E0000014",
            credentials,
            "This password was found in a list of commonly used passwords.",
            PasswordRejected,
        ),
        (
            SET,
            403,
            "E0000080",
            "The password does not meet the complexity requirements of the current password policy.",
            "",
            PasswordRejected,
        ),
        (
            SET,
            400,
            "E0000001",
            "Api validation failed: password",
            "password: Password requirements were not met.",
            PasswordRejected,
        ),
        (SET, 403, "E0000006", denied, "", InsufficientPrivilege),
        (Action::SendRecoveryLink, 403, "E0000034", "Forgot password not allowed on specified user.", "", Unsupported),
        (Action::SendRecoveryLink, 403, "E0000006", denied, "", InsufficientPrivilege),
        (Action::ResetToRecovery { mail: true }, 403, "E0000017", "Password reset failed", "", Unsupported),
        (
            Action::Disable,
            400,
            "E0000001",
            "Api validation failed: suspendUser",
            "Cannot suspend a user that is not active",
            Conflict,
        ),
    ] {
        let (outcome, _) = alone(refusal(status, code, summary, cause), order(1, action)).await;
        assert!(matches!(outcome, Outcome::Refused(_)), "{outcome:?}");
        assert_eq!(error(&outcome).kind(), kind, "{action} {code}");
    }
}

#[tokio::test(start_paused = true)]
async fn whoever_signs_in_elsewhere_is_not_sent_to_another_way_of_recovery() {
    let cause = "Forgot password is not supported for the user's login type";
    for action in [Action::ResetToRecovery { mail: true }, Action::SendRecoveryLink] {
        let (outcome, _) = alone(refusal(403, "E0000017", "Password reset failed", cause), order(1, action)).await;
        let advice = error(&outcome).advice().unwrap();
        assert!(advice.contains("where its password is mastered") && !advice.contains("reset_to_recovery"), "{advice}");
    }
    let denied = "You do not have permission to perform the requested action";
    let (outcome, _) = alone(refusal(403, "E0000006", denied, ""), order(1, Action::SendRecoveryLink)).await;
    let advice = error(&outcome).advice().unwrap();
    assert!(advice.contains("role or the scopes") && advice.contains("or the account has no password"), "{advice}");
}

#[tokio::test(start_paused = true)]
async fn a_proof_that_came_twice_leaves_open_what_the_first_request_did() {
    let said = r#"{"error":"invalid_dpop_proof","error_description":"The DPoP proof JWT has already been used."}"#;
    let (outcome, sent) = alone(reply(400, said), order(1, Action::SetTemporaryPassword)).await;
    assert!(matches!(outcome, Outcome::Unknown(_)), "{outcome:?}");
    assert_eq!(sent.len(), 1);
}

#[tokio::test(start_paused = true)]
async fn a_lock_out_that_ended_by_itself_is_unlocked() {
    let answer = refusal(403, "E0000032", "Unlock is not allowed for this user.", "The user is not locked out.");
    let (outcome, _) = alone(answer, order(1, Action::Unlock)).await;
    assert!(matches!(outcome, Outcome::Done(_)), "{outcome:?}");
    let answer = refusal(403, "E0000032", "Unlock is not allowed for this user.", "");
    let (outcome, _) = alone(answer, order(1, Action::Unlock)).await;
    assert!(matches!(outcome, Outcome::Refused(_)), "{outcome:?}");
}

#[tokio::test(start_paused = true)]
async fn without_an_answer_nobody_knows_and_nothing_is_sent_twice() {
    for action in [SET, Action::SetTemporaryPassword, Action::RevokeSessions] {
        let cut = Err(TransportFault::NoAnswer("reset".into()));
        let (outcome, sent) = alone(cut, order(1, action)).await;
        assert!(matches!(outcome, Outcome::Unknown(_)), "{outcome:?}");
        assert_eq!(sent.len(), 1);
        let unsent = Err(TransportFault::NotSent("refused".into()));
        let (outcome, _) = alone(unsent, order(1, action)).await;
        assert!(matches!(outcome, Outcome::Temporary(_)), "{outcome:?}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_password_that_okta_repeats_is_told_to_nobody() {
    let echo = format!("The password {PLANTED} is too common.");
    let (outcome, _) = alone(refusal(403, "E0000014", "Update of credentials failed", &echo), order(1, SET)).await;
    assert_eq!((error(&outcome).kind(), error(&outcome).status()), (ErrorKind::PasswordRejected, Status::Permanent));
    assert!(error(&outcome).detail().contains("[as sent]"));
}

#[tokio::test(start_paused = true)]
async fn nothing_is_sent_for_an_order_that_cannot_be_one() {
    let (directory, canned) = directory([]).await;
    let named = |id: &str, action| Order::new(AccountId::new(id).unwrap(), action);
    for (order, kind) in [
        (named("ada@acme.test", Action::RevokeSessions), ErrorKind::AccountNotFound),
        (named(&id(1), SET), ErrorKind::InputInvalid),
        (order(1, Action::SetPassword { must_change: true }), ErrorKind::Unsupported),
        (order(1, Action::FlagCompromised), ErrorKind::Unsupported),
        (order(1, Action::IssueAccessPass), ErrorKind::Unsupported),
    ] {
        let outcome = directory.apply(&[order]).await.remove(0);
        assert!(matches!(outcome, Outcome::Refused(_)));
        assert_eq!(error(&outcome).kind(), kind);
    }
    assert!(canned.sent().is_empty());
}
