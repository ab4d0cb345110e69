//! A hold on one entry: it is neither tested nor landed until somebody releases it. Those behind it flow past.

use std::fmt;

use domain::{EntryId, Person, Rejected};
use serde::{Deserialize, Serialize};

use super::absorb::take_from_line;
use super::draft::Draft;
use super::effect::News;

/// What keeps an entry out of every run.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Hold {
    /// Who said so.
    pub by: Person,
    /// Why.
    pub why: String,
}

impl fmt::Display for Hold {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "held by {}: {}", self.by, self.why)
    }
}

/// Takes an entry out of every run. What is landing lands; should it not, the hold counts then.
pub(super) fn hold_entry(draft: &mut Draft, id: &EntryId, hold: &Hold) -> Result<(), Rejected> {
    if let Some(known) = &draft.named_entry(id)?.hold {
        return Err(Rejected::new(format!("{id} is already {known}"), format!("Say `release {id}` to let it go on")));
    }
    if !draft.queue.is_committed(id) {
        take_from_line(draft, id);
    }
    if let Some(entry) = draft.entry_mut(id) {
        entry.hold = Some(hold.clone());
    }
    draft.report(id, News::Held(hold.clone()));
    Ok(())
}

/// Lets a held entry go on from its old place.
pub(super) fn release_hold(draft: &mut Draft, id: &EntryId) -> Result<(), Rejected> {
    if draft.named_entry(id)?.hold.is_none() {
        return Err(Rejected::new(format!("{id} is not held"), "Say `queue` to see what it waits for"));
    }
    if let Some(entry) = draft.entry_mut(id) {
        entry.hold = None;
    }
    draft.report(id, News::Released);
    Ok(())
}

#[cfg(test)]
mod tests {
    use expect_test::expect;

    use super::super::script::check;

