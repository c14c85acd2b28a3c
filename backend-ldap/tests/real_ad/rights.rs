//! Every route to tier 0 by rights, planted in the access lists of a real domain controller: each one
//! found with its path, none missed, none invented. (Delegation by resource is planted on the mock only:
//! Samba 4.17 lets nobody write that attribute. Nor does it let anybody write sIDHistory.)

use std::collections::{BTreeMap, BTreeSet, HashSet};

use identity_core::account::{AccountId, AccountKind};
use identity_core::directory::{PrivilegeClassifier, Scope};
use identity_core::privilege::{PrivilegeIndex, Tier};
use ldap3::controls::RawControl;
use ldap3::{Mod, Scope as Within, SearchEntry};
use testkit::security::{AccessEntry, Descriptor, right};

use crate::stage::{Stage, collect, search};

const PASSWORD: &str = "Old-Passw0rd-1!";
const SD_FLAGS: &str = "1.2.840.113556.1.4.801";
const OWNER: u8 = 1;
const LIST: u8 = 4;

/// Grounds as they are compared: tier, rule, evidence.
type Told = BTreeSet<(Tier, String, Vec<String>)>;

/// What was planted, what must be found, and how to take it back.
struct Garden {
    stage: Stage,
    expected: BTreeMap<String, Told>,
    /// Descriptors as they were, of objects that outlive the unit.
    before: Vec<(String, Vec<u8>)>,
}

impl Garden {
    /// A user in the unit, with nothing expected yet; the SID.
    async fn user(&mut self, name: &str) -> String {
        let dn = self.stage.user(name, PASSWORD, &[]).await;
        self.expected.insert(name.to_owned(), Told::new());
        self.sid(&dn).await
    }

    async fn sid(&mut self, dn: &str) -> String {
        let bytes = self.bytes(dn, "objectSid", None).await;
        let parts = bytes[8..].chunks(4).map(|part| u32::from_le_bytes(part.try_into().expect("four")).to_string());
        format!("S-1-{}-{}", bytes[7], parts.collect::<Vec<_>>().join("-"))
    }

    async fn bytes(&mut self, dn: &str, attribute: &str, parts: Option<u8>) -> Vec<u8> {
        if let Some(parts) = parts {
            self.stage.admin.with_controls(vec![control(parts)]);
        }
        let found = self.stage.admin.search(dn, Within::Base, "(objectClass=*)", [attribute]).await.expect("answer");
        let entry = SearchEntry::construct(found.success().expect("found").0.remove(0));
        let text = entry.attrs.get(attribute).and_then(|values| values.first()).map(|text| text.as_bytes().to_vec());
        text.or_else(|| entry.bin_attrs.get(attribute).and_then(|values| values.first().cloned())).expect("a value")
    }

    async fn write(&mut self, dn: &str, attribute: &str, parts: Option<u8>, value: Vec<u8>) {
        if let Some(parts) = parts {
            self.stage.admin.with_controls(vec![control(parts)]);
        }
        let step = Mod::Replace(attribute.as_bytes().to_vec(), HashSet::from([value]));
        let result = self.stage.admin.modify(dn, vec![step]).await.expect("answer");
        result.success().unwrap_or_else(|error| panic!("write {attribute} of {dn}: {error}"));
    }

    async fn plant(&mut self, dn: &str, entry: AccessEntry) {
        let bytes = self.bytes(dn, "nTSecurityDescriptor", Some(LIST)).await;
        if !dn.ends_with(&self.stage.unit) && self.before.iter().all(|(known, _)| known != dn) {
            self.before.push((dn.to_owned(), bytes.clone()));
        }
        let mut descriptor = Descriptor::parse(&bytes).expect("a descriptor");
        descriptor.add(entry);
        self.write(dn, "nTSecurityDescriptor", Some(LIST), descriptor.parts(LIST.into())).await;
    }

    async fn own(&mut self, dn: &str, sid: &str) {
        self.write(dn, "nTSecurityDescriptor", Some(OWNER), Descriptor::owned_by(sid).parts(OWNER.into())).await;
    }

    fn expect(&mut self, name: &str, tier: Tier, rule: &str, evidence: &[&str]) {
        let evidence = evidence.iter().map(|step| (*step).to_owned()).collect();
        self.expected.get_mut(name).expect("a user").insert((tier, rule.to_owned(), evidence));
    }

    /// Puts back what stands outside the unit, and removes the unit.
    async fn clear(mut self) {
        for (dn, bytes) in std::mem::take(&mut self.before) {
            self.write(&dn, "nTSecurityDescriptor", Some(LIST), bytes).await;
        }
        // A group that is somebody's primary one cannot be deleted.
        let primary = format!("CN=primary,{}", self.stage.unit);
        self.stage.replace(&primary, "primaryGroupID", "513").await;
        self.stage.strike().await;
    }
}

