//! A stand for runs: a `directories.toml` with its secret and its authority, a key, run folders.

use std::fmt::Write as _;
use std::io::Write as _;
use std::path::{Path, PathBuf};

use identity_reset::vault::Identity;
use tempfile::TempDir;
use testkit::mock_ad::MockAd;
use testkit::organisation::special;
use tokio::process::Command;

use super::site::Site;
use super::{Ended, finish, mass_reset};

/// The files that a run needs, in a folder that goes with it.
pub(crate) struct Stand {
    folder: TempDir,
    pub(crate) identity: Identity,
}

impl Stand {
    /// For a mock; its break-glass accounts are protected.
    pub(crate) fn on(mock: &MockAd) -> Self {
        let glass = [special::BREAK_GLASS_1, special::BREAK_GLASS_2];
        let protected = glass.map(|index| mock.organisation().account(index).dn(&mock.base()));
        Self::new(&mock.url(), &mock.bind_dn(), &mock.bind_password(), mock.ca_pem(), &protected)
    }

    /// For a real controller that the synthetic organisation was loaded into.
    pub(crate) fn at(site: &Site) -> Self {
        let ca = std::fs::read_to_string(&site.ca_file).expect("the authority");
        Self::new(&site.url, &site.bind_dn, &site.password, &ca, &site.protected())
    }

    pub(crate) fn new(url: &str, bind_dn: &str, password: &str, ca_pem: &str, protected: &[String]) -> Self {
        let folder = tempfile::tempdir().expect("a folder");
        let stand = Self { identity: Identity::generate(), folder };
        stand.identity.write_file(stand.key()).expect("a key");
        std::fs::create_dir(stand.path().join("secrets")).expect("a folder");
        private(&stand.path().join("secrets/bind"), password);
        std::fs::write(stand.path().join("ca.pem"), ca_pem).expect("the authority");
        let mut text = format!(
            "[[directory]]\nid = \"corp\"\nkind = \"ldap\"\nurl = {url:?}\nbind_dn = {bind_dn:?}\n\
             bind_password_file = \"secrets/bind\"\nca_file = \"ca.pem\"\nprotected = ["
        );
        for account in protected {
            write!(text, "{account:?}, ").expect("a text grows");
        }
        text.push_str("]\n");
        std::fs::write(stand.directories(), text).expect("directories.toml");
        stand
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
        command.arg("--json").arg("--resume").arg(run).arg("--identity").arg(self.key());
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
