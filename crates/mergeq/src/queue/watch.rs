//! The watchdog: whoever is in a run that takes much longer than usual is told so, with what the run is waited for. It
//! decides nothing.
//!
//! A queue owes one look at a time, at the soonest moment at which a run can be overdue; runs that end before cost none.

use std::collections::{BTreeMap, HashSet, VecDeque};
use std::fmt;
use std::time::Duration;

use domain::time::humanize;
use domain::{EntryId, Timestamp};
use serde::{Deserialize, Serialize};

use super::draft::Draft;
use super::effect::{News, QueueEffect};
use super::event::{QueueEvent, Verdict};
use super::policy::Limits;
use super::state::{Phase, Queue, Run, RunId};

/// So many are remembered of each: half a day of a busy queue, so that checks that grow are usual soon.
const TOOK_MAX: usize = 31;
/// Before so many are known nothing is usual: one lucky run says little.
const TOOK_MIN: usize = 3;
/// A run is overdue when it takes so many times as long as usual.
const OVERDUE_FACTOR: u32 = 3;

/// What a run is waited for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Activity {
    /// Its commits are being made.
    Staging,
    /// Its checks run, or wait for their turn.
    Checks,
    /// The target is being moved.
    Landing,
}

/// A run that takes much longer than usual.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Overdue {
    /// Which.
    pub run: RunId,
    /// What it is waited for.
    pub activity: Activity,
    /// Since when.
    pub since: Timestamp,
    /// When that was found.
    pub found_at: Timestamp,
    /// How long half of those lately took, in milliseconds; none before enough are known.
    pub usual_ms: Option<u64>,
}

/// What a queue knows of how long its runs take, and when it looks at them next.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Watch {
    /// When it looks next; none when nothing was under way as it looked last.
    pub(super) until: Option<Timestamp>,
    /// When it looked last. No moment is looked at twice, so that a look heard twice is not taken for the next.
    looked: Option<Timestamp>,
    alarms: Vec<Alarm>,
    /// How long they took lately, in milliseconds, oldest first.
    took_ms: BTreeMap<Activity, VecDeque<u64>>,
}

/// What was said of a run that still is overdue.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
struct Alarm {
    overdue: Overdue,
    /// Who was told.
    set: Vec<EntryId>,
    n_told: u32,
}

impl Overdue {
    /// For how long, and how long is usual: `its checks have taken 32 min, 4 min are usual`.
    pub fn in_words(&self, now: Timestamp) -> String {
        let what = match self.activity {
            Activity::Staging => "making its commits has taken",
            Activity::Checks => "its checks have taken",
            Activity::Landing => "its landing has taken",
        };
        let usual = self.usual_ms.map(|ms| format!(", {} are usual", humanize(Duration::from_millis(ms))));
        format!("{what} {}{}", humanize(now.since(self.since)), usual.unwrap_or_default())
    }
}

impl fmt::Display for Overdue {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.in_words(self.found_at))
    }
}

impl Watch {
    /// What was said of the run that an entry is in, if that is overdue.
    pub fn overdue_of(&self, entry: &EntryId) -> Option<&Overdue> {
        self.alarms.iter().find(|alarm| alarm.set.contains(entry)).map(|alarm| &alarm.overdue)
    }

    /// When it looks next; none when nothing was under way as it looked last.
    pub fn until(&self) -> Option<Timestamp> {
        self.until
    }

    fn usual_ms(&self, activity: Activity) -> Option<u64> {
        let mut took: Vec<u64> = self.took_ms.get(&activity)?.iter().copied().collect();
        took.sort_unstable();
        (took.len() >= TOOK_MIN).then(|| took[took.len() / 2])
    }

    /// How long a run may take until it is overdue.
    fn patience(&self, activity: Activity, limits: &Limits) -> Duration {
        let first_ms = match activity {
            Activity::Staging | Activity::Landing => limits.git_patience_ms,
            Activity::Checks => limits.checks_patience_ms,
        };
        let usual = self.usual_ms(activity).map(|ms| Duration::from_millis(ms).saturating_mul(OVERDUE_FACTOR));
        usual.map_or(Duration::from_millis(first_ms), |usual| usual.max(Duration::from_millis(limits.patience_min_ms)))
    }
}

