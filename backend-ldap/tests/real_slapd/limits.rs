//! What a server holds back, and what the transport promises.

use backend_ldap::{LdapConfig, PlainConfig, PlainDirectory};
use futures::{StreamExt, TryStreamExt};
use identity_core::account::DirectoryId;
use identity_core::directory::{AccountEnumerator, AccountQuery, Directory};
use identity_core::error::ErrorKind;

use crate::population::Population;
use crate::server::{BASE, RESET, Server};

#[tokio::test(flavor = "multi_thread")]
async fn a_listing_that_the_server_cuts_off_is_an_error() {
    let population = Population { people: 600 };
    let Some(server) = Server::start("size limit", &population.ldif()) else { return };
    let reader = Population::dn("svc-reader");
    let transport = server.transport().bind(&reader, Population::old_password("svc-reader").into());
    let directory = PlainDirectory::connect(PlainConfig::new(transport)).await.expect("connects");
    let rows: Vec<_> = directory.accounts(&AccountQuery::everyone()).collect().await;
    let last = rows.last().expect("not short in silence").as_ref().expect_err("an error at the end");
    assert_eq!(last.kind(), ErrorKind::Unavailable, "{last:?}");
    assert!(last.advice().is_some_and(|advice| advice.contains("limits")), "{last:?}");
    let whole: Vec<_> = server.connect().await.accounts(&AccountQuery::everyone()).collect().await;
    assert_eq!(whole.iter().filter(|row| row.is_ok()).count(), population.names().len() + 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn passwords_cross_no_plain_connection_and_no_other_authority_is_believed() {
    let Some(server) = Server::start("transport", &Population { people: 40 }.ldif()) else { return };
    let config = |url: &str| {
        LdapConfig::new(DirectoryId::new("unix").expect("id"), url)
            .bind(RESET, server.reset_password().into())
            .ca_file(server.ca_file())
    };
    let refused = PlainDirectory::connect(PlainConfig::new(config(&server.plain_url))).await.expect_err("plain");
    assert_eq!(refused.kind(), ErrorKind::ConfigInvalid);
    let secured =
        PlainDirectory::connect(PlainConfig::new(config(&server.plain_url).starttls())).await.expect("StartTLS");
    assert_eq!(secured.info().tenant, "example.test");
    let other = rcgen::generate_simple_self_signed(["other.test".to_owned()]).expect("a certificate");
    let stranger = config(&server.url).ca_pem(other.cert.pem());
    let error = PlainDirectory::connect(PlainConfig::new(stranger)).await.expect_err("not believed");
    assert_eq!(error.kind(), ErrorKind::ConfigInvalid, "{error:?}");
    let wrong = config(&server.url).bind(RESET, "planted-wrong-secret".into());
    let error = PlainDirectory::connect(PlainConfig::new(wrong)).await.expect_err("refused");
    assert_eq!(error.kind(), ErrorKind::Unauthenticated, "{error:?}");
    assert!(!format!("{error:?}").contains("planted-wrong-secret"));
}

#[tokio::test(flavor = "multi_thread")]
async fn preflight_says_what_the_policies_make_impossible() {
    let Some(server) = Server::start("preflight", &Population { people: 40 }.ldif()) else { return };
    let known = server.connect().await.preflight().await.expect("reads");
    assert!(!known.is_fatal() && known.principal.is_some(), "{known:?}");
    assert_eq!((known.password_policy.min_length, known.password_policy.complexity), (12, true));
    assert!(known.findings.is_empty(), "{known:?}");
    let bare = PlainDirectory::connect(PlainConfig::new(server.transport())).await.expect("connects");
    let texts: Vec<String> = bare.preflight().await.expect("reads").findings.into_iter().map(|f| f.text).collect();
    assert!(texts.iter().any(|text| text.contains("default_policy")), "{texts:?}");
    assert!(texts.iter().any(|text| text.contains("who is privileged")), "{texts:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_part_of_the_tree_on_another_server_makes_no_short_list() {
    let reference = format!("ldap://127.0.0.1:9/ou=away,{BASE}");
    let mut ldif = Population { people: 40 }.ldif();
    ldif.push_str(&format!(
        "dn: ou=away,{BASE}\nobjectClass: referral\nobjectClass: extensibleObject\nou: away\nref: {reference}\n\n"
    ));
    let Some(server) = Server::start("references", &ldif) else { return };
    let list = async |config: PlainConfig| {
        let directory = PlainDirectory::connect(config).await?;
        directory.accounts(&AccountQuery::everyone()).try_collect::<Vec<_>>().await
    };
    // Whatever lists first meets it: the policies are below the same base.
    let error = list(server.config()).await.expect_err("not whole");
    assert_eq!(error.kind(), ErrorKind::Unsupported, "{error:?}");
    assert!(error.detail().contains(&reference) && error.advice().is_some(), "{error:?}");
    let whole = list(server.config().covered_reference(&reference)).await.expect("covered");
    assert!(whole.len() >= 40, "{}", whole.len());
}
