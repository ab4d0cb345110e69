//! How entries flow past each other, as scripts and traces. Numbers in
//! brackets are of `tests/tidy/scenarios.rs`.

use domain::EntryId;
use expect_test::expect;

use super::script::{check, empty_queue, parse_event, step_lawfully};
use super::state::{Phase, Queue, Run};

/// [7] What is urgent does not stop what runs already in a queue of one run; it is the next.
#[test]
fn an_urgent_one_is_the_next_of_a_serial_queue() {
    check(
        "serial of a b | made 1; enqueue c first; passed 1; landed 1",
        expect![[r#"
        made 1             1 testing a | line b  owes checks(1 m0a)
        enqueue c first    1 testing a | line c+b  tells c 1/3 waiting, b 3/3 waiting
        passed 1           1 landing a | line c+b  owes land(1 m0..m0a)  tells c 2/3 waiting, a 1/3 landing
        landed 1           2 staging c | line b  owes stage(2 c)  tells a merged as m0a, c 1/2 testing, b 2/2 waiting
    "#]],
    );
}

/// [7] The search of a red batch goes on when it has landed.
#[test]
fn an_urgent_one_comes_before_the_parts_of_a_red_batch() {
    check(
        "batch 2 of a b d | made 1; enqueue c first; failed 1 unit; made 2; passed 2; landed 2; made 3; passed 3; landed 3",
        expect![[r#"
            made 1             1 testing a+b | line d  owes checks(1 m0ab)
            enqueue c first    1 testing a+b | line c+d  tells c 1/4 waiting, d 4/4 waiting
            failed 1 unit      2 staging c | line a+b+d  owes stage(2 c)  tells c 1/4 testing, a 2/4 waiting, b 3/4 waiting
            made 2             2 testing c | line a+b+d  owes checks(2 m0c)
            passed 2           2 landing c | line a+b+d  owes land(2 m0..m0c)  tells c 1/4 landing
            landed 2           3 staging a | line b+d  owes stage(3 a)  tells c merged as m0c, a 1/3 testing, b 2/3 waiting, d 3/3 waiting
            made 3             3 testing a | line b+d  owes checks(3 m0ca)
            passed 3           3 landing a | line b+d  owes land(3 m0c..m0ca)  tells a 1/3 landing
            landed 3           4 staging b | line d  owes stage(4 b)  tells a merged as m0ca, b 1/2 testing, d 2/2 waiting
        "#]],
    );
}

/// [7] Who is overtaken while it runs is tested again behind whoever overtook it.
#[test]
fn an_urgent_one_overtakes_a_train() {
    check(
        "train 3 of a b | made 1; made 2; enqueue c first; made 3; passed 3; landed 3",
        expect![[r#"
        made 1             1 testing a | 2 staging a+b  owes checks(1 m0a)
        made 2             1 testing a | 2 testing a+b  owes checks(2 m0ab)
        enqueue c first    3 staging c | 4 staging c+a | 5 staging c+a+b  owes cancel(1), cancel(2), stage(3 c), stage(4 c+a), stage(5 c+a+b)  tells c 1/3 testing
        made 3             3 testing c | 4 staging c+a | 5 staging c+a+b  owes checks(3 m0c)
        passed 3           3 landing c | 4 staging c+a | 5 staging c+a+b  owes land(3 m0..m0c)  tells c 1/3 landing
        landed 3           6 staging a | 7 staging a+b  owes stage(6 a), stage(7 a+b)  tells c merged as m0c
    "#]],
    );
}

/// [7] What runs goes on, and the next machine is for the urgent one.
#[test]
fn an_urgent_one_goes_beside_what_nest_tests() {
    check(
        "nest 2 of a b | made 1; made 2; enqueue c first; passed 1; landed 1",
        expect![[r#"
        made 1             1 testing a | 2 staging b  owes checks(1 m0a)
        made 2             1 testing a | 2 testing b  owes checks(2 m0b)
        enqueue c first    1 testing a | 2 testing b | line c  tells c 1/3 waiting
        passed 1           1 landing a | 2 testing b | line c  owes land(1 m0..m0a)  tells c 2/3 waiting, a 1/3 landing
        landed 1           2 testing b | 3 staging c  owes stage(3 c)  tells a merged as m0a, c 1/2 testing
    "#]],
    );
}

/// [7] Also while a red group is searched.
#[test]
fn an_urgent_one_comes_before_the_search_of_a_red_group() {
    check(
        "nest 1 of a b c d | made 1; enqueue u first; failed 1 unit; made 2; passed 2; landed 2",
        expect![[r#"
            made 1             1 testing a+b+c+d  owes checks(1 m0abcd)
            enqueue u first    1 testing a+b+c+d | line u  tells u 1/5 waiting
            failed 1 unit      2 staging u | line a+b+c+d  owes stage(2 u)  tells u 1/5 testing, a 2/5 waiting, b 3/5 waiting, c 4/5 waiting, d 5/5 waiting
            made 2             2 testing u | line a+b+c+d  owes checks(2 m0u)
            passed 2           2 landing u | line a+b+c+d  owes land(2 m0..m0u)  tells u 1/5 landing
            landed 2           3 staging a+b | line c+d  owes stage(3 a+b)  tells u merged as m0u, a 1/4 testing, b 2/4 testing, c 3/4 waiting, d 4/4 waiting
        "#]],
    );
}

/// [8] Raised twice to the same priority is raised once.
#[test]
fn a_promotion_that_is_said_twice_restarts_nothing_again() {
    check(
        "train 3 of a b c | made 1; prioritise b high; made 3; prioritise b high; made 4",
        expect![[r#"
        made 1             1 testing a | 2 staging a+b | 3 staging a+b+c  owes checks(1 m0a)
        prioritise b high  4 staging b | 5 staging b+a | 6 staging b+a+c  owes cancel(1), stage(4 b), stage(5 b+a), stage(6 b+a+c)
        made 3             4 staging b | 5 staging b+a | 6 staging b+a+c
        prioritise b high  4 staging b | 5 staging b+a | 6 staging b+a+c
        made 4             4 testing b | 5 staging b+a | 6 staging b+a+c  owes checks(4 m0b)
    "#]],
    );
}

/// [10] Whoever stepped aside comes before all that came after it.
#[test]
fn newer_ones_do_not_starve_an_old_one_that_stepped_aside() {
    check(
        "batch 2 of a b | rivals 1 b with=a in=x; enqueue c; enqueue d; staged 2; passed 2; enqueue e; landed 2; staged 3; passed 3; landed 3",
        expect![[r#"
            rivals 1 b with=a in=x 2 staging a | aside b  owes stage(2 a)  tells b aside for a in x, b 2/2 waiting
            enqueue c          2 staging a | line c | aside b  tells c 3/3 waiting
            enqueue d          2 staging a | line c+d | aside b  tells d 4/4 waiting
            staged 2           2 testing a | line c+d | aside b  owes checks(2 2a)
            passed 2           2 landing a | line c+d | aside b  owes land(2 m0..2a)  tells a 1/4 landing
            enqueue e          2 landing a | line c+d+e | aside b  tells e 5/5 waiting
            landed 2           3 staging b+c | line d+e  owes stage(3 b+c)  tells a merged as 2a, b 1/4 testing, c 2/4 testing, d 3/4 waiting, e 4/4 waiting
            staged 3           3 testing b+c | line d+e  owes checks(3 3c)
            passed 3           3 landing b+c | line d+e  owes land(3 2a..3c)  tells b 1/4 landing, c 2/4 landing
            landed 3           4 staging d+e  owes stage(4 d+e)  tells b merged as 3b, c merged as 3c, d 1/2 testing, e 2/2 testing
        "#]],
    );
}

/// [10] However many come, also when its own runs take longest.
#[test]
fn an_old_one_lands_while_others_keep_coming() {
    for policy in ["serial", "batch 3", "train 3", "optimistic 3", "hybrid 3", "nest 3", "adaptive 3"] {
        let mut queue = played(played(empty_queue(), policy), "enqueue o");
        for (n, newer) in ('a'..='n').enumerate() {
            queue = played(queue, &format!("enqueue {newer}"));
            queue = a_round(queue, |run| {
                let is_slow = matches!(run.phase, Phase::Testing { .. }) && run.set.contains(&EntryId::new("o"));
                n % 3 == 2 || !is_slow
            });
        }
        assert_eq!(queue.entry(&EntryId::new("o")), None, "{policy}: {:?}", queue.runs);
    }
}

pub(super) fn played(queue: Queue, line: &str) -> Queue {
    let event = parse_event(line, &queue);
    step_lawfully(queue, &event).0
}

/// Every run that is there goes one step on.
pub(super) fn a_round_of_green(queue: Queue) -> Queue {
    a_round(queue, |_| true)
}

fn a_round(mut queue: Queue, is_answered: impl Fn(&Run) -> bool) -> Queue {
    let lines: Vec<String> = queue.runs.iter().filter(|run| is_answered(run)).filter_map(good_answer).collect();
    for line in lines {
        queue = played(queue, &line);
    }
    queue
}

fn good_answer(run: &Run) -> Option<String> {
    let word = match run.phase {
        Phase::Staging { .. } => "made",
        Phase::Testing { .. } => "passed",
        Phase::Landing { .. } => "landed",
        Phase::Passed { .. } | Phase::Doubtful { .. } => return None,
    };
    Some(format!("{word} {}", run.id.0))
}

/// [14]
#[test]
fn two_that_fail_at_the_head_of_a_train_are_both_told_and_the_third_lands() {
    check(
        "train 3 of a b c | made 1; made 2; made 3; failed 2 lint; failed 1 unit; made 5; made 6; failed 5 lint; made 7; passed 7; landed 7",
        expect![[r#"
            made 1             1 testing a | 2 staging a+b | 3 staging a+b+c  owes checks(1 m0a)
            made 2             1 testing a | 2 testing a+b | 3 staging a+b+c  owes checks(2 m0ab)
            made 3             1 testing a | 2 testing a+b | 3 testing a+b+c  owes checks(3 m0abc)
            failed 2 lint      1 testing a | 4 staging a+c | line b  owes cancel(3), stage(4 a+c)  tells b 2/3 waiting
            failed 1 unit      5 staging b | 6 staging b+c  owes stage(5 b), stage(6 b+c)  tells a ejected: unit exited with 1, b 1/2 testing
            made 5             5 testing b | 6 staging b+c  owes checks(5 m0b)
            made 6             5 testing b | 6 testing b+c  owes checks(6 m0bc)
            failed 5 lint      7 staging c  owes cancel(6), stage(7 c)  tells b ejected: lint exited with 1
            made 7             7 testing c  owes checks(7 m0c)
            passed 7           7 landing c  owes land(7 m0..m0c)  tells c 1/1 landing
            landed 7           idle  tells c merged as m0c
        "#]],
    );
}

/// [15]
#[test]
fn in_a_train_the_innocent_that_fails_first_waits_for_the_verdict_before_it() {
    check(
        "train 2 of b g | made 1; made 2; failed 2 unit; failed 1 unit; made 3; passed 3; landed 3",
        expect![[r#"
            made 1             1 testing b | 2 staging b+g  owes checks(1 m0b)
            made 2             1 testing b | 2 testing b+g  owes checks(2 m0bg)
            failed 2 unit      1 testing b | line g  tells g 2/2 waiting
            failed 1 unit      3 staging g  owes stage(3 g)  tells b ejected: unit exited with 1, g 1/1 testing
            made 3             3 testing g  owes checks(3 m0g)
            passed 3           3 landing g  owes land(3 m0..m0g)  tells g 1/1 landing
            landed 3           idle  tells g merged as m0g
        "#]],
    );
}

/// [19] Who is green lands, although an older one is still under test.
#[test]
fn who_does_not_stand_on_another_does_not_wait_for_it() {
    check(
        "hybrid 3 of slow a b | made 1; made 2; made 3; passed 2; landed 2",
        expect![[r#"
        made 1             1 testing slow | 2 staging a | 3 staging b  owes checks(1 m0slow)
        made 2             1 testing slow | 2 testing a | 3 staging b  owes checks(2 m0a)
        made 3             1 testing slow | 2 testing a | 3 testing b  owes checks(3 m0b)
        passed 2           1 testing slow | 2 landing a | 3 testing b  owes land(2 m0..m0a)  tells a 1/3 landing
        landed 2           1 testing slow | 3 testing b | 4 staging slow  owes stage(4 slow)  tells a merged as m0a
    "#]],
    );
}

/// [23] Each is good alone; the later one reads what it failed with.
#[test]
fn good_alone_and_bad_together_costs_a_train_only_the_later() {
    check(
        "train 2 of a b | made 1; made 2; failed 2 both; passed 1; landed 1",
        expect![[r#"
        made 1             1 testing a | 2 staging a+b  owes checks(1 m0a)
        made 2             1 testing a | 2 testing a+b  owes checks(2 m0ab)
        failed 2 both      1 testing a | line b  tells b 2/2 waiting
        passed 1           1 landing a | line b  owes land(1 m0..m0a)  tells a 1/2 landing
        landed 1           idle  tells a merged as m0a, b ejected: both exited with 1
    "#]],
    );
}

/// [24] Not even when it came between two halves of a red batch.
#[test]
fn who_wants_no_company_is_in_no_part_of_a_red_batch() {
    check(
        "batch 4 of a b | enqueue c alone; enqueue d; staged 1; failed 1 unit; staged 2; passed 2; landed 2; staged 3; passed 3; landed 3; staged 4",
        expect![[r#"
            enqueue c alone    1 staging a+b | line c  tells c 3/3 waiting
            enqueue d          1 staging a+b | line c+d  tells d 4/4 waiting
            staged 1           1 testing a+b | line c+d  owes checks(1 1b)
            failed 1 unit      2 staging a | line b+c+d  owes stage(2 a)  tells b 2/4 waiting
            staged 2           2 testing a | line b+c+d  owes checks(2 2a)
            passed 2           2 landing a | line b+c+d  owes land(2 m0..2a)  tells a 1/4 landing
            landed 2           3 staging b | line c+d  owes stage(3 b)  tells a merged as 2a, b 1/3 testing, c 2/3 waiting, d 3/3 waiting
            staged 3           3 testing b | line c+d  owes checks(3 3b)
            passed 3           3 landing b | line c+d  owes land(3 2a..3b)  tells b 1/3 landing
            landed 3           4 staging c | line d  owes stage(4 c)  tells b merged as 3b, c 1/2 testing, d 2/2 waiting
            staged 4           4 testing c | line d  owes checks(4 4c)
        "#]],
    );
}

/// [26] What was green once lands, though the same entries were red before.
#[test]
fn a_flake_of_a_whole_batch_ejects_nobody() {
    check(
        "batch 4 of a b c d | staged 1; failed 1 unit; staged 2; passed 2; landed 2; staged 3; passed 3; landed 3",
        expect![[r#"
            staged 1           1 testing a+b+c+d  owes checks(1 1d)
            failed 1 unit      2 staging a+b | line c+d  owes stage(2 a+b)  tells c 3/4 waiting, d 4/4 waiting
            staged 2           2 testing a+b | line c+d  owes checks(2 2b)
            passed 2           2 landing a+b | line c+d  owes land(2 m0..2b)  tells a 1/4 landing, b 2/4 landing
            landed 2           3 staging c | line d  owes stage(3 c)  tells a merged as 2a, b merged as 2b, c 1/2 testing, d 2/2 waiting
            staged 3           3 testing c | line d  owes checks(3 3c)
            passed 3           3 landing c | line d  owes land(3 2b..3c)  tells c 1/2 landing
            landed 3           4 staging d  owes stage(4 d)  tells c merged as 3c, d 1/1 testing
        "#]],
    );
}
