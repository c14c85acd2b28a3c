//! A directory of one's own: the accounts of an in-house application, which is a table behind a
//! lock here and would be its HTTP or SQL interface in earnest. The directory is the part above
//! `Outside`, under 100 lines; below it the conformance suite is run on it.
//! Run it with `cargo run --example custom_backend`; docs/writing-a-backend.md goes through it.

#![allow(clippy::print_stdout, reason = "the table is what it is run for")]

use std::collections::BTreeMap;
use std::num::NonZeroU32;
use std::process::ExitCode;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::{error, fmt};

use async_trait::async_trait;
use futures::{StreamExt, stream};
use identity_core::account::{Account, AccountId, AccountKind, DirectoryId};
use identity_core::directory::*;
use identity_core::error::{Error, ErrorKind, Result};
use identity_core::limits::{Feedback, Governor, Limits, OperationClass, Signal, clock};
use identity_core::privilege::{Ground, PrivilegeIndex, Tier};
use identity_core::reset::{Action, Order, Outcome, Receipt, Secret};
use testkit::conformance::{self, Harness, KnownAccount, SignIn, Truth};

struct Intranet {
    info: DirectoryInfo,
    governor: Arc<Governor>,
    rows: Mutex<BTreeMap<AccountId, (Account, Secret)>>,
}

// By hand: a derived Debug would follow whatever is added to the struct, a token for example.
impl fmt::Debug for Intranet {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Intranet").field("info", &self.info).finish_non_exhaustive()
    }
}

#[async_trait]
impl Directory for Intranet {
    fn info(&self) -> &DirectoryInfo {
        &self.info
    }
    fn capabilities(&self) -> Capabilities {
        let mut can = Capabilities::default();
        (can.set_password, can.set_password_must_change, can.disable) = (true, true, true);
        can
    }
    async fn preflight(&self) -> Result<Preflight> {
        Ok(Preflight::default())
    }
}

#[async_trait]
impl AccountEnumerator for Intranet {
    fn accounts(&self, query: &AccountQuery) -> AccountStream {
        let rows = match query.scope {
            Scope::Everyone => self.rows().values().map(|(account, _)| Ok(account.clone())).collect(),
            _ => vec![Err(self.error(ErrorKind::Unsupported, "list accounts"))],
        };
        stream::iter(rows).boxed()
    }
    async fn lookup(&self, ids: &[AccountId]) -> Result<Vec<Option<Account>>> {
        Ok(ids.iter().map(|id| self.rows().get(id).map(|(account, _)| account.clone())).collect())
    }
}

#[async_trait]
impl PrivilegeClassifier for Intranet {
    async fn privileges(&self) -> Result<PrivilegeIndex> {
        let mut index = PrivilegeIndex::default();
        for (account, _) in self.rows().values().filter(|(account, _)| account.groups.contains(&"admins".into())) {
            let (rule, holds, evidence) = ("member".into(), "admins".into(), vec!["admins".into()]);
            index.add(account.id.clone(), Ground { tier: Tier::Control, rule, holds, evidence });
        }
        Ok(index)
    }
}

#[async_trait]
impl ForcedReset for Intranet {
    async fn apply(&self, orders: &[Order]) -> Vec<Outcome> {
        let told = |_: &Outcome| self.governor.feedback(&Feedback::new(OperationClass::Write, Signal::Ok));
        let outcomes = orders.iter().map(|order| self.carry_out(order).map_or_else(Outcome::from, Outcome::Done));
        outcomes.inspect(told).collect()
    }
}

impl RateLimitedBatching for Intranet {
    fn limits(&self) -> Limits {
        allowed()
    }
    fn governor(&self) -> &Arc<Governor> {
        &self.governor
    }
}

/// Batches of ten, at most four at once; a quota would be added with `with_quota`.
fn allowed() -> Limits {
    Limits::new(const { NonZeroU32::new(10).unwrap() }, const { NonZeroU32::new(4).unwrap() })
}

impl Intranet {
    fn rows(&self) -> MutexGuard<'_, BTreeMap<AccountId, (Account, Secret)>> {
        self.rows.lock().unwrap_or_else(PoisonError::into_inner)
    }
    fn error(&self, kind: ErrorKind, operation: &'static str) -> Error {
        Error::new(kind, operation).with_directory(self.info.id.clone())
    }
    fn carry_out(&self, order: &Order) -> Result<Receipt> {
        let refused = |kind| self.error(kind, order.action.as_str()).with_account(order.account.clone());
        let mut rows = self.rows();
        let (account, password) = rows.get_mut(&order.account).ok_or_else(|| refused(ErrorKind::AccountNotFound))?;
        match (order.action, &order.password) {
            (Action::Disable, _) => account.state.enabled = false,
            (Action::SetPassword { .. } | Action::Scramble, Some(new)) if new.expose().len() >= 12 => {
                account.password.must_change = order.action == Action::SetPassword { must_change: true };
                account.password.last_set = Some(clock::now());
                *password = new.clone();
            }
            (Action::SetPassword { .. } | Action::Scramble, Some(_)) => {
                return Err(refused(ErrorKind::PasswordRejected));
            }
            (Action::SetPassword { .. } | Action::Scramble, None) => return Err(refused(ErrorKind::InputInvalid)),
            _ => return Err(refused(ErrorKind::Unsupported)),
        }
        Ok(Receipt::default().with_time(clock::now()))
    }
}

/// The suite's view of the same table from the other side: what an owner sees.
struct Outside(Arc<Intranet>);

#[async_trait]
impl Harness for Outside {
    fn directory(&self) -> Arc<dyn Backend> {
        Arc::clone(&self.0) as _
    }
    async fn touchable(&self) -> Result<Vec<AccountId>> {
        Ok(self.0.rows().keys().cloned().collect())
    }
    async fn sign_in(&self, id: &AccountId, password: &Secret) -> Result<SignIn> {
        Ok(match self.0.rows().get(id) {
            Some((account, right)) if account.state.enabled && right.expose() == password.expose() => {
                if account.password.must_change { SignIn::MustChange } else { SignIn::Accepted }
            }
            _ => SignIn::Refused,
        })
    }
    async fn truth(&self) -> Option<Truth> {
        let known = (0..40).map(|number| {
            let tier = if number < 3 { Tier::Control } else { Tier::User };
            KnownAccount::new(format!("employee{number}"), AccountKind::Person).with_tier(tier, "group")
        });
        Some(Truth { accounts: known.collect(), exhaustive: true, scopes: Vec::new() })
    }
}

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<ExitCode, Box<dyn error::Error>> {
    let id = DirectoryId::new("intranet")?;
    let mut rows = BTreeMap::new();
    for number in 0..40 {
        let (key, name) = (AccountId::new(format!("{number}"))?, format!("employee{number}"));
        let mut account = Account::new(id.clone(), key.clone(), name, AccountKind::Person);
        account.groups = if number < 3 { vec!["admins".into()] } else { Vec::new() };
        rows.insert(key, (account, Secret::new(format!("first-password-{number}"))));
    }
    let info = DirectoryInfo::new(id, "intranet", "intranet.example.test");
    let intranet = Intranet { info, governor: Governor::new(&allowed()), rows: Mutex::new(rows) };
    let report = conformance::run(&Outside(Arc::new(intranet))).await;
    println!("{report}");
    Ok(if report.is_conformant() { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}
