//! End to end: the real binary, real git, real processes, signals and `kill -9`.
//!
//! Nothing of the product is called here while it runs. It is spoken to on its standard input, read on its standard
//! output, on its page and in its database, and judged with plain git and sh. Without a PostgreSQL (`cargo xtask test`
//! starts one and says where it is in `DOWNBEAT_TEST_POSTGRES`) the road on it is ignored, by name, and never passed.

#![expect(clippy::unwrap_used, reason = "all of this is a test, which clippy does not see without the usual harness")]

mod agents;
mod bare;
mod cards;
mod crashes;
mod demo;
mod dice;
mod doctor;
mod family;
mod frugal;
mod full;
mod gate;
mod hosts;
mod init;
mod instance;
mod misdeeds;
mod model_choice;
mod orders;
mod outlived;
mod page;
mod papers;
mod postgres;
mod record;
mod refusals;
mod rehearsal;
mod reload;
mod road;
mod setup;
mod slack;
mod stopping;
mod time;
mod tools;
mod twice;
mod verdict;
mod world;

use std::process::ExitCode;

use slack::{
    budget as slack_budget, faults as slack_faults, forms as slack_forms, jumps as slack_jumps,
    pictures as slack_pictures, places as slack_places, promises as slack_promises, restarts as slack_restarts,
    road as slack_road, streams as slack_streams,
};

use libtest_mimic::{Arguments, Trial};

macro_rules! trials {
    ($($module:ident: $($case:ident)+;)+) => {
        vec![$($(Trial::test(concat!(stringify!($module), "::", stringify!($case)), || {
            $module::$case();
            Ok(())
        }),)+)+]
    };
}

fn main() -> ExitCode {
    let agents = agents::trials();
    let trials = trials_of_the_road().into_iter().chain(trials_of_slack()).chain(trials_around_it());
    let trials = trials.chain([road_on_postgres()]).chain(deaths_in_slack()).chain(jumps_in_slack()).chain(agents);
    libtest_mimic::run(&Arguments::from_args(), trials.collect()).exit_code()
}

/// The same in a thread of Slack.
fn trials_of_slack() -> Vec<Trial> {
    trials! {
        slack_road:
            a_mention_becomes_a_merged_commit_by_two_clicks
            signed_requests_carry_the_same_road
            a_workspace_with_agents_and_real_limits_has_the_same_road
            what_stands_above_a_mention_is_read_where_the_config_says_so
            the_home_tab_shows_what_needs_a_person_and_its_button_does_it
            forged_and_old_requests_change_nothing
            guests_strangers_and_bots_start_nothing;
        slack_places:
            the_home_tab_tells_what_holds_where_ones_tasks_are
            whoever_wrote_a_secret_is_told_alone_listed_or_not
            what_one_look_does_not_come_to_the_next_one_does
            whoever_is_in_two_groups_is_asked_about_once
            a_request_that_is_changed_or_deleted_is_heard
            a_thread_of_two_thousand_messages_is_read_from_its_end_fifteen_at_a_time;
        slack_pictures: an_attached_picture_is_looked_at_in_the_cage_and_never_committed;
        slack_forms:
            a_plan_is_revised_in_a_form
            a_message_becomes_a_task_by_the_shortcut
            a_command_is_answered_to_its_giver_alone
            a_reaction_of_the_asker_stops_the_task;
        slack_promises:
            of_two_clicks_at_once_one_counts
            a_click_on_an_older_plan_approves_nothing
            an_approval_goes_by_the_policy_of_its_moment
            a_stop_while_the_change_is_pushed_ends_the_task
            guests_of_two_kinds_steer_nobody
            an_attached_file_is_data_to_its_last_letter;
        slack_budget:
            a_cap_that_is_crossed_in_a_step_pauses_it_and_a_person_lets_it_go_on
            a_cap_that_nobody_raises_ends_the_task;
        slack_faults:
            what_comes_twice_and_under_two_names_is_heard_once
            what_comes_in_reverse_is_heard_all_the_same
            an_acknowledgement_that_is_lost_does_nothing_twice
            a_post_whose_answer_is_lost_is_not_made_twice
            a_socket_that_hangs_loses_nothing
            sockets_that_all_hang_are_opened_anew
            sockets_that_break_are_opened_anew_and_nonsense_is_passed_over
            a_storm_of_refusals_loses_nothing_and_is_waited_out
            a_process_that_dies_right_after_it_heard_answers_once
            fifty_missed_mentions_are_found_and_answered_once;
        slack_streams:
            steps_grow_in_one_message_and_end_with_the_session
            a_workspace_that_refuses_streams_is_asked_once_and_has_the_steps_on_the_card
            a_killed_process_leaves_no_message_that_grows
            a_beginning_that_nobody_heard_of_is_found_and_not_made_twice
            a_stream_that_slack_ends_goes_on_as_edits_of_the_same_message
            an_emoji_on_the_steps_is_one_on_the_card
            slacks_own_stop_button_stops_the_task_and_its_steps_rest;
    }
}

