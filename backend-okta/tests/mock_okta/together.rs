//! Actions on one account that Okta does not do one after the other.

use identity_core::plan::Disposition;
use identity_core::reset::Action;
use testkit::mock_okta::Status;

use crate::campaign::Campaign;
use crate::inside::{config, connect};
use crate::stage::{of, ordinary};

#[tokio::test(start_paused = true)]
async fn whoever_is_disabled_gets_no_new_password_and_the_run_comes_to_its_end() {
    for on_password in [Action::SetPassword { must_change: false }, Action::ResetToRecovery { mail: false }] {
        let mock = of(60).build();
        let directory = connect(config(&mock).without_quotas()).await;
        let users = ordinary(&mock, 2);
        let asked = [on_password, Action::Disable, Action::RevokeSessions];
        let campaign = Campaign::planned(&directory, &users, &asked).await.finished().await;
        for user in &users {
            let entry = campaign.entry(user);
            let Disposition::Reset { actions } = &entry.disposition else { panic!("{entry:?}") };
            assert_eq!(actions, &[Action::Disable, Action::RevokeSessions]);
            let [refused] = entry.refusals.as_slice() else { panic!("{:?}", entry.refusals) };
            assert_eq!(refused.action, on_password);
            assert!(refused.because.contains("suspended first"), "{}", refused.because);
            assert_eq!(mock.users().find(|now| now.id == user.id).unwrap().status(), Status::Suspended);
        }
    }
}
