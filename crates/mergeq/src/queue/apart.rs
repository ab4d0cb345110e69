//! Entries of disjoint lanes do not wait for each other.

use expect_test::expect;

use super::script::check;

/// [19] What is red in one lane stops nobody in the other, and lands after it without waiting for its tests.
#[test]
fn disjoint_lanes_do_not_wait_for_each_other() {
    check(
        "train 4 | enqueue a lanes=web; enqueue b lanes=api; made 1; made 2; passed 2; landed 2; failed 1 unit",
        expect![[r#"
            enqueue a lanes=web 1 staging a  owes stage(1 a)  tells a 1/1 testing
            enqueue b lanes=api 1 staging a | 2 staging b  owes stage(2 b)  tells b 2/2 testing
            made 1             1 testing a | 2 staging b  owes checks(1 m0a)
            made 2             1 testing a | 2 testing b  owes checks(2 m0b)
            passed 2           1 testing a | 2 landing b  owes land(2 m0..m0b)  tells b 1/2 landing
            landed 2           1 testing a  tells b merged as m0b
            failed 1 unit      idle  tells a ejected: unit exited with 1
        "#]],
    );
}

/// [19] What passed before the other lane landed is made anew on the new head, and its checks are asked for again: there
/// they are on record.
#[test]
fn what_passed_beside_another_lane_lands_on_it() {
    check(
        "train 4 | enqueue a lanes=web; enqueue b lanes=api; made 1; made 2; passed 2; passed 1; landed 2; made 3; already-passed 3; landed 3",
        expect![[r#"
            enqueue a lanes=web 1 staging a  owes stage(1 a)  tells a 1/1 testing
            enqueue b lanes=api 1 staging a | 2 staging b  owes stage(2 b)  tells b 2/2 testing
            made 1             1 testing a | 2 staging b  owes checks(1 m0a)
            made 2             1 testing a | 2 testing b  owes checks(2 m0b)
            passed 2           1 testing a | 2 landing b  owes land(2 m0..m0b)  tells b 1/2 landing
            passed 1           1 passed a | 2 landing b
            landed 2           3 staging a  owes stage(3 a)  tells b merged as m0b
            made 3             3 testing a  owes checks(3 m0ba)
            already-passed 3   3 landing a  owes land(3 m0b..m0ba)  tells a 1/1 landing
            landed 3           idle  tells a merged as m0ba, already tested
        "#]],
    );
}

/// [19] It goes where its first lane is, as soon as nobody is left in the other; whoever comes behind it waits with it.
#[test]
fn who_touches_two_lanes_waits_until_they_are_one_track() {
    check(
        "train 4 | enqueue a lanes=web; enqueue b lanes=api; enqueue c lanes=web,api; enqueue d lanes=api; enqueue e lanes=web; made 1; made 2; passed 2; landed 2; made 4; made 5",
        expect![[r#"
            enqueue a lanes=web 1 staging a  owes stage(1 a)  tells a 1/1 testing
            enqueue b lanes=api 1 staging a | 2 staging b  owes stage(2 b)  tells b 2/2 testing
            enqueue c lanes=web,api 1 staging a | 2 staging b | line c  tells c 3/3 waiting
            enqueue d lanes=api 1 staging a | 2 staging b | line c+d  tells d 4/4 waiting
            enqueue e lanes=web 1 staging a | 2 staging b | 3 staging a+e | line c+d  owes stage(3 a+e)  tells e 5/5 testing
            made 1             1 testing a | 2 staging b | 3 staging a+e | line c+d  owes checks(1 m0a)
            made 2             1 testing a | 2 testing b | 3 staging a+e | line c+d  owes checks(2 m0b)
            passed 2           1 testing a | 2 landing b | 3 staging a+e | line c+d  owes land(2 m0..m0b)  tells b 1/5 landing
            landed 2           1 testing a | 4 staging a+c | 5 staging a+c+d | 6 staging a+c+d+e  owes stage(4 a+c), stage(5 a+c+d), stage(6 a+c+d+e)  tells b merged as m0b, c 2/4 testing, d 3/4 testing
            made 4             1 testing a | 4 testing a+c | 5 staging a+c+d | 6 staging a+c+d+e  owes checks(4 m0bac)
            made 5             1 testing a | 4 testing a+c | 5 testing a+c+d | 6 staging a+c+d+e  owes checks(5 m0bacd)
        "#]],
    );
}

/// Whoever could be anywhere meets everybody.
#[test]
fn who_touches_nobody_knows_what_meets_everybody() {
    check(
        "train 4 | enqueue a lanes=web; enqueue b lanes=api; enqueue c; enqueue d lanes=docs; withdraw b; withdraw a; withdraw c",
        expect![[r#"
            enqueue a lanes=web 1 staging a  owes stage(1 a)  tells a 1/1 testing
            enqueue b lanes=api 1 staging a | 2 staging b  owes stage(2 b)  tells b 2/2 testing
            enqueue c          1 staging a | 2 staging b | line c  tells c 3/3 waiting
            enqueue d lanes=docs 1 staging a | 2 staging b | 3 staging a+d | line c  owes stage(3 a+d)  tells d 4/4 testing
            withdraw b         1 staging a | 4 staging a+c | 5 staging a+c+d  owes stage(4 a+c), stage(5 a+c+d)  tells b withdrawn by ana, c 2/3 testing
            withdraw a         6 staging c | 7 staging c+d  owes stage(6 c), stage(7 c+d)  tells a withdrawn by ana
            withdraw c         8 staging d  owes stage(8 d)  tells c withdrawn by ana
        "#]],
    );
}

#[test]
fn who_wants_no_company_is_alone_in_its_lane_only() {
    check(
        "train 4 | enqueue a lanes=web; enqueue b alone lanes=web; enqueue c lanes=web; enqueue d lanes=api; withdraw a; withdraw b",
        expect![[r#"
            enqueue a lanes=web 1 staging a  owes stage(1 a)  tells a 1/1 testing
            enqueue b alone lanes=web 1 staging a | line b  tells b 2/2 waiting
            enqueue c lanes=web 1 staging a | line b+c  tells c 3/3 waiting
            enqueue d lanes=api 1 staging a | 2 staging d | line b+c  owes stage(2 d)  tells d 4/4 testing
            withdraw a         2 staging d | 3 staging b | line c  owes stage(3 b)  tells a withdrawn by ana, b 1/3 testing, c 2/3 waiting
            withdraw b         2 staging d | 4 staging c  owes stage(4 c)  tells b withdrawn by ana, c 1/2 testing
        "#]],
    );
}

/// Each track has a slot, and the others go by how many wait.
#[test]
fn tracks_share_the_slots() {
    check(
        "train 3 | enqueue a lanes=web; enqueue b lanes=web; enqueue c lanes=web; enqueue d lanes=api; enqueue e lanes=docs; made 1; passed 1; landed 1; withdraw b",
        expect![[r#"
            enqueue a lanes=web 1 staging a  owes stage(1 a)  tells a 1/1 testing
            enqueue b lanes=web 1 staging a | 2 staging a+b  owes stage(2 a+b)  tells b 2/2 testing
            enqueue c lanes=web 1 staging a | 2 staging a+b | 3 staging a+b+c  owes stage(3 a+b+c)  tells c 3/3 testing
            enqueue d lanes=api 1 staging a | 2 staging a+b | 3 staging a+b+c | line d  tells d 4/4 waiting
            enqueue e lanes=docs 1 staging a | 2 staging a+b | 3 staging a+b+c | line d+e  tells e 5/5 waiting
            made 1             1 testing a | 2 staging a+b | 3 staging a+b+c | line d+e  owes checks(1 m0a)
            passed 1           1 landing a | 2 staging a+b | 3 staging a+b+c | 4 staging d | line e  owes stage(4 d), land(1 m0..m0a)  tells a 1/5 landing, d 4/5 testing
            landed 1           5 staging b | 6 staging b+c | 7 staging d | line e  owes stage(5 b), stage(6 b+c), stage(7 d)  tells a merged as m0a, e 4/4 waiting
            withdraw b         7 staging d | 8 staging c | 9 staging e  owes stage(8 c), stage(9 e)  tells b withdrawn by ana, e 3/3 testing
        "#]],
    );
}

/// What one track gives up without a word the others take in the same step.
#[test]
fn a_slot_that_one_track_gives_up_is_taken_at_once() {
    check(
        "nest 1 | enqueue a lanes=web; nest 2; enqueue b lanes=web; enqueue c lanes=api; made 1; made 2; failed 1 unit; failed 2 unit",
        expect![[r#"
            enqueue a lanes=web 1 staging a  owes stage(1 a)  tells a 1/1 testing
            nest 2             1 staging a
            enqueue b lanes=web 1 staging a | 2 staging b  owes stage(2 b)  tells b 2/2 testing
            enqueue c lanes=api 1 staging a | 2 staging b | line c  tells c 3/3 waiting
            made 1             1 testing a | 2 staging b | line c  owes checks(1 m0a)
            made 2             1 testing a | 2 testing b | line c  owes checks(2 m0b)
            failed 1 unit      2 testing b | 3 staging c | line a  owes stage(3 c)  tells a 1/3 waiting, c 3/3 testing
            failed 2 unit      3 staging c | 4 staging a | line b  owes stage(4 a)  tells a 1/3 testing, b 2/3 waiting
        "#]],
    );
}

/// After there were more: each waits for the other's run.
#[test]
fn tracks_take_turns_where_there_are_more_than_runs() {
    check(
        "nest 2 | enqueue a lanes=web; enqueue b lanes=api; serial; enqueue c lanes=web; made 3; passed 3; landed 3",
        expect![[r#"
            enqueue a lanes=web 1 staging a  owes stage(1 a)  tells a 1/1 testing
            enqueue b lanes=api 1 staging a | 2 staging b  owes stage(2 b)  tells b 2/2 testing
            serial             3 staging a | line b  owes stage(3 a)  tells b 2/2 waiting
            enqueue c lanes=web 3 staging a | line b+c  tells c 3/3 waiting
            made 3             3 testing a | line b+c  owes checks(3 m0a)
            passed 3           3 landing a | 4 staging b | line c  owes stage(4 b), land(3 m0..m0a)  tells a 1/3 landing, b 2/3 testing
            landed 3           5 staging b | line c  owes stage(5 b)  tells a merged as m0a, c 2/2 waiting
        "#]],
    );
}

/// Where there are more lanes than runs, those who could be apart are together.
#[test]
fn there_are_no_more_tracks_than_runs() {
    check(
        "serial | enqueue a lanes=web; enqueue b lanes=api; made 1; passed 1; landed 1; made 2",
        expect![[r#"
        enqueue a lanes=web 1 staging a  owes stage(1 a)  tells a 1/1 testing
        enqueue b lanes=api 1 staging a | line b  tells b 2/2 waiting
        made 1             1 testing a | line b  owes checks(1 m0a)
        passed 1           1 landing a | line b  owes land(1 m0..m0a)  tells a 1/2 landing
        landed 1           2 staging b  owes stage(2 b)  tells a merged as m0a, b 1/1 testing
        made 2             2 testing b  owes checks(2 m0ab)
    "#]],
    );
}

/// [29] A foreign push concerns all tracks.
#[test]
fn a_foreign_push_is_heard_on_every_track() {
    check(
        "train 4 | enqueue a lanes=web; enqueue b lanes=api; made 1; made 2; target m1; passed 1; passed 2; made 3; made 4",
        expect![[r#"
            enqueue a lanes=web 1 staging a  owes stage(1 a)  tells a 1/1 testing
            enqueue b lanes=api 1 staging a | 2 staging b  owes stage(2 b)  tells b 2/2 testing
            made 1             1 testing a | 2 staging b  owes checks(1 m0a)
            made 2             1 testing a | 2 testing b  owes checks(2 m0b)
            target m1          3 staging a | 4 staging b  owes cancel(1), stage(3 a), cancel(2), stage(4 b)
            passed 1           3 staging a | 4 staging b
            passed 2           3 staging a | 4 staging b
            made 3             3 testing a | 4 staging b  owes checks(3 m1a)
            made 4             3 testing a | 4 testing b  owes checks(4 m1b)
        "#]],
    );
}

/// What is repaired may touch other lanes than before.
#[test]
fn a_repaired_change_goes_where_it_belongs_now() {
    check(
        "train 4 | enqueue a lanes=web; enqueue b lanes=web repairable; made 1; made 2; reserve b 900; repaired b bb lanes=api",
        expect![[r#"
            enqueue a lanes=web 1 staging a  owes stage(1 a)  tells a 1/1 testing
            enqueue b lanes=web repairable 1 staging a | 2 staging a+b  owes stage(2 a+b)  tells b 2/2 testing
            made 1             1 testing a | 2 staging a+b  owes checks(1 m0a)
            made 2             1 testing a | 2 testing a+b  owes checks(2 m0ab)
            reserve b 900      1 testing a | reserved b  owes deadline(b 900), cancel(2)  tells b 2/2 reserved
            repaired b bb lanes=api 1 testing a | 3 staging b  owes stage(3 b@bb)  tells b 2/2 testing
        "#]],
    );
}

/// [31] Until it is known whether one has landed nobody else lands.
#[test]
fn a_doubtful_landing_comes_before_what_passed_on_another_track() {
    check(
        "train 4 | enqueue a lanes=web; enqueue b lanes=api; made 1; made 2; passed 1; passed 2; @60 unanswered 1 no network; resume; landed 3",
        expect![[r#"
            enqueue a lanes=web 1 staging a  owes stage(1 a)  tells a 1/1 testing
            enqueue b lanes=api 1 staging a | 2 staging b  owes stage(2 b)  tells b 2/2 testing
            made 1             1 testing a | 2 staging b  owes checks(1 m0a)
            made 2             1 testing a | 2 testing b  owes checks(2 m0b)
            passed 1           1 landing a | 2 testing b  owes land(1 m0..m0a)  tells a 1/2 landing
            passed 2           1 landing a | 2 passed b
            @60 unanswered 1 no network 1 doubtful a | 2 passed b | stopped: no network  tells a stalled: no network
            resume             2 passed b | 3 landing a  owes land(3 m0..m0a)
            landed 3           4 staging b  owes stage(4 b)  tells a merged as m0a
        "#]],
    );
}

/// [40]
#[test]
fn another_strategy_takes_over_on_every_track() {
    check(
        "train 4 | enqueue a lanes=web; enqueue b lanes=api; made 1; made 2; hybrid 4; nest 1",
        expect![[r#"
        enqueue a lanes=web 1 staging a  owes stage(1 a)  tells a 1/1 testing
        enqueue b lanes=api 1 staging a | 2 staging b  owes stage(2 b)  tells b 2/2 testing
        made 1             1 testing a | 2 staging b  owes checks(1 m0a)
        made 2             1 testing a | 2 testing b  owes checks(2 m0b)
        hybrid 4           3 staging a | 4 staging b  owes cancel(1), stage(3 a), cancel(2), stage(4 b)
        nest 1             5 staging a | line b  owes stage(5 a)  tells b 2/2 waiting
    "#]],
    );
}
