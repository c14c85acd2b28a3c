//! The five traits of a backend.
//!
//! Who takes the governor's permits: the caller for [`ForcedReset::apply`], which is one batch;
//! the backend itself, request by request, for everything that it reads, since only it knows how
//! many requests a read takes. Reads have their own deadlines too. A backend must not wait for a
//! permit inside `apply`: the caller holds some.

use std::fmt;
use std::sync::Arc;

use async_trait::async_trait;
use futures::StreamExt;

use super::{AccountQuery, AccountStream, Capabilities, ChangeMark, DirectoryInfo, Preflight, Replicated, Support};
use crate::account::{Account, AccountId};
use crate::error::{Error, ErrorKind, Result};
use crate::evidence::AuditLog;
use crate::limits::{Governor, Limits, OperationClass};
use crate::privilege::PrivilegeIndex;
use crate::recovery::RecoveryAuditor;
use crate::reset::{Action, Order, Outcome};

/// A system of accounts: what it is, what it can, whether it is reachable.
///
/// ```
/// use identity_core::directory::Directory;
/// use identity_core::error::Result;
///
/// /// What has to be known before anything is planned.
/// async fn look(directory: &dyn Directory) -> Result<bool> {
///     let preflight = directory.preflight().await?;
///     for finding in &preflight.findings {
///         println!("{}: {}", directory.info().id, finding.text);
///     }
///     Ok(!preflight.is_fatal())
/// }
/// ```
#[async_trait]
pub trait Directory: fmt::Debug + Send + Sync + 'static {
    /// What the directory is. Never a secret.
    fn info(&self) -> &DirectoryInfo;

    /// What it can do at all.
    fn capabilities(&self) -> Capabilities;

    /// Is it reachable, may we do what we are about to do, what will be refused and why? Reads
    /// only.
    ///
    /// # Errors
    /// When the directory cannot be reached or signed in to.
    async fn preflight(&self) -> Result<Preflight>;

    /// The part that reads recovery enrolments, where the directory has any
    /// ([`Capabilities::audit_recovery`]).
    fn recovery(&self) -> Option<&dyn RecoveryAuditor> {
        None
    }

    /// The part that asks each server by itself, where the directory keeps its accounts on
    /// several and can be asked so.
    fn replicated(&self) -> Option<&dyn Replicated> {
        None
    }

    /// The part that reads the directory's own log of what was done to its accounts, where it keeps
    /// one that can be read ([`Capabilities::audit_log`]).
    fn audit_log(&self) -> Option<&dyn AuditLog> {
        None
    }
}

/// Lists accounts.
///
/// ```
/// use futures::TryStreamExt;
/// use identity_core::directory::{AccountEnumerator, AccountQuery, Scope};
/// use identity_core::error::Result;
///
/// /// How many of a group's members are enabled; nobody is held in memory.
/// async fn enabled(directory: &dyn AccountEnumerator, group: &str) -> Result<usize> {
///     let members = directory.accounts(&AccountQuery::of(Scope::Group(group.to_owned())));
///     members.try_fold(0, async |count, account| Ok(count + usize::from(account.state.enabled))).await
/// }
/// ```
#[async_trait]
pub trait AccountEnumerator: Directory {
    /// The accounts of a query, as they arrive.
    ///
    /// # Behavior
    /// Lazy: nothing is sent before the stream is polled. An account may appear twice (listings
    /// of a directory in use do that); callers tell rows apart by [`Account::id`]. After an error
    /// the stream ends; begin again.
    ///
    /// # Errors
    /// In the stream: whatever makes the listing incomplete. [`ErrorKind::Unsupported`] for a
    /// scope that [`Capabilities`] does not have, [`ErrorKind::InputInvalid`] for one that does
    /// not exist (a group that is not there must not select nobody in silence).
    fn accounts(&self, query: &AccountQuery) -> AccountStream;

    /// Reads accounts as they are now: one answer per id, in the order asked; `None` for an
    /// account that is gone. At most [`Limits::batch_of`] the class
    /// [`Read`](OperationClass::Read) ids at once.
    ///
    /// # Errors
    /// When the directory cannot be read.
    async fn lookup(&self, ids: &[AccountId]) -> Result<Vec<Option<Account>>>;

    /// A mark of now, for [`changed_since`](Self::changed_since). Requires
    /// [`Capabilities::enumerate_changed`].
    ///
    /// # Errors
    /// [`ErrorKind::Unsupported`] without the capability; otherwise when the directory cannot be
    /// read.
    async fn mark(&self) -> Result<ChangeMark> {
        Err(Error::new(ErrorKind::Unsupported, "mark").with_directory(self.info().id.clone()))
    }

    /// Accounts made or changed since the mark. Requires [`Capabilities::enumerate_changed`].
    ///
    /// # Errors
    /// In the stream, as of [`accounts`](Self::accounts).
    fn changed_since(&self, _mark: &ChangeMark) -> AccountStream {
        let error = Error::new(ErrorKind::Unsupported, "list changed accounts").with_directory(self.info().id.clone());
        futures::stream::once(async { Err(error) }).boxed()
    }
}

