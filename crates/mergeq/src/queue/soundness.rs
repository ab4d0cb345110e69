//! Whether a landing was what it had to be: what is looked at, what can be wrong, and how it is put right.

use std::fmt;

use domain::{EntryId, Person, Rejected, Sha};
use serde::{Deserialize, Serialize};

use super::absorb::enqueue_change;
use super::draft::Draft;
use super::effect::{News, QueueEffect};
use super::entry::Change;
use super::order::{Freeze, Priority, freeze_queue};
use super::outcome::listed;
use super::state::Pause;

/// A run that landed.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct LandedRun {
    /// Where the target was.
    pub from: Sha,
    /// Where it is since.
    pub to: Sha,
    /// The tree that was tested.
    pub tested: Sha,
    /// Who landed, in order.
    pub parts: Vec<LandedPart>,
}

/// One entry of a run that landed.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct LandedPart {
    /// The entry.
    pub entry: EntryId,
    /// The last of its commits on the target.
    pub commit: Sha,
    /// Where its branch ended.
    pub head: Sha,
}

/// Something that is not as it has to be.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Finding {
    /// What.
    pub flaw: Flaw,
    /// Whose commit it is; none where it concerns the whole run.
    pub entry: Option<EntryId>,
    /// The commit on the target at which it shows.
    pub commit: Sha,
    /// The tree that this commit should have had.
    pub right: Sha,
}

/// What is not as it has to be.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Flaw {
    /// The target does not have the tree that was tested.
    Untested {
        /// The tree that it has.
        landed: Sha,
        /// The tree that was tested.
        tested: Sha,
    },
    /// The target's first parents do not lead through the run's commits to where the target was.
    OutOfLine {
        /// Where it was.
        from: Sha,
    },
    /// It changes what its branch did not: what landed earlier is undone.
    Undoes {
        /// Where.
        paths: Vec<String>,
        /// The entries that landed these paths since the branch began, as far as they are remembered.
        of: Vec<EntryId>,
    },
    /// Its tree is not that of the merge of its branch.
    NotItsMerge {
        /// Where they differ.
        paths: Vec<String>,
    },
    /// The same change is on the target already.
    Doubled {
        /// The commit that brought it first.
        first: Sha,
    },
}

/// What came of the wish to put a target right.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Remedy {
    /// A commit that does it, to be tested and landed as any other.
    Made(Box<Change>),
    /// Somebody put it right already.
    Needless,
    /// None can be made.
    None {
        /// Why not.
        why: String,
    },
}

/// A landing that was not what it had to be stops the queue: what comes next would stand on it.
/// Late when that landing was looked at before.
pub(super) fn absorb_audit(draft: &mut Draft, to: &Sha, (landed, findings): (&[EntryId], &[Finding])) {
    let Some(index) = draft.queue.unaudited.iter().position(|known| known == to) else { return };
    draft.queue.unaudited.remove(index);
    let Some(finding) = findings.first() else { return };
    draft.queue.pause = Some(Pause::Unsound { finding: Box::new(finding.clone()) });
    let why = finding.to_string();
    let theirs: Vec<EntryId> = finding.entry.as_ref().map_or_else(|| landed.to_vec(), |entry| vec![entry.clone()]);
    theirs.iter().for_each(|entry| draft.report(entry, News::Unsound { why: why.clone() }));
    let waiting: Vec<EntryId> = draft.queue.entries.iter().map(|entry| entry.change.id.clone()).collect();
    waiting.iter().for_each(|entry| draft.report(entry, News::Stalled { why: why.clone() }));
}

/// Has a commit made that puts right what the audit found.
pub(super) fn order_restore(draft: &mut Draft, by: &Person) -> Result<(), Rejected> {
    let Some(Pause::Unsound { finding }) = &draft.queue.pause else {
        return Err(Rejected::new(
            format!("No audit stopped the queue of {}, so there is nothing to restore", draft.queue.id),
            "Say `queue` to see what it is doing",
        ));
    };
    let finding = finding.clone();
    draft.owe(QueueEffect::Restore { finding, by: by.clone() });
    Ok(())
}

/// Until the commit that puts it right has landed, nothing else does. Late when somebody resumed meanwhile.
pub(super) fn absorb_remedy(draft: &mut Draft, commit: &Sha, (by, remedy): (&Person, &Remedy)) -> Result<(), Rejected> {
    let is_meant = |pause: &mut Pause| matches!(pause, Pause::Unsound { finding } if finding.commit == *commit);
    let Some(Pause::Unsound { finding }) = draft.queue.pause.take_if(is_meant) else {
        return Ok(());
    };
    match remedy {
        Remedy::Made(change) => {
            let id = change.id.clone();
            let why = format!("until {id} has landed, which puts {} right", draft.queue.target);
            let freeze = Freeze { below: Priority::First, by: by.clone(), why, until: Some(id) };
            freeze_queue(draft, &freeze);
            enqueue_change(draft, change)?;
        }
        Remedy::Needless => {}
        Remedy::None { why } => {
            let why = format!("{finding}; no commit could be made that puts it right: {why}");
            draft.queue.pause = Some(Pause::Stalled { why });
        }
    }
    Ok(())
}

impl fmt::Display for Finding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let commit = self.commit.short();
        let whose = self.entry.as_ref().map(|entry| format!("{entry} landed as {commit}")).unwrap_or_default();
        match &self.flaw {
            Flaw::Untested { landed, tested } => {
                write!(
                    f,
                    "the target is at {commit} with the tree {}, but {} was tested",
                    landed.short(),
                    tested.short()
                )
            }
            Flaw::OutOfLine { from } => {
                write!(
                    f,
                    "the target is at {commit}, and that does not stand on {} in the way in which it was tested",
                    from.short()
                )
            }
            Flaw::Undoes { paths, of } if of.is_empty() => {
                write!(f, "{whose} and changes what its branch does not, in {}", listed(paths))
            }
            Flaw::Undoes { paths, of } => {
                write!(f, "{whose} and undoes what {} changed in {}", listed(of), listed(paths))
            }
            Flaw::NotItsMerge { paths } => {
                write!(f, "{whose}, and that is not what merging its branch gives, in {}", listed(paths))
            }
            Flaw::Doubled { first } => {
                write!(f, "{whose}, and the same change is on the target already as {}", first.short())
            }
        }
    }
}
