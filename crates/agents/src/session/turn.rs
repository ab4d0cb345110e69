//! One turn in the cage: what every agent that is a program has in common.

use std::collections::BTreeMap;
use std::io;
use std::path::PathBuf;

use super::agent::{Session, SessionError, Worked};
use crate::cage::{Access, Cage, Ended, How, Limits};

/// Characters of an agent's last words that are kept as its answer; a card shows fewer.
pub(super) const ANSWER_CHARS_MAX: usize = 4_000;
/// Characters of a failed agent's output that go into the reason.
const REASON_CHARS_MAX: usize = 1_000;
/// Lines of it: what fits into a card beside everything else.
const REASON_LINES_MAX: usize = 12;

/// What one turn needs beyond its session.
pub(super) struct Turn<'a> {
    pub cage: &'a Cage,
    pub command: Vec<String>,
    pub access: Access,
    pub env: BTreeMap<String, String>,
    /// What else may be read and executed.
    pub read: Vec<PathBuf>,
}

impl Turn<'_> {
    /// Runs the program with the prompt on standard input and in a file, until it ends well.
    pub(super) async fn run(self, session: &Session<'_>) -> Result<Ended, SessionError> {
        let workspace = session.workspace;
        // Beside `tmp` and `home`, where nobody inside can put a link in its place.
        let prompt_file = workspace.private().join("prompt.md");
        let full_disk = |error: io::Error| SessionError::Surroundings(format!("{}: {error}", prompt_file.display()));
        tokio::fs::write(&prompt_file, session.prompt).await.map_err(full_disk)?;
        let mut order = self.cage.order(self.command, workspace.tree(), workspace.private());
        order.access = self.access;
        order.input = session.prompt.as_bytes().to_vec();
        order.limits = Limits { time: session.time_max, ..order.limits };
        if let Some(gate) = session.gate {
            order.go_through(gate);
        }
        order.env.extend(self.env);
        order.env.insert("DOWNBEAT_PROMPT_FILE".into(), prompt_file.display().to_string());
        order.env.insert("DOWNBEAT_REQUEST".into(), session.request.replace('\0', ""));
        let turn = match self.access {
            Access::ReadOnly => "plan",
            Access::ReadWrite => "work",
        };
        order.env.insert("DOWNBEAT_TURN".into(), turn.into());
        order.env.insert("DOWNBEAT_TASK".into(), workspace.task.to_string());
        order.env.extend(session.model.map(|model| ("DOWNBEAT_MODEL".to_owned(), model.to_owned())));
        order.read.extend(self.read);
        order.read.push(prompt_file);
        workspace.furnish(&mut order);
        judge(self.cage.run(order, &session.stop, session.progress).await)
    }
}

/// Only exit code 0 is a turn that came to an end by itself and says that it went well.
pub(super) fn judge(ended: Ended) -> Result<Ended, SessionError> {
    match &ended.how {
        How::Exited(0) => Ok(ended),
        How::Stopped => Err(SessionError::Stopped),
        How::CouldNotStart(why) => Err(SessionError::CouldNotStart(why.clone())),
        How::Exited(_)
        | How::Signalled(_)
        | How::TimedOut
        | How::OutputLimit
        | How::MemoryLimit
        | How::ProcessLimit
        | How::DiskLimit => {
            let last_words = last_lines(&last_chars(&ended.output_tail, REASON_CHARS_MAX), REASON_LINES_MAX);
            let outside = matches!(ended.how, How::Exited(126 | 127));
            let hint = if outside {
                " (a program or file that it names is not in the cage; see `cage.read` and `cage.env.PATH`)"
            } else {
                ""
            };
            let said = if last_words.is_empty() { String::new() } else { format!("; its last words:\n{last_words}") };
            Err(SessionError::Failed(format!("{}{hint}{said}", ended.how)))
        }
    }
}

/// What a turn that went well means as work.
pub(super) fn as_work(ended: &Ended) -> Worked {
    let answer = last_chars(&ended.stdout, ANSWER_CHARS_MAX);
    Worked { answer, cage: ended.level.as_ref().map(ToString::to_string).unwrap_or_default() }
}

/// The end of a text, trimmed, without what could steer a terminal.
pub(super) fn last_chars(text: &str, chars_max: usize) -> String {
    let clean = text.trim().chars().rev().filter(|c| !c.is_control() || matches!(c, '\n' | '\t'));
    let mut kept: Vec<char> = clean.take(chars_max).collect();
    kept.reverse();
    kept.into_iter().collect()
}

fn last_lines(text: &str, lines_max: usize) -> String {
    let lines: Vec<&str> = text.lines().collect();
    lines[lines.len().saturating_sub(lines_max)..].join("\n")
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    fn ended(how: How) -> Ended {
        let output_tail = "one\n\u{1b}[31mtwo\n".to_owned();
        Ended { how, level: None, stdout: String::new(), output_tail, duration: Duration::ZERO }
    }

    #[test]
    fn only_exit_code_zero_went_well() {
        assert!(judge(ended(How::Exited(0))).is_ok());
        assert_eq!(judge(ended(How::Stopped)), Err(SessionError::Stopped));
        let why = |how| judge(ended(how)).unwrap_err().to_string();
        assert_eq!(why(How::CouldNotStart("no".into())), "could not start: no");
        assert_eq!(why(How::Exited(3)), "ended with exit code 3; its last words:\none\n[31mtwo");
        assert!(why(How::TimedOut).starts_with("was stopped at its time limit; "));
    }
}