/// Says who is privileged, and why.
///
/// ```
/// use identity_core::account::AccountId;
/// use identity_core::directory::PrivilegeClassifier;
/// use identity_core::error::Result;
///
/// async fn explain(directory: &dyn PrivilegeClassifier, account: &AccountId) -> Result<()> {
///     let verdict = directory.privileges().await?.classify(account);
///     for ground in &verdict.grounds {
///         println!("{account}: {ground}");
///     }
///     if let Some(gap) = verdict.unknown_because {
///         println!("{account} goes with the privileged: {gap}");
///     }
///     Ok(())
/// }
/// ```
#[async_trait]
pub trait PrivilegeClassifier: Directory {
    /// The index from accounts to grounds, as of now.
    ///
    /// # Behavior
    /// Fails closed: what could not be read is recorded in the index as unknown, not left out.
    ///
    /// # Errors
    /// When so little could be read that an index would say nothing.
    async fn privileges(&self) -> Result<PrivilegeIndex>;
}

/// Does things to accounts.
///
/// ```
/// use identity_core::account::AccountId;
/// use identity_core::directory::ForcedReset;
/// use identity_core::reset::{Action, Order, Outcome};
///
/// /// One attempt to unlock; what is unknown is the caller's to read back.
/// async fn unlock(directory: &dyn ForcedReset, account: AccountId) -> bool {
///     let outcomes = directory.apply(&[Order::new(account, Action::Unlock)]).await;
///     matches!(outcomes.as_slice(), [Outcome::Done(_)])
/// }
/// ```
#[async_trait]
pub trait ForcedReset: Directory {
    /// Whether `action` works on this account, by what the directory is known to do.
    ///
    /// The default answers from [`Capabilities`], and has a generated password take the place of a temporary
    /// one where the directory makes none ([`Support::without_temporary`]); a backend that knows of operations that
    /// succeed and do nothing, or do harm, says so here.
    fn support(&self, account: &Account, action: Action) -> Support {
        let _ = account;
        let can = |action| match self.capabilities().can(action) {
            true => Support::Works,
            false => Support::cannot(format!("{} cannot {action}", self.info().kind)),
        };
        match can(action) {
            Support::Cannot { .. } if action == Action::SetTemporaryPassword => {
                Support::without_temporary(can(Action::SetPassword { must_change: true }))
            }
            answer => answer,
        }
    }

    /// Why `next` cannot be done to an account to which `first` was done just before; `None` where it can,
    /// which is the default. The plan leaves `next` out for this reason where both are asked for and `first`
    /// works, since an order that is refused each time would leave the account open for ever.
    fn rules_out(&self, first: Action, next: Action) -> Option<String> {
        let _ = (first, next);
        None
    }

    /// Carries out a batch: one outcome per order, in the order given; one attempt, no hidden
    /// retry. All orders are of one [class](RateLimitedBatching::class_of), and at most
    /// [`Limits::batch_of`] that class.
    ///
    /// # Behavior
    /// Never fails as a whole: what goes wrong for one order is that order's outcome. An outcome
    /// is [`Outcome::Unknown`] as soon as bytes of the order may have left and no answer came.
    /// Every response's hints (remaining, Retry-After, busy) are told to
    /// [`RateLimitedBatching::governor`]. The caller has acquired the permits.
    async fn apply(&self, orders: &[Order]) -> Vec<Outcome>;
}

/// How fast a directory may be worked, and who watches over it.
///
/// ```
/// use identity_core::directory::RateLimitedBatching;
/// use identity_core::limits::OperationClass;
///
/// /// Waits for leave to send one write, and holds it while it is under way.
/// async fn paced<T>(directory: &dyn RateLimitedBatching, write: impl Future<Output = T>) -> T {
///     let permit = directory.governor().acquire(OperationClass::Write, 1).await;
///     let answer = write.await;
///     drop(permit);
///     answer
/// }
/// ```
pub trait RateLimitedBatching: Directory {
    /// The largest batches, the in-flight ceiling, and the quotas with their costs.
    fn limits(&self) -> Limits;

    /// The class of operations that an order with this action is, for quotas and batches. One
    /// [`apply`](ForcedReset::apply) never mixes classes.
    ///
    /// # Behavior
    /// Constant: the same action is always of the same class. The engine takes the actions of the
    /// class that sets passwords first, as fast as their quota allows, and follows with the
    /// others, each account in the order of its actions: a slow class holds up no password.
    fn class_of(&self, action: Action) -> OperationClass {
        let _ = action;
        OperationClass::Write
    }

    /// The one governor of this directory: all lanes and all reads share it, so that all of them
    /// pause when the directory asks, not only the unlucky one.
    fn governor(&self) -> &Arc<Governor>;
}

/// Everything that a run needs of a directory. Implemented by whatever implements the five
/// traits; used as `Arc<dyn Backend>`.
pub trait Backend: AccountEnumerator + PrivilegeClassifier + ForcedReset + RateLimitedBatching {}

impl<T: AccountEnumerator + PrivilegeClassifier + ForcedReset + RateLimitedBatching> Backend for T {}
