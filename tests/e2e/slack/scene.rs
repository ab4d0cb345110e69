//! A thread with one task in it, whose people, gates and deaths a test directs.

use std::collections::BTreeSet;
use std::os::unix::fs::PermissionsExt;
use std::time::{Duration, Instant};

use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use tests::slack::{Settings, State};

use super::office::{Office, Transport, keys};
use crate::family::{self, Kin};
use crate::gate::{Gate, Visitor};
use crate::instance::{Instance, PATIENCE};

/// What the agents of these tests do, beside those of all: each comes to a state and stays there until it is let go.
const SCRIPT: &str = r#"
[[request]]
when = "add a kitchen"
summary = "A kitchen"
paths = ["kitchen.room"]
edit = [{ path = "kitchen.room", write = "wall: yellow\n" }]

[[request]]
when = "paint a kitchen"
summary = "A kitchen of some colour"
paths = ["kitchen.room"]
ask = { turn = "work", about = "question", text = "Which colour?", choices = ["yellow", "green"] }
edit = [{ path = "kitchen.room", write = "wall: {answer}\n" }]

[[request]]
when = "add a pantry"
summary = "A pantry"
paths = ["pantry.room"]
edit = [{ path = "kitchen.room", write = "wall: yellow\n" }, { path = "package.json", write = "{}\n" }]

[[request]]
when = "paint the hall blue"
summary = "A blue hall"
paths = ["hall.room"]
edit = [{ path = "hall.room", replace = "wall: white", with = "wall: blue" }]

[[request]]
when = "look at the hall"
say = ["The hall is white."]
"#;

/// The program of the agents that stand at a gate, by turn.
const AGENTS: &str = r#"
[cage]
read = ["{place}/gates"]

[limits]
sessions = 1

[agents.slow]
kind = "command"
plan = ["sh", "-c", "cat > /dev/null; read line < {place}/gates/plan; echo A kitchen; echo 1. write kitchen.room"]
command = ["sh", "-c", "cat > /dev/null; read line < {place}/gates/work; echo 'wall: yellow' > kitchen.room"]

[agents.curious]
kind = "command"
plan = ["sh", "-c", "cat > /dev/null; echo A kitchen; echo 1. write kitchen.room and prompt.md"]
command = ["sh", "-c", "cat > prompt.md; read line < {place}/gates/work; echo 'wall: yellow' > kitchen.room"]

[agents.unlucky]
kind = "command"
command = ["sh", "-c", "cat > /dev/null; test -e {place}/gates/luck && echo 'wall: yellow' > kitchen.room"]
"#;

/// Holds up the first push to a branch whose name is in the file `held`.
const HOOK: &str = r#"#!/bin/sh
while read -r old new ref; do
    if [ "$ref" = "$(cat {place}/held)" ] && mkdir {place}/first 2> /dev/null; then
        read -r line < {place}/gates/push
    fi
done
"#;

/// A thread with its task, and who waits where.
pub struct Scene {
    pub office: Office,
    pub instance: Option<Instance>,
    /// The thread.
    pub mention: String,
    /// The thread of whoever takes the only seat, where somebody does.
    other: Option<String>,
    pub task: &'static str,
    pub waiting: Vec<Visitor>,
    /// A push that is held up: git is in no cage, and outlives us.
    pushing: Option<(Visitor, Vec<Kin>)>,
}

impl Scene {
    /// An office in which nobody has said anything.
    pub fn new() -> Self {
        // What dies unacknowledged comes again soon, or never: then it has to be found.
        let retry_after = vec![Duration::ZERO, Duration::from_millis(300), Duration::from_millis(300)];
        let office = Office::new(Settings { retry_after, ..Settings::default() }, Transport::Socket);
        let world = &office.world;
        std::fs::create_dir(world.path("gates")).unwrap();
        for gate in ["plan", "work", "push"] {
            drop(Gate::at(&world.path(&format!("gates/{gate}"))));
        }
        world.write("script.toml", SCRIPT);
        world.write("held", "");
        office.configure(AGENTS);
        let hook = world.remote.path().join("hooks/pre-receive");
        std::fs::create_dir_all(hook.parent().unwrap()).unwrap();
        std::fs::write(&hook, HOOK.replace("{place}", &world.place().display().to_string())).unwrap();
        std::fs::set_permissions(&hook, PermissionsExt::from_mode(0o755)).unwrap();
        Self {
            office,
            instance: None,
            mention: String::new(),
            other: None,
            task: "T-1",
            waiting: Vec::new(),
            pushing: None,
        }
    }

