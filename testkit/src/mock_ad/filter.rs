//! Filters: compiled once per search, evaluated per row, and used to choose an index.

use std::collections::BTreeSet;

use ldap3_proto::proto::{LdapFilter, LdapMatchingRuleAssertion, LdapSubstringFilter};

use super::attributes::number;
use super::index::Bucket;
use super::schema::{Attribute, Syntax};
use super::sid::normal_dn;
use super::store::{EntryRef, Row, Store};
use super::wire::filter_bytes;

const BIT_AND: &str = "1.2.840.113556.1.4.803";
const BIT_OR: &str = "1.2.840.113556.1.4.804";
const IN_CHAIN: &str = "1.2.840.113556.1.4.1941";

/// A filter, ready to be evaluated.
#[derive(Debug)]
pub(super) enum Filter {
    And(Vec<Self>),
    Or(Vec<Self>),
    Not(Box<Self>),
    Present(Attribute),
    Equal(Attribute, Wanted),
    AtLeast(Attribute, Wanted),
    AtMost(Attribute, Wanted),
    Like(Attribute, Pattern),
    /// Every bit, or (`true`) any bit.
    Bits(Attribute, i64, bool),
    /// Member of one of these groups; groups and accounts.
    InGroups(BTreeSet<u16>),
    /// One of these groups.
    Among(BTreeSet<u16>),
    /// Neither true nor false (RFC 4511, 4.5.1.7): attributes that the schema lacks or that
    /// filters cannot use.
    Undefined,
}

/// A value to compare with, in the form that its syntax compares.
#[derive(Debug)]
pub(super) enum Wanted {
    Number(i64),
    Bytes(Vec<u8>),
    Text(String),
}

#[derive(Debug)]
pub(super) struct Pattern {
    initial: Option<String>,
    any: Vec<String>,
    last: Option<String>,
}

/// Where the rows of a search come from.
#[derive(Debug)]
pub(super) enum Candidates {
    /// Everything.
    All,
    /// These, in order.
    These(BTreeSet<EntryRef>),
}

impl Filter {
    pub(super) fn compile(store: &Store, filter: &LdapFilter) -> Self {
        let with = |name: &str, make: &dyn Fn(Attribute) -> Option<Self>| {
            let attribute = Attribute::named(name).filter(|attribute| !attribute.constructed());
            attribute.and_then(make).unwrap_or(Self::Undefined)
        };
        match filter {
            LdapFilter::And(parts) => Self::And(parts.iter().map(|part| Self::compile(store, part)).collect()),
            LdapFilter::Or(parts) => Self::Or(parts.iter().map(|part| Self::compile(store, part)).collect()),
            LdapFilter::Not(part) => Self::Not(Box::new(Self::compile(store, part))),
            LdapFilter::Present(name) => with(name, &|attribute| Some(Self::Present(attribute))),
            LdapFilter::Equality(name, value) | LdapFilter::Approx(name, value) => {
                with(name, &|attribute| Some(Self::Equal(attribute, wanted(store, attribute, value)?)))
            }
            LdapFilter::GreaterOrEqual(name, value) => {
                with(name, &|attribute| Some(Self::AtLeast(attribute, wanted(store, attribute, value)?)))
            }
            LdapFilter::LessOrEqual(name, value) => {
                with(name, &|attribute| Some(Self::AtMost(attribute, wanted(store, attribute, value)?)))
            }
            LdapFilter::Substring(name, value) => with(name, &|attribute| {
                (attribute.syntax() == Syntax::Text).then(|| Self::Like(attribute, Pattern::new(value)))
            }),
            LdapFilter::Extensible(rule) => extensible(store, rule).unwrap_or(Self::Undefined),
        }
    }

    /// True, false, or neither.
    pub(super) fn holds(&self, store: &Store, entry: EntryRef, row: &Row<'_>) -> Option<bool> {
        match self {
            Self::And(parts) => {
                let mut all = Some(true);
                for part in parts {
                    match part.holds(store, entry, row) {
                        Some(false) => return Some(false),
                        None => all = None,
                        Some(true) => {}
                    }
                }
                all
            }
            Self::Or(parts) => {
                let mut any = Some(false);
                for part in parts {
                    match part.holds(store, entry, row) {
                        Some(true) => return Some(true),
                        None => any = None,
                        Some(false) => {}
                    }
                }
                any
            }
            Self::Not(part) => part.holds(store, entry, row).map(|holds| !holds),
            Self::Present(attribute) => Some(any_value(store, row, *attribute, |_| true)),
            Self::Equal(attribute, wanted) => Some(compare(store, row, *attribute, wanted, std::cmp::Ordering::is_eq)),
            Self::AtLeast(attribute, wanted) => {
                Some(compare(store, row, *attribute, wanted, std::cmp::Ordering::is_ge))
            }
            Self::AtMost(attribute, wanted) => Some(compare(store, row, *attribute, wanted, std::cmp::Ordering::is_le)),
            Self::Like(attribute, pattern) => {
                Some(any_value(store, row, *attribute, |value| pattern.fits(&lower(value))))
            }
            Self::Bits(attribute, bits, any) => {
                let fits = |value: i64| if *any { value & bits != 0 } else { value & bits == *bits };
                Some(any_number(store, row, *attribute, fits))
            }
            Self::InGroups(groups) => Some(match row {
                Row::Account(view) => view.account.member_of.iter().any(|group| groups.contains(&group.0)),
                Row::Group(group, _) => group.nested_in.iter().any(|list| groups.contains(&list.0)),
                Row::Fixed(_) => false,
            }),
            Self::Among(groups) => Some(matches!(entry, EntryRef::Group(group) if groups.contains(&group))),
            Self::Undefined => None,
        }
    }

