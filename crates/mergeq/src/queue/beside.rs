//! Changes that are known not to go together before any is tested, as scripts and traces.

use expect_test::expect;

use super::script::check;

/// `a` and `b` are under test, each on its own; `c` would be next.
#[test]
fn who_clashes_with_one_before_it_steps_aside_and_costs_no_run() {
    check(
        "nest 2 of a b | made 1; made 2; enqueue c; probed; probed a-c in=x; passed 2; landed 2; probed a-c in=x; made 3; passed 3; landed 3; conflict 4 c in=x",
        expect![[r#"
            made 1             1 testing a | 2 staging b  owes checks(1 m0a)  asks of a+b on m0
            made 2             1 testing a | 2 testing b  owes checks(2 m0b)
            enqueue c          1 testing a | 2 testing b | line c  tells c 3/3 waiting
            probed             1 testing a | 2 testing b | line c  asks of a+b+c on m0
            probed a-c in=x    1 testing a | 2 testing b | aside c  tells c aside for a in x
            passed 2           1 testing a | 2 landing b | aside c  owes land(2 m0..m0b)  tells b 1/3 landing
            landed 2           1 testing a | 3 staging a | aside c  owes stage(3 a)  tells b merged as m0b, c 2/2 waiting  asks of a+c on m0b
            probed a-c in=x    1 testing a | 3 staging a | aside c
            made 3             1 testing a | 3 testing a | aside c  owes checks(3 m0ba)
            passed 3           1 testing a | 3 landing a | aside c  owes land(3 m0b..m0ba)  tells a 1/2 landing
            landed 3           4 staging c  owes cancel(1), stage(4 c)  tells a merged as m0ba, c 1/1 testing
            conflict 4 c in=x  idle  tells c ejected: conflicts with a in x
        "#]],
    );
}

#[test]
fn who_is_under_test_already_is_left_alone() {
    check(
        "nest 2 of a b | made 1; made 2; probed a-b in=x; enqueue c; probed a-b b-c in=x",
        expect![[r#"
        made 1             1 testing a | 2 staging b  owes checks(1 m0a)  asks of a+b on m0
        made 2             1 testing a | 2 testing b  owes checks(2 m0b)
        probed a-b in=x    1 testing a | 2 testing b
        enqueue c          1 testing a | 2 testing b | line c  tells c 3/3 waiting  asks of a+b+c on m0
        probed a-b b-c in=x 1 testing a | 2 testing b | aside c  tells c aside for b in x
    "#]],
    );
}

/// `b` waits for `a`, so `c` does not wait for `b`, and `d` waits for `c`.
#[test]
fn nobody_waits_for_one_who_waits_itself() {
    check(
        "nest 1 of a | made 1; pause; enqueue b; enqueue c; enqueue d; resume; probed a-b b-c c-d in=x; passed 1; landed 1",
        expect![[r#"
            made 1             1 testing a  owes checks(1 m0a)
            pause              1 testing a | paused by ana
            enqueue b          1 testing a | line b | paused by ana  tells b 2/2 waiting
            enqueue c          1 testing a | line b+c | paused by ana  tells c 3/3 waiting
            enqueue d          1 testing a | line b+c+d | paused by ana  tells d 4/4 waiting
            resume             1 testing a | line b+c+d  asks of a+b+c+d on m0
            probed a-b b-c c-d in=x 1 testing a | line c | aside b+d  tells b aside for a in x, d aside for c in x
            passed 1           1 landing a | line c | aside b+d  owes land(1 m0..m0a)  tells a 1/4 landing
            landed 1           2 staging b+c | aside d  owes stage(2 b+c)  tells a merged as m0a, b 1/3 testing, c 2/3 testing, d 3/3 waiting  asks of b+c+d on m0a
        "#]],
    );
}

/// `b` may not be tested yet, for another reason.
#[test]
fn nobody_waits_for_one_whom_the_strategy_does_not_have() {
    check(
        "nest 1 of a | made 1; pause; enqueue b after=a; enqueue c; resume; probed b-c in=x",
        expect![[r#"
        made 1             1 testing a  owes checks(1 m0a)
        pause              1 testing a | paused by ana
        enqueue b after=a  1 testing a | line b | paused by ana  tells b 2/2 waiting
        enqueue c          1 testing a | line b+c | paused by ana  tells c 3/3 waiting
        resume             1 testing a | line b+c  asks of a+b+c on m0
        probed b-c in=x    1 testing a | line b+c
    "#]],
    );
}

#[test]
fn one_who_waited_goes_on_when_the_other_is_gone_or_under_repair_or_behind() {
    let begins = "nest 1 of a | made 1; pause; enqueue b; enqueue c; resume; probed a-b in=x; ";
    check(
        &format!("{begins}withdraw a; made 2"),
        expect![[r#"
        made 1             1 testing a  owes checks(1 m0a)
        pause              1 testing a | paused by ana
        enqueue b          1 testing a | line b | paused by ana  tells b 2/2 waiting
        enqueue c          1 testing a | line b+c | paused by ana  tells c 3/3 waiting
        resume             1 testing a | line b+c  asks of a+b+c on m0
        probed a-b in=x    1 testing a | line c | aside b  tells b aside for a in x
        withdraw a         2 staging b+c  owes cancel(1), stage(2 b+c)  tells a withdrawn by ana, b 1/2 testing, c 2/2 testing
        made 2             2 testing b+c  owes checks(2 m0bc)
    "#]],
    );
    check(
        &format!("{begins}reserve a 9; made 2"),
        expect![[r#"
        made 1             1 testing a  owes checks(1 m0a)
        pause              1 testing a | paused by ana
        enqueue b          1 testing a | line b | paused by ana  tells b 2/2 waiting
        enqueue c          1 testing a | line b+c | paused by ana  tells c 3/3 waiting
        resume             1 testing a | line b+c  asks of a+b+c on m0
        probed a-b in=x    1 testing a | line c | aside b  tells b aside for a in x
        reserve a 9        2 staging b+c | reserved a  owes deadline(a 9), cancel(1), stage(2 b+c)  tells a 3/3 reserved, b 1/3 testing, c 2/3 testing
        made 2             2 testing b+c | reserved a  owes checks(2 m0bc)
    "#]],
    );
    check(
        &format!("{begins}prioritise a low; made 2; probed a-b in=x"),
        expect![[r#"
        made 1             1 testing a  owes checks(1 m0a)
        pause              1 testing a | paused by ana
        enqueue b          1 testing a | line b | paused by ana  tells b 2/2 waiting
        enqueue c          1 testing a | line b+c | paused by ana  tells c 3/3 waiting
        resume             1 testing a | line b+c  asks of a+b+c on m0
        probed a-b in=x    1 testing a | line c | aside b  tells b aside for a in x
        prioritise a low   2 staging b+c | aside a  owes cancel(1), stage(2 b+c)  tells a aside for b in x, b 1/3 testing, c 2/3 testing, a 3/3 waiting
        made 2             2 testing b+c | aside a  owes checks(2 m0bc)
        probed a-b in=x    2 testing b+c | aside a
    "#]],
    );
    check(
        &format!("{begins}prioritise b high; made 2; probed a-b in=x"),
        expect![[r#"
        made 1             1 testing a  owes checks(1 m0a)
        pause              1 testing a | paused by ana
        enqueue b          1 testing a | line b | paused by ana  tells b 2/2 waiting
        enqueue c          1 testing a | line b+c | paused by ana  tells c 3/3 waiting
        resume             1 testing a | line b+c  asks of a+b+c on m0
        probed a-b in=x    1 testing a | line c | aside b  tells b aside for a in x
        prioritise b high  1 testing a | line b+c  tells b 1/3 waiting
        made 2             1 testing a | line b+c
        probed a-b in=x    1 testing a | line b+c
    "#]],
    );
}

/// [35]
#[test]
fn an_answer_about_another_head_or_another_commit_says_nothing() {
    check(
        "nest 1 of a | made 1; enqueue b; probed a-b in=x on=m9; probed a-b in=x of=a,b,c; target m1; probed a-b in=x; probed a-b in=x; probed",
        expect![[r#"
            made 1             1 testing a  owes checks(1 m0a)
            enqueue b          1 testing a | line b  tells b 2/2 waiting  asks of a+b on m0
            probed a-b in=x on=m9 1 testing a | line b
            probed a-b in=x of=a,b,c 1 testing a | line b
            target m1          1 testing a | line b
            probed a-b in=x    1 testing a | line b  asks of a+b on m1
            probed a-b in=x    1 testing a | aside b  tells b aside for a in x
            probed             1 testing a | aside b
        "#]],
    );
    check(
        "nest 1 of a | made 1; enqueue b; reserve b 9; repaired b m7; probed a-b in=x; probed a-b in=x; probed a-b in=x",
        expect![[r#"
            made 1             1 testing a  owes checks(1 m0a)
            enqueue b          1 testing a | line b  tells b 2/2 waiting  asks of a+b on m0
            reserve b 9        1 testing a | reserved b  owes deadline(b 9)  tells b 2/2 reserved
            repaired b m7      1 testing a | line b  tells b 2/2 waiting
            probed a-b in=x    1 testing a | line b  asks of a+b on m0
            probed a-b in=x    1 testing a | aside b  tells b aside for a in x
            probed a-b in=x    1 testing a | aside b
        "#]],
    );
}

/// One alone is not asked about, nor is anybody twice; nobody is while something lands.
#[test]
fn it_is_asked_once_whenever_somebody_or_the_head_is_new() {
    check(
        "enqueue a; made 1; enqueue b; enqueue c; probed; probed; withdraw b; passed 1; enqueue d; landed 1; probed; pause; enqueue e; resume",
        expect![[r#"
            enqueue a          1 staging a  owes stage(1 a)  tells a 1/1 testing
            made 1             1 testing a  owes checks(1 m0a)
            enqueue b          1 testing a | line b  tells b 2/2 waiting  asks of a+b on m0
            enqueue c          1 testing a | line b+c  tells c 3/3 waiting
            probed             1 testing a | line b+c  asks of a+b+c on m0
            probed             1 testing a | line b+c
            withdraw b         1 testing a | line c  tells b withdrawn by ana, c 2/2 waiting
            passed 1           1 landing a | line c  owes land(1 m0..m0a)  tells a 1/2 landing
            enqueue d          1 landing a | line c+d  tells d 3/3 waiting
            landed 1           2 staging c | line d  owes stage(2 c)  tells a merged as m0a, c 1/2 testing, d 2/2 waiting  asks of c+d on m0a
            probed             2 staging c | line d
            pause              2 staging c | line d | paused by ana
            enqueue e          2 staging c | line d+e | paused by ana  tells e 3/3 waiting
            resume             2 staging c | line d+e  asks of c+d+e on m0a
        "#]],
    );
}
