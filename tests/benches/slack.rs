//! Slack: how soon an event is kept and acknowledged, how soon a mention has its card, and what 200 running tasks cost.

use std::sync::Arc;
use std::time::{Duration, Instant};

use arc_swap::ArcSwap;
use domain::ThreadRef;
use domain::policy::Rules;
use downbeat::chat::messenger::{Messenger, Part, Said, Urgency};
use downbeat::config::Config;
use downbeat::slack::Slack;
use store::{Store, StoreSettings};
use tests::slack::{Limits, Settings, SlackServer};
use tokio_util::sync::CancellationToken;

use crate::figure::Figure;
use crate::service::{Place, Running, SCRIPT};
use crate::stores::{Database, SystemClock};

const PER_SECOND: u32 = 500;
const SECONDS: u32 = 60;
/// What comes in the first two seconds opens connections and fills caches, and is not counted.
const WARM_UP: usize = 1_000;
const THREADS: usize = 50;
/// How many mentions are answered on an idle system.
const MENTIONS: usize = 24;
/// A pause in which everything that a mention brings about is over, and its channel takes a post again.
const IDLE: Duration = Duration::from_millis(2_500);
const TASKS: usize = 200;
/// For how long their cards change every second.
const PROGRESS_SECONDS: usize = 130;

fn config(slack: &SlackServer, more: &str) -> String {
    format!(
        "state = \"{{place}}/state\"\nagent = \"scripted\"\n{more}\n[web]\nlisten = \"127.0.0.1:0\"\n\
         [people.ana]\nroles = [\"requester\"]\nslack = \"U0ANA\"\n\
         [repos.house]\nremote = \"{{place}}/house.git\"\ntarget = \"main\"\n\
         [agents.scripted]\nkind = \"scripted\"\nscript = \"{{place}}/script.toml\"\n\
         [slack]\nbot_token = {:?}\napp_token = {:?}\napi_url = {:?}\n",
        slack.bot_token(),
        slack.app_token(),
        slack.api_url(),
    )
}

fn start(slack: &SlackServer, more: &str) -> (Place, Running) {
    let place = Place::with(&config(slack, more));
    place.write("script.toml", SCRIPT);
    let running = place.up();
    slack.until_connected(2);
    (place, running)
}

/// An event in, kept, acknowledged.
pub fn hear(figures: &mut Vec<Figure>) {
    for database in Database::each() {
        let slack = SlackServer::start(Settings::default());
        let (_place, running) = start(&slack, &format!("database = {:?}", database.url));
        let threads: Vec<_> = (0..THREADS).map(|_| slack.say("dev", "ana", "@agent help")).collect();
        slack.until_settled();
        let n_before = slack.acks().len();
        let began = Instant::now();
        for n in 0..PER_SECOND * SECONDS {
            wait_until(began + Duration::from_secs(1) / PER_SECOND * n);
            slack.reply(&threads[n as usize % THREADS], "ben", "and what about the other one");
        }
        slack.until_settled();
        running.stop();
        let waits = slack.acks().into_iter().skip(n_before + WARM_UP).map(|ack| ack.latency);
        let what = format!("event in, kept and acknowledged at {PER_SECOND} a second, {}", database.name);
        figures.push(Figure::of_waits(&what, waits).p99_at_most(50.0));
    }
}

/// A mention on an idle system, until its card is there.
pub fn card(figures: &mut Vec<Figure>) {
    let slack = SlackServer::start(Settings::default());
    let (_place, running) = start(&slack, "");
    let waits = (0..MENTIONS).map(|n| {
        wait_until(Instant::now() + IDLE);
        let said_at = Instant::now();
        let mention = slack.say("dev", "ana", &format!("@agent paint wall {n}"));
        let is_card =
            |call: &&tests::slack::Call| call.method == "chat.postMessage" && call.args["thread_ts"] == *mention;
        slack.until_called(|calls| calls.iter().find(is_card).map(|call| call.at)) - said_at
    });
    let waits: Vec<_> = waits.collect();
    running.stop();
    figures.push(Figure::of_waits("mention to first card, idle", waits).p99_at_most(1_000.0));
}

