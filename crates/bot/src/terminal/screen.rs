//! A person at a terminal: keys in, the transcript and the live region out.

use std::io::{self, IsTerminal};
use std::time::Duration;

use crossterm::event::Event;
use domain::{Clock, Timestamp};
use tokio::signal::unix::{Signal, SignalKind, signal};
use tokio::sync::{mpsc, watch};
use tokio::time::{Instant, Interval, interval_at};

use super::history::History;
use super::keyboard;
use super::link::{Followed, Heard, Link, PAST, Saying};
use super::painter::{Abilities, Painter};
use super::region::Size;
use super::view::{SETTLE_AFTER, View, Wish};
use super::{Attach, Left};
use crate::clock::SystemClock;

/// How many things that were heard may wait for the screen; then the instance is read more slowly.
const HEARD_MAX: usize = 1_024;
/// How often it is looked whether the terminal is still there.
const LOOK_EVERY: Duration = Duration::from_secs(2);
/// How many words may wait for the instance; the view holds people back before this is reached.
const SAID_MAX: usize = 128;

/// Talks with a person at a terminal until they leave.
pub async fn talk(mut attach: Attach, size: Size) -> io::Result<Left> {
    let (heard_by, heard) = mpsc::channel(HEARD_MAX);
    let (said, to_say) = mpsc::channel(SAID_MAX);
    let (followed, to_follow) = watch::channel(Followed { thread: attach.thread.clone(), backlog: PAST });
    let link = Link {
        state: attach.state.clone(),
        person: attach.person.as_str().to_owned(),
        heard: heard_by,
        now: tokio::sync::Notify::new(),
    };
    let view = view_of(&attach);
    let painter = Painter::take_over(size, Abilities::find())?;
    let mut screen = Screen { view, painter, link: &link, said, followed };
    let news = News::await_all(&mut attach, heard)?;
    tokio::select! {
        left = screen.show(news) => left,
        never = link.run(to_follow, to_say) => match never {},
    }
}

fn view_of(attach: &Attach) -> View {
    let opened = attach.history.as_deref().map_or_else(|| Ok(History::default()), History::open);
    let (history, unreadable) = match opened {
        Ok(history) => (history, None),
        Err(error) => (History::default(), Some(error)),
    };
    let mut view = View::new(attach.person.as_str(), &attach.thread, history);
    attach.greeting.iter().for_each(|line| view.say_aside(line));
    if let (Some(error), Some(path)) = (unreadable, &attach.history) {
        view.say_aside(&format!("the history {} cannot be read, and is not kept: {error}", path.display()));
    }
    view
}

struct Screen<'a> {
    view: View,
    painter: Painter,
    link: &'a Link,
    said: mpsc::Sender<Saying>,
    followed: watch::Sender<Followed>,
}

/// Something that changes what is seen.
enum Came {
    Typed(Event),
    Heard(Box<Heard>),
    Noticed(String),
    Ticked,
    Ended(Left),
}

