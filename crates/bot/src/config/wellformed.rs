//! What the text of a value must look like; each says what is wrong with it.

use std::fmt::Display;
use std::net::SocketAddr;
use std::str::FromStr;

use domain::policy::Globs;
use forge::Remote;

use super::secret;

pub(super) fn any(_: &str) -> Result<(), String> {
    Ok(())
}

pub(super) fn not_empty(text: &str) -> Result<(), String> {
    if text.trim().is_empty() { Err("it is empty".to_owned()) } else { Ok(()) }
}

/// A relative path would be another one for each directory that a command is given in.
pub(super) fn absolute(text: &str) -> Result<(), String> {
    if text.starts_with('/') { Ok(()) } else { Err(format!("`{text}` is not absolute; write the path from `/` on")) }
}

pub(super) fn parses<T: FromStr<Err: Display>>(text: &str) -> Result<(), String> {
    text.parse::<T>().map(drop).map_err(|error| error.to_string())
}

pub(super) fn glob(text: &str) -> Result<(), String> {
    Globs::new(&[text]).map(drop).map_err(|error| error.to_string())
}

pub(super) fn agent_name(text: &str) -> Result<(), String> {
    let is_usual = |c: char| c.is_alphanumeric() || matches!(c, '.' | '-' | '_');
    let fits = !text.is_empty() && text.len() <= 64 && text.chars().all(is_usual);
    if fits {
        Ok(())
    } else {
        Err(format!("`{text}` is not an agent's name: 1 to 64 letters, digits, `.`, `-` or `_`"))
    }
}

pub(super) fn user_group(text: &str) -> Result<(), String> {
    let is_id =
        text.starts_with('S') && text.len() > 1 && text.bytes().all(|b| b.is_ascii_uppercase() || b.is_ascii_digit());
    if is_id {
        Ok(())
    } else {
        Err(format!("`{text}` is not the id of a user group, as in `S0123ABC`, which ends the group's link in Slack"))
    }
}

pub(super) fn mention(text: &str) -> Result<(), String> {
    let name = text.strip_prefix('@').unwrap_or_default();
    let fits = !name.is_empty() && !name.contains(char::is_whitespace);
    if fits { Ok(()) } else { Err(format!("`{text}` is not `@` and a name, as in `@agent`")) }
}

pub(super) fn loopback(text: &str) -> Result<(), String> {
    let address: SocketAddr =
        text.parse().map_err(|_| format!("`{text}` is not an address and a port, as in `127.0.0.1:7117`"))?;
    if address.ip().is_loopback() {
        return Ok(());
    }
    Err(format!(
        "`{text}` is open to others; the page asks nobody who they are, so it listens on 127.0.0.1 or [::1] only"
    ))
}

pub(super) fn database(text: &str) -> Result<(), String> {
    let known = ["sqlite:", "postgres://", "postgresql://"].iter().any(|scheme| text.starts_with(scheme));
    if known { Ok(()) } else { Err("a database's address begins with `sqlite:` or `postgres://`".to_owned()) }
}

pub(super) fn remote(text: &str) -> Result<(), String> {
    let shown = secret::shown(text);
    text.parse::<Remote>().map(drop).map_err(|_| {
        format!("`{shown}` is not a repository's address; write an absolute path, an ssh or an https address")
    })?;
    let authority = text.split_once("://").map_or("", |(_, rest)| rest.split('/').next().unwrap_or_default());
    let port = authority.rsplit_once(':').map_or("", |(_, port)| port.rsplit('@').next().unwrap_or_default());
    if !authority.contains('@') && !port.bytes().all(|b| b.is_ascii_digit()) && !authority.starts_with('[') {
        return Err(format!("`{shown}` has no number for its port; a `/` in a password is written `%2F`"));
    }
    Ok(())
}

/// A platform's address; tokens go there, and so not in clear.
pub fn api_url(text: &str) -> Result<(), String> {
    let host = |rest: &str| rest.split(['/', ':']).next().unwrap_or_default().to_owned();
    match (text.strip_prefix("https://"), text.strip_prefix("http://")) {
        (Some(rest), _) if !host(rest).is_empty() => Ok(()),
        (_, Some(rest)) if matches!(host(rest).as_str(), "127.0.0.1" | "localhost") => Ok(()),
        (_, Some(_)) => Err(format!("`{text}` sends tokens in clear; `http://` is for 127.0.0.1 alone")),
        _ => Err(format!("`{text}` is not a web address")),
    }
}
