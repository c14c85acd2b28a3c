//! The report on who could recover alone.

use serde_json::{Value, json};
use testkit::mock_graph::fixed;
use testkit::organisation::special;

use crate::client::{connect, described};

const REPORT: &str = "/reports/authenticationMethods/userRegistrationDetails";

#[tokio::test]
async fn the_report_has_everybody_once_over_pages_and_answers_filters() {
    let organisation = testkit::organisation::Organisation::new(1, 1200);
    let (mock, client) = connect(testkit::mock_graph::MockGraph::builder(organisation).without_quotas()).await;
    let (rows, _) = client.all(REPORT).await;
    // All but the user object of an agent.
    assert_eq!(rows.len() as u64, mock.len() - 1);
    assert_eq!(client.get(REPORT).await.rows().len(), 500);
    for row in &rows {
        let both = row["isSsprRegistered"] == true && row["isSsprEnabled"] == true;
        assert_eq!(row["isSsprCapable"], both);
    }
    let share = |name: &str| rows.iter().filter(|row| row[name] == true).count() * 100 / rows.len();
    assert!((30..90).contains(&share("isSsprCapable")), "{}", share("isSsprCapable"));
    assert!((40..95).contains(&share("isMfaRegistered")), "{}", share("isMfaRegistered"));
    let (capable, _) = client.all(&format!("{REPORT}?$filter=isSsprCapable eq true")).await;
    assert!(!capable.is_empty() && capable.len() < rows.len());
    assert!(capable.iter().all(|row| row["isSsprCapable"] == true));
    let (by_mail, _) = client.all(&format!("{REPORT}?$filter=methodsRegistered/any(m:m eq 'email')")).await;
    let has_mail = |row: &Value| row["methodsRegistered"].as_array().unwrap().contains(&json!("email"));
    assert_eq!(by_mail.len(), rows.iter().filter(|row| has_mail(row)).count());
    for refused in
        ["$top=5", "$select=id", "$filter=lastUpdatedDateTime eq null", "$filter=methodsRegistered/any(m:n eq 'x')"]
    {
        assert_eq!(client.get(&format!("{REPORT}?{refused}")).await.status, 400, "{refused}");
    }
}

#[tokio::test]
async fn administrators_are_marked_and_guests_are_guests() {
    let (mock, client) = connect(described()).await;
    let row = async |index: u64| {
        let id = mock.user_of_account(index).unwrap().id;
        client.get(&format!("{REPORT}/{id}")).await.body
    };
    assert_eq!(row(special::DOMAIN_ADMIN).await["isAdmin"], true);
    assert_eq!(row(special::NESTED_ONCE).await["isAdmin"], true);
    assert_eq!(row(special::ORDINARY).await["isAdmin"], false);
    assert_eq!(row(special::EXTERNAL).await["userType"], "guest");
    let agent = mock.user(fixed::AGENT).unwrap().id;
    assert_eq!(client.get(&format!("{REPORT}/{agent}")).await.status, 404);
}

#[tokio::test]
async fn the_licence_is_missing_or_seems_to_be_for_a_moment() {
    let code = (403, "Authentication_RequestFromNonPremiumTenantOrB2CTenant");
    let (_mock, client) = connect(described().without_premium()).await;
    assert_eq!(client.get(REPORT).await.refusal(), code);
    let (_mock, client) = connect(described().licence_flaps_every(2)).await;
    assert_eq!(client.get(REPORT).await.refusal(), code);
    assert_eq!(client.get(REPORT).await.status, 200);
    assert_eq!(client.get(REPORT).await.refusal(), code);
}
