//! The commits of a run are gone: they were in the mirror alone, and the mirror was replaced or emptied. Nobody is to
//! blame, so they are made anew, and what was tested need not be tested again.

use super::draft::Draft;
use super::event::Refusal;
use super::runs::{settle_refusal, stall_queue};
use super::state::{Phase, Run, RunId, Vouched};

/// Late unless the run is testing or landing. Whoever finds a landing's commits neither in the mirror nor on the remote
/// knows that it did not happen.
pub(super) fn lose_candidate(draft: &mut Draft, id: RunId) {
    let may_lose = |phase: &Phase| matches!(phase, Phase::Testing { .. } | Phase::Landing { .. });
    let Some(run) = draft.queue.runs.iter().find(|run| run.id == id && may_lose(&run.phase)) else { return };
    let vouched = match &run.phase {
        Phase::Landing { candidate, proof } => Some(Vouched { tree: candidate.tree.clone(), proof: *proof }),
        Phase::Staging { .. } | Phase::Testing { .. } | Phase::Passed { .. } | Phase::Doubtful { .. } => None,
    };
    if let (Phase::Landing { candidate, .. }, true) = (&run.phase, has_anybody_to_leave(draft, run)) {
        let head = candidate.base.clone();
        return settle_refusal(draft, id, &Refusal::Moved { head });
    }
    let is_landing = run.phase.is_committed();
    let (set, n_lost, losses_max) = (run.set.clone(), run.n_lost + 1, draft.queue.policy.limits.losses_max);
    let is_spent = n_lost > losses_max;
    let run = draft.run_mut(id, may_lose).expect("it was just found");
    (run.phase, run.n_lost) = (Phase::Staging { is_outdated: true, vouched }, if is_spent { 0 } else { n_lost });
    for id in set.iter().filter(|_| is_landing) {
        draft.entry_mut(id).expect("a run holds entries of the queue").landings_lost += 1;
    }
    if is_spent {
        let why = format!(
            "the commits of {id} were made {n_lost} times and were gone each time: something empties the mirror"
        );
        stall_queue(draft, &set, &why);
    }
}

fn has_anybody_to_leave(draft: &Draft, run: &Run) -> bool {
    run.set.iter().any(|id| draft.queue.entry(id).is_some_and(|entry| entry.wants_to_leave() || entry.hold.is_some()))
}

#[cfg(test)]
mod tests {
    use expect_test::expect;

    use domain::{Machine, Timestamp};

    use super::super::effect::QueueEffect;
    use super::super::script::{arranged_queue, check, parse_event};

