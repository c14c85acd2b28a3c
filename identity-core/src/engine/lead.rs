//! Which classes lead: what closes the door is spread over every bucket that serves it.
//!
//! A directory can set passwords in one class and void them in another, each with a quota of its
//! own. Each such class has a leading pass of its own through the accounts that begin in it, and a
//! pass behind it: none waits for the quota of another.

use crate::directory::Backend;
use crate::limits::OperationClass;
use crate::plan::{Disposition, Entry};
use crate::reset::{Action, Containment};

/// The classes that lead in one directory; the one that sets passwords is the first.
#[derive(Clone, Debug)]
pub(super) struct Leading(Vec<OperationClass>);

impl Leading {
    pub(super) fn of(backend: &dyn Backend) -> Self {
        let mut classes = vec![backend.class_of(Action::SetPassword { must_change: false })];
        let can = backend.capabilities();
        let closes = |action: &Action| {
            matches!(action.containment(), Containment::OldPassword | Containment::Account)
                || action.shows_in_password_state()
        };
        for class in Action::ALL
            .into_iter()
            .filter(closes)
            .filter(|action| can.can(*action))
            .map(|action| backend.class_of(action))
        {
            if !classes.contains(&class) {
                classes.push(class);
            }
        }
        Self(classes)
    }

    pub(super) fn classes(&self) -> impl Iterator<Item = OperationClass> + '_ {
        self.0.iter().copied()
    }

    /// The class that leads an entry: that of its first action, where that is one that leads.
    pub(super) fn class_of(&self, backend: &dyn Backend, entry: &Entry) -> Option<OperationClass> {
        let Disposition::Reset { actions } = &entry.disposition else { return self.0.first().copied() };
        let first = actions.first().map(|action| backend.class_of(*action));
        first.filter(|class| self.0.contains(class)).or_else(|| self.0.first().copied())
    }
}
