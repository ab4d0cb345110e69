//! What is new on the screens, for a person who tries the server by hand.

use std::collections::BTreeMap;
use std::time::Duration;

use super::transcript::{entry, view, words};
use super::{SlackServer, State};

/// What was on the screens when somebody looked last.
#[derive(Debug, Default)]
pub struct Screens(BTreeMap<String, String>);

impl SlackServer {
    /// Waits until something on the screens is new, for this long at most, and gives it as lines.
    pub fn news(&self, screens: &mut Screens, patience: Duration) -> Vec<String> {
        let new = self.desk.until(patience, |state| {
            let shown = shown(state);
            let is_new = |(key, text): &(String, String)| screens.0.get(key) != Some(text);
            let new: Vec<(String, String)> = shown.into_iter().filter(is_new).collect();
            (!new.is_empty()).then_some(new)
        });
        new.unwrap_or_default().into_iter().map(|(key, text)| screens.take(key, text)).collect()
    }
}

impl Screens {
    fn take(&mut self, key: String, text: String) -> String {
        let was_there = self.0.insert(key.clone(), text.clone()).is_some();
        let sign = match (key.split(' ').next(), was_there) {
            (Some("reply"), false) => "  ",
            (Some("reply"), true) => "↻ ",
            (_, true) => "↻ ",
            (_, false) => "",
        };
        format!("{sign}{}", text.replace('\n', "\n  "))
    }
}

/// Everything that somebody can see, in the order in which it is shown, each under a key of its own.
fn shown(state: &State) -> Vec<(String, String)> {
    let mut shown = Vec::new();
    for team in &state.teams {
        for channel in &team.channels {
            for message in &channel.messages {
                let (kind, place) =
                    if message.is_top() { ("top", format!("#{} ", channel.name)) } else { ("reply", String::new()) };
                shown.push((format!("{kind} {}", message.ts), format!("{place}{}", entry(team, message))));
            }
        }
        for it in &team.ephemerals {
            let text = format!("(only {} sees this) {}", team.name_of(&it.user), words(team, &it.message));
            shown.push((format!("reply {}", it.message.ts), text));
        }
        for (user, home) in &team.homes {
            let text = format!("{}'s home tab\n{}", team.name_of(user), view(team, home));
            shown.push((format!("home {user}"), text));
        }
        for (id, open) in team.views.iter().filter(|(_, open)| open.is_open) {
            let text = format!("{} sees a form\n{}", team.name_of(&open.user), view(team, &open.view));
            shown.push((format!("form {id}"), text));
        }
    }
    shown
}