fn control(parts: u8) -> RawControl {
    RawControl { ctype: SD_FLAGS.to_owned(), crit: true, val: Some(vec![0x30, 3, 2, 1, parts]) }
}

fn told(index: &PrivilegeIndex, account: &AccountId) -> Told {
    let grounds = index.classify(account).grounds;
    grounds.into_iter().map(|ground| (ground.tier, ground.rule, ground.evidence)).collect()
}

const T0: Tier = Tier::Control;

async fn on_the_domain(garden: &mut Garden) {
    let domain = garden.stage.domain.clone();
    let rule = "may_replicate_secrets";
    let both = garden.user("both").await;
    for (object, words) in [
        (right::GET_CHANGES, "Replicating Directory Changes"),
        (right::GET_CHANGES_ALL, "Replicating Directory Changes All"),
    ] {
        garden.plant(&domain, AccessEntry::allow(&both, right::CONTROL_ACCESS).on(object)).await;
        garden.expect("both", T0, rule, &[&format!("{words} on {domain}")]);
    }
    let half = garden.user("half").await;
    garden.plant(&domain, AccessEntry::allow(&half, right::CONTROL_ACCESS).on(right::GET_CHANGES_ALL)).await;
    for (name, mask, object, words) in [
        ("list", right::WRITE_DAC, None, "Modify permissions"),
        ("owns", right::WRITE_OWNER, None, "Modify owner"),
        ("props", right::WRITE_PROPERTY, None, "Write all properties"),
        ("gplink", right::WRITE_PROPERTY, Some(right::GROUP_POLICY_LINK), "Write gPLink"),
    ] {
        let sid = garden.user(name).await;
        let entry = AccessEntry::allow(&sid, mask);
        garden.plant(&domain, object.into_iter().fold(entry, AccessEntry::on)).await;
        garden.expect(name, T0, "may_write_domain", &[&format!("{words} on {domain}")]);
    }
    let child = garden.user("child").await;
    garden.plant(&domain, AccessEntry::allow(&child, right::CONTROL_ACCESS).for_children()).await;
    // Not for the domain itself, but it comes down to AdminSDHolder. (On Windows that inherits nothing.)
    let template = format!("CN=AdminSDHolder,CN=System,{domain}");
    garden.expect("child", T0, "may_reset_tier0", &[&format!("All extended rights on {template}")]);
    let reads = garden.user("reads").await;
    garden.plant(&domain, AccessEntry::allow(&reads, 0x2_0094)).await;
    // Denied to itself first, and so nothing.
    let denied = garden.user("denied").await;
    garden.plant(&domain, AccessEntry::allow(&denied, right::WRITE_DAC)).await;
    garden.plant(&domain, AccessEntry::deny(&denied, right::WRITE_DAC)).await;
    // Full control by groups in a cycle.
    garden.user("deep").await;
    let deep = format!("CN=deep,{}", garden.stage.unit);
    let inner = garden.stage.group("inner", &[&deep]).await;
    let outer = garden.stage.group("outer", &[&inner]).await;
    garden.stage.join(&inner, &outer).await;
    let sid = garden.sid(&outer).await;
    garden.plant(&domain, AccessEntry::allow(&sid, right::FULL_CONTROL)).await;
    let (inner, outer) = (garden.stage.name("inner"), garden.stage.name("outer"));
    garden.expect("deep", T0, "may_write_domain", &[&inner, &outer, &format!("Full control on {domain}")]);
    garden.expect("deep", T0, rule, &[&inner, &outer, &format!("All extended rights on {domain}")]);
    let controllers = format!("OU=Domain Controllers,{domain}");
    let unit = garden.user("unit").await;
    garden.plant(&controllers, AccessEntry::allow(&unit, right::WRITE_DAC)).await;
    garden.expect("unit", T0, "may_write_controllers", &[&format!("Modify permissions on {controllers}")]);
    let holder = garden.user("holder").await;
    garden.plant(&template, AccessEntry::allow(&holder, right::WRITE_DAC)).await;
    garden.expect("holder", T0, "may_write_admin_sd_holder", &[&format!("Modify permissions on {template}")]);
}

