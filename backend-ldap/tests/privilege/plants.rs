//! What is planted: each route to tier 0 with the path that is to be found, and beside it what gives nothing.

use identity_core::privilege::Tier;
use testkit::organisation::{Place, PlantedGroup, special, uac};
use testkit::security::{AccessEntry, right};

use crate::garden::Garden;

pub(crate) const BASE: &str = "DC=corp,DC=example,DC=test";
pub(crate) const T0: Tier = Tier::Control;

pub(crate) fn replication(garden: &mut Garden) {
    let changes = format!("Replicating Directory Changes on {BASE}");
    let all = format!("Replicating Directory Changes All on {BASE}");
    let rule = "may_replicate_secrets";
    // Both rights, straight.
    let both = garden.person();
    for object in [right::GET_CHANGES, right::GET_CHANGES_ALL] {
        garden.allow_on(Place::Domain, &garden.sid(both), right::CONTROL_ACCESS, object);
    }
    garden.expect(both, T0, rule, &[&changes]);
    garden.expect(both, T0, rule, &[&all]);
    // One by one group, the other by another.
    let (apart, one) = garden.in_group("Mail-Migration");
    let (only_all, two) = garden.in_group("Audit-Readers");
    garden.planting.account(apart).groups.push("Audit-Readers".into());
    garden.allow_on(Place::Domain, &one, right::CONTROL_ACCESS, right::GET_CHANGES);
    garden.allow_on(Place::Domain, &two, right::CONTROL_ACCESS, right::GET_CHANGES_ALL);
    garden.expect(apart, T0, rule, &["Mail-Migration", &changes]);
    garden.expect(apart, T0, rule, &["Audit-Readers", &all]);
    // Half is nothing, and whoever may change a group that holds half gains nothing.
    let half = garden.person();
    garden.allow_on(Place::Domain, &garden.sid(half), right::CONTROL_ACCESS, right::GET_CHANGES);
    let writer = garden.person();
    garden.allow_on(Place::Group("Audit-Readers".into()), &garden.sid(writer), right::WRITE_PROPERTY, right::MEMBER);
    let _ = only_all;
    // Every extended right.
    let every = garden.person();
    garden.allow(Place::Domain, &garden.sid(every), right::CONTROL_ACCESS);
    garden.expect(every, T0, rule, &[&format!("All extended rights on {BASE}")]);
}

pub(crate) fn over_the_domain(garden: &mut Garden) {
    for (mask, object, words) in [
        (right::FULL_CONTROL, None, "Full control"),
        (right::WRITE_DAC, None, "Modify permissions"),
        (right::WRITE_OWNER, None, "Modify owner"),
        (right::WRITE_PROPERTY, None, "Write all properties"),
        (right::WRITE_PROPERTY, Some(right::GROUP_POLICY_LINK), "Write gPLink"),
    ] {
        for (place, on, rule) in [
            (Place::Domain, BASE.to_owned(), "may_write_domain"),
            (Place::Controllers, format!("OU=Domain Controllers,{BASE}"), "may_write_controllers"),
        ] {
            let person = garden.person();
            let entry = AccessEntry::allow(&garden.sid(person), mask);
            garden.planting.entries.push((place.clone(), object.into_iter().fold(entry, AccessEntry::on)));
            garden.expect(person, T0, rule, &[&format!("{words} on {on}")]);
            if mask == right::FULL_CONTROL && place == Place::Domain {
                garden.expect(person, T0, "may_replicate_secrets", &[&format!("All extended rights on {on}")]);
            }
        }
    }
    let owner = garden.person();
    garden.planting.owners.push((Place::Domain, garden.sid(owner)));
    garden.expect(owner, T0, "may_write_domain", &[&format!("Owner on {BASE}")]);
    // By nested groups that form a cycle.
    let (deep, _) = garden.in_group("Ring-C");
    garden.planting.group("Ring-B", &["Ring-C"]);
    garden.planting.group("Ring-A", &[]);
    garden.planting.nestings.extend([("Ring-C".into(), "Ring-B".into()), ("Ring-B".into(), "Ring-A".into())]);
    garden.allow(Place::Domain, &garden.sid_of("Ring-A"), right::WRITE_DAC);
    garden.expect(
        deep,
        T0,
        "may_write_domain",
        &["Ring-C", "Ring-B", "Ring-A", &format!("Modify permissions on {BASE}")],
    );
    // A distribution list, by primary group, by history of the account.
    let listed = garden.person();
    garden.planting.groups.push(PlantedGroup { name: "Dist".into(), distribution: true, ..PlantedGroup::default() });
    garden.planting.nestings.push(("Dist".into(), "Ring-A".into()));
    garden.planting.account(listed).groups.push("Dist".into());
    garden.expect(listed, T0, "may_write_domain", &["Dist", "Ring-A", &format!("Modify permissions on {BASE}")]);
    let primary = garden.person();
    let ring = garden.sid_of("Ring-A");
    let rid = ring.rsplit('-').next().and_then(|rid| rid.parse().ok());
    garden.planting.account(primary).primary_group = rid;
    garden.expect(primary, T0, "may_write_domain", &["Ring-A", &format!("Modify permissions on {BASE}")]);
    let former = garden.person();
    garden.planting.account(former).sid_history.push(ring.clone());
    garden.expect(former, T0, "may_write_domain", &[&ring, "Ring-A", &format!("Modify permissions on {BASE}")]);
    garden.expect(former, Tier::Management, "sid_history", &[&ring]);
}

