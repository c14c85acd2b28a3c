//! The style sheet, with the mark of every printed sheet in it, and what the page may load: nothing.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use sha2::{Digest, Sha256};

use super::super::summary::Summary;

const SHEET: &str = include_str!("style.css");

/// The style sheet of this report: the mark, the run and the number of the page are on each sheet.
pub(super) fn sheet(summary: &Summary) -> String {
    let mark = quoted(summary.mark.as_deref().unwrap_or_default());
    let foot = quoted(&format!("plan {}", summary.plan_digest));
    format!("{SHEET}@page{{@top-center{{content:{mark}}}@bottom-left{{content:{foot}}}}}\n")
}

/// The policy that forbids the page everything but this style sheet.
pub(super) fn policy(sheet: &str) -> String {
    let digest = STANDARD.encode(Sha256::digest(sheet.as_bytes()));
    format!("default-src 'none'; style-src 'sha256-{digest}'; base-uri 'none'; form-action 'none'")
}

/// A text as a CSS string. Every character that could end the string, or the style element, is
/// written by its number.
pub(super) fn quoted(text: &str) -> String {
    let each = text.chars().map(|c| match c {
        'a'..='z' | 'A'..='Z' | '0'..='9' | ' ' | ':' | '-' => c.to_string(),
        '\0' => String::new(),
        _ => format!("\\{:x} ", u32::from(c)),
    });
    format!("\"{}\"", each.collect::<String>())
}

#[cfg(test)]
mod tests {
    #[test]
    fn no_mark_ends_the_style_sheet() {
        assert_eq!(super::quoted("REHEARSAL 1"), "\"REHEARSAL 1\"");
        assert_eq!(super::quoted("\"}</style>\n"), "\"\\22 \\7d \\3c \\2f style\\3e \\a \"");
    }
}
