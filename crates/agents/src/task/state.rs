//! What can be true of a task. Each state carries exactly what is true in it.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use domain::policy::Tier;
use domain::{BranchName, MessageRef, Person, RepoName, Sha, TaskId, ThreadRef, Timestamp};
use forge::{CheckRun, FileChange, Gate};
use serde::{Deserialize, Serialize};

use super::Plan;
use super::aside::Asides;
use super::repair::Repair;
use super::trial::Trial;
use super::word::{OpenQuestion, Word};

/// One request by a person for a change in a repository.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Task {
    /// Its id.
    pub id: TaskId,
    /// What was asked.
    pub request: Request,
    /// When.
    pub created_at: Timestamp,
    /// The card in the thread; absent until it is posted.
    pub card: Option<MessageRef>,
    /// How many sessions were started; the number of the newest one.
    pub sessions: u32,
    /// How many plans were proposed; the version of the newest one.
    pub plans: u32,
    /// How many waits began; a deadline names the wait it belongs to.
    pub waits: u32,
    /// How many questions were asked; the number of the newest one.
    #[serde(default)]
    pub questions: u32,
    /// How many trials of its changes began; the number of the newest one.
    #[serde(default)]
    pub trials: u32,
    /// What people said to the sessions of its present goal, oldest first.
    #[serde(default)]
    pub said: Vec<Word>,
    /// The hosts that its working sessions reached beside those of models, by all of their turns.
    #[serde(default)]
    pub reached: BTreeSet<String>,
    /// The hosts that a person allowed, or whose change they accepted, with who did.
    #[serde(default)]
    pub allowed: BTreeMap<String, Person>,
    /// Who wants to hear of it only when somebody is needed; absent while everybody hears all.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub muted_by: Option<Person>,
    /// What people are asked beside its course.
    #[serde(default, skip_serializing_if = "Asides::is_untouched")]
    pub asides: Asides,
    /// Its place in the merge queue, while its change is repaired.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub repair: Option<Repair>,
    /// Whether its change would land as it is, as far as somebody wanted to know while it waits for the word to merge.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub trial: Option<Trial>,
    /// Where it stands.
    pub state: TaskState,
}

/// What a person asked for, settled before the task begins.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Request {
    /// The person's words, without the mention and the options.
    pub text: String,
    /// The repository.
    pub repo: RepoName,
    /// The branch on which the change is to land.
    pub target: BranchName,
    /// The agent by its name in the config.
    pub agent: String,
    /// The model, where it is not the one that the agent is set to.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub model: Option<String>,
    /// What it may cost before a person is asked, in millionths of a dollar; the installation's own cap where absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub budget_micros: Option<u64>,
    /// Why it is this repository, in words that fit in brackets after its name; empty in what was kept before.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub repo_because: String,
    /// Whether a person approves the plan.
    pub plan: PlanMode,
    /// Whether the change enters the queue by itself once it is ready.
    pub merges_itself: bool,
    /// Who asked.
    pub requester: Person,
    /// Where.
    pub thread: ThreadRef,
    /// The message that asked, where one did.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub message: Option<MessageRef>,
    /// The thread's messages as labelled data for the agent; never instructions.
    pub context: String,
    /// What the context holds, for the person: "4 messages (1 bot message left out)".
    pub receipt: String,
    /// The name under which the pictures of the thread are kept, where it has any.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub pictures: Option<String>,
    /// How long the task waits for a person, by kind of wait.
    pub waits: Waits,
}

/// How long a task waits for a person before it ends by itself.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Waits {
    /// For the approval of a plan or of a change that goes beyond it.
    pub approval: Duration,
    /// After which such a wait is reminded of, once.
    #[serde(default = "a_day")]
    pub approval_reminder: Duration,
    /// For the word to merge, or to go on after a pause.
    pub review: Duration,
    /// For the answer to a question.
    #[serde(default = "three_days")]
    pub answer: Duration,
    /// After which such a wait is reminded of, once.
    #[serde(default = "four_hours")]
    pub answer_reminder: Duration,
}

