//! Password sets on a real Samba controller. It hashes and stores one after another and is busy with that,
//! so that no client can be much faster than another.

use std::process::{Command, Stdio};

use backend_ldap::{LdapConfig, LdapDirectory};
use futures::TryStreamExt;
use identity_core::account::{AccountId, DirectoryId};
use identity_core::directory::{AccountEnumerator, AccountQuery, Scope};
use identity_core::reset::Action;
use tokio::runtime::Runtime;

use crate::ratio::{Series, timed};
use crate::{Amount, apply, peer};

/// About 20 sets a second: so many in a round, at most.
const MOST: usize = 100;
const IN_FLIGHT: usize = 16;

struct Site {
    url: String,
    bind_dn: String,
    password_file: String,
    ca_file: String,
    unit: String,
}

pub(crate) fn measure(runtime: &Runtime, amount: Amount) {
    let variable = |name: &str| std::env::var(format!("IDENTITY_RESET_TEST_LDAP_{name}"));
    let (Ok(url), Ok(base), Ok(bind_dn), Ok(password_file), Ok(ca_file)) =
        (variable("URL"), variable("BASE"), variable("BIND_DN"), variable("BIND_PASSWORD_FILE"), variable("CA_FILE"))
    else {
        println!("NOT RUN: samba: no IDENTITY_RESET_TEST_LDAP_URL; eval \"$(testkit/samba/dc env DIR)\"");
        return;
    };
    let site = Site { url, bind_dn, password_file, ca_file, unit: format!("OU=bench{},{base}", std::process::id()) };
    let count = amount.changes.min(MOST);
    let folder = tempfile::tempdir().expect("a folder");
    site.fill(folder.path(), count);
    let directory = runtime.block_on(LdapDirectory::connect(site.config())).expect("connects");
    let unit = AccountQuery::of(Scope::Unit(site.unit.clone()));
    let ids: Vec<AccountId> =
        runtime.block_on(directory.accounts(&unit).map_ok(|account| account.id).try_collect()).expect("listed");
    assert_eq!(ids.len(), count);
    println!("samba: {count} sets");
    let mut setting = Series::new("samba/set", 1.0, count);
    for round in 0..amount.rounds {
        let set = Action::SetPassword { must_change: false };
        let ours = || timed(|| runtime.block_on(apply(&directory, &ids, set, IN_FLIGHT, &format!("samba-{round}")))).1;
        let change = |way: usize, n: usize| {
            let password = encoded(&format!("Peer-Passw0rd-{round}-{way}-{n}"));
            format!("dn: {}\nchangetype: modify\nreplace: unicodePwd\nunicodePwd:: {password}\n\n", site.dn(n))
        };
        let tool = || site.tool("ldapmodify");
        setting.round(round % 2 == 0, ours, || peer::ldapmodify(folder.path(), count, &tool, &change, &|| {}));
    }
    setting.print();
    let status = site.tool("ldapdelete").args(["-r", &site.unit]).status().expect("runs");
    assert!(status.success(), "ldapdelete");
}

impl Site {
    fn config(&self) -> LdapConfig {
        let password = std::fs::read_to_string(&self.password_file).expect("the password");
        LdapConfig::new(DirectoryId::new("bench").expect("id"), &self.url)
            .bind(&self.bind_dn, password.into())
            .ca_file(&self.ca_file)
            .in_flight(u32::try_from(IN_FLIGHT).expect("small"))
            // Each connection is a process of Samba's, and two that write keep each other waiting: half the rate,
            // with ldapmodify too.
            .connections(1)
    }

    fn dn(&self, n: usize) -> String {
        format!("CN=bench{n},{}", self.unit)
    }

    /// A unit with users.
    fn fill(&self, folder: &std::path::Path, count: usize) {
        let mut ldif = format!("dn: {}\nobjectClass: organizationalUnit\n\n", self.unit);
        for n in 0..count {
            let password = encoded(&format!("Old-Passw0rd-{n}!"));
            let name = format!("b{}x{n}", std::process::id());
            ldif += &format!(
                "dn: {}\nobjectClass: user\nsAMAccountName: {name}\nuserAccountControl: 512\nunicodePwd:: {password}\n\n",
                self.dn(n)
            );
        }
        let file = folder.join("users.ldif");
        std::fs::write(&file, ldif).expect("written");
        assert!(
            self.tool("ldapmodify").arg("-a").arg("-f").arg(file).status().expect("runs").success(),
            "ldapmodify -a"
        );
    }

    fn tool(&self, program: &str) -> Command {
        let mut command = Command::new(program);
        command.env("LDAPTLS_CACERT", &self.ca_file).args(["-x", "-H", &self.url, "-D", &self.bind_dn, "-y"]);
        command.arg(&self.password_file).stdin(Stdio::null()).stdout(Stdio::null());
        command
    }
}

/// A password as LDIF carries it: in quotes, UTF-16 little-endian, base64.
fn encoded(password: &str) -> String {
    const DIGITS: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    let bytes: Vec<u8> = format!("\"{password}\"").encode_utf16().flat_map(u16::to_le_bytes).collect();
    bytes
        .chunks(3)
        .map(|three| {
            let word = three.iter().fold(0_u32, |word, byte| word << 8 | u32::from(*byte)) << (8 * (3 - three.len()));
            let digit = |place: usize| char::from(DIGITS[(word >> (18 - 6 * place)) as usize & 63]);
            (0..4).map(|place| if place <= three.len() { digit(place) } else { '=' }).collect::<String>()
        })
        .collect()
}
