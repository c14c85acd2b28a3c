//! Directories that are broken on purpose, each in one way: the suite has to notice.

use std::fmt;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use async_trait::async_trait;
use futures::stream::BoxStream;
use futures::{StreamExt, TryStreamExt, future, stream};
use identity_core::account::{Account, AccountId, AccountKind, DirectoryId};
use identity_core::directory::{
    AccountEnumerator, AccountQuery, AccountStream, Capabilities, ChangeMark, Directory, DirectoryInfo, Finding,
    ForcedReset, Preflight, PrivilegeClassifier, RateLimitedBatching, Scope, Severity, Support,
};
use identity_core::error::{Error, ErrorKind, Result, Status};
use identity_core::evidence::{AuditEvent, AuditLog};
use identity_core::limits::{Governor, Limits, OperationClass};
use identity_core::privilege::{Ground, PrivilegeIndex, Tier};
use identity_core::recovery::{Enrolment, RecoveryAuditor};
use identity_core::reset::{Action, Order, Outcome};
use jiff::Timestamp;
use testkit::memory::MemoryDirectory;

/// In which way a directory is broken.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum How {
    Not,
    AccusesEverybody,
    AnswersOutOfOrder,
    BatchFailsAsOne,
    CallsMissingUnsupported,
    CallsRefusalsTemporary,
    CallsUnknownTemporary,
    ChangesIds,
    ClaimsWhatItCannot,
    DoesNothing,
    DoesWhatItCannot,
    DropsAttributes,
    ForgetsSecondFactor,
    EmptyEvidence,
    EnrolsStrangers,
    FailsOnEmpty,
    FatalFinding,
    ForgetsNested,
    HidesComputers,
    HidesErrors,
    IgnoresIncomplete,
    IgnoresScope,
    InventsOutcomes,
    KeepsMustChange,
    LeaksInDebug,
    LeaksInErrors,
    LeaksServerSecret,
    LosesServerSecret,
    ListsNobodyTwice,
    LookupAnyOrder,
    LookupLies,
    LookupSkipsGone,
    LogForgetsRequests,
    LosesAnOrder,
    MarksForget,
    MisreadsKinds,
    MixesNames,
    MuteGovernor,
    NoPrincipal,
    PanicsWithoutPassword,
    RefusesRepeats,
    RetriesHidden,
    StatesLargeBatches,
    StatesLowCeiling,
    StaysCut,
    StaleLookup,
    ThrottleIsRefused,
    TruncatesSilently,
    VoidsNothing,
    WaversInClass,
    WrongDirectory,
}

pub(crate) struct Broken {
    memory: Arc<MemoryDirectory>,
    how: How,
    governor: Arc<Governor>,
    seen: Mutex<Seen>,
}

#[derive(Default)]
struct Seen {
    passwords: Vec<String>,
    listings: u32,
    classes: u32,
    first_looks: std::collections::HashMap<AccountId, Account>,
    cut: bool,
}

impl Broken {
    pub(crate) fn new(memory: Arc<MemoryDirectory>, how: How) -> Arc<Self> {
        let governor = Governor::new(&memory.limits());
        Arc::new(Self { memory, how, governor, seen: Mutex::default() })
    }

    fn is(&self, how: How) -> bool {
        self.how == how
    }
}

impl fmt::Debug for Broken {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut shown = f.debug_struct("Broken");
        if self.is(How::LeaksInDebug) {
            shown.field("last", &self.seen.lock().unwrap().passwords.last());
        }
        shown.finish_non_exhaustive()
    }
}

#[async_trait]
impl Directory for Broken {
    fn info(&self) -> &DirectoryInfo {
        self.memory.info()
    }

    fn capabilities(&self) -> Capabilities {
        let mut can = self.memory.capabilities();
        if matches!(self.how, How::ClaimsWhatItCannot | How::DoesWhatItCannot) {
            can.flag_compromised = false;
        }
        if self.is(How::IgnoresScope) {
            can.enumerate_native = false;
        }
        if self.is(How::MarksForget) {
            can.enumerate_changed = false;
        }
        can
    }

