//! A host that is on no list becomes a question to the people of the task. An agent is never kept waiting for it: it is
//! told to try again, and the answer counts from then on.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};

use domain::TaskId;

use super::hosts::{Destination, Host};
use crate::session::people::{Question, QuestionKind, Reply};

/// Tasks whose answers are remembered; the oldest is forgotten first, and asked about again.
const TASKS_MAX: usize = 1_000;

const ONCE: &str = "allow once";
const FOR_THE_TASK: &str = "allow for this task";
const NEVER: &str = "never";

/// How the question about a host begins, before the host.
const ASKING: &str = "The agent wants to reach `";

/// What people decided about hosts, by task. As the process ends it is forgotten, and asked again.
#[derive(Default)]
pub(super) struct Verdicts(Mutex<BTreeMap<TaskId, BTreeMap<String, Verdict>>>);

/// What people said about a host.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Verdict {
    /// It may be reached.
    Allowed,
    /// It may not.
    Refused,
}

impl Verdicts {
    fn of(&self, task: TaskId, host: &str) -> Option<Verdict> {
        let tasks = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        tasks.get(&task).and_then(|hosts| hosts.get(host)).copied()
    }

    fn remember(&self, task: TaskId, host: &str, verdict: Verdict) {
        let mut tasks = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        tasks.entry(task).or_default().insert(host.to_owned(), verdict);
        if tasks.len() > TASKS_MAX {
            tasks.pop_first();
        }
    }
}

/// The questions of one session.
pub(super) struct Questions {
    task: TaskId,
    n_max: usize,
    verdicts: Arc<Verdicts>,
    asked: Mutex<BTreeMap<String, Asked>>,
}

/// How far a question is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Asked {
    /// Nobody has answered yet.
    Open,
    /// Answered, for this session.
    Answered(Verdict),
}

/// How a host that is on no list stands.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Standing {
    /// People decided.
    Decided(Verdict),
    /// People are asked already.
    Asked,
    /// Nobody was asked: this is the question.
    Open(Question),
    /// Nobody is asked about it.
    Unasked,
}

impl Questions {
    pub(super) fn new(task: TaskId, n_max: usize, verdicts: Arc<Verdicts>) -> Self {
        Self { task, n_max, verdicts, asked: Mutex::default() }
    }

    /// How the host of an unlisted destination stands. The caller has to ask an open question, which is open no more.
    pub(super) fn standing(&self, to: &Destination) -> Standing {
        // An address says nothing to a person, and a port of its own is for the config.
        let host = match &to.host {
            Host::Name(name) if name.contains('.') && to.port == to.way.port() => name,
            Host::Name(_) | Host::Address(_) => return Standing::Unasked,
        };
        if let Some(verdict) = self.verdicts.of(self.task, host) {
            return Standing::Decided(verdict);
        }
        let mut asked = self.asked.lock().unwrap_or_else(PoisonError::into_inner);
        match asked.get(host) {
            Some(Asked::Open) => Standing::Asked,
            Some(Asked::Answered(verdict)) => Standing::Decided(*verdict),
            None if asked.len() >= self.n_max => Standing::Unasked,
            None => {
                asked.insert(host.clone(), Asked::Open);
                Standing::Open(question(host))
            }
        }
    }

    /// Takes a reply, and says what came of it, for the log.
    pub(super) fn settle(&self, host: &str, reply: &Reply) -> Option<String> {
        // Without an answer it stays refused and is not asked again in this session.
        let Reply::Answered { by, text } = reply else { return None };
        let text = text.trim().to_lowercase();
        let (verdict, said) = match text.as_str() {
            ONCE => (Verdict::Allowed, "allowed for this session"),
            FOR_THE_TASK => (Verdict::Allowed, "allowed for this task"),
            NEVER => (Verdict::Refused, "refused for this task"),
            _ => (Verdict::Refused, "not allowed"),
        };
        if matches!(text.as_str(), FOR_THE_TASK | NEVER) {
            self.verdicts.remember(self.task, host, verdict);
        }
        let mut asked = self.asked.lock().unwrap_or_else(PoisonError::into_inner);
        asked.insert(host.to_owned(), Asked::Answered(verdict));
        Some(format!("network: {host} is {said} by {by}"))
    }
}