    /// [6]
    #[test]
    fn who_is_held_in_line_is_passed_by_and_keeps_its_place() {
        check(
            "serial of a b c | hold b the docs are missing; made 1; passed 1; landed 1; release b; made 2; passed 2; landed 2",
            expect![[r#"
                hold b the docs are missing 1 staging a | line c | held b  tells b held by ana: the docs are missing
                made 1             1 testing a | line c | held b  owes checks(1 m0a)
                passed 1           1 landing a | line c | held b  owes land(1 m0..m0a)  tells a 1/3 landing
                landed 1           2 staging c | held b  owes stage(2 c)  tells a merged as m0a, b 1/2 waiting, c 2/2 testing
                release b          2 staging c | line b  tells b released
                made 2             2 testing c | line b  owes checks(2 m0ac)
                passed 2           2 landing c | line b  owes land(2 m0a..m0ac)  tells b 2/2 waiting, c 1/2 landing
                landed 2           3 staging b  owes stage(3 b)  tells c merged as m0ac, b 1/1 testing
            "#]],
        );
    }

    /// [6]
    #[test]
    fn who_is_held_in_a_train_leaves_it_and_the_others_go_on() {
        check(
            "train 3 of a b c | made 1; made 2; made 3; hold b wait; made 4; passed 1; landed 1; release b; passed 4; made 5; landed 4; passed 5",
            expect![[r#"
                made 1             1 testing a | 2 staging a+b | 3 staging a+b+c  owes checks(1 m0a)
                made 2             1 testing a | 2 testing a+b | 3 staging a+b+c  owes checks(2 m0ab)
                made 3             1 testing a | 2 testing a+b | 3 testing a+b+c  owes checks(3 m0abc)
                hold b wait        1 testing a | 4 staging a+c | held b  owes cancel(2), cancel(3), stage(4 a+c)  tells b held by ana: wait, b 2/3 waiting
                made 4             1 testing a | 4 testing a+c | held b  owes checks(4 m0ac)
                passed 1           1 landing a | 4 testing a+c | held b  owes land(1 m0..m0a)  tells a 1/3 landing
                landed 1           4 testing c | held b  tells a merged as m0a, b 1/2 waiting
                release b          5 staging b | 6 staging b+c  owes cancel(4), stage(5 b), stage(6 b+c)  tells b released, b 1/2 testing
                passed 4           5 staging b | 6 staging b+c
                made 5             5 testing b | 6 staging b+c  owes checks(5 m0ab)
                landed 4           5 testing b | 6 staging b+c
                passed 5           5 landing b | 6 staging b+c  owes land(5 m0a..m0ab)  tells b 1/2 landing
            "#]],
        );
    }

    #[test]
    fn what_lands_lands_and_the_hold_counts_when_it_does_not() {
        check(
            "serial of a b | made 1; passed 1; hold a wait; landed 1",
            expect![[r#"
                made 1             1 testing a | line b  owes checks(1 m0a)
                passed 1           1 landing a | line b  owes land(1 m0..m0a)  tells a 1/2 landing
                hold a wait        1 landing a | line b  tells a held by ana: wait
                landed 1           2 staging b  owes stage(2 b)  tells a merged as m0a, b 1/1 testing
            "#]],
        );
        check(
            "batch 2 of a b | made 1; passed 1; hold a wait; moved 1 m1; made 2; passed 2; landed 2; release a",
            expect![[r#"
                made 1             1 testing a+b  owes checks(1 m0ab)
                passed 1           1 landing a+b  owes land(1 m0..m0ab)  tells a 1/2 landing, b 2/2 landing
                hold a wait        1 landing a+b  tells a held by ana: wait
                moved 1 m1         2 staging b | held a  owes stage(2 b)  tells a 1/2 waiting, b 2/2 testing
                made 2             2 testing b | held a  owes checks(2 m1b)
                passed 2           2 landing b | held a  owes land(2 m1..m1b)  tells a 2/2 waiting, b 1/2 landing
                landed 2           held a  tells b merged as m1b, a 1/1 waiting
                release a          3 staging a  owes stage(3 a)  tells a released, a 1/1 testing
            "#]],
        );
        check(
            "serial of a b | made 1; passed 1; hold a wait; lost 1; made 2; release a",
            expect![[r#"
                made 1             1 testing a | line b  owes checks(1 m0a)
                passed 1           1 landing a | line b  owes land(1 m0..m0a)  tells a 1/2 landing
                hold a wait        1 landing a | line b  tells a held by ana: wait
                lost 1             2 staging b | held a  owes stage(2 b)  tells a 1/2 waiting, b 2/2 testing
                made 2             2 testing b | held a  owes checks(2 m0b)
                release a          2 testing b | line a  tells a released
            "#]],
        );
    }

    #[test]
    fn whoever_depends_on_the_held_or_is_in_its_way_waits_or_goes_on() {
        check(
            "batch 3 of a b | enqueue c after=b; hold b wait; hold b again; made 2; passed 2; landed 2; release c; release b; release z",
            expect![[r#"
                enqueue c after=b  1 staging a+b | line c  tells c 3/3 waiting
                hold b wait        2 staging a | line c | held b  owes stage(2 a)  tells b held by ana: wait, b 2/3 waiting
                hold b again       rejected: b is already held by ana: wait. Say `release b` to let it go on.
                made 2             2 testing a | line c | held b  owes checks(2 m0a)
                passed 2           2 landing a | line c | held b  owes land(2 m0..m0a)  tells a 1/3 landing
                landed 2           line c | held b  tells a merged as m0a, b 1/2 waiting, c 2/2 waiting
                release c          rejected: c is not held. Say `queue` to see what it waits for.
                release b          3 staging b | line c  owes stage(3 b)  tells b released, b 1/2 testing
                release z          rejected: z is not in the queue of web:main. Say `queue` to see who is.
            "#]],
        );
        check(
            "batch 2 of a b | rivals 1 b with=a in=x; hold a wait",
            expect![[r#"
                rivals 1 b with=a in=x 2 staging a | aside b  owes stage(2 a)  tells b aside for a in x, b 2/2 waiting
                hold a wait        3 staging b | held a  owes stage(3 b)  tells a held by ana: wait, a 1/2 waiting, b 2/2 testing
            "#]],
        );
    }

    #[test]
    fn who_is_held_leaves_and_is_repaired_as_ever() {
        check(
            "serial of a b | hold b wait; hold a wait; reserve a 60; repaired a a2; release a; withdraw b",
            expect![[r#"
                hold b wait        1 staging a | held b  tells b held by ana: wait
                hold a wait        held a+b  tells a held by ana: wait, a 1/2 waiting
                reserve a 60       held b | reserved a  owes deadline(a 60)  tells a 2/2 reserved, b 1/2 waiting
                repaired a a2      held a+b  tells a 1/2 waiting, b 2/2 waiting
                release a          2 staging a | held b  owes stage(2 a@a2)  tells a released, a 1/2 testing
                withdraw b         2 staging a  tells b withdrawn by ana
            "#]],
        );
    }
}
