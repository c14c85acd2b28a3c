//! How much of the window is used where each operation takes its time: the mean of what is in flight, as
//! the mock of Active Directory counts it every half millisecond.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use backend_ldap::{LdapConfig, LdapDirectory};
use identity_core::account::{AccountId, DirectoryId};
use identity_core::reset::Action;
use testkit::mock_ad::MockAd;
use testkit::organisation::Organisation;
use tokio::runtime::Runtime;

use crate::ratio::timed;
use crate::{Amount, apply};

const LATENCY: Duration = Duration::from_millis(5);
const IN_FLIGHT: usize = 16;

pub(crate) fn measure(runtime: &Runtime, amount: Amount) {
    let organisation = Organisation::new(1, amount.changes as u64);
    // More workers than anything in flight: the window is what limits.
    let mock = MockAd::builder().organisation(organisation).workers(4 * IN_FLIGHT).latency(LATENCY);
    let mock = Arc::new(runtime.block_on(mock.start()).expect("a mock"));
    let config = LdapConfig::new(DirectoryId::new("bench").expect("id"), mock.url())
        .ca_pem(mock.ca_pem())
        .bind(mock.bind_dn(), mock.bind_password().into())
        .in_flight(u32::try_from(IN_FLIGHT).expect("small"));
    let directory = runtime.block_on(LdapDirectory::connect(config)).expect("connects");
    let settable = mock
        .organisation()
        .accounts()
        .filter(|account| account.sam_account_type() == 0x3000_0000 && account.truth.protected_because.is_none());
    let ids: Vec<AccountId> = settable.map(|account| AccountId::new(account.guid.to_string()).expect("id")).collect();
    println!("mock: {} sets, {LATENCY:?} each, {IN_FLIGHT} in flight", ids.len());
    let mut shares: Vec<f64> = (0..amount.rounds)
        .map(|round| {
            let over = Arc::new(AtomicBool::new(false));
            let watching = std::thread::spawn({
                let (over, mock) = (Arc::clone(&over), Arc::clone(&mock));
                move || {
                    let (mut samples, mut sum) = (0_u64, 0_u64);
                    while !over.load(Ordering::Relaxed) {
                        sum += mock.counts().in_flight;
                        samples += 1;
                        std::thread::sleep(Duration::from_micros(500));
                    }
                    sum as f64 / samples.max(1) as f64
                }
            });
            let set = Action::SetPassword { must_change: false };
            let ((), seconds) =
                timed(|| runtime.block_on(apply(&directory, &ids, set, IN_FLIGHT, &format!("window-{round}"))));
            over.store(true, Ordering::Relaxed);
            let mean = watching.join().expect("counted");
            println!("    round {round}: {mean:.1} of {IN_FLIGHT} in flight, {:.0}/s", ids.len() as f64 / seconds);
            mean / IN_FLIGHT as f64
        })
        .collect();
    shares.sort_by(f64::total_cmp);
    println!(
        "window used/possible: {:.2} ({:.2}..{:.2} in {} rounds)",
        shares[shares.len() / 2],
        shares[0],
        shares[shares.len() - 1],
        shares.len()
    );
}
