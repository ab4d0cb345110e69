//! The machine's stories as text: events in, a trace out; and its laws over random histories.

use domain::policy::Tier;
use domain::{Machine, Person, Rejected, Sha, Step, TaskId, ThreadRef, Timestamp};
use expect_test::{Expect, expect};
use forge::{CheckRun, Conclusion, FileChange};
use proptest::prelude::*;
use store::{Route, Table};

use super::*;
use crate::session::people::{Question, QuestionKind};

mod repair;
mod script;
mod talk;
mod trial;

use script::{event, owed};

fn request(plan: PlanMode) -> Request {
    Request {
        text: "fix the login".to_owned(),
        repo: "web".parse().unwrap(),
        target: "main".parse().unwrap(),
        agent: "scripted".to_owned(),
        model: None,
        plan,
        merges_itself: false,
        requester: person("ana"),
        thread: ThreadRef::console("t"),
        message: None,
        budget_micros: None,
        repo_because: String::new(),
        context: String::new(),
        receipt: "0 messages".to_owned(),
        pictures: None,
        waits: Waits::default(),
    }
}

fn person(name: &str) -> Person {
    name.parse().unwrap()
}

fn sha(digit: &str) -> Sha {
    digit.repeat(40).parse().unwrap()
}

fn work(head: &str, tier: Tier, conclusion: Conclusion) -> Work {
    let check = CheckRun {
        name: "unit".to_owned(),
        conclusion,
        exit: Some(0),
        output_tail: String::new(),
        duration_ms: 1,
        attempts: 1,
        failed_tests: forge::FailedTests::default(),
    };
    Work {
        approved: None,
        accepted_by: None,
        base: sha("0"),
        head: sha(head),
        changes: vec![FileChange { path: "src/a.rs".to_owned(), added: 1, removed: 0 }],
        tier,
        tier_because: "src/a.rs".to_owned(),
        altered: Vec::new(),
        checks: vec![check],
        demand: Demand::Checks,
        cage: "standard".to_owned(),
        hosts: Vec::new(),
        cost_micros: None,
    }
}

fn line(step: &Step<Task>) -> String {
    let owes: Vec<_> = step.effects.iter().map(owed).collect();
    let owes = if owes.is_empty() { String::new() } else { format!(" owes {}", owes.join(", ")) };
    format!("{:<18}{owes}", step.state.state()).trim_end().to_owned()
}

fn trace(plan: PlanMode, script: &str) -> String {
    let now = Timestamp::from_ms(1_000);
    let mut step = Task::submit(TaskId::new(1), request(plan), now);
    let mut lines = vec![line(&step)];
    for words in script.split(';').map(str::trim).filter(|words| !words.is_empty()) {
        let before = step.state.clone();
        let happened = event(&before, words);
        match step.state.step(&happened, now) {
            Ok(next) => {
                assert_eq!(laws::broken(&before, &happened, &next), None, "by {words:?}");
                lines.push(line(&next));
                step = next;
            }
            Err(Rejected { why, next }) => {
                lines.push(format!("{:<18} refused: {why}. {next}.", before.state()));
                step = Step::quiet(before);
            }
        }
    }
    lines.join("\n") + "\n"
}

fn check(script: &str, expected: Expect) {
    expected.assert_eq(&trace(PlanMode::Ask, script));
}

