//! What came of a workload.

use super::audit::Gates;

/// The counts of one play.
#[derive(Clone, Debug, Default)]
pub struct Tally {
    /// How many changes came.
    pub changes: usize,
    /// How long each that landed waited, ascending, in T.
    pub waits: Vec<f64>,
    /// Good changes that were ejected although nothing stood in their way.
    pub wronged: usize,
    /// Tests begun.
    pub tests: usize,
    /// Tests stopped before their end.
    pub stopped: usize,
    /// How long slots were in use, in T.
    pub slot_time: f64,
    /// How long it all took, in T.
    pub span: f64,
    /// What must not have been done.
    pub gates: Gates,
}

#[expect(clippy::cast_precision_loss, reason = "no workload has 2^52 changes")]
impl Tally {
    /// Changes landed in T.
    pub fn landed_per_time(&self) -> f64 {
        self.waits.len() as f64 / self.span
    }

    /// Slot time used for each change that landed.
    pub fn slot_time_per_landed(&self) -> f64 {
        self.slot_time / self.waits.len() as f64
    }

    /// Tests begun for each change that landed.
    pub fn tests_per_landed(&self) -> f64 {
        self.tests as f64 / self.waits.len() as f64
    }

    /// The share of all changes that were ejected although they were good.
    pub fn wronged_share(&self) -> f64 {
        self.wronged as f64 / self.changes as f64
    }

    /// How long that share of the landed waited at most.
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "a share of a length is an index")]
    pub fn wait(&self, share: f64) -> f64 {
        let index = (share * self.waits.len() as f64) as usize;
        self.waits.get(index.min(self.waits.len().saturating_sub(1))).copied().unwrap_or(f64::NAN)
    }
}
