//! Our own Slack, proved by Slack's own libraries: what it serves is used by one of them, in this very run.

use std::collections::BTreeSet;
use std::net::TcpListener;

use serde_json::json;
use tests::slack::{EVENTS, METHODS, Progress, Room, Settings, SlackServer};

use crate::app::{App, NODE, PYTHON};

/// What people do beside writing, as the app is told of it.
const DEEDS: [&str; 4] = ["block_actions", "message_action", "view_submission", "/agent"];
/// What kinds of messages events tell of.
const SUBTYPES: [&str; 4] = ["none", "message_changed", "message_deleted", "file_share"];

pub fn every_method_and_event_is_used_by_a_library_of_slack() {
    let slack = workspace();
    let app = PYTHON.start(&slack, None);
    let mention = slack.say("dev", "ana", "@agent do everything");
    app.until("done everything");
    live_a_day(&slack, &app, &mention);
    let unused: Vec<&str> = METHODS.iter().map(|it| it.name).filter(|name| !is_used(&slack, name)).collect();
    assert_eq!(unused, [""; 0], "no library of Slack's used these methods");
    drop(app);

    let slack = workspace();
    let app = NODE.start(&slack, None);
    let mention = slack.say("dev", "ana", "@agent hello");
    live_a_day(&slack, &app, &mention);
    drop(app);

    let slack = workspace();
    let port = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
    let app = NODE.start(&slack, Some(port));
    slack.send_to(&format!("http://127.0.0.1:{port}/slack/events")).unwrap();
    let mention = slack.say("dev", "ana", "@agent hello");
    live_a_day(&slack, &app, &mention);
}

fn workspace() -> SlackServer {
    let slack = SlackServer::start(Settings::everything());
    slack.add_channel("trio", Room::Group, &["ana", "ben"]);
    slack
}

/// Whether a library of Slack's called it, and was answered.
fn is_used(slack: &SlackServer, method: &str) -> bool {
    let is_official = |agent: &str| agent.contains("slackclient") || agent.contains("@slack");
    slack.calls_of(method).iter().any(|call| is_official(&call.agent) && call.answered == "ok")
}

/// Everything that people do in a day, once; the app hears all of it, and what it answers is seen.
fn live_a_day(slack: &SlackServer, app: &App, mention: &str) {
    slack.until(mention, "[Open]");
    let card = slack.find(mention, "[Open]");
    let form = slack.click_form(&card, "ben", "Open");
    // Only now has the app done everything that it does with the form.
    assert_eq!(slack.until_ephemeral("ben", "Opened."), "Opened.");
    assert!(slack.form(&form).unwrap().contains("Step: ["));
    let refused = slack.submit(&form, "ben", &[("Step", "bad")]).answered().unwrap().unwrap();
    assert_eq!(refused["errors"], json!({ "step": "say what to do" }));
    assert!(slack.form(&form).is_some(), "a form with errors stays open");
    slack.submit(&form, "ben", &[("Step", "good")]).answered().unwrap();
    assert!(slack.form(&form).is_none(), "a form that was taken closes");
    slack.command("dev", "ana", "/agent", "tasks").answered().unwrap();
    assert_eq!(slack.until_ephemeral("ana", "You said"), "You said tasks.");
    let started = slack.shortcut(mention, "ana", "start");
    slack.form_after(&started);

    let reply = slack.reply(mention, "ben", "rather not");
    slack.edit(&reply, "rather so");
    slack.react(&reply, "ana", "+1");
    slack.unreact(&reply, "ana", "+1");
    slack.delete(&reply);
    slack.attach(("dev", Some(mention)), "ana", "the log", ("run.log", b"boom"));
    for place in ["ops", "trio", "@ana"] {
        slack.say(place, "ana", "hello");
    }
    slack.join("dev", "cara");
    slack.open_home("ana");
    slack.stop_session(mention, "ana");
    slack.uninstall();
    slack.until_settled();
    let lost: Vec<_> = slack.deliveries().into_iter().filter(|(_, it)| matches!(it, Progress::Lost(_))).collect();
    assert!(lost.is_empty(), "not everything arrived: {lost:?}");
    let served: BTreeSet<String> = slack.deliveries().into_iter().map(|(what, _)| what).collect();
    let known: BTreeSet<String> = EVENTS.into_iter().chain(DEEDS).map(str::to_owned).collect();
    assert_eq!(served, known, "the day has to hold everything that the server can tell of");
    for what in &served {
        app.until(&format!("seen {what}"));
    }
    for subtype in SUBTYPES {
        app.until(&format!("seen subtype {subtype}"));
    }
}
