//! `kill -9` in every state that a task can be in: the next process goes on with it to its end, what was said meanwhile is
//! heard, and no message of ours stands in the thread twice.

use std::collections::BTreeSet;

use super::scene::Scene;

/// One death: in which state, how its task comes there, how it goes on and ends.
struct Death {
    state: &'static str,
    asks: &'static str,
    /// What happens until the task is there, and what is kept waiting there.
    before: fn(&mut Scene),
    /// What happens after the start.
    after: fn(&mut Scene),
    /// In which state it ends, and what stands in its thread by then.
    ends: (&'static str, &'static [&'static str]),
}

/// The one state that takes more time than a test has.
pub const PARKED: &str = "parked";
const MERGED: (&str, &[&str]) = ("merged", &["card", "end", "plan", "ready"]);
const MERGED_UNPLANNED: (&str, &[&str]) = ("merged", &["card", "end", "ready"]);

const DEATHS: [Death; 17] = [
    Death {
        state: "queued",
        asks: "add a kitchen",
        before: |_| {},
        after: |scene| {
            scene.stop_the_other();
            scene.approve();
            scene.merge();
        },
        ends: MERGED,
    },
    Death {
        state: "planning",
        asks: "add a kitchen agent=slow",
        before: |scene| scene.visit("plan"),
        after: |scene| {
            scene.let_through("plan");
            scene.approve();
            scene.let_through("work");
            scene.merge();
        },
        ends: MERGED,
    },
    Death {
        state: "awaiting-approval",
        asks: "add a kitchen",
        before: |scene| scene.see("[Approve and run]"),
        after: |scene| {
            scene.approve();
            scene.merge();
        },
        ends: MERGED,
    },
    Death {
        state: "working",
        asks: "add a kitchen agent=slow",
        before: |scene| {
            scene.let_through("plan");
            scene.approve();
            scene.visit("work");
        },
        after: |scene| {
            scene.let_through("work");
            scene.merge();
        },
        ends: MERGED,
    },
    Death {
        state: "asking",
        asks: "paint a kitchen plan=off",
        before: |scene| scene.see("[yellow]"),
        after: |scene| {
            scene.click("yellow");
            scene.merge();
        },
        ends: ("merged", &["card", "end", "question", "ready"]),
    },
    Death {
        state: PARKED,
        asks: "paint a kitchen plan=off",
        before: |scene| {
            scene.see("[yellow]");
            // More than anybody is waited for.
            scene.office.clock.set(600);
        },
        after: |scene| {
            scene.click("yellow");
            scene.merge();
        },
        ends: ("merged", &["card", "end", "question", "ready"]),
    },
    Death {
        state: "pausing",
        asks: "add a kitchen agent=slow plan=off",
        before: |scene| {
            scene.visit("work");
            scene.freeze_the_agent();
            scene.click("Pause");
        },
        after: |scene| {
            scene.see("[Resume]");
            scene.click("Resume");
            scene.let_through("work");
            scene.merge();
        },
        ends: MERGED_UNPLANNED,
    },
    Death {
        state: "paused",
        asks: "add a kitchen agent=slow plan=off",
        before: |scene| {
            scene.visit("work");
            scene.click("Pause");
            scene.see("[Resume]");
        },
        after: |scene| {
            scene.click("Resume");
            scene.let_through("work");
            scene.merge();
        },
        ends: MERGED_UNPLANNED,
    },
    Death {
        state: "departed",
        asks: "add a pantry",
        before: |scene| {
            scene.approve();
            scene.see("[Accept the change]");
        },
        after: |scene| {
            scene.click("Accept the change");
            scene.merge();
        },
        ends: ("merged", &["card", "departure", "end", "plan", "ready"]),
    },
    Death {
        state: "publishing",
        asks: "add a kitchen",
        before: |scene| {
            scene.hold_pushes_to("refs/heads/downbeat/T-1");
            scene.approve();
            scene.until_held();
        },
        after: |scene| scene.merge(),
        ends: MERGED,
    },
    Death {
        state: "in-review",
        asks: "add a kitchen",
        before: |scene| {
            scene.approve();
            scene.see("[Merge]");
        },
        after: |scene| scene.merge(),
        ends: MERGED,
    },
    Death {
        state: "merging",
        asks: "add a kitchen",
        before: |scene| {
            scene.hold_pushes_to("refs/heads/main");
            scene.approve();
            scene.merge();
            scene.until_held();
        },
        after: |_| {},
        ends: MERGED,
    },
    Death {
        state: "cancelling",
        asks: "add a kitchen agent=slow plan=off",
        before: |scene| {
            scene.visit("work");
            scene.freeze_the_agent();
            scene.click("Stop");
        },
        after: |_| {},
        ends: ("cancelled", &["card", "end"]),
    },
    Death {
        state: "merged",
        asks: "add a kitchen",
        before: |scene| {
            scene.approve();
            scene.merge();
        },
        after: |_| {},
        ends: MERGED,
    },
    Death {
        state: "answered",
        asks: "look at the hall plan=off",
        before: |_| {},
        after: |_| {},
        ends: ("answered", &["card", "end"]),
    },
    Death {
        state: "cancelled",
        asks: "add a kitchen",
        before: |scene| {
            scene.see("[Approve and run]");
            scene.click("Cancel");
        },
        after: |_| {},
        ends: ("cancelled", &["card", "end", "plan"]),
    },
    Death {
        state: "failed",
        asks: "add a kitchen agent=unlucky plan=off",
        before: |scene| scene.see("[Retry]"),
        after: |scene| {
            scene.office.world.write("gates/luck", "");
            scene.click("Retry");
            scene.merge();
        },
        ends: ("merged", &["card", "end", "end", "ready"]),
    },
];

/// Where the machine names its states.
const NAMED: &str = include_str!("../../../crates/agents/src/task/table.rs");

pub fn every_state_is_died_in() {
    let named: BTreeSet<&str> = NAMED
        .lines()
        .filter(|line| line.trim_start().starts_with("TaskState::"))
        .filter_map(|line| line.split('"').nth(1))
        .collect();
    assert_eq!(states().collect::<BTreeSet<_>>(), named);
}

/// The names of the states, for the list of tests.
pub fn states() -> impl Iterator<Item = &'static str> {
    DEATHS.iter().map(|death| death.state)
}

/// Dies in one state.
pub fn die_in(state: &str) {
    let death = DEATHS.iter().find(|death| death.state == state).unwrap();
    let mut scene = Scene::new();
    let office = &scene.office;
    scene.instance = Some(if state == PARKED { office.up_by_the_clock() } else { office.up() });
    if state == "queued" {
        scene.take_the_seat();
    }
    scene.ask(death.asks);
    (death.before)(&mut scene);
    scene.until_state(death.state);
    scene.die();
    assert_eq!(scene.state(), death.state, "it did not stay there");
    scene.office.slack.reply(&scene.mention, "ben", &format!("@agent status {}", scene.task));
    scene.instance = Some(scene.office.up());
    (death.after)(&mut scene);
    let (end, posts) = death.ends;
    scene.until_state(end);
    scene.until_heard();
    scene.until_at_rest();
    scene.end_the_old_push();
    scene.assert_posts(posts);
    assert_eq!(scene.office.landed("kitchen.room").is_some(), end == "merged");
    let n_landed = if end == "merged" { 2 } else { 1 };
    assert_eq!(scene.office.world.remote.log("main").lines().count(), n_landed, "it landed once, if at all");
    let mut record = scene.office.world.record();
    assert_eq!((record.gaps().len(), record.buried().len()), (0, 0), "{:?}", record.buried());
    assert!(scene.instance.take().unwrap().stop().status.success());
}
