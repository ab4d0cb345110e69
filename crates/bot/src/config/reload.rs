//! What a config that is read again changes, and what of it takes a restart.

use std::collections::{BTreeMap, BTreeSet};

use secrecy::ExposeSecret;
use toml::Value;

use super::key::Applied;
use super::keys;
use super::reading::{Reading, Setting};

/// A key that has another value than before.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Changed {
    /// Its path, `queue.batch_max`.
    pub path: String,
    /// When the new value takes effect.
    pub applied: Applied,
}

/// The keys whose values differ, in the order of their paths. A default that is written out is no change.
pub fn changes(old: &Reading, new: &Reading) -> Vec<Changed> {
    let (old, new) = (values(old), values(new));
    let paths: BTreeSet<_> = old.keys().chain(new.keys()).collect();
    let changed = paths.into_iter().filter(|path| old.get(*path) != new.get(*path));
    let with_effect = changed.map(|path| {
        let applied = keys::find(path).map_or(Applied::AtStart, |(_, key)| key.applied);
        Changed { path: (*path).to_owned(), applied }
    });
    with_effect.collect()
}

/// The paths of the changed keys that only a restart can apply.
pub fn restart_needed(old: &Reading, new: &Reading) -> Vec<String> {
    let waits = changes(old, new).into_iter().filter(|changed| changed.applied == Applied::AtStart);
    waits.map(|changed| changed.path).collect()
}

/// Each value by its path, secrets as they are, because a new password is a change too.
fn values<'r>(reading: &'r Reading) -> BTreeMap<&'r str, (&'r Value, Option<&'r str>)> {
    let value = |one: &'r Setting| (&one.shown, one.secret.as_ref().map(|secret| secret.expose_secret()));
    reading.settings.iter().map(|one| (one.path.as_str(), value(one))).collect()
}
