//! Real agents through the whole system, the model a scripted one: the road, and everything that comes in between.

mod asked;
mod circles;
mod cut_short;
mod examined;
mod hostile;
mod kills;
pub mod real;
mod refusals;
mod road;
mod steered;
mod three;

use libtest_mimic::Trial;
use real::Real;
use tests::model::{Heard, Model};
use tests::peers;

use crate::instance::Instance;
use crate::orders::done;
use crate::world::World;
use crate::{cards, model_choice, setup, tools};

/// The key that the provider gets; the agents have another word in its place.
pub const KEY: &str = "sk-the-real-one";

/// One case, for one real agent.
type Case = (&'static str, fn(&str));

const CASES: &[Case] = &[
    ("a_request_becomes_a_landed_commit", road::a_request_becomes_a_landed_commit),
    ("a_lie_changes_nothing", road::a_lie_changes_nothing),
    ("what_needs_leave_is_done_when_a_person_allows_it", asked::what_needs_leave_is_done_when_a_person_allows_it),
    ("its_own_question_is_answered_with_a_button", asked::its_own_question_is_answered_with_a_button),
    ("a_paused_session_goes_on_where_it_was", steered::a_paused_session_goes_on_where_it_was),
    ("an_interruption_is_heard_in_the_middle", steered::an_interruption_is_heard_in_the_middle),
    ("one_that_goes_in_circles_is_told_so", circles::one_that_goes_in_circles_is_told_so),
    ("one_that_goes_on_in_circles_is_ended", circles::one_that_goes_on_in_circles_is_ended),
    ("a_stop_leaves_no_process", steered::a_stop_leaves_no_process),
    ("a_turn_is_cut_short::by_the_death_of_the_service", cut_short::by_the_death_of_the_service),
    ("a_turn_is_cut_short::by_the_end_of_the_service", cut_short::by_the_end_of_the_service),
    ("a_turn_is_cut_short::by_a_database_that_does_not_answer", cut_short::by_a_database_that_does_not_answer),
    ("a_turn_is_cut_short::by_a_model_that_is_overloaded", cut_short::by_a_model_that_is_overloaded),
    ("a_turn_is_cut_short::by_a_crash_of_the_machine", cut_short::by_a_crash_of_the_machine),
    (
        "a_turn_is_cut_short::and_told_what_is_gone_when_it_is_tried_again",
        cut_short::and_told_what_is_gone_when_it_is_tried_again,
    ),
    ("a_killed_agent_is_told_and_tried_again", kills::a_killed_agent_is_told_and_tried_again),
    ("doctor_has_it_answer_one_turn", examined::doctor_has_it_answer_one_turn),
    ("what_it_lacks_is_told_before_it_is_used", examined::what_it_lacks_is_told_before_it_is_used),
    ("a_refused_key_is_told", refusals::a_refused_key_is_told),
    (
        "what_passes_is_waited_for_and_what_does_not_is_told",
        refusals::what_passes_is_waited_for_and_what_does_not_is_told,
    ),
    ("a_model_asks_reads_reports_and_claims", tools::a_model_asks_reads_reports_and_claims),
    ("an_agent_has_what_its_setup_made", setup::an_agent_has_what_its_setup_made),
    ("a_card_shows_what_its_agent_does_and_costs", cards::a_card_shows_what_its_agent_does_and_costs),
    (
        "a_named_model_is_asked_and_another_one_at_a_retry",
        model_choice::a_named_model_is_asked_and_another_one_at_a_retry,
    ),
    ("a_model_that_is_overloaded_is_asked_again_later", model_choice::a_model_that_is_overloaded_is_asked_again_later),
];

/// What becomes of a session around which something breaks is the same for every agent; these take two of them.
const OF_THE_USUAL: &[&str] = &[
    "a_turn_is_cut_short::by_the_end_of_the_service",
    "a_turn_is_cut_short::by_a_database_that_does_not_answer",
    "a_turn_is_cut_short::by_a_model_that_is_overloaded",
    "a_turn_is_cut_short::by_a_crash_of_the_machine",
    "a_turn_is_cut_short::and_told_what_is_gone_when_it_is_tried_again",
];

/// Every case for every agent that this run is to have. With one that is not installed it is ignored, by name.
pub fn trials() -> impl Iterator<Item = Trial> {
    let of_each = real::ALL.iter().filter(|real| real.is_wanted()).flat_map(|real| {
        let is_missing = peers::agent(real.name).is_none();
        CASES.iter().filter(|(name, _)| real.is_usual() || !OF_THE_USUAL.contains(name)).map(move |(name, case)| {
            let trial = Trial::test(format!("agents::{}::{name}", real.name), move || {
                case(real.name);
                Ok(())
            });
            trial.with_ignored_flag(is_missing)
        })
    });
    let steps = Trial::test("agents::claude::a_card_shows_the_steps_of_its_agent", || {
        cards::a_card_shows_the_steps_of_its_agent();
        Ok(())
    });
    let steps = steps.with_ignored_flag(peers::agent("claude").is_none());
    of_each.chain(three::trial()).chain(hostile::trial()).chain([steps])
}

/// A place whose instance has one real agent, with a scripted model as its provider.
pub struct Studio {
    pub model: Model,
    pub world: World,
}

impl Studio {
    /// The agent of this name before a model that follows this script.
    pub fn of(agent: &str, script: &str) -> Self {
        Self::with(agent, script, "")
    }

    /// The same with more keys for the agent, or tables behind it.
    pub fn with(agent: &str, script: &str, more: &str) -> Self {
        let world = World::new();
        let script = script.replace("{place}", &world.place().display().to_string());
        let model = Model::of(&script);
        let program = peers::agent(agent).expect("it is ignored where it is not installed").display().to_string();
        let (providers, table) = (real::providers(&model.url()), Real::of(agent).table(&program));
        world.configure(&format!("{providers}{table}{more}"));
        Self { model, world }
    }

    /// A running instance, ready.
    pub fn up(&self) -> Instance {
        self.world.up()
    }
}

/// Whether the agent knows in a later session what it said in the one before; one that cannot says that it begins anew.
fn assert_it_goes_on(studio: &Studio, agent: &str, again: &Heard) {
    if Real::of(agent).resumes {
        assert!(again.body.to_string().contains("I begin at the door."), "it does not know what was before");
    } else {
        let log = done(&studio.world, &["task", "log", "T-1"]);
        assert!(log.contains("its session of before is gone; it begins anew"), "{log}");
    }
}

/// Waits for words on the console; panics with all that was said when they do not come.
pub fn wait_for(instance: &Instance, words: &str) -> String {
    let found = instance.out.wait_for(words);
    found.unwrap_or_else(|| panic!("{words:?} was not said:\n{}\n{}", instance.out.text(), instance.err.text()))
}
