//! Mentions through everything that a connection can do to them: each becomes one task, none is lost.

use std::collections::HashSet;
use std::sync::Arc;
use std::time::{Duration, Instant};

use agents::cage::{Cage, CageSettings, Confinement};
use agents::task::Task;
use downbeat::clock::SystemClock;
use downbeat::config::Config;
use downbeat::serve::System;
use store::Store;
use tests::git::RemoteRepository;
use tests::slack::{Failure, Room, Settings, SlackServer};
use tokio_util::sync::CancellationToken;

/// How many mentions there are, unless `DOWNBEAT_STORM` says otherwise.
const MENTIONS: usize = 600;
const CHANNELS: usize = 4;
/// After how many mentions something happens to the connections.
const TROUBLE_EVERY: usize = 37;
/// After how many the program dies and begins anew.
const DEATH_EVERY: usize = 211;

/// The program as a machine runs it, until it dies: intake alone, because what is said back is another test's concern.
struct Running {
    system: Arc<System>,
    stop: CancellationToken,
    works: tokio::task::JoinSet<()>,
}

impl Running {
    async fn begin(config: &Config) -> Self {
        let settings = CageSettings {
            launcher: env!("CARGO_BIN_EXE_downbeat-under-test").into(),
            confinement: Confinement::Off,
            ..CageSettings::default()
        };
        let system = System::assemble(config, Arc::new(SystemClock), Cage::new(settings)).await.unwrap();
        system.recover(config).await.unwrap();
        let (system, stop) = (Arc::new(system), CancellationToken::new());
        let mut works = tokio::task::JoinSet::new();
        let slack = system.slack.clone().unwrap();
        let until = stop.clone();
        works.spawn(async move { slack.run(until).await });
        for pump in system.pumps.iter().filter(|pump| pump.lane().name == "intake") {
            let (pump, until) = (pump.clone(), stop.clone());
            works.spawn(async move { pump.run(until).await });
        }
        Self { system, stop, works }
    }

    /// Ends it as a crash does: at whatever it is.
    async fn die(mut self) {
        self.works.abort_all();
        while self.works.join_next().await.is_some() {}
        self.stop.cancel();
        self.system.store.close().await;
    }
}

async fn tasks(store: &Store) -> Vec<Task> {
    let rows = store.rows("SELECT id FROM task ORDER BY number", &[]).await.unwrap();
    let mut tasks = Vec::new();
    for row in rows {
        let id = row.text("id").unwrap().parse().unwrap();
        tasks.push(store.load::<Task>(&id).await.unwrap().unwrap());
    }
    tasks
}

pub fn every_mention_becomes_one_task_whatever_happens_to_the_connections() {
    let n_mentions = std::env::var("DOWNBEAT_STORM").ok().and_then(|n| n.parse().ok()).unwrap_or(MENTIONS);
    let slack = SlackServer::start(Settings {
        ack_within: Duration::from_millis(500),
        retry_after: vec![Duration::ZERO; 3],
        ..Settings::default()
    });
    let channels: Vec<_> = (0..CHANNELS).map(|n| format!("room{n}")).collect();
    channels.iter().for_each(|name| slack.add_channel(name, Room::Public, &["ana", "ben"]));
    let home = tempfile::tempdir().unwrap();
    let remote = RemoteRepository::bare(&home.path().join("house.git"), &[("a", "a\n")]);
    let text = format!(
        "state = {:?}\nagent = \"recipes\"\n[limits]\ntasks_live = 10000\n[people.ana]\nroles = [\"requester\"]\nslack = \"U0ANA\"\n\
         [repos.house]\nremote = {:?}\ntarget = \"main\"\n[agents.recipes]\nkind = \"recipe\"\n\
         [slack]\nbot_token = {:?}\napp_token = {:?}\napi_url = {:?}\n",
        home.path().join("state"),
        remote.path(),
        slack.bot_token(),
        slack.app_token(),
        slack.api_url(),
    );
    let config = Config::from_text("downbeat.toml", &text).unwrap();
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build().unwrap();
    let mut running = Some(runtime.block_on(Running::begin(&config)));
    slack.until_connected(2);
    let began = Instant::now();
    for n in 0..n_mentions {
        slack.say(&channels[n % CHANNELS], "ana", &format!("@agent tidy number {n}"));
        if n % TROUBLE_EVERY == TROUBLE_EVERY - 1 {
            trouble(&slack, n / TROUBLE_EVERY);
        }
        if n % DEATH_EVERY == DEATH_EVERY - 1 {
            let died = running.take().unwrap();
            runtime.block_on(died.die());
            running = Some(runtime.block_on(Running::begin(&config)));
        }
    }
    slack.calm();
    let running = running.unwrap();
    let patience = Duration::from_secs(120 + n_mentions as u64 / 20);
    let mut found = Vec::new();
    while found.len() < n_mentions && began.elapsed() < patience {
        found = runtime.block_on(tasks(&running.system.store));
        let _ = slack.wait_for(Duration::from_millis(500), |_| None::<()>);
    }
    let numbers: HashSet<&str> = found.iter().map(|task| task.request.text.as_str()).collect();
    let lost: Vec<_> = (0..n_mentions).filter(|n| !numbers.contains(format!("tidy number {n}").as_str())).collect();
    assert_eq!(lost, Vec::<usize>::new(), "of {n_mentions} mentions these became no task");
    // A moment more, in which a doubled one would come.
    let _ = slack.wait_for(Duration::from_secs(2), |_| None::<()>);
    let found = runtime.block_on(tasks(&running.system.store));
    assert_eq!((found.len(), numbers.len()), (n_mentions, n_mentions), "some mention became two tasks");
    eprintln!("{n_mentions} mentions in {} s: none lost, none doubled", began.elapsed().as_secs());
    runtime.block_on(running.die());
}

/// One of what can happen, in turn.
fn trouble(slack: &SlackServer, n: usize) {
    let socket = slack.connections().first().copied();
    match (n % 8, socket) {
        (0, Some(socket)) => slack.drop_socket(socket),
        (1, _) => slack.duplicate(3),
        (2, _) => {
            slack.duplicate(1);
            slack.reorder(6);
        }
        (3, _) => slack.lose_acks(5),
        (4, Some(socket)) => slack.reset_socket(socket),
        (5, Some(socket)) => slack.warn_socket(socket, "refresh_requested"),
        (6, Some(socket)) => slack.close_socket(socket),
        (7, _) => slack.fail("conversations.history", [Failure::RateLimited(1), Failure::Status(500)]),
        (_, _) => {}
    }
}
