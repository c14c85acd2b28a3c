//! What a run will be like, before it is one.

pub mod desk;
