//! What is typed, read on a thread of its own.
//!
//! A terminal that has gone reads as one at its end, and crossterm then reads it again and again. Whoever waits for keys
//! in the same thread as for everything else would never hear that it has gone.

use std::io::{self, IsTerminal, stdin};
use std::thread;
use std::time::Duration;

use crossterm::event::{Event, poll, read};
use tokio::sync::mpsc;

/// So many events wait; who pastes more waits for the screen.
const EVENTS_MAX: usize = 64;
/// How often it is looked whether the terminal is there.
const LOOK_EVERY: Duration = Duration::from_millis(500);

/// Begins to read. It ends with the terminal, and when nobody listens any more.
#[expect(clippy::disallowed_methods, reason = "nobody may wait for it: it may be caught by a terminal that has gone")]
pub fn typed() -> mpsc::Receiver<io::Result<Event>> {
    let (sender, events) = mpsc::channel(EVENTS_MAX);
    thread::spawn(move || {
        while !sender.is_closed() && stdin().is_terminal() {
            let event = match poll(LOOK_EVERY) {
                Ok(true) => read(),
                Ok(false) => continue,
                Err(error) => Err(error),
            };
            let is_broken = event.is_err();
            if sender.blocking_send(event).is_err() || is_broken {
                return;
            }
        }
    });
    events
}
