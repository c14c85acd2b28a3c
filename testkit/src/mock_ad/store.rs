//! The directory's state: what the organisation says, and what has changed since.

use std::borrow::Cow;
use std::collections::HashMap;

use jiff::{SignedDuration, Timestamp};
use sha2::{Digest, Sha256};

use super::fixed::{self, Described, FixedEntry};
use super::index::{Bucket, Key, buckets, hex, key};
use super::policy::DomainPolicy;
use super::record::Record;
use super::sid;
use crate::organisation::{GroupIndex, Organisation, Place, SyntheticAccount, SyntheticGroup, file_time, special, uac};

/// A row of the directory.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(super) enum EntryRef {
    Fixed(u32),
    Group(u16),
    Account(u32),
}

/// What has changed or can change of an account.
#[derive(Clone, Debug)]
pub(super) struct AccountState {
    pub(super) uac: u32,
    /// `pwdLastSet`; 0 for must change.
    pub(super) password_set: i64,
    /// The version of `unicodePwd` and when it was written.
    pub(super) version: u32,
    pub(super) version_at: i64,
    /// The version of `pwdLastSet`.
    pub(super) set_version: u32,
    pub(super) lockout: i64,
    pub(super) bad_passwords: u32,
    pub(super) usn_changed: u64,
    pub(super) written: bool,
    pub(super) deleted: bool,
    /// Whoever asks may not see it.
    pub(super) hidden: bool,
    /// Hashes of passwords since the initial one, newest last; empty means the initial one.
    pub(super) passwords: Vec<[u8; 32]>,
    /// The account as a test changed it.
    pub(super) overlay: Option<Box<SyntheticAccount>>,
}

/// An account with its state.
#[derive(Debug)]
pub(super) struct View<'a> {
    pub(super) account: Cow<'a, SyntheticAccount>,
    pub(super) state: &'a AccountState,
}

