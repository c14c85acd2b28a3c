//! What an organisation decides ahead: playbooks in TOML, and the triggers that choose and
//! parameterise them.
//!
//! ```
//! use std::path::Path;
//!
//! use identity_core::account::DirectoryId;
//! use identity_core::directory::DirectoryInfo;
//! use identity_core::playbook::{Arguments, Playbook};
//!
//! let playbook = Playbook::parse(Path::new("phished.toml"), r#"
//!     format = 1
//!     name = "phished"
//!     triggers = ["population_phished"]
//!     [parameter.group]
//!     type = "text"
//!     [[scope]]
//!     directory = "corp"
//!     group = "${group}"
//!     [population]
//!     workforce = { actions = ["set_password_must_change", "revoke_sessions"] }
//!     privileged = { actions = ["set_password_must_change", "revoke_sessions"] }
//!     dormant = { actions = ["set_password"] }
//!     mailbox = { leave_out = "nobody signs in with them" }
//!     guest = { leave_out = "their own organisation resets them" }
//!     service = { procedure = "with the owner", owner = "platform team" }
//!     [[approval]]
//!     waves = ["privileged", "privileged_elsewhere"]
//!     persons = 2
//!     [messages]
//!     folder = "messages"
//!     [[contact]]
//!     for = "service desk"
//!     name = "duty lead"
//!     reach = "the printed list"
//! "#)?;
//! let arguments = Arguments::default().with("group", "CN=Sales,DC=example,DC=test");
//! let directories = [DirectoryInfo::new(DirectoryId::new("corp").unwrap(), "ldap", "example.test")];
//! let spec = playbook.order(&arguments, &directories)?;
//! spec.validate()?;
//! assert_eq!(spec.origin.map(|origin| origin.playbook).as_deref(), Some("phished"));
//! # Ok::<(), identity_core::error::Error>(())
//! ```
//!
//! A playbook and its arguments make a [`PlanSpec`](crate::plan::PlanSpec), always the same one.
//! What a playbook asks for and the library cannot do is an error with file, line and key; nothing
//! in a playbook is passed over in silence. The plan names the playbook and its digest.

mod arguments;
pub(crate) mod fault;
mod file;
mod order;
mod parameter;
mod populations;
pub(crate) mod reader;
mod scope;
mod settings;
mod shelf;
#[cfg(test)]
mod tests;
mod trigger;

pub use arguments::Arguments;
pub use fault::Fault;
pub use file::Playbook;
pub use parameter::{Parameter, ParameterKind};
pub(crate) use reader::{Fields, Node, Reader, is_plain, is_word};
pub use shelf::Shelf;
pub use trigger::{TRIGGERS, Trigger};
