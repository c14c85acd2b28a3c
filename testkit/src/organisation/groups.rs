//! The groups: those that every Active Directory has, those of this organisation, and how they
//! are nested.

use identity_core::privilege::Tier;

use super::names::{DEPARTMENTS, escape_dn};

/// A group's place in [`Organisation::groups`](super::Organisation::groups).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct GroupIndex(pub u16);

/// Where a group may be used (MS-ADTS 2.2.12, the low bits of `groupType`).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum GroupScope {
    /// One of `CN=Builtin`; its identifier begins with S-1-5-32.
    BuiltIn,
    /// Domain local.
    DomainLocal,
    /// Global.
    Global,
    /// Universal.
    Universal,
}

/// A group of the organisation. Who is in it follows from the accounts.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SyntheticGroup {
    /// Its place in the list of groups.
    pub index: GroupIndex,
    /// Its name: `cn` and `sAMAccountName`.
    pub name: String,
    /// The last part of its security identifier.
    pub rid: u32,
    /// Where it may be used.
    pub scope: GroupScope,
    /// A security group; otherwise a distribution list.
    pub security: bool,
    /// Whether Active Directory has it from the start, so that it cannot be made.
    pub well_known: bool,
    /// The container below the domain's base that it stands in.
    pub unit: String,
    /// The groups that list it directly.
    pub nested_in: Vec<GroupIndex>,
    /// The tier that membership gives, of itself, without nesting.
    pub grants: Option<Tier>,
    /// Whether its members get `adminCount` from AdminSDHolder (Appendix C of Microsoft's "Best
    /// practices for securing Active Directory").
    pub admin_sd_holder: bool,
    /// `sIDHistory`.
    pub sid_history: Vec<String>,
}

impl SyntheticGroup {
    /// Its distinguished name below `base`.
    #[must_use]
    pub fn dn(&self, base: &str) -> String {
        format!("CN={},{},{base}", escape_dn(&self.name), self.unit)
    }

    /// `groupType` (MS-ADTS 2.2.12), a signed number.
    #[must_use]
    pub fn group_type(&self) -> i32 {
        let scope = match self.scope {
            GroupScope::BuiltIn => 1 | 4,
            GroupScope::Global => 2,
            GroupScope::DomainLocal => 4,
            GroupScope::Universal => 8,
        };
        if self.security { scope | i32::MIN } else { scope }
    }

    /// `sAMAccountType` (MS-SAMR 2.2.1.9).
    #[must_use]
    pub fn sam_account_type(&self) -> u32 {
        let alias = matches!(self.scope, GroupScope::BuiltIn | GroupScope::DomainLocal);
        match (alias, self.security) {
            (false, true) => 0x1000_0000,
            (false, false) => 0x1000_0001,
            (true, true) => 0x2000_0000,
            (true, false) => 0x2000_0001,
        }
    }
}

const T0: Option<Tier> = Some(Tier::Control);
const T1: Option<Tier> = Some(Tier::Management);
const TEAMS: u64 = 8;
const APPLICATIONS: u64 = 20;
const FIRST_RID: u32 = 1101;
/// Above those of a million accounts, below 2^30, the most that a domain has (MS-SAMR 3.1.1.9.2).
pub(super) const FIRST_RID_OF_CROWD: u32 = 0x2000_0000;

/// RID, name, built-in (S-1-5-32), tier, protected by AdminSDHolder. Tier 0 is what AdminSDHolder
/// protects, and what the TierZeroTable of SpecterOps (2025-12) adds.
const WELL_KNOWN: &[(u32, &str, bool, Option<Tier>, bool)] = &[
    (512, "Domain Admins", false, T0, true),
    (513, "Domain Users", false, None, false),
    (514, "Domain Guests", false, None, false),
    (515, "Domain Computers", false, None, false),
    (516, "Domain Controllers", false, T0, true),
    (517, "Cert Publishers", false, T0, false),
    (518, "Schema Admins", false, T0, true),
    (519, "Enterprise Admins", false, T0, true),
    (520, "Group Policy Creator Owners", false, T1, false),
    (521, "Read-only Domain Controllers", false, T0, true),
    (525, "Protected Users", false, None, false),
    (526, "Key Admins", false, T0, true),
    (527, "Enterprise Key Admins", false, T0, true),
    (544, "Administrators", true, T0, true),
    (545, "Users", true, None, false),
    (546, "Guests", true, None, false),
    (548, "Account Operators", true, T0, true),
    (549, "Server Operators", true, T0, true),
    (550, "Print Operators", true, T0, true),
    (551, "Backup Operators", true, T0, true),
    (552, "Replicator", true, T0, true),
    (580, "Remote Management Users", true, T1, false),
    (1101, "DnsAdmins", false, T0, false),
];