/// What a run is waited for; none where it waits itself.
pub(crate) fn activity_of(run: &Run) -> Option<Activity> {
    match &run.phase {
        Phase::Staging { is_outdated: false, .. } => Some(Activity::Staging),
        Phase::Testing { .. } => Some(Activity::Checks),
        Phase::Landing { .. } => Some(Activity::Landing),
        Phase::Staging { is_outdated: true, .. } | Phase::Passed { .. } | Phase::Doubtful { .. } => None,
    }
}

impl Alarm {
    fn is_of(&self, run: &Run) -> bool {
        self.overdue.run == run.id && activity_of(run) == Some(self.overdue.activity)
    }
}

/// When a run is to be spoken of next: once when it is overdue, and then at intervals that double. Not while the queue is
/// paused, which everybody was told.
fn due(queue: &Queue, run: &Run) -> Option<Timestamp> {
    let (watch, limits) = (&queue.watch, &queue.policy.limits);
    let patience = watch.patience(activity_of(run)?, limits);
    let n_told = watch.alarms.iter().find(|alarm| alarm.is_of(run)).map_or(0, |alarm| alarm.n_told);
    let due = run.since + patience.saturating_mul(2_u32.saturating_pow(n_told));
    let unlooked = watch.looked.map_or(due, |looked| due.max(looked + Duration::from_millis(1)));
    (queue.pause.is_none() && n_told < limits.alarms_max).then_some(unlooked)
}

/// Learns from what ended well or red how long that takes. What was stopped, or known without a run, says nothing.
pub(super) fn note_duration(draft: &mut Draft, event: &QueueEvent) {
    let (id, activity) = if let QueueEvent::Staged { run, .. } = event {
        (*run, Activity::Staging)
    } else if let QueueEvent::ChecksConcluded { run, verdict: Verdict::Passed | Verdict::Failed { .. } } = event {
        (*run, Activity::Checks)
    } else if let QueueEvent::Landed { run } = event {
        (*run, Activity::Landing)
    } else {
        return;
    };
    let Queue { runs, watch, .. } = &mut draft.queue;
    let Some(run) = runs.iter().find(|run| run.id == id && activity_of(run) == Some(activity)) else { return };
    let took = watch.took_ms.entry(activity).or_default();
    took.push_back(u64::try_from(draft.now.since(run.since).as_millis()).unwrap_or(u64::MAX));
    let surplus = took.len().saturating_sub(TOOK_MAX);
    took.drain(..surplus);
}

/// Tells whoever is in a run that is overdue, each once. Late unless it is the look that is awaited.
pub(super) fn end_watch(draft: &mut Draft, until: Timestamp) {
    if draft.queue.watch.until != Some(until) {
        return;
    }
    let now = draft.now;
    let is_due = |run: &&Run| due(&draft.queue, run).is_some_and(|due| due <= now);
    let mut overdue: Vec<Run> = draft.queue.runs.iter().filter(is_due).cloned().collect();
    (draft.queue.watch.until, draft.queue.watch.looked) = (None, Some(until));
    overdue.sort_by_key(|run| run.since);
    let mut told = HashSet::new();
    for run in overdue {
        let Some(found) = raise_alarm(draft, &run) else { continue };
        for entry in run.set.into_iter().filter(|entry| told.insert(entry.clone())) {
            draft.report(&entry, News::Overdue(found.clone()));
        }
    }
}

fn raise_alarm(draft: &mut Draft, run: &Run) -> Option<Overdue> {
    let (activity, now, watch) = (activity_of(run)?, draft.now, &mut draft.queue.watch);
    let usual_ms = watch.usual_ms(activity);
    let overdue = Overdue { run: run.id, activity, since: run.since, found_at: now, usual_ms };
    let known = watch.alarms.iter().position(|alarm| alarm.is_of(run)).map(|index| watch.alarms.remove(index));
    let n_told = known.map_or(0, |alarm| alarm.n_told) + 1;
    watch.alarms.push(Alarm { overdue: overdue.clone(), set: run.set.clone(), n_told });
    Some(overdue)
}

/// Owes the next look, and takes back what was said of runs that are overdue no more.
pub(super) fn keep_watch(draft: &mut Draft) {
    let Queue { runs, watch, .. } = &mut draft.queue;
    let over: Vec<Alarm> = watch.alarms.extract_if(.., |alarm| !runs.iter().any(|run| alarm.is_of(run))).collect();
    over.iter().flat_map(|alarm| &alarm.set).for_each(|entry| draft.tell_anew(entry));
    let soonest = draft.queue.runs.iter().filter_map(|run| due(&draft.queue, run)).min();
    let owed = draft.queue.watch.until;
    if let Some(until) = soonest.filter(|due| owed.is_none_or(|owed| *due < owed)) {
        draft.queue.watch.until = Some(until);
        draft.owe(QueueEffect::Watch { until });
    }
}

