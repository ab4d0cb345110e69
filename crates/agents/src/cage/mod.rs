//! The cage: what untrusted code may touch, and how all of it ends.
//!
//! The program executes itself again as a *launcher* (`downbeat cage`). The launcher has one thread, so it may fork
//! without a second thought; it enforces everything and stays outside as the parent. Inside, a first process reaps
//! the dead and starts the command. A thread of the program itself never runs code between fork and exec.
//!
//! ```text
//! program ──spec on stdin──► launcher ──walls──► first process inside ──spawn──► the command
//!         ◄──report file───           (reaps, signals)   (rules are set here)
//! ```
//!
//! The *walls* are what differs between the levels: none, namespaces that the launcher unshares, or bubblewrap. The
//! rules that the first process sets on itself are the same in all. `docs/sandbox.md` says what each level promises.
//!
//! Laws:
//! 1. A level that cannot be established starts nothing; `Confinement::Off` is an explicit word in the config.
//! 2. When the command ends, is stopped, or the program dies, no descendant is left after three seconds.
//! 3. Nothing of the program's environment, descriptors or files is inside but what the order names.
//! 4. No output, however long or odd, makes the program's memory grow beyond the configured tails.

pub mod run;
pub mod spec;

mod bridge;
mod bubblewrap;
mod calls;
mod door;
mod inside;
mod launcher;
mod level;
mod namespaces;
mod opened;
mod output;
mod outside;
mod rules;
mod supervisor;
mod usage;
mod walls;

pub use door::Door;
pub(crate) use launcher::is_occupied;
pub use launcher::launch_main;
pub use level::{Level, Reach};
pub use opened::{Ending, Line, Opened, WHOLE_LINE_BYTES_MAX};
pub use output::{LINE_BYTES_MAX, Progress, ProgressSink, SilentSink};
pub use run::{Cage, CageSettings, Ended, Order, SYSTEM_PATH};
pub use spec::{Access, Confinement, Held, How, Limits, Namespaces, Network};

/// The verb by which the program is told to be the launcher.
pub const VERB: &str = "cage";

/// The port on 127.0.0.1 at which a run with a network of its own finds its gate.
pub const GATE_PORT: u16 = 8787;
