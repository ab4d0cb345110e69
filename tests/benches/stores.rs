//! The one door and the outbox, on both databases.

use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Instant;

use domain::{Cause, Clock, DeliveryId, MessageRef, ThreadRef, Timestamp};
use downbeat::chat::conversation::{Conversation, ConversationEvent, ThreadId};
use downbeat::chat::messenger::{Heard, Via};
use futures::future::join_all;
use store::{Lane, Store, StoreSettings, Table};
use tempfile::TempDir;

use crate::figure::Figure;

/// The variable that names a PostgreSQL server.
const POSTGRES_VARIABLE: &str = "DOWNBEAT_TEST_POSTGRES";
const RUNS: usize = 5;
const CLIENTS: usize = 8;
const EVENTS: usize = 4_000;
const EFFECTS: usize = 2_000;

/// The clock on the wall.
#[derive(Debug)]
pub struct SystemClock;

impl Clock for SystemClock {
    fn now(&self) -> Timestamp {
        let since = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap_or_default();
        Timestamp::from_ms(i64::try_from(since.as_millis()).unwrap_or(i64::MAX))
    }
}

/// A database of its own.
pub struct Database {
    /// What people call it.
    pub name: &'static str,
    /// Where it is.
    pub url: String,
    _home: TempDir,
}

impl Database {
    /// One of each kind that is at hand.
    pub fn each() -> Vec<Self> {
        let home = || tempfile::tempdir().expect("a temporary directory");
        let sqlite = home();
        let url = format!("sqlite:{}", sqlite.path().join("bench.db").display());
        let mut databases = vec![Self { name: "SQLite", url, _home: sqlite }];
        match std::env::var(POSTGRES_VARIABLE) {
            Ok(server) => databases.push(Self { name: "PostgreSQL", url: fresh_schema(&server), _home: home() }),
            Err(_) => eprintln!("no PostgreSQL: {POSTGRES_VARIABLE} is not set"),
        }
        databases
    }

    async fn open(&self) -> Store {
        Store::open(&StoreSettings::new(&self.url), Arc::new(SystemClock)).await.expect("the database answers")
    }
}

/// A database of one's own on the server.
fn fresh_schema(server: &str) -> String {
    use sqlx::{AssertSqlSafe, Connection, Executor, PgConnection};
    static NEXT: AtomicU32 = AtomicU32::new(0);
    let name = format!("bench_{}_{}", std::process::id(), NEXT.fetch_add(1, Ordering::Relaxed));
    let runtime = tokio::runtime::Runtime::new().expect("a runtime");
    runtime.block_on(async {
        let mut connection = PgConnection::connect(server).await.expect("the server answers");
        connection.execute(AssertSqlSafe(format!("CREATE DATABASE {name}"))).await.expect("a database can be made");
    });
    let (base, _) = server.rsplit_once('/').expect("an address ends with a database");
    format!("{base}/{name}")
}

pub fn apply(figures: &mut Vec<Figure>) {
    let runtime = tokio::runtime::Runtime::new().expect("a runtime");
    for database in Database::each() {
        for n_clients in [1, CLIENTS] {
            let runs = (0..RUNS).map(|run| {
                runtime.block_on(async {
                    let store = database.open().await;
                    let (began, n) = (Instant::now(), EVENTS / n_clients);
                    join_all((0..n_clients).map(|client| hear(&store, format!("{run}-{n_clients}-{client}"), n, 20)))
                        .await;
                    let rate = (n * n_clients) as f64 / began.elapsed().as_secs_f64();
                    store.close().await;
                    rate
                })
            });
            let what = format!("apply, {} at once, {}", n_clients, database.name);
            figures.push(Figure::of_runs(&what, "per second", runs.collect()));
        }
    }
}

pub fn claim(figures: &mut Vec<Figure>) {
    let runtime = tokio::runtime::Runtime::new().expect("a runtime");
    for database in Database::each() {
        let runs = (0..RUNS).map(|run| {
            runtime.block_on(async {
                let store = database.open().await;
                join_all((0..CLIENTS).map(|client| hear(&store, format!("{run}-{client}"), EFFECTS / CLIENTS, 1)))
                    .await;
                let began = Instant::now();
                let claimed: usize = join_all((0..CLIENTS).map(|_| claim_all(&store))).await.into_iter().sum();
                assert_eq!(claimed, EFFECTS);
                let rate = claimed as f64 / began.elapsed().as_secs_f64();
                store.close().await;
                rate
            })
        });
        let what = format!("claimed and finished, {CLIENTS} workers, {}", database.name);
        figures.push(Figure::of_runs(&what, "per second", runs.collect()));
    }
}

/// Passes messages, each owed an answer, to threads of the client's own.
async fn hear(store: &Store, client: String, n: usize, per_thread: usize) {
    for index in 0..n {
        let thread = ThreadRef::console(format!("{client}-{}", index / per_thread));
        let heard = Heard {
            delivery: DeliveryId::new(format!("{client}-{index}")),
            message: MessageRef { thread: thread.clone(), id: index.to_string() },
            author: "ana".parse().expect("a name"),
            text: "@agent help".to_owned(),
            at: store.now(),
            via: Via::Words,
        };
        let cause = Cause::Delivery(heard.delivery.clone());
        let start = || Conversation::new(thread.clone());
        let event = ConversationEvent::MessageHeard { heard };
        store.apply_or_start(&ThreadId(thread.clone()), start, event, cause).await.expect("it is heard");
    }
}

async fn claim_all(store: &Store) -> usize {
    let lane = Lane::new("intake", CLIENTS);
    let mut n = 0;
    while let Some(leased) = store.claim(&lane, Conversation::KIND).await.expect("the database answers") {
        assert!(store.finish(&leased.attempt).await.expect("the database answers"));
        n += 1;
    }
    n
}
