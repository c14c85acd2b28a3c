//! What the cases stand on: the harness, its directory, and accounts that no case used yet.

use std::collections::{HashMap, HashSet};
use std::fmt;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use futures::TryStreamExt;
use identity_core::account::{Account, AccountId, PasswordAuthority};
use identity_core::directory::{AccountQuery, Backend, Support};
use identity_core::error::Error;
use identity_core::limits::{OperationClass, clock};
use identity_core::reset::{Action, Order, Outcome, Secret};
use rand::RngExt;
use tokio::sync::OnceCell;

use super::{Circumstance, Harness, SignIn, Truth};

/// How a case ends when it does not pass.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Halt {
    /// It does not apply; the text names what is missing.
    Skip(String),
    /// The backend does not do what it must; the text says what was seen.
    Fail(String),
}

/// What a case answers.
pub type Check = Result<(), Halt>;

impl From<Error> for Halt {
    fn from(error: Error) -> Self {
        Self::Fail(error.to_string())
    }
}

/// The harness of a run, its directory, and the accounts that are still unused.
pub struct Stage<'a> {
    harness: &'a dyn Harness,
    directory: Arc<dyn Backend>,
    ordinary: OnceCell<Vec<Account>>,
    next: AtomicUsize,
    length: AtomicUsize,
    retired: Mutex<HashSet<AccountId>>,
}

impl fmt::Debug for Stage<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Stage").field("directory", self.directory.info()).finish_non_exhaustive()
    }
}

/// The characters of a password, unless the directory's policy asks for another number.
const LENGTH: usize = 20;

/// How often an order that was throttled or failed for the moment is sent again.
const TRIES: u32 = 8;

impl<'a> Stage<'a> {
    /// A stage with every account unused.
    #[must_use]
    pub fn new(harness: &'a dyn Harness) -> Self {
        Self {
            harness,
            directory: harness.directory(),
            ordinary: OnceCell::new(),
            next: AtomicUsize::new(0),
            length: AtomicUsize::new(LENGTH),
            retired: Mutex::default(),
        }
    }

