//! Messages to people: what happens to their accounts, why, what to do, by when, and whom to ask.
//!
//! Templates are text that an organisation writes ahead, one for each occasion, language, and where it
//! matters for an audience, a channel, or whether people can come back alone. A [`Mailing`] tells
//! everybody in a plan, over the first channel that reaches them, paced and journalled as resets are.
//!
//! # What always holds
//! - **Nobody is told twice.** A person with accounts in three directories is one [`Addressee`]. What is
//!   intended is in the journal before a byte leaves; a message without an answer (a connection that broke
//!   after its last byte, a process that was killed) may have arrived and is not sent again unless
//!   [somebody says so](Mailing::release). What is told twice is worse than what is told late: people who
//!   get the same message again take one of the two for phishing, and call the desk.
//! - **Nobody is forgotten.** Whoever could not be told is in a list, with the reason.
//! - **Never by what is compromised.** A channel says which directories it depends on, and a mailbox
//!   domain which ones are in front of it; an incident says which are compromised.
//! - **No password.** None is within the reach of a template, and nothing of the vault is read here.
//! - **Wrong templates are found before the first message**: every message is made once before any is sent.

mod addressee;
mod channel;
mod fault;
mod files;
mod mailing;
mod name;
mod occasion;
mod roster;
mod settings;
#[cfg(feature = "messages")]
mod smtp;
mod templates;

pub use addressee::{Address, AddressedAccount, Addressee};
pub use channel::{Channel, Message};
pub use fault::Fault;
pub use files::Files;
pub use mailing::{Mailing, MailingEnd};
pub use occasion::{InvalidWord, Occasion, Readiness};
pub use roster::{Gathering, Roster};
#[cfg(feature = "messages")]
pub use smtp::Smtp;
pub use templates::{Rendered, Templates};
