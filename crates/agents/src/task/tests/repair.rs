//! What the merge queue sent back goes on in its place.

use super::*;

/// A change without a plan, in the merge queue, by `off; …`.
fn check_from_the_queue(script: &str, expected: Expect) {
    let told = trace(PlanMode::Off, &format!("started; done; published; merge ben; {script}"));
    let told: Vec<&str> = told.lines().skip(4).collect();
    expected.assert_eq(&(told.join("\n") + "\n"));
}

/// [16]
#[test]
fn what_is_sent_back_is_worked_on_and_takes_its_place() {
    check_from_the_queue(
        "repair; started; done; published; moved-up; landed",
        expect![[r#"
        merging            owes close(announce(ready): sent to the merge queue by ben), edit-card, enqueue
        queued             owes edit-card, announce(repairing), start-session(2, work, a on the target)
        working            owes edit-card
        publishing         owes edit-card, publish(a)
        merging            owes edit-card, readmit(a)
        merging            owes edit-card
        merged             owes clean-up, edit-card, announce(ended)
    "#]],
    );
}

#[test]
fn other_lines_than_were_approved_wait_for_a_yes() {
    let script = "started; plan; approve ben; started; done; published; merge ben; repair; started";
    check(
        &format!("{script}; done-altered; accept cleo; published; landed"),
        expect![[r#"
        queued             owes post-card, start-session(1, plan, 0 said)
        planning           owes edit-card
        awaiting-approval  owes edit-card, announce(plan v1), deadline(1), reminder(1)
        queued             owes close(announce(plan v1): approved by ben), edit-card, start-session(2, work)
        working            owes edit-card
        publishing         owes edit-card, publish(a)
        in-review          owes edit-card, announce(ready), deadline(2)
        merging            owes close(announce(ready): sent to the merge queue by ben), edit-card, enqueue
        queued             owes edit-card, announce(repairing), start-session(3, work, a on the target)
        working            owes edit-card
        departed           owes edit-card, announce(departed), deadline(3), reminder(3)
        publishing         owes close(announce(departed): accepted by cleo), edit-card, publish(a)
        merging            owes edit-card, readmit(a)
        merged             owes clean-up, edit-card, announce(ended)
    "#]],
    );
    check(
        &format!("{script}; done; published"),
        expect![[r#"
        queued             owes post-card, start-session(1, plan, 0 said)
        planning           owes edit-card
        awaiting-approval  owes edit-card, announce(plan v1), deadline(1), reminder(1)
        queued             owes close(announce(plan v1): approved by ben), edit-card, start-session(2, work)
        working            owes edit-card
        publishing         owes edit-card, publish(a)
        in-review          owes edit-card, announce(ready), deadline(2)
        merging            owes close(announce(ready): sent to the merge queue by ben), edit-card, enqueue
        queued             owes edit-card, announce(repairing), start-session(3, work, a on the target)
        working            owes edit-card
        publishing         owes edit-card, publish(a)
        merging            owes edit-card, readmit(a)
    "#]],
    );
}

#[test]
fn the_place_of_a_repair_that_rests_may_be_given_up() {
    check_from_the_queue(
        "repair; started; pause ana; stopped; dequeue ben; withdrawn",
        expect![[r#"
        merging            owes close(announce(ready): sent to the merge queue by ben), edit-card, enqueue
        queued             owes edit-card, announce(repairing), start-session(2, work, a on the target)
        working            owes edit-card
        pausing            owes stop-session, edit-card
        paused             owes edit-card, deadline(2)
        paused             owes edit-card, withdraw(ben)
        paused             owes edit-card
    "#]],
    );
}

#[test]
fn nobody_is_asked_again_who_was_not_asked_before() {
    check_from_the_queue(
        "repair; started; done-altered; published",
        expect![[r#"
        merging            owes close(announce(ready): sent to the merge queue by ben), edit-card, enqueue
        queued             owes edit-card, announce(repairing), start-session(2, work, a on the target)
        working            owes edit-card
        publishing         owes edit-card, publish(a)
        merging            owes edit-card, readmit(a)
    "#]],
    );
}

/// [44] The queue hears of it and sends the change back for good.
#[test]
fn a_repair_that_does_not_succeed_is_given_up() {
    check_from_the_queue(
        "repair; started; nothing; ejected; merge ana",
        expect![[r#"
            merging            owes close(announce(ready): sent to the merge queue by ben), edit-card, enqueue
            queued             owes edit-card, announce(repairing), start-session(2, work, a on the target)
            working            owes edit-card
            merging            owes edit-card, give-up(changed nothing: “all is well”. It conflicts with T-2 in src/a.rs)
            in-review          owes edit-card, announce(sent back), deadline(2)
            merging            owes close(announce(sent back): sent to the merge queue by ana), edit-card, enqueue
        "#]],
    );
    check_from_the_queue(
        "repair; started; done-red; ejected",
        expect![[r#"
            merging            owes close(announce(ready): sent to the merge queue by ben), edit-card, enqueue
            queued             owes edit-card, announce(repairing), start-session(2, work, a on the target)
            working            owes edit-card
            merging            owes edit-card, give-up(does not pass unit. It conflicts with T-2 in src/a.rs)
            in-review          owes edit-card, announce(sent back), deadline(2)
        "#]],
    );
    check_from_the_queue(
        "repair; started; broke; ejected",
        expect![[r#"
            merging            owes close(announce(ready): sent to the merge queue by ben), edit-card, enqueue
            queued             owes edit-card, announce(repairing), start-session(2, work, a on the target)
            working            owes edit-card
            merging            owes edit-card, give-up(failed: exit code 1. It conflicts with T-2 in src/a.rs)
            in-review          owes edit-card, announce(sent back), deadline(2)
        "#]],
    );
}

/// The work goes on, and waits for the word to merge like any change.
#[test]
fn a_place_that_is_lost_costs_no_work() {
    check_from_the_queue(
        "repair; started; ejected; done; published; merge ana",
        expect![[r#"
        merging            owes close(announce(ready): sent to the merge queue by ben), edit-card, enqueue
        queued             owes edit-card, announce(repairing), start-session(2, work, a on the target)
        working            owes edit-card
        working            owes edit-card
        publishing         owes edit-card, publish(a)
        in-review          owes edit-card, announce(ready), deadline(2)
        merging            owes close(announce(ready): sent to the merge queue by ana), edit-card, enqueue
    "#]],
    );
}

#[test]
fn whoever_stops_or_takes_it_out_gives_the_place_up() {
    check_from_the_queue(
        "repair; started; stop ana; stopped; withdrawn",
        expect![[r#"
        merging            owes close(announce(ready): sent to the merge queue by ben), edit-card, enqueue
        queued             owes edit-card, announce(repairing), start-session(2, work, a on the target)
        working            owes edit-card
        cancelling         owes stop-session, edit-card, withdraw(ben)
        cancelled          owes clean-up, edit-card, announce(ended)
        cancelled          owes edit-card
    "#]],
    );
    check_from_the_queue(
        "repair; dequeue ana; dequeue ben; started; done; published; merge ana; withdrawn; merge ana",
        expect![[r#"
            merging            owes close(announce(ready): sent to the merge queue by ben), edit-card, enqueue
            queued             owes edit-card, announce(repairing), start-session(2, work, a on the target)
            queued             owes edit-card, withdraw(ana)
            queued             refused: T-1 is leaving the queue already. Say `status T-1` to see where it stands.
            working            owes edit-card
            publishing         owes edit-card, publish(a)
            in-review          owes edit-card, announce(ready), deadline(2)
            in-review          refused: T-1 is still leaving the place that the queue kept for it. Say `merge T-1` again in a moment.
            in-review          owes edit-card
            merging            owes close(announce(ready): sent to the merge queue by ana), edit-card, enqueue
        "#]],
    );
    check_from_the_queue(
        "repair; started; asks; parked; expired; withdrawn",
        expect![[r#"
        merging            owes close(announce(ready): sent to the merge queue by ben), edit-card, enqueue
        queued             owes edit-card, announce(repairing), start-session(2, work, a on the target)
        working            owes edit-card
        asking             owes edit-card, announce(question 1)
        parked             owes edit-card, deadline(2), reminder(2)
        paused             owes close(1, unanswered), edit-card, deadline(3)
        paused             owes edit-card
    "#]],
    );
}

#[test]
fn a_pause_and_a_question_keep_the_place() {
    check_from_the_queue(
        "repair; started; pause ana; stopped; resume ana; started; done; published",
        expect![[r#"
        merging            owes close(announce(ready): sent to the merge queue by ben), edit-card, enqueue
        queued             owes edit-card, announce(repairing), start-session(2, work, a on the target)
        working            owes edit-card
        pausing            owes stop-session, edit-card
        paused             owes edit-card, deadline(2)
        queued             owes edit-card, start-session(3, work, where it was)
        working            owes edit-card
        publishing         owes edit-card, publish(a)
        merging            owes edit-card, readmit(a)
    "#]],
    );
}

/// What is on its way out of the queue is not repaired, and what is no longer in it neither.
#[test]
fn a_wish_that_comes_late_begins_nothing() {
    check_from_the_queue(
        "dequeue ana; repair; withdrawn; repair",
        expect![[r#"
        merging            owes close(announce(ready): sent to the merge queue by ben), edit-card, enqueue
        merging            owes edit-card, withdraw(ana)
        merging
        in-review          owes edit-card, announce(sent back), deadline(2)
        in-review
    "#]],
    );
    check_from_the_queue(
        "landed; repair",
        expect![[r#"
        merging            owes close(announce(ready): sent to the merge queue by ben), edit-card, enqueue
        merged             owes clean-up, edit-card, announce(ended)
        merged
    "#]],
    );
}
