//! Somebody who ends the process when one value takes too long: a loop that never ends cannot be failed
//! from inside.

use std::sync::{Arc, Condvar, Mutex, PoisonError};
use std::time::Duration;

/// The value that is being read.
#[derive(Default)]
struct Now {
    /// Counts the values, so that one that stays is told from the next.
    number: u64,
    reader: &'static str,
    value: Vec<u8>,
    reading: bool,
    over: bool,
}

pub(crate) struct Watch {
    shared: Arc<(Mutex<Now>, Condvar)>,
}

impl Watch {
    /// Watches from a thread of its own.
    pub(crate) fn new(longest: Duration) -> Self {
        let shared: Arc<(Mutex<Now>, Condvar)> = Arc::default();
        let watched = Arc::clone(&shared);
        std::thread::spawn(move || {
            let (now, ended) = &*watched;
            let mut now = now.lock().unwrap_or_else(PoisonError::into_inner);
            let mut last = u64::MAX;
            while !now.over {
                if now.reading && now.number == last {
                    println!("{}: not done after {longest:?}: {}", now.reader, crate::hex(&now.value));
                    std::process::exit(1);
                }
                last = now.number;
                now = ended.wait_timeout(now, longest).unwrap_or_else(PoisonError::into_inner).0;
            }
        });
        Self { shared }
    }

    pub(crate) fn begin(&self, reader: &'static str, value: &[u8]) {
        let mut now = self.now();
        now.number += 1;
        (now.reader, now.reading) = (reader, true);
        now.value.clear();
        now.value.extend(value);
    }

    pub(crate) fn end(&self) {
        self.now().reading = false;
    }

    fn now(&self) -> std::sync::MutexGuard<'_, Now> {
        self.shared.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for Watch {
    fn drop(&mut self) {
        self.now().over = true;
        self.shared.1.notify_all();
    }
}
