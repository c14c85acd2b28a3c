//! Who is on the server of a test, and what is known of each.

use std::collections::BTreeSet;
use std::fmt::Write;

use identity_core::account::AccountKind::{self, Person, Service};
use identity_core::directory::Scope;
use identity_core::privilege::Tier;
use testkit::conformance::{KnownAccount, KnownScope, Truth};

use crate::server::BASE;

/// `people` persons `p000`, …; ten posix accounts, four services, five closed accounts; groups.
pub(crate) struct Population {
    pub(crate) people: usize,
}

impl Population {
    pub(crate) fn dn(name: &str) -> String {
        let unit = match name.as_bytes().first() {
            Some(b's') => "services",
            Some(b'x') => "unix",
            _ => "people",
        };
        format!("uid={name},ou={unit},{BASE}")
    }

    pub(crate) fn old_password(name: &str) -> String {
        format!("Old-Passw0rd-{name}!")
    }

    /// Every name, with what it is.
    pub(crate) fn names(&self) -> Vec<(String, AccountKind)> {
        let people = (0..self.people).map(|n| (format!("p{n:03}"), Person));
        let unix = (0..10).map(|n| (format!("x{n}"), Person));
        let closed = (0..5).map(|n| (format!("d{n}"), Person));
        let services = (0..4).map(|n| (format!("svc{n}"), Service));
        people.chain(unix).chain(closed).chain(services).chain([("svc-reader".to_owned(), Service)]).collect()
    }

    fn display_name(name: &str) -> String {
        match name {
            "p001" => "Zoë Müller-Łukasz".to_owned(),
            "p002" => "山田 太郎".to_owned(),
            other => format!("Person {other}"),
        }
    }

    pub(crate) fn ldif(&self) -> String {
        let mut text = format!("dn: ou=unix,{BASE}\nobjectClass: organizationalUnit\nou: unix\n\n");
        for (name, kind) in self.names() {
            let (dn, password) = (Self::dn(&name), Self::old_password(&name));
            let _ = write!(text, "dn: {dn}\nuid: {name}\nuserPassword: {password}\n");
            if let Some(number) = name.strip_prefix('x') {
                let number = number.parse::<u32>().expect("a number");
                let group = if number == 9 { 10 } else { 500 };
                let _ = write!(
                    text,
                    "objectClass: account\nobjectClass: posixAccount\ncn: {name}\nuidNumber: {}\ngidNumber: {group}\nhomeDirectory: /home/{name}\n",
                    1000 + number
                );
            } else if kind == Service {
                text.push_str("objectClass: account\nobjectClass: simpleSecurityObject\n");
            } else {
                let department = if name.as_str() < "p010" && name.starts_with('p') { 7 } else { 9 };
                let _ = write!(
                    text,
                    "objectClass: inetOrgPerson\ncn: {name}\nsn: {name}\ndisplayName: {}\nmail: {name}@example.test\ndepartmentNumber: {department}\n",
                    Self::display_name(&name)
                );
            }
            if name.starts_with('d') {
                text.push_str("pwdAccountLockedTime: 000001010000Z\n");
            }
            text.push('\n');
        }
        let mut group = |name: &str, members: &[&str], groups: &[&str]| {
            let _ = write!(text, "dn: cn={name},ou=groups,{BASE}\nobjectClass: groupOfNames\ncn: {name}\n");
            members.iter().for_each(|member| {
                let _ = writeln!(text, "member: {}", Self::dn(member));
            });
            groups.iter().for_each(|group| {
                let _ = writeln!(text, "member: cn={group},ou=groups,{BASE}");
            });
            text.push('\n');
        };
        group("staff", &["p000", "p003"], &["night"]);
        group("night", &["p004", "x1"], &["staff"]);
        group("admins", &["p030"], &["ops"]);
        group("ops", &["p031"], &["admins"]);
        group("helpdesk", &["p033"], &[]);
        let _ = write!(
            text,
            "dn: cn=unix,ou=groups,{BASE}\nobjectClass: posixGroup\ncn: unix\ngidNumber: 500\nmemberUid: p005\n\n\
             dn: cn=wheel,ou=groups,{BASE}\nobjectClass: posixGroup\ncn: wheel\ngidNumber: 10\nmemberUid: p032\n\n"
        );
        text
    }

    pub(crate) fn truth(&self) -> Truth {
        let mut truth = Truth { exhaustive: true, ..Truth::default() };
        for (name, kind) in self.names() {
            let (tier, route) = match name.as_str() {
                "p030" => (Tier::Control, "direct"),
                "p031" => (Tier::Control, "nested in a circle"),
                "p032" => (Tier::Control, "memberUid"),
                "x9" => (Tier::Control, "primary group"),
                "p033" => (Tier::Management, "direct"),
                _ => (Tier::User, "nothing"),
            };
            let mut known = KnownAccount::new(&name, kind).with_tier(tier, route);
            known.enabled = !name.starts_with('d');
            known.display_name = (kind == Person && !name.starts_with('x')).then(|| Self::display_name(&name));
            truth.accounts.push(known);
        }
        let principal = KnownAccount::new("svc-identity-reset", Service).with_tier(Tier::Control, "principal");
        truth.accounts.push(principal);
        let set = |names: &[&str]| names.iter().map(|name| (*name).to_owned()).collect::<BTreeSet<String>>();
        let unix: Vec<String> = (0..9).map(|n| format!("x{n}")).chain(["p005".to_owned()]).collect();
        let seven: BTreeSet<String> = (0..10).map(|n| format!("p{n:03}")).collect();
        for (scope, members) in [
            (Scope::Group("staff".into()), set(&["p000", "p003", "p004", "x1"])),
            (Scope::Group(format!("CN=Night, OU=groups,{BASE}")), set(&["p000", "p003", "p004", "x1"])),
            (Scope::Group("unix".into()), unix.into_iter().collect()),
            (Scope::Unit(format!("ou=unix,{BASE}")), (0..10).map(|n| format!("x{n}")).collect()),
            (Scope::Native("(departmentNumber=7)".into()), seven),
        ] {
            truth.scopes.push(KnownScope { scope, members });
        }
        truth
    }
}
