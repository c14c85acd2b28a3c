//! The plain dialect on a slapd of its own.

use std::fmt::Write;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::Arc;

use backend_ldap::{LdapConfig, PasswordBy, PlainConfig, PlainDirectory};
use futures::TryStreamExt;
use identity_core::account::{AccountId, DirectoryId};
use identity_core::directory::{AccountEnumerator, AccountQuery};
use identity_core::reset::Action;
use tokio::runtime::Runtime;

use crate::ratio::{Series, timed};
use crate::{Amount, apply, peer};

/// Operations in flight, over [`CONNECTIONS`].
const IN_FLIGHT: usize = 128;
const CONNECTIONS: u32 = 4;
const BASE: &str = "dc=example,dc=test";
const RESET: &str = "uid=svc-identity-reset,ou=services,dc=example,dc=test";
/// What the backend asks for, in the same order.
const ATTRIBUTES: &str = "objectClass cn displayName mail manager departmentNumber ou title employeeType o l entryUUID \
                          createTimestamp memberOf pwdChangedTime pwdAccountLockedTime pwdReset pwdPolicySubentry \
                          pwdEndTime pwdLastSuccess authTimestamp uid";
const ACCOUNTS: &str = "(|(objectClass=inetOrgPerson)(objectClass=posixAccount)(objectClass=account))";

struct Slapd {
    folder: tempfile::TempDir,
    directory: PathBuf,
    url: String,
}

pub(crate) fn measure(runtime: &Runtime, amount: Amount) {
    let Amount { accounts, changes, rounds } = amount;
    if !Path::new("/usr/sbin/slapd").exists() {
        println!("NOT RUN: slapd: needs slapd and ldap-utils; as root: testkit/slapd/server install");
        return;
    }
    let slapd = Slapd::start(accounts);
    println!("slapd: {accounts} accounts, {changes} changes");
    let mut listing = Series::new("slapd/list", 1.0, accounts);
    let mut expiring = Series::new("slapd/expire", 1.2, changes);
    let mut setting = Series::new("slapd/set", 1.2, changes);
    for round in 0..rounds {
        let ours_first = round % 2 == 0;
        let directory = runtime.block_on(slapd.connect());
        let mut ids = Vec::new();
        let list = || {
            let (found, seconds) = timed(|| runtime.block_on(list(&directory)));
            ids = found;
            seconds
        };
        listing.round(ours_first, list, || vec![("ldapsearch".to_owned(), timed(|| slapd.ldapsearch()).1)]);
        assert_eq!(ids.len(), accounts, "complete");
        ids.truncate(changes);

        let apply = |action: Action| {
            let word = format!("{round}");
            timed(|| runtime.block_on(apply(&directory, &ids, action, IN_FLIGHT, &word))).1
        };
        let flags = || slapd.ldapmodify(changes, "pwdReset", &|_, _| "TRUE".to_owned(), &|| slapd.clear(changes));
        let expire = || {
            slapd.clear(changes);
            apply(Action::ExpirePassword)
        };
        expiring.round(ours_first, expire, flags);
        slapd.clear(changes);
        let value = |way: usize, n: usize| format!("Peer-Passw0rd-{round}-{way}-{n}");
        let passwords = || slapd.ldapmodify(changes, "userPassword", &value, &|| {});
        setting.round(ours_first, || apply(Action::SetPassword { must_change: false }), passwords);
    }
    [listing, expiring, setting].iter().for_each(Series::print);
}

/// Everybody but the account of the run itself, which must not lose its password.
async fn list(directory: &PlainDirectory) -> Vec<AccountId> {
    let rows = directory.accounts(&AccountQuery::everyone());
    let others = rows.try_filter_map(|account| async move { Ok(account.name.starts_with('u').then_some(account.id)) });
    others.try_collect().await.expect("listed")
}