    pub(super) fn harness(&self) -> &'a dyn Harness {
        self.harness
    }

    pub(super) fn directory(&self) -> &Arc<dyn Backend> {
        &self.directory
    }

    /// Skips the case unless the capability is there.
    pub(super) fn need(&self, has: bool, capability: &str) -> Check {
        if has { Ok(()) } else { Err(Halt::Skip(format!("capability {capability}"))) }
    }

    pub(super) fn need_action(&self, action: Action) -> Check {
        self.need(self.directory.capabilities().can(action), action.as_str())
    }

    pub(super) async fn arrange(&self, circumstance: Circumstance) -> Check {
        if self.harness.arrange(&circumstance).await {
            return Ok(());
        }
        Err(Halt::Skip(format!("the harness cannot arrange: {}", circumstance.as_str())))
    }

    pub(super) async fn truth(&self) -> Result<Truth, Halt> {
        self.harness.truth().await.ok_or_else(|| Halt::Skip("the harness knows no truth of the directory".into()))
    }

    /// `count` different ordinary accounts: enabled, mastered here, with a password that can be
    /// set and expired. Unused ones first; once all were used they come round again.
    pub(super) async fn accounts(&self, count: usize) -> Result<Vec<Account>, Halt> {
        let mut ordinary = self.ordinary.get_or_try_init(|| self.find_ordinary()).await?.clone();
        {
            let retired = self.retired.lock().unwrap_or_else(PoisonError::into_inner);
            ordinary.retain(|account| !retired.contains(&account.id));
        }
        if ordinary.len() < count {
            let text = format!("{count} ordinary touchable accounts (the harness has {})", ordinary.len());
            return Err(Halt::Skip(text));
        }
        let start = self.next.fetch_add(count, Ordering::Relaxed);
        Ok(ordinary.iter().cycle().skip(start.checked_rem(ordinary.len()).unwrap_or(0)).take(count).cloned().collect())
    }

    /// Gives the account to no later case: it cannot be used any more (it was disabled).
    pub(super) fn retire(&self, id: &AccountId) {
        self.retired.lock().unwrap_or_else(PoisonError::into_inner).insert(id.clone());
    }

    pub(super) async fn account(&self) -> Result<Account, Halt> {
        self.accounts(1).await?.pop().ok_or_else(|| Halt::Skip("an ordinary touchable account".into()))
    }

    async fn find_ordinary(&self) -> Result<Vec<Account>, Halt> {
        let policy = self.directory.preflight().await?.password_policy;
        let longest = policy.max_length.map_or(usize::MAX, usize::from);
        self.length.store(LENGTH.max(policy.min_length.into()).min(longest), Ordering::Relaxed);
        let mut ordinary: Vec<Account> = self.touchable().await?;
        ordinary.retain(|account| {
            let settable = self.directory.support(account, Action::SetPassword { must_change: false });
            let ended = account.state.expires.is_some_and(|end| end <= clock::now());
            let free = !ended && !account.password.never_expires && !account.password.cannot_change;
            account.state.enabled
                && !account.state.locked
                && free
                && !account.password.smart_card_required
                && account.kind.protected_because().is_none()
                && account.authority == PasswordAuthority::Here
                && settable == Support::Works
        });
        Ok(ordinary)
    }

    /// Every touchable account as it is now.
    pub(super) async fn touchable(&self) -> Result<Vec<Account>, Halt> {
        let ids = self.harness.touchable().await?;
        let mut found = Vec::with_capacity(ids.len());
        for part in ids.chunks(50) {
            found.extend(self.directory.lookup(part).await?.into_iter().flatten());
        }
        Ok(found)
    }

    /// Everybody of a query, by id: a listing may give a row twice.
    pub(super) async fn list(&self, query: &AccountQuery) -> Result<HashMap<AccountId, Account>, Halt> {
        let rows = self.directory.accounts(query);
        Ok(rows.map_ok(|account| (account.id.clone(), account)).try_collect().await?)
    }

    pub(super) async fn look(&self, id: &AccountId) -> Result<Account, Halt> {
        let found = self.directory.lookup(std::slice::from_ref(id)).await?;
        found.into_iter().next().flatten().ok_or_else(|| Halt::Fail(format!("lookup does not find {id}")))
    }

    /// One batch, once, as the engine sends it.
    pub(super) async fn apply_once(&self, orders: &[Order]) -> Result<Vec<Outcome>, Halt> {
        let operations = u32::try_from(orders.len()).unwrap_or(u32::MAX);
        let class = orders.first().map_or(OperationClass::Write, |order| self.directory.class_of(order.action));
        let permit = self.directory.governor().acquire(class, operations).await;
        let outcomes = self.directory.apply(orders).await;
        drop(permit);
        if outcomes.len() == orders.len() {
            return Ok(outcomes);
        }
        Err(Halt::Fail(format!("{} outcomes for {} orders", outcomes.len(), orders.len())))
    }

    /// One order until it has an outcome that is not "later".
    pub(super) async fn order(&self, order: Order) -> Result<Outcome, Halt> {
        let mut tries = 0;
        loop {
            let outcome = self.apply_once(std::slice::from_ref(&order)).await?.into_iter().next();
            match outcome {
                Some(Outcome::Throttled(error) | Outcome::Temporary(error)) if tries < TRIES => {
                    tries += 1;
                    clock::sleep(error.retry_after().unwrap_or(Duration::from_millis(100))).await;
                }
                Some(outcome) => return Ok(outcome),
                None => return Err(Halt::Fail("no outcome".into())),
            }
        }
    }

    /// One order that must be done.
    pub(super) async fn done(&self, order: Order) -> Check {
        let (action, account) = (order.action, order.account.clone());
        match self.order(order).await? {
            Outcome::Done(_) => Ok(()),
            other => Err(Halt::Fail(format!("{action} of {account} is not done: {}", in_words(&other)))),
        }
    }

    /// Sets a fresh password that must be taken, and gives it back.
    pub(super) async fn set(&self, id: &AccountId, must_change: bool) -> Result<Secret, Halt> {
        let password = self.password();
        let order = Order::new(id.clone(), Action::SetPassword { must_change }).with_password(password.clone());
        self.done(order).await?;
        Ok(password)
    }

    pub(super) async fn sign_in(&self, id: &AccountId, password: &Secret) -> Result<SignIn, Halt> {
        Ok(self.harness.sign_in(id, password).await?)
    }

    /// A password that no reasonable policy refuses.
    pub(super) fn password(&self) -> Secret {
        const LETTERS: &[u8] = b"abcdefghjkmnpqrstuvwxyzABCDEFGHJKLMNPQRSTUVWXYZ23456789";
        let mut random = rand::rng();
        let mut text = String::from("k7!Q");
        while text.len() < self.length.load(Ordering::Relaxed) {
            text.extend(LETTERS.get(random.random_range(0..LETTERS.len())).map(|letter| char::from(*letter)));
        }
        Secret::new(text)
    }
}

/// What an outcome says, for a failure's text.
pub(super) fn in_words(outcome: &Outcome) -> String {
    let word = match outcome {
        Outcome::Done(_) => "done",
        Outcome::Refused(_) => "refused",
        Outcome::Throttled(_) => "throttled",
        Outcome::Temporary(_) => "temporary",
        Outcome::Unknown(_) => "unknown",
    };
    outcome.error().map_or_else(|| word.to_owned(), |error| format!("{word} ({error})"))
}

/// Fails the case with a text unless the condition holds.
macro_rules! ensure {
    ($condition:expr, $($text:tt)+) => {
        if !$condition {
            return Err($crate::conformance::Halt::Fail(format!($($text)+)));
        }
    };
}
pub(super) use ensure;
