//! For tests that no secret shows: what was logged, and the shapes that a secret can have in it.

use std::io::{self, Write};
use std::sync::{Arc, Mutex, PoisonError};

use base64::Engine as _;

/// Keeps everything that is written to it; its copies write to the same.
#[derive(Clone, Debug, Default)]
pub struct Log(Arc<Mutex<Vec<u8>>>);

impl Log {
    /// What was written so far.
    #[must_use]
    pub fn text(&self) -> String {
        String::from_utf8_lossy(&self.0.lock().unwrap_or_else(PoisonError::into_inner)).into_owned()
    }
}

impl Write for Log {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// A secret as it is, as a form has it, and as a header has it (base64).
#[must_use]
pub fn shapes(secret: &str) -> [String; 3] {
    let in_form = secret.bytes().map(|byte| match byte {
        b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'-' | b'.' | b'_' => char::from(byte).to_string(),
        byte => format!("%{byte:02X}"),
    });
    [secret.to_owned(), in_form.collect(), base64::engine::general_purpose::STANDARD.encode(secret)]
}

/// Fails where a secret shows in any of its shapes; says where, and not what.
///
/// # Panics
/// When a secret shows.
pub fn assert_hidden(secrets: &[String], shown: &[(&str, &str)]) {
    for shape in secrets.iter().flat_map(|secret| shapes(secret)) {
        for (what, text) in shown {
            let line = text.lines().position(|line| line.contains(&shape));
            assert!(line.is_none(), "{what} shows a secret in line {line:?}");
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    #[should_panic(expected = "the log shows a secret in line Some(1)")]
    fn a_secret_is_found_in_any_shape() {
        let mut log = Log::default();
        log.clone().write_all(b"fine\nAuthorization: Basic YSZi\n").unwrap();
        log.flush().unwrap();
        assert_hidden(&["c".to_owned(), "a&b".to_owned()], &[("an outcome", "none"), ("the log", &log.text())]);
    }
}
