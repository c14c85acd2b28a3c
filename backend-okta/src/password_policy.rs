//! The strictest password policy of the org: what a password that we make has to satisfy.

use futures::TryStreamExt;
use identity_core::directory::{Finding, PasswordPolicy, Severity};
use identity_core::error::{ErrorKind, Result};
use identity_core::http::Request;
use serde::Deserialize;

use crate::findings::finding;
use crate::limits::POLICIES;
use crate::org::Org;
use crate::permissions;

const OPERATION: &str = "read the password policies";
/// Okta's own default for a policy that does not say (Okta API reference, Policies).
const USUAL_LENGTH: u16 = 8;
/// The most characters that Okta takes (help.okta.com, "Password policies").
const GREATEST_LENGTH: u16 = 72;

#[derive(Deserialize)]
struct Policy {
    #[serde(default)]
    status: Option<String>,
    #[serde(default)]
    settings: Settings,
}

#[derive(Default, Deserialize)]
struct Settings {
    #[serde(default)]
    password: Password,
}

#[derive(Default, Deserialize)]
struct Password {
    #[serde(default)]
    complexity: Complexity,
}

/// How many characters there have to be, and of some classes.
#[derive(Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
struct Complexity {
    min_length: Option<u16>,
    min_lower_case: Option<u16>,
    min_upper_case: Option<u16>,
    min_number: Option<u16>,
    min_symbol: Option<u16>,
}

/// What satisfies every active password policy. Where they cannot be read, a finding says so.
///
/// # Errors
/// When they could not be read now and may be later, or when signing in failed.
pub(crate) async fn strictest(org: &Org, findings: &mut Vec<Finding>) -> Result<PasswordPolicy> {
    let request = Request::get("/api/v1/policies").query("type", "PASSWORD");
    let read: Result<Vec<Policy>> = org.okta.list(OPERATION, POLICIES, request).try_collect().await;
    let mut strictest = PasswordPolicy::default();
    (strictest.min_length, strictest.complexity) = (USUAL_LENGTH, true);
    strictest.max_length = Some(GREATEST_LENGTH);
    match read {
        Ok(policies) => {
            for complexity in policies.iter().filter(|policy| policy.is_active()).map(Policy::complexity) {
                strictest.min_length = strictest.min_length.max(complexity.least_length()).min(GREATEST_LENGTH);
            }
        }
        Err(error) if error.is_temporary() || error.kind() == ErrorKind::Unauthenticated => return Err(error),
        Err(error) => findings.push(finding(
            Severity::Warning,
            format!(
                "the password policies cannot be read ({}; it needs {}): passwords are made by Okta's default",
                error.detail(),
                permissions::POLICIES.scope
            ),
        )),
    }
    Ok(strictest)
}

impl Policy {
    fn is_active(&self) -> bool {
        self.status.as_deref() != Some("INACTIVE")
    }

    fn complexity(&self) -> &Complexity {
        &self.settings.password.complexity
    }
}

impl Complexity {
    /// The least length that has room for what is asked of each class.
    fn least_length(&self) -> u16 {
        let classes = [self.min_lower_case, self.min_upper_case, self.min_number, self.min_symbol];
        let together = classes.into_iter().flatten().fold(0, u16::saturating_add);
        self.min_length.unwrap_or(USUAL_LENGTH).max(together)
    }
}
