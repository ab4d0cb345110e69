//! The seam to a code forge: what the contexts above may ask of GitHub, or of the local stand-in.
//!
//! Every call may be repeated after a crash. The error's class is what a performer needs to choose between trying
//! again and giving up; nothing in this crate retries.

use std::path::PathBuf;
use std::time::Duration;

use async_trait::async_trait;
use domain::{BranchName, Sha};

use crate::git::GitError;

/// One target branch of one repository, where branches are published for people and commits are landed.
#[async_trait]
pub trait Forge: Send + Sync {
    /// Fetches, and returns the commit that the next landing has to stand on.
    async fn target_head(&self) -> Result<Sha, ForgeError>;

    /// Shows the work to people: pushes the branch and opens what the forge calls a pull request.
    ///
    /// Repeating it with the same branch and commit changes nothing. A branch that holds commits of somebody else is
    /// refused, never overwritten.
    async fn publish(&self, draft: &PullRequestDraft) -> Result<PullRequest, ForgeError>;

    /// Takes a published branch away after its merge or close, and tells those who read its pull request `why`. One that
    /// is gone, or that holds somebody else's commits, is left as it is.
    async fn unpublish(&self, branch: &BranchName, why: &str) -> Result<(), ForgeError>;

    /// Moves the target from `from` to `to`, fast-forward only and only if it still is at `from`.
    ///
    /// A target that already is at or past `to` answers `Landed`, so that a landing may be repeated after a crash. `offered`
    /// are the published changes that land with it; a forge that shows pull requests shows these as merged.
    async fn land(&self, from: &Sha, to: &Sha, offered: &[Offered]) -> Result<Landing, ForgeError>;

    /// Which of these published branches somebody else pushed to, and what is there now. A forge that shows nothing but
    /// the branch lands what was approved, whatever is there, and says none.
    async fn pushed_to(&self, _published: &[(BranchName, Sha)]) -> Result<Vec<(BranchName, Sha)>, ForgeError> {
        Ok(Vec::new())
    }

    /// Which of these published branches somebody gave up on the forge, without a merge. A forge without pull requests knows
    /// of none.
    async fn closed(&self, _published: &[(BranchName, Sha)]) -> Result<Vec<Closed>, ForgeError> {
        Ok(Vec::new())
    }

    /// Shows beside a published commit how it stands in the merge queue. A forge without a place for that shows nothing.
    async fn show_standing(&self, _head: &Sha, _standing: &Standing) -> Result<(), ForgeError> {
        Ok(())
    }

    /// Tells where landings arrive at present, and how a person takes them over if that is not the branch itself.
    async fn landing_place(&self) -> Result<LandingPlace, ForgeError>;
}

/// What a person will read about one published branch.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PullRequestDraft {
    /// The branch to push.
    pub branch: BranchName,
    /// The commit it shall be at; the mirror must have it.
    pub head: Sha,
    /// One line.
    pub title: String,
    /// Markdown.
    pub body: String,
}

/// A published branch.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PullRequest {
    /// How people find it: `#12` on a forge, the branch's name where there are no pull requests.
    pub reference: String,
    /// The commit that was published.
    pub head: Sha,
}

/// A published change that lands.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Offered {
    /// The branch that it was published as.
    pub branch: BranchName,
    /// The commit that was approved.
    pub head: Sha,
    /// The commit that lands for it.
    pub commit: Sha,
}

/// A published change that somebody gave up.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Closed {
    /// Its branch.
    pub branch: BranchName,
    /// Its pull request.
    pub reference: String,
    /// Who it was, by their name there.
    pub by: Option<String>,
}

/// How a published change stands in the merge queue, for people who look at it on the forge.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Standing {
    /// At a glance.
    pub light: Light,
    /// In words that go on after its name.
    pub words: String,
}

/// A standing at a glance.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Light {
    /// It is on its way.
    Pending,
    /// It has landed.
    Success,
    /// It will not land as it is.
    Failure,
}

