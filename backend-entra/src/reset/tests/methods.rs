//! Resetting authenticators.

use std::time::Duration;

use identity_core::http::TransportFault;
use identity_core::limits::clock;

use super::*;
use crate::canned::with_header;

const RESET: Action = Action::ResetAuthenticators;

fn listed(methods: &[(&str, &str)]) -> Answer {
    let row = |(sort, id): &(&str, &str)| json!({ "@odata.type": format!("#microsoft.graph.{sort}AuthenticationMethod"), "id": id, "phoneType": "mobile" });
    reply(200, &json!({ "value": methods.iter().map(row).collect::<Vec<_>>() }).to_string())
}

fn default() -> Answer {
    let words =
        "Cannot delete default method with other methods configured. Please change default method before deletion.";
    refusal(400, "badRequest", words)
}

fn gone() -> Answer {
    reply(204, "")
}

async fn reset(answers: Vec<Answer>) -> (Outcome, Vec<String>) {
    let (mut outcomes, sent) = applied(answers, &[order(1, RESET)]).await;
    let below = format!("/users/{}/authentication/", id(1));
    (outcomes.remove(0), sent.iter().map(|sent| line(sent).replace(&below, "")).collect())
}

#[tokio::test(start_paused = true)]
async fn the_default_goes_last_and_the_password_never() {
    let all = listed(&[("phone", "p1"), ("password", "pw"), ("fido2", "f1"), ("microsoftAuthenticator", "a1")]);
    let after = listed(&[("password", "pw")]);
    let (outcome, lines) = reset(vec![all, default(), gone(), gone(), gone(), after]).await;
    assert!(matches!(outcome, Outcome::Done(_)), "{outcome:?}");
    assert_eq!(
        lines,
        [
            "GET methods",
            "DELETE phoneMethods/p1",
            "DELETE fido2Methods/f1",
            "DELETE microsoftAuthenticatorMethods/a1",
            "DELETE phoneMethods/p1",
            "GET methods",
        ]
    );
}

#[tokio::test(start_paused = true)]
async fn nothing_to_remove_is_done() {
    for methods in [&[][..], &[("password", "pw")]] {
        let (outcome, lines) = reset(vec![listed(methods)]).await;
        assert!(matches!(outcome, Outcome::Done(_)));
        assert_eq!(lines.len(), 1);
    }
}

#[tokio::test(start_paused = true)]
async fn every_page_of_the_listing_is_read() {
    let next = "https://graph.microsoft.com/v1.0/users/x/authentication/methods?$skiptoken=2";
    let first = json!({ "value": [], "@odata.nextLink": next }).to_string();
    let (outcome, lines) = reset(vec![reply(200, &first), listed(&[("email", "e1")]), gone(), listed(&[])]).await;
    assert!(matches!(outcome, Outcome::Done(_)));
    assert_eq!(lines[2], "DELETE emailMethods/e1");
}

#[tokio::test(start_paused = true)]
async fn what_cannot_be_removed_is_named_and_the_rest_is_removed() {
    let all = listed(&[("phone", "p1"), ("qrCodePin", "q1"), ("fido2", "f1"), ("softwareOath", "s1")]);
    let denied = refusal(403, "accessDenied", "Not allowed.");
    let left = listed(&[("phone", "p1"), ("qrCodePin", "q1"), ("fido2", "f1")]);
    let (outcome, lines) = reset(vec![all, default(), denied, gone(), default(), left]).await;
    assert_eq!(lines.len(), 6);
    let Outcome::Refused(error) = outcome else { panic!("{outcome:?}") };
    let told = error.detail();
    for words in ["1 removed", "qrCodePinAuthenticationMethod", "passkey (", "phone (mobile) (", "default method"] {
        assert!(told.contains(words), "{told}");
    }
    assert!(error.advice().is_some());
}

