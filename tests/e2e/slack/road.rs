//! From a mention to a merged commit, by buttons.

use super::office::{Office, answers};

pub fn a_mention_becomes_a_merged_commit_by_two_clicks() {
    let office = Office::usual();
    let instance = office.up();
    let slack = &office.slack;
    let mention = slack.say("dev", "ana", "@agent add a kitchen");
    slack.until(&mention, "[Approve]");
    eprintln!("{}", slack.thread(&mention));
    slack.click(&slack.find(&mention, "[Approve]"), "ben", "Approve").answered().unwrap();
    slack.until(&mention, "[Merge]");
    eprintln!("{}", slack.thread(&mention));
    slack.click(&slack.find(&mention, "[Merge]"), "ben", "Merge").answered().unwrap();
    slack.until(&mention, "merged");
    eprintln!("{}", slack.thread(&mention));
    eprintln!("{}", slack.calls_as_text());
    assert!(answers(&slack.thread(&mention)) <= 6);
    assert_eq!(office.landed("kitchen.room").as_deref(), Some("wall: yellow\n"));
    instance.stop();
}
