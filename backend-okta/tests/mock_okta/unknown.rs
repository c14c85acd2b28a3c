//! Orders whose answer is lost, through the engine: each is settled by what the org really has.

use std::time::Duration;

use futures::TryStreamExt as _;
use identity_core::directory::{AccountQuery, Directory as _};
use identity_core::journal::{Finality, Verdict};
use identity_core::reset::{Action, SecretKind};
use testkit::fault::{Fault, When};
use testkit::mock_okta::{MockOktaBuilder, OktaSignInRefusal, OktaUser, Status};

use crate::campaign::{Campaign, events};
use crate::inside::{config, connect};
use crate::orders::DONE;
use crate::stage::{of, ordinary};

const SET: Action = Action::SetPassword { must_change: false };

/// What is lost: the request, the answer behind its effect, an answer in the middle, all of it for the
/// whole deadline, a page of a gateway; and an effect that comes late.
const FAULTS: [(Fault, bool); 6] = [
    (Fault::CutBeforeApply, false),
    (Fault::CutAfterApply, true),
    (Fault::CutMidAnswer, true),
    (Fault::NeverAnswer, true),
    (Fault::Swallow, false),
    (Fault::GatewayTimeout, true),
];

fn org() -> MockOktaBuilder {
    of(200).okta_mastered_share(95).without_quotas().latency(Duration::from_millis(20))
}

/// What the org's log calls an action.
fn event_of(action: Action) -> &'static str {
    match action {
        SET | Action::Scramble => "user.account.update_password",
        Action::SetTemporaryPassword | Action::ExpirePassword => "user.account.expire_password",
        Action::ResetToRecovery { .. } => "user.account.reset_password",
        Action::SendRecoveryLink => "system.email.password_reset.sent_message",
        Action::Unlock => "user.account.unlock_by_admin",
        Action::Disable => "user.lifecycle.suspend",
        Action::RevokeSessions => "user.session.clear",
        _ => "user.mfa.factor.reset_all",
    }
}

/// Whether reading shows that it was done, so that it is not sent again. The others are sent again:
/// the same password (nothing tells whose a new time is), a temporary password and a link that were
/// lost with the answer, and what is the same done twice.
fn is_read_back(action: Action) -> bool {
    let shown = [Action::ResetToRecovery { mail: true }, Action::ExpirePassword, Action::Unlock, Action::Disable];
    shown.contains(&action)
}

#[tokio::test(start_paused = true)]
async fn each_action_whose_answer_is_lost_is_settled_and_nothing_that_shows_is_done_twice() {
    for action in DONE.into_iter().chain([Action::Disable]) {
        let mock = org().build();
        let users = ordinary(&mock, FAULTS.len() + 2);
        for user in &users {
            let change = |user: &mut OktaUser| {
                user.recovery_question = true;
                if action == Action::Unlock {
                    user.standing.status = Status::LockedOut;
                }
            };
            mock.change(&user.id, change).unwrap();
        }
        let directory = connect(config(&mock).without_quotas()).await;
        let auditor = directory.recovery().unwrap();
        let _: Vec<_> = auditor.enrolments(&AccountQuery::everyone()).try_collect().await.unwrap();
        let campaign = Campaign::planned(&directory, &users, &[action]).await;
        for (user, (fault, _)) in users.iter().zip(FAULTS) {
            mock.add_fault(When::write().on(user.id.as_str()).times(1), fault);
        }
        let campaign = campaign.finished().await;
        let mut repeated = 0;
        for (place, user) in users.iter().enumerate() {
            let what = format!("{action}, {:?}", FAULTS.get(place));
            let had_effect = FAULTS.get(place).is_some_and(|(_, effect)| *effect);
            let progress = campaign.progress(user).await;
            let done = progress.action(action).unwrap_or_else(|| panic!("{what}: {progress:?}"));
            let Finality::Done { read_back, .. } = &done.finality else {
                panic!("{what}: {progress:?} {:#?}", campaign.records().await)
            };
            assert_eq!(*read_back, had_effect && is_read_back(action), "{what}");
            let times = events(&mock, user, event_of(action));
            assert_eq!(times, 1 + usize::from(had_effect && !is_read_back(action)), "{what}");
            repeated += times - 1;
            assert_left(&campaign, &mock, user, action, &what);
        }
        let verdicts = campaign.verified().await;
        assert!(verdicts.is_clean(), "{action}: {verdicts:?}");
        println!("{action}: {} users, {repeated} repeated, {verdicts:?}", users.len());
        assert_eq!(mock.counts().conversions, 0);
    }
}

