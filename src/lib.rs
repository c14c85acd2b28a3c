#![doc = include_str!("../README.md")]

pub use identity_core::{
    account, directory, engine, error, evidence, inventory, journal, limits, message, owner, person, plan, playbook,
    privilege, recovery, rehearsal, report, reset, vault, verify, watch,
};

/// What the backends over HTTP share; a backend of one's own can too.
#[cfg(any(feature = "entra", feature = "okta"))]
pub use identity_core::http;

/// Microsoft Entra ID through Microsoft Graph.
#[cfg(feature = "entra")]
pub use backend_entra as entra;
/// Active Directory over LDAPS, and other LDAP servers.
#[cfg(feature = "ldap")]
pub use backend_ldap as ldap;
/// Okta through its Management API.
#[cfg(feature = "okta")]
pub use backend_okta as okta;

#[cfg(any(feature = "entra", feature = "ldap", feature = "okta"))]
pub mod directories;

#[cfg(feature = "otel")]
pub mod otel;

/// What most programs need.
///
/// ```
/// use identity_reset::prelude::*;
/// ```
pub mod prelude {
    pub use std::sync::Arc;

    pub use identity_core::account::{Account, AccountId, AccountKind, DirectoryId};
    pub use identity_core::directory::Backend;
    pub use identity_core::engine::{Guardrails, Progress, Run, RunEnd, Running};
    pub use identity_core::error::{Error, ErrorKind, Result};
    pub use identity_core::evidence::Evidence;
    pub use identity_core::inventory::Inventory;
    pub use identity_core::journal::{Journal, SqliteJournal};
    pub use identity_core::owner::Owners;
    pub use identity_core::person::{Anchor, Joining};
    pub use identity_core::plan::{Approval, Approvals, Plan, PlanSpec, Population, Selection};
    pub use identity_core::report::{Report, Summary};
    pub use identity_core::reset::Action;
    pub use identity_core::vault::{Identity, Recipient, SealedFile, Vault};
    pub use identity_core::verify::{Convergence, Verifier};

    #[cfg(any(feature = "entra", feature = "ldap", feature = "okta"))]
    pub use crate::directories::Directories;
}

#[cfg(test)]
mod tests {
    #[test]
    fn the_readme_has_the_lines_of_the_example() {
        let between = |text: &'static str, first: &str, last: &str| {
            let (_, rest) = text.split_once(first).expect(first);
            rest.split_once(last).expect(last).0
        };
        let readme = between(include_str!("../README.md"), "<!-- embed -->\n```rust,no_run\n", "```\n<!-- /embed -->");
        let example = between(include_str!("../examples/embed.rs"), "// <!-- embed -->\n", "// <!-- /embed -->");
        assert_eq!(readme, example);
        let lines = readme.lines().filter(|line| !line.trim().is_empty()).count();
        assert!(lines <= 32, "{lines} lines are more than about thirty");
    }
}
