//! What each rival does in small, as its makers tell it.

use expect_test::expect;

use super::Rival;
use crate::strategy::script::check;

/// gitlab-org/gitlab#500693: A, B and C are in the train, B is bad, and C is the first to be told so.
#[test]
fn gitlab_drops_the_innocent_who_fails_first() {
    check(
        (Rival::GitLab, 8),
        &["arrive 1 2 3", "red 1 2 3", "red 1 2", "green 1"],
        expect![[r#"
        arrive 1 2 3
            test 1
            test 1 2
            test 1 2 3
        red 1 2 3
            eject 3 (100.0 %)
        red 1 2
            eject 2 (100.0 %)
        green 1
            land 1
    "#]],
    );
}

#[test]
fn gitlab_tests_those_behind_a_dropped_car_anew() {
    check(
        (Rival::GitLab, 8),
        &["arrive 1 2 3", "red 1 2", "green 1 3", "green 1"],
        expect![[r#"
        arrive 1 2 3
            test 1
            test 1 2
            test 1 2 3
        red 1 2
            stop 1 2 3
            eject 2 (100.0 %)
            test 1 3
        green 1 3
        green 1
            land 1
            land 3
    "#]],
    );
}

/// The example of "When a Batch Fails": six changes, three checks, the fourth is bad.
#[test]
fn mergify_cuts_a_red_batch_into_parts_and_infers_the_last() {
    check(
        (Rival::Mergify { batch_min: 6, batch_max: 6 }, 3),
        &["arrive 1 2 3 4 5 6", "red 1 2 3 4 5 6", "green 1 2", "red 3 4", "green 3", "green 5 6"],
        expect![[r#"
            arrive 1 2 3 4 5 6
                test 1 2 3 4 5 6
            red 1 2 3 4 5 6
                test 1 2
                test 1 2 3 4
                test 1 2 3 4 5
            green 1 2
                land 1 2
            red 3 4
                stop 3 4 5
                test 3
            green 3
                land 3
                eject 4 (100.0 %)
                test 5 6
            green 5 6
                land 5 6
        "#]],
    );
}

#[test]
fn mergify_makes_larger_batches_of_more_who_wait_and_a_later_green_one_lands_all_before_it() {
    check(
        (Rival::Mergify { batch_min: 1, batch_max: 8 }, 3),
        &["arrive 1 2", "arrive 3 4 5 6 7", "red 1 2", "green 1 2 3 4 5 6 7"],
        expect![[r#"
            arrive 1 2
                test 1
                test 1 2
            arrive 3 4 5 6 7
                test 1 2 3 4 5 6 7
            red 1 2
            green 1 2 3 4 5 6 7
                land 1 2 3 4 5 6 7
                stop 
        "#]],
    );
}

#[test]
fn mergify_ejects_the_last_when_all_parts_are_green() {
    check(
        (Rival::Mergify { batch_min: 3, batch_max: 3 }, 2),
        &["arrive 1 2 3", "red 1 2 3", "green 1 2", "arrive 4", "green 4"],
        expect![[r#"
            arrive 1 2 3
                test 1 2 3
            red 1 2 3
                test 1
                test 1 2
            green 1 2
                land 1 2
                stop 
                eject 3 (100.0 %)
            arrive 4
                test 4
            green 4
                land 4
        "#]],
    );
}

/// A green future of the third is of no use before the first two have landed; a red one of the second makes the future without
/// it the more probable one.
#[test]
fn submitqueue_tests_what_is_probable_and_waits_for_all_before() {
    check(
        (Rival::SubmitQueue, 3),
        &["arrive 1 2 3", "green 1 2 3", "green 1", "green 2"],
        expect![[r#"
            arrive 1 2 3
                test 1
                test 1 2
                test 1 2 3
            green 1 2 3
            green 1
                land 1
            green 2
                land 2
                land 3
        "#]],
    );
    check(
        (Rival::SubmitQueue, 3),
        &["arrive 1 2 3", "red 1 2", "green 1", "green 3"],
        expect![[r#"
        arrive 1 2 3
            test 1
            test 1 2
            test 1 2 3
        red 1 2
            stop 1 2 3
            test 2
            test 1 3
        green 1
            land 1
            stop 2
            eject 2 (100.0 %)
        green 3
            land 3
    "#]],
    );
}

#[test]
fn tide_lands_the_batch_if_it_passes_and_its_first_if_it_does_not() {
    check(
        (Rival::Tide { batch_max: 3 }, 8),
        &["arrive 1 2 3 4", "green 1", "red 1 2 3", "green 2 3 4"],
        expect![[r#"
            arrive 1 2 3 4
                test 1
                test 1 2 3
            green 1
            red 1 2 3
                land 1
                test 2
                test 2 3 4
            green 2 3 4
                land 2 3 4
                stop 
        "#]],
    );
}

/// "Do not merge PRs while waiting for a batch."
#[test]
fn tide_tries_a_red_batch_again_and_keeps_its_first_waiting_for_it() {
    check(
        (Rival::Tide { batch_max: 3 }, 8),
        &["arrive 1 2 3", "red 1 2 3", "green 1", "red 1 2 3", "red 2", "green 3"],
        expect![[r#"
            arrive 1 2 3
                test 1
                test 1 2 3
            red 1 2 3
                test 1 2 3
            green 1
            red 1 2 3
                land 1
                test 2
                test 2 3
            red 2
                stop 2 3
                eject 2 (100.0 %)
                test 3
            green 3
                land 3
        "#]],
    );
}

#[test]
fn without_a_queue_one_lands_and_all_others_begin_again() {
    check(
        (Rival::NoQueue, 3),
        &["arrive 1 2 3 4", "green 2", "red 3", "green 1", "green 4"],
        expect![[r#"
        arrive 1 2 3 4
            test 1
            test 2
            test 3
        green 2
            land 2
            stop 1
            stop 3
            test 1
            test 3
            test 4
        red 3
            eject 3 (100.0 %)
        green 1
            land 1
            stop 4
            test 4
        green 4
            land 4
    "#]],
    );
}