pub(crate) fn what_gives_nothing(garden: &mut Garden) {
    let children = garden.person();
    let entry = AccessEntry::allow(&garden.sid(children), right::FULL_CONTROL).for_children();
    garden.planting.entries.push((Place::Domain, entry));
    let denied = garden.person();
    garden.allow(Place::Domain, &garden.sid(denied), right::WRITE_DAC);
    garden.planting.entries.push((Place::Domain, AccessEntry::deny(&garden.sid(denied), right::WRITE_DAC)));
    let reader = garden.person();
    garden.allow(Place::Domain, &garden.sid(reader), 0x2_0094);
    garden.allow(Place::AdminSdHolder, &garden.sid(reader), 0x2_0094);
    let other_property = garden.person();
    let property = uuid::Uuid::from_u128(0xbf96_7a7f_0de6_11d0_a285_00aa_0030_49e2);
    garden.allow_on(
        Place::Account(special::DOMAIN_ADMIN),
        &garden.sid(other_property),
        right::WRITE_PROPERTY,
        property,
    );
    let over_ordinary = garden.person();
    garden.allow(Place::Account(special::PLAIN), &garden.sid(over_ordinary), right::FULL_CONTROL);
    // The SID of an account that is gone.
    let gone = format!("{}-4000000", garden.plain.domain_sid());
    garden.allow(Place::Domain, &gone, right::FULL_CONTROL);
    // A denial for a group may or may not meet the holder: it takes nothing away.
    let (perhaps, group) = garden.in_group("Perhaps");
    garden.allow(Place::Domain, &garden.sid(perhaps), right::WRITE_DAC);
    garden.planting.entries.push((Place::Domain, AccessEntry::deny(&group, right::WRITE_DAC)));
    garden.expect(perhaps, T0, "may_write_domain", &[&format!("Modify permissions on {BASE}")]);
}

pub(crate) fn over_tier0(garden: &mut Garden) {
    let template = format!("CN=AdminSDHolder,CN=System,{BASE}");
    for (mask, object, rule, words) in [
        (right::WRITE_DAC, None, "may_write_admin_sd_holder", "Modify permissions"),
        (right::CONTROL_ACCESS, Some(right::RESET_PASSWORD), "may_reset_tier0", "Reset Password"),
        (right::WRITE_PROPERTY, Some(right::MEMBER), "may_change_tier0_group", "Write member"),
        (right::WRITE_PROPERTY, Some(right::KEY_CREDENTIAL_LINK), "may_write_tier0", "Write msDS-KeyCredentialLink"),
    ] {
        let person = garden.person();
        let entry = AccessEntry::allow(&garden.sid(person), mask);
        garden.planting.entries.push((Place::AdminSdHolder, object.into_iter().fold(entry, AccessEntry::on)));
        garden.expect(person, T0, rule, &[&format!("{words} on {template}")]);
    }
    let admin = garden.name(special::DOMAIN_ADMIN);
    let on = Place::Account(special::DOMAIN_ADMIN);
    let (desk, helpdesk) = garden.in_group("Helpdesk-L2");
    garden.allow_on(on.clone(), &helpdesk, right::CONTROL_ACCESS, right::RESET_PASSWORD);
    garden.expect(desk, T0, "may_reset_tier0", &["Helpdesk-L2", &format!("Reset Password on {admin}")]);
    // The chain goes on: over a member of that group, and over the group.
    let second = garden.person();
    garden.allow(Place::Account(desk), &garden.sid(second), right::CONTROL_ACCESS);
    garden.expect(second, T0, "may_reset_tier0", &[&format!("All extended rights on {}", garden.name(desk))]);
    let joiner = garden.person();
    garden.allow_on(Place::Group("Helpdesk-L2".into()), &garden.sid(joiner), right::SELF, right::MEMBER);
    garden.expect(joiner, T0, "may_change_tier0_group", &["Add or remove self as member on Helpdesk-L2"]);
    let owner = garden.person();
    garden.planting.owners.push((on.clone(), garden.sid(owner)));
    garden.expect(owner, T0, "may_reset_tier0", &[&format!("Owner on {admin}")]);
    let keys = garden.person();
    garden.allow_on(on, &garden.sid(keys), right::WRITE_PROPERTY, right::KEY_CREDENTIAL_LINK);
    garden.expect(keys, T0, "may_write_tier0", &[&format!("Write msDS-KeyCredentialLink on {admin}")]);
    for group in ["Domain Admins", "Ops-Night-Shift"] {
        let writer = garden.person();
        garden.allow_on(Place::Group(group.into()), &garden.sid(writer), right::WRITE_PROPERTY, right::MEMBER);
        garden.expect(writer, T0, "may_change_tier0_group", &[&format!("Write member on {group}")]);
    }
    let several = garden.person();
    for index in [special::ENTERPRISE_ADMIN, special::SCHEMA_ADMIN] {
        garden.allow(Place::Account(index), &garden.sid(several), right::WRITE_OWNER);
    }
    let first = garden.name(special::ENTERPRISE_ADMIN).min(garden.name(special::SCHEMA_ADMIN));
    garden.expect(several, T0, "may_reset_tier0", &[&format!("Modify owner on {first} and 1 more")]);
}