    #[test]
    fn commits_that_are_gone_are_made_anew_and_tested_once() {
        check(
            "batch 2 of a b | made 1; lost 1; lost 1; passed 1; made 2; passed 2; landed 2",
            expect![[r#"
            made 1             1 testing a+b  owes checks(1 m0ab)
            lost 1             2 staging a+b  owes stage(2 a+b)
            lost 1             2 staging a+b
            passed 1           2 staging a+b
            made 2             2 testing a+b  owes checks(2 m0ab)
            passed 2           2 landing a+b  owes land(2 m0..m0ab)  tells a 1/2 landing, b 2/2 landing
            landed 2           idle  tells a merged as m0a, b merged as m0ab
        "#]],
        );
    }

    /// The same content is the same tree, so nobody runs its checks again.
    #[test]
    fn what_was_tested_and_is_gone_when_it_is_to_land_is_not_tested_again() {
        check(
            "serial of a | made 1; passed 1; lost 1; made 2; landed 2",
            expect![[r#"
            made 1             1 testing a  owes checks(1 m0a)
            passed 1           1 landing a  owes land(1 m0..m0a)  tells a 1/1 landing
            lost 1             2 staging a  owes stage(2 a)  tells a 1/1 testing
            made 2             2 landing a  owes land(2 m0..m0a)  tells a 1/1 landing
            landed 2           idle  tells a merged as m0a
        "#]],
        );
    }

    /// Whoever still performs the landing that was lost would land it, though the change may be withdrawn by then.
    #[test]
    fn what_was_gone_when_it_was_to_land_is_another_commit_when_it_is_made_anew() {
        let (mut queue, mut times) = (arranged_queue("serial of a"), Vec::new());
        for words in ["made 1", "lost 1", "made 2", "passed 2", "lost 2", "made 3", "lost 3"] {
            let step = queue.clone().step(&parse_event(words, &queue), Timestamp::from_ms(0)).unwrap();
            let staged = step.effects.iter().filter_map(|effect| match effect {
                QueueEffect::Stage { changes, .. } => Some(changes[0].since.as_ms()),
                _ => None,
            });
            times.extend(staged);
            queue = step.state;
        }
        assert_eq!(times, [0, 1_000, 2_000], "what was lost before it could land is the same");
    }

    /// On another head it is another tree.
    #[test]
    fn what_is_gone_when_somebody_has_pushed_is_tested_on_what_they_pushed() {
        check(
            "serial of a | made 1; passed 1; lost 1; made 2 on=m1 tree=t9; passed 2; landed 2",
            expect![[r#"
            made 1             1 testing a  owes checks(1 m0a)
            passed 1           1 landing a  owes land(1 m0..m0a)  tells a 1/1 landing
            lost 1             2 staging a  owes stage(2 a)  tells a 1/1 testing
            made 2 on=m1 tree=t9 2 testing a  owes checks(2 m1a)
            passed 2           2 landing a  owes land(2 m1..m1a)  tells a 1/1 landing
            landed 2           idle  tells a merged as m1a
        "#]],
        );
    }

    /// A lost mirror loses the commits of all runs at once; what lands meanwhile is waited for.
    #[test]
    fn a_train_whose_commits_are_gone_is_made_anew_where_it_stood() {
        check(
            "train 3 of a b c | made 1; made 2; made 3; passed 1; lost 2; lost 3; landed 1; made 4; made 5; passed 4; passed 5; landed 4; landed 5",
            expect![[r#"
                made 1             1 testing a | 2 staging a+b | 3 staging a+b+c  owes checks(1 m0a)
                made 2             1 testing a | 2 testing a+b | 3 staging a+b+c  owes checks(2 m0ab)
                made 3             1 testing a | 2 testing a+b | 3 testing a+b+c  owes checks(3 m0abc)
                passed 1           1 landing a | 2 testing a+b | 3 testing a+b+c  owes land(1 m0..m0a)  tells a 1/3 landing
                lost 2             1 landing a | 2 staging a+b | 3 testing a+b+c
                lost 3             1 landing a | 2 staging a+b | 3 staging a+b+c  tells b 2/3 waiting, c 3/3 waiting
                landed 1           4 staging b | 5 staging b+c  owes stage(4 b), stage(5 b+c)  tells a merged as m0a, b 1/2 testing, c 2/2 testing
                made 4             4 testing b | 5 staging b+c  owes checks(4 m0ab)
                made 5             4 testing b | 5 testing b+c  owes checks(5 m0abc)
                passed 4           4 landing b | 5 testing b+c  owes land(4 m0a..m0ab)  tells b 1/2 landing
                passed 5           4 landing b | 5 passed b+c
                landed 4           5 landing c  owes land(5 m0ab..m0abc)  tells b merged as m0ab, c 1/1 landing
                landed 5           idle  tells c merged as m0abc
            "#]],
        );
    }

    #[test]
    fn who_wanted_to_leave_while_its_landing_was_lost_leaves() {
        check(
            "batch 2 of a b | made 1; passed 1; withdraw a; lost 1; made 2; passed 2; landed 2",
            expect![[r#"
            made 1             1 testing a+b  owes checks(1 m0ab)
            passed 1           1 landing a+b  owes land(1 m0..m0ab)  tells a 1/2 landing, b 2/2 landing
            withdraw a         1 landing a+b | a wants to leave
            lost 1             2 staging b  owes stage(2 b)  tells a withdrawn by ana, b 1/1 testing
            made 2             2 testing b  owes checks(2 m0b)
            passed 2           2 landing b  owes land(2 m0..m0b)  tells b 1/1 landing
            landed 2           idle  tells b merged as m0b
        "#]],
        );
    }

    #[test]
    fn a_mirror_that_is_emptied_again_and_again_stops_the_queue_until_somebody_resumes() {
        check(
            "serial of a b | made 1; lost 1; made 2; lost 2; made 3; passed 3; lost 3; made 4; lost 4; made 5; lost 5; made 6; lost 6; made 7; resume; made 7; landed 7; made 8; lost 8",
            expect![[r#"
                made 1             1 testing a | line b  owes checks(1 m0a)
                lost 1             2 staging a | line b  owes stage(2 a)
                made 2             2 testing a | line b  owes checks(2 m0a)
                lost 2             3 staging a | line b  owes stage(3 a)
                made 3             3 testing a | line b  owes checks(3 m0a)
                passed 3           3 landing a | line b  owes land(3 m0..m0a)  tells a 1/2 landing
                lost 3             4 staging a | line b  owes stage(4 a)  tells a 1/2 testing
                made 4             4 landing a | line b  owes land(4 m0..m0a)  tells a 1/2 landing
                lost 4             5 staging a | line b  owes stage(5 a)  tells a 1/2 testing
                made 5             5 landing a | line b  owes land(5 m0..m0a)  tells a 1/2 landing
                lost 5             6 staging a | line b  owes stage(6 a)  tells a 1/2 testing
                made 6             6 landing a | line b  owes land(6 m0..m0a)  tells a 1/2 landing
                lost 6             6 staging a | line b | stopped: the commits of run-6 were made 4 times and were gone each time: something empties the mirror  tells a stalled: the commits of run-6 were made 4 times and were gone each time: something empties the mirror, a 1/2 waiting
                made 7             6 staging a | line b | stopped: the commits of run-6 were made 4 times and were gone each time: something empties the mirror
                resume             7 staging a | line b  owes stage(7 a)  tells a 1/2 testing
                made 7             7 landing a | line b  owes land(7 m0..m0a)  tells a 1/2 landing
                landed 7           8 staging b  owes stage(8 b)  tells a merged as m0a, b 1/1 testing
                made 8             8 testing b  owes checks(8 m0ab)
                lost 8             9 staging b  owes stage(9 b)
            "#]],
        );
    }
}
