//! What happens to a change before its run begins, as scripts and traces. Numbers in
//! brackets are of `tests/tidy/scenarios.rs`.

use expect_test::expect;

use super::script::check;

/// [1] Whatever was being made of the approved commit is given up, and its late answer starts nothing.
#[test]
fn a_commit_after_the_approval_is_not_built() {
    check(
        "train 2 of a b | head a a2; staged 1; head b b2; staged 2",
        expect![[r#"
        head a a2          3 staging b  owes stage(3 b)  tells a ejected: its branch moved to a2 after it was enqueued
        staged 1           3 staging b
        head b b2          idle  tells b ejected: its branch moved to b2 after it was enqueued
        staged 2           idle
    "#]],
    );
}

/// [2] What is staged is the commit that was approved, whatever the branch says by then.
#[test]
fn what_is_made_is_what_was_approved() {
    check(
        "pause; enqueue a; head a a9; enqueue a; resume; reserve a 60; head a a8; repaired a a2; staged 2; head a a2; head a a8",
        expect![[r#"
            pause              paused by ana
            enqueue a          line a | paused by ana  tells a 1/1 waiting
            head a a9          paused by ana  tells a ejected: its branch moved to a9 after it was enqueued
            enqueue a          line a | paused by ana  tells a 1/1 waiting
            resume             1 staging a  owes stage(1 a)  tells a 1/1 testing
            reserve a 60       reserved a  owes deadline(a 60)  tells a 1/1 reserved
            head a a8          reserved a
            repaired a a2      2 staging a  owes stage(2 a@a2)  tells a 1/1 testing
            staged 2           2 testing a  owes checks(2 2a)
            head a a2          2 testing a
            head a a8          idle  owes cancel(2)  tells a ejected: its branch moved to a8 after it was enqueued
        "#]],
    );
}

/// [6]
#[test]
fn what_cannot_land_is_sent_back_before_anything_is_built() {
    check(
        "batch 2 entries=2; enqueue a bytes=16385; enqueue b after=z; enqueue c; enqueue d; enqueue e",
        expect![[r#"
            batch 2 entries=2  idle
            enqueue a bytes=16385 idle  tells a ejected: its commit message is longer than 16384 bytes
            enqueue b after=z  idle  tells b ejected: it depends on z, which is neither landed nor in line
            enqueue c          1 staging c  owes stage(1 c)  tells c 1/1 testing
            enqueue d          1 staging c | line d  tells d 2/2 waiting
            enqueue e          1 staging c | line d  tells e ejected: the queue is full with 2 entries
        "#]],
    );
}

/// [6] Only the commit itself says how it is checked.
#[test]
fn who_says_nothing_of_checks_or_nonsense_lands_nothing() {
    check(
        "batch 2 of a b | staged 1; no-gate 1; staged 2; no-gate 2 line 3 is no TOML; staged 3; no-gate 3; enqueue b; staged 4; untested 4; landed 4",
        expect![[r#"
            staged 1           1 testing a+b  owes checks(1 1b)
            no-gate 1          2 staging a | line b  owes stage(2 a)  tells b 2/2 waiting
            staged 2           2 testing a | line b  owes checks(2 2a)
            no-gate 2 line 3 is no TOML 3 staging b  owes stage(3 b)  tells a ejected: its checks cannot be read: line 3 is no TOML, b 1/1 testing
            staged 3           3 testing b  owes checks(3 3b)
            no-gate 3          idle  tells b ejected: the repository does not say how to check it
            enqueue b          4 staging b  owes stage(4 b)  tells b 1/1 testing
            staged 4           4 testing b  owes checks(4 4b)
            untested 4         4 landing b  owes land(4 m0..4b)  tells b 1/1 landing
            landed 4           idle  tells b merged untested as 4b
        "#]],
    );
}

/// [20] Whoever stands before it goes on; whoever stands behind it is tested without it.
#[test]
fn a_new_commit_in_the_middle_of_a_train_stops_only_what_it_is_in() {
    check(
        "train 3 of a b c | made 1; made 2; made 3; head b b2; made 4; passed 2; passed 1",
        expect![[r#"
        made 1             1 testing a | 2 staging a+b | 3 staging a+b+c  owes checks(1 m0a)
        made 2             1 testing a | 2 testing a+b | 3 staging a+b+c  owes checks(2 m0ab)
        made 3             1 testing a | 2 testing a+b | 3 testing a+b+c  owes checks(3 m0abc)
        head b b2          1 testing a | 4 staging a+c  owes cancel(2), cancel(3), stage(4 a+c)  tells b ejected: its branch moved to b2 after it was enqueued
        made 4             1 testing a | 4 testing a+c  owes checks(4 m0ac)
        passed 2           1 testing a | 4 testing a+c
        passed 1           1 landing a | 4 testing a+c  owes land(1 m0..m0a)  tells a 1/2 landing
    "#]],
    );
}

/// [20]
#[test]
fn a_new_commit_at_the_head_of_a_train_takes_its_dependents_along() {
    check(
        "train 3 of a b | enqueue c after=a; made 1; made 2; head a a2; made 3; passed 3; landed 3",
        expect![[r#"
            enqueue c after=a  1 staging a | 2 staging a+b | line c  tells c 3/3 waiting
            made 1             1 testing a | 2 staging a+b | line c  owes checks(1 m0a)
            made 2             1 testing a | 2 testing a+b | line c  owes checks(2 m0ab)
            head a a2          3 staging b  owes cancel(1), cancel(2), stage(3 b)  tells a ejected: its branch moved to a2 after it was enqueued, c ejected: it depends on a, which is neither landed nor in line
            made 3             3 testing b  owes checks(3 m0b)
            passed 3           3 landing b  owes land(3 m0..m0b)  tells b 1/1 landing
            landed 3           idle  tells b merged as m0b
        "#]],
    );
}

/// [16, 20] The repaired commit takes the old place, and whoever depends on it still waits behind it.
#[test]
fn a_new_commit_that_is_handed_in_as_a_repair_keeps_the_place() {
    check(
        "train 3 of a b | enqueue c after=a; made 1; reserve a 60; head a a2; repaired a a2; made 3; made 4; made 5; passed 4; landed 4",
        expect![[r#"
            enqueue c after=a  1 staging a | 2 staging a+b | line c  tells c 3/3 waiting
            made 1             1 testing a | 2 staging a+b | line c  owes checks(1 m0a)
            reserve a 60       3 staging b | line c | reserved a  owes deadline(a 60), cancel(1), stage(3 b)  tells a 3/3 reserved, c 2/3 waiting
            head a a2          3 staging b | line c | reserved a
            repaired a a2      4 staging a | 5 staging a+b | line c  owes stage(4 a@a2), stage(5 a@a2+b)  tells a 1/3 testing, c 3/3 waiting
            made 3             4 staging a | 5 staging a+b | line c
            made 4             4 testing a | 5 staging a+b | line c  owes checks(4 m0a)
            made 5             4 testing a | 5 testing a+b | line c  owes checks(5 m0ab)
            passed 4           4 landing a | 5 testing a+b | line c  owes land(4 m0..m0a)  tells a 1/3 landing
            landed 4           5 testing b | 6 staging b+c  owes stage(6 b+c)  tells a merged as m0a, c 2/2 testing
        "#]],
    );
}

/// [10] Whoever stepped aside for one that left does not wait for it when it comes again.
#[test]
fn nobody_steps_aside_for_who_came_again() {
    check(
        "batch 2 of a b | rivals 1 b with=a in=x; pause; withdraw a; enqueue a after=b; resume; staged 3",
        expect![[r#"
        rivals 1 b with=a in=x 2 staging a | aside b  owes stage(2 a)  tells b aside for a in x, b 2/2 waiting
        pause              2 staging a | aside b | paused by ana
        withdraw a         line b | paused by ana  tells a withdrawn by ana, b 1/1 waiting
        enqueue a after=b  line b+a | paused by ana  tells a 2/2 waiting
        resume             3 staging b | line a  owes stage(3 b)  tells b 1/2 testing
        staged 3           3 testing b | line a  owes checks(3 3b)
    "#]],
    );
}

/// Whoever came later is not what it was told to wait for: that has landed already.
#[test]
fn nobody_waits_for_who_came_later() {
    check(
        "serial of a | staged 1; passed 1; landed 1; enqueue b after=a; enqueue a after=b; enqueue c after=a; staged 2; passed 2; landed 2",
        expect![[r#"
            staged 1           1 testing a  owes checks(1 1a)
            passed 1           1 landing a  owes land(1 m0..1a)  tells a 1/1 landing
            landed 1           idle  tells a merged as 1a
            enqueue b after=a  2 staging b  owes stage(2 b)  tells b 1/1 testing
            enqueue a after=b  2 staging b | line a  tells a 2/2 waiting
            enqueue c after=a  2 staging b | line a+c  tells c 3/3 waiting
            staged 2           2 testing b | line a+c  owes checks(2 2b)
            passed 2           2 landing b | line a+c  owes land(2 1a..2b)  tells b 1/3 landing
            landed 2           3 staging a | line c  owes stage(3 a)  tells b merged as 2b, a 1/2 testing, c 2/2 waiting
        "#]],
    );
    check(
        "enqueue a; staged 1; passed 1; landed 1; enqueue a after=a; staged 2",
        expect![[r#"
            enqueue a          1 staging a  owes stage(1 a)  tells a 1/1 testing
            staged 1           1 testing a  owes checks(1 1a)
            passed 1           1 landing a  owes land(1 m0..1a)  tells a 1/1 landing
            landed 1           idle  tells a merged as 1a
            enqueue a after=a  2 staging a  owes stage(2 a)  tells a 1/1 testing
            staged 2           2 testing a  owes checks(2 2a)
        "#]],
    );
    check(
        "pause; enqueue a; enqueue b after=b; resume; staged 1; passed 1; landed 1; pause; enqueue b after=a; enqueue a; withdraw a; resume",
        expect![[r#"
            pause              paused by ana
            enqueue a          line a | paused by ana  tells a 1/1 waiting
            enqueue b after=b  line a | paused by ana  tells b ejected: it depends on b, which is neither landed nor in line
            resume             1 staging a  owes stage(1 a)  tells a 1/1 testing
            staged 1           1 testing a  owes checks(1 1a)
            passed 1           1 landing a  owes land(1 m0..1a)  tells a 1/1 landing
            landed 1           idle  tells a merged as 1a
            pause              paused by ana
            enqueue b after=a  line b | paused by ana  tells b 1/1 waiting
            enqueue a          line b+a | paused by ana  tells a 2/2 waiting
            withdraw a         line b | paused by ana  tells a withdrawn by ana
            resume             2 staging b  owes stage(2 b)  tells b 1/1 testing
        "#]],
    );
}
