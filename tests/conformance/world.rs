//! What a case is given: an empty database of its own, a clock, and patience with an end.

use std::future::Future;
use std::panic::AssertUnwindSafe;
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::{Duration, SystemTime};

use domain::{Clock, Timestamp};
use futures::FutureExt;
use sqlx::{AssertSqlSafe, Connection, Executor, PgConnection, SqliteConnection};
use store::{Backend, Store, StoreSettings};
use tempfile::TempDir;
use tests::clock::ManualClock;

use crate::{Case, bells};

/// Where `cargo xtask test` says which PostgreSQL to use.
pub const POSTGRES_VARIABLE: &str = "DOWNBEAT_TEST_POSTGRES";

/// No case takes a tenth of this; who needs it all has lost something.
const PATIENCE: Duration = Duration::from_secs(60);

/// An empty database with its clock.
pub struct World {
    pub backend: Backend,
    pub clock: Arc<ManualClock>,
    place: Place,
}

enum Place {
    File(TempDir),
    Database { server: String, name: String },
}

impl World {
    /// Runs a case on a fresh database, and takes the database away after it, however it ended.
    pub fn run(backend: Backend, (_, case): Case) {
        let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().unwrap();
        runtime.block_on(async {
            let world = Self::new(backend).await;
            let ended = AssertUnwindSafe(soon(case(&world))).catch_unwind().await;
            world.remove().await;
            ended.unwrap_or_else(|panic| std::panic::resume_unwind(panic));
        });
    }

    async fn new(backend: Backend) -> Self {
        static N_WORLDS: AtomicU32 = AtomicU32::new(0);
        let place = match backend {
            Backend::Sqlite => Place::File(tempfile::tempdir().unwrap()),
            Backend::Postgres => {
                let server = std::env::var(POSTGRES_VARIABLE).expect("DOWNBEAT_TEST_POSTGRES names a server");
                let n = N_WORLDS.fetch_add(1, Ordering::Relaxed);
                let name = format!("conformance_{}_{n}", std::process::id());
                run_on_server(&server, format!("CREATE DATABASE {name}")).await;
                Place::Database { server, name }
            }
        };
        Self { backend, clock: Arc::default(), place }
    }

    async fn remove(self) {
        if let Place::Database { server, name } = &self.place {
            run_on_server(server, format!("DROP DATABASE {name} WITH (FORCE)")).await;
        }
    }

    /// Where the database is.
    pub fn url(&self) -> String {
        match &self.place {
            Place::File(directory) => format!("sqlite:{}", directory.path().join("store.db").display()),
            Place::Database { server, name } => {
                let (server, _) = server.rsplit_once('/').expect("the url of a server ends with a database");
                format!("{server}/{name}")
            }
        }
    }

    /// Settings with little patience, so that what hangs is seen.
    pub fn settings(&self) -> StoreSettings {
        // Long enough that a disk which stalls decides nothing.
        StoreSettings { connections_max: 8, wait_max: Duration::from_secs(60), url: self.url() }
    }

    /// The store, with the tables of the test machines.
    pub async fn open(&self) -> Store {
        self.open_with(&self.settings()).await
    }

    /// The store by the system's clock, for the one thing that a pump measures itself: how long to sleep.
    pub async fn open_by_the_system_clock(&self) -> Store {
        struct SystemClock;
        impl Clock for SystemClock {
            fn now(&self) -> Timestamp {
                let age = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap();
                Timestamp::from_ms(age.as_millis().try_into().unwrap())
            }
        }
        let store = Store::open(&self.settings(), Arc::new(SystemClock)).await.unwrap();
        store.write(&bells::tables()).await.unwrap();
        store
    }

    pub async fn open_with(&self, settings: &StoreSettings) -> Store {
        let store = Store::open(settings, self.clock.clone()).await.unwrap();
        store.write(&bells::tables()).await.unwrap();
        store
    }

    /// Runs a statement in a transaction that another process leaves open.
    pub async fn begin_elsewhere(&self, sql: &'static str) -> Elsewhere {
        match self.backend {
            Backend::Sqlite => {
                let mut connection = SqliteConnection::connect(&self.url()).await.unwrap();
                connection.execute("BEGIN IMMEDIATE").await.unwrap();
                connection.execute(sql).await.unwrap();
                Elsewhere::Sqlite(connection)
            }
            Backend::Postgres => {
                let mut connection = PgConnection::connect(&self.url()).await.unwrap();
                connection.execute("BEGIN").await.unwrap();
                connection.execute(sql).await.unwrap();
                Elsewhere::Postgres(connection)
            }
        }
    }

    /// Makes every write fail until the outage is ended.
    pub async fn cut_off(&self) -> Outage<'_> {
        match &self.place {
            Place::File(_) => {
                let mut holder = SqliteConnection::connect(&self.url()).await.unwrap();
                holder.execute("BEGIN IMMEDIATE").await.unwrap();
                Outage::Locked(holder)
            }
            Place::Database { server, name } => {
                run_on_server(server, format!("ALTER DATABASE {name} ALLOW_CONNECTIONS false")).await;
                let cut = format!("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = '{name}'");
                run_on_server(server, cut).await;
                Outage::Refused { server, name }
            }
        }
    }
}

/// A transaction of another process.
pub enum Elsewhere {
    Sqlite(SqliteConnection),
    Postgres(PgConnection),
}

impl Elsewhere {
    pub async fn commit(self) {
        match self {
            Self::Sqlite(mut connection) => drop(connection.execute("COMMIT").await.unwrap()),
            Self::Postgres(mut connection) => drop(connection.execute("COMMIT").await.unwrap()),
        }
    }
}

/// A database that cannot be written to.
pub enum Outage<'w> {
    Locked(SqliteConnection),
    Refused { server: &'w str, name: &'w str },
}

impl Outage<'_> {
    pub async fn end(self) {
        match self {
            Self::Locked(mut holder) => drop(holder.execute("ROLLBACK").await.unwrap()),
            Self::Refused { server, name } => {
                run_on_server(server, format!("ALTER DATABASE {name} ALLOW_CONNECTIONS true")).await;
            }
        }
    }
}

async fn run_on_server(server: &str, sql: String) {
    let mut connection = PgConnection::connect(server).await.unwrap();
    connection.execute(AssertSqlSafe(sql)).await.unwrap();
    connection.close().await.unwrap();
}

/// Waits for what is bound to happen, but not for ever.
pub async fn soon<T>(what: impl Future<Output = T>) -> T {
    tokio::time::timeout(PATIENCE, what).await.expect("it happens within a minute")
}

/// Asks again and again until the answer is there.
pub async fn until<T, F: Future<Output = Option<T>>>(ask: impl Fn() -> F) -> T {
    soon(async {
        loop {
            match ask().await {
                Some(answer) => return answer,
                None => tokio::task::yield_now().await,
            }
        }
    })
    .await
}
