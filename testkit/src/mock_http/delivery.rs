//! How an answer reaches whoever asked, or does not: the faults of the way.

use std::io;
use std::time::Duration;

use bytes::Bytes;
use http::Response;
use identity_core::limits::clock;
use tokio::sync::Notify;

use super::wire::Answer;
use crate::fault::Fault;

/// How long an overtaken answer waits for another to overtake it.
const OVERTAKEN_AT_MOST: Duration = Duration::from_secs(1);

/// How an exchange ends.
#[derive(Debug)]
pub(crate) enum Ending {
    Answered(Answer),
    /// The connection breaks, within the answer where there is one.
    Broken(Option<Answer>),
}

/// What the way of an answer needs to know of a service.
pub(crate) trait Way: Sync {
    /// Somebody was answered: an overtaken answer may go.
    fn answered(&self) -> &Notify;

    /// What a gateway says that gave up waiting.
    fn gateway_timeout(&self) -> Answer;
}

/// Brings an answer about, and on its way as the fault says.
pub(crate) async fn deliver(way: &impl Way, fault: Option<&Fault>, answer: impl FnOnce() -> Answer + Send) -> Ending {
    match fault {
        Some(Fault::CutBeforeApply) => Ending::Broken(None),
        Some(Fault::Swallow) => std::future::pending().await,
        Some(Fault::CutAfterApply) => {
            drop(answer());
            Ending::Broken(None)
        }
        Some(Fault::CutMidAnswer) => Ending::Broken(Some(answer())),
        Some(Fault::NeverAnswer) => {
            drop(answer());
            std::future::pending().await
        }
        Some(Fault::Slow(wait)) => {
            clock::sleep(*wait).await;
            Ending::Answered(answer())
        }
        Some(Fault::Overtaken) => {
            let answer = answer();
            // Whether another one went before or the time is over is the same.
            let _ = clock::within(OVERTAKEN_AT_MOST, way.answered().notified()).await;
            Ending::Answered(answer)
        }
        Some(Fault::GatewayTimeout) => {
            drop(answer());
            Ending::Answered(way.gateway_timeout())
        }
        _ => Ending::Answered(answer()),
    }
}

impl Ending {
    /// The answer, where one arrives whole.
    pub(crate) fn answer(&self) -> Option<&Answer> {
        match self {
            Self::Answered(answer) => Some(answer),
            Self::Broken(_) => None,
        }
    }

    /// The whole answer.
    ///
    /// # Errors
    /// When the connection breaks.
    pub(crate) fn whole(self) -> io::Result<Response<Bytes>> {
        use io::ErrorKind::{ConnectionReset, UnexpectedEof};
        match self {
            Self::Answered(answer) => Ok(answer.into_response()),
            Self::Broken(None) => Err(io::Error::new(ConnectionReset, "the connection broke without an answer")),
            Self::Broken(Some(_)) => Err(io::Error::new(UnexpectedEof, "the connection broke within the answer")),
        }
    }
}
