//! On a terminal: what is on the screen, and where the cursor stands, after what is typed and heard.

use domain::{Clock, TaskId};
use downbeat::clock::SystemClock;
use downbeat::control::wire::RunningTask;
use nix::sys::signal::Signal;
use tempfile::TempDir;

use crate::seat::Seat;
use crate::stand::Stand;

pub const TESTS: &[(&str, fn())] = &[
    ("a_plan_arrives_while_somebody_types", a_plan_arrives_while_somebody_types),
    ("a_card_is_redrawn_in_place_and_settles_once", a_card_is_redrawn_in_place_and_settles_once),
    ("the_region_follows_the_size_of_the_terminal", the_region_follows_the_size_of_the_terminal),
    ("wide_characters_keep_the_cursor_in_its_place", wide_characters_keep_the_cursor_in_its_place),
    ("a_paste_of_many_lines_is_one_message", a_paste_of_many_lines_is_one_message),
    ("a_restart_of_the_instance_loses_and_repeats_nothing", a_restart_loses_and_repeats_nothing),
    ("words_without_an_answer_are_said_again_under_the_same_name", words_without_an_answer_are_said_again),
    ("what_was_said_is_found_again_even_later", what_was_said_is_found_again_even_later),
    ("tab_completes_and_lists", tab_completes_and_lists),
    ("another_thread_is_hinted_at_and_gone_to", another_thread_is_hinted_at_and_gone_to),
    ("the_terminal_is_given_back_however_it_ends", the_terminal_is_given_back_however_it_ends),
    ("a_dumb_terminal_gets_plain_lines", a_dumb_terminal_gets_plain_lines),
    ("no_color_means_no_tones", no_color_means_no_tones),
];

const CTRL_C: &str = "\u{3}";
const CTRL_R: &str = "\u{12}";
const LEFT: &str = "\u{1b}[D";
const UP: &str = "\u{1b}[A";

fn stage() -> (TempDir, Stand, Seat) {
    let folder = tempfile::tempdir().unwrap();
    let stand = Stand::open(folder.path());
    let seat = Seat::take(folder.path());
    stand.waits_for_watchers();
    (folder, stand, seat)
}

fn running(doing: &str) -> Vec<RunningTask> {
    let (thread, title, doing) = ("main".to_owned(), "fix the login".to_owned(), doing.to_owned());
    // An hour ago, so that a slow machine does not change the picture by a second.
    let since = SystemClock.now() - std::time::Duration::from_secs(7_230);
    vec![RunningTask { task: TaskId::new(1), thread, title, doing, since }]
}

fn a_plan_arrives_while_somebody_types() {
    let (_folder, stand, mut seat) = stage();
    seat.types("what do you");
    seat.sees("        leaves.\nana #main › what do you|");
    stand.asks("Plan v1 for T-1: keep the query\n1. find it", &["Approve and run", "Reject"]);
    seat.sees(
        "   bot  Plan v1 for T-1: keep the query
        1. find it
        [1] Approve and run   [2] Reject
        [1] Approve and run   [2] Reject   T-1
ana #main › what do you|",
    );
    seat.types(&format!("{LEFT}{LEFT}{LEFT}"));
    seat.sees("ana #main › what do |you");
    seat.types(&format!("{CTRL_C}1\r"));
    stand.heard("1", 1);
    seat.sees("   ana  1  (approve T-1)\n        [1] Approve and run   [2] Reject   T-1\nana #main › |");
}

fn a_card_is_redrawn_in_place_and_settles_once() {
    let (_folder, stand, seat) = stage();
    let mut card = stand.posts("bot", "T-1 · fix the login\nplanning\nasked by ana");
    stand.runs(running("planning · reads src/login.rs"));
    seat.sees(
        "        asked by ana\n     SPIN  T-1 fix the login · planning · reads src/login.rs  2:00:30\nana #main › |",
    );
    card.text = card.text.replace("planning", "working");
    stand.edits(&card);
    stand.runs(running("working · cargo test …"));
    seat.sees("        asked by ana\n     SPIN  T-1 fix the login · working · cargo test …  2:00:30\nana #main › |");
    card.text = card.text.replace("working", "merged as 0123abc");
    stand.edits(&card);
    stand.runs(Vec::new());
    seat.sees("        asked by ana\n     ·  T-1 merged as 0123abc\nana #main › |");
    assert_eq!(seat.counts("fix the login"), 1);
    assert_eq!(seat.counts("working"), 0);
}

