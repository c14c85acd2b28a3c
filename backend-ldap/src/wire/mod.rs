//! The wire: TLS, connections, the pool of them, entries, and what result codes mean. The only room
//! that knows the client library.

mod ahead;
pub(crate) mod answer;
mod connection;
pub(crate) mod entry;
#[cfg(feature = "gssapi")]
mod kerberos;
mod password_policy;
mod pool;
mod request;
mod shared;
mod tls;

pub(crate) use ahead::ahead;
pub(crate) use connection::{Connection, Fault, Page};
#[cfg(any(test, feature = "decoders"))]
pub(crate) use password_policy::policy_error;
pub(crate) use password_policy::{PASSWORD_MODIFY, PASSWORD_POLICY, Reply};
pub(crate) use pool::Pool;
pub(crate) use request::{Change, Search, Within};
pub(crate) use shared::Shared;
