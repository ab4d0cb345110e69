//! One function a command that does something: resolve what is meant, ask the policy, apply the event.

use agents::session::people::QuestionKind;
use agents::task::view::{self, TaskLine};
use agents::task::{Approved, Goal, PlanMode, Request, Task, TaskEvent, TaskState, Terms, WordKind, Work};
use domain::policy::{About, Asked, Decision, Place, Tier, Verb, decide};
use domain::{Cause, DeliveryId, Rejected, RepoName, TaskId, ThreadRef};
use store::Created;

use super::choosing::Meant;
use super::command::{Command, Deed, Other, TaskVerb};
use super::context::Context;
use super::intake::{Answer, Intake, Trouble};
use super::messenger::{Heard, Said, Via};
use super::options::Options;
use super::{context, editing, help, resolve};

impl Intake {
    pub(super) async fn obey(&self, heard: &Heard, command: Command, delivery: &DeliveryId) -> Result<Answer, Trouble> {
        // An earlier attempt acted and died before it could say so; by now the words may mean something else.
        if matches!(command, Command::Ask { .. } | Command::OnTask(_)) && self.store.has_seen(delivery).await? {
            return Ok(Answer::seen());
        }
        match command {
            Command::Talk => self.overhear(heard, delivery).await,
            Command::Unclear { why, next } => Err(Rejected::new(why, next).into()),
            Command::Ask { text, options } => match (self.may(heard, Verb::Ask), self.only_one_at_work(heard).await?) {
                (Err(Trouble::Rejected(refused)), Some(task)) => {
                    self.suggest(heard, (task, &text), refused, delivery).await
                }
                _ => self.ask(heard, text, options, delivery).await,
            },
            Command::OnTask(deed) => self.act(heard, &deed, delivery).await,
            Command::Help { word } => self.may(heard, Verb::View).map(|()| Answer::words(help::of(word.as_deref()))),
            Command::Status { task: Some(task) } => self.show_task(heard, task).await,
            Command::Status { task: None } => self.list_tasks(heard).await,
            Command::Context { task } => self.show_context(heard, task).await,
            Command::Mine => self.list_mine(heard).await,
            Command::Settings => self.show_settings(heard).await,
            Command::SetDefaults(wanted) => self.set_defaults(heard, &wanted, delivery).await,
            Command::Start { message, repo } => self.start_in(heard, &message, repo).await,
            Command::Log { task } => self.show_log(heard, task).await,
            Command::Diff { task } => self.show_diff(heard, task).await,
            Command::Checkpoints { task } => self.show_checkpoints(heard, task).await,
            Command::Queue => self.show_queues(heard).await,
            Command::Order { repo, order } => self.operate_queue(heard, repo, order, delivery).await,
            Command::OrderEntry { task, order } => self.operate_entry(heard, task, order, delivery).await,
            Command::Why { task, deed } => self.explain(heard, task, deed).await,
        }
    }

    pub(super) fn may(&self, heard: &Heard, verb: Verb) -> Result<(), Trouble> {
        self.may_with(heard, verb, None)
    }

    /// As [`Intake::may`], for what concerns a repository and no task.
    pub(super) fn may_with(&self, heard: &Heard, verb: Verb, repo: Option<&RepoName>) -> Result<(), Trouble> {
        let channel = heard.message.thread.channel();
        let asked = Asked::of(verb).at(Place { channel: Some(&channel), repo });
        Ok(decide(&self.rules.load(), &heard.author, &asked).allowed()?)
    }

