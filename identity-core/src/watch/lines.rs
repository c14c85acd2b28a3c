//! Lines of JSON for a reader that may be slow, or gone.

use std::io::{self, Write};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::mpsc::{self, Receiver, SyncSender, TrySendError};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread;
use std::time::Duration;

use super::event::{EventLine, RunEvent};

/// So many lines may wait for a slow reader; what comes then is dropped and counted. About 2 MB.
const WAITING: usize = 8_192;

/// Writes events as lines of JSON, each flushed, from a thread of its own.
///
/// # Behavior
/// * [`tell`](Self::tell) never waits. When the reader is so slow that 8,192 lines wait for it, events
///   are dropped, and a [`Dropped`](RunEvent::Dropped) event says how many as soon as there is room.
/// * When the reader is gone (a closed pipe, a full disk), the rest is thrown away; `lost` is called
///   once, with the reason, from the writing thread. The run is not told.
/// * A process that is killed leaves whole lines, and at the most one that is cut.
pub struct EventWriter {
    lines: Option<SyncSender<EventLine>>,
    dropped: Arc<AtomicU64>,
    /// Ends, by being dropped at the other side, when all is written.
    written: Mutex<Receiver<()>>,
}

impl EventWriter {
    /// Writes to what `open` gives. It is opened in the writing thread, because opening can wait too: a
    /// named pipe does until somebody reads it.
    ///
    /// # Errors
    /// When the thread cannot be started.
    pub fn new<W, O, L>(open: O, lost: L) -> io::Result<Self>
    where
        W: Write,
        O: FnOnce() -> io::Result<W> + Send + 'static,
        L: FnOnce(io::Error) + Send + 'static,
    {
        let (lines, waiting) = mpsc::sync_channel(WAITING);
        let (over, written) = mpsc::channel();
        let dropped = Arc::new(AtomicU64::new(0));
        let counted = Arc::clone(&dropped);
        thread::Builder::new().name("events".to_owned()).spawn(move || {
            if let Err(fault) = open().and_then(|out| write_all(&waiting, out, &counted)) {
                lost(fault);
                // Whoever tells finds the other end gone, and throws away.
                drop(waiting);
            }
            drop(over);
        })?;
        Ok(Self { lines: Some(lines), dropped, written: Mutex::new(written) })
    }

    /// Tells an event; never waits.
    pub fn tell(&self, event: impl Into<RunEvent>) {
        let Some(lines) = &self.lines else { return };
        if let Err(TrySendError::Full(_)) = lines.try_send(EventLine::new(event.into())) {
            self.dropped.fetch_add(1, Ordering::Relaxed);
        }
    }

    /// Waits until all is written, `patience` at the most; says whether it was.
    pub fn close(mut self, patience: Duration) -> bool {
        self.lines = None;
        let written = self.written.lock().unwrap_or_else(PoisonError::into_inner);
        // Nothing is ever sent: the end is that the sender is gone.
        written.recv_timeout(patience) == Err(mpsc::RecvTimeoutError::Disconnected)
    }
}

impl std::fmt::Debug for EventWriter {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("EventWriter").field("dropped", &self.dropped).finish_non_exhaustive()
    }
}

fn write_all(waiting: &Receiver<EventLine>, mut out: impl Write, dropped: &AtomicU64) -> io::Result<()> {
    for line in waiting {
        write(&mut out, &line)?;
        let events = dropped.swap(0, Ordering::Relaxed);
        if events > 0 {
            write(&mut out, &EventLine::new(RunEvent::Dropped { events }))?;
        }
    }
    Ok(())
}

/// One write for one line, so that readers of a pipe never see half of one.
fn write(out: &mut impl Write, line: &EventLine) -> io::Result<()> {
    let mut text = serde_json::to_vec(line)?;
    text.push(b'\n');
    out.write_all(&text)?;
    out.flush()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[derive(Clone, Default)]
    struct Kept(Arc<Mutex<Vec<u8>>>);

    impl Write for Kept {
        fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
            self.0.lock().unwrap().extend_from_slice(bytes);
            Ok(bytes.len())
        }

        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    const PATIENCE: Duration = Duration::from_secs(30);

    #[test]
    fn every_event_of_a_reader_that_reads_is_a_line() {
        let kept = Kept::default();
        let out = kept.clone();
        let writer = EventWriter::new(move || Ok(out), |fault| panic!("{fault}")).unwrap();
        (0..100).for_each(|exit| writer.tell(RunEvent::Finished { exit }));
        assert!(writer.close(PATIENCE));
        let text = String::from_utf8(kept.0.lock().unwrap().clone()).unwrap();
        assert_eq!(text.lines().count(), 100);
        assert!(text.lines().all(|line| serde_json::from_str::<EventLine>(line).is_ok()));
    }

    /// The reader reads nothing until all is told: what did not fit is counted, nothing waits.
    #[test]
    fn a_reader_that_does_not_read_holds_up_nobody_and_is_told_what_it_missed() {
        let kept = Kept::default();
        let (out, (go, wait)) = (kept.clone(), mpsc::channel::<()>());
        let open = move || {
            let _ = wait.recv();
            Ok(out)
        };
        let writer = EventWriter::new(open, |fault| panic!("{fault}")).unwrap();
        let told = WAITING as u64 + 500;
        (0..told).for_each(|_| writer.tell(RunEvent::Finished { exit: 0 }));
        drop(go);
        assert!(writer.close(PATIENCE));
        let text = String::from_utf8(kept.0.lock().unwrap().clone()).unwrap();
        let dropped = text.lines().filter_map(|line| match serde_json::from_str::<EventLine>(line).unwrap().event {
            RunEvent::Dropped { events } => Some(events),
            _ => None,
        });
        assert_eq!(dropped.sum::<u64>(), 500);
    }

    #[test]
    fn a_reader_that_is_gone_is_told_of_once() {
        let (tell, told) = mpsc::channel();
        let open = || -> io::Result<Kept> { Err(io::Error::from(io::ErrorKind::BrokenPipe)) };
        let writer = EventWriter::new(open, move |fault| tell.send(fault.kind()).unwrap()).unwrap();
        assert_eq!(told.recv_timeout(PATIENCE), Ok(io::ErrorKind::BrokenPipe));
        (0..20_000).for_each(|_| writer.tell(RunEvent::Finished { exit: 0 }));
        assert!(writer.close(PATIENCE));
        assert!(told.recv().is_err(), "once");
    }
}
