//! The accounts that are drawn: persons above all, then machines, services and mailboxes.

use super::names::{DEPARTMENTS, GIVEN, SURNAMES, ascii, cut};
use super::{ObjectClass, Organisation, SPECIAL, SyntheticAccount, draw, groups, special, uac};

/// What is drawn at an index, by share.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Role {
    Person,
    External,
    Service,
    Computer,
    GroupManagedService,
    ManagedService,
    DelegatedManagedService,
    SharedMailbox,
    HealthMailbox,
}

pub(super) fn account(organisation: &Organisation, index: u64) -> SyntheticAccount {
    match role(organisation.seed, index) {
        Role::Person => person(organisation, index),
        Role::External => external(organisation, index),
        Role::Service => service(organisation, index),
        Role::Computer => machine(organisation, index, ObjectClass::Computer, "WS"),
        Role::GroupManagedService => machine(organisation, index, ObjectClass::GroupManagedService, "gmsa"),
        Role::ManagedService => machine(organisation, index, ObjectClass::ManagedService, "smsa"),
        Role::DelegatedManagedService => machine(organisation, index, ObjectClass::DelegatedManagedService, "dmsa"),
        Role::SharedMailbox => mailbox(organisation, index, Some(4)),
        Role::HealthMailbox => mailbox(organisation, index, None),
    }
}

/// A person with name, department, team, manager and a state; special accounts begin as one too.
pub(super) fn person(organisation: &Organisation, index: u64) -> SyntheticAccount {
    let seed = organisation.seed;
    let given = draw::one_of(seed, index, "given name", GIVEN).copied().unwrap_or("Anna");
    let surname = draw::one_of(seed, index, "surname", SURNAMES).copied().unwrap_or("Jones");
    // A number at the end keeps names apart without a table; stems end in a letter.
    let stem = format!("{}{}", cut(&ascii(given, "x"), 1), ascii(surname, "user"));
    let cn = match draw::below(seed, index, "form of cn", 100) {
        0..5 => format!("{surname}, {given} (E{index})"),
        5..6 => longest(&format!("{given} {surname} E{index} ")),
        _ => format!("{given} {surname} E{index}"),
    };
    let mut account = SyntheticAccount::blank(organisation, index, format!("{}{index}", cut(&stem, 10)), cn);
    place_person(organisation, &mut account, given, surname);
    if index >= SPECIAL {
        state(organisation, &mut account);
        privilege(organisation, &mut account);
        organisation.crowd(&mut account);
    }
    account
}

/// Name attributes, department, unit, groups and manager.
pub(super) fn place_person(organisation: &Organisation, account: &mut SyntheticAccount, given: &str, surname: &str) {
    let (seed, index) = (organisation.seed, account.index);
    let department = draw::below(seed, index, "department", DEPARTMENTS.len() as u64) as usize;
    let application =
        (draw::below(seed, index, "has application", 4) == 0).then(|| draw::draw(seed, index, "application"));
    account.member_of = groups::of_person(department, draw::draw(seed, index, "team"), application);
    account.department = DEPARTMENTS.get(department).copied();
    account.unit = format!("OU={},OU=People,OU=Corp", account.department.unwrap_or("Finance"));
    account.display_name = Some(format!("{given} {surname}"));
    account.given_name = Some(given.to_owned());
    account.surname = Some(surname.to_owned());
    account.principal_name = Some(format!("{}@{}", account.name, organisation.domain));
    account.mail = account.principal_name.clone();
    account.manager = manager(organisation, index);
}

fn role(seed: u64, index: u64) -> Role {
    match draw::below(seed, index, "role", 1000) {
        0..860 => Role::Person,
        860..873 => Role::External,
        873..910 => Role::Service,
        910..980 => Role::Computer,
        980..985 => Role::GroupManagedService,
        985..988 => Role::ManagedService,
        988..989 => Role::DelegatedManagedService,
        989..998 => Role::SharedMailbox,
        _ => Role::HealthMailbox,
    }
}

/// A tree of managers: everybody's manager stands before them, at the top the chief executive.
fn manager(organisation: &Organisation, index: u64) -> Option<u64> {
    if index < SPECIAL {
        return (index != special::CHIEF).then_some(special::CHIEF);
    }
    let span = (index - SPECIAL) / 8;
    let first = SPECIAL + draw::below(organisation.seed, index, "manager", span);
    let candidates = (first.saturating_sub(8)..=first).rev().filter(|at| *at >= SPECIAL && *at < index);
    let mut persons = candidates.filter(|at| role(organisation.seed, *at) == Role::Person);
    Some(persons.next().unwrap_or(special::CHIEF))
}

