//! The text that is signed.

use std::path::{Path, PathBuf};

use jiff::{Timestamp, ToSpan};

use super::{Approval, ApprovalFault, ApprovalScope};
use crate::error::{Error, ErrorKind, Result};
use crate::plan::Plan;

/// The first line. Another format would be another number.
const FIRST: &str = "identity-reset approval 1";

/// The longest that a signed approval holds.
const LONGEST_DAYS: i64 = 30;

/// A statement of a plan of a thousand waves is smaller by far.
const MOST_BYTES: usize = 1 << 20;

impl Approval {
    /// The longest that a signed approval holds, in hours.
    pub const LONGEST_HOURS: i64 = LONGEST_DAYS * 24;

    /// The text that is signed: the digest, each wave with its accounts and how many of them are
    /// privileged, who approves, when, and until when. The same approval of the same plan always
    /// gives the same bytes.
    ///
    /// ```text
    /// identity-reset approval 1
    /// plan: sha256:6f0c…
    /// wave: canary (10 accounts, 0 privileged)
    /// wave: privileged (12 accounts, 12 privileged)
    /// approver: ann@example.test
    /// approved: 2026-06-01T08:00:00Z
    /// expires: 2026-06-02T08:00:00Z
    /// ```
    ///
    /// # Errors
    /// [`ErrorKind::ApprovalMissing`] when it is of another plan, [`ErrorKind::ApprovalInvalid`] when
    /// it has no end or one more than thirty days off, [`ErrorKind::InputInvalid`] when it names no
    /// wave, one that the plan does not have, or a text that does not fit on a line.
    pub fn statement(&self, plan: &Plan) -> Result<String> {
        self.check_digest(plan)?;
        let expires_at = self.check_term()?;
        let waves = self.scope.waves();
        if waves.is_empty() {
            return Err(invalid("it names no wave").with_advice("name the waves that are approved"));
        }
        let mut text = format!("{FIRST}\nplan: {}\n", self.plan_digest);
        for (at, name) in waves.iter().enumerate() {
            if waves.iter().take(at).any(|before| before == name) {
                return Err(invalid(format!("it names wave {name:?} twice")).with_advice("name each wave once"));
            }
            let wave = plan.wave(name)?;
            let privileged = plan.privileged_in(name);
            text.push_str(&format!("wave: {} ({} accounts, {privileged} privileged)\n", line(name)?, wave.accounts));
        }
        text.push_str(&format!("approver: {}\n", line(&self.approver)?));
        text.push_str(&format!("approved: {}\nexpires: {expires_at}\n", self.at));
        if let Some(note) = &self.note {
            text.push_str(&format!("note: {}\n", line(note)?));
        }
        Ok(text)
    }

    /// As [`of_statement`](Self::of_statement), from the file that `ssh-keygen -Y sign` wrote beside the
    /// statement: `STATEMENT.sig`.
    ///
    /// # Errors
    /// [`ErrorKind::InputInvalid`] when it has another name, or it or the statement beside it cannot be
    /// read; otherwise as of [`of_statement`](Self::of_statement).
    pub fn of_signature_file(plan: &Plan, signature: impl AsRef<Path>) -> Result<Self> {
        let signature = signature.as_ref();
        let statement: PathBuf = match signature.extension() {
            Some(extension) if extension == "sig" => signature.with_extension(""),
            _ => {
                return Err(invalid(format!("{} is not the signature of a statement", signature.display()))
                    .with_advice("name the file that ssh-keygen wrote beside the statement: STATEMENT.sig"));
            }
        };
        let read = |path: &Path| {
            std::fs::read_to_string(path).map_err(|fault| {
                invalid(format!("{}: {} cannot be read: {fault}", signature.display(), path.display()))
                    .with_advice("keep the statement and its signature side by side: STATEMENT and STATEMENT.sig")
            })
        };
        Self::of_statement(plan, &read(&statement)?, read(signature)?)
    }

