//! Groups of people: what everybody in one may be, whether the config names them or a platform tells who they are.

use std::collections::BTreeSet;

use crate::{Person, Role};

/// People who may be the same.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Group {
    /// What they may be.
    pub roles: BTreeSet<Role>,
    /// Whom the config names.
    pub people: BTreeSet<Person>,
    /// Who else is in it, as a platform tells.
    pub told: BTreeSet<Person>,
}

impl Group {
    /// Everybody in it.
    pub fn members(&self) -> impl Iterator<Item = &Person> {
        self.people.iter().chain(&self.told)
    }

    /// Whether the person is in it.
    pub fn has(&self, person: &Person) -> bool {
        self.people.contains(person) || self.told.contains(person)
    }
}
