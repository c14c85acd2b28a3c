//! Signing in by Kerberos (SASL GSSAPI, RFC 4752), over TLS only.
//!
//! The client library can also encrypt with Kerberos itself on a plain connection. That is not
//! used: it takes a first bind that is answered with success for the whole exchange, and goes on
//! in clear, so that whoever stands in between could have passwords sent in clear.

use identity_core::error::{Error, ErrorKind, Result, Status};
use identity_core::limits::clock;
use ldap3::LdapError;

use super::connection::Connection;
use super::fault::{Fault, done};
use super::request::Search;

const OPERATION: &str = "sign in";

impl Connection {
    /// Signs in with the ticket of the environment, to the service that the controller says it is:
    /// its certificate vouches for the controller, and Kerberos for both sides.
    pub(super) async fn bind_kerberos(&self) -> Result<()> {
        let root = self.read(&Search::object("", &["dnsHostName"])).await;
        let root = root.map_err(|fault| fault.into_error(OPERATION, false))?;
        let Some(host) = root.first().and_then(|entry| entry.text("dnshostname")).map(str::to_owned) else {
            return Err(Error::new(ErrorKind::Unsupported, OPERATION)
                .with_detail("the controller does not tell its dnsHostName, which its Kerberos service is named after")
                .with_advice("sign in with a name and a password"));
        };
        let (mut ldap, deadline) = (self.handle(), self.deadline());
        // The Kerberos library reads files, asks the KDC and blocks meanwhile: on a thread of its own.
        let runtime = tokio::runtime::Handle::current();
        let service = host.clone();
        let signing = tokio::task::spawn_blocking(move || {
            runtime.block_on(ldap.with_timeout(deadline).sasl_gssapi_bind(&service))
        });
        let fault = match clock::within(deadline, signing).await {
            Ok(Ok(Ok(result))) => return done(&result).map_err(|fault| fault.into_error(OPERATION, false)),
            Ok(Ok(Err(LdapError::GssapiOperationError(text)))) => return Err(no_ticket(&host, &text)),
            Ok(Ok(Err(error))) => Fault::Unanswered(error.to_string()),
            // The client library panics on answers that it cannot read.
            Ok(Err(_)) => Fault::Malformed("an answer to the sign-in that cannot be read"),
            Err(_) => Fault::Unanswered(format!("no answer within {deadline:?}")),
        };
        self.retire();
        Err(fault.into_error(OPERATION, false))
    }
}

fn no_ticket(host: &str, text: &str) -> Error {
    let kdc_is_away = text.contains("Cannot contact any KDC") || text.contains("Cannot find KDC");
    let (kind, status) = if kdc_is_away {
        (ErrorKind::Transport, Status::Temporary)
    } else {
        (ErrorKind::ConfigInvalid, Status::Permanent)
    };
    Error::new(kind, OPERATION)
        .with_status(status)
        .with_detail(format!("no Kerberos ticket for ldap/{host}: {text}"))
        .with_advice(
            "get a ticket (kinit), name its cache in KRB5CCNAME, check krb5.conf and that the KDC can be reached; \
             see it with klist",
        )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_kdc_that_is_away_may_come_back_a_missing_ticket_does_not() {
        let away = no_ticket("dc1.example.test", "Cannot contact any KDC for realm 'EXAMPLE.TEST'");
        assert!(away.is_temporary() && away.detail().contains("ldap/dc1.example.test"));
        let missing = no_ticket("dc1.example.test", "No Kerberos credentials available");
        assert_eq!(missing.kind(), ErrorKind::ConfigInvalid);
        assert!(missing.advice().is_some_and(|advice| advice.contains("kinit")));
    }
}
