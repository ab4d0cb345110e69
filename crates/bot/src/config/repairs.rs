//! The keys of `[queue]` that say how what does not merge or is red is repaired in its place.

use super::key::Absent::Default;
use super::key::Applied::AtReload;
use super::key::{Form, Key};

/// How often.
pub(super) const REPAIRS_MAX: Key = Key::new(
    "repairs_max",
    Form::Whole { min: 0, max: 20 },
    Default("3"),
    AtReload,
    "How often one change goes back to its agent and keeps its place, when it conflicts or its checks fail, before it is sent back for \
     good; 0 for never. What three attempts did not mend, a person should look at.",
);

/// For how long.
pub(super) const REPAIR_MAX_MIN: Key = Key::new(
    "repair_max_min",
    Form::Whole { min: 1, max: 10_080 },
    Default("120"),
    AtReload,
    "Minutes for which its place is kept each time: as long as a session may take. Its work goes on after that, and enters the queue \
     anew.",
);
