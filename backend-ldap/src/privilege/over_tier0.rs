//! Rights over whoever is tier 0 already: who may reset a password, add a key, change a group, read a
//! managed password, or act on a host in another's name, is tier 0 too.

use std::collections::{BTreeMap, BTreeSet};

use futures::TryStreamExt;
use identity_core::account::AccountId;
use identity_core::error::Result;
use identity_core::privilege::Tier;
use uuid::Uuid;

use super::delegation::Delegations;
use super::grant::{Grant, rule};
use super::rights::readable;
use super::survey::Survey;
use crate::account::{EVERY_ACCOUNT, is_machine};
use crate::security::{Right, granted, rights};
use crate::value::sid::Sid;
use crate::value::{dn, guid};
use crate::wire::Search;
use crate::wire::entry::Entry;

/// Objects that one search names: a filter of 50 GUIDs is some 3 KB.
const CHUNK: usize = 50;
const OF_ACCOUNTS: &[&str] = &[
    "objectGUID",
    "objectSid",
    "objectClass",
    "sAMAccountName",
    "userAccountControl",
    "sAMAccountType",
    "dNSHostName",
    "servicePrincipalName",
    "nTSecurityDescriptor",
    ACTING,
    READING,
];
const OF_GROUPS: &[&str] = &["objectGUID", "objectSid", "sAMAccountName", "nTSecurityDescriptor"];
/// Resource-based delegation: a descriptor that lists who may act on this host as anybody
/// (MS-ADA2 2.465).
const ACTING: &str = "msDS-AllowedToActOnBehalfOfOtherIdentity";
/// A descriptor that lists who may read this managed account's password (MS-ADA2 2.386).
const READING: &str = "msDS-GroupMSAMembership";

/// What was looked at, and what waits for the next round.
pub(super) struct Examined {
    accounts: BTreeSet<AccountId>,
    groups: BTreeSet<String>,
    delegations: Delegations,
}

/// Rights on several objects, by holder and rule: the right and the objects' names.
#[derive(Default)]
struct Held(BTreeMap<(Sid, &'static str), (&'static str, BTreeSet<String>)>);

impl Examined {
    pub(super) async fn begin(survey: &Survey) -> Result<Self> {
        let delegations = Delegations::read(&survey.domain).await?;
        Ok(Self { accounts: BTreeSet::new(), groups: BTreeSet::new(), delegations })
    }

    fn new_accounts(&self, survey: &Survey) -> Vec<AccountId> {
        let tier0 = survey.index.privileged().filter(|(_, grounds)| {
            // In order: the strongest ground comes first.
            grounds.first().is_some_and(|ground| ground.tier == Tier::Control)
        });
        tier0.map(|(account, _)| account).filter(|account| !self.accounts.contains(*account)).cloned().collect()
    }

    fn new_groups(&self, survey: &Survey) -> Vec<String> {
        survey.tier0_groups.difference(&self.groups).cloned().collect()
    }
}

impl Survey {
    /// Looks at whoever became tier 0 since the last round; `false` if nobody did.
    pub(super) async fn over_tier0(&mut self, examined: &mut Examined) -> Result<bool> {
        examined.delegations.give_to_any(self);
        let (accounts, groups) = (examined.new_accounts(self), examined.new_groups(self));
        if accounts.is_empty() && groups.is_empty() {
            return Ok(false);
        }
        let mut held = Held::default();
        let mut unreadable: BTreeSet<String> = BTreeSet::new();
        self.over_accounts(&accounts, &mut held, &mut unreadable, &mut examined.delegations).await?;
        self.over_groups(&groups, &mut held, &mut unreadable).await?;
        if let Some(first) = unreadable.first() {
            self.index.mark_incomplete(format!(
                "the access lists of {} tier-0 accounts and groups ({first}, …) could not be read: \
                 who holds them by rights is not known",
                unreadable.len()
            ));
        }
        examined.accounts.extend(accounts);
        examined.groups.extend(groups);
        self.settle(held.into_grants()).await?;
        examined.delegations.give_to_hosts(self);
        Ok(true)
    }

    /// Says where the chain was not followed further.
    pub(super) fn end_of_chain(&mut self, examined: &Examined) {
        let left = examined.new_accounts(self).len() + examined.new_groups(self).len();
        if left > 0 {
            self.index.mark_incomplete(format!(
                "the chain of rights over tier 0 is longer than {} steps: who holds the last {left} accounts and \
                 groups is not known",
                super::ROUNDS
            ));
        }
    }