/// The cards of 200 running tasks change every second, and now and then a person is needed.
pub fn progress(figures: &mut Vec<Figure>) {
    let slack = SlackServer::start(Settings { limits: Limits::Refuse, ..Settings::default() });
    let channels: Vec<_> = (0..20).map(|n| format!("room{n}")).collect();
    channels.iter().for_each(|name| slack.add_channel(name, tests::slack::Room::Public, &["ana", "ben", "agent"]));
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build().expect("a runtime");
    let needed = runtime.block_on(change_cards(&slack, &channels));
    let edits: Vec<_> = slack.calls_of("chat.update").iter().map(|call| call.at).collect();
    let in_minute =
        |from: &Instant| edits.iter().filter(|at| *at >= from && at.duration_since(*from).as_secs() < 60).count();
    let most = edits.iter().map(in_minute).max().unwrap_or_default() as f64;
    let over = slack.over_the_limit().len();
    let note = format!("the tier allows 50; {over} calls were over a limit");
    figures.push(
        Figure::of_runs("edits in the busiest minute, 200 running tasks", "", vec![most]).at_most(50.0).with_note(note),
    );
    figures.push(Figure::of_waits("a message that needs a human, 200 running tasks", needed).p99_at_most(2_000.0));
}

async fn change_cards(slack: &SlackServer, channels: &[String]) -> Vec<Duration> {
    let home = tempfile::tempdir().expect("a temporary directory");
    let text = config(slack, "").replace("{place}", &home.path().display().to_string());
    let config = Config::from_text("downbeat.toml", &text).expect("a config");
    let clock = Arc::new(SystemClock);
    let url = format!("sqlite:{}", home.path().join("bench.db").display());
    let store = Store::open(&StoreSettings::new(&url), clock.clone()).await.expect("the database answers");
    let rules: Rules = config.rules().expect("rules");
    let opened = Slack::open(&config, store, clock, Arc::new(ArcSwap::from_pointee(rules))).await.expect("it opens");
    let opened = Arc::new(opened.expect("the config has Slack"));
    let (messenger, stop) = (opened.messenger(), CancellationToken::new());
    let running = tokio::spawn({
        let (opened, stop) = (opened.clone(), stop.clone());
        async move { opened.run(stop).await }
    });
    let posts = (0..TASKS).map(|n| {
        let (messenger, channel) = (messenger.clone(), channel_id(&channels[n % channels.len()]));
        async move { post(&*messenger, &channel, &format!("card:{n}"), Urgency::Change).await }
    });
    let cards = futures::future::join_all(posts).await;
    let mut needed = Vec::new();
    for second in 0..PROGRESS_SECONDS {
        let until = Instant::now() + Duration::from_secs(1);
        for (n, card) in cards.iter().enumerate() {
            messenger.edit(card, &said(&format!("card {n} at {second}"), Urgency::Progress)).await.expect("it is kept");
        }
        if second % 5 == 4 {
            let asked_at = Instant::now();
            let channel = channel_id(&channels[second % channels.len()]);
            post(&*messenger, &channel, &format!("question:{second}"), Urgency::NeedsHuman).await;
            needed.push(asked_at.elapsed());
        }
        let _ = tokio::time::timeout_at(until.into(), std::future::pending::<()>()).await;
    }
    stop.cancel();
    running.await.expect("it stops");
    needed
}

async fn post(messenger: &dyn Messenger, channel: &str, key: &str, urgency: Urgency) -> domain::MessageRef {
    let thread = ThreadRef::slack("T0ACME", channel, "0");
    messenger.post(&thread, key, &said(key, urgency)).await.expect("it is posted")
}

/// As the server makes it of a name.
fn channel_id(name: &str) -> String {
    format!("C0{}", name.to_uppercase())
}

fn said(words: &str, urgency: Urgency) -> Said {
    Said { parts: vec![Part::Title(words.to_owned())], urgency, ..Said::default() }
}

fn wait_until(due: Instant) {
    let (_hold, never) = std::sync::mpsc::channel::<()>();
    let _ = never.recv_timeout(due.saturating_duration_since(Instant::now()));
}