async fn over_tier0(garden: &mut Garden) {
    // A tier-0 account of our own, by Backup Operators, and who may do something to it.
    garden.user("admin").await;
    let admin = format!("CN=admin,{}", garden.stage.unit);
    let operators = format!("CN=Backup Operators,CN=Builtin,{}", garden.stage.domain);
    garden.stage.join(&operators, &admin).await;
    garden.expect("admin", T0, "member", &["Backup Operators"]);
    let named = garden.stage.name("admin");
    for (name, mask, object, rule, words) in [
        ("reset", right::CONTROL_ACCESS, Some(right::RESET_PASSWORD), "may_reset_tier0", "Reset Password"),
        ("every", right::CONTROL_ACCESS, None, "may_reset_tier0", "All extended rights"),
        (
            "keys",
            right::WRITE_PROPERTY,
            Some(right::KEY_CREDENTIAL_LINK),
            "may_write_tier0",
            "Write msDS-KeyCredentialLink",
        ),
    ] {
        let sid = garden.user(name).await;
        let entry = AccessEntry::allow(&sid, mask);
        garden.plant(&admin, object.into_iter().fold(entry, AccessEntry::on)).await;
        garden.expect(name, T0, rule, &[&format!("{words} on {named}")]);
    }
    let owner = garden.user("owner").await;
    garden.own(&admin, &owner).await;
    garden.expect("owner", T0, "may_reset_tier0", &[&format!("Owner on {named}")]);
    // One step further.
    let second = garden.user("second").await;
    let reset = format!("CN=reset,{}", garden.stage.unit);
    garden.plant(&reset, AccessEntry::allow(&second, right::WRITE_OWNER)).await;
    let on = garden.stage.name("reset");
    garden.expect("second", T0, "may_reset_tier0", &[&format!("Modify owner on {on}")]);
    let member = garden.user("member").await;
    garden.plant(&operators, AccessEntry::allow(&member, right::WRITE_PROPERTY).on(right::MEMBER)).await;
    garden.expect("member", T0, "may_change_tier0_group", &["Write member on Backup Operators"]);
    // A group that is its members' primary group.
    let primary = garden.user("primary").await;
    let desk = garden.stage.group("desk", &[&format!("CN=primary,{}", garden.stage.unit)]).await;
    let sid = garden.sid(&desk).await;
    let rid = sid.rsplit('-').next().expect("a rid").to_owned();
    garden.stage.replace(&format!("CN=primary,{}", garden.stage.unit), "primaryGroupID", &rid).await;
    garden.plant(&admin, AccessEntry::allow(&sid, right::CONTROL_ACCESS).on(right::RESET_PASSWORD)).await;
    let desk = garden.stage.name("desk");
    garden.expect("primary", T0, "may_reset_tier0", &[&desk, &format!("Reset Password on {named}")]);
    assert_ne!(primary, sid);
}

async fn delegation(garden: &mut Garden) {
    garden.user("any").await;
    let any = format!("CN=any,{}", garden.stage.unit);
    garden.stage.replace(&any, "userAccountControl", "524800").await;
    garden.expect("any", T0, "unconstrained_delegation", &["TRUSTED_FOR_DELEGATION"]);
    garden.user("shift").await;
    let shift = format!("CN=shift,{}", garden.stage.unit);
    garden.stage.replace(&shift, "userAccountControl", "16777728").await;
    garden.expect("shift", Tier::Management, "constrained_delegation", &["TRUSTED_TO_AUTH_FOR_DELEGATION"]);
    let base = format!("OU=Domain Controllers,{}", garden.stage.domain);
    let filter = "(objectClass=computer)";
    let controllers = search(&mut garden.stage.admin, &base, Within::OneLevel, filter, &["dNSHostName"]).await;
    let host = controllers[0].attrs["dNSHostName"][0].clone();
    garden.user("toward").await;
    let toward = format!("CN=toward,{}", garden.stage.unit);
    let target = format!("time/{host}");
    garden.stage.replace(&toward, "msDS-AllowedToDelegateTo", &target).await;
    garden.expect("toward", T0, "constrained_delegation", &[&format!("msDS-AllowedToDelegateTo {target}")]);
}

fn is_by_right(rule: &str) -> bool {
    rule.starts_with("may_") || rule.ends_with("delegation")
}

