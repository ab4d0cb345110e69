//! A forge for any plain git remote: a published branch is the pull request, and landing moves the target branch.
//!
//! # Where landings go
//!
//! A push to a branch that a person has checked out would leave their files behind, or change them under their hands. So
//! landings go to `refs/downbeat/landed/<target>` of the remote, and the person gets one merge command, when the remote is
//! on this machine and
//!
//! - the target is checked out in any of its working trees, or
//! - it is somebody's working repository without a remote of its own, or
//! - that ref holds work that the branch does not have yet: a person who looks at another branch for a moment must not
//!   make landed work vanish from under the queue.
//!
//! # What the head is
//!
//! 1. The ref does not exist, or the branch contains it (the person merged): the head is the branch's.
//! 2. Else the head is the ref's. Where the person has meanwhile committed to the branch as well, the two have diverged;
//!    landing goes on upon the ref, since all of it was tested as one line, and the person's `git merge` joins the two.
//!    A person who took the work over by other means (rebase, cherry-pick) drops the ref with `git update-ref -d`.
//!
//! In every case the compare-and-swap is the push itself, with a lease on the very ref that it moves.

use std::collections::BTreeMap;

use async_trait::async_trait;
use domain::{BranchName, Sha};

use crate::forge::{Forge, ForgeError, Landing, LandingPlace, MergeCommand, Offered, PullRequest, PullRequestDraft};
use crate::mirror::{Mirror, RemoteTarget, landed_ref};
use crate::occupancy::Occupancy;
use crate::push::{Push, Pushed};
use crate::ref_lock::lock_of;
use crate::remote::Remote;

/// Any git remote as a forge: path, ssh or https.
#[derive(Clone, Debug)]
pub struct LocalForge {
    mirror: Mirror,
}

impl LocalForge {
    /// The forge that `mirror` is the mirror of.
    pub fn new(mirror: Mirror) -> Self {
        Self { mirror }
    }

    async fn standing(&self) -> Result<Standing, ForgeError> {
        let RemoteTarget { branch, landed } = self.mirror.sync().await?;
        let unmerged = match &landed {
            Some(landed) => !self.mirror.is_ancestor(landed, &branch).await?,
            None => false,
        };
        let occupancy = match self.mirror.remote().local_path() {
            Some(path) if !self.mirror.is_plain().await? => Occupancy::of(self.mirror.git(), path).await?,
            Some(_) | None => Occupancy::default(),
        };
        let beside = unmerged || occupancy.lone_working_repository || occupancy.holder(self.mirror.target()).is_some();
        let head = if unmerged { landed.clone().unwrap_or_else(|| branch.clone()) } else { branch.clone() };
        let (place, expected) = match beside {
            true => (landed_ref(self.mirror.target()), landed),
            false => (format!("refs/heads/{}", self.mirror.target()), Some(branch)),
        };
        Ok(Standing { head, place, expected, occupancy, beside })
    }

    async fn branch_on_remote(&self, reference: &str) -> Result<Option<Sha>, ForgeError> {
        Ok(self.refs_on_remote(&[reference.to_owned()]).await?.remove(reference))
    }

    async fn refs_on_remote(&self, references: &[String]) -> Result<BTreeMap<String, Sha>, ForgeError> {
        let call = self.mirror.call("ls-remote").remote(&self.mirror.remote().unlocked().await?);
        let listed = call.args(["--refs", Remote::NAME]).args(references).text().await?;
        // Git matches the end of names, so `x/refs/heads/main` may be among them.
        let named = listed.lines().filter_map(|line| line.split_once('\t'));
        let wanted = named.filter(|(_, name)| references.iter().any(|reference| reference == name));
        let parsed = wanted.map(|(sha, name)| Some((name.to_owned(), sha.parse::<Sha>().ok()?)));
        let unreadable = || ForgeError::Refused { why: format!("git listed what is no commit: {listed}") };
        parsed.collect::<Option<_>>().ok_or_else(unreadable)
    }

    async fn is_checked_out(&self, branch: &BranchName) -> Result<bool, ForgeError> {
        let Some(path) = self.mirror.remote().local_path() else { return Ok(false) };
        Ok(Occupancy::of(self.mirror.git(), path).await?.holder(branch).is_some())
    }

