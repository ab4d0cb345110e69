//! Tokens, workspaces, users, groups and bots.

use serde_json::{Value, json};

use super::super::refusal::{Answered, Refusal, merge};
use super::super::shapes;
use super::super::state::{APP, APP_TOKEN, State};
use super::super::team::Standing;
use super::{Asked, page, paged};

pub fn test_api(_: &mut State, asked: &Asked) -> Answered {
    match asked.args.text("error") {
        Some(error) => Err(Refusal::of(error)),
        None => Ok(json!({ "args": asked.args.all() })),
    }
}

pub fn test_token(state: &mut State, asked: &Asked) -> Answered {
    if asked.args.token.as_deref() == Some(APP_TOKEN) {
        return Ok(json!({ "app_name": "Downbeat", "app_id": APP }));
    }
    let team = asked.home(state);
    Ok(json!({
        "url": format!("https://{}.slack.com/", team.domain), "team": team.domain, "user": team.bot.name,
        "team_id": team.id, "user_id": team.bot.user, "bot_id": team.bot.bot_id, "is_enterprise_install": false,
    }))
}

pub fn open_connection(state: &mut State, _: &Asked) -> Answered {
    let ticket = format!("ticket-{}", state.next("ticket"));
    state.tickets.insert(ticket.clone());
    Ok(json!({ "url": format!("{}/link/?ticket={ticket}&app_id={APP}", state.socket_base) }))
}

pub fn team(state: &mut State, asked: &Asked) -> Answered {
    let team = asked.home(state);
    Ok(json!({ "team": {
        "id": team.id, "name": team.domain, "domain": team.domain, "email_domain": "", "icon": { "image_default": true },
        "url": format!("https://{}.slack.com/", team.domain),
    } }))
}

pub fn user(state: &mut State, asked: &Asked) -> Answered {
    let team = asked.home(state);
    let user = team.user(asked.args.need("user")?).ok_or_else(|| Refusal::of("user_not_found"))?;
    Ok(json!({ "user": shapes::user(team, user) }))
}

pub fn user_by_email(state: &mut State, asked: &Asked) -> Answered {
    let team = asked.home(state);
    let email = asked.args.need("email")?;
    let mut shapes = team.users.iter().map(|user| shapes::user(team, user));
    let found = shapes.find(|shape| shape["profile"]["email"] == email);
    found.map(|user| json!({ "user": user })).ok_or_else(|| Refusal::of("users_not_found"))
}

pub fn users(state: &mut State, asked: &Asked) -> Answered {
    let team = asked.home(state);
    let items = team.users.iter().map(|user| (user.id.clone(), shapes::user(team, user))).collect();
    let mut answer = paged("members", page(&asked.args, items, 1000)?);
    merge(&mut answer, &json!({ "cache_ts": 1_790_000_000 }));
    Ok(answer)
}

pub fn groups(state: &mut State, asked: &Asked) -> Answered {
    let team = asked.home(state);
    let wants_users = asked.args.is_on("include_users");
    let shape = |group| {
        let mut shape = shapes::group(team, group);
        if let Some(fields) = shape.as_object_mut().filter(|_| !wants_users) {
            fields.remove("users");
        }
        shape
    };
    Ok(json!({ "usergroups": team.groups.iter().map(shape).collect::<Vec<Value>>() }))
}

pub fn group_members(state: &mut State, asked: &Asked) -> Answered {
    let id = asked.args.need("usergroup")?;
    let group = asked.home(state).groups.iter().find(|group| group.id == id);
    let group = group.ok_or_else(|| Refusal::of("no_such_subteam"))?;
    Ok(json!({ "users": group.members }))
}

pub fn bot(state: &mut State, asked: &Asked) -> Answered {
    let team = asked.home(state);
    let id = asked.args.text("bot").unwrap_or(&team.bot.bot_id);
    if id == team.bot.bot_id {
        return Ok(json!({ "bot": team.bot_profile(APP) }));
    }
    let others = team.users.iter().filter(|user| user.standing == Standing::Bot);
    let found = others.into_iter().find(|user| shapes::bot_id_of(user) == id);
    let found = found.ok_or_else(|| Refusal::of("bot_not_found"))?;
    Ok(json!({ "bot": {
        "id": id, "deleted": false, "name": found.name, "updated": 1_790_000_000, "user_id": found.id,
        "app_id": format!("A0{}", found.name.to_uppercase()), "icons": {},
    } }))
}
