//! The processes that an instance has started, as the kernel lists them.

use std::collections::BTreeMap;
use std::path::Path;
use std::time::{Duration, Instant};

use crate::instance::PATIENCE;

/// One process; a number is given to another one later, a number with its start time is not.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Kin {
    pub id: i32,
    pub name: String,
    parent: i32,
    started: String,
    state: String,
}

/// All descendants of a process.
pub fn descendants(of: i32) -> Vec<Kin> {
    let all: Vec<Kin> = everyone().collect();
    let mut found: Vec<Kin> = Vec::new();
    let mut parents = vec![of];
    while let Some(parent) = parents.pop() {
        for kin in all.iter().filter(|kin| kin.parent == parent) {
            parents.push(kin.id);
            found.push(kin.clone());
        }
    }
    found
}

/// All descendants of a process, as soon as one of them runs the program of this name.
pub fn wait_for(name: &str, of: i32) -> Vec<Kin> {
    let since = Instant::now();
    loop {
        let kin = descendants(of);
        if kin.iter().any(|one| one.name == name) {
            return kin;
        }
        assert!(since.elapsed() < PATIENCE, "no {name} ever ran: {kin:?}");
        std::thread::yield_now();
    }
}

/// Waits until all of them have ended, and says how long that took; or who is left.
pub fn wait_for_the_end(of: &[Kin], since: Instant, at_most: Duration) -> Result<Duration, Vec<Kin>> {
    loop {
        let left: Vec<Kin> = of.iter().filter(|kin| is_alive(kin)).cloned().collect();
        let took = since.elapsed();
        if left.is_empty() {
            return Ok(took);
        }
        if took > at_most {
            return Err(left);
        }
        std::thread::yield_now();
    }
}

/// Processes whose environment, arguments or directory speak of `place`.
pub fn who_works_in(place: &Path) -> Vec<Kin> {
    let place = place.to_str().expect("temporary directories have plain names");
    let speaks = |id: i32| {
        let texts = ["environ", "cmdline"].map(|file| std::fs::read(format!("/proc/{id}/{file}")).unwrap_or_default());
        let directory = std::fs::read_link(format!("/proc/{id}/cwd")).unwrap_or_default();
        directory.starts_with(place) || texts.iter().any(|text| String::from_utf8_lossy(text).contains(place))
    };
    let own = i32::try_from(std::process::id()).expect("ids are small");
    everyone().filter(|kin| kin.id != own && has_not_ended(kin) && speaks(kin.id)).collect()
}

/// Waits until every thread of a process that was told to stop stands still.
pub fn wait_until_frozen(id: i32) {
    let since = Instant::now();
    while !is_frozen(id) {
        assert!(since.elapsed() < PATIENCE, "{id} never stood still");
        std::thread::yield_now();
    }
}

fn is_frozen(id: i32) -> bool {
    let Ok(threads) = std::fs::read_dir(format!("/proc/{id}/task")) else { return false };
    let mut states = threads.flatten().filter_map(|thread| read_stat(&thread.path().join("stat")));
    states.all(|thread| thread.state == "T")
}

/// How many processes have which name, for people.
pub fn count_names(kin: &[Kin]) -> BTreeMap<&str, usize> {
    let mut counts = BTreeMap::new();
    for one in kin {
        *counts.entry(one.name.as_str()).or_default() += 1;
    }
    counts
}

fn everyone() -> impl Iterator<Item = Kin> {
    let entries = std::fs::read_dir("/proc").expect("/proc is mounted").flatten();
    let numbers = entries.filter_map(|entry| entry.file_name().to_str()?.parse::<i32>().ok());
    numbers.filter_map(|id| read_stat(Path::new(&format!("/proc/{id}/stat"))))
}

/// A zombie has ended; only its parent has not looked yet.
fn has_not_ended(kin: &Kin) -> bool {
    !matches!(kin.state.as_str(), "Z" | "X")
}

fn is_alive(kin: &Kin) -> bool {
    let now = read_stat(Path::new(&format!("/proc/{}/stat", kin.id)));
    now.is_some_and(|now| now.started == kin.started && has_not_ended(&now))
}

/// `id (name) state parent …`, where the name may hold anything.
fn read_stat(path: &Path) -> Option<Kin> {
    let text = std::fs::read_to_string(path).ok()?;
    let (head, rest) = text.rsplit_once(')')?;
    let (id, name) = head.split_once(" (")?;
    let fields: Vec<&str> = rest.split_whitespace().collect();
    Some(Kin {
        id: id.parse().ok()?,
        name: name.to_owned(),
        state: (*fields.first()?).to_owned(),
        parent: fields.get(1)?.parse().ok()?,
        started: (*fields.get(19)?).to_owned(),
    })
}