    pub(super) async fn ask(
        &self,
        heard: &Heard,
        text: String,
        options: Options,
        delivery: &DeliveryId,
    ) -> Result<Answer, Trouble> {
        self.may(heard, Verb::Ask)?;
        self.demand_people(heard, &options)?;
        let thread = &heard.message.thread;
        let (repo, because) = match self.repository_meant(options.repo.as_ref(), thread, &text).await? {
            Meant::One { repo, because } => (repo, because),
            Meant::Several(guesses) => return self.ask_which(heard, &guesses).await,
        };
        self.may_with(heard, Verb::Ask, Some(&repo))?;
        let defaults = self.defaults_in(thread).await?;
        let known = self.repositories.get(&repo).map(|repository| repository.target.clone());
        let known = known.ok_or_else(|| Trouble::Other(format!("the repository {repo} vanished")))?;
        let target = self.target_of(&repo, known, options.branch)?;
        let plan = options.plan.unwrap_or_default();
        let settings = self.settings.load_full();
        let of_channel = || defaults.agent.map(|chosen| chosen.value);
        let agent = options.agent.or_else(of_channel).unwrap_or_else(|| settings.agent.clone());
        self.roster.may_run(&agent, plan)?;
        self.roster.may_use(&agent, options.model.as_deref())?;
        self.leave_room().await?;
        // Where it was said in no thread, its words open one for all to see.
        let words = Said::words(format!("{} asks: {}", heard.author, context::redact(&text).0));
        let key = format!("opening:{delivery}");
        let thread = &self.messenger.thread_for(thread, &key, &words).await?;
        let context = {
            let read_by = (settings.context, &**self.rules.load());
            context::read(&*self.messenger, &heard.message, &text, read_by).await?
        };
        self.warn_of_secrets(heard, thread, &context, delivery).await?;
        let pictures = match context.pictures.is_empty() {
            true => None,
            false => Some(self.pictures.keep(delivery, context.pictures).await?),
        };
        let request = Request {
            text: context.request,
            repo,
            target,
            agent,
            model: options.model,
            budget_micros: options.budget_micros.or(defaults.budget_micros.map(|chosen| chosen.value)),
            repo_because: because.to_owned(),
            plan,
            merges_itself: options.merges_itself.unwrap_or(false),
            requester: heard.author.clone(),
            thread: thread.clone(),
            message: Some(heard.message.clone()),
            context: context.thread,
            receipt: context.receipt,
            pictures,
            waits: settings.waits,
        };
        let event = TaskEvent::Submitted { request: request.clone() };
        let submit = |number, now| {
            let id = TaskId::new(number);
            Ok((id, Task::submit(id, request.clone(), now)))
        };
        let created = self.store.create(Cause::Delivery(delivery.clone()), event, submit).await?;
        let task = match created {
            Created::Done(id, _) => Some(id),
            Created::Repeated => None,
        };
        Ok(Answer { task, ..Answer::seen() })
    }

    /// What a bot asks for waits for people.
    fn demand_people(&self, heard: &Heard, options: &Options) -> Result<(), Rejected> {
        let skips = matches!(options.plan, Some(PlanMode::Auto | PlanMode::Off)) || options.merges_itself == Some(true);
        if skips && self.rules.load().is_bot(&heard.author) {
            let why = "What a bot asks for is planned, approved and merged by people".to_owned();
            return Err(Rejected::new(why, "Leave out plan=auto, plan=off and merge=auto"));
        }
        Ok(())
    }

    /// Tells whoever wrote a secret, and nobody else: it has to be rotated.
    async fn warn_of_secrets(
        &self,
        heard: &Heard,
        thread: &ThreadRef,
        context: &Context,
        delivery: &DeliveryId,
    ) -> Result<(), Trouble> {
        let mut authors = context.leaks.clone();
        authors.extend(context.request_leaks.then(|| heard.author.clone()));
        for author in authors {
            let words = "I took a text that looks like a credential out of what you wrote here before an agent reads it. \
                         Others have seen it: please rotate it.";
            let key = format!("secret:{delivery}:{author}");
            self.messenger.whisper(thread, &author, &key, &Said::words(words)).await?;
        }
        Ok(())
    }

    fn target_of(
        &self,
        repo: &domain::RepoName,
        known: domain::BranchName,
        named: Option<domain::BranchName>,
    ) -> Result<domain::BranchName, Rejected> {
        match named {
            Some(named) if named != known => Err(Rejected::new(
                format!("{repo} lands on {known}, and the branch {named} is not set up"),
                format!("Leave `branch=` out, or add the branch to the config under `[repos.{repo}]`"),
            )),
            _ => Ok(known),
        }
    }

    /// A limit that is reached is said, not queued behind somebody's back.
    async fn leave_room(&self) -> Result<(), Trouble> {
        let max = self.settings.load().tasks_live_max;
        let live = view::count_live(&self.store).await?;
        if live < max {
            return Ok(());
        }
        let tasks_are = if live == 1 { "task is" } else { "tasks are" };
        let why = format!("{live} {tasks_are} live, and {max} is the limit");
        Err(Rejected::new(why, "Stop or merge one of them, or raise `limits.tasks_live` in the config").into())
    }

