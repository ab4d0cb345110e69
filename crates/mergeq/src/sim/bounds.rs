//! What no strategy can beat, as far as is known.

use super::workload::{Arrivals, Workload};

/// The bounds of a workload on so many slots. They assume that checks never lie and all changes fit together: flakes and
/// conflicts only make things worse.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Bounds {
    /// Changes landed in T, when everybody is judged rightly: a run tells at most one bit, and the fate of a change holds
    /// H(p) bits (Shannon 1948; for group testing, Sobel and Groll 1959). Never more than come.
    pub landed_per_time: f64,
    /// Runs for each change that lands.
    pub tests_per_landed: f64,
    /// What a train in order can land in T with any number of slots, one after the other until the next bad one.
    pub train: f64,
}

impl Bounds {
    /// The bounds of this workload on so many slots.
    pub fn of(workload: &Workload, slots: usize) -> Self {
        let first = float(workload.bad_first) / float(workload.changes.max(1));
        let p = workload.bad.max(first).clamp(1e-9, 1. - 1e-9);
        let fate = -p * p.log2() - (1. - p) * (1. - p).log2();
        // From here on one by one is best (Ungar 1960): a run a change.
        let is_batching_vain = p >= (3. - 5_f64.sqrt()) / 2.;
        let tests_per_landed = if is_batching_vain { 1. } else { fate } / (1. - p);
        let capacity = float(slots) / tests_per_landed;
        let offered = match workload.arrivals {
            Arrivals::Backlog => f64::INFINITY,
            Arrivals::Poisson(rate) => rate,
            Arrivals::Bursts { size, rate, .. } => float(size) * rate,
        };
        Self { landed_per_time: capacity.min(offered * (1. - p)), tests_per_landed, train: (1. - p) / p }
    }
}

#[expect(clippy::cast_precision_loss, reason = "nobody has 2^52 machines or changes")]
fn float(n: usize) -> f64 {
    n as f64
}