fn the_region_follows_the_size_of_the_terminal() {
    let (_folder, stand, mut seat) = stage();
    stand.asks("Plan v1 for T-1: keep the query", &["Approve and run", "Reject"]);
    seat.types("a line that is rather long, and longer than it will fit");
    seat.sees(
        "        [1] Approve and run   [2] Reject   T-1
ana #main › a line that is rather long, and longer than it will fit|",
    );
    seat.resizes(8, 44);
    seat.sees("        [1] Approve and run   [2] Reject\n  [1] Approve and run   [2] Reject   T-1\nana #main › …g, and longer than it will fit|");
    seat.resizes(6, 15);
    seat.sees("› …it will fit|");
    seat.resizes(12, 70);
    seat.sees("ana #main › a line that is rather long, and longer than it will fit|");
    assert_eq!(seat.counts("rather long"), 1);
}

fn wide_characters_keep_the_cursor_in_its_place() {
    let (_folder, stand, mut seat) = stage();
    seat.types("漢字 é!");
    seat.sees("ana #main › 漢字 é!|");
    seat.types(&format!("{LEFT}{LEFT}{LEFT}{LEFT}"));
    seat.sees("ana #main › 漢|字 é!");
    seat.types("\u{7f}");
    seat.sees("ana #main › |字 é!");
    seat.types("\r");
    stand.heard("字 é!", 1);
    seat.sees("   ana  字 é!\nana #main › |");
}

fn a_paste_of_many_lines_is_one_message() {
    let (_folder, stand, mut seat) = stage();
    seat.types("see:\u{1b}[200~ one\rtwo\r\u{1b}[201~");
    seat.sees("ana #main › see: one⏎two|");
    assert!(stand.said().is_empty());
    seat.types("\r");
    stand.heard("see: one\ntwo", 1);
    seat.sees("   ana  see: one\n        two\nana #main › |");
    let log = "0123456789\n".repeat(7_000);
    seat.types(&format!("\u{1b}[200~{log}\u{1b}[201~"));
    seat.sees("ana #main › …9⏎0123456789⏎0123456789⏎0123456789⏎0123456789⏎0123456789|");
    seat.types("\r");
    stand.heard(log.trim(), 1);
}

fn a_restart_loses_and_repeats_nothing() {
    let (_folder, stand, mut seat) = stage();
    stand.posts("ben", "hello");
    seat.sees("   ben  hello\nana #main › |");
    stand.close();
    seat.types("still");
    seat.sees("   ben  hello\n     ·  the connection is lost: downbeat has ended, or starts anew\n     ·  not connected · tries again in N s\nana #main › still|");
    seat.types("\r here");
    seat.sees("ana #main › still here|");
    stand.posts("ben", "while you were away");
    stand.open_again();
    seat.sees("     ·  connected again\n   ben  while you were away\nana #main › still here|");
    seat.types("\r");
    stand.heard("still here", 1);
    seat.sees("   ana  still here\nana #main › |");
    assert_eq!(seat.counts("hello"), 1);
    assert_eq!(seat.counts("is lost"), 1);
}

fn words_without_an_answer_are_said_again() {
    let (_folder, stand, mut seat) = stage();
    stand.dies_of("status");
    seat.types("status\r");
    let names = stand.heard("status", 2);
    assert_eq!(names[0], names[1]);
    seat.sees("   ana  status\nana #main › |");
    stand.posts("ben", "done");
    seat.sees("   ben  done\nana #main › |");
    assert_eq!(seat.counts("   ana  status"), 1);
}

