//! The embedded directories of one organisation: an Active Directory, the tenant that it is synchronised
//! into, and the Okta org of the same people.

use identity_reset::entra::{EntraConfig, EntraDirectory};
use identity_reset::ldap::{LdapConfig, LdapDirectory};
use identity_reset::okta::{AnchorAttributes, OktaConfig, OktaDirectory};
use identity_reset::prelude::*;
use testkit::mock_ad::MockAd;
use testkit::mock_graph::MockGraph;
use testkit::mock_okta::MockOkta;
use testkit::organisation::{Organisation, special};

use crate::input;

/// Mock directories on loopback; they end when dropped.
pub(crate) struct Embedded {
    _ad: MockAd,
    _graph: MockGraph,
    _okta: MockOkta,
}

/// The mocks, how they are reached, and the break-glass accounts.
type Started = (Embedded, Vec<Arc<dyn Backend>>, Vec<(DirectoryId, String)>);

impl Embedded {
    pub(crate) async fn start(accounts: u64) -> Result<Started> {
        let organisation = Organisation::new(1, accounts);
        let not_started = |fault: std::io::Error| input(&format!("an embedded mock directory: {fault}"));
        let id = |text: &str| DirectoryId::new(text).map_err(|fault| input(&fault.to_string()));
        let ad = MockAd::builder().organisation(organisation.clone()).start().await.map_err(not_started)?;
        let graph = MockGraph::builder(organisation.clone()).without_quotas().start().await.map_err(not_started)?;
        let okta = MockOkta::builder(organisation).without_quotas().start().await.map_err(not_started)?;
        let corp =
            LdapConfig::new(id("corp")?, ad.url()).ca_pem(ad.ca_pem()).bind(ad.bind_dn(), ad.bind_password().into());
        let cloud = EntraConfig::new(id("cloud")?, graph.tenant_id().to_string())
            .client_secret(graph.client_id().to_string(), graph.client_secret().unwrap_or_default().into())
            .login_url(graph.login_url())
            .graph_url(graph.graph_url())
            .without_quotas();
        let org = OktaConfig::new(id("org")?, okta.url())
            .api_token(okta.api_token().into())
            .anchors(AnchorAttributes::default().object_guid("objectGUID").security_id("objectSid"))
            .without_quotas();
        let backends: Vec<Arc<dyn Backend>> = vec![
            LdapDirectory::connect(corp).await?,
            EntraDirectory::connect(cloud).await?,
            OktaDirectory::connect(org).await?,
        ];
        let glass = [special::BREAK_GLASS_1, special::BREAK_GLASS_2];
        let base = ad.organisation().base_dn();
        let dn = |index| ad.organisation().account(index).dn(&base);
        let protected = glass.map(|index| Ok((id("corp")?, dn(index)))).into_iter().collect::<Result<_>>()?;
        Ok((Self { _ad: ad, _graph: graph, _okta: okta }, backends, protected))
    }
}