/// Name, scope, security, the groups that list it.
const NAMED: &[(&str, GroupScope, bool, &[&str])] = &[
    // Three deep below Domain Admins, and the innermost lists the outermost: a cycle.
    ("Ops-Escalation", GroupScope::Global, true, &["Domain Admins", "Ops-Night-Shift"]),
    ("Ops-Second-Line", GroupScope::Global, true, &["Ops-Escalation"]),
    ("Ops-Night-Shift", GroupScope::Global, true, &["Ops-Second-Line"]),
    // A distribution list counts: it can be made a security group by whoever may write it.
    ("Infrastructure-Mail", GroupScope::Global, false, &["Domain Admins"]),
    ("Site-Server-Operators", GroupScope::Global, true, &["Server Operators"]),
    ("Staff", GroupScope::Global, true, &[]),
    // A cycle without any privilege.
    ("Loop-A", GroupScope::Global, true, &["Loop-B"]),
    ("Loop-B", GroupScope::Global, true, &["Loop-C"]),
    ("Loop-C", GroupScope::Global, true, &["Loop-A"]),
];

/// Every group, in a fixed order.
pub(super) fn all() -> Vec<SyntheticGroup> {
    let mut groups: Vec<SyntheticGroup> = WELL_KNOWN.iter().map(well_known).collect();
    let mut nestings: Vec<(String, String)> = [
        ("Domain Admins", "Administrators"),
        ("Enterprise Admins", "Administrators"),
        ("Domain Users", "Users"),
        ("Domain Guests", "Guests"),
    ]
    .map(|(member, group)| (member.to_owned(), group.to_owned()))
    .to_vec();
    let mut make = |name: String, scope, security, lists: &[&str]| {
        nestings.extend(lists.iter().map(|list| (name.clone(), (*list).to_owned())));
        let place = groups.len();
        groups.push(SyntheticGroup {
            index: GroupIndex(u16::try_from(place).unwrap_or(u16::MAX)),
            name,
            rid: FIRST_RID + u32::try_from(place).unwrap_or(0),
            scope,
            security,
            well_known: false,
            unit: "OU=Groups,OU=Corp".into(),
            nested_in: Vec::new(),
            grants: None,
            admin_sd_holder: false,
            sid_history: Vec::new(),
        });
    };
    for (name, scope, security, lists) in NAMED {
        make((*name).to_owned(), *scope, *security, lists);
    }
    for department in DEPARTMENTS {
        let whole = format!("Dept-{department}");
        make(whole.clone(), GroupScope::Global, true, &["Staff"]);
        for team in 1..=TEAMS {
            make(format!("Team-{department}-{team}"), GroupScope::Global, true, &[&whole]);
        }
    }
    for application in 1..=APPLICATIONS {
        make(format!("App-{application:02}-Users"), GroupScope::DomainLocal, true, &[]);
    }
    for (member, group) in nestings {
        let group = named(&groups, &group);
        if let Some(member) = groups.iter_mut().find(|g| g.name == member) {
            member.nested_in.extend(group);
        }
    }
    groups
}

/// The group of a name.
pub(super) fn named(groups: &[SyntheticGroup], name: &str) -> Option<GroupIndex> {
    groups.iter().find(|group| group.name == name).map(|group| group.index)
}

/// The groups that a person is in: the department's, a team's, sometimes an application's.
pub(super) fn of_person(department: usize, team: u64, application: Option<u64>) -> Vec<GroupIndex> {
    let departments = WELL_KNOWN.len() + NAMED.len();
    let stride = 1 + TEAMS as usize;
    let whole = departments + department * stride;
    let mut places = vec![whole, whole + 1 + (team % TEAMS) as usize];
    places.extend(application.map(|n| departments + DEPARTMENTS.len() * stride + (n % APPLICATIONS) as usize));
    places.into_iter().filter_map(|place| u16::try_from(place).ok()).map(GroupIndex).collect()
}

fn well_known(
    &(rid, name, built_in, grants, admin_sd_holder): &(u32, &str, bool, Option<Tier>, bool),
) -> SyntheticGroup {
    let place = WELL_KNOWN.iter().position(|row| row.1 == name).unwrap_or(0);
    let scope = match rid {
        _ if built_in => GroupScope::BuiltIn,
        517 | 1101 => GroupScope::DomainLocal,
        518 | 519 | 527 => GroupScope::Universal,
        _ => GroupScope::Global,
    };
    SyntheticGroup {
        index: GroupIndex(u16::try_from(place).unwrap_or(0)),
        name: name.to_owned(),
        rid,
        scope,
        security: true,
        well_known: true,
        unit: if built_in { "CN=Builtin" } else { "CN=Users" }.into(),
        nested_in: Vec::new(),
        grants,
        admin_sd_holder,
        sid_history: Vec::new(),
    }
}
