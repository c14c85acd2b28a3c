//! A runtime whose clock runs ahead whenever everything waits.

use crate::error::{Error, ErrorKind, Result};

/// Runs something on a clock of its own, on a thread of its own: what waits for hours is there in moments, and
/// nothing outside notices. Blocks until it is over; in async code call it in `spawn_blocking`.
///
/// ```
/// use std::time::Duration;
///
/// use identity_core::limits::clock;
/// use identity_core::rehearsal::in_virtual_time;
///
/// let waited = in_virtual_time(|| async {
///     let began = clock::instant();
///     clock::sleep(Duration::from_secs(3_600)).await;
///     clock::instant().duration_since(began)
/// })?;
/// assert!(waited >= Duration::from_secs(3_600));
/// # Ok::<(), identity_core::error::Error>(())
/// ```
///
/// # Errors
/// When the thread or the runtime cannot be made, or what it runs panics.
pub fn in_virtual_time<T, F>(work: impl FnOnce() -> F + Send + 'static) -> Result<T>
where
    T: Send + 'static,
    F: Future<Output = T>,
{
    let fault = |error: std::io::Error| {
        Error::new(ErrorKind::Unexpected, "begin virtual time").with_detail(error.to_string()).with_source(error)
    };
    let builder = std::thread::Builder::new().name("virtual-time".to_owned());
    let thread = builder.spawn(move || {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_time().start_paused(true).build()?;
        Ok(runtime.block_on(work()))
    });
    match thread.map_err(fault)?.join() {
        Ok(done) => done.map_err(fault),
        Err(_) => Err(Error::new(ErrorKind::Unexpected, "run in virtual time").with_detail("what was run panicked")),
    }
}
