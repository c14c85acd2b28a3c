//! Listing 20,000 accounts: the backend's stream of typed accounts, against a paged search of the
//! bare client library for the same attributes, whose entries are thrown away.
//!
//! The mock makes each entry anew and takes most of the time, so that it is not hidden, the rate
//! of the bare loop is printed beside the ratio.
//!
//! `enumeration/graph` lists 10,000 and 100,000 accounts of the mock of Microsoft Graph and prints time
//! and memory.
#![allow(clippy::print_stdout, reason = "it prints figures")]

mod bare_graph;
mod bare_ldap;
#[path = "million/memory.rs"]
mod memory;
mod side_by_side;

use anyhow::ensure;
use criterion::Criterion;
use futures::TryStreamExt;
use identity_reset::directory::{AccountEnumerator, AccountQuery};
use testkit::mock_ad::MockAd;
use testkit::mock_graph::MockGraph;
use testkit::organisation::Organisation;
use tokio::runtime::Runtime;

use bare_ldap::{Bare, IN_FLIGHT};
use side_by_side::{compare, in_turns, size, timed, wanted};

/// What the backend asks for.
const FILTER: &str = "(&(|(sAMAccountType=805306368)(sAMAccountType=805306369)(sAMAccountType=805306370)))";
const ATTRIBUTES: [&str; 28] = [
    "objectGUID",
    "objectSid",
    "objectClass",
    "sAMAccountName",
    "sAMAccountType",
    "userPrincipalName",
    "userAccountControl",
    "msDS-User-Account-Control-Computed",
    "msDS-SecondaryKrbTgtNumber",
    "msExchRecipientTypeDetails",
    "servicePrincipalName",
    "pwdLastSet",
    "lockoutTime",
    "accountExpires",
    "lastLogonTimestamp",
    "whenCreated",
    "displayName",
    "mail",
    "manager",
    "managedBy",
    "memberOf",
    "department",
    "title",
    "employeeType",
    "company",
    "physicalDeliveryOfficeName",
    "replPropertyMetaData",
    "nTSecurityDescriptor",
];

fn main() -> anyhow::Result<()> {
    let runtime = Runtime::new()?;
    let mut criterion = Criterion::default().configure_from_args();
    if wanted("enumeration/tls") {
        of_active_directory(&mut criterion, &runtime)?;
    }
    if wanted("enumeration/graph") {
        of_a_tenant(&runtime)?;
    }
    criterion.final_summary();
    Ok(())
}

/// Lists the accounts of the mock of Microsoft Graph, and prints how long that takes and what memory
/// it needs above what was there: the mock with its users is in the same process.
fn of_a_tenant(runtime: &Runtime) -> anyhow::Result<()> {
    for accounts in [size(10_000, 300), size(100_000, 600)] {
        let organisation = Organisation::new(1, accounts);
        let mock = runtime.block_on(MockGraph::builder(organisation).cloud_only(100).without_quotas().start())?;
        let ours = runtime.block_on(bare_graph::ours(&mock))?;
        memory::forget_peak();
        let before = memory::resident_mib();
        let mut listed = 0;
        let lasted = timed(|| {
            let each = ours.accounts(&AccountQuery::everyone());
            listed = runtime.block_on(each.try_fold(0_u64, async |count, account| {
                std::hint::black_box(&account);
                Ok(count + 1)
            }))?;
            Ok(())
        })?;
        // Persons have an account there, and not all accounts that are drawn are persons.
        let users = mock.users().count() as u64;
        ensure!(listed == users, "{listed} of {users} accounts were listed");
        let seconds = lasted.as_secs_f64();
        println!("enumeration/graph: {listed} accounts in {seconds:.2} s, {:.0} a second", listed as f64 / seconds);
        if let Some((peak, before)) = memory::peak_mib().zip(before) {
            println!("                   {:.1} MiB above the {before:.0} MiB that were there", peak - before);
        }
    }
    Ok(())
}

fn of_active_directory(criterion: &mut Criterion, runtime: &Runtime) -> anyhow::Result<()> {
    let accounts = size(20_000, 600);
    let mock = runtime.block_on(MockAd::builder().organisation(Organisation::new(1, accounts)).start())?;
    let ours = runtime.block_on(bare_ldap::ours(&mock, IN_FLIGHT))?;
    let bare = runtime.block_on(Bare::connect(&mock))?;
    let base = mock.base();
    compare(criterion, "enumeration/tls", 5, |round| {
        let (mut listed, mut found) = (0, 0);
        let measured = in_turns(
            round,
            accounts,
            || {
                timed(|| {
                    let each = ours.accounts(&AccountQuery::everyone());
                    listed = runtime.block_on(each.try_fold(0, |count: u64, account| async move {
                        std::hint::black_box(&account);
                        Ok(count + 1)
                    }))?;
                    Ok(())
                })
            },
            || {
                timed(|| {
                    found = runtime.block_on(bare.list(&base, FILTER, &ATTRIBUTES, true))?;
                    Ok(())
                })
            },
        )?;
        ensure!(listed == found, "ours listed {listed} accounts, the bare search found {found}");
        ensure!(listed >= accounts, "{listed} of {accounts} accounts were listed");
        Ok(measured)
    });
    runtime.block_on(mock.shutdown());
    Ok(())
}
