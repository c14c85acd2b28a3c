//! The file of approvals.

use std::fs;
use std::io::ErrorKind as IoErrorKind;
use std::path::Path;
use std::time::Duration;

use jiff::Timestamp;

use super::super::draft::Draft;
use super::super::file::Plan;
use super::{Approval, ApprovalFault, ApprovalRules, ApprovalScope};
use crate::error::{Error, ErrorKind, Result};
use crate::limits::clock;

/// So far the clock of the machine that made a statement may be ahead.
#[cfg(feature = "signed-approvals")]
const SKEW: Duration = Duration::from_secs(300);

/// The approvals of one plan: a file with one approval a line, in JSON. One JSON array, as people
/// write it by hand, is read as well.
///
/// Every approval is of waves by their names, so that the privileged are always approved apart.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Approvals {
    list: Vec<Approval>,
}

impl Approval {
    /// Approves one wave of a plan, now.
    ///
    /// # Errors
    /// [`ErrorKind::InputInvalid`] when the plan has no such wave or `approver` is empty.
    pub fn of_wave(plan: &Plan, wave: &str, approver: impl Into<String>) -> Result<Self> {
        let approver = approver.into();
        plan.wave(wave)?;
        let approval = Self {
            plan_digest: plan.digest().to_owned(),
            approver,
            scope: ApprovalScope::Wave(wave.to_owned()),
            at: clock::now(),
            expires_at: None,
            note: None,
            signature: None,
            signed_by: None,
        };
        approval.check()?;
        Ok(approval)
    }

    /// Approves several waves of a plan, now, for so long: what a [statement](Self::statement) is made
    /// of. Both times are whole seconds.
    ///
    /// # Errors
    /// [`ErrorKind::InputInvalid`] when the plan lacks one of the waves or `approver` is empty.
    pub fn of_waves<'a>(
        plan: &Plan,
        waves: impl IntoIterator<Item = &'a str>,
        approver: impl Into<String>,
        term: Duration,
    ) -> Result<Self> {
        let waves =
            waves.into_iter().map(|wave| plan.wave(wave).map(|wave| wave.name.clone())).collect::<Result<_>>()?;
        let second = |at: Timestamp| Timestamp::from_second(at.as_second()).unwrap_or(at);
        let at = second(clock::now());
        let approval = Self {
            plan_digest: plan.digest().to_owned(),
            approver: approver.into(),
            scope: ApprovalScope::Waves(waves),
            at,
            expires_at: at.checked_add(term).ok().map(second),
            note: None,
            signature: None,
            signed_by: None,
        };
        approval.check()?;
        Ok(approval)
    }

    /// Adds why, or under which condition.
    #[must_use]
    pub fn with_note(mut self, note: impl Into<String>) -> Self {
        self.note = Some(note.into());
        self
    }

    /// Whether its time is over.
    fn is_over(&self, now: Timestamp) -> bool {
        self.ends_at().is_some_and(|end| now >= end)
    }

    /// Whether it counts. A signature that nobody verified never does, not even as a name.
    fn counts(&self, signature_demanded: bool) -> bool {
        self.signed_by.is_some() || (!signature_demanded && self.signature.is_none())
    }

    /// Whether the same person may have signed both.
    fn may_be_of(&self, other: &Self) -> bool {
        match (&self.signed_by, &other.signed_by) {
            (Some(one), Some(other)) => one.may_be(other),
            _ => true,
        }
    }

    /// Whether it says who approves which plan.
    fn check(&self) -> Result<()> {
        if self.approver.trim().is_empty() {
            return Err(invalid("an approval does not say who approves").with_advice("name the approver"));
        }
        let digits = self.plan_digest.strip_prefix("sha256:").unwrap_or_default();
        if digits.len() != 64 || !digits.bytes().all(|digit| digit.is_ascii_digit() || matches!(digit, b'a'..=b'f')) {
            return Err(invalid(format!("{:?} is not the digest of a plan", self.plan_digest))
                .with_advice("copy it from the plan's summary: sha256: and 64 digits"));
        }
        Ok(())
    }
}

impl Approvals {
    /// Approves every wave of a plan. For rehearsals, and for whoever answers for all of it.
    ///
    /// # Errors
    /// [`ErrorKind::InputInvalid`] when `approver` is empty.
    pub fn approve_all(plan: &Plan, approver: impl Into<String>) -> Result<Self> {
        let approver = approver.into();
        let waves = plan.waves().iter();
        let list = waves.map(|wave| Approval::of_wave(plan, &wave.name, approver.clone())).collect::<Result<_>>()?;
        Ok(Self { list })
    }

