//! Contract: our GitHub forge against a GitHub that keeps real commits and is judged, as we are, by GitHub's own
//! description of its API.
//!
//! Where npm's packages are missing (`cargo xtask test` installs them), these tests are ignored, by name.

#![expect(clippy::unwrap_used, reason = "all of this is a test, which clippy does not see without the usual harness")]

mod doctor;
mod identity;
mod landing;
mod place;
mod publishing;
mod road;
mod trouble;

use std::process::ExitCode;

use libtest_mimic::{Arguments, Trial};
use tests::github::GitHubServer;
use tests::github::judge::Judge;

macro_rules! trials {
    ($can_run:expr; $($module:ident :: $test:ident),+ $(,)?) => {
        vec![$(trial(concat!(stringify!($module), "::", stringify!($test)), $can_run, $module::$test)),+]
    };
}

fn main() -> ExitCode {
    let mut trials = trials![GitHubServer::is_installed();
        publishing::a_published_change_is_a_pull_request,
        publishing::what_is_published_twice_is_one_pull_request,
        publishing::a_change_that_is_given_up_is_closed_with_the_reason,
        publishing::a_lost_answer_opens_no_second_pull_request,
        landing::what_lands_shows_as_merged_in_every_style,
        landing::a_branch_that_somebody_pushed_to_does_not_land,
        landing::a_landing_that_is_repeated_lands_once,
        landing::heads_that_an_earlier_attempt_moved_are_our_own,
        identity::an_app_works_with_tokens_for_one_repository,
        identity::a_key_that_is_not_the_apps_is_told,
        identity::a_token_that_is_not_known_is_told,
        trouble::each_failure_has_its_class_and_its_next_step,
        landing::a_branch_that_is_gone_lands_what_was_approved,
        trouble::a_clock_that_is_wrong_is_told,
        trouble::nobody_asks_before_the_limit_is_over,
        trouble::many_pull_requests_are_read_page_by_page,
        doctor::what_github_lets_us_do_is_told,
        road::a_mention_becomes_a_merged_pull_request,
        road::a_push_to_a_branch_in_line_is_noticed_by_looking,
    ];
    trials.extend(trials![Judge::is_installed(); road::every_request_is_as_github_describes_it]);
    libtest_mimic::run(&Arguments::from_args(), trials).exit_code()
}

fn trial(name: &str, can_run: bool, test: fn()) -> Trial {
    let trial = Trial::test(name, move || {
        test();
        Ok(())
    });
    trial.with_ignored_flag(!can_run)
}
