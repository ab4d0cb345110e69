//! Questions on a terminal. Each has a default that Enter takes, and an answer is judged before the next one is asked.

use std::fmt::Display;
use std::io::{self, IsTerminal};

use inquire::validator::{MinLengthValidator, Validation};
use inquire::{Confirm, InquireError, MultiSelect, Select, Text};

use crate::cli::exit::{Exit, Refused};

/// Who answers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Interview {
    /// A person at a terminal.
    Person,
    /// Nobody: every default is taken.
    Defaults,
}

/// What is asked, with a line that says what the answer is for.
#[derive(Clone, Copy, Debug)]
pub struct Question<'a> {
    /// The question.
    pub asks: &'a str,
    /// What the answer is for.
    pub help: &'a str,
}

impl Interview {
    /// Whether there is a terminal to ask at.
    pub fn is_possible() -> bool {
        io::stdin().is_terminal() && io::stderr().is_terminal()
    }

    /// Asks for a text that follows a rule; the rule's words are shown when it does not. An empty default is an answer too.
    pub fn text(
        self,
        question: Question<'_>,
        default: &str,
        rule: impl Fn(&str) -> Result<(), String> + Clone + 'static,
    ) -> anyhow::Result<String> {
        if self == Self::Defaults {
            return Ok(default.to_owned());
        }
        let judge = move |answer: &str| {
            Ok(match rule(answer.trim()) {
                Ok(()) => Validation::Valid,
                Err(why) => Validation::Invalid(why.into()),
            })
        };
        let asked = Text::new(question.asks).with_help_message(question.help).with_validator(judge);
        let asked = if default.is_empty() { asked } else { asked.with_default(default) };
        Ok(asked.prompt().map_err(stopped)?.trim().to_owned())
    }

    /// Lets one be chosen; the first is the default.
    pub fn choose<T: Display>(self, question: Question<'_>, mut options: Vec<T>) -> anyhow::Result<T> {
        if self == Self::Defaults || options.len() == 1 {
            return Ok(options.swap_remove(0));
        }
        Select::new(question.asks, options).with_help_message(question.help).prompt().map_err(stopped)
    }

    /// Lets some be chosen, at least one; `default` are places in the list.
    pub fn choose_some<T: Display>(
        self,
        question: Question<'_>,
        options: Vec<T>,
        default: &[usize],
    ) -> anyhow::Result<Vec<T>> {
        if self == Self::Defaults {
            let taken = options.into_iter().enumerate().filter(|(place, _)| default.contains(place));
            return Ok(taken.map(|(_, option)| option).collect());
        }
        let at_least_one = MinLengthValidator::new(1).with_message("choose at least one, with the space bar");
        let asked = MultiSelect::new(question.asks, options).with_default(default).with_validator(at_least_one);
        asked.with_help_message(question.help).prompt().map_err(stopped)
    }

    /// Asks whether something shall be; yes is the default.
    pub fn confirm(self, question: Question<'_>) -> anyhow::Result<bool> {
        if self == Self::Defaults {
            return Ok(true);
        }
        Confirm::new(question.asks).with_default(true).with_help_message(question.help).prompt().map_err(stopped)
    }

    /// Tells the person something between two questions.
    pub fn tell(self, words: &str) {
        if self == Self::Person {
            eprintln!("{words}");
        }
    }
}

fn stopped(error: InquireError) -> anyhow::Error {
    match error {
        InquireError::OperationCanceled | InquireError::OperationInterrupted => nothing_written(),
        other => anyhow::Error::new(other).context("failed to ask on this terminal; `--yes` asks nothing"),
    }
}

/// What a person reads who ended the questions.
pub fn nothing_written() -> anyhow::Error {
    anyhow::Error::new(Refused { exit: Exit::Failed, why: "stopped; nothing was written".to_owned() })
}
