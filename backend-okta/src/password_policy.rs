//! The strictest password policy of the org: what a password that we make has to satisfy.

use futures::TryStreamExt;
use identity_core::directory::{Finding, PasswordPolicy, Severity};
use identity_core::error::{ErrorKind, Result};
use identity_core::http::Request;

use crate::limits::POLICIES;
use crate::org::Org;
use crate::permissions;
use crate::wire::policy::{Complexity, Policy};

const OPERATION: &str = "read the password policies";
/// Okta's own default for a policy that does not say (Okta API reference, Policies).
const USUAL_LENGTH: u16 = 8;
/// The most characters that Okta takes (help.okta.com, "Password policies").
const GREATEST_LENGTH: u16 = 72;

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
            let active = policies.into_iter().filter(|policy| policy.status.as_deref() != Some("INACTIVE"));
            for complexity in active.map(complexity) {
                strictest.min_length = strictest.min_length.max(least_length(&complexity)).min(GREATEST_LENGTH);
            }
        }
        Err(error) if error.is_temporary() || error.kind() == ErrorKind::Unauthenticated => return Err(error),
        Err(error) => findings.push(Finding::new(
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

/// What a policy asks of a password; nothing where it does not say.
fn complexity(policy: Policy) -> Complexity {
    let password = policy.settings.and_then(|settings| settings.password);
    password.and_then(|password| password.complexity).unwrap_or_default()
}

/// The least length that has room for what is asked of each class.
fn least_length(asked: &Complexity) -> u16 {
    let classes = [asked.min_lower_case, asked.min_upper_case, asked.min_number, asked.min_symbol];
    let together = classes.into_iter().flatten().fold(0, u16::saturating_add);
    asked.min_length.unwrap_or(USUAL_LENGTH).max(together)
}
