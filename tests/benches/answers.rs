//! A message said, kept, understood, answered and the answer kept: at a fixed rate, whatever was answered so far.

use std::collections::HashMap;
use std::collections::VecDeque;
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use agents::cage::{Cage, CageSettings};
use domain::{DeliveryId, ThreadRef};
use downbeat::chat::console::{BOT, ConsoleEvent};
use downbeat::config::Config;
use downbeat::serve::System;
use tests::git::RemoteRepository;
use tokio_util::sync::CancellationToken;

use crate::figure::Figure;
use crate::service::PROGRAM;
use crate::stores::{Database, SystemClock};

const PER_SECOND: u32 = 500;
const SECONDS: u32 = 12;
/// What comes in the first two seconds opens connections and fills caches, and is not counted.
const WARM_UP: usize = 1_000;
const THREADS: usize = 50;

/// When the messages of each thread were due that have no answer yet.
type Waiting = Arc<Mutex<HashMap<String, VecDeque<Instant>>>>;

pub fn answer(figures: &mut Vec<Figure>) {
    for database in Database::each() {
        let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build().expect("a runtime");
        let waits = runtime.block_on(answer_all(&database));
        let what = format!("stored and answered at {PER_SECOND} a second, {}", database.name);
        figures.push(Figure::of_waits(&what, waits.into_iter().skip(WARM_UP)).p99_at_most(50.0));
    }
}

async fn answer_all(database: &Database) -> Vec<Duration> {
    let home = tempfile::tempdir().expect("a temporary directory");
    let remote = RemoteRepository::bare(&home.path().join("house.git"), &[("a", "a\n")]);
    let text = format!(
        "state = {:?}\ndatabase = {:?}\nagent = \"recipes\"\n[people.ana]\nroles = [\"requester\"]\n\
         [repos.house]\nremote = {:?}\ntarget = \"main\"\n[agents.recipes]\nkind = \"recipe\"\n",
        home.path().join("state"),
        database.url,
        remote.path(),
    );
    let config = Config::from_text("downbeat.toml", &text).expect("a config");
    let cage = Cage::new(CageSettings { launcher: PROGRAM.into(), ..CageSettings::default() });
    let system = System::assemble(&config, Arc::new(SystemClock), cage).await.expect("the system starts");
    let (system, stop) = (Arc::new(system), CancellationToken::new());
    let running = tokio::spawn({
        let (system, stop) = (system.clone(), stop.clone());
        async move { system.run(stop).await }
    });
    let waiting = Waiting::default();
    let listening = tokio::spawn(listen(system.clone(), waiting.clone()));
    say_all(&system, &waiting).await;
    let waits = listening.await.expect("every message is answered");
    stop.cancel();
    running.await.expect("it stops");
    system.store.close().await;
    waits
}

/// Says one message each two milliseconds, in turn on every thread.
async fn say_all(system: &Arc<System>, waiting: &Waiting) {
    let began = Instant::now();
    let mut said = Vec::new();
    for n in 0..PER_SECOND * SECONDS {
        let due = began + Duration::from_secs(1) / PER_SECOND * n;
        let _ = tokio::time::timeout_at(due.into(), std::future::pending::<()>()).await;
        let (thread, system) = (format!("t{}", n as usize % THREADS), system.clone());
        waiting.lock().expect("nobody panics").entry(thread.clone()).or_default().push_back(due);
        said.push(tokio::spawn(async move {
            let (delivery, thread) = (DeliveryId::new(format!("bench:{n}")), ThreadRef::console(&thread));
            let ana = "ana".parse().expect("a name");
            system.console.say_once(&delivery, &thread, &ana, "@agent help").await.expect("it is heard");
        }));
    }
    for one in said {
        one.await.expect("it was heard");
    }
}

/// How long each answer took to be kept and shown, in the order in which they came.
async fn listen(system: Arc<System>, waiting: Waiting) -> Vec<Duration> {
    let (mut shown, mut waits) = (system.console.watch(), Vec::new());
    while waits.len() < (PER_SECOND * SECONDS) as usize {
        let event = shown.recv().await.expect("nothing is missed");
        let ConsoleEvent::Posted(message) = event else { continue };
        if message.author == BOT {
            let mut waiting = waiting.lock().expect("nobody panics");
            let due = waiting.get_mut(&message.thread).and_then(VecDeque::pop_front).expect("somebody asked");
            waits.push(due.elapsed());
        }
    }
    waits
}
