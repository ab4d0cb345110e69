//! Windows by examples, and against the clocks on the wall, minute by minute.

use std::collections::BTreeMap;

use expect_test::{Expect, expect};
use jiff::ToSpan;
use jiff::civil::date;
use proptest::prelude::*;
use proptest::sample::{Index, select};

use super::*;

const BERLIN: &str = "Europe/Berlin";
const NEW_YORK: &str = "America/New_York";
const LORD_HOWE: &str = "Australia/Lord_Howe";
const MINUTE_MS: i64 = 60_000;

fn windows(texts: &[&str]) -> Windows {
    Windows::try_from(texts.iter().map(ToString::to_string).collect::<Vec<_>>()).expect("windows")
}

/// A moment as RFC 3339 writes it, `2026-03-29T01:00Z`.
fn at(text: &str) -> Timestamp {
    Timestamp::from_ms(text.parse::<Instant>().expect("a moment").as_millisecond())
}

fn told(at: Option<Timestamp>) -> String {
    at.map_or("-".to_owned(), |at| instant_of(at).strftime("%a %d %b %H:%MZ").to_string())
}

/// From noon of the eve of a change on: when it closes next, when that ends, and how that is said.
#[track_caller]
fn check_change(window: &str, eve: &str, expected: Expect) {
    let windows = windows(&[window]);
    let close = windows.next_close(at(eve)).expect("it closes");
    let until = windows.closed_until(close);
    let words = windows.in_words(until.expect("it opens"));
    expected.assert_eq(&format!("{} to {}, {words}", told(Some(close)), told(until)));
}

#[test]
fn it_is_closed_from_friday_evening_to_monday_morning() {
    let windows = windows(&["Fri 17:00 - Mon 08:00 Europe/Berlin", "Wed 14:00 - 15:30 Europe/Berlin"]);
    let seen =
        ["2026-11-25T12:00Z", "2026-11-25T13:00Z", "2026-11-25T14:30Z", "2026-11-27T15:59Z", "2026-11-27T16:00Z"]
            .map(|now| format!("{} then {}", told(windows.closed_until(at(now))), told(windows.next_close(at(now)))));
    assert_eq!(
        seen,
        [
            "- then Wed 25 Nov 13:00Z",
            "Wed 25 Nov 14:30Z then Fri 27 Nov 16:00Z",
            "- then Fri 27 Nov 16:00Z",
            "- then Fri 27 Nov 16:00Z",
            "Mon 30 Nov 07:00Z then Wed 02 Dec 13:00Z",
        ]
    );
    assert_eq!(windows.in_words(at("2026-11-30T07:00Z")), "Mon 08:00 Europe/Berlin");
}

#[test]
fn windows_that_meet_or_overlap_are_one() {
    let windows =
        windows(&["daily 22:00 - 06:00 UTC", "Sat 06:00 - Sat 12:00 UTC", "Sat 11:00 - Sun 23:00 Europe/Berlin"]);
    let friday = at("2026-11-27T23:30Z");
    assert_eq!(told(windows.closed_until(friday)), "Mon 30 Nov 06:00Z");
    assert_eq!(told(windows.next_close(friday)), "Mon 30 Nov 22:00Z");
    assert_eq!(windows.in_words(at("2026-11-30T06:00Z")), "Mon 06:00 UTC");
}

#[test]
fn without_windows_it_is_always_open() {
    let none = Windows::default();
    assert!(none.is_empty());
    assert_eq!((none.closed_until(at("2026-11-27T23:30Z")), none.next_close(at("2026-11-27T23:30Z"))), (None, None));
    let far = [Timestamp::from_ms(i64::MIN), Timestamp::from_ms(i64::MAX)];
    let daily = windows(&["daily 22:00 - 06:00 UTC"]);
    assert_eq!(far.map(|at| daily.closed_until(at).is_some_and(|until| until < at)), [false, false]);
}

