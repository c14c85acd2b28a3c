//! Searches: base, scope, filter, pages, ranges, attributes.

use std::collections::HashMap;
use std::sync::Arc;

use bytes::BytesMut;
use ldap3_proto::proto::{LdapSearchRequest, LdapSearchScope};

use super::controls::Controls;
use super::filter::{Candidates, Filter};
use super::fixed;
use super::reply::Reply;
use super::schema::{Attribute, Syntax};
use super::sid::{normal_dn, parent_dn};
use super::store::{EntryRef, Row, Store};
use super::wire::{self, Ber};

/// MaxValRange, as a new domain has it.
const MOST_VALUES: usize = 1500;
/// How many unfinished searches a connection may have; the oldest is forgotten beyond.
const MOST_COOKIES: usize = 32;

/// The unfinished paged searches of a connection.
#[derive(Debug, Default)]
pub(super) struct Pages {
    next: u64,
    open: HashMap<u64, Page>,
}

#[derive(Debug)]
struct Page {
    rows: Rows,
    at: usize,
}

/// What a search walks over.
#[derive(Clone, Debug)]
enum Rows {
    All,
    These(Arc<[EntryRef]>),
}

/// What is asked of each row.
struct Selection {
    wanted: Vec<Wanted>,
    types_only: bool,
    descriptor_flags: Option<i32>,
    extended_dn: Option<i32>,
    base_scope: bool,
    everything: bool,
}

struct Wanted {
    /// As it is answered, without a range.
    name: String,
    attribute: Option<Attribute>,
    range: Option<(usize, Option<usize>)>,
}

/// Carries a search out; entries go to `out`, the end is given back.
pub(super) fn search(
    store: &mut Store,
    pages: &mut Pages,
    id: i32,
    request: &LdapSearchRequest,
    controls: &Controls,
    truncate: bool,
    out: &mut BytesMut,
) -> Reply {
    if request.base.is_empty() && request.scope == LdapSearchScope::Base {
        root_dse(store, id, request, out);
        return Reply::success();
    }
    let base = match base(store, &request.base) {
        Ok(base) => base,
        Err(reply) => return *reply,
    };
    let selection = Selection::new(request, controls);
    let filter = Filter::compile(store, &request.filter);
    let page = controls.page.as_ref().filter(|(size, _)| *size > 0);
    let (rows, mut at) = match page.filter(|(_, cookie)| !cookie.is_empty()) {
        None => (rows(store, &filter, base, &request.scope), 0),
        Some((_, cookie)) => match pages.take(cookie) {
            Some(page) => (page.rows, page.at),
            None => return Reply::bad_control(),
        },
    };
    let most = store.most_entries;
    let mut most = page.map_or(most, |(size, _)| usize::try_from(*size).unwrap_or(1).min(most));
    if truncate {
        most = (most / 2).max(1);
    }
    let limit = usize::try_from(request.sizelimit).unwrap_or(0);
    let base_normal = normal_dn(&store.dn(base));
    let mut given = 0;
    let more = loop {
        let Some(entry) = rows.at(store, at) else { break false };
        let Some(row) = store.row(entry) else {
            at += 1;
            continue;
        };
        if in_scope(store, &row, entry, base, &base_normal, &request.scope)
            && filter.holds(store, entry, &row) == Some(true)
        {
            if given == most || (limit > 0 && given == limit) {
                break true;
            }
            write_entry(store, id, entry, &row, &selection, out);
            given += 1;
        }
        at += 1;
    };
    store.record.counts.searches += 1;
    store.record.counts.entries += given as u64;
    if truncate || (more && limit > 0 && given == limit) {
        return Reply::size_limit();
    }
    let whole_domain = base == EntryRef::Fixed(fixed::DOMAIN_HEAD) && request.scope == LdapSearchScope::Subtree;
    if whole_domain && !more && !controls.domain_scope {
        for context in fixed::subordinate_contexts(&store.organisation, &store.base, &store.children) {
            wire::reference(out, id, &context);
        }
    }
    match (page, more) {
        (Some(_), true) => Reply { page_cookie: Some(pages.keep(rows, at)), ..Reply::success() },
        (Some(_), false) => Reply { page_cookie: Some(Vec::new()), ..Reply::success() },
        (None, true) => Reply::size_limit(),
        (None, false) => Reply::success(),
    }
}

impl Pages {
    fn keep(&mut self, rows: Rows, at: usize) -> Vec<u8> {
        self.next += 1;
        if self.open.len() >= MOST_COOKIES {
            let oldest = self.open.keys().min().copied();
            oldest.and_then(|oldest| self.open.remove(&oldest));
        }
        self.open.insert(self.next, Page { rows, at });
        self.next.to_be_bytes().to_vec()
    }

