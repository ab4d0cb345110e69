//! The process is killed with `kill -9` at twenty instants of a road, and the road ends as if nothing had happened.
//!
//! The instants are aimed so that every kind of effect is in flight at one of them. Nothing in the product slows down for
//! that: the database tells which lanes have a lease, and the moment the wanted one has, the process is frozen
//! (`SIGSTOP`), looked at again, and either killed as it stands or let go on. About half of the kills wait while frozen until
//! the effect has taken place (its git has ended, its event is in the inbox, its message is on the console): those die
//! with the deed done and not noted. An instant that did not come on one road, because an effect was over sooner than we
//! looked, is waited for on the next.

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use nix::sys::signal::Signal;

use crate::dice::{Dice, SEED_VARIABLE};
use crate::family::{self, Kin};
use crate::instance::Instance;
use crate::record::{Lease, Record};
use crate::road::{self, Road};
use crate::verdict;
use crate::world::World;

/// The lanes, and how many instants each is aimed at. `timer` is not among them: its first row is due in days.
const LANES: [(&str, u64); 9] = [
    ("intake", 2),
    ("chat", 4),
    ("session", 2),
    ("publish", 2),
    ("merge", 2),
    ("stage", 2),
    ("checks", 2),
    ("land", 2),
    ("report", 2),
];
const KILLS: u32 = 20;
/// More roads than this without an instant that is aimed at mean that it never comes.
const ROADS_MAX: u32 = 8;

/// Ended processes must be gone after this, whatever they were doing.
const END_MAX: Duration = Duration::from_secs(3);
/// An effect is given up after eight attempts, so one that was hit this often is left in peace.
const ATTEMPTS_MAX: u32 = 4;
/// How often the process is frozen to find a deed done and not noted, which takes a millisecond, before any instant of
/// the effect will do.
const TRIES: u32 = 600;
/// How long a frozen process's children get to finish what they do.
const SETTLE_MAX: Duration = Duration::from_millis(500);

/// An instant to hit.
#[derive(Debug)]
struct Aim {
    lane: &'static str,
    /// How many effects of the lane go by before.
    passes: u64,
    /// How many looks go by between the first sight of the effect and the shot.
    looks: u64,
    /// Whether the effect has to have taken place, and how often that is tried.
    late_tries: u32,
}

/// What was in flight at the kills.
#[derive(Default)]
struct Coverage {
    kills: u32,
    lanes: BTreeMap<String, Hits>,
    names: BTreeMap<String, usize>,
    slowest_end: Duration,
    slowest_start: Duration,
}

#[derive(Default)]
struct Hits {
    in_flight: u32,
    already_done: u32,
}

/// [38]
pub fn twenty_kills_change_nothing() {
    let calm = World::of_the_road();
    let instance = calm.up();
    road::play(instance, &mut calm.record());
    let undisturbed = verdict::judge(&calm);
    assert_eq!(undisturbed.tasks, ["T-1 merged", "T-2 merged", "T-3 in-review", "T-4 merged", "T-5 in-review"]);

    let (seed, dice) = Dice::thrown();
    println!("seed {seed}: set {SEED_VARIABLE}={seed} to aim at the same instants again");
    let (mut storm, mut n_roads) = (Storm::new(dice), 0);
    while !storm.aims.is_empty() && n_roads < ROADS_MAX {
        let world = World::of_the_road();
        storm.play(&world);
        verdict::assert_same(&undisturbed, &verdict::judge(&world));
        n_roads += 1;
    }
    storm.coverage.print(seed, n_roads);
    storm.coverage.assert_complete(seed);
}

/// What is fired at the roads.
struct Storm {
    aims: Vec<Aim>,
    coverage: Coverage,
    /// The effect that is being aimed at, and the looks that are left.
    target: Option<(Lease, u64)>,
    passed: Vec<(String, u32)>,
}

impl Storm {
    fn new(mut dice: Dice) -> Self {
        let mut aims = Vec::new();
        for (lane, n) in LANES {
            for nth in 0..n {
                aims.push(Aim {
                    lane,
                    passes: passes(lane, &mut dice),
                    looks: looks(lane, &mut dice),
                    late_tries: if nth > 0 { TRIES } else { 0 },
                });
            }
        }
        Self { aims, coverage: Coverage::default(), target: None, passed: Vec::new() }
    }

    fn play(&mut self, world: &World) {
        // Effects are named alike on every road.
        (self.target, self.passed) = (None, Vec::new());
        let mut road = Road::new();
        let mut instance = world.up();
        let mut record = world.record();
        let mut n_looks = 0_u64;
        loop {
            if self.is_the_moment(&mut record) && self.shoot(&instance, &mut record) {
                instance = self.succeed(world, instance, record);
                record = world.record();
                road.lose_what_is_on_its_way();
                continue;
            }
            n_looks += 1;
            // People read slower than we look.
            if n_looks.is_multiple_of(32) && !road.go_on(&mut instance, &mut record) {
                break;
            }
            if self.aims.is_empty() {
                instance.out.wait_for_more(usize::MAX);
                n_looks = 31;
            }
        }
        let ended = instance.stop();
        assert!(ended.status.success(), "{ended:?}");
    }

