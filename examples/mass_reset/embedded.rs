//! The embedded directories of one organisation: an Active Directory, the cloud tenant that it is
//! synchronised into, and the Okta org that an agent brings it to.

use identity_reset::account::DirectoryId;
use identity_reset::entra::{EntraConfig, EntraDirectory};
use identity_reset::error::Result;
use identity_reset::ldap::{LdapConfig, LdapDirectory};
use identity_reset::okta::{AnchorAttributes, OktaConfig, OktaDirectory};
use identity_reset::prelude::*;
use testkit::mock_ad::MockAd;
use testkit::mock_graph::{self, MockGraph};
use testkit::mock_okta::{self, MockOkta};
use testkit::organisation::{Organisation, special};

/// The id of the embedded Active Directory.
const ON_PREM: &str = "corp";
/// The id of the embedded tenant.
const CLOUD: &str = "cloud";
/// The id of the embedded Okta org.
const ORG: &str = "org";
/// Of a hundred persons, so many have a password in Okta alone; nearly all others come there from
/// Active Directory.
const OKTA_ALONE: u64 = 20;

/// Mock directories on loopback; they end when dropped.
pub(crate) struct Embedded {
    _on_prem: MockAd,
    _cloud: MockGraph,
    _org: MockOkta,
}

/// What a run needs of them.
pub(crate) struct Connected {
    pub(crate) backends: Vec<Arc<dyn Backend>>,
    /// The break-glass accounts, by directory.
    pub(crate) protected: Vec<(DirectoryId, String)>,
    pub(crate) embedded: Embedded,
}

impl Embedded {
    /// Starts all three for one organisation, so that most people have an account in each.
    pub(crate) async fn start(seed: u64, accounts: u64) -> Result<Connected> {
        let organisation = Organisation::new(seed, accounts);
        let (ad, on_prem) = on_prem(organisation.clone()).await?;
        let (graph, cloud) = cloud(organisation.clone()).await?;
        let (okta, org) = org(organisation).await?;
        let base = ad.organisation().base_dn();
        let mut protected = Vec::new();
        let mut protect = |backend: &Arc<dyn Backend>, account: String| {
            protected.push((backend.info().id.clone(), account));
        };
        for index in [special::BREAK_GLASS_1, special::BREAK_GLASS_2] {
            protect(&on_prem, ad.organisation().account(index).dn(&base));
        }
        for number in [mock_graph::fixed::BREAK_GLASS_1, mock_graph::fixed::BREAK_GLASS_2] {
            if let Some(user) = graph.user(number) {
                protect(&cloud, user.id.to_string());
            }
        }
        for number in [mock_okta::fixed::BREAK_GLASS_1, mock_okta::fixed::BREAK_GLASS_2] {
            if let Some(user) = okta.user(number) {
                protect(&org, user.id);
            }
        }
        let embedded = Self { _on_prem: ad, _cloud: graph, _org: okta };
        Ok(Connected { backends: vec![on_prem, cloud, org], protected, embedded })
    }
}

async fn on_prem(organisation: Organisation) -> Result<(MockAd, Arc<dyn Backend>)> {
    let mock = MockAd::builder().organisation(organisation).start().await.map_err(|fault| not_started(&fault))?;
    let config = LdapConfig::new(id(ON_PREM)?, mock.url())
        .ca_pem(mock.ca_pem())
        .bind(mock.bind_dn(), mock.bind_password().to_owned().into());
    let backend = LdapDirectory::connect(config).await?;
    Ok((mock, backend))
}

/// Without the service's quotas: a real tenant takes 20 changes a second.
async fn cloud(organisation: Organisation) -> Result<(MockGraph, Arc<dyn Backend>)> {
    let mock = MockGraph::builder(organisation).without_quotas().start().await.map_err(|fault| not_started(&fault))?;
    let secret = mock.client_secret().unwrap_or_default();
    let config = EntraConfig::new(id(CLOUD)?, mock.tenant_id().to_string())
        .client_secret(mock.client_id().to_string(), secret.into())
        .login_url(mock.login_url())
        .graph_url(mock.graph_url())
        .without_quotas();
    let backend = EntraDirectory::connect(config).await?;
    Ok((mock, backend))
}

/// Without the service's rate limits: a real org takes a few changes a second.
async fn org(organisation: Organisation) -> Result<(MockOkta, Arc<dyn Backend>)> {
    let described = MockOkta::builder(organisation).okta_mastered_share(OKTA_ALONE).without_quotas();
    let mock = described.start().await.map_err(|fault| not_started(&fault))?;
    // An activation is over in minutes; this one would last as long as the mock.
    if let Some(user) = mock.user(mock_okta::fixed::ACTIVATING) {
        mock.change(&user.id, |user| user.activating = false);
    }
    let anchors = AnchorAttributes::default().object_guid("objectGUID").security_id("objectSid");
    let config = OktaConfig::new(id(ORG)?, mock.url()).api_token(mock.api_token().into());
    let config = config.anchors(anchors).without_quotas();
    let backend = OktaDirectory::connect(config).await?;
    Ok((mock, backend))
}

fn id(text: &str) -> Result<DirectoryId> {
    DirectoryId::new(text).map_err(|fault| input(fault.to_string()))
}

fn input(detail: String) -> Error {
    Error::new(ErrorKind::InputInvalid, "start the embedded directories").with_detail(detail)
}

fn not_started(fault: &std::io::Error) -> Error {
    input(format!("an embedded mock directory could not start: {fault}"))
}