pub(crate) fn delegation(garden: &mut Garden) {
    let any = garden.person();
    garden.planting.account(any).flags = uac::DELEGATION;
    garden.expect(any, T0, "unconstrained_delegation", &["TRUSTED_FOR_DELEGATION"]);
    let transition = garden.person();
    garden.planting.account(transition).flags = uac::PROTOCOL_TRANSITION;
    garden.planting.account(transition).delegates_to = vec!["http/intranet.corp.example.test".into()];
    garden.expect(transition, Tier::Management, "constrained_delegation", &["TRUSTED_TO_AUTH_FOR_DELEGATION"]);
    let harmless = garden.person();
    garden.planting.account(harmless).delegates_to = vec!["http/intranet.corp.example.test".into()];
    let to_controller = garden.person();
    let target = format!("time/{}.corp.example.test", garden.name(special::CONTROLLER).trim_end_matches('$'));
    garden.planting.account(to_controller).delegates_to = vec!["http/other".into(), target.clone()];
    garden.expect(to_controller, T0, "constrained_delegation", &[&format!("msDS-AllowedToDelegateTo {target}")]);
    let acts = garden.person();
    garden.planting.account(special::CONTROLLER).acted_for_by = vec![garden.sid(acts)];
    let controller = garden.name(special::CONTROLLER);
    garden.expect(acts, T0, "may_act_for_tier0", &[&format!("listed on {controller}")]);
    // A managed account in Domain Admins, and who may read its password.
    let reads = garden.person();
    let managed = garden.planting.account(special::GROUP_MANAGED);
    managed.groups.push("Domain Admins".into());
    managed.grounds.insert(testkit::organisation::TruthGround {
        tier: T0,
        rule: "member",
        holds: "Domain Admins".into(),
    });
    let managed = garden.name(special::GROUP_MANAGED);
    garden.planting.account(special::GROUP_MANAGED).read_by = vec![garden.sid(reads)];
    garden.expect(reads, T0, "may_read_tier0_password", &[&format!("listed on {managed}")]);
    // Who may act on an ordinary machine gets nothing.
    let idle = garden.person();
    garden.planting.account(special::WORKSTATION).acted_for_by = vec![garden.sid(idle)];
}

pub(crate) fn strangers(garden: &mut Garden) -> (String, String) {
    // A placeholder that stands for an account of this very domain.
    let own = garden.person();
    garden.planting.strangers.push((garden.sid(own), vec!["Backup Operators".into()]));
    garden.expect(own, T0, "member", &["Backup Operators"]);
    // A group whose history says that it was Domain Admins.
    let (old, _) = garden.in_group("Old-Admins");
    let admins = format!("{}-512", garden.plain.domain_sid());
    let group = garden.planting.groups.iter_mut().find(|group| group.name == "Old-Admins").expect("planted");
    group.sid_history.push(admins);
    garden.expect(old, T0, "member", &["Old-Admins (sIDHistory)", "Domain Admins"]);
    garden.expect(old, T0, "member", &["Old-Admins (sIDHistory)", "Domain Admins", "Administrators"]);
    let listed = "S-1-5-21-9-8-7-1104".to_owned();
    garden.planting.strangers.push((listed.clone(), vec!["Server Operators".into()]));
    let holder = "S-1-5-21-9-8-7-2208".to_owned();
    garden.allow(Place::Domain, &holder, right::WRITE_DAC);
    (listed, holder)
}
