//! What a seed makes of the world: how many people, how bad the network, which rules.

use domain::{Window, Windows};
use mergeq::queue::{Limits, Policy};
use mergeq::strategy::Kind;
use mergeq::strategy::strategist::{BehindRed, TrainSettings};

use crate::chance::Chance;
use crate::door::Lane;
use crate::play::Turn;
use crate::repo::Nature;

/// How often an effect is tried. Few, so that attempts are spent within a history.
const ATTEMPTS_MAX: u32 = 3;

/// The circumstances of one history.
#[derive(Clone, Debug)]
pub struct Weather {
    pub n_tasks: u64,
    pub n_turns: usize,
    pub policy: Policy,
    pub is_untested: bool,
    /// A claim's lease is lapsed once in so many; 0 is never.
    pub lapses: usize,
    /// An attempt fails once in so many; 0 is never.
    pub troubles: usize,
    /// Checks lie or do not end once in so many; 0 is never.
    pub flakes: usize,
    /// A crash comes once in so many turns.
    pub crashes: usize,
    /// Everybody wants to merge at once: the queue's own lanes sleep through the first half, and nobody is asked much.
    pub is_rush: bool,
    /// How busy other people are with the target.
    pub pushes: usize,
    /// Changes are told by their lanes, which are as many as their paths have first letters, and some are not.
    pub is_laned: bool,
    /// The forge moves the target without a look at where it is; for mutations.
    pub is_forcing: bool,
    /// Nothing goes wrong any more.
    pub is_calm: bool,
    /// The events are kept as text.
    pub is_told: bool,
}

impl Weather {
    /// The weather of a seed.
    pub fn of(seed: u64) -> Self {
        let mut chance = Chance::of(seed ^ 0xfee1_600d);
        let mut policy = any_policy(&mut chance);
        let is_fair = chance.one_in(5);
        let often = |chance: &mut Chance, among: &[usize]| if is_fair { 0 } else { *chance.pick(among) };
        if chance.one_in(4) {
            policy.limits.entries_max = 1 + chance.below(2);
        }
        if chance.one_in(30) {
            policy.limits.message_bytes_max = 60;
        }
        Self {
            n_tasks: 2 + chance.below(9) as u64,
            n_turns: 250 + chance.below(300),
            policy,
            is_untested: chance.one_in(10),
            lapses: often(&mut chance, &[0, 4, 10, 30]),
            troubles: often(&mut chance, &[0, 4, 12, 40]),
            flakes: often(&mut chance, &[0, 0, 3, 8]),
            crashes: often(&mut chance, &[0, 40, 100, 200]),
            is_rush: chance.one_in(2),
            pushes: *chance.pick(&[0, 0, 1, 3]),
            is_laned: chance.one_in(3),
            is_forcing: false,
            is_calm: false,
            is_told: false,
        }
    }

    /// From here on all is well.
    pub fn calm_down(&mut self) {
        Self { lapses: 0, troubles: 0, flakes: 0, crashes: 0, is_calm: true, ..self.clone() }.clone_into(self);
    }

    /// What a turn may be, and how often.
    pub fn turns(&self) -> [(usize, Turn); 10] {
        let crashes = 400_usize.checked_div(self.crashes).unwrap_or(0);
        [
            (180, Turn::Claim),
            (200, Turn::Fly),
            (80, Turn::Speak),
            (20, Turn::Submit),
            (self.pushes * 2, Turn::Push),
            (8, Turn::Look),
            (5, Turn::Meddle),
            (12, Turn::Repeat),
            (20, Turn::Wait),
            (crashes, Turn::Crash),
        ]
    }

    /// How often an effect of a lane is tried before it is given up. What joins the two machines is never given up.
    pub fn attempts_max(&self, lane: Lane) -> u32 {
        match lane.name {
            "merge" | "report" => u32::MAX,
            _ => ATTEMPTS_MAX,
        }
    }

    pub fn any_nature(chance: &mut Chance) -> Nature {
        chance.weigh(&[
            (20, Nature::Good),
            (5, Nature::Bad),
            (1, Nature::Gateless),
            (1, Nature::Unwelcome),
            (1, Nature::Lost),
        ])
    }
}

/// The rules of a queue.
pub fn any_policy(chance: &mut Chance) -> Policy {
    let n = 1 + chance.below(4);
    let train = |is_adaptive, behind_red, vouching| {
        Kind::Train(TrainSettings { window: 2 * n, is_adaptive, behind_red, vouching })
    };
    let policy = match chance.below(8) {
        0 => Policy::serial(),
        1 => Policy::batch(1 + n),
        2 => Policy::of(train(chance.one_in(2), BehindRed::Restart, None), n),
        3 => Policy::of(train(false, BehindRed::Wait, Some(2)), n),
        4 => Policy::of(Kind::Hybrid { group_max: 3, reds_needed: 1 }, n),
        5 => Policy::of(Kind::Nest, n),
        _ => Policy::of(Kind::Adaptive, n),
    };
    let limits = Limits {
        reruns_max: u32::from(chance.one_in(4)),
        unconcluded_max: u32::from(chance.one_in(2)),
        landed_max: 1 + chance.below(4),
        repairs_max: 1 + u32::from(chance.one_in(2)),
        ..Limits::default()
    };
    let closed = Windows::new(any_windows(chance)).expect("they leave something");
    Policy { closed, limits, ..policy }
}

/// A history begins on a Friday at noon and takes hours, or days.
fn any_windows(chance: &mut Chance) -> Vec<Window> {
    const WINDOWS: [&str; 6] = [
        "daily 12:00 - 12:01 UTC",
        "daily 12:02 - 13:30 UTC",
        "daily 13:00 - 18:00 Europe/Berlin",
        "Fri 14:00 - Mon 08:00 Europe/Berlin",
        "weekdays 08:00 - 20:00 America/New_York",
        "Sun 03:00 - 02:00 Australia/Lord_Howe",
    ];
    let n = if chance.one_in(3) { 1 + chance.below(2) } else { 0 };
    (0..n).map(|_| chance.pick(&WINDOWS).parse().expect("a window")).collect()
}