    /// Reads a file of approvals. Signatures in it are to be [verified](Self::verify) again: what a
    /// file says of who signed is not believed.
    ///
    /// # Errors
    /// [`ErrorKind::ApprovalMissing`] when there is no such file; [`ErrorKind::InputInvalid`] with
    /// the line when it cannot be read or understood.
    pub fn load(path: impl AsRef<Path>) -> Result<Self> {
        let path = path.as_ref();
        let text = fs::read_to_string(path).map_err(|error| match error.kind() {
            IoErrorKind::NotFound => Error::new(ErrorKind::ApprovalMissing, "read the approvals")
                .with_detail(format!("{} is not there", path.display()))
                .with_advice("approve the waves of the plan first")
                .with_source(error),
            _ => invalid(format!("{}: {error}", path.display())).with_source(error),
        })?;
        Self::parse(&text).map_err(|error| match error.advice() {
            Some(advice) => invalid(format!("{}: {}", path.display(), error.detail())).with_advice(advice),
            None => invalid(format!("{}: {}", path.display(), error.detail())),
        })
    }

    fn parse(text: &str) -> Result<Self> {
        let text = text.trim_start_matches('\u{feff}');
        let list: Vec<Approval> = if text.trim_start().starts_with('[') {
            serde_json::from_str(text)
        } else {
            serde_json::Deserializer::from_str(text).into_iter().collect()
        }
        .map_err(|error| {
            invalid(error.to_string())
                .with_advice("an approval has plan_digest, approver, scope and at")
                .with_source(error)
        })?;
        let mut approvals = Self::default();
        for approval in list {
            approval.check()?;
            approvals.push(approval);
        }
        Ok(approvals)
    }

    /// Writes the file, whole or not at all.
    ///
    /// # Errors
    /// When it cannot be written.
    pub fn save(&self, path: impl AsRef<Path>) -> Result<()> {
        let mut draft = Draft::begin(path.as_ref(), "write the approvals")?;
        for approval in &self.list {
            draft.write_line(approval)?;
        }
        draft.sync()?.publish()
    }

    /// Adds one approval to a file, which is made where it is missing.
    ///
    /// Of two that are added at the same instant, one can be lost; nothing is touched without it,
    /// and it can be given again.
    ///
    /// # Errors
    /// As of [`load`](Self::load) and [`save`](Self::save); the file then is as it was.
    pub fn append(path: impl AsRef<Path>, approval: Approval) -> Result<Self> {
        approval.check()?;
        let path = path.as_ref();
        let mut approvals = match Self::load(path) {
            Err(error) if error.kind() == ErrorKind::ApprovalMissing => Self::default(),
            loaded => loaded?,
        };
        approvals.push(approval);
        approvals.save(path)?;
        Ok(approvals)
    }

    /// Adds one approval, unless it is there already. A signature that it has is to be
    /// [verified](Self::verify).
    pub fn push(&mut self, mut approval: Approval) {
        approval.signed_by = None;
        let same = |known: &Approval| Approval { signed_by: None, ..known.clone() } == approval;
        if !self.list.iter().any(same) {
            self.list.push(approval);
        }
    }

    /// Every approval, in the order they were given.
    pub fn iter(&self) -> impl Iterator<Item = &Approval> {
        self.list.iter()
    }