    fn take(&mut self, cookie: &[u8]) -> Option<Page> {
        self.open.remove(&u64::from_be_bytes(cookie.try_into().ok()?))
    }
}

impl Rows {
    fn at(&self, store: &Store, at: usize) -> Option<EntryRef> {
        match self {
            Self::These(list) => list.get(at).copied(),
            Self::All => {
                let (fixed, groups) = (store.fixed.len(), store.groups.len());
                let narrow = |n: usize| u32::try_from(n).unwrap_or(u32::MAX);
                if at < fixed {
                    Some(EntryRef::Fixed(narrow(at)))
                } else if at < fixed + groups {
                    u16::try_from(at - fixed).ok().map(EntryRef::Group)
                } else {
                    Some(at - fixed - groups).filter(|n| *n < store.states.len()).map(|n| EntryRef::Account(narrow(n)))
                }
            }
        }
    }
}

impl Selection {
    fn new(request: &LdapSearchRequest, controls: &Controls) -> Self {
        let everything = request.attrs.is_empty() || request.attrs.iter().any(|name| name == "*");
        let mut wanted = Vec::new();
        if everything {
            let ordinary = Attribute::ALL.iter().filter(|attribute| !attribute.constructed());
            wanted.extend(ordinary.map(|attribute| Wanted {
                name: attribute.name().to_owned(),
                attribute: Some(*attribute),
                range: None,
            }));
        }
        for asked in request.attrs.iter().filter(|name| !matches!(name.as_str(), "*" | "+" | "1.1")) {
            let (name, option) = asked.split_once(';').unwrap_or((asked, ""));
            let attribute = Attribute::named(name);
            let range = option.strip_prefix("range=").and_then(|range| range.split_once('-'));
            let range = range.and_then(|(from, to)| Some((from.parse().ok()?, to.parse().ok())));
            let name = attribute.map_or_else(|| name.to_owned(), |attribute| attribute.name().to_owned());
            wanted.push(Wanted { name, attribute, range });
        }
        Self {
            wanted,
            types_only: request.typesonly,
            descriptor_flags: controls.descriptor_flags,
            extended_dn: controls.extended_dn,
            base_scope: request.scope == LdapSearchScope::Base,
            everything,
        }
    }
}

impl Selection {
    /// A name, extended when that is asked for (MS-ADTS 3.1.1.3.4.1.5).
    fn name(&self, store: &Store, entry: EntryRef, dn: String) -> String {
        let Some(format) = self.extended_dn else { return dn };
        store.extended_name(entry, &dn, format == 1)
    }
}

/// The row that a search begins at, or Active Directory's way to say that there is none.
fn base(store: &Store, name: &str) -> Result<EntryRef, Box<Reply>> {
    if let Some(entry) = store.resolve(name).filter(|entry| store.row(*entry).is_some()) {
        return Ok(entry);
    }
    let normal = normal_dn(name);
    if name.starts_with('<') || normal.ends_with(&format!(",{}", store.base_normal)) {
        return Err(Box::new(Reply::no_such_object(&store.base)));
    }
    if !normal.contains('=') {
        return Err(Box::new(Reply::bad_name()));
    }
    Err(Box::new(Reply::referral(name)))
}

fn rows(store: &Store, filter: &Filter, base: EntryRef, scope: &LdapSearchScope) -> Rows {
    if *scope == LdapSearchScope::Base {
        return Rows::These([base].into());
    }
    match filter.candidates(store) {
        Candidates::All => Rows::All,
        Candidates::These(list) => Rows::These(list.into_iter().collect()),
    }
}

fn in_scope(
    store: &Store,
    row: &Row<'_>,
    entry: EntryRef,
    base: EntryRef,
    base_normal: &str,
    scope: &LdapSearchScope,
) -> bool {
    let below = |dn: &str| dn.strip_suffix(base_normal).is_some_and(|rest| rest.ends_with(','));
    match scope {
        LdapSearchScope::Base => entry == base,
        // Nearly every search: no need to look at names.
        LdapSearchScope::Subtree if base == EntryRef::Fixed(fixed::DOMAIN_HEAD) => {
            // The configuration is another naming context, though its name ends alike.
            !matches!(row, Row::Fixed(fixed) if fixed.dn.contains("CN=Configuration,"))
        }
        LdapSearchScope::Subtree => entry == base || below(&normal_dn(&row.dn(store))),
        LdapSearchScope::Children => entry != base && below(&normal_dn(&row.dn(store))),
        LdapSearchScope::OneLevel => parent_dn(&normal_dn(&row.dn(store))) == Some(base_normal),
    }
}

