//! Reads a thread for an agent: every page of it, names resolved, files fetched within limits, linked messages expanded.

use std::collections::{BTreeMap, BTreeSet};

use domain::ThreadRef;
use serde_json::Value;

use crate::chat::messenger::{Attachment, ChatError, Content, Depth, Line};

use super::client::SlackError;
use super::events::{NO_THREAD, is_program, time_of};
use super::messenger::SlackMessenger;
use super::people::Profile;
use super::table::{self, place_of};
use super::words;

/// How many pages of 200 messages are read at once: ten thousand messages.
const PAGES_MAX: usize = 50;
/// How far back a thread of several pages is looked through, in seconds; each look goes twice as far, until it has enough:
/// Slack tells a thread from its beginning, and it is the end that counts.
const BACK_S: u64 = 600;
/// How many looks there are: five years.
const LOOKS_MAX: u32 = 18;
/// How many pages a further look may take, so that it is the end of the thread that is read.
const FURTHER_PAGES_MAX: usize = 5;
/// How many names are asked for while one thread is read.
const NAMES_MAX: usize = 50;
/// How many linked messages are expanded.
const LINKS_MAX: usize = 5;

impl SlackMessenger {
    /// The newest lines of a thread, without the message `before` and what came after it. What it links to is taken
    /// along, and where files are wanted what is attached to it.
    pub(super) async fn read_thread(
        &self,
        thread: &ThreadRef,
        before: Option<&str>,
        count_max: usize,
        depth: Depth,
    ) -> Result<Vec<Line>, ChatError> {
        let Some((_, channel, thread_ts)) = place_of(thread) else { return Ok(Vec::new()) };
        if thread_ts == NO_THREAD {
            return Ok(Vec::new());
        }
        let begins_thread = before == Some(thread_ts);
        let mut messages = match begins_thread {
            true => self.messages_before(channel, thread_ts).await?,
            false => self.messages_of((channel, thread_ts), before, count_max).await?,
        };
        let n_requests = messages.iter().filter(|message| before == message["ts"].as_str()).count();
        let n_too_old = messages.len().saturating_sub(count_max.max(1) + n_requests);
        messages.drain(..n_too_old);
        self.learn_names(&messages).await;
        let mut n_files = 0;
        let mut lines = Vec::new();
        for message in &messages {
            let mut line = self.line_of(message);
            if depth == Depth::Files {
                line.files = self.files_of(message, &mut n_files).await;
            }
            let is_request = before == message["ts"].as_str();
            if is_request {
                line.text.clear();
            }
            if !is_request || !line.files.is_empty() {
                lines.push(line);
            }
        }
        lines.extend(self.linked(&messages, channel).await);
        Ok(lines)
    }

    /// What stands in the channel above the message that begins a thread, as far as the config wants it, and the message itself
    /// where there is more to it than its words.
    async fn messages_before(&self, channel: &str, ts: &str) -> Result<Vec<Value>, ChatError> {
        let has_more = table::by_place(&self.store, channel, ts).await.is_ok_and(|kept| kept.is_some());
        if !has_more && self.limits.around == 0 {
            return Ok(Vec::new());
        }
        let params = [
            ("channel", channel.to_owned()),
            ("latest", ts.to_owned()),
            ("inclusive", "true".to_owned()),
            ("limit", (self.limits.around + 1).to_string()),
        ];
        let mut page = self.client.read("conversations.history", &params).await?;
        let newest_first = match page["messages"].take() {
            Value::Array(messages) => messages,
            _ => Vec::new(),
        };
        Ok(newest_first.into_iter().rev().collect())
    }

    /// The newest of a thread, at least `count_max` of them if there are so many.
    async fn messages_of(
        &self,
        (channel, thread_ts): (&str, &str),
        before: Option<&str>,
        count_max: usize,
    ) -> Result<Vec<Value>, SlackError> {
        let mut params =
            vec![("channel", channel.to_owned()), ("ts", thread_ts.to_owned()), ("limit", "200".to_owned())];
        if let Some(before) = before {
            params.extend([("latest", before.to_owned()), ("inclusive", "true".to_owned())]);
        }
        let (mut messages, is_whole) = self.replies(&params, 1).await?;
        if is_whole {
            return Ok(messages);
        }
        let newest = before.map_or_else(|| self.store.now(), time_of).as_ms();
        let mut pages_max = PAGES_MAX;
        for look in 0..LOOKS_MAX {
            let oldest_s = (newest / 1_000).saturating_sub_unsigned(BACK_S << look).max(0);
            let oldest = ("oldest", oldest_s.to_string());
            let (found, is_whole) = self.replies(&[&params[..], &[oldest]].concat(), pages_max).await?;
            let is_first = pages_max == PAGES_MAX;
            if is_first || is_whole {
                messages = found;
            }
            if !is_whole || messages.len() > count_max + 1 {
                break;
            }
            pages_max = FURTHER_PAGES_MAX;
        }
        Ok(messages)
    }

