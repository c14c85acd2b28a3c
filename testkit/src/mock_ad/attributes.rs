//! The values of attributes.

use std::collections::BTreeSet;

use super::descriptor;
use super::fixed::{self, FixedEntry};
use super::metadata;
use super::schema::Attribute;
use super::sid::sid_bytes;
use super::store::{EntryRef, GroupState, Row, Store, View, never_expires};
use crate::organisation::{GroupIndex, ObjectClass, Place, SyntheticGroup, file_time, uac};
use crate::security::{AccessEntry, Descriptor, right};

const NEVER: i64 = i64::MAX;
const DAY: i64 = 864_000_000_000;
/// Bits that only `msDS-User-Account-Control-Computed` shows.
const LOCKED_OUT: u32 = 0x10;
const PASSWORD_EXPIRED: u32 = 0x80_0000;

impl Row<'_> {
    pub(super) fn dn(&self, store: &Store) -> String {
        match self {
            Self::Fixed(entry) => entry.dn.clone(),
            Self::Group(_, state) => state.dn.clone(),
            Self::Account(view) => view.account.dn(&store.base),
        }
    }

    /// Gives each value of an attribute to `emit`; none when the attribute is absent.
    /// `tokenGroups` and the security descriptor have functions of their own.
    pub(super) fn each(&self, store: &Store, attribute: Attribute, emit: &mut dyn FnMut(&[u8])) {
        match self {
            Self::Fixed(entry) => fixed_values(store, entry, attribute, emit),
            Self::Group(group, state) => group_values(store, group, state, attribute, emit),
            Self::Account(view) => account_values(store, view, attribute, emit),
        }
    }

    /// `tokenGroups`: every security group at any depth, and `sIDHistory`.
    pub(super) fn token_groups(&self, store: &Store, emit: &mut dyn FnMut(&[u8])) {
        let Self::Account(view) = self else { return };
        let organisation = &store.organisation;
        let primary = organisation.groups().find(|group| group.rid == view.account.primary_group);
        let direct = view.account.member_of.iter().copied().chain(primary.map(|group| group.index));
        let mut seen = BTreeSet::new();
        let mut open: Vec<GroupIndex> = direct.collect();
        while let Some(group) = open.pop().and_then(|group| organisation.group(group)) {
            // A distribution list gives nothing, and passes nothing on.
            if group.security && seen.insert(group.index) {
                open.extend(&group.nested_in);
            }
        }
        for group in seen.into_iter().filter_map(|group| organisation.group(group)) {
            sid_bytes(&organisation.group_sid(group)).iter().for_each(|sid| emit(sid));
        }
        view.account.sid_history.iter().filter_map(|sid| sid_bytes(sid)).for_each(|sid| emit(&sid));
    }

    /// `nTSecurityDescriptor` with the parts that `flags` of the SD_FLAGS control name; `None` where
    /// it may not be read.
    pub(super) fn descriptor(&self, store: &Store, flags: i32) -> Option<Vec<u8>> {
        let domain = store.organisation.domain_sid();
        let (mut descriptor, place) = match self {
            Self::Fixed(entry) => match store.place(entry) {
                Some(Place::Domain) => {
                    let sync = store.view(crate::organisation::special::SYNC as u32);
                    let sync = sync.map(|view| view.account.sid.clone()).unwrap_or_default();
                    (descriptor::of_domain(domain, &sync), Some(Place::Domain))
                }
                place => (descriptor::of_account(domain, false), place),
            },
            Self::Account(view) => {
                let place = Place::Account(view.account.index);
                (descriptor::of_account(domain, view.account.cannot_change), Some(place))
            }
            Self::Group(group, _) => (descriptor::of_account(domain, false), Some(Place::Group(group.name.clone()))),
        };
        let planting = store.organisation.planting();
        if place.as_ref().is_some_and(|place| planting.unreadable.contains(place)) {
            return None;
        }
        place.iter().for_each(|place| planting.change(place, &mut descriptor));
        Some(descriptor.parts(flags))
    }
}

fn fixed_values(store: &Store, entry: &FixedEntry, attribute: Attribute, emit: &mut dyn FnMut(&[u8])) {
    match attribute {
        Attribute::ObjectGuid => emit(&entry.guid.to_bytes_le()),
        Attribute::ObjectSid => entry.sid.iter().for_each(|sid| emit(sid)),
        Attribute::MemberOf => emit_groups(store, &entry.lists, emit),
        _ => entry.values(attribute.name()).iter().for_each(|value| emit(value.as_bytes())),
    }
}

