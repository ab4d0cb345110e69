//! A turn that is cut short by what is around it, in every way that there is: what was done is kept, the next attempt goes on
//! from it, and what its agent is told of its tree is true.

use std::path::PathBuf;
use std::time::Instant;

use sqlx::{Connection, Executor, SqliteConnection};

use super::real::Real;
use super::{Studio, wait_for};
use crate::family;
use crate::gate::{Gate, Visitor};
use crate::instance::{Instance, PATIENCE};

/// Half of it is done at the gate. Who goes on finds that half, and who begins anew must not.
const SCRIPT: &str = r#"
[[task]]
says = "Earlier sessions have begun: their work stands in it"
work = [
  { do = [{ shell = "echo 'wall: whole' >> half.room && mv half.room cellar.room" }] },
  { say = "The rest is dug." },
]

[[task]]
says = "dig a cellar"
work = [
  { say = "I begin at the door.", do = [{ shell = "test ! -e half.room && echo 'wall: half' > half.room && read line < {place}/gates/cellar && mv half.room cellar.room" }] },
  { say = "There is a cellar." },
]

[[task]]
says = "dig a well"
work = [
  { say = "I begin at the door.", do = [{ shell = "echo 'wall: half' > half.room" }] },
  { fail = { status = 503, message = "overloaded" } },
]
"#;

struct Digging {
    agent: &'static Real,
    studio: Studio,
    gate: Gate,
}

impl Digging {
    fn by(agent: &str, more: &str) -> Self {
        let studio = Studio::with(agent, SCRIPT, &format!("{more}\n[cage]\nread = [\"{{place}}/gates\"]\n"));
        std::fs::create_dir(studio.world.path("gates")).unwrap();
        let gate = Gate::at(&studio.world.path("gates/cellar"));
        Self { agent: Real::of(agent), studio, gate }
    }

    /// Up, and half of the work done.
    fn half_done(&self, agent: &str) -> (Instance, Visitor) {
        let mut instance = self.studio.up();
        instance.say(&format!("ana: @agent dig a cellar agent={agent} plan=off"));
        (instance, self.gate.wait_for_somebody())
    }

    /// The bodies of the first requests of all attempts.
    fn beginnings(&self) -> Vec<String> {
        let turns = self.studio.model.turns().into_iter();
        turns.filter(|turn| turn.step == 0).map(|turn| turn.body.to_string()).collect()
    }

    /// What was done before was done once, the agent knows of it, and the work lands.
    fn assert_gone_on(&self, mut instance: Instance) {
        wait_for(&instance, "T-1 is ready on downbeat/T-1: +2 −0 in cellar.room");
        let beginnings = self.beginnings();
        assert_eq!(beginnings.len(), 2);
        let tree = "stands in it as changes that nobody has committed (half.room (+1 −0))";
        let resumed = ["I begin at the door.", "were cut short: go on from there. Your tree is as you left it."];
        for known in [tree].into_iter().chain(resumed.into_iter().filter(|_| self.agent.resumes)) {
            assert!(beginnings[1].contains(known), "it does not know {known:?}");
        }
        instance.say("ben: merge T-1");
        wait_for(&instance, "T-1 is merged");
        self.studio.world.check_commit("main").unwrap();
        assert!(instance.stop().status.success());
    }

    fn beside(&self, name: &str) -> PathBuf {
        self.studio.world.path("state/workspaces/T-1").join(name)
    }
}

pub fn by_the_death_of_the_service(agent: &str) {
    let digging = Digging::by(agent, "");
    let (instance, visitor) = digging.half_done(agent);
    let (kin, since) = (family::descendants(instance.id()), Instant::now());
    drop(instance.kill());
    family::wait_for_the_end(&kin, since, PATIENCE).expect("the agent dies with its service");
    drop(visitor);
    let somebody = std::fs::File::open(digging.beside("running.lock")).unwrap();
    somebody.lock_shared().unwrap();
    let instance = digging.studio.up();
    instance
        .err
        .wait_for("what ran in the tree before is still ending")
        .expect("nobody looks at a tree that is written");
    drop(somebody);
    digging.assert_gone_on(instance);
}