fn question(host: &str) -> Question {
    let text = format!("{ASKING}{host}`, which is on no list. Allow it? `{ONCE}` is for as long as it works now.");
    Question { about: QuestionKind::Host, text, choices: [ONCE, FOR_THE_TASK, NEVER].map(str::to_owned).into() }
}

/// The host that an answer to its question allows.
pub(crate) fn allowed_by<'q>(question: &'q Question, answer: &str) -> Option<&'q str> {
    let is_yes = [ONCE, FOR_THE_TASK].iter().any(|yes| answer.trim().eq_ignore_ascii_case(yes));
    let host = question.text.strip_prefix(ASKING)?.split('`').next();
    host.filter(|_| is_yes && question.about == QuestionKind::Host)
}

#[cfg(test)]
mod tests {
    use super::super::hosts::Way;
    use super::*;

    fn questions(task: u64, verdicts: &Arc<Verdicts>) -> Questions {
        Questions::new(TaskId::new(task), 2, verdicts.clone())
    }

    fn to(authority: &str) -> Destination {
        Destination::of(authority, Way::Tunnel).unwrap()
    }

    fn answered(text: &str) -> Reply {
        Reply::Answered { by: "ana".parse().unwrap(), text: text.to_owned() }
    }

    #[test]
    fn each_host_is_asked_about_once_and_only_a_few_are() {
        let questions = questions(1, &Arc::default());
        let Standing::Open(question) = questions.standing(&to("a.org:443")) else { panic!() };
        assert_eq!(question.choices, ["allow once", "allow for this task", "never"]);
        let allowed: Vec<_> = question.choices.iter().map(|choice| allowed_by(&question, choice)).collect();
        assert_eq!(allowed, [Some("a.org"), Some("a.org"), None]);
        assert_eq!(questions.standing(&to("a.org:443")), Standing::Asked);
        for unasked in ["10.0.0.1:443", "localhost:443", "b.org:22", "[::1]:443"] {
            assert_eq!(questions.standing(&to(unasked)), Standing::Unasked, "{unasked}");
        }
        assert!(matches!(questions.standing(&to("b.org:443")), Standing::Open(_)));
        assert_eq!(questions.standing(&to("c.org:443")), Standing::Unasked);
    }

    #[test]
    fn an_answer_holds_for_the_session_or_for_the_task() {
        let verdicts = Arc::default();
        let first = questions(1, &verdicts);
        for host in ["once.org", "task.org"] {
            first.standing(&to(&format!("{host}:443")));
        }
        assert_eq!(
            first.settle("once.org", &answered("Allow once")).unwrap(),
            "network: once.org is allowed for this session by ana"
        );
        first.settle("task.org", &answered("allow for this task"));
        for host in ["once.org:443", "task.org:443"] {
            assert_eq!(first.standing(&to(host)), Standing::Decided(Verdict::Allowed));
        }
        let next = questions(1, &verdicts);
        assert!(matches!(next.standing(&to("once.org:443")), Standing::Open(_)));
        assert_eq!(next.standing(&to("task.org:443")), Standing::Decided(Verdict::Allowed));
        assert!(matches!(questions(2, &verdicts).standing(&to("task.org:443")), Standing::Open(_)));
    }

    #[test]
    fn only_a_clear_yes_opens_a_host() {
        let verdicts = Arc::default();
        let questions = questions(1, &verdicts);
        questions.standing(&to("a.org:443"));
        assert_eq!(questions.settle("a.org", &Reply::Unanswered), None);
        assert_eq!(questions.standing(&to("a.org:443")), Standing::Asked);
        questions.settle("a.org", &answered("what is that?"));
        assert_eq!(questions.standing(&to("a.org:443")), Standing::Decided(Verdict::Refused));
        questions.settle("a.org", &answered("never"));
        assert_eq!(verdicts.of(TaskId::new(1), "a.org"), Some(Verdict::Refused));
    }
}
