//! Which of an agent's wishes are granted by rule, and which become a question.
//!
//! The cage is what holds an agent: reading, editing and running commands inside it needs nobody. What leaves it, and
//! what this release does not know, is asked about; and everything that changes or runs something, where the config of
//! the agent says `asks = true`.

use super::event::ToolKind;
use super::people::{Question, QuestionKind, Reply};
use super::protocol::Goal;

/// What an agent may do without asking.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) enum Leave {
    /// Whatever the cage holds.
    #[default]
    Caged,
    /// Nothing but looking.
    Looking,
}

/// What a wish comes to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Verdict {
    /// Granted.
    Allow,
    /// A person decides.
    Ask,
    /// Refused, and the agent is told this.
    Refuse(&'static str),
}

/// What an agent is told that wants to change the tree while it plans.
const READ_ONLY: &str = "The tree is read-only while you plan. Say in the plan what you would change.";

/// What an agent is told when a person refuses.
pub(super) const REFUSED: &str = "A person refused this. Do without it, or end your turn and say why you cannot.";

/// What an agent is told when nobody answered.
pub(super) const UNANSWERED: &str = "Nobody has answered yet. Finish what you can without it, then end your turn with \
                                     the one word WAITING; the answer will begin your next turn.";

/// The answers to a wish.
const GRANT: &str = "Allow";
const DENY: &str = "Refuse";

/// What becomes of the wish to use a tool of this kind.
pub(super) fn verdict(kind: ToolKind, goal: Goal, leave: Leave) -> Verdict {
    match (kind, goal, leave) {
        (ToolKind::Read | ToolKind::Search, _, _) => Verdict::Allow,
        (ToolKind::Edit, Goal::Plan, _) => Verdict::Refuse(READ_ONLY),
        (ToolKind::Edit | ToolKind::Execute, _, Leave::Caged) => Verdict::Allow,
        (ToolKind::Edit | ToolKind::Execute, _, Leave::Looking) | (ToolKind::Fetch | ToolKind::Other, _, _) => {
            Verdict::Ask
        }
    }
}

/// The question that a wish becomes.
pub(super) fn question(wish: &str) -> Question {
    Question {
        about: QuestionKind::Permission,
        text: format!("May it do this? {wish}"),
        choices: vec![GRANT.to_owned(), DENY.to_owned()],
    }
}

/// What the agent is told if the reply is no grant.
pub(super) fn refusal(reply: &Reply) -> Option<String> {
    match reply {
        Reply::Answered { text, .. } if text.trim().eq_ignore_ascii_case(GRANT) => None,
        Reply::Answered { text, .. } if text.trim().eq_ignore_ascii_case(DENY) => Some(REFUSED.to_owned()),
        Reply::Answered { by, text } => Some(format!("Not this. {by} says: {text}")),
        Reply::Unanswered => Some(UNANSWERED.to_owned()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_the_cage_holds_needs_nobody_and_what_leaves_it_does() {
        for kind in [ToolKind::Read, ToolKind::Search, ToolKind::Edit, ToolKind::Execute] {
            assert_eq!(verdict(kind, Goal::Work, Leave::Caged), Verdict::Allow, "{kind:?}");
        }
        assert_eq!(verdict(ToolKind::Fetch, Goal::Work, Leave::Caged), Verdict::Ask);
        assert_eq!(verdict(ToolKind::Other, Goal::Work, Leave::Caged), Verdict::Ask);
        assert_eq!(verdict(ToolKind::Execute, Goal::Work, Leave::Looking), Verdict::Ask);
        assert_eq!(verdict(ToolKind::Edit, Goal::Plan, Leave::Caged), Verdict::Refuse(READ_ONLY));
    }

    #[test]
    fn only_the_word_that_grants_does() {
        let said = |text: &str| refusal(&Reply::Answered { by: "ana".parse().unwrap(), text: text.into() });
        assert_eq!(said("allow"), None);
        assert_eq!(said("Refuse").as_deref(), Some(REFUSED));
        assert_eq!(said("use the cache").as_deref(), Some("Not this. ana says: use the cache"));
        assert_eq!(refusal(&Reply::Unanswered).as_deref(), Some(UNANSWERED));
    }
}
