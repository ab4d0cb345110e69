//! The drivers against the real programs: Claude Code and Codex in the cage, their model a scripted one behind a gate.
//!
//! One that is not installed is ignored, by name.

#![expect(clippy::unwrap_used, reason = "all of this is a test, which clippy does not see without the usual harness")]

mod ends;
mod place;
mod road;
mod talks;

use std::process::ExitCode;

use libtest_mimic::{Arguments, Trial};
use place::Kind;
use tests::peers;

/// One case, for each of the agents.
type Case = (&'static str, fn(Kind));

const CASES: &[Case] = &[
    ("a_plan_is_proposed_and_nothing_written", road::a_plan_is_proposed_and_nothing_written),
    ("work_is_done_told_and_counted", road::work_is_done_told_and_counted),
    ("a_session_is_resumed_and_counted_once", road::a_session_is_resumed_and_counted_once),
    ("a_session_that_is_gone_begins_anew", road::a_session_that_is_gone_begins_anew),
    ("a_question_is_answered_by_a_person", talks::a_question_is_answered_by_a_person),
    ("a_command_waits_for_a_person_where_the_config_says_so", talks::a_command_waits_for_a_person),
    ("words_are_heard_while_it_works", talks::words_are_heard_while_it_works),
    ("an_interruption_goes_on_with_what_was_said", talks::an_interruption_goes_on_with_what_was_said),
    ("a_stop_leaves_no_process", ends::a_stop_leaves_no_process),
    ("a_refused_key_names_the_next_step", ends::a_refused_key_names_the_next_step),
    ("a_full_window_is_told_and_forgotten", ends::a_full_window_is_told_and_forgotten),
    ("a_busy_model_puts_the_session_off", ends::a_busy_model_puts_the_session_off),
    ("a_model_that_never_answers_is_silence", ends::a_model_that_never_answers_is_silence),
];

/// Cases of agents that are none.
const BAD: &[Case] = &[
    ("a_missing_program_is_named", ends::a_missing_program_is_named),
    ("one_that_dies_is_quoted", ends::one_that_dies_is_quoted),
    ("one_that_speaks_garbage_is_ended", ends::one_that_speaks_garbage_is_ended),
    ("one_that_floods_is_ended", ends::one_that_floods_is_ended),
    ("one_that_obeys_a_stop_and_stays_is_ended", ends::one_that_obeys_a_stop_and_stays_is_ended),
    ("one_that_says_nothing_is_ended", ends::one_that_says_nothing_is_ended),
    ("one_that_claims_to_be_done_and_fails_is_not_believed", ends::one_that_claims_to_be_done_and_fails),
];

fn main() -> ExitCode {
    let mut trials = Vec::new();
    for kind in [Kind::Claude, Kind::Codex] {
        for (name, case) in CASES {
            let is_missing = peers::agent(kind.name()).is_none();
            trials.push(trial(kind, name, *case).with_ignored_flag(is_missing));
        }
        trials.extend(BAD.iter().map(|(name, case)| trial(kind, name, *case)));
    }
    libtest_mimic::run(&Arguments::from_args(), trials).exit_code()
}

fn trial(kind: Kind, name: &str, case: fn(Kind)) -> Trial {
    Trial::test(format!("{}::{name}", kind.name()), move || {
        case(kind);
        Ok(())
    })
}