    /// Looks once; true when an aimed effect has been in flight for as long as its aim wants.
    fn is_the_moment(&mut self, record: &mut Record) -> bool {
        if self.aims.is_empty() {
            return false;
        }
        let leases = record.leases();
        if leases.iter().any(|lease| lease.attempt > ATTEMPTS_MAX) {
            self.target = None;
            return false;
        }
        if let Some((target, looks)) = self.target.take() {
            if leases.iter().any(|lease| lease.effect == target.effect) {
                self.target = Some((target, looks.saturating_sub(1)));
                return looks == 0;
            }
            // It was quicker than the aim.
            if let Some(aim) = self.aim_at(&target.lane) {
                aim.looks /= 2;
            }
        }
        for lease in leases {
            if self.passed.contains(&(lease.effect.clone(), lease.attempt)) {
                continue;
            }
            match self.aim_at(&lease.lane) {
                Some(aim) if aim.passes == 0 => {
                    let looks = aim.looks;
                    self.target = Some((lease, looks));
                    return looks == 0;
                }
                Some(aim) => {
                    aim.passes -= 1;
                    self.passed.push((lease.effect, lease.attempt));
                }
                None => {}
            }
        }
        false
    }

    fn aim_at(&mut self, lane: &str) -> Option<&mut Aim> {
        self.aims.iter_mut().find(|aim| aim.lane == lane)
    }

    /// Freezes the process and kills it if the target is still in flight; true when it was.
    fn shoot(&mut self, instance: &Instance, record: &mut Record) -> bool {
        let Some((target, _)) = self.target.take() else { return false };
        instance.signal(Signal::SIGSTOP);
        family::wait_until_frozen(instance.id());
        let is_in_flight = |lease: &Lease| lease.effect == target.effect && lease.attempt == target.attempt;
        let found = record.leases_of_the_frozen().and_then(|leases| leases.into_iter().find(is_in_flight));
        let aim = self.aim_at(&target.lane).expect("it is aimed at");
        let is_late = aim.late_tries > 0;
        let fits = found.is_some_and(|lease| !is_late || lease.has_acted || !acts_in_the_database(&lease.lane));
        if !fits {
            aim.late_tries = aim.late_tries.saturating_sub(1);
            aim.looks = 0;
            instance.signal(Signal::SIGCONT);
            return false;
        }
        if is_late {
            let children = family::descendants(instance.id());
            let _ = family::wait_for_the_end(&children, Instant::now(), SETTLE_MAX);
        }
        let at = self.aims.iter().position(|aim| aim.lane == target.lane).expect("it was aimed at");
        self.aims.remove(at);
        true
    }

    /// Kills the frozen process, counts what was in flight, and starts its heir on the same state.
    fn succeed(&mut self, world: &World, instance: Instance, mut record: Record) -> Instance {
        let kin = family::descendants(instance.id());
        let killed_at = Instant::now();
        drop(instance.kill());
        self.coverage.count(&record.leases(), &kin);
        // Without us in the database, the heir finds its log as the dead process left it.
        drop(record);
        let heir = Instance::start(world.command());
        match family::wait_for_the_end(&kin, killed_at, END_MAX) {
            Ok(took) => self.coverage.slowest_end = self.coverage.slowest_end.max(took),
            Err(left) => panic!("left {END_MAX:?} after the kill: {left:?}"),
        }
        let heir = heir.ready();
        self.coverage.slowest_start = self.coverage.slowest_start.max(killed_at.elapsed());
        heir
    }
}

/// Rare effects are hit when they first come.
fn passes(lane: &str, dice: &mut Dice) -> u64 {
    match lane {
        "chat" | "report" => dice.below(6),
        "intake" | "session" => dice.below(3),
        _ => 0,
    }
}

/// Lanes that only write rows are over in a few looks; git and the cage take tens of milliseconds and more. There are
/// many sessions, so that an instant which is aimed too late costs nothing.
fn looks(lane: &str, dice: &mut Dice) -> u64 {
    match lane {
        "session" => dice.below(1_500),
        "publish" | "checks" | "stage" | "land" => dice.below(100),
        _ => dice.below(20),
    }
}

/// Lanes whose deed is a row that we can see; the others' are done by children.
fn acts_in_the_database(lane: &str) -> bool {
    matches!(lane, "intake" | "chat" | "merge" | "report")
}

impl Coverage {
    fn count(&mut self, leases: &[Lease], kin: &[Kin]) {
        self.kills += 1;
        for lease in leases {
            let hits = self.lanes.entry(lease.lane.clone()).or_default();
            hits.in_flight += 1;
            hits.already_done += u32::from(lease.has_acted);
        }
        for (name, n) in family::count_names(kin) {
            *self.names.entry(name.to_owned()).or_default() += n;
        }
    }

    fn print(&self, seed: u64, n_roads: u32) {
        println!(
            "{} kills on {n_roads} roads by seed {seed}; effects in flight, and of them done but not yet noted:",
            self.kills
        );
        println!("  {:<10}{:>10}{:>10}", "lane", "in flight", "done");
        for (lane, _) in LANES {
            let none = Hits::default();
            let Hits { in_flight, already_done } = self.lanes.get(lane).unwrap_or(&none);
            let done = if acts_in_the_database(lane) { already_done.to_string() } else { "?".to_owned() };
            println!("  {lane:<10}{in_flight:>10}{done:>10}");
        }
        let names: Vec<String> = self.names.iter().map(|(name, n)| format!("{n} {name}")).collect();
        println!("descendants that were running: {}", names.join(", "));
        println!(
            "the last of them was gone after {:?}; the slowest heir was ready after {:?}",
            self.slowest_end, self.slowest_start
        );
    }

    fn assert_complete(&self, seed: u64) {
        let missed: Vec<&str> =
            LANES.iter().map(|(lane, _)| *lane).filter(|lane| !self.lanes.contains_key(*lane)).collect();
        assert_eq!(missed, [""; 0], "seed {seed}: these lanes were never in flight at a kill");
        assert_eq!(self.kills, KILLS, "seed {seed}: some instants never came");
    }
}
