//! Tools for agents over the Model Context Protocol: with them an agent asks and reports; none decides anything.
//!
//! ```text
//! agent ──stdio──► downbeat mcp ──unix socket──► Desk ──► People, Threads, Claims, the task's log
//!       (both in the cage)                      (in the daemon, one a session)
//! ```
//!
//! The program in the cage only carries bytes; the server is the desk's. So nothing that an agent could replace or lie to
//! has a part in it, and both ends are always of one release.
//!
//! Laws:
//! 1. Task and session are fixed where the desk is opened; nothing that is said to it can change them.
//! 2. Only who says the session's token is heard. It lies in a file that this session's cage alone may read: where the
//!    kernel cannot keep another session from the socket, it can keep it from a file.
//! 3. No tool approves, merges, or does anything that a person would have to answer for.
//! 4. Sizes, connections and calls are bounded, and a bound that is reached is said.

pub mod claims;
pub mod desk;
pub mod threads;

mod carrier;
mod pattern;
mod toolbox;

pub use carrier::mcp_main;
pub use claims::Claims;
pub use desk::{Desk, Desks};
pub use threads::{Spoken, Threads};
pub use toolbox::WAITING;

/// The verb by which the program is told to carry an agent's words to its desk.
pub const VERB: &str = "mcp";

/// The name of our tools among an agent's others.
pub const NAME: &str = "downbeat";

/// Where the desk listens, as the program in the cage is told. The token lies beside it.
const SOCKET_VARIABLE: &str = "DOWNBEAT_TOOLS";

/// The end of the token's file, in the place of the socket's.
const TOKEN: &str = "token";

#[cfg(test)]
mod tests;
