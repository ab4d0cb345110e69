//! What people, channels, messages and files look like in Slack's JSON.

use std::collections::BTreeSet;

use serde_json::{Value, json};

use super::refusal::merge;
use super::state::APP;
use super::team::{Channel, File, Group, Message, Room, Standing, Team, User};

/// When everything that is older than the test was made.
const LONG_AGO: u64 = 1_790_000_000;

/// A message as events, history and answers show it; `metadata` only where it is asked for.
pub fn message(team: &Team, channel: &Channel, message: &Message, base: &str) -> Value {
    let mut shape = json!({
        "type": "message", "user": message.user, "text": message.text, "ts": message.ts, "team": team.id,
    });
    if message.is_tombstone() {
        merge(&mut shape, &json!({ "user": "USLACKBOT", "text": "This message was deleted.", "hidden": true }));
    }
    if let Some(subtype) = &message.subtype {
        shape["subtype"] = json!(subtype);
    }
    if let Some(bot_id) = &message.bot_id {
        shape["bot_id"] = json!(bot_id);
        if *bot_id == team.bot.bot_id {
            merge(&mut shape, &json!({ "app_id": APP, "bot_profile": team.bot_profile(APP) }));
        }
    }
    if let Some(id) = &message.client_msg_id {
        shape["client_msg_id"] = json!(id);
    }
    for (name, list) in [("blocks", &message.blocks), ("attachments", &message.attachments)] {
        if !list.is_empty() {
            shape[name] = json!(list);
        }
    }
    let files: Vec<Value> = message.files.iter().filter_map(|id| Some(file(team, team.files.get(id)?, base))).collect();
    if !files.is_empty() {
        merge(&mut shape, &json!({ "files": files, "upload": false }));
    }
    if let Some((user, ts)) = &message.edited {
        shape["edited"] = json!({ "user": user, "ts": ts });
    }
    if !message.reactions.is_empty() {
        let one = |(name, users): &(String, Vec<String>)| json!({ "name": name, "users": users, "count": users.len() });
        shape["reactions"] = json!(message.reactions.iter().map(one).collect::<Vec<_>>());
    }
    if let Some(stream) = &message.stream {
        shape["streaming_state"] = json!("in_progress");
        shape["tasks"] = json!(stream.tasks);
    }
    thread_fields(channel, message, &mut shape);
    shape
}

fn thread_fields(channel: &Channel, message: &Message, shape: &mut Value) {
    let Some(thread_ts) = &message.thread_ts else { return };
    shape["thread_ts"] = json!(thread_ts);
    if *thread_ts != message.ts {
        if let Some(root) = channel.message(thread_ts) {
            shape["parent_user_id"] = json!(root.user);
        }
        return;
    }
    let replies: Vec<&Message> = channel.replies(thread_ts).collect();
    let users: BTreeSet<&str> = replies.iter().map(|reply| reply.user.as_str()).collect();
    merge(
        shape,
        &json!({
            "reply_count": replies.len(), "reply_users_count": users.len(), "reply_users": users,
            "is_locked": false, "subscribed": true,
        }),
    );
    if let Some(latest) = replies.last() {
        shape["latest_reply"] = json!(latest.ts);
    }
}

/// A user.
pub fn user(team: &Team, user: &User) -> Value {
    let real_name = capitalised(&user.name);
    let is_guest = user.standing == Standing::Guest;
    let home = if user.standing == Standing::Outsider { "T0OUTSIDE" } else { team.id.as_str() };
    let mut shape = json!({
        "id": user.id, "team_id": home, "name": user.name, "deleted": user.standing == Standing::Deactivated,
        "color": "9f69e7", "real_name": real_name, "tz": "Europe/Berlin", "tz_label": "Central European Time",
        "tz_offset": 3600,
        "profile": {
            "title": "", "phone": "", "real_name": real_name, "real_name_normalized": real_name,
            "display_name": user.name, "display_name_normalized": user.name, "status_text": "", "status_emoji": "",
            "avatar_hash": "g0", "team": home, "first_name": real_name, "last_name": "",
            "image_72": "https://secure.gravatar.com/avatar/72.png",
        },
        "is_admin": false, "is_owner": false, "is_primary_owner": false, "is_restricted": is_guest,
        "is_ultra_restricted": false, "is_bot": user.standing == Standing::Bot, "is_app_user": false,
        "updated": LONG_AGO, "is_email_confirmed": true, "who_can_share_contact_card": "EVERYONE",
    });
    if user.standing == Standing::Outsider {
        shape["is_stranger"] = json!(true);
    }
    if user.standing == Standing::Bot {
        let bot_id = if user.id == team.bot.user { team.bot.bot_id.clone() } else { bot_id_of(user) };
        merge(&mut shape["profile"], &json!({ "bot_id": bot_id, "api_app_id": APP, "always_active": false }));
    } else if team.bot.scopes.contains("users:read.email") && !is_outside(user) {
        shape["profile"]["email"] = json!(format!("{}@{}.example", user.name, team.domain));
    }
    shape
}

fn is_outside(user: &User) -> bool {
    user.standing == Standing::Outsider
}