    /// Whether nothing is approved.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.list.is_empty()
    }

    /// Whether every approval is of this plan and of one of its waves. To be asked before
    /// [`approved`](Self::approved).
    ///
    /// # Errors
    /// [`ErrorKind::ApprovalMissing`] for an approval of another plan, [`ErrorKind::InputInvalid`]
    /// for one of a wave that the plan does not have.
    pub fn check(&self, plan: &Plan) -> Result<()> {
        for approval in &self.list {
            approval.check()?;
            approval.check_digest(plan)?;
            for wave in approval.scope.waves() {
                plan.wave(wave)?;
            }
        }
        Ok(())
    }

    /// Verifies every signature against the allowed signers, as of now, so that the approvals count
    /// as signed. Approvals by name stay what they are.
    ///
    /// # Errors
    /// With an [`ApprovalFault`] as source: [`ErrorKind::ApprovalInvalid`] for a signature that is not
    /// accepted, [`ErrorKind::ApprovalMissing`] for an approval of another plan. An approval that
    /// merely expired is no error here; it counts for nothing.
    #[cfg(feature = "signed-approvals")]
    pub fn verify(&mut self, plan: &Plan, signers: &super::AllowedSigners) -> Result<()> {
        let now = clock::now();
        for approval in &mut self.list {
            approval.signed_by = None;
            // What is over counts for nothing, and is no reason to refuse the others: the key may be
            // gone from the file by now.
            let Some(armor) = approval.signature.as_ref().filter(|_| !approval.is_over(now)) else { continue };
            let statement = approval.statement(plan)?;
            if now < approval.at.checked_sub(SKEW).unwrap_or(approval.at) {
                return Err(ApprovalFault::FromTheFuture { at: approval.at }.into_error());
            }
            let signed =
                signers.verify(&approval.approver, &statement, armor, now).map_err(ApprovalFault::into_error)?;
            approval.signed_by = Some(signed);
        }
        Ok(())
    }

    /// The approvals that let this wave begin at this time: every one that counts. `rules` is what is
    /// asked for beyond the rules of the plan and of the playbook that it was made from.
    ///
    /// # Errors
    /// [`ErrorKind::ApprovalMissing`] when there is none, or what there is does not suffice; then with
    /// an [`ApprovalFault`] as source that says why. [`ErrorKind::InputInvalid`] when the plan made from
    /// a playbook has no such wave.
    pub fn admit(&self, plan: &Plan, wave: &str, rules: ApprovalRules, now: Timestamp) -> Result<Vec<&Approval>> {
        let rules = rules.and(plan.header().spec.approvals);
        let given: Vec<&Approval> = self.list.iter().filter(|approval| approval.scope.covers(wave)).collect();
        let standing: Vec<&Approval> = given.iter().copied().filter(|approval| !approval.is_over(now)).collect();
        let counting: Vec<&Approval> =
            standing.iter().copied().filter(|approval| approval.counts(rules.demands_signature())).collect();
        if counting.is_empty() {
            return Err(why_none_counts(plan, wave, &given, &standing));
        }
        if rules.two_for_privileged && plan.privileged_in(wave) > 0 {
            two_persons(wave, &counting)?;
        }
        if let Some(origin) = &plan.header().spec.origin
            && let Some(fault) = origin.lacks(plan.wave(wave)?, &counting)
        {
            return Err(fault.into_error());
        }
        Ok(counting)
    }

    /// The first approval of this wave. Whether it lets the wave begin says [`admit`](Self::admit).
    #[must_use]
    pub fn approved(&self, wave: &str) -> Option<&Approval> {
        self.list.iter().find(|approval| approval.scope.covers(wave))
    }
}

/// Why no approval of a wave counts: those that were given, and of them those whose time is not over.
fn why_none_counts(plan: &Plan, wave: &str, given: &[&Approval], standing: &[&Approval]) -> Error {
    let wave = wave.to_owned();
    let fault = match (given.last(), standing.first()) {
        (None, _) => {
            return Error::new(ErrorKind::ApprovalMissing, "check the approvals")
                .with_detail(format!("wave {wave} of plan {} is not approved", plan.digest()))
                .with_advice("review the plan, then approve its waves");
        }
        (Some(last), None) => ApprovalFault::Expired {
            waves: last.scope.waves().join(", "),
            approver: last.approver.clone(),
            at: last.ends_at().unwrap_or(last.at),
        },
        (_, Some(first)) => match standing.iter().find(|approval| approval.signature.is_some()) {
            Some(signed) => ApprovalFault::Unverified { wave, approver: signed.approver.clone() },
            None => ApprovalFault::NotSigned { wave, approver: first.approver.clone() },
        },
    };
    fault.into_error()
}

/// Whether two persons are behind signed approvals. Approvals that share a principal or a key, be it
/// by way of others, count as of one person.
fn two_persons(wave: &str, signed: &[&Approval]) -> Result<()> {
    let Some((first, others)) = signed.split_first() else { return Ok(()) };
    let (mut same, mut apart) = (vec![*first], others.to_vec());
    loop {
        let shares = |approval: &&Approval| same.iter().any(|known| known.may_be_of(approval));
        let (more, rest): (Vec<_>, Vec<_>) = apart.into_iter().partition(shares);
        apart = rest;
        if more.is_empty() {
            break;
        }
        same.extend(more);
    }
    if !apart.is_empty() {
        return Ok(());
    }
    let (wave, first) = (wave.to_owned(), first.approver.clone());
    Err(match others.first() {
        Some(second) => ApprovalFault::SamePerson { wave, first, second: second.approver.clone() },
        None => ApprovalFault::SecondPersonMissing { wave, first },
    }
    .into_error())
}

fn invalid(detail: impl Into<String>) -> Error {
    Error::new(ErrorKind::InputInvalid, "read the approvals").with_detail(detail)
}