#[test]
fn a_time_that_does_not_exist_is_the_first_moment_after_it() {
    check_change(
        "Sun 02:30 - 04:00 Europe/Berlin",
        "2026-03-28T12:00Z",
        expect!["Sun 29 Mar 01:00Z to Sun 29 Mar 02:00Z, Sun 04:00 Europe/Berlin"],
    );
    check_change(
        "Sun 01:00 - 02:30 Europe/Berlin",
        "2027-03-27T12:00Z",
        expect!["Sun 28 Mar 00:00Z to Sun 28 Mar 01:00Z, Sun 03:00 Europe/Berlin"],
    );
    check_change(
        "Sun 01:00 - 02:30 America/New_York",
        "2026-03-07T17:00Z",
        expect!["Sun 08 Mar 06:00Z to Sun 08 Mar 07:00Z, Sun 03:00 America/New_York"],
    );
    check_change(
        "Sun 02:30 - 04:00 America/New_York",
        "2027-03-13T17:00Z",
        expect!["Sun 14 Mar 07:00Z to Sun 14 Mar 08:00Z, Sun 04:00 America/New_York"],
    );
    // Half an hour is missing, from 02:00 on.
    check_change(
        "Sun 01:00 - 02:15 Australia/Lord_Howe",
        "2026-10-03T01:30Z",
        expect!["Sat 03 Oct 14:30Z to Sat 03 Oct 15:30Z, Sun 02:30 Australia/Lord_Howe"],
    );
    check_change(
        "Sun 02:15 - 04:00 Australia/Lord_Howe",
        "2027-10-02T01:30Z",
        expect!["Sat 02 Oct 15:30Z to Sat 02 Oct 17:00Z, Sun 04:00 Australia/Lord_Howe"],
    );
}

#[test]
fn of_a_time_that_exists_twice_a_window_begins_at_the_first_and_ends_at_the_second() {
    check_change(
        "Sun 02:30 - 04:00 Europe/Berlin",
        "2026-10-24T12:00Z",
        expect!["Sun 25 Oct 00:30Z to Sun 25 Oct 03:00Z, Sun 04:00 Europe/Berlin"],
    );
    check_change(
        "Sun 01:00 - 02:30 Europe/Berlin",
        "2027-10-30T12:00Z",
        expect!["Sat 30 Oct 23:00Z to Sun 31 Oct 01:30Z, Sun 02:30 Europe/Berlin"],
    );
    check_change(
        "Sun 01:15 - 01:30 America/New_York",
        "2026-10-31T17:00Z",
        expect!["Sun 01 Nov 05:15Z to Sun 01 Nov 06:30Z, Sun 01:30 America/New_York"],
    );
    check_change(
        "Sun 00:30 - 01:30 America/New_York",
        "2027-11-06T17:00Z",
        expect!["Sun 07 Nov 04:30Z to Sun 07 Nov 06:30Z, Sun 01:30 America/New_York"],
    );
    check_change(
        "Sun 01:45 - 03:00 Australia/Lord_Howe",
        "2026-04-04T01:30Z",
        expect!["Sat 04 Apr 14:45Z to Sat 04 Apr 16:30Z, Sun 03:00 Australia/Lord_Howe"],
    );
    check_change(
        "Sun 01:00 - 01:45 Australia/Lord_Howe",
        "2027-04-03T01:30Z",
        expect!["Sat 03 Apr 14:00Z to Sat 03 Apr 15:15Z, Sun 01:45 Australia/Lord_Howe"],
    );
}

#[test]
fn a_window_that_does_not_exist_once_comes_a_week_later() {
    check_change(
        "Sun 02:15 - 02:45 Europe/Berlin",
        "2026-03-28T12:00Z",
        expect!["Sun 05 Apr 00:15Z to Sun 05 Apr 00:45Z, Sun 02:45 Europe/Berlin"],
    );
}

#[test]
fn what_is_said_in_many_ways_is_written_in_one() {
    let written = [
        "friday 17:00-monday 08:00 europe/berlin",
        "  WED   14:00 – 15:30   Europe/Berlin ",
        "Sat 22:00 - 06:00 America/Port-au-Prince",
        "Weekdays 12:00 - 13:00 UTC",
        "DAILY 22:00 - 00:00 Etc/GMT-3",
    ]
    .map(|text| text.parse::<Window>().expect("a window").to_string());
    assert_eq!(
        written,
        [
            "Fri 17:00 - Mon 08:00 Europe/Berlin",
            "Wed 14:00 - Wed 15:30 Europe/Berlin",
            "Sat 22:00 - Sun 06:00 America/Port-au-Prince",
            "weekdays 12:00 - 13:00 UTC",
            "daily 22:00 - 00:00 Etc/GMT-3",
        ]
    );
}

