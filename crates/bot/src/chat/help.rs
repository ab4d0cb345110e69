//! What can be said, in a screen; and more of each command. Pure.

/// Everything, by what people want.
const OVERVIEW: &str = "Ask:    `@agent fix the login redirect`, and after it any of repo=NAME branch=NAME agent=NAME \
model=NAME budget=DOLLARS plan=ask|auto|off merge=ask|auto
Decide: `approve T-1` · `revise T-1 keep the old name` · `edit T-1` · `reject T-1` · `try T-1` · `merge T-1`
Guide:  `answer T-1 yes` · `steer T-1 use tabs` · `interrupt T-1` · `pause T-1` · `resume T-1` · `rollback T-1 2`
Change: `stop T-1` · `retry T-1` · `dequeue T-1` · `mute T-1` · `unmute T-1`
Look:   `status` · `tasks` · `status T-1` · `why T-1` · `log T-1` · `diff T-1` · `context T-1` · `checkpoints T-1` · `queue`
Queue:  `pause` · `resume` · `prioritise T-1 high` · `hold T-1 because WHY` · `release T-1` · `freeze because WHY` · `thaw` · `restore`
Here:   `settings` · `@agent set repo=NAME` · `@agent unset repo`
The task can be left out where only one can be meant. A number answers the button with that number.
\
On one of my messages or on a request ❌ stops, 🔁 retries and 🔇 mutes; ✅ on a plan approves it where the config says so.
`help approve` says more of one command.";

/// Each command with what it does and an example.
const COMMANDS: [(&str, &str); 36] = [
    (
        "ask",
        "`@agent WHAT SHOULD CHANGE` starts a task: an agent proposes a plan, and works once it is approved. plan=auto \
lets low risk begin at once, plan=off makes no plan; merge=auto sends the change to the merge queue by itself. \
Example: `@agent fix the login redirect repo=web plan=auto`.",
    ),
    (
        "approve",
        "Approves the plan that a task shows, so that work begins; or a finished change that goes beyond its plan. \
A risky one takes another person, or its id twice. Examples: `approve T-1`, `approve T-1 T-1`.",
    ),
    (
        "revise",
        "Asks for another plan, with what should be different; of a plan or of a finished change. \
Example: `revise T-1 keep the old name too`.",
    ),
    (
        "edit",
        "Replaces the steps of a plan, one a line below its version; lines that begin with `constraints:` or `keep out:` hold \
for all of them. It is a new version, to be approved anew. Example: `edit T-1 v1`.",
    ),
    ("reject", "Turns a plan or a change down and ends its task; a reason may follow. Example: `reject T-1 not now`."),
    (
        "answer",
        "Answers the question that a task's agent asks; so does a button, or one of its choices said alone. \
Example: `answer T-1 the old name`.",
    ),
    (
        "steer",
        "Says something to the agent of a task, which hears it at its next chance; `tell` is the same. \
While nobody else talks in the thread, plain words of whoever asked reach the one agent at work there. \
Examples: `steer T-1 use tabs`, `tell T-1 to use tabs`.",
    ),
    (
        "interrupt",
        "Says something to the agent of a task, which ends what it does now. Example: `interrupt T-1 not that file`.",
    ),
    (
        "rollback",
        "Takes a task's work back to a checkpoint, and lets it go on from there; words may follow. \
Example: `rollback T-1 2 without the cache`.",
    ),
    (
        "merge",
        "Sends a ready change to the merge queue, which tests exactly what would land and lands it only if it passes. \
Example: `merge T-1`.",
    ),
    (
        "try",
        "Makes and tests a ready change as it would land now, without landing it. What passes lands without another run while the \
target stays. Example: `try T-1`.",
    ),
    ("dequeue", "Takes a change out of the merge queue; it stays ready. Example: `dequeue T-1`."),
    ("stop", "Ends a task, whatever it is at; an agent at work is stopped. Example: `stop T-1`."),
    (
        "retry",
        "Runs a task again that failed, was stopped or did not land, from the target as it is now; with another agent or \
model where one is named. Examples: `retry T-1`, `retry T-1 with codex`, `retry T-1 model=large`.",
    ),
    (
        "mute",
        "Keeps a task quiet until somebody is needed: its card stays as it is and nothing is announced. Example: `mute T-1`.",
    ),
    ("unmute", "Lets a task tell of itself again. Example: `unmute T-1`."),
    (
        "status",
        "The tasks of this thread and who has to do what; or the card of one. Examples: `status`, `status T-1`.",
    ),
    ("tasks", "Your own tasks, in whatever thread: what needs somebody, what runs, what is done. Example: `tasks`."),
    ("settings", "What holds in this channel where a request says nothing, and why. Example: `settings`."),
    (
        "set",
        "Lets a repository, an agent or a budget hold in this channel; an operator says so. \
Example: `@agent set repo=web budget=5`.",
    ),
    ("unset", "Takes a default of this channel away. Example: `@agent unset repo`."),
    (
        "why",
        "Why a task stands where it does, and who can move it; or why you may not do something. \
Examples: `why T-1`, `@agent why can't I approve T-1?`.",
    ),
    ("log", "The last lines that a task's agent and its checks printed. Example: `log T-1`."),
    ("context", "What a task's agent was given to read of the thread, for your eyes alone. Example: `context T-1`."),
    ("diff", "What a task's change does to the files. Example: `diff T-1`."),
    (
        "checkpoints",
        "The states of a task's tree, one after each turn of its agent; `rollback` goes back to one. \
Example: `checkpoints T-1`.",
    ),
    ("queue", "Who is in the merge queue, and where. Example: `queue`."),
    (
        "pause",
        "With a task: stops its agent and keeps what it has done. Without one: starts nothing new in the merge queue; what \
is being tested goes on. Examples: `pause T-1`, `pause`.",
    ),
    (
        "resume",
        "With a task: lets it go on after a pause. Without one: lets a merge queue go on that was paused or has stopped. \
Examples: `resume T-1`, `resume`.",
    ),
    (
        "prioritise",
        "Lets a change come sooner or later in its merge queue: low, normal, high, or first for a reason. \
Examples: `prioritise T-1 high`, `prioritise T-1 first because it mends the login`.",
    ),
    (
        "hold",
        "Keeps a change in its merge queue from being tested and landed until somebody releases it; it keeps its place, and \
others pass it. Example: `hold T-1 because the docs are missing`.",
    ),
    ("release", "Lets a change go on that was held in its merge queue. Example: `release T-1`."),
    (
        "freeze",
        "Closes a merge queue to all that is below a priority, high if none is named; whatever waits keeps its place. \
Examples: `freeze because we release`, `freeze below=first because of the incident`.",
    ),
    ("thaw", "Opens a merge queue again that is frozen. Example: `thaw`."),
    (
        "restore",
        "Puts right what the audit of a landing found, with a commit that is tested and lands before anything else. \
Example: `restore`.",
    ),
    ("help", "What can be said; with a command, more of it. Example: `help approve`."),
];

