//! The picture as text, for a terminal or a log.

use super::left::Short;
use super::picture::{Doing, LanePicture, Pace, Picture, WavePicture, WaveStanding};
use crate::journal::StopReason;

/// So many waves are shown: those under way, and what is nearest to them.
const WAVES: usize = 6;

impl Picture {
    /// The whole picture in lines of no more than `width` columns, without colours and control
    /// characters: about 16 lines, however many waves there are.
    #[must_use]
    pub fn text(&self, width: usize) -> Vec<String> {
        let mut lines = vec![format!("{} gone, {} left: {}", Short(self.gone()), self.left(), doing(&self.doing()))];
        lines
            .push(format!("  {:16} {:>9} {:>9} {:>7} {:>7}  {}", "wave", "accounts", "done", "failed", "open", "left"));
        let (first, shown) = self.near();
        if first > 0 {
            lines.push(format!("  … {first} before"));
        }
        lines.extend(shown.iter().map(|wave| self.wave_line(wave)));
        let after = self.waves().len() - first - shown.len();
        if after > 0 {
            lines.push(format!("  … {after} more"));
        }
        lines.push(format!("  {:16} {:>9} {:>10}  {}", "directory", "in flight", "requests/s", "used of its share"));
        lines.extend(self.lanes().iter().map(lane_line));
        for failure in self.failures().take(3) {
            let why = failure.error.as_ref().map_or("no reason is recorded", |error| error.text.as_str());
            lines.push(format!("  failed: {} ({}): {why}", failure.name, failure.directory));
        }
        lines.into_iter().map(|line| cut(&line, width)).collect()
    }

    /// The picture in one line, for a log.
    #[must_use]
    pub fn line(&self) -> String {
        let under_way: Vec<String> = self
            .waves()
            .iter()
            .filter(|wave| wave.standing == WaveStanding::UnderWay)
            .map(|wave| {
                let tally = wave.tally;
                let ended = tally.done + tally.failed + tally.open;
                let (name, accounts) = (&wave.name, wave.accounts);
                format!("{name} {ended} of {accounts} ({} failed, {} open)", tally.failed, tally.open)
            })
            .collect();
        let lanes: Vec<String> = self
            .lanes()
            .iter()
            .map(|lane| format!("{} {}/s", lane.directory, lane.per_second.map_or_else(|| "-".to_owned(), rate)))
            .collect();
        let line = [
            format!("{} gone, {} left: {}", Short(self.gone()), self.left(), doing(&self.doing())),
            under_way.join(", "),
            lanes.join(", "),
        ];
        let line = line.into_iter().filter(|part| !part.is_empty()).collect::<Vec<_>>().join("; ");
        cut(&line, usize::MAX)
    }

    /// The waves around those that are under way, and the place of the first of them.
    fn near(&self) -> (usize, &[WavePicture]) {
        let waves = self.waves();
        let current = waves.iter().position(|wave| wave.standing != WaveStanding::Finished).unwrap_or(waves.len());
        let first = current.saturating_sub(1).min(waves.len().saturating_sub(WAVES));
        (first, waves.get(first..waves.len().min(first + WAVES)).unwrap_or_default())
    }

    fn wave_line(&self, wave: &WavePicture) -> String {
        let (mark, left) = match wave.standing {
            WaveStanding::Ahead => (' ', "to come".to_owned()),
            WaveStanding::UnderWay => ('>', self.wave_left(wave).to_string()),
            WaveStanding::Finished => (' ', "finished".to_owned()),
        };
        let tally = wave.tally;
        let (name, accounts) = (&wave.name, wave.accounts);
        format!("{mark} {name:16} {accounts:>9} {:>9} {:>7} {:>7}  {left}", tally.done, tally.failed, tally.open)
    }
}

fn lane_line(lane: &LanePicture) -> String {
    let in_flight = format!("{}/{}", lane.stats.in_flight, lane.stats.ceiling);
    let requests = lane.per_second.map_or_else(|| "-".to_owned(), rate);
    let mut parts: Vec<String> = lane.paused.map(|left| format!("asked to wait {}", Short(left))).into_iter().collect();
    match lane.quotas.as_slice() {
        [] => parts.push("no quota".to_owned()),
        quotas => parts.extend(quotas.iter().filter(|pace| is_used(pace)).map(pace_text)),
    }
    if lane.stats.throttled > 0 {
        parts.push(format!("{} throttled", lane.stats.throttled));
    }
    format!("  {:16} {in_flight:>9} {requests:>10}  {}", lane.directory.as_str(), parts.join(", "))
}

/// Quotas that were not touched for a minute are of no interest on a screen.
fn is_used(pace: &Pace) -> bool {
    pace.per_second.is_some_and(|used| used > 0.0)
}

fn pace_text(pace: &Pace) -> String {
    let used = pace.per_second.unwrap_or_default();
    let part = 100.0 * used / pace.share.max(f64::MIN_POSITIVE);
    let left = pace.remaining.map(|left| format!(", {left} left")).unwrap_or_default();
    format!("{} {} of {}/s ({part:.0} %{left})", pace.quota, rate(used), rate(pace.share))
}

fn rate(per_second: f64) -> String {
    if per_second >= 100.0 { format!("{per_second:.0}") } else { format!("{per_second:.1}") }
}

fn doing(doing: &Doing) -> String {
    match doing {
        Doing::Working => "resetting".to_owned(),
        Doing::Waiting { wave, left } => format!("waiting {} before wave {wave}", Short(*left)),
        Doing::HeldBack { directory, left } => format!("{directory} asked to wait {}", Short(*left)),
        Doing::Stopping { reason } => format!("stopping: {}", stop(reason)),
    }
}

fn stop(reason: &StopReason) -> &'static str {
    match reason {
        StopReason::FailureBudget { .. } => "more failures than a wave's budget",
        StopReason::ConsecutiveRefusals { .. } => "refusals one after another",
        StopReason::StopFile { .. } => "the stop file appeared",
        StopReason::Cancelled => "asked to",
        StopReason::Fatal { .. } => "it cannot go on",
        StopReason::NotApproved { .. } => "waves are not approved",
    }
}

/// Names and messages come from directories: none of them is to steer the terminal, or to be wider than
/// it. East Asian and other wide characters take two columns.
fn cut(line: &str, width: usize) -> String {
    let columns = |c: char| if u32::from(c) >= 0x1100 { 2 } else { 1 };
    let (mut text, mut used) = (String::new(), 0_usize);
    for c in line.chars() {
        let c = if c.is_control() || ('\u{202a}'..='\u{202e}').contains(&c) || ('\u{2066}'..='\u{2069}').contains(&c) {
            ' '
        } else {
            c
        };
        used = used.saturating_add(columns(c));
        if used > width {
            break;
        }
        text.push(c);
    }
    text.truncate(text.trim_end().len());
    text
}

#[cfg(test)]
mod tests {
    use super::cut;

    #[test]
    fn no_name_steers_the_terminal_or_is_wider_than_it() {
        assert_eq!(cut("a\u{1b}[2Jb\u{202e}c\n", 80), "a [2Jb c");
        assert_eq!(cut("abcdef", 3), "abc");
        assert_eq!(cut("日本語", 5), "日本");
    }
}
