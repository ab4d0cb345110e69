//! Chance that can be had again: SplitMix64 under a printed seed.

use std::hash::{BuildHasher, RandomState};

/// Set it to have the same chance again. The instants are aimed, not replayed: processes keep their own time.
pub const SEED_VARIABLE: &str = "DOWNBEAT_E2E_SEED";

pub struct Dice(u64);

impl Dice {
    /// Chance by the seed of the environment, or by a new one.
    pub fn thrown() -> (u64, Self) {
        let given = std::env::var(SEED_VARIABLE).ok();
        let seed = given.map_or_else(|| RandomState::new().hash_one(0) >> 32, |text| text.parse().expect("a number"));
        (seed, Self(seed))
    }

    /// A number below `n`.
    pub fn below(&mut self, n: u64) -> u64 {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        (mixed ^ (mixed >> 31)) % n
    }
}
