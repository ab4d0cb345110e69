//! What people do in Slack beside writing: forms, the shortcut, the command, reactions.

use super::office::{Office, answers};

pub fn a_plan_is_revised_in_a_form() {
    let office = Office::usual();
    let instance = office.up();
    let slack = &office.slack;
    let mention = slack.say("dev", "ana", "@agent paint the hall blue");
    slack.until(&mention, "[Comment…]");
    let form = slack.click_form(&slack.find(&mention, "[Comment…]"), "ben", "Comment…");
    let refused = slack.submit(&form, "ben", &[("words", "")]).answered().unwrap().unwrap();
    assert!(refused["errors"]["words"].is_string() && slack.form(&form).is_some(), "{refused}");
    slack.submit(&form, "ben", &[("words", "a darker one, please")]).answered().unwrap();
    assert!(slack.form(&form).is_none(), "a form that was taken closes");
    let thread = slack.until(&mention, "Plan v2 for");
    assert_eq!(thread.matches("[Approve and run]").count(), 1, "only the newest plan can be approved:\n{thread}");
    instance.stop();
}

pub fn a_message_becomes_a_task_by_the_shortcut() {
    let office = Office::usual();
    let instance = office.up();
    let slack = &office.slack;
    let report = slack.say("dev", "gus", "add a kitchen");
    let form = slack.form_after(&slack.shortcut(&report, "ana", "start_task"));
    assert!(slack.form(&form).unwrap().contains("add a kitchen"), "the form begins with what the message says");
    slack.submit(&form, "ana", &[]).answered().unwrap();
    let thread = slack.until(&report, "[Approve and run]").replace('\u{a0}', " ");
    assert!(thread.contains("asked by ana"), "{thread}");
    instance.stop();
}

pub fn a_command_is_answered_to_its_giver_alone() {
    let office = Office::usual();
    let instance = office.up();
    let slack = &office.slack;
    slack.command("dev", "ana", "/agent", "help").answered().unwrap();
    slack.until_ephemeral("ana", "@agent fix the login redirect");
    slack.until_settled();
    assert_eq!(slack.channel("dev"), "", "nobody else sees it");
    instance.stop();
}

pub fn a_reaction_of_the_asker_stops_the_task() {
    let office = Office::usual();
    let instance = office.up();
    let slack = &office.slack;
    let mention = slack.say("dev", "ana", "@agent paint the hall red");
    slack.until(&mention, "[Approve and run]");
    let plan = slack.find(&mention, "[Approve and run]");
    // Nobody's emoji counts that could not say the same.
    slack.react(&plan, "gus", "octagonal_sign");
    slack.react(&plan, "ana", "x");
    let thread = slack.until(&mention, "stopped by ana");
    assert!(!thread.contains("stopped by gus") && answers(&thread) <= 3, "{thread}");
    instance.stop();
}
