//! `step` is `absorb` (what happened) and then `plan` (what to do now). The watchdog looks on and decides nothing.

use domain::{Machine, QueueId, Rejected, Step, Timestamp};

use super::draft::Draft;
use super::effect::QueueEffect;
use super::event::QueueEvent;
use super::plan::plan;
use super::repair::Repair;
use super::state::{Candidate, Queue};
use super::{absorb, hold, laws, losses, opening, order, probing, repair, runs, soundness, watch};

impl Machine for Queue {
    type Id = QueueId;
    type Event = QueueEvent;
    type Effect = QueueEffect;

    fn step(self, event: &QueueEvent, now: Timestamp) -> Result<Step<Self>, Rejected> {
        let mut draft = Draft::of(self, now);
        watch::note_duration(&mut draft, event);
        absorb_event(&mut draft, event)?;
        opening::keep_hours(&mut draft);
        plan(&mut draft);
        watch::keep_watch(&mut draft);
        opening::tell_kept_out(&mut draft);
        let (queue, effects) = draft.close();
        assert_eq!(laws::broken(&queue), None, "after {event:?}");
        Ok(Step::owing(queue, effects))
    }
}

fn absorb_event(draft: &mut Draft, event: &QueueEvent) -> Result<(), Rejected> {
    match event {
        QueueEvent::Enqueued { change } => absorb::enqueue_change(draft, change)?,
        QueueEvent::Withdrawn { entry, by } => absorb::withdraw_entry(draft, entry, by),
        QueueEvent::Staged { run, base, tree, parts } => {
            let candidate = Candidate { base: base.clone(), tree: tree.clone(), parts: parts.clone() };
            runs::begin_testing(draft, *run, candidate);
        }
        QueueEvent::StagingBlocked { run, base, entry, obstacle } => {
            runs::unblock_staging(draft, *run, base, entry, obstacle);
        }
        QueueEvent::StagingFailed { run, why } => runs::stall_staging(draft, *run, why),
        QueueEvent::ChecksConcluded { run, verdict } => runs::conclude_checks(draft, *run, verdict),
        QueueEvent::CandidateLost { run } => losses::lose_candidate(draft, *run),
        QueueEvent::Landed { run } => runs::finish_landing(draft, *run),
        QueueEvent::LandingRefused { run, refusal } => runs::settle_refusal(draft, *run, refusal),
        QueueEvent::LandingUnanswered { run, why } => runs::doubt_landing(draft, *run, why),
        QueueEvent::Audited { to, landed, findings } => soundness::absorb_audit(draft, to, (landed, findings)),
        QueueEvent::Probed { of, clashes } => probing::absorb_probe(draft, of, clashes),
        QueueEvent::RestoreOrdered { by } => soundness::order_restore(draft, by)?,
        QueueEvent::Remedied { commit, by, remedy } => soundness::absorb_remedy(draft, commit, (by, remedy))?,
        QueueEvent::TargetMoved { seen, head } => absorb::note_target(draft, seen.as_ref(), head),
        QueueEvent::HeadMoved { entry, head } => absorb::note_moved_head(draft, entry, head),
        QueueEvent::Reserved { entry, until } => repair::reserve_entry(draft, entry, *until),
        QueueEvent::Repaired { entry, head, started_from, approved_by, lanes } => {
            let (started_from, approved_by) = (started_from.as_ref(), approved_by.as_ref());
            repair::readmit_entry(draft, entry, &Repair { head, started_from, approved_by, lanes });
        }
        QueueEvent::RepairFailed { entry, why } => repair::give_up_repair(draft, entry, why),
        QueueEvent::Prioritised { entry, priority, .. } => order::prioritise_entry(draft, entry, *priority)?,
        QueueEvent::Held { entry, hold } => hold::hold_entry(draft, entry, hold)?,
        QueueEvent::Released { entry, by: _ } => hold::release_hold(draft, entry)?,
        QueueEvent::Frozen(freeze) => order::freeze_queue(draft, freeze),
        QueueEvent::Thawed { by: _ } => order::thaw_queue(draft)?,
        QueueEvent::Paused { by } => absorb::pause_queue(draft, by)?,
        QueueEvent::Resumed { by: _ } => absorb::resume_queue(draft)?,
        QueueEvent::PolicyChanged { policy } => absorb::change_policy(draft, policy),
        QueueEvent::DeadlinePassed { entry, until } => repair::end_lease(draft, entry, *until),
        QueueEvent::WatchEnded { until } => watch::end_watch(draft, *until),
        QueueEvent::Opened { until } => opening::end_closing(draft, *until),
    }
    Ok(())
}
