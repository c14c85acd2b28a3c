//! A directory in memory that behaves as a real one does, and keeps a record that tests can ask.
//!
//! It holds an [`Organisation`](crate::organisation::Organisation) of any size, or a list of
//! accounts. Accounts are made when they are read; what is kept for each is some fifty bytes of
//! state, so that a million accounts take as many megabytes, touched or not.
//!
//! ```
//! use identity_core::reset::{Action, Order, Outcome, Secret};
//! use identity_core::directory::ForcedReset;
//! use testkit::fault::{Fault, FaultScript, When};
//! use testkit::memory::MemoryDirectory;
//! use testkit::organisation::Organisation;
//!
//! # #[tokio::main(flavor = "current_thread")]
//! # async fn main() -> Result<(), Box<dyn std::error::Error>> {
//! let corp = MemoryDirectory::builder("corp")
//!     .organisation(Organisation::new(7, 1_000))
//!     .faults(FaultScript::new(1).rule(When::write().nth(1), Fault::CutAfterApply))
//!     .build()?;
//! let anybody = corp.id_at(100);
//! let anybody = anybody.ok_or("nobody")?;
//! let order = Order::new(anybody.clone(), Action::SetPassword { must_change: false })
//!     .with_password(Secret::new("correct-Horse-7".into()));
//!
//! // The password landed, and the answer was lost: the directory's own record knows.
//! assert!(matches!(corp.apply(&[order]).await[0], Outcome::Unknown(_)));
//! assert_eq!(corp.times_set(&anybody), 1);
//! # Ok(())
//! # }
//! ```

mod apply;
mod builder;
mod classify;
mod directory;
mod enumerate;
mod hands;
mod harness;
mod log;
mod policy;
mod quota;
mod record;
mod recovery;
mod roster;
mod state;

pub use builder::MemoryBuilder;
pub use directory::MemoryDirectory;
pub use harness::MemoryHarness;
pub use quota::QuotaRecord;
pub use record::{PasswordDigest, digest};
pub use roster::MemoryGroup;
