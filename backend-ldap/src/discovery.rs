//! Which controllers a domain has, and which domains a forest has, as the configuration partition
//! tells (MS-ADTS 6.1.1.2).

use identity_core::error::Result;

use crate::value::dn;
use crate::wire::entry::Entry;
use crate::wire::{Connection, Search, Within};

/// FLAG_CR_NTDS_DOMAIN of systemFlags on a crossRef: the partition is a domain (MS-ADTS 6.1.1.2.1.1.1).
const DOMAINS: &str = "(&(objectClass=crossRef)(systemFlags:1.2.840.113556.1.4.803:=2))";
/// Where an nTDSDSA object says which domain it is of: writable copies, and those of read-only controllers.
const CONTEXTS: [&str; 4] = ["msDS-HasDomainNCs", "hasMasterNCs", "msDS-hasMasterNCs", "msDS-hasFullReplicaNCs"];

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

/// The DNS names of the controllers of a domain.
pub(crate) async fn controllers(connection: &Connection, configuration: &str, domain: &str) -> Result<Vec<String>> {
    let sites = format!("CN=Sites,{configuration}");
    let read = async |filter: &str, attributes: &[&str]| {
        let found = connection.read(&Search::subtree(&sites, filter, attributes)).await;
        found.map_err(|fault| fault.into_error("list the controllers", false))
    };
    let settings = read("(objectClass=nTDSDSA)", &CONTEXTS).await?;
    let servers = read("(objectClass=server)", &["dNSHostName"]).await?;
    Ok(hosts(&settings, &servers, domain))
}

/// The hosts of those settings objects that are of the domain, or do not say of which: then the
/// controller is asked.
fn hosts(settings: &[Entry], servers: &[Entry], domain: &str) -> Vec<String> {
    let domain = dn::key(domain);
    let of_domain = |entry: &&Entry| {
        let mut contexts = CONTEXTS
            .iter()
            .flat_map(|name| entry.values(&name.to_lowercase()))
            .map(|value| String::from_utf8_lossy(value));
        let mut said = false;
        contexts.any(|context| {
            said = true;
            dn::key(&context) == domain
        }) || !said
    };
    settings
        .iter()
        .filter(of_domain)
        .filter_map(|entry| {
            let parent = dn::key(dn::parent(&entry.dn));
            servers.iter().find(|server| dn::key(&server.dn) == parent)?.text("dnshostname").map(str::to_lowercase)
        })
        .collect()
}

/// The urls of hosts, with the scheme and port of the url that is known to work.
pub(crate) fn urls(like: &str, hosts: &[String]) -> Vec<String> {
    let (scheme, rest) = like.trim().split_once("://").unwrap_or(("ldaps", ""));
    let rest = rest.trim_end_matches('/');
    let after = rest.rsplit_once(']').map_or(rest, |(_, after)| after);
    let port = after.rsplit_once(':').map(|(_, port)| format!(":{port}")).unwrap_or_default();
    hosts.iter().map(|host| format!("{scheme}://{host}{port}")).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::wire::entry::tests::entry;

    #[test]
    fn controllers_of_other_domains_are_left_out() {
        let settings = [
            entry("CN=NTDS Settings,CN=DC1,CN=Servers,CN=S", &[("msDS-HasDomainNCs", &[b"DC=Example,DC=test"])]),
            entry(
                "CN=NTDS Settings,CN=DC2,CN=Servers,CN=S",
                &[("hasMasterNCs", &[b"CN=Configuration,DC=example,DC=test", b"DC=child,DC=example,DC=test"])],
            ),
            entry("CN=NTDS Settings,CN=RO1,CN=Servers,CN=S", &[("msDS-hasFullReplicaNCs", &[b"DC=example,DC=test"])]),
            entry("CN=NTDS Settings,CN=Silent,CN=Servers,CN=S", &[]),
            entry("CN=NTDS Settings,CN=Orphan,CN=Servers,CN=S", &[]),
        ];
        let server = |name: &str| {
            entry(
                &format!("CN={name},CN=Servers,CN=S"),
                &[("dNSHostName", &[format!("{name}.example.test").as_bytes()])],
            )
        };
        let servers = ["DC1", "DC2", "RO1", "Silent"].map(server);
        let found = hosts(&settings, &servers, "dc=example,dc=test");
        assert_eq!(found, ["dc1.example.test", "ro1.example.test", "silent.example.test"]);
    }

    #[test]
    fn found_controllers_are_reached_as_the_first_one() {
        let hosts = ["dc2.example.test".to_owned()];
        assert_eq!(urls("ldaps://dc1.example.test", &hosts), ["ldaps://dc2.example.test"]);
        assert_eq!(urls(" ldap://[::1]:3890/ ", &hosts), ["ldap://dc2.example.test:3890"]);
        assert_eq!(urls("ldaps://127.0.0.2:6360/", &hosts), ["ldaps://dc2.example.test:6360"]);
    }
}
