//! Several runs at once, as scripts and traces: what lands was tested, whatever else lands before it. Numbers in
//! brackets are of `tests/tidy/scenarios.rs`.

use expect_test::expect;

use super::script::check;

/// [11]
#[test]
fn cars_of_a_train_land_in_order_although_the_last_finishes_first() {
    check(
        "train 3 of a b c | made 1; made 2; made 3; passed 3; passed 2; passed 1; landed 1; landed 2; landed 3",
        expect![[r#"
            made 1             1 testing a | 2 staging a+b | 3 staging a+b+c  owes checks(1 m0a)
            made 2             1 testing a | 2 testing a+b | 3 staging a+b+c  owes checks(2 m0ab)
            made 3             1 testing a | 2 testing a+b | 3 testing a+b+c  owes checks(3 m0abc)
            passed 3           1 testing a | 2 testing a+b | 3 passed a+b+c
            passed 2           1 testing a | 2 passed a+b | 3 passed a+b+c
            passed 1           1 landing a | 2 passed a+b | 3 passed a+b+c  owes land(1 m0..m0a)  tells a 1/3 landing
            landed 1           2 landing b | 3 passed b+c  owes land(2 m0a..m0ab)  tells a merged as m0a, b 1/2 landing
            landed 2           3 landing c  owes land(3 m0ab..m0abc)  tells b merged as m0ab, c 1/1 landing
            landed 3           idle  tells c merged as m0abc
        "#]],
    );
}

/// [13]
#[test]
fn when_a_middle_car_fails_only_those_behind_it_restart() {
    check(
        "train 3 of a b c | made 1; made 2; made 3; failed 2 unit; made 4; passed 1; landed 1; passed 4; landed 4",
        expect![[r#"
            made 1             1 testing a | 2 staging a+b | 3 staging a+b+c  owes checks(1 m0a)
            made 2             1 testing a | 2 testing a+b | 3 staging a+b+c  owes checks(2 m0ab)
            made 3             1 testing a | 2 testing a+b | 3 testing a+b+c  owes checks(3 m0abc)
            failed 2 unit      1 testing a | 4 staging a+c | line b  owes cancel(3), stage(4 a+c)  tells b 2/3 waiting
            made 4             1 testing a | 4 testing a+c | line b  owes checks(4 m0ac)
            passed 1           1 landing a | 4 testing a+c | line b  owes land(1 m0..m0a)  tells a 1/3 landing
            landed 1           4 testing c  tells a merged as m0a, b ejected: unit exited with 1
            passed 4           4 landing c  owes land(4 m0a..m0ac)  tells c 1/1 landing
            landed 4           idle  tells c merged as m0ac
        "#]],
    );
}

/// [12] The head is told once.
#[test]
fn when_the_head_fails_its_followers_stand_on_what_was_before_it() {
    check(
        "train 3 of a b c | made 1; made 2; made 3; failed 1 unit; made 4; made 5; passed 4; landed 4",
        expect![[r#"
            made 1             1 testing a | 2 staging a+b | 3 staging a+b+c  owes checks(1 m0a)
            made 2             1 testing a | 2 testing a+b | 3 staging a+b+c  owes checks(2 m0ab)
            made 3             1 testing a | 2 testing a+b | 3 testing a+b+c  owes checks(3 m0abc)
            failed 1 unit      4 staging b | 5 staging b+c  owes cancel(2), stage(4 b), cancel(3), stage(5 b+c)  tells a ejected: unit exited with 1
            made 4             4 testing b | 5 staging b+c  owes checks(4 m0b)
            made 5             4 testing b | 5 testing b+c  owes checks(5 m0bc)
            passed 4           4 landing b | 5 testing b+c  owes land(4 m0..m0b)  tells b 1/2 landing
            landed 4           5 testing c  tells b merged as m0b
        "#]],
    );
}

/// [3]
#[test]
fn who_leaves_the_middle_of_a_train_harms_no_other() {
    check(
        "train 3 of a b c | made 1; made 2; made 3; withdraw b; made 4; passed 1; landed 1; passed 4; landed 4",
        expect![[r#"
            made 1             1 testing a | 2 staging a+b | 3 staging a+b+c  owes checks(1 m0a)
            made 2             1 testing a | 2 testing a+b | 3 staging a+b+c  owes checks(2 m0ab)
            made 3             1 testing a | 2 testing a+b | 3 testing a+b+c  owes checks(3 m0abc)
            withdraw b         1 testing a | 4 staging a+c  owes cancel(2), cancel(3), stage(4 a+c)  tells b withdrawn by ana
            made 4             1 testing a | 4 testing a+c  owes checks(4 m0ac)
            passed 1           1 landing a | 4 testing a+c  owes land(1 m0..m0a)  tells a 1/2 landing
            landed 1           4 testing c  tells a merged as m0a
            passed 4           4 landing c  owes land(4 m0a..m0ac)  tells c 1/1 landing
            landed 4           idle  tells c merged as m0ac
        "#]],
    );
}

/// What vouches is the tree: the commits are new, and their content is byte for byte what passed.
#[test]
fn what_passed_on_another_base_lands_if_its_tree_is_the_tested_one() {
    check(
        "nest 3 of a b | made 1; made 2; made 3; passed 2; landed 2; passed 3; made 4; landed 4",
        expect![[r#"
            made 1             1 testing a | 2 staging b | 3 staging a+b  owes checks(1 m0a)
            made 2             1 testing a | 2 testing b | 3 staging a+b  owes checks(2 m0b)
            made 3             1 testing a | 2 testing b | 3 testing a+b  owes checks(3 m0ab)
            passed 2           1 testing a | 2 landing b | 3 testing a+b  owes land(2 m0..m0b)  tells b 1/2 landing
            landed 2           1 testing a | 3 testing a  tells b merged as m0b
            passed 3           1 testing a | 4 staging a  owes stage(4 a)
            made 4             1 testing a | 4 landing a  owes land(4 m0b..m0ba)  tells a 1/1 landing
            landed 4           idle  owes cancel(1)  tells a merged as m0ba
        "#]],
    );
}

/// A merge that comes out otherwise on the new head is tested like any other.
#[test]
fn what_passed_on_another_base_is_tested_again_if_its_tree_is_another() {
    check(
        "nest 3 of a b | made 1; made 2; made 3; passed 2; landed 2; passed 3; made 4 tree=other; passed 4; landed 4",
        expect![[r#"
            made 1             1 testing a | 2 staging b | 3 staging a+b  owes checks(1 m0a)
            made 2             1 testing a | 2 testing b | 3 staging a+b  owes checks(2 m0b)
            made 3             1 testing a | 2 testing b | 3 testing a+b  owes checks(3 m0ab)
            passed 2           1 testing a | 2 landing b | 3 testing a+b  owes land(2 m0..m0b)  tells b 1/2 landing
            landed 2           1 testing a | 3 testing a  tells b merged as m0b
            passed 3           1 testing a | 4 staging a  owes stage(4 a)
            made 4 tree=other  1 testing a | 4 testing a  owes checks(4 m0ba)
            passed 4           1 testing a | 4 landing a  owes land(4 m0b..m0ba)  tells a 1/1 landing
            landed 4           idle  owes cancel(1)  tells a merged as m0ba
        "#]],
    );
}

/// A tree that is another and fails: what would have landed is in line again, and nobody is ejected for it.
#[test]
fn what_fails_on_another_base_is_in_line_again() {
    check(
        "nest 3 of a b | made 1; made 2; made 3; passed 2; landed 2; passed 3; made 4 tree=other; failed 4 unit",
        expect![[r#"
            made 1             1 testing a | 2 staging b | 3 staging a+b  owes checks(1 m0a)
            made 2             1 testing a | 2 testing b | 3 staging a+b  owes checks(2 m0b)
            made 3             1 testing a | 2 testing b | 3 testing a+b  owes checks(3 m0ab)
            passed 2           1 testing a | 2 landing b | 3 testing a+b  owes land(2 m0..m0b)  tells b 1/2 landing
            landed 2           1 testing a | 3 testing a  tells b merged as m0b
            passed 3           1 testing a | 4 staging a  owes stage(4 a)
            made 4 tree=other  1 testing a | 4 testing a  owes checks(4 m0ba)
            failed 4 unit      1 testing a | 5 staging a  owes stage(5 a)
        "#]],
    );
}

#[test]
fn a_foreign_push_meets_a_landing_that_waits_for_its_commits() {
    check(
        "nest 3 of a b | made 1; made 2; made 3; passed 2; landed 2; passed 3; target m7; made 5; passed 5; landed 5",
        expect![[r#"
            made 1             1 testing a | 2 staging b | 3 staging a+b  owes checks(1 m0a)
            made 2             1 testing a | 2 testing b | 3 staging a+b  owes checks(2 m0b)
            made 3             1 testing a | 2 testing b | 3 testing a+b  owes checks(3 m0ab)
            passed 2           1 testing a | 2 landing b | 3 testing a+b  owes land(2 m0..m0b)  tells b 1/2 landing
            landed 2           1 testing a | 3 testing a  tells b merged as m0b
            passed 3           1 testing a | 4 staging a  owes stage(4 a)
            target m7          1 testing a | 5 staging a  owes stage(5 a)
            made 5             1 testing a | 5 testing a  owes checks(5 m7a)
            passed 5           1 testing a | 5 landing a  owes land(5 m7..m7a)  tells a 1/1 landing
            landed 5           idle  owes cancel(1)  tells a merged as m7a
        "#]],
    );
}

#[test]
fn a_staging_answered_while_something_lands_is_asked_again() {
    check(
        "train 2 of a b | made 1; passed 1; made 2 on=m9; landed 1; made 2; made 3; passed 3; landed 3",
        expect![[r#"
            made 1             1 testing a | 2 staging a+b  owes checks(1 m0a)
            passed 1           1 landing a | 2 staging a+b  owes land(1 m0..m0a)  tells a 1/2 landing
            made 2 on=m9       1 landing a | 2 staging a+b  tells b 2/2 waiting
            landed 1           3 staging b  owes stage(3 b)  tells a merged as m0a, b 1/1 testing
            made 2             3 staging b
            made 3             3 testing b  owes checks(3 m0ab)
            passed 3           3 landing b  owes land(3 m0a..m0ab)  tells b 1/1 landing
            landed 3           idle  tells b merged as m0ab
        "#]],
    );
}

#[test]
fn a_verdict_that_comes_while_something_lands_waits_for_its_end() {
    check(
        "train 2 of a b | made 1; made 2; passed 1; failed 2 unit; landed 1",
        expect![[r#"
        made 1             1 testing a | 2 staging a+b  owes checks(1 m0a)
        made 2             1 testing a | 2 testing a+b  owes checks(2 m0ab)
        passed 1           1 landing a | 2 testing a+b  owes land(1 m0..m0a)  tells a 1/2 landing
        failed 2 unit      1 landing a | line b  tells b 2/2 waiting
        landed 1           idle  tells a merged as m0a, b ejected: unit exited with 1
    "#]],
    );
}

#[test]
fn whoever_was_refused_in_company_is_tried_alone() {
    check(
        "batch 3 of a b c | made 1; passed 1; refused 1 too large; enqueue d; made 2; passed 2; landed 2; made 3; passed 3; refused 3 too large",
        expect![[r#"
            made 1             1 testing a+b+c  owes checks(1 m0abc)
            passed 1           1 landing a+b+c  owes land(1 m0..m0abc)  tells a 1/3 landing, b 2/3 landing, c 3/3 landing
            refused 1 too large 2 staging a | line b+c  owes stage(2 a)  tells a 1/3 testing, b 2/3 waiting, c 3/3 waiting
            enqueue d          2 staging a | line b+c+d  tells d 4/4 waiting
            made 2             2 testing a | line b+c+d  owes checks(2 m0a)
            passed 2           2 landing a | line b+c+d  owes land(2 m0..m0a)  tells a 1/4 landing
            landed 2           3 staging b | line c+d  owes stage(3 b)  tells a merged as m0a, b 1/3 testing, c 2/3 waiting, d 3/3 waiting
            made 3             3 testing b | line c+d  owes checks(3 m0ab)
            passed 3           3 landing b | line c+d  owes land(3 m0a..m0ab)  tells b 1/3 landing
            refused 3 too large 4 staging c | line d  owes stage(4 c)  tells b ejected: the forge refused it: too large, c 1/2 testing, d 2/2 waiting
        "#]],
    );
}

/// The reason of an ejection is the smallest red run.
#[test]
fn an_ejection_says_what_its_own_run_said() {
    check(
        "nest 3 of a b | made 1; made 2; made 3; failed 3 both; failed 1 unit; made 4; failed 4 unit; failed 2 lint; made 5; failed 5 lint",
        expect![[r#"
            made 1             1 testing a | 2 staging b | 3 staging a+b  owes checks(1 m0a)
            made 2             1 testing a | 2 testing b | 3 staging a+b  owes checks(2 m0b)
            made 3             1 testing a | 2 testing b | 3 testing a+b  owes checks(3 m0ab)
            failed 3 both      1 testing a | 2 testing b
            failed 1 unit      2 testing b | 4 staging a  owes stage(4 a)
            made 4             2 testing b | 4 testing a  owes checks(4 m0a)
            failed 4 unit      2 testing b  tells a ejected: unit exited with 1 (99.6 % sure)
            failed 2 lint      5 staging b  owes stage(5 b)
            made 5             5 testing b  owes checks(5 m0b)
            failed 5 lint      idle  tells b ejected: lint exited with 1 (99.6 % sure)
        "#]],
    );
}

/// [18] Another strategy takes over as soon as nothing is landing.
/// Who landed was not it, so what was red with it was red alone.
#[test]
fn an_ejection_says_what_was_red_but_for_those_who_landed() {
    check(
        "optimistic 3 of a b c d | made 1; made 2; made 3; failed 2 lint; passed 1; landed 1; failed 3 unit; made 4; failed 4 unit; made 5; failed 5 unit",
        expect![[r#"
            made 1             1 testing a | 2 staging a+b | 3 staging a+b+c | line d  owes checks(1 m0a)
            made 2             1 testing a | 2 testing a+b | 3 staging a+b+c | line d  owes checks(2 m0ab)
            made 3             1 testing a | 2 testing a+b | 3 testing a+b+c | line d  owes checks(3 m0abc)
            failed 2 lint      1 testing a | 3 testing a+b+c | line d
            passed 1           1 landing a | 3 testing a+b+c | line d  owes land(1 m0..m0a)  tells a 1/4 landing
            landed 1           3 testing b+c | 4 staging b+c+d  owes stage(4 b+c+d)  tells a merged as m0a, d 3/3 testing
            failed 3 unit      4 staging b+c+d
            made 4             4 testing b+c+d  owes checks(4 m0abcd)
            failed 4 unit      5 staging c | 6 staging c+d  owes stage(5 c), stage(6 c+d)  tells b ejected: lint exited with 1
            made 5             5 testing c | 6 staging c+d  owes checks(5 m0ac)
            failed 5 unit      6 staging c+d
        "#]],
    );
}

#[test]
fn another_strategy_takes_over_and_loses_nobody() {
    check(
        "train 2 of a b | made 1; made 2; passed 1; nest 2; landed 1; made 3; passed 3; landed 3",
        expect![[r#"
        made 1             1 testing a | 2 staging a+b  owes checks(1 m0a)
        made 2             1 testing a | 2 testing a+b  owes checks(2 m0ab)
        passed 1           1 landing a | 2 testing a+b  owes land(1 m0..m0a)  tells a 1/2 landing
        nest 2             1 landing a | 2 testing a+b
        landed 1           3 staging b  owes cancel(2), stage(3 b)  tells a merged as m0a
        made 3             3 testing b  owes checks(3 m0ab)
        passed 3           3 landing b  owes land(3 m0a..m0ab)  tells b 1/1 landing
        landed 3           idle  tells b merged as m0ab
    "#]],
    );
}

/// [18]
#[test]
fn a_wider_train_starts_nothing_twice() {
    check(
        "train 2 of a b c | made 1; train 3; made 3; train 1; passed 1; landed 1",
        expect![[r#"
        made 1             1 testing a | 2 staging a+b | line c  owes checks(1 m0a)
        train 3            1 testing a | 2 staging a+b | 3 staging a+b+c  owes stage(3 a+b+c)  tells c 3/3 testing
        made 3             1 testing a | 2 staging a+b | 3 testing a+b+c  owes checks(3 m0abc)
        train 1            1 testing a | 2 staging a+b | 3 testing a+b+c
        passed 1           1 landing a | 2 staging a+b | 3 testing a+b+c  owes land(1 m0..m0a)  tells a 1/3 landing
        landed 1           3 testing b+c | 4 staging b  owes stage(4 b)  tells a merged as m0a
    "#]],
    );
}

/// [24]
#[test]
fn who_wants_no_company_gets_none_while_others_run() {
    check(
        "nest 3 of a b! c | made 1; passed 1; landed 1; made 2; enqueue d; passed 2; landed 2",
        expect![[r#"
        made 1             1 testing a | line b+c  owes checks(1 m0a)
        passed 1           1 landing a | line b+c  owes land(1 m0..m0a)  tells a 1/3 landing
        landed 1           2 staging b | line c  owes stage(2 b)  tells a merged as m0a, b 1/2 testing, c 2/2 waiting
        made 2             2 testing b | line c  owes checks(2 m0ab)
        enqueue d          2 testing b | line c+d  tells d 3/3 waiting
        passed 2           2 landing b | line c+d  owes land(2 m0a..m0ab)  tells b 1/3 landing
        landed 2           3 staging c | 4 staging d | 5 staging c+d  owes stage(3 c), stage(4 d), stage(5 c+d)  tells b merged as m0ab, c 1/2 testing, d 2/2 testing
    "#]],
    );
}

/// [27] A landing that has not begun is called off.
#[test]
fn who_leaves_while_its_landing_waits_is_let_go() {
    check(
        "enqueue a; made 1; pause; passed 1; withdraw a",
        expect![[r#"
        enqueue a          1 staging a  owes stage(1 a)  tells a 1/1 testing
        made 1             1 testing a  owes checks(1 m0a)
        pause              1 testing a | paused by ana
        passed 1           1 passed a | paused by ana
        withdraw a         paused by ana  tells a withdrawn by ana
    "#]],
    );
}
