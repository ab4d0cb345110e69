//! What people and sessions say to each other: questions, words, pauses, steps back; and what an older release kept.

use domain::{Machine, TaskId, Timestamp};
use expect_test::expect;

use super::*;

#[test]
fn a_question_is_answered_once_while_its_session_waits() {
    check(
        "started; plan; approve ben; started; asks; asks; answer ana yes 1; answer ben no; told; done",
        expect![[r#"
            queued             owes post-card, start-session(1, plan, 0 said)
            planning           owes edit-card
            awaiting-approval  owes edit-card, announce(plan v1), deadline(1), reminder(1)
            queued             owes close(announce(plan v1): approved by ben), edit-card, start-session(2, work)
            working            owes edit-card
            asking             owes edit-card, announce(question 1)
            asking
            working            owes close(1, yes), edit-card
            working            refused: ana has answered that question of T-1 already: “yes”. Say `steer T-1` and your words if its agent should know more.
            working            owes edit-card
            publishing         owes edit-card, publish(a)
        "#]],
    );
}

#[test]
fn a_session_that_ends_with_its_question_leaves_the_answer_to_the_next() {
    check(
        "started; plan; approve ben; started; asks; parked; parked 1; say ana use tabs; answer ana maybe 7; answer ana YES 1; started; told; done",
        expect![[r#"
            queued             owes post-card, start-session(1, plan, 0 said)
            planning           owes edit-card
            awaiting-approval  owes edit-card, announce(plan v1), deadline(1), reminder(1)
            queued             owes close(announce(plan v1): approved by ben), edit-card, start-session(2, work)
            working            owes edit-card
            asking             owes edit-card, announce(question 1)
            parked             owes edit-card, deadline(2), reminder(2)
            parked
            parked             owes edit-card
            parked             refused: That was an older question of T-1; now it asks: “really?”. Say `answer T-1` and your words.
            queued             owes close(1, yes), edit-card, start-session(3, work, where it was)
            working            owes edit-card
            working            owes edit-card
            publishing         owes edit-card, publish(a)
        "#]],
    );
    check(
        "started; asks; parked; reminded 0; reminded; expired; reminded 1; answer ana yes; resume ana; started",
        expect![[r#"
            queued             owes post-card, start-session(1, plan, 0 said)
            planning           owes edit-card
            asking             owes edit-card, announce(question 1)
            parked             owes edit-card, deadline(1), reminder(1)
            parked
            parked             owes announce(reminder 1)
            paused             owes close(1, unanswered), edit-card, deadline(2)
            paused
            paused             refused: T-1 asks nothing now: it is paused. Say `resume T-1` to let it go on.
            queued             owes edit-card, start-session(2, plan, 0 said, where it was)
            planning           owes edit-card
        "#]],
    );
}

#[test]
fn an_answer_just_before_the_end_is_told_to_one_more_session() {
    check(
        "started; asks; answer ana yes; parked; started; told; asks; plan; approve ben",
        expect![[r#"
            queued             owes post-card, start-session(1, plan, 0 said)
            planning           owes edit-card
            asking             owes edit-card, announce(question 1)
            planning           owes close(1, yes), edit-card
            queued             owes edit-card, start-session(2, plan, 1 said, where it was)
            planning           owes edit-card
            planning
            asking             owes edit-card, announce(question 2)
            awaiting-approval  owes close(2, unanswered), edit-card, announce(plan v1), deadline(1), reminder(1)
            queued             owes close(announce(plan v1): approved by ben), edit-card, start-session(3, work)
        "#]],
    );
    check(
        "started; plan; approve ben; started; say ana use tabs; done; started; told; nothing",
        expect![[r#"
            queued             owes post-card, start-session(1, plan, 0 said)
            planning           owes edit-card
            awaiting-approval  owes edit-card, announce(plan v1), deadline(1), reminder(1)
            queued             owes close(announce(plan v1): approved by ben), edit-card, start-session(2, work)
            working            owes edit-card
            working            owes edit-card
            queued             owes edit-card, start-session(3, work, where it was)
            working            owes edit-card
            working            owes edit-card
            answered           owes edit-card, announce(ended)
        "#]],
    );
}

#[test]
fn a_pause_keeps_the_goal_and_is_ended_by_a_word() {
    check(
        "started; plan; approve ben; started; asks; pause ana; pause ben; done; say ben faster; resume ana; started; told; pause ana; resume ana; stopped 3; started; done",
        expect![[r#"
            queued             owes post-card, start-session(1, plan, 0 said)
            planning           owes edit-card
            awaiting-approval  owes edit-card, announce(plan v1), deadline(1), reminder(1)
            queued             owes close(announce(plan v1): approved by ben), edit-card, start-session(2, work)
            working            owes edit-card
            asking             owes edit-card, announce(question 1)
            pausing            owes close(1, unanswered), stop-session, edit-card
            pausing            refused: ana has paused T-1 already. Say `resume T-1` to let it go on.
            paused             owes edit-card, deadline(2)
            paused             owes edit-card
            queued             owes edit-card, start-session(3, work, where it was)
            working            owes edit-card
            working            owes edit-card
            pausing            owes stop-session, edit-card
            queued             owes edit-card, start-session(4, work, where it was)
            queued
            working            owes edit-card
            publishing         owes edit-card, publish(a)
        "#]],
    );
    check(
        "pause ana; stopped; stop ben",
        expect![[r#"
        queued             owes post-card, start-session(1, plan, 0 said)
        pausing            owes stop-session, edit-card
        paused             owes edit-card, deadline(1)
        cancelled          owes clean-up, edit-card, announce(ended)
    "#]],
    );
    check(
        "pause ana; stopped; expired",
        expect![[r#"
        queued             owes post-card, start-session(1, plan, 0 said)
        pausing            owes stop-session, edit-card
        paused             owes edit-card, deadline(1)
        cancelled          owes clean-up, edit-card, announce(ended)
    "#]],
    );
}

#[test]
fn a_step_back_makes_late_whatever_went_on() {
    check(
        "rollback ana 2; started; plan; approve ben; started; rollback ana 2; done 2; started; told; done; published; rollback ben 1; started; done",
        expect![[r#"
            queued             owes post-card, start-session(1, plan, 0 said)
            queued             refused: T-1 cannot go back to a checkpoint now: it is waiting for its turn. Say `status T-1` to see where it stands.
            planning           owes edit-card
            awaiting-approval  owes edit-card, announce(plan v1), deadline(1), reminder(1)
            queued             owes close(announce(plan v1): approved by ben), edit-card, start-session(2, work)
            working            owes edit-card
            queued             owes stop-session, edit-card, start-session(3, work, at checkpoint 2)
            queued
            working            owes edit-card
            working            owes edit-card
            publishing         owes edit-card, publish(a)
            in-review          owes edit-card, announce(ready), deadline(2)
            queued             owes close(announce(ready): taken back to checkpoint 1 by ben), edit-card, start-session(4, work, at checkpoint 1)
            working            owes edit-card
            queued             owes edit-card, start-session(5, work, where it was)
        "#]],
    );
}

#[test]
fn a_retry_may_be_with_another_agent() {
    let now = Timestamp::from_ms(1_000);
    let task = Task::submit(TaskId::new(1), request(PlanMode::Ask), now).state;
    let events = ["started", "broke", "retry ana codex"];
    let step = |task: Task, words: &&str| task.clone().step(&event(&task, words), now).unwrap().state;
    let task = events.iter().fold(task, step);
    assert_eq!(
        (task.request.agent.as_str(), task.state.clone()),
        ("codex", TaskState::Queued { goal: task.goal().unwrap() })
    );
}

#[test]
fn a_task_that_an_older_release_kept_reads() {
    let kept = r#"{"id":"T-7","request":{"text":"fix it","repo":"web","target":"main","agent":"coder","plan":"ask",
        "merges_itself":false,"requester":"ana","thread":"console/t","context":"","receipt":"0 messages",
        "waits":{"approval":{"secs":604800,"nanos":0},"review":{"secs":2592000,"nanos":0}}},
        "created_at":1000,"card":null,"sessions":1,"plans":0,"waits":0,"state":{"Working":{"approved":null}}}"#;
    let task: Task = serde_json::from_str(kept).unwrap();
    assert_eq!((task.said.len(), task.questions, task.request.model.as_deref()), (0, 0, None));
    assert_eq!(task.request.waits, Waits::default());
    let effect: TaskEffect =
        serde_json::from_str(r#"{"StartSession":{"session":1,"goal":{"Work":{"approved":null}}}}"#).unwrap();
    assert_eq!(owed(&effect), "start-session(1, work)");
    let retry: TaskEvent = serde_json::from_str(r#"{"RetryRequested":{"by":"ana"}}"#).unwrap();
    assert_eq!(retry, TaskEvent::RetryRequested { by: person("ana"), agent: None, model: None });
}

#[test]
fn an_edited_plan_is_the_next_version_and_is_approved_anew() {
    check(
        "started; plan; edit ben 1 first second; approve ana 1; edit ana 1 third; edit ana 2 first second; edit ana 2; \
         approve ana 2; edit ana 2 third",
        expect![[r#"
            queued             owes post-card, start-session(1, plan, 0 said)
            planning           owes edit-card
            awaiting-approval  owes edit-card, announce(plan v1), deadline(1), reminder(1)
            awaiting-approval  owes close(announce(plan v1): superseded by v2, which ben edited,), edit-card, announce(plan v2), deadline(2), reminder(2)
            awaiting-approval  refused: That was version 1 of the plan for T-1, and version 2 has replaced it. Read the newer plan, then say `approve T-1`.
            awaiting-approval  refused: That was version 1 of the plan for T-1, and version 2 has replaced it. Edit the newer one: say `edit T-1 v2` and one step a line.
            awaiting-approval  refused: That is what plan v2 of T-1 says already. Say `approve T-1` to let it run.
            awaiting-approval  refused: A plan of T-1 needs steps. Say `edit T-1 v2` and one step a line below it.
            queued             owes close(announce(plan v2): approved by ana), edit-card, start-session(2, work)
            queued             refused: There is no plan of T-1 to edit: it is waiting for its turn. Say `status T-1` to see what it needs.
        "#]],
    );
}

#[test]
fn a_corrected_request_is_the_new_text_or_a_difference_to_hear() {
    check(
        "correct ana fix the logout; started; correct ana fix both; told; plan; correct ana fix all; started; plan; \
         approve ben; started; done; published; correct ana too late",
        expect![[r#"
            queued             owes post-card, start-session(1, plan, 0 said)
            queued             owes edit-card
            planning           owes edit-card
            planning           owes edit-card
            planning           owes edit-card
            awaiting-approval  owes edit-card, announce(plan v1), deadline(1), reminder(1)
            queued             owes close(announce(plan v1): ana corrected the request), edit-card, start-session(2, plan, 2 said)
            planning           owes edit-card
            awaiting-approval  owes edit-card, announce(plan v2), deadline(2), reminder(2)
            queued             owes close(announce(plan v2): approved by ben), edit-card, start-session(3, work)
            working            owes edit-card
            publishing         owes edit-card, publish(a)
            in-review          owes edit-card, announce(ready), deadline(3)
            in-review          refused: No agent of T-1 is there to hear that: it is ready, waiting for the word to merge. Say `revise T-1` and what should be different.
        "#]],
    );
}

#[test]
fn a_remark_is_changed_or_taken_back_until_it_is_heard() {
    check(
        "started; say-in ana 7 use tabs; reword ana 7 use spaces; unsay ben 7; unsay ana 7; say-in ana 8 be brief; told; \
         reword ana 8 be long; unsay ana 8; unsay ana 8; plan",
        expect![[r#"
            queued             owes post-card, start-session(1, plan, 0 said)
            planning           owes edit-card
            planning           owes edit-card
            planning           owes edit-card
            planning
            planning           owes edit-card
            planning           owes edit-card
            planning           owes edit-card
            planning           owes edit-card
            planning           owes edit-card
            planning
            awaiting-approval  owes edit-card, announce(plan v1), deadline(1), reminder(1)
        "#]],
    );
}

#[test]
fn what_is_asked_beside_closes_once_it_is_answered() {
    check(
        "started; suggest dan use tabs; suggest dan be brief; say ana use tabs (suggested by dan); told; plan; suggest dan more",
        expect![[r#"
            queued             owes post-card, start-session(1, plan, 0 said)
            planning           owes edit-card
            planning           owes announce(suggestion 1: use tabs)
            planning           owes announce(suggestion 2: be brief)
            planning           owes close(announce(suggestion 1: use tabs): passed on by ana), edit-card
            planning           owes edit-card
            awaiting-approval  owes close(announce(suggestion 2: be brief): unanswered, and T-1 is waiting for an approval), edit-card, announce(plan v1), deadline(1), reminder(1)
            awaiting-approval  refused: No agent of T-1 can be told that: it is waiting for an approval. Tell ana.
        "#]],
    );
    check(
        "started; take-back ben; take-back ana; take-back ana; stopped; resume ana; started; plan; take-back ana; approve ben",
        expect![[r#"
            queued             owes post-card, start-session(1, plan, 0 said)
            planning           owes edit-card
            planning
            pausing            owes stop-session, edit-card, announce(taken back 1: paused)
            pausing
            paused             owes edit-card, deadline(1)
            queued             owes close(announce(taken back 1: paused): ana let it go on), edit-card, start-session(2, plan, 0 said, where it was)
            planning           owes edit-card
            awaiting-approval  owes edit-card, announce(plan v1), deadline(2), reminder(2)
            awaiting-approval  owes announce(taken back 2: waiting for an approval)
            queued             owes close(announce(taken back 2: waiting for an approval): approved by ben), close(announce(plan v1): approved by ben), edit-card, start-session(3, work)
        "#]],
    );
    check(
        "started; take-back ana; stopped; suggest dan wait; stop ana",
        expect![[r#"
        queued             owes post-card, start-session(1, plan, 0 said)
        planning           owes edit-card
        pausing            owes stop-session, edit-card, announce(taken back 1: paused)
        paused             owes edit-card, deadline(1)
        paused             owes announce(suggestion 2: wait)
        cancelled          owes close(announce(suggestion 2: wait): stopped by ana), close(announce(taken back 1: paused): stopped by ana), clean-up, edit-card, announce(ended)
    "#]],
    );
}
