//! The rows that every domain has: its head, containers, sites, policies, and the root DSE.

use jiff::Timestamp;
use uuid::Uuid;

use super::policy::DomainPolicy;
use super::sid;
use crate::organisation::{GroupIndex, Organisation, units};

/// Attributes by the name that the schema spells, with their values.
type Attributes = Vec<(&'static str, Vec<String>)>;
/// What a row is made from: its name, its classes and its attributes.
pub(super) type Described = (String, &'static [&'static str], Attributes);

/// The first controller; it holds every role.
pub(super) const FIRST: &str = "DC1";
/// LDAP_CAP_ACTIVE_DIRECTORY_PARTIAL_SECRETS_OID: a read-only controller.
const PARTIAL_SECRETS: &str = "1.2.840.113556.1.4.1920";

const DAY: i64 = 864_000_000_000;

/// A row that does not change.
#[derive(Clone, Debug)]
pub(super) struct FixedEntry {
    pub(super) dn: String,
    pub(super) guid: Uuid,
    pub(super) sid: Option<Vec<u8>>,
    /// By the attribute's name as the schema spells it.
    pub(super) attributes: Attributes,
    /// The groups that list it: of placeholders only.
    pub(super) lists: Vec<GroupIndex>,
}

impl FixedEntry {
    pub(super) fn values(&self, name: &str) -> &[String] {
        let found = self.attributes.iter().find(|(attribute, _)| attribute.eq_ignore_ascii_case(name));
        found.map_or(&[], |(_, values)| values.as_slice())
    }
}

/// The head of the domain is the first row.
pub(super) const DOMAIN_HEAD: u32 = 0;

pub(super) fn entries(
    organisation: &Organisation,
    base: &str,
    policy: &DomainPolicy,
    administrators: &DomainPolicy,
    most_entries: usize,
) -> Vec<FixedEntry> {
    let configuration = format!("CN=Configuration,{base}");
    let settings = settings_dn(base, FIRST);
    let mut rows: Vec<Described> = vec![
        (base.to_owned(), &["top", "domain", "domainDNS"], domain_head(policy, &settings)),
        (policy_dn(base), &["top", "msDS-PasswordSettings"], fine_grained(administrators, organisation, base)),
        (configuration.clone(), &["top", "configuration"], Vec::new()),
        (format!("CN=Schema,{configuration}"), &["top", "dMD"], vec![("fSMORoleOwner", vec![settings.clone()])]),
        (
            format!("CN=Partitions,{configuration}"),
            &["top", "crossRefContainer"],
            vec![("fSMORoleOwner", vec![settings.clone()])],
        ),
        (
            format!("CN=CORP,CN=Partitions,{configuration}"),
            &["top", "crossRef"],
            vec![
                ("nCName", vec![base.to_owned()]),
                ("dnsRoot", vec![organisation.domain().to_owned()]),
                ("nETBIOSName", vec!["CORP".into()]),
                ("systemFlags", vec!["3".into()]),
            ],
        ),
        (format!("CN=Sites,{configuration}"), &["top", "sitesContainer"], Vec::new()),
        (format!("CN=Default-First-Site-Name,CN=Sites,{configuration}"), &["top", "site"], Vec::new()),
        (
            format!("CN=Servers,CN=Default-First-Site-Name,CN=Sites,{configuration}"),
            &["top", "serversContainer"],
            Vec::new(),
        ),
        (query_policy_dn(base), &["top", "queryPolicy"], vec![("lDAPAdminLimits", limits(most_entries))]),
    ];
    rows.extend(controller(organisation, base, FIRST, false));
    for container in ["Users", "Builtin", "System", "ForeignSecurityPrincipals", "Managed Service Accounts"] {
        rows.push((format!("CN={container},{base}"), &["top", "container"], Vec::new()));
    }
    for container in ["AdminSDHolder", "Password Settings Container"] {
        rows.push((format!("CN={container},CN=System,{base}"), &["top", "container"], Vec::new()));
    }
    rows.push((format!("OU=Domain Controllers,{base}"), &["top", "organizationalUnit"], Vec::new()));
    rows.extend(
        units()
            .into_iter()
            .map(|unit| -> Described { (format!("{unit},{base}"), &["top", "organizationalUnit"], Vec::new()) }),
    );
    let strangers = &organisation.planting().strangers;
    let first_stranger = rows.len();
    rows.extend(strangers.iter().map(|(sid, _)| -> Described {
        (format!("CN={sid},CN=ForeignSecurityPrincipals,{base}"), &["top", "foreignSecurityPrincipal"], Vec::new())
    }));
    let rows = rows.into_iter().enumerate();
    rows.map(|(place, described)| {
        let mut entry = row(organisation, place, described);
        if let Some((sid, groups)) = place.checked_sub(first_stranger).and_then(|at| strangers.get(at)) {
            entry.sid = sid::sid_bytes(sid);
            entry.lists = lists(organisation, groups);
        }
        entry
    })
    .collect()
}

fn lists(organisation: &Organisation, names: &[String]) -> Vec<GroupIndex> {
    names.iter().filter_map(|name| organisation.group_named(name)).map(|group| group.index).collect()
}

