//! A conversation with a caged agent: what it says goes through its [`Protocol`], and what that wants is done here.
//!
//! Laws:
//! 1. An agent is believed that it is done only when it says so in its language and its process ends well after it.
//! 2. A silence longer than the session allows ends it, but while people are asked nobody is silent.
//! 3. An error that no new try can change ends it at once, and one that new tries do not change after a few of them.
//! 4. A stop is said in its language first; a second later the cage ends it.

#![expect(clippy::disallowed_methods, reason = "how long an agent may be silent is real time")]

use std::collections::VecDeque;
use std::pin::Pin;
use std::time::Duration;

use bytes::Bytes;
use tokio::sync::mpsc;
use tokio::time::{Instant, sleep_until};
use tokio_util::sync::CancellationToken;

use super::agent::{Session, SessionError};
use super::event::{AgentEvent, ErrorClass};
use super::fault::is_final;
use super::people::{People, Question, Reply, Steer};
use super::protocol::{Ending, Memory, Move, Protocol};
use super::telling::{Telling, short};
use super::transcript::Voice;
use super::turn::judge;
use crate::cage::{Cage, Ended, How, Line, Opened, Order};

/// After a stop is said in the agent's language, the cage waits this long before it ends it.
const STOP_GRACE: Duration = Duration::from_secs(1);
/// After an agent said that it is done, its process may take this long to end: some write their history then.
const CLOSE_GRACE: Duration = Duration::from_secs(10);
/// Tries of one request, told one after the other, after which the session is put off. Agents pause up to half a minute
/// between two, and hold a place that another task could have.
const RETRIES_MAX: u32 = 6;
/// Lines in a row that are not the agent's language. A warning or two before it begins are usual.
const GARBAGE_MAX: u32 = 50;
/// Lines beside its language that are quoted when it ends badly: a stack trace fits.
const ASIDES_MAX: usize = 20;
/// Of each so much: lines of megabytes are nobody's words.
const ASIDE_CHARS_MAX: usize = 2_000;
/// Questions that wait behind the one that people see. An agent with more goes in circles.
const QUESTIONS_MAX: usize = 20;

/// What a conversation came to.
#[derive(Clone, Debug)]
pub(super) struct Spoken {
    /// How it ended.
    pub ending: Ending,
    /// What the cage saw.
    pub ended: Ended,
}

type Asking<'a> = Pin<Box<dyn Future<Output = Reply> + Send + 'a>>;

/// One conversation.
pub(super) struct Dialogue<'a, 'p> {
    protocol: &'p mut dyn Protocol,
    /// Where the protocol's memory is kept.
    remember: &'p mut (dyn FnMut(Memory) + Send),
    people: &'a dyn People,
    telling: Telling<'a>,
    input: Option<mpsc::Sender<Bytes>>,
    asked: Option<(u64, Asking<'a>)>,
    questions: VecDeque<(u64, Question)>,
    ending: Option<Ending>,
    /// Whether it has begun a session at all.
    has_begun: bool,
    retries: u32,
    garbage: u32,
    /// The newest lines that were not its language, from either output: why it ended, if it says so at all.
    asides: VecDeque<String>,
    is_stopped: bool,
    /// When the patience of this moment is over.
    until: Instant,
    idle_max: Duration,
}

/// What happens next.
enum News {
    Line(Option<Line>),
    Aside(String),
    Said(Steer),
    Reply(u64, Reply),
    Stop,
    Silence,
}

impl<'a, 'p> Dialogue<'a, 'p> {
    /// A conversation in this session.
    pub(super) fn new(
        session: &Session<'a>,
        protocol: &'p mut dyn Protocol,
        remember: &'p mut (dyn FnMut(Memory) + Send),
    ) -> Self {
        Self {
            protocol,
            remember,
            people: session.people,
            telling: Telling::of(session),
            input: None,
            asked: None,
            questions: VecDeque::new(),
            ending: None,
            has_begun: false,
            retries: 0,
            garbage: 0,
            asides: VecDeque::new(),
            is_stopped: false,
            until: Instant::now() + session.idle_max,
            idle_max: session.idle_max,
        }
    }

    /// Starts the agent and talks with it until nothing of it is left.
    pub(super) async fn hold(
        mut self,
        cage: &Cage,
        order: Order,
        session: &mut Session<'_>,
    ) -> Result<Spoken, SessionError> {
        let end_it = CancellationToken::new();
        let mut opened = cage.open(order, &end_it);
        self.input = Some(opened.input.clone());
        // The clone above is the one that is dropped to close it.
        drop(std::mem::replace(&mut opened.input, mpsc::channel(1).0));
        let first = self.protocol.begin();
        self.act(first, session);
        loop {
            match self.next(&mut opened, session).await {
                News::Line(Some(line)) => self.hear(line, session),
                News::Line(None) => break,
                News::Aside(line) => {
                    self.telling.keep(Voice::Aside, &line);
                    self.quote(&line);
                }
                News::Said(said) => self.pass_on(said, session),
                News::Reply(asked, reply) => {
                    self.asked = None;
                    let moves = self.protocol.answer(asked, &reply);
                    self.act(moves, session);
                    self.ask_next();
                }
                News::Stop => self.stop(session),
                News::Silence => {
                    self.give_up();
                    end_it.cancel();
                }
            }
        }
        self.input = None;
        let ended = opened.ending.wait().await;
        // What it said last may stand behind the end of its lines.
        while let Ok(aside) = opened.errors.try_recv() {
            self.telling.keep(Voice::Aside, &aside);
            self.quote(&aside);
        }
        self.verdict(ended)
    }

