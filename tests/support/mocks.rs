//! Mock directories of one organisation, and what a run may have done to them.

use std::collections::BTreeMap;
use std::time::Duration;

use identity_reset::account::AccountId;
use testkit::mock_ad::MockAd;
use testkit::mock_graph::MockGraph;
use testkit::mock_okta::{Bucket, MockOkta, MockOktaBuilder, fixed};
use testkit::organisation::Organisation;

use super::evidence::{Evidence, PromisedState};
use super::stand::Stand;
use super::witness::Witness;

/// Which mock directories a run works on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Which {
    OnPrem,
    Cloud,
    /// Active Directory and Entra ID, of one organisation: most people have an account in each.
    Hybrid,
    Okta,
    /// All three, of one organisation.
    All,
}

impl Which {
    fn has_ad(self) -> bool {
        matches!(self, Self::OnPrem | Self::Hybrid | Self::All)
    }

    fn has_graph(self) -> bool {
        matches!(self, Self::Cloud | Self::Hybrid | Self::All)
    }

    fn has_okta(self) -> bool {
        matches!(self, Self::Okta | Self::All)
    }
}

/// An org with its limits out of the way: privileges are read anew for each wave, and a run is not to
/// wait for minutes. Pace has tests of its own.
pub(crate) fn unhurried(organisation: Organisation) -> MockOktaBuilder {
    let raised = |builder: MockOktaBuilder, bucket: Bucket| builder.limit(bucket, 100 * bucket.published());
    Bucket::ALL.into_iter().fold(MockOkta::builder(organisation), raised)
}

/// Mock directories of one organisation.
pub(crate) struct Mocks {
    pub(crate) ad: Option<MockAd>,
    pub(crate) graph: Option<MockGraph>,
    pub(crate) okta: Option<MockOkta>,
}

impl Mocks {
    pub(crate) async fn start(which: Which, organisation: Organisation, latency: Duration) -> Self {
        let mut mocks = Self { ad: None, graph: None, okta: None };
        if which.has_ad() {
            let builder = MockAd::builder().organisation(organisation.clone());
            mocks.ad = Some(builder.latency(latency).start().await.expect("a mock"));
        }
        if which.has_graph() {
            let builder = MockGraph::builder(organisation.clone());
            mocks.graph = Some(builder.latency(latency).start().await.expect("a mock"));
        }
        if which.has_okta() {
            let builder = unhurried(organisation);
            // Alone, most people have their password in it; beside the others, most come from Active Directory.
            let builder = if which == Which::All { builder.okta_mastered_share(25) } else { builder };
            let okta = builder.latency(latency).start().await.expect("a mock");
            // An activation is over in minutes; this one would last as long as the mock.
            let activating = okta.user(fixed::ACTIVATING).expect("a fixed user").id;
            okta.change(&activating, |user| user.activating = false).expect("changed");
            mocks.okta = Some(okta);
        }
        mocks
    }

    pub(crate) fn stand(&self) -> Stand {
        Stand::on_each(self.ad.as_ref(), self.graph.as_ref(), self.okta.as_ref())
    }

    fn witnesses(&self) -> Vec<&dyn Witness> {
        let ad = self.ad.iter().map(|mock| mock as &dyn Witness);
        let graph = self.graph.iter().map(|mock| mock as &dyn Witness);
        ad.chain(graph).chain(self.okta.iter().map(|mock| mock as &dyn Witness)).collect()
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
            sum.superseded += state.superseded;
            sum.revoked += state.revoked;
            sum.untouched += state.untouched;
        }
        assert_eq!(sum.planned, evidence.resets().count() as u64, "a planned account is in no directory");
        let Some(ad) = &self.ad else { return sum };
        if let Some(graph) = &self.graph {
            let joined = graph.users().filter_map(|user| Some((user.id.to_string(), user.truth().joined_with?)));
            sum.hybrid += assert_revoked_after_the_password(evidence, ad, graph, joined);
        }
        if let Some(okta) = &self.okta {
            let joined = okta.users().filter_map(|user| Some((user.id.clone(), user.truth().joined_with?)));
            sum.hybrid += assert_revoked_after_the_password(evidence, ad, okta, joined);
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

/// Whose password is mastered on-prem gets it there and only there, and sessions elsewhere are ended
/// after it: before it, the old password would open new ones. `joined` has the accounts of the other
/// directory with the one on-prem. Says for how many.
fn assert_revoked_after_the_password(
    evidence: &Evidence,
    ad: &MockAd,
    elsewhere: &dyn Witness,
    joined: impl Iterator<Item = (String, u64)>,
) -> u64 {
    let on_prem = |index| AccountId::new(ad.organisation().account(index).guid.to_string()).expect("an id");
    let joined: BTreeMap<AccountId, AccountId> =
        joined.map(|(id, index)| (AccountId::new(id).expect("an id"), on_prem(index))).collect();
    let mut hybrid = 0;
    for (there, here) in &joined {
        let directory = elsewhere.directory();
        assert!(elsewhere.sets(there).is_empty(), "{there} is mastered on-prem and got a password in {directory}");
        let (sets, revoked) = (Witness::sets(ad, here), elsewhere.revoked(there));
        if let (Some(set), Some(revoked)) = (sets.last(), revoked.first()) {
            assert!(set.at <= *revoked, "{there}: sessions ended at {revoked}, before the password of {}", set.at);
            hybrid += 1;
        }
    }
    let planned = evidence.resets().filter(|(entry, _)| {
        let here = (entry.directory.as_str() == elsewhere.directory()).then(|| joined.get(&entry.id)).flatten();
        here.is_some_and(|here| !Witness::sets(ad, here).is_empty())
    });
    assert_eq!(hybrid, planned.count() as u64, "planned on both sides, and done on both sides");
    hybrid
}
