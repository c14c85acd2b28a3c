//! What reads and changes say about pace: each read takes its permit, and each outcome is told to the
//! governor. Both dialects go through here.

use std::time::Duration;

use identity_core::error::Error;
use identity_core::limits::{Feedback, Governor, OperationClass, Signal, clock};

use crate::wire::Fault;

/// Runs one read with its permit, and tells the governor how it went.
pub(crate) async fn read<T>(governor: &Governor, reading: impl Future<Output = Result<T, Fault>>) -> Result<T, Fault> {
    let _permit = governor.acquire(OperationClass::Read, 1).await;
    let begun = clock::instant();
    let outcome = reading.await;
    governor.feedback(&feedback(OperationClass::Read, outcome.as_ref().err(), begun.elapsed()));
    outcome
}

/// What an outcome says about pace.
pub(crate) fn feedback(class: OperationClass, fault: Option<&Fault>, latency: Duration) -> Feedback {
    let signal = match fault {
        None => Signal::Ok,
        Some(Fault::Answered(answer)) if answer.is_busy() => Signal::Busy,
        // A refusal is an answer: the server is well.
        Some(Fault::Answered(_) | Fault::Malformed(_) | Fault::Filter) => Signal::Ok,
        Some(Fault::NotSent(_) | Fault::Unanswered(_)) => Signal::Busy,
    };
    Feedback::new(class, signal).with_latency(latency)
}

/// What it says about pace that a change found no connection. A server that refuses the sign-in is not busy,
/// and to wait makes that no better.
pub(crate) fn unsent(governor: &Governor, error: &Error) {
    if error.is_temporary() {
        governor.feedback(&Feedback::new(OperationClass::Write, Signal::Busy));
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use identity_core::error::{ErrorKind, Status};
    use identity_core::limits::Limits;
    use std::num::NonZeroU32;

    #[test]
    fn a_server_that_refuses_the_sign_in_is_not_taken_for_a_busy_one() {
        let governor = Governor::new(&Limits::new(NonZeroU32::MIN, NonZeroU32::MIN));
        unsent(&governor, &Error::new(ErrorKind::Unauthenticated, "sign in").with_status(Status::Permanent));
        assert_eq!((governor.stats().busy, governor.stats().closed_until), (0, None));
        unsent(&governor, &Error::new(ErrorKind::Transport, "connect").with_status(Status::Temporary));
        assert_eq!(governor.stats().busy, 1);
        assert!(governor.stats().closed_until.is_some());
    }
}
