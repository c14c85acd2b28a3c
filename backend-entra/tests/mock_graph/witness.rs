//! A whole run before Microsoft's own description of Graph: what the backend asks and the mock answers.
#![allow(clippy::print_stderr, reason = "a test that did not run says so")]

use std::collections::BTreeSet;

use backend_entra::EntraDirectory;
use testkit::graph_witness::Witness;

use crate::journey;
use crate::stage::{config, of};

/// What the run meets and the cut description has not: nothing is known of whether it is right.
const ABSENT: &[&str] =
    &["agentUser", "appRole", "applications", "servicePrincipal/appRoleAssignedTo", "verifiedDomain"];

#[tokio::test]
async fn a_whole_run_fits_microsofts_metadata() {
    let witness = match Witness::load() {
        Ok(witness) => witness,
        Err(not_run) => return eprintln!("{not_run}"),
    };
    let mock = of(300).without_quotas().recording().start().await.unwrap();
    let directory = EntraDirectory::connect(config(&mock).without_quotas()).await.unwrap();
    journey::whole(&mock, directory.as_ref()).await;
    let exchanges = mock.exchanges();
    let asked = |path: &str| exchanges.iter().any(|exchange| exchange.path.contains(path));
    for path in ["/users", "/users/delta", "/$batch", "/roleManagement/", "/reports/", "/identityProtection/"] {
        assert!(asked(path), "nothing was asked of {path}");
    }
    let within = |part: &str| exchanges.iter().any(|exchange| exchange.body.to_string().contains(part));
    for part in ["passwordProfile", "accountEnabled", "revokeSignInSessions", "userIds"] {
        assert!(within(part), "no order has {part}");
    }
    let found = witness.findings(&exchanges);
    assert!(found.mistakes.is_empty(), "{}", found.mistakes.join("\n"));
    let absent: BTreeSet<String> = ABSENT.iter().map(|name| (*name).to_owned()).collect();
    assert_eq!(found.absent, absent, "of these nothing is known");
    println!("{} exchanges fit the metadata; not in it: {absent:?}", exchanges.len());
}
