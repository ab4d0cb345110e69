//! The way to a running instance: one connection that watches, one that speaks, and patience when either breaks.
//!
//! What is said carries a delivery's name and is said again under it until an answer was read, so nothing is lost and
//! nothing is said twice. Both connections are driven by one future; dropping it hangs up.

use std::convert::Infallible;
use std::path::PathBuf;
use std::time::Duration;

use tokio::sync::{Notify, mpsc, watch};
use tokio::time::timeout;

use crate::control::client::{Client, ClientError};
use crate::control::wire::{Answer, Ask, Shown, Welcome};

/// How many of a thread's newest messages are shown when a person comes to it: about one screen.
pub const PAST: usize = 20;
/// How many are asked for after a break: all that the instance gives; what was shown before is passed over.
pub const MISSED_MAX: usize = 200;
/// The waits between two tries, doubled each time: a restart takes less than the first, and a person who waits sees
/// that something goes on at the last.
const AGAIN_AFTER: (Duration, Duration) = (Duration::from_millis(250), Duration::from_secs(4));
/// How long an answer may take before the connection counts as broken.
const ANSWER_MAX: Duration = Duration::from_secs(10);

/// What comes from the instance.
#[derive(Clone, Debug)]
pub enum Heard {
    /// We watch, from now on or again.
    Connected(Welcome),
    /// The connection broke, or could not be made.
    Lost {
        /// Why.
        why: String,
        /// When it is tried again.
        again_in: Duration,
    },
    /// Something to show.
    Shown(Shown),
    /// What was said has been answered.
    Answered(Saying, Answer),
}

/// Why something was not done, with the next step; none when it was done.
pub fn refusal(answer: Answer) -> Option<String> {
    match answer {
        Answer::Hello(_) | Answer::Done { .. } | Answer::Found { .. } => None,
        Answer::Refused { why, next } if next.is_empty() => Some(why),
        Answer::Refused { why, next } => Some(format!("{why}. {next}")),
        Answer::Failed { why } => Some(why),
    }
}

/// Words that a person says, until they are answered.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Saying {
    /// The name under which they are said again.
    pub delivery: String,
    /// Where.
    pub thread: String,
    /// The words.
    pub text: String,
}

/// What is watched.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Followed {
    /// The thread whose past is wanted.
    pub thread: String,
    /// How much of it.
    pub backlog: usize,
}

/// The way to an instance.
#[derive(Debug)]
pub struct Link {
    /// The instance's state directory.
    pub state: PathBuf,
    /// Who speaks.
    pub person: String,
    /// Where what is heard goes.
    pub heard: mpsc::Sender<Heard>,
    /// Notified when a person does not want to wait for the next try.
    pub now: Notify,
}

impl Link {
    /// Watches the thread that is wanted and says what is to be said, for as long as it is polled.
    pub async fn run(&self, followed: watch::Receiver<Followed>, said: mpsc::Receiver<Saying>) -> Infallible {
        let (never, _) = tokio::join!(self.follow(followed), self.speak(said));
        never
    }

    async fn follow(&self, mut followed: watch::Receiver<Followed>) -> Infallible {
        let mut wanted = followed.borrow_and_update().clone();
        let mut again_in = AGAIN_AFTER.0;
        loop {
            let mut is_watched = false;
            let error = tokio::select! {
                error = self.watch(&wanted, &mut is_watched) => error,
                Ok(()) = followed.changed() => {
                    wanted = followed.borrow_and_update().clone();
                    continue;
                }
            };
            if is_watched {
                wanted.backlog = MISSED_MAX;
                again_in = AGAIN_AFTER.0;
            }
            let why = match error {
                ClientError::Gone => "downbeat has ended, or starts anew".to_owned(),
                other => other.to_string(),
            };
            self.tell(Heard::Lost { why, again_in }).await;
            self.wait(again_in).await;
            again_in = (again_in * 2).min(AGAIN_AFTER.1);
        }
    }

    /// Watches until the connection breaks; says why it did.
    async fn watch(&self, wanted: &Followed, is_watched: &mut bool) -> ClientError {
        match self.watch_on(wanted, is_watched).await {
            Ok(()) => ClientError::Gone,
            Err(error) => error,
        }
    }

    async fn watch_on(&self, wanted: &Followed, is_watched: &mut bool) -> Result<(), ClientError> {
        let Followed { thread, backlog } = wanted.clone();
        let watched = async {
            let client = Client::connect(&self.state).await?;
            let welcome = client.welcome.clone();
            Ok((client.watch(Some(thread), backlog).await?, welcome))
        };
        let (mut watcher, welcome) = in_time(watched).await?;
        *is_watched = true;
        self.tell(Heard::Connected(welcome)).await;
        while let Some(shown) = watcher.next().await? {
            self.tell(Heard::Shown(shown)).await;
        }
        Ok(())
    }

    async fn speak(&self, mut said: mpsc::Receiver<Saying>) -> Infallible {
        let mut client = None;
        while let Some(saying) = said.recv().await {
            let answer = self.say(&mut client, &saying).await;
            self.tell(Heard::Answered(saying, answer)).await;
        }
        std::future::pending().await
    }

    /// Says it until it is answered.
    async fn say(&self, client: &mut Option<Client>, saying: &Saying) -> Answer {
        let Saying { delivery, thread, text } = saying.clone();
        let ask = Ask::Say { delivery, thread, person: self.person.clone(), text };
        let mut again_in = AGAIN_AFTER.0;
        loop {
            match in_time(self.try_to_ask(client, &ask)).await {
                Ok(answer) => return answer,
                Err(_) => *client = None,
            }
            self.wait(again_in).await;
            again_in = (again_in * 2).min(AGAIN_AFTER.1);
        }
    }

    async fn try_to_ask(&self, client: &mut Option<Client>, ask: &Ask) -> Result<Answer, ClientError> {
        let open = match client {
            Some(open) => open,
            None => client.insert(Client::connect(&self.state).await?),
        };
        open.ask(ask).await
    }

    /// Waits before the next try, unless a person asks for it now.
    async fn wait(&self, at_most: Duration) {
        let _ = timeout(at_most, self.now.notified()).await;
    }

    async fn tell(&self, heard: Heard) {
        // Whoever listens has gone: then this future is dropped in a moment.
        let _ = self.heard.send(heard).await;
    }
}

/// An instance that does not answer in time counts as gone.
async fn in_time<T>(asked: impl Future<Output = Result<T, ClientError>>) -> Result<T, ClientError> {
    timeout(ANSWER_MAX, asked).await.unwrap_or(Err(ClientError::Gone))
}
