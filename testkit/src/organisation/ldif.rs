//! The organisation as LDIF (RFC 2849), to load it into a real directory.

use std::collections::BTreeSet;
use std::fmt::Write as _;
use std::io;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use identity_core::account::AccountKind;
use jiff::Timestamp;

use super::names::DEPARTMENTS;
use super::{ObjectClass, Organisation, SyntheticAccount, SyntheticGroup, uac};

/// What goes into the LDIF.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct LdifOptions {
    /// The distinguished name of the domain to load into.
    pub base: String,
    /// Whether accounts get their initial passwords; without, they are made with
    /// `PASSWD_NOTREQD`, which is several times as fast on Samba.
    pub passwords: bool,
    /// Whether a fine-grained password policy is made for the members of Ops-Escalation.
    pub password_policy: bool,
}

impl LdifOptions {
    /// Everything, below `base`.
    #[must_use]
    pub fn new(base: impl Into<String>) -> Self {
        Self { base: base.into(), passwords: true, password_policy: true }
    }
}

/// One record of LDIF, with the empty line that ends it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LdifRecord(pub String);

impl Organisation {
    /// Writes everything that an LDAP client may make: units, groups, accounts with their
    /// initial passwords, memberships and a password policy. krbtgt, trusts, domain controllers,
    /// managed service accounts and the built-in accounts are left out, and so are
    /// `sIDHistory`, lock-outs, last sign-ins and the entry that forbids a password change, which
    /// no client can write: see [`Truth::when_loaded`](super::Truth::when_loaded). Needs LDAPS,
    /// since passwords are inside.
    ///
    /// # Errors
    /// When `out` fails.
    pub fn write_ldif(&self, options: &LdifOptions, mut out: impl io::Write) -> io::Result<()> {
        for record in self.ldif(options.clone()) {
            out.write_all(record.0.as_bytes())?;
        }
        Ok(())
    }

    /// The records of [`write_ldif`](Self::write_ldif), one at a time, in an order that can be
    /// loaded.
    pub fn ldif(&self, options: LdifOptions) -> impl Iterator<Item = LdifRecord> + Send + '_ {
        let base = options.base.clone();
        let own: Vec<&SyntheticGroup> = self.groups.iter().filter(|group| !group.well_known).collect();
        let mut head: Vec<LdifRecord> = units().into_iter().map(|unit| unit_record(&unit, &base)).collect();
        head.extend(own.iter().map(|group| group_record(group, &base)));
        for group in &own {
            let lists = group.nested_in.iter().filter_map(|list| self.group(*list));
            head.extend(lists.map(|list| member_record(&list.dn(&base), &group.dn(&base))));
        }
        if options.password_policy {
            head.extend(self.group_named("Ops-Escalation").map(|group| policy_record(&group.dn(&base), &base)));
        }
        let accounts = self.accounts().filter(SyntheticAccount::creatable);
        head.into_iter().chain(accounts.flat_map(move |account| self.account_records(&account, &options)))
    }

    fn account_records(&self, account: &SyntheticAccount, options: &LdifOptions) -> Vec<LdifRecord> {
        let base = &options.base;
        let dn = account.dn(base);
        let mut record = Record::new(&dn);
        record.add("changetype", "add");
        let class = if account.class == ObjectClass::Computer { "computer" } else { "user" };
        record.add("objectClass", class);
        record.add("sAMAccountName", &account.name);
        let texts = [
            ("displayName", account.display_name.as_deref()),
            ("givenName", account.given_name.as_deref()),
            ("sn", account.surname.as_deref()),
            ("department", account.department),
            ("userPrincipalName", account.principal_name.as_deref()),
            ("mail", account.mail.as_deref()),
        ];
        for (attribute, value) in texts {
            if let Some(value) = value {
                record.add(attribute, value);
            }
        }
        for name in &account.service_names {
            record.add("servicePrincipalName", name);
        }
        if let Some(expires) = account.expires {
            record.add("accountExpires", &file_time(expires).to_string());
        }
        if account.admin_count {
            record.add("adminCount", "1");
        }
        let with_password = options.passwords && account.class == ObjectClass::User;
        let extra = if with_password { 0 } else { uac::PASSWORD_NOT_REQUIRED };
        record.add("userAccountControl", &(account.uac | extra).to_string());
        if with_password {
            record.add_bytes("unicodePwd", &unicode_password(&self.initial_password(account.index)));
        }
        if account.must_change {
            record.add("pwdLastSet", "0");
        }
        let mut records = vec![record.end()];
        let manager = account.manager.filter(|manager| *manager < account.index).map(|manager| self.account(manager));
        if let Some(manager) = manager.filter(SyntheticAccount::creatable) {
            records.push(modify_record(&dn, "add", "manager", &manager.dn(base)));
        }
        for group in account.member_of.iter().filter_map(|group| self.group(*group)) {
            records.push(member_record(&group.dn(base), &dn));
        }
        let primary =
            self.groups.iter().find(|group| group.rid == account.primary_group && account.primary_group == 512);
        if let Some(primary) = primary {
            // Only a group that lists the account can become its primary group.
            records.push(member_record(&primary.dn(base), &dn));
            records.push(modify_record(&dn, "replace", "primaryGroupID", &primary.rid.to_string()));
        }
        records
    }
}

