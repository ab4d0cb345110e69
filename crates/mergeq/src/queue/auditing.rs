//! What a queue does with what an audit found, as scripts and traces.

use expect_test::expect;

use super::script::check;

#[test]
fn a_landing_without_a_flaw_changes_nothing() {
    check(
        "serial of a b | made 1; passed 1; landed 1; audited a",
        expect![[r#"
        made 1             1 testing a | line b  owes checks(1 m0a)
        passed 1           1 landing a | line b  owes land(1 m0..m0a)  tells a 1/2 landing
        landed 1           2 staging b  owes stage(2 b)  tells a merged as m0a, b 1/1 testing
        audited a          2 staging b
    "#]],
    );
}

#[test]
fn a_flawed_landing_stops_the_queue_and_everybody_is_told() {
    check(
        "serial of a b | made 1; passed 1; landed 1; audited a doubled; made 2; passed 2; enqueue c; resume; resume",
        expect![[r#"
            made 1             1 testing a | line b  owes checks(1 m0a)
            passed 1           1 landing a | line b  owes land(1 m0..m0a)  tells a 1/2 landing
            landed 1           2 staging b  owes stage(2 b)  tells a merged as m0a, b 1/1 testing
            audited a doubled  2 staging b | stopped: a landed as m0a, and the same change is on the target already as 6d30000000; say `restore` to put it right  tells a unsound: a landed as m0a, and the same change is on the target already as m0, b stalled: a landed as m0a, and the same change is on the target already as m0
            made 2             2 testing b | stopped: a landed as m0a, and the same change is on the target already as 6d30000000; say `restore` to put it right  owes checks(2 m0ab)
            passed 2           2 passed b | stopped: a landed as m0a, and the same change is on the target already as 6d30000000; say `restore` to put it right
            enqueue c          2 passed b | line c | stopped: a landed as m0a, and the same change is on the target already as 6d30000000; say `restore` to put it right  tells c 2/2 waiting
            resume             2 landing b | line c  owes land(2 m0a..m0ab)  tells b 1/2 landing
            resume             rejected: The queue of web:main is not paused. Say `queue` to see what it is doing.
        "#]],
    );
}

#[test]
fn nothing_else_lands_until_the_target_is_right_again() {
    check(
        "serial of a b | made 1; passed 1; landed 1; audited a doubled; restore; remedy made r; made 3; passed 3; landed 3; audited r to=m0ar",
        expect![[r#"
            made 1             1 testing a | line b  owes checks(1 m0a)
            passed 1           1 landing a | line b  owes land(1 m0..m0a)  tells a 1/2 landing
            landed 1           2 staging b  owes stage(2 b)  tells a merged as m0a, b 1/1 testing
            audited a doubled  2 staging b | stopped: a landed as m0a, and the same change is on the target already as 6d30000000; say `restore` to put it right  tells a unsound: a landed as m0a, and the same change is on the target already as m0, b stalled: a landed as m0a, and the same change is on the target already as m0
            restore            2 staging b | stopped: a landed as m0a, and the same change is on the target already as 6d30000000; say `restore` to put it right  owes restore
            remedy made r      3 staging r | line b | closed below first by ana: until r has landed, which puts main right  owes stage(3 r)  tells r 1/2 testing, b 2/2 waiting
            made 3             3 testing r | line b | closed below first by ana: until r has landed, which puts main right  owes checks(3 m0ar)
            passed 3           3 landing r | line b | closed below first by ana: until r has landed, which puts main right  owes land(3 m0a..m0ar)  tells r 1/2 landing
            landed 3           4 staging b  owes stage(4 b)  tells r merged as m0ar, b 1/1 testing
            audited r to=m0ar  4 staging b
        "#]],
    );
}

#[test]
fn a_target_that_somebody_put_right_needs_no_commit() {
    check(
        "serial of a b | made 1; passed 1; landed 1; audited a doubled; restore; remedy needless",
        expect![[r#"
            made 1             1 testing a | line b  owes checks(1 m0a)
            passed 1           1 landing a | line b  owes land(1 m0..m0a)  tells a 1/2 landing
            landed 1           2 staging b  owes stage(2 b)  tells a merged as m0a, b 1/1 testing
            audited a doubled  2 staging b | stopped: a landed as m0a, and the same change is on the target already as 6d30000000; say `restore` to put it right  tells a unsound: a landed as m0a, and the same change is on the target already as m0, b stalled: a landed as m0a, and the same change is on the target already as m0
            restore            2 staging b | stopped: a landed as m0a, and the same change is on the target already as 6d30000000; say `restore` to put it right  owes restore
            remedy needless    2 staging b
        "#]],
    );
}

#[test]
fn a_remedy_that_does_not_land_or_cannot_be_made_leaves_the_queue_stopped() {
    check(
        "serial of a | made 1; passed 1; landed 1; audited a doubled; restore; remedy made r; made 2; failed 2 unit; resume",
        expect![[r#"
            made 1             1 testing a  owes checks(1 m0a)
            passed 1           1 landing a  owes land(1 m0..m0a)  tells a 1/1 landing
            landed 1           idle  tells a merged as m0a
            audited a doubled  stopped: a landed as m0a, and the same change is on the target already as 6d30000000; say `restore` to put it right  tells a unsound: a landed as m0a, and the same change is on the target already as m0
            restore            stopped: a landed as m0a, and the same change is on the target already as 6d30000000; say `restore` to put it right  owes restore
            remedy made r      2 staging r | closed below first by ana: until r has landed, which puts main right  owes stage(2 r)  tells r 1/1 testing
            made 2             2 testing r | closed below first by ana: until r has landed, which puts main right  owes checks(2 m0ar)
            failed 2 unit      stopped: r was to put the target right, and was ejected: unit exited with 1  tells r ejected: unit exited with 1
            resume             idle
        "#]],
    );
    check(
        "serial of a | made 1; passed 1; landed 1; audited a doubled; restore; remedy none b stands on it; restore; resume",
        expect![[r#"
            made 1             1 testing a  owes checks(1 m0a)
            passed 1           1 landing a  owes land(1 m0..m0a)  tells a 1/1 landing
            landed 1           idle  tells a merged as m0a
            audited a doubled  stopped: a landed as m0a, and the same change is on the target already as 6d30000000; say `restore` to put it right  tells a unsound: a landed as m0a, and the same change is on the target already as m0
            restore            stopped: a landed as m0a, and the same change is on the target already as 6d30000000; say `restore` to put it right  owes restore
            remedy none b stands on it stopped: a landed as m0a, and the same change is on the target already as 6d30000000; no commit could be made that puts it right: b stands on it
            restore            rejected: No audit stopped the queue of web:main, so there is nothing to restore. Say `queue` to see what it is doing.
            resume             idle
        "#]],
    );
}

#[test]
fn a_remedy_that_comes_late_or_that_nobody_needs_does_nothing() {
    check(
        "serial of a | restore; remedy made r; made 1; passed 1; landed 1; audited a doubled; restore; resume; remedy made r; audited a doubled",
        expect![[r#"
            restore            rejected: No audit stopped the queue of web:main, so there is nothing to restore. Say `queue` to see what it is doing.
            remedy made r      1 staging a
            made 1             1 testing a  owes checks(1 m0a)
            passed 1           1 landing a  owes land(1 m0..m0a)  tells a 1/1 landing
            landed 1           idle  tells a merged as m0a
            audited a doubled  stopped: a landed as m0a, and the same change is on the target already as 6d30000000; say `restore` to put it right  tells a unsound: a landed as m0a, and the same change is on the target already as m0
            restore            stopped: a landed as m0a, and the same change is on the target already as 6d30000000; say `restore` to put it right  owes restore
            resume             idle
            remedy made r      idle
            audited a doubled  idle
        "#]],
    );
}
