//! The words of the scripts: what each event is called, and how an effect reads in a trace.

use super::*;

fn tier(word: Option<&&str>) -> Tier {
    match word {
        Some(&"R0") => Tier::R0,
        Some(&"R2") => Tier::R2,
        Some(&"R3") => Tier::R3,
        _ => Tier::R1,
    }
}

fn question_about(host: &str) -> Question {
    let choices = vec!["allow once".to_owned(), "never".to_owned()];
    let text = format!("The agent wants to reach `{host}`, which is on no list.");
    Question { about: QuestionKind::Host, text, choices }
}

fn message(n: &str) -> domain::MessageRef {
    domain::MessageRef { thread: ThreadRef::console("t"), id: n.to_owned() }
}

fn edit(task: &Task, by: Person, words: &[&str]) -> TaskEvent {
    let version = words.get(2).and_then(|v| v.parse().ok()).unwrap_or(task.plans);
    let steps = words.iter().skip(3).map(|step| (*step).to_owned()).collect();
    let terms = Terms { tier: Tier::R1, because: "src/a.rs".to_owned() };
    TaskEvent::PlanEdited { by, version, edit: PlanEdit { steps, ..PlanEdit::default() }, terms }
}

/// What people and sessions say to each other, and what people want to know.
fn talk(task: &Task, words: &[&str]) -> TaskEvent {
    let session = words.get(1).and_then(|n| n.parse().ok()).unwrap_or(task.sessions);
    let by = || person(words.get(1).copied().unwrap_or("ben"));
    match words[0] {
        "asks" => {
            let (about, choices) = (QuestionKind::Question, vec!["yes".to_owned(), "no".to_owned()]);
            let text = words.get(2).copied().unwrap_or("really?").to_owned();
            TaskEvent::Asked { session, question: Question { about, text, choices } }
        }
        "asks-for" => TaskEvent::Asked { session: task.sessions, question: question_about(words[1]) },
        "allow" => TaskEvent::InputGiven { by: by(), question: None, text: "allow once".to_owned() },
        "answer" => {
            let question = words.get(3).and_then(|n| n.parse().ok());
            let text = words.get(2).copied().unwrap_or_default().to_owned();
            TaskEvent::InputGiven { by: by(), question, text }
        }
        "parked" => TaskEvent::SessionParked { session },
        "say" => TaskEvent::Steered { by: by(), text: words[2..].join(" "), kind: WordKind::Remark, message: None },
        "say-in" => TaskEvent::Steered {
            by: by(),
            text: words[3..].join(" "),
            kind: WordKind::Remark,
            message: Some(message(words[2])),
        },
        "correct" => TaskEvent::RequestCorrected { by: by(), text: words[2..].join(" ") },
        "suggest" => TaskEvent::Suggested { by: by(), text: words[2..].join(" ") },
        "take-back" => TaskEvent::RequestWithdrawn { by: by() },
        "reword" => TaskEvent::RemarkCorrected { by: by(), message: message(words[2]), text: words[3..].join(" ") },
        "unsay" => TaskEvent::RemarkWithdrawn { by: by(), message: message(words[2]) },
        "interrupt" => {
            TaskEvent::Steered { by: by(), text: words[2..].join(" "), kind: WordKind::Interruption, message: None }
        }
        "told" => TaskEvent::WordsTold { session, words: task.untold() },
        "reached" => TaskEvent::HostsReached { session: task.sessions, hosts: vec![words[1].to_owned()] },
        "try" => TaskEvent::TrialRequested { by: by() },
        "tried" | "tried-red" => {
            let trial = words.get(1).and_then(|n| n.parse().ok()).unwrap_or(task.trials);
            let (is_fit, words) = match words[0] {
                "tried" => (true, "passes on main (bbbbbbbbbb)"),
                _ => (false, "unit exited with 1, on main (bbbbbbbbbb)"),
            };
            TaskEvent::TrialEnded {
                trial,
                result: TrialResult { is_fit, words: words.to_owned(), next: String::new() },
            }
        }
        other => panic!("no event is called {other:?}"),
    }
}

