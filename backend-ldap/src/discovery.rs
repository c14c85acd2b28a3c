//! Which controllers a domain has, and which domains a forest has, as the configuration partition
//! tells (MS-ADTS 6.1.1.2).

use identity_core::error::Result;

use crate::config::LdapConfig;
use crate::value::dn;
use crate::wire::entry::Entry;
use crate::wire::{Connection, Search, Within};

/// FLAG_CR_NTDS_DOMAIN of systemFlags on a crossRef: the partition is a domain (MS-ADTS 6.1.1.2.1.1.1).
const DOMAINS: &str = "(&(objectClass=crossRef)(systemFlags:1.2.840.113556.1.4.803:=2))";
/// Where an nTDSDSA object says which domain it is of: writable copies, and those of read-only controllers.
const CONTEXTS: [&str; 4] = ["msDS-HasDomainNCs", "hasMasterNCs", "msDS-hasMasterNCs", "msDS-hasFullReplicaNCs"];
/// The class of a read-only controller's settings (MS-ADTS 6.1.1.2.2.1.2.1.2).
const READ_ONLY: &str = "nTDSDSARO";

/// A domain of a forest.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct ForestDomain {
    /// Its distinguished name.
    pub name: String,
    /// Its DNS name.
    pub dns: String,
    /// Its short name.
    pub short: Option<String>,
}

/// The domains of the forest, the connection's own among them.
pub(crate) async fn domains(connection: &Connection, configuration: &str) -> Result<Vec<ForestDomain>> {
    let search = Search {
        within: Within::Children,
        ..Search::subtree(format!("CN=Partitions,{configuration}"), DOMAINS, &["nCName", "dnsRoot", "nETBIOSName"])
    };
    let found =
        connection.read(&search).await.map_err(|fault| fault.into_error("list the domains of the forest", false))?;
    Ok(found.iter().filter_map(domain).collect())
}

fn domain(entry: &Entry) -> Option<ForestDomain> {
    let name = entry.text("ncname")?.to_owned();
    let dns = entry.text("dnsroot").map_or_else(|| dn::domain(&name), str::to_lowercase);
    Some(ForestDomain { dns, short: entry.text("netbiosname").map(str::to_owned), name })
}

/// A controller of a domain, as the configuration partition has it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Listed {
    /// The distinguished name of its server object.
    pub(crate) server: String,
    /// Its DNS name, in small letters; without one it was retired, or may not be read.
    pub(crate) host: Option<String>,
    pub(crate) site: Option<String>,
    pub(crate) read_only: bool,
}

/// The controllers of a domain. `read` finds what a search finds.
pub(crate) async fn controllers<F>(
    read: impl Fn(Search) -> F + Send,
    configuration: &str,
    domain: &str,
) -> Result<Vec<Listed>>
where
    F: Future<Output = Result<Vec<Entry>>> + Send,
{
    let sites = format!("CN=Sites,{configuration}");
    let mut wanted = vec!["objectClass"];
    wanted.extend(CONTEXTS);
    let settings = read(Search::subtree(&sites, "(objectClass=nTDSDSA)", &wanted)).await?;
    let servers = read(Search::subtree(&sites, "(objectClass=server)", &["dNSHostName"])).await?;
    Ok(listed(&settings, &servers, domain))
}

/// Those whose settings say that they hold the domain, or do not say what they hold: then the
/// controller is asked.
fn listed(settings: &[Entry], servers: &[Entry], domain: &str) -> Vec<Listed> {
    let domain = dn::key(domain);
    let of_domain = |entry: &&Entry| {
        let mut held = CONTEXTS
            .iter()
            .flat_map(|name| entry.texts(&name.to_lowercase()).map(dn::key).collect::<Vec<_>>())
            .peekable();
        held.peek().is_none() || held.any(|held| held == domain)
    };
    let one = |entry: &Entry| {
        // CN=NTDS Settings,CN=DC1,CN=Servers,CN=Site,CN=Sites,…
        let server = dn::parent(&entry.dn);
        let known = servers.iter().find(|known| dn::key(&known.dn) == dn::key(server));
        Listed {
            server: server.to_owned(),
            host: known.and_then(|known| known.text("dnshostname")).map(str::to_lowercase),
            site: Some(dn::first_name(dn::parent(dn::parent(server)))).filter(|site| !site.is_empty()),
            read_only: entry.texts("objectclass").any(|class| class.eq_ignore_ascii_case(READ_ONLY)),
        }
    };
    settings.iter().filter(of_domain).map(one).collect()
}

