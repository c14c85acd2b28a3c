//! The terminal while a run goes on: a picture that is drawn anew each second; lines where standard
//! error is no terminal.

use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use console::Term;
use identity_reset::engine::Progress;
use identity_reset::limits::clock;
use identity_reset::watch::Picture;
use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};

use crate::show;

/// What is drawn now, if anything is: whoever writes a line writes it above.
static DRAWN: Mutex<Option<ProgressBar>> = Mutex::new(None);

/// How often a terminal is drawn anew.
const FRAME: Duration = Duration::from_secs(1);

/// Writes above what is drawn.
pub(crate) fn above(write: impl FnOnce()) {
    let drawn = DRAWN.lock().unwrap_or_else(PoisonError::into_inner);
    match drawn.as_ref() {
        Some(bar) => bar.suspend(write),
        None => write(),
    }
}

/// Leaves the terminal as it was before.
pub(crate) fn clear() {
    if let Some(bar) = DRAWN.lock().unwrap_or_else(PoisonError::into_inner).take() {
        bar.finish_and_clear();
    }
}

/// The screen of one run.
pub(crate) struct Screen {
    term: Option<Term>,
    picture: Picture,
    every: Duration,
    next: tokio::time::Instant,
}

impl Screen {
    /// A line each `every` where standard error is no terminal.
    pub(crate) fn new(picture: Picture, every: Duration) -> Self {
        let term = Some(Term::stderr()).filter(|term| term.is_term());
        if term.is_some() {
            // No colours: the words say it, and NO_COLOR asks for nothing more.
            let bar = ProgressBar::with_draw_target(None, ProgressDrawTarget::stderr());
            let bar = match ProgressStyle::with_template("{msg}") {
                Ok(style) => bar.with_style(style),
                Err(_) => bar,
            };
            *DRAWN.lock().unwrap_or_else(PoisonError::into_inner) = Some(bar);
        }
        let mut screen = Self { term, picture, every: every.max(FRAME), next: clock::instant() };
        screen.draw();
        screen
    }

    /// When it is to be drawn next.
    pub(crate) fn next(&self) -> tokio::time::Instant {
        self.next
    }

    pub(crate) fn take(&mut self, progress: &Progress) {
        self.picture.take(progress);
        match progress {
            Progress::WaveStarted { wave, accounts } => show::line(&format!("wave {wave}: {accounts} accounts")),
            Progress::WaveFinished { wave, tally } => {
                show::line(&format!("wave {wave}: finished ({})", show::counts(tally)));
            }
            Progress::Waiting { wave, seconds } => show::line(&format!(
                "waiting {seconds} s before wave {wave}: new passwords are synchronised, or the plan asks for a pause"
            )),
            Progress::Stopping { reason } => show::line(&format!("stopping: {}", show::stop_reason(reason))),
            _ => {}
        }
    }

    /// Draws it, or writes a line.
    pub(crate) fn draw(&mut self) {
        self.picture.look();
        let Some(term) = &self.term else {
            if !self.picture.gone().is_zero() {
                show::line(&self.picture.line());
            }
            self.next = clock::instant() + self.every;
            return;
        };
        // Asked each time: people resize their windows.
        let (rows, columns) = term.size();
        let mut lines = self.picture.text(usize::from(columns).saturating_sub(1));
        lines.truncate(usize::from(rows).saturating_sub(1));
        if let Some(bar) = DRAWN.lock().unwrap_or_else(PoisonError::into_inner).as_ref() {
            bar.set_message(lines.join("\n"));
        }
        self.next = clock::instant() + FRAME;
    }
}

impl Drop for Screen {
    fn drop(&mut self) {
        clear();
    }
}
