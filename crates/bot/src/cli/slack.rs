//! `downbeat slack`: what makes the app there.

use clap::Subcommand;

use super::exit::Exit;
use super::instance::print;
use crate::slack::manifest::manifest;

/// What can be done about Slack.
#[derive(Subcommand, Clone, Debug)]
pub enum SlackVerb {
    /// Print the manifest that makes the app: api.slack.com/apps, "Create New App", "From a manifest"
    Manifest {
        /// The name by which people call
        #[arg(long, default_value = "agent", value_parser = name)]
        name: String,
        /// Where Slack reaches this installation, for `slack.transport = "http"`; without it events come over sockets
        #[arg(long, value_name = "URL", value_parser = address)]
        url: Option<String>,
    },
}

/// Does one of them.
pub fn run(verb: SlackVerb) -> Exit {
    let SlackVerb::Manifest { name, url } = verb;
    print(&manifest(&name, url.as_deref()));
    Exit::Done
}

/// Slack's own rule for the name of a bot and of a command.
fn name(text: &str) -> Result<String, String> {
    let name = text.trim_start_matches('@');
    let is_usual = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || matches!(c, '-' | '_');
    let fits = (1..=32).contains(&name.len()) && name.chars().all(is_usual);
    if fits { Ok(name.to_owned()) } else { Err("1 to 32 small letters, digits, `-` or `_`".to_owned()) }
}

fn address(text: &str) -> Result<String, String> {
    let rest = text.strip_prefix("https://").ok_or("Slack calls https addresses alone")?;
    let is_whole = !rest.is_empty() && !rest.contains(char::is_whitespace);
    let path = if text.ends_with("/slack/events") { "" } else { "/slack/events" };
    if is_whole { Ok(format!("{}{path}", text.trim_end_matches('/'))) } else { Err("it names no host".to_owned()) }
}