    pub(super) async fn act(&self, heard: &Heard, deed: &Deed, delivery: &DeliveryId) -> Result<Answer, Trouble> {
        // A stranger is not even told which tasks there are.
        self.may(heard, Verb::View)?;
        let Deed { verb, task, words } = deed;
        let fits = |task: &TaskLine| resolve::fits(*verb, task);
        let id = resolve::task(verb.word(), fits, *task, &heard.message.thread, &self.store).await??;
        let task = self.find(id).await?;
        let retyped = words.split_whitespace().any(|word| word.parse() == Ok(id));
        match (self.judge(heard, *verb, &task, retyped).allowed(), verb) {
            (Err(refused), TaskVerb::Steer | TaskVerb::Interrupt) => {
                return self.suggest(heard, (id, words), refused, delivery).await;
            }
            (judged, _) => judged?,
        }
        let event = if *verb == TaskVerb::Edit {
            self.edited(heard, &task, words)
        } else {
            event_of(*verb, heard, &task, words)?
        };
        if let TaskEvent::RetryRequested { agent, model, .. } = &event {
            let agent = agent.as_ref().unwrap_or(&task.request.agent);
            self.roster.may_run(agent, task.request.plan)?;
            self.roster.may_use(agent, model.as_deref())?;
        }
        if let TaskEvent::RolledBack { checkpoint, .. } = &event {
            self.find_checkpoint(&task, *checkpoint).await?;
        }
        self.tell_task(id, event, delivery).await?;
        Ok(if *verb == TaskVerb::Steer { Answer::noted() } else { Answer::seen() })
    }

    /// The next version of a plan, with the risk that it has by the rules of now.
    fn edited(&self, heard: &Heard, task: &Task, words: &str) -> TaskEvent {
        let (version, edit) = editing::read(words);
        let paths = match &task.state {
            TaskState::AwaitingApproval { plan, .. } => plan.draft.paths.clone(),
            _ => Vec::new(),
        };
        let assessment = self.rules.load().tiers().tier_of(&paths);
        let terms = Terms { tier: assessment.tier, because: assessment.to_string() };
        TaskEvent::PlanEdited { by: heard.author.clone(), version: version.unwrap_or(task.plans), edit, terms }
    }

    /// Applies what a person said, and has the task's session look.
    pub(super) async fn tell_task(&self, id: TaskId, event: TaskEvent, delivery: &DeliveryId) -> Result<(), Trouble> {
        self.store.apply::<Task>(&id, event, Cause::Delivery(delivery.clone())).await?;
        self.bell.ring();
        Ok(())
    }

    pub(super) async fn find(&self, id: TaskId) -> Result<Task, Trouble> {
        let missing =
            || Rejected::new(format!("There is no task {id}"), "Say `status` to see the tasks of this thread");
        Ok(self.store.load::<Task>(&id).await?.ok_or_else(missing)?)
    }

    pub(super) fn judge(&self, heard: &Heard, verb: TaskVerb, task: &Task, retyped: bool) -> Decision {
        let (tier, paths) = risk_of(task);
        let about = About { task: task.id, requester: &task.request.requester, tier, paths: &paths };
        let right = right_to(verb, task);
        // An answer is given to one question, which names its task already.
        let retyped = retyped || verb == TaskVerb::Answer;
        let channel = heard.message.thread.channel();
        let place = Place { channel: Some(&channel), repo: Some(&task.request.repo) };
        let asked = Asked { retyped, ..Asked::about(right, about).at(place) };
        let decision = decide(&self.rules.load(), &heard.author, &asked);
        match decision {
            Decision::Denied(Rejected { why, next }) => {
                let said = |text: String| {
                    text.replace(&format!("{right} {}", task.id), &format!("{} {}", verb.word(), task.id))
                };
                Decision::Denied(Rejected { why: said(why), next: said(next) })
            }
            allowed @ Decision::Allowed { .. } => allowed,
        }
    }
}

pub(super) fn right_for(verb: TaskVerb) -> Verb {
    match verb {
        TaskVerb::Approve => Verb::Approve,
        TaskVerb::Revise | TaskVerb::Edit => Verb::Revise,
        TaskVerb::Reject => Verb::Reject,
        TaskVerb::Merge => Verb::Merge,
        TaskVerb::Dequeue => Verb::Dequeue,
        TaskVerb::Stop => Verb::Stop,
        TaskVerb::Retry | TaskVerb::Try => Verb::Retry,
        TaskVerb::Answer
        | TaskVerb::Steer
        | TaskVerb::Interrupt
        | TaskVerb::Pause
        | TaskVerb::Resume
        | TaskVerb::Rollback
        | TaskVerb::Mute
        | TaskVerb::Unmute => Verb::Steer,
    }
}

/// As [`right_for`], for what the task stands at: to permit something takes whoever may approve it.
pub(super) fn right_to(verb: TaskVerb, task: &Task) -> Verb {
    match (verb, task.open_question().map(|open| open.question.about)) {
        (TaskVerb::Answer, Some(QuestionKind::Permission | QuestionKind::Host | QuestionKind::Budget)) => Verb::Approve,
        _ => right_for(verb),
    }
}

