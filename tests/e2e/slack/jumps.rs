//! The time of day jumps by an hour or more while tasks run, in either direction.

use std::time::{Duration, Instant};

use tests::slack::Failure;

use super::scene::Scene;

const HOUR_S: i64 = 3_600;
/// What is said after a jump is answered as soon as ever.
const SOON: Duration = Duration::from_secs(15);

/// A task at work, another whose plan waits, posts of a moment ago, and a method for which Slack said "later".
fn busy_scene() -> (Scene, String) {
    let mut scene = Scene::new();
    scene.instance = Some(scene.office.up_by_the_clock());
    let plan = scene.office.slack.say("dev", "ana", "@agent paint the hall blue");
    scene.office.slack.until(&plan, "[Approve and run]");
    scene.task = "T-2";
    scene.ask("add a kitchen agent=slow plan=off");
    scene.visit("work");
    scene.until_state("working");
    let slack = &scene.office.slack;
    slack.fail("chat.postMessage", [Failure::RateLimited(1)]);
    slack.fail("chat.update", [Failure::RateLimited(1)]);
    let help = slack.say("dev", "ben", "@agent help");
    slack.until(&help, "agent: ");
    (scene, plan)
}

fn live_through(offset_s: i64) {
    let (mut scene, plan) = busy_scene();
    scene.office.clock.set(offset_s);
    let slack = &scene.office.slack;
    let since = Instant::now();
    let help = slack.say("dev", "ben", "@agent help");
    slack.until(&help, "agent: ");
    assert!(since.elapsed() < SOON, "answered after {:?}", since.elapsed());

    // Nobody told of it, and the sockets break: it has to be found by what the clock has nothing to do with.
    let missed = slack.unheard("dev", "ben", "@agent help");
    slack.connections().into_iter().for_each(|socket| slack.drop_socket(socket));
    slack.until(&missed, "agent: ");
    assert!(since.elapsed() < 2 * SOON, "found after {:?}", since.elapsed());

    assert_eq!(scene.state(), "working", "a session at work goes on");
    let leases = scene.office.world.record().leases();
    let attempts: Vec<u32> = leases.iter().filter(|lease| lease.lane == "session").map(|lease| lease.attempt).collect();
    assert_eq!(attempts, [1], "it runs once: {leases:?}");
    scene.waiting.pop().unwrap().let_through();
    scene.see("[Merge]");
    slack_click(&scene, &plan, "Approve and run");
    scene.office.slack.until(&plan, "[Merge]");
    scene.merge();
    scene.until_state("merged");
    scene.until_at_rest();
    scene.assert_posts_of_task(&["card", "end", "ready"]);
    scene.assert_landed_once();
    // Posts to one channel go out a second apart, and arrive a little nearer to each other or farther.
    let is_post = |method: &str| method == "chat.postMessage";
    let over: Vec<_> = scene.office.slack.over_the_limit().into_iter().map(|call| call.method).collect();
    assert!(over.iter().all(|method| is_post(method)), "{over:?}");
    assert!(scene.instance.take().unwrap().stop().status.success());
}

fn slack_click(scene: &Scene, mention: &str, label: &str) {
    let message = scene.office.slack.find(mention, &format!("[{label}]"));
    scene.office.slack.click(&message, "ben", label).answered().unwrap();
}

pub fn an_hour_that_is_skipped_ends_and_doubles_nothing() {
    live_through(HOUR_S);
}

pub fn an_hour_that_comes_twice_holds_nothing_up() {
    live_through(-HOUR_S);
}

/// A plan waits seven days. A jump beyond them ends it, once, and setting the clock right does not bring it back.
pub fn a_deadline_that_is_jumped_over_has_passed() {
    let mut scene = Scene::new();
    scene.instance = Some(scene.office.up_by_the_clock());
    scene.ask("add a kitchen");
    scene.see("[Approve and run]");
    scene.office.clock.set(6 * 24 * HOUR_S);
    let help = scene.office.slack.say("dev", "ben", "@agent help");
    scene.office.slack.until(&help, "agent: ");
    assert_eq!(scene.state(), "awaiting-approval");
    scene.office.clock.set(8 * 24 * HOUR_S);
    scene.until_state("cancelled");
    scene.office.clock.set(0);
    scene.until_at_rest();
    let thread = scene.thread();
    assert_eq!(thread.matches("T-1 ended").count(), 1, "{thread}");
    assert!(!thread.contains("[Approve and run]"), "{thread}");
}
