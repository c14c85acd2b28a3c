//! Temporary Access Passes.

use std::time::Duration;

use identity_core::limits::clock;

use super::*;

const PASS: Action = Action::IssueAccessPass;

fn made(usable: bool, reason: &str) -> Answer {
    let pass = json!({
        "@odata.type": "#microsoft.graph.temporaryAccessPassAuthenticationMethod",
        "id": "6f1967b7", "temporaryAccessPass": PLANTED, "lifetimeInMinutes": 60,
        "isUsableOnce": false, "isUsable": usable, "methodUsabilityReason": reason,
    });
    reply(201, &pass.to_string())
}

#[tokio::test(start_paused = true)]
async fn the_pass_is_in_the_receipt_and_nowhere_else() {
    for answer in [made(true, "EnabledByPolicy"), made(false, "NotYetValid")] {
        let (outcome, sent) = alone(answer, order(1, PASS)).await;
        assert_eq!(line(&sent), format!("POST /users/{}/authentication/temporaryAccessPassMethods", id(1)));
        assert_eq!(body(&sent), json!({}));
        let Outcome::Done(receipt) = outcome else { panic!("{outcome:?}") };
        assert_eq!(receipt.server_secret.unwrap().expose(), PLANTED);
    }
}

#[tokio::test(start_paused = true)]
async fn a_policy_that_stands_in_the_way_is_named() {
    let (outcome, _) = alone(made(false, "DisabledByPolicy"), order(1, PASS)).await;
    assert_eq!(meaning(&outcome), (ErrorKind::Unsupported, Status::Permanent));
    assert!(error(&outcome).detail().contains("DisabledByPolicy"));
    let policy = refusal(400, "badRequest", "Temporary Access Pass is not enabled for this user by policy.");
    let (outcome, _) = alone(policy, order(1, PASS)).await;
    assert_eq!(meaning(&outcome), (ErrorKind::Unsupported, Status::Permanent));
    assert!(error(&outcome).advice().unwrap().contains("authentication methods policy"));
}

#[tokio::test(start_paused = true)]
async fn a_pass_that_cannot_be_read_was_made_nevertheless() {
    for garbled in ["", "{}", r#"{"temporaryAccessPass":null}"#, r#"{"temporaryAccessPass":"planted-Passw0rd"#] {
        let (outcome, _) = alone(reply(201, garbled), order(1, PASS)).await;
        assert!(matches!(outcome, Outcome::Unknown(_)), "{garbled}: {outcome:?}");
    }
}

#[tokio::test(start_paused = true)]
async fn passes_take_turns_with_the_requests_of_resets() {
    let (directory, canned) = connected(config().share(1.0), (0..40).map(|_| made(true, "EnabledByPolicy"))).await;
    let begun = clock::instant();
    let outcomes = directory.apply(&orders(6, PASS)).await;
    assert!(outcomes.iter().all(|outcome| matches!(outcome, Outcome::Done(_))), "{outcomes:?}");
    assert!(begun.elapsed() >= Duration::from_secs(10), "5 in 10 s are allowed: {:?}", begun.elapsed());
    assert_eq!(canned.sent().len(), 6);
}