/// The risk of what the task is about to do: of the change where there is one, else of the plan.
pub(super) fn risk_of(task: &Task) -> (Tier, Vec<String>) {
    let of_work = |work: &Work| (work.tier, work.changes.iter().map(|change| change.path.clone()).collect());
    let goal = task.goal();
    match &task.state {
        TaskState::AwaitingApproval { plan, .. } => (plan.tier, plan.draft.paths.clone()),
        TaskState::Departed { work, .. } | TaskState::Publishing { work } => of_work(work),
        TaskState::InReview { pull_request, .. } | TaskState::Merging { pull_request, .. } => {
            of_work(&pull_request.work)
        }
        _ => match &goal {
            Some(Goal::Work { approved: Some(Approved { plan, .. }) }) => (plan.tier, plan.draft.paths.clone()),
            _ => (Tier::R1, Vec::new()),
        },
    }
}

fn event_of(verb: TaskVerb, heard: &Heard, task: &Task, words: &str) -> Result<TaskEvent, Rejected> {
    let by = heard.author.clone();
    // A click stands on a message of ours, which nobody changes.
    let message = (heard.via == Via::Words).then(|| heard.message.clone());
    Ok(match verb {
        TaskVerb::Approve => return approval(heard, task, words),
        TaskVerb::Revise | TaskVerb::Edit => TaskEvent::RevisionRequested { by, feedback: words.to_owned() },
        TaskVerb::Reject => TaskEvent::Refused { by, why: words.to_owned() },
        TaskVerb::Merge => TaskEvent::MergeRequested { by },
        TaskVerb::Try => TaskEvent::TrialRequested { by },
        TaskVerb::Dequeue => TaskEvent::DequeueRequested { by },
        TaskVerb::Stop => TaskEvent::StopRequested { by },
        TaskVerb::Retry => {
            let Other { agent, model } = Other::read(words).unwrap_or_default();
            TaskEvent::RetryRequested { by, agent, model }
        }
        TaskVerb::Answer => {
            let (question, text) = answered(words);
            TaskEvent::InputGiven { by, question, text }
        }
        TaskVerb::Steer => TaskEvent::Steered { by, text: words.to_owned(), kind: WordKind::Remark, message },
        TaskVerb::Interrupt => TaskEvent::Steered { by, text: words.to_owned(), kind: WordKind::Interruption, message },
        TaskVerb::Pause => TaskEvent::PauseRequested { by },
        TaskVerb::Resume => TaskEvent::ResumeRequested { by },
        TaskVerb::Mute => TaskEvent::Muted { by },
        TaskVerb::Unmute => TaskEvent::Unmuted { by },
        TaskVerb::Rollback => {
            let (number, text) = words.split_once(char::is_whitespace).unwrap_or((words, ""));
            let unusable = |_| Rejected::new(format!("{number} is no checkpoint"), format!("Say `log {}`", task.id));
            TaskEvent::RolledBack { by, checkpoint: number.parse().map_err(unusable)?, text: text.to_owned() }
        }
    })
}

/// `q2 the old name`: which question a button belongs to. Without it, the open one is meant.
fn answered(words: &str) -> (Option<u32>, String) {
    let named = words.strip_prefix('q').and_then(|rest| {
        let (number, text) = rest.split_once(char::is_whitespace).unwrap_or((rest, ""));
        Some((number.parse().ok()?, text.trim().to_owned()))
    });
    named.map_or_else(|| (None, words.to_owned()), |(number, text)| (Some(number), text))
}

/// `approve T-1 v2 #a91f0c12`: what the person saw. Without version and hash they mean the newest.
fn approval(heard: &Heard, task: &Task, words: &str) -> Result<TaskEvent, Rejected> {
    let by = heard.author.clone();
    let hash = words.split_whitespace().find_map(|word| word.strip_prefix('#'));
    let newest = match &task.state {
        TaskState::Departed { work, .. } if hash.is_none_or(|hash| work.head.as_str().starts_with(hash)) => {
            return Ok(TaskEvent::DepartureAccepted { by, head: work.head.clone() });
        }
        TaskState::Departed { .. } => {
            let why = format!("The change of {} is not the one that this button was made for", task.id);
            return Err(Rejected::new(why, format!("Look at the newer one, then say `approve {}`", task.id)));
        }
        TaskState::AwaitingApproval { plan, .. } => Some(plan),
        _ => None,
    };
    let version = words.split_whitespace().find_map(|word| word.strip_prefix('v')?.parse().ok());
    let version = version.or(newest.map(|plan| plan.version)).unwrap_or(task.plans);
    let hash = hash.map(|short| match newest {
        Some(plan) if plan.hash.starts_with(short) => plan.hash.clone(),
        _ => short.to_owned(),
    });
    Ok(TaskEvent::PlanApproved { by, version, hash })
}
