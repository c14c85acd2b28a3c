//! Temporary Access Passes.

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