/// The bot id of a bot that is not the app's.
pub fn bot_id_of(user: &User) -> String {
    format!("B0{}", user.name.to_uppercase())
}

fn capitalised(name: &str) -> String {
    let mut letters = name.chars();
    letters.next().map_or_else(String::new, |first| first.to_uppercase().chain(letters).collect())
}

/// A channel.
pub fn channel(team: &Team, channel: &Channel) -> Value {
    let has_bot = channel.members.contains(&team.bot.user);
    let mut shape = json!({
        "id": channel.id, "created": LONG_AGO, "updated": LONG_AGO * 1000, "is_archived": channel.is_archived,
        "is_channel": channel.room == Room::Public, "is_group": channel.room == Room::Private,
        "is_im": channel.room == Room::Direct, "is_mpim": channel.room == Room::Group,
        "is_private": channel.room != Room::Public, "is_general": channel.name == "general",
        "is_shared": channel.is_shared, "is_org_shared": false, "is_ext_shared": channel.is_shared,
        "is_pending_ext_shared": false, "pending_shared": [], "unlinked": 0, "context_team_id": team.id,
        "creator": "U0ANA",
    });
    if channel.room == Room::Direct {
        let user = channel.members.iter().find(|member| **member != team.bot.user);
        merge(&mut shape, &json!({ "user": user, "is_user_deleted": false, "priority": 0 }));
        return shape;
    }
    merge(
        &mut shape,
        &json!({
            "name": channel.name, "name_normalized": channel.name, "previous_names": [], "is_member": has_bot,
            "num_members": channel.members.len(), "shared_team_ids": [team.id],
            "topic": { "value": "", "creator": "", "last_set": 0 },
            "purpose": { "value": "", "creator": "", "last_set": 0 },
        }),
    );
    shape
}

/// A user group.
pub fn group(team: &Team, group: &Group) -> Value {
    json!({
        "id": group.id, "team_id": team.id, "is_usergroup": true, "is_subteam": true, "name": group.handle,
        "description": "", "handle": group.handle, "is_external": false, "date_create": LONG_AGO,
        "date_update": LONG_AGO, "date_delete": 0, "auto_type": null, "created_by": "U0ANA", "updated_by": "U0ANA",
        "deleted_by": null, "prefs": { "channels": [], "groups": [] }, "user_count": group.members.len(),
        "users": group.members,
    })
}

/// A file; its address wants the token.
pub fn file(team: &Team, file: &File, base: &str) -> Value {
    let extension = file.name.rsplit_once('.').map_or("", |(_, extension)| extension);
    let mimetype = match extension {
        "png" => "image/png",
        "jpg" | "jpeg" => "image/jpeg",
        "json" => "application/json",
        "md" | "txt" | "log" | "diff" => "text/plain",
        _ => "application/octet-stream",
    };
    let address = format!("{base}/files-pri/{}-{}/{}", team.id, file.id, file.name);
    json!({
        "id": file.id, "created": LONG_AGO, "timestamp": LONG_AGO, "name": file.name, "title": file.title,
        "mimetype": mimetype, "filetype": extension, "pretty_type": extension.to_uppercase(), "user": file.user,
        "user_team": team.id, "editable": false, "size": file.bytes.len(), "mode": "hosted", "is_external": false,
        "external_type": "", "is_public": true, "public_url_shared": false, "display_as_bot": false, "username": "",
        "url_private": address, "url_private_download": address,
        "permalink": format!("https://{}.slack.com/files/{}/{}/{}", team.domain, file.user, file.id, file.name),
        "channels": file.channels, "groups": [], "ims": [], "has_rich_preview": false, "file_access": "visible",
    })
}

/// The words of a person as their own program sends them: one block of rich text.
pub fn rich_text(block_id: &str, text: &str) -> Value {
    let mut elements = Vec::new();
    let mut rest = text;
    while let Some((before, after)) = rest.split_once('<') {
        let Some((inside, after)) = after.split_once('>') else { break };
        if !before.is_empty() {
            elements.push(json!({ "type": "text", "text": unescaped(before) }));
        }
        elements.push(element(inside));
        rest = after;
    }
    if !rest.is_empty() {
        elements.push(json!({ "type": "text", "text": unescaped(rest) }));
    }
    let section = json!({ "type": "rich_text_section", "elements": elements });
    json!({ "type": "rich_text", "block_id": block_id, "elements": [section] })
}

fn element(inside: &str) -> Value {
    match inside.split_at_checked(1) {
        Some(("@", user)) => json!({ "type": "user", "user_id": user }),
        Some(("#", channel)) => {
            json!({ "type": "channel", "channel_id": channel.split('|').next().unwrap_or_default() })
        }
        _ => match inside.strip_prefix("!subteam^") {
            Some(group) => json!({ "type": "usergroup", "usergroup_id": group }),
            None => json!({ "type": "link", "url": inside.split('|').next().unwrap_or_default() }),
        },
    }
}

/// The text behind Slack's three escapes.
pub fn unescaped(text: &str) -> String {
    text.replace("&lt;", "<").replace("&gt;", ">").replace("&amp;", "&")
}

/// The text with Slack's three escapes.
pub fn escaped(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;")
}