    async fn preflight(&self) -> Result<Preflight> {
        let mut preflight = self.memory.preflight().await?;
        if self.is(How::NoPrincipal) {
            preflight.principal = None;
        }
        if self.is(How::FatalFinding) {
            preflight.findings.push(Finding { severity: Severity::Fatal, text: "no rights".into() });
        }
        Ok(preflight)
    }

    fn recovery(&self) -> Option<&dyn RecoveryAuditor> {
        Some(self)
    }

    fn audit_log(&self) -> Option<&dyn AuditLog> {
        if self.is(How::LogForgetsRequests) { Some(self) } else { self.memory.audit_log() }
    }
}

impl AuditLog for Broken {
    fn events(&self, from: Timestamp, until: Timestamp) -> BoxStream<'static, Result<AuditEvent>> {
        let forget = |mut event: AuditEvent| {
            event.request_ids.clear();
            event
        };
        self.memory.events(from, until).map_ok(forget).boxed()
    }

    fn actor(&self) -> Option<String> {
        self.memory.actor()
    }

    fn shows(&self, what: &str, action: Action) -> bool {
        self.memory.shows(what, action)
    }

    fn lag(&self) -> Duration {
        self.memory.lag()
    }
}

#[async_trait]
impl AccountEnumerator for Broken {
    fn accounts(&self, query: &AccountQuery) -> AccountStream {
        let how = self.how;
        let listing = {
            let mut seen = self.seen.lock().unwrap();
            seen.listings += 1;
            seen.listings
        };
        let scoped = query.scope != Scope::Everyone;
        let rows = match how {
            How::IgnoresScope => self.memory.accounts(&AccountQuery::everyone()),
            _ => self.memory.accounts(query),
        };
        match how {
            How::TruncatesSilently => rows.take(150).boxed(),
            How::HidesErrors => rows.take_while(|row| future::ready(row.is_ok())).boxed(),
            How::HidesComputers => rows.try_filter(|row| future::ready(row.kind != AccountKind::Computer)).boxed(),
            How::ListsNobodyTwice if listing % 2 == 0 => stream::empty().boxed(),
            How::ListsNobodyTwice => rows,
            _ => rows.map_ok(move |row| misread(how, listing, scoped, row)).boxed(),
        }
    }

    async fn lookup(&self, ids: &[AccountId]) -> Result<Vec<Option<Account>>> {
        if self.is(How::FailsOnEmpty) && ids.is_empty() {
            return Err(Error::new(ErrorKind::InputInvalid, "look up"));
        }
        let mut found = self.memory.lookup(ids).await?;
        match self.how {
            How::LookupAnyOrder => found.reverse(),
            How::LookupSkipsGone => found.retain(Option::is_some),
            How::LookupLies => {
                found.truncate(200);
                found.iter_mut().flatten().for_each(|row| row.state.enabled = !row.state.enabled);
            }
            How::StaleLookup => {
                let mut seen = self.seen.lock().unwrap();
                for row in found.iter_mut().flatten() {
                    *row = seen.first_looks.entry(row.id.clone()).or_insert_with(|| row.clone()).clone();
                }
            }
            _ => {}
        }
        Ok(found)
    }

    async fn mark(&self) -> Result<ChangeMark> {
        self.memory.mark().await
    }

    fn changed_since(&self, mark: &ChangeMark) -> AccountStream {
        match self.how {
            How::TruncatesSilently => stream::empty().boxed(),
            _ => self.memory.changed_since(mark),
        }
    }
}

fn misread(how: How, listing: u32, scoped: bool, mut row: Account) -> Account {
    let id = |text: String| AccountId::new(text).unwrap();
    match how {
        How::ChangesIds => row.id = id(format!("{}-{listing}", row.id)),
        How::MixesNames => {
            row.id = id("one-for-all".into());
            row.display_name = row.display_name.map(|name| name.chars().filter(char::is_ascii).collect());
        }
        How::DropsAttributes => row.attributes.clear(),
        How::MisreadsKinds => row.kind = AccountKind::Person,
        How::WrongDirectory => row.directory = DirectoryId::new("other").unwrap(),
        How::IgnoresScope => assert!(!scoped || row.name != "\0"),
        _ => {}
    }
    row
}