/// Whoever was away for one looks then.
fn a_day() -> Duration {
    Duration::from_secs(86_400)
}

/// Half a working day.
fn four_hours() -> Duration {
    Duration::from_secs(4 * 3_600)
}

/// A long week-end fits in, and the tree is not stale yet.
fn three_days() -> Duration {
    Duration::from_secs(3 * 86_400)
}

impl Default for Waits {
    /// A week for an approval (a holiday fits in), thirty days for a merge (the branch is stale after that), three days
    /// for an answer.
    fn default() -> Self {
        let (day, answer, answer_reminder) = (a_day(), three_days(), four_hours());
        Self { approval: 7 * day, approval_reminder: day, review: 30 * day, answer, answer_reminder }
    }
}

/// Whether a person approves the plan.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum PlanMode {
    /// A plan is shown, and work begins after an approval.
    #[default]
    Ask,
    /// A plan is shown, and work begins at once where it is low risk.
    Auto,
    /// No plan: work begins at once, and the change itself waits for an approval.
    Off,
}

/// A plan with the person who said yes to it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Approved {
    /// The plan.
    pub plan: Plan,
    /// Who approved; the policy itself when nobody was to be asked.
    pub by: Option<Person>,
    /// When; absent in what was kept before this was noted.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub at: Option<Timestamp>,
    /// What people said of the versions before, oldest first.
    #[serde(default)]
    pub feedback: Vec<String>,
}

/// What a session is for.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[expect(clippy::large_enum_variant, reason = "a value of it lives for one step, and is matched by all")]
pub enum Goal {
    /// To propose a plan, in a sandbox that cannot write.
    Plan {
        /// What people said of the versions before, oldest first.
        feedback: Vec<String>,
    },
    /// To do the work.
    Work {
        /// The plan to follow; absent with `plan=off`.
        approved: Option<Approved>,
    },
}

/// What the tree of a session begins as.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub enum Ground {
    /// The target branch as it is now.
    #[default]
    Target,
    /// The newest checkpoint, where the session before left it; the target where there is none.
    Newest,
    /// This checkpoint.
    Checkpoint {
        /// Its number.
        number: u32,
    },
    /// This change on the target branch as it is now; where the two conflict, with the lines of both.
    Repair {
        /// The change.
        head: Sha,
    },
}

/// What a session produced, as one commit in the mirror.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Work {
    /// The plan it followed.
    pub approved: Option<Approved>,
    /// Who accepted it, when it went beyond what was approved.
    #[serde(default)]
    pub accepted_by: Option<Person>,
    /// The commit that it started from.
    pub base: Sha,
    /// The commit that holds it.
    pub head: Sha,
    /// What it changed.
    pub changes: Vec<FileChange>,
    /// The risk of what it really touched.
    pub tier: Tier,
    /// Why it is that tier.
    pub tier_because: String,
    /// The files in which it adds or removes other lines than before the merge queue sent it back.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub altered: Vec<String>,
    /// What the repository's checks said of it before it was published.
    pub checks: Vec<CheckRun>,
    /// What its repository demands of a change before it lands.
    #[serde(default)]
    pub demand: Demand,
    /// Which sandbox it ran in, for people.
    pub cage: String,
    /// The hosts that the task's working sessions reached beside those of models.
    #[serde(default)]
    pub hosts: Vec<String>,
    /// What its session cost, in millionths of a dollar, where that is known.
    #[serde(default)]
    pub cost_micros: Option<u64>,
}

/// What a repository demands of a change before it lands.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub enum Demand {
    /// That its checks pass.
    #[default]
    Checks,
    /// Nothing: the repository says `checks = []`.
    Nothing,
    /// It does not say, so that nothing can land.
    Unsaid,
}

impl From<&Gate> for Demand {
    fn from(gate: &Gate) -> Self {
        match gate {
            Gate::Checks(_) => Self::Checks,
            Gate::Untested => Self::Nothing,
            Gate::Missing => Self::Unsaid,
        }
    }
}

impl Work {
    /// Whether the queue could land it, as far as is known before it is tried there.
    pub fn may_land(&self) -> bool {
        self.demand != Demand::Unsaid && self.red_checks().is_empty()
    }

