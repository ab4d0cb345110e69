//! What people see, and what the app did.

use std::time::Duration;

use serde_json::Value;

use super::record::{Ack, Call};
use super::team::Message;
use super::transcript::{entry, thread, transcript, view, words};
use super::{Form, Progress, SlackServer, State, shapes};

impl SlackServer {
    /// A thread as people see it, one entry a message.
    pub fn thread(&self, ts: &str) -> String {
        self.desk.look(|state| thread_of(state, ts)).unwrap_or_default()
    }

    /// What stands in a channel itself, as people see it.
    pub fn channel(&self, name: &str) -> String {
        let (team, channel) = self.place_of(name);
        self.desk.look(|state| {
            let home = state.team(&team).expect("the workspace is there");
            let place = home.channel(&channel).expect("the channel is there");
            transcript(home, place.messages.iter().filter(|message| message.is_top()))
        })
    }

    /// One message as the API shows it.
    pub fn message(&self, ts: &str) -> Value {
        let (team, channel) = self.home_of(ts);
        self.desk.look(|state| {
            let home = state.team(&team).expect("the workspace is there");
            let place = home.channel(&channel).expect("the channel is there");
            place.message(ts).map(|it| shapes::message(home, place, it, &state.base)).unwrap_or_default()
        })
    }

    /// The mention in a message as an event of Slack tells it, whole.
    pub fn event_of(&self, ts: &str) -> Value {
        let mut event = self.message(ts);
        let (team, channel) = self.home_of(ts);
        event["type"] = Value::from("app_mention");
        event["channel"] = Value::from(channel);
        event["event_ts"] = Value::from(ts);
        self.desk.change(|state| state.callback(&team, event))
    }

    /// What the app keeps with a message.
    pub fn metadata(&self, ts: &str) -> Option<Value> {
        let (team, channel) = self.home_of(ts);
        self.desk.look(|state| state.team(&team)?.channel(&channel)?.message(ts)?.metadata.clone())
    }

    /// Waits until a thread shows these words, and gives the thread. Panics when it takes too long.
    pub fn until(&self, ts: &str, wanted: &str) -> String {
        let found = self.wait(|state| thread_of(state, ts).filter(|thread| thread.contains(wanted)));
        found.unwrap_or_else(|| {
            panic!("{wanted:?} did not come; the thread is:\n{}\n{}", self.thread(ts), self.calls_as_text())
        })
    }

    /// The newest message of a thread that shows these words. Panics where none does.
    pub fn find(&self, ts: &str, wanted: &str) -> String {
        let (team, channel) = self.home_of(ts);
        let found = self.desk.look(|state| {
            let home = state.team(&team)?;
            let shows = |message: &&Message| entry(home, message).contains(wanted);
            thread(home.channel(&channel)?, ts).filter(shows).last().map(|message| message.ts.clone())
        });
        found.unwrap_or_else(|| panic!("no message shows {wanted:?}; the thread is:\n{}", self.thread(ts)))
    }

    /// What only this person was shown, oldest first.
    pub fn ephemeral_to(&self, user: &str) -> Vec<String> {
        self.desk.look(|state| ephemerals(state, user))
    }

    /// Waits until somebody alone was shown these words, and gives all of that message.
    pub fn until_ephemeral(&self, user: &str, wanted: &str) -> String {
        let found = self.wait(|state| ephemerals(state, user).into_iter().rfind(|words| words.contains(wanted)));
        found.unwrap_or_else(|| panic!("{user} was not shown {wanted:?} but {:?}", self.ephemeral_to(user)))
    }

    /// Somebody's home tab, as they see it; empty before the app published one.
    pub fn home(&self, user: &str) -> String {
        self.desk.look(|state| home_of(state, user)).unwrap_or_default()
    }

    /// Waits until somebody's home tab shows these words, and gives it.
    pub fn until_home(&self, user: &str, wanted: &str) -> String {
        let found = self.wait(|state| home_of(state, user).filter(|home| home.contains(wanted)));
        found.unwrap_or_else(|| panic!("{user}'s home tab shows no {wanted:?} but:\n{}", self.home(user)))
    }

    /// A modal, as its reader sees it; none when it is closed.
    pub fn form(&self, form: &Form) -> Option<String> {
        self.desk.look(|state| {
            let home = state.team(&form.team)?;
            home.views.get(&form.id).filter(|open| open.is_open).map(|open| view(home, &open.view))
        })
    }

    /// The newest modal that is open on somebody's screen.
    pub fn newest_form(&self, user: &str) -> Option<Form> {
        self.desk.look(|state| {
            state.teams.iter().find_map(|team| {
                let is_theirs = |open: &super::team::OpenView| open.is_open && team.name_of(&open.user) == user;
                let (id, _) = team.views.iter().rfind(|(_, open)| is_theirs(open))?;
                Some(Form { team: team.id.clone(), id: id.clone() })
            })
        })
    }

    /// A modal, as the API shows it.
    pub fn form_view(&self, form: &Form) -> Option<Value> {
        self.desk.look(|state| state.team(&form.team)?.views.get(&form.id).map(|open| open.view.clone()))
    }

    /// The line under a thread that says what the app does.
    pub fn status(&self, ts: &str) -> Option<String> {
        let (team, channel) = self.home_of(ts);
        self.desk.look(|state| state.team(&team)?.statuses.get(&(channel, ts.to_owned())).cloned())
    }