    /// Tells whether a branch on the remote is at a commit that we pushed there, or that `head` builds on.
    async fn is_ours(&self, branch: &BranchName, there: &Sha, head: Option<&Sha>) -> Result<bool, ForgeError> {
        if self.mirror.commit_at(&published_ref(branch)).await?.as_ref() == Some(there) {
            return Ok(true);
        }
        match head {
            // A commit that the mirror has never seen is nothing that `head` could build on.
            Some(head) => Ok(self.mirror.is_ancestor(there, head).await.unwrap_or(false)),
            None => Ok(false),
        }
    }
}

/// What the remote is like at this moment.
struct Standing {
    head: Sha,
    place: String,
    expected: Option<Sha>,
    occupancy: Occupancy,
    beside: bool,
}

#[async_trait]
impl Forge for LocalForge {
    async fn target_head(&self) -> Result<Sha, ForgeError> {
        Ok(self.standing().await?.head)
    }

    async fn publish(&self, draft: &PullRequestDraft) -> Result<PullRequest, ForgeError> {
        let (branch, reference) = (&draft.branch, format!("refs/heads/{}", draft.branch));
        let published = PullRequest { reference: branch.to_string(), head: draft.head.clone() };
        let there = self.branch_on_remote(&reference).await?;
        if there.as_ref() != Some(&draft.head) {
            if let Some(there) = &there
                && !self.is_ours(branch, there, Some(&draft.head)).await?
            {
                let why = format!("branch `{branch}` is at {}, which was not pushed from here", there.short());
                return Err(ForgeError::Refused { why });
            }
            if self.is_checked_out(branch).await? {
                let why = format!("branch `{branch}` is checked out in a working tree of {}", self.mirror.remote());
                return Err(ForgeError::Refused { why });
            }
            let push = Push { reference: &reference, expected: there.as_ref(), to: Some(&draft.head) };
            match push.run(&self.mirror).await? {
                Pushed::Done => {}
                Pushed::Stale => return Err(ForgeError::transient(format!("branch `{branch}` moved during the push"))),
                Pushed::Refused { why } => return Err(ForgeError::Refused { why }),
            }
        }
        self.mirror.point(&published_ref(branch), &draft.head).await?;
        Ok(published)
    }

    async fn unpublish(&self, branch: &BranchName, _why: &str) -> Result<(), ForgeError> {
        let reference = format!("refs/heads/{branch}");
        let Some(there) = self.branch_on_remote(&reference).await? else { return Ok(()) };
        if !self.is_ours(branch, &there, None).await? || self.is_checked_out(branch).await? {
            tracing::info!(%branch, head = %there, "a published branch is in use by somebody else and was left");
            return Ok(());
        }
        let push = Push { reference: &reference, expected: Some(&there), to: None };
        match push.run(&self.mirror).await? {
            // A stale lease means that somebody uses the branch now.
            Pushed::Done | Pushed::Stale => Ok(()),
            Pushed::Refused { why } => Err(ForgeError::Refused { why }),
        }
    }

    async fn land(&self, from: &Sha, to: &Sha, _offered: &[Offered]) -> Result<Landing, ForgeError> {
        let standing = self.standing().await?;
        if let Some(over) = self.is_over(&standing, from, to).await? {
            return Ok(over);
        }
        let push = Push { reference: &standing.place, expected: standing.expected.as_ref(), to: Some(to) };
        match push.run(&self.mirror).await? {
            Pushed::Done => Ok(Landing::Landed),
            Pushed::Refused { why } => Ok(Landing::Refused { why }),
            Pushed::Stale => self.explain_stale(from, to, &standing.place).await,
        }
    }

    async fn landing_place(&self) -> Result<LandingPlace, ForgeError> {
        let standing = self.standing().await?;
        let Some(path) = self.mirror.remote().local_path().filter(|_| standing.beside) else {
            return Ok(LandingPlace { reference: standing.place, merge: None });
        };
        let (reference, target) = (shell_quoted(&standing.place), self.mirror.target());
        let merge = match standing.occupancy.holder(target) {
            Some(tree) => MergeCommand { directory: tree.to_owned(), line: format!("git merge {reference}") },
            None => {
                let line = format!("git switch {} && git merge {reference}", shell_quoted(target.as_str()));
                MergeCommand { directory: path.to_owned(), line }
            }
        };
        Ok(LandingPlace { reference: standing.place, merge: Some(merge) })
    }
}

impl LocalForge {
    /// The branch that landings aim at.
    pub(crate) fn target(&self) -> &BranchName {
        self.mirror.target()
    }

