//! The shape of real directories: what a plan decides on, account by account, under pseudonyms, in a file.

mod file;
pub(crate) mod latency;
mod limits;
mod part;
mod pseudonym;
mod reading;
mod row;
mod take;

pub use file::Shape;
pub use limits::{ShapedBatch, ShapedLimits, ShapedQuota};
pub use pseudonym::ShapeKey;
pub use row::{Flag, ShapeHeader, ShapedAccount, ShapedDirectory, ShapedLatency, ShapedReads, ShapedSupport};
pub use take::{ShapeTaker, TakenShape};

pub(crate) use limits::class_of;
pub(crate) use part::Part;
pub(crate) use row::scope_digest;

use crate::error::{Error, ErrorKind};

fn invalid(detail: impl Into<String>) -> Error {
    Error::new(ErrorKind::InputInvalid, "read the shape")
        .with_detail(detail)
        .with_advice("take the shape anew, or correct the line; docs/rehearsal.md says what a line holds")
}
