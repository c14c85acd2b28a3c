//! What the System Log says that happened.
