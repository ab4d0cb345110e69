//! What is seen of the way in: its connections, when something last came over each, and what was not for us.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};

use domain::{Clock, Timestamp};
use serde::{Deserialize, Serialize};

use super::UNPOISONED;

/// The way in, for people who ask.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Standing {
    /// The workspace, once it is known.
    pub team: Option<String>,
    /// How events arrive.
    pub transport: String,
    /// The connections that are open, by name.
    pub connections: BTreeMap<String, Connection>,
    /// When anything came in last.
    pub last_event: Option<Timestamp>,
    /// How much of what came in was kept.
    pub kept: u64,
    /// How much was not for us, by reason.
    pub ignored: BTreeMap<String, u64>,
    /// Messages that no event told of and a look at the history found.
    pub found_late: u64,
    /// When all channels were last looked through.
    pub looked_at: Option<Timestamp>,
    /// Whether the app was removed from the workspace.
    pub is_uninstalled: bool,
    /// What the workspace does not have of what we would show with it, each with Slack's word; until a restart.
    #[serde(default)]
    pub refused: BTreeMap<String, String>,
}

/// One connection.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Connection {
    /// When it was opened.
    pub since: Timestamp,
    /// When anything came over it last.
    pub last_event: Option<Timestamp>,
}

/// Keeps it.
pub struct Status {
    clock: Arc<dyn Clock>,
    standing: Mutex<Standing>,
}

impl Status {
    /// Nothing has come in yet.
    pub fn new(clock: Arc<dyn Clock>, transport: &str) -> Self {
        let standing = Standing { transport: transport.to_owned(), ..Standing::default() };
        Self { clock, standing: Mutex::new(standing) }
    }

    /// As it is now.
    pub fn standing(&self) -> Standing {
        self.with(|standing, _| standing.clone())
    }

    fn with<T>(&self, f: impl FnOnce(&mut Standing, Timestamp) -> T) -> T {
        let now = self.clock.now();
        f(&mut self.standing.lock().expect(UNPOISONED), now)
    }

    /// We know where we are.
    pub fn note_team(&self, team: &str) {
        self.with(|standing, _| standing.team = Some(team.to_owned()));
    }

    /// A connection is open.
    pub fn note_open(&self, name: &str) {
        let open = |standing: &mut Standing, since| {
            standing.connections.insert(name.to_owned(), Connection { since, last_event: None });
        };
        self.with(open);
    }

    /// A connection is gone.
    pub fn note_closed(&self, name: &str) {
        self.with(|standing, _| standing.connections.remove(name));
    }

    /// Something came in, over a connection where there are any.
    pub fn note_event(&self, name: &str) {
        self.with(|standing, now| {
            standing.last_event = Some(now);
            if let Some(connection) = standing.connections.get_mut(name) {
                connection.last_event = Some(now);
            }
        });
    }

    /// It was kept.
    pub fn note_kept(&self) {
        self.with(|standing, _| standing.kept += 1);
    }

    /// It was not for us.
    pub fn note_ignored(&self, why: &str) {
        tracing::debug!("from Slack, ignored: {why}");
        self.with(|standing, _| *standing.ignored.entry(why.to_owned()).or_default() += 1);
    }

    /// All channels were looked through, and `n` messages were found that no event told of.
    pub fn note_looked(&self, n: u64) {
        self.with(|standing, now| {
            standing.found_late += n;
            standing.looked_at = Some(now);
        });
    }

    /// The workspace does not have something that we would show with, and is not asked for it again.
    pub fn note_refused(&self, what: &str, code: &str) {
        self.with(|standing, _| standing.refused.insert(what.to_owned(), code.to_owned()));
    }

    /// The app is not there any more.
    pub fn note_uninstalled(&self) {
        self.with(|standing, _| standing.is_uninstalled = true);
    }
}
