//! The control socket of a running instance: how the command line and the chat terminals of the same machine reach it.
//!
//! Read in this order: [`wire`] (the language), [`desk`] (answers), [`server`] and [`client`] (the two ends), [`socket`]
//! (where it lies and who may open it).

pub mod client;
pub mod desk;
pub mod server;
pub mod socket;
pub mod wire;
