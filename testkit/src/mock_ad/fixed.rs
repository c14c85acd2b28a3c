//! The rows that every domain has: its head, containers, sites, policies, and the root DSE.

use jiff::Timestamp;
use uuid::Uuid;

use super::policy::DomainPolicy;
use super::replica::Controller;
use super::sid;
use super::store::Store;
use crate::organisation::{GroupIndex, Organisation, units};

/// Attributes by the name that the schema spells, with their values.
type Attributes = Vec<(&'static str, Vec<String>)>;

const DAY: i64 = 864_000_000_000;

/// A row that does not change.
#[derive(Debug)]
pub(super) struct FixedEntry {
    pub(super) dn: String,
    pub(super) guid: Uuid,
    pub(super) sid: Option<Vec<u8>>,
    /// By the attribute's name as the schema spells it.
    pub(super) attributes: Attributes,
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
    controllers: &[Controller],
) -> Vec<FixedEntry> {
    let configuration = format!("CN=Configuration,{base}");
    // The first controller has every role.
    let first = controllers.first().map_or("DC1", |first| first.name.as_str());
    let settings = format!("CN=NTDS Settings,{}", server_dn(first, &configuration));
    let mut rows: Vec<(String, &[&str], Attributes)> = vec![
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
        (query_policy_dn(base), &["top", "queryPolicy"], vec![("lDAPAdminLimits", limits())]),
    ];
    for member in controllers {
        let server = server_dn(&member.name, &configuration);
        let host = member.host(organisation.domain());
        rows.push((server.clone(), &["top", "server"], vec![("dNSHostName", vec![host])]));
        rows.push(settings_of(member, &server, base, &configuration));
    }
    for container in ["Users", "Builtin", "System", "ForeignSecurityPrincipals", "Managed Service Accounts"] {
        rows.push((format!("CN={container},{base}"), &["top", "container"], Vec::new()));
    }
    for container in ["AdminSDHolder", "Password Settings Container"] {
        rows.push((format!("CN={container},CN=System,{base}"), &["top", "container"], Vec::new()));
    }
    rows.push((format!("OU=Domain Controllers,{base}"), &["top", "organizationalUnit"], Vec::new()));
    rows.extend(units().into_iter().map(|unit| -> (String, &[&str], Vec<_>) {
        (format!("{unit},{base}"), &["top", "organizationalUnit"], Vec::new())
    }));
    let rows = rows.into_iter().enumerate();
    rows.map(|(place, (dn, classes, mut attributes))| {
        attributes.push(("objectClass", classes.iter().map(|class| (*class).to_owned()).collect()));
        attributes.push(("distinguishedName", vec![dn.clone()]));
        let name = dn.split(',').next().and_then(|rdn| rdn.split_once('=')).map_or("", |(_, name)| name).to_owned();
        attributes.push(("name", vec![name.clone()]));
        attributes.push((if dn.starts_with("OU=") { "ou" } else { "cn" }, vec![name]));
        FixedEntry {
            guid: Uuid::from_u128(u128::from(organisation.seed()) << 64 | 0xF1_0000 | place as u128),
            sid: (place == 0).then(|| sid::sid_bytes(organisation.domain_sid())).flatten(),
            dn,
            attributes,
        }
    })
    .collect()
}

fn server_dn(name: &str, configuration: &str) -> String {
    format!("CN={name},CN=Servers,CN=Default-First-Site-Name,CN=Sites,{configuration}")
}

/// The settings object of a controller: which domain it holds, and whether it takes changes.
fn settings_of(
    controller: &Controller,
    server: &str,
    base: &str,
    configuration: &str,
) -> (String, &'static [&'static str], Attributes) {
    let dn = format!("CN=NTDS Settings,{server}");
    let held = vec![base.to_owned()];
    if controller.read_only {
        let attributes = vec![("options", vec!["1".into()]), ("msDS-hasFullReplicaNCs", held)];
        return (dn, &["top", "applicationSettings", "nTDSDSA", "nTDSDSARO"], attributes);
    }
    let all = vec![base.to_owned(), configuration.to_owned(), format!("CN=Schema,{configuration}")];
    let attributes = vec![
        ("options", vec!["1".into()]),
        ("msDS-HasDomainNCs", held),
        ("hasMasterNCs", all.clone()),
        ("msDS-hasMasterNCs", all),
    ];
    (dn, &["top", "applicationSettings", "nTDSDSA"], attributes)
}

