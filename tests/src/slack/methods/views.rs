//! Modals and home tabs.

use serde_json::{Value, json};

use super::super::blocks;
use super::super::refusal::{Answered, Refusal, merge};
use super::super::state::{APP, State};
use super::super::team::OpenView;
use super::Asked;

/// The view that a call carries, when it is as it should be.
fn checked(state: &State, asked: &Asked, kind: &str) -> Result<Value, Refusal> {
    let view = asked.args.value("view").ok_or_else(|| Refusal::missing("view"))?;
    if view["type"] != kind {
        return Err(Refusal::with_messages("invalid_arguments", vec![format!("[ERROR] view must be of type {kind}")]));
    }
    let faults = blocks::view_faults(view, asked.home(state).is_native);
    if faults.is_empty() { Ok(view.clone()) } else { Err(Refusal::with_messages("invalid_arguments", faults)) }
}

/// The view as Slack keeps it: with an id, a hash, and a name for each block.
fn kept(state: &mut State, asked: &Asked, mut view: Value, id: &str) -> Value {
    let hash = format!("{}.hash", state.next("hash"));
    let team = asked.home(state);
    merge(
        &mut view,
        &json!({
            "id": id, "team_id": team.id, "app_id": APP, "app_installed_team_id": team.id, "bot_id": team.bot.bot_id,
            "hash": hash, "root_view_id": id, "previous_view_id": null,
        }),
    );
    for (name, value) in [
        ("private_metadata", json!("")),
        ("callback_id", json!("")),
        ("external_id", json!("")),
        ("clear_on_close", json!(false)),
        ("notify_on_close", json!(false)),
        ("state", json!({ "values": {} })),
        ("close", Value::Null),
        ("submit", Value::Null),
    ] {
        if view.get(name).is_none() {
            view[name] = value;
        }
    }
    for (n, block) in view["blocks"].as_array_mut().into_iter().flatten().enumerate() {
        if block.get("block_id").is_none() {
            block["block_id"] = json!(format!("v{n}"));
        }
    }
    view
}

pub fn open(state: &mut State, asked: &Asked) -> Answered {
    let view = checked(state, asked, "modal")?;
    let user = state.use_trigger(asked.args.need("trigger_id")?)?;
    let external = view["external_id"].as_str().unwrap_or_default();
    let is_taken = |it: &OpenView| it.is_open && !external.is_empty() && it.view["external_id"] == external;
    if asked.home(state).views.values().any(is_taken) {
        return Err(Refusal::of("duplicate_external_id"));
    }
    Ok(json!({ "view": show(state, asked, view, user) }))
}

fn show(state: &mut State, asked: &Asked, view: Value, user: String) -> Value {
    let id = format!("V0{:06}", state.next("view"));
    let view = kept(state, asked, view, &id);
    state.teams[asked.at].views.insert(id, OpenView { user, view: view.clone(), is_open: true });
    view
}

pub fn push(state: &mut State, asked: &Asked) -> Answered {
    open(state, asked)
}

pub fn update(state: &mut State, asked: &Asked) -> Answered {
    let view = checked(state, asked, "modal")?;
    let views = &asked.home(state).views;
    let named = |it: &&OpenView| match asked.args.text("view_id") {
        Some(id) => it.view["id"] == id,
        None => asked.args.text("external_id").is_some_and(|external| it.view["external_id"] == external),
    };
    let known = views.values().find(named).filter(|it| it.is_open).ok_or_else(|| Refusal::of("not_found"))?;
    if asked.args.text("hash").is_some_and(|hash| known.view["hash"] != hash) {
        return Err(Refusal::of("hash_conflict"));
    }
    let (id, user) = (known.view["id"].as_str().unwrap_or_default().to_owned(), known.user.clone());
    let view = kept(state, asked, view, &id);
    state.teams[asked.at].views.insert(id, OpenView { user, view: view.clone(), is_open: true });
    Ok(json!({ "view": view }))
}

pub fn publish(state: &mut State, asked: &Asked) -> Answered {
    let view = checked(state, asked, "home")?;
    let user = asked.args.need("user_id")?.to_owned();
    if asked.home(state).user(&user).is_none() {
        return Err(Refusal::of("user_not_found"));
    }
    let old = asked.home(state).homes.get(&user);
    let is_stale = |hash: &str| old.is_some_and(|old| old["hash"] != hash);
    if asked.args.text("hash").is_some_and(is_stale) {
        return Err(Refusal::of("hash_conflict"));
    }
    let id = format!("V0HOME{user}");
    let view = kept(state, asked, view, &id);
    state.teams[asked.at].homes.insert(user, view.clone());
    Ok(json!({ "view": view }))
}

impl State {
    /// A view that the app gave as the answer to a submission.
    pub fn take_view(&mut self, team: &str, user: &str, id: Option<&str>, view: Value) {
        let Some(at) = self.teams.iter().position(|it| it.id == team) else { return };
        let asked = Asked { at, team: team.to_owned(), args: super::Args::default() };
        if !blocks::view_faults(&view, self.teams[at].is_native).is_empty() {
            return;
        }
        match id {
            Some(id) => {
                let view = kept(self, &asked, view, id);
                self.teams[at].views.insert(id.to_owned(), OpenView { user: user.to_owned(), view, is_open: true });
            }
            None => {
                show(self, &asked, view, user.to_owned());
            }
        }
    }
}
