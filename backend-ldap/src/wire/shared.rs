//! What all connections of a domain share, whichever controller they lead to: a refused sign-in,
//! changes whose answer is missing, references to other servers.

use std::collections::{BTreeSet, HashMap};
use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError};

use uuid::Uuid;

/// References beyond this many are not kept: a search gives a handful.
const MOST_REFERENCES: usize = 64;

/// What all connections of a domain share.
#[derive(Debug, Default)]
pub(crate) struct Shared {
    /// A refused sign-in. It is final, on every controller: each further one counts towards a
    /// lock-out of the account that the run signs in with.
    pub(super) refused: OnceLock<String>,
    /// One sign-in at a time, so that a refused password is sent once.
    pub(super) signing_in: tokio::sync::Mutex<()>,
    /// The controller that a change was sent to and did not answer, by the changed object.
    unsettled: Mutex<HashMap<Uuid, Arc<str>>>,
    references: Mutex<BTreeSet<String>>,
}

impl Shared {
    /// Notes that a change was sent and not answered.
    pub(super) fn unanswered(&self, name: &str, controller: &Arc<str>) {
        if let Some(guid) = named(name) {
            lock(&self.unsettled).insert(guid, Arc::clone(controller));
        }
    }

    /// Notes that a change was answered: what happened to an earlier one no longer matters.
    pub(super) fn answered(&self, name: &str) {
        let mut unsettled = lock(&self.unsettled);
        if !unsettled.is_empty()
            && let Some(guid) = named(name)
        {
            unsettled.remove(&guid);
        }
    }

    /// The controller that has to tell whether the last change of this object landed there.
    pub(crate) fn unsettled(&self, guid: &Uuid) -> Option<Arc<str>> {
        lock(&self.unsettled).get(guid).cloned()
    }

    /// Notes that the object was read back.
    pub(crate) fn settle(&self, guid: &Uuid) {
        lock(&self.unsettled).remove(guid);
    }

    /// Notes a reference to another server.
    pub(super) fn refer(&self, url: String) {
        let mut references = lock(&self.references);
        if references.len() < MOST_REFERENCES {
            references.insert(url);
        }
    }

    /// The references to other servers that searches brought. They were not followed.
    pub(crate) fn references(&self) -> Vec<String> {
        lock(&self.references).iter().cloned().collect()
    }
}

/// The GUID in a name of the form `<GUID=…>`.
fn named(name: &str) -> Option<Uuid> {
    Uuid::try_parse(name.strip_prefix("<GUID=")?.strip_suffix('>')?).ok()
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_change_without_an_answer_is_remembered_until_it_is_read_back_or_made_anew() {
        let shared = Shared::default();
        let guid = Uuid::from_u128(7);
        let (name, controller) = (crate::value::guid::dn(guid), Arc::<str>::from("ldaps://dc1"));
        assert_eq!(shared.unsettled(&guid), None);
        shared.unanswered(&name, &controller);
        assert_eq!(shared.unsettled(&guid).as_deref(), Some("ldaps://dc1"));
        shared.settle(&guid);
        assert_eq!(shared.unsettled(&guid), None);
        shared.unanswered(&name, &controller);
        shared.answered(&name);
        assert_eq!(shared.unsettled(&guid), None);
    }

    #[test]
    fn references_are_kept_once_and_not_without_end() {
        let shared = Shared::default();
        (0..200).for_each(|n| shared.refer(format!("ldap://{}", n % 100)));
        assert_eq!(shared.references().len(), MOST_REFERENCES);
    }
}
