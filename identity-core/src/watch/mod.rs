//! Watching a run: its events as lines of JSON, and a picture of how it stands.
//!
//! [`Picture`] folds [`Progress`](crate::engine::Progress) and looks at the governors: waves, lanes,
//! the pace against the share of each quota, the time left with bounds, the last failures, and what
//! is waited for. [`Picture::text`] puts it on a terminal of any width; programs read the fields.
//! [`EventLine`] is one event as a line of JSON (`docs/events.md`); [`EventWriter`] writes such lines
//! for a reader that may be slow, or gone, without ever holding up the run.
//!
//! OpenTelemetry spans and metrics are in the facade, under its feature `otel`.

mod event;
mod left;
mod lines;
mod picture;
mod text;

pub use event::{EVENTS_VERSION, EventLine, RunEvent};
pub use left::TimeLeft;
pub use lines::EventWriter;
pub use picture::{Doing, LanePicture, LastFailure, Pace, Picture, WavePicture, WaveStanding};