pub(super) fn event(task: &Task, words: &str) -> TaskEvent {
    let words: Vec<_> = words.split_whitespace().collect();
    let session = words.get(1).and_then(|n| n.parse().ok()).unwrap_or(task.sessions);
    let by = || person(words.get(1).copied().unwrap_or("ben"));
    match words[0] {
        "started" => TaskEvent::SessionStarted { session },
        "plan" => {
            let hosts = words.iter().skip(3).map(|host| (*host).to_owned()).collect();
            let draft = PlanDraft { summary: "a plan".to_owned(), hosts, ..PlanDraft::default() };
            let terms = Terms { tier: tier(words.get(2)), because: "src/a.rs".to_owned() };
            TaskEvent::PlanProposed { session, draft, terms }
        }
        "approve" => {
            let version = words.get(2).and_then(|v| v.parse().ok()).unwrap_or(task.plans);
            TaskEvent::PlanApproved { by: by(), version, hash: words.get(3).map(|hash| (*hash).to_owned()) }
        }
        "edit" => edit(task, by(), &words),
        "revise" => TaskEvent::RevisionRequested { by: by(), feedback: words[2..].join(" ") },
        "reject" => TaskEvent::Refused { by: by(), why: words.get(2..).unwrap_or(&[]).join(" ") },
        "done" => TaskEvent::WorkFinished { session, work: work("a", tier(words.get(2)), Conclusion::Passed) },
        "done-red" => TaskEvent::WorkFinished { session, work: work("a", Tier::R1, Conclusion::Failed) },
        "done-altered" => {
            let altered = vec!["src/a.rs".to_owned()];
            TaskEvent::WorkFinished { session, work: Work { altered, ..work("a", Tier::R1, Conclusion::Passed) } }
        }
        "repair" => {
            let why = "conflicts with T-2 in src/a.rs".to_owned();
            let trouble = Trouble { why, rivals: vec![TaskId::new(2)], printed: String::new() };
            TaskEvent::RepairRequested { trouble, until: Timestamp::from_ms(3_600_000) }
        }
        "nothing" => TaskEvent::NothingChanged { session, answer: "all is well".to_owned() },
        "broke" => TaskEvent::SessionFailed { session, why: "exit code 1".to_owned() },
        "stopped" => TaskEvent::SessionStopped { session },
        "accept" => TaskEvent::DepartureAccepted { by: by(), head: sha(words.get(2).copied().unwrap_or("a")) },
        "published" => TaskEvent::Published { head: sha("a"), reference: "downbeat/T-1".to_owned() },
        "unpublished" => TaskEvent::PublishFailed { head: sha("a"), why: "no such remote".to_owned() },
        "merge" => TaskEvent::MergeRequested { by: by() },
        "dequeue" => TaskEvent::DequeueRequested { by: by() },
        "moved-up" => TaskEvent::EntryProgressed { note: None },
        "landed" => TaskEvent::EntryMerged { commit: sha("b"), proof: Proof::Tested },
        "ejected" => TaskEvent::EntryEjected { why: "unit failed".to_owned() },
        "withdrawn" => TaskEvent::EntryWithdrawn,
        "stop" => TaskEvent::StopRequested { by: by() },
        "retry" => {
            let agent = words.get(2).map(|agent| (*agent).to_owned());
            TaskEvent::RetryRequested { by: by(), agent, model: None }
        }
        "mute" => TaskEvent::Muted { by: by() },
        "unmute" => TaskEvent::Unmuted { by: by() },
        "pause" => TaskEvent::PauseRequested { by: by() },
        "resume" => TaskEvent::ResumeRequested { by: by() },
        "rollback" => {
            let checkpoint = words.get(2).and_then(|n| n.parse().ok()).unwrap_or(1);
            TaskEvent::RolledBack { by: by(), checkpoint, text: String::new() }
        }
        "expired" => {
            let wait = words.get(1).and_then(|n| n.parse().ok()).unwrap_or(task.waits);
            TaskEvent::DeadlinePassed { deadline: Deadline { wait, at_ms: 0, then: Then::End } }
        }
        "reminded" => {
            let wait = words.get(1).and_then(|n| n.parse().ok()).unwrap_or(task.waits);
            let then = Then::Remind { left: std::time::Duration::from_secs(3_600) };
            TaskEvent::DeadlinePassed { deadline: Deadline { wait, at_ms: 0, then } }
        }
        _ => talk(task, &words),
    }
}