impl Slapd {
    fn start(accounts: usize) -> Self {
        let folder = tempfile::tempdir().expect("a folder");
        let mut slapd = Self { directory: folder.path().join("slapd"), url: String::new(), folder };
        slapd.script("start", None);
        let mut ldif = String::new();
        for n in 0..accounts {
            let _ = write!(
                ldif,
                "dn: uid=u{n:06},ou=people,{BASE}\nobjectClass: inetOrgPerson\nuid: u{n:06}\ncn: Person {n}\nsn: Person\n\
                 displayName: Person number {n}\nmail: u{n:06}@example.test\ndepartmentNumber: {}\ntitle: Title {}\n\
                 employeeType: staff\no: Example\nl: Town\nuserPassword: Old-Passw0rd-{n}!\n\n",
                n % 40,
                n % 7
            );
        }
        let file = slapd.folder.path().join("entries.ldif");
        std::fs::write(&file, ldif).expect("written");
        slapd.script("load", Some(&file));
        let variables = slapd.script("env", None);
        let url = variables.lines().find_map(|line| line.strip_prefix("export IDENTITY_RESET_TEST_SLAPD_URL="));
        slapd.url = url.expect("a url").to_owned();
        slapd
    }

    fn script(&self, command: &str, file: Option<&Path>) -> String {
        let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("../testkit/slapd/server");
        let output = Command::new(script)
            .arg(command)
            .arg(&self.directory)
            .args(file)
            .stdin(Stdio::null())
            .stderr(Stdio::null())
            .output()
            .expect("the script runs");
        assert!(output.status.success(), "{command} failed");
        String::from_utf8(output.stdout).expect("text")
    }

    async fn connect(&self) -> Arc<PlainDirectory> {
        let password = std::fs::read_to_string(self.secret()).expect("a secret");
        let transport = LdapConfig::new(DirectoryId::new("bench").expect("id"), &self.url)
            .bind(RESET, password.into())
            .base(BASE)
            .ca_file(self.ca())
            .in_flight(u32::try_from(IN_FLIGHT).expect("small"))
            .connections(CONNECTIONS)
            .page_size(1000);
        let config = PlainConfig::new(transport)
            .default_policy(format!("cn=default,ou=policies,{BASE}"))
            .password_by(PasswordBy::Modify)
            .nobody_is_privileged();
        PlainDirectory::connect(config).await.expect("connects")
    }

    fn secret(&self) -> PathBuf {
        self.directory.join("secrets/svc-identity-reset")
    }

    fn ca(&self) -> PathBuf {
        self.directory.join("tls/ca.pem")
    }

    fn tool(&self, program: &str) -> Command {
        let mut command = Command::new(program);
        command.env("LDAPTLS_CACERT", self.ca()).args(["-x", "-H", &self.url, "-D", RESET, "-y"]).arg(self.secret());
        command.stdin(Stdio::null()).stdout(Stdio::null());
        command
    }

    fn ldapsearch(&self) {
        let mut command = self.tool("ldapsearch");
        command.args(["-LLL", "-E", "pr=1000/noprompt", "-b", BASE, ACCOUNTS]).args(ATTRIBUTES.split_whitespace());
        assert!(command.status().expect("runs").success(), "ldapsearch");
    }

    /// Replaces one attribute of the first `count` accounts, in every arrangement.
    fn ldapmodify(
        &self,
        count: usize,
        attribute: &str,
        value: &dyn Fn(usize, usize) -> String,
        before: &dyn Fn(),
    ) -> Vec<(String, f64)> {
        let change = |way: usize, n: usize| replace(n, attribute, &value(way, n));
        peer::ldapmodify(self.folder.path(), count, &|| self.tool("ldapmodify"), &change, before)
    }

    /// Takes the flag away that says that the password must be changed, so that setting it changes something.
    fn clear(&self, count: usize) {
        let file = self.folder.path().join("clear.ldif");
        std::fs::write(&file, (0..count).map(|n| replace(n, "pwdReset", "FALSE")).collect::<String>())
            .expect("written");
        assert!(self.tool("ldapmodify").arg("-f").arg(&file).status().expect("runs").success(), "ldapmodify");
    }
}

fn replace(n: usize, attribute: &str, value: &str) -> String {
    format!("dn: uid=u{n:06},ou=people,{BASE}\nchangetype: modify\nreplace: {attribute}\n{attribute}: {value}\n\n")
}

impl Drop for Slapd {
    fn drop(&mut self) {
        self.script("stop", None);
    }
}
