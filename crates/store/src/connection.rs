//! Database connections, and the turn of whoever uses one.
//!
//! sqlx's own pool asks a connection whether it lives before and after each use, which takes longer than what a write
//! does in between. Here a connection is trusted for as long as all that it was asked came to a good end, and given up
//! for a new one otherwise; only one that was idle is asked first.

use std::time::Duration;

use deadpool::Runtime;
use deadpool::managed::{Manager, Metrics, Object, PoolError, QueueMode, RecycleResult, Timeouts};
use sqlx::{Connection, Error, Executor};

/// How long a connection may have been idle without being asked whether it lives: less than a server takes to restart.
const IDLE_UNTESTED_MAX: Duration = Duration::from_millis(500);

/// A database whose connections are kept.
pub(crate) struct Opener<C: Connection>(C::Options);

impl<C: Connection> Manager for Opener<C> {
    type Type = C;
    type Error = Error;

    async fn create(&self) -> Result<C, Error> {
        // On the heap: everybody who waits for a connection holds this future.
        Box::pin(C::connect_with(&self.0)).await
    }

    async fn recycle(&self, connection: &mut C, used: &Metrics) -> RecycleResult<Error> {
        if used.last_used() > IDLE_UNTESTED_MAX {
            connection.ping().await?;
        }
        Ok(())
    }
}

/// Connections to one database. Who waits for one gets it in the order of asking.
pub(crate) struct Connections<C: Connection>(deadpool::managed::Pool<Opener<C>>);

impl<C: Connection> Clone for Connections<C> {
    fn clone(&self) -> Self {
        Self(self.0.clone())
    }
}

impl<C: Connection> Connections<C> {
    /// At most `size` of them, made when they are needed.
    pub(crate) fn new(options: C::Options, size: u32, wait_max: Duration) -> Self {
        let waits = Timeouts { wait: Some(wait_max), create: Some(wait_max), recycle: Some(wait_max) };
        let pool = deadpool::managed::Pool::builder(Opener(options))
            .max_size(usize::try_from(size).unwrap_or(usize::MAX))
            .timeouts(waits)
            .queue_mode(QueueMode::Lifo)
            .runtime(Runtime::Tokio1)
            .build()
            .expect("a pool with a runtime can have time limits");
        Self(pool)
    }

    /// Waits for a connection.
    pub(crate) async fn turn(&self) -> Result<Turn<C>, Error> {
        let object = self.0.get().await.map_err(|error| match error {
            PoolError::Backend(error) => error,
            PoolError::Closed => Error::PoolClosed,
            PoolError::Timeout(_) | PoolError::NoRuntimeSpecified | PoolError::PostCreateHook(_) => Error::PoolTimedOut,
        })?;
        Ok(Turn { object: Some(object), is_over: false })
    }

    pub(crate) fn close(&self) {
        self.0.close();
    }
}

/// One use of a connection. Unless it is said to be over, the connection is given up: its owner was dropped, or an
/// answer was an error, and whatever it had begun must not be there for the next.
pub(crate) struct Turn<C: Connection> {
    object: Option<Object<Opener<C>>>,
    is_over: bool,
}

impl<C: Connection> Turn<C> {
    pub(crate) fn connection(&mut self) -> &mut C {
        self.object.as_mut().expect("it is given back no sooner than at the end")
    }

    /// Everything came to a good end.
    pub(crate) fn over(mut self) {
        self.is_over = true;
    }
}

impl<C: Connection> Turn<C>
where
    for<'c> &'c mut C: Executor<'c, Database = C::Database>,
{
    /// Runs words of the transaction itself.
    pub(crate) async fn say(&mut self, words: impl sqlx::SqlSafeStr) -> Result<(), Error> {
        sqlx::raw_sql(words).execute(self.connection()).await.map(drop)
    }
}

impl<C: Connection> Drop for Turn<C> {
    fn drop(&mut self) {
        if let Some(object) = self.object.take()
            && !self.is_over
        {
            drop(Object::take(object));
        }
    }
}
