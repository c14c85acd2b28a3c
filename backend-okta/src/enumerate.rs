//! Listing accounts: everybody, a group, a native search.
