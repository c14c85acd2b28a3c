//! Recovery enrolments.

use futures::TryStreamExt;
use identity_core::directory::AccountQuery;

use super::stage::ensure;
use super::{Check, Halt, Stage};

/// Enrolments are of accounts that exist, and whoever cannot recover alone is told why.
///
/// # Errors
/// [`Halt`], as every case.
pub async fn enrolments(stage: &Stage<'_>) -> Check {
    stage.need(stage.directory().capabilities().audit_recovery, "audit_recovery")?;
    let Some(auditor) = stage.directory().recovery() else {
        return Err(Halt::Fail("audit_recovery is a capability, and recovery() has nothing".into()));
    };
    let everyone = stage.list(&AccountQuery::everyone()).await?;
    let mut enrolments = auditor.enrolments(&AccountQuery::everyone());
    let mut seen = 0_u64;
    while let Some(enrolment) = enrolments.try_next().await? {
        seen += 1;
        ensure!(
            everyone.contains_key(&enrolment.account),
            "an enrolment is of {}, who is not listed",
            enrolment.account
        );
        let told = enrolment.self_service != Some(false) || enrolment.because.is_some();
        ensure!(told, "{} cannot recover alone, and no reason is given", enrolment.account);
    }
    ensure!(seen > 0, "no account has an enrolment to report");
    Ok(())
}
