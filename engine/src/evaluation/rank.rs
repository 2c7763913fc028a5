//! Which run was best.

use super::plan::Score;
use crate::metrics::{Better, Metric};
use crate::ticker::Ticker;
use std::cmp::Ordering;
use std::collections::BTreeMap;

/// Puts the best first. What has no value comes last; equal ones keep an order of their own
/// (strategy, tickers, parameters), so that the threads that made them do not matter.
pub fn rank(scores: &mut [Score], metric: Metric) {
    scores.sort_by(|one, other| compare(one, other, metric));
}

/// The best of each ticker, or pair joined by a comma; only those with a value.
pub fn best_per_ticker(scores: &[Score], metric: Metric) -> BTreeMap<String, &Score> {
    let mut best: BTreeMap<String, &Score> = BTreeMap::new();
    for score in scores.iter().filter(|score| score.metrics.get(metric).is_some()) {
        let names: Vec<_> = score.tickers.iter().map(Ticker::as_str).collect();
        let place = best.entry(names.join(",")).or_insert(score);
        if compare(score, place, metric) == Ordering::Less {
            *place = score;
        }
    }
    best
}

fn compare(one: &Score, other: &Score, metric: Metric) -> Ordering {
    let by_value = match (one.metrics.get(metric), other.metrics.get(metric)) {
        (Some(one), Some(other)) => match metric.better() {
            Better::Higher => other.total_cmp(&one),
            Better::Lower => one.total_cmp(&other),
        },
        (Some(_), None) => Ordering::Less,
        (None, Some(_)) => Ordering::Greater,
        (None, None) => Ordering::Equal,
    };
    by_value
        .then_with(|| one.strategy.cmp(&other.strategy))
        .then_with(|| one.tickers.cmp(&other.tickers))
        .then_with(|| params_of(one).cmp(params_of(other)))
}

/// Parameters in an order that floats have too.
fn params_of(score: &Score) -> impl Iterator<Item = (&str, u64)> {
    score.params.iter().map(|(name, value)| (name.as_str(), value.to_bits()))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::metrics::Metrics;
    use crate::strategy::Params;

    fn score(ticker: &str, strategy: &str, sharpe_ratio: Option<f64>, deepest: f64) -> Score {
        Score {
            strategy: strategy.to_owned(),
            params: Params::new(),
            tickers: vec![Ticker::new(ticker).unwrap()],
            metrics: Metrics {
                sharpe_ratio,
                annual_volatility: Some(deepest),
                ..Metrics::default()
            },
        }
    }

    #[test]
    fn the_best_comes_first_whichever_way_the_metric_is_good() {
        let mut scores = vec![
            score("A", "none", None, 0.4),
            score("A", "low", Some(0.5), 0.1),
            score("B", "high", Some(1.5), 0.3),
            score("A", "mid", Some(1.0), 0.2),
        ];
        let names = |scores: &[Score]| -> Vec<String> {
            scores.iter().map(|score| score.strategy.clone()).collect()
        };
        rank(&mut scores, Metric::SharpeRatio);
        assert_eq!(names(&scores), ["high", "mid", "low", "none"]);
        let best = best_per_ticker(&scores, Metric::SharpeRatio);
        let best: Vec<_> =
            best.iter().map(|(ticker, score)| (ticker.as_str(), score.strategy.as_str())).collect();
        assert_eq!(best, [("A", "mid"), ("B", "high")]);
        rank(&mut scores, Metric::AnnualVolatility);
        assert_eq!(names(&scores), ["low", "mid", "high", "none"]);
    }
}
