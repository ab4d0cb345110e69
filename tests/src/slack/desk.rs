//! The state behind its lock, and who is told when it changes.

use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use tokio::sync::Notify;

use super::delivery::Post;
use super::state::State;

/// The state behind its lock.
pub struct Desk {
    state: Mutex<State>,
    /// Rung with each change, for tests that wait.
    bell: Condvar,
    /// Rung with each change, for the courier.
    pub wake: Notify,
}

impl Desk {
    /// A desk on which nothing has changed yet.
    pub fn new(state: State) -> Self {
        Self { state: Mutex::new(state), bell: Condvar::new(), wake: Notify::new() }
    }

    /// Looks at the state.
    pub fn look<T>(&self, look: impl FnOnce(&State) -> T) -> T {
        look(&self.lock())
    }

    /// Changes the state, and tells everybody.
    pub fn change<T>(&self, change: impl FnOnce(&mut State) -> T) -> T {
        let changed = change(&mut self.lock());
        self.bell.notify_all();
        self.wake.notify_one();
        changed
    }

    /// Sends what is due. Only what it sends is a change, or the courier would wake itself for ever.
    pub fn dispatch(&self, now: Instant) -> (Vec<Post>, Option<Instant>) {
        let dispatched = self.lock().dispatch(now);
        self.bell.notify_all();
        dispatched
    }

    /// Waits until a look finds something, for this long at most.
    pub fn until<T>(&self, patience: Duration, mut look: impl FnMut(&State) -> Option<T>) -> Option<T> {
        let state = self.lock();
        let mut found = None;
        let misses = |state: &mut State| {
            found = look(state);
            found.is_none()
        };
        drop(self.bell.wait_timeout_while(state, patience, misses).unwrap_or_else(PoisonError::into_inner));
        found
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
