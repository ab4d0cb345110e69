//! Slack: whether its tokens are right, whether the app may do what it has to, and whether people are who the config says.

use std::sync::Arc;
use std::time::Duration;

use domain::time::humanize;
use domain::{Clock, Timestamp};
use serde_json::{Value, json};

use super::Site;
use super::finding::{Finding, Group};
use crate::chat::messenger::Urgency;
use crate::clock::SystemClock;
use crate::config::{Config, SlackConfig, SlackTransport};
use crate::slack::client::{Client, SlackError};
use crate::slack::manifest::SCOPES;
use crate::slack::schedule::Schedule;
use crate::slack::status::Standing;

const GROUP: Group = Group::Slack;
/// How many people are asked about: a person waits for it.
const PEOPLE_MAX: usize = 20;

/// Looks at Slack, where it is configured. With a channel, a message is sent there and taken back.
pub async fn look(site: &Site, probe: Option<&str>) -> Vec<Finding> {
    let config = site.config();
    let Some(slack) = &config.slack else { return Vec::new() };
    let client = Client::new(&slack.api_url, &slack.bot_token, Schedule::new(Arc::new(SystemClock)));
    let client = match client {
        Ok(client) => client,
        Err(error) => {
            return vec![Finding::fail(
                GROUP,
                format!("no client can be made: {error}"),
                "install the package ca-certificates",
            )];
        }
    };
    let mut findings = match client.act("auth.test", &json!({}), Urgency::NeedsHuman).await {
        Ok(told) => {
            let text = |key: &str| told[key].as_str().unwrap_or("?").to_owned();
            vec![Finding::ok(GROUP, format!("the bot's token is right: {} in {}", text("user"), text("team")))]
        }
        Err(error) => return vec![refused("the bot's token", ("slack.bot_token", &slack.api_url), &error)],
    };
    findings.push(scopes(&client).await);
    findings.extend(way_in(slack).await);
    findings.push(channels(&client).await);
    findings.extend(people(&client, config).await);
    findings.extend(site.running.as_ref().map(|running| live(running.slack.as_ref())));
    if let Some(channel) = probe {
        findings.push(say_and_take_back(&client, channel).await);
    }
    findings
}

fn refused(what: &str, (key, api_url): (&str, &str), error: &SlackError) -> Finding {
    match error {
        SlackError::Refused { method, code } => Finding::fail(
            GROUP,
            format!("{what} does not work: Slack refuses {method}: {code}"),
            format!("copy it anew from the app's pages at api.slack.com/apps into `{key}`"),
        ),
        SlackError::Away { why, .. } => Finding::fail(
            GROUP,
            format!("Slack is not reached at {api_url}: {why}"),
            "see that this machine reaches that address itself; HTTPS_PROXY is not used",
        ),
        SlackError::Limited { .. } => {
            Finding::fail(GROUP, format!("{what} was not tried: {error}"), "try again in a minute")
        }
    }
}

async fn scopes(client: &Client) -> Finding {
    let live = match client.scopes().await {
        Ok(live) => live,
        Err(error) => return Finding::warn(GROUP, format!("its scopes cannot be read: {error}"), "try again"),
    };
    let missing: Vec<String> = SCOPES
        .iter()
        .filter(|(scope, _)| !live.iter().any(|has| has == scope))
        .map(|(scope, why)| format!("{scope} ({why})"))
        .collect();
    if missing.is_empty() {
        return Finding::ok(GROUP, format!("the app has all {} scopes", SCOPES.len()));
    }
    let fix = "add them under \"OAuth & Permissions\" of the app, or paste `downbeat slack manifest` into \"App Manifest\"; then \"Reinstall to Workspace\"";
    Finding::fail(GROUP, format!("the app lacks {}", missing.join(", ")), fix)
}

/// Whether events can come in.
async fn way_in(slack: &SlackConfig) -> Vec<Finding> {
    match (slack.transport, &slack.app_token) {
        (SlackTransport::Socket, Some(token)) => {
            let client = Client::new(&slack.api_url, token, Schedule::new(Arc::new(SystemClock)));
            let opened = match client {
                Ok(client) => client.act("apps.connections.open", &json!({}), Urgency::NeedsHuman).await,
                Err(error) => {
                    return vec![Finding::fail(GROUP, error.to_string(), "install the package ca-certificates")];
                }
            };
            vec![match opened {
                Ok(_) => Finding::ok(GROUP, "a socket can be opened"),
                Err(error) => refused("the app-level token", ("slack.app_token", &slack.api_url), &error),
            }]
        }
        (SlackTransport::Http, _) => vec![Finding::ok(
            GROUP,
            format!(
                "signed requests are taken at {}/slack/events; that Slack reaches it, only Slack can tell: \"Event Subscriptions\" of the app",
                slack.listen
            ),
        )],
        (SlackTransport::Socket, None) => Vec::new(),
    }
}

