//! Generated passwords: the policy they satisfy and the generator.
