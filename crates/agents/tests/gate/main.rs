//! The gate of a session, spoken to through its real socket as programs in a cage would, with real servers behind it.

#![expect(
    clippy::disallowed_methods,
    clippy::unwrap_used,
    reason = "servers run beside the tests, and a test stops at the first thing that is wrong"
)]

mod attacks;
mod gateway;
mod proxying;
mod world;