/// The host name that the mock says it has; its certificate carries it too.
pub(super) fn host(organisation: &Organisation) -> String {
    format!("dc1.{}", organisation.domain())
}

/// Where a search of the whole domain refers to: the naming contexts below it.
pub(super) fn subordinate_contexts(organisation: &Organisation, base: &str) -> [String; 3] {
    let domain = organisation.domain();
    [
        format!("ldap://ForestDnsZones.{domain}/DC=ForestDnsZones,{base}"),
        format!("ldap://DomainDnsZones.{domain}/DC=DomainDnsZones,{base}"),
        format!("ldap://{domain}/CN=Configuration,{base}"),
    ]
}

pub(super) fn group_guid(organisation: &Organisation, group: GroupIndex) -> Uuid {
    Uuid::from_u128(u128::from(organisation.seed()) << 64 | 0x6_0000_0000 | u128::from(group.0))
}

pub(super) fn policy_dn(base: &str) -> String {
    format!("CN=Administrators-24,CN=Password Settings Container,CN=System,{base}")
}

/// The root DSE (MS-ADTS 3.1.1.3.2), which anybody may read.
pub(super) fn root_dse(store: &Store, now: Timestamp) -> Attributes {
    let (organisation, base, usn) = (&store.organisation, store.base.as_str(), store.usn);
    let own = store.controllers.get(store.own);
    let name = own.map_or("DC1", |own| own.name.as_str());
    let host = own.map_or_else(|| host(organisation), |own| own.host(organisation.domain()));
    let configuration = format!("CN=Configuration,{base}");
    let schema = format!("CN=Schema,{configuration}");
    let server = server_dn(name, &configuration);
    let list = |values: &[&str]| values.iter().map(|value| (*value).to_owned()).collect::<Vec<String>>();
    let mut capabilities = list(&[
        "1.2.840.113556.1.4.800",
        "1.2.840.113556.1.4.1670",
        "1.2.840.113556.1.4.1791",
        "1.2.840.113556.1.4.1935",
        "1.2.840.113556.1.4.2080",
        "1.2.840.113556.1.4.2237",
    ]);
    if own.is_some_and(|own| own.read_only) {
        capabilities.push("1.2.840.113556.1.4.1920".to_owned());
    }
    let mut controls = list(super::controls::SUPPORTED);
    controls.retain(|oid| store.policy_hints || !super::controls::is_policy_hints(oid));
    vec![
        ("configurationNamingContext", vec![configuration.clone()]),
        ("currentTime", vec![generalized(now)]),
        ("defaultNamingContext", vec![base.to_owned()]),
        ("dnsHostName", vec![host]),
        ("domainControllerFunctionality", list(&["7"])),
        ("domainFunctionality", list(&["7"])),
        ("dsServiceName", vec![format!("CN=NTDS Settings,{server}")]),
        ("forestFunctionality", list(&["7"])),
        ("highestCommittedUSN", vec![usn.to_string()]),
        ("isGlobalCatalogReady", list(&["TRUE"])),
        ("isSynchronized", list(&["TRUE"])),
        ("ldapServiceName", vec![format!("{}:dc1$@{}", organisation.domain(), organisation.domain().to_uppercase())]),
        ("namingContexts", vec![base.to_owned(), configuration, schema.clone()]),
        ("rootDomainNamingContext", vec![base.to_owned()]),
        ("schemaNamingContext", vec![schema.clone()]),
        ("serverName", vec![server]),
        ("subschemaSubentry", vec![format!("CN=Aggregate,{schema}")]),
        ("supportedCapabilities", capabilities),
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

fn limits() -> Vec<String> {
    ["MaxPageSize=1000", "MaxPoolThreads=4", "MaxQueryDuration=120", "MaxValRange=1500", "MaxConnections=5000"]
        .map(str::to_owned)
        .to_vec()
}
