//! What each strategy does in situations that went wrong elsewhere, as people would tell it: `1 2 3` are items in line,
//! `green 1 2` is the verdict on the test of these two beyond what has landed.

use expect_test::expect;

use super::script::{Play, check};
use super::strategist::{BehindRed, TrainSettings};
use super::{Act, Fact, Item, Kind, Strategist};

fn train(is_adaptive: bool, behind_red: BehindRed, vouching: Option<usize>) -> (Kind, usize) {
    (Kind::Train(TrainSettings { window: 4, is_adaptive, behind_red, vouching }), 8)
}

fn zuul() -> (Kind, usize) {
    train(false, BehindRed::Restart, None)
}

#[test]
fn parallel_changes_land_in_order_although_the_last_finishes_first() {
    check(
        zuul(),
        &["arrive 1 2 3", "green 1 2 3", "green 1 2", "green 1"],
        expect![[r#"
        arrive 1 2 3
            test 1
            test 1 2
            test 1 2 3
        green 1 2 3
        green 1 2
        green 1
            land 1
            land 2
            land 3
    "#]],
    );
}

#[test]
fn when_the_head_fails_its_followers_restart_once_and_it_is_told_once() {
    check(
        zuul(),
        &["arrive 1 2 3", "red 1", "green 2", "green 3"],
        expect![[r#"
        arrive 1 2 3
            test 1
            test 1 2
            test 1 2 3
        red 1
            stop 1 2
            test 2
            stop 1 2 3
            test 2 3
            eject 1 (100.0 %)
        green 2
            land 2
        green 3
            land 3
    "#]],
    );
}

#[test]
fn when_a_middle_one_fails_only_those_behind_restart_on_the_nearest_that_is_not_red() {
    check(
        zuul(),
        &["arrive 1 2 3", "red 1 2", "green 1", "green 3"],
        expect![[r#"
        arrive 1 2 3
            test 1
            test 1 2
            test 1 2 3
        red 1 2
            stop 1 2 3
            test 1 3
        green 1
            land 1
            eject 2 (100.0 %)
        green 3
            land 3
    "#]],
    );
}

#[test]
fn two_fail_at_the_head_at_the_same_time() {
    check(
        zuul(),
        &["arrive 1 2 3", "red 1", "red 2", "green 3"],
        expect![[r#"
        arrive 1 2 3
            test 1
            test 1 2
            test 1 2 3
        red 1
            stop 1 2
            test 2
            stop 1 2 3
            test 2 3
            eject 1 (100.0 %)
        red 2
            stop 2 3
            test 3
            eject 2 (100.0 %)
        green 3
            land 3
    "#]],
    );
}

#[test]
fn an_innocent_that_fails_first_is_not_ejected_before_the_verdict_on_its_predecessor() {
    let lazy = train(false, BehindRed::Wait, None);
    check(
        lazy,
        &["arrive 1 2", "red 1 2", "red 1", "green 2"],
        expect![[r#"
        arrive 1 2
            test 1
            test 1 2
        red 1 2
        red 1
            eject 1 (100.0 %)
            test 2
        green 2
            land 2
    "#]],
    );
}

/// [26]
#[test]
fn a_later_green_vouches_for_an_earlier_red() {
    let optimistic = train(false, BehindRed::Wait, Some(2));
    check(
        optimistic,
        &["arrive 1 2 3", "red 1", "green 1 2"],
        expect![[r#"
        arrive 1 2 3
            test 1
            test 1 2
            test 1 2 3
        red 1
        green 1 2
            land 1 2
    "#]],
    );
}

/// [18]
#[test]
fn the_window_shrinks_after_a_failure_and_grows_after_a_landing() {
    let adaptive = train(true, BehindRed::Restart, None);
    check(
        adaptive,
        &["arrive 1 2 3 4 5 6 7", "red 1", "green 2"],
        expect![[r#"
        arrive 1 2 3 4 5 6 7
            test 1
            test 1 2
            test 1 2 3
            test 1 2 3 4
        red 1
            stop 1 2
            test 2
            stop 1 2 3
            test 2 3
            stop 1 2 3 4
            test 2 3 4
            eject 1 (100.0 %)
        green 2
            land 2
            test 3 4 5
            test 3 4 5 6
    "#]],
    );
}

#[test]
fn one_that_leaves_the_middle_harms_no_other() {
    check(
        zuul(),
        &["arrive 1 2 3", "leave 2", "green 1", "green 3"],
        expect![[r#"
        arrive 1 2 3
            test 1
            test 1 2
            test 1 2 3
        leave 2
            stop 1 2
            stop 1 2 3
            test 1 3
        green 1
            land 1
        green 3
            land 3
    "#]],
    );
}

#[test]
fn a_target_that_moved_restarts_and_nobody_loses_a_place() {
    check(
        zuul(),
        &["arrive 1 2", "green 1 2", "moved", "green 1", "green 2"],
        expect![[r#"
        arrive 1 2
            test 1
            test 1 2
        green 1 2
        moved
            stop 1
            test 1
            test 1 2
        green 1
            land 1
        green 2
            land 2
    "#]],
    );
}

#[test]
fn bisection_finds_the_one_bad_of_four() {
    let batch = (Kind::Batch { batch_max: 4, infers: false }, 1);
    check(
        batch,
        &["arrive 1 2 3 4", "red 1 2 3 4", "green 1 2", "red 3 4", "red 3", "green 4"],
        expect![[r#"
        arrive 1 2 3 4
            test 1 2 3 4
        red 1 2 3 4
            test 1 2
        green 1 2
            land 1 2
            test 3 4
        red 3 4
            test 3
        red 3
            eject 3 (100.0 %)
            test 4
        green 4
            land 4
    "#]],
    );
}

/// [46]
#[test]
fn a_poisoned_group_is_isolated_and_does_not_spoil_union_after_union() {
    let hybrid = (Kind::Hybrid { group_max: 1, reds_needed: 1 }, 3);
    let lines = ["arrive 1 2 3", "green 3", "green 2", "green 1", "red 2"];
    check(
        hybrid,
        &lines,
        expect![[r#"
        arrive 1 2 3
            test 1
            test 2
            test 3
        green 3
            land 3
            test 1
        green 2
            test 2
        green 1
        red 2
            test 2
            test 1
    "#]],
    );
}

#[test]
fn nest_lands_what_was_tested_together_at_once() {
    check(
        (Kind::Nest, 1),
        &["arrive 1 2 3", "green 1 2 3"],
        expect![[r#"
        arrive 1 2 3
            test 1 2 3
        green 1 2 3
            land 1 2 3
    "#]],
    );
}

#[test]
fn nest_ejects_only_what_was_red_all_alone() {
    let lines = ["arrive 1 2", "red 1 2", "green 1", "red 2"];
    check(
        (Kind::Nest, 1),
        &lines,
        expect![[r#"
        arrive 1 2
            test 1 2
        red 1 2
            test 1
        green 1
            land 1
            test 2
        red 2
            eject 2 (99.6 %)
    "#]],
    );
}

#[test]
fn nest_carries_what_is_green_on_an_older_target() {
    check(
        (Kind::Nest, 2),
        &["arrive 1 2", "green 1", "green 2"],
        expect![[r#"
            arrive 1 2
                test 1
                test 2
            green 1
                land 1
                test 2
            green 2
        "#]],
    );
}

#[test]
fn nest_ejects_nobody_whom_a_test_under_way_could_still_prove_good() {
    let lines = ["arrive 1 2", "red 1", "red 1", "red 1 2"];
    check(
        (Kind::Nest, 4),
        &lines,
        expect![[r#"
            arrive 1 2
                test 1
                test 2
                test 1 2
            red 1
                test 1
            red 1
            red 1 2
                eject 1 (99.6 %)
        "#]],
    );
}

#[test]
fn adaptive_stands_on_what_is_under_way_and_lands_it_too() {
    check(
        (Kind::Adaptive, 8),
        &["arrive 1", "arrive 2", "arrive 3", "green 1 2", "green 3"],
        expect![[r#"
        arrive 1
            test 1
        arrive 2
            test 1 2
            test 2
        arrive 3
            test 1 2 3
            test 3
        green 1 2
            land 1 2
            stop 
            stop 
            stop 3
        green 3
            land 3
    "#]],
    );
}

#[test]
fn adaptive_leaves_the_company_of_what_is_red() {
    check(
        (Kind::Adaptive, 4),
        &["arrive 1", "arrive 2", "red 1", "red 1", "green 2"],
        expect![[r#"
        arrive 1
            test 1
        arrive 2
            test 1 2
            test 2
        red 1
            stop 1 2
            test 1
        red 1
            eject 1 (99.6 %)
        green 2
            land 2
    "#]],
    );
}

#[test]
fn another_manner_stops_no_test() {
    let mut play = Play::of(Kind::Adaptive.into(), 8);
    ["arrive 1", "arrive 2"].into_iter().for_each(|line| play.tell(line));
    play.strategist().adopt(Kind::Nest, 8, [Item(1), Item(2)]);
    assert!(!play.strategist().plan().iter().any(|act| matches!(act, Act::Cancel { .. })));
    play.tell("green 1 2");
    assert_eq!(play.strategist().board().landed(), 2);
}

#[test]
fn each_strategy_says_why_it_tests_as_it_does() {
    let mut play = Play::of(Kind::Adaptive.into(), 2);
    let mut said = format!("{}\n", play.strategist().reason().unwrap());
    for item in 1..=40 {
        play.tell(&format!("arrive {item}"));
        play.tell(&format!("green {item}"));
    }
    said += &format!("{}\n", play.strategist().reason().unwrap());
    play.tell("arrive 41");
    (42..90).for_each(|item| play.absorb(&Fact::Arrived(Item(item))));
    play.carry_out();
    said += &format!("{}\n", play.strategist().reason().unwrap());
    assert_eq!(Strategist::new(Kind::Serial, 1).reason(), None);
    expect![[r#"
        chain: too few verdicts to judge by yet
        chain: 3 % of changes fail, 1 % of runs are flaky, few changes come
        nest: 3 % of changes fail, 1 % of runs are flaky, few changes come, 28 wait
    "#]]
    .assert_eq(&said);
}
