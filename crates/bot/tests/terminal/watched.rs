//! A value that several threads change, and that a test waits for.

use std::sync::{Arc, Condvar, Mutex};
use std::time::Duration;

/// How long anything may take before a test fails: a busy machine is no fault of the program.
const WAIT_MAX: Duration = Duration::from_secs(20);

pub struct Watched<T>(Arc<(Mutex<T>, Condvar)>);

impl<T> Clone for Watched<T> {
    fn clone(&self) -> Self {
        Self(self.0.clone())
    }
}

impl<T> Watched<T> {
    pub fn new(value: T) -> Self {
        Self(Arc::new((Mutex::new(value), Condvar::new())))
    }

    pub fn change<R>(&self, change: impl FnOnce(&mut T) -> R) -> R {
        let changed = change(&mut self.0.0.lock().unwrap());
        self.0.1.notify_all();
        changed
    }

    /// Waits until `is_so`; false when it never was.
    pub fn wait(&self, mut is_so: impl FnMut(&T) -> bool) -> bool {
        let (value, changed) = &*self.0;
        let (_value, waited) =
            changed.wait_timeout_while(value.lock().unwrap(), WAIT_MAX, |value| !is_so(value)).unwrap();
        !waited.timed_out()
    }
}
