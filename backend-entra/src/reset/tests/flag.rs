//! Flagging as compromised.

use identity_core::http::TransportFault;
use identity_core::limits::clock;

use super::*;

const FLAG: Action = Action::FlagCompromised;

fn named(sent: &Sent) -> Vec<String> {
    assert_eq!(line(sent), "POST /identityProtection/riskyUsers/confirmCompromised");
    body(sent)["userIds"].as_array().unwrap().iter().map(|id| id.as_str().unwrap().to_owned()).collect()
}

#[tokio::test(start_paused = true)]
async fn sixty_accounts_are_one_call_and_sixty_outcomes() {
    let (outcomes, sent) = applied([reply(204, "")], &orders(60, FLAG)).await;
    assert!(outcomes.iter().all(|outcome| matches!(outcome, Outcome::Done(_))));
    assert_eq!(named(&sent[0]), (1..=60).map(id).collect::<Vec<_>>());
}

#[tokio::test(start_paused = true)]
async fn the_one_that_is_not_taken_is_found_and_the_others_are_flagged() {
    let gone = || refusal(404, "Request_ResourceNotFound", "does not exist");
    // Of 1 to 4 the third is not there: all, the first half, the second half, 3, 4.
    let answers = [gone(), reply(204, ""), gone(), gone(), reply(204, "")];
    let (outcomes, sent) = applied(answers, &orders(4, FLAG)).await;
    let asked: Vec<usize> = sent.iter().map(|sent| named(sent).len()).collect();
    assert_eq!(asked, [4, 2, 2, 1, 1]);
    for (at, outcome) in outcomes.iter().enumerate() {
        match at {
            2 => assert_eq!(meaning(outcome), (ErrorKind::AccountNotFound, Status::Permanent)),
            _ => assert!(matches!(outcome, Outcome::Done(_)), "{at}: {outcome:?}"),
        }
    }
}

#[tokio::test(start_paused = true)]
async fn a_call_that_is_not_there_is_not_asked_for_account_by_account() {
    for (status, code) in [(404, "ResourceNotFound"), (400, "BadRequest")] {
        let answers = (0..7).map(|_| refusal(status, code, "Resource not found for the segment."));
        let (outcomes, sent) = applied(answers, &orders(60, FLAG)).await;
        assert_eq!(sent.len(), 7);
        for outcome in &outcomes {
            assert_eq!(meaning(outcome), (ErrorKind::InputInvalid, Status::Permanent));
        }
    }
    // Two that are not taken, in different halves, keep nobody else from being flagged.
    let bad = || refusal(400, "BadRequest", "An account is unknown.");
    let good = || reply(204, "");
    // 8; 4, 4; 2, 2, 2, 2; then the two pairs that were refused.
    let answers = [bad(), bad(), bad(), bad(), good(), bad(), good(), bad(), good(), bad(), good()];
    let (outcomes, _) = applied(answers, &orders(8, FLAG)).await;
    assert_eq!(outcomes.iter().filter(|outcome| matches!(outcome, Outcome::Done(_))).count(), 6);
}

#[tokio::test(start_paused = true)]
async fn what_befalls_the_call_befalls_every_account_and_is_not_asked_again() {
    let cut = Err(TransportFault::NoAnswer("reset".into()));
    let licence = refusal(403, "Authentication_RequestFromNonPremiumTenantOrB2CTenant", "no premium license");
    for (answer, kind, status) in [
        (cut, ErrorKind::Transport, Status::Unknown),
        (refusal(429, "TooManyRequests", ""), ErrorKind::RateLimited, Status::Temporary),
        (licence, ErrorKind::Unsupported, Status::Permanent),
        (refusal(403, "accessDenied", ""), ErrorKind::InsufficientPrivilege, Status::Permanent),
    ] {
        let (outcomes, sent) = applied([answer], &orders(5, FLAG)).await;
        assert_eq!(sent.len(), 1);
        for outcome in &outcomes {
            assert_eq!(meaning(outcome), (kind, status));
        }
    }
}

#[tokio::test(start_paused = true)]
async fn a_name_is_not_asked_for() {
    let mut orders = orders(2, FLAG);
    orders[0] = Order::new(AccountId::new("adelev@managed.test").unwrap(), FLAG);
    let (outcomes, sent) = applied([reply(204, "")], &orders).await;
    assert_eq!(meaning(&outcomes[0]), (ErrorKind::AccountNotFound, Status::Permanent));
    assert!(matches!(outcomes[1], Outcome::Done(_)));
    assert_eq!(named(&sent[0]), [id(2)]);
}

#[tokio::test(start_paused = true)]
async fn nobody_to_flag_is_no_call() {
    let (directory, canned) = directory([]).await;
    assert!(directory.apply(&[]).await.is_empty());
    assert!(canned.sent().is_empty());
}

#[tokio::test(start_paused = true)]
async fn who_flags_nobody_waits_for_no_turn_of_it() {
    let answers = [reply(204, ""), reply(204, ""), reply(204, "")];
    let (directory, canned) = connected(config(), answers).await;
    let begun = clock::instant();
    for number in 1..=3 {
        let set = order(number, Action::SetPassword { must_change: true });
        let outcome = directory.apply(&[set]).await.remove(0);
        assert!(matches!(outcome, Outcome::Done(_)), "{outcome:?}");
    }
    assert_eq!((begun.elapsed(), canned.left()), (std::time::Duration::ZERO, 0));
}