    /// One after the other, and each once: Slack tells the first of a thread on every page.
    async fn replies(&self, params: &[(&str, String)], pages_max: usize) -> Result<(Vec<Value>, bool), SlackError> {
        let (messages, is_whole) =
            match self.client.read_up_to("conversations.replies", params, "messages", pages_max).await {
                // The first message is gone, and with it what there was to read.
                Err(SlackError::Refused { code, .. }) if code == "thread_not_found" => (Vec::new(), true),
                read => read?,
            };
        let ts_of = |message: &Value| message["ts"].as_str().unwrap_or_default().to_owned();
        let by_ts: BTreeMap<String, Value> = messages.into_iter().map(|message| (ts_of(&message), message)).collect();
        Ok((by_ts.into_values().collect(), is_whole))
    }

    fn line_of(&self, message: &Value) -> Line {
        let text = |key: &str| message[key].as_str().unwrap_or_default();
        let me = self.me.load_full();
        let (our_user, mention) = me.as_ref().map_or(("", ""), |me| (&me.user, &me.mention));
        let user = text("user");
        let is_bot = is_program(message) || user == our_user;
        let name_of = |user: &str| self.people.name_of(user);
        let author = name_of(user).unwrap_or_else(|| match (user, text("username")) {
            ("", "") => "somebody".to_owned(),
            ("", name) => name.to_owned(),
            (user, _) => user.to_owned(),
        });
        let words = words::plain(text("text"), (our_user, mention), &name_of);
        let by = (!user.is_empty() && !is_bot).then(|| self.people.person_of(user));
        Line { author, by, is_bot, at: time_of(text("ts")), text: words, files: Vec::new(), linked_from: None }
    }

    /// Asks for the names of those who wrote, where they are not known. Without them the account's id stands there.
    async fn learn_names(&self, messages: &[Value]) {
        let written = messages.iter().filter_map(|message| message["user"].as_str());
        let unknown: BTreeSet<&str> = written.filter(|user| self.people.name_of(user).is_none()).collect();
        for user in unknown.into_iter().take(NAMES_MAX) {
            if let Err(error) = self.learn(user).await {
                tracing::debug!("the name of {user} is not known: {error}");
            }
        }
    }

    /// Asks who somebody is.
    pub(super) async fn learn(&self, user: &str) -> Result<Profile, SlackError> {
        let answer = self.client.read("users.info", &[("user", user.to_owned())]).await?;
        let user_of = &answer["user"];
        let is = |key: &str| user_of[key].as_bool().unwrap_or(false);
        let named = ["display_name", "real_name"].into_iter().filter_map(|key| user_of["profile"][key].as_str());
        let name = named.chain(user_of["name"].as_str()).find(|name| !name.trim().is_empty()).unwrap_or(user);
        let is_outsider =
            is("is_restricted") || is("is_ultra_restricted") || is("is_stranger") || is("is_bot") || is("deleted");
        let profile = Profile { name: name.to_owned(), is_outsider };
        self.people.note(user, profile.clone());
        Ok(profile)
    }

    async fn files_of(&self, message: &Value, n_files: &mut usize) -> Vec<Attachment> {
        let mut attachments = Vec::new();
        for file in message["files"].as_array().into_iter().flatten() {
            *n_files += 1;
            let name = file["name"].as_str().or(file["title"].as_str()).unwrap_or("a file").to_owned();
            let bytes = file["size"].as_u64().unwrap_or_default();
            let content = match *n_files > self.limits.count_max {
                true => Content::LeftOut { why: format!("{} files are the limit", self.limits.count_max) },
                false => self.content_of(file, bytes).await,
            };
            attachments.push(Attachment { name, bytes, content });
        }
        attachments
    }

