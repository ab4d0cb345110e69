//! The questions about Slack, and what a person does there meanwhile.

use std::collections::BTreeMap;

use domain::Person;

use super::interview::{Interview, Question};
use crate::config::slack_member;

/// What is to be done in Slack, told before it is needed.
const STEPS: &str = "
  In Slack, once:
  1. downbeat slack manifest        prints what makes the app; at api.slack.com/apps: Create New App, From a manifest
  2. \"Install App\" → Install         copy the Bot User OAuth Token:   export SLACK_BOT_TOKEN=xoxb-…
  3. \"Basic Information\" → App-Level Tokens → Generate, with the scope connections:write:
                                    export SLACK_APP_TOKEN=xapp-…
  4. in a channel: /invite @agent";

/// The accounts of people in Slack; empty where it is not used. The first person is whoever answers.
pub(super) fn choose_accounts(
    interview: Interview,
    named: Option<String>,
    people: &[Person],
) -> anyhow::Result<BTreeMap<Person, String>> {
    let mut accounts = BTreeMap::new();
    let rule = |id: &str| if id.is_empty() { Ok(()) } else { slack_member(id) };
    for (n, person) in people.iter().enumerate() {
        let asks = match n {
            0 => "Your member ID in Slack?".to_owned(),
            _ => format!("The member ID of {person} in Slack?"),
        };
        let help = "in Slack: profile, ⋮, \"Copy member ID\"; Enter for none: then you talk at the console";
        let id = match (&named, n) {
            (Some(id), 0) => id.clone(),
            _ => interview.text(Question { asks: &asks, help }, "", rule)?,
        };
        if id.is_empty() && n == 0 {
            return Ok(accounts);
        }
        if !id.is_empty() {
            accounts.insert(person.clone(), id);
        }
        if n == 0 {
            interview.tell(STEPS);
        }
    }
    Ok(accounts)
}
