//! What the mock directories themselves know of a run: what tests count against.

use std::time::Duration;

use jiff::Timestamp;
use testkit::mock_ad::MockAd;
use testkit::mock_graph::{MockGraph, SignInRefusal};
use testkit::organisation::Organisation;
use uuid::Uuid;

use super::evidence::{Evidence, PromisedState, guid};
use super::stand::{CLOUD, ON_PREM, Stand};

/// One password that took effect.
pub(crate) struct Set {
    pub(crate) at: Timestamp,
    pub(crate) sha256: [u8; 32],
    pub(crate) by_administrator: bool,
}

/// One mock directory's own record.
pub(crate) trait Witness {
    /// Its id in `directories.toml`.
    fn directory(&self) -> &'static str;
    /// Everybody who is in it, by id and name.
    fn everyone(&self) -> Vec<(Uuid, String)>;
    /// Whether nothing was written to the account.
    fn untouched(&self, account: &Uuid) -> bool;
    /// The passwords of the account that took effect, in order.
    fn sets(&self, account: &Uuid) -> Vec<Set>;
    /// Whether this is the account's password now.
    fn opens(&self, account: &Uuid, password: &str) -> bool;
    /// When the account's sessions were ended, in order.
    fn revoked(&self, account: &Uuid) -> Vec<Timestamp>;
}

impl Witness for MockAd {
    fn directory(&self) -> &'static str {
        ON_PREM
    }

    fn everyone(&self) -> Vec<(Uuid, String)> {
        self.organisation().accounts().map(|account| (account.guid, account.name)).collect()
    }

    fn untouched(&self, account: &Uuid) -> bool {
        Self::untouched(self, account)
    }

    fn sets(&self, account: &Uuid) -> Vec<Set> {
        let sets = Self::sets(self, account).into_iter();
        sets.map(|set| Set { at: set.at, sha256: set.sha256, by_administrator: set.by_administrator }).collect()
    }

    fn opens(&self, account: &Uuid, password: &str) -> bool {
        self.password_matches(account, password)
    }

    /// Active Directory has nothing to end a session with.
    fn revoked(&self, _: &Uuid) -> Vec<Timestamp> {
        Vec::new()
    }
}

impl Witness for MockGraph {
    fn directory(&self) -> &'static str {
        CLOUD
    }

    fn everyone(&self) -> Vec<(Uuid, String)> {
        self.users().map(|user| (user.id, user.principal_name)).collect()
    }

    fn untouched(&self, account: &Uuid) -> bool {
        Self::untouched(self, account)
    }

    fn sets(&self, account: &Uuid) -> Vec<Set> {
        let sets = Self::sets(self, account).into_iter();
        sets.map(|set| Set { at: set.at, sha256: set.sha256, by_administrator: set.by_administrator }).collect()
    }

    /// Disabled, or with a password to be changed first: both are said only of the right password.
    fn opens(&self, account: &Uuid, password: &str) -> bool {
        matches!(self.sign_in(account, password), Ok(()) | Err(SignInRefusal::MustChange | SignInRefusal::Disabled))
    }

    fn revoked(&self, account: &Uuid) -> Vec<Timestamp> {
        Self::revoked(self, account)
    }
}

/// Which mock directories a run works on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Which {
    OnPrem,
    Cloud,
    /// Both, of one organisation: most people have an account in each.
    Hybrid,
}

/// Mock directories of one organisation.
pub(crate) struct Mocks {
    pub(crate) ad: Option<MockAd>,
    pub(crate) graph: Option<MockGraph>,
}

impl Mocks {
    pub(crate) async fn start(which: Which, organisation: Organisation, latency: Duration) -> Self {
        let mut mocks = Self { ad: None, graph: None };
        if which != Which::Cloud {
            let builder = MockAd::builder().organisation(organisation.clone());
            mocks.ad = Some(builder.latency(latency).start().await.expect("a mock"));
        }
        if which != Which::OnPrem {
            let builder = MockGraph::builder(organisation);
            mocks.graph = Some(builder.latency(latency).start().await.expect("a mock"));
        }
        mocks
    }

    pub(crate) fn stand(&self) -> Stand {
        Stand::on_each(self.ad.as_ref(), self.graph.as_ref())
    }

    fn witnesses(&self) -> Vec<&dyn Witness> {
        let ad = self.ad.iter().map(|mock| mock as &dyn Witness);
        ad.chain(self.graph.iter().map(|mock| mock as &dyn Witness)).collect()
    }

    /// Nobody was written to in any of them.
    pub(crate) fn assert_untouched(&self) {
        for witness in self.witnesses() {
            for (account, name) in witness.everyone() {
                assert!(witness.untouched(&account), "{name} in {} was touched", witness.directory());
            }
        }
    }

    /// [`Evidence::assert_promised_state`] over all of them; no account of the plan is in none. Of
    /// the hybrid ones, sessions ended after the password was set.
    pub(crate) fn assert_promised_state(&self, evidence: &Evidence) -> PromisedState {
        let mut sum = PromisedState::default();
        for witness in self.witnesses() {
            let state = evidence.assert_promised_state(witness);
            // Of the whole run, whichever directory is asked.
            (sum.repeated, sum.read_back) = (state.repeated, state.read_back);
            sum.planned += state.planned;
            sum.sets += state.sets;
            sum.revoked += state.revoked;
            sum.untouched += state.untouched;
        }
        assert_eq!(sum.planned, evidence.resets().count() as u64, "a planned account is in no directory");
        if let (Some(ad), Some(graph)) = (&self.ad, &self.graph) {
            sum.hybrid = assert_revoked_after_the_password(evidence, ad, graph);
        }
        sum
    }

    /// Ends what can be ended before it is dropped.
    pub(crate) async fn shutdown(self) {
        if let Some(ad) = self.ad {
            ad.shutdown().await;
        }
    }
}

/// Whose password is mastered on-prem gets it there and only there, and sessions in the cloud are
/// ended after it: before it, the old password would open new ones. Says for how many.
fn assert_revoked_after_the_password(evidence: &Evidence, ad: &MockAd, graph: &MockGraph) -> u64 {
    let mut hybrid = 0;
    for user in graph.users() {
        let Some(account) = user.truth().joined_with.map(|index| ad.organisation().account(index)) else { continue };
        let name = &user.principal_name;
        assert!(graph.sets(&user.id).is_empty(), "{name} is mastered on-prem and got a password in the cloud");
        let (sets, revoked) = (ad.sets(&account.guid), graph.revoked(&user.id));
        if let (Some(set), Some(revoked)) = (sets.last(), revoked.first()) {
            assert!(set.at <= *revoked, "{name}: sessions ended at {revoked}, before the password of {}", set.at);
            hybrid += 1;
        }
    }
    let planned = evidence.resets().filter(|(entry, _)| {
        let user = (entry.directory.as_str() == CLOUD).then(|| graph.user_by_id(&guid(&entry.id))).flatten();
        let account = user.and_then(|user| user.truth().joined_with).map(|index| ad.organisation().account(index));
        account.is_some_and(|account| !ad.sets(&account.guid).is_empty())
    });
    assert_eq!(hybrid, planned.count() as u64, "planned on both sides, and done on both sides");
    hybrid
}
