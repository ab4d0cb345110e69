//! The newest plan of a task and the newest change, with its checks. They are read from the journal, because an ended
//! task no longer carries them. Pure.

use agents::task::{Plan, TaskEvent, Work};
use store::JournalEntry;

/// What a task has to show.
#[derive(Debug, Default)]
pub(crate) struct Evidence {
    pub(crate) plan: Option<Plan>,
    /// Who approved the plan.
    pub(crate) approved_by: Option<String>,
    /// The change that followed the newest go-ahead.
    pub(crate) work: Option<Work>,
    /// How people find it where it was published: a branch, or the address of its pull request.
    pub(crate) published_as: Option<String>,
}

impl Evidence {
    /// What the journal, oldest event first, says of a task that had `plans` versions of its plan.
    ///
    /// The journal holds late events too, which changed nothing: an event counts only by the state that it led to.
    pub(crate) fn of(journal: &[JournalEntry], plans: u32) -> Self {
        let mut evidence = Self::default();
        let mut before = "";
        for entry in journal {
            if let Ok(event) = serde_json::from_str(&entry.event) {
                evidence.absorb(event, before, &entry.state, plans);
            }
            before = &entry.state;
        }
        evidence
    }

    fn absorb(&mut self, event: TaskEvent, before: &str, after: &str, plans: u32) {
        let planned = before != after && matches!(after, "awaiting-approval" | "queued");
        let worked = before != after && matches!(after, "departed" | "publishing");
        if let TaskEvent::Published { reference, .. } = &event
            && before != after
        {
            self.published_as = Some(reference.clone());
        }
        if after == "queued" {
            (self.work, self.published_as) = (None, None);
        }
        if let TaskEvent::PlanProposed { draft, terms, .. } = event {
            if planned {
                self.plan = Some(Plan::new(plans, draft, terms.tier, terms.because));
                self.approved_by = (after == "queued").then(|| "the policy".to_owned());
            }
        } else if let TaskEvent::PlanApproved { by, .. } | TaskEvent::DepartureAccepted { by, .. } = event {
            self.approved_by = Some(by.to_string());
        } else if let TaskEvent::WorkFinished { work, .. } = event
            && worked
        {
            self.work = Some(work);
        }
    }
}
