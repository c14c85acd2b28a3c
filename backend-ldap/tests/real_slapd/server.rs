//! A slapd of a test's own.

use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::Arc;

use backend_ldap::{LdapConfig, PlainConfig, PlainDirectory};
use identity_core::account::DirectoryId;
use ldap3::controls::RawControl;
use ldap3::{Ldap, LdapConnAsync, LdapConnSettings, LdapResult, SearchEntry};
use rustls_pki_types::CertificateDer;
use rustls_pki_types::pem::PemObject;
use testkit::conformance::SignIn;

pub(crate) const BASE: &str = "dc=example,dc=test";
pub(crate) const RESET: &str = "uid=svc-identity-reset,ou=services,dc=example,dc=test";
pub(crate) const POLICY: &str = "cn=default,ou=policies,dc=example,dc=test";
const ROOT: &str = "cn=root,dc=example,dc=test";
const PASSWORD_POLICY: &str = "1.3.6.1.4.1.42.2.27.8.5.1";

/// A running slapd, stopped and removed with this.
pub(crate) struct Server {
    directory: PathBuf,
    folder: tempfile::TempDir,
    pub(crate) url: String,
    pub(crate) plain_url: String,
}

impl Server {
    /// Starts one with these entries; `None`, said loudly, where slapd is not installed.
    pub(crate) fn start(test: &str, ldif: &str) -> Option<Self> {
        let installed = |program: &str| {
            let sbin = Path::new("/usr/sbin").join(program).exists();
            sbin || Command::new(program).arg("-VV").stderr(Stdio::null()).stdout(Stdio::null()).status().is_ok()
        };
        if !(installed("slapd") && installed("ldapsearch")) {
            // Not by a macro: the test harness would swallow it.
            let line = format!("NOT RUN: {test}: needs slapd and ldap-utils; as root: testkit/slapd/server install\n");
            let _ = std::io::stderr().write_all(line.as_bytes());
            return None;
        }
        let folder = tempfile::tempdir().expect("a folder");
        let directory = folder.path().join("slapd");
        let mut server = Self { directory, folder, url: String::new(), plain_url: String::new() };
        server.call("start", &[]);
        let entries = server.folder.path().join("entries.ldif");
        std::fs::write(&entries, ldif).expect("written");
        server.call("load", &[entries.to_str().expect("text")]);
        let variables = server.call("env", &[]);
        let variable = |name: &str| {
            let line = variables
                .lines()
                .find_map(|line| line.strip_prefix(&format!("export IDENTITY_RESET_TEST_SLAPD_{name}=")));
            line.expect("a variable").to_owned()
        };
        (server.url, server.plain_url) = (variable("URL"), variable("PLAIN_URL"));
        Some(server)
    }

    /// Ends it as a crash would.
    pub(crate) fn kill(&self) {
        self.call("kill", &[]);
    }

    /// Starts it again.
    pub(crate) fn again(&self) {
        self.call("start", &[]);
    }

    fn call(&self, command: &str, arguments: &[&str]) -> String {
        let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("../testkit/slapd/server");
        let log = self.folder.path().join("log");
        // Into a file: slapd would hold a pipe open.
        let errors = std::fs::File::create(&log).expect("a log");
        let output = Command::new(script)
            .arg(command)
            .arg(&self.directory)
            .args(arguments)
            .stdin(Stdio::null())
            .stderr(errors)
            .output()
            .expect("the script runs");
        assert!(output.status.success(), "{command}: {}", std::fs::read_to_string(&log).unwrap_or_default());
        String::from_utf8(output.stdout).expect("text")
    }

    fn secret(&self, name: &str) -> String {
        std::fs::read_to_string(self.directory.join("secrets").join(name)).expect("a secret")
    }

    pub(crate) fn reset_password(&self) -> String {
        self.secret("svc-identity-reset")
    }

    pub(crate) fn ca_file(&self) -> PathBuf {
        self.directory.join("tls/ca.pem")
    }

    pub(crate) fn transport(&self) -> LdapConfig {
        LdapConfig::new(DirectoryId::new("unix").expect("id"), &self.url)
            .bind(RESET, self.reset_password().into())
            .ca_file(self.ca_file())
            .page_size(100)
    }

    /// As a test's configuration: who is privileged is said, and the default policy.
    pub(crate) fn config(&self) -> PlainConfig {
        PlainConfig::new(self.transport())
            .default_policy(POLICY)
            .privileged_group("admins")
            .privileged_group("cn=wheel,ou=groups,dc=example,dc=test")
            .management_group("helpdesk")
    }

    pub(crate) async fn connect(&self) -> Arc<PlainDirectory> {
        PlainDirectory::connect(self.config()).await.expect("connects")
    }

    async fn client(&self) -> Ldap {
        let pem = std::fs::read(self.ca_file()).expect("ca_file");
        let mut roots = rustls::RootCertStore::empty();
        for certificate in CertificateDer::pem_slice_iter(&pem) {
            roots.add(certificate.expect("pem")).expect("certificate");
        }
        let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
        let tls = rustls::ClientConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()
            .expect("versions")
            .with_root_certificates(roots)
            .with_no_client_auth();
        let settings = LdapConnSettings::new().set_config(Arc::new(tls));
        let (connection, ldap) = LdapConnAsync::with_settings(settings, &self.url).await.expect("slapd answers");
        tokio::spawn(connection.drive());
        ldap
    }

    /// A plain client that may do everything.
    pub(crate) async fn root(&self) -> Ldap {
        let mut ldap = self.client().await;
        ldap.simple_bind(ROOT, &self.secret("root")).await.expect("answer").success().expect("signed in");
        ldap
    }

    /// Signs in as an owner would.
    pub(crate) async fn sign_in(&self, dn: &str, password: &str) -> SignIn {
        let mut ldap = self.client().await;
        let control = RawControl { ctype: PASSWORD_POLICY.to_owned(), crit: false, val: None };
        let result = ldap.with_controls(vec![control]).simple_bind(dn, password).await.expect("an answer");
        match result.rc {
            0 if must_change(&result) => SignIn::MustChange,
            0 => SignIn::Accepted,
            _ => SignIn::Refused,
        }
    }

    /// An entry with these attributes, as the rootdn sees it.
    pub(crate) async fn entry(&self, dn: &str, attributes: &[&str]) -> SearchEntry {
        let search = self.root().await.search(dn, ldap3::Scope::Base, "(objectClass=*)", attributes).await;
        let (mut entries, _) = search.expect("answer").success().expect("found");
        SearchEntry::construct(entries.pop().expect("one"))
    }
}

/// changeAfterReset (2) in the policy's answer.
fn must_change(result: &LdapResult) -> bool {
    let value = result.ctrls.iter().find(|control| control.1.ctype == PASSWORD_POLICY).and_then(|c| c.1.val.clone());
    value.is_some_and(|value| value.ends_with(&[0x81, 1, 2]))
}

impl Drop for Server {
    fn drop(&mut self) {
        self.call("stop", &["--purge"]);
    }
}