fn what_was_said_is_found_again_even_later() {
    let (folder, stand, mut seat) = stage();
    for line in ["fix the login", "status", " a secret"] {
        seat.types(&format!("{line}\r"));
        stand.heard(line.trim(), 1);
    }
    seat.types(CTRL_C);
    seat.ends();
    let kept = std::fs::read_to_string(folder.path().join(".local/state/downbeat/history")).unwrap();
    assert_eq!(kept, "fix the login\nstatus\n");
    let mut seat = Seat::take(folder.path());
    seat.sees("ana #main › |");
    seat.types(&format!("{CTRL_R}log"));
    seat.sees("search log| › fix the login");
    seat.types("\r");
    seat.sees("ana #main › fix the login|");
    seat.types(&format!("{CTRL_C}{UP}"));
    seat.sees("ana #main › status|");
}

fn tab_completes_and_lists() {
    let (_folder, stand, mut seat) = stage();
    stand.asks("Plan v1 for T-1: keep it", &["Approve and run", "Reject"]);
    seat.sees("        [1] Approve and run   [2] Reject   T-1\nana #main › |");
    seat.types("\t");
    seat.sees("        1 Approve and run   2 Reject   @agent   approve   revise   e…\nana #main › |");
    seat.types("ap\t\t");
    seat.sees("        [1] Approve and run   [2] Reject   T-1\nana #main › approve T-1 |");
    seat.types(&format!("{CTRL_C}@agent fix it pl\ta\t\t"));
    seat.sees("ana #main › @agent fix it plan=a|");
}

fn another_thread_is_hinted_at_and_gone_to() {
    let (_folder, stand, mut seat) = stage();
    stand.posts_in("web", "ben", "over here");
    seat.sees("        #web: 1 new\nana #main › |");
    seat.types("/thr\t web\r");
    seat.sees("        #web\n   ben  over here\nana #web › |");
}

fn the_terminal_is_given_back_however_it_ends() {
    let (folder, _stand, mut seat) = stage();
    seat.types(CTRL_C);
    assert_eq!(seat.ends().0, 0);
    let seat = Seat::take(folder.path());
    seat.sees("ana #main › |");
    seat.signals(Signal::SIGTERM);
    assert_eq!(seat.ends().0, 0);
    let seat = Seat::take(folder.path());
    seat.sees("ana #main › |");
    seat.signals(Signal::SIGINT);
    assert_eq!(seat.ends().0, 0);
    let seat = Seat::take_breakable(folder.path());
    seat.sees("ana #main › |");
    seat.signals(Signal::SIGUSR1);
    let (code, wrote) = seat.ends();
    assert_eq!(code, 101);
    assert!(wrote.contains("the program is broken\r\n"), "{wrote}");
}

fn a_dumb_terminal_gets_plain_lines() {
    let folder = tempfile::tempdir().unwrap();
    let stand = Stand::open(folder.path());
    let mut seat = Seat::take_with(folder.path(), &[("TERM", "dumb")]);
    stand.waits_for_watchers();
    stand.asks("Plan v1 for T-1: keep it", &["Reject"]);
    seat.sees("   bot  Plan v1 for T-1: keep it\n        [1] Reject\n|");
    seat.types(CTRL_C);
    let (_, wrote) = seat.ends();
    assert!(!wrote.contains('\u{1b}'), "{wrote:?}");
}

fn no_color_means_no_tones() {
    let folder = tempfile::tempdir().unwrap();
    let stand = Stand::open(folder.path());
    let mut seat = Seat::take_with(folder.path(), &[("NO_COLOR", "1")]);
    stand.waits_for_watchers();
    stand.posts("ben", "hello");
    seat.sees("   ben  hello\nana #main › |");
    seat.types(CTRL_C);
    let (_, wrote) = seat.ends();
    assert!(!wrote.contains("m\u{1b}") && !wrote.contains("[0m") && !wrote.contains("[2m"), "{wrote:?}");
}