async fn channels(client: &Client) -> Finding {
    let params = [("types", "public_channel,private_channel".to_owned()), ("limit", "200".to_owned())];
    match client.read_all("users.conversations", &params, "channels", 5).await {
        Ok(channels) if channels.is_empty() => {
            Finding::warn(GROUP, "the app is in no channel", "say /invite and its name in a channel")
        }
        Ok(channels) => {
            let mut names: Vec<_> =
                channels.iter().filter_map(|channel| channel["name"].as_str()).map(|name| format!("#{name}")).collect();
            names.truncate(5);
            Finding::ok(
                GROUP,
                format!(
                    "the app is in {} channel{}: {}",
                    channels.len(),
                    if channels.len() == 1 { "" } else { "s" },
                    names.join(", ")
                ),
            )
        }
        Err(error) => {
            Finding::warn(GROUP, format!("its channels cannot be read: {error}"), "add the scopes that are missing")
        }
    }
}

/// Whether the accounts of the config are there, and whose they are.
async fn people(client: &Client, config: &Config) -> Vec<Finding> {
    let mut findings = Vec::new();
    let mut found = Vec::new();
    let listed = config.people.iter().filter_map(|(person, of)| Some((person, of.slack.as_ref()?)));
    for (person, account) in listed.take(PEOPLE_MAX) {
        match client.read("users.info", &[("user", account.clone())]).await {
            Ok(told) => {
                let user: &Value = &told["user"];
                let name =
                    user["profile"]["real_name"].as_str().or(user["real_name"].as_str()).or(user["name"].as_str());
                found.push(format!("{person} is {}", name.unwrap_or(account)));
            }
            Err(error) => findings.push(Finding::fail(
                GROUP,
                format!("{person} is not to be found as {account}: {error}"),
                format!("in Slack: their profile, ⋮, \"Copy member ID\"; set `people.{person}.slack`"),
            )),
        }
    }
    if found.is_empty() && findings.is_empty() {
        let fix = "give people their account: `people.NAME.slack`, from \"Copy member ID\" in their profile";
        return vec![Finding::warn(
            GROUP,
            "nobody of the config has an account in Slack, so nobody may do anything there",
            fix,
        )];
    }
    if !found.is_empty() {
        findings.insert(0, Finding::ok(GROUP, found.join(", ")));
    }
    findings
}

/// What the running instance sees of it: each connection's age, and when anything came over it last.
fn live(standing: Option<&Standing>) -> Finding {
    let Some(standing) = standing else {
        let fix = "stop it and start it again: `slack` is read at the start";
        return Finding::warn(GROUP, "the running instance does not use Slack", fix);
    };
    let now = SystemClock.now();
    let ago = |at: Timestamp| format!("{} ago", humanize(Duration::from_secs(now.since(at).as_secs())));
    let heard =
        |at: Option<Timestamp>| at.map_or("nothing heard yet".to_owned(), |at| format!("heard something {}", ago(at)));
    let connections = standing.connections.iter().map(|(name, connection)| {
        format!("\n{name}: opened {}, {}", ago(connection.since), heard(connection.last_event))
    });
    let connections: String = connections.collect();
    let looked = standing.looked_at.map_or("the history was not looked through yet".to_owned(), |at| {
        format!("the history was looked through {}, {} messages were found there alone", ago(at), standing.found_late)
    });
    let refused = standing.refused.iter().map(|(what, code)| {
        format!("\nthe workspace has no {what} ({code}): the card shows the same without, until a restart")
    });
    let refused: String = refused.collect();
    let what = format!(
        "over {}: {}, {} kept; {looked}{connections}{refused}",
        standing.transport,
        heard(standing.last_event),
        standing.kept
    );
    match (standing.is_uninstalled, standing.transport == "socket" && standing.connections.is_empty()) {
        (true, _) => {
            Finding::fail(GROUP, "the app was removed from the workspace", "install it anew and set `slack.bot_token`")
        }
        (false, true) => Finding::fail(
            GROUP,
            format!("no socket is open; {what}"),
            "see the log of the running instance; events wait until one is",
        ),
        (false, false) => Finding::ok(GROUP, what),
    }
}

/// Posts a message and deletes it, which is all that answering takes.
async fn say_and_take_back(client: &Client, channel: &str) -> Finding {
    let body = json!({ "channel": channel, "text": "Downbeat's doctor was here; this message goes at once." });
    let posted = match client.act("chat.postMessage", &body, Urgency::NeedsHuman).await {
        Ok(posted) => posted,
        Err(error) => {
            let is_id = channel.starts_with(['C', 'G', 'D'])
                && channel.chars().all(|c| c.is_ascii_digit() || c.is_ascii_uppercase());
            let fix = match is_id {
                true => "say /invite and the app's name there, or name another channel",
                false => {
                    "name the channel by its ID, such as C024BE91L: in Slack a click on its name, at the end of \"About\""
                }
            };
            let code = error.code().map_or_else(|| error.to_string(), str::to_owned);
            return Finding::fail(GROUP, format!("nothing can be said in {channel}: {code}"), fix);
        }
    };
    let body = json!({ "channel": posted["channel"], "ts": posted["ts"] });
    match client.act("chat.delete", &body, Urgency::NeedsHuman).await {
        Ok(_) => Finding::ok(GROUP, format!("a message was said in {channel} and taken back")),
        Err(error) => {
            Finding::warn(GROUP, format!("a message was said in {channel}, and stays: {error}"), "delete it by hand")
        }
    }
}
