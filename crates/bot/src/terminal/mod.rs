//! The chat terminal: what people see of the console in a shell.

pub mod row;
pub mod transcript;