/// The words that are commands.
pub(super) fn words() -> impl Iterator<Item = &'static str> {
    COMMANDS.iter().map(|(word, _)| *word).filter(|word| *word != "ask")
}

/// Whether there is more to say of this word.
pub(super) fn tells_of(word: &str) -> bool {
    COMMANDS.iter().any(|(known, _)| known.eq_ignore_ascii_case(word))
}

/// Everything, or more of one command.
pub(super) fn of(word: Option<&str>) -> &'static str {
    COMMANDS.iter().find(|(known, _)| Some(*known) == word).map_or(OVERVIEW, |(_, told)| told)
}

#[cfg(test)]
mod tests {
    use super::super::command::{Command, TaskVerb, parse};
    use super::*;

    #[test]
    fn every_command_is_explained_with_an_example_that_is_understood() {
        for verb in TaskVerb::ALL {
            assert!(tells_of(verb.word()), "{}", verb.word());
        }
        for (word, told) in COMMANDS {
            let examples = told.split_once("Example").expect("an example").1.split('`').skip(1).step_by(2);
            for example in examples {
                let command = parse(example, "@agent");
                assert!(!matches!(command, Command::Talk | Command::Unclear { .. }), "{word}: {example}");
            }
            assert!(
                matches!(word, "ask" | "help")
                    || OVERVIEW.contains(&format!("`{word}"))
                    || OVERVIEW.contains(&format!("`@agent {word}")),
                "{word} is not there"
            );
        }
    }
}
