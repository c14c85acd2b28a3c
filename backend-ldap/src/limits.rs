//! What a controller's query policy allows at once (lDAPAdminLimits, MS-ADTS 3.1.1.3.4.6).

use std::time::Duration;

use crate::root::Root;
use crate::value::dn;
use crate::wire::entry::Entry;
use crate::wire::{Connection, Search};

/// Limits of a controller; `None` where one could not be read.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct ServerLimits {
    /// Entries of a page (MaxPageSize).
    pub(crate) page: Option<u32>,
    /// Values of an attribute in one answer (MaxValRange).
    pub(crate) values: Option<u32>,
    /// How long a connection may be idle (MaxConnIdleTime).
    pub(crate) idle: Option<Duration>,
}

/// What the settings of a controller say.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Read {
    pub(crate) limits: ServerLimits,
    pub(crate) read_only: bool,
}

/// Reads the policy that is in force: the controller's own, else its site's, else the default one.
/// What cannot be read is left out: the limits then show when they are met.
pub(crate) async fn read(connection: &Connection, root: &Root) -> Read {
    let object = async |name: &str, attributes: &[&str]| -> Option<Entry> {
        connection.read(&Search::object(name, attributes)).await.ok()?.into_iter().next()
    };
    if root.service.is_empty() || root.configuration.is_empty() {
        return Read::default();
    }
    let settings = object(&root.service, &["queryPolicyObject", "msDS-isRODC"]).await;
    let read_only = settings.as_ref().and_then(|entry| entry.text("msds-isrodc")) == Some("TRUE");
    let policy = |entry: Option<&Entry>| entry.and_then(|entry| entry.text("querypolicyobject")).map(str::to_owned);
    let named = match policy(settings.as_ref()) {
        Some(own) => own,
        None => {
            // CN=NTDS Settings,CN=host,CN=Servers,CN=site,…
            let site = dn::parent(dn::parent(dn::parent(&root.service)));
            let site = object(&format!("CN=NTDS Site Settings,{site}"), &["queryPolicyObject"]).await;
            policy(site.as_ref()).unwrap_or_else(|| {
                format!(
                    "CN=Default Query Policy,CN=Query-Policies,CN=Directory Service,CN=Windows NT,CN=Services,{}",
                    root.configuration
                )
            })
        }
    };
    let limits = object(&named, &["lDAPAdminLimits"]).await;
    Read { limits: limits.map(|entry| ServerLimits::of(entry.texts("ldapadminlimits"))).unwrap_or_default(), read_only }
}

impl ServerLimits {
    /// From lines of the form `MaxPageSize=1000`; 0 and what is no number count as not said.
    fn of<'a>(lines: impl Iterator<Item = &'a str>) -> Self {
        let mut limits = Self::default();
        for (name, value) in lines.filter_map(|line| line.split_once('=')) {
            let Some(value) = value.trim().parse::<u32>().ok().filter(|value| *value > 0) else { continue };
            match name.trim().to_ascii_lowercase().as_str() {
                "maxpagesize" => limits.page = Some(value),
                "maxvalrange" => limits.values = Some(value),
                "maxconnidletime" => limits.idle = Some(Duration::from_secs(value.into())),
                _ => {}
            }
        }
        limits
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn the_policy_is_read_as_it_is_written() {
        let lines =
            ["MaxPageSize=1000", "maxvalrange = 1500", "MaxConnIdleTime=900", "MaxPageSize=x", "MaxPoolThreads"];
        let limits = ServerLimits::of(lines.into_iter());
        assert_eq!((limits.page, limits.values, limits.idle), (Some(1000), Some(1500), Some(Duration::from_secs(900))));
        assert_eq!(ServerLimits::of(["MaxPageSize=0"].into_iter()).page, None);
    }

    proptest! {
        #[test]
        fn any_line_is_a_limit_or_not(line in "\\PC{0,40}") {
            let _ = ServerLimits::of([line.as_str()].into_iter());
        }
    }
}