#[test]
fn what_is_no_window_is_named_with_what_is_wrong() {
    let wrong = [
        "",
        "always",
        "Fri 17:00 Mon 08:00 UTC",
        "Fri 17:00 -",
        "Fri 17:00 - Mon 08:00",
        "daily 22:00 - 06:00",
        "Fri 25:00 - Mon 08:00 UTC",
        "Fri 5pm - Mon 9am UTC",
        "Fri 17:00 - Mon 24:00 UTC",
        "Fri +7:00 - Mon 08:00 UTC",
        "Frei 17:00 - Mon 08:00 UTC",
        "Fri - Mon UTC",
        "Fri 17:00 - Mon 08:00 Europe/Belin",
        "Fri 17:00 - Mon 08:00 berlin",
        "Fri 17:00 - Mon 08:00 MESZ",
        "Fri 17:00 - Mon 08:00 Europe / Berlin",
        "Mon 08:00 - Mon 08:00 UTC",
        "daily 08:00 - 08:00 UTC",
        "weekdays 22:00 - Sat 06:00 UTC",
    ];
    let said = wrong.map(|text| {
        let error = text.parse::<Window>().expect_err("no window").to_string();
        assert!(error.starts_with(&format!("`{text}` is no window of time: ")), "{error}");
        assert!(
            error.ends_with(". Write it as in `Fri 17:00 - Mon 08:00 Europe/Berlin` or `daily 22:00 - 06:00 UTC`"),
            "{error}"
        );
        error
            .split(" is no window of time: ")
            .last()
            .and_then(|rest| rest.split(". Write").next())
            .expect("a reason")
            .to_owned()
    });
    expect![[r#"
        it is empty
        there is no `-` between its begin and its end
        there is no `-` between its begin and its end
        it has no end
        it ends without a time zone; `UTC` is one
        it ends without a time zone; `UTC` is one
        `25:00` is no time of day; those go from `00:00` to `23:59`
        `5pm` is no time of day; those go from `00:00` to `23:59`
        `24:00` is no time of day; those go from `00:00` to `23:59`
        `+7:00` is no time of day; those go from `00:00` to `23:59`
        `Frei` is no day; days are `Mon` to `Sun`, `daily` and `weekdays`
        `Fri` before the `-` is not a day and a time
        `Europe/Belin` is no time zone; perhaps `Europe/Berlin` is meant
        `berlin` is no time zone; perhaps `Europe/Berlin` is meant
        `MESZ` is no time zone, such as `Europe/Berlin` or `UTC`
        `Mon 08:00 Europe / Berlin` after the `-` is not a day, a time and a zone
        it ends when it begins, which is all the time or none
        it ends when it begins, which is all the time or none
        what is `weekdays` ends at a time alone, and not on `Sat`"#]]
    .assert_eq(&said.join("\n"));
}

#[test]
fn windows_that_leave_nothing_or_are_too_many_are_refused() {
    let refused = |texts: Vec<String>| Windows::try_from(texts).expect_err("no windows").to_string();
    let texts = |texts: &[&str]| texts.iter().map(ToString::to_string).collect();
    let said = [
        refused(texts(&["Mon 08:00 - Fri 17:00 UTC", "Fri 16:00 - Mon 08:00 UTC"])),
        refused(texts(&["daily 06:00 - 18:00 Europe/Berlin", "daily 18:00 - 06:00 Europe/Berlin"])),
        refused(vec!["daily 22:00 - 06:00 UTC".to_owned(); WINDOWS_MAX + 1]),
        refused(texts(&["daily 22:00 - 06:00 UTC", "daily 22:00"])),
    ];
    expect![[r#"
        together they cover all time, so that it would never be open; take one out, or let one end sooner
        together they cover all time, so that it would never be open; take one out, or let one end sooner
        33 windows are more than the 32 that there may be; join some, as in `weekdays 22:00 - 06:00 UTC`
        `daily 22:00` is no window of time: there is no `-` between its begin and its end. Write it as in `Fri 17:00 - Mon 08:00 Europe/Berlin` or `daily 22:00 - 06:00 UTC`"#]].assert_eq(&said.join("\n"));
    // It is open for an hour in summer, and that is enough.
    windows(&["daily 08:00 - 06:00 Europe/Berlin", "daily 06:00 - 07:00 UTC"]);
}

#[test]
fn they_are_kept_as_they_are_written() {
    let kept = windows(&["friday 17:00-monday 08:00 europe/berlin", "daily 22:00 - 06:00 UTC"]);
    let texts: Vec<String> = kept.clone().into();
    assert_eq!(texts, ["Fri 17:00 - Mon 08:00 Europe/Berlin", "daily 22:00 - 06:00 UTC"]);
    assert_eq!(Windows::try_from(texts), Ok(kept));
}

/// Every minute of some months with both changes, as the clocks of a place show it.
static CLOCKS: LazyLock<BTreeMap<&str, Vec<DateTime>>> = LazyLock::new(|| {
    let minutes = |zone: &str| {
        let zone = ZONES.get(zone).expect("a zone");
        (0..MINUTES).map(|n| zone.to_datetime(instant_of(nth_minute(n)))).collect()
    };
    [BERLIN, NEW_YORK, LORD_HOWE, "UTC"].map(|zone| (zone, minutes(zone))).into()
});
const MINUTES: i64 = 60 * 24 * 7 * 43;

fn nth_minute(n: i64) -> Timestamp {
    at("2026-02-01T00:00Z") + Duration::from_millis(u64::try_from(n * MINUTE_MS).expect("not before"))
}

/// By looking at clocks alone: a window begins with the first minute that is not before its begin, and ends with the last that
/// is its end or, where there is none, after the last before it.
fn covered(windows: &Windows) -> Vec<bool> {
    let mut covered = vec![false; CLOCKS["UTC"].len()];
    for window in &windows.0 {
        let clock = &CLOCKS[name_of(&window.zone)];
        for n in 0..7 * 45 {
            let first = date(2026, 1, 20) + n.days();
            if !window.days.has(first.weekday()) {
                continue;
            }
            let (begin, end) =
                (first.to_datetime(window.begin), (first + window.n_days().days()).to_datetime(window.end));
            // Clocks go by less than a day.
            let near = |of: DateTime| clock.partition_point(|local| *local < of - 1.days()).saturating_sub(100);
            let from = (near(begin)..clock.len()).find(|n| clock[*n] >= begin).unwrap_or(clock.len());
            let until = match clock.last() {
                Some(last) if *last < end => clock.len(),
                _ => {
                    let last = (near(end)..clock.len()).take(1_700).rfind(|n| clock[*n] <= end);
                    last.map_or(0, |n| if clock[n] == end { n } else { n + 1 })
                }
            };
            covered[from.min(until)..until].fill(true);
        }
    }
    covered
}

fn any_window() -> impl Strategy<Value = Window> {
    let day = || select(vec!["Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun"]);
    // Most changes are on a Sunday at night.
    let time = || prop_oneof![(0_u8..4, select(vec![0_u8, 1, 15, 30, 45, 59])), (0_u8..24, 0_u8..60)];
    let zone = select(vec![BERLIN, NEW_YORK, LORD_HOWE, "UTC"]);
    let days = prop_oneof![
        Just(("daily", "")),
        Just(("weekdays", "")),
        (day(), prop_oneof![day(), Just("")]),
        Just(("Sun", "Sun")),
        Just(("Sat", "Sun")),
    ];
    let texts = (days, time(), time(), zone)
        .prop_map(|((from, to), (h, m), (h2, m2), zone)| format!("{from} {h:02}:{m:02} - {to} {h2:02}:{m2:02} {zone}"));
    texts.prop_filter_map("begins when it ends", |text| text.parse().ok())
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 32, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn the_clocks_on_the_wall_say_the_same(windows in prop::collection::vec(any_window(), 1..4), looks in prop::collection::vec(any::<Index>(), 150)) {
        let Ok(windows) = Windows::new(windows) else { return Ok(()) };
        let covered = covered(&windows);
        // Two weeks at either end see what begins before and ends after.
        let margin = 60 * 24 * 15;
        for look in looks {
            let n = margin + look.index(covered.len() - 2 * margin);
            let now = nth_minute(n as i64);
            let open = (n..covered.len()).find(|n| !covered[*n]);
            let until = open.filter(|open| *open > n).map(|open| nth_minute(open as i64));
            let close = open.and_then(|open| (open..covered.len()).find(|n| covered[*n]));
            let Some(close) = close else { continue };
            prop_assert_eq!(told(windows.closed_until(now)), told(until), "at {}", told(Some(now)));
            prop_assert_eq!(told(windows.next_close(now)), told(Some(nth_minute(close as i64))), "at {}", told(Some(now)));
        }
    }
}
