//! Opening what was sealed.

use std::collections::VecDeque;
use std::fmt;
use std::fs::File;
use std::io::{BufReader, Seek, SeekFrom};
use std::path::{Path, PathBuf};

use super::envelope;
use super::index::{Fingerprint, Place, Reference};
use super::line::{Lines, Read, damaged};
use super::{OPEN, REOPEN};
use crate::error::{Error, ErrorKind, Result};
use crate::reset::Secret;
use crate::vault::{Identity, SealedRef, Sealing};

/// Opens every password of a vault, in the order sealed, for the people who hand them out. It can
/// run while the vault is in use; a line that is being written then is left out.
///
/// ```
/// use identity_core::vault::{Identity, unseal};
///
/// fn hand_out(path: &str, key_file: &str) -> identity_core::error::Result<()> {
///     for opened in unseal(path, Identity::read_file(key_file)?)? {
///         let (_, sealing) = opened?;
///         println!("{} {}", sealing.name, sealing.password.expose());
///     }
///     Ok(())
/// }
/// # assert!(hand_out("nowhere", "nowhere").is_err());
/// ```
///
/// # Errors
/// When the file cannot be opened. From the iterator: when a line is damaged or sealed to other
/// keys; other lines may still open, so it goes on after keys that do not fit and ends after
/// damage.
pub fn unseal(path: impl AsRef<Path>, identities: Vec<Identity>) -> Result<Unsealed> {
    let path = path.as_ref().to_owned();
    let file = File::open(&path).map_err(|error| unreadable(error, &path))?;
    Ok(Unsealed {
        lines: Lines::after(0, BufReader::new(file)),
        path,
        identities,
        ready: VecDeque::new(),
        ended: false,
    })
}

/// The opened passwords of a vault, with their references: see [`unseal`].
pub struct Unsealed {
    path: PathBuf,
    lines: Lines<BufReader<File>>,
    identities: Vec<Identity>,
    ready: VecDeque<(SealedRef, Sealing)>,
    ended: bool,
}

impl Iterator for Unsealed {
    type Item = Result<(SealedRef, Sealing)>;

    fn next(&mut self) -> Option<Self::Item> {
        loop {
            if let Some(opened) = self.ready.pop_front() {
                return Some(Ok(opened));
            }
            if self.ended {
                return None;
            }
            match self.lines.next(&self.path) {
                Ok(Read::Line(line, _)) => match envelope::open(&line.entries, &line.sealed, &self.identities) {
                    Ok(opened) => {
                        let (line, fingerprint) = (line.line, Fingerprint::of(&line.sealed));
                        let reference = |place| Reference { place: Place { line, place }, fingerprint }.to_ref();
                        self.ready.extend(opened.into_iter().zip(0..).map(|(one, place)| (reference(place), one)));
                    }
                    Err(error) => return Some(Err(name_line(&error, line.line, &self.path))),
                },
                Ok(Read::Torn(_) | Read::End) => self.ended = true,
                Err(error) => {
                    self.ended = true;
                    return Some(Err(error));
                }
            }
        }
    }
}

impl fmt::Debug for Unsealed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Unsealed").field("path", &self.path).finish_non_exhaustive()
    }
}

/// Opens one password; `None` where the line has no such place.
pub(super) fn one(path: &Path, offset: u64, reference: Reference, identities: &[Identity]) -> Result<Option<Secret>> {
    let place = reference.place;
    let mut file = File::open(path).map_err(|error| unreadable(error, path))?;
    file.seek(SeekFrom::Start(offset)).map_err(|error| unreadable(error, path))?;
    match Lines::after(place.line.saturating_sub(1), BufReader::new(file)).next(path)? {
        Read::Line(line, _) => {
            if Fingerprint::of(&line.sealed) != reference.fingerprint {
                return Err(changed(path, line.line));
            }
            let opened = envelope::open(&line.entries, &line.sealed, identities)
                .map_err(|error| name_line(&error, line.line, path))?;
            let wanted = usize::try_from(place.place).unwrap_or(usize::MAX);
            Ok(opened.into_iter().nth(wanted).map(|sealing| sealing.password))
        }
        Read::Torn(_) | Read::End => Err(damaged(path, place.line, "is cut off")),
    }
}

/// What a reference names is not there any more, but something else.
pub(super) fn changed(path: &Path, line: u32) -> Error {
    Error::new(ErrorKind::Vault, REOPEN)
        .with_detail(format!("line {line} of {} is not what was sealed by this run", path.display()))
        .with_advice("somebody replaced it: keep a copy as evidence, and restore the file from a backup")
}

fn name_line(error: &Error, line: u32, path: &Path) -> Error {
    Error::new(ErrorKind::Vault, REOPEN)
        .with_detail(format!("line {line} of {}: {}", path.display(), error.detail()))
        .with_advice(error.advice().unwrap_or("keep a copy, and restore the file from a backup or a second machine"))
}

fn unreadable(error: std::io::Error, path: &Path) -> Error {
    Error::new(ErrorKind::Vault, OPEN)
        .with_detail(format!("{} cannot be read: {error}", path.display()))
        .with_advice("name the vault file in the run's folder")
        .with_source(error)
}
