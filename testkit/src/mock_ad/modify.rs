//! Modify requests: in order, all or nothing.

use ldap3_proto::proto::{LdapModify, LdapModifyRequest, LdapModifyType};

use super::attributes::has_fine_grained;
use super::controls::Controls;
use super::record::PasswordSet;
use super::reply::Reply;
use super::schema::Attribute;
use super::sid::normal_dn;
use super::store::{AccountState, EntryRef, Store, View, sha256};
use crate::organisation::{ObjectClass, file_time, special, uac};

const DAY: i64 = 864_000_000_000;

/// Who asks, and how.
#[derive(Clone, Copy, Debug)]
pub(super) struct Asker {
    /// The account that signed in; nobody when anonymous.
    pub(super) account: Option<u32>,
    /// Whether the connection is encrypted.
    pub(super) secure: bool,
}

/// What a request comes to, before anything of it takes effect.
struct Draft {
    uac: Option<u32>,
    password_set: i64,
    lockout: i64,
    /// Hashes of new passwords, and whether an administrator set them.
    passwords: Vec<([u8; 32], bool)>,
    /// The old password of a change, between its two parts.
    old: Option<String>,
    now: i64,
}

/// Carries a request out. `refuse_password` stands for a password filter that refuses.
pub(super) fn modify(
    store: &mut Store,
    asker: Asker,
    request: &LdapModifyRequest,
    controls: &Controls,
    refuse_password: bool,
) -> Result<(), Box<Reply>> {
    store.record.counts.modifies += 1;
    let by = asker.account.ok_or_else(|| Box::new(Reply::not_bound()))?;
    let target = target(store, &request.dn)?;
    if store.read_only {
        return Err(Box::new(Reply::referral(&request.dn)));
    }
    let draft = draft(store, asker, by, target, request, controls, refuse_password)?;
    commit(store, target, &draft);
    store.record.counts.applied += 1;
    Ok(())
}

/// The account that a request is about.
pub(super) fn target(store: &Store, name: &str) -> Result<u32, Box<Reply>> {
    match store.resolve(name) {
        Some(EntryRef::Account(index)) if store.view(index).is_some() => Ok(index),
        Some(EntryRef::Fixed(_) | EntryRef::Group(_)) => Err(Box::new(Reply::illegal_modify())),
        _ if name.starts_with('<') || normal_dn(name).ends_with(&format!(",{}", store.base_normal)) => {
            Err(Box::new(Reply::no_such_object(&store.base)))
        }
        _ if name.contains('=') => Err(Box::new(Reply::referral(name))),
        _ => Err(Box::new(Reply::bad_name())),
    }
}

fn draft(
    store: &Store,
    asker: Asker,
    by: u32,
    target: u32,
    request: &LdapModifyRequest,
    controls: &Controls,
    refuse_password: bool,
) -> Result<Draft, Box<Reply>> {
    let view = store.view(target).ok_or_else(|| Box::new(Reply::no_such_object(&store.base)))?;
    let mut draft = Draft {
        uac: Some(view.state.uac),
        password_set: view.state.password_set,
        lockout: view.state.lockout,
        passwords: Vec::new(),
        old: None,
        now: file_time(store.now()),
    };
    for change in &request.changes {
        let attribute =
            Attribute::named(&change.modification.atype).ok_or_else(|| Box::new(Reply::illegal_modify()))?;
        if attribute == Attribute::UnicodePwd {
            if !asker.secure {
                return Err(Box::new(Reply::bad_password_form()));
            }
            draft.password(store, by, target, &view, change, controls, refuse_password)?;
            continue;
        }
        if !may_administer(store, by, &view) {
            return Err(Box::new(Reply::forbidden()));
        }
        let number = number(change)?;
        match (attribute, &change.operation) {
            (Attribute::PwdLastSet, LdapModifyType::Replace) => match number {
                0 => draft.password_set = 0,
                -1 => draft.password_set = draft.now,
                _ => return Err(Box::new(Reply::bad_value())),
            },
            (Attribute::LockoutTime, LdapModifyType::Replace) if number == 0 => draft.lockout = 0,
            (Attribute::LockoutTime, LdapModifyType::Replace) => return Err(Box::new(Reply::bad_value())),
            (Attribute::UserAccountControl, operation) => draft.flags(operation, number)?,
            _ => return Err(Box::new(Reply::illegal_modify())),
        }
    }
    if draft.old.is_some() || draft.uac.is_none() {
        return Err(Box::new(Reply::illegal_modify()));
    }
    // Requiring a smart card replaces the password by one that nobody knows.
    let card = |flags: u32| flags & uac::SMART_CARD != 0;
    if draft.uac.is_some_and(card) && !card(view.state.uac) {
        draft.passwords.push((unknown_password(store, target), true));
        draft.password_set = draft.now;
    }
    Ok(draft)
}