#[async_trait]
impl PrivilegeClassifier for Broken {
    async fn privileges(&self) -> Result<PrivilegeIndex> {
        let index = self.memory.privileges().await?;
        let mut other = PrivilegeIndex::default();
        for (account, grounds) in index.privileged() {
            for ground in grounds {
                let mut ground = ground.clone();
                if self.is(How::EmptyEvidence) {
                    ground.evidence.clear();
                }
                if !(self.is(How::ForgetsNested) && ground.evidence.len() > 1) {
                    other.add(account.clone(), ground);
                }
            }
        }
        if self.is(How::AccusesEverybody) {
            let everyone: Vec<Account> = self.memory.accounts(&AccountQuery::everyone()).try_collect().await?;
            for row in everyone {
                let ground =
                    Ground { tier: Tier::Control, rule: "x".into(), holds: "x".into(), evidence: vec!["x".into()] };
                other.add(row.id, ground);
            }
        }
        if !self.is(How::IgnoresIncomplete) {
            index.incomplete().iter().for_each(|reason| other.mark_incomplete(reason));
        }
        Ok(other)
    }
}

#[async_trait]
impl ForcedReset for Broken {
    fn support(&self, account: &Account, action: Action) -> Support {
        match self.how {
            How::ClaimsWhatItCannot => Support::Works,
            _ if !self.capabilities().can(action) => Support::Cannot { because: "it cannot".into() },
            _ => self.memory.support(account, action),
        }
    }

    async fn apply(&self, orders: &[Order]) -> Vec<Outcome> {
        let passwords = orders.iter().filter_map(|order| order.password.as_ref());
        self.seen.lock().unwrap().passwords.extend(passwords.map(|password| password.expose().to_owned()));
        match self.how {
            How::DoesNothing => return orders.iter().map(|_| Outcome::done()).collect(),
            How::LosesAnOrder => {
                let mut outcomes = self.memory.apply(&orders[..orders.len().saturating_sub(1)]).await;
                outcomes.extend(orders.last().map(|_| Outcome::done()));
                return outcomes;
            }
            How::PanicsWithoutPassword => {
                for order in orders.iter().filter(|order| order.action.needs_password()) {
                    order.password.as_ref().unwrap();
                }
            }
            How::RetriesHidden => drop(self.memory.apply(orders).await),
            How::KeepsMustChange | How::ForgetsSecondFactor | How::VoidsNothing => {
                let flip = |action| match action {
                    Action::SetPassword { must_change } if self.is(How::KeepsMustChange) => {
                        Action::SetPassword { must_change: !must_change }
                    }
                    // Something comes back, and the old password stays.
                    Action::SetTemporaryPassword if self.is(How::VoidsNothing) => Action::IssueAccessPass,
                    Action::ResetToRecovery { mail: false } if self.is(How::VoidsNothing) => Action::SendRecoveryLink,
                    Action::SetPasswordChangeAfterMfa => Action::SetPassword { must_change: true },
                    other => other,
                };
                let orders: Vec<Order> = orders
                    .iter()
                    .cloned()
                    .map(|mut order| {
                        order.action = flip(order.action);
                        order
                    })
                    .collect();
                return self.memory.apply(&orders).await;
            }
            How::RefusesRepeats => return self.refuse_repeats(orders).await,
            _ => {}
        }
        let outcomes = self.memory.apply(orders).await;
        self.garble(orders, outcomes)
    }
}