    /// The narrowest index that covers every row which this filter can hold for.
    pub(super) fn candidates(&self, store: &Store) -> Candidates {
        match self {
            Self::And(parts) => {
                let mut best = Candidates::All;
                for part in parts {
                    best = match (best, part.candidates(store)) {
                        (Candidates::These(one), Candidates::These(two)) if two.len() < one.len() => {
                            Candidates::These(two)
                        }
                        (Candidates::All, other) => other,
                        (best, _) => best,
                    };
                    if matches!(&best, Candidates::These(few) if few.len() < 2) {
                        break;
                    }
                }
                best
            }
            Self::Or(parts) => {
                let mut all = BTreeSet::new();
                for part in parts {
                    match part.candidates(store) {
                        Candidates::These(some) => all.extend(some),
                        Candidates::All => return Candidates::All,
                    }
                }
                Candidates::These(all)
            }
            Self::Equal(attribute, wanted) => equal_candidates(store, *attribute, wanted),
            Self::Present(Attribute::SidHistory) => accounts(store.bucket(Bucket::SidHistory)),
            Self::InGroups(groups) => {
                let mut all = BTreeSet::new();
                for group in groups {
                    if let Some((group, state)) = store.group(*group) {
                        all.extend(super::attributes::members(store, group, state));
                    }
                }
                Candidates::These(all)
            }
            Self::Among(groups) => Candidates::These(groups.iter().copied().map(EntryRef::Group).collect()),
            _ => Candidates::All,
        }
    }
}

impl Pattern {
    fn new(filter: &LdapSubstringFilter) -> Self {
        Self {
            initial: filter.initial.as_ref().map(|part| part.to_lowercase()),
            any: filter.any.iter().map(|part| part.to_lowercase()).collect(),
            last: filter.final_.as_ref().map(|part| part.to_lowercase()),
        }
    }

    fn fits(&self, value: &str) -> bool {
        let Some(mut rest) = value.strip_prefix(self.initial.as_deref().unwrap_or_default()) else { return false };
        for part in &self.any {
            let Some((_, after)) = rest.split_once(part.as_str()) else { return false };
            rest = after;
        }
        self.last.as_ref().is_none_or(|last| rest.ends_with(last.as_str()))
    }
}

fn wanted(store: &Store, attribute: Attribute, value: &str) -> Option<Wanted> {
    Some(match attribute.syntax() {
        Syntax::Integer => Wanted::Number(value.trim().parse().ok()?),
        Syntax::Bytes => {
            let sid =
                matches!(attribute, Attribute::ObjectSid | Attribute::SidHistory).then(|| super::sid::sid_bytes(value));
            Wanted::Bytes(sid.flatten().unwrap_or_else(|| filter_bytes(value)))
        }
        // A category may be given by the name of a class.
        Syntax::Name if attribute == Attribute::ObjectCategory && !value.contains('=') => {
            Wanted::Text(format!("cn={},cn=schema,cn=configuration,{}", value.to_lowercase(), store.base_normal))
        }
        Syntax::Name => Wanted::Text(normal_dn(value)),
        Syntax::Text => Wanted::Text(value.to_lowercase()),
    })
}

fn extensible(store: &Store, rule: &LdapMatchingRuleAssertion) -> Option<Filter> {
    let attribute = Attribute::named(rule.type_.as_deref()?)?;
    match rule.matching_rule.as_deref()? {
        BIT_AND | BIT_OR if attribute.syntax() == Syntax::Integer && !attribute.constructed() => {
            let any = rule.matching_rule.as_deref() == Some(BIT_OR);
            Some(Filter::Bits(attribute, rule.match_value.trim().parse().ok()?, any))
        }
        IN_CHAIN if attribute == Attribute::MemberOf => {
            let Some(EntryRef::Group(root)) = store.resolve(&rule.match_value) else {
                return Some(Filter::InGroups(BTreeSet::new()));
            };
            let inside = store
                .organisation
                .groups()
                .filter(|group| store.organisation.groups_above(group.index).any(|above| above.index.0 == root));
            Some(Filter::InGroups(inside.map(|group| group.index.0).collect()))
        }
        IN_CHAIN if attribute == Attribute::Member => {
            let direct = match store.resolve(&rule.match_value) {
                Some(EntryRef::Account(index)) => store.view(index)?.account.member_of.clone(),
                Some(EntryRef::Group(group)) => store.group(group)?.0.nested_in.clone(),
                _ => Vec::new(),
            };
            let above = direct.into_iter().flat_map(|group| store.organisation.groups_above(group));
            Some(Filter::Among(above.map(|group| group.index.0).collect()))
        }
        _ => None,
    }
}

