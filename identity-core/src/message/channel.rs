//! What carries messages.

use std::fmt;

use async_trait::async_trait;

use crate::error::Result;

/// Carries messages one way. [`Files`](super::Files) writes them for printing and for a mail merge; with
/// the feature `messages` there is mail.
#[async_trait]
pub trait Channel: fmt::Debug + Send + Sync + 'static {
    /// Its name, as `messages.toml` has it.
    fn name(&self) -> &str;

    /// Whether a message that may have been sent can be sent again without being told twice: the channel
    /// itself sees that it has it.
    fn repeats_safely(&self) -> bool;

    /// Sends, once. Says what the server said.
    ///
    /// # Errors
    /// [`Status::Unknown`](crate::error::Status::Unknown) when the message may have been accepted;
    /// [`Status::Temporary`](crate::error::Status::Temporary) when it was not and may be later;
    /// [`Status::Permanent`](crate::error::Status::Permanent) when it never will.
    /// [`ErrorKind::Unauthenticated`](crate::error::ErrorKind::Unauthenticated) and
    /// [`ErrorKind::ConfigInvalid`](crate::error::ErrorKind::ConfigInvalid) end the whole mailing.
    async fn send(&self, message: &Message) -> Result<String>;
}

/// A message on its way to one person.
#[derive(Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Message {
    /// Its id, the same in every attempt: what holds two copies together.
    pub id: String,
    /// The person's id.
    pub person: String,
    /// The person's name.
    pub name: String,
    /// The address; empty where the channel takes none.
    pub address: String,
    /// The language.
    pub language: String,
    /// The subject, one line.
    pub subject: String,
    /// The text.
    pub text: String,
    /// The same as HTML.
    pub html: Option<String>,
}

impl fmt::Debug for Message {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Message").field("id", &self.id).field("person", &self.person).finish_non_exhaustive()
    }
}