/// The law: whatever can become overdue is looked at in time.
pub(super) fn is_unwatched(queue: &Queue) -> Option<String> {
    let is_watched = |due: Timestamp| queue.watch.until.is_some_and(|until| until <= due);
    let unwatched = queue.runs.iter().find(|run| due(queue, run).is_some_and(|due| !is_watched(due)));
    unwatched.map(|run| format!("{} is under way and nobody watches it", run.id))
}

#[cfg(test)]
mod tests {
    use expect_test::expect;

    use super::super::script::check;

    /// [36] Nobody knows yet what is usual.
    #[test]
    fn checks_that_never_begin_are_spoken_of_at_intervals_that_double() {
        check(
            "batch 2 of a b | made 1; watched; watched; watched; watched; watched; watched; watched",
            expect![[r#"
                made 1             1 testing a+b  owes checks(1 m0ab)
                watched            1 testing a+b
                watched            1 testing a+b  tells a overdue: its checks have taken 30 min, b overdue: its checks have taken 30 min
                watched            1 testing a+b  tells a overdue: its checks have taken 60 min, b overdue: its checks have taken 60 min
                watched            1 testing a+b  tells a overdue: its checks have taken 2 h, b overdue: its checks have taken 2 h
                watched            1 testing a+b  tells a overdue: its checks have taken 4 h, b overdue: its checks have taken 4 h
                watched            1 testing a+b  tells a overdue: its checks have taken 8 h, b overdue: its checks have taken 8 h
                watched            1 testing a+b  tells a overdue: its checks have taken 16 h, b overdue: its checks have taken 16 h
            "#]],
        );
    }

    #[test]
    fn what_is_usual_is_learned_from_what_ended() {
        check(
            "serial of a b c d | @1 made 1; @601 passed 1; landed 1; @602 made 2; @1102 failed 2 unit; @1103 made 3; @1803 passed 3; landed 3; @1804 made 4; watched; watched",
            expect![[r#"
                @1 made 1          1 testing a | line b+c+d  owes checks(1 m0a)
                @601 passed 1      1 landing a | line b+c+d  owes land(1 m0..m0a)  tells a 1/4 landing
                landed 1           2 staging b | line c+d  owes stage(2 b)  tells a merged as m0a, b 1/3 testing, c 2/3 waiting, d 3/3 waiting
                @602 made 2        2 testing b | line c+d  owes checks(2 m0ab)
                @1102 failed 2 unit 3 staging c | line d  owes stage(3 c)  tells b ejected: unit exited with 1, c 1/2 testing, d 2/2 waiting
                @1103 made 3       3 testing c | line d  owes checks(3 m0ac)
                @1803 passed 3     3 landing c | line d  owes land(3 m0a..m0ac)  tells c 1/2 landing
                landed 3           4 staging d  owes stage(4 d)  tells c merged as m0ac, d 1/1 testing
                @1804 made 4       4 testing d  owes checks(4 m0acd)
                watched            4 testing d
                watched            4 testing d  tells d overdue: its checks have taken 30 min, 10 min are usual
            "#]],
        );
    }

    /// Quick checks are not overdue after a second.
    #[test]
    fn what_is_quick_has_two_minutes() {
        check(
            "serial of a b c d | made 1; @1 passed 1; landed 1; made 2; @2 passed 2; landed 2; made 3; @3 passed 3; landed 3; made 4; watched; watched",
            expect![[r#"
                made 1             1 testing a | line b+c+d  owes checks(1 m0a)
                @1 passed 1        1 landing a | line b+c+d  owes land(1 m0..m0a)  tells a 1/4 landing
                landed 1           2 staging b | line c+d  owes stage(2 b)  tells a merged as m0a, b 1/3 testing, c 2/3 waiting, d 3/3 waiting
                made 2             2 testing b | line c+d  owes checks(2 m0ab)
                @2 passed 2        2 landing b | line c+d  owes land(2 m0a..m0ab)  tells b 1/3 landing
                landed 2           3 staging c | line d  owes stage(3 c)  tells b merged as m0ab, c 1/2 testing, d 2/2 waiting
                made 3             3 testing c | line d  owes checks(3 m0abc)
                @3 passed 3        3 landing c | line d  owes land(3 m0ab..m0abc)  tells c 1/2 landing
                landed 3           4 staging d  owes stage(4 d)  tells c merged as m0abc, d 1/1 testing
                made 4             4 testing d  owes checks(4 m0abcd)
                watched            4 testing d  tells d overdue: its checks have taken 2 min, 1 s are usual
                watched            4 testing d  tells d overdue: its checks have taken 4 min, 1 s are usual
            "#]],
        );
    }

    #[test]
    fn what_goes_on_after_an_alarm_is_told_so() {
        check(
            "batch 1 reruns=1 of a | watched; made 1; watched; failed 1 unit; watched; passed 2; watched; landed 2; watched",
            expect![[r#"
                watched            1 staging a  tells a overdue: making its commits has taken 5 min
                made 1             1 testing a  owes checks(1 m0a)  tells a 1/1 testing
                watched            1 testing a
                failed 1 unit      2 testing a  owes checks(2 m0a)
                watched            2 testing a
                passed 2           2 landing a  owes land(2 m0..m0a)  tells a 1/1 landing
                watched            2 landing a  tells a overdue: its landing has taken 5 min
                landed 2           idle  tells a merged as m0a
                watched            idle
            "#]],
        );
    }

    #[test]
    fn of_several_runs_each_has_its_own_time_and_an_entry_hears_once() {
        check(
            "train 2 of a b | made 1; @60 made 2; watched; watched; passed 1; watched; landed 1; watched",
            expect![[r#"
                made 1             1 testing a | 2 staging a+b  owes checks(1 m0a)
                @60 made 2         1 testing a | 2 testing a+b  owes checks(2 m0ab)
                watched            1 testing a | 2 testing a+b
                watched            1 testing a | 2 testing a+b  tells a overdue: its checks have taken 30 min
                passed 1           1 landing a | 2 testing a+b  owes land(1 m0..m0a)  tells a 1/2 landing
                watched            1 landing a | 2 testing a+b  tells a overdue: its checks have taken 30 min, b overdue: its checks have taken 30 min
                landed 1           2 testing b  tells a merged as m0a
                watched            2 testing b
            "#]],
        );
    }

    /// Whoever stopped it was told why, and that is not to be overwritten.
    #[test]
    fn nobody_is_overdue_while_the_queue_is_stopped() {
        check(
            "train 2 of a b | watched; @700 staging-failed 1 no disk; watched; @9000 pause; resume; watched",
            expect![[r#"
                watched            1 staging a | 2 staging a+b  tells a overdue: making its commits has taken 5 min, b overdue: making its commits has taken 5 min
                @700 staging-failed 1 no disk 1 staging a | 2 staging a+b | stopped: no disk  tells a stalled: no disk
                watched            1 staging a | 2 staging a+b | stopped: no disk
                @9000 pause        rejected: The queue of web:main is already stopped: no disk. Say `resume` to let it go on.
                resume             2 staging a+b | 3 staging a  owes stage(3 a)
                watched            2 staging a+b | 3 staging a  tells a overdue: making its commits has taken 2 h, b overdue: making its commits has taken 2 h
            "#]],
        );
    }

    #[test]
    fn a_look_while_the_queue_is_stopped_is_not_the_look_after_it() {
        check(
            "serial of a | @1 pause; @300 watch-ended 300; resume; watch-ended 300; watched",
            expect![[r#"
                @1 pause           1 staging a | paused by ana
                @300 watch-ended 300 1 staging a | paused by ana
                resume             1 staging a
                watch-ended 300    1 staging a
                watched            1 staging a  tells a overdue: making its commits has taken 5 min
            "#]],
        );
    }

    #[test]
    fn a_look_that_nobody_awaits_says_nothing() {
        check(
            "serial of a | watch-ended 7; watched; watch-ended 300; withdraw a; watch-ended 300",
            expect![[r#"
                watch-ended 7      1 staging a
                watched            1 staging a  tells a overdue: making its commits has taken 5 min
                watch-ended 300    1 staging a
                withdraw a         idle  tells a withdrawn by ana
                watch-ended 300    idle
            "#]],
        );
    }
}