    async fn content_of(&self, file: &Value, bytes: u64) -> Content {
        let left_out = |why: String| Content::LeftOut { why };
        let kind = file["mimetype"].as_str().unwrap_or_default();
        let is_picture = matches!(kind, "image/png" | "image/jpeg" | "image/gif" | "image/webp");
        let is_text = kind.starts_with("text/")
            || matches!(kind, "application/json" | "application/xml" | "application/x-yaml" | "application/toml")
            || file["mode"].as_str() == Some("snippet");
        if !is_picture && !is_text {
            return left_out(format!("it is {}", if kind.is_empty() { "of no known kind" } else { kind }));
        }
        if bytes > self.limits.bytes_max as u64 {
            return left_out(format!(
                "it has {} MB, and {} MB are the limit",
                bytes >> 20,
                self.limits.bytes_max >> 20
            ));
        }
        let Some(url) = file["url_private_download"].as_str().or(file["url_private"].as_str()) else {
            return left_out("Slack names no place to fetch it from".to_owned());
        };
        match self.client.download(url, self.limits.bytes_max).await {
            Ok(read) if is_picture => Content::Picture(read),
            Ok(read) => String::from_utf8(read).map_or_else(|_| left_out("it is not UTF-8".to_owned()), Content::Text),
            Err(error) => left_out(error.to_string()),
        }
    }

    /// The messages that those of a thread link to: of the same channel, or of a public one that we are in. What is private
    /// elsewhere stays there, whoever links to it.
    async fn linked(&self, messages: &[Value], channel: &str) -> Vec<Line> {
        let texts = messages.iter().filter_map(|message| message["text"].as_str());
        let links: BTreeSet<Link> = texts.flat_map(links_in).collect();
        let mut lines = Vec::new();
        for link in links.into_iter().take(LINKS_MAX) {
            match self.follow(&link, channel).await {
                Ok(line) => lines.extend(line),
                Err(error) => tracing::debug!("a linked message of {} is not read: {error}", link.channel),
            }
        }
        lines
    }

    async fn follow(&self, link: &Link, channel: &str) -> Result<Option<Line>, SlackError> {
        let place = ("channel", link.channel.clone());
        let mut from = "this channel".to_owned();
        if link.channel != channel {
            let info = self.client.read("conversations.info", std::slice::from_ref(&place)).await?;
            let of = &info["channel"];
            let is_private = of["is_private"].as_bool().unwrap_or(true) || of["is_im"].as_bool().unwrap_or(true);
            if is_private {
                return Ok(None);
            }
            from = format!("#{}", of["name"].as_str().unwrap_or(&link.channel));
        }
        let ts = [("ts", link.ts.clone()), ("limit", "1".to_owned()), ("inclusive", "true".to_owned())];
        let latest = ("latest", link.ts.clone());
        let params = [&[place, latest][..], &ts].concat();
        let found = self.client.read("conversations.replies", &params).await?;
        let message = found["messages"].as_array().into_iter().flatten().find(|message| message["ts"] == *link.ts);
        let Some(message) = message else { return Ok(None) };
        self.learn_names(std::slice::from_ref(message)).await;
        Ok(Some(Line { linked_from: Some(from), ..self.line_of(message) }))
    }
}

/// A message that somebody links to.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
struct Link {
    channel: String,
    ts: String,
}

/// `https://acme.slack.com/archives/C123/p1355517523000005`.
fn links_in(text: &str) -> Vec<Link> {
    let mut links = Vec::new();
    for part in text.split("/archives/").skip(1) {
        let mut steps = part.split(['/', '?', '|', '>', ' ', '\n', ')']);
        let (Some(channel), Some(packed)) = (steps.next(), steps.next()) else { continue };
        let digits = packed.strip_prefix('p').unwrap_or_default();
        let is_ts = digits.len() > 6 && digits.bytes().all(|b| b.is_ascii_digit());
        if is_ts && !channel.is_empty() && channel.bytes().all(|b| b.is_ascii_alphanumeric()) {
            let (seconds, rest) = digits.split_at(digits.len() - 6);
            links.push(Link { channel: channel.to_owned(), ts: format!("{seconds}.{rest}") });
        }
    }
    links
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn links_to_messages_are_found() {
        let text = "see <https://acme.slack.com/archives/C123/p1355517523000005?thread_ts=1355517500.000001&amp;cid=C123|this> and \
                    https://acme.slack.com/archives/C9 and https://acme.slack.com/archives/../p1355517523000005";
        assert_eq!(links_in(text), [Link { channel: "C123".to_owned(), ts: "1355517523.000005".to_owned() }]);
    }
}
