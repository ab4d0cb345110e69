//! The store on SQLite and on PostgreSQL: one list of cases, each run on both.
//!
//! A case is an async function that is given a [`World`]: an empty database of its own. It is listed here once and
//! becomes two tests, `sqlite::…` and `postgres::…`. Without a PostgreSQL (`cargo xtask test` starts one and says where
//! it is in `DOWNBEAT_TEST_POSTGRES`) the second half is ignored, by name, and never passed.

#![expect(clippy::unwrap_used, reason = "all of this is a test, which clippy does not see without the usual harness")]

mod bells;
mod bodies;
mod claims;
mod costs;
mod door;
mod groups;
mod performing;
mod pumps;
mod schema;
mod sources;
mod takeover;
mod upkeep;
mod verdicts;
mod waking;
mod world;

use std::process::ExitCode;

use futures::future::LocalBoxFuture;
use libtest_mimic::{Arguments, Trial};
use store::Backend;
use world::{POSTGRES_VARIABLE, World};

type Case = (&'static str, for<'w> fn(&'w World) -> LocalBoxFuture<'w, ()>);

macro_rules! cases {
    ($($module:ident: $($case:ident)+;)+) => {
        &[$($((stringify!($case), |world| Box::pin($module::$case(world))),)+)+]
    };
}

const CASES: &[Case] = cases! {
    door:
        a_creation_takes_the_next_number_without_gaps
        an_event_is_applied_once_a_delivery
        an_answer_is_applied_once_an_attempt
        eight_writers_lose_nothing_and_repeat_nothing
        eight_starters_make_one_machine
        every_version_is_in_the_journal
        a_rejected_event_leaves_nothing_behind
        a_machine_that_is_not_there_is_named
        a_stale_version_writes_nothing
        answers_and_revocations_at_once_do_not_deadlock;
    bodies:
        an_unreadable_body_is_named
        a_body_of_a_newer_version_is_refused
        an_older_body_is_read_and_written_anew
        a_nul_is_kept_out_of_a_text;
    claims:
        eight_claimers_claim_each_of_400_once
        a_claim_does_not_take_what_ended_while_it_looked
        a_token_never_comes_again
        what_is_due_later_waits_for_the_clock
        a_clock_set_back_an_hour_loses_nothing
        what_is_owed_follows_a_clock_that_was_set_back
        a_pause_is_waited_out_and_counts_as_an_attempt
        a_claim_given_back_does_not_count
        a_revocation_brings_a_timer_forward
        claims_read_no_ended_effects
        a_claim_does_not_read_the_lane_for_each_row_of_it;
    groups:
        a_group_is_performed_in_order_and_one_at_a_time
        a_row_that_turns_up_late_does_not_overlap_its_group
        two_claims_at_once_do_not_overlap_in_a_group
        groups_of_two_lanes_are_strangers;
    takeover:
        an_expired_lease_is_taken_over_and_the_first_holder_is_fenced
        forgotten_leases_are_claimed_at_once
        a_performer_is_told_that_its_lease_was_lost
        an_effect_that_kills_its_process_is_buried_and_its_machine_hears
        an_effect_performed_twice_carries_one_id;
    performing:
        a_panicking_performer_is_retried_then_buried
        a_panic_over_the_answer_ends_as_well
        a_refused_answer_is_buried_with_its_reason
        an_effect_that_does_not_read_is_kept_for_a_newer_version
        retries_back_off
        a_long_pause_is_not_cut_short
        a_performer_may_use_the_store_while_its_lease_is_extended;
    waking:
        no_wake_up_is_lost
        the_first_wake_up_of_a_pump_is_not_lost
        both_kinds_of_a_lane_wake
        what_a_group_held_back_is_woken_by_its_end
        a_timer_is_performed_when_it_is_due;
    pumps:
        a_lane_keeps_its_limit
        a_revocation_reaches_who_performs
        no_revocation_is_missed
        a_revocation_after_the_end_changes_nothing
        a_shutdown_gives_back_without_counting_an_attempt
        what_ends_during_a_shutdown_is_recorded
        a_pump_survives_an_outage_of_its_database;
    upkeep:
        a_log_is_numbered_and_read_in_pieces
        a_log_keeps_its_newest_lines_and_says_so
        debts_at_work_leave_out_timers_that_run
        a_transaction_that_the_database_ended_by_itself_hinders_no_other
        pruning_keeps_what_is_owed;
    costs:
        a_report_is_kept_once
        costs_are_summed_by_what_one_asks_for
        a_reached_cap_asks_until_somebody_allows_enough
        two_answers_to_one_limit_count_once
        caps_of_a_day_begin_anew_the_next_day
        an_estimate_goes_by_tasks_that_came_to_something
        a_meter_keeps_what_it_hears_and_ends_at_a_cap;
    verdicts:
        a_pass_is_found_by_all_of_its_key
        what_is_no_pass_is_not_kept_and_a_red_takes_one_away_once
        of_eight_who_ask_at_once_one_doubts
        old_verdicts_and_the_oldest_of_too_many_go;
    schema:
        every_statement_prepares
        how_far_the_schema_is_can_be_told_beforehand
        every_machine_is_saved_only_over_its_last_version
        eight_processes_open_a_new_database_at_once
        a_second_opening_changes_nothing
        a_database_of_the_first_release_is_brought_up_to_date
        a_database_of_a_newer_version_is_refused
        both_databases_have_the_same_tables
        no_error_tells_a_password;
};

fn main() -> ExitCode {
    let has_postgres = std::env::var_os(POSTGRES_VARIABLE).is_some();
    if !has_postgres {
        eprintln!("{POSTGRES_VARIABLE} is not set: {} cases are skipped on PostgreSQL", CASES.len());
    }
    let trial = |name: &str, backend: Backend, case: Case| {
        Trial::test(format!("{name}::{}", case.0), move || {
            World::run(backend, case);
            Ok(())
        })
    };
    let on_sqlite = CASES.iter().map(|case| trial("sqlite", Backend::Sqlite, *case));
    let on_postgres =
        CASES.iter().map(|case| trial("postgres", Backend::Postgres, *case).with_ignored_flag(!has_postgres));
    libtest_mimic::run(&Arguments::from_args(), on_sqlite.chain(on_postgres).collect()).exit_code()
}