fn write_entry(store: &Store, id: i32, entry: EntryRef, row: &Row<'_>, selection: &Selection, out: &mut BytesMut) {
    let dn = selection.name(store, entry, row.dn(store));
    wire::entry(out, id, &dn, |list| {
        for wanted in &selection.wanted {
            write_attribute(store, row, wanted, selection, list);
        }
        if let (true, Row::Fixed(entry)) = (selection.everything, row) {
            for (name, values) in entry.attributes.iter().filter(|(name, _)| Attribute::named(name).is_none()) {
                wire::attribute(list, name, |set| values.iter().for_each(|value| set.text(value)));
            }
        }
    });
}

/// Writes an attribute, and takes it back when it turns out to have no value.
fn write_attribute(store: &Store, row: &Row<'_>, wanted: &Wanted, selection: &Selection, list: &mut Ber<'_>) {
    let before = list.0.len();
    let mut found = false;
    if wanted.attribute == Some(Attribute::Member) {
        return write_members(store, row, wanted, selection, list);
    }
    wire::attribute(list, &wanted.name, |set| {
        let mut emit = |value: &[u8]| {
            found = true;
            if !selection.types_only {
                set.bytes(0x04, value);
            }
        };
        match wanted.attribute {
            None => {
                if let Row::Fixed(entry) = row {
                    entry.values(&wanted.name).iter().for_each(|value| emit(value.as_bytes()));
                }
            }
            // Never readable.
            Some(Attribute::UnicodePwd) => {}
            Some(Attribute::TokenGroups) => {
                if selection.base_scope {
                    row.token_groups(store, &mut emit);
                }
            }
            Some(Attribute::NtSecurityDescriptor) => {
                // Without the control only who may read the SACL gets it.
                let descriptor = selection.descriptor_flags.and_then(|flags| row.descriptor(store, flags));
                descriptor.iter().for_each(|bytes| emit(bytes));
            }
            Some(attribute) if attribute.syntax() == Syntax::Name && selection.extended_dn.is_some() => {
                row.each(store, attribute, &mut |value| {
                    let dn = String::from_utf8_lossy(value).into_owned();
                    let named = store.resolve(&dn).map(|entry| selection.name(store, entry, dn.clone()));
                    emit(named.unwrap_or(dn).as_bytes());
                });
            }
            Some(attribute) => row.each(store, attribute, &mut emit),
        }
    });
    if !found {
        list.0.truncate(before);
    }
}

/// `member`, at most 1500 values at once, then under a name with a range (MS-ADTS 3.1.1.3.1.3.3).
fn write_members(store: &Store, row: &Row<'_>, wanted: &Wanted, selection: &Selection, list: &mut Ber<'_>) {
    let Row::Group(group, state) = row else { return };
    let members = super::attributes::members(store, group, state);
    let (from, to) = wanted.range.unwrap_or((0, None));
    let most = to.map_or(MOST_VALUES, |to| to.saturating_sub(from).saturating_add(1).min(MOST_VALUES));
    let chunk: Vec<EntryRef> = members.iter().skip(from).take(most).copied().collect();
    if chunk.is_empty() {
        return;
    }
    let last = from + chunk.len() - 1;
    let complete = last + 1 == members.len();
    let name = match (complete, wanted.range) {
        (true, None) => wanted.name.clone(),
        (true, Some(_)) => format!("{};range={from}-*", wanted.name),
        (false, _) => format!("{};range={from}-{last}", wanted.name),
    };
    wire::attribute(list, &name, |set| {
        if !selection.types_only {
            chunk.into_iter().for_each(|entry| set.text(&selection.name(store, entry, store.dn(entry))));
        }
    });
}

fn root_dse(store: &Store, id: i32, request: &LdapSearchRequest, out: &mut BytesMut) {
    let controller = (store.controller.as_str(), store.read_only);
    let rows =
        fixed::root_dse(&store.organisation, &store.base, store.usn, store.now(), controller, store.policy_hints);
    let all = request.attrs.is_empty() || request.attrs.iter().any(|name| name == "*" || name == "+");
    wire::entry(out, id, "", |list| {
        for (name, values) in rows {
            if all || request.attrs.iter().any(|asked| asked.eq_ignore_ascii_case(name)) {
                wire::attribute(list, name, |set| values.iter().for_each(|value| set.text(value)));
            }
        }
    });
}