    /// How a thread stands as an agent session: its status and title.
    pub fn session(&self, ts: &str) -> Option<(String, String)> {
        let (team, channel) = self.home_of(ts);
        self.desk.look(|state| state.team(&team)?.sessions.get(&(channel, ts.to_owned())).cloned())
    }

    /// The messages of a thread that grow.
    pub fn growing(&self, ts: &str) -> Vec<String> {
        let (team, channel) = self.home_of(ts);
        self.desk.look(|state| {
            let place = state.team(&team).and_then(|home| home.channel(&channel)).expect("the channel is there");
            place.replies(ts).filter(|it| it.stream.is_some()).map(|it| it.ts.clone()).collect()
        })
    }

    /// Every call so far, oldest first.
    pub fn calls(&self) -> Vec<Call> {
        self.desk.look(|state| state.calls.clone())
    }

    /// The calls of one method.
    pub fn calls_of(&self, method: &str) -> Vec<Call> {
        self.calls().into_iter().filter(|call| call.method == method).collect()
    }

    /// Every call, one a line.
    pub fn calls_as_text(&self) -> String {
        self.calls().iter().map(|call| format!("{call}\n")).collect()
    }

    /// The calls that were too many for their rate.
    pub fn over_the_limit(&self) -> Vec<Call> {
        self.calls().into_iter().filter(|call| call.is_over).collect()
    }

    /// Every acknowledgement, in the order of what was delivered.
    pub fn acks(&self) -> Vec<Ack> {
        self.desk.look(|state| state.deliveries.iter().flat_map(|it| it.acks.clone()).collect())
    }

    /// What was delivered: what it was and how far it is, oldest first.
    pub fn deliveries(&self) -> Vec<(String, Progress)> {
        self.desk.look(|state| state.deliveries.iter().map(|it| (it.what.clone(), it.progress.clone())).collect())
    }

    /// Waits until everything that was owed is acknowledged or lost.
    pub fn until_settled(&self) {
        let settled = self.wait(|state| state.open_deliveries.is_empty().then_some(()));
        settled.unwrap_or_else(|| panic!("not everything was acknowledged: {:?}", self.deliveries()));
    }

    /// Waits until this many sockets are open.
    pub fn until_connected(&self, n: usize) {
        let connected = self.wait(|state| (state.connections.len() >= n).then_some(()));
        connected.unwrap_or_else(|| panic!("{n} sockets did not open:\n{}", self.calls_as_text()));
    }

    /// Waits for something in the record of calls.
    pub fn until_called<T>(&self, mut look: impl FnMut(&[Call]) -> Option<T>) -> T {
        let found = self.wait(|state| look(&state.calls));
        found.unwrap_or_else(|| panic!("the call did not come; called was:\n{}", self.calls_as_text()))
    }

    /// Waits for something in the state, for this long.
    pub fn wait_for<T>(&self, patience: Duration, look: impl FnMut(&State) -> Option<T>) -> Option<T> {
        self.desk.until(patience, look)
    }

    /// The sockets that are open, by number.
    pub fn connections(&self) -> Vec<u64> {
        self.desk.look(|state| state.connections.iter().map(|connection| connection.id).collect())
    }

    /// The workspace and the channel with this name or id; `@ana` is ana's direct message with the app.
    pub(super) fn place_of(&self, channel: &str) -> (String, String) {
        let name = channel.trim_start_matches('#');
        let found = self.desk.change(|state| {
            let known = state.teams.iter().find_map(|team| {
                let place = team.channels.iter().find(|it| it.name == name || it.id == name)?;
                Some((team.id.clone(), place.id.clone()))
            });
            known.or_else(|| {
                let user = name.strip_prefix('@')?;
                let team = state.teams.first()?;
                let (team, user) = (team.id.clone(), team.users.iter().find(|it| it.name == user)?.id.clone());
                let direct = state.direct(&team, &user).ok()?;
                Some((team, direct))
            })
        });
        found.unwrap_or_else(|| panic!("there is no channel {channel:?}"))
    }

    /// The workspace and the channel of a message.
    pub(super) fn home_of(&self, ts: &str) -> (String, String) {
        self.desk.look(|state| home_of_message(state, ts)).unwrap_or_else(|| panic!("there is no message {ts}"))
    }

    /// The id of a message's channel.
    pub fn channel_of(&self, ts: &str) -> String {
        self.home_of(ts).1
    }

    pub(super) fn first_team(&self) -> String {
        self.desk.look(|state| state.teams[0].id.clone())
    }
}

fn home_of_message(state: &State, ts: &str) -> Option<(String, String)> {
    state.teams.iter().find_map(|team| {
        let channel = team.channels.iter().find(|channel| channel.message(ts).is_some())?;
        Some((team.id.clone(), channel.id.clone()))
    })
}

fn thread_of(state: &State, ts: &str) -> Option<String> {
    let (team, channel) = home_of_message(state, ts)?;
    let home = state.team(&team)?;
    Some(transcript(home, thread(home.channel(&channel)?, ts)))
}

fn ephemerals(state: &State, user: &str) -> Vec<String> {
    let mut shown = Vec::new();
    for team in &state.teams {
        let is_theirs = |id: &str| id == user || team.name_of(id) == user;
        let theirs = team.ephemerals.iter().filter(|it| is_theirs(&it.user));
        shown.extend(theirs.map(|it| words(team, &it.message)));
    }
    shown
}

fn home_of(state: &State, user: &str) -> Option<String> {
    let team = state.teams.first()?;
    let id = &team.users.iter().find(|it| it.name == user)?.id;
    team.homes.get(id).map(|home| view(team, home))
}
