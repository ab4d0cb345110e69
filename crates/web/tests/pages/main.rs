//! The pages as a person reads them and as a stranger attacks them, over a real connection and a real store.

mod browser;
mod day;
mod limits;
mod office;
mod reading;
