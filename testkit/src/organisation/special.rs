//! The accounts that are the same in every organisation: one for each case worth a test.

use super::bulk::{longest, machine, mailbox, person, place_person};
use super::{GroupIndex, ObjectClass, Organisation, SyntheticAccount, groups, uac};

macro_rules! special {
    ($($(#[$doc:meta])* $name:ident = $index:literal;)*) => {
        $($(#[$doc])* pub const $name: u64 = $index;)*
    };
}

special! {
    /// The built-in Administrator, RID 500, renamed.
    ADMINISTRATOR = 0;
    /// The built-in Guest, disabled.
    GUEST = 1;
    /// krbtgt, RID 502.
    KRBTGT = 2;
    /// DefaultAccount, RID 503.
    DEFAULT_ACCOUNT = 3;
    /// The krbtgt of a read-only domain controller.
    KRBTGT_READ_ONLY = 4;
    /// The account of a trust with another domain.
    TRUST = 5;
    /// The account of the cloud synchronisation.
    SYNC = 6;
    /// The account that a run signs in with: a Domain Admin, so that it may reset the protected.
    RUNNER = 7;
    /// Break-glass.
    BREAK_GLASS_1 = 8;
    /// Break-glass.
    BREAK_GLASS_2 = 9;
    /// Listed in Domain Admins.
    DOMAIN_ADMIN = 10;
    /// Listed in Enterprise Admins.
    ENTERPRISE_ADMIN = 11;
    /// In Domain Admins through one group.
    NESTED_ONCE = 12;
    /// In Domain Admins through three groups that form a cycle.
    NESTED_THREE_DEEP = 13;
    /// Domain Admins is the primary group; no `memberOf` at all.
    PRIMARY_GROUP = 14;
    /// In Domain Admins through a distribution list.
    DISTRIBUTION = 15;
    /// Carries the security identifier of Enterprise Admins in `sIDHistory`.
    SID_HISTORY = 16;
    /// `adminCount` is left from a privilege that is gone.
    STALE_ADMIN_COUNT = 17;
    /// Account Operators.
    ACCOUNT_OPERATOR = 18;
    /// Server Operators through a group.
    SERVER_OPERATOR = 19;
    /// Print Operators.
    PRINT_OPERATOR = 20;
    /// Backup Operators.
    BACKUP_OPERATOR = 21;
    /// DnsAdmins, whose RID is not the same everywhere.
    DNS_ADMIN = 22;
    /// Group Policy Creator Owners: tier 1.
    POLICY_CREATOR = 23;
    /// Schema Admins.
    SCHEMA_ADMIN = 24;
    /// Cert Publishers.
    CERT_PUBLISHER = 25;
    /// A service with a service principal name.
    SERVICE = 26;
    /// A service whose password never expires.
    SERVICE_NEVER_EXPIRES = 27;
    /// A service in Domain Admins.
    SERVICE_PRIVILEGED = 28;
    /// A group managed service account.
    GROUP_MANAGED = 29;
    /// A standalone managed service account.
    STANDALONE_MANAGED = 30;
    /// A delegated managed service account.
    DELEGATED_MANAGED = 31;
    /// A domain controller.
    CONTROLLER = 32;
    /// A read-only domain controller.
    CONTROLLER_READ_ONLY = 33;
    /// A workstation.
    WORKSTATION = 34;
    /// The computer account of seamless single sign-on to the cloud.
    SEAMLESS_SIGN_ON = 35;
    /// A health mailbox of Exchange.
    HEALTH_MAILBOX = 36;
    /// A shared mailbox, disabled.
    SHARED_MAILBOX = 37;
    /// An apostrophe in the name.
    APOSTROPHE = 38;
    /// An umlaut in the name.
    UMLAUT = 39;
    /// A name in Chinese.
    CHINESE = 40;
    /// A comma in the common name.
    COMMA = 41;
    /// A common name of 64 characters.
    LONGEST = 42;
    /// The same name as the next one but for case.
    COLLIDING_1 = 43;
    /// The same name as the one before but for case.
    COLLIDING_2 = 44;
    /// Disabled.
    DISABLED = 45;
    /// Last signed in years ago.
    STALE = 46;
    /// Locked out.
    LOCKED = 47;
    /// The account expired.
    EXPIRED = 48;
    /// The password never expires.
    NEVER_EXPIRES = 49;
    /// A smart card is required.
    SMART_CARD = 50;
    /// May not change the password.
    CANNOT_CHANGE = 51;
    /// No password is required.
    NOT_REQUIRED = 52;
    /// Must change the password already.
    MUST_CHANGE = 53;
    /// Somebody of another organisation.
    EXTERNAL = 54;
    /// The chief executive, at the top of the managers.
    CHIEF = 55;
    /// Disabled, and in Domain Admins.
    DISABLED_ADMIN = 56;
    /// In groups that form a cycle without any privilege.
    LOOP = 57;
    /// A person without a department or a group.
    PLAIN = 58;
    /// A person as the organisation draws them.
    ORDINARY = 59;
}

pub(super) fn account(organisation: &Organisation, index: u64) -> Option<SyntheticAccount> {
    Some(match index {
        0..=5 => of_the_directory(organisation, index),
        6..=9 => of_the_run(organisation, index),
        10..=25 => privileged(organisation, index),
        26..=37 => machinery(organisation, index),
        38..=44 => hard_name(organisation, index),
        45..=59 => odd_state(organisation, index),
        _ => return None,
    })
}

/// Adds groups by name; `adminCount` follows as AdminSDHolder would have it.
pub(super) fn join(organisation: &Organisation, account: &mut SyntheticAccount, names: &[&str]) {
    for name in names {
        let Some(group) = groups::named(&organisation.groups, name) else { continue };
        join_at(organisation, account, group);
    }
}

/// Adds one group; `adminCount` follows as AdminSDHolder would have it.
pub(super) fn join_at(organisation: &Organisation, account: &mut SyntheticAccount, group: GroupIndex) {
    account.member_of.push(group);
    account.admin_count |= organisation.groups_above(group).any(|group| group.admin_sd_holder);
}

fn of_the_directory(organisation: &Organisation, index: u64) -> SyntheticAccount {
    let blank =
        |name: &str| SyntheticAccount::blank(organisation, index, name.into(), name.trim_end_matches('$').into());
    let mut account;
    match index {
        ADMINISTRATOR => {
            // Renamed, as hardening guides advise: only the RID tells.
            account = blank("hausmeister");
            account.set_rid(organisation, 500);
            join(
                organisation,
                &mut account,
                &["Domain Admins", "Enterprise Admins", "Schema Admins", "Administrators"],
            );
        }
        GUEST => {
            account = blank("Guest");
            account.set_rid(organisation, 501);
            account.uac |= uac::DISABLED | uac::PASSWORD_NOT_REQUIRED | uac::NEVER_EXPIRES;
            account.primary_group = 514;
            account.last_sign_in = None;
            join(organisation, &mut account, &["Guests"]);
        }
        KRBTGT => {
            account = blank("krbtgt");
            account.set_rid(organisation, 502);
            account.uac |= uac::DISABLED;
            account.admin_count = true;
            account.last_sign_in = None;
        }
        DEFAULT_ACCOUNT => {
            account = blank("DefaultAccount");
            account.set_rid(organisation, 503);
            account.uac |= uac::DISABLED | uac::PASSWORD_NOT_REQUIRED | uac::NEVER_EXPIRES;
            account.last_sign_in = None;
        }
        KRBTGT_READ_ONLY => {
            account = blank("krbtgt_21337");
            account.uac |= uac::DISABLED;
            account.secondary_krbtgt = Some(21_337);
            account.last_sign_in = None;
        }
        _ => {
            account = blank("PARTNER$");
            account.uac = uac::DOMAIN_TRUST | uac::PASSWORD_NOT_REQUIRED;
        }
    }
    account.critical = true;
    account
}

fn of_the_run(organisation: &Organisation, index: u64) -> SyntheticAccount {
    let (name, unit) = match index {
        SYNC => ("MSOL_4f2a1c9b7e63", "CN=Users"),
        RUNNER => ("reset-runner", "OU=Administration,OU=Corp"),
        BREAK_GLASS_1 => ("breakglass-1", "OU=Administration,OU=Corp"),
        _ => ("breakglass-2", "OU=Administration,OU=Corp"),
    };
    let mut account = SyntheticAccount::blank(organisation, index, name.into(), name.into());
    account.unit = unit.into();
    account.uac |= uac::NEVER_EXPIRES;
    account.principal_name = Some(format!("{name}@{}", organisation.domain));
    if index != SYNC {
        join(organisation, &mut account, &["Domain Admins"]);
    }
    if index == BREAK_GLASS_1 || index == BREAK_GLASS_2 {
        account.last_sign_in = None;
    }
    account
}

fn privileged(organisation: &Organisation, index: u64) -> SyntheticAccount {
    let mut account = person(organisation, index);
    let group = match index {
        DOMAIN_ADMIN => "Domain Admins",
        ENTERPRISE_ADMIN => "Enterprise Admins",
        NESTED_ONCE => "Ops-Escalation",
        NESTED_THREE_DEEP => "Ops-Night-Shift",
        DISTRIBUTION => "Infrastructure-Mail",
        ACCOUNT_OPERATOR => "Account Operators",
        SERVER_OPERATOR => "Site-Server-Operators",
        PRINT_OPERATOR => "Print Operators",
        BACKUP_OPERATOR => "Backup Operators",
        DNS_ADMIN => "DnsAdmins",
        POLICY_CREATOR => "Group Policy Creator Owners",
        SCHEMA_ADMIN => "Schema Admins",
        CERT_PUBLISHER => "Cert Publishers",
        PRIMARY_GROUP => {
            account.member_of.clear();
            account.primary_group = 512;
            account.admin_count = true;
            return account;
        }
        SID_HISTORY => {
            account.sid_history = vec![format!("{}-519", organisation.domain_sid())];
            return account;
        }
        _ => {
            account.admin_count = true;
            return account;
        }
    };
    join(organisation, &mut account, &[group]);
    account
}

fn machinery(organisation: &Organisation, index: u64) -> SyntheticAccount {
    let service = |name: &str| {
        let mut account = SyntheticAccount::blank(organisation, index, name.into(), name.into());
        account.unit = "OU=Services,OU=Corp".into();
        account.principal_name = Some(format!("{name}@{}", organisation.domain));
        account.service_names = vec![format!("MSSQLSvc/{name}.{}:1433", organisation.domain)];
        account
    };
    match index {
        SERVICE => service("svc-intranet"),
        SERVICE_NEVER_EXPIRES => {
            let mut account = service("svc-ledger");
            account.uac |= uac::NEVER_EXPIRES;
            account
        }
        SERVICE_PRIVILEGED => {
            let mut account = service("svc-vault");
            account.uac |= uac::NEVER_EXPIRES;
            join(organisation, &mut account, &["Domain Admins"]);
            account
        }
        GROUP_MANAGED => machine(organisation, index, ObjectClass::GroupManagedService, "gmsa-web"),
        STANDALONE_MANAGED => machine(organisation, index, ObjectClass::ManagedService, "smsa-scan"),
        DELEGATED_MANAGED => machine(organisation, index, ObjectClass::DelegatedManagedService, "dmsa-erp"),
        CONTROLLER | CONTROLLER_READ_ONLY => {
            let read_only = index == CONTROLLER_READ_ONLY;
            let mut account =
                machine(organisation, index, ObjectClass::Computer, if read_only { "RODC" } else { "DC" });
            account.unit = "OU=Domain Controllers".into();
            account.primary_group = if read_only { 521 } else { 516 };
            account.uac = match read_only {
                true => uac::WORKSTATION | uac::READ_ONLY_CONTROLLER,
                false => uac::SERVER | uac::DELEGATION,
            };
            account.critical = true;
            account
        }
        SEAMLESS_SIGN_ON => {
            let mut account = machine(organisation, index, ObjectClass::Computer, "x");
            account.name = "AZUREADSSOACC$".into();
            account.cn = "AZUREADSSOACC".into();
            account.service_names = vec!["HTTP/autologon.example.test".into()];
            account
        }
        HEALTH_MAILBOX => mailbox(organisation, index, None),
        SHARED_MAILBOX => mailbox(organisation, index, Some(4)),
        _ => machine(organisation, index, ObjectClass::Computer, "WS"),
    }
}

fn hard_name(organisation: &Organisation, index: u64) -> SyntheticAccount {
    let (name, given, surname) = match index {
        APOSTROPHE => ("so'brien", "Siobhán", "O'Brien"),
        UMLAUT => ("jmueller", "Jürgen", "Müller"),
        CHINESE => ("wwei", "伟", "王"),
        COMMA => ("jsmith", "John", "Smith"),
        LONGEST => ("hlongest", "Hildegard", "Wolfeschlegelsteinhausenbergerdorff"),
        COLLIDING_1 => ("alopez", "Ana", "Lopez"),
        _ => ("ALopez2", "ANA", "LOPEZ"),
    };
    let cn = match index {
        CHINESE => "王伟".to_owned(),
        COMMA => "Smith, John + \"Jack\" #1".to_owned(),
        LONGEST => longest(&format!("{given} {surname} ")),
        // Units differ from each other, so that names which collide can stand.
        _ => format!("{given} {surname}"),
    };
    let mut account = SyntheticAccount::blank(organisation, index, name.into(), cn);
    place_person(organisation, &mut account, given, surname);
    if index == COLLIDING_2 {
        account.unit = "OU=Administration,OU=Corp".into();
    }
    account
}

fn odd_state(organisation: &Organisation, index: u64) -> SyntheticAccount {
    let mut account = person(organisation, index);
    match index {
        DISABLED => account.uac |= uac::DISABLED,
        STALE => {
            account.last_sign_in = Some(organisation.days_before(1500));
            account.password_set = organisation.days_before(1600);
            account.created = organisation.days_before(3000);
        }
        LOCKED => account.locked = true,
        EXPIRED => account.expires = Some(organisation.days_before(30)),
        NEVER_EXPIRES => account.uac |= uac::NEVER_EXPIRES,
        SMART_CARD => account.uac |= uac::SMART_CARD,
        CANNOT_CHANGE => account.cannot_change = true,
        NOT_REQUIRED => account.uac |= uac::PASSWORD_NOT_REQUIRED,
        MUST_CHANGE => account.must_change = true,
        EXTERNAL => {
            account.unit = "OU=External,OU=Corp".into();
            account.mail = Some(format!("{}@partner.example.test", account.name));
            account.member_of.clear();
            account.external = true;
        }
        DISABLED_ADMIN => {
            account.uac |= uac::DISABLED;
            join(organisation, &mut account, &["Domain Admins"]);
        }
        LOOP => join(organisation, &mut account, &["Loop-A"]),
        PLAIN => {
            account.department = None;
            account.member_of.clear();
            account.unit = "CN=Users".into();
        }
        _ => {}
    }
    account
}