/// One for each state of a task.
fn deaths_in_slack() -> impl Iterator<Item = Trial> {
    let all = Trial::test("slack_restarts::every_state_is_died_in", || {
        slack_restarts::every_state_is_died_in();
        Ok(())
    });
    let each = slack_restarts::states().map(|state| {
        let name = format!("slack_restarts::a_process_that_dies_while_a_task_is_{}", state.replace('-', "_"));
        let trial = Trial::test(name, || {
            slack_restarts::die_in(state);
            Ok(())
        });
        trial.with_ignored_flag(state == slack_restarts::PARKED && !time::can_be_set())
    });
    each.chain([all])
}

/// Where clocks can be set.
fn jumps_in_slack() -> impl Iterator<Item = Trial> {
    let trials = trials! {
        slack_jumps:
            an_hour_that_is_skipped_ends_and_doubles_nothing
            an_hour_that_comes_twice_holds_nothing_up
            a_deadline_that_is_jumped_over_has_passed;
    };
    trials.into_iter().map(|trial| trial.with_ignored_flag(!time::can_be_set()))
}

/// What people ask for, and what becomes of it.
fn trials_of_the_road() -> Vec<Trial> {
    trials! {
        crashes:
            twenty_kills_change_nothing;
        twice:
            an_approval_that_is_heard_twice_is_not_refused;
        outlived:
            a_push_that_outlives_its_process_lands_once;
        demo:
            the_demo_proves_itself_and_leaves_nothing_behind
            an_interrupted_demo_leaves_nothing_behind
            a_kept_demo_is_where_it_says
            nobody_may_play_the_demo
            a_demo_without_its_check_fails
            a_demo_without_its_conflict_fails
            a_demo_without_its_refusal_fails
            a_demo_without_its_bisection_fails;
        bare:
            a_repository_without_a_config_is_served_and_left_alone
            a_command_can_be_the_agent
            two_repositories_are_served_side_by_side
            a_place_without_repository_says_what_to_do;
        orders:
            a_task_is_carried_through_from_the_command_line
            who_may_not_is_told_so_and_nothing_happens
            two_who_approve_at_once_are_both_answered
            nobody_there_is_its_own_exit_code
            whoever_does_not_know_the_token_is_not_answered
            the_only_running_instance_is_meant_from_anywhere
            the_schema_is_shown_and_brought_up_to_date;
        setup:
            a_session_has_what_its_setup_made_and_cannot_change_it
            a_setup_that_fails_ends_the_task_with_its_last_words;
        hosts:
            a_program_reaches_listed_hosts_and_no_other
            a_host_that_the_plan_does_not_name_stops_the_change_before_it_is_published
            a_host_that_an_earlier_turn_reached_counts;
        model_choice:
            who_has_no_choice_of_models_says_so;
        full:
            a_machine_without_room_is_waited_for;
        misdeeds:
            every_bad_agent_ends_in_a_clear_card_and_harms_nothing;
        page:
            the_page_answers_while_tasks_run;
        papers:
            the_readme_can_be_followed;
    }
}

/// How an instance is set up, started and stopped.
fn trials_around_it() -> Vec<Trial> {
    trials! {
        frugal:
            a_change_alone_on_an_unmoved_target_lands_without_a_second_run
            a_change_on_a_target_that_moved_is_tested_again
            other_words_for_the_environment_make_every_pass_unknown
            whoever_is_sent_back_reads_which_tests_failed;
        reload:
            a_hang_up_takes_over_the_people_of_the_config;
        stopping:
            a_stop_gives_back_what_is_running
            a_second_instance_is_refused;
        refusals:
            a_config_that_is_wrong_is_explained
            a_config_that_is_not_there_is_named
            a_port_that_is_taken_is_named
            a_state_directory_that_cannot_be_written_is_named
            a_git_that_is_missing_or_old_is_named;
        rehearsal:
            strategies_are_compared_without_an_instance
            what_cannot_be_simulated_is_said_with_what_can
            what_the_queue_has_been_through_is_played_again;
        init:
            a_script_writes_the_config_without_a_terminal
            every_answer_can_be_given_beforehand
            what_is_there_is_not_replaced_unasked
            what_cannot_be_is_refused_before_anything_is_written
            a_password_is_written_for_its_owner_alone
            a_person_answers_with_enter_or_with_words
            ctrl_c_leaves_nothing_behind;
        doctor:
            a_healthy_installation_is_told_line_by_line_and_left_alone
            each_thing_that_is_broken_is_told_with_its_fix
            every_mistake_of_a_config_is_told
            a_remote_that_never_answers_hinders_nothing_else
            a_running_instance_is_recognised_and_not_disturbed
            a_state_directory_that_cannot_be_written_is_told
            a_program_can_read_it;
    }
}

fn road_on_postgres() -> Trial {
    let has_postgres = std::env::var_os(postgres::VARIABLE).is_some();
    if !has_postgres {
        eprintln!("{} is not set: the road on PostgreSQL is skipped", postgres::VARIABLE);
    }
    let on_postgres = Trial::test("postgres::the_road_is_the_same_on_postgres", || {
        postgres::the_road_is_the_same_on_postgres();
        Ok(())
    });
    on_postgres.with_ignored_flag(!has_postgres)
}