#[test]
fn a_plan_is_approved_worked_published_and_merged() {
    check(
        "started; plan; approve ben; started; done; published; merge ben; moved-up; landed",
        expect![[r#"
            queued             owes post-card, start-session(1, plan, 0 said)
            planning           owes edit-card
            awaiting-approval  owes edit-card, announce(plan v1), deadline(1), reminder(1)
            queued             owes close(announce(plan v1): approved by ben), edit-card, start-session(2, work)
            working            owes edit-card
            publishing         owes edit-card, publish(a)
            in-review          owes edit-card, announce(ready), deadline(2)
            merging            owes close(announce(ready): sent to the merge queue by ben), edit-card, enqueue
            merging            owes edit-card
            merged             owes clean-up, edit-card, announce(ended)
        "#]],
    );
}

/// [2]
#[test]
fn a_revision_supersedes_the_plan_and_an_old_approval_is_refused() {
    check(
        "started; plan; revise ben keep the name; approve ben 1; started; plan; approve ben 1; approve ben 2 1234; approve ben 2; approve cleo",
        expect![[r#"
            queued             owes post-card, start-session(1, plan, 0 said)
            planning           owes edit-card
            awaiting-approval  owes edit-card, announce(plan v1), deadline(1), reminder(1)
            queued             owes close(announce(plan v1): ben asked for another version), edit-card, start-session(2, plan, 1 said)
            queued             refused: There is no plan of T-1 to approve: it is waiting for its turn. Say `status T-1` to see what it needs.
            planning           owes edit-card
            awaiting-approval  owes edit-card, announce(plan v2), deadline(2), reminder(2)
            awaiting-approval  refused: That was version 1 of the plan for T-1, and version 2 has replaced it. Read the newer plan, then say `approve T-1`.
            awaiting-approval  refused: The plan for T-1 is not the one that this button was made for. Read the newest plan, then say `approve T-1`.
            queued             owes close(announce(plan v2): approved by ben), edit-card, start-session(3, work)
            queued             refused: The plan for T-1 was already approved by ben at 00:00 UTC. Say `status T-1` to follow it.
        "#]],
    );
}

#[test]
fn what_an_earlier_turn_reached_counts_and_what_a_person_allowed_does_not() {
    let last_of = |between: &str| {
        let begun = "started; plan 1 R1 named.org; approve ben; started; reached api.named.org";
        let script = format!("{begun}; {between}; pause ana; stopped; resume ana; started; done");
        trace(PlanMode::Ask, &script).lines().last().unwrap().split(' ').next().unwrap().to_owned()
    };
    assert_eq!(last_of("told"), "publishing");
    assert_eq!(last_of("reached far.org"), "departed");
    assert_eq!(last_of("asks-for far.org; allow ana; told; reached far.org"), "publishing");
    assert_eq!(last_of("asks-for far.org; answer ana never; told; reached far.org"), "departed");
    assert_eq!(last_of("asks-for far.org; allow ana; told; reached near.org"), "departed");
    // Who accepted the change that reached it is not asked about it again.
    let accepted = "started; plan 1 R1 named.org; approve ben; started; reached far.org; done; accept ben a; published";
    let last = trace(PlanMode::Ask, &format!("{accepted}; retry ana; started; reached far.org; done"));
    assert!(last.lines().last().unwrap().starts_with("publishing"), "{last}");
}

#[test]
fn a_change_beyond_its_plan_waits_for_a_person() {
    check(
        "started; plan; approve ben; started; done 2 R2; accept ben b; accept ben a; published",
        expect![[r#"
            queued             owes post-card, start-session(1, plan, 0 said)
            planning           owes edit-card
            awaiting-approval  owes edit-card, announce(plan v1), deadline(1), reminder(1)
            queued             owes close(announce(plan v1): approved by ben), edit-card, start-session(2, work)
            working            owes edit-card
            departed           owes edit-card, announce(departed), deadline(2), reminder(2)
            departed           refused: That was commit bbbbbbbbbb of T-1, and aaaaaaaaaa has replaced it. Look at the newer change, then say `approve T-1`.
            publishing         owes close(announce(departed): accepted by ben), edit-card, publish(a)
            in-review          owes edit-card, announce(ready), deadline(3)
        "#]],
    );
}

#[test]
fn a_plan_may_be_left_out_or_approved_by_the_policy() {
    expect![[r#"
        queued             owes post-card, start-session(1, work)
        working            owes edit-card
        departed           owes edit-card, announce(departed), deadline(1), reminder(1)
    "#]]
    .assert_eq(&trace(PlanMode::Off, "started; done 1 R2"));
    expect![[r#"
        queued             owes post-card, start-session(1, plan, 0 said)
        planning           owes edit-card
        queued             owes edit-card, announce(plan v1), start-session(2, work)
    "#]]
    .assert_eq(&trace(PlanMode::Auto, "started; plan"));
    expect![[r#"
        queued             owes post-card, start-session(1, plan, 0 said)
        planning           owes edit-card
        awaiting-approval  owes edit-card, announce(plan v1), deadline(1), reminder(1)
    "#]]
    .assert_eq(&trace(PlanMode::Auto, "started; plan 1 R2"));
}

#[test]
fn a_stop_ends_whatever_runs_and_a_finish_just_before_it_counts_as_stopped() {
    check(
        "started; stop ana; stop ben; stopped; retry ana; started; stop ana; plan",
        expect![[r#"
            queued             owes post-card, start-session(1, plan, 0 said)
            planning           owes edit-card
            cancelling         owes stop-session, edit-card
            cancelling         refused: ana has stopped T-1 already; it is ending. Say `status T-1`.
            cancelled          owes clean-up, edit-card, announce(ended)
            queued             owes edit-card, start-session(2, plan, 0 said)
            planning           owes edit-card
            cancelling         owes stop-session, edit-card
            cancelled          owes clean-up, edit-card, announce(ended)
        "#]],
    );
}

/// [27]
#[test]
fn a_stop_in_the_queue_is_a_wish_that_a_landing_beats() {
    let to_queue = "started; plan; approve ben; started; done; published; merge ben;";
    let tail = |script: &str| {
        let trace = trace(PlanMode::Ask, &format!("{to_queue} {script}"));
        trace.lines().skip(8).map(|line| format!("{line}\n")).collect::<String>()
    };
    expect![[r#"
        merging            owes withdraw(ana), edit-card
        merged             owes clean-up, edit-card, announce(ended)
    "#]]
    .assert_eq(&tail("stop ana; landed"));
    expect![[r#"
        merging            owes edit-card, withdraw(ana)
        merging            refused: T-1 is leaving the queue already. Say `status T-1`.
        merging            owes edit-card
        cancelled          owes clean-up, edit-card, announce(ended)
    "#]]
    .assert_eq(&tail("dequeue ana; dequeue ben; stop ben; withdrawn"));
    expect![[r#"
        merging            owes edit-card, withdraw(ana)
        in-review          owes edit-card, announce(sent back), deadline(3)
        merging            owes close(announce(sent back): sent to the merge queue by ben), edit-card, enqueue
        in-review          owes edit-card, announce(sent back), deadline(4)
        queued             owes close(announce(sent back): tried again by ana), edit-card, start-session(3, work)
    "#]]
    .assert_eq(&tail("dequeue ana; withdrawn; merge ben; ejected; retry ana"));
}

/// [6]
#[test]
fn red_checks_keep_a_change_out_of_the_queue() {
    check(
        "started; plan; approve ben; started; done-red; published; merge ben; revise ben make unit pass",
        expect![[r#"
            queued             owes post-card, start-session(1, plan, 0 said)
            planning           owes edit-card
            awaiting-approval  owes edit-card, announce(plan v1), deadline(1), reminder(1)
            queued             owes close(announce(plan v1): approved by ben), edit-card, start-session(2, work)
            working            owes edit-card
            publishing         owes edit-card, publish(a)
            in-review          owes edit-card, announce(ready), deadline(2)
            in-review          refused: T-1 does not pass its own checks: unit. Say `retry T-1`, or `revise T-1` with what should be different.
            queued             owes close(announce(ready): ben asked for another version), edit-card, start-session(3, plan, 1 said)
        "#]],
    );
}

#[test]
fn failures_can_be_retried_from_where_they_happened() {
    check(
        "broke; retry ana; started; plan; approve ben; started; broke; retry ana; started; done; unpublished; retry ana; started; nothing",
        expect![[r#"
            queued             owes post-card, start-session(1, plan, 0 said)
            failed             owes edit-card, announce(ended)
            queued             owes edit-card, start-session(2, plan, 0 said)
            planning           owes edit-card
            awaiting-approval  owes edit-card, announce(plan v1), deadline(1), reminder(1)
            queued             owes close(announce(plan v1): approved by ben), edit-card, start-session(3, work)
            working            owes edit-card
            failed             owes edit-card, announce(ended)
            queued             owes edit-card, start-session(4, work)
            working            owes edit-card
            publishing         owes edit-card, publish(a)
            failed             owes edit-card, announce(ended)
            queued             owes edit-card, start-session(5, work)
            working            owes edit-card
            answered           owes edit-card, announce(ended)
        "#]],
    );
}

#[test]
fn nobody_answering_ends_the_wait_and_an_old_deadline_does_not() {
    check(
        "started; plan; revise ben more; started; plan; expired 1; expired; reject ben",
        expect![[r#"
            queued             owes post-card, start-session(1, plan, 0 said)
            planning           owes edit-card
            awaiting-approval  owes edit-card, announce(plan v1), deadline(1), reminder(1)
            queued             owes close(announce(plan v1): ben asked for another version), edit-card, start-session(2, plan, 1 said)
            planning           owes edit-card
            awaiting-approval  owes edit-card, announce(plan v2), deadline(2), reminder(2)
            awaiting-approval
            cancelled          owes close(announce(plan v2): nobody approved it in time), clean-up, edit-card, announce(ended)
            cancelled          refused: There is nothing of T-1 to reject: it is cancelled. Say `status T-1` to see how it ended.
        "#]],
    );
}

#[test]
fn stopping_a_session_or_a_trial_is_a_revocation_and_no_debt() {
    let id = TaskId::new(1);
    let route = Task::route(&id, &TaskEffect::StopSession, Timestamp::from_ms(0));
    assert_eq!(route, Route::Revoke { lane: "session", group: "T-1".to_owned() });
    let route = Task::route(&id, &TaskEffect::StopTrial, Timestamp::from_ms(0));
    assert_eq!(route, Route::Revoke { lane: "try", group: "T-1".to_owned() });
}

const WORDS: [&str; 61] = [
    "repair",
    "try ben",
    "tried",
    "tried 1",
    "tried-red",
    "reminded",
    "reminded 1",
    "suggest dan use tabs",
    "say ana use tabs (suggested by dan)",
    "take-back ana",
    "started",
    "started 1",
    "plan",
    "plan 1",
    "plan 2 R2",
    "plan 3 R3",
    "approve ben",
    "approve ana 1",
    "approve ben 2 12",
    "revise ben more",
    "reject ben",
    "done",
    "done 2",
    "done 3 R2",
    "done 2 R3",
    "done-red",
    "nothing",
    "broke",
    "broke 1",
    "stopped",
    "stopped 1",
    "accept ben",
    "accept ben b",
    "published",
    "unpublished",
    "merge ben",
    "dequeue ben",
    "moved-up",
    "landed",
    "ejected",
    "withdrawn",
    "stop ana",
    "retry ana",
    "expired",
    "asks",
    "asks 1",
    "asks 2 sure?",
    "answer ana yes",
    "answer ben maybe 1",
    "answer ana no 2",
    "parked",
    "parked 1",
    "say ana use tabs",
    "interrupt ben stop that",
    "told",
    "told 1",
    "pause ana",
    "resume ben",
    "rollback ana 1",
    "retry ana codex",
    "expired 1",
];

proptest! {
    #![proptest_config(ProptestConfig { cases: 512, ..ProptestConfig::default() })]

    #[test]
    fn the_laws_hold_over_random_histories(
        mode in prop::sample::select(vec![PlanMode::Ask, PlanMode::Auto, PlanMode::Off]),
        script in prop::collection::vec(prop::sample::select(WORDS.to_vec()), 1..60),
    ) {
        let now = Timestamp::from_ms(1_000);
        let mut task = Task::submit(TaskId::new(1), request(mode), now).state;
        for words in script {
            let happened = event(&task, words);
            if let Ok(step) = task.clone().step(&happened, now) {
                prop_assert_eq!(laws::broken(&task, &happened, &step), None);
                let json = serde_json::to_string(&step.state).unwrap();
                prop_assert_eq!(&serde_json::from_str::<Task>(&json).unwrap(), &step.state);
                task = step.state;
            }
        }
    }
}

#[test]
fn a_muted_task_owes_only_what_somebody_has_to_answer() {
    check(
        "mute cleo; mute ana; started; plan; approve ben; started; done; published; unmute ana; merge ben; mute ana; landed",
        expect![[r#"
            queued             owes post-card, start-session(1, plan, 0 said)
            queued             owes edit-card
            queued             refused: T-1 is muted already, by cleo. Say `unmute T-1` to hear of it again.
            planning
            awaiting-approval  owes edit-card, announce(plan v1), deadline(1), reminder(1)
            queued             owes close(announce(plan v1): approved by ben), start-session(2, work)
            working
            publishing         owes publish(a)
            in-review          owes edit-card, announce(ready), deadline(2)
            in-review          owes edit-card
            merging            owes close(announce(ready): sent to the merge queue by ben), edit-card, enqueue
            merging            owes edit-card
            merged             owes clean-up, edit-card
        "#]],
    );
}
