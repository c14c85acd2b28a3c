//! Who is privileged, and why.
