//! Reading single accounts as they are now.
