//! The backends beside what people use today: `ldapsearch` and `ldapmodify` of OpenLDAP.
//!
//! ```text
//! cargo bench -p backend-ldap --bench openldap                            # 100,000 accounts, 5,000 changes, 5 rounds
//! cargo bench -p backend-ldap --bench openldap -- [ACCOUNTS [CHANGES [ROUNDS]]]
//! cargo test  -p backend-ldap --bench openldap                            # 400, 40 and 1: does it still work?
//! ```
//!
//! - On slapd (mdb, no sync at each change): a listing beside `ldapsearch -E pr=1000` for the same
//!   attributes; changes beside `ldapmodify`. Goals: at least 1, and at least 1.2.
//! - On a Samba controller, when `IDENTITY_RESET_TEST_LDAP_URL` and so on name one (`testkit/samba/dc env`):
//!   the same password sets by both. Goal: at least 1.
//! - On the mock of Active Directory, where an operation takes 5 ms: how much of the window is used.
//!
//! Everything is encrypted. In each round everything is done once, ours first in every other one, and ratios
//! are taken within rounds, since a machine drifts more between rounds than the clients differ. Of the
//! arrangements of `ldapmodify` the one with the best median of all rounds is the peer; its files are written
//! before the clock runs, our orders are made while it runs. Every change changes something.
#![allow(
    clippy::print_stdout,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::disallowed_methods,
    reason = "a measurement reports, and stops where it cannot go on"
)]

mod peer;
mod ratio;
mod samba;
mod slapd;
mod window;

use std::sync::Arc;

use futures::StreamExt;
use identity_core::account::AccountId;
use identity_core::directory::{ForcedReset, RateLimitedBatching};
use identity_core::limits::OperationClass;
use identity_core::reset::{Action, Order, Outcome, Secret};

/// How much is measured.
#[derive(Clone, Copy)]
pub(crate) struct Amount {
    pub(crate) accounts: usize,
    pub(crate) changes: usize,
    pub(crate) rounds: usize,
}

fn main() {
    let numbers: Vec<usize> = std::env::args().skip(1).filter_map(|argument| argument.parse().ok()).collect();
    let number = |place: usize, default: usize| numbers.get(place).copied().unwrap_or(default);
    // Cargo says that it is a benchmark.
    let amount = if std::env::args().any(|argument| argument == "--bench") {
        Amount { accounts: number(0, 100_000), changes: number(1, 5_000), rounds: number(2, 5) }
    } else {
        Amount { accounts: 400, changes: 40, rounds: 1 }
    };
    let runtime = tokio::runtime::Runtime::new().expect("a runtime");
    slapd::measure(&runtime, amount);
    samba::measure(&runtime, amount);
    window::measure(&runtime, amount);
}

/// As the engine sends orders: batches of what the governor has room for, each with its permit, and always one
/// more that waits for one. All have to be done.
pub(crate) async fn apply<D: ForcedReset + RateLimitedBatching>(
    directory: &Arc<D>,
    ids: &[AccountId],
    action: Action,
    in_flight: usize,
    word: &str,
) {
    let room = directory.governor().batch_room(OperationClass::Write).max(1) as usize;
    let batches = ids.chunks(room).enumerate().map(|(batch, ids)| {
        let order = |(n, id): (usize, &AccountId)| {
            let order = Order::new(id.clone(), action);
            let password = Secret::new(format!("Our-Passw0rd-{word}-{batch}-{n}"));
            if action.needs_password() { order.with_password(password) } else { order }
        };
        ids.iter().enumerate().map(order).collect::<Vec<Order>>()
    });
    let send = |orders: Vec<Order>| async move {
        let operations = u32::try_from(orders.len()).unwrap_or(u32::MAX);
        let _permit = directory.governor().acquire(OperationClass::Write, operations).await;
        for outcome in directory.apply(&orders).await {
            assert!(matches!(outcome, Outcome::Done(_)), "{outcome:?}");
        }
    };
    futures::stream::iter(batches).map(send).buffer_unordered(in_flight).collect::<()>().await;
}
