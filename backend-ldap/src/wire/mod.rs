//! The wire: TLS, connections, the pool of them, entries, and what result codes mean. The only room
//! that knows the client library.

mod ahead;
pub(crate) mod answer;
mod connection;
pub(crate) mod entry;
mod fault;
#[cfg(feature = "gssapi")]
mod kerberos;
mod password_policy;
mod pool;
mod request;
mod shared;
mod tls;

pub(crate) use ahead::ahead;
pub(crate) use connection::{Connection, Page};
pub(crate) use fault::Fault;
#[cfg(any(test, feature = "decoders"))]
pub(crate) use password_policy::policy_error;
pub(crate) use password_policy::{ASSERTION, PASSWORD_MODIFY, PASSWORD_POLICY, Reply};
pub(crate) use pool::Pool;
pub(crate) use request::{Change, Search, Within};
pub(crate) use shared::Shared;
