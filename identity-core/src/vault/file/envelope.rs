//! The sealed part of a line: one age message that holds a JSON line per password.

use std::borrow::Cow;
use std::io::{Read, Write};

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde::{Deserialize, Serialize};
use zeroize::Zeroizing;

use super::line::Header;
use super::{REOPEN, SEAL};
use crate::account::{AccountId, DirectoryId};
use crate::error::{Error, ErrorKind, Result};
use crate::reset::{Secret, SecretKind};
use crate::vault::{Identity, Recipient, Sealing};

/// Every age message begins so.
const MAGIC: &[u8] = b"age-encryption.org/v1\n";

/// A line without its number.
pub(super) struct Envelope {
    pub(super) entries: Vec<Header>,
    pub(super) sealed: String,
}

/// What is sealed of one password. The account is in it too: the clear part of a line is for
/// finding, and whoever opens the message need not trust it.
#[derive(Serialize, Deserialize)]
struct Content<'a> {
    entry: u64,
    directory: Cow<'a, DirectoryId>,
    account: Cow<'a, AccountId>,
    name: Cow<'a, str>,
    #[serde(default, skip_serializing_if = "SecretKind::is_password")]
    kind: SecretKind,
    #[serde(borrow)]
    password: Cow<'a, str>,
}

pub(super) fn close(passwords: &[Sealing], recipients: &[Recipient]) -> Result<Envelope> {
    let fault = |error: Box<dyn std::error::Error + Send + Sync>| {
        Error::new(ErrorKind::Vault, SEAL).with_detail("the passwords cannot be encrypted").with_source(error)
    };
    let keys = recipients.iter().map(|recipient| &recipient.0 as &dyn age::Recipient);
    let encryptor = age::Encryptor::with_recipients(keys).map_err(|error| fault(error.into()))?;
    let mut message = Vec::new();
    let write = || -> std::io::Result<()> {
        let mut writer = encryptor.wrap_output(&mut message)?;
        for sealing in passwords {
            let content = Content {
                entry: sealing.entry,
                directory: Cow::Borrowed(&sealing.directory),
                account: Cow::Borrowed(&sealing.account),
                name: Cow::Borrowed(&sealing.name),
                kind: sealing.kind,
                password: Cow::Borrowed(sealing.password.expose()),
            };
            // Straight into the cipher: no clear text is gathered on the way.
            serde_json::to_writer(&mut writer, &content)?;
            writer.write_all(b"\n")?;
        }
        writer.finish()?;
        Ok(())
    };
    write().map_err(|error| fault(error.into()))?;
    let header = |sealing: &Sealing| Header {
        entry: sealing.entry,
        directory: sealing.directory.clone(),
        account: sealing.account.clone(),
        name: sealing.name.clone(),
        kind: sealing.kind,
    };
    Ok(Envelope { entries: passwords.iter().map(header).collect(), sealed: STANDARD.encode(message) })
}

/// The passwords of one line, in order.
pub(super) fn open(entries: &[Header], sealed: &str, identities: &[Identity]) -> Result<Vec<Sealing>> {
    let fault = |detail: &'static str| Error::new(ErrorKind::Vault, REOPEN).with_detail(detail);
    let message = STANDARD.decode(sealed).map_err(|_| fault("the message is damaged"))?;
    let keys = identities.iter().map(|identity| &identity.0 as &dyn age::Identity);
    let mut reader = age::Decryptor::new_buffered(message.as_slice())
        .and_then(|decryptor| decryptor.decrypt(keys))
        .map_err(|error| match error {
            age::DecryptError::NoMatchingKeys => fault("it was sealed to other keys than those given")
                .with_advice("give the key of a person it was sealed to"),
            error => fault("the message is damaged").with_source(error),
        })?;
    // The clear text is shorter than the message: this never grows and leaves a copy behind.
    let mut clear = Zeroizing::new(Vec::with_capacity(message.len()));
    reader.read_to_end(&mut clear).map_err(|error| fault("the message is damaged").with_source(error))?;

    let lines = clear.split(|byte| *byte == b'\n').filter(|line| !line.is_empty());
    let opened =
        lines.map(read).collect::<Option<Vec<_>>>().ok_or_else(|| fault("the message is not of this library"))?;
    let same = |(sealing, header): (&Sealing, &Header)| {
        (sealing.entry, &sealing.directory, &sealing.account, sealing.kind)
            == (header.entry, &header.directory, &header.account, header.kind)
    };
    if opened.len() != entries.len() || !opened.iter().zip(entries).all(same) {
        return Err(fault("the line names other accounts than its sealed message: it was changed"));
    }
    Ok(opened)
}

/// Whether a text looks like what [`close`] made; not whether it opens.
pub(super) fn is_envelope(sealed: &str) -> bool {
    STANDARD.decode(sealed).is_ok_and(|message| message.starts_with(MAGIC))
}

fn read(line: &[u8]) -> Option<Sealing> {
    // Serde's errors could repeat what they read.
    let content: Content<'_> = serde_json::from_slice(line).ok()?;
    let password = match content.password {
        // A copy of exactly the right length: nothing is left behind when it becomes a secret.
        Cow::Borrowed(password) => Secret::new(password.to_owned()),
        Cow::Owned(password) => Secret::new(password),
    };
    Some(Sealing {
        entry: content.entry,
        directory: content.directory.into_owned(),
        account: content.account.into_owned(),
        name: content.name.into_owned(),
        kind: content.kind,
        password,
    })
}
