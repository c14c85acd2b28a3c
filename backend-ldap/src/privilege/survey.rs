//! What is found out so far, and the one place where it reaches the index.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use identity_core::account::AccountId;
use identity_core::error::Result;
use identity_core::privilege::{Ground, PrivilegeIndex, Tier};

use super::grant::{Grant, Half, Holdings, rule};
use crate::domain::Domain;
use crate::groups::Groups;
use crate::member::Member;
use crate::root::id_of;
use crate::value::sid::Sid;
use crate::wire::entry::Entry;

/// Identities that stand for everybody who signs in, or everybody at all: Everyone, Anonymous,
/// Network, Interactive, Authenticated Users, This Organization (MS-DTYP 2.4.2.4).
const EVERYBODY: [&str; 6] = ["S-1-1-0", "S-1-5-7", "S-1-5-2", "S-1-5-4", "S-1-5-11", "S-1-5-15"];
/// Groups that do so within a domain: Domain Users, Domain Guests, and Domain Computers, which
/// whoever may add a machine (by default everybody) can have an account in.
const EVERYBODY_OF_A_DOMAIN: [u32; 3] = [513, 514, 515];
/// Identities that are no account's, or the directory itself: Creator Owner and Group, Owner Rights,
/// Self, Enterprise Domain Controllers, Local System, Local and Network Service.
const NOBODY: [&str; 8] = ["S-1-3-0", "S-1-3-1", "S-1-3-4", "S-1-5-9", "S-1-5-10", "S-1-5-18", "S-1-5-19", "S-1-5-20"];

/// A classification under way.
pub(super) struct Survey {
    pub(super) domain: Arc<Domain>,
    pub(super) groups: Groups,
    pub(super) index: PrivilegeIndex,
    /// The members of groups that were read.
    pub(super) read: BTreeMap<String, Vec<Member>>,
    /// The groups whose members are tier 0 by the table: a right of theirs says nothing new.
    pub(super) protected: BTreeSet<String>,
    /// Every group whose members are tier 0.
    pub(super) tier0_groups: BTreeSet<String>,
    /// What was settled already, so that a round does not do it again.
    pub(super) settled: BTreeSet<(Sid, &'static str, Option<Half>)>,
    /// Accounts of other domains: they have grounds here, and no row.
    pub(super) strangers: BTreeSet<AccountId>,
    halves: BTreeMap<AccountId, BTreeMap<Half, Ground>>,
    everybody: BTreeSet<Half>,
}

impl Survey {
    /// Reads all groups.
    pub(super) async fn begin(domain: &Arc<Domain>) -> Result<Self> {
        Ok(Self {
            groups: Groups::sweep(domain).await?,
            domain: Arc::clone(domain),
            index: PrivilegeIndex::default(),
            read: BTreeMap::new(),
            protected: BTreeSet::new(),
            tier0_groups: BTreeSet::new(),
            settled: BTreeSet::new(),
            strangers: BTreeSet::new(),
            halves: BTreeMap::new(),
            everybody: BTreeSet::new(),
        })
    }

    /// Gives an account what it holds. Half a right waits for its other half.
    pub(super) fn give(&mut self, account: AccountId, grant: &Grant, attached: &str, path: Vec<String>) {
        let ground = grant.ground(attached, path);
        match grant.half {
            None => self.index.add(account, ground),
            Some(half) => {
                self.halves.entry(account).or_default().entry(half).or_insert(ground);
            }
        }
    }

    /// Everybody holds it. Listing every account would bury what matters, and take the memory of
    /// all of them.
    ///
    /// What gives the domain at once leaves nobody below it: the index says that it is open, so that
    /// every account without a stronger ground goes with the privileged. What gives no more than a way
    /// to a service of the controllers tells nobody apart: it is told once, for everybody, and the
    /// accounts keep the tier that their own grounds give.
    pub(super) fn give_everybody(&mut self, who: &str, grant: &Grant, path: &[String]) {
        if let Some(half) = grant.half {
            self.everybody.insert(half);
            if self.everybody.len() < 2 {
                return;
            }
        }
        if grant.on_services {
            let way = std::iter::once(who.to_owned()).chain(path.iter().cloned());
            self.index.add_for_everybody(grant.ground(rule::MEMBER, way));
            return;
        }
        let way = grant.ground("", path.iter().cloned()).evidence.join(" > ");
        self.index.mark_incomplete(format!(
            "{who} stands for everybody and holds {} ({way}): every account counts as privileged until that is taken away",
            grant.holds
        ));
    }

    /// Puts halves together. To be called after each step that gives some.
    pub(super) fn join_halves(&mut self) {
        for (account, halves) in &self.halves {
            let whole = [Half::Changes, Half::ChangesAll]
                .iter()
                .all(|half| halves.contains_key(half) || self.everybody.contains(half));
            if whole {
                halves.values().for_each(|ground| self.index.add(account.clone(), ground.clone()));
            }
        }
    }

    /// Remembers the groups whose members are tier 0.
    pub(super) fn remember(&mut self, holdings: &Holdings, by_table: bool) {
        for (key, holdings) in holdings {
            // Half a right is none yet: whoever can join such a group gains nothing by it alone.
            if holdings.iter().any(|holding| holding.grant.tier == Tier::Control && holding.grant.half.is_none()) {
                self.tier0_groups.insert(key.clone());
                if by_table {
                    self.protected.insert(key.clone());
                }
            }
        }
    }

    /// Whether a SID stands for everybody.
    pub(super) fn is_everybody(&self, sid: &Sid) -> bool {
        EVERYBODY.contains(&sid.to_string().as_str())
            || (sid.domain().as_ref() == Some(&self.domain.sid)
                && sid.rid().is_some_and(|rid| EVERYBODY_OF_A_DOMAIN.contains(&rid)))
    }

    /// Whether a SID is no account's that could be reset.
    pub(super) fn is_nobody(sid: &Sid) -> bool {
        NOBODY.contains(&sid.to_string().as_str())
    }

    /// The account of an entry; what cannot be identified leaves the index open.
    pub(super) fn identified(&mut self, entry: &Entry) -> Option<AccountId> {
        let account = id_of(entry);
        if account.is_none() {
            self.index.mark_incomplete(format!("the objectGUID of {} could not be read", entry.dn));
        }
        account
    }
}
