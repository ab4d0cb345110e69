//! Messages as people see them, as plain text: `ana: @agent fix it`, `agent: A plan … [Approve] [Cancel]`.

use serde_json::Value;

use super::shapes::unescaped;
use super::team::{Channel, Message, Team};

/// A thread, or the whole channel's own messages, one entry each.
pub fn transcript<'a>(team: &Team, messages: impl IntoIterator<Item = &'a Message>) -> String {
    messages.into_iter().map(|message| entry(team, message) + "\n").collect()
}

/// The messages of a thread, its root first.
pub fn thread<'a>(channel: &'a Channel, ts: &'a str) -> impl Iterator<Item = &'a Message> {
    channel.message(ts).into_iter().chain(channel.replies(ts))
}

/// Who said what, with what can be pressed and what others think of it.
pub fn entry(team: &Team, message: &Message) -> String {
    if message.is_tombstone() {
        return "(deleted)".to_owned();
    }
    let mut entry = format!("{}: {}", team.name_of(&message.user), words(team, message).replace('\n', "\n  "));
    if message.edited.is_some() {
        entry.push_str(" (edited)");
    }
    for (name, users) in &message.reactions {
        let users: Vec<String> = users.iter().map(|user| team.name_of(user)).collect();
        entry.push_str(&format!(" :{name}: {}", users.join(", ")));
    }
    entry
}

/// What a message says: its blocks where it has some, as people see them and not the text.
pub fn words(team: &Team, message: &Message) -> String {
    let mut lines = Vec::new();
    let is_of_person = message.bot_id.is_none();
    if message.blocks.is_empty() || is_of_person || message.stream.is_some() {
        lines.push(readable(team, &message.text));
    }
    if let Some(stream) = &message.stream {
        lines.extend(stream.plan.clone());
        lines.extend(stream.tasks.iter().map(task));
    }
    if !is_of_person {
        lines.extend(message.blocks.iter().map(|it| block(team, it)));
    }
    lines.extend(message.attachments.iter().map(|it| readable(team, said(&it["text"]))));
    let names = message.files.iter().filter_map(|id| team.files.get(id));
    lines.extend(names.map(|file| format!("[file {}]", file.title)));
    lines.retain(|line| !line.is_empty());
    lines.join("\n")
}

/// A modal or a home tab, as people see it.
pub fn view(team: &Team, view: &Value) -> String {
    let title = view["title"]["text"].as_str().into_iter().map(|title| format!("== {title} =="));
    let blocks = view["blocks"].as_array().into_iter().flatten().map(|it| block(team, it));
    let ends = ["submit", "close"].into_iter().filter_map(|name| Some(format!("[{}]", view[name]["text"].as_str()?)));
    let end = ends.collect::<Vec<_>>().join(" ");
    let lines: Vec<String> = title.chain(blocks).chain([end]).filter(|line| !line.is_empty()).collect();
    lines.join("\n")
}

/// One block.
fn block(team: &Team, block: &Value) -> String {
    let list = |name: &str| block[name].as_array().into_iter().flatten();
    match block["type"].as_str().unwrap_or_default() {
        "section" => {
            let fields = list("fields").map(|field| text(team, field));
            let parts = [text(team, &block["text"])].into_iter().chain(fields).chain([element(&block["accessory"])]);
            parts.filter(|part| !part.is_empty()).collect::<Vec<_>>().join(" ")
        }
        "header" => format!("# {}", text(team, &block["text"])),
        "markdown" => readable(team, said(&block["text"])),
        "divider" => "---".to_owned(),
        "context" => list("elements").map(|it| text(team, it)).collect::<Vec<_>>().join(" · "),
        "actions" | "context_actions" => list("elements").map(element).collect::<Vec<_>>().join(" "),
        "image" => format!("[image {}]", said(&block["alt_text"])),
        "input" => format!("{}: {}", said(&block["label"]["text"]), element(&block["element"])),
        "plan" => {
            let tasks = list("tasks").map(task);
            [said(&block["title"]).to_owned()].into_iter().chain(tasks).collect::<Vec<_>>().join("\n")
        }
        "task_card" => task(block),
        "rich_text" => rich(team, block).trim_end().to_owned(),
        "table" => list("rows").map(|row| cells(team, row)).collect::<Vec<_>>().join("\n"),
        other => format!("[{other}]"),
    }
}

fn cells(team: &Team, row: &Value) -> String {
    let cells = row.as_array().into_iter().flatten();
    let cell = |it: &Value| if it["type"] == "rich_text" { rich(team, it) } else { said(&it["text"]).to_owned() };
    cells.map(cell).collect::<Vec<_>>().join(" | ")
}

/// A step of a plan, with a sign for how far it is.
fn task(task: &Value) -> String {
    let sign = match task["status"].as_str() {
        Some("complete") => "✓",
        Some("in_progress") => "▸",
        Some("error") => "✗",
        _ => "○",
    };
    format!("{sign} {}", said(&task["title"]))
}

