//! The two databases behind one face. What differs between them stands here and in `transaction`.

use std::collections::HashMap;
use std::fmt;
use std::fs::File;
use std::path::Path;
use std::str::FromStr;
use std::sync::atomic::AtomicI64;
use std::sync::{Arc, Mutex, OnceLock};
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use domain::{Clock, Timestamp};
use sqlx::migrate::Migrator;
use sqlx::postgres::PgConnectOptions;
use sqlx::sqlite::{SqliteConnectOptions, SqliteJournalMode, SqliteSynchronous};
use sqlx::{AssertSqlSafe, Connection, Executor, PgConnection, SqliteConnection};
use tokio::sync::{Notify, watch};

use crate::connection::Connections;
use crate::transaction::{self, BEGIN_SQLITE, Tx};
use crate::value::bound;
use crate::{Arg, Row, Statement};

/// Where the store lives and how many connections it may hold.
#[derive(Clone)]
pub struct StoreSettings {
    /// `sqlite:PATH` or `postgres://…`.
    pub url: String,
    /// Connections for reading. SQLite writes through one more, because it has one writer at a time anyway and a
    /// queue in memory is fairer than its busy waiting.
    pub connections_max: u32,
    /// How long a call waits for a connection or a lock before it fails.
    pub wait_max: Duration,
}

/// Without the URL, which may hold a password.
impl fmt::Debug for StoreSettings {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { url, connections_max, wait_max } = self;
        let url = format!("{}:…", scheme_of(url));
        f.debug_struct("StoreSettings")
            .field("url", &url)
            .field("connections_max", connections_max)
            .field("wait_max", wait_max)
            .finish()
    }
}

impl StoreSettings {
    /// The settings that suit one machine: 10 s of patience, 8 connections, and 16 to PostgreSQL, where each write keeps
    /// one while it waits for the disk.
    pub fn new(url: impl Into<String>) -> Self {
        let url = url.into();
        let connections_max = if scheme_of(&url).starts_with("postgres") { 16 } else { 8 };
        Self { url, connections_max, wait_max: Duration::from_secs(10) }
    }
}

/// Which database serves the store.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Backend {
    /// SQLite in write-ahead mode.
    Sqlite,
    /// PostgreSQL.
    Postgres,
}

const SERVER_NOW: &str = "SELECT CAST(extract(epoch FROM clock_timestamp()) * 1000 AS BIGINT) AS now_ms";

/// The machine's time when it was first asked for, and what has passed since: SQLite has one process, whose leases neither
/// end nor grow when somebody sets the clock.
#[expect(clippy::disallowed_methods, reason = "SQLite runs in the process and reads this very clock")]
fn machine_now_ms() -> i64 {
    static BEGAN: OnceLock<(Instant, i64)> = OnceLock::new();
    let (at, at_ms) = BEGAN.get_or_init(|| {
        let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
        (Instant::now(), i64::try_from(since.as_millis()).unwrap_or(i64::MAX))
    });
    at_ms.saturating_add(i64::try_from(at.elapsed().as_millis()).unwrap_or(i64::MAX))
}

#[derive(Clone)]
enum Db {
    Sqlite {
        read: Connections<SqliteConnection>,
        /// One: SQLite has one writer at a time anyway, and a queue in memory is fairer than its busy waiting.
        write: Connections<SqliteConnection>,
    },
    /// Through `notes` go writes that need not have reached the disk when they return: claims and the ends of effects
    /// that tell their machine nothing. A server that crashes may forget the last of them, and then the effect is owed
    /// again, as after any crash of ours; whatever another connection commits later reaches the disk after them.
    Postgres { pool: Connections<PgConnection>, notes: Connections<PgConnection>, clock: Arc<ServerClock> },
}

/// PostgreSQL's clock, asked now and then and carried on by a clock that nobody can set.
#[derive(Default)]
struct ServerClock(Mutex<Option<(Instant, i64)>>);

impl ServerClock {
    /// How long an answer is carried on. Machines' clocks drift apart by less than a millisecond in that time, and a
    /// server whose clock is set is believed again long before a lease of 20 s ends.
    const CARRIED_MAX: Duration = Duration::from_secs(2);

