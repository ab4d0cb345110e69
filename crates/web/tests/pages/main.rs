//! The pages as a person reads them and as a stranger attacks them, over a real connection and a real store.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on shall end")]

mod browser;
mod costs;
mod day;
mod limits;
mod office;
mod reading;