/// At most one thing is out of the ordinary with a person.
fn state(organisation: &Organisation, account: &mut SyntheticAccount) {
    let (seed, index) = (organisation.seed, account.index);
    let some_days = draw::below(seed, index, "state days", 900);
    match draw::below(seed, index, "state", 1000) {
        0..60 => {
            account.uac |= uac::DISABLED;
            account.last_sign_in = Some(organisation.days_before(90 + some_days));
        }
        60..90 => account.last_sign_in = Some(organisation.days_before(730 + some_days)),
        90..95 => account.last_sign_in = None,
        95..100 => account.locked = true,
        100..110 => account.expires = Some(organisation.days_before(1 + some_days)),
        110..130 => account.uac |= uac::NEVER_EXPIRES,
        130..145 => account.uac |= uac::SMART_CARD,
        145..148 => account.cannot_change = true,
        148..151 => account.uac |= uac::PASSWORD_NOT_REQUIRED,
        151..156 => account.must_change = true,
        _ => {}
    }
}

/// Some hundreds of privileged accounts in a million, by every route.
fn privilege(organisation: &Organisation, account: &mut SyntheticAccount) {
    let route = draw::below(organisation.seed, account.index, "privilege", 100_000);
    let group = match route {
        0..10 => "Domain Admins",
        10..18 => "Ops-Escalation",
        18..24 => "Ops-Night-Shift",
        24..27 => "Infrastructure-Mail",
        27..30 => "Backup Operators",
        30..32 => "Site-Server-Operators",
        32..34 => "Account Operators",
        34..38 => "Group Policy Creator Owners",
        38..48 => {
            account.admin_count = true;
            return;
        }
        48 => {
            account.primary_group = 512;
            account.admin_count = true;
            return;
        }
        49 => {
            account.sid_history = vec![format!("{}-519", organisation.domain_sid())];
            return;
        }
        _ => return,
    };
    special::join(organisation, account, &[group]);
}

fn external(organisation: &Organisation, index: u64) -> SyntheticAccount {
    let mut account = person(organisation, index);
    account.name = format!("ext.{}", account.name);
    account.cn = format!("{} (external)", cut(&account.cn, 50));
    account.unit = "OU=External,OU=Corp".into();
    account.principal_name = Some(format!("{}@{}", account.name, organisation.domain));
    account.mail = Some(format!("{}@partner.example.test", account.name));
    account.member_of.truncate(0);
    account.primary_group = 513;
    account.admin_count = false;
    account.sid_history.clear();
    account.external = true;
    account
}

fn service(organisation: &Organisation, index: u64) -> SyntheticAccount {
    const USES: &[&str] = &["sql", "web", "backup", "scan", "print", "erp", "mon", "etl"];
    let used_for = draw::one_of(organisation.seed, index, "service", USES).copied().unwrap_or("app");
    let name = format!("svc-{used_for}{index}");
    let mut account = SyntheticAccount::blank(organisation, index, name.clone(), name);
    account.unit = "OU=Services,OU=Corp".into();
    account.display_name = Some(format!("Service {used_for} {index}"));
    account.principal_name = Some(format!("{}@{}", account.name, organisation.domain));
    account.service_names = vec![format!("HTTP/{used_for}{index}.{}", organisation.domain)];
    if draw::below(organisation.seed, index, "service never expires", 2) == 0 {
        account.uac |= uac::NEVER_EXPIRES;
    }
    if draw::below(organisation.seed, index, "service privileged", 500) == 0 {
        special::join(organisation, &mut account, &["Domain Admins"]);
    }
    account
}

pub(super) fn machine(organisation: &Organisation, index: u64, class: ObjectClass, stem: &str) -> SyntheticAccount {
    let cn = format!("{stem}{index}");
    let mut account = SyntheticAccount::blank(organisation, index, format!("{cn}$"), cn.clone());
    account.class = class;
    account.uac = uac::WORKSTATION;
    account.primary_group = 515;
    if class == ObjectClass::Computer {
        account.unit = "OU=Machines,OU=Corp".into();
        account.service_names = vec![format!("HOST/{cn}"), format!("HOST/{cn}.{}", organisation.domain)];
    } else {
        account.unit = "CN=Managed Service Accounts".into();
    }
    account
}

/// A shared mailbox with its type, or a health mailbox without; named as Exchange names them:
/// `HealthMailbox` and 7 digits, `SM_` and 17.
pub(super) fn mailbox(organisation: &Organisation, index: u64, recipient_type: Option<u32>) -> SyntheticAccount {
    let name = match recipient_type {
        Some(_) => format!("SM_{index:017x}"),
        None => format!("HealthMailbox{index:07x}"),
    };
    let mut account = SyntheticAccount::blank(organisation, index, name.clone(), name.clone());
    account.display_name = Some(name.clone());
    account.principal_name = Some(format!("{name}@{}", organisation.domain));
    account.mail = account.principal_name.clone();
    account.unit = "OU=Mailboxes,OU=Corp".into();
    if recipient_type.is_none() {
        account.uac |= uac::NEVER_EXPIRES;
    } else {
        account.recipient_type = recipient_type;
        account.uac |= uac::DISABLED;
        account.last_sign_in = None;
    }
    account
}

/// A common name of exactly 64 characters, the most that Active Directory takes.
pub(super) fn longest(cn: &str) -> String {
    cn.chars().chain(std::iter::repeat('x')).take(64).collect()
}