    async fn next(&mut self, opened: &mut Opened, session: &mut Session<'_>) -> News {
        let is_open = self.ending.is_none() && !self.is_stopped;
        let waits_for_people = self.asked.is_some() && is_open;
        tokio::select! {
            line = opened.lines.recv() => News::Line(line),
            Some(aside) = opened.errors.recv() => News::Aside(aside),
            Some(said) = session.steering.recv(), if is_open => News::Said(said),
            (asked, reply) = answer_to(&mut self.asked), if waits_for_people => News::Reply(asked, reply),
            () = session.stop.cancelled(), if !self.is_stopped => News::Stop,
            () = sleep_until(self.until), if !waits_for_people => News::Silence,
        }
    }

    fn hear(&mut self, line: Line, session: &mut Session<'_>) {
        if self.ending.is_none() && !self.is_stopped {
            self.until = Instant::now() + self.idle_max;
        }
        match line {
            Line::Text(line) => {
                self.telling.keep(Voice::Theirs, &line);
                let moves = self.protocol.hear(&line);
                self.act(moves, session);
            }
            Line::TooLong { bytes } => {
                self.telling.note(&format!("… a line of {bytes} bytes is left out"));
            }
        }
    }

    fn act(&mut self, moves: Vec<Move>, session: &mut Session<'_>) {
        for one in moves {
            // After its end it may write what it likes.
            if self.ending.is_some() {
                return;
            }
            match one {
                Move::Write(line) => self.write(&line),
                Move::Tell(event) => self.tell(&event),
                Move::Garbage(line) => self.hear_garbage(line),
                Move::Ask(asked, question) => self.ask(asked, question),
                Move::Withdraw(asked) => {
                    self.questions.retain(|(waiting, _)| *waiting != asked);
                    self.asked.take_if(|(open, _)| *open == asked);
                    self.ask_next();
                }
                Move::Remember(memory) => (self.remember)(memory),
                Move::End(ending) => self.end(ending, session),
            }
        }
    }

    fn write(&mut self, line: &str) {
        self.telling.keep(Voice::Ours, line);
        let Some(input) = &self.input else { return };
        match input.try_send(Bytes::from(format!("{line}\n"))) {
            // A process that is gone is told by the end of its lines.
            Ok(()) | Err(mpsc::error::TrySendError::Closed(_)) => {}
            Err(mpsc::error::TrySendError::Full(_)) => self.close(Ending::fault("does not read what it is told")),
        }
    }

    fn tell(&mut self, event: &AgentEvent) {
        self.garbage = 0;
        self.telling.tell(event);
        match event {
            AgentEvent::Retrying { class, why } => {
                self.retries += 1;
                if is_final(*class) || self.retries >= RETRIES_MAX {
                    self.close(Ending::Broke { class: *class, why: why.clone() });
                }
            }
            AgentEvent::Said { .. } | AgentEvent::ToolCall(_) | AgentEvent::Thought { .. } => self.retries = 0,
            AgentEvent::Started { .. } => self.has_begun = true,
            AgentEvent::Todo { .. }
            | AgentEvent::PlanProposed { .. }
            | AgentEvent::Mode { .. }
            | AgentEvent::Used(_)
            | AgentEvent::TurnEnded { .. }
            | AgentEvent::Broke { .. }
            | AgentEvent::Unknown { .. } => {}
        }
    }

    fn quote(&mut self, line: &str) {
        self.asides.truncate(ASIDES_MAX - 1);
        self.asides.push_front(line.chars().take(ASIDE_CHARS_MAX).collect());
    }

    fn hear_garbage(&mut self, line: String) {
        self.quote(&line);
        self.telling.tell(&AgentEvent::Unknown { line });
        self.garbage += 1;
        if self.garbage >= GARBAGE_MAX {
            let last = self.asides.front().map(|line| short(line)).unwrap_or_default();
            self.close(Ending::fault(format!(
                "does not speak the language that its `kind` stands for: {GARBAGE_MAX} lines in a row are something \
                 else, the last of them `{last}`"
            )));
        }
    }