    fn now_ms(&self) -> Option<i64> {
        let (asked_at, answer) = (*self.0.lock().expect(UNPOISONED))?;
        let since = asked_at.elapsed();
        (since < Self::CARRIED_MAX).then(|| answer + i64::try_from(since.as_millis()).unwrap_or_default())
    }

    fn learn(&self, asked_at: Instant, answer: i64) {
        *self.0.lock().expect(UNPOISONED) = Some((asked_at, answer));
    }
}

pub(crate) const UNPOISONED: &str = "no code panics while it holds this lock";

/// What wakes the pump of a lane and a kind.
type Wakes = HashMap<(&'static str, &'static str), Arc<Notify>>;

/// The store: the one door for writes. Cheap to clone.
#[derive(Clone)]
pub struct Store {
    db: Db,
    pub(crate) clock: Arc<dyn Clock>,
    wakes: Arc<Mutex<Wakes>>,
    pub(crate) revocations: watch::Sender<u64>,
    /// Names this process in leases, for people who look into the outbox.
    pub(crate) owner: Arc<str>,
    /// The newest that our own clock was seen to say.
    pub(crate) seen_ms: Arc<AtomicI64>,
}

/// The database failed, or holds what it should not.
#[derive(Debug, thiserror::Error)]
pub enum StoreError {
    /// The URL names neither database. Holds no more than its scheme, because the rest may hold a password.
    #[error("database `{0}`: its url must begin with sqlite: or postgres://")]
    UnknownDatabase(String),
    /// The database refused or could not be reached.
    #[error("database: {}", plain(.0))]
    Database(#[from] sqlx::Error),
    /// The schema could not be brought up to date.
    #[error("database schema: {}", plain_schema(.0))]
    Schema(#[from] sqlx::migrate::MigrateError),
    /// A stored value does not read back.
    #[error("stored {kind} {id}: {why}")]
    Unreadable {
        /// The kind of machine or row.
        kind: &'static str,
        /// Which one.
        id: String,
        /// What is wrong with it.
        why: String,
    },
}

/// The usual faults in plain words with the next step; the database's own words for all others. The numbers are SQLite's
/// result codes (sqlite.org/rescode.html), whose lowest byte is the primary one.
fn plain(error: &sqlx::Error) -> String {
    let code = match error {
        sqlx::Error::Database(why) => why.code().and_then(|code| code.parse::<u32>().ok()),
        sqlx::Error::PoolTimedOut => {
            return "it does not answer; the machine or its disk may be too busy, another process may hold it, or its server may \
                    not run"
                .to_owned();
        }
        sqlx::Error::Io(why) => return format!("it cannot be reached ({why}); check its address, and whether it runs"),
        _ => None,
    };
    match code.map(|code| code & 0xff) {
        Some(5 | 6) => "another process holds it locked; stop that process".to_owned(),
        Some(8) => "it cannot be written; make its file and directory writable".to_owned(),
        Some(10) => format!("its disk fails ({error}); look at the disk"),
        Some(11 | 26) => {
            "its file is damaged, or no database; stop, move it away, and restore a copy or begin anew".to_owned()
        }
        Some(13) => "its disk is full; make room there, and the work goes on".to_owned(),
        Some(14) => {
            "its file cannot be opened; check the path, and whether this user may read and write there".to_owned()
        }
        _ => error.to_string(),
    }
}

fn plain_schema(error: &sqlx::migrate::MigrateError) -> String {
    use sqlx::migrate::MigrateError;
    match error {
        MigrateError::VersionMissing(version) => {
            format!("step {version} is unknown to this release; use the release that made the database, or a newer one")
        }
        MigrateError::VersionMismatch(version) => {
            format!("step {version} is another one than this release's; it was made by a development build")
        }
        MigrateError::Execute(error) | MigrateError::ExecuteMigration(error, _) => plain(error),
        other => other.to_string(),
    }
}

impl StoreError {
    /// Whether another write came first and the database noticed, so that a new try may well succeed.
    pub(crate) fn is_lost_race(&self) -> bool {
        const SERIALIZATION_FAILURE: &str = "40001";
        const DEADLOCK_DETECTED: &str = "40P01";
        let Self::Database(sqlx::Error::Database(why)) = self else { return false };
        why.is_unique_violation() || matches!(why.code().as_deref(), Some(SERIALIZATION_FAILURE | DEADLOCK_DETECTED))
    }
}

/// Runs one statement on a connection of its own.
macro_rules! alone {
    ($connections:expr, $sql:expr, $args:expr, fetch_all => $row:expr) => {{
        let mut turn = $connections.turn().await?;
        let rows = bound!($sql, $args).fetch_all(turn.connection()).await?;
        turn.over();
        Ok(rows.into_iter().map($row).collect())
    }};
    ($connections:expr, $sql:expr, $args:expr, execute) => {{
        let mut turn = $connections.turn().await?;
        let done = bound!($sql, $args).execute(turn.connection()).await?;
        turn.over();
        Ok(done.rows_affected())
    }};
}

impl Store {
    /// Connects and brings the schema up to date.
    pub async fn open(settings: &StoreSettings, clock: Arc<dyn Clock>) -> Result<Self, StoreError> {
        let db = match scheme_of(&settings.url) {
            "sqlite" => open_sqlite(settings).await?,
            "postgres" | "postgresql" => open_postgres(settings).await?,
            unknown => return Err(StoreError::UnknownDatabase(unknown.to_owned())),
        };
        let owner = format!("process {}", std::process::id());
        let (revocations, seen_ms) = (watch::Sender::new(0), Arc::default());
        Ok(Self { db, clock, wakes: Arc::default(), revocations, owner: owner.into(), seen_ms })
    }

    /// Which database serves this store.
    pub fn backend(&self) -> Backend {
        match &self.db {
            Db::Sqlite { .. } => Backend::Sqlite,
            Db::Postgres { .. } => Backend::Postgres,
        }
    }

    /// The present instant by the clock that the store was opened with.
    pub fn now(&self) -> Timestamp {
        self.clock.now()
    }

    /// The present instant by the clock that leases are measured by: the database's, which all processes share.
    pub(crate) async fn lease_now(&self) -> Result<i64, StoreError> {
        match &self.db {
            Db::Sqlite { .. } => Ok(machine_now_ms()),
            Db::Postgres { clock, .. } => {
                if let Some(now_ms) = clock.now_ms() {
                    return Ok(now_ms);
                }
                #[expect(clippy::disallowed_methods, reason = "measures a span on this machine, not a time of day")]
                let asked_at = Instant::now();
                let rows = self.rows(SERVER_NOW, &[]).await?;
                let now_ms = rows.first().ok_or(sqlx::Error::RowNotFound)?.int("now_ms")?;
                clock.learn(asked_at, now_ms);
                Ok(now_ms)
            }
        }
    }

    /// Reads rows for a view. Decisions are never made on them.
    pub async fn rows(&self, sql: &'static str, args: &[Arg]) -> Result<Vec<Row>, StoreError> {
        match &self.db {
            Db::Sqlite { read, .. } => alone!(read, sql, args, fetch_all => Row::Sqlite),
            Db::Postgres { pool, .. } => alone!(pool, sql, args, fetch_all => Row::Postgres),
        }
    }

    /// Writes rows of a table that belongs to no machine, in one transaction; says how many each statement touched.
    pub async fn write(&self, statements: &[Statement]) -> Result<Vec<u64>, StoreError> {
        if let [only] = statements {
            return Ok(vec![self.write_one(only).await?]);
        }
        let mut tx = self.begin().await?;
        let mut touched = Vec::with_capacity(statements.len());
        for statement in statements {
            touched.push(tx.execute(statement.sql, &statement.args).await?);
        }
        tx.commit().await?;
        Ok(touched)
    }

    /// Runs a claim, one at a time. Without the lock PostgreSQL hands overlapping rows of one group to two claimers,
    /// because each looks at a snapshot in which the other's claim has not happened; SQLite has one writer anyway.
    pub(crate) async fn claim_rows(&self, sql: &'static str, args: &[Arg]) -> Result<Vec<Row>, StoreError> {
        match &self.db {
            Db::Sqlite { write, .. } => alone!(write, sql, args, fetch_all => Row::Sqlite),
            Db::Postgres { notes, .. } => {
                let mut turn = notes.turn().await?;
                turn.say("BEGIN; SELECT pg_advisory_xact_lock(6405130, 0)").await?;
                let rows = bound!(sql, args).fetch_all(turn.connection()).await?;
                turn.say("COMMIT").await?;
                turn.over();
                Ok(rows.into_iter().map(Row::Postgres).collect())
            }
        }
    }

    /// Runs one statement about a claim that its holder made.
    pub(crate) async fn note(&self, sql: &'static str, args: &[Arg]) -> Result<u64, StoreError> {
        match &self.db {
            Db::Sqlite { write, .. } => alone!(write, sql, args, execute),
            Db::Postgres { notes, .. } => alone!(notes, sql, args, execute),
        }
    }

    /// Writes one row for an effect that is owed until it ends, and gives back what its `RETURNING` says. A PostgreSQL
    /// server that crashes may forget the row, but then it has forgotten the end of the effect too.
    pub async fn note_row(&self, statement: &Statement) -> Result<Option<Row>, StoreError> {
        let Statement { sql, args } = statement;
        let rows: Result<Vec<Row>, StoreError> = match &self.db {
            Db::Sqlite { write, .. } => alone!(write, *sql, args, fetch_all => Row::Sqlite),
            Db::Postgres { notes, .. } => alone!(notes, *sql, args, fetch_all => Row::Postgres),
        };
        Ok(rows?.pop())
    }

    /// A statement alone is a transaction by itself, without the two round trips around it.
    async fn write_one(&self, statement: &Statement) -> Result<u64, StoreError> {
        let Statement { sql, args } = statement;
        match &self.db {
            Db::Sqlite { write, .. } => alone!(write, *sql, args, execute),
            Db::Postgres { pool, .. } => alone!(pool, *sql, args, execute),
        }
    }

    /// Asks the database to prepare a text without running it, as a check that both understand it.
    pub async fn prepare(&self, sql: &str) -> Result<(), StoreError> {
        let sql = sqlx::SqlSafeStr::into_sql_str(AssertSqlSafe(sql.to_owned()));
        match &self.db {
            Db::Sqlite { read, .. } => {
                let mut turn = read.turn().await?;
                turn.connection().prepare(sql).await?;
                turn.over();
            }
            Db::Postgres { pool, .. } => {
                let mut turn = pool.turn().await?;
                turn.connection().prepare(sql).await?;
                turn.over();
            }
        }
        Ok(())
    }

    /// Closes every connection; what was committed stays.
    pub async fn close(&self) {
        match &self.db {
            Db::Sqlite { read, write } => {
                read.close();
                write.close();
            }
            Db::Postgres { pool, notes, .. } => {
                notes.close();
                pool.close();
            }
        }
    }

    pub(crate) async fn begin(&self) -> Result<Tx, StoreError> {
        self.begin_with("BEGIN".to_owned()).await
    }

    /// Begins a transaction that changes one machine; its writers take turns.
    pub(crate) async fn begin_for(&self, kind: &str, machine: &str) -> Result<Tx, StoreError> {
        self.begin_with(transaction::begin_for(kind, machine)).await
    }

    async fn begin_with(&self, words_for_postgres: String) -> Result<Tx, StoreError> {
        Ok(match &self.db {
            Db::Sqlite { write, .. } => {
                let mut turn = write.turn().await?;
                turn.say(BEGIN_SQLITE).await?;
                Tx::Sqlite(turn)
            }
            Db::Postgres { pool, .. } => {
                let mut turn = pool.turn().await?;
                turn.say(AssertSqlSafe(words_for_postgres)).await?;
                Tx::Postgres(turn)
            }
        })
    }

    /// What the pump of this lane and kind waits for. A wake-up that nobody waits for is kept until somebody does.
    pub(crate) fn wake_of(&self, lane: &'static str, kind: &'static str) -> Arc<Notify> {
        self.wakes.lock().expect(UNPOISONED).entry((lane, kind)).or_default().clone()
    }

    /// Wakes every pump of a lane: an effect that ended may have held back one of another kind in its group.
    pub(crate) fn wake(&self, lane: &'static str) {
        self.wake_others(lane, "");
    }

    /// Wakes every pump of a lane but that of this kind.
    pub(crate) fn wake_others(&self, lane: &'static str, but: &'static str) {
        let wakes = self.wakes.lock().expect(UNPOISONED);
        let others = wakes.iter().filter(|((of, kind), _)| *of == lane && *kind != but);
        others.for_each(|(_, notify)| notify.notify_one());
    }
}

/// Connections for notes. None of them waits for the disk, so a few serve many lanes.
const NOTES_MAX: u32 = 4;

/// Prepared statements kept by each connection: every text of the product, and the joined ones in their variants.
const STATEMENTS_KEPT: usize = 512;

pub(crate) static MIGRATIONS: Migrator = sqlx::migrate!("../../migrations");

async fn open_sqlite(settings: &StoreSettings) -> Result<Db, StoreError> {
    let options = SqliteConnectOptions::from_str(&settings.url)?
        .create_if_missing(true)
        .journal_mode(SqliteJournalMode::Wal)
        .synchronous(SqliteSynchronous::Normal)
        .foreign_keys(true)
        .statement_cache_capacity(STATEMENTS_KEPT)
        .busy_timeout(settings.wait_max);
    let write = Connections::<SqliteConnection>::new(options.clone(), 1, settings.wait_max);
    // Several processes may open a new file at once, and sqlx locks nothing on SQLite.
    let _held = hold_directory(&options, settings.wait_max).await;
    let mut turn = write.turn().await?;
    let mut tx = turn.connection().begin_with(BEGIN_SQLITE).await?;
    MIGRATIONS.run_direct(None, &mut *tx, false).await?;
    tx.commit().await?;
    turn.over();
    Ok(Db::Sqlite { read: Connections::new(options, settings.connections_max, settings.wait_max), write })
}

/// Keeps other processes from opening the file until it is dropped. Of several that put a new file into WAL mode at the
/// same time, SQLite refuses all but one at once, however long the busy timeout is, because they could wait for each other
/// (sqlite.org/c3ref/busy_handler.html). The lock is on the directory: closing a file of the database would end the locks
/// that SQLite itself holds there.
async fn hold_directory(options: &SqliteConnectOptions, wait_max: Duration) -> Option<File> {
    let directory = options.get_filename().parent()?.to_owned();
    let held = tokio::task::spawn_blocking(move || {
        let directory = File::open(if directory.as_os_str().is_empty() { Path::new(".") } else { &directory }).ok()?;
        directory.lock().ok().map(|()| directory)
    });
    tokio::time::timeout(wait_max, held).await.ok()?.ok()?
}

async fn open_postgres(settings: &StoreSettings) -> Result<Db, StoreError> {
    let wait_max_ms = settings.wait_max.as_millis().to_string();
    let options = PgConnectOptions::from_str(&settings.url)?.statement_cache_capacity(STATEMENTS_KEPT);
    let options = options.application_name("downbeat").options([
        // A young table has no statistics, and a plan made then, which a connection keeps, reads all of it each time.
        // Every look-up of ours has its index; what has none is still read through.
        ("enable_seqscan", "off"),
        // A claim must see what was committed while it waited for its turn.
        ("default_transaction_isolation", "read committed"),
        ("lock_timeout", &wait_max_ms),
        // A process that is cut off in the middle of a transaction must not keep its locks.
        ("idle_in_transaction_session_timeout", &wait_max_ms),
    ]);
    let pool = Connections::<PgConnection>::new(options.clone(), settings.connections_max, settings.wait_max);
    let mut turn = pool.turn().await?;
    MIGRATIONS.run(turn.connection()).await?;
    turn.over();
    let notes = options.options([("synchronous_commit", "off")]);
    Ok(Db::Postgres { pool, notes: Connections::new(notes, NOTES_MAX, settings.wait_max), clock: Arc::default() })
}

/// What stands before the colon, when it looks like a scheme; nothing otherwise.
pub(crate) fn scheme_of(url: &str) -> &str {
    let scheme = url.split_once(':').map_or("", |(scheme, _)| scheme);
    if scheme.bytes().all(|b| b.is_ascii_alphanumeric()) { scheme } else { "" }
}