    /// The same with the program running.
    pub fn up() -> Self {
        let mut scene = Self::new();
        scene.instance = Some(scene.office.up());
        scene
    }

    /// Has ana ask for something.
    pub fn ask(&mut self, words: &str) {
        self.mention = self.office.slack.say("dev", "ana", &format!("@agent {words}"));
    }

    /// Takes the only seat, so that what is asked for next has to wait.
    pub fn take_the_seat(&mut self) {
        self.other = Some(self.office.slack.say("dev", "ana", "@agent add a kitchen agent=slow plan=off"));
        self.visit("work");
        self.task = "T-2";
    }

    pub fn see(&mut self, words: &str) {
        self.office.slack.until(&self.mention, words);
    }

    /// Waits until the thread shows these words no more.
    pub fn until_gone(&self, words: &str) {
        let since = Instant::now();
        while self.thread().contains(words) {
            assert!(since.elapsed() < PATIENCE, "{words:?} is still there:\n{}", self.thread());
            glance(&self.office);
        }
    }

    /// Presses the newest of these, as who may do everything that is pressed here.
    pub fn click(&mut self, label: &str) {
        let button = format!("[{label}]");
        self.see(&button);
        let message = self.office.slack.find(&self.mention, &button);
        self.office.slack.click(&message, "ben", label).answered().unwrap();
    }

    pub fn approve(&mut self) {
        self.click("Approve and run");
    }

    pub fn merge(&mut self) {
        self.click("Merge");
    }

    /// Waits until somebody stands at a gate, and lets them stand there.
    pub fn visit(&mut self, gate: &str) {
        let visitor = Gate::known(&self.office.world.path(&format!("gates/{gate}"))).wait_for_somebody();
        self.waiting.push(visitor);
    }

    pub fn let_through(&mut self, gate: &str) {
        self.visit(gate);
        self.waiting.pop().unwrap().let_through();
    }

    pub fn hold_pushes_to(&mut self, reference: &str) {
        self.office.world.write("held", reference);
    }

    pub fn until_held(&mut self) {
        self.visit("push");
        self.pushing = self.waiting.pop().map(|visitor| (visitor, self.kin()));
    }

    /// A process that stands still is ended by force, and later: so the task stays in between.
    pub fn freeze_the_agent(&mut self) {
        self.kin().iter().for_each(|kin| kill(Pid::from_raw(kin.id), Signal::SIGSTOP).unwrap());
    }

    pub fn stop_the_other(&mut self) {
        let other = self.other.clone().unwrap();
        self.visit("work");
        self.office.slack.until(&other, "[Stop]");
        self.office.slack.click(&self.office.slack.find(&other, "[Stop]"), "ben", "Stop").answered().unwrap();
        self.office.slack.until(&other, "stopped by ben");
    }

    fn kin(&self) -> Vec<Kin> {
        family::descendants(self.instance.as_ref().unwrap().id())
    }

    /// `kill -9`. Whoever stands at a gate is gone before they could take our leaving for a word.
    pub fn die(&mut self) {
        let kin = self.kin();
        drop(self.instance.take().unwrap().kill());
        // What stands still hears of no death.
        for one in &kin {
            let _ = kill(Pid::from_raw(one.id), Signal::SIGCONT);
        }
        if self.pushing.is_none() {
            family::wait_for_the_end(&kin, Instant::now(), PATIENCE).expect("all of an agent ends with us");
        }
        self.waiting.clear();
        // Only then is what is said next lost for sure, and has to be found.
        let is_noticed = |state: &State| state.connections.is_empty().then_some(());
        self.office.slack.wait_for(PATIENCE, is_noticed).expect("Slack sees that nobody listens");
    }