#[tokio::test(flavor = "multi_thread")]
async fn every_planted_right_is_found_with_its_path_and_none_is_invented() {
    let Some(stage) = Stage::set("rights").await else { return };
    let mut garden = Garden { stage, expected: BTreeMap::new(), before: Vec::new() };
    let directory = garden.stage.directory().await;
    // A new domain gives nothing by rights, but for its controllers' own delegation.
    let index = directory.privileges().await.expect("an index");
    assert_eq!(index.incomplete(), &[] as &[String]);
    let accounts = collect(&directory, Scope::Everyone).await;
    let controllers: BTreeSet<AccountId> = accounts
        .iter()
        .filter(|account| account.path.as_deref().is_some_and(|path| path.contains("OU=Domain Controllers,")))
        .map(|account| account.id.clone())
        .collect();
    let strange = |index: &PrivilegeIndex, known: &BTreeSet<AccountId>| -> Vec<String> {
        let others = index.privileged().filter(|(account, _)| !known.contains(*account));
        others.flat_map(|(_, grounds)| grounds).filter(|one| is_by_right(&one.rule)).map(ToString::to_string).collect()
    };
    assert_eq!(strange(&index, &controllers), [] as [String; 0]);

    on_the_domain(&mut garden).await;
    over_tier0(&mut garden).await;
    delegation(&mut garden).await;
    let index = directory.privileges().await.expect("an index");
    let accounts = collect(&directory, Scope::Unit(garden.stage.unit.clone())).await;
    let mut planted = controllers;
    let mut wrong = Vec::new();
    for (name, expected) in &garden.expected {
        let name = garden.stage.name(name);
        let account = accounts.iter().find(|account| account.name == name).expect("in the unit");
        planted.insert(account.id.clone());
        let found = told(&index, &account.id);
        if found != *expected {
            wrong.push(format!("{name}: found {found:?}, planted {expected:?}"));
        }
    }
    let (incomplete, strange) = (index.incomplete().to_vec(), strange(&index, &planted));
    garden.clear().await;
    assert!(wrong.is_empty(), "{wrong:#?}");
    assert_eq!(strange, [] as [String; 0]);
    assert_eq!(incomplete, [] as [String; 0]);
}

#[tokio::test(flavor = "multi_thread")]
async fn every_kind_that_the_controller_lets_us_make_is_told_apart_with_its_procedure() {
    let Some(mut stage) = Stage::set("kinds").await else { return };
    let unit = stage.unit.clone();
    let made = [
        (
            "gmsa",
            "msDS-GroupManagedServiceAccount",
            &[("msDS-ManagedPasswordInterval", "30")][..],
            AccountKind::ManagedService,
            "Add-KdsRootKey",
        ),
        ("smsa", "msDS-ManagedServiceAccount", &[], AccountKind::ManagedService, "Reset-ADServiceAccountPassword"),
        ("host", "computer", &[], AccountKind::Computer, "Reset-ComputerMachinePassword"),
    ];
    for (name, class, more, _, _) in &made {
        let account = format!("{}$", stage.name(name));
        let mut attributes =
            vec![("objectClass", *class), ("sAMAccountName", account.as_str()), ("userAccountControl", "4096")];
        attributes.extend(more.iter().copied());
        stage.add(&format!("CN={name},{unit}"), &attributes).await;
    }
    stage.user("service", PASSWORD, &[("servicePrincipalName", "http/kinds.example.test")]).await;
    stage.user("MSOL", PASSWORD, &[]).await;
    let sync = format!("MSOL_{:012x}", std::process::id());
    stage.replace(&format!("CN=MSOL,{unit}"), "sAMAccountName", &sync).await;
    let directory = stage.directory().await;
    let accounts = collect(&directory, Scope::Everyone).await;
    stage.strike().await;

    let of = |name: &str| accounts.iter().find(|account| account.name.eq_ignore_ascii_case(name)).expect("listed");
    let tag = of(&sync).path.as_deref().and_then(|path| path.split("OU=").nth(1)).expect("a unit");
    let tag = tag.split(',').next().expect("a tag").to_owned();
    for (name, _, _, kind, procedure) in made {
        let account = of(&format!("{tag}{name}$"));
        assert_eq!(account.kind, kind, "{name}");
        assert!(account.procedure.as_deref().is_some_and(|text| text.contains(procedure)), "{account:?}");
    }
    for (name, kind, procedure) in [
        (format!("{tag}service"), AccountKind::Service, "together"),
        // A name proves nothing: without the right to replicate it is left to people, not spared.
        (sync.clone(), AccountKind::Service, "who made it"),
        ("krbtgt".into(), AccountKind::KerberosTicketGranting, "twice"),
        ("Guest".into(), AccountKind::BuiltIn, "disabled"),
    ] {
        assert_eq!(of(&name).kind, kind, "{name}");
        assert!(of(&name).procedure.as_deref().is_some_and(|text| text.contains(procedure)), "{name}");
    }
    let controller =
        accounts.iter().find(|account| account.path.as_deref().is_some_and(|p| p.contains("OU=Domain Controllers,")));
    let controller = controller.expect("a controller");
    assert_eq!(controller.kind, AccountKind::Computer);
    assert!(controller.procedure.as_deref().is_some_and(|text| text.contains("netdom resetpwd")));
    assert_eq!(of("Administrator").procedure, None);
}
