//! Chance from a seed, by splitmix64: a seed means the same history on every machine and in every version of a library.

/// A stream of numbers.
#[derive(Clone, Debug)]
pub struct Chance(u64);

impl Chance {
    pub fn of(seed: u64) -> Self {
        Self(mixed(seed ^ 0x5bd1_e995_9d1e_ca11))
    }

    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        mixed(self.0)
    }

    /// A number below `n`, which is not 0.
    pub fn below(&mut self, n: usize) -> usize {
        usize::try_from(self.next() % n as u64).expect("it is below a usize")
    }

    /// True once in `n` times; never when `n` is 0.
    pub fn one_in(&mut self, n: usize) -> bool {
        n > 0 && self.below(n) == 0
    }

    pub fn pick<'a, T>(&mut self, among: &'a [T]) -> &'a T {
        &among[self.below(among.len())]
    }

    /// One of `among`, each as often as its weight says.
    pub fn weigh<T: Copy>(&mut self, among: &[(usize, T)]) -> T {
        let total: usize = among.iter().map(|(weight, _)| weight).sum();
        let mut at = self.below(total);
        for (weight, what) in among {
            if at < *weight {
                return *what;
            }
            at -= weight;
        }
        unreachable!("the weights add up to their sum")
    }
}

/// The finishing step of splitmix64.
pub fn mixed(mut x: u64) -> u64 {
    x = (x ^ (x >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    x = (x ^ (x >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    x ^ (x >> 31)
}
