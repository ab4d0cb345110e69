//! One conversation that goes all the way: four people, five tasks, a revision, a recipe, three landings,
//! a conflict, and a change that is red only together with another.
//!
//! People are patient: they speak when they have read what they wait for, and they say again what was lost on its way to
//! a process that died. They know only the console.

use std::time::{Duration, Instant};

use crate::instance::Instance;
use crate::record::{Message, Record};

/// The whole road takes a few seconds undisturbed.
const ROAD_MAX: Duration = Duration::from_secs(150);

/// One thing that one person says, upon reading all of this.
type Line = (&'static str, &'static [&'static str]);

const LINES: &[Line] = &[
    ("ana: @agent add a kitchen", &[]),
    ("dan: @agent paint the hall blue", &[]),
    ("ana: @agent paint the hall red", &[]),
    ("cleo: @agent sweep every room agent=recipes", &[]),
    ("dan: @agent demand a floor in every room", &[]),
    ("dan: I would have taken green.", &[]),
    ("ben: @agent pause", &["T-5 ·"]),
    ("ben: approve T-1", &["Plan v1 for T-1"]),
    ("ben: revise T-2 a darker one, please", &["Plan v1 for T-2"]),
    ("ben: approve T-3", &["Plan v1 for T-3"]),
    ("dan: approve T-2", &["Plan v2 for T-2"]),
    ("ben: approve T-5", &["Plan v1 for T-5"]),
    ("ben: approve", &["Plan v1 for T-4"]),
    ("ben: merge T-1", &["T-1 is ready"]),
    ("ben: merge T-2", &["T-2 is ready", "position 1 of 1"]),
    ("ben: merge T-3", &["T-3 is ready", "position 2 of 2"]),
    ("ben: merge T-4", &["T-4 is ready", "position 3 of 3"]),
    ("ben: merge T-5", &["T-5 is ready", "position 4 of 4"]),
    ("ben: @agent resume", &["position 5 of 5"]),
    ("ana: @agent why T-3", CURTAIN),
];

const CURTAIN: &[&str] = &["T-1 is merged", "T-2 is merged", "T-3 did not land", "T-4 is merged", "T-5 did not land"];

/// How far the conversation is.
pub struct Road {
    since: Instant,
    /// What the process has been told and nobody has seen on the console yet.
    on_its_way: Option<usize>,
}

impl Road {
    pub fn new() -> Self {
        Self { since: Instant::now(), on_its_way: None }
    }

    /// What was on its way to a process that died is lost, or is on the console: a look will tell.
    pub fn lose_what_is_on_its_way(&mut self) {
        self.on_its_way = None;
    }

    /// Lets whoever has read what they wait for speak; false when all is said and done.
    pub fn go_on(&mut self, instance: &mut Instance, record: &mut Record) -> bool {
        assert!(self.since.elapsed() < ROAD_MAX, "the road did not end:\n{}", self.whereabouts(instance, record));
        let messages = record.messages();
        let n_heard = messages.iter().filter(|message| message.author != "bot").count();
        let Some((words, upon)) = LINES.get(n_heard) else { return !record.is_at_rest() };
        if self.on_its_way != Some(n_heard)
            && upon.iter().all(|upon| has_been_said(&messages, upon))
            && is_heard(record)
        {
            instance.say(words);
            self.on_its_way = Some(n_heard);
        }
        true
    }

    fn whereabouts(&self, instance: &Instance, record: &mut Record) -> String {
        let said: Vec<String> =
            record.messages().into_iter().map(|message| format!("{}: {}", message.author, message.text)).collect();
        let (unowed, leases) = (record.unowed(), record.leases());
        let errors = instance.err.text();
        format!("{}\n\nkept but not owed: {unowed:?}\nin flight: {leases:?}\n{errors}", said.join("\n"))
    }
}

/// Plays the whole road with one instance, and stops it.
pub fn play(mut instance: Instance, record: &mut Record) {
    let mut road = Road::new();
    let mut n_lines = 0;
    while road.go_on(&mut instance, record) {
        n_lines = instance.out.wait_for_more(n_lines);
    }
    let ended = instance.stop();
    assert!(ended.status.success(), "{ended:?}");
}

/// Everything that people said, in order.
pub fn words_of_people() -> Vec<String> {
    LINES.iter().map(|(words, _)| (*words).to_owned()).collect()
}

fn has_been_said(messages: &[Message], words: &str) -> bool {
    messages.iter().any(|message| message.author == "bot" && message.text.contains(words))
}

/// Nobody speaks while the last word is still on its way into the books: so each line has one place in the order.
fn is_heard(record: &mut Record) -> bool {
    record.unowed().is_empty()
}
