//! What a verdict says: who lands, who becomes a rider, where to look further, who is guilty.

use std::collections::BTreeSet;

use super::{Aim, Board, Concluded, Item, Nest, Probe, Rider, Suspect, count};

/// An item is ejected when it is good with at most this probability: one innocent in two hundred that come this far.
const INNOCENT_MAX: f64 = 0.005;
/// Items that are bad with less than this probability are as good as fresh ones.
const DOUBT_MIN: f64 = 0.3;
/// No red test makes a rider more guilty than this.
pub(super) const BLAME_MAX: f64 = 0.99;

impl Nest {
    pub(super) fn judge_green(&mut self, probe: Probe, verdict: Concluded, board: &mut Board) {
        let (n_part, n_rest) = probe.sizes;
        self.belief.note_green();
        self.note_pairs(&probe, verdict.test.landed_before);
        if probe.aim == Aim::Corner {
            self.belief.note_cornered_good();
        }
        self.vouch_for_company(&probe);
        if probe.aim == Aim::Search && !probe.rest.is_empty() {
            let q = 1. - self.belief.bad_rate();
            let (n, k) = (count(n_part + n_rest), count(n_part));
            let in_rest = probe.doubt * (q.powf(k) - q.powf(n)) / (1. - q.powf(n));
            let doubt = if in_rest > 0. { in_rest / (1. - probe.doubt + in_rest) } else { 0. };
            self.look_further(probe.rest.clone(), doubt);
        }
        if verdict.test.is_current {
            board.land(verdict);
        } else if probe.aim != Aim::Gamble {
            self.join_riders(&probe, &verdict);
        }
    }

    /// Each rider was seen to go with what landed since it passed, and with the riders before it.
    fn note_pairs(&mut self, probe: &Probe, landed_before: u64) {
        let mut others = 0;
        for id in &probe.riders {
            if let Some(rider) = self.riders.iter().find(|rider| rider.id == *id) {
                let n = rider.items.len() as u64;
                self.belief.note_pairs(n * (landed_before.saturating_sub(rider.landed_before) + others));
                others += n;
            }
        }
    }

    /// Green on less than what has landed by now: part and riders are one group from now on.
    fn join_riders(&mut self, probe: &Probe, verdict: &Concluded) {
        let joined: Vec<Rider> = self.riders.extract_if(.., |rider| probe.riders.contains(&rider.id)).collect();
        let joined = joined.into_iter().flat_map(|rider| rider.items);
        let items: BTreeSet<Item> = joined.chain(probe.part.iter().copied()).collect();
        self.belief.note_riders(&probe.part);
        self.new_rider(items, &verdict.test);
    }

    fn look_further(&mut self, items: BTreeSet<Item>, doubt: f64) {
        if doubt < DOUBT_MIN {
            self.take_back(items);
        } else if !items.is_empty() {
            self.suspects.push(Suspect { items, doubt, n_red: 0 });
        }
    }

    pub(super) fn judge_red(&mut self, probe: Probe, verdict: &Concluded, board: &Board) {
        if probe.aim == Aim::Gamble {
            return;
        }
        self.belief.note_red(&verdict.test.items);
        let doubt = self.doubt_of_part(&probe);
        let flake_rate = self.belief.flake_rate();
        let alive: Vec<usize> =
            (0..self.riders.len()).filter(|index| probe.riders.contains(&self.riders[*index].id)).collect();
        let n_riding: usize = alive.iter().map(|index| self.riders[*index].items.len()).sum();
        // What somebody else pushed may explain it where nothing landed since; else a lone rider was tried for ever.
        let least = if probe.part.is_empty() { self.belief.conflict_rate() } else { 0. };
        let risk = |index: &usize| self.risk_among(n_riding, &self.riders[*index], board).max(least);
        let risks: Vec<f64> = alive.iter().map(risk).collect();
        let riders_good: f64 = risks.iter().map(|risk| 1. - risk).product();
        let company_good = self.company_good(&probe.company);
        let p_red = 1. - (1. - doubt) * riders_good * company_good * (1. - flake_rate);
        self.blame_company(&probe, p_red);
        for (index, risk) in alive.into_iter().zip(risks) {
            self.riders[index].blame = (risk / p_red).min(BLAME_MAX);
            self.riders[index].landed_before = board.landed();
        }
        self.take_back(probe.rest.iter().copied());
        if probe.sizes.0 == 1 && probe.riders.is_empty() && probe.company.is_empty() {
            self.judge_lone_red(&probe, doubt, flake_rate);
        } else {
            self.look_further(probe.part, doubt / p_red);
        }
    }

    /// The probability that a rider goes neither with what has landed nor with the others of `n_riding` items.
    fn risk_among(&self, n_riding: usize, rider: &Rider, board: &Board) -> f64 {
        // Each pair is counted twice, once for either side.
        let pairs = count(rider.items.len() * (n_riding - rider.items.len())) / 2.;
        1. - (1. - self.risk(rider, board)) * (1. - self.belief.conflict_rate()).powf(pairs)
    }

    pub(super) fn doubt_of_part(&self, probe: &Probe) -> f64 {
        if probe.aim != Aim::Search || probe.rest.is_empty() {
            return probe.doubt;
        }
        let q = 1. - self.belief.bad_rate();
        let (n_part, n_rest) = probe.sizes;
        let n = count(n_part + n_rest);
        probe.doubt * (1. - (q.powf(count(n_part)) - q.powf(n)) / (1. - q.powf(n)))
    }

    /// One item alone was red: it is bad, or this was a flake.
    fn judge_lone_red(&mut self, probe: &Probe, doubt: f64, flake_rate: f64) {
        let Some(item) = probe.part.first().copied() else { return };
        let good = if probe.n_red == 0 { self.belief.cornered_good_rate().max(1. - doubt) } else { 1. - doubt };
        let guilt = (1. - good) / (1. - good + good * flake_rate);
        if 1. - guilt <= INNOCENT_MAX {
            self.belief.note_guilty(item, guilt);
            self.doomed.insert(item);
        } else {
            self.suspects.push(Suspect { items: probe.part.clone(), doubt: guilt, n_red: probe.n_red + 1 });
        }
    }

    /// Riders that have become risky are looked at again.
    pub(super) fn suspect_risky_riders(&mut self, board: &Board) {
        /// Above this a rider is more of a burden than a test of its own costs.
        const RISK_MAX: f64 = 0.35;
        let risks: Vec<f64> = self.riders.iter().map(|rider| self.risk(rider, board)).collect();
        let mut risks = risks.into_iter();
        let mut doubts = Vec::new();
        let risky = self.riders.extract_if(.., |_| {
            let risk = risks.next().unwrap_or(0.);
            let is_risky = risk > RISK_MAX;
            if is_risky {
                doubts.push(risk);
            }
            is_risky
        });
        let risky: Vec<Rider> = risky.collect();
        for (rider, doubt) in risky.into_iter().zip(doubts) {
            self.suspects.push(Suspect { items: rider.items, doubt, n_red: 0 });
        }
    }
}

/// The probability that the first `k` of `n` items are good, of which one is bad with the probability `doubt`.
pub(super) fn pass_rate(doubt: f64, k: usize, n: usize, q: f64) -> f64 {
    let (k, n) = (count(k), count(n));
    let some_bad = 1. - q.powf(n);
    let first_good = if some_bad > 0. { (q.powf(k) - q.powf(n)) / some_bad } else { 0. };
    (1. - doubt) + doubt * first_good
}
