//! What the world around a queue does to it, as scripts and traces: landings by others, lost and doubled answers, checks
//! that do not end, other rules. Numbers in brackets are of `tests/tidy/scenarios.rs`.

use domain::EntryId;
use expect_test::expect;

use super::flow::{a_round_of_green, played};
use super::script::{check, empty_queue};

/// [28] Somebody lands a member by hand while its batch is tested: the others are tested again without it.
#[test]
fn who_was_merged_by_hand_during_the_run_leaves_as_that() {
    check(
        "batch 3 of a b c | staged 1; target m1; passed 1; already-in 2 b; staged 3; passed 3; landed 3",
        expect![[r#"
        staged 1           1 testing a+b+c  owes checks(1 1c)
        target m1          2 staging a+b+c  owes cancel(1), stage(2 a+b+c)
        passed 1           2 staging a+b+c
        already-in 2 b     3 staging a+c  owes stage(3 a+c)  tells b ejected: the target already has all that it changes
        staged 3           3 testing a+c  owes checks(3 3c)
        passed 3           3 landing a+c  owes land(3 m1..3c)  tells a 1/2 landing, c 2/2 landing
        landed 3           idle  tells a merged as 3a, c merged as 3c
    "#]],
    );
}

/// [28] A run of which nothing is left needs no checks.
#[test]
fn a_batch_of_which_nothing_is_left_ends_without_a_run() {
    check(
        "batch 2 of a b | already-in 1 a; already-in 2 b; staged 2; passed 2",
        expect![[r#"
        already-in 1 a     2 staging b  owes stage(2 b)  tells a ejected: the target already has all that it changes
        already-in 2 b     idle  tells b ejected: the target already has all that it changes
        staged 2           idle
        passed 2           idle
    "#]],
    );
}

/// [30] The forge refuses one car: those that stand on it are tested without it.
#[test]
fn what_a_forge_refuses_takes_nobody_along() {
    check(
        "train 3 of a b c | made 1; made 2; made 3; passed 1; passed 2; refused 1 a file is too large; made 4; made 5; passed 4; landed 4",
        expect![[r#"
            made 1             1 testing a | 2 staging a+b | 3 staging a+b+c  owes checks(1 m0a)
            made 2             1 testing a | 2 testing a+b | 3 staging a+b+c  owes checks(2 m0ab)
            made 3             1 testing a | 2 testing a+b | 3 testing a+b+c  owes checks(3 m0abc)
            passed 1           1 landing a | 2 testing a+b | 3 testing a+b+c  owes land(1 m0..m0a)  tells a 1/3 landing
            passed 2           1 landing a | 2 passed a+b | 3 testing a+b+c
            refused 1 a file is too large 4 staging b | 5 staging b+c  owes cancel(3), stage(4 b), stage(5 b+c)  tells a ejected: the forge refused it: a file is too large
            made 4             4 testing b | 5 staging b+c  owes checks(4 m0b)
            made 5             4 testing b | 5 testing b+c  owes checks(5 m0bc)
            passed 4           4 landing b | 5 testing b+c  owes land(4 m0..m0b)  tells b 1/2 landing
            landed 4           5 testing c  tells b merged as m0b
        "#]],
    );
}

/// Somebody pushed to the branch of one of those that were landing: only that one goes.
#[test]
fn a_branch_that_was_pushed_to_leaves_alone() {
    check(
        "batch 2 of | pause; enqueue a shown; enqueue b shown; resume; made 1; passed 1; pushed 1 b 9; made 2; passed 2; landed 2",
        expect![[r#"
            pause              paused by ana
            enqueue a shown    line a | paused by ana  tells a 1/1 waiting
            enqueue b shown    line a+b | paused by ana  tells b 2/2 waiting
            resume             1 staging a+b  owes stage(1 a+b)  tells a 1/2 testing, b 2/2 testing
            made 1             1 testing a+b  owes checks(1 m0ab)
            passed 1           1 landing a+b  owes land(1 m0..m0ab work/a as m0a work/b as m0ab)  tells a 1/2 landing, b 2/2 landing
            pushed 1 b 9       2 staging a  owes stage(2 a)  tells b ejected: its branch moved to 9 after it was enqueued, a 1/1 testing
            made 2             2 testing a  owes checks(2 m0a)
            passed 2           2 landing a  owes land(2 m0..m0a work/a as m0a)  tells a 1/1 landing
            landed 2           idle  tells a merged as m0a
        "#]],
    );
}

/// [31] Nothing is landed twice: what was asked for again and had happened is told once.
#[test]
fn a_landing_in_doubt_lands_once_in_a_train_too() {
    check(
        "train 2 of a b | made 1; made 2; passed 1; passed 2; unanswered 1 the remote hung up; landed 1; resume; landed 1; landed 2",
        expect![[r#"
            made 1             1 testing a | 2 staging a+b  owes checks(1 m0a)
            made 2             1 testing a | 2 testing a+b  owes checks(2 m0ab)
            passed 1           1 landing a | 2 testing a+b  owes land(1 m0..m0a)  tells a 1/2 landing
            passed 2           1 landing a | 2 passed a+b
            unanswered 1 the remote hung up 1 doubtful a | 2 passed a+b | stopped: the remote hung up  tells a stalled: the remote hung up
            landed 1           2 passed b | stopped: the remote hung up  tells a merged as m0a
            resume             2 landing b  owes land(2 m0a..m0ab)  tells b 1/1 landing
            landed 1           2 landing b
            landed 2           idle  tells b merged as m0ab
        "#]],
    );
}

/// [32] What has landed by hand is on the target, and whoever depends on it need not go.
#[test]
fn the_rest_of_a_stack_lands_when_its_beginning_is_on_the_target_already() {
    check(
        "serial of a | enqueue b after=a; enqueue c after=b; already-in 1 a; staged 2; passed 2; landed 2; staged 3",
        expect![[r#"
            enqueue b after=a  1 staging a | line b  tells b 2/2 waiting
            enqueue c after=b  1 staging a | line b+c  tells c 3/3 waiting
            already-in 1 a     2 staging b | line c  owes stage(2 b)  tells a ejected: the target already has all that it changes, b 1/2 testing, c 2/2 waiting
            staged 2           2 testing b | line c  owes checks(2 2b)
            passed 2           2 landing b | line c  owes land(2 m0..2b)  tells b 1/2 landing
            landed 2           3 staging c  owes stage(3 c)  tells b merged as 2b, c 1/1 testing
            staged 3           3 testing c  owes checks(3 3c)
        "#]],
    );
}

/// [35] What is said of a commit that was given up counts for nothing, also when the same entries are made again.
#[test]
fn what_is_said_of_an_earlier_attempt_counts_for_nothing() {
    check(
        "batch 2 reruns=1 of a b | staged 1; target m1; staged 2; passed 1; failed 2 unit; passed 2; failed 2 unit; already-in 1 a; moved 2 m9; passed 3; passed 3",
        expect![[r#"
            staged 1           1 testing a+b  owes checks(1 1b)
            target m1          2 staging a+b  owes cancel(1), stage(2 a+b)
            staged 2           2 testing a+b  owes checks(2 2b)
            passed 1           2 testing a+b
            failed 2 unit      3 testing a+b  owes checks(3 2b)
            passed 2           3 testing a+b
            failed 2 unit      3 testing a+b
            already-in 1 a     3 testing a+b
            moved 2 m9         3 testing a+b
            passed 3           3 landing a+b  owes land(3 m1..2b)  tells a 1/2 landing, b 2/2 landing
            passed 3           3 landing a+b
        "#]],
    );
}

/// [35] A push nobody told of is found by whoever looks next, however late.
#[test]
fn a_push_that_nobody_told_of_is_found_by_the_next_look() {
    check(
        "enqueue a; staged 1; target m2; target m2; staged 2; passed 2; target m2; landed 2; target m2 seen=m2",
        expect![[r#"
        enqueue a          1 staging a  owes stage(1 a)  tells a 1/1 testing
        staged 1           1 testing a  owes checks(1 1a)
        target m2          2 staging a  owes cancel(1), stage(2 a)
        target m2          2 staging a
        staged 2           2 testing a  owes checks(2 2a)
        passed 2           2 landing a  owes land(2 m2..2a)  tells a 1/1 landing
        target m2          2 landing a
        landed 2           idle  tells a merged as 2a
        target m2 seen=m2  idle
    "#]],
    );
}

/// [36] Nobody behind it starts again, since nothing is known against it.
#[test]
fn a_cancelled_check_in_a_train_restarts_nobody_else() {
    check(
        "train 3 of a b c | made 1; made 2; made 3; unconcluded 2 unit was cancelled; passed 4; passed 1",
        expect![[r#"
        made 1             1 testing a | 2 staging a+b | 3 staging a+b+c  owes checks(1 m0a)
        made 2             1 testing a | 2 testing a+b | 3 staging a+b+c  owes checks(2 m0ab)
        made 3             1 testing a | 2 testing a+b | 3 testing a+b+c  owes checks(3 m0abc)
        unconcluded 2 unit was cancelled 1 testing a | 3 testing a+b+c | 4 testing a+b  owes checks(4 m0ab)
        passed 4           1 testing a | 3 testing a+b+c | 4 passed a+b
        passed 1           1 landing a | 3 testing a+b+c | 4 passed a+b  owes land(1 m0..m0a)  tells a 1/3 landing
    "#]],
    );
}

/// [36] Red and cancelled are counted apart.
#[test]
fn a_cancelled_rerun_is_neither_red_nor_green() {
    check(
        "batch 1 reruns=1 of a | staged 1; failed 1 unit; unconcluded 2 unit never started; unconcluded 3 unit never started; unconcluded 4 unit never started",
        expect![[r#"
            staged 1           1 testing a  owes checks(1 1a)
            failed 1 unit      2 testing a  owes checks(2 1a)
            unconcluded 2 unit never started 3 testing a  owes checks(3 1a)
            unconcluded 3 unit never started 4 testing a  owes checks(4 1a)
            unconcluded 4 unit never started idle  tells a ejected: its checks did not conclude: unit never started
        "#]],
    );
}

/// [40] Nobody is tested before what it stands on has landed.
#[test]
fn a_stack_of_twelve_lands_from_its_bottom_to_its_top() {
    for policy in ["serial", "batch 4", "train 4", "nest 4", "adaptive 4"] {
        let mut queue = played(played(empty_queue(), policy), "enqueue a");
        for (below, above) in ('a'..='k').zip('b'..='l') {
            queue = played(queue, &format!("enqueue {above} after={below}"));
        }
        for lowest in 'a'..='l' {
            assert!(queue.runs.iter().all(|run| run.set == [EntryId::new(lowest)]), "{policy}: {:?}", queue.runs);
            while queue.entry(&EntryId::new(lowest)).is_some() {
                assert!(!queue.runs.is_empty(), "{policy}: nothing is under way for {lowest}");
                queue = a_round_of_green(queue);
            }
        }
    }
}

/// [9, 40] Whoever comes to a closed queue has a place in it from then on, and comes in its order when it opens.
#[test]
fn a_stack_that_comes_to_a_closed_queue_keeps_its_order() {
    check(
        "freeze high release; enqueue a; enqueue b after=a; enqueue c high; staged 1; passed 1; landed 1; thaw; staged 2; passed 2; landed 2",
        expect![[r#"
            freeze high release closed below high by ana: release
            enqueue a          line a | closed below high by ana: release  tells a 1/1 waiting
            enqueue b after=a  line a+b | closed below high by ana: release  tells b 2/2 waiting
            enqueue c high     1 staging c | line a+b | closed below high by ana: release  owes stage(1 c)  tells c 1/3 testing, a 2/3 waiting, b 3/3 waiting
            staged 1           1 testing c | line a+b | closed below high by ana: release  owes checks(1 1c)
            passed 1           1 landing c | line a+b | closed below high by ana: release  owes land(1 m0..1c)  tells c 1/3 landing
            landed 1           line a+b | closed below high by ana: release  tells c merged as 1c, a 1/2 waiting, b 2/2 waiting
            thaw               2 staging a | line b  owes stage(2 a)  tells a 1/2 testing
            staged 2           2 testing a | line b  owes checks(2 2a)
            passed 2           2 landing a | line b  owes land(2 1c..2a)  tells a 1/2 landing
            landed 2           3 staging b  owes stage(3 b)  tells a merged as 2a, b 1/1 testing
        "#]],
    );
}

/// [40] Other rules while everything is under way: whoever runs goes on or begins again, and nobody is lost.
#[test]
fn every_strategy_takes_over_from_every_other_in_the_middle() {
    const POLICIES: [&str; 7] = ["serial", "batch 3", "train 3", "optimistic 3", "hybrid 3", "nest 3", "adaptive 3"];
    for (before, after) in POLICIES.into_iter().flat_map(|before| POLICIES.map(|after| (before, after))) {
        for n_rounds in 0..4 {
            let mut queue = played(empty_queue(), before);
            for entry in ["a", "b alone", "c", "d high", "e after=a"] {
                queue = played(queue, &format!("enqueue {entry}"));
            }
            queue = (0..n_rounds).fold(queue, |queue, _| a_round_of_green(queue));
            queue = played(queue, after);
            queue = (0..40).fold(queue, |queue, _| a_round_of_green(queue));
            assert_eq!(queue.landed.len(), 5, "{before}, then {after} after {n_rounds} rounds: {:?}", queue.entries);
        }
    }
}

/// [40] The file that says how to check is gone from the target: nothing lands, and it is said why.
#[test]
fn checks_that_were_deleted_while_runs_are_active_land_nothing() {
    check(
        "train 2 of a b | made 1; made 2; target m1; made 3; made 4; no-gate 3; no-gate 4; made 5; no-gate 5",
        expect![[r#"
            made 1             1 testing a | 2 staging a+b  owes checks(1 m0a)
            made 2             1 testing a | 2 testing a+b  owes checks(2 m0ab)
            target m1          3 staging a | 4 staging a+b  owes cancel(1), stage(3 a), cancel(2), stage(4 a+b)
            made 3             3 testing a | 4 staging a+b  owes checks(3 m1a)
            made 4             3 testing a | 4 testing a+b  owes checks(4 m1ab)
            no-gate 3          5 staging b  owes cancel(4), stage(5 b)  tells a ejected: the repository does not say how to check it
            no-gate 4          5 staging b
            made 5             5 testing b  owes checks(5 m1b)
            no-gate 5          idle  tells b ejected: the repository does not say how to check it
        "#]],
    );
}

/// [43] Whose branch its worker deleted leaves with that reason, and those behind it are made without it.
#[test]
fn a_branch_that_is_gone_takes_nobody_along() {
    check(
        "train 3 of a b c | made 1; unusable 2 b it can no longer be found; made 4; passed 1; landed 1; passed 4; landed 4",
        expect![[r#"
            made 1             1 testing a | 2 staging a+b | 3 staging a+b+c  owes checks(1 m0a)
            unusable 2 b it can no longer be found 1 testing a | 4 staging a+c  owes stage(4 a+c)  tells b ejected: its commit cannot be used: it can no longer be found
            made 4             1 testing a | 4 testing a+c  owes checks(4 m0ac)
            passed 1           1 landing a | 4 testing a+c  owes land(1 m0..m0a)  tells a 1/2 landing
            landed 1           4 testing c  tells a merged as m0a
            passed 4           4 landing c  owes land(4 m0a..m0ac)  tells c 1/1 landing
            landed 4           idle  tells c merged as m0ac
        "#]],
    );
}

/// [45] What is known needs no machine, so it lands before those that are still tested.
#[test]
fn who_has_results_already_lands_at_once() {
    check(
        "nest 3 of a b c | made 1; made 2; already-passed 2; landed 2",
        expect![[r#"
            made 1             1 testing a | 2 staging b | 3 staging c  owes checks(1 m0a)
            made 2             1 testing a | 2 testing b | 3 staging c  owes checks(2 m0b)
            already-passed 2   1 testing a | 2 landing b | 3 staging c  owes land(2 m0..m0b)  tells b 1/3 landing
            landed 2           1 testing a | 4 staging a | 5 staging c  owes stage(4 a), stage(5 c)  tells b merged as m0b, already tested
        "#]],
    );
}

/// What waits to land on another head turns out, in another run, to conflict there: it leaves with its landing.
#[test]
fn what_passed_and_cannot_be_made_anew_leaves_all_its_runs() {
    check(
        "hybrid 3 of a b | staged 1; staged 2; passed 2; passed 1; landed 2; conflict 5 a in=x",
        expect![[r#"
            staged 1           1 testing a | 2 staging b | 3 staging a+b  owes checks(1 1a)
            staged 2           1 testing a | 2 testing b | 3 staging a+b  owes checks(2 2b)
            passed 2           1 testing a | 2 landing b | 3 staging a+b  owes land(2 m0..2b)  tells b 1/2 landing
            passed 1           1 passed a | 2 landing b | 3 staging a+b
            landed 2           4 staging a | 5 staging a  owes stage(4 a), stage(5 a)  tells b merged as 2b
            conflict 5 a in=x  idle  tells a ejected: conflicts with the target in x
        "#]],
    );
}

/// [46] It passed before somebody pushed, and does not go with what they pushed: no flake explains that for ever.
#[test]
fn who_no_longer_goes_with_a_foreign_push_is_not_tried_for_ever() {
    check(
        "nest 1 of a | made 1; target m1; passed 1; made 2 on=m1; failed 2 unit; made 3 on=m1; failed 3 unit; made 4 on=m1; failed 4 unit; made 5 on=m1; failed 5 unit",
        expect![[r#"
            made 1             1 testing a  owes checks(1 m0a)
            target m1          1 testing a
            passed 1           2 staging a  owes stage(2 a)
            made 2 on=m1       2 testing a  owes checks(2 m1a)
            failed 2 unit      3 staging a  owes stage(3 a)
            made 3 on=m1       3 testing a  owes checks(3 m1a)
            failed 3 unit      4 staging a  owes stage(4 a)
            made 4 on=m1       4 testing a  owes checks(4 m1a)
            failed 4 unit      5 staging a  owes stage(5 a)
            made 5 on=m1       5 testing a  owes checks(5 m1a)
            failed 5 unit      idle  tells a ejected: unit exited with 1 (99.7 % sure)
        "#]],
    );
}
