//! Who is privileged: through the membership graph, and by what the organisation knows besides.

use std::collections::{BTreeMap, HashMap};

use async_trait::async_trait;
use identity_core::directory::PrivilegeClassifier;
use identity_core::error::Result;
use identity_core::privilege::{Ground, Membership, MembershipGraph, PrivilegeIndex, Tier};

use super::MemoryDirectory;
use super::state::DELETED;

/// For each granting group, every group that leads to it.
type Closures = BTreeMap<String, (Tier, HashMap<String, Membership<String>>)>;

#[async_trait]
impl PrivilegeClassifier for MemoryDirectory {
    async fn privileges(&self) -> Result<PrivilegeIndex> {
        self.read("classify", 1).await?;
        self.read_fault("classify").await.map_or(Ok(()), Err)?;
        let mut index = PrivilegeIndex::default();
        if self.hides_memberships() {
            index.mark_incomplete("the members of some groups could not be read");
        }
        let closures = self.closures();
        let size = self.inner().states.len();
        for place in 0..size {
            if place % 1024 == 0 {
                tokio::task::yield_now().await;
            }
            self.classify(place, &closures, &mut index);
        }
        Ok(index)
    }
}

impl MemoryDirectory {
    /// Which group is nested in which.
    pub(super) fn graph(&self) -> MembershipGraph<String> {
        let mut graph = MembershipGraph::default();
        for group in self.world.roster.groups() {
            for above in group.nested_in {
                graph.nest(group.name.clone(), above);
            }
        }
        graph
    }

    fn hides_memberships(&self) -> bool {
        let mut inner = self.inner();
        let hides = inner.hidden_memberships > 0;
        inner.hidden_memberships = inner.hidden_memberships.saturating_sub(1);
        hides
    }

    fn closures(&self) -> Closures {
        let graph = self.graph();
        let granting = self.world.roster.groups().into_iter().filter_map(|group| Some((group.name, group.grants?)));
        granting.map(|(name, tier)| (name.clone(), (tier, graph.close([name])))).collect()
    }

    fn classify(&self, place: u64, closures: &Closures, index: &mut PrivilegeIndex) {
        let original = place < self.world.roster.len();
        let changed = {
            let inner = self.inner();
            if inner.states.flags(place) & DELETED != 0 {
                return;
            }
            inner.states.edits.contains_key(&place) || !original
        };
        if !changed && !self.world.roster.may_be_privileged(place) {
            return;
        }
        let Some(row) = self.row(place) else { return };
        let direct = row.groups.iter().map(|group| (group.clone(), "member"));
        let primary = self.world.roster.primary_group(place).map(|group| (group, "primary_group"));
        for (group, rule) in direct.chain(primary) {
            for (holds, (tier, closure)) in closures {
                if let Some(membership) = closure.get(&group) {
                    let ground = Ground {
                        tier: *tier,
                        rule: rule.to_owned(),
                        holds: holds.clone(),
                        evidence: membership.path.clone(),
                    };
                    index.add(row.id.clone(), ground);
                }
            }
        }
        for ground in self.world.roster.other_grounds(place) {
            index.add(row.id.clone(), ground);
        }
    }
}
