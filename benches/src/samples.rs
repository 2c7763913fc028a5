//! A small histogram: all samples, sorted when asked.

use std::fmt;
use std::time::Duration;

/// Lengths of time that were measured.
#[derive(Clone, Debug, Default)]
pub struct Samples {
    sorted: Vec<Duration>,
}

impl Samples {
    /// How many there are.
    pub fn len(&self) -> usize {
        self.sorted.len()
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.sorted.is_empty()
    }

    /// The least value that `per_mille` of a thousand samples do not exceed; zero without samples.
    pub fn quantile(&self, per_mille: usize) -> Duration {
        let rank = self.sorted.len().saturating_mul(per_mille).div_ceil(1_000);
        self.sorted.get(rank.saturating_sub(1)).copied().unwrap_or_default()
    }

    /// The greatest value.
    pub fn max(&self) -> Duration {
        self.sorted.last().copied().unwrap_or_default()
    }
}

impl IntoIterator for Samples {
    type Item = Duration;
    type IntoIter = std::vec::IntoIter<Duration>;

    fn into_iter(self) -> Self::IntoIter {
        self.sorted.into_iter()
    }
}

impl FromIterator<Duration> for Samples {
    fn from_iter<I: IntoIterator<Item = Duration>>(samples: I) -> Self {
        let mut sorted: Vec<_> = samples.into_iter().collect();
        sorted.sort_unstable();
        Self { sorted }
    }
}

impl fmt::Display for Samples {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            formatter,
            "p50 {:>9.1?}  p90 {:>9.1?}  p99 {:>9.1?}  p99.9 {:>9.1?}  max {:>9.1?}  n {}",
            self.quantile(500),
            self.quantile(900),
            self.quantile(990),
            self.quantile(999),
            self.max(),
            self.len(),
        )
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn samples(milliseconds: impl Iterator<Item = u64>) -> Samples {
        milliseconds.map(Duration::from_millis).collect()
    }

    #[test]
    fn a_quantile_is_a_sample_that_so_many_do_not_exceed() {
        let samples = samples((1..=200).rev());
        let quantiles = [0, 500, 990, 999, 1_000].map(|at| samples.quantile(at).as_millis());
        assert_eq!(quantiles, [1, 100, 198, 200, 200]);
        assert_eq!(samples.max(), Duration::from_millis(200));
    }

    #[test]
    fn no_samples_have_the_quantile_zero() {
        assert_eq!(samples(std::iter::empty()).quantile(990), Duration::ZERO);
    }
}
