//! The machine's behaviour as scripts and traces. Numbers in brackets are of `tests/tidy/scenarios.rs`.

use expect_test::expect;

use super::script::check;

#[test]
fn one_entry_is_staged_tested_and_landed() {
    check(
        "enqueue a; staged 1; passed 1; landed 1",
        expect![[r#"
        enqueue a          1 staging a  owes stage(1 a)  tells a 1/1 testing
        staged 1           1 testing a  owes checks(1 1a)
        passed 1           1 landing a  owes land(1 m0..1a)  tells a 1/1 landing
        landed 1           idle  tells a merged as 1a
    "#]],
    );
}

#[test]
fn a_serial_queue_takes_one_at_a_time() {
    check(
        "enqueue a; enqueue b; staged 1; passed 1; landed 1; staged 2; passed 2; landed 2",
        expect![[r#"
        enqueue a          1 staging a  owes stage(1 a)  tells a 1/1 testing
        enqueue b          1 staging a | line b  tells b 2/2 waiting
        staged 1           1 testing a | line b  owes checks(1 1a)
        passed 1           1 landing a | line b  owes land(1 m0..1a)  tells a 1/2 landing
        landed 1           2 staging b  owes stage(2 b)  tells a merged as 1a, b 1/1 testing
        staged 2           2 testing b  owes checks(2 2b)
        passed 2           2 landing b  owes land(2 1a..2b)  tells b 1/1 landing
        landed 2           idle  tells b merged as 2b
    "#]],
    );
}

#[test]
fn a_batch_lands_together() {
    check(
        "batch 4 of a b c | staged 1; passed 1; landed 1",
        expect![[r#"
        staged 1           1 testing a+b+c  owes checks(1 1c)
        passed 1           1 landing a+b+c  owes land(1 m0..1c)  tells a 1/3 landing, b 2/3 landing, c 3/3 landing
        landed 1           idle  tells a merged as 1a, b merged as 1b, c merged as 1c
    "#]],
    );
}

#[test]
fn an_untested_tree_lands_and_its_outcome_says_so() {
    check(
        "enqueue a; staged 1; untested 1; landed 1",
        expect![[r#"
        enqueue a          1 staging a  owes stage(1 a)  tells a 1/1 testing
        staged 1           1 testing a  owes checks(1 1a)
        untested 1         1 landing a  owes land(1 m0..1a)  tells a 1/1 landing
        landed 1           idle  tells a merged untested as 1a
    "#]],
    );
}

/// [6]
#[test]
fn without_a_gate_nothing_lands() {
    check(
        "enqueue a; staged 1; no-gate 1",
        expect![[r#"
        enqueue a          1 staging a  owes stage(1 a)  tells a 1/1 testing
        staged 1           1 testing a  owes checks(1 1a)
        no-gate 1          idle  tells a ejected: the repository does not say how to check it
    "#]],
    );
}

/// [1, 20]
#[test]
fn a_new_commit_before_the_run_leaves_with_a_reason() {
    check(
        "enqueue a; enqueue b; head b b2; head a a; head a a2",
        expect![[r#"
        enqueue a          1 staging a  owes stage(1 a)  tells a 1/1 testing
        enqueue b          1 staging a | line b  tells b 2/2 waiting
        head b b2          1 staging a  tells b ejected: its branch moved to b2 after it was enqueued
        head a a           1 staging a
        head a a2          idle  tells a ejected: its branch moved to a2 after it was enqueued
    "#]],
    );
}

/// [9]
#[test]
fn a_paused_queue_tests_on_but_starts_and_lands_nothing() {
    check(
        "enqueue a; enqueue b; staged 1; pause by=ben; passed 1; resume; landed 1; pause; pause; staged 2; resume; resume",
        expect![[r#"
            enqueue a          1 staging a  owes stage(1 a)  tells a 1/1 testing
            enqueue b          1 staging a | line b  tells b 2/2 waiting
            staged 1           1 testing a | line b  owes checks(1 1a)
            pause by=ben       1 testing a | line b | paused by ben
            passed 1           1 passed a | line b | paused by ben
            resume             1 landing a | line b  owes land(1 m0..1a)  tells a 1/2 landing
            landed 1           2 staging b  owes stage(2 b)  tells a merged as 1a, b 1/1 testing
            pause              2 staging b | paused by ana
            pause              rejected: The queue of web:main is already paused by ana. Say `resume` to let it go on.
            staged 2           2 testing b | paused by ana  owes checks(2 2b)
            resume             2 testing b
            resume             rejected: The queue of web:main is not paused. Say `queue` to see what it is doing.
        "#]],
    );
}

/// [9]
#[test]
fn a_landing_in_flight_goes_on_while_paused() {
    check(
        "enqueue a; enqueue b; staged 1; passed 1; pause; landed 1; resume",
        expect![[r#"
        enqueue a          1 staging a  owes stage(1 a)  tells a 1/1 testing
        enqueue b          1 staging a | line b  tells b 2/2 waiting
        staged 1           1 testing a | line b  owes checks(1 1a)
        passed 1           1 landing a | line b  owes land(1 m0..1a)  tells a 1/2 landing
        pause              1 landing a | line b | paused by ana
        landed 1           line b | paused by ana  tells a merged as 1a, b 1/1 waiting
        resume             2 staging b  owes stage(2 b)  tells b 1/1 testing
    "#]],
    );
}

/// [15]
#[test]
fn the_innocent_is_not_ejected_for_its_predecessor() {
    check(
        "batch 2 of bad good | staged 1; failed 1 unit; staged 2; failed 2 unit; staged 3; passed 3; landed 3",
        expect![[r#"
            staged 1           1 testing bad+good  owes checks(1 1good)
            failed 1 unit      2 staging bad | line good  owes stage(2 bad)  tells good 2/2 waiting
            staged 2           2 testing bad | line good  owes checks(2 2bad)
            failed 2 unit      3 staging good  owes stage(3 good)  tells bad ejected: unit exited with 1, good 1/1 testing
            staged 3           3 testing good  owes checks(3 3good)
            passed 3           3 landing good  owes land(3 m0..3good)  tells good 1/1 landing
            landed 3           idle  tells good merged as 3good
        "#]],
    );
}

/// [22]
#[test]
fn bisection_finds_the_last_of_eight_in_four_runs() {
    check(
        "batch 8 of a b c d e f g h | staged 1; failed 1 unit; staged 2; passed 2; landed 2; staged 3; passed 3; landed 3; staged 4; passed 4; landed 4; staged 5; failed 5 unit",
        expect![[r#"
            staged 1           1 testing a+b+c+d+e+f+g+h  owes checks(1 1h)
            failed 1 unit      2 staging a+b+c+d | line e+f+g+h  owes stage(2 a+b+c+d)  tells e 5/8 waiting, f 6/8 waiting, g 7/8 waiting, h 8/8 waiting
            staged 2           2 testing a+b+c+d | line e+f+g+h  owes checks(2 2d)
            passed 2           2 landing a+b+c+d | line e+f+g+h  owes land(2 m0..2d)  tells a 1/8 landing, b 2/8 landing, c 3/8 landing, d 4/8 landing
            landed 2           3 staging e+f | line g+h  owes stage(3 e+f)  tells a merged as 2a, b merged as 2b, c merged as 2c, d merged as 2d, e 1/4 testing, f 2/4 testing, g 3/4 waiting, h 4/4 waiting
            staged 3           3 testing e+f | line g+h  owes checks(3 3f)
            passed 3           3 landing e+f | line g+h  owes land(3 2d..3f)  tells e 1/4 landing, f 2/4 landing
            landed 3           4 staging g | line h  owes stage(4 g)  tells e merged as 3e, f merged as 3f, g 1/2 testing, h 2/2 waiting
            staged 4           4 testing g | line h  owes checks(4 4g)
            passed 4           4 landing g | line h  owes land(4 3f..4g)  tells g 1/2 landing
            landed 4           5 staging h  owes stage(5 h)  tells g merged as 4g, h 1/1 testing
            staged 5           5 testing h  owes checks(5 5h)
            failed 5 unit      idle  tells h ejected: unit exited with 1
        "#]],
    );
}

/// [22]
#[test]
fn bisection_finds_the_first_and_lands_the_others() {
    check(
        "batch 4 of a b c d | staged 1; failed 1 unit; staged 2; failed 2 unit; staged 3; failed 3 unit; staged 4; passed 4; landed 4; staged 5; passed 5; landed 5",
        expect![[r#"
            staged 1           1 testing a+b+c+d  owes checks(1 1d)
            failed 1 unit      2 staging a+b | line c+d  owes stage(2 a+b)  tells c 3/4 waiting, d 4/4 waiting
            staged 2           2 testing a+b | line c+d  owes checks(2 2b)
            failed 2 unit      3 staging a | line b+c+d  owes stage(3 a)  tells b 2/4 waiting
            staged 3           3 testing a | line b+c+d  owes checks(3 3a)
            failed 3 unit      4 staging b | line c+d  owes stage(4 b)  tells a ejected: unit exited with 1, b 1/3 testing, c 2/3 waiting, d 3/3 waiting
            staged 4           4 testing b | line c+d  owes checks(4 4b)
            passed 4           4 landing b | line c+d  owes land(4 m0..4b)  tells b 1/3 landing
            landed 4           5 staging c+d  owes stage(5 c+d)  tells b merged as 4b, c 1/2 testing, d 2/2 testing
            staged 5           5 testing c+d  owes checks(5 5d)
            passed 5           5 landing c+d  owes land(5 4b..5d)  tells c 1/2 landing, d 2/2 landing
            landed 5           idle  tells c merged as 5c, d merged as 5d
        "#]],
    );
}

/// [23]
#[test]
fn good_alone_and_bad_together_lands_the_earlier() {
    check(
        "batch 2 of a b | staged 1; failed 1 unit; staged 2; passed 2; landed 2; staged 3; failed 3 unit",
        expect![[r#"
            staged 1           1 testing a+b  owes checks(1 1b)
            failed 1 unit      2 staging a | line b  owes stage(2 a)  tells b 2/2 waiting
            staged 2           2 testing a | line b  owes checks(2 2a)
            passed 2           2 landing a | line b  owes land(2 m0..2a)  tells a 1/2 landing
            landed 2           3 staging b  owes stage(3 b)  tells a merged as 2a, b 1/1 testing
            staged 3           3 testing b  owes checks(3 3b)
            failed 3 unit      idle  tells b ejected: unit exited with 1
        "#]],
    );
}

/// [24]
#[test]
fn an_entry_that_wants_no_company_gets_none() {
    check(
        "batch 4 of a b! c d | staged 1; passed 1; landed 1; staged 2; failed 2 unit; staged 3",
        expect![[r#"
        staged 1           1 testing a | line b+c+d  owes checks(1 1a)
        passed 1           1 landing a | line b+c+d  owes land(1 m0..1a)  tells a 1/4 landing
        landed 1           2 staging b | line c+d  owes stage(2 b)  tells a merged as 1a, b 1/3 testing, c 2/3 waiting, d 3/3 waiting
        staged 2           2 testing b | line c+d  owes checks(2 2b)
        failed 2 unit      3 staging c+d  owes stage(3 c+d)  tells b ejected: unit exited with 1, c 1/2 testing, d 2/2 testing
        staged 3           3 testing c+d  owes checks(3 3d)
    "#]],
    );
}

#[test]
fn a_conflict_with_the_target_names_who_landed_it() {
    check(
        "enqueue a; enqueue b from=m0; enqueue c from=1a; staged 1 in=x,y; passed 1; landed 1; conflict 2 b in=y; conflict 3 c in=x",
        expect![[r#"
            enqueue a          1 staging a  owes stage(1 a)  tells a 1/1 testing
            enqueue b from=m0  1 staging a | line b  tells b 2/2 waiting
            enqueue c from=1a  1 staging a | line b+c  tells c 3/3 waiting
            staged 1 in=x,y    1 testing a | line b+c  owes checks(1 1a)
            passed 1           1 landing a | line b+c  owes land(1 m0..1a)  tells a 1/3 landing
            landed 1           2 staging b | line c  owes stage(2 b)  tells a merged as 1a, b 1/2 testing, c 2/2 waiting
            conflict 2 b in=y  3 staging c  owes stage(3 c)  tells b ejected: conflicts with a in y, c 1/1 testing
            conflict 3 c in=x  idle  tells c ejected: conflicts with the target in x
        "#]],
    );
}

/// [25]
#[test]
fn only_the_conflicting_one_leaves_its_run() {
    check(
        "batch 4 of a b c | conflict 1 b in=x; staged 2; passed 2; landed 2",
        expect![[r#"
        conflict 1 b in=x  2 staging a+c  owes stage(2 a+c)  tells b ejected: conflicts with the target in x
        staged 2           2 testing a+c  owes checks(2 2c)
        passed 2           2 landing a+c  owes land(2 m0..2c)  tells a 1/2 landing, c 2/2 landing
        landed 2           idle  tells a merged as 2a, c merged as 2c
    "#]],
    );
}

/// [25]
#[test]
fn a_conflict_within_the_run_waits_for_the_next_base() {
    check(
        "batch 4 of a b c | rivals 1 b with=a in=x; staged 2 in=x; passed 2; landed 2; conflict 3 b in=x",
        expect![[r#"
            rivals 1 b with=a in=x 2 staging a+c | aside b  owes stage(2 a+c)  tells b aside for a in x, b 2/3 waiting
            staged 2 in=x      2 testing a+c | aside b  owes checks(2 2c)
            passed 2           2 landing a+c | aside b  owes land(2 m0..2c)  tells a 1/3 landing, b 3/3 waiting, c 2/3 landing
            landed 2           3 staging b  owes stage(3 b)  tells a merged as 2a, c merged as 2c, b 1/1 testing
            conflict 3 b in=x  idle  tells b ejected: conflicts with a in x
        "#]],
    );
}

#[test]
fn who_steps_aside_is_not_ejected_when_its_rival_is_red() {
    check(
        "batch 4 of a b | rivals 1 b with=a in=x; staged 2; failed 2 unit; staged 3; passed 3; landed 3",
        expect![[r#"
            rivals 1 b with=a in=x 2 staging a | aside b  owes stage(2 a)  tells b aside for a in x, b 2/2 waiting
            staged 2           2 testing a | aside b  owes checks(2 2a)
            failed 2 unit      3 staging b  owes stage(3 b)  tells a ejected: unit exited with 1, b 1/1 testing
            staged 3           3 testing b  owes checks(3 3b)
            passed 3           3 landing b  owes land(3 m0..3b)  tells b 1/1 landing
            landed 3           idle  tells b merged as 3b
        "#]],
    );
}

#[test]
fn who_steps_aside_in_a_part_of_a_red_run_is_tried_after_its_other_parts() {
    check(
        "batch 4 of a b c d | staged 1; failed 1 unit; target m1; rivals 3 b with=a in=x; staged 4 in=x; passed 4; landed 4; staged 5; passed 5; landed 5; conflict 6 b in=x",
        expect![[r#"
            staged 1           1 testing a+b+c+d  owes checks(1 1d)
            failed 1 unit      2 staging a+b | line c+d  owes stage(2 a+b)  tells c 3/4 waiting, d 4/4 waiting
            target m1          3 staging a+b | line c+d  owes stage(3 a+b)
            rivals 3 b with=a in=x 4 staging a | line c+d | aside b  owes stage(4 a)  tells b aside for a in x, b 2/4 waiting
            staged 4 in=x      4 testing a | line c+d | aside b  owes checks(4 4a)
            passed 4           4 landing a | line c+d | aside b  owes land(4 m1..4a)  tells a 1/4 landing
            landed 4           5 staging c+d | line b  owes stage(5 c+d)  tells a merged as 4a, b 1/3 waiting, c 2/3 testing, d 3/3 testing
            staged 5           5 testing c+d | line b  owes checks(5 5d)
            passed 5           5 landing c+d | line b  owes land(5 4a..5d)  tells b 3/3 waiting, c 1/3 landing, d 2/3 landing
            landed 5           6 staging b  owes stage(6 b)  tells c merged as 5c, d merged as 5d, b 1/1 testing
            conflict 6 b in=x  idle  tells b ejected: conflicts with a in x
        "#]],
    );
}

#[test]
fn rivals_of_a_run_of_one_are_a_conflict() {
    check(
        "enqueue a; rivals 1 a with=z in=x",
        expect![[r#"
        enqueue a          1 staging a  owes stage(1 a)  tells a 1/1 testing
        rivals 1 a with=z in=x idle  tells a ejected: conflicts with z in x
    "#]],
    );
}

/// [26]
#[test]
fn a_flaky_red_is_run_again_before_it_is_believed() {
    check(
        "batch 2 reruns=1 of a b c | staged 1; failed 1 unit; passed 1; passed 2; landed 2; staged 3; failed 3 unit; failed 4 unit",
        expect![[r#"
            staged 1           1 testing a+b | line c  owes checks(1 1b)
            failed 1 unit      2 testing a+b | line c  owes checks(2 1b)
            passed 1           2 testing a+b | line c
            passed 2           2 landing a+b | line c  owes land(2 m0..1b)  tells a 1/3 landing, b 2/3 landing
            landed 2           3 staging c  owes stage(3 c)  tells a merged as 1a, b merged as 1b, c 1/1 testing
            staged 3           3 testing c  owes checks(3 3c)
            failed 3 unit      4 testing c  owes checks(4 3c)
            failed 4 unit      idle  tells c ejected: unit exited with 1
        "#]],
    );
}

/// [26]
#[test]
fn a_red_batch_is_split_only_after_its_reruns() {
    check(
        "batch 2 reruns=1 of a b | staged 1; failed 1 unit; failed 2 unit; staged 3",
        expect![[r#"
            staged 1           1 testing a+b  owes checks(1 1b)
            failed 1 unit      2 testing a+b  owes checks(2 1b)
            failed 2 unit      3 staging a | line b  owes stage(3 a)  tells b 2/2 waiting
            staged 3           3 testing a | line b  owes checks(3 3a)
        "#]],
    );
}
