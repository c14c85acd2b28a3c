//! The traits that a backend implements, and what the rest of the library asks of them.
//!
//! A backend writes five small traits; planning, pacing, retry, resume, verification and reports
//! come with them. Whatever implements all five is a [`Backend`] and is used as
//! `Arc<dyn Backend>`.

mod capabilities;
mod enumerate;
mod info;
mod replicas;
mod traits;

pub use capabilities::{Capabilities, Support};
pub use enumerate::{AccountQuery, AccountStream, ChangeMark, Scope};
pub use info::{DirectoryInfo, Finding, PasswordPolicy, Preflight, Severity};
pub use replicas::{Replica, ReplicaState, Replicated};
pub use traits::{AccountEnumerator, Backend, Directory, ForcedReset, PrivilegeClassifier, RateLimitedBatching};