pub(super) fn owed(effect: &TaskEffect) -> String {
    match effect {
        TaskEffect::StartSession { session, goal, ground } => {
            let what = match goal {
                Goal::Plan { feedback } => format!("plan, {} said", feedback.len()),
                Goal::Work { .. } => "work".to_owned(),
            };
            match ground {
                Ground::Target => format!("start-session({session}, {what})"),
                Ground::Newest => format!("start-session({session}, {what}, where it was)"),
                Ground::Repair { head } => {
                    format!("start-session({session}, {what}, {} on the target)", &head.as_str()[..1])
                }
                Ground::Checkpoint { number } => format!("start-session({session}, {what}, at checkpoint {number})"),
            }
        }
        TaskEffect::CloseQuestion { open, answer } => {
            format!("close({}, {})", open.number, answer.as_ref().map_or("unanswered", |word| word.text.as_str()))
        }
        TaskEffect::CloseOffer { offer, outcome, .. } => {
            format!("close({}: {outcome})", owed(&TaskEffect::Announce(offer.clone())))
        }
        TaskEffect::Announce(Announcement::Asked { open }) => format!("announce(question {})", open.number),
        TaskEffect::StopSession => "stop-session".to_owned(),
        TaskEffect::Publish { work } => format!("publish({})", &work.head.as_str()[..1]),
        TaskEffect::CleanUp => "clean-up".to_owned(),
        TaskEffect::PostCard => "post-card".to_owned(),
        TaskEffect::EditCard => "edit-card".to_owned(),
        TaskEffect::Announce(Announcement::PlanReady { plan }) => format!("announce(plan v{})", plan.version),
        TaskEffect::Announce(Announcement::Departed { .. }) => "announce(departed)".to_owned(),
        TaskEffect::Announce(Announcement::ReadyToMerge { .. }) => "announce(ready)".to_owned(),
        TaskEffect::Announce(Announcement::SentBack { .. }) => "announce(sent back)".to_owned(),
        TaskEffect::Announce(Announcement::Beside { aside }) => match &aside.about {
            Matter::Suggestion { text } => format!("announce(suggestion {}: {text})", aside.number),
            Matter::Withdrawal { standing } => format!("announce(taken back {}: {standing})", aside.number),
        },
        TaskEffect::Announce(Announcement::Reminded { wait, .. }) => format!("announce(reminder {wait})"),
        TaskEffect::Announce(Announcement::Repairing { .. }) => "announce(repairing)".to_owned(),
        TaskEffect::Readmit { work } => format!("readmit({})", &work.head.as_str()[..1]),
        TaskEffect::GiveUpRepair { why } => format!("give-up({why})"),
        TaskEffect::Announce(Announcement::Doubted { .. }) => "announce(doubted)".to_owned(),
        TaskEffect::Announce(Announcement::Ended) => "announce(ended)".to_owned(),
        TaskEffect::Announce(Announcement::Tried { result }) => format!("announce({})", result.words),
        TaskEffect::Try { trial, work } => format!("try({trial}, {})", &work.head.as_str()[..1]),
        TaskEffect::StopTrial => "stop-trial".to_owned(),
        TaskEffect::Enqueue { .. } => "enqueue".to_owned(),
        TaskEffect::Withdraw { by } => format!("withdraw({by})"),
        TaskEffect::AwaitDeadline(deadline) => match deadline.then {
            Then::End => format!("deadline({})", deadline.wait),
            Then::Remind { .. } => format!("reminder({})", deadline.wait),
        },
    }
}
