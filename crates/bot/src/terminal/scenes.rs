//! What people see: scenes at a chat terminal, from what is heard and typed to rows and the live region.

use std::time::Duration;

use crossterm::event::{KeyCode, KeyEvent, KeyModifiers};
use domain::Timestamp;
use expect_test::{Expect, expect};

use super::history::History;
use super::link::Heard;
use super::region::Size;
use super::row::Row;
use super::view::{View, Wish};
use crate::chat::console::{BOT, ConsoleMessage, NumberedChoice};
use crate::chat::messenger::Choice;
use crate::control::wire::{Answer, RunningTask, Shown, Welcome};

const WIDE: Size = Size { columns: 78, rows: 24 };

/// A view with a clock that is moved by hand.
struct Scene {
    view: View,
    now: Timestamp,
    n: i64,
}

impl Scene {
    fn of_ana() -> Self {
        let mut view = View::new("ana", "main", History::default());
        let names = |names: &[&str]| names.iter().map(|name| (*name).to_owned()).collect();
        let welcome = Welcome {
            mention: "@agent".to_owned(),
            people: names(&["ana", "ben"]),
            repos: names(&["web", "api"]),
            agents: names(&["claude"]),
            threads: names(&["main", "web"]),
            ..Welcome::default()
        };
        view.take_heard(Heard::Connected(welcome), Timestamp::from_ms(0));
        Self { view, now: Timestamp::from_ms(60_000), n: 0 }
    }

    fn message(&mut self, author: &str, text: &str) -> ConsoleMessage {
        self.n += 1;
        ConsoleMessage {
            thread: "main".to_owned(),
            n: self.n,
            card: None,
            author: author.to_owned(),
            text: text.to_owned(),
            choices: Vec::new(),
            reactions: Vec::new(),
            at: self.now,
        }
    }

    fn hears(&mut self, shown: Shown) {
        self.view.take_heard(Heard::Shown(shown), self.now);
    }

    fn says(&mut self, author: &str, text: &str) {
        let message = self.message(author, text);
        self.hears(Shown::Posted(message));
    }

    fn asks(&mut self, text: &str, labels: &[&str], first: i64) -> ConsoleMessage {
        let offer =
            |(n, label): (i64, &&str)| NumberedChoice { n, is_open: true, choice: Choice::new(label, "approve T-1") };
        let choices = (first..).zip(labels).map(offer).collect();
        let message = ConsoleMessage { choices, ..self.message(BOT, text) };
        self.hears(Shown::Posted(message.clone()));
        message
    }

    fn runs(&mut self, tasks: &[(&str, &str, &str)]) {
        let since = self.now - Duration::from_secs(72);
        let running = |(task, title, doing): &(&str, &str, &str)| RunningTask {
            task: task.parse().unwrap(),
            thread: "main".to_owned(),
            title: (*title).to_owned(),
            doing: (*doing).to_owned(),
            since,
        };
        let tasks = tasks.iter().map(running).collect();
        self.hears(Shown::Running { tasks });
    }

    fn waits(&mut self, ms: u64) {
        self.now = self.now + Duration::from_millis(ms);
        self.view.settle(self.now);
    }

    fn types(&mut self, text: &str) {
        text.chars().for_each(|c| self.presses(KeyCode::Char(c)));
    }

    fn presses(&mut self, key: KeyCode) {
        self.view.take_key(KeyEvent::new(key, KeyModifiers::NONE));
    }

    fn presses_ctrl(&mut self, key: char) {
        self.view.take_key(KeyEvent::new(KeyCode::Char(key), KeyModifiers::CONTROL));
    }

    fn said(&mut self) -> Vec<String> {
        let wishes = self.view.take_wishes().into_iter();
        wishes.map(|wish| if let Wish::Say(saying) = wish { saying.text } else { format!("{wish:?}") }).collect()
    }

