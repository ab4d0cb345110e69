//! Caps: what may be spent before a person is asked.

use domain::{Person, TaskId};

use super::words::dollars;
use crate::session::people::{Question, QuestionKind, Reply};

/// The most that is spent before a person is asked, in millionths of a US dollar; none where nobody is to be asked.
/// What nobody knows the price of cannot be counted here.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Caps {
    /// By one task in all.
    pub task: Option<u64>,
    /// By the tasks of one channel in one day (UTC).
    pub channel: Option<u64>,
    /// By all tasks in one day (UTC).
    pub day: Option<u64>,
}

/// What a cap is about.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Scope {
    /// One task.
    Task(TaskId),
    /// One channel on one day, counted from 1970.
    Channel(String, i64),
    /// One day, counted from 1970.
    Day(i64),
}

impl Scope {
    /// Its name in the database.
    pub(super) fn key(&self) -> String {
        match self {
            Self::Task(task) => format!("task {task}"),
            Self::Channel(channel, day) => format!("channel {channel} {day}"),
            Self::Day(day) => format!("day {day}"),
        }
    }
}

/// A cap that was reached.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Reached {
    /// Of what.
    pub scope: Scope,
    /// The cap, with what was allowed beyond it before.
    pub limit: u64,
}

/// What a person's answer means for the session.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Settled {
    /// It goes on.
    GoOn,
    /// It ends; the words are for people.
    Stop {
        /// Who says so, and of what.
        why: String,
    },
    /// Nobody has answered; it ends its turn and waits.
    Waits,
}

/// A dollar, in what money is counted in.
pub const DOLLAR: u64 = 1_000_000;

/// What one can say to a cap, in order.
const CHOICES: [(&str, u64); 3] = [("allow $2 more", 2 * DOLLAR), ("allow $10 more", 10 * DOLLAR), ("stop", 0)];

impl Reached {
    /// The question to people. Its words are the same until somebody raises the limit.
    pub fn question(&self) -> Question {
        let choices = CHOICES.iter().map(|(words, _)| (*words).to_owned()).collect();
        Question { about: QuestionKind::Budget, text: format!("{} May it go on?", self.in_words()), choices }
    }

    /// A sentence that says which cap.
    pub fn in_words(&self) -> String {
        let limit = dollars(self.limit);
        match &self.scope {
            Scope::Task(task) => format!("{task} has cost {limit}, which is its cap."),
            Scope::Channel(channel, _) => format!("The tasks of {channel} have cost {limit} today, which is its cap."),
            Scope::Day(_) => format!("All tasks together have cost {limit} today, which is the cap."),
        }
    }

    /// How much more a reply allows, and who does; or what else comes of it. Words that are none of the choices allow
    /// nothing, because they might mean anything.
    pub(super) fn read(&self, reply: &Reply) -> Result<(u64, Person), Settled> {
        let (by, text) = match reply {
            Reply::Unanswered => return Err(Settled::Waits),
            Reply::Answered { by, text } => (by, text.trim().to_lowercase()),
        };
        match CHOICES.iter().find(|(words, _)| *words == text) {
            Some((_, more)) if *more > 0 => Ok((*more, by.clone())),
            Some(_) | None => Err(Settled::Stop { why: format!("{} {by} stopped it", self.in_words()) }),
        }
    }
}

#[cfg(test)]
mod tests {
    use expect_test::expect;

    use super::*;

    fn reached(scope: Scope) -> Reached {
        Reached { scope, limit: 10 * DOLLAR }
    }

    #[test]
    fn a_question_names_the_cap() {
        let all = [Scope::Task(TaskId::new(3)), Scope::Channel("console/main".to_owned(), 20_000), Scope::Day(20_000)];
        let said: Vec<String> = all.into_iter().map(|scope| reached(scope).question().text).collect();
        expect![[r#"
            T-3 has cost $10, which is its cap. May it go on?
            The tasks of console/main have cost $10 today, which is its cap. May it go on?
            All tasks together have cost $10 today, which is the cap. May it go on?"#]]
        .assert_eq(&said.join("\n"));
    }

    #[test]
    fn only_a_choice_that_allows_something_lets_it_go_on() {
        let reached = reached(Scope::Task(TaskId::new(3)));
        let by: Person = "ana".parse().unwrap();
        let said = |text: &str| reached.read(&Reply::Answered { by: by.clone(), text: text.to_owned() });
        assert_eq!(said("allow $2 more"), Ok((2 * DOLLAR, by.clone())));
        assert_eq!(said(" Allow $10 more"), Ok((10 * DOLLAR, by.clone())));
        let stopped = Err(Settled::Stop { why: "T-3 has cost $10, which is its cap. ana stopped it".to_owned() });
        for words in ["stop", "never allow $2 more", "whatever", ""] {
            assert_eq!(said(words), stopped, "{words}");
        }
        assert_eq!(reached.read(&Reply::Unanswered), Err(Settled::Waits));
    }
}