/// A row from what describes it; `place` is its own number.
pub(super) fn row(organisation: &Organisation, place: usize, described: Described) -> FixedEntry {
    let (dn, classes, mut attributes) = described;
    attributes.push(("objectClass", classes.iter().map(|class| (*class).to_owned()).collect()));
    attributes.push(("distinguishedName", vec![dn.clone()]));
    let name = dn.split(',').next().and_then(|rdn| rdn.split_once('=')).map_or("", |(_, name)| name).to_owned();
    attributes.push(("name", vec![name.clone()]));
    attributes.push((if dn.starts_with("OU=") { "ou" } else { "cn" }, vec![name]));
    FixedEntry {
        guid: Uuid::from_u128(u128::from(organisation.seed()) << 64 | 0xF1_0000 | place as u128),
        sid: (place == 0).then(|| sid::sid_bytes(organisation.domain_sid())).flatten(),
        lists: Vec::new(),
        dn,
        attributes,
    }
}

/// A controller: its server object, and its settings below, which tell whose accounts it has and
/// whether it takes changes.
pub(super) fn controller(organisation: &Organisation, base: &str, name: &str, read_only: bool) -> [Described; 2] {
    let settings = settings_dn(base, name);
    let server = settings.split_once(',').map_or("", |(_, server)| server).to_owned();
    let configuration = format!("CN=Configuration,{base}");
    let held = vec![base.to_owned()];
    let all = vec![base.to_owned(), configuration.clone(), format!("CN=Schema,{configuration}")];
    let described: Described = if read_only {
        (
            settings,
            &["top", "applicationSettings", "nTDSDSA", "nTDSDSARO"],
            vec![("options", vec!["1".into()]), ("msDS-isRODC", vec!["TRUE".into()]), ("msDS-hasFullReplicaNCs", held)],
        )
    } else {
        (
            settings,
            &["top", "applicationSettings", "nTDSDSA"],
            vec![
                ("options", vec!["1".into()]),
                ("msDS-isRODC", vec!["FALSE".into()]),
                ("msDS-HasDomainNCs", held),
                ("hasMasterNCs", all.clone()),
                ("msDS-hasMasterNCs", all),
            ],
        )
    };
    [(server, &["top", "server"], vec![("dNSHostName", vec![host(organisation, name)])]), described]
}

/// Another domain of the forest, below this one: its entry among the partitions.
pub(super) fn child_domain(organisation: &Organisation, base: &str, label: &str) -> Described {
    (
        format!("CN={},CN=Partitions,CN=Configuration,{base}", label.to_uppercase()),
        &["top", "crossRef"],
        vec![
            ("nCName", vec![format!("DC={label},{base}")]),
            ("dnsRoot", vec![format!("{label}.{}", organisation.domain())]),
            ("nETBIOSName", vec![label.to_uppercase()]),
            ("systemFlags", vec!["3".into()]),
        ],
    )
}

/// The host name that a controller says it has; the certificate of the first carries it too.
pub(super) fn host(organisation: &Organisation, name: &str) -> String {
    format!("{}.{}", name.to_lowercase(), organisation.domain())
}

fn settings_dn(base: &str, name: &str) -> String {
    format!("CN=NTDS Settings,CN={name},CN=Servers,CN=Default-First-Site-Name,CN=Sites,CN=Configuration,{base}")
}

/// Where a search of the whole domain refers to: the naming contexts below it.
pub(super) fn subordinate_contexts(organisation: &Organisation, base: &str, children: &[String]) -> Vec<String> {
    let domain = organisation.domain();
    let children = children.iter().map(|label| format!("ldap://{label}.{domain}/DC={label},{base}"));
    let always = [
        format!("ldap://ForestDnsZones.{domain}/DC=ForestDnsZones,{base}"),
        format!("ldap://DomainDnsZones.{domain}/DC=DomainDnsZones,{base}"),
        format!("ldap://{domain}/CN=Configuration,{base}"),
    ];
    children.chain(always).collect()
}

pub(super) fn group_guid(organisation: &Organisation, group: GroupIndex) -> Uuid {
    Uuid::from_u128(u128::from(organisation.seed()) << 64 | 0x6_0000_0000 | u128::from(group.0))
}

pub(super) fn policy_dn(base: &str) -> String {
    format!("CN=Administrators-24,CN=Password Settings Container,CN=System,{base}")
}