    /// Lets the push of the process that died go on, into what the next one has done.
    pub fn end_the_old_push(&mut self) {
        let Some((visitor, kin)) = self.pushing.take() else { return };
        visitor.let_through();
        family::wait_for_the_end(&kin, Instant::now(), PATIENCE).expect("the old push ends by itself");
    }

    pub fn state(&self) -> String {
        let tasks = self.office.world.record().tasks();
        let found = tasks.into_iter().find(|[task, _]| task == self.task);
        found.map_or_else(|| "unknown".to_owned(), |[_, state]| state)
    }

    pub fn until_state(&self, state: &str) {
        let since = Instant::now();
        while self.state() != state {
            assert!(
                since.elapsed() < PATIENCE,
                "{} is {} and not {state}:\n{}",
                self.task,
                self.state(),
                self.thread()
            );
            glance(&self.office);
        }
    }

    pub fn thread(&self) -> String {
        self.office.slack.thread(&self.mention)
    }

    /// What was said while nobody listened is answered under it.
    pub fn until_heard(&self) {
        let since = Instant::now();
        while keys(&self.office.slack, &self.mention).iter().all(|key| is_of_task(key)) {
            assert!(since.elapsed() < PATIENCE, "what was said meanwhile was not answered:\n{}", self.thread());
            glance(&self.office);
        }
    }

    pub fn until_at_rest(&self) {
        self.office.slack.until_settled();
        let since = Instant::now();
        let mut record = self.office.world.record();
        while !record.is_at_rest() {
            assert!(since.elapsed() < PATIENCE, "something is still owed:\n{}", self.thread());
            glance(&self.office);
        }
    }

    /// What the agent `curious` was told, by the branch that it made.
    pub fn prompt(&self) -> String {
        self.office.world.remote.git(&["show", &format!("downbeat/{}:prompt.md", self.task)])
    }

    pub fn assert_landed_once(&self) {
        assert!(self.office.landed("kitchen.room").is_some());
        assert_eq!(self.office.world.remote.log("main").lines().count(), 2);
    }

    pub fn assert_posts_of_task(&self, wanted: &[&str]) {
        assert_eq!(self.posts().0, wanted, "{}", self.thread());
    }

    /// Each message once: those of the task, and one answer to what was said meanwhile.
    pub fn assert_posts(&self, of_task: &[&str]) {
        let (kinds, n_others) = self.posts();
        assert_eq!(
            (kinds, n_others),
            (of_task.iter().map(|kind| (*kind).to_owned()).collect(), 1),
            "{}",
            self.thread()
        );
    }

    /// The kinds of the messages about the task, sorted, and how many others there are; none of them twice.
    fn posts(&self) -> (Vec<String>, usize) {
        let keys = keys(&self.office.slack, &self.mention);
        let once: BTreeSet<&String> = keys.iter().collect();
        assert_eq!(once.len(), keys.len(), "something was posted twice: {keys:?}\n{}", self.thread());
        let (theirs, others): (Vec<_>, Vec<_>) = keys.iter().partition(|key| is_of_task(key));
        let mut kinds: Vec<String> = theirs.iter().filter_map(|key| key.split(':').next()).map(str::to_owned).collect();
        kinds.sort_unstable();
        (kinds, others.len())
    }
}

/// Lets something happen.
fn glance(office: &Office) {
    const A_MOMENT: Duration = Duration::from_millis(20);
    let _ = office.slack.wait_for(A_MOMENT, |_| None::<()>);
}

/// Whether a message is about a task, and no answer to words.
fn is_of_task(key: &str) -> bool {
    key.split(':').nth(1).is_some_and(|task| task.starts_with("T-"))
}
