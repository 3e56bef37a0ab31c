//! Chance: seeded, and the same on every machine.

use rand::{RngExt, SeedableRng};
use rand_distr::{Distribution, Zipf};
use rand_xoshiro::Xoshiro256PlusPlus;

use crate::Failure;

/// How unevenly people are looked up: the usual exponent.
pub const EXPONENT: f64 = 1.0;

/// A source of chance.
#[derive(Clone, Debug)]
pub struct Chance {
    random: Xoshiro256PlusPlus,
}

impl Chance {
    /// Begins with a seed.
    pub fn new(seed: u64) -> Self {
        Self { random: Xoshiro256PlusPlus::seed_from_u64(seed) }
    }

    /// A number from 0 to below 1.
    pub fn share(&mut self) -> f64 {
        self.random.random()
    }

    /// A number below `end`.
    pub fn below(&mut self, end: u64) -> u64 {
        self.random.random_range(0..end)
    }
}

/// Numbers below a count, of which a few come very often; which these are is scattered over all of them.
#[derive(Clone, Debug)]
pub struct Ranks {
    zipf: Zipf<f64>,
    scatter: Scatter,
}

impl Ranks {
    /// Over the numbers below `count`.
    #[allow(clippy::cast_precision_loss)] // Counts stay far below 2^53.
    pub fn new(count: u64) -> Result<Self, Failure> {
        Ok(Self { zipf: Zipf::new(count as f64, EXPONENT)?, scatter: Scatter::new(count) })
    }

    /// The same, where the low numbers come most often.
    pub fn unscattered(count: u64) -> Result<Self, Failure> {
        Ok(Self { scatter: Scatter { count, step: 1 }, ..Self::new(count)? })
    }

    /// Draws one.
    pub fn draw(&self, chance: &mut Chance) -> u64 {
        self.scatter.place(self.rank(chance))
    }

    #[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss)] // From 1 to `count`.
    fn rank(&self, chance: &mut Chance) -> u64 {
        self.zipf.sample(&mut chance.random) as u64 - 1
    }
}

/// Puts the numbers below a count into another order.
#[derive(Clone, Copy, Debug)]
pub struct Scatter {
    count: u64,
    step: u64,
}

impl Scatter {
    /// Over the numbers below `count`.
    pub fn new(count: u64) -> Self {
        // Near the golden section, so that neighbours end up far from each other.
        let mut step = (count / 1000 * 618).max(1);
        while common_divisor(step, count) != 1 {
            step += 1;
        }
        Self { count, step }
    }

    /// Tells where a number goes.
    pub fn place(self, number: u64) -> u64 {
        let product = u128::from(number) * u128::from(self.step) % u128::from(self.count);
        u64::try_from(product).expect("below the count")
    }
}

fn common_divisor(one: u64, other: u64) -> u64 {
    if other == 0 { one } else { common_divisor(other, one % other) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ranks_come_in_zipfs_shares() {
        let (count, draws) = (10_000_u32, 400_000);
        let ranks = Ranks::new(count.into()).expect("ranks");
        let mut chance = Chance::new(3);
        let mut seen = vec![0_u32; count as usize];
        for _ in 0..draws {
            seen[usize::try_from(ranks.rank(&mut chance)).expect("an index")] += 1;
        }
        let harmonic: f64 = (1..=count).map(|rank| 1.0 / f64::from(rank)).sum();
        for rank in [1_u32, 2, 3, 10, 30] {
            let expected = f64::from(draws) / f64::from(rank) / harmonic;
            let found = f64::from(seen[rank as usize - 1]);
            assert!((found / expected - 1.0).abs() < 0.1, "rank {rank}: {found}, not about {expected}");
        }
        let hundred: u32 = seen[..100].iter().sum();
        let expected: f64 = (1..=100).map(|rank| 1.0 / f64::from(rank)).sum::<f64>() / harmonic;
        assert!((f64::from(hundred) / f64::from(draws) - expected).abs() < 0.01);
    }

    #[test]
    fn a_scatter_is_one_to_one() {
        for count in [1, 2, 5, 1000, 4096, 9973] {
            let scatter = Scatter::new(count);
            let mut places: Vec<u64> = (0..count).map(|number| scatter.place(number)).collect();
            places.sort_unstable();
            assert_eq!(places, (0..count).collect::<Vec<_>>());
        }
    }
}
