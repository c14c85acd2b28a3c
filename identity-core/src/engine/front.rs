//! How far a leading pass has come, for the passes behind it.

use std::collections::BTreeMap;
use std::ops::Range;

use tokio::sync::watch;

use crate::limits::OperationClass;

/// What a leading pass has gone through.
#[derive(Debug, Default)]
pub(super) struct Passed {
    /// How many entries, counted from the first.
    pub(super) entries: u64,
    /// The classes of what it met and left to passes behind it.
    classes: Vec<OperationClass>,
}

/// Tells the passes behind how far the leading pass has come.
#[derive(Debug)]
pub(super) struct Front {
    passed: watch::Sender<Passed>,
    /// Gone through, but not all before them: by first entry, the one after the last.
    ahead: BTreeMap<u64, u64>,
}

impl Passed {
    /// Whether something of this class was left to the pass behind.
    pub(super) fn has_met(&self, class: OperationClass) -> bool {
        self.classes.contains(&class)
    }
}

impl Front {
    pub(super) fn new() -> (Self, watch::Receiver<Passed>) {
        let (passed, seen) = watch::channel(Passed::default());
        (Self { passed, ahead: BTreeMap::new() }, seen)
    }

    /// An entry is left to the pass behind of this class.
    pub(super) fn met(&self, class: OperationClass) {
        self.passed.send_if_modified(|passed| {
            let is_new = !passed.has_met(class);
            if is_new {
                passed.classes.push(class);
            }
            is_new
        });
    }

    /// These entries have been gone through.
    pub(super) fn passed(&mut self, place: Range<u64>) {
        self.ahead.insert(place.start, place.end);
        self.passed.send_modify(|passed| {
            while let Some(end) = self.ahead.remove(&passed.entries) {
                passed.entries = end;
            }
        });
    }
}
