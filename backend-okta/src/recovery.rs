//! Recovery enrolments, and where recovery cannot work.
