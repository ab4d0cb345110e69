//! What goes wrong between Slack and us, and what people see of it: nothing twice, nothing lost.

use std::time::{Duration, Instant};

use serde_json::json;
use tests::slack::{Failure, Room, Settings, State};

use super::office::{Office, Transport, answers};

/// Channels, and mentions in each, that nobody hears.
const MISSED: (usize, usize) = (10, 5);
/// Answers go out once a second in each channel.
const MISSED_MAX: Duration = Duration::from_secs(60);
/// Seconds that Slack asks for in a storm.
const LATER_S: u64 = 1;

/// A Slack that loses its patience soon.
fn impatient() -> Settings {
    let retry_after = vec![Duration::ZERO, Duration::from_millis(300), Duration::from_millis(300)];
    Settings { ack_within: Duration::from_millis(700), retry_after, ..Settings::default() }
}

/// Says what makes a task, and waits for its plan: a card and a plan, once each.
fn assert_one_task(office: &Office, spoil: impl FnOnce()) {
    let mention = office.slack.say("dev", "ana", "@agent add a kitchen");
    spoil();
    office.slack.until(&mention, "[Approve and run]");
    office.slack.until_settled();
    let thread = office.slack.thread(&mention);
    assert_eq!(answers(&thread), 2, "{thread}\n{}", office.slack.calls_as_text());
    assert!(!office.slack.calls_as_text().contains("T-2"), "{}", office.slack.calls_as_text());
}

pub fn what_comes_twice_and_under_two_names_is_heard_once() {
    let office = Office::usual();
    let instance = office.up();
    office.slack.duplicate(3);
    assert_one_task(&office, || {});
    instance.stop();
}

pub fn what_comes_in_reverse_is_heard_all_the_same() {
    let office = Office::usual();
    let instance = office.up();
    // A mention comes as two events, and so does the help that is asked for after it.
    office.slack.reorder(4);
    assert_one_task(&office, || drop(office.slack.say("dev", "ben", "@agent help")));
    instance.stop();
}

pub fn an_acknowledgement_that_is_lost_does_nothing_twice() {
    let office = Office::new(impatient(), Transport::Socket);
    let instance = office.up();
    office.slack.lose_acks(3);
    assert_one_task(&office, || {});
    assert!(office.slack.acks().iter().any(|ack| ack.attempt > 0));
    instance.stop();
}

pub fn a_post_whose_answer_is_lost_is_not_made_twice() {
    let office = Office::usual();
    let instance = office.up();
    office.slack.fail("chat.postMessage", [Failure::AnswerLost, Failure::DoneButRefused, Failure::Truncated]);
    assert_one_task(&office, || {});
    instance.stop();
}

pub fn a_socket_that_hangs_loses_nothing() {
    let office = Office::new(impatient(), Transport::Socket);
    let instance = office.up();
    let first = office.slack.connections()[0];
    office.slack.hang_socket(first);
    assert_one_task(&office, || {});
    instance.stop();
}

pub fn sockets_that_all_hang_are_opened_anew() {
    let office = Office::new(impatient(), Transport::Socket);
    let instance = office.up();
    // What is looked for at the start is over when an answer has come.
    office.slack.until(&office.slack.say("ops", "ben", "@agent help"), "agent: ");
    let hung = office.slack.connections();
    hung.iter().for_each(|it| office.slack.hang_socket(*it));
    assert_one_task(&office, || {});
    let is_new = |state: &State| state.connections.iter().any(|it| !hung.contains(&it.id)).then_some(());
    office.slack.wait_for(MISSED_MAX, is_new).unwrap();
    instance.stop();
}

pub fn sockets_that_break_are_opened_anew_and_nonsense_is_passed_over() {
    let office = Office::new(impatient(), Transport::Socket);
    let instance = office.up();
    let slack = &office.slack;
    let open = slack.connections();
    slack.say_on(open[0], "}{ no JSON");
    slack.say_on(open[0], &json!({ "type": "hologram", "envelope_id": "envelope-0-0-9", "payload": {} }).to_string());
    slack.send_event("hologram_shown", json!({ "type": "hologram_shown", "brightness": 11 }));
    slack.until_settled();
    slack.warn_socket(open[0], "warning");
    slack.warn_socket(open[0], "refresh_requested");
    slack.reset_socket(open[1]);
    let mention = slack.say("dev", "ana", "@agent help");
    slack.until(&mention, "agent: ");
    slack.wait_for(MISSED_MAX, |state| (state.connections.len() >= 2).then_some(())).unwrap();
    assert_one_task(&office, || {});
    instance.stop();
}

pub fn a_storm_of_refusals_loses_nothing_and_is_waited_out() {
    let office = Office::usual();
    let instance = office.up();
    let slack = &office.slack;
    let methods = ["chat.postMessage", "chat.update", "conversations.replies", "reactions.add"];
    methods.into_iter().for_each(|method| slack.storm(method, 2, LATER_S));
    assert_one_task(&office, || {});
    for method in methods {
        let calls = slack.calls_of(method);
        for pair in calls.windows(2).filter(|pair| pair[0].answered == "ratelimited") {
            let waited = pair[1].at - pair[0].at;
            assert!(waited >= Duration::from_secs(LATER_S), "{method} came again after {waited:?}");
        }
    }
    instance.stop();
}

pub fn a_process_that_dies_right_after_it_heard_answers_once() {
    let office = Office::usual();
    let instance = office.up();
    let mention = office.slack.say("dev", "ana", "@agent add a kitchen");
    let heard = office
        .slack
        .wait_for(MISSED_MAX, |state| state.deliveries.iter().all(|delivery| !delivery.acks.is_empty()).then_some(()));
    heard.unwrap();
    instance.kill();
    let instance = office.up();
    office.slack.until(&mention, "[Approve and run]");
    assert_eq!(answers(&office.slack.thread(&mention)), 2, "{}", office.slack.thread(&mention));
    instance.stop();
}

pub fn fifty_missed_mentions_are_found_and_answered_once() {
    let office = Office::usual();
    let slack = &office.slack;
    let (n_channels, n_mentions) = MISSED;
    let names: Vec<String> = (0..n_channels).map(|n| format!("room{n}")).collect();
    names.iter().for_each(|name| slack.add_channel(name, Room::Public, &["ana", "ben"]));
    office.up().stop();
    let in_all = |_| names.iter().map(|name| slack.say(name, "ana", "@agent help")).collect::<Vec<_>>();
    let mentions: Vec<String> = (0..n_mentions).flat_map(in_all).collect();
    let instance = office.up();
    let since = Instant::now();
    for mention in &mentions {
        slack.until(mention, "agent: ");
    }
    assert!(since.elapsed() < MISSED_MAX, "{:?}", since.elapsed());
    slack.until_settled();
    let wrong: Vec<_> = mentions.iter().map(|it| slack.thread(it)).filter(|thread| answers(thread) != 1).collect();
    assert!(wrong.is_empty(), "{wrong:?}");
    instance.stop();
}
