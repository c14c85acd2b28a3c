//! The HTTP layer over sockets of this machine, and over a transport in the process.

mod attempts;
mod grant;
mod keys;
mod network;
mod reads;
mod secrets;
mod support;
mod tls;
mod tokens;
