//! Who is privileged, and who could come back alone, on the mock.

use std::collections::BTreeMap;

use futures::TryStreamExt as _;
use identity_core::directory::{AccountQuery, Directory as _, PrivilegeClassifier as _, Scope, Severity};
use identity_core::privilege::Tier;
use testkit::mock_okta::{AdminAssignment, AdminRole, OktaClient, Principal};

use crate::stage::{account_id, connect, list, of};

#[tokio::test]
async fn every_account_has_the_grounds_that_the_org_gives_it_and_no_other() {
    let (mock, directory) = connect(of(600).without_quotas()).await;
    let index = directory.privileges().await.unwrap();
    assert!(index.incomplete().is_empty(), "{:?}", index.incomplete());
    let accounts = list(&directory, Scope::Everyone).await.unwrap();
    let mut privileged = 0;
    for account in &accounts {
        let truth = mock.privilege(account.id.as_str()).unwrap();
        // What comes by apps that hold a role is no route of the mock's.
        let grounds = index.classify(&account.id).grounds;
        let own: Vec<_> = grounds.iter().filter(|ground| ground.rule != "app_admin").collect();
        assert_eq!(own.len(), truth.routes.len(), "{}: {own:?} {truth:?}", account.name);
        assert_eq!(own.iter().map(|ground| ground.tier).min().unwrap_or(Tier::User), truth.tier, "{}", account.name);
        let by_group = own.iter().filter(|ground| ground.rule == "member").count();
        assert_eq!(by_group, truth.routes.iter().filter(|route| route.group.is_some()).count(), "{}", account.name);
        privileged += usize::from(!truth.routes.is_empty());
    }
    assert!(privileged > 5 && accounts.len() > 500, "{privileged} of {}", accounts.len());
}

#[tokio::test]
async fn an_app_with_a_role_lifts_those_who_administer_apps() {
    let (mock, directory) = connect(of(50).without_quotas()).await;
    let (client, number) = ("0oaBackup000000001".to_owned(), 40);
    mock.change_admin_graph(|graph| {
        graph.clients.push(OktaClient { id: client.clone(), name: "Backup".into() });
        let mut give = |principal, role: &str| {
            graph.assignments.push(AdminAssignment { principal, role: AdminRole::Standard(role.into()) });
        };
        give(Principal::Client(client.clone()), "SUPER_ADMIN");
        give(Principal::User(number), "APP_ADMIN");
    });
    let id = account_id(&mock.user(number).unwrap().id);
    let verdict = directory.privileges().await.unwrap().classify(&id);
    assert_eq!(verdict.tier, Tier::Control);
    let path = ["Application Administrator", "app Backup", "Super Administrator"];
    assert!(verdict.grounds.iter().any(|ground| ground.evidence == path), "{:?}", verdict.grounds);
    let findings = directory.preflight().await.unwrap().findings;
    assert!(findings.iter().any(|finding| finding.text.contains("app Backup holds Super Administrator")));
    assert!(findings.iter().all(|finding| finding.severity != Severity::Fatal), "{findings:?}");
}

#[tokio::test]
async fn everybody_has_one_row_of_the_audit_and_a_reason_or_a_way_back() {
    let (_mock, directory) = connect(of(200).without_quotas()).await;
    let accounts = list(&directory, Scope::Everyone).await.unwrap();
    let auditor = directory.recovery().unwrap();
    let rows: Vec<_> = auditor.enrolments(&AccountQuery::everyone()).try_collect().await.unwrap();
    let by_account: BTreeMap<_, _> = rows.iter().map(|row| (&row.account, row)).collect();
    assert_eq!((rows.len(), by_account.len()), (accounts.len(), accounts.len()));
    for row in &rows {
        assert_eq!(row.self_service == Some(true), row.because.is_none(), "{row:?}");
        assert!(row.self_service != Some(true) || !row.methods.is_empty(), "{row:?}");
    }
    let told = rows.iter().filter(|row| row.self_service.is_some()).count();
    assert!(told * 2 > rows.len(), "{told} of {}", rows.len());
}
