//! The control socket of a running instance: how the command line and the chat terminals of the same machine reach it.
//!
//! Read in this order: [`wire`] (the language).

pub mod wire;
