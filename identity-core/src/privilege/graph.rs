//! The membership graph: who is in which group, directly or through nesting.

use std::collections::{HashMap, VecDeque};
use std::hash::Hash;

/// A graph of nested groups, built in one sweep over the groups and closed in memory.
///
/// `K` is whatever names a group in the directory (a distinguished name, an object id). Cycles
/// are harmless.
///
/// ```
/// use identity_core::privilege::MembershipGraph;
///
/// let mut graph = MembershipGraph::default();
/// graph.nest("Tier0-Ops", "Domain Admins");     // Tier0-Ops is a member of Domain Admins
/// graph.nest("Night shift", "Tier0-Ops");
/// graph.nest("Domain Admins", "Night shift");   // a cycle
///
/// let reached = graph.close(["Domain Admins"]);
/// assert_eq!(reached["Night shift"].path, ["Night shift", "Tier0-Ops", "Domain Admins"]);
/// ```
#[derive(Clone, Debug)]
pub struct MembershipGraph<K> {
    members: HashMap<K, Vec<K>>,
}

impl<K> Default for MembershipGraph<K> {
    fn default() -> Self {
        Self { members: HashMap::new() }
    }
}

/// How a group is reached from one of the groups that a closure began with.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Membership<K> {
    /// From the reached group to the one that the closure began with, both included: a shortest
    /// path.
    pub path: Vec<K>,
}

impl<K> Membership<K> {
    /// The group that the closure began with.
    #[must_use]
    pub fn root(&self) -> Option<&K> {
        self.path.last()
    }
}

impl<K: Clone + Eq + Hash + Ord> MembershipGraph<K> {
    /// Records that the group `member` is listed in `group`.
    pub fn nest(&mut self, member: K, group: K) {
        self.members.entry(group).or_default().push(member);
    }

    /// Every group that is one of `roots` or is nested in one at any depth, with a shortest path.
    ///
    /// The result does not depend on the order in which memberships were recorded. A group that
    /// is reachable from several roots is given with the first by path length, then by order of
    /// `K`; call once per root where all of them matter.
    #[must_use]
    pub fn close(&self, roots: impl IntoIterator<Item = K>) -> HashMap<K, Membership<K>> {
        let mut reached: HashMap<K, Membership<K>> = HashMap::new();
        let mut roots: Vec<K> = roots.into_iter().collect();
        roots.sort();
        let mut queue = VecDeque::new();
        for root in roots {
            if !reached.contains_key(&root) {
                reached.insert(root.clone(), Membership { path: vec![root.clone()] });
                queue.push_back(root);
            }
        }
        while let Some(group) = queue.pop_front() {
            let Some(path) = reached.get(&group).map(|membership| membership.path.clone()) else { continue };
            let mut members: Vec<&K> = self.members.get(&group).into_iter().flatten().collect();
            members.sort();
            for member in members {
                if !reached.contains_key(member) {
                    let mut longer = Vec::with_capacity(path.len() + 1);
                    longer.push(member.clone());
                    longer.extend(path.iter().cloned());
                    reached.insert(member.clone(), Membership { path: longer });
                    queue.push_back(member.clone());
                }
            }
        }
        reached
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    /// Slow and obvious: repeat "a member of a reached group is reached" until nothing changes.
    fn oracle(edges: &[(u8, u8)], root: u8) -> Vec<u8> {
        let mut reached = vec![root];
        loop {
            let before = reached.len();
            for (member, group) in edges {
                if reached.contains(group) && !reached.contains(member) {
                    reached.push(*member);
                }
            }
            if reached.len() == before {
                reached.sort_unstable();
                return reached;
            }
        }
    }

    proptest! {
        #[test]
        fn the_closure_agrees_with_an_obvious_oracle(edges in prop::collection::vec((0u8..24, 0u8..24), 0..80), root in 0u8..24) {
            let mut graph = MembershipGraph::default();
            for (member, group) in &edges {
                graph.nest(*member, *group);
            }
            let closure = graph.close([root]);
            let mut reached: Vec<u8> = closure.keys().copied().collect();
            reached.sort_unstable();
            prop_assert_eq!(reached, oracle(&edges, root));
            for (group, membership) in closure {
                prop_assert_eq!(membership.path.first(), Some(&group));
                prop_assert_eq!(membership.root(), Some(&root));
                for step in membership.path.windows(2) {
                    prop_assert!(edges.contains(&(step[0], step[1])), "each step is a recorded membership");
                }
            }
        }
    }
}
