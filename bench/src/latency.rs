//! A histogram of durations: 32 steps per doubling, so a quantile is right within about three per cent.

use std::time::Duration;

/// Steps per doubling, as a power of two.
const STEP_BITS: u32 = 5;
const STEPS: u64 = 1 << STEP_BITS;
/// Enough for 64-bit nanoseconds.
const BUCKETS: usize = ((64 - STEP_BITS + 1) << STEP_BITS) as usize;

#[derive(Debug, Clone)]
pub struct Latency {
    buckets: Vec<u64>,
    count: u64,
}

impl Default for Latency {
    fn default() -> Self {
        Latency { buckets: vec![0; BUCKETS], count: 0 }
    }
}

impl Latency {
    pub fn add(&mut self, time: Duration) {
        self.buckets[bucket(time.as_nanos() as u64)] += 1;
        self.count += 1;
    }

    pub fn merge(&mut self, other: &Latency) {
        self.buckets.iter_mut().zip(&other.buckets).for_each(|(mine, theirs)| *mine += theirs);
        self.count += other.count;
    }

    pub fn count(&self) -> u64 {
        self.count
    }

    /// The time that `per_cent` of all stay within; zero of none.
    pub fn quantile(&self, per_cent: u64) -> Duration {
        let rank = (self.count * per_cent).div_ceil(100);
        let mut seen = 0;
        let at = self.buckets.iter().position(|count| {
            seen += count;
            seen >= rank && rank > 0
        });
        at.map_or(Duration::ZERO, |at| Duration::from_nanos(start(at)))
    }
}

fn bucket(nanos: u64) -> usize {
    if nanos < STEPS {
        return nanos as usize;
    }
    let shift = 63 - nanos.leading_zeros() - STEP_BITS;
    let step = (nanos >> shift) - STEPS;
    (((u64::from(shift) + 1) << STEP_BITS) + step) as usize
}

/// The shortest time of a bucket.
fn start(bucket: usize) -> u64 {
    let (group, step) = (bucket as u64 >> STEP_BITS, bucket as u64 % STEPS);
    match group {
        0 => step,
        group => (STEPS + step) << (group - 1),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn buckets_are_narrow_and_in_order() {
        for nanos in [0, 1, 31, 32, 33, 63, 64, 1_000, 123_456, 9_999_999_999, u64::MAX] {
            let low = start(bucket(nanos));
            assert!(low <= nanos && (nanos - low) as f64 <= nanos as f64 / 32.0, "{nanos}: {low}");
        }
        assert!(bucket(u64::MAX) < BUCKETS);
    }

    #[test]
    fn quantiles_are_by_rank() {
        let mut latency = Latency::default();
        assert_eq!(latency.quantile(50), Duration::ZERO);
        (1..=100).for_each(|micros| latency.add(Duration::from_micros(micros)));
        let near = |per_cent, micros: f64| {
            let found = latency.quantile(per_cent).as_nanos() as f64 / 1000.0;
            assert!((found / micros - 1.0).abs() < 0.04, "{found}");
        };
        near(50, 50.0);
        near(99, 99.0);
    }
}
