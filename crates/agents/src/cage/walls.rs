//! The walls of a run: the ways in which a place is made that is apart from the machine. What holds inside the place
//! (Landlock, refused system calls, limits) is the same for all.

use std::io;

use nix::unistd::Pid;

use super::bubblewrap;
use super::inside::{self, Place};
use super::launcher::fork_first;
use super::namespaces::{Unshared, unshare_where_possible};
use super::spec::{Held, Spec};
use super::supervisor::Reach;

/// One way to make the place.
pub(super) trait Walls {
    /// Makes it, and starts the first process in it, which tells through `teller`. Whatever cannot be made is an
    /// error: nothing runs with less than was asked for.
    fn raise(&self, spec: &Spec, teller: io::PipeWriter) -> Result<Raised, String>;
}

/// What was started.
pub(super) struct Raised {
    /// Our child; when it ends the run has ended.
    pub child: Pid,
    /// What of the run is reached from outside.
    pub reach: Reach,
}

/// The walls of the level that was asked for.
pub(super) fn walls_of(spec: &Spec) -> Result<Box<dyn Walls>, String> {
    Ok(match spec.held {
        Held::Off => Box::new(Unshared::Nothing),
        Held::Standard => Box::new(unshare_where_possible(spec)?),
        Held::Strong => Box::new(Bubblewrap),
    })
}

impl Walls for Unshared {
    fn raise(&self, spec: &Spec, teller: io::PipeWriter) -> Result<Raised, String> {
        let place = Place::Unshared(*self);
        let child = fork_first(|| inside::live(spec, place, teller))?;
        let reach = if *self == Self::Nothing { Reach::Descendants } else { Reach::First(child) };
        Ok(Raised { child, reach })
    }
}

/// A root of bind mounts, with everything of its own.
struct Bubblewrap;

impl Walls for Bubblewrap {
    fn raise(&self, spec: &Spec, teller: io::PipeWriter) -> Result<Raised, String> {
        let started = bubblewrap::start(spec, &teller)?;
        Ok(Raised { child: started.bubblewrap, reach: Reach::First(started.first) })
    }
}