    fn look(&mut self, size: Size) -> String {
        let rows = self.view.take_rows().into_iter().flat_map(|row| row.wrapped(size.columns));
        let above: String = rows.map(|row| row.plain() + "\n").collect();
        let region = self.view.region(size, self.now);
        assert!(region.rows.iter().all(|row| row.width() < size.columns), "{region:?}");
        let below: Vec<String> = region.rows.iter().map(Row::plain).collect();
        format!("{above}{}\n{}\n{}^\n", "─".repeat(8), below.join("\n"), " ".repeat(region.column))
    }

    fn shows(&mut self, expected: &Expect) {
        expected.assert_eq(&self.look(WIDE));
    }
}

fn card(scene: &mut Scene, now: &str) -> ConsoleMessage {
    let facts = "asked by ana · web on main · agent claude · read 2 messages · caged: standard";
    let text = format!("T-1 · fix the login\n{now}\n{facts}");
    ConsoleMessage { card: "T-1".parse().ok(), ..scene.message(BOT, &text) }
}

#[test]
fn a_plan_is_asked_about_where_it_is_answered() {
    let mut scene = Scene::of_ana();
    scene.says("ana", "@agent fix the login");
    let planning = card(&mut scene, "waiting for its turn to plan");
    scene.hears(Shown::Posted(planning));
    let plan = "Plan v1 for T-1: keep the query\n1. find the redirect\n2. add a test\nrisk: low · #a91f0c12";
    scene.types("what do you");
    let mut asked = scene.asks(plan, &["Approve and run", "Revise…", "Reject"], 7);
    scene.shows(&expect![[r#"
           ana  @agent fix the login
           bot  T-1 · fix the login
                waiting for its turn to plan
                asked by ana · web on main · agent claude · read 2 messages · caged:
                standard
           bot  Plan v1 for T-1: keep the query
                1. find the redirect
                2. add a test
                risk: low · #a91f0c12
                [7] Approve and run   [8] Revise…   [9] Reject
        ────────
                [7] Approve and run   [8] Revise…   [9] Reject   T-1
        ana #main › what do you
                               ^
    "#]]);
    asked.choices.iter_mut().for_each(|offered| offered.is_open = false);
    scene.hears(Shown::Edited(asked));
    scene.shows(&expect![[r#"
        ────────
        ana #main › what do you
                               ^
    "#]]);
}

#[test]
fn several_questions_name_the_tasks_that_ask_too() {
    let mut scene = Scene::of_ana();
    scene.asks("Plan v1 for T-2: one", &["Approve and run"], 1);
    scene.asks("T-3 is ready on agent/T-3", &["Merge"], 2);
    scene.view.take_rows();
    scene.shows(&expect![[r#"
        ────────
                [2] Merge   T-3 · T-2 asks too
        ana #main ›
                    ^
    "#]]);
    scene.runs(&[("T-3", "two", "in the merge queue")]);
    scene.shows(&expect![[r#"
        ────────
             ⠋  T-3 two · in the merge queue  1:12
                [1] Approve and run   T-2
        ana #main ›
                    ^
    "#]]);
}

#[test]
fn a_card_lives_below_and_settles_above_once() {
    let mut scene = Scene::of_ana();
    let planning = card(&mut scene, "planning, with nothing writable");
    scene.hears(Shown::Posted(planning.clone()));
    scene.view.take_rows();
    scene.runs(&[
        ("T-1", "fix the login", "working · cargo test …"),
        (
            "T-2",
            "a title that is much too long to be shown beside what it does",
            "waits for a free session (4 are busy)",
        ),
    ]);
    let edit = |now: &str| {
        Shown::Edited(ConsoleMessage {
            text: planning.text.replace("planning, with nothing writable", now),
            ..planning.clone()
        })
    };
    scene.hears(edit("working"));
    scene.waits(1_000);
    scene.shows(&expect![[r#"
        ────────
             ⠼  T-1 fix the login · working · cargo test …  1:13
             ⠼  T-2 a title that is mu… · waits for a free session (4 are busy)  1:13
        ana #main ›
                    ^
    "#]]);
    scene.hears(edit("merged as 0123abc"));
    scene.runs(&[]);
    scene.waits(300);
    scene.shows(&expect![[r#"
             ·  T-1 merged as 0123abc
        ────────
        ana #main ›
                    ^
    "#]]);
    assert!(!scene.view.is_moving());
}

#[test]
fn more_tasks_than_fit_are_counted() {
    let mut scene = Scene::of_ana();
    let names: Vec<String> = (1..=9).map(|n| format!("T-{n}")).collect();
    let tasks: Vec<_> = names.iter().map(|name| (name.as_str(), "fix it", "planning")).collect();
    scene.runs(&tasks);
    expect![[r#"
        ────────
        ⠋ T-1 fix it · planning  1:12
        ⠋ T-2 fix it · planning  1:12
        ⠋ T-3 fix it · planning  1:12
          … and 6 more at work
        ana #main ›
                    ^
    "#]]
    .assert_eq(&scene.look(Size { columns: 40, rows: 10 }));
    expect![[r#"
        ────────
        ›
          ^
    "#]]
    .assert_eq(&scene.look(Size { columns: 15, rows: 3 }));
}

#[test]
fn a_lost_connection_is_said_once_and_keeps_what_is_typed() {
    let mut scene = Scene::of_ana();
    scene.says("ben", "hello");
    let lost = |ms| Heard::Lost { why: "it hung up".to_owned(), again_in: Duration::from_millis(ms) };
    scene.view.take_heard(lost(250), scene.now);
    scene.view.take_heard(lost(2_000), scene.now);
    scene.types("still here");
    scene.presses(KeyCode::Enter);
    assert_eq!(scene.said(), ["Connect"]);
    scene.shows(&expect![[r#"
           ben  hello
             ·  the connection is lost: it hung up
        ────────
             ·  not connected · tries again in 2 s
                not connected: the line stays here, and Enter tries again
        ana #main › still here
                              ^
    "#]]);
    scene.view.take_heard(Heard::Connected(Welcome::default()), scene.now);
    let (thread, n, author, text) = ("main".to_owned(), 1, "ben".to_owned(), "hello".to_owned());
    let again = ConsoleMessage { thread, n, author, text, ..scene.message("", "") };
    scene.hears(Shown::Posted(again));
    scene.presses(KeyCode::Enter);
    assert_eq!(scene.said(), ["still here"]);
    scene.shows(&expect![[r#"
             ·  connected again
        ────────
        ana #main ›
                    ^
    "#]]);
}

#[test]
fn a_refusal_says_the_next_step_and_keeps_the_words() {
    let mut scene = Scene::of_ana();
    scene.types("approve T-9");
    scene.presses(KeyCode::Enter);
    let Some(Wish::Say(saying)) = scene.view.take_wishes().pop() else { panic!("nothing was said") };
    let refused =
        Answer::Refused { why: "There is no task T-9".to_owned(), next: "Say `status` to see them".to_owned() };
    scene.view.take_heard(Heard::Answered(saying, refused), scene.now);
    scene.presses(KeyCode::Up);
    scene.shows(&expect![[r#"
             ·  not said: There is no task T-9. Say `status` to see them
             ·  it was “approve T-9”; the arrow up brings it back
        ────────
        ana #main › approve T-9
                               ^
    "#]]);
}

#[test]
fn other_threads_are_only_hinted_at_until_one_goes_there() {
    let mut scene = Scene::of_ana();
    for text in ["one", "two"] {
        let message = ConsoleMessage { thread: "web".to_owned(), ..scene.message("ben", text) };
        scene.hears(Shown::Posted(message));
    }
    scene.shows(&expect![[r#"
        ────────
                #web: 2 new
        ana #main ›
                    ^
    "#]]);
    scene.types("/thread web");
    scene.presses(KeyCode::Enter);
    let wished = scene.said();
    assert!(wished[0].contains("Follow") && wished[0].contains("web"), "{wished:?}");
    scene.shows(&expect![[r#"
                #web
        ────────
        ana #web ›
                   ^
    "#]]);
}

#[test]
fn tab_completes_hints_and_lists() {
    let mut scene = Scene::of_ana();
    scene.asks("Plan v1 for T-1: one", &["Approve and run", "Reject"], 7);
    scene.view.take_rows();
    scene.presses(KeyCode::Tab);
    scene.shows(&expect![[r#"
        ────────
                7 Approve and run   8 Reject   @agent   approve   revise   edit   re…
        ana #main ›
                    ^
    "#]]);
    scene.types("re");
    scene.presses(KeyCode::Tab);
    scene.presses(KeyCode::Tab);
    scene.shows(&expect![[r#"
        ────────
                revise
                reject
                resume
                retry
                restore
                release
        ana #main › re
                      ^
    "#]]);
    scene.types("v");
    scene.presses(KeyCode::Tab);
    scene.types("t");
    scene.presses(KeyCode::Tab);
    scene.shows(&expect![[r#"
        ────────
                [7] Approve and run   [8] Reject   T-1
        ana #main › revise T-1
                               ^
    "#]]);
}

#[test]
fn a_paste_of_many_lines_is_one_message_and_too_much_is_said() {
    let mut scene = Scene::of_ana();
    scene.view.take_paste("two\r\nlines\n");
    assert!(scene.said().is_empty());
    scene.shows(&expect![[r#"
        ────────
        ana #main › two⏎lines
                             ^
    "#]]);
    scene.view.take_paste(&"x".repeat(100_000));
    scene.shows(&expect![[r#"
        ────────
                a message has at most 100000 bytes; put the rest into a file of the
                repository
        ana #main › two⏎lines
                             ^
    "#]]);
    scene.presses(KeyCode::Enter);
    assert_eq!(scene.said(), ["two\nlines"]);
}

#[test]
fn the_history_is_searched_and_gone_through() {
    let mut scene = Scene::of_ana();
    for line in ["fix the login", "status", " a secret", "fix the build"] {
        scene.types(line);
        scene.presses(KeyCode::Enter);
    }
    assert_eq!(scene.said(), ["fix the login", "status", "a secret", "fix the build"]);
    scene.presses_ctrl('r');
    scene.types("fix");
    scene.presses_ctrl('r');
    scene.shows(&expect![[r#"
        ────────
        search fix › fix the login
                  ^
    "#]]);
    scene.presses(KeyCode::Enter);
    assert!(scene.said().is_empty());
    scene.shows(&expect![[r#"
        ────────
        ana #main › fix the login
                                 ^
    "#]]);
    scene.presses_ctrl('c');
    scene.presses(KeyCode::Up);
    scene.presses(KeyCode::Up);
    scene.shows(&expect![[r#"
        ────────
        ana #main › status
                          ^
    "#]]);
}

#[test]
fn control_keys_leave_only_when_nothing_would_be_lost() {
    let mut scene = Scene::of_ana();
    scene.types("ab");
    scene.presses_ctrl('d');
    scene.presses_ctrl('c');
    assert!(scene.said().is_empty());
    scene.presses_ctrl('c');
    assert_eq!(scene.said(), ["Leave"]);
}

#[test]
fn the_terminal_has_commands_of_its_own() {
    let mut scene = Scene::of_ana();
    for line in ["/threads", "/all", "/help", "/etc/hosts is fine", "/trhead web"] {
        scene.types(line);
        scene.presses(KeyCode::Enter);
    }
    assert_eq!(scene.said(), ["/etc/hosts is fine"]);
    scene.shows(&expect![[r#"
                #main  here
                #web
             ·  every thread is shown; what you say goes to this one
             ·  Say `@agent fix the login` to ask for work, a number to press a
                button, and `help` for all commands.
             ·  Tab completes, Tab twice lists; the arrow up and Ctrl-R find what you
                said before; Alt-Enter begins a new line.
             ·  /thread NAME goes to another thread, /threads lists them, /all shows
                every thread.
             ·  A line that begins with a space is said, but not kept in the history.
             ·  Ctrl-C, Ctrl-D or /quit leave.
        ────────
                there is no command `/trhead`; /help shows them
        ana #main › /trhead web
                               ^
    "#]]);
}
