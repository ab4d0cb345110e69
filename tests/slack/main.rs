//! Contract: our own Slack against Slack's own libraries, a Slack that is not ours against the library that we use, and
//! the product against ours.
//!
//! Where Node or Python and their packages are missing (`cargo xtask test` installs them), the tests of them are
//! ignored, by name.

#![expect(clippy::unwrap_used, reason = "all of this is a test, which clippy does not see without the usual harness")]

mod app;
mod emulator;
mod looks;
mod official;
mod storm;

use std::process::ExitCode;

use libtest_mimic::{Arguments, Trial};
use tests::emulate::Emulator;

fn main() -> ExitCode {
    let has_apps = app::PYTHON.is_installed() && app::NODE.is_installed();
    let trials = vec![
        trial(
            "official::every_method_and_event_is_used_by_a_library_of_slack",
            has_apps,
            official::every_method_and_event_is_used_by_a_library_of_slack,
        ),
        trial(
            "looks::slacks_own_library_takes_all_that_people_see",
            app::PYTHON.is_installed(),
            looks::slacks_own_library_takes_all_that_people_see,
        ),
        trial(
            "emulator::our_client_reads_and_writes_as_anothers_slack_wants_it",
            Emulator::is_installed(),
            emulator::our_client_reads_and_writes_as_anothers_slack_wants_it,
        ),
        trial(
            "emulator::the_road_goes_through_anothers_slack_by_signed_requests",
            Emulator::is_installed(),
            emulator::the_road_goes_through_anothers_slack_by_signed_requests,
        ),
        trial(
            "storm::every_mention_becomes_one_task_whatever_happens_to_the_connections",
            true,
            storm::every_mention_becomes_one_task_whatever_happens_to_the_connections,
        ),
    ];
    libtest_mimic::run(&Arguments::from_args(), trials).exit_code()
}

fn trial(name: &str, can_run: bool, test: fn()) -> Trial {
    let trial = Trial::test(name, move || {
        test();
        Ok(())
    });
    trial.with_ignored_flag(!can_run)
}
