//! The Home tab: a person's tasks, each with the one thing to do next. Pure.

use domain::ThreadRef;
use serde_json::{Value, json};

use super::blocks::button;
use super::kit::{clean, context, cut, escape, line, plain};
use crate::chat::home::{Entry, Group, Holding, Home};
use crate::chat::messenger::Asks;

/// How long a task's title is: a line of a desk's screen.
const TITLE_MAX: usize = 120;
/// How long its standing is: two lines of a telephone.
const NOW_MAX: usize = 160;
/// How long a named value at the end is.
const FACT_MAX: usize = 250;

/// What a Home tab needs from where it is shown.
pub struct Place<'a> {
    /// The name by which people call.
    pub mention: &'a str,
    /// The value of a button that stands for a command.
    pub sign: &'a dyn Fn(&str) -> String,
    /// The address of a thread.
    pub link: &'a dyn Fn(&ThreadRef) -> Option<String>,
}

/// Lays out a person's home.
pub fn view(home: &Home, place: &Place) -> Value {
    let groups = [("Needs you", &home.needs), ("Running", &home.running), ("Done lately", &home.done)];
    let mut blocks: Vec<Value> = groups.into_iter().flat_map(|(name, group)| group_of(name, group, place)).collect();
    if blocks.is_empty() {
        let how = format!("Say `{} fix the login redirect` in a channel, and your tasks show up here.", place.mention);
        blocks.push(heading("No tasks yet"));
        blocks.push(section(&escape(&clean(&how))));
    }
    if !home.facts.is_empty() || !home.channels.is_empty() {
        blocks.push(json!({ "type": "divider" }));
    }
    blocks.extend(home.channels.iter().map(channel));
    blocks.extend(home.facts.iter().take(10).map(|(name, value)| context(&fact(name, value))));
    json!({ "type": "home", "callback_id": "home", "blocks": blocks })
}

/// What holds in a channel; Slack shows the channel's own name to whoever may see it.
fn channel(Holding { channel, defaults }: &Holding) -> Value {
    let named = match place_in(channel) {
        Some(id) => format!("<#{id}>"),
        None => escape(&cut(&line(channel), TITLE_MAX)),
    };
    let holds = match &defaults[..] {
        [] => "no defaults".to_owned(),
        defaults => escape(&cut(&line(&defaults.join(" · ")), FACT_MAX)),
    };
    let text = json!({ "type": "mrkdwn", "text": format!("{named}: {holds}"), "verbatim": true });
    json!({ "type": "context", "elements": [text] })
}

/// The id of a channel in Slack, as the flow names it: `slack/T1/C1`.
fn place_in(channel: &str) -> Option<&str> {
    let id = channel.strip_prefix("slack/")?.split('/').nth(1)?;
    (!id.is_empty() && id.bytes().all(|b| b.is_ascii_alphanumeric())).then_some(id)
}

/// The same in numbers alone, for one that Slack would not take.
pub fn numbers(home: &Home, mention: &str) -> Value {
    let groups = [("Needs you", &home.needs), ("Running", &home.running), ("Done lately", &home.done)];
    let count = |group: &Group| group.entries.len() + group.more;
    let mut blocks: Vec<_> =
        groups.iter().map(|(name, group)| heading(&format!("{name} · {}", count(group)))).collect();
    let how = format!("They do not fit here just now. Say `{mention} tasks` in a channel to see them.");
    blocks.push(context(&cut(&line(&how), FACT_MAX)));
    json!({ "type": "home", "callback_id": "home", "blocks": blocks })
}

fn fact(name: &str, value: &str) -> String {
    cut(&line(&format!("{name}: {value}")), FACT_MAX)
}

fn group_of(name: &str, group: &Group, place: &Place) -> Vec<Value> {
    if group.entries.is_empty() {
        return Vec::new();
    }
    let mut blocks = vec![heading(&format!("{name} · {}", group.entries.len() + group.more))];
    blocks.extend(group.entries.iter().map(|entry| task(entry, place)));
    if group.more > 0 {
        blocks.push(context(&format!("… and {} more", group.more)));
    }
    blocks
}

fn heading(text: &str) -> Value {
    json!({ "type": "header", "text": plain(text) })
}

/// Escaped text in which Slack looks for nothing by itself: what remains are the links that we put.
fn section(text: &str) -> Value {
    json!({ "type": "section", "text": { "type": "mrkdwn", "text": text, "verbatim": true } })
}

fn task(entry: &Entry, place: &Place) -> Value {
    let shown = |text: &str, units_max| escape(&cut(&line(text), units_max));
    let Entry { id, title, now, repo, thread, next } = entry;
    let id_shown = (place.link)(thread).map_or_else(|| id.to_string(), |link| format!("<{link}|{id}>"));
    let title = shown(title, TITLE_MAX);
    let text = format!("*{id_shown}*  {title}\n{} · {}", shown(repo, TITLE_MAX), shown(now, NOW_MAX));
    let mut block = section(&text);
    let opened = (place.link)(thread).filter(|_| next.as_ref().is_some_and(|next| next.asks != Asks::Nothing));
    match (opened, next) {
        // What asks for words is said where the question stands.
        (Some(link), _) => {
            let open =
                json!({ "type": "button", "action_id": format!("open:{id}"), "text": plain("Open"), "url": link });
            block["accessory"] = open;
        }
        (None, Some(next)) => block["accessory"] = button(&id.to_string(), next, &(place.sign)(&next.says)),
        (None, None) => {}
    }
    block
}

