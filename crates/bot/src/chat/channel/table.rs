//! The channel's row.

use domain::Timestamp;
use store::{Arg, Route, Table};

use super::{Channel, ChannelEffect, ChannelId, Defaults};

const SELECT: &str = "SELECT version, body FROM channel WHERE id = $1";
const INSERT: &str = "INSERT INTO channel (id, version, state, body, updated_at_ms) VALUES ($1, $2, $3, $4, $5)";
const UPDATE: &str = "UPDATE channel SET version = $2, state = $3, body = $4, updated_at_ms = $5
    WHERE id = $1 AND version = $2 - 1";

/// The SQL texts of this file.
pub const STATEMENTS: &[&str] = &[SELECT, INSERT, UPDATE];

impl Table for Channel {
    const KIND: &'static str = "channel";
    const SELECT: &'static str = SELECT;
    const INSERT: &'static str = INSERT;
    const UPDATE: &'static str = UPDATE;

    fn parse_id(text: &str) -> Option<ChannelId> {
        Some(ChannelId(text.to_owned()))
    }

    fn state(&self) -> &'static str {
        if self.defaults == Defaults::default() { "plain" } else { "set" }
    }

    fn columns(&self) -> Vec<Arg> {
        Vec::new()
    }

    fn route(_id: &ChannelId, effect: &ChannelEffect, _now: Timestamp) -> Route {
        match *effect {}
    }
}