/// The root DSE (MS-ADTS 3.1.1.3.2), which anybody may read.
pub(super) fn root_dse(
    organisation: &Organisation,
    base: &str,
    usn: u64,
    now: Timestamp,
    (name, read_only): (&str, bool),
    policy_hints: bool,
) -> Attributes {
    let configuration = format!("CN=Configuration,{base}");
    let schema = format!("CN=Schema,{configuration}");
    let settings = settings_dn(base, name);
    let server = settings.split_once(',').map_or("", |(_, server)| server).to_owned();
    let mut capabilities = vec![
        "1.2.840.113556.1.4.800",
        "1.2.840.113556.1.4.1670",
        "1.2.840.113556.1.4.1791",
        "1.2.840.113556.1.4.1935",
        "1.2.840.113556.1.4.2080",
        "1.2.840.113556.1.4.2237",
    ];
    if read_only {
        capabilities.push(PARTIAL_SECRETS);
    }
    let list = |values: &[&str]| values.iter().map(|value| (*value).to_owned()).collect::<Vec<String>>();
    let mut controls = list(super::controls::SUPPORTED);
    controls.retain(|oid| policy_hints || !super::controls::is_policy_hints(oid));
    vec![
        ("configurationNamingContext", vec![configuration.clone()]),
        ("currentTime", vec![generalized(now)]),
        ("defaultNamingContext", vec![base.to_owned()]),
        ("dnsHostName", vec![host(organisation, name)]),
        ("domainControllerFunctionality", list(&["7"])),
        ("domainFunctionality", list(&["7"])),
        ("dsServiceName", vec![settings]),
        ("forestFunctionality", list(&["7"])),
        ("highestCommittedUSN", vec![usn.to_string()]),
        ("isGlobalCatalogReady", list(&["TRUE"])),
        ("isSynchronized", list(&["TRUE"])),
        (
            "ldapServiceName",
            vec![format!(
                "{}:{}$@{}",
                organisation.domain(),
                name.to_lowercase(),
                organisation.domain().to_uppercase()
            )],
        ),
        ("namingContexts", vec![base.to_owned(), configuration, schema.clone()]),
        ("rootDomainNamingContext", vec![base.to_owned()]),
        ("schemaNamingContext", vec![schema.clone()]),
        ("serverName", vec![server]),
        ("subschemaSubentry", vec![format!("CN=Aggregate,{schema}")]),
        ("supportedCapabilities", list(&capabilities)),
        ("supportedControl", controls),
        ("supportedExtension", list(&["1.3.6.1.4.1.1466.20037", "1.3.6.1.4.1.4203.1.11.3"])),
        (
            "supportedLDAPPolicies",
            list(&["MaxPoolThreads", "MaxPageSize", "MaxValRange", "MaxQueryDuration", "MaxConnections"]),
        ),
        ("supportedLDAPVersion", list(&["3", "2"])),
    ]
}

/// Generalized time as Active Directory writes it.
pub(super) fn generalized(moment: Timestamp) -> String {
    moment.strftime("%Y%m%d%H%M%S.0Z").to_string()
}

fn domain_head(policy: &DomainPolicy, settings: &str) -> Attributes {
    let max_age = policy.max_age_days.map_or(i64::MIN, |days| -DAY * i64::from(days));
    vec![
        ("fSMORoleOwner", vec![settings.to_owned()]),
        ("lockOutObservationWindow", vec![(-18_000_000_000_i64).to_string()]),
        ("lockoutDuration", vec![(-18_000_000_000_i64).to_string()]),
        ("lockoutThreshold", vec![policy.lockout_threshold.to_string()]),
        ("maxPwdAge", vec![max_age.to_string()]),
        ("minPwdAge", vec![(-DAY * i64::from(policy.min_age_days)).to_string()]),
        ("minPwdLength", vec![policy.min_length.to_string()]),
        ("pwdHistoryLength", vec![policy.history.to_string()]),
        ("pwdProperties", vec![u8::from(policy.complexity).to_string()]),
    ]
}

fn fine_grained(policy: &DomainPolicy, organisation: &Organisation, base: &str) -> Attributes {
    let applies = organisation.group_named("Ops-Escalation").map(|group| group.dn(base));
    let max_age = policy.max_age_days.map_or(i64::MIN, |days| -DAY * i64::from(days));
    vec![
        ("msDS-LockoutDuration", vec![(-18_000_000_000_i64).to_string()]),
        ("msDS-LockoutObservationWindow", vec![(-18_000_000_000_i64).to_string()]),
        ("msDS-LockoutThreshold", vec![policy.lockout_threshold.to_string()]),
        ("msDS-MaximumPasswordAge", vec![max_age.to_string()]),
        ("msDS-MinimumPasswordAge", vec![(-DAY * i64::from(policy.min_age_days)).to_string()]),
        ("msDS-MinimumPasswordLength", vec![policy.min_length.to_string()]),
        ("msDS-PasswordComplexityEnabled", vec![if policy.complexity { "TRUE" } else { "FALSE" }.into()]),
        ("msDS-PasswordHistoryLength", vec![policy.history.to_string()]),
        ("msDS-PasswordSettingsPrecedence", vec!["10".into()]),
        ("msDS-PSOAppliesTo", applies.into_iter().collect()),
    ]
}

fn query_policy_dn(base: &str) -> String {
    format!(
        "CN=Default Query Policy,CN=Query-Policies,CN=Directory Service,CN=Windows NT,CN=Services,CN=Configuration,{base}"
    )
}

fn limits(most_entries: usize) -> Vec<String> {
    let rest =
        ["MaxPoolThreads=4", "MaxQueryDuration=120", "MaxValRange=1500", "MaxConnections=5000", "MaxConnIdleTime=900"];
    std::iter::once(format!("MaxPageSize={most_entries}")).chain(rest.map(str::to_owned)).collect()
}