#[cfg(test)]
mod tests {
    use domain::TaskId;
    use expect_test::expect;

    use super::*;
    use crate::chat::messenger::Choice;
    use crate::slack::limits::{Kind, fitting, violations};

    fn entry(n: u64, title: &str, next: Option<Choice>) -> Entry {
        let thread = ThreadRef::slack("T1", "C1", "17.1");
        let (title, repo) = (title.to_owned(), "web".to_owned());
        Entry { id: TaskId::new(n), title, now: "working".to_owned(), repo, thread, next }
    }

    fn shown(home: &Home) -> Value {
        let link = |thread: &ThreadRef| Some(format!("https://example.slack.com/{}", thread.name));
        view(home, &Place { mention: "@agent", sign: &str::to_owned, link: &link })
    }

    #[test]
    fn each_task_has_its_place_and_the_one_thing_to_do_next() {
        let asks = Asks::Words { prompt: "Your answer".to_owned() };
        let answer = Choice { asks, ..Choice::new("Answer…", "answer T-2") };
        let entries = vec![entry(2, "fix <!channel> & more", Some(answer)), entry(1, "*bold*", None)];
        let home = Home {
            needs: Group { entries, more: 3 },
            channels: vec![
                Holding {
                    channel: "slack/T1/C1".to_owned(),
                    defaults: vec!["repo web".to_owned(), "$5 a task".to_owned()],
                },
                Holding { channel: "console/main".to_owned(), defaults: Vec::new() },
            ],
            facts: vec![("Spent in 7 days".to_owned(), "$1.24".to_owned())],
            ..Home::default()
        };
        let view = shown(&home);
        let lines: Vec<_> = view["blocks"].as_array().unwrap().iter().map(Value::to_string).collect();
        expect![[r#"
            {"type":"header","text":{"type":"plain_text","text":"Needs you · 5","emoji":false}}
            {"type":"section","text":{"type":"mrkdwn","text":"*<https://example.slack.com/T1/C1/17.1|T-2>*  fix &lt;!channel&gt; &amp; more\nweb · working","verbatim":true},"accessory":{"type":"button","action_id":"open:T-2","text":{"type":"plain_text","text":"Open","emoji":false},"url":"https://example.slack.com/T1/C1/17.1"}}
            {"type":"section","text":{"type":"mrkdwn","text":"*<https://example.slack.com/T1/C1/17.1|T-1>*  *bold*\nweb · working","verbatim":true}}
            {"type":"context","elements":[{"type":"plain_text","text":"… and 3 more","emoji":false}]}
            {"type":"divider"}
            {"type":"context","elements":[{"type":"mrkdwn","text":"<#C1>: repo web · $5 a task","verbatim":true}]}
            {"type":"context","elements":[{"type":"mrkdwn","text":"console/main: no defaults","verbatim":true}]}
            {"type":"context","elements":[{"type":"plain_text","text":"Spent in 7 days: $1.24","emoji":false}]}"#]].assert_eq(&lines.join("\n"));
        assert_eq!(violations(Kind::Home, &view), Vec::<String>::new());
    }

    #[test]
    fn a_home_without_tasks_says_how_to_begin() {
        let view = shown(&Home::default());
        assert!(view.to_string().contains("Say `@agent fix the login redirect` in a channel"));
        assert_eq!(violations(Kind::Home, &view), Vec::<String>::new());
    }

    #[test]
    fn a_home_that_slack_would_refuse_is_shown_in_numbers() {
        let long = "x".repeat(9_000);
        let needs = Group { entries: vec![entry(1, "fix it", Some(Choice::new("Go", &long)))], more: 4 };
        let home = Home { needs, ..Home::default() };
        let sign = str::to_owned;
        let full = view(&home, &Place { mention: "@agent", sign: &sign, link: &|_| None });
        let shown = fitting(Kind::Home, full, || numbers(&home, "@agent"));
        assert_eq!(violations(Kind::Home, &shown), Vec::<String>::new());
        let said = shown.to_string();
        assert!(said.contains("Needs you · 5") && said.contains("Say `@agent tasks`"), "{said}");
    }

    #[test]
    fn a_full_home_fits() {
        let title = "<&>🦀\u{202e}\n".repeat(900);
        let entries = |n| (1..=n).map(|n| entry(n, &title, Some(Choice::new(&title, "x".repeat(1_000))))).collect();
        let group = |n| Group { entries: entries(n), more: 9 };
        let facts = vec![(title.clone(), title.clone()); 40];
        let holding = Holding { channel: format!("console/{title}"), defaults: vec![title.clone(); 3] };
        let channels = vec![holding; 5];
        let home = Home { needs: group(8), running: group(8), done: group(5), channels, facts };
        assert_eq!(violations(Kind::Home, &shown(&home)), Vec::<String>::new());
    }
}