/// What the org has in the end is what the vault has.
fn assert_left(campaign: &Campaign, mock: &testkit::mock_okta::MockOkta, user: &OktaUser, action: Action, what: &str) {
    let old = mock.initial_password(&user.id).unwrap();
    let old = mock.sign_in(&user.id, &old);
    match action {
        SET => {
            let kept = campaign.kept(user, SecretKind::Password);
            assert_eq!(mock.sign_in(&user.id, kept.last().unwrap().expose()), Ok(()), "{what}");
            let sets = mock.sets(&user.id);
            assert!(kept.len() == 1 && sets.iter().all(|set| set.sha256 == sets[0].sha256), "{what}: one password");
        }
        Action::Scramble => assert_eq!(old, Err(OktaSignInRefusal::WrongPassword), "{what}"),
        Action::SetTemporaryPassword => {
            let kept = campaign.kept(user, SecretKind::TemporaryPassword);
            assert_eq!(kept.len(), 1, "{what}: what was lost cannot be kept");
            assert_eq!(mock.sign_in(&user.id, kept[0].expose()), Err(OktaSignInRefusal::MustChange), "{what}");
            assert_eq!(old, Err(OktaSignInRefusal::WrongPassword), "{what}");
        }
        Action::ResetToRecovery { mail } => {
            let kept = campaign.kept(user, SecretKind::RecoveryLink);
            assert_eq!(kept.len(), usize::from(!mail), "{what}");
            assert!(kept.iter().all(|link| mock.honours_link(&user.id, link.expose())), "{what}");
            assert_eq!(old, Err(OktaSignInRefusal::AwaitsRecovery), "{what}");
        }
        Action::RevokeSessions => assert_eq!(mock.sessions(&user.id).unwrap().app_tokens, 0, "{what}"),
        _ => {}
    }
}

#[tokio::test(start_paused = true)]
async fn a_temporary_password_that_was_lost_is_superseded_and_that_is_recorded() {
    let mock = org().build();
    let users = ordinary(&mock, 6);
    let directory = connect(config(&mock).without_quotas()).await;
    let campaign = Campaign::planned(&directory, &users, &[Action::SetTemporaryPassword]).await;
    mock.add_fault(When::write().on(users[0].id.as_str()).times(1), Fault::CutAfterApply);
    let campaign = campaign.finished().await;
    let progress = campaign.progress(&users[0]).await;
    assert!(progress.notes.iter().any(|note| note.contains("attempt 2 supersedes it")), "{:?}", progress.notes);
    assert_eq!(mock.sets(&users[0].id).len(), 2);
    assert!(users[1..].iter().all(|user| mock.sets(&user.id).len() == 1));
}

/// Whether a temporary password moves the time of the password is not documented: both are judged.
#[tokio::test(start_paused = true)]
async fn a_temporary_password_is_verified_whether_or_not_it_moves_the_time_of_the_password() {
    for moves in [true, false] {
        let described = if moves { org() } else { org().temporary_passwords_move_no_time() };
        let mock = described.build();
        let users = ordinary(&mock, 5);
        // It had expired before: then only the time could tell.
        let expired = &users[4];
        mock.change(&expired.id, |user| user.standing.status = Status::PasswordExpired).unwrap();
        let directory = connect(config(&mock).without_quotas()).await;
        let campaign = Campaign::planned(&directory, &users, &[Action::SetTemporaryPassword]).await.finished().await;
        let verdicts = campaign.verified().await;
        let unknown = u64::from(!moves);
        assert_eq!((verdicts.changed, verdicts.unknown), (5 - unknown, unknown), "{verdicts:?}");
        let of_expired = campaign.progress(expired).await;
        let wanted = if moves { Verdict::Changed } else { Verdict::Unknown };
        assert_eq!(of_expired.verdict.map(|(verdict, _)| verdict), Some(wanted));
        assert_eq!(
            of_expired.notes.iter().any(|note| note.contains("expired before")),
            !moves,
            "{:?}",
            of_expired.notes
        );
        println!("moves the time: {moves}, {verdicts:?}");
    }
}
