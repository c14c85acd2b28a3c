//! Rehearsals: a playbook on the shape of the real directories, in virtual time, with trouble for a table-top
//! exercise.

mod cards;
pub mod desk;
mod directory;
mod process;
mod run;
mod shape;
#[cfg(feature = "virtual-time")]
mod virtual_time;

pub use cards::{Card, Deck, Mishap, When};
pub use directory::SimulatedDirectory;
pub use run::{
    DirectoryLoad, ManualNeed, Moment, Needs, PlayedCard, Rehearsal, RehearsalSummary, RehearsedWave, WaveApproval,
};
pub use shape::{
    Flag, Shape, ShapeHeader, ShapeKey, ShapeTaker, ShapedAccount, ShapedBatch, ShapedDirectory, ShapedLatency,
    ShapedLimits, ShapedQuota, ShapedReads, ShapedSupport, TakenShape,
};
#[cfg(feature = "virtual-time")]
pub use virtual_time::in_virtual_time;
