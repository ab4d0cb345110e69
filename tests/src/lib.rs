//! placeholder

pub mod clock;
