//! Finding rows by their names and identifiers, and naming them.

use uuid::Uuid;

use super::fixed;
use super::index::{Key, hex, key, read_guid};
use super::sid;
use super::store::{EntryRef, Store};

impl Store {
    /// The row that a base or target names: a distinguished name, `<GUID=…>` or `<SID=…>`.
    pub(super) fn resolve(&self, name: &str) -> Option<EntryRef> {
        if let Some(guid) = name.strip_prefix("<GUID=").and_then(|rest| rest.strip_suffix('>')) {
            return self.by_guid(&read_guid(guid)?);
        }
        if let Some(text) = name.strip_prefix("<SID=").and_then(|rest| rest.strip_suffix('>')) {
            let bytes = sid::sid_bytes(text).or_else(|| sid::from_hex(text))?;
            return self.by_sid(&bytes);
        }
        let normal = sid::normal_dn(name);
        self.by_key(Key::Dn, &normal).filter(|entry| sid::normal_dn(&self.dn(*entry)) == normal)
    }

    pub(super) fn by_guid(&self, guid: &Uuid) -> Option<EntryRef> {
        if let Some(index) = self.organisation.index_of(guid) {
            let index = u32::try_from(index).ok()?;
            return self.states.get(index as usize).filter(|state| !state.deleted).map(|_| EntryRef::Account(index));
        }
        self.by_key(Key::Guid, &guid.to_string())
    }

    pub(super) fn by_sid(&self, bytes: &[u8]) -> Option<EntryRef> {
        self.by_key(Key::Sid, &hex(bytes))
    }

    pub(super) fn by_account_name(&self, name: &str) -> Option<EntryRef> {
        self.by_key(Key::SamAccountName, &name.to_lowercase())
    }

    pub(super) fn by_principal_name(&self, name: &str) -> Option<EntryRef> {
        self.by_key(Key::PrincipalName, &name.to_lowercase())
    }

    pub(super) fn dn(&self, entry: EntryRef) -> String {
        match entry {
            EntryRef::Fixed(at) => self.fixed.get(at as usize).map(|fixed| fixed.dn.clone()),
            EntryRef::Group(at) => self.groups.get(usize::from(at)).map(|group| group.dn.clone()),
            EntryRef::Account(at) => self.view(at).map(|view| view.account.dn(&self.base)),
        }
        .unwrap_or_default()
    }

    /// `<GUID=…>;<SID=…>;CN=…`, in the usual forms or in hexadecimal digits.
    pub(super) fn extended_name(&self, entry: EntryRef, dn: &str, usual: bool) -> String {
        let (guid, sid) = match entry {
            EntryRef::Fixed(at) => match self.fixed.get(at as usize) {
                Some(fixed) => (fixed.guid, fixed.sid.as_deref().and_then(sid::sid_text)),
                None => return dn.to_owned(),
            },
            EntryRef::Group(at) => match self.group(at) {
                Some((group, _)) => {
                    let guid = fixed::group_guid(&self.organisation, group.index);
                    (guid, Some(self.organisation.group_sid(group)))
                }
                None => return dn.to_owned(),
            },
            EntryRef::Account(at) => match self.view(at) {
                Some(view) => (view.account.guid, Some(view.account.sid.clone())),
                None => return dn.to_owned(),
            },
        };
        let guid = if usual { guid.to_string() } else { hex(&guid.to_bytes_le()) };
        let sid = sid.map(|sid| if usual { sid } else { hex(&sid::sid_bytes(&sid).unwrap_or_default()) });
        let sid = sid.map(|sid| format!("<SID={sid}>;")).unwrap_or_default();
        format!("<GUID={guid}>;{sid}{dn}")
    }

    fn by_key(&self, kind: Key, text: &str) -> Option<EntryRef> {
        self.by_name.get(&key(kind, text)).copied()
    }
}
