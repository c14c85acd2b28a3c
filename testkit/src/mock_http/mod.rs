//! What mocks of services over HTTP share: requests and answers, the way of an answer back, sockets or
//! none, the record of exchanges, tokens that nobody is to read.

mod delivery;
mod in_process;
pub(crate) mod opaque;
mod record;
mod server;
mod wire;

pub use in_process::InProcess;
pub use record::{Exchange, MARKER};

pub(crate) use delivery::{Ending, Way, deliver};
pub(crate) use in_process::{Inside, not_ours};
pub(crate) use record::Recorder;
pub(crate) use server::{Host, Running, bind};
pub(crate) use wire::{Answer, Body, Call, pairs};

use std::sync::{Mutex, MutexGuard, PoisonError};

pub(crate) fn http_date(at: jiff::Timestamp) -> String {
    at.strftime("%a, %d %b %Y %H:%M:%S GMT").to_string()
}

pub(crate) fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
