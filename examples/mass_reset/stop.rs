//! Ctrl-C and SIGTERM: the first stops the run cleanly, the second ends the program at once.

use std::path::Path;

use identity_reset::error::{Error, ErrorKind, Result};
use tokio_util::sync::CancellationToken;

use crate::{screen, show};

/// Listens for signals from now on.
pub(crate) struct Stop {
    asked: CancellationToken,
}

impl Stop {
    /// # Errors
    /// When the signals cannot be listened for.
    pub(crate) fn listen(run: &Path) -> Result<Self> {
        let mut signals = Signals::new()
            .map_err(|fault| Error::new(ErrorKind::Unexpected, "listen for signals").with_source(fault))?;
        let (asked, folder) = (CancellationToken::new(), run.display().to_string());
        let stop = Self { asked: asked.clone() };
        tokio::spawn(async move {
            let name = signals.next().await;
            show::line(&format!(
                "{name}: what is in flight is finished and recorded, then the run stops; go on later with --resume \
                 {folder}. Once more ends it at once; that can be resumed too"
            ));
            asked.cancel();
            let name = signals.next().await;
            screen::clear();
            show::line(&format!("{name} again: ended at once; the journal knows what was sent: --resume {folder}"));
            std::process::exit(130);
        });
        Ok(stop)
    }

    /// Is cancelled with the first signal.
    pub(crate) fn asked(&self) -> &CancellationToken {
        &self.asked
    }
}

#[cfg(unix)]
struct Signals {
    interrupt: tokio::signal::unix::Signal,
    terminate: tokio::signal::unix::Signal,
}

#[cfg(unix)]
impl Signals {
    fn new() -> std::io::Result<Self> {
        use tokio::signal::unix::{SignalKind, signal};
        Ok(Self { interrupt: signal(SignalKind::interrupt())?, terminate: signal(SignalKind::terminate())? })
    }

    async fn next(&mut self) -> &'static str {
        tokio::select! {
            _ = self.interrupt.recv() => "Ctrl-C",
            _ = self.terminate.recv() => "SIGTERM",
        }
    }
}

#[cfg(not(unix))]
struct Signals;

#[cfg(not(unix))]
impl Signals {
    fn new() -> std::io::Result<Self> {
        Ok(Self)
    }

    async fn next(&mut self) -> &'static str {
        if tokio::signal::ctrl_c().await.is_err() {
            std::future::pending::<()>().await;
        }
        "Ctrl-C"
    }
}
