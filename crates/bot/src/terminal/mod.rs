//! The chat terminal: how a person talks to a running instance from a shell of the same machine.
//!
//! Read in this order: [`view`] (what is known, with [`keys`] and [`region`]; pure), [`link`] (the way to the instance),
//! [`screen`] (on a terminal) and [`plain`] (in a pipe). [`transcript`] is shared with the demo and with `up`.

pub mod completion;
pub mod edit;
pub mod history;
mod keyboard;
mod keys;
pub mod link;
mod painter;
pub mod plain;
pub mod region;
pub mod row;
#[cfg(test)]
mod scenes;
mod screen;
pub mod transcript;
pub mod view;

use std::io::{self, IsTerminal};
use std::path::PathBuf;

use domain::Person;
use tokio::sync::mpsc;
use tokio_util::sync::CancellationToken;

use region::Size;

/// Who comes, and where to.
#[derive(Debug)]
pub struct Attach {
    /// The instance's state directory.
    pub state: PathBuf,
    /// Who speaks.
    pub person: Person,
    /// The thread that they come to.
    pub thread: String,
    /// What is shown first, on a terminal.
    pub greeting: Vec<String>,
    /// The file that keeps what was said; none to keep nothing.
    pub history: Option<PathBuf>,
    /// Lines that the caller shows above the live region, because nothing else may write on the terminal meanwhile.
    pub notices: Option<mpsc::Receiver<String>>,
    /// Cancelled when the caller wants the terminal back.
    pub stop: CancellationToken,
}

/// How a person left.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Left {
    /// They asked to: Ctrl-C, Ctrl-D or `/quit`.
    Asked,
    /// The lines of a pipe came to their end.
    InputEnded {
        /// How many of them were refused or not answered in time.
        n_unsaid: usize,
    },
    /// The caller wanted it.
    Stopped,
    /// The process was told to end, or its terminal has gone.
    Terminated,
}

/// Lets a person talk to a running instance until they leave, with patience when it is not there. On a terminal there is
/// an edit line and a live region; where standard input or output is none, or `TERM` is `dumb`, plain lines go in and
/// out. Fails when the terminal or the pipe cannot be used.
pub async fn attach(attach: Attach) -> io::Result<Left> {
    match terminal_size() {
        Some(size) => screen::talk(attach, size).await,
        None => plain::talk(attach).await,
    }
}

/// The size of the terminal that we are on, when we are on one that can do more than print.
fn terminal_size() -> Option<Size> {
    let is_dumb = std::env::var_os("TERM").is_none_or(|term| term == "dumb");
    if is_dumb || !io::stdin().is_terminal() || !io::stdout().is_terminal() {
        return None;
    }
    let (columns, rows) = crossterm::terminal::size().ok()?;
    Some(Size { columns: columns.into(), rows: rows.into() })
}
