//! A published change is tried, and goes its way.

use super::*;

/// From a published change on: `started; plan; …; published; SCRIPT`.
fn check_in_review(script: &str, expected: Expect) {
    let told = trace(PlanMode::Off, &format!("started; done; published; {script}"));
    let told: Vec<&str> = told.lines().skip(4).collect();
    expected.assert_eq(&(told.join("\n") + "\n"));
}

#[test]
fn whoever_asks_hears_what_became_of_it_and_may_ask_again() {
    check_in_review(
        "try ben; try cleo; tried; try ben; tried-red; merge ben",
        expect![[r#"
            in-review          owes edit-card, try(1, a)
            in-review          refused: T-1 is being tried already, because ben asked for it. Say `log T-1` to read what its checks print.
            in-review          owes edit-card, announce(passes on main (bbbbbbbbbb))
            in-review          owes edit-card, try(2, a)
            in-review          owes edit-card, announce(unit exited with 1, on main (bbbbbbbbbb))
            merging            owes close(announce(ready): sent to the merge queue by ben), edit-card, enqueue
        "#]],
    );
}

#[test]
fn a_trial_ends_with_what_the_change_goes_on_to() {
    check_in_review(
        "try ben; merge ben; tried; dequeue ben; withdrawn; try ben; tried 1; tried",
        expect![[r#"
            in-review          owes edit-card, try(1, a)
            merging            owes close(announce(ready): sent to the merge queue by ben), edit-card, enqueue, stop-trial
            merging
            merging            owes edit-card, withdraw(ben)
            in-review          owes edit-card, announce(sent back), deadline(2)
            in-review          owes edit-card, try(2, a)
            in-review
            in-review          owes edit-card, announce(passes on main (bbbbbbbbbb))
        "#]],
    );
    check_in_review(
        "try ben; revise ana keep the name; tried",
        expect![[r#"
            in-review          owes edit-card, try(1, a)
            queued             owes close(announce(ready): ana asked for another version), edit-card, start-session(2, plan, 1 said), stop-trial
            queued
        "#]],
    );
    check_in_review(
        "try ben; stop ana; tried",
        expect![[r#"
            in-review          owes edit-card, try(1, a)
            cancelled          owes close(announce(ready): stopped by ana), clean-up, edit-card, announce(ended), stop-trial
            cancelled
        "#]],
    );
    check_in_review(
        "try ben; expired",
        expect![[r#"
            in-review          owes edit-card, try(1, a)
            cancelled          owes close(announce(ready): nobody merged it in time), clean-up, edit-card, announce(ended), stop-trial
        "#]],
    );
}

#[test]
fn only_what_is_ready_is_tried() {
    expect![[r#"
        queued             owes post-card, start-session(1, work)
        queued             refused: T-1 cannot be tried now: it is waiting for its turn. A change that is ready to merge can be tried; say `status T-1` to see what it needs first.
        working            owes edit-card
        publishing         owes edit-card, publish(a)
        in-review          owes edit-card, announce(ready), deadline(1)
        merging            owes close(announce(ready): sent to the merge queue by ben), edit-card, enqueue
        merging            refused: T-1 cannot be tried now: it is in the merge queue. The merge queue tests it before it lands; say `status T-1`.
    "#]].assert_eq(&trace(PlanMode::Off, "try ben; started; done; published; merge ben; try ben"));
    check_in_review(
        "try ben; tried 2; mute ana; tried-red",
        expect![[r#"
            in-review          owes edit-card, try(1, a)
            in-review
            in-review          owes edit-card
            in-review          owes edit-card, announce(unit exited with 1, on main (bbbbbbbbbb))
        "#]],
    );
}
