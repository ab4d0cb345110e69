//! A word that was acted upon by a process that died before it could note that: it is heard again, and means what it
//! meant the first time.

use std::time::Instant;

use nix::sys::signal::Signal;

use crate::family;
use crate::instance::{Instance, PATIENCE};
use crate::record::Record;
use crate::world::World;

/// How many approvals there are to catch at the right moment, which takes a millisecond.
const TASKS_MAX: u32 = 20;

pub fn an_approval_that_is_heard_twice_is_not_refused() {
    let world = World::new();
    let mut instance = world.up();
    let mut record = world.record();
    for n in 1..=TASKS_MAX {
        instance.say("ana: @agent add a kitchen");
        instance.out.wait_for(&format!("Plan v1 for T-{n}")).expect("it plans");
        // Without the task's name it is the one that can be approved; a moment later there is none.
        instance.say("ben: approve");
        if is_caught_in_the_act(&instance, &mut record) {
            drop(instance.kill());
            drop(record);
            instance = world.up();
            instance.out.wait_for(&format!("T-{n} is ready")).expect("it goes on");
            let said = world.record().messages();
            let refusal = said.iter().find(|message| message.text.contains("nothing to approve"));
            assert_eq!(refusal, None);
            assert!(instance.stop().status.success());
            return;
        }
        instance.out.wait_for(&format!("T-{n} is ready")).expect("it works");
    }
    panic!("none of {TASKS_MAX} approvals was caught between the deed and the note");
}

/// Freezes the process between the approval and the note of it; lets it go on when that was missed.
fn is_caught_in_the_act(instance: &Instance, record: &mut Record) -> bool {
    let since = Instant::now();
    let mut has_begun = false;
    while since.elapsed() < PATIENCE {
        let leases = record.leases();
        let is_heard = leases.iter().any(|lease| lease.lane == "intake");
        if has_begun && !is_heard {
            return false;
        }
        has_begun |= is_heard;
        if is_heard {
            instance.signal(Signal::SIGSTOP);
            family::wait_until_frozen(instance.id());
            let leases = record.leases_of_the_frozen().unwrap_or_default();
            if leases.iter().any(|lease| lease.lane == "intake" && lease.has_acted) {
                return true;
            }
            instance.signal(Signal::SIGCONT);
        }
    }
    panic!("the approval was never heard");
}
