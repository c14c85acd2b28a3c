//! Accounts made or changed since a mark.
