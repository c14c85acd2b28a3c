//! Persons: the accounts of one person, joined across directories.
//!
//! An account is a row of one directory; a person has accounts in several. They are joined by
//! [`Anchor`]s: hard ones first, which name one object (the immutable id, the Windows security
//! identifier), then the soft ones that an organisation chose (principal name, mail, an attribute
//! such as an employee number), one after another in their order.
//!
//! # What always holds
//! - Accounts of one directory are never joined: a person has at most one account in each.
//! - Nothing is guessed. A value that several accounts of one directory carry names none of them;
//!   accounts whose hard anchors name different objects stand apart; a soft match that fits several
//!   accounts of one directory joins nobody. Each of these is a [`Conflict`], and is listed.
//! - The order in which accounts come changes nothing; the same accounts give the same persons, with
//!   the same [`PersonId`]s.
//! - Accounts wait in a temporary database; in memory are nine bytes of each at the most.
//!
//! # The rules, in full
//! 1. *Hard anchors.* Where a value is on several accounts of one directory, these accounts are out:
//!    they are joined with nobody, by no anchor. The accounts of other directories that carry the
//!    value, one in each, are joined.
//! 2. What is joined so far is looked at as a whole. Where it holds two accounts of one directory, or
//!    two different values of one hard anchor, the anchors contradict each other: all of it is
//!    out.
//! 3. *Each soft anchor in turn.* A value that is on several accounts of one directory joins nobody.
//!    Any other joins the persons (as they stand by then) of the accounts that carry it, without those
//!    that are out.
//! 4. What a soft anchor would join is looked at as a whole, too. Where it holds two accounts of one
//!    directory, or an account whose hard anchor points to another object than the one in its own
//!    directory that it would be joined with, this anchor joins none of it. The next one may.

mod anchor;
mod conflict;
mod forest;
mod id;
mod joiner;
mod persons;
mod record;
#[cfg(test)]
mod tests;

pub use anchor::{Anchor, InvalidAnchor, Joining};
pub use conflict::{Conflict, ConflictKind, Member};
pub use id::{InvalidPersonId, PersonId};
pub use joiner::Joiner;
pub use persons::{Membership, PersonCounts, Persons, Place};
