//! What a response says about pace.

use std::time::Duration;

use http::{HeaderMap, StatusCode, header};
use jiff::Timestamp;
use jiff::civil::DateTime;
use jiff::tz::TimeZone;

use crate::limits::{Feedback, OperationClass, Signal, WindowHint, clock};

/// What a response says about pace.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Pace {
    /// Served, strained, refused for pace, refused for load.
    pub signal: Signal,
    /// How long the server asked us to wait.
    pub retry_after: Option<Duration>,
    /// What it says of its window.
    pub window: Option<WindowHint>,
}

impl Pace {
    /// A signal and nothing more.
    #[must_use]
    pub fn new(signal: Signal) -> Self {
        Self { signal, retry_after: None, window: None }
    }

    /// What status and Retry-After say: 429 is throttled; 408, 502, 503 and 504 are
    /// busy.
    #[must_use]
    pub fn of(status: StatusCode, headers: &HeaderMap) -> Self {
        let signal = match status.as_u16() {
            429 => Signal::Throttled,
            408 | 502 | 503 | 504 => Signal::Busy,
            _ => Signal::Ok,
        };
        Self { signal, retry_after: retry_after(headers), window: None }
    }

    /// Adds what the server says of its window.
    #[must_use]
    pub fn with_window(mut self, window: WindowHint) -> Self {
        self.window = Some(window);
        self
    }

    /// Adds how long the server asked us to wait.
    #[must_use]
    pub fn with_retry_after(mut self, wait: Duration) -> Self {
        self.retry_after = Some(wait);
        self
    }

    /// What the governor is told of it.
    pub(super) fn feedback(&self, class: OperationClass) -> Feedback {
        let mut feedback = Feedback::new(class, self.signal);
        feedback.retry_after = self.retry_after;
        feedback.window = self.window;
        feedback
    }
}

/// How long `Retry-After` asks us to wait: seconds, or a date by the server's own clock (its
/// `Date`). Of several the longest; `None` when there is none that can be read.
///
/// ```
/// use http::{HeaderMap, HeaderValue, header};
/// use identity_core::http::retry_after;
/// use std::time::Duration;
///
/// // The server's clock is years behind, and that does not matter.
/// let mut headers = HeaderMap::new();
/// headers.insert(header::DATE, HeaderValue::from_static("Sun, 06 Nov 1994 08:49:37 GMT"));
/// headers.insert(header::RETRY_AFTER, HeaderValue::from_static("Sun, 06 Nov 1994 08:50:07 GMT"));
/// assert_eq!(retry_after(&headers), Some(Duration::from_secs(30)));
/// ```
#[must_use]
pub fn retry_after(headers: &HeaderMap) -> Option<Duration> {
    headers.get_all(header::RETRY_AFTER).iter().filter_map(|value| wait_of(value.to_str().ok()?, headers)).max()
}

/// What the server's clock says: its `Date`.
#[must_use]
pub fn server_date(headers: &HeaderMap) -> Option<Timestamp> {
    http_date(headers.get(header::DATE)?.to_str().ok()?)
}

fn wait_of(text: &str, headers: &HeaderMap) -> Option<Duration> {
    let text = text.trim();
    if !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit()) {
        // More digits than fit mean longer than anybody waits.
        return Some(Duration::from_secs(text.parse().unwrap_or(u32::MAX).into()));
    }
    let then = http_date(text)?;
    let now = server_date(headers).unwrap_or_else(clock::now);
    // A date that is past asks for no wait.
    Some(Duration::try_from(then.duration_since(now)).unwrap_or_default())
}

/// The three forms of RFC 9110, section 5.6.7; the first is the one in use.
fn http_date(text: &str) -> Option<Timestamp> {
    const FORMS: [&str; 3] = ["%a, %d %b %Y %H:%M:%S GMT", "%A, %d-%b-%y %H:%M:%S GMT", "%a %b %e %H:%M:%S %Y"];
    let date = FORMS.iter().find_map(|form| DateTime::strptime(form, text).ok())?;
    TimeZone::UTC.to_timestamp(date).ok()
}

#[cfg(test)]
mod tests {
    use super::*;
    use http::HeaderValue;

    fn asked(retry_after: &[&'static str], date: Option<&'static str>) -> Option<Duration> {
        let mut headers = HeaderMap::new();
        for value in retry_after {
            headers.append(header::RETRY_AFTER, HeaderValue::from_static(value));
        }
        if let Some(date) = date {
            headers.insert(header::DATE, HeaderValue::from_static(date));
        }
        super::retry_after(&headers)
    }

    #[test]
    fn seconds_and_dates_are_read() {
        let now = Some("Sun, 06 Nov 1994 08:49:37 GMT");
        let seconds = |number| Some(Duration::from_secs(number));
        for (text, date, expected) in [
            ("0", None, seconds(0)),
            ("120", None, seconds(120)),
            (" 7 ", now, seconds(7)),
            ("99999999999999999999", None, seconds(u32::MAX.into())),
            ("Sun, 06 Nov 1994 08:50:07 GMT", now, seconds(30)),
            ("Sunday, 06-Nov-94 08:50:07 GMT", now, seconds(30)),
            ("Sun Nov  6 08:50:07 1994", now, seconds(30)),
            ("Sun, 06 Nov 1994 08:49:30 GMT", now, seconds(0)),
            ("Sun, 06 Nov 1994 08:50:07 GMT", None, seconds(0)),
            ("soon", None, None),
            ("-5", None, None),
            ("1.5", None, None),
            ("", None, None),
        ] {
            assert_eq!(asked(&[text], date), expected, "{text} at {date:?}");
        }
        assert_eq!(asked(&[], None), None);
        assert_eq!(asked(&["5", "soon", "9"], None), seconds(9));
    }

    #[test]
    fn a_date_is_by_the_servers_clock_however_wrong_that_is() {
        // A century ahead of ours.
        let date = "Tue, 01 Jan 2126 00:00:00 GMT";
        let shown = server_date(&HeaderMap::from_iter([(header::DATE, HeaderValue::from_static(date))]));
        assert_eq!(shown, Some("2126-01-01T00:00:00Z".parse().unwrap()), "the test's own date is right");
        assert_eq!(asked(&["Tue, 01 Jan 2126 00:01:30 GMT"], Some(date)), Some(Duration::from_secs(90)));
    }

    #[test]
    fn only_refusals_for_pace_and_load_slow_us() {
        for (code, signal) in [
            (200, Signal::Ok),
            (403, Signal::Ok),
            (408, Signal::Busy),
            (429, Signal::Throttled),
            (500, Signal::Ok),
            (502, Signal::Busy),
            (503, Signal::Busy),
            (504, Signal::Busy),
        ] {
            let status = StatusCode::from_u16(code).unwrap();
            assert_eq!(Pace::of(status, &HeaderMap::new()), Pace::new(signal), "{code}");
        }
    }
}