impl super::Truth {
    /// The truth about the same account after it was loaded as LDIF, where `sIDHistory` cannot
    /// be written, and where nobody gave the account of the synchronisation its rights on the head of
    /// the domain: without them its name proves nothing, and it is left to people as a service.
    #[must_use]
    pub fn when_loaded(&self) -> Self {
        let mut truth = self.clone();
        truth.grounds.retain(|ground| ground.rule != "sid_history");
        if truth.kind == AccountKind::DirectorySync {
            truth.kind = AccountKind::Service;
            truth.protected_because = None;
        }
        truth.tier = truth.grounds.iter().map(|g| g.tier).min().unwrap_or(identity_core::privilege::Tier::User);
        truth
    }
}

/// A password as `unicodePwd` takes it: in quotes, UTF-16 little-endian (MS-ADTS 3.1.1.3.1.5.1).
fn unicode_password(password: &str) -> Vec<u8> {
    format!("\"{password}\"").encode_utf16().flat_map(u16::to_le_bytes).collect()
}

/// A moment as AD keeps it: steps of 100 ns since 1601.
pub(crate) fn file_time(moment: Timestamp) -> i64 {
    const SECONDS_TO_1970: i128 = 11_644_473_600;
    let ticks = moment.as_nanosecond() / 100 + SECONDS_TO_1970 * 10_000_000;
    i64::try_from(ticks).unwrap_or(i64::MAX)
}

/// Every unit of the organisation, parents first.
pub(crate) fn units() -> Vec<String> {
    let tops = ["", "People", "Groups", "Services", "Machines", "Mailboxes", "External", "Administration"];
    let mut units: BTreeSet<(usize, String)> = BTreeSet::new();
    for top in tops {
        let unit = if top.is_empty() { "OU=Corp".to_owned() } else { format!("OU={top},OU=Corp") };
        units.insert((unit.matches(',').count(), unit));
    }
    units.extend(DEPARTMENTS.iter().map(|department| (2, format!("OU={department},OU=People,OU=Corp"))));
    units.into_iter().map(|(_, unit)| unit).collect()
}

fn unit_record(unit: &str, base: &str) -> LdifRecord {
    let mut record = Record::new(&format!("{unit},{base}"));
    record.add("changetype", "add");
    record.add("objectClass", "organizationalUnit");
    record.end()
}

fn group_record(group: &SyntheticGroup, base: &str) -> LdifRecord {
    let mut record = Record::new(&group.dn(base));
    record.add("changetype", "add");
    record.add("objectClass", "group");
    record.add("sAMAccountName", &group.name);
    record.add("groupType", &group.group_type().to_string());
    record.end()
}

fn policy_record(applies_to: &str, base: &str) -> LdifRecord {
    let mut record = Record::new(&format!("CN=Administrators-24,CN=Password Settings Container,CN=System,{base}"));
    record.add("changetype", "add");
    record.add("objectClass", "msDS-PasswordSettings");
    for (attribute, value) in [
        ("msDS-PasswordSettingsPrecedence", "10"),
        ("msDS-PasswordReversibleEncryptionEnabled", "FALSE"),
        ("msDS-PasswordHistoryLength", "24"),
        ("msDS-PasswordComplexityEnabled", "TRUE"),
        ("msDS-MinimumPasswordLength", "20"),
        ("msDS-MinimumPasswordAge", "0"),
        ("msDS-MaximumPasswordAge", "-315360000000000"),
        ("msDS-LockoutThreshold", "0"),
        ("msDS-LockoutObservationWindow", "-18000000000"),
        ("msDS-LockoutDuration", "-18000000000"),
    ] {
        record.add(attribute, value);
    }
    record.add("msDS-PSOAppliesTo", applies_to);
    record.end()
}

fn member_record(group: &str, member: &str) -> LdifRecord {
    modify_record(group, "add", "member", member)
}

fn modify_record(dn: &str, change: &str, attribute: &str, value: &str) -> LdifRecord {
    let mut record = Record::new(dn);
    record.add("changetype", "modify");
    record.add(change, attribute);
    record.add(attribute, value);
    record.0.push_str("-\n");
    record.end()
}

/// A record while it is written.
struct Record(String);

impl Record {
    fn new(dn: &str) -> Self {
        let mut record = Self(String::new());
        record.add("dn", dn);
        record
    }

    fn add(&mut self, attribute: &str, value: &str) {
        let safe = value.bytes().all(|byte| (0x20..0x7F).contains(&byte))
            && !value.starts_with([' ', ':', '<'])
            && !value.ends_with(' ');
        if safe {
            // Writing to a String does not fail.
            let _ = writeln!(self.0, "{attribute}: {value}");
        } else {
            self.add_bytes(attribute, value.as_bytes());
        }
    }

    fn add_bytes(&mut self, attribute: &str, value: &[u8]) {
        let _ = writeln!(self.0, "{attribute}:: {}", STANDARD.encode(value));
    }

    fn end(mut self) -> LdifRecord {
        self.0.push('\n');
        LdifRecord(self.0)
    }
}