impl Broken {
    fn garble(&self, orders: &[Order], mut outcomes: Vec<Outcome>) -> Vec<Outcome> {
        let refused = |kind| Outcome::Refused(Error::new(kind, "x").with_status(Status::Permanent));
        match self.how {
            How::AnswersOutOfOrder => outcomes.reverse(),
            How::InventsOutcomes => outcomes.push(Outcome::done()),
            How::BatchFailsAsOne if outcomes.iter().any(|outcome| outcome.error().is_some()) => {
                outcomes.iter_mut().for_each(|outcome| *outcome = refused(ErrorKind::Unexpected));
            }
            How::StaysCut => {
                let mut seen = self.seen.lock().unwrap();
                seen.cut |= outcomes.iter().any(|outcome| matches!(outcome, Outcome::Temporary(_)));
                if seen.cut {
                    outcomes.iter_mut().for_each(|outcome| *outcome = refused(ErrorKind::Transport));
                }
            }
            How::LeaksInErrors => {
                for (order, outcome) in orders.iter().zip(&mut outcomes) {
                    let text = order.password.as_ref().map_or("", |password| password.expose());
                    if outcome.error().is_some() {
                        *outcome = Outcome::Refused(Error::new(ErrorKind::Unexpected, "x").with_detail(text));
                    }
                }
            }
            _ => outcomes = outcomes.into_iter().map(|outcome| self.rename(outcome)).collect(),
        }
        outcomes
    }

    fn rename(&self, outcome: Outcome) -> Outcome {
        match (self.how, outcome) {
            (How::CallsUnknownTemporary, Outcome::Unknown(error)) => Outcome::Temporary(error),
            (How::ThrottleIsRefused, Outcome::Throttled(error)) => Outcome::Refused(error),
            (How::CallsRefusalsTemporary, Outcome::Refused(error)) => {
                Outcome::Temporary(error.with_status(Status::Temporary).with_retry_after(Duration::ZERO))
            }
            (How::CallsMissingUnsupported, Outcome::Done(_)) => {
                Outcome::Refused(Error::new(ErrorKind::Unsupported, "x"))
            }
            (How::LeaksServerSecret, Outcome::Done(receipt)) => {
                let told = receipt.server_secret.as_ref().map(|secret| secret.expose().to_owned());
                Outcome::Done(match told {
                    Some(secret) => receipt.with_request_id(secret),
                    None => receipt,
                })
            }
            (How::LosesServerSecret, Outcome::Done(mut receipt)) => {
                receipt.server_secret = None;
                Outcome::Done(receipt)
            }
            (_, outcome) => outcome,
        }
    }

    async fn refuse_repeats(&self, orders: &[Order]) -> Vec<Outcome> {
        let mut outcomes = Vec::new();
        for order in orders {
            let password = order.password.as_ref().map(|password| password.expose().to_owned());
            let times =
                |password: &String| self.seen.lock().unwrap().passwords.iter().filter(|one| *one == password).count();
            if password.as_ref().is_some_and(|password| times(password) > 1) {
                outcomes.push(Outcome::Refused(Error::new(ErrorKind::PasswordRejected, "x")));
            } else {
                outcomes.extend(self.memory.apply(std::slice::from_ref(order)).await);
            }
        }
        outcomes
    }
}

impl RateLimitedBatching for Broken {
    fn limits(&self) -> Limits {
        let mut limits = self.memory.limits();
        if self.is(How::StatesLowCeiling) {
            limits.in_flight = std::num::NonZeroU32::MIN;
            limits.deadline = Duration::ZERO;
        }
        if self.is(How::StatesLargeBatches) {
            let class = self.memory.class_of(Action::ResetAuthenticators);
            limits = limits.with_batch_of(class, std::num::NonZeroU32::new(5).unwrap());
        }
        limits
    }

    fn class_of(&self, action: Action) -> OperationClass {
        let asked = {
            let mut seen = self.seen.lock().unwrap();
            seen.classes += 1;
            seen.classes
        };
        match self.how {
            How::WaversInClass if asked % 13 == 0 => OperationClass::Read,
            _ => self.memory.class_of(action),
        }
    }

    fn governor(&self) -> &Arc<Governor> {
        if self.is(How::MuteGovernor) { &self.governor } else { self.memory.governor() }
    }
}

#[async_trait]
impl RecoveryAuditor for Broken {
    fn enrolments(&self, query: &AccountQuery) -> BoxStream<'static, Result<Enrolment>> {
        match self.how {
            How::EnrolsStrangers => {
                let stranger = Enrolment::new(AccountId::new("nobody").unwrap());
                stream::once(future::ready(Ok(stranger))).boxed()
            }
            _ => self.memory.recovery().unwrap().enrolments(query),
        }
    }
}
