//! What makes the app in Slack: its scopes, its events, and where they go. `doctor` compares a live app with the same lists.
//!
//! Source: <https://docs.slack.dev/reference/app-manifest>.

use std::fmt::Write as _;

/// What the bot may do there, and what for.
pub const SCOPES: &[(&str, &str)] = &[
    ("app_mentions:read", "hears who calls it"),
    ("channels:history", "reads the thread around a request in public channels"),
    ("channels:read", "knows in which channels it is"),
    ("chat:write", "answers"),
    ("commands", "has a command and a shortcut"),
    ("files:read", "reads logs and screenshots that people attach"),
    ("groups:history", "reads the thread around a request in private channels it was invited to"),
    ("groups:read", "knows in which private channels it is"),
    ("im:history", "reads direct messages to it"),
    ("im:read", "knows who wrote to it directly"),
    ("mpim:history", "reads group messages it was invited to"),
    ("mpim:read", "knows in which group messages it is"),
    ("reactions:read", "takes an emoji for an answer"),
    ("reactions:write", "shows by an emoji that it has seen something"),
    ("usergroups:read", "knows who is in the groups that the config names"),
    ("users:read", "knows how people are called, and who is a guest"),
];

/// What it is told of.
pub const EVENTS: &[&str] = &[
    "app_home_opened",
    "app_mention",
    "app_uninstalled",
    "member_joined_channel",
    "message.channels",
    "message.groups",
    "message.im",
    "message.mpim",
    "reaction_added",
    "tokens_revoked",
];

/// The id of the shortcut that makes a task of a message.
pub const SHORTCUT: &str = "start_task";

/// The manifest of an app that people call by `name`. With `url`, events go to that address; without, over sockets.
pub fn manifest(name: &str, url: Option<&str>) -> String {
    let name = name.trim_start_matches('@');
    let mut out = format!(
        "# Makes the app: api.slack.com/apps, \"Create New App\", \"From a manifest\".\n\
         display_information:\n  name: {name}\n  description: Conducts the team's coding agents\n  background_color: \"#1f2937\"\n\
         features:\n\
         \x20 app_home:\n    home_tab_enabled: true\n    messages_tab_enabled: true\n    messages_tab_read_only_enabled: false\n\
         \x20 bot_user:\n    display_name: {name}\n    always_online: true\n\
         \x20 shortcuts:\n    - name: Start task from this message\n      type: message\n      callback_id: {SHORTCUT}\n      description: Has an agent work on what this message says\n\
         \x20 slash_commands:\n    - command: /{name}\n      description: Tasks, settings, help\n      usage_hint: tasks | settings | help\n      should_escape: true\n"
    );
    if let Some(url) = url {
        let _ = writeln!(out, "      url: {url}");
    }
    out.push_str("oauth_config:\n  scopes:\n    bot:\n");
    for (scope, why) in SCOPES {
        let _ = writeln!(out, "      - {scope:<20} # {why}");
    }
    out.push_str("settings:\n  event_subscriptions:\n");
    if let Some(url) = url {
        let _ = writeln!(out, "    request_url: {url}");
    }
    out.push_str("    bot_events:\n");
    for event in EVENTS {
        let _ = writeln!(out, "      - {event}");
    }
    out.push_str("  interactivity:\n    is_enabled: true\n");
    if let Some(url) = url {
        let _ = writeln!(out, "    request_url: {url}");
    }
    let _ = writeln!(
        out,
        "  org_deploy_enabled: false\n  socket_mode_enabled: {}\n  token_rotation_enabled: false",
        url.is_none()
    );
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_manifest_that_is_shipped_is_the_one_that_is_made() {
        expect_test::expect_file!["../../../../deploy/slack-manifest.yaml"].assert_eq(&manifest("agent", None));
    }

    #[test]
    fn with_an_address_everything_goes_there() {
        let made = manifest("@agent", Some("https://downbeat.example.org/slack/events"));
        assert_eq!(made.matches("url: https://downbeat.example.org/slack/events").count(), 3, "{made}");
        assert!(made.contains("socket_mode_enabled: false"), "{made}");
    }
}
