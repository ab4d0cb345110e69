//! Files: uploads in two steps, and what a file is.

use serde_json::{Value, json};

use super::super::refusal::{Answered, Refusal};
use super::super::shapes;
use super::super::state::State;
use super::super::team::{File, Message};
use super::{Asked, objects};

pub fn begin_upload(state: &mut State, asked: &Asked) -> Answered {
    let name = asked.args.need("filename")?.to_owned();
    let length = asked.args.number("length").ok_or_else(|| Refusal::missing("length"))?;
    if length == 0 {
        return Err(Refusal::of("missing_length"));
    }
    let id = format!("F0{:06}", state.next("file"));
    let team = &mut state.teams[asked.at];
    let file = File {
        id: id.clone(),
        title: name.clone(),
        name,
        bytes: Vec::new(),
        user: team.bot.user.clone(),
        channels: std::collections::BTreeSet::new(),
        is_complete: false,
    };
    team.files.insert(id.clone(), file);
    Ok(json!({ "upload_url": format!("{}/upload/v1/{}/{id}", state.base, asked.team), "file_id": id }))
}

pub fn complete_upload(state: &mut State, asked: &Asked) -> Answered {
    let files = objects(&asked.args, "files", "invalid_arguments")?;
    let mut ids = Vec::new();
    for wanted in &files {
        let id = wanted["id"].as_str().ok_or_else(|| Refusal::missing("files"))?;
        let file = state.teams[asked.at].files.get_mut(id).filter(|file| !file.bytes.is_empty());
        let file = file.ok_or_else(|| Refusal::of("file_not_found"))?;
        file.is_complete = true;
        if let Some(title) = wanted["title"].as_str() {
            title.clone_into(&mut file.title);
        }
        ids.push(id.to_owned());
    }
    if asked.args.text("channel_id").is_some() {
        share(state, asked, ids.clone())?;
    }
    let team = asked.home(state);
    let shapes = ids.iter().filter_map(|id| Some(shapes::file(team, team.files.get(id)?, &state.base)));
    Ok(json!({ "files": shapes.collect::<Vec<Value>>() }))
}

fn share(state: &mut State, asked: &Asked, files: Vec<String>) -> Result<(), Refusal> {
    let channel = asked.joined(state, "channel_id", "write")?.id.clone();
    let bot = &asked.home(state).bot;
    let message = Message {
        user: bot.user.clone(),
        bot_id: Some(bot.bot_id.clone()),
        text: asked.args.text("initial_comment").unwrap_or_default().to_owned(),
        thread_ts: asked.args.text("thread_ts").map(str::to_owned),
        subtype: Some("file_share".to_owned()),
        files,
        ..Message::default()
    };
    let ts = state.keep(&asked.team, &channel, message)?;
    state.tell_of_message(&asked.team, &channel, &ts);
    Ok(())
}

pub fn one(state: &mut State, asked: &Asked) -> Answered {
    let team = asked.home(state);
    let file = team.files.get(asked.args.need("file")?).filter(|file| file.is_complete);
    let file = file.ok_or_else(|| Refusal::of("file_not_found"))?;
    Ok(json!({ "file": shapes::file(team, file, &state.base), "comments": [] }))
}