/// What can be pressed, chosen or filled in.
fn element(element: &Value) -> String {
    let options = || {
        let options = element["options"].as_array().into_iter().flatten();
        options.map(|option| said(&option["text"]["text"])).collect::<Vec<_>>().join(" / ")
    };
    match element["type"].as_str() {
        None => String::new(),
        Some("button" | "workflow_button") => format!("[{}]", said(&element["text"]["text"])),
        Some("overflow") => format!("[… {}]", options()),
        Some("image") => format!("[image {}]", said(&element["alt_text"])),
        Some("plain_text_input") => format!("[{}]", said(&element["initial_value"])),
        Some("checkboxes" | "radio_buttons") => format!("[{}]", options()),
        Some("static_select") => format!("[{} ▾ {}]", said(&element["placeholder"]["text"]), options()),
        Some(_) => format!("[{} ▾]", said(&element["placeholder"]["text"])),
    }
}

fn rich(team: &Team, block: &Value) -> String {
    let mut out = String::new();
    for element in block["elements"].as_array().into_iter().flatten() {
        match element["type"].as_str().unwrap_or_default() {
            "text" => out.push_str(said(&element["text"])),
            "user" => out.push_str(&format!("@{}", team.name_of(said(&element["user_id"])))),
            "link" => out.push_str(element["text"].as_str().unwrap_or(said(&element["url"]))),
            "emoji" => out.push_str(&format!(":{}:", said(&element["name"]))),
            "rich_text_section" | "rich_text_preformatted" | "rich_text_quote" => {
                out.push_str(&rich(team, element));
                out.push('\n');
            }
            "rich_text_list" => {
                for item in element["elements"].as_array().into_iter().flatten() {
                    out.push_str(&format!("• {}\n", rich(team, item)));
                }
            }
            _ => {}
        }
    }
    out
}

fn text(team: &Team, object: &Value) -> String {
    match object["type"].as_str() {
        Some("mrkdwn") => readable(team, said(&object["text"])),
        Some("image") => String::new(),
        _ => said(&object["text"]).to_owned(),
    }
}

fn said(value: &Value) -> &str {
    value.as_str().unwrap_or_default()
}

/// Slack's markup as people see it: names in the place of ids, words in the place of links.
pub fn readable(team: &Team, text: &str) -> String {
    let mut out = String::new();
    let mut rest = text;
    while let Some((before, after)) = rest.split_once('<') {
        let Some((inside, after)) = after.split_once('>') else { break };
        out.push_str(&unescaped(before));
        out.push_str(&reference(team, inside));
        rest = after;
    }
    out + &unescaped(rest)
}

fn reference(team: &Team, inside: &str) -> String {
    let (address, label) = inside.split_once('|').map_or((inside, None), |(address, label)| (address, Some(label)));
    if let Some(user) = address.strip_prefix('@') {
        return format!("@{}", team.name_of(user));
    }
    if let Some(id) = address.strip_prefix('#') {
        return format!("#{}", team.channel(id).map_or(label.unwrap_or(id), |channel| &channel.name));
    }
    if let Some(id) = address.strip_prefix("!subteam^") {
        let group = team.groups.iter().find(|group| group.id == id);
        return format!("@{}", group.map_or(id, |group| &group.handle));
    }
    match address.strip_prefix('!') {
        Some(special) if special.starts_with("date^") => label.unwrap_or(special).to_owned(),
        Some(special) => format!("@{special}"),
        None => unescaped(label.unwrap_or(address)),
    }
}

/// What a person types, as Slack keeps it: names that are known become ids, addresses become links.
pub fn typed(team: &Team, words: &str) -> String {
    let mut out = String::new();
    for (n, word) in words.split(' ').enumerate() {
        if n > 0 {
            out.push(' ');
        }
        out.push_str(&typed_word(team, word));
    }
    out
}

fn typed_word(team: &Team, word: &str) -> String {
    let plain = || super::shapes::escaped(word);
    if word.starts_with("https://") || word.starts_with("http://") {
        return format!("<{}>", plain());
    }
    let Some((before, name)) = word.split_once(['@', '#']) else { return plain() };
    let is_channel = word[before.len()..].starts_with('#');
    if before.ends_with(|letter: char| letter.is_alphanumeric()) {
        return plain();
    }
    let end = name.find(|letter: char| !letter.is_alphanumeric() && letter != '-' && letter != '_');
    let (name, after) = name.split_at(end.unwrap_or(name.len()));
    let user = team.users.iter().find(|user| user.name == name && !is_channel);
    let group = team.groups.iter().find(|group| group.handle == name && !is_channel);
    let channel = team.channels.iter().find(|channel| channel.name == name && is_channel);
    let id = match (user, group, channel) {
        (Some(user), ..) => format!("<@{}>", user.id),
        (_, Some(group), _) => format!("<!subteam^{}>", group.id),
        (.., Some(channel)) => format!("<#{}|{name}>", channel.id),
        (None, None, None) => return plain(),
    };
    format!("{}{id}{}", super::shapes::escaped(before), super::shapes::escaped(after))
}
