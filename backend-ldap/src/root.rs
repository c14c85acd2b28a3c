//! What a controller says about itself and its domain (rootDSE, MS-ADTS 3.1.1.3.2), and finding the
//! account that a sign-in name stands for.

use std::str::FromStr;

use identity_core::account::AccountId;
use identity_core::error::{Error, ErrorKind, Result};
use jiff::Timestamp;
use ldap3::ldap_escape;

use crate::account::EVERY_ACCOUNT;
use crate::value::sid::Sid;
use crate::value::{dn, guid, time};
use crate::wire::entry::Entry;
use crate::wire::{Connection, Fault, Search};

/// LDAP_CAP_ACTIVE_DIRECTORY_PARTIAL_SECRETS_OID: a read-only controller (MS-ADTS 3.1.1.3.4.3).
const READ_ONLY: &str = "1.2.840.113556.1.4.1920";
/// LDAP_SERVER_POLICY_HINTS_OID (MS-ADTS 3.1.1.3.4.1.27).
pub(crate) const POLICY_HINTS: &str = "1.2.840.113556.1.4.2239";
const SD_FLAGS: &str = "1.2.840.113556.1.4.801";
const ROOT_ATTRIBUTES: &[&str] = &[
    "defaultNamingContext",
    "rootDomainNamingContext",
    "configurationNamingContext",
    "dsServiceName",
    "dnsHostName",
    "currentTime",
    "highestCommittedUSN",
    "supportedControl",
    "supportedCapabilities",
    "isSynchronized",
];

/// What a controller says about itself at one moment.
#[derive(Clone, Debug)]
pub(crate) struct Root {
    /// The domain's own name.
    pub(crate) domain: String,
    /// The name of the configuration partition, which the whole forest shares.
    pub(crate) configuration: String,
    /// The controller's NTDS Settings object.
    pub(crate) service: String,
    /// The controller's DNS name.
    pub(crate) host: String,
    /// The controller's clock.
    pub(crate) now: Option<Timestamp>,
    /// The number of the last change that this controller committed.
    pub(crate) usn: Option<u64>,
    /// Whether this is the first domain of its forest.
    pub(crate) is_forest_root: bool,
    /// Whether the controller takes no changes.
    pub(crate) read_only: bool,
    /// Whether it has caught up with the other controllers since it started.
    pub(crate) synchronized: bool,
    /// Whether access control lists can be asked for.
    pub(crate) descriptors: bool,
    /// Whether a set can be made to respect the history.
    pub(crate) policy_hints: bool,
}

impl Root {
    /// Reads the rootDSE over one connection.
    pub(crate) async fn read(connection: &Connection) -> Result<Self> {
        let search = Search::object("", ROOT_ATTRIBUTES);
        let entries = connection.read(&search).await.map_err(|fault| fault.into_error("read the controller", false))?;
        entries.first().and_then(Self::of).ok_or_else(|| {
            Error::new(ErrorKind::Unsupported, "read the controller")
                .with_detail("it names no defaultNamingContext: it is not an Active Directory domain controller")
                .with_advice("give the url of a domain controller; other LDAP servers are of kind ldap-plain")
        })
    }

    fn of(entry: &Entry) -> Option<Self> {
        let domain = entry.text("defaultnamingcontext")?.to_owned();
        let text = |name: &str| entry.text(name).unwrap_or_default().to_owned();
        Some(Self {
            is_forest_root: entry.text("rootdomainnamingcontext").is_none_or(|root| dn::key(root) == dn::key(&domain)),
            configuration: text("configurationnamingcontext"),
            service: text("dsservicename"),
            host: text("dnshostname"),
            now: entry.bytes("currenttime").and_then(time::generalized),
            usn: entry.number("highestcommittedusn").and_then(|usn| u64::try_from(usn).ok()),
            read_only: entry.texts("supportedcapabilities").any(|oid| oid == READ_ONLY),
            synchronized: entry.text("issynchronized") != Some("FALSE"),
            descriptors: entry.texts("supportedcontrol").any(|oid| oid == SD_FLAGS),
            policy_hints: entry.texts("supportedcontrol").any(|oid| oid == POLICY_HINTS),
            domain,
        })
    }
}

/// Finds the account that a sign-in name stands for: a distinguished name, `name@domain`,
/// `DOMAIN\name`, a SID or a bare name. `None` if there is none to be seen in the domain.
pub(crate) async fn find_account(
    connection: &Connection,
    domain: &str,
    name: &str,
    attributes: &[&str],
) -> Result<Option<Entry>, Fault> {
    let name = name.trim();
    if name.contains('=') {
        return match connection.read(&Search::object(name, attributes)).await {
            Ok(entries) => Ok(entries.into_iter().next()),
            Err(fault) if fault.is_missing() => Ok(None),
            Err(fault) => Err(fault),
        };
    }
    let filter = if let Ok(sid) = Sid::from_str(name) {
        format!("(objectSid={})", guid::escape(&sid.to_bytes()))
    } else if let Some((short, suffix)) = name.rsplit_once('@') {
        // Every account has the implicit name sAMAccountName@domain beside the one it was given
        // (MS-ADTS 5.1.1.1.1); the given one is looked for first.
        let given = format!("(userPrincipalName={})", ldap_escape(name));
        let found = connection.read(&Search::subtree(domain, given, attributes)).await?;
        if !found.is_empty() || !dn::domain(domain).eq_ignore_ascii_case(suffix) {
            return Ok(single(found));
        }
        format!("(sAMAccountName={})", ldap_escape(short))
    } else {
        let short = name.rsplit_once('\\').map_or(name, |(_, short)| short);
        format!("(sAMAccountName={})", ldap_escape(short))
    };
    Ok(single(connection.read(&Search::subtree(domain, filter, attributes)).await?))
}

/// Finds the account that this connection is signed in as, without its name: among the SIDs that the
/// rootDSE names for whoever asks (tokenGroups, MS-ADTS 3.1.1.3.2.33) one is of an account.
pub(crate) async fn signed_in(
    connection: &Connection,
    domain: &str,
    attributes: &[&str],
) -> Result<Option<Entry>, Fault> {
    let root = connection.read(&Search::object("", &["tokenGroups"])).await?;
    let sids = root.first().map(|entry| entry.values("tokengroups")).unwrap_or_default();
    let parts: String = sids.iter().map(|sid| format!("(objectSid={})", guid::escape(sid))).collect();
    if parts.is_empty() {
        return Ok(None);
    }
    let filter = format!("(&{EVERY_ACCOUNT}(|{parts}))");
    Ok(single(connection.read(&Search::subtree(domain, filter, attributes)).await?))
}

/// The one that was found; none where several were: a wrong guess would protect the wrong account.
fn single(mut found: Vec<Entry>) -> Option<Entry> {
    if found.len() == 1 { found.pop() } else { None }
}

/// The id of an entry.
pub(crate) fn id_of(entry: &Entry) -> Option<AccountId> {
    entry.guid().and_then(guid::account_id)
}