fn group_values(
    store: &Store,
    group: &SyntheticGroup,
    state: &GroupState,
    attribute: Attribute,
    emit: &mut dyn FnMut(&[u8]),
) {
    let organisation = &store.organisation;
    match attribute {
        Attribute::Cn | Attribute::Name | Attribute::SamAccountName => emit(group.name.as_bytes()),
        Attribute::DistinguishedName => emit(state.dn.as_bytes()),
        Attribute::GroupType => emit(group.group_type().to_string().as_bytes()),
        Attribute::SamAccountType => emit(group.sam_account_type().to_string().as_bytes()),
        Attribute::ObjectClass => ["top", "group"].iter().for_each(|class| emit(class.as_bytes())),
        Attribute::ObjectCategory => emit(category(store, "Group").as_bytes()),
        Attribute::ObjectGuid => emit(&fixed::group_guid(organisation, group.index).to_bytes_le()),
        Attribute::ObjectSid => sid_bytes(&organisation.group_sid(group)).iter().for_each(|sid| emit(sid)),
        Attribute::SidHistory => group.sid_history.iter().filter_map(|sid| sid_bytes(sid)).for_each(|sid| emit(&sid)),
        Attribute::AdminCount if group.admin_sd_holder => emit(b"1"),
        Attribute::IsCriticalSystemObject if group.well_known => emit(b"TRUE"),
        Attribute::UsnChanged | Attribute::UsnCreated => {
            emit((1_000 + u32::from(group.index.0)).to_string().as_bytes());
        }
        Attribute::WhenCreated | Attribute::WhenChanged => emit(fixed::generalized(organisation.as_of()).as_bytes()),
        Attribute::MemberOf => emit_groups(store, &group.nested_in, emit),
        Attribute::Member => {
            members(store, group, state).into_iter().for_each(|entry| emit(store.dn(entry).as_bytes()));
        }
        _ => {}
    }
}

/// Who is listed in a group: groups first, then accounts.
pub(super) fn members(store: &Store, group: &SyntheticGroup, state: &GroupState) -> Vec<EntryRef> {
    let nested = store.organisation.groups().filter(|other| other.nested_in.contains(&group.index));
    let nested = nested.map(|other| EntryRef::Group(other.index.0));
    let strangers = store.fixed.iter().enumerate().filter(|(_, fixed)| fixed.lists.contains(&group.index));
    let strangers = strangers.filter_map(|(place, _)| u32::try_from(place).ok().map(EntryRef::Fixed));
    nested.chain(strangers).chain(state.members.iter().copied().map(EntryRef::Account)).collect()
}

fn account_values(store: &Store, view: &View<'_>, attribute: Attribute, emit: &mut dyn FnMut(&[u8])) {
    let (account, state) = (&view.account, view.state);
    let user = account.class == ObjectClass::User;
    let mut text = |value: Option<&str>| value.into_iter().for_each(|value| emit(value.as_bytes()));
    match attribute {
        Attribute::Cn | Attribute::Name => text(Some(&account.cn)),
        Attribute::SamAccountName => text(Some(&account.name)),
        Attribute::UserPrincipalName => text(account.principal_name.as_deref()),
        Attribute::DisplayName => text(account.display_name.as_deref()),
        Attribute::GivenName => text(account.given_name.as_deref()),
        Attribute::Surname => text(account.surname.as_deref()),
        Attribute::Department => text(account.department),
        Attribute::EmployeeId => text(account.employee_id().as_deref()),
        Attribute::EmployeeNumber => text(account.employee_number().as_deref()),
        Attribute::Mail => text(account.mail.as_deref()),
        Attribute::DistinguishedName => text(Some(&account.dn(&store.base))),
        Attribute::Manager => {
            let manager = account.manager.and_then(|manager| u32::try_from(manager).ok());
            text(manager.map(|manager| store.dn(EntryRef::Account(manager))).filter(|dn| !dn.is_empty()).as_deref());
        }
        Attribute::ObjectClass => account.class.names().iter().for_each(|class| emit(class.as_bytes())),
        Attribute::ObjectCategory => text(Some(&category(store, category_name(account.class)))),
        Attribute::ObjectGuid => emit(&account.guid.to_bytes_le()),
        Attribute::ObjectSid => sid_bytes(&account.sid).iter().for_each(|sid| emit(sid)),
        Attribute::SidHistory => account.sid_history.iter().filter_map(|sid| sid_bytes(sid)).for_each(|sid| emit(&sid)),
        Attribute::ServicePrincipalName => account.service_names.iter().for_each(|name| emit(name.as_bytes())),
        Attribute::DelegatesTo => account.delegates_to.iter().for_each(|service| emit(service.as_bytes())),
        Attribute::ActedForBy => listed(&account.acted_for_by).iter().for_each(|list| emit(list)),
        Attribute::ReadBy => listed(&account.read_by).iter().for_each(|list| emit(list)),
        Attribute::MemberOf => emit_groups(store, &account.member_of, emit),
        Attribute::IsCriticalSystemObject => text(account.critical.then_some("TRUE")),
        Attribute::WhenCreated => text(Some(&fixed::generalized(account.created))),
        Attribute::WhenChanged => text(Some(&fixed::generalized(metadata::moment(state.version_at)))),
        Attribute::ResultantPso => {
            text((user && has_fine_grained(store, view)).then(|| fixed::policy_dn(&store.base)).as_deref());
        }
        Attribute::ReplPropertyMetaData => emit(&metadata::binary(account, state)),
        Attribute::ReplAttributeMetaData => metadata::xml(account, state).iter().for_each(|part| emit(part.as_bytes())),
        _ => {
            let number = number(store, view, attribute);
            text(number.map(|number| number.to_string()).as_deref());
        }
    }
}