pub fn by_the_end_of_the_service(agent: &str) {
    let digging = Digging::by(agent, "");
    let (instance, visitor) = digging.half_done(agent);
    assert!(instance.stop().status.success());
    drop(visitor);
    digging.assert_gone_on(digging.studio.up());
}

/// The database is held by somebody else for longer than anybody waits for it.
pub fn by_a_database_that_does_not_answer(agent: &str) {
    let digging = Digging::by(agent, "");
    let (instance, visitor) = digging.half_done(agent);
    let url = format!("sqlite:{}", digging.studio.world.path("state/downbeat.db").display());
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    let mut database = runtime.block_on(SqliteConnection::connect(&url)).unwrap();
    runtime.block_on(database.execute("BEGIN IMMEDIATE")).unwrap();
    drop(visitor);
    // By a word that it could not write, or by its lease, which could not be extended. Each word waits its ten seconds, one
    // behind the other, so that this may take longer than anything else is waited for.
    let put_off = || instance.err.wait_for("session put off: ");
    put_off().or_else(put_off).unwrap_or_else(|| panic!("it goes on:\n{}", instance.err.text()));
    runtime.block_on(database.execute("ROLLBACK")).unwrap();
    runtime.block_on(database.close()).unwrap();
    digging.assert_gone_on(instance);
}

/// A model that is overloaded in the middle of the work.
pub fn by_a_model_that_is_overloaded(agent: &str) {
    let digging = Digging::by(agent, "env = { CLAUDE_CODE_MAX_RETRIES = \"1\" }\n");
    let mut instance = digging.studio.up();
    instance.say(&format!("ana: @agent dig a well agent={agent} plan=off"));
    digging.assert_gone_on(instance);
}

/// After a crash of the machine nobody knows what of the tree reached the disk.
pub fn by_a_crash_of_the_machine(agent: &str) {
    let digging = Digging::by(agent, "");
    let (instance, visitor) = digging.half_done(agent);
    drop(instance.kill());
    drop(visitor);
    let note = digging.beside("tree.json");
    let known = std::fs::read_to_string(&note).unwrap();
    let boot = std::fs::read_to_string("/proc/sys/kernel/random/boot_id").unwrap();
    assert!(known.contains(boot.trim()));
    std::fs::write(&note, known.replace(boot.trim(), "another")).unwrap();

    let instance = digging.studio.up();
    digging.gate.wait_for_somebody().let_through();
    wait_for(&instance, "T-1 is ready on downbeat/T-1: +1 −0 in cellar.room");
    let beginnings = digging.beginnings();
    let remembers = ["I begin at the door.", "cut short", "nobody has committed ("];
    assert!(!remembers.iter().any(|known| beginnings[1].contains(known)), "{}", beginnings[1]);
    assert!(instance.stop().status.success());
}

/// Who is to try it again begins at the target, and is told what of its work is not there.
pub fn and_told_what_is_gone_when_it_is_tried_again(agent: &str) {
    let digging = Digging::by(agent, "");
    let (mut instance, visitor) = digging.half_done(agent);
    instance.say("ana: pause T-1");
    wait_for(&instance, "paused by ana");
    drop(visitor);
    instance.say("ana: retry T-1");
    digging.gate.wait_for_somebody().let_through();
    wait_for(&instance, "T-1 is ready on downbeat/T-1: +1 −0 in cellar.room");
    let again = digging.beginnings().remove(1);
    for known in ["I begin at the door.", "since then these files changed: half.room (+0 −1)."] {
        assert!(again.contains(known), "it does not know {known:?}");
    }
    assert!(!again.contains("cut short") && !again.contains("nobody has committed ("));
    assert!(instance.stop().status.success());
}