/// How a landing ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Landing {
    /// The target holds the commit.
    Landed,
    /// Somebody else was first; nothing was changed.
    Moved {
        /// Where the target is now.
        head: Sha,
    },
    /// Somebody else pushed to a branch that was to land; the target was not changed.
    HeadMoved {
        /// The branch.
        branch: BranchName,
        /// Where it is now.
        head: Sha,
    },
    /// The remote will not have this commit, however often it is offered.
    Refused {
        /// In the remote's own words where it gave any.
        why: String,
    },
}

/// The ref that receives landings.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LandingPlace {
    /// The full name, `refs/heads/main` or `refs/downbeat/landed/main`.
    pub reference: String,
    /// What the person has to run, if the ref is not the target branch itself.
    pub merge: Option<MergeCommand>,
}

/// The one command by which a person takes landed work into their own branch. It is never run for them.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct MergeCommand {
    /// The working tree to run it in.
    pub directory: PathBuf,
    /// A line for the shell, quoted.
    pub line: String,
}

/// Why a forge did not do as asked. The variant is the class.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ForgeError {
    /// It may work later: an unreachable host, a time limit, a lost race.
    #[error("{why}")]
    Transient {
        /// How long to wait at least.
        after: Duration,
        /// What happened.
        why: String,
    },
    /// It will not work by repeating it.
    #[error("{why}")]
    Refused {
        /// What happened.
        why: String,
    },
    /// The repository, branch or commit is not there.
    #[error("{what}")]
    Missing {
        /// What is not there.
        what: String,
    },
    /// The remote does not accept who we are.
    #[error("{why}")]
    Unauthorized {
        /// What happened.
        why: String,
    },
}

/// How long a performer should wait before it tries an unreachable remote again. Long enough for a restart of a server
/// on the same network, short enough that a person who watches does not give up.
const RETRY_AFTER: Duration = Duration::from_secs(15);

/// Words of git and ssh by which a failure of a remote is told apart. Git has no exit codes for them; the runner fixes
/// the language to C, and the tests ask the real programs.
const UNAUTHORIZED: &[&str] =
    &["Permission denied", "Authentication failed", "could not read Username", "could not read Password", "error: 403"];
const MISSING: &[&str] = &[
    "does not appear to be a git repository",
    "Repository not found",
    "couldn't find remote ref",
    "not our ref",
    "no such remote ref",
    "repository not found",
];
const REFUSED: &[&str] = &["mismatched algorithms", "fsck error", "not allowed"];
/// Git's advice for this is to configure it otherwise, which we do not read.
const FOREIGN: &str = "dubious ownership";

impl ForgeError {
    /// A failure that may pass by itself.
    pub fn transient(why: impl Into<String>) -> Self {
        Self::Transient { after: RETRY_AFTER, why: why.into() }
    }
}

impl From<GitError> for ForgeError {
    fn from(error: GitError) -> Self {
        if let GitError::NoLogin(error) = error {
            return *error;
        }
        let why = error.to_string();
        let stderr = if let GitError::Failed { stderr, .. } = &error { stderr.clone() } else { String::new() };
        let is_for_want_of_room = error.is_for_want_of_room();
        let said = |words: &[&str]| words.iter().any(|word| stderr.contains(word));
        match error {
            GitError::TimedOut { .. } | GitError::NotStarted { .. } | GitError::NoRoom { .. } | GitError::Io { .. } => {
                Self::transient(why)
            }
            GitError::Failed { .. } if is_for_want_of_room => Self::transient(why),
            GitError::TooOld { .. }
            | GitError::TooMuchOutput { .. }
            | GitError::Unrelated { .. }
            | GitError::NoLogin(_) => Self::Refused { why },
            GitError::Unreadable { .. } => Self::Missing { what: why },
            GitError::Failed { .. } if said(&[FOREIGN]) => {
                let why = "the remote repository belongs to another user of this machine, so git does not trust it";
                Self::Refused { why: format!("{why}; give it to the user that runs this program, or run as its owner") }
            }
            GitError::Failed { .. } if said(UNAUTHORIZED) => Self::Unauthorized { why },
            GitError::Failed { .. } if said(REFUSED) => Self::Refused { why },
            GitError::Failed { .. } if said(MISSING) => Self::Missing { what: why },
            GitError::Failed { .. } => Self::transient(why),
        }
    }
}