/// The attributes of an account that are numbers; also what filters compare.
pub(super) fn number(store: &Store, view: &View<'_>, attribute: Attribute) -> Option<i64> {
    let (account, state) = (&view.account, view.state);
    Some(match attribute {
        Attribute::SamAccountType => i64::from(account.sam_account_type()),
        Attribute::UserAccountControl => i64::from(state.uac),
        Attribute::PwdLastSet => state.password_set,
        Attribute::LockoutTime => return (state.lockout != 0 || state.written).then_some(state.lockout),
        Attribute::BadPwdCount => i64::from(state.bad_passwords),
        Attribute::LastLogonTimestamp => return account.last_sign_in.map(file_time),
        Attribute::AccountExpires => account.expires.map_or(NEVER, file_time),
        Attribute::AdminCount => return account.admin_count.then_some(1),
        Attribute::PrimaryGroupId => i64::from(account.primary_group),
        Attribute::SecondaryKrbTgtNumber => return account.secondary_krbtgt.map(i64::from),
        Attribute::RecipientType => return account.recipient_type.map(i64::from),
        Attribute::ManagedPasswordInterval => {
            return matches!(account.class, ObjectClass::GroupManagedService | ObjectClass::DelegatedManagedService)
                .then_some(30);
        }
        Attribute::UsnChanged => i64::try_from(state.usn_changed).unwrap_or(NEVER),
        Attribute::UsnCreated => 20_000 + i64::try_from(account.index).unwrap_or(0),
        Attribute::ExpiryComputed => expiry(store, view),
        Attribute::UserAccountControlComputed => i64::from(computed(store, view)),
        _ => return None,
    })
}

/// When the password expires (MS-ADTS 3.1.1.4.5.33): never, at once (0), or at a time.
pub(super) fn expiry(store: &Store, view: &View<'_>) -> i64 {
    if never_expires(view.state.uac) {
        return NEVER;
    }
    let policy = if has_fine_grained(store, view) { &store.administrators_policy } else { &store.policy };
    match policy.max_age_days {
        _ if view.state.password_set == 0 => 0,
        None => NEVER,
        Some(days) => view.state.password_set.saturating_add(i64::from(days) * DAY),
    }
}

/// Whether the fine-grained policy, not the domain's, is in force.
pub(super) fn has_fine_grained(store: &Store, view: &View<'_>) -> bool {
    let mut above = view.account.member_of.iter().flat_map(|group| store.organisation.groups_above(*group));
    above.any(|group| group.name == "Ops-Escalation")
}

fn computed(store: &Store, view: &View<'_>) -> u32 {
    let expired = expiry(store, view) <= file_time(store.now());
    let locked = if view.state.lockout == 0 { 0 } else { LOCKED_OUT };
    locked | if expired { PASSWORD_EXPIRED } else { 0 } | (view.state.uac & uac::READ_ONLY_CONTROLLER)
}

/// A descriptor that lists who may do one thing; none where nobody may.
fn listed(sids: &[String]) -> Option<Vec<u8>> {
    let mut descriptor = Descriptor::owned_by("S-1-5-32-544");
    descriptor.entries = sids.iter().map(|sid| AccessEntry::allow(sid, right::FULL_CONTROL)).collect();
    (!sids.is_empty()).then(|| descriptor.to_bytes())
}

fn emit_groups(store: &Store, groups: &[GroupIndex], emit: &mut dyn FnMut(&[u8])) {
    for group in groups.iter().filter_map(|group| store.groups.get(usize::from(group.0))) {
        emit(group.dn.as_bytes());
    }
}

fn category(store: &Store, name: &str) -> String {
    format!("CN={name},CN=Schema,CN=Configuration,{}", store.base)
}

fn category_name(class: ObjectClass) -> &'static str {
    match class {
        ObjectClass::User => "Person",
        ObjectClass::Computer => "Computer",
        ObjectClass::ManagedService => "ms-DS-Managed-Service-Account",
        ObjectClass::GroupManagedService => "ms-DS-Group-Managed-Service-Account",
        ObjectClass::DelegatedManagedService => "ms-DS-Delegated-Managed-Service-Account",
    }
}
