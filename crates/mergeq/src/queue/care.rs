//! Order and care as scripts and traces: who comes first, and who waits for what. Numbers in
//! brackets are of `tests/tidy/scenarios.rs`.

use expect_test::expect;

use super::script::check;

/// [7]
#[test]
fn a_priority_raised_late_reorders_those_who_wait() {
    check(
        "serial of a b c | prioritise c high; made 1; passed 1; landed 1; prioritise b low; enqueue d",
        expect![[r#"
            prioritise c high  1 staging a | line c+b  tells c 1/3 waiting, b 3/3 waiting
            made 1             1 testing a | line c+b  owes checks(1 m0a)
            passed 1           1 landing a | line c+b  owes land(1 m0..m0a)  tells c 2/3 waiting, a 1/3 landing
            landed 1           2 staging c | line b  owes stage(2 c)  tells a merged as m0a, c 1/2 testing, b 2/2 waiting
            prioritise b low   2 staging c | line b
            enqueue d          2 staging c | line d+b  tells d 2/3 waiting, b 3/3 waiting
        "#]],
    );
}

/// [8]
#[test]
fn what_comes_first_restarts_the_overtaken_once() {
    check(
        "train 3 of a b c | made 1; made 2; made 3; prioritise c first; made 4; made 5; made 6; passed 4; landed 4",
        expect![[r#"
            made 1             1 testing a | 2 staging a+b | 3 staging a+b+c  owes checks(1 m0a)
            made 2             1 testing a | 2 testing a+b | 3 staging a+b+c  owes checks(2 m0ab)
            made 3             1 testing a | 2 testing a+b | 3 testing a+b+c  owes checks(3 m0abc)
            prioritise c first 4 staging c | 5 staging c+a | 6 staging c+a+b  owes cancel(3), cancel(1), cancel(2), stage(4 c), stage(5 c+a), stage(6 c+a+b)
            made 4             4 testing c | 5 staging c+a | 6 staging c+a+b  owes checks(4 m0c)
            made 5             4 testing c | 5 testing c+a | 6 staging c+a+b  owes checks(5 m0ca)
            made 6             4 testing c | 5 testing c+a | 6 testing c+a+b  owes checks(6 m0cab)
            passed 4           4 landing c | 5 testing c+a | 6 testing c+a+b  owes land(4 m0..m0c)  tells c 1/3 landing
            landed 4           5 testing a | 6 testing a+b  tells c merged as m0c
        "#]],
    );
}

/// [7]
#[test]
fn what_lands_already_is_not_overtaken() {
    check(
        "train 2 of a b | made 1; passed 1; prioritise b first; landed 1; prioritise z high",
        expect![[r#"
        made 1             1 testing a | 2 staging a+b  owes checks(1 m0a)
        passed 1           1 landing a | 2 staging a+b  owes land(1 m0..m0a)  tells a 1/2 landing
        prioritise b first 1 landing a | line b  tells b 2/2 waiting
        landed 1           3 staging b  owes stage(3 b)  tells a merged as m0a, b 1/1 testing
        prioritise z high  rejected: z is not in the queue of web:main. Say `queue` to see who is.
    "#]],
    );
}

/// [9]
#[test]
fn a_frozen_queue_lets_the_urgent_pass_and_keeps_the_others() {
    check(
        "serial of a b | freeze high we release; enqueue c high; made 2; passed 2; landed 2; enqueue d; thaw; thaw",
        expect![[r#"
            freeze high we release line a+b | closed below high by ana: we release  tells a 1/2 waiting
            enqueue c high     2 staging c | line a+b | closed below high by ana: we release  owes stage(2 c)  tells c 1/3 testing, a 2/3 waiting, b 3/3 waiting
            made 2             2 testing c | line a+b | closed below high by ana: we release  owes checks(2 m0c)
            passed 2           2 landing c | line a+b | closed below high by ana: we release  owes land(2 m0..m0c)  tells c 1/3 landing
            landed 2           line a+b | closed below high by ana: we release  tells c merged as m0c, a 1/2 waiting, b 2/2 waiting
            enqueue d          line a+b+d | closed below high by ana: we release  tells d 3/3 waiting
            thaw               3 staging a | line b+d  owes stage(3 a)  tells a 1/3 testing
            thaw               rejected: The queue of web:main is not frozen. Say `queue` to see what it is doing.
        "#]],
    );
}

/// [9]
#[test]
fn what_lands_already_lands_in_a_frozen_queue() {
    check(
        "serial of a b | made 1; passed 1; freeze first hotfix; landed 1; thaw",
        expect![[r#"
        made 1             1 testing a | line b  owes checks(1 m0a)
        passed 1           1 landing a | line b  owes land(1 m0..m0a)  tells a 1/2 landing
        freeze first hotfix 1 landing a | line b | closed below first by ana: hotfix
        landed 1           line b | closed below first by ana: hotfix  tells a merged as m0a, b 1/1 waiting
        thaw               2 staging b  owes stage(2 b)  tells b 1/1 testing
    "#]],
    );
}

/// [16]
#[test]
fn what_depends_on_another_is_tested_once_that_has_landed() {
    check(
        "train 3 of a b | enqueue c after=a; made 1; passed 1; landed 1; enqueue d after=a",
        expect![[r#"
        enqueue c after=a  1 staging a | 2 staging a+b | line c  tells c 3/3 waiting
        made 1             1 testing a | 2 staging a+b | line c  owes checks(1 m0a)
        passed 1           1 landing a | 2 staging a+b | line c  owes land(1 m0..m0a)  tells a 1/3 landing
        landed 1           3 staging b+c | 4 staging b  owes stage(3 b+c), stage(4 b)  tells a merged as m0a, c 2/2 testing
        enqueue d after=a  3 staging b+c | 4 staging b | 5 staging b+c+d  owes stage(5 b+c+d)  tells d 3/3 testing
    "#]],
    );
}

/// [16]
#[test]
fn a_dependent_follows_what_it_depends_on_out() {
    check(
        "train 3 of a | enqueue b after=a; enqueue c after=b; made 1; failed 1 unit",
        expect![[r#"
            enqueue b after=a  1 staging a | line b  tells b 2/2 waiting
            enqueue c after=b  1 staging a | line b+c  tells c 3/3 waiting
            made 1             1 testing a | line b+c  owes checks(1 m0a)
            failed 1 unit      idle  tells a ejected: unit exited with 1, b ejected: it depends on a, which is neither landed nor in line, c ejected: it depends on b, which is neither landed nor in line
        "#]],
    );
}

/// [16]
#[test]
fn a_dependent_waits_for_the_repair_of_what_it_depends_on() {
    check(
        "serial of a | enqueue b after=a; reserve a 60; enqueue c; repaired a a2; made 2; passed 2; landed 2",
        expect![[r#"
            enqueue b after=a  1 staging a | line b  tells b 2/2 waiting
            reserve a 60       line b | reserved a  owes deadline(a 60)  tells a 2/2 reserved, b 1/2 waiting
            enqueue c          2 staging c | line b | reserved a  owes stage(2 c)  tells c 2/3 testing
            repaired a a2      2 staging c | line a+b  tells a 1/3 waiting, b 2/3 waiting
            made 2             2 testing c | line a+b  owes checks(2 m0c)
            passed 2           2 landing c | line a+b  owes land(2 m0..m0c)  tells a 2/3 waiting, b 3/3 waiting, c 1/3 landing
            landed 2           3 staging a | line b  owes stage(3 a@a2)  tells c merged as m0c, a 1/2 testing, b 2/2 waiting
        "#]],
    );
}

/// [16]
#[test]
fn what_depends_on_something_unknown_is_sent_back_at_once() {
    check(
        "enqueue a after=z",
        expect![[r#"
            enqueue a after=z  idle  tells a ejected: it depends on z, which is neither landed nor in line
        "#]],
    );
}

/// [10] Many changes of one person do not keep the others waiting.
#[test]
fn nobody_has_more_than_their_share_under_test() {
    check(
        "train 3 person=2 of a b c d | made 1; passed 1; landed 1",
        expect![[r#"
        made 1             1 testing a | 2 staging a+b | line c+d  owes checks(1 m0a)
        passed 1           1 landing a | 2 staging a+b | line c+d  owes land(1 m0..m0a)  tells a 1/4 landing
        landed 1           3 staging b+c | 4 staging b | line d  owes stage(3 b+c), stage(4 b)  tells a merged as m0a, c 2/3 testing, d 3/3 waiting
    "#]],
    );
}
