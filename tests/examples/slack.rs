//! A Slack to try Downbeat with, without an account: `cargo run -p tests --example slack -- --port 9911`.
//!
//! It prints what to put into the config, then takes a line for everything that a person does and prints what people
//! see. `help` tells the lines.

use std::io::BufRead;
use std::panic::AssertUnwindSafe;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use tests::slack::{Screens, Settings, SlackServer};

/// The lines that it understands.
const HELP: &str = "\
ana: @agent fix the login     says it, in the thread that is open or else in #dev
ana in dev: @agent …          says it in a channel, and opens that thread
ben clicks Approve            presses a button of the thread, or of the open form
ben submits Title=words; …    fills in and submits the open form
ben reacts white_check_mark   puts an emoji under the newest message that has buttons, or under the newest
ana edits: other words        changes what they said last
ana /agent tasks              gives a command
ana opens home                opens the app's home tab
thread                        shows the whole thread again";

/// What a person at the keyboard is about: the open thread, and who said what last.
#[derive(Default)]
struct Table {
    thread: Option<String>,
    last: Option<(String, String)>,
    form: Option<tests::slack::Form>,
}

fn main() -> anyhow::Result<()> {
    let mut settings = Settings { port: 9911, ..Settings::default() };
    let mut events = None;
    let mut arguments = std::env::args().skip(1);
    while let Some(argument) = arguments.next() {
        match argument.as_str() {
            "--port" => settings.port = arguments.next().unwrap_or_default().parse()?,
            "--events" => events = arguments.next(),
            "--native" => settings.is_native = true,
            _ => anyhow::bail!("unknown: {argument}; say --port N, --events URL (HTTP instead of sockets), --native"),
        }
    }
    let slack = Arc::new(SlackServer::start(settings));
    introduce(&slack);
    let screens = Arc::new(Mutex::new(Screens::default()));
    let watched = Arc::clone(&slack);
    std::thread::spawn(move || {
        loop {
            let mut screens = screens.lock().unwrap_or_else(PoisonError::into_inner);
            for line in watched.news(&mut screens, Duration::from_secs(60)) {
                println!("{line}");
            }
        }
    });
    let mut table = Table::default();
    for line in std::io::stdin().lock().lines() {
        let line = line?;
        if let Some(url) = events.take() {
            slack.send_to(&url).map_err(anyhow::Error::msg)?;
        }
        // What cannot be done is told by a panic with a sentence; at the keyboard it is no end.
        let _ = std::panic::catch_unwind(AssertUnwindSafe(|| table.act(&slack, line.trim())));
    }
    Ok(())
}

fn introduce(slack: &SlackServer) {
    std::panic::set_hook(Box::new(|trouble| eprintln!("{}", trouble.payload_as_str().unwrap_or("that did not work"))));
    println!("A Slack is here, on this machine only. For the terminal in which Downbeat runs:\n");
    println!("export SLACK_BOT_TOKEN={}\nexport SLACK_APP_TOKEN={}", slack.bot_token(), slack.app_token());
    println!("export SLACK_SIGNING_SECRET={}", slack.signing_secret());
    println!("\nIn its config, below [slack], which `downbeat init` writes:\n");
    println!("api_url = \"{}\"", slack.api_url());
    println!(
        "\nThe workspace is T0ACME; #dev is C0DEV. People: ana U0ANA, ben U0BEN, cara U0CARA, and a guest, gus U0GUS."
    );
    println!("Now be somebody:\n\n{HELP}\n");
}

impl Table {
    fn act(&mut self, slack: &SlackServer, line: &str) {
        let (who, rest) = line.split_once([' ', ':']).unwrap_or((line, ""));
        let rest = rest.trim();
        if let Some(words) = line.strip_prefix(who).and_then(|it| it.strip_prefix(':')) {
            return self.say(slack, "dev", (who, words.trim()), false);
        }
        match rest.split_once(' ').map_or((rest, ""), |(verb, words)| (verb, words.trim())) {
            _ if line.is_empty() => {}
            ("in", words) => {
                let (channel, words) = words.split_once(':').unwrap_or((words, ""));
                self.say(slack, channel.trim(), (who, words.trim()), true);
            }
            ("clicks", label) => self.click(slack, who, label),
            ("submits", fields) => self.submit(slack, who, fields),
            ("reacts", name) => self.react(slack, who, name),
            ("edits:" | "edits", words) => match &self.last {
                Some((ts, user)) if user == who => slack.edit(ts, words),
                _ => eprintln!("{who} said nothing that could be changed"),
            },
            (command, words) if command.starts_with('/') => {
                report(slack.command("dev", who, command, words).answered().map(drop));
            }
            ("opens", _) => slack.open_home(who),
            _ if line == "thread" => {
                println!("{}", self.thread.as_ref().map(|ts| slack.thread(ts)).unwrap_or_default())
            }
            _ => println!("{HELP}"),
        }
    }

    fn say(&mut self, slack: &SlackServer, channel: &str, (who, words): (&str, &str), is_new: bool) {
        let ts = match self.thread.clone().filter(|_| !is_new) {
            Some(thread) => slack.reply(&thread, who, words),
            None => {
                let ts = slack.say(channel, who, words);
                self.thread = Some(ts.clone());
                ts
            }
        };
        self.last = Some((ts, who.to_owned()));
    }

    fn click(&mut self, slack: &SlackServer, who: &str, label: &str) {
        let open =
            self.form.clone().filter(|form| slack.form(form).is_some_and(|it| it.contains(&format!("[{label}]"))));
        let sent = match (open, &self.thread) {
            (Some(form), _) => slack.click_in(&form, who, label),
            (None, Some(thread)) => slack.click(&slack.find(thread, &format!("[{label}]")), who, label),
            (None, None) => return eprintln!("there is no thread yet"),
        };
        report(sent.answered().map(drop));
        self.form = slack.newest_form(who).or(self.form.take());
    }

    fn submit(&mut self, slack: &SlackServer, who: &str, fields: &str) {
        let Some(form) = slack.newest_form(who) else { return eprintln!("{who} sees no form") };
        let fields: Vec<(&str, &str)> = fields.split(';').filter_map(|field| field.split_once('=')).collect();
        let fields: Vec<(&str, &str)> = fields.iter().map(|(name, value)| (name.trim(), value.trim())).collect();
        match slack.submit(&form, who, &fields).answered() {
            Ok(Some(answer)) if answer["errors"].is_object() => println!("  the form says: {}", answer["errors"]),
            answer => report(answer.map(drop)),
        }
    }

    fn react(&self, slack: &SlackServer, who: &str, name: &str) {
        let Some(thread) = &self.thread else { return eprintln!("there is no thread yet") };
        let newest = if slack.thread(thread).contains("]") { "]" } else { "" };
        slack.react(&slack.find(thread, newest), who, name.trim_matches(':'));
    }
}

fn report(answered: Result<(), String>) {
    if let Err(reason) = answered {
        println!("  ⚠ the app did not answer: {reason}");
    }
}