    async fn over_accounts(
        &mut self,
        accounts: &[AccountId],
        held: &mut Held,
        unreadable: &mut BTreeSet<String>,
        delegations: &mut Delegations,
    ) -> Result<()> {
        let strangers = &self.strangers;
        let guids: Vec<Uuid> =
            accounts.iter().filter(|id| !strangers.contains(*id)).filter_map(guid::of_account).collect();
        let mut missing: BTreeSet<Uuid> = guids.iter().copied().collect();
        let mut listing = self.domain.list_all(searches(&self.domain.name, EVERY_ACCOUNT, &guids, OF_ACCOUNTS));
        while let Some(entry) = listing.try_next().await? {
            found(&entry, &mut missing);
            let name = name_of(&entry);
            let own = entry.sid("objectsid");
            match entry.bytes("ntsecuritydescriptor").and_then(readable) {
                Some(descriptor) => {
                    held.add(&granted(&descriptor, rights::RESET, true), rule::RESET, &name, own.as_ref());
                    held.add(&granted(&descriptor, rights::KEYS, false), rule::WRITE, &name, own.as_ref());
                    if is_machine(&entry) {
                        held.add(&granted(&descriptor, rights::ACTING, false), rule::WRITE, &name, own.as_ref());
                    }
                }
                None => drop(unreadable.insert(name.clone())),
            }
            for (attribute, rule) in [(ACTING, rule::DELEGATION_BY_RESOURCE), (READING, rule::READ_MANAGED_PASSWORD)] {
                let Some(bytes) = entry.bytes(&attribute.to_lowercase()) else { continue };
                match readable(bytes) {
                    Some(list) => held.add(&granted(&list, ANY, false), rule, &name, own.as_ref()),
                    None => drop(unreadable.insert(format!("{attribute} of {name}"))),
                }
            }
            if is_machine(&entry) {
                delegations.add_host(&entry);
            }
        }
        self.gone("accounts", missing, true).await
    }

    /// What was asked for and did not come back is hidden from this sign-in, or was deleted at the same
    /// moment: who holds it by rights is not known. A group may list what is no account, such as a
    /// contact; that has nothing to hold.
    async fn gone(&mut self, what: &str, mut missing: BTreeSet<Uuid>, others_are_fine: bool) -> Result<()> {
        let guids: Vec<Uuid> = missing.iter().copied().filter(|_| others_are_fine).collect();
        let mut listing = self.domain.list_all(searches(&self.domain.name, "", &guids, &["objectGUID", "objectClass"]));
        while let Some(entry) = listing.try_next().await? {
            // What it is has to be seen: one of which only the id is shown may be an account all the same.
            let classes = entry.values("objectclass");
            let is_holder =
                |class: &Vec<u8>| HOLDERS.iter().any(|holder| class.eq_ignore_ascii_case(holder.as_bytes()));
            if !classes.is_empty() && !classes.iter().any(is_holder) {
                found(&entry, &mut missing);
            }
        }
        if let Some(first) = missing.first() {
            self.index.mark_incomplete(format!(
                "{} tier-0 {what} (objectGUID {first}, …) cannot be read: who holds them by rights is not known",
                missing.len()
            ));
        }
        Ok(())
    }

    async fn over_groups(&mut self, keys: &[String], held: &mut Held, unreadable: &mut BTreeSet<String>) -> Result<()> {
        let groups: Vec<_> = keys.iter().filter_map(|key| self.groups.by_key.get(key)).collect();
        let guids: Vec<Uuid> = groups.iter().filter_map(|group| group.guid).collect();
        unreadable.extend(groups.iter().filter(|group| group.guid.is_none()).map(|group| group.name.clone()));
        let mut missing: BTreeSet<Uuid> = guids.iter().copied().collect();
        let mut listing = self.domain.list_all(searches(&self.domain.name, "(objectClass=group)", &guids, OF_GROUPS));
        while let Some(entry) = listing.try_next().await? {
            found(&entry, &mut missing);
            let name = name_of(&entry);
            let own = entry.sid("objectsid");
            match entry.bytes("ntsecuritydescriptor").and_then(readable) {
                Some(descriptor) => {
                    held.add(&granted(&descriptor, rights::MEMBERS, true), rule::CHANGE_GROUP, &name, own.as_ref());
                }
                None => drop(unreadable.insert(name)),
            }
        }
        self.gone("groups", missing, false).await
    }
}

const ANY: &[Right] = rights::ANY;

/// Classes of what can hold something, and be held.
const HOLDERS: [&str; 3] = ["user", "computer", "group"];

impl Held {
    fn add(&mut self, granted: &[crate::security::Granted], rule: &'static str, on: &str, own: Option<&Sid>) {
        // Who holds it over himself gains nothing.
        for one in granted.iter().filter(|one| Some(&one.trustee) != own) {
            let (_, names) = self.0.entry((one.trustee.clone(), rule)).or_insert_with(|| (one.words, BTreeSet::new()));
            names.insert(on.to_owned());
        }
    }

    /// One grant for each holder and rule: hundreds of accounts carry the same list.
    fn into_grants(self) -> Vec<(Sid, Grant)> {
        let grants = self.0.into_iter().map(|((trustee, rule), (words, names))| {
            let first = names.first().cloned().unwrap_or_default();
            let on = match names.len() {
                0 | 1 => first,
                more => format!("{first} and {} more", more - 1),
            };
            (trustee, Grant::by_right(rule, &on, format!("{words} on {on}")))
        });
        grants.collect()
    }
}

fn searches(domain: &str, which: &str, guids: &[Uuid], attributes: &[&str]) -> Vec<Search> {
    let search = |chunk: &[Uuid]| {
        let parts: String =
            chunk.iter().map(|id| format!("(objectGUID={})", guid::escape(&id.to_bytes_le()))).collect();
        Search { descriptor: true, ..Search::subtree(domain, format!("(&{which}(|{parts}))"), attributes) }
    };
    guids.chunks(CHUNK).map(search).collect()
}

/// Takes what came back off the list.
fn found(entry: &Entry, missing: &mut BTreeSet<Uuid>) {
    if let Some(guid) = entry.guid() {
        missing.remove(&guid);
    }
}

fn name_of(entry: &Entry) -> String {
    entry.text("samaccountname").map_or_else(|| dn::first_name(&entry.dn), str::to_owned)
}