/// Where a controller is reached: where the configuration says, or under its own name with the
/// scheme and the port of the configured url.
pub(crate) fn url_of(config: &LdapConfig, host: &str) -> String {
    if let Some(url) = config.controller_urls.get(host) {
        return url.clone();
    }
    let (scheme, rest) = config.url.trim().split_once("://").unwrap_or(("ldaps", ""));
    let rest = rest.trim_end_matches('/');
    let after = rest.rsplit_once(']').map_or(rest, |(_, after)| after);
    let port = after.rsplit_once(':').map(|(_, port)| format!(":{port}")).unwrap_or_default();
    format!("{scheme}://{host}{port}")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::wire::entry::tests::entry;
    use identity_core::account::DirectoryId;

    #[test]
    fn controllers_of_the_domain_are_listed_and_read_only_ones_told_apart() {
        let below = |server: &str| format!("CN=NTDS Settings,CN={server},CN=Servers,CN=Paris,CN=Sites,CN=C");
        let settings = [
            entry(&below("DC2"), &[("msDS-HasDomainNCs", &[b"DC=Example,DC=test"])]),
            entry(
                &below("CHILD"),
                &[("hasMasterNCs", &[b"CN=Configuration,DC=example,DC=test", b"DC=child,DC=example,DC=test"])],
            ),
            entry(
                &below("RO1"),
                &[("objectClass", &[b"nTDSDSA", b"nTDSDSARO"]), ("msDS-hasFullReplicaNCs", &[b"dc=example,dc=test"])],
            ),
            entry(&below("SILENT"), &[]),
            entry(&below("RETIRED"), &[]),
        ];
        let server = |name: &str| {
            entry(
                &format!("CN={name},CN=Servers,CN=Paris,CN=Sites,CN=C"),
                &[("dNSHostName", &[format!("{name}.Example.test").as_bytes()])],
            )
        };
        let found = listed(&settings, &["DC2", "CHILD", "RO1", "SILENT"].map(server), "DC=example,DC=test");
        let told: Vec<_> = found.iter().map(|found| (found.host.as_deref(), found.read_only)).collect();
        assert_eq!(
            told,
            [
                (Some("dc2.example.test"), false),
                (Some("ro1.example.test"), true),
                (Some("silent.example.test"), false),
                (None, false)
            ]
        );
        assert_eq!(found[3].server, "CN=RETIRED,CN=Servers,CN=Paris,CN=Sites,CN=C");
        assert!(found.iter().all(|found| found.site.as_deref() == Some("Paris")));
    }

    #[test]
    fn a_controller_is_reached_as_the_first_one_or_as_the_configuration_says() {
        let config = |url: &str| LdapConfig::new(DirectoryId::new("corp").expect("id"), url);
        let host = "dc2.example.test";
        for (url, expected) in [
            ("ldaps://dc1.example.test", "ldaps://dc2.example.test"),
            (" ldap://[::1]:3890/ ", "ldap://dc2.example.test:3890"),
            ("ldaps://[::1]", "ldaps://dc2.example.test"),
            ("ldaps://10.0.0.1:6360/", "ldaps://dc2.example.test:6360"),
        ] {
            assert_eq!(url_of(&config(url), host), expected, "{url}");
        }
        let config = config("ldaps://dc1.example.test").controller_url("DC2.example.test", "ldaps://127.0.0.2");
        assert_eq!(url_of(&config, host), "ldaps://127.0.0.2");
    }
}
