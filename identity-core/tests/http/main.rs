//! The HTTP layer over sockets of this machine, and over a transport in the process.
#![expect(missing_docs, reason = "a test has nothing to offer")]

mod attempts;
mod grant;
mod keys;
mod network;
mod reads;
mod secrets;
mod support;
mod tls;
mod tokens;