/// A row, ready to be read. It lives on the stack, one at a time.
#[derive(Debug)]
#[expect(clippy::large_enum_variant, reason = "nearly every row is an account, and none is kept")]
pub(super) enum Row<'a> {
    Fixed(&'a FixedEntry),
    Group(&'a SyntheticGroup, &'a GroupState),
    Account(View<'a>),
}

#[derive(Debug)]
pub(super) struct GroupState {
    pub(super) dn: String,
    pub(super) members: Vec<u32>,
}

#[derive(Debug)]
pub(super) struct Store {
    pub(super) organisation: Organisation,
    pub(super) base: String,
    pub(super) base_normal: String,
    pub(super) fixed: Vec<FixedEntry>,
    pub(super) groups: Vec<GroupState>,
    pub(super) states: Vec<AccountState>,
    pub(super) usn: u64,
    pub(super) policy: DomainPolicy,
    pub(super) administrators_policy: DomainPolicy,
    pub(super) record: Record,
    pub(super) clock_skew: SignedDuration,
    /// The account of the run holds the right to reset only, not Domain Admins.
    pub(super) delegated: bool,
    /// The name of the controller whose copy this is.
    pub(super) controller: String,
    /// Whether this is the copy of a read-only controller.
    pub(super) read_only: bool,
    /// Labels of further domains below this one.
    pub(super) children: Vec<String>,
    /// MaxPageSize.
    pub(super) most_entries: usize,
    /// Whether a set can be made to respect the history.
    pub(super) policy_hints: bool,
    pub(super) by_name: HashMap<u64, EntryRef>,
    buckets: HashMap<Bucket, Vec<u32>>,
}

impl Store {
    /// With the policy of the domain, and the fine-grained one.
    pub(super) fn new(
        organisation: Organisation,
        (policy, administrators_policy): (DomainPolicy, DomainPolicy),
        delegated: bool,
        most_entries: usize,
    ) -> Self {
        let base = organisation.base_dn();
        let mut store = Self {
            base_normal: base.to_lowercase(),
            fixed: fixed::entries(&organisation, &base, &policy, &administrators_policy, most_entries),
            groups: Vec::new(),
            states: Vec::new(),
            usn: 20_000 + organisation.len(),
            policy,
            administrators_policy,
            record: Record::default(),
            clock_skew: SignedDuration::ZERO,
            delegated,
            controller: fixed::FIRST.to_owned(),
            read_only: false,
            children: Vec::new(),
            most_entries,
            policy_hints: true,
            by_name: HashMap::new(),
            buckets: HashMap::new(),
            organisation,
            base,
        };
        store.fill();
        store
    }

    /// Now, by the directory's clock.
    pub(super) fn now(&self) -> Timestamp {
        let now = identity_core::limits::clock::now();
        now.checked_add(self.clock_skew).unwrap_or(now)
    }

    pub(super) fn view(&self, index: u32) -> Option<View<'_>> {
        let state = self.states.get(index as usize).filter(|state| !state.deleted)?;
        let account = match &state.overlay {
            Some(overlay) => Cow::Borrowed(overlay.as_ref()),
            None => {
                let mut account = self.organisation.account_without_truth(u64::from(index));
                account.uac = state.uac;
                Cow::Owned(account)
            }
        };
        Some(View { account, state })
    }

    pub(super) fn group(&self, group: u16) -> Option<(&SyntheticGroup, &GroupState)> {
        Some((self.organisation.group(GroupIndex(group))?, self.groups.get(usize::from(group))?))
    }

    pub(super) fn row(&self, entry: EntryRef) -> Option<Row<'_>> {
        Some(match entry {
            EntryRef::Fixed(at) => Row::Fixed(self.fixed.get(at as usize).filter(|entry| self.shows(entry))?),
            EntryRef::Group(at) => {
                let (group, state) = self.group(at)?;
                Row::Group(group, state)
            }
            EntryRef::Account(at) => Row::Account(self.view(at).filter(|view| !view.state.hidden)?),
        })
    }

    /// By default only Domain Admins may read the fine-grained policies and their container.
    fn shows(&self, entry: &FixedEntry) -> bool {
        !(self.delegated && entry.dn.contains("CN=Password Settings Container,"))
    }

    pub(super) fn bucket(&self, bucket: Bucket) -> &[u32] {
        self.buckets.get(&bucket).map_or(&[], Vec::as_slice)
    }

    /// What a row is to a planting.
    pub(super) fn place(&self, entry: &FixedEntry) -> Option<Place> {
        let below = entry.dn.strip_suffix(&self.base)?;
        match below {
            "" => Some(Place::Domain),
            "OU=Domain Controllers," => Some(Place::Controllers),
            "CN=AdminSDHolder,CN=System," => Some(Place::AdminSdHolder),
            _ => None,
        }
    }

    /// Whether a password is the account's.
    pub(super) fn password_matches(&self, index: u32, password: &str) -> bool {
        self.current_hash(index).is_some_and(|current| current == sha256(password))
    }

    /// The hashes that a change may not repeat: the newest first.
    pub(super) fn former_hashes(&self, index: u32) -> Vec<[u8; 32]> {
        let since = self.states.get(index as usize).into_iter().flat_map(|state| state.passwords.iter().rev());
        let initial = sha256(&self.organisation.initial_password(u64::from(index)));
        since.copied().chain([initial]).take(self.policy.history.max(1)).collect()
    }

    fn current_hash(&self, index: u32) -> Option<[u8; 32]> {
        let state = self.states.get(index as usize)?;
        let initial = || sha256(&self.organisation.initial_password(u64::from(index)));
        Some(state.passwords.last().copied().unwrap_or_else(initial))
    }

    /// Whether the account is privileged enough to reset anybody.
    pub(super) fn is_administrator(&self, index: u32) -> bool {
        let runner = u64::from(index) == special::RUNNER;
        let Some(view) = self.view(index).filter(|_| !(runner && self.delegated)) else { return false };
        let primary = self.organisation.groups().find(|group| group.rid == view.account.primary_group);
        let direct = view.account.member_of.iter().copied().chain(primary.map(|group| group.index));
        let mut above = direct.flat_map(|group| self.organisation.groups_above(group));
        above.any(|group| group.name == "Administrators")
    }

    /// Lets a test change an account: rename, move, disable, lock, put into a group.
    pub(super) fn change(&mut self, index: u32, change: impl FnOnce(&mut SyntheticAccount)) -> Option<()> {
        let mut account = self.view(index)?.account.into_owned();
        self.forget(index, &account);
        let state = self.states.get(index as usize)?;
        (account.locked, account.must_change) = (state.lockout != 0, state.password_set == 0);
        let before = (account.locked, account.must_change);
        change(&mut account);
        self.enter(index, &account);
        self.usn += 1;
        let (usn, now) = (self.usn, file_time(self.now()));
        let state = self.states.get_mut(index as usize)?;
        if account.locked != before.0 {
            state.lockout = if account.locked { now } else { 0 };
        }
        if account.must_change != before.1 {
            state.password_set = if account.must_change { 0 } else { now };
        }
        state.uac = account.uac;
        state.usn_changed = usn;
        state.overlay = Some(Box::new(account));
        Some(())
    }

    /// Lets a test delete an account.
    pub(super) fn delete(&mut self, index: u32) -> Option<()> {
        let account = self.view(index)?.account.into_owned();
        self.forget(index, &account);
        self.states.get_mut(index as usize)?.deleted = true;
        Some(())
    }

    /// Adds a row beside those that every domain has.
    pub(super) fn add_fixed(&mut self, described: Described) {
        let place = self.fixed.len();
        self.fixed.push(fixed::row(&self.organisation, place, described));
        self.enter_fixed(place);
    }

    /// Adds the copy of a row that another controller has.
    pub(super) fn add_copy(&mut self, entry: &FixedEntry) {
        let place = self.fixed.len();
        self.fixed.push(entry.clone());
        self.enter_fixed(place);
    }

    fn enter_fixed(&mut self, place: usize) {
        let Some(entry) = self.fixed.get(place) else { return };
        let entry_ref = EntryRef::Fixed(u32::try_from(place).unwrap_or(u32::MAX));
        self.by_name.insert(key(Key::Dn, &sid::normal_dn(&entry.dn)), entry_ref);
        self.by_name.insert(key(Key::Guid, &entry.guid.to_string()), entry_ref);
        if let Some(sid) = &entry.sid {
            self.by_name.insert(key(Key::Sid, &hex(sid)), entry_ref);
        }
    }

    fn fill(&mut self) {
        (0..self.fixed.len()).for_each(|place| self.enter_fixed(place));
        let organisation = self.organisation.clone();
        for group in organisation.groups() {
            let (entry_ref, dn) = (EntryRef::Group(group.index.0), group.dn(&self.base));
            self.by_name.insert(key(Key::Dn, &sid::normal_dn(&dn)), entry_ref);
            self.by_name.insert(key(Key::SamAccountName, &group.name.to_lowercase()), entry_ref);
            self.by_name.insert(key(Key::Guid, &fixed::group_guid(&organisation, group.index).to_string()), entry_ref);
            let sid = sid::sid_bytes(&organisation.group_sid(group)).unwrap_or_default();
            self.by_name.insert(key(Key::Sid, &hex(&sid)), entry_ref);
            self.groups.push(GroupState { dn, members: Vec::new() });
        }
        for index in 0..u32::try_from(organisation.len()).unwrap_or(u32::MAX) {
            let account = organisation.account_without_truth(u64::from(index));
            self.states.push(AccountState {
                uac: account.uac,
                password_set: if account.must_change { 0 } else { file_time(account.password_set) },
                version: account.password_version,
                version_at: file_time(account.password_set),
                set_version: account.password_version,
                lockout: if account.locked { file_time(organisation.as_of()) } else { 0 },
                bad_passwords: 0,
                usn_changed: 20_000 + u64::from(index),
                written: false,
                deleted: false,
                hidden: false,
                passwords: Vec::new(),
                overlay: None,
            });
            self.enter(index, &account);
        }
    }

    /// Puts an account into the indexes.
    pub(super) fn enter(&mut self, index: u32, account: &SyntheticAccount) {
        for key in self.keys(account) {
            self.by_name.insert(key, EntryRef::Account(index));
        }
        for bucket in buckets(account) {
            self.buckets.entry(bucket).or_default().push(index);
        }
        for group in &account.member_of {
            if let Some(group) = self.groups.get_mut(usize::from(group.0)) {
                group.members.push(index);
            }
        }
    }

    pub(super) fn forget(&mut self, index: u32, account: &SyntheticAccount) {
        for key in self.keys(account) {
            self.by_name.remove(&key);
        }
        for bucket in buckets(account) {
            if let Some(list) = self.buckets.get_mut(&bucket) {
                list.retain(|at| *at != index);
            }
        }
        for group in &account.member_of {
            if let Some(group) = self.groups.get_mut(usize::from(group.0)) {
                group.members.retain(|at| *at != index);
            }
        }
    }

    fn keys(&self, account: &SyntheticAccount) -> Vec<u64> {
        let mut keys = vec![
            key(Key::Dn, &sid::normal_dn(&account.dn(&self.base))),
            key(Key::SamAccountName, &account.name.to_lowercase()),
            key(Key::Sid, &hex(&sid::sid_bytes(&account.sid).unwrap_or_default())),
        ];
        keys.extend(account.principal_name.as_ref().map(|name| key(Key::PrincipalName, &name.to_lowercase())));
        keys
    }
}

pub(super) fn sha256(password: &str) -> [u8; 32] {
    Sha256::digest(password.as_bytes()).into()
}

/// Whether the flags say that the password of this account never expires, so that must-change
/// has no effect (MS-ADTS 3.1.1.4.5.33).
pub(super) fn never_expires(flags: u32) -> bool {
    flags & (uac::NEVER_EXPIRES | uac::SMART_CARD | uac::DOMAIN_TRUST | uac::WORKSTATION | uac::SERVER) != 0
}
