//! A stand for runs: a `directories.toml` with its secret and its authority, a key, run folders.

use std::io::Write as _;
use std::path::{Path, PathBuf};

use identity_reset::vault::Identity;
use tempfile::TempDir;
use testkit::mock_ad::MockAd;
use testkit::mock_graph::{self, MockGraph};
use testkit::mock_okta::{self, MockOkta};
use testkit::organisation::special;
use tokio::process::Command;

use super::site::Site;
use super::{Ended, finish, mass_reset};

/// The id of Active Directory in `directories.toml`.
pub(crate) const ON_PREM: &str = "corp";
/// The id of Entra ID in `directories.toml`.
pub(crate) const CLOUD: &str = "cloud";
/// The id of the Okta org in `directories.toml`.
pub(crate) const ORG: &str = "org";

/// The files that a run needs, in a folder that goes with it.
pub(crate) struct Stand {
    folder: TempDir,
    pub(crate) identity: Identity,
}

impl Stand {
    /// For a mock; its break-glass accounts are protected.
    pub(crate) fn on(mock: &MockAd) -> Self {
        Self::on_each(Some(mock), None, None)
    }

    /// For a mock of Active Directory, one of Entra ID, one of Okta, or several; their break-glass
    /// accounts are protected.
    pub(crate) fn on_each(ad: Option<&MockAd>, graph: Option<&MockGraph>, okta: Option<&MockOkta>) -> Self {
        let stand = Self::new();
        if let Some(mock) = ad {
            let glass = [special::BREAK_GLASS_1, special::BREAK_GLASS_2];
            let protected = glass.map(|index| mock.organisation().account(index).dn(&mock.base()));
            stand.add_on_prem(&mock.url(), &mock.bind_dn(), &mock.bind_password(), mock.ca_pem(), &protected);
        }
        if let Some(mock) = graph {
            stand.add_cloud(mock);
        }
        if let Some(mock) = okta {
            stand.add_org(mock);
        }
        stand
    }

    /// For a real controller that the synthetic organisation was loaded into.
    pub(crate) fn at(site: &Site) -> Self {
        let ca = std::fs::read_to_string(&site.ca_file).expect("the authority");
        let stand = Self::new();
        stand.add_on_prem(&site.url, &site.bind_dn, &site.password, &ca, &site.protected());
        stand
    }

    fn new() -> Self {
        let folder = tempfile::tempdir().expect("a folder");
        let stand = Self { identity: Identity::generate(), folder };
        stand.identity.write_file(stand.key()).expect("a key");
        std::fs::create_dir(stand.path().join("secrets")).expect("a folder");
        stand
    }

    fn add_on_prem(&self, url: &str, bind_dn: &str, password: &str, ca_pem: &str, protected: &[String]) {
        private(&self.path().join("secrets/bind"), password);
        std::fs::write(self.path().join("ca.pem"), ca_pem).expect("the authority");
        self.describe(&format!(
            "[[directory]]\nid = \"{ON_PREM}\"\nkind = \"ldap\"\nurl = {url:?}\nbind_dn = {bind_dn:?}\n\
             bind_password_file = \"secrets/bind\"\nca_file = \"ca.pem\"\nprotected = {protected:?}\n"
        ));
    }

    fn add_cloud(&self, mock: &MockGraph) {
        private(&self.path().join("secrets/entra"), &mock.client_secret().expect("a secret"));
        let glass = [mock_graph::fixed::BREAK_GLASS_1, mock_graph::fixed::BREAK_GLASS_2];
        let protected = glass.map(|number| mock.user(number).expect("a break-glass account").principal_name);
        let (tenant, client) = (mock.tenant_id(), mock.client_id());
        let (login, graph) = (mock.login_url(), mock.graph_url());
        self.describe(&format!(
            "[[directory]]\nid = \"{CLOUD}\"\nkind = \"entra\"\ntenant = \"{tenant}\"\nclient_id = \"{client}\"\n\
             client_secret_file = \"secrets/entra\"\nlogin_url = {login:?}\ngraph_url = {graph:?}\n\
             protected = {protected:?}\n"
        ));
    }

    /// Signs in by the API token.
    fn add_org(&self, mock: &MockOkta) {
        private(&self.path().join("secrets/okta"), &mock.api_token());
        let glass = [mock_okta::fixed::BREAK_GLASS_1, mock_okta::fixed::BREAK_GLASS_2];
        let protected = glass.map(|number| mock.user(number).expect("a break-glass account").login);
        let url = mock.url();
        self.describe(&format!(
            "[[directory]]\nid = \"{ORG}\"\nkind = \"okta\"\nurl = {url:?}\napi_token_file = \"secrets/okta\"\n\
             protected = {protected:?}\n"
        ));
    }

    /// One directory more in `directories.toml`.
    fn describe(&self, text: &str) {
        let mut file = std::fs::OpenOptions::new();
        let file = file.append(true).create(true).open(self.directories());
        file.and_then(|mut file| file.write_all(text.as_bytes())).expect("directories.toml");
    }

    pub(crate) fn path(&self) -> &Path {
        self.folder.path()
    }

    pub(crate) fn directories(&self) -> PathBuf {
        self.path().join("directories.toml")
    }

    /// The file with the secret key.
    pub(crate) fn key(&self) -> PathBuf {
        self.path().join("key.txt")
    }

    /// A run's folder by name; not made.
    pub(crate) fn run(&self, name: &str) -> PathBuf {
        self.path().join(name)
    }

    /// The program without arguments.
    pub(crate) fn bare(&self) -> Command {
        let mut command = Command::new(mass_reset());
        command.current_dir(self.path()).env_remove("IDENTITY_RESET_LOG").env("USER", "tester");
        command
    }

    /// A run of its own, nothing approved.
    pub(crate) fn unapproved(&self, out: &Path) -> Command {
        let mut command = self.bare();
        command.arg("--json").arg("--directories").arg(self.directories()).arg("--out").arg(out);
        // Nothing synchronises the mocks.
        command.args(["--sync-wait", "0", "--evidence", "0", "--no-messages", "nobody is behind these accounts"]);
        command.arg("--recipient").arg(self.identity.recipient().to_string()).arg("--identity").arg(self.key());
        command
    }

    /// A run of its own, all of it approved.
    pub(crate) fn fresh(&self, out: &Path) -> Command {
        let mut command = self.unapproved(out);
        command.args(["--approve", "all"]);
        command
    }

    /// Goes on with a run.
    pub(crate) fn resume(&self, run: &Path) -> Command {
        let mut command = self.bare();
        command
            .args(["--json", "--sync-wait", "0", "--evidence", "0"])
            .arg("--resume")
            .arg(run)
            .arg("--identity")
            .arg(self.key());
        command
    }

    /// A whole run.
    pub(crate) async fn go(&self, run: &Path) -> Ended {
        finish(self.fresh(run)).await
    }
}

/// Writes a file that only its owner may read.
fn private(path: &Path, text: &str) {
    let mut options = std::fs::OpenOptions::new();
    options.write(true).create_new(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    options.open(path).and_then(|mut file| file.write_all(text.as_bytes())).expect("a secret");
}
