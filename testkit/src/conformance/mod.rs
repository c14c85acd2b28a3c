//! The conformance suite: what every backend must satisfy, ours and other people's.
//!
//! A [`Harness`] hands the suite a directory, says which accounts it may touch, and looks at the
//! directory from the other side (does this password sign in?). What a harness cannot do, and
//! what the directory's [`Capabilities`](identity_core::directory::Capabilities) do not have,
//! skips the cases that need it; each skip names what was missing.
//!
//! ```no_run
//! # use testkit::conformance::{self, Harness};
//! # async fn check(harness: &dyn Harness) {
//! let report = conformance::run(harness).await;
//! assert!(report.is_conformant(), "{report}");
//! # }
//! ```
//!
//! To have every case as a test of its own, use [`conformance!`](crate::conformance!).
//!
//! | group | what it holds a backend to |
//! |---|---|
//! | `enumerate` | complete, stable, every kind seen, scopes, a truncated listing is an error |
//! | `lookup` | one answer per id, in order, `None` for who is gone |
//! | `classify` | every route to privilege, nobody else, fails closed |
//! | `reset` | each action does what it says and shows; one outcome per order, in order |
//! | `support` | what is said to work works; what cannot is refused before the wire |
//! | `throttle` | "slow down" is temporary, and the governor is told |
//! | `failure` | a lost answer is unknown, and can be read back; the connection comes back |
//! | `limits` | the stated ceilings hold |
//! | `secrets` | no secret in `Debug`, `Display`, errors or outcomes |
//! | `preflight` | the principal is named, nothing is fatal |
//! | `recovery` | enrolments are of accounts that exist |
//! | `evidence` | the audit log has what was done, by the id of its request |

mod cases;
mod harness;
mod report;
mod stage;

pub mod classify;
pub mod enumerate;
pub mod evidence;
pub mod failure;
pub mod limits;
pub mod lookup;
pub mod preflight;
pub mod recovery;
pub mod reset;
pub mod secrets;
pub mod support;
pub mod throttle;

pub use cases::{CASES, Case};
pub use harness::{Circumstance, Harness, KnownAccount, KnownScope, SignIn, Truth};
pub use report::{Report, Row, State};
pub use stage::{Check, Halt, Stage};

/// Runs every case, one after the other, on the harness's directory.
pub async fn run(harness: &dyn Harness) -> Report {
    let stage = Stage::new(harness);
    let mut rows = Vec::with_capacity(CASES.len());
    for case in CASES {
        rows.push(Row { case: case.name, state: case.run(&stage).await });
    }
    Report { directory: harness.directory().info().clone(), rows }
}

/// Runs one case by its name (`group::name`); a name that is not in [`CASES`] is a failure.
pub async fn run_case(harness: &dyn Harness, name: &str) -> State {
    match CASES.iter().find(|case| case.name == name) {
        Some(case) => case.run(&Stage::new(harness)).await,
        None => State::Failed(format!("the suite has no case {name:?}")),
    }
}
