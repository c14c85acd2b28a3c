//! From a user of Okta to an account.
