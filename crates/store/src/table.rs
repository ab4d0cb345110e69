//! How a machine's row is read and written, and where its effects go.

use std::fmt::Display;

use domain::{Machine, Timestamp};
use serde::Serialize;
use serde::de::DeserializeOwned;

use crate::{Arg, Statement};

/// A machine that the store can keep: one row with its body as JSON, and columns projected from it for lists.
///
/// The SQL texts use `$1` placeholders, TEXT and BIGINT only, and serve SQLite and PostgreSQL alike.
pub trait Table:
    Machine<Id: Display + Clone + Send + Sync, Event: Serialize + Clone + Send + Sync, Effect: StoredEffect>
    + Clone
    + Serialize
    + DeserializeOwned
    + Send
    + Sync
    + 'static
{
    /// The kind of machine, which also names its table.
    const KIND: &'static str;
    /// The format of the body. A changed format needs [`Table::upcast`] from every older one.
    const FORMAT: i64 = 1;
    /// Reads `version` and `body` where the id is `$1`.
    const SELECT: &'static str;
    /// Inserts `$1` id, `$2` version, `$3` state, `$4` body, `$5` updated_at_ms, and from `$6` on [`Table::columns`].
    const INSERT: &'static str;
    /// Updates with the same parameters `WHERE id = $1 AND version = $2 - 1`: the compare-and-swap.
    const UPDATE: &'static str;

    /// The id that its `Display` wrote.
    fn parse_id(text: &str) -> Option<Self::Id>;

    /// The state's name for lists and the journal.
    fn state(&self) -> &'static str;

    /// Values of the columns beyond the five that every machine has.
    fn columns(&self) -> Vec<Arg>;

    /// Rows of other tables that follow from this state, written in the same transaction.
    fn projections(&self, _id: &Self::Id, _now: Timestamp) -> Vec<Statement> {
        Vec::new()
    }

    /// Where an effect goes.
    fn route(id: &Self::Id, effect: &Self::Effect, now: Timestamp) -> Route;

    /// The body in today's format, from one that `format` wrote. `None` when that format was never ours.
    fn upcast(_format: i64, _body: serde_json::Value) -> Option<serde_json::Value> {
        None
    }
}

/// What an effect must be able to do to be kept in the outbox.
pub trait StoredEffect: Serialize + DeserializeOwned + Clone + Send + Sync {}

impl<T: Serialize + DeserializeOwned + Clone + Send + Sync> StoredEffect for T {}

/// Where an effect goes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Route {
    /// Into a lane, to be performed from `due` on. Within one group of a lane: in order, one at a time.
    Owe {
        /// The lane.
        lane: &'static str,
        /// What must not overlap, across all kinds of machine that use the lane.
        group: Option<String>,
        /// The earliest instant.
        due: Timestamp,
    },
    /// Nowhere: it asks whoever performs that group of that lane, now or later, to stop.
    Revoke {
        /// The lane.
        lane: &'static str,
        /// The group.
        group: String,
    },
}
