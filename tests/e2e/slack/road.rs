//! From a mention to a merged commit, by buttons, over each of the two ways in.

use std::time::Duration;

use tests::slack::{Limits, Settings, SlackServer};

use super::office::{Office, Transport, answers};

/// Messages of ours in a normal task, at most.
const MESSAGES_MAX: usize = 6;
/// An acknowledgement may take three seconds before Slack sends again; ours only keeps what was said.
const ACK_MAX: Duration = Duration::from_secs(1);

pub fn a_mention_becomes_a_merged_commit_by_two_clicks() {
    let office = Office::usual();
    let instance = office.up();
    go_the_road(&office);
    assert!(office.slack.over_the_limit().is_empty(), "{:?}", office.slack.over_the_limit());
    assert!(instance.stop().status.success());
}

pub fn signed_requests_carry_the_same_road() {
    let office = Office::new(Settings::default(), Transport::Http);
    let instance = office.world.up();
    office.slack.send_to(&office.url).unwrap();
    go_the_road(&office);
    assert!(office.slack.connections().is_empty());
    instance.stop();
}

pub fn a_workspace_with_agents_and_real_limits_has_the_same_road() {
    let settings = Settings { is_native: true, limits: Limits::Refuse, ..Settings::default() };
    let office = Office::new(settings, Transport::Socket);
    let instance = office.up();
    go_the_road(&office);
    instance.stop();
}

pub fn what_stands_above_a_mention_is_read_where_the_config_says_so() {
    let office = Office::usual();
    let config = std::fs::read_to_string(office.world.path("downbeat.toml")).unwrap();
    office.world.write("downbeat.toml", &format!("{config}around = 3\n"));
    let instance = office.up();
    for words in ["the hall is dark", "and it has no kitchen"] {
        office.slack.say("dev", "ben", words);
    }
    let mention = office.slack.say("dev", "ana", "@agent add a kitchen");
    office.slack.until(&mention, "read\u{a0}2\u{a0}messages");
    instance.stop();
}

pub fn the_home_tab_shows_what_needs_a_person_and_its_button_does_it() {
    let office = Office::usual();
    let instance = office.up();
    let mention = office.slack.say("dev", "ana", "@agent add a kitchen");
    office.slack.until(&mention, "[Approve and run]");
    office.slack.open_home("ana");
    let home = office.slack.until_home("ana", "Needs you");
    assert!(home.contains("T-1") && home.contains("[Approve and run]"), "{home}");
    office.slack.click_home("ana", "Approve and run").answered().unwrap();
    office.slack.until(&mention, "[Merge]");
    office.slack.open_home("ben");
    office.slack.until_home("ben", "No tasks yet");
    instance.stop();
}

fn go_the_road(office: &Office) {
    let slack = &office.slack;
    let mention = slack.say("dev", "ana", "@agent add a kitchen");
    slack.until(&mention, "[Approve and run]");
    let plan = slack.find(&mention, "[Approve and run]");
    slack.click(&plan, "gus", "Approve and run").answered().unwrap();
    slack.until_ephemeral("gus", "I do not know you");
    slack.click(&plan, "ben", "Approve and run").answered().unwrap();
    slack.until(&mention, "[Merge]");
    slack.click(&slack.find(&mention, "[Merge]"), "ben", "Merge").answered().unwrap();
    slack.until(&mention, "is merged");
    slack.until_settled();
    let thread = slack.thread(&mention);
    assert!(answers(&thread) <= MESSAGES_MAX, "{thread}");
    assert!(
        !thread.contains("[Approve") && !thread.contains("[Merge]"),
        "no button outlives what it is for:\n{thread}"
    );
    assert_eq!(office.landed("kitchen.room").as_deref(), Some("wall: yellow\n"));
    assert_eq!(slack.channel("dev").lines().count(), 1, "the channel itself stays quiet:\n{}", slack.channel("dev"));
    assert_acknowledged_in_time(slack);
}

fn assert_acknowledged_in_time(slack: &SlackServer) {
    let late: Vec<_> = slack.acks().into_iter().filter(|ack| ack.latency > ACK_MAX).collect();
    assert!(late.is_empty(), "{late:?}");
}

pub fn forged_and_old_requests_change_nothing() {
    let office = Office::new(Settings::default(), Transport::Http);
    let instance = office.world.up();
    let slack = &office.slack;
    slack.send_to(&office.url).unwrap();
    let mention = slack.unheard("dev", "ana", "@agent add a kitchen");
    let told = slack.event_of(&mention);
    let secret = slack.signing_secret();
    for forged in [("another secret", Duration::ZERO), (secret.as_str(), Duration::from_secs(301))] {
        let answer = slack.post_forged(&office.url, &told, forged).unwrap();
        assert_eq!(answer.status, 401, "{forged:?}: {}", answer.body);
    }
    for why in ["it was signed with another secret", "is 5 min from this machine's clock"] {
        instance.err.wait_for(why).unwrap_or_else(|| panic!("nobody said {why:?}:\n{}", instance.err.text()));
    }
    let heard = slack.say("dev", "ben", "@agent help");
    slack.until(&heard, "agent: ");
    assert_eq!(answers(&slack.thread(&mention)), 0, "{}", slack.thread(&mention));
    assert_eq!(slack.post_signed(&office.url, &told).unwrap().status, 200);
    slack.until(&mention, "[Approve and run]");
    instance.stop();
}

pub fn guests_strangers_and_bots_start_nothing() {
    let office = Office::usual();
    let instance = office.up();
    let slack = &office.slack;
    for who in ["gus", "olga"] {
        let mention = slack.say("dev", who, "@agent add a kitchen");
        slack.until(&mention, "agent: ");
        let thread = slack.thread(&mention);
        assert!(!thread.contains("T-1") && answers(&thread) == 1, "{thread}");
    }
    let bot = slack.say("dev", "deploybot", "@agent add a kitchen");
    let heard = slack.say("dev", "ben", "@agent help");
    slack.until(&heard, "agent: ");
    assert_eq!(answers(&slack.thread(&bot)), 0, "{}", slack.thread(&bot));
    instance.stop();
}
