//! The one connection by which SQLite is written. Writers take turns at it in the order in which they came.
//!
//! Not a pool of one: a pool asks its connection whether it lives before and after each use, which takes longer than
//! what a write does in between.

use std::sync::Arc;
use std::time::Duration;

use sqlx::sqlite::SqliteConnectOptions;
use sqlx::{Connection, Error, Executor, SqliteConnection};
use tokio::sync::{Mutex, OwnedMutexGuard};

/// A transaction that reads first and writes later would fail at once when another process wrote in between, however
/// long the busy timeout is; this one waits for its turn at the start.
pub(crate) const BEGIN: &str = "BEGIN IMMEDIATE";

/// The writer. Cheap to clone.
#[derive(Clone)]
pub(crate) struct Writer {
    seat: Arc<Mutex<Seat>>,
    wait_max: Duration,
}

struct Seat {
    options: SqliteConnectOptions,
    connection: Option<SqliteConnection>,
    /// Whether a transaction may be under way that nobody will commit: its owner was dropped, or it failed.
    is_dirty: bool,
    is_closed: bool,
}

/// The turn of one writer.
pub(crate) struct Turn(OwnedMutexGuard<Seat>);

impl Writer {
    pub(crate) fn new(options: SqliteConnectOptions, connection: SqliteConnection, wait_max: Duration) -> Self {
        let seat = Seat { options, connection: Some(connection), is_dirty: false, is_closed: false };
        Self { seat: Arc::new(Mutex::new(seat)), wait_max }
    }

    /// Waits for the turn, to run single statements.
    pub(crate) async fn turn(&self) -> Result<Turn, Error> {
        let waited = tokio::time::timeout(self.wait_max, self.seat.clone().lock_owned()).await;
        let mut turn = Turn(waited.map_err(|_| Error::PoolTimedOut)?);
        turn.0.tidy().await?;
        Ok(turn)
    }

    /// Waits for the turn and begins a transaction. Dropped without a commit, it changes nothing.
    pub(crate) async fn begin(&self) -> Result<Turn, Error> {
        let mut turn = self.turn().await?;
        turn.0.is_dirty = true;
        turn.connection()?.execute(BEGIN).await?;
        Ok(turn)
    }

    pub(crate) async fn close(&self) {
        let mut seat = self.seat.lock().await;
        seat.is_closed = true;
        if let Some(connection) = seat.connection.take() {
            // What was committed stays, whatever becomes of the farewell.
            let _ = connection.close().await;
        }
    }
}

impl Turn {
    pub(crate) fn connection(&mut self) -> Result<&mut SqliteConnection, Error> {
        self.0.connection.as_mut().ok_or(Error::PoolClosed)
    }

    pub(crate) async fn commit(mut self) -> Result<(), Error> {
        self.connection()?.execute("COMMIT").await?;
        self.0.is_dirty = false;
        Ok(())
    }
}

impl Seat {
    /// Ends what the last writer left behind. SQLite ends a transaction by itself when the disk is full, so that there
    /// may be none; a connection of which nothing is certain any more is given up for a new one.
    async fn tidy(&mut self) -> Result<(), Error> {
        if self.is_closed {
            return Err(Error::PoolClosed);
        }
        if self.is_dirty
            && let Some(mut connection) = self.connection.take()
        {
            let ended = connection.execute("ROLLBACK").await;
            if ended.is_ok() || ended.is_err_and(|error| is_no_transaction(&error)) {
                self.connection = Some(connection);
            }
        }
        if self.connection.is_none() {
            self.connection = Some(SqliteConnection::connect_with(&self.options).await?);
        }
        self.is_dirty = false;
        Ok(())
    }
}

/// SQLite has no code of its own for this; `SQLITE_ERROR` stands for a thousand things.
fn is_no_transaction(error: &Error) -> bool {
    matches!(error, Error::Database(why) if why.message().contains("no transaction is active"))
}