fn equal_candidates(store: &Store, attribute: Attribute, wanted: &Wanted) -> Candidates {
    let one = |entry: Option<EntryRef>| Candidates::These(entry.into_iter().collect());
    match (attribute, wanted) {
        (Attribute::SamAccountName, Wanted::Text(name)) => one(store.by_account_name(name)),
        (Attribute::UserPrincipalName, Wanted::Text(name)) => one(store.by_principal_name(name)),
        (Attribute::DistinguishedName, Wanted::Text(dn)) => one(store.resolve(dn)),
        (Attribute::ObjectSid, Wanted::Bytes(sid)) => one(store.by_sid(sid)),
        (Attribute::SidHistory, _) => {
            let groups = store.organisation.groups().filter(|group| !group.sid_history.is_empty());
            let groups = groups.map(|group| EntryRef::Group(group.index.0));
            let accounts = store.bucket(Bucket::SidHistory).iter().copied().map(EntryRef::Account);
            Candidates::These(groups.chain(accounts).collect())
        }
        (Attribute::ObjectGuid, Wanted::Bytes(bytes)) => {
            let guid = <[u8; 16]>::try_from(bytes.as_slice()).ok().map(uuid::Uuid::from_bytes_le);
            one(guid.and_then(|guid| store.by_guid(&guid)))
        }
        (Attribute::MemberOf, Wanted::Text(dn)) => {
            let members = match store.resolve(dn) {
                Some(EntryRef::Group(group)) => {
                    store.group(group).map(|(group, state)| super::attributes::members(store, group, state))
                }
                _ => None,
            };
            Candidates::These(members.unwrap_or_default().into_iter().collect())
        }
        (Attribute::Member, Wanted::Text(dn)) => {
            let lists = match store.resolve(dn) {
                Some(EntryRef::Account(index)) => store.view(index).map(|view| view.account.member_of.clone()),
                Some(EntryRef::Group(group)) => store.group(group).map(|(group, _)| group.nested_in.clone()),
                _ => None,
            };
            Candidates::These(lists.into_iter().flatten().map(|group| EntryRef::Group(group.0)).collect())
        }
        (Attribute::PrimaryGroupId, Wanted::Number(rid)) => {
            accounts(store.bucket(Bucket::PrimaryGroup(u32::try_from(*rid).unwrap_or(0))))
        }
        (Attribute::SamAccountType, Wanted::Number(kind)) => {
            let kind = u32::try_from(*kind).unwrap_or(0);
            let groups = store.organisation.groups().filter(|group| group.sam_account_type() == kind);
            let groups = groups.map(|group| EntryRef::Group(group.index.0));
            let accounts = store.bucket(Bucket::SamAccountType(kind)).iter().copied().map(EntryRef::Account);
            Candidates::These(groups.chain(accounts).collect())
        }
        (Attribute::AdminCount, Wanted::Number(1)) => {
            let groups = store.organisation.groups().filter(|group| group.admin_sd_holder);
            let groups = groups.map(|group| EntryRef::Group(group.index.0));
            let accounts = store.bucket(Bucket::AdminCount).iter().copied().map(EntryRef::Account);
            Candidates::These(groups.chain(accounts).collect())
        }
        _ => Candidates::All,
    }
}

fn accounts(list: &[u32]) -> Candidates {
    Candidates::These(list.iter().copied().map(EntryRef::Account).collect())
}

fn compare(
    store: &Store,
    row: &Row<'_>,
    attribute: Attribute,
    wanted: &Wanted,
    fits: fn(std::cmp::Ordering) -> bool,
) -> bool {
    match wanted {
        Wanted::Number(wanted) => any_number(store, row, attribute, |value| fits(value.cmp(wanted))),
        Wanted::Bytes(wanted) => any_value(store, row, attribute, |value| fits(value.cmp(wanted))),
        Wanted::Text(wanted) if attribute.syntax() == Syntax::Name => {
            any_value(store, row, attribute, |value| fits(normal_dn(&String::from_utf8_lossy(value)).cmp(wanted)))
        }
        Wanted::Text(wanted) => any_value(store, row, attribute, |value| fits(lower(value).cmp(wanted))),
    }
}

fn any_number(store: &Store, row: &Row<'_>, attribute: Attribute, fits: impl Fn(i64) -> bool) -> bool {
    if let Row::Account(view) = row {
        return number(store, view, attribute).is_some_and(fits);
    }
    any_value(store, row, attribute, |value| {
        std::str::from_utf8(value).ok().and_then(|v| v.parse().ok()).is_some_and(&fits)
    })
}

fn any_value(store: &Store, row: &Row<'_>, attribute: Attribute, fits: impl Fn(&[u8]) -> bool) -> bool {
    let mut found = false;
    row.each(store, attribute, &mut |value| found = found || fits(value));
    found
}

fn lower(value: &[u8]) -> String {
    String::from_utf8_lossy(value).to_lowercase()
}
