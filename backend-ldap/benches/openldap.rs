//! The plain dialect beside `ldapsearch` and `ldapmodify` on one slapd (mdb, no sync at each change),
//! in interleaved rounds: each round does everything once, and ratios are taken within it, since a
//! machine drifts more between rounds than the clients differ.
//!
//! ```text
//! cargo bench -p backend-ldap --bench openldap -- [ACCOUNTS [CHANGES [ROUNDS]]]
//! ```
//!
//! 100,000 accounts, 5,000 changes and 5 rounds unless given. Everything is encrypted. Goals: a listing
//! not slower than `ldapsearch -E pr=1000` with the same attributes, changes at least 1.2 times as fast
//! as the best of 1, 4 and 16 `ldapmodify` processes.
#![allow(
    clippy::print_stdout,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::disallowed_methods,
    reason = "a measurement reports, and stops where it cannot go on"
)]

use std::fmt::Write;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::Arc;
use std::time::Instant;

use backend_ldap::{LdapConfig, PasswordBy, PlainConfig, PlainDirectory};
use futures::{StreamExt, TryStreamExt};
use identity_core::account::{AccountId, DirectoryId};
use identity_core::directory::{AccountEnumerator, AccountQuery, ForcedReset, RateLimitedBatching};
use identity_core::limits::OperationClass;
use identity_core::reset::{Action, Order, Outcome, Secret};

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

fn main() {
    let numbers: Vec<usize> = std::env::args().skip(1).filter_map(|argument| argument.parse().ok()).collect();
    let number = |place: usize, default: usize| numbers.get(place).copied().unwrap_or(default);
    let (accounts, changes, rounds) = (number(0, 100_000), number(1, 5_000), number(2, 5));
    if !Path::new("/usr/sbin/slapd").exists() {
        println!("NOT RUN: needs slapd and ldap-utils; as root: testkit/slapd/server install");
        return;
    }
    let slapd = Slapd::start(accounts);
    let runtime = tokio::runtime::Runtime::new().expect("a runtime");
    println!("{accounts} accounts, {changes} changes, {rounds} rounds");
    let mut ratios = [Vec::new(), Vec::new(), Vec::new()];
    for round in 0..rounds {
        let directory = runtime.block_on(slapd.connect());
        let (ids, listed) = timed(|| runtime.block_on(list(&directory)));
        let ((), searched) = timed(|| slapd.ldapsearch());
        assert_eq!(ids.len(), accounts, "complete");
        let ids: Vec<AccountId> = ids.into_iter().take(changes).collect();

        let (done, expired) = timed(|| runtime.block_on(apply(&directory, &ids, round, Action::ExpirePassword)));
        let flags = best(|processes| slapd.ldapmodify(changes, processes, "pwdReset", &|_| "TRUE".to_owned()));
        let set = Action::SetPassword { must_change: false };
        let (sets, reset) = timed(|| runtime.block_on(apply(&directory, &ids, round, set)));
        let value = |n: usize| format!("Peer-Passw0rd-{round}-{n}");
        let passwords = best(|processes| slapd.ldapmodify(changes, processes, "userPassword", &value));
        assert_eq!((done, sets), (ids.len(), ids.len()), "all done");

        let rate = |count: usize, seconds: f64| count as f64 / seconds;
        println!(
            "round {round}: list {:.0}/s, ldapsearch {:.0}/s | expire {:.0}/s, ldapmodify {:.0}/s | set {:.0}/s, ldapmodify {:.0}/s",
            rate(accounts, listed),
            rate(accounts, searched),
            rate(changes, expired),
            rate(changes, flags),
            rate(changes, reset),
            rate(changes, passwords),
        );
        for (ratio, (ours, theirs)) in ratios.iter_mut().zip([(listed, searched), (expired, flags), (reset, passwords)])
        {
            ratio.push(theirs / ours);
        }
    }
    for (what, ratio) in
        ["list / ldapsearch", "expire / best ldapmodify", "set and read back / best ldapmodify"].iter().zip(ratios)
    {
        let mut sorted = ratio;
        sorted.sort_by(f64::total_cmp);
        println!("{what}: {:.2}x ({:.2}..{:.2})", sorted[sorted.len() / 2], sorted[0], sorted[sorted.len() - 1]);
    }
}

fn timed<T>(work: impl FnOnce() -> T) -> (T, f64) {
    let begun = Instant::now();
    let result = work();
    (result, begun.elapsed().as_secs_f64())
}

fn best(mut run: impl FnMut(usize)) -> f64 {
    [1, 4, 16].map(|processes| timed(|| run(processes)).1).into_iter().fold(f64::INFINITY, f64::min)
}

/// Everybody but the account of the run itself, which must not lose its password.
async fn list(directory: &PlainDirectory) -> Vec<AccountId> {
    let rows = directory.accounts(&AccountQuery::everyone());
    let others = rows.try_filter_map(|account| async move { Ok(account.name.starts_with('u').then_some(account.id)) });
    others.try_collect().await.expect("listed")
}

/// As the engine sends them: batches with permits, several at a time.
async fn apply(directory: &Arc<PlainDirectory>, ids: &[AccountId], round: usize, action: Action) -> usize {
    let batches: Vec<Vec<Order>> = ids
        .chunks(32)
        .enumerate()
        .map(|(batch, ids)| {
            let order = |(n, id): (usize, &AccountId)| {
                let order = Order::new(id.clone(), action);
                let password = Secret::new(format!("Our-Passw0rd-{round}-{batch}-{n}"));
                if action.needs_password() { order.with_password(password) } else { order }
            };
            ids.iter().enumerate().map(order).collect()
        })
        .collect();
    let send = |orders: Vec<Order>| async move {
        let operations = u32::try_from(orders.len()).unwrap_or(u32::MAX);
        let _permit = directory.governor().acquire(OperationClass::Write, operations).await;
        let outcomes = directory.apply(&orders).await;
        outcomes.iter().filter(|outcome| matches!(outcome, Outcome::Done(_))).count()
    };
    futures::stream::iter(batches).map(send).buffer_unordered(4).fold(0, |sum, done| async move { sum + done }).await
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
            .in_flight(128)
            .connections(4)
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

    /// Replaces one attribute of the first `count` accounts by this many processes side by side.
    fn ldapmodify(&self, count: usize, processes: usize, attribute: &str, value: &dyn Fn(usize) -> String) {
        let children: Vec<Child> = (0..processes)
            .map(|process| {
                let mut ldif = String::new();
                for n in (process..count).step_by(processes) {
                    let value = format!("{}{}", value(n), if attribute == "userPassword" { format!("-{processes}") } else { String::new() });
                    let _ = write!(
                        ldif,
                        "dn: uid=u{n:06},ou=people,{BASE}\nchangetype: modify\nreplace: {attribute}\n{attribute}: {value}\n\n"
                    );
                }
                let file = self.folder.path().join(format!("modify-{process}.ldif"));
                std::fs::write(&file, ldif).expect("written");
                self.tool("ldapmodify").arg("-f").arg(&file).spawn().expect("runs")
            })
            .collect();
        for mut child in children {
            assert!(child.wait().expect("ends").success(), "ldapmodify");
        }
    }
}

impl Drop for Slapd {
    fn drop(&mut self) {
        self.script("stop", None);
    }
}