    /// The person who answers for it beside its requester: who accepted the change, else who approved its plan.
    pub fn approver(&self) -> Option<&Person> {
        let of_plan = || self.approved.as_ref().and_then(|approved| approved.by.as_ref());
        self.accepted_by.as_ref().or_else(of_plan)
    }

    /// The checks that did not pass.
    pub fn red_checks(&self) -> Vec<&CheckRun> {
        self.checks.iter().filter(|check| check.conclusion != forge::Conclusion::Passed).collect()
    }
}

/// A published change.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct PullRequest {
    /// The forge's name for it: a branch, or a number.
    pub reference: String,
    /// What it holds.
    pub work: Work,
}

/// Where a task stands.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum TaskState {
    /// A session is owed and waits for its turn.
    Queued {
        /// What for.
        goal: Goal,
    },
    /// A session is planning.
    Planning {
        /// What people said of the versions before.
        feedback: Vec<String>,
    },
    /// A plan waits for a person.
    AwaitingApproval {
        /// The newest plan.
        plan: Plan,
        /// What people said of the versions before.
        feedback: Vec<String>,
    },
    /// A session is at work.
    Working {
        /// The plan it follows; absent with `plan=off`.
        approved: Option<Approved>,
    },
    /// A session is under way and waits for the answer to its question.
    Asking {
        /// What the session is for.
        goal: Goal,
        /// What it asks.
        open: OpenQuestion,
    },
    /// No session runs any more; the answer to the open question begins the next one.
    Parked {
        /// What the next session is for.
        goal: Goal,
        /// What is asked.
        open: OpenQuestion,
    },
    /// A pause was asked for, and the session has not ended yet.
    Pausing {
        /// What the session is for.
        goal: Goal,
        /// Who asked for it.
        by: Person,
    },
    /// No session runs until somebody lets it go on.
    Paused {
        /// What the next session is for.
        goal: Goal,
        /// Who asked for it; absent where nobody answered its question in time.
        by: Option<Person>,
    },
    /// The change is done but goes beyond what was approved; a person looks first.
    Departed {
        /// The change.
        work: Work,
        /// In what it goes beyond.
        why: String,
    },
    /// The change is being pushed and proposed.
    Publishing {
        /// The change.
        work: Work,
    },
    /// The change is published and waits for the word to merge.
    InReview {
        /// The change.
        pull_request: PullRequest,
        /// Why the queue sent it back, when it did.
        sent_back: Option<String>,
    },
    /// The change is in the merge queue.
    Merging {
        /// The change.
        pull_request: PullRequest,
        /// Who said merge.
        by: Person,
        /// What is to happen when the queue gives it back.
        intent: Intent,
        /// Why it is not simply in line, when it is not.
        note: Option<String>,
    },
    /// A stop was asked for, and the session has not ended yet.
    Cancelling {
        /// By whom.
        by: Person,
    },
    /// It landed.
    Merged {
        /// The commit on the target branch.
        commit: Sha,
        /// What vouches for it.
        proof: Proof,
    },
    /// There was nothing to change; the agent's words are the answer.
    Answered {
        /// The agent's last words.
        answer: String,
    },
    /// It ended without landing, because somebody or a deadline said so.
    Cancelled {
        /// Why, for people.
        why: String,
    },
    /// It ended because something broke.
    Failed {
        /// What, for people.
        why: String,
        /// What a retry starts again.
        goal: Goal,
    },
}

/// What vouches for a landed commit.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Proof {
    /// The repository's checks passed on exactly its tree.
    Tested,
    /// The same, and they had done so before the queue asked.
    AlreadyTested,
    /// Nothing: the repository says `checks = []`.
    Untested,
}

/// What is to happen when the merge queue gives a change back.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Intent {
    /// It was only sent in.
    Land,
    /// Somebody took it out of the queue.
    Dequeue {
        /// Who.
        by: Person,
    },
    /// Somebody stopped the task.
    Stop {
        /// Who.
        by: Person,
    },
}