impl Screen<'_> {
    async fn show(&mut self, mut news: News) -> io::Result<Left> {
        loop {
            self.paint()?;
            let mut came = Some(news.next(self.view.is_moving()).await?);
            // All that is there already is taken in before it is painted.
            while let Some(one) = came {
                if let Some(left) = self.take_in(one)? {
                    return self.leave(left);
                }
                came = news.heard.try_recv().ok().map(|heard| Came::Heard(Box::new(heard)));
            }
        }
    }

    fn take_in(&mut self, came: Came) -> io::Result<Option<Left>> {
        match came {
            Came::Typed(Event::Key(key)) => self.view.take_key(key),
            Came::Typed(Event::Paste(text)) => self.view.take_paste(&text),
            Came::Typed(Event::Resize(columns, rows)) => {
                self.painter.repaint(Size { columns: columns.into(), rows: rows.into() })?;
            }
            Came::Typed(Event::FocusGained | Event::FocusLost | Event::Mouse(_)) => {}
            Came::Heard(heard) => self.view.take_heard(*heard, now()),
            Came::Noticed(line) => self.view.say_aside(&line),
            Came::Ticked => self.view.settle(now()),
            Came::Ended(left) => return Ok(Some(left)),
        }
        for wish in self.view.take_wishes() {
            match wish {
                Wish::Leave => return Ok(Some(Left::Asked)),
                Wish::Connect => self.link.now.notify_waiters(),
                Wish::Repaint => self.painter.repaint(self.painter.size())?,
                Wish::Follow(followed) => drop(self.followed.send(followed)),
                Wish::Say(saying) => self.pass_on(saying),
            }
        }
        Ok(None)
    }

    fn pass_on(&mut self, saying: Saying) {
        // The view lets fewer words wait than the channel holds.
        if let Err(unsaid) = self.said.try_send(saying) {
            self.view.say_aside(&format!("not said: {}", unsaid.into_inner().text));
        }
    }

    fn paint(&mut self) -> io::Result<()> {
        let region = self.view.region(self.painter.size(), now());
        self.painter.paint(&self.view.take_rows(), region)
    }

    /// What was not answered stays on the screen, so that it is not lost.
    fn leave(&mut self, left: Left) -> io::Result<Left> {
        let unsaid: Vec<_> = self.view.unanswered().map(|saying| saying.text.clone()).collect();
        unsaid.iter().for_each(|text| self.view.say_aside(&format!("no answer came to: {text}")));
        self.paint()?;
        Ok(left)
    }
}

fn now() -> Timestamp {
    SystemClock.now()
}

/// Everything that a screen waits for.
struct News {
    keys: mpsc::Receiver<io::Result<Event>>,
    heard: mpsc::Receiver<Heard>,
    notices: mpsc::Receiver<String>,
    ticks: Interval,
    looks: Interval,
    interrupted: Signal,
    terminated: Signal,
    hung_up: Signal,
    stop: tokio_util::sync::CancellationToken,
}

impl News {
    #[expect(clippy::disallowed_methods, reason = "a display moves with real time; nothing is decided by it")]
    fn await_all(attach: &mut Attach, heard: mpsc::Receiver<Heard>) -> io::Result<Self> {
        let notices = attach.notices.take().unwrap_or_else(|| mpsc::channel(1).1);
        let period: Duration = SETTLE_AFTER;
        Ok(Self {
            keys: keyboard::typed(),
            heard,
            notices,
            ticks: interval_at(Instant::now() + period, period),
            looks: interval_at(Instant::now() + LOOK_EVERY, LOOK_EVERY),
            interrupted: signal(SignalKind::interrupt())?,
            terminated: signal(SignalKind::terminate())?,
            hung_up: signal(SignalKind::hangup())?,
            stop: attach.stop.clone(),
        })
    }

    async fn next(&mut self, is_moving: bool) -> io::Result<Came> {
        tokio::select! {
            key = self.keys.recv() => match key {
                Some(key) => Ok(Came::Typed(key?)),
                None => Ok(Came::Ended(Left::Terminated)),
            },
            Some(heard) = self.heard.recv() => Ok(Came::Heard(Box::new(heard))),
            Some(line) = self.notices.recv() => Ok(Came::Noticed(line)),
            _ = self.ticks.tick(), if is_moving => Ok(Came::Ticked),
            // A terminal that has gone is not always followed by a signal, and reads as one without keys.
            _ = self.looks.tick() => Ok(if io::stdin().is_terminal() { Came::Ticked } else { Came::Ended(Left::Terminated) }),
            _ = self.interrupted.recv() => Ok(Came::Ended(Left::Asked)),
            _ = self.terminated.recv() => Ok(Came::Ended(Left::Terminated)),
            _ = self.hung_up.recv() => Ok(Came::Ended(Left::Terminated)),
            () = self.stop.cancelled() => Ok(Came::Ended(Left::Stopped)),
        }
    }
}
