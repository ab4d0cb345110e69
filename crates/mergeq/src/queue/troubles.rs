//! What goes wrong around a queue, as scripts and traces. Numbers in brackets are of `tests/tidy/scenarios.rs`.

use expect_test::expect;

use super::script::check;

/// [3, 27]
#[test]
fn a_member_withdrawn_during_the_run_harms_no_other() {
    check(
        "batch 3 of a b c | staged 1; withdraw b by=ben; staged 2; withdraw a; withdraw c; passed 2",
        expect![[r#"
        staged 1           1 testing a+b+c  owes checks(1 1c)
        withdraw b by=ben  2 staging a+c  owes cancel(1), stage(2 a+c)  tells b withdrawn by ben
        staged 2           2 testing a+c  owes checks(2 2c)
        withdraw a         3 staging c  owes cancel(2), stage(3 c)  tells a withdrawn by ana
        withdraw c         idle  tells c withdrawn by ana
        passed 2           idle
    "#]],
    );
}

/// [27]
#[test]
fn a_waiting_member_of_a_part_is_withdrawn() {
    check(
        "batch 2 of a b | staged 1; failed 1 unit; withdraw b; staged 2; passed 2; landed 2",
        expect![[r#"
            staged 1           1 testing a+b  owes checks(1 1b)
            failed 1 unit      2 staging a | line b  owes stage(2 a)  tells b 2/2 waiting
            withdraw b         2 staging a  tells b withdrawn by ana
            staged 2           2 testing a  owes checks(2 2a)
            passed 2           2 landing a  owes land(2 m0..2a)  tells a 1/1 landing
            landed 2           idle  tells a merged as 2a
        "#]],
    );
}

/// [28, 43]
#[test]
fn what_is_already_on_the_target_is_ejected_as_that() {
    check(
        "batch 2 of a b | already-in 1 a; unusable 2 b it is gone",
        expect![[r#"
            already-in 1 a     2 staging b  owes stage(2 b)  tells a ejected: the target already has all that it changes
            unusable 2 b it is gone idle  tells b ejected: its commit cannot be used: it is gone
        "#]],
    );
}

/// [29]
#[test]
fn a_moved_target_keeps_every_place() {
    check(
        "batch 2 of a b c | staged 1; target m1; passed 1; staged 2; passed 2; moved 2 m2; staged 3; passed 3; landed 3",
        expect![[r#"
            staged 1           1 testing a+b | line c  owes checks(1 1b)
            target m1          2 staging a+b | line c  owes cancel(1), stage(2 a+b)
            passed 1           2 staging a+b | line c
            staged 2           2 testing a+b | line c  owes checks(2 2b)
            passed 2           2 landing a+b | line c  owes land(2 m1..2b)  tells a 1/3 landing, b 2/3 landing
            moved 2 m2         3 staging a+b | line c  owes stage(3 a+b)  tells a 1/3 testing, b 2/3 testing
            staged 3           3 testing a+b | line c  owes checks(3 3b)
            passed 3           3 landing a+b | line c  owes land(3 m2..3b)  tells a 1/3 landing, b 2/3 landing
            landed 3           4 staging c  owes stage(4 c)  tells a merged as 3a, b merged as 3b, c 1/1 testing
        "#]],
    );
}

/// [35]
#[test]
fn a_stale_look_at_the_target_changes_nothing() {
    check(
        "serial of a b | staged 1; passed 1; target m9; landed 1; staged 2; target m0 seen=m0; target 1a; target m0",
        expect![[r#"
            staged 1           1 testing a | line b  owes checks(1 1a)
            passed 1           1 landing a | line b  owes land(1 m0..1a)  tells a 1/2 landing
            target m9          1 landing a | line b
            landed 1           2 staging b  owes stage(2 b)  tells a merged as 1a, b 1/1 testing
            staged 2           2 testing b  owes checks(2 2b)
            target m0 seen=m0  2 testing b
            target 1a          2 testing b
            target m0          3 staging b  owes cancel(2), stage(3 b)
        "#]],
    );
}

#[test]
fn staging_that_finds_another_head_teaches_it() {
    check(
        "target m0; enqueue a; staged 1 on=m1; passed 1",
        expect![[r#"
        target m0          idle
        enqueue a          1 staging a  owes stage(1 a)  tells a 1/1 testing
        staged 1 on=m1     1 testing a  owes checks(1 1a)
        passed 1           1 landing a  owes land(1 m1..1a)  tells a 1/1 landing
    "#]],
    );
}

/// [30]
#[test]
fn a_final_refusal_is_settled_like_a_red_run() {
    check(
        "batch 2 of a b | staged 1; passed 1; refused 1 file too large; staged 2; passed 2; refused 2 file too large; staged 3; passed 3; landed 3",
        expect![[r#"
            staged 1           1 testing a+b  owes checks(1 1b)
            passed 1           1 landing a+b  owes land(1 m0..1b)  tells a 1/2 landing, b 2/2 landing
            refused 1 file too large 2 staging a | line b  owes stage(2 a)  tells a 1/2 testing, b 2/2 waiting
            staged 2           2 testing a | line b  owes checks(2 2a)
            passed 2           2 landing a | line b  owes land(2 m0..2a)  tells a 1/2 landing
            refused 2 file too large 3 staging b  owes stage(3 b)  tells a ejected: the forge refused it: file too large, b 1/1 testing
            staged 3           3 testing b  owes checks(3 3b)
            passed 3           3 landing b  owes land(3 m0..3b)  tells b 1/1 landing
            landed 3           idle  tells b merged as 3b
        "#]],
    );
}

/// [31]
#[test]
fn a_landing_without_answer_stops_the_queue_and_is_asked_again() {
    check(
        "enqueue a; enqueue b; staged 1; passed 1; unanswered 1 remote is down; withdraw a; target m1; resume; moved 1 m7; landed 2",
        expect![[r#"
            enqueue a          1 staging a  owes stage(1 a)  tells a 1/1 testing
            enqueue b          1 staging a | line b  tells b 2/2 waiting
            staged 1           1 testing a | line b  owes checks(1 1a)
            passed 1           1 landing a | line b  owes land(1 m0..1a)  tells a 1/2 landing
            unanswered 1 remote is down 1 doubtful a | line b | stopped: remote is down  tells a stalled: remote is down
            withdraw a         1 doubtful a | line b | a wants to leave | stopped: remote is down
            target m1          1 doubtful a | line b | a wants to leave | stopped: remote is down
            resume             2 landing a | line b | a wants to leave  owes land(2 m0..1a)
            moved 1 m7         2 landing a | line b | a wants to leave
            landed 2           3 staging b  owes stage(3 b)  tells a merged as 1a, b 1/1 testing
        "#]],
    );
}

/// [31]
#[test]
fn a_late_answer_settles_a_doubtful_landing() {
    check(
        "enqueue a; staged 1; passed 1; unanswered 1 remote is down; landed 1; resume",
        expect![[r#"
        enqueue a          1 staging a  owes stage(1 a)  tells a 1/1 testing
        staged 1           1 testing a  owes checks(1 1a)
        passed 1           1 landing a  owes land(1 m0..1a)  tells a 1/1 landing
        unanswered 1 remote is down 1 doubtful a | stopped: remote is down  tells a stalled: remote is down
        landed 1           stopped: remote is down  tells a merged as 1a
        resume             idle
    "#]],
    );
}

/// [27]
#[test]
fn a_landing_beats_the_wish_to_withdraw() {
    check(
        "enqueue a; staged 1; passed 1; withdraw a; withdraw a; landed 1; withdraw a; withdraw z",
        expect![[r#"
            enqueue a          1 staging a  owes stage(1 a)  tells a 1/1 testing
            staged 1           1 testing a  owes checks(1 1a)
            passed 1           1 landing a  owes land(1 m0..1a)  tells a 1/1 landing
            withdraw a         1 landing a | a wants to leave
            withdraw a         1 landing a | a wants to leave
            landed 1           idle  tells a merged as 1a
            withdraw a         idle
            withdraw z         idle
        "#]],
    );
}

/// [27]
#[test]
fn the_wish_to_withdraw_is_granted_when_the_landing_fails() {
    check(
        "batch 2 of a b | staged 1; passed 1; withdraw a by=ben; head b b2; moved 1 m1",
        expect![[r#"
        staged 1           1 testing a+b  owes checks(1 1b)
        passed 1           1 landing a+b  owes land(1 m0..1b)  tells a 1/2 landing, b 2/2 landing
        withdraw a by=ben  1 landing a+b | a wants to leave
        head b b2          1 landing a+b | a wants to leave | b wants to leave
        moved 1 m1         idle  tells a withdrawn by ben, b ejected: its branch moved to b2 after it was enqueued
    "#]],
    );
    check(
        "batch 2 of a b | staged 1; passed 1; withdraw a by=ben; refused 1 too large; staged 2",
        expect![[r#"
        staged 1           1 testing a+b  owes checks(1 1b)
        passed 1           1 landing a+b  owes land(1 m0..1b)  tells a 1/2 landing, b 2/2 landing
        withdraw a by=ben  1 landing a+b | a wants to leave
        refused 1 too large 2 staging b  owes stage(2 b)  tells a withdrawn by ben, b 1/1 testing
        staged 2           2 testing b  owes checks(2 2b)
    "#]],
    );
}

/// [35]
#[test]
fn late_doubled_and_foreign_answers_change_nothing() {
    check(
        "enqueue a; passed 1; staged 1; staged 1; landed 1; passed 9; passed 1; passed 1; staged 1; landed 1; landed 1; moved 1 m3; head a a2",
        expect![[r#"
            enqueue a          1 staging a  owes stage(1 a)  tells a 1/1 testing
            passed 1           1 staging a
            staged 1           1 testing a  owes checks(1 1a)
            staged 1           1 testing a
            landed 1           1 testing a
            passed 9           1 testing a
            passed 1           1 landing a  owes land(1 m0..1a)  tells a 1/1 landing
            passed 1           1 landing a
            staged 1           1 landing a
            landed 1           idle  tells a merged as 1a
            landed 1           idle
            moved 1 m3         idle
            head a a2          idle
        "#]],
    );
}

/// [36]
#[test]
fn checks_that_do_not_conclude_are_asked_again_and_are_no_failure() {
    check(
        "enqueue a; staged 1; unconcluded 1 unit never started; unconcluded 2 unit was cancelled; passed 3; landed 3",
        expect![[r#"
            enqueue a          1 staging a  owes stage(1 a)  tells a 1/1 testing
            staged 1           1 testing a  owes checks(1 1a)
            unconcluded 1 unit never started 2 testing a  owes checks(2 1a)
            unconcluded 2 unit was cancelled 3 testing a  owes checks(3 1a)
            passed 3           3 landing a  owes land(3 m0..1a)  tells a 1/1 landing
            landed 3           idle  tells a merged as 1a
        "#]],
    );
    check(
        "enqueue a; staged 1; unconcluded 1 x; unconcluded 2 x; unconcluded 3 unit never started",
        expect![[r#"
        enqueue a          1 staging a  owes stage(1 a)  tells a 1/1 testing
        staged 1           1 testing a  owes checks(1 1a)
        unconcluded 1 x    2 testing a  owes checks(2 1a)
        unconcluded 2 x    3 testing a  owes checks(3 1a)
        unconcluded 3 unit never started idle  tells a ejected: its checks did not conclude: unit never started
    "#]],
    );
}

/// [46]
#[test]
fn a_poisoned_group_is_isolated_while_others_pile_up() {
    check(
        "batch 2 of a p | staged 1; failed 1 unit; enqueue c; staged 2; passed 2; enqueue d; landed 2; staged 3; failed 3 unit; staged 4; passed 4; landed 4",
        expect![[r#"
            staged 1           1 testing a+p  owes checks(1 1p)
            failed 1 unit      2 staging a | line p  owes stage(2 a)  tells p 2/2 waiting
            enqueue c          2 staging a | line p+c  tells c 3/3 waiting
            staged 2           2 testing a | line p+c  owes checks(2 2a)
            passed 2           2 landing a | line p+c  owes land(2 m0..2a)  tells a 1/3 landing
            enqueue d          2 landing a | line p+c+d  tells d 4/4 waiting
            landed 2           3 staging p | line c+d  owes stage(3 p)  tells a merged as 2a, p 1/3 testing, c 2/3 waiting, d 3/3 waiting
            staged 3           3 testing p | line c+d  owes checks(3 3p)
            failed 3 unit      4 staging c+d  owes stage(4 c+d)  tells p ejected: unit exited with 1, c 1/2 testing, d 2/2 testing
            staged 4           4 testing c+d  owes checks(4 4d)
            passed 4           4 landing c+d  owes land(4 2a..4d)  tells c 1/2 landing, d 2/2 landing
            landed 4           idle  tells c merged as 4c, d merged as 4d
        "#]],
    );
}

/// [20]
#[test]
fn a_reserved_entry_is_flowed_past_and_re_enters_at_its_rank() {
    check(
        "serial of a b c | staged 1; reserve a 60; staged 2; head a a2; repaired a a2; reserve a 90; deadline a 60; passed 2; landed 2; repaired a a3; staged 3",
        expect![[r#"
            staged 1           1 testing a | line b+c  owes checks(1 1a)
            reserve a 60       2 staging b | line c | reserved a  owes deadline(a 60), cancel(1), stage(2 b)  tells a 3/3 reserved, b 1/3 testing, c 2/3 waiting
            staged 2           2 testing b | line c | reserved a  owes checks(2 2b)
            head a a2          2 testing b | line c | reserved a
            repaired a a2      2 testing b | line a+c  tells a 1/3 waiting, c 3/3 waiting
            reserve a 90       2 testing b | line c | reserved a  owes deadline(a 90)  tells a 3/3 reserved, c 2/3 waiting
            deadline a 60      2 testing b | line c | reserved a
            passed 2           2 landing b | line c | reserved a  owes land(2 m0..2b)  tells b 1/3 landing
            landed 2           3 staging c | reserved a  owes stage(3 c)  tells b merged as 2b, c 1/2 testing
            repaired a a3      3 staging c | line a  tells a 1/2 waiting
            staged 3           3 testing c | line a  owes checks(3 3c)
        "#]],
    );
}

#[test]
fn a_waiting_part_of_a_red_run_can_be_reserved_too() {
    check(
        "batch 2 of a b | staged 1; failed 1 unit; reserve b 60; staged 2; passed 2; landed 2; repaired b b2",
        expect![[r#"
            staged 1           1 testing a+b  owes checks(1 1b)
            failed 1 unit      2 staging a | line b  owes stage(2 a)  tells b 2/2 waiting
            reserve b 60       2 staging a | reserved b  owes deadline(b 60)  tells b 2/2 reserved
            staged 2           2 testing a | reserved b  owes checks(2 2a)
            passed 2           2 landing a | reserved b  owes land(2 m0..2a)  tells a 1/2 landing
            landed 2           reserved b  tells a merged as 2a
            repaired b b2      3 staging b  owes stage(3 b@b2)  tells b 1/1 testing
        "#]],
    );
}

/// [44]
#[test]
fn a_repair_that_is_late_or_too_frequent_ends_the_stay() {
    check(
        "enqueue a; reserve a 60; deadline a 50; deadline a 60; repaired a a2",
        expect![[r#"
        enqueue a          1 staging a  owes stage(1 a)  tells a 1/1 testing
        reserve a 60       reserved a  owes deadline(a 60)  tells a 1/1 reserved
        deadline a 50      reserved a
        deadline a 60      idle  tells a ejected: its repair did not come in time
        repaired a a2      idle
    "#]],
    );
    check(
        "enqueue a; reserve a 1; repaired a a1; reserve a 2; repaired a a2; reserve a 3; repaired a a3; reserve a 4",
        expect![[r#"
            enqueue a          1 staging a  owes stage(1 a)  tells a 1/1 testing
            reserve a 1        reserved a  owes deadline(a 1)  tells a 1/1 reserved
            repaired a a1      2 staging a  owes stage(2 a@a1)  tells a 1/1 testing
            reserve a 2        reserved a  owes deadline(a 2)  tells a 1/1 reserved
            repaired a a2      3 staging a  owes stage(3 a@a2)  tells a 1/1 testing
            reserve a 3        reserved a  owes deadline(a 3)  tells a 1/1 reserved
            repaired a a3      4 staging a  owes stage(4 a@a3)  tells a 1/1 testing
            reserve a 4        idle  tells a ejected: it was already repaired 3 times
        "#]],
    );
}

#[test]
fn a_lease_is_bounded() {
    check(
        "enqueue a; reserve a 999999",
        expect![[r#"
        enqueue a          1 staging a  owes stage(1 a)  tells a 1/1 testing
        reserve a 999999   reserved a  owes deadline(a 7200)  tells a 1/1 reserved
    "#]],
    );
}

#[test]
fn staging_that_fails_for_everyone_stops_the_queue() {
    check(
        "batch 2 of a b | staging-failed 1 disk is full; enqueue c; pause; resume; staged 2",
        expect![[r#"
            staging-failed 1 disk is full 1 staging a+b | stopped: disk is full  tells a stalled: disk is full, b stalled: disk is full, a 1/2 waiting, b 2/2 waiting
            enqueue c          1 staging a+b | line c | stopped: disk is full  tells c 3/3 waiting
            pause              rejected: The queue of web:main is already stopped: disk is full. Say `resume` to let it go on.
            resume             2 staging a+b | line c  owes stage(2 a+b)  tells a 1/3 testing, b 2/3 testing
            staged 2           2 testing a+b | line c  owes checks(2 2b)
        "#]],
    );
}

/// [40]
#[test]
fn a_changed_policy_loses_nobody() {
    check(
        "batch 4 of a b c d | staged 1; serial; failed 1 unit; batch 8; staged 2; passed 2; landed 2",
        expect![[r#"
            staged 1           1 testing a+b+c+d  owes checks(1 1d)
            serial             1 testing a+b+c+d
            failed 1 unit      2 staging a | line b+c+d  owes stage(2 a)  tells b 2/4 waiting, c 3/4 waiting, d 4/4 waiting
            batch 8            2 staging a | line b+c+d
            staged 2           2 testing a | line b+c+d  owes checks(2 2a)
            passed 2           2 landing a | line b+c+d  owes land(2 m0..2a)  tells a 1/4 landing
            landed 2           3 staging b | line c+d  owes stage(3 b)  tells a merged as 2a, b 1/3 testing, c 2/3 waiting, d 3/3 waiting
        "#]],
    );
}

#[test]
fn refusals_say_what_to_do() {
    check(
        "enqueue a; enqueue a",
        expect![[r#"
        enqueue a          1 staging a  owes stage(1 a)  tells a 1/1 testing
        enqueue a          rejected: a is already in the queue of web:main. Wait for its outcome, or dequeue it before you merge another commit.
    "#]],
    );
}

/// A refusal would leave the delivery unused: whoever brings it and is overtaken would end the entry's next stay.
#[test]
fn a_wish_to_withdraw_that_comes_too_late_is_used_up() {
    check(
        "enqueue a; head a a2; withdraw a; enqueue a",
        expect![[r#"
        enqueue a          1 staging a  owes stage(1 a)  tells a 1/1 testing
        head a a2          idle  tells a ejected: its branch moved to a2 after it was enqueued
        withdraw a         idle
        enqueue a          2 staging a  owes stage(2 a)  tells a 1/1 testing
    "#]],
    );
}

/// [6] A refusal would leave the delivery unused: whoever brought it and was overtaken could bring it again.
#[test]
fn a_change_that_finds_no_room_has_its_outcome_at_once() {
    check(
        "batch 1 entries=1; enqueue a; enqueue b; staged 1; passed 1; landed 1; enqueue b",
        expect![[r#"
        batch 1 entries=1  idle
        enqueue a          1 staging a  owes stage(1 a)  tells a 1/1 testing
        enqueue b          1 staging a  tells b ejected: the queue is full with 1 entries
        staged 1           1 testing a  owes checks(1 1a)
        passed 1           1 landing a  owes land(1 m0..1a)  tells a 1/1 landing
        landed 1           idle  tells a merged as 1a
        enqueue b          2 staging b  owes stage(2 b)  tells b 1/1 testing
    "#]],
    );
}