    /// The approval that a statement makes, with the signature of it; not yet verified, which
    /// [`Approvals::verify`](super::Approvals::verify) does.
    ///
    /// # Errors
    /// [`ErrorKind::ApprovalMissing`] when it is of another plan, [`ErrorKind::ApprovalInvalid`] when
    /// it is not, byte for byte, what [`statement`](Self::statement) makes of its words.
    pub fn of_statement(plan: &Plan, text: &str, signature: impl Into<String>) -> Result<Self> {
        let mut approval = read(text).map_err(|why| ApprovalFault::NotAsMade { why }.into_error())?;
        let made = approval.statement(plan)?;
        if made != text {
            let lines = made.lines().zip(text.lines()).position(|(made, given)| made != given);
            let why = lines.map_or_else(
                || "its line breaks or its end differ".to_owned(),
                |line| format!("line {} differs", line + 1),
            );
            return Err(ApprovalFault::NotAsMade { why }.into_error());
        }
        approval.signature = Some(signature.into());
        Ok(approval)
    }

    /// Whether it is of this plan.
    pub(super) fn check_digest(&self, plan: &Plan) -> Result<()> {
        if self.plan_digest == plan.digest() {
            return Ok(());
        }
        let fault = ApprovalFault::WrongPlan {
            waves: self.scope.waves().join(", "),
            approver: self.approver.clone(),
            named: self.plan_digest.clone(),
            expected: plan.digest().to_owned(),
        };
        Err(fault.into_error())
    }

    /// When it ends, which is soon enough.
    fn check_term(&self) -> Result<Timestamp> {
        let longest = self.at.checked_add(Self::LONGEST_HOURS.hours()).unwrap_or(Timestamp::MAX);
        match self.expires_at {
            Some(end) if self.at < end && end <= longest => Ok(end),
            _ => Err(ApprovalFault::Term { longest_days: LONGEST_DAYS }.into_error()),
        }
    }
}

/// Reads the words; whether they are the whole text is told by making it again.
fn read(text: &str) -> Result<Approval, String> {
    if text.len() > MOST_BYTES {
        return Err("it is too long".to_owned());
    }
    let mut lines = text.lines();
    if lines.next() != Some(FIRST) {
        return Err(format!("its first line is not {FIRST:?}"));
    }
    let (mut digest, mut approver, mut at, mut expires_at, mut note) = (None, None, None, None, None);
    let mut waves = Vec::new();
    for (number, line) in lines.enumerate() {
        let (key, value) = line.split_once(": ").ok_or_else(|| format!("line {} has no word", number + 2))?;
        let known = match key {
            "plan" => digest.replace(value.to_owned()).is_none(),
            "wave" => {
                waves.push(value.rsplit_once(" (").map_or(value, |(name, _)| name).to_owned());
                true
            }
            "approver" => approver.replace(value.to_owned()).is_none(),
            "approved" => at.replace(time(value)?).is_none(),
            "expires" => expires_at.replace(time(value)?).is_none(),
            "note" => note.replace(value.to_owned()).is_none(),
            _ => return Err(format!("line {} begins with a word that no statement has", number + 2)),
        };
        if !known {
            return Err(format!("line {} says {key} again", number + 2));
        }
    }
    Ok(Approval {
        plan_digest: digest.ok_or("it names no plan")?,
        approver: approver.ok_or("it names no approver")?,
        scope: ApprovalScope::Waves(waves),
        at: at.ok_or("it does not say when it was given")?,
        expires_at,
        note,
        signature: None,
        signed_by: None,
    })
}

fn time(value: &str) -> Result<Timestamp, String> {
    value.parse().map_err(|_| "a time is not one".to_owned())
}

/// Text that cannot look like another line, or like other text.
fn line(text: &str) -> Result<&str> {
    let misleads = |c: char| {
        c.is_control()
            || matches!(c, '\u{2028}' | '\u{2029}' | '\u{200b}'..='\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2060}'..='\u{206f}' | '\u{feff}')
    };
    if text.trim().is_empty() || text.trim() != text || text.chars().any(misleads) {
        return Err(invalid(format!("{text:?} cannot stand on a line of a statement"))
            .with_advice("one line, without spaces around it and without characters that nobody sees"));
    }
    Ok(text)
}

fn invalid(detail: impl Into<String>) -> Error {
    Error::new(ErrorKind::InputInvalid, "make the statement").with_detail(detail)
}
