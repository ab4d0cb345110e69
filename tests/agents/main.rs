//! Contract: the real coding agents against the scripted model, each in its own empty home, in no cage.
//!
//! What is shown here is what our drivers and our cage rely on. Claude Code and Codex are in every run; the others when
//! it was asked for them (`cargo xtask test --agents all`). One that is wanted and not installed is ignored, by name.

#![expect(clippy::unwrap_used, reason = "all of this is a test, which clippy does not see without the usual harness")]

mod acp;
mod program;
mod protocols;
mod trouble;
mod work;

use std::process::ExitCode;

use libtest_mimic::{Arguments, Trial};
use program::{CLAUDE, CLAUDE_ACP, CODEX, COPILOT, GEMINI, OPENCODE, Program};
use tests::peers;

fn main() -> ExitCode {
    let mut trials = vec![Trial::test("model::four_protocols_answer_in_one_piece", || {
        protocols::four_protocols_answer_in_one_piece();
        Ok(())
    })];
    for program in [CLAUDE, CODEX, GEMINI, OPENCODE, COPILOT, CLAUDE_ACP].into_iter().filter(|it| is_wanted(*it)) {
        if program.works_alone() {
            trials.push(trial(
                program,
                "a_change_is_made_with_files_and_commands",
                work::a_change_is_made_with_files_and_commands,
            ));
            trials.push(trial(program, "a_plan_is_made_from_what_is_there", work::a_plan_is_made_from_what_is_there));
        }
        if program.acp.is_some() {
            trials.push(trial(program, "a_change_is_made_over_acp", acp::a_change_is_made_over_acp));
        }
    }
    for program in [CLAUDE, CODEX] {
        for kind in trouble::KINDS {
            let name = format!("{}_is_told", kind.name);
            trials.push(trial(program, &name, move |program| trouble::is_told(program, kind)));
        }
    }
    trials.push(trial(CLAUDE, "a_limit_is_waited_out", trouble::a_limit_is_waited_out));
    libtest_mimic::run(&Arguments::from_args(), trials).exit_code()
}

fn is_wanted(program: Program) -> bool {
    program.is_usual || peers::all_agents_are_wanted()
}

fn trial(program: Program, name: &str, test: impl FnOnce(Program) + Send + 'static) -> Trial {
    let is_missing = program.path().is_none();
    let trial = Trial::test(format!("{}::{name}", program.name), move || {
        test(program);
        Ok(())
    });
    trial.with_ignored_flag(is_missing)
}