    /// Which of these published branches are elsewhere than they were published, and not by us; all are asked for at once.
    pub(crate) async fn pushed_to(
        &self,
        published: &[(BranchName, Sha)],
    ) -> Result<Vec<(BranchName, Sha)>, ForgeError> {
        if published.is_empty() {
            return Ok(Vec::new());
        }
        let references: Vec<String> = published.iter().map(|(branch, _)| format!("refs/heads/{branch}")).collect();
        let there = self.refs_on_remote(&references).await?;
        let mut pushed = Vec::new();
        for ((branch, head), reference) in published.iter().zip(&references) {
            let Some(now) = there.get(reference).filter(|now| *now != head) else { continue };
            if self.mirror.commit_at(&published_ref(branch)).await?.as_ref() != Some(now) {
                pushed.push((branch.clone(), now.clone()));
            }
        }
        Ok(pushed)
    }

    /// How a landing ends for which nothing is to be pushed; none where it can go on.
    pub(crate) async fn over_already(&self, from: &Sha, to: &Sha) -> Result<Option<Landing>, ForgeError> {
        let standing = self.standing().await?;
        self.is_over(&standing, from, to).await
    }

    async fn is_over(&self, standing: &Standing, from: &Sha, to: &Sha) -> Result<Option<Landing>, ForgeError> {
        if self.mirror.is_ancestor(to, &standing.head).await? {
            return Ok(Some(Landing::Landed));
        }
        if standing.head != *from {
            return Ok(Some(Landing::Moved { head: standing.head.clone() }));
        }
        if !self.mirror.is_ancestor(from, to).await? {
            let why = format!("{} does not build on {}, and landing only goes forward", to.short(), from.short());
            return Ok(Some(Landing::Refused { why }));
        }
        Ok(None)
    }

    /// Moves a published branch to the commit that lands for it; where somebody else pushed there, tells what.
    ///
    /// A branch that is gone is left so. It is at the commit that was approved, or where an earlier attempt put it.
    pub(crate) async fn lead(&self, Offered { branch, head, commit }: &Offered) -> Result<Option<Sha>, ForgeError> {
        let reference = format!("refs/heads/{branch}");
        let Some(there) = self.branch_on_remote(&reference).await? else { return Ok(None) };
        if there == *commit {
            return Ok(None);
        }
        if there != *head && self.mirror.commit_at(&published_ref(branch)).await?.as_ref() != Some(&there) {
            return Ok(Some(there));
        }
        let push = Push { reference: &reference, expected: Some(&there), to: Some(commit) };
        // Noted before it is done: a crash in between must not make a stranger of us.
        self.mirror.point(&published_ref(branch), commit).await?;
        match push.run(&self.mirror).await? {
            Pushed::Done => Ok(None),
            Pushed::Stale => Err(ForgeError::transient(format!("branch `{branch}` moved while it was landing"))),
            Pushed::Refused { why } => Err(ForgeError::Refused { why }),
        }
    }

    /// The lease failed: somebody moved the ref, checked the target out, or landed this very commit between our look and
    /// our push.
    async fn explain_stale(&self, from: &Sha, to: &Sha, place: &str) -> Result<Landing, ForgeError> {
        let head = self.standing().await?.head;
        if self.mirror.is_ancestor(to, &head).await? {
            Ok(Landing::Landed)
        } else if head != *from {
            Ok(Landing::Moved { head })
        } else {
            let locks = self.mirror.remote().local_path().map(|path| [path.join(place), path.join(".git").join(place)]);
            let lock = locks.and_then(|at| at.iter().map(|at| lock_of(at)).find(|lock| lock.exists()));
            let next_step = lock.map(|lock| format!("; if no git is at work there, remove {}", lock.display()));
            let busy = format!("the target was busy while {} was landing", to.short());
            Err(ForgeError::transient(busy + &next_step.unwrap_or_default()))
        }
    }
}

fn published_ref(branch: &BranchName) -> String {
    format!("refs/downbeat/published/{branch}")
}

/// A word as the shell reads it back: branch names may hold `$`, `;` and quotes.
fn shell_quoted(word: &str) -> String {
    let plain = |c: char| c.is_ascii_alphanumeric() || matches!(c, '/' | '.' | '-' | '_' | '@' | '+');
    if word.chars().all(plain) { word.to_owned() } else { format!("'{}'", word.replace('\'', r"'\''")) }
}

#[cfg(test)]
mod tests {
    use super::shell_quoted;

    #[test]
    fn a_branch_name_cannot_break_out_of_the_merge_command() {
        assert_eq!(shell_quoted("refs/downbeat/landed/release-1.2"), "refs/downbeat/landed/release-1.2");
        assert_eq!(shell_quoted("a;$(b)'c"), r"'a;$(b)'\''c'");
    }
}
