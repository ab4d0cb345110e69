//! The machine while its target is closed: nothing lands but the urgent, nobody is sent back, and at the opening all that
//! passed goes on by itself. Scripts begin on Thursday, 1 January 1970, at midnight; it is 3,600 at 01:00.

use domain::Timestamp;
use expect_test::expect;

use super::script::{check, empty_queue, parse_event, step_at};
use super::view::QueueView;
use crate::queue::Queue;

#[test]
fn what_passed_while_it_is_closed_waits_and_lands_at_the_opening() {
    check(
        "train 2 closed=daily_01:00_-_02:00_UTC of a b | @3500 made 1; made 2; @3700 passed 1; @3800 passed 2; @7100 target m0; opened; landed 1; landed 2",
        expect![[r#"
            @3500 made 1       1 testing a | 2 staging a+b  owes checks(1 m0a)
            made 2             1 testing a | 2 testing a+b  owes checks(2 m0ab)
            @3700 passed 1     1 passed a | 2 testing a+b  owes opening(7200)  tells a kept out until Thu 02:00 UTC
            @3800 passed 2     1 passed a | 2 passed a+b
            @7100 target m0    1 passed a | 2 passed a+b
            opened             1 landing a | 2 passed a+b  owes land(1 m0..m0a)  tells a 1/2 landing
            landed 1           2 landing b  owes land(2 m0a..m0ab)  tells a merged as m0a, b 1/1 landing
            landed 2           idle  tells b merged as m0ab
        "#]],
    );
}

#[test]
fn what_lands_when_it_closes_lands() {
    check(
        "serial 1 closed=daily_01:00_-_02:00_UTC of a b | made 1; @3599 passed 1; @3700 landed 1; made 2; passed 2; opened",
        expect![[r#"
            made 1             1 testing a | line b  owes checks(1 m0a)
            @3599 passed 1     1 landing a | line b  owes land(1 m0..m0a)  tells a 1/2 landing
            @3700 landed 1     2 staging b  owes opening(7200), stage(2 b)  tells a merged as m0a, b 1/1 testing
            made 2             2 testing b  owes checks(2 m0ab)
            passed 2           2 passed b  tells b kept out until Thu 02:00 UTC
            opened             2 landing b  owes land(2 m0a..m0ab)  tells b 1/1 landing
        "#]],
    );
}

#[test]
fn nobody_is_spared_by_it_who_fails() {
    check(
        "batch 2 closed=daily_01:00_-_02:00_UTC of a b | @3700 made 1; failed 1 unit; made 2; failed 2 unit; made 3; passed 3; opened",
        expect![[r#"
            @3700 made 1       1 testing a+b  owes checks(1 m0ab), opening(7200)
            failed 1 unit      2 staging a | line b  owes stage(2 a)  tells b 2/2 waiting
            made 2             2 testing a | line b  owes checks(2 m0a)
            failed 2 unit      3 staging b  owes stage(3 b)  tells a ejected: unit exited with 1, b 1/1 testing
            made 3             3 testing b  owes checks(3 m0b)
            passed 3           3 passed b  tells b kept out until Thu 02:00 UTC
            opened             3 landing b  owes land(3 m0..m0b)  tells b 1/1 landing
        "#]],
    );
}

#[test]
fn the_urgent_land_all_the_same_and_for_themselves() {
    check(
        "batch 3 closed=daily_01:00_-_02:00_UTC of a b | @3700 made 1; passed 1; enqueue c first; made 2; passed 2; landed 2; made 3; passed 3; opened",
        expect![[r#"
            @3700 made 1       1 testing a+b  owes checks(1 m0ab), opening(7200)
            passed 1           1 passed a+b  tells a kept out until Thu 02:00 UTC, b kept out until Thu 02:00 UTC
            enqueue c first    2 staging c | line a+b  owes stage(2 c)  tells c 1/3 testing, a 2/3 waiting, b 3/3 waiting
            made 2             2 testing c | line a+b  owes checks(2 m0c)
            passed 2           2 landing c | line a+b  owes land(2 m0..m0c)  tells c 1/3 landing
            landed 2           3 staging a+b  owes stage(3 a+b)  tells c merged as m0c, a 1/2 testing, b 2/2 testing
            made 3             3 testing a+b  owes checks(3 m0cab)
            passed 3           3 passed a+b  tells a kept out until Thu 02:00 UTC, b kept out until Thu 02:00 UTC
            opened             3 landing a+b  owes land(3 m0c..m0cab)  tells a 1/2 landing, b 2/2 landing
        "#]],
    );
    check(
        "batch 3 closed=daily_01:00_-_02:00_UTC of a b c | @3700 made 1; prioritise b first; made 2; passed 2; landed 2",
        expect![[r#"
            @3700 made 1       1 testing a+b+c  owes checks(1 m0abc), opening(7200)
            prioritise b first 2 staging b | line a+c  owes cancel(1), stage(2 b)  tells a 2/3 waiting, c 3/3 waiting
            made 2             2 testing b | line a+c  owes checks(2 m0b)
            passed 2           2 landing b | line a+c  owes land(2 m0..m0b)  tells b 1/3 landing
            landed 2           3 staging a+c  owes stage(3 a+c)  tells b merged as m0b, a 1/2 testing, c 2/2 testing
        "#]],
    );
    check(
        "train 3 closed=daily_01:00_-_02:00_UTC of a b | @3700 made 1; made 2; passed 1; enqueue c first after=a; hold b wait; prioritise b first; release b; made 3; passed 3",
        expect![[r#"
            @3700 made 1       1 testing a | 2 staging a+b  owes checks(1 m0a), opening(7200)
            made 2             1 testing a | 2 testing a+b  owes checks(2 m0ab)
            passed 1           1 passed a | 2 testing a+b  tells a kept out until Thu 02:00 UTC
            enqueue c first after=a 1 passed a | 2 testing a+b | line c  tells c 1/3 waiting
            hold b wait        1 passed a | line c | held b  owes cancel(2)  tells b held by ana: wait, b 3/3 waiting
            prioritise b first 1 passed a | line c | held b  tells b 1/3 waiting, c 2/3 waiting
            release b          3 staging b | line c+a  owes stage(3 b)  tells b released, b 1/3 testing, a 3/3 waiting
            made 3             3 testing b | line c+a  owes checks(3 m0b)
            passed 3           3 landing b | line c+a  owes land(3 m0..m0b)  tells b 1/3 landing
        "#]],
    );
}

/// Who waits for somebody is not urgent yet, and nobody waits for them.
#[test]
fn the_urgent_who_may_not_go_are_in_nobodys_way() {
    check(
        "batch 3 closed=daily_01:00_-_02:00_UTC of a | enqueue b first after=a; hold a wait; release a; @3700 made 2; passed 2; opened; landed 2; made 3; passed 3",
        expect![[r#"
            enqueue b first after=a 1 staging a | line b  tells b 1/2 waiting
            hold a wait        line b | held a  tells a held by ana: wait, a 2/2 waiting
            release a          2 staging a | line b  owes stage(2 a)  tells a released, a 2/2 testing
            @3700 made 2       2 testing a | line b  owes checks(2 m0a), opening(7200)
            passed 2           2 passed a | line b  tells a kept out until Thu 02:00 UTC
            opened             2 landing a | line b  owes land(2 m0..m0a)  tells b 2/2 waiting, a 1/2 landing
            landed 2           3 staging b  owes stage(3 b)  tells a merged as m0a, b 1/1 testing
            made 3             3 testing b  owes checks(3 m0ab)
            passed 3           3 landing b  owes land(3 m0a..m0ab)  tells b 1/1 landing
        "#]],
    );
}

#[test]
fn what_passed_is_kept_on_the_head_meanwhile() {
    check(
        "serial 1 closed=daily_01:00_-_02:00_UTC of a | @3700 made 1; passed 1; target m1; made 2 tree=ta; target m2; made 3 tree=other; passed 3; opened; landed 3",
        expect![[r#"
            @3700 made 1       1 testing a  owes checks(1 m0a), opening(7200)
            passed 1           1 passed a  tells a kept out until Thu 02:00 UTC
            target m1          2 staging a  owes stage(2 a)  tells a 1/1 testing
            made 2 tree=ta     2 passed a  tells a kept out until Thu 02:00 UTC
            target m2          3 staging a  owes stage(3 a)  tells a 1/1 testing
            made 3 tree=other  3 testing a  owes checks(3 m2a)
            passed 3           3 passed a  tells a kept out until Thu 02:00 UTC
            opened             3 landing a  owes land(3 m2..m2a)  tells a 1/1 landing
            landed 3           idle  tells a merged as m2a
        "#]],
    );
}

#[test]
fn who_waits_for_the_opening_leaves_as_ever() {
    check(
        "batch 3 closed=daily_01:00_-_02:00_UTC of a b c | @3700 made 1; passed 1; withdraw a; made 2; passed 2; head b b2; made 3; passed 3; hold c wait; opened",
        expect![[r#"
            @3700 made 1       1 testing a+b+c  owes checks(1 m0abc), opening(7200)
            passed 1           1 passed a+b+c  tells a kept out until Thu 02:00 UTC, b kept out until Thu 02:00 UTC, c kept out until Thu 02:00 UTC
            withdraw a         2 staging b+c  owes stage(2 b+c)  tells a withdrawn by ana, b 1/2 testing, c 2/2 testing
            made 2             2 testing b+c  owes checks(2 m0bc)
            passed 2           2 passed b+c  tells b kept out until Thu 02:00 UTC, c kept out until Thu 02:00 UTC
            head b b2          3 staging c  owes stage(3 c)  tells b ejected: its branch moved to b2 after it was enqueued, c 1/1 testing
            made 3             3 testing c  owes checks(3 m0c)
            passed 3           3 passed c  tells c kept out until Thu 02:00 UTC
            hold c wait        held c  tells c held by ana: wait, c 1/1 waiting
            opened             held c
        "#]],
    );
}

#[test]
fn the_rules_may_change_while_it_is_closed() {
    check(
        "serial 1 closed=daily_01:00_-_02:00_UTC of a | @3700 made 1; passed 1; serial 1 closed=daily_01:00_-_03:00_UTC; @7200 opened 7200; opened; landed 1",
        expect![[r#"
            @3700 made 1       1 testing a  owes checks(1 m0a), opening(7200)
            passed 1           1 passed a  tells a kept out until Thu 02:00 UTC
            serial 1 closed=daily_01:00_-_03:00_UTC 1 passed a  owes opening(10800)  tells a kept out until Thu 03:00 UTC
            @7200 opened 7200  1 passed a
            opened             1 landing a  owes land(1 m0..m0a)  tells a 1/1 landing
            landed 1           idle  tells a merged as m0a
        "#]],
    );
    check(
        "serial 1 closed=daily_01:00_-_02:00_UTC of a | @3700 made 1; passed 1; batch 2; opened 7200; landed 1",
        expect![[r#"
            @3700 made 1       1 testing a  owes checks(1 m0a), opening(7200)
            passed 1           1 passed a  tells a kept out until Thu 02:00 UTC
            batch 2            1 landing a  owes land(1 m0..m0a)  tells a 1/1 landing
            opened 7200        1 landing a
            landed 1           idle  tells a merged as m0a
        "#]],
    );
    check(
        "serial of a | @3700 made 1; serial 1 closed=daily_01:00_-_02:00_Europe/Berlin closed=daily_01:30_-_02:00_UTC; @5500 passed 1; opened",
        expect![[r#"
            @3700 made 1       1 testing a  owes checks(1 m0a)
            serial 1 closed=daily_01:00_-_02:00_Europe/Berlin closed=daily_01:30_-_02:00_UTC 1 testing a
            @5500 passed 1     1 passed a  owes opening(7200)  tells a kept out until Thu 02:00 UTC
            opened             1 landing a  owes land(1 m0..m0a)  tells a 1/1 landing
        "#]],
    );
}

#[test]
fn a_pause_outlasts_an_opening_and_an_opening_a_pause() {
    check(
        "serial 1 closed=daily_01:00_-_02:00_UTC of a | @3700 made 1; passed 1; pause; opened; resume; landed 1",
        expect![[r#"
            @3700 made 1       1 testing a  owes checks(1 m0a), opening(7200)
            passed 1           1 passed a  tells a kept out until Thu 02:00 UTC
            pause              1 passed a | paused by ana
            opened             1 passed a | paused by ana  tells a 1/1 testing
            resume             1 landing a  owes land(1 m0..m0a)  tells a 1/1 landing
            landed 1           idle  tells a merged as m0a
        "#]],
    );
    check(
        "serial 1 closed=daily_01:00_-_02:00_UTC of a | @3700 made 1; pause; passed 1; resume; opened",
        expect![[r#"
        @3700 made 1       1 testing a  owes checks(1 m0a), opening(7200)
        pause              1 testing a | paused by ana
        passed 1           1 passed a | paused by ana
        resume             1 passed a  tells a kept out until Thu 02:00 UTC
        opened             1 landing a  owes land(1 m0..m0a)  tells a 1/1 landing
    "#]],
    );
}

/// The hour comes twice, or not at all.
#[test]
fn a_clock_that_is_set_anew_loses_no_opening() {
    check(
        "serial 1 closed=daily_01:00_-_02:00_UTC of a | @3700 made 1; passed 1; @5400 opened 7200; @7199 opened 7200; opened; opened 7200",
        expect![[r#"
            @3700 made 1       1 testing a  owes checks(1 m0a), opening(7200)
            passed 1           1 passed a  tells a kept out until Thu 02:00 UTC
            @5400 opened 7200  1 passed a  owes opening(7200)
            @7199 opened 7200  1 passed a  owes opening(7200)
            opened             1 landing a  owes land(1 m0..m0a)  tells a 1/1 landing
            opened 7200        1 landing a
        "#]],
    );
    check(
        "serial 1 closed=daily_01:00_-_02:00_UTC of a b | @3700 made 1; passed 1; @7300 landed 9; landed 1; @3800 made 2; passed 2; opened 7200; opened",
        expect![[r#"
            @3700 made 1       1 testing a | line b  owes checks(1 m0a), opening(7200)
            passed 1           1 passed a | line b  tells a kept out until Thu 02:00 UTC
            @7300 landed 9     1 landing a | line b  owes land(1 m0..m0a)  tells a 1/2 landing
            landed 1           2 staging b  owes stage(2 b)  tells a merged as m0a, b 1/1 testing
            @3800 made 2       2 testing b  owes checks(2 m0ab), opening(7200)
            passed 2           2 passed b  tells b kept out until Thu 02:00 UTC
            opened 7200        2 passed b  owes opening(7200)
            opened             2 landing b  owes land(2 m0a..m0ab)  tells b 1/1 landing
        "#]],
    );
}

#[test]
fn on_every_track_it_is_closed_and_opens() {
    check(
        "train 2 closed=daily_01:00_-_02:00_UTC | enqueue a lanes=web; enqueue b lanes=api; made 1; made 2; @3700 passed 1; passed 2; enqueue c first lanes=web; made 3; passed 3; landed 3; opened",
        expect![[r#"
            enqueue a lanes=web 1 staging a  owes stage(1 a)  tells a 1/1 testing
            enqueue b lanes=api 1 staging a | 2 staging b  owes stage(2 b)  tells b 2/2 testing
            made 1             1 testing a | 2 staging b  owes checks(1 m0a)
            made 2             1 testing a | 2 testing b  owes checks(2 m0b)
            @3700 passed 1     1 passed a | 2 testing b  owes opening(7200)  tells a kept out until Thu 02:00 UTC
            passed 2           1 passed a | 2 passed b  tells b kept out until Thu 02:00 UTC
            enqueue c first lanes=web 3 staging c | line a+b  owes stage(3 c)  tells c 1/3 testing, a 2/3 waiting, b 3/3 waiting
            made 3             3 testing c | line a+b  owes checks(3 m0c)
            passed 3           3 landing c | line a+b  owes land(3 m0..m0c)  tells c 1/3 landing
            landed 3           4 staging a | 5 staging b  owes stage(4 a), stage(5 b)  tells c merged as m0c, a 1/2 testing, b 2/2 testing
            opened             4 staging a | 5 staging b
        "#]],
    );
    check(
        "train 2 closed=daily_01:00_-_02:00_UTC | enqueue a lanes=web; enqueue b lanes=api; made 1; made 2; @3700 passed 1; passed 2; opened; landed 1; made 3; passed 3; landed 3",
        expect![[r#"
            enqueue a lanes=web 1 staging a  owes stage(1 a)  tells a 1/1 testing
            enqueue b lanes=api 1 staging a | 2 staging b  owes stage(2 b)  tells b 2/2 testing
            made 1             1 testing a | 2 staging b  owes checks(1 m0a)
            made 2             1 testing a | 2 testing b  owes checks(2 m0b)
            @3700 passed 1     1 passed a | 2 testing b  owes opening(7200)  tells a kept out until Thu 02:00 UTC
            passed 2           1 passed a | 2 passed b  tells b kept out until Thu 02:00 UTC
            opened             1 landing a | 2 passed b  owes land(1 m0..m0a)  tells a 1/2 landing, b 2/2 testing
            landed 1           3 staging b  owes stage(3 b)  tells a merged as m0a
            made 3             3 testing b  owes checks(3 m0ab)
            passed 3           3 landing b  owes land(3 m0a..m0ab)  tells b 1/1 landing
            landed 3           idle  tells b merged as m0ab
        "#]],
    );
}

#[test]
fn whoever_waits_for_the_opening_is_not_overdue() {
    check(
        "serial 1 closed=daily_01:00_-_20:00_UTC of a | @3700 made 1; @3800 passed 1; watched; opened",
        expect![[r#"
        @3700 made 1       1 testing a  owes checks(1 m0a), opening(72000)
        @3800 passed 1     1 passed a  tells a kept out until Thu 20:00 UTC
        watched            1 passed a
        opened             1 landing a  owes land(1 m0..m0a)  tells a 1/1 landing
    "#]],
    );
}

/// It may have happened: asking again lands nothing new.
#[test]
fn a_landing_in_doubt_is_asked_for_again_though_it_is_closed() {
    check(
        "serial 1 closed=daily_01:00_-_02:00_UTC of a | made 1; @3500 passed 1; @3700 unanswered 1 no route; resume; landed 2",
        expect![[r#"
            made 1             1 testing a  owes checks(1 m0a)
            @3500 passed 1     1 landing a  owes land(1 m0..m0a)  tells a 1/1 landing
            @3700 unanswered 1 no route 1 doubtful a | stopped: no route  owes opening(7200)  tells a stalled: no route
            resume             2 landing a  owes land(2 m0..m0a)
            landed 2           idle  tells a merged as m0a
        "#]],
    );
}

/// What passed before is on record, so that its commits are made and no check is run for it.
#[test]
fn who_comes_behind_those_who_wait_is_tested_with_them() {
    check(
        "train 3 closed=daily_01:00_-_02:00_UTC of a | @3700 made 1; passed 1; enqueue b; made 2; already-passed 2; made 3; enqueue c; passed 3; made 4; already-passed 4; made 5; passed 5; opened; landed 4; landed 3; landed 5",
        expect![[r#"
            @3700 made 1       1 testing a  owes checks(1 m0a), opening(7200)
            passed 1           1 passed a  tells a kept out until Thu 02:00 UTC
            enqueue b          2 staging a | 3 staging a+b  owes stage(2 a), stage(3 a+b)  tells a 1/2 testing, b 2/2 testing
            made 2             2 testing a | 3 staging a+b  owes checks(2 m0a)
            already-passed 2   2 passed a | 3 staging a+b  tells a kept out until Thu 02:00 UTC
            made 3             2 passed a | 3 testing a+b  owes checks(3 m0ab)
            enqueue c          2 passed a | 3 testing a+b | line c  tells c 3/3 waiting
            passed 3           3 passed a+b | 4 staging a | 5 staging a+b+c  owes stage(4 a), stage(5 a+b+c)  tells a 1/3 testing, c 3/3 testing
            made 4             3 passed a+b | 4 testing a | 5 staging a+b+c  owes checks(4 m0a)
            already-passed 4   3 passed a+b | 4 passed a | 5 staging a+b+c  tells a kept out until Thu 02:00 UTC
            made 5             3 passed a+b | 4 passed a | 5 testing a+b+c  owes checks(5 m0abc)
            passed 5           3 passed a+b | 4 passed a | 5 passed a+b+c
            opened             3 passed a+b | 4 landing a | 5 passed a+b+c  owes land(4 m0..m0a)  tells a 1/3 landing
            landed 4           3 landing b | 5 passed b+c  owes land(3 m0a..m0ab)  tells a merged as m0a, already tested, b 1/2 landing
            landed 3           5 landing c  owes land(5 m0ab..m0abc)  tells b merged as m0ab, c 1/1 landing
            landed 5           idle  tells c merged as m0abc
        "#]],
    );
    check(
        "nest 3 closed=daily_01:00_-_02:00_UTC of a | @3700 made 1; passed 1; enqueue b; made 4; passed 4; made 2; already-passed 2; made 3; passed 3; opened; landed 4",
        expect![[r#"
            @3700 made 1       1 testing a  owes checks(1 m0a), opening(7200)
            passed 1           1 passed a  tells a kept out until Thu 02:00 UTC
            enqueue b          2 staging a | 3 staging b | 4 staging a+b  owes stage(2 a), stage(3 b), stage(4 a+b)  tells a 1/2 testing, b 2/2 testing
            made 4             2 staging a | 3 staging b | 4 testing a+b  owes checks(4 m0ab)
            passed 4           2 staging a | 3 staging b | 4 passed a+b  tells a kept out until Thu 02:00 UTC, b kept out until Thu 02:00 UTC
            made 2             2 testing a | 3 staging b | 4 passed a+b  owes checks(2 m0a)
            already-passed 2   2 passed a | 3 staging b | 4 passed a+b
            made 3             2 passed a | 3 testing b | 4 passed a+b  owes checks(3 m0b)
            passed 3           2 passed a | 3 passed b | 4 passed a+b
            opened             2 passed a | 3 passed b | 4 landing a+b  owes land(4 m0..m0ab)  tells a 1/2 landing, b 2/2 landing
            landed 4           idle  tells a merged as m0a, b merged as m0ab
        "#]],
    );
    check(
        "adaptive 3 closed=daily_01:00_-_02:00_UTC of a | @3700 made 1; passed 1; enqueue b; made 3; passed 3; enqueue c; made 2; made 4; opened; landed 3",
        expect![[r#"
            @3700 made 1       1 testing a  owes checks(1 m0a), opening(7200)
            passed 1           1 passed a  tells a kept out until Thu 02:00 UTC
            enqueue b          2 staging a | 3 staging a+b | 4 staging b  owes stage(2 a), stage(3 a+b), stage(4 b)  tells a 1/2 testing, b 2/2 testing
            made 3             2 staging a | 3 testing a+b | 4 staging b  owes checks(3 m0ab)
            passed 3           2 staging a | 3 passed a+b | 4 staging b  tells a kept out until Thu 02:00 UTC, b kept out until Thu 02:00 UTC
            enqueue c          2 staging a | 3 passed a+b | 4 staging b | line c  tells c 3/3 waiting
            made 2             2 testing a | 3 passed a+b | 4 staging b | line c  owes checks(2 m0a)
            made 4             2 testing a | 3 passed a+b | 4 testing b | line c  owes checks(4 m0b)
            opened             2 testing a | 3 landing a+b | 4 testing b | line c  owes land(3 m0..m0ab)  tells a 1/3 landing, b 2/3 landing
            landed 3           5 staging c  owes cancel(2), cancel(4), stage(5 c)  tells a merged as m0a, b merged as m0ab, c 1/1 testing
        "#]],
    );
}

/// One at a time is what was asked for, and a batch is tested as it was made.
#[test]
fn who_comes_behind_those_who_wait_in_batches_comes_after_the_opening() {
    check(
        "batch 3 closed=daily_01:00_-_02:00_UTC of a | @3700 made 1; passed 1; enqueue b; opened; landed 1",
        expect![[r#"
            @3700 made 1       1 testing a  owes checks(1 m0a), opening(7200)
            passed 1           1 passed a  tells a kept out until Thu 02:00 UTC
            enqueue b          1 passed a | line b  tells b 2/2 waiting
            opened             1 landing a | line b  owes land(1 m0..m0a)  tells a 1/2 landing
            landed 1           2 staging b  owes stage(2 b)  tells a merged as m0a, b 1/1 testing
        "#]],
    );
}

/// Who fails with them leaves them alone, and nobody goes in a circle.
#[test]
fn who_comes_behind_and_fails_is_sent_back_before_the_opening_or_after() {
    check(
        "train 3 closed=daily_01:00_-_02:00_UTC of a | @3700 made 1; passed 1; enqueue b; made 2; already-passed 2; made 3; failed 3 unit; opened; landed 2",
        expect![[r#"
            @3700 made 1       1 testing a  owes checks(1 m0a), opening(7200)
            passed 1           1 passed a  tells a kept out until Thu 02:00 UTC
            enqueue b          2 staging a | 3 staging a+b  owes stage(2 a), stage(3 a+b)  tells a 1/2 testing, b 2/2 testing
            made 2             2 testing a | 3 staging a+b  owes checks(2 m0a)
            already-passed 2   2 passed a | 3 staging a+b  tells a kept out until Thu 02:00 UTC
            made 3             2 passed a | 3 testing a+b  owes checks(3 m0ab)
            failed 3 unit      2 passed a | line b  tells b 2/2 waiting
            opened             2 landing a | line b  owes land(2 m0..m0a)  tells a 1/2 landing
            landed 2           idle  tells a merged as m0a, already tested, b ejected: unit exited with 1
        "#]],
    );
}

#[test]
fn whoever_looks_reads_until_when_and_a_day_before_from_when() {
    let at = |hours: i64| Timestamp::from_ms(hours * 3_600_000);
    let story =
        ["batch 2 closed=Fri_17:00_-_Mon_08:00_UTC", "enqueue a", "enqueue b first after=a", "made 1", "passed 1"];
    // From Friday, 20:00.
    let play = |queue: Queue, line: &&str| {
        let event = parse_event(line, &queue);
        step_at(queue, &event, at(44)).0
    };
    let queue = story.iter().fold(empty_queue(), play);
    let hours = [16, 17, 41, 104, 180].map(|hour| QueueView::of(&queue, at(hour)).hours.unwrap_or_default());
    assert_eq!(hours, ["", "closes Fri 17:00 UTC", "closed until Mon 08:00 UTC", "", ""]);
    let notes = QueueView::of(&queue, at(44)).lines.into_iter().map(|line| line.notes(at(44)).join(", "));
    assert_eq!(
        notes.collect::<Vec<_>>(),
        ["first, waits for a, on which it depends", "waits until it opens Mon 08:00 UTC"]
    );
    let urgent = ["enqueue c first"].iter().fold(queue, play);
    let notes = QueueView::of(&urgent, at(44)).lines.into_iter().map(|line| line.notes(at(44)).join(", "));
    assert_eq!(
        notes.collect::<Vec<_>>(),
        ["first, waits for a, on which it depends", "first", "waits for what lands while it is closed"]
    );
}