impl Draft {
    #[expect(clippy::too_many_arguments, reason = "a password is judged by all of these")]
    fn password(
        &mut self,
        store: &Store,
        by: u32,
        target: u32,
        view: &View<'_>,
        change: &LdapModify,
        controls: &Controls,
        refuse: bool,
    ) -> Result<(), Box<Reply>> {
        let [value] = change.modification.vals.as_slice() else { return Err(Box::new(Reply::illegal_modify())) };
        let password = read_password(value).ok_or_else(|| Box::new(Reply::bad_password_form()))?;
        let managed = !matches!(view.account.class, ObjectClass::User | ObjectClass::Computer);
        if managed || view.account.uac & uac::DOMAIN_TRUST != 0 {
            return Err(Box::new(Reply::illegal_modify()));
        }
        let policy = if has_fine_grained(store, view) { &store.administrators_policy } else { &store.policy };
        match (&change.operation, self.old.take()) {
            (LdapModifyType::Delete, None) => self.old = Some(password),
            (LdapModifyType::Add, Some(old)) => {
                if view.account.cannot_change {
                    return Err(Box::new(Reply::forbidden()));
                }
                if !store.password_matches(target, &old) {
                    return Err(Box::new(Reply::wrong_old_password()));
                }
                let young = i64::from(policy.min_age_days) * DAY > self.now - view.state.password_set;
                let repeated = store.former_hashes(target).contains(&sha256(&password));
                if young || repeated || refuse || !policy.accepts(&password, &view.account) {
                    return Err(Box::new(Reply::weak_change()));
                }
                self.passwords.push((sha256(&password), false));
                self.password_set = self.now;
            }
            (LdapModifyType::Replace, None) => {
                if !may_administer(store, by, view) {
                    return Err(Box::new(Reply::forbidden()));
                }
                let krbtgt = view.account.rid == 502 || view.account.secondary_krbtgt.is_some();
                if refuse || !(krbtgt || policy.accepts(&password, &view.account)) {
                    return Err(Box::new(Reply::weak_password()));
                }
                if controls.policy_hints && store.former_hashes(target).contains(&sha256(&password)) {
                    return Err(Box::new(Reply::weak_change()));
                }
                // The directory ignores the password that is given for krbtgt.
                let hash = if krbtgt { unknown_password(store, target) } else { sha256(&password) };
                self.passwords.push((hash, true));
                self.password_set = self.now;
            }
            _ => return Err(Box::new(Reply::illegal_modify())),
        }
        Ok(())
    }