    fn ask(&mut self, asked: u64, question: Question) {
        if self.questions.len() >= QUESTIONS_MAX {
            return self.close(Ending::fault(format!("asked more than {QUESTIONS_MAX} questions at once")));
        }
        self.questions.push_back((asked, question));
        self.ask_next();
    }

    fn ask_next(&mut self) {
        if self.asked.is_some() {
            return;
        }
        self.until = Instant::now() + self.idle_max;
        let people = self.people;
        self.asked = self.questions.pop_front().map(|(asked, question)| (asked, people.ask(question)));
    }

    fn pass_on(&mut self, said: Steer, session: &mut Session<'_>) {
        let moves = match said {
            Steer::Say { by, text } => {
                self.telling.note(&format!("{by}: {text}"));
                self.protocol.say(&format!("{by} says: {text}"))
            }
            Steer::Interrupt { by, text } => {
                self.telling.note(&format!("{by} interrupts: {text}"));
                let then = if text.trim().is_empty() { String::new() } else { format!("{by} says: {text}") };
                self.protocol.interrupt(&then)
            }
            Steer::Nudge { text } => {
                self.telling.note(&format!("downbeat: {text}"));
                self.protocol.nudge(&format!("Downbeat, which watches this session, says: {text}"))
            }
        };
        self.act(moves, session);
    }

    /// Its end, unless somebody said something meanwhile that it has not heard.
    fn end(&mut self, ending: Ending, session: &mut Session<'_>) {
        let goes_on = matches!(ending, Ending::Done(_) | Ending::Planned(_)) && !self.is_stopped;
        // One that has ended needs no nudge.
        let mut unheard = std::iter::from_fn(|| session.steering.try_recv().ok());
        match unheard.find(|said| !matches!(said, Steer::Nudge { .. })) {
            Some(said) if goes_on => self.pass_on(said, session),
            Some(_) | None => self.close(ending),
        }
    }

    fn close(&mut self, ending: Ending) {
        let is_good = matches!(ending, Ending::Done(_) | Ending::Planned(_) | Ending::Interrupted);
        self.ending.get_or_insert(ending);
        self.input = None;
        self.asked = None;
        // One that answers its stop has no more time to go than one that does not.
        if !self.is_stopped {
            self.until = Instant::now() + if is_good { CLOSE_GRACE } else { STOP_GRACE };
        }
    }

    fn stop(&mut self, session: &mut Session<'_>) {
        self.is_stopped = true;
        let moves = self.protocol.interrupt("");
        self.act(moves, session);
        self.until = Instant::now() + STOP_GRACE;
    }

    fn give_up(&mut self) {
        if self.ending.is_none() && !self.is_stopped {
            let minutes = self.idle_max.as_secs().div_ceil(60);
            self.ending = Some(Ending::fault(format!("hangs: it was silent for {minutes} min and was stopped")));
        }
        // The cage ends it within three seconds; the end of its lines is the next that is heard.
        self.until = Instant::now() + self.idle_max.max(CLOSE_GRACE);
    }

    fn verdict(self, ended: Ended) -> Result<Spoken, SessionError> {
        if self.is_stopped {
            return Err(SessionError::Stopped);
        }
        // Its own language is for us; people are told what it said beside that.
        let output_tail = self.asides.into_iter().rev().collect::<Vec<_>>().join("\n");
        let ended = Ended { output_tail, ..ended };
        let was_ours = matches!(ended.how, How::Stopped);
        match self.ending {
            Some(ending @ (Ending::Broke { .. } | Ending::Forgotten | Ending::Interrupted)) => {
                Ok(Spoken { ending, ended })
            }
            // One that hangs after it was done has done it.
            Some(ending) if was_ours => Ok(Spoken { ending, ended }),
            Some(ending @ (Ending::Done(_) | Ending::Planned(_))) => judge(ended).map(|ended| Spoken { ending, ended }),
            None => {
                let has_begun = self.has_begun;
                let ended = judge(ended).map_err(|error| if has_begun { error } else { with_next_step(error) })?;
                let class = ErrorClass::Agent;
                let why = "ended without a word that it is done".to_owned();
                Ok(Spoken { ending: Ending::Broke { class, why }, ended })
            }
        }
    }
}

/// What to look at where a program ended before it began: most often it is another version than is spoken with.
fn with_next_step(error: SessionError) -> SessionError {
    match error {
        SessionError::Failed(why) => SessionError::Failed(format!(
            "{why}\nIt ended before it began. `downbeat agent list` shows its version, and which one is known to work."
        )),
        other @ (SessionError::Stopped
        | SessionError::CouldNotStart(_)
        | SessionError::Surroundings(_)
        | SessionError::PutOff(_)) => other,
    }
}

/// The answer to the question that is open.
async fn answer_to(asked: &mut Option<(u64, Asking<'_>)>) -> (u64, Reply) {
    match asked {
        Some((number, reply)) => (*number, reply.await),
        None => std::future::pending().await,
    }
}
