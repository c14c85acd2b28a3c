//! The one way to write the page: markup comes from literals of this crate, everything else is
//! escaped.
//!
//! [`Markup::raw`] takes `&'static str` only, so that no text of a directory can come in as markup;
//! whatever is computed goes through [`Markup::text`] and its kin.

use std::fmt::{self, Write as _};

use jiff::Timestamp;

/// Characters of a name from outside that are shown.
const NAME: usize = 160;

/// Characters of a sentence, which may have such a name in it, that are shown.
const SENTENCE: usize = 600;

/// HTML in the making.
#[derive(Debug, Default)]
pub(super) struct Markup(String);

impl Markup {
    /// Markup of our own, as it is.
    pub(super) fn raw(&mut self, markup: &'static str) -> &mut Self {
        self.0.push_str(markup);
        self
    }

    /// Words of our own, numbers among them.
    pub(super) fn text(&mut self, text: impl fmt::Display) -> &mut Self {
        // Writing to a `String` cannot fail.
        let _ = write!(Escaped(&mut self.0), "{text}");
        self
    }

    /// A name from outside: kept apart from the direction of the text around it, shortened, with
    /// what cannot be seen made visible.
    pub(super) fn foreign(&mut self, name: &str) -> &mut Self {
        self.shortened(name, NAME)
    }

    /// A sentence that may hold names from outside, as [`foreign`](Self::foreign).
    pub(super) fn told(&mut self, sentence: &str) -> &mut Self {
        self.shortened(sentence, SENTENCE)
    }

    fn shortened(&mut self, text: &str, most: usize) -> &mut Self {
        let all = text.chars().count();
        self.raw("<bdi>");
        if all > most {
            let shown: String = text.chars().take(most).collect();
            self.text(shown).text(format_args!("… ({} characters)", number(all as u64)));
        } else {
            self.text(text);
        }
        self.raw("</bdi>")
    }

    /// A count, its thousands apart.
    pub(super) fn count(&mut self, count: u64) -> &mut Self {
        self.text(number(count))
    }

    /// A moment, in UTC.
    pub(super) fn time(&mut self, at: Timestamp) -> &mut Self {
        self.raw("<time datetime=\"").text(at).raw("\">").text(moment(at)).raw("</time>")
    }

    /// A cell with a count.
    pub(super) fn counted(&mut self, count: u64) -> &mut Self {
        self.raw("<td class=\"n\">").count(count).raw("</td>")
    }

    /// A style sheet. It is made of our own and of [`quoted`](super::style::quoted) text only.
    pub(super) fn style(&mut self, sheet: &str) -> &mut Self {
        self.raw("<style>");
        self.0.push_str(sheet);
        self.raw("</style>\n")
    }

    /// The page.
    pub(super) fn into_string(self) -> String {
        self.0
    }
}

/// Escapes what is written through it, for text and for quoted attributes.
struct Escaped<'a>(&'a mut String);

impl fmt::Write for Escaped<'_> {
    fn write_str(&mut self, text: &str) -> fmt::Result {
        for c in text.chars() {
            match c {
                '&' => self.0.push_str("&amp;"),
                '<' => self.0.push_str("&lt;"),
                '>' => self.0.push_str("&gt;"),
                '"' => self.0.push_str("&quot;"),
                '\'' => self.0.push_str("&#39;"),
                // A name on several lines is one that somebody made so.
                '\n' | '\r' | '\t' => self.0.push(' '),
                _ if is_unseen(c) => write!(self.0, "[U+{:04X}]", u32::from(c))?,
                _ => self.0.push(c),
            }
        }
        Ok(())
    }
}

/// Control characters, those that change the direction of text, and those that have no width: a
/// name with one of them looks like another name.
fn is_unseen(c: char) -> bool {
    c.is_control()
        || matches!(
            c,
            '\u{ad}'
                | '\u{61c}'
                | '\u{180e}'
                | '\u{200b}'..='\u{200f}'
                | '\u{2028}'..='\u{202e}'
                | '\u{2060}'..='\u{206f}'
                | '\u{feff}'
                | '\u{fff9}'..='\u{fffb}'
                | '\u{fffe}'
                | '\u{ffff}'
                | '\u{e0000}'..='\u{e007f}'
        )
}

/// A count, its thousands apart.
pub(super) fn number(count: u64) -> String {
    let digits = count.to_string();
    let mut apart = String::new();
    for (at, digit) in digits.chars().enumerate() {
        if at > 0 && (digits.len() - at).is_multiple_of(3) {
            apart.push(',');
        }
        apart.push(digit);
    }
    apart
}

/// A moment to the second, with its offset.
pub(super) fn moment(at: Timestamp) -> String {
    at.strftime("%Y-%m-%d %H:%M:%S +00:00").to_string()
}

/// A duration in words: the two greatest of its units.
pub(in crate::report) fn lasted(seconds: f64) -> String {
    if seconds < 1.0 {
        return "under a second".to_owned();
    }
    let whole = seconds.round() as u64;
    let units = [(86_400, "day"), (3_600, "hour"), (60, "minute"), (1, "second")];
    let mut rest = whole;
    let mut words = Vec::new();
    for (size, unit) in units {
        let many = rest / size;
        rest %= size;
        if many > 0 {
            words.push(format!("{many} {unit}{}", if many == 1 { "" } else { "s" }));
        } else if !words.is_empty() {
            break;
        }
        if words.len() == 2 {
            break;
        }
    }
    words.join(" ")
}

/// So many accounts.
pub(super) fn accounts(count: u64) -> String {
    format!("{} account{}", number(count), if count == 1 { "" } else { "s" })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shown(text: &str) -> String {
        let mut html = Markup::default();
        html.foreign(text);
        html.into_string()
    }

    #[test]
    fn nothing_from_outside_is_markup() {
        assert_eq!(
            shown("<script>alert(\"1\")</script>&'"),
            "<bdi>&lt;script&gt;alert(&quot;1&quot;)&lt;/script&gt;&amp;&#39;</bdi>"
        );
    }

    #[test]
    fn what_cannot_be_seen_is_shown() {
        assert_eq!(shown("a\u{202e}gpj.exe\u{0}\nb"), "<bdi>a[U+202E]gpj.exe[U+0000] b</bdi>");
        assert_eq!(shown("ada\u{200b}"), "<bdi>ada[U+200B]</bdi>");
        assert_eq!(shown("Zoë Ñandú 中文 שלום"), "<bdi>Zoë Ñandú 中文 שלום</bdi>");
    }

    #[test]
    fn a_long_name_is_shortened_and_its_length_is_said() {
        let long = shown(&"<".repeat(10_000));
        assert_eq!(long, format!("<bdi>{}… (10,000 characters)</bdi>", "&lt;".repeat(160)));
    }

    #[test]
    fn durations_are_words() {
        let cases = [
            (0.2, "under a second"),
            (1.0, "1 second"),
            (61.0, "1 minute 1 second"),
            (3_600.0, "1 hour"),
            (3_605.0, "1 hour"),
            (93_780.0, "1 day 2 hours"),
        ];
        for (seconds, words) in cases {
            assert_eq!(lasted(seconds), words);
        }
        assert_eq!((number(999), number(1_000), number(1_234_567)), ("999".into(), "1,000".into(), "1,234,567".into()));
    }
}