    /// `userAccountControl`: replaced, or compared and exchanged by deleting the old value and
    /// adding the new one.
    fn flags(&mut self, operation: &LdapModifyType, number: i64) -> Result<(), Box<Reply>> {
        let flags = u32::try_from(number).map_err(|_| Box::new(Reply::bad_value()))?;
        match operation {
            LdapModifyType::Replace => self.uac = Some(flags),
            LdapModifyType::Delete if self.uac == Some(flags) => self.uac = None,
            LdapModifyType::Delete => return Err(Box::new(Reply::no_such_value("90008 (userAccountControl)"))),
            LdapModifyType::Add if self.uac.is_none() => self.uac = Some(flags),
            LdapModifyType::Add => return Err(Box::new(Reply::value_exists("90008 (userAccountControl)"))),
            LdapModifyType::Increment => return Err(Box::new(Reply::illegal_modify())),
        }
        Ok(())
    }
}

fn commit(store: &mut Store, target: u32, draft: &Draft) {
    store.usn += 1;
    let (usn, at) = (store.usn, store.now());
    let Some(account) = store.view(target).map(|view| view.account.guid) else { return };
    let Some(state) = store.states.get_mut(target as usize) else { return };
    let set_changed = state.password_set != draft.password_set;
    state.set_version += u32::from(set_changed);
    apply(state, draft);
    state.usn_changed = usn;
    let first = state.version - u32::try_from(draft.passwords.len()).unwrap_or(0);
    for (version, (sha256, by_administrator)) in (first + 1..).zip(&draft.passwords) {
        let set = PasswordSet { account, at, sha256: *sha256, version, by_administrator: *by_administrator };
        store.record.add(set);
    }
}

fn apply(state: &mut AccountState, draft: &Draft) {
    state.written = true;
    state.uac = draft.uac.unwrap_or(state.uac);
    if let Some(overlay) = &mut state.overlay {
        overlay.uac = state.uac;
    }
    state.password_set = draft.password_set;
    if state.lockout != draft.lockout {
        state.lockout = draft.lockout;
        state.bad_passwords = 0;
    }
    for (hash, _) in &draft.passwords {
        state.passwords.push(*hash);
        state.version += 1;
        state.version_at = draft.now;
    }
}

/// A change by the owner, without any of the checks: it happened.
pub(super) fn by_owner(store: &mut Store, target: u32, password: &str) {
    let Some(view) = store.view(target) else { return };
    let (uac, lockout, now) = (Some(view.state.uac), view.state.lockout, file_time(store.now()));
    let passwords = vec![(sha256(password), false)];
    commit(store, target, &Draft { uac, password_set: now, lockout, passwords, old: None, now });
}

/// Who may set passwords and flags: administrators everybody's; the delegated account and
/// Account Operators all but those that AdminSDHolder protects.
fn may_administer(store: &Store, by: u32, target: &View<'_>) -> bool {
    if store.is_administrator(by) {
        return true;
    }
    let delegate = store.delegated && u64::from(by) == special::RUNNER;
    let operator = store.view(by).is_some_and(|view| {
        let mut groups = view.account.member_of.iter().filter_map(|group| store.organisation.group(*group));
        groups.any(|group| group.name == "Account Operators")
    });
    (delegate || operator) && !target.account.admin_count
}

fn number(change: &LdapModify) -> Result<i64, Box<Reply>> {
    let [value] = change.modification.vals.as_slice() else { return Err(Box::new(Reply::illegal_modify())) };
    let text = std::str::from_utf8(value).ok();
    text.and_then(|text| text.parse().ok()).ok_or_else(|| Box::new(Reply::bad_value()))
}

/// The password in `unicodePwd`: UTF-16 little-endian between quotes.
fn read_password(value: &[u8]) -> Option<String> {
    let units = value.chunks(2).map(|pair| <[u8; 2]>::try_from(pair).ok().map(u16::from_le_bytes));
    let text = String::from_utf16(&units.collect::<Option<Vec<u16>>>()?).ok()?;
    text.strip_prefix('"')?.strip_suffix('"').map(str::to_owned)
}

/// A hash that no password has that anybody could know.
fn unknown_password(store: &Store, target: u32) -> [u8; 32] {
    sha256(&format!("unknown {target} {}", store.usn))
}
