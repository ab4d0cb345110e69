//! Who is there, where, and what was missed: the home tab, people whom the config does not list, user groups, a long absence.

use std::time::Duration;

use tests::slack::{Call, Settings, State};

use super::office::{Office, Transport, answers};

/// What a scanner takes for a token of GitHub.
const TOKEN: &str = "ghp_abcdefghijklmnopqrstuvwxyz0123456789";

pub fn the_home_tab_tells_what_holds_where_ones_tasks_are() {
    let office = Office::usual();
    let instance = office.up();
    let slack = &office.slack;
    let set = slack.say("dev", "ben", "@agent set repo=house budget=5");
    slack.until(&set, "agent: ");
    let mention = slack.say("dev", "ana", "@agent add a kitchen");
    slack.until(&mention, "[Approve and run]");
    slack.open_home("ana");
    let home = slack.until_home("ana", "$5 a task");
    assert!(home.contains("repo house"), "{home}");
    instance.stop();
}

pub fn whoever_wrote_a_secret_is_told_alone_listed_or_not() {
    let office = Office::usual();
    let instance = office.up();
    let slack = &office.slack;
    let report = slack.say("dev", "gus", &format!("the login fails with {TOKEN}"));
    slack.reply(&report, "ana", "@agent add a kitchen");
    slack.until(&report, "[Approve and run]");
    slack.until_ephemeral("gus", "looks like a credential");
    assert!(slack.ephemeral_to("ana").iter().all(|told| !told.contains("credential")), "it was not hers");
    instance.stop();
}

pub fn what_one_look_does_not_come_to_the_next_one_does() {
    // Twenty-five pages of two messages are one look; what is below is six messages more.
    let office = Office::new(Settings { history_max: 2, ..Settings::default() }, Transport::Socket);
    let slack = &office.slack;
    office.up().stop();
    let mentions: Vec<String> = (0..2)
        .map(|_| {
            let mention = slack.say("dev", "ana", "@agent help");
            (0..27).for_each(|n| drop(slack.say("dev", "gus", &format!("talk {n}"))));
            mention
        })
        .collect();
    let instance = office.up();
    for mention in &mentions {
        slack.until(mention, "agent: ");
    }
    slack.until_settled();
    assert!(mentions.iter().all(|mention| answers(&slack.thread(mention)) == 1));
    instance.stop();
}

pub fn whoever_is_in_two_groups_is_asked_about_once() {
    let office = Office::usual();
    let config = std::fs::read_to_string(office.world.path("downbeat.toml")).unwrap();
    let groups = "[groups.first]\nroles = [\"approver\"]\nslack = \"S0REVIEWERS\"\n[groups.second]\nroles = [\"approver\"]\nslack = \"S0OTHERS\"\n";
    office.world.write("downbeat.toml", &config.replace("[slack]", &format!("{groups}\n[slack]")));
    let slack = &office.slack;
    let members = slack.change(|state| {
        let team = &mut state.teams[0];
        let mut others = team.groups[0].clone();
        others.id = "S0OTHERS".to_owned();
        let members = others.members.clone();
        team.groups.push(others);
        members
    });
    let instance = office.up();
    let is_of = |call: &Call, member: &String| call.method == "users.info" && format!("{call:?}").contains(member);
    slack.until_called(|calls| {
        let is_asked = |member| calls.iter().any(|call| is_of(call, member));
        members.iter().all(is_asked).then_some(())
    });
    let is_info = |call: &&Call| call.method == "users.info";
    let again = |state: &State| (state.calls.iter().filter(is_info).count() > members.len()).then_some(());
    let asked_again = slack.wait_for(Duration::from_secs(1), again);
    assert!(asked_again.is_none(), "{}", slack.calls_as_text());
    instance.stop();
}

pub fn a_request_that_is_changed_or_deleted_is_heard() {
    let office = Office::usual();
    let instance = office.up();
    let slack = &office.slack;
    let mention = slack.say("dev", "ana", "@agent add a kitchen");
    slack.until(&mention, "Plan v1 for T-1");
    slack.edit(&mention, "@agent add a kitchen, a warm one");
    slack.until(&mention, "Plan v2 for T-1");
    slack.until(&mention, "corrected the request");
    slack.delete(&mention);
    slack.until(&mention, "Shall it stop?");
    let question = slack.find(&mention, "Shall it stop?");
    slack.click(&question, "ana", "Stop").answered().unwrap();
    let thread = slack.until(&mention, "stopped by ana");
    assert!(!thread.contains("[Approve and run]"), "nothing is left to press:\n{thread}");
    instance.stop();
}

/// Since 2025 Slack gives some apps fifteen messages a page, and the end of a thread comes last.
pub fn a_thread_of_two_thousand_messages_is_read_from_its_end_fifteen_at_a_time() {
    let office = Office::new(Settings { history_max: 15, ..Settings::default() }, Transport::Socket);
    let slack = &office.slack;
    let report = slack.say("dev", "gus", "the hall is dark");
    (0..2_000).for_each(|n| drop(slack.reply(&report, "gus", &format!("still dark {n}"))));
    let report = slack.change(grown_over_days);
    office.configure("\n[agents.curious]\nkind = \"command\"\ncommand = [\"sh\", \"-c\", \"cat > prompt.md\"]\n");
    let instance = office.up();
    slack.reply(&report, "ana", "@agent look around agent=curious plan=off");
    slack.until(&report, "[Merge]");
    let thread = slack.thread(&report).replace('\u{a0}', " ");
    assert!(thread.contains("read the last 50 messages"), "{thread}");
    slack.reply(&report, "ben", "merge");
    slack.until(&report, "is merged");
    let prompt = office.landed("prompt.md").unwrap();
    let said: Vec<usize> = (0..2_000).filter(|n| prompt.contains(&format!("still dark {n}\n"))).collect();
    assert_eq!(said, (1_950..2_000).collect::<Vec<_>>(), "{prompt}");
    instance.stop();
}

/// A minute and a half between two messages, the last of them just now; gives the first.
fn grown_over_days(state: &mut State) -> String {
    let channel = &mut state.teams[0].channels[0];
    let n = channel.messages.len();
    let moved = |ts: &str, back_s: u64| {
        let (s, us) = ts.split_once('.').unwrap();
        format!("{}.{us}", s.parse::<u64>().unwrap() - back_s)
    };
    let first = moved(&channel.messages[0].ts, 90 * n as u64);
    for (index, message) in channel.messages.iter_mut().enumerate() {
        message.ts = moved(&message.ts, 90 * (n - index) as u64);
        message.thread_ts = message.thread_ts.as_ref().map(|_| first.clone());
    }
    first
}
