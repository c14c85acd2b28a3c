//! What a directory says of itself before anything is touched.

use identity_core::reset::Action;

use super::stage::ensure;
use super::{Check, Halt, Stage};

/// A directory that the suite runs on has nothing that is fatal.
///
/// # Errors
/// [`Halt`], as every case.
pub async fn nothing_is_fatal(stage: &Stage<'_>) -> Check {
    let preflight = stage.directory().preflight().await?;
    let texts: Vec<&str> = preflight.findings.iter().map(|finding| finding.text.as_str()).collect();
    ensure!(!preflight.is_fatal(), "a finding is fatal: {}", texts.join("; "));
    Ok(())
}

/// The account that the backend signs in with is named, so that it can be protected.
///
/// # Errors
/// [`Halt`], as every case.
pub async fn principal_is_named(stage: &Stage<'_>) -> Check {
    let Some(principal) = stage.harness().principal() else {
        return Err(Halt::Skip("the harness names no principal".into()));
    };
    let named = stage.directory().preflight().await?.principal;
    ensure!(named.as_ref() == Some(&principal), "the principal is {principal}, the preflight names {named:?}");
    Ok(())
}

/// What it says of itself can be worked with.
///
/// # Errors
/// [`Halt`], as every case.
pub async fn info_and_limits_are_sane(stage: &Stage<'_>) -> Check {
    let directory = stage.directory();
    ensure!(!directory.info().kind.is_empty(), "the directory's kind is empty");
    let limits = directory.limits();
    ensure!(!limits.deadline.is_zero(), "the deadline is zero: nothing could ever be answered");
    for quota in &limits.quotas {
        let share = quota.share > 0.0 && quota.share <= 1.0;
        ensure!(share, "the share of quota {} is {}, not above 0 and at most 1", quota.name, quota.share);
        ensure!(!quota.window.is_zero(), "the window of quota {} is zero", quota.name);
    }
    let can = directory.capabilities();
    let must_change = can.can(Action::SetPassword { must_change: true });
    ensure!(can.set_password || !must_change, "a password can be set with must-change, but not without");
    ensure!(can.audit_recovery == directory.recovery().is_some(), "audit_recovery and recovery() disagree");
    Ok(())
}