#[tokio::test(start_paused = true)]
async fn a_method_that_somebody_else_removed_is_gone() {
    let missing = refusal(404, "resourceNotFound", "");
    let (outcome, _) = reset(vec![listed(&[("fido2", "f1")]), missing, listed(&[])]).await;
    assert!(matches!(outcome, Outcome::Done(_)), "{outcome:?}");
    let (outcome, _) = reset(vec![refusal(404, "Request_ResourceNotFound", "")]).await;
    assert_eq!(meaning(&outcome), (ErrorKind::AccountNotFound, Status::Permanent), "of the account it is told");
}

#[tokio::test(start_paused = true)]
async fn what_is_still_listed_is_not_removed_whatever_was_answered() {
    let missing = || refusal(404, "resourceNotFound", "");
    for answer in [missing(), gone()] {
        let (outcome, lines) = reset(vec![listed(&[("fido2", "f1")]), answer, listed(&[("fido2", "f1")])]).await;
        assert_eq!(lines.len(), 3);
        assert!(matches!(outcome, Outcome::Temporary(_)), "{outcome:?}");
        assert!(error(&outcome).detail().contains("passkey"), "{outcome:?}");
    }
    // Somebody enrols while the order is carried out.
    let (outcome, _) = reset(vec![listed(&[("fido2", "f1")]), gone(), listed(&[("phone", "p9")])]).await;
    assert!(matches!(outcome, Outcome::Temporary(_)), "{outcome:?}");
    // Not Graph's word, but that of something before it.
    let (outcome, lines) = reset(vec![listed(&[("fido2", "f1")]), reply(404, "<html>not found</html>")]).await;
    assert!(!matches!(outcome, Outcome::Done(_)) && lines.len() == 2, "{outcome:?}");
    // A 2xx that is none of Graph's.
    let (outcome, _) = reset(vec![listed(&[("fido2", "f1")]), reply(200, "{}")]).await;
    assert!(matches!(outcome, Outcome::Unknown(_)), "{outcome:?}");
}

#[tokio::test(start_paused = true)]
async fn it_stops_where_the_service_says_so_and_tells_how_far_it_came() {
    let slow = with_header(refusal(429, "TooManyRequests", ""), "retry-after", "8");
    let all = || listed(&[("phone", "p1"), ("fido2", "f1"), ("email", "e1")]);
    let (outcome, lines) = reset(vec![all(), gone(), slow]).await;
    assert_eq!(lines.len(), 3);
    assert!(matches!(outcome, Outcome::Throttled(_)), "{outcome:?}");
    assert!(error(&outcome).detail().starts_with("1 removed, 2 left: "), "{outcome:?}");
    assert_eq!(error(&outcome).retry_after(), Some(Duration::from_secs(8)));
    let (outcome, lines) = reset(vec![all(), Err(TransportFault::NoAnswer("reset".into()))]).await;
    assert!(matches!(outcome, Outcome::Unknown(_)) && lines.len() == 2, "{outcome:?}");
    let (outcome, _) = reset(vec![Err(TransportFault::NoAnswer("reset".into()))]).await;
    assert!(matches!(outcome, Outcome::Temporary(_)), "the listing changes nothing: {outcome:?}");
}

#[tokio::test(start_paused = true)]
async fn many_methods_take_their_turns_and_the_rest_waits_for_the_next_attempt() {
    let many: Vec<(String, String)> = (0..40).map(|at| ("fido2".to_owned(), format!("f{at}"))).collect();
    let many: Vec<(&str, &str)> = many.iter().map(|(sort, id)| (sort.as_str(), id.as_str())).collect();
    let answers = std::iter::once(listed(&many)).chain((0..40).map(|_| gone()));
    let (directory, canned) = connected(config().share(1.0), answers).await;
    let begun = clock::instant();
    let outcome = directory.apply(&[order(1, RESET)]).await.remove(0);
    let (took, sent) = (begun.elapsed(), canned.sent().len());
    assert!(matches!(outcome, Outcome::Throttled(_)), "{outcome:?}");
    assert!(took <= Duration::from_secs(31), "the caller's deadline is 60 s: {took:?}");
    assert!((13..=16).contains(&sent), "{sent} requests in {took:?}: 5 in 10 s are allowed");
    assert!(error(&outcome).detail().contains(&format!("{} removed, {} left", sent - 1, 41 - sent)), "{outcome:?}");
}
