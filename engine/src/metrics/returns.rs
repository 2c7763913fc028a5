//! Metrics of a series of daily returns.
#![cfg_attr(not(test), expect(clippy::float_arithmetic, reason = "statistics are f64"))]

use crate::backtest::Outcome;

/// Percentile of the value at risk, percent.
const TAIL_PERCENT: usize = 5;

/// What daily returns alone say.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct ReturnMetrics {
    /// All returns, compounded.
    pub total_return: Option<f64>,
    /// The same per year, geometric.
    pub annual_return: Option<f64>,
    /// Standard deviation (ddof 1) times the root of the days of a year.
    pub annual_volatility: Option<f64>,
    /// Mean to standard deviation (ddof 1) times the root of the days of a year.
    pub sharpe_ratio: Option<f64>,
    /// Mean to the root of the mean square of min(return, 0) over all days, times the root of the
    /// days of a year.
    pub sortino_ratio: Option<f64>,
    /// Annual return to the deepest drawdown.
    pub calmar_ratio: Option<f64>,
    /// Sum of gains to sum of losses.
    pub omega_ratio: Option<f64>,
    /// Deepest drawdown, from 1 before the first return.
    pub max_drawdown: f64,
    /// Longest run of days below a highest value.
    pub max_drawdown_days: f64,
    /// 5th percentile, linear between ranks.
    pub var_95: Option<f64>,
    /// Mean of the returns at or below it.
    pub cvar_95: Option<f64>,
}

impl ReturnMetrics {
    /// Metrics of daily returns, with so many days in a year.
    pub fn of(returns: &[f64], days_per_year: u32) -> Self {
        let mut value = 1.0;
        let values: Vec<f64> = returns
            .iter()
            .map(|change| {
                value *= 1.0 + change;
                value
            })
            .collect();
        let deepest = deepest(1.0, &values);
        let total = finite(value - 1.0);
        let annual =
            total.and_then(|total| annual(total, returns.len().saturating_add(1), days_per_year));
        Self {
            total_return: total,
            annual_return: annual,
            calmar_ratio: annual.and_then(|annual| calmar(annual, deepest)),
            max_drawdown: deepest,
            max_drawdown_days: longest(1.0, &values),
            ..of_returns(returns, days_per_year)
        }
    }
}

/// What the returns say; drawdowns and totals are left out.
pub(super) fn of_returns(returns: &[f64], days_per_year: u32) -> ReturnMetrics {
    let count = float(returns.len());
    let root = f64::from(days_per_year).sqrt();
    let (mut sum, mut gains, mut losses, mut losing_squares) = (0.0, 0.0, 0.0, 0.0);
    for change in returns {
        sum += change;
        let (gain, loss) = (change.max(0.0), change.min(0.0));
        gains += gain;
        losses -= loss;
        losing_squares += loss * loss;
    }
    let mean = sum / count;
    let deviation = deviation(returns, mean);
    let (var_95, cvar_95) = tail(returns);
    ReturnMetrics {
        annual_volatility: deviation.and_then(|deviation| finite(deviation * root)),
        sharpe_ratio: deviation.and_then(|deviation| ratio(mean * root, deviation)),
        sortino_ratio: ratio(mean * root, (losing_squares / count).sqrt()),
        omega_ratio: ratio(gains, losses),
        var_95,
        cvar_95,
        ..ReturnMetrics::default()
    }
}

/// Change from one value to another, a fraction.
pub(super) fn change(before: f64, after: f64) -> Option<f64> {
    if before > 0.0 { finite(after / before - 1.0) } else { None }
}

/// A total return per year: compounded, `values` observations make one return less.
pub(super) fn annual(total: f64, values: usize, days_per_year: u32) -> Option<f64> {
    let returns = float(values.saturating_sub(1));
    if returns < 1.0 || total < -1.0 {
        return None;
    }
    finite((1.0 + total).powf(f64::from(days_per_year) / returns) - 1.0)
}

pub(super) fn calmar(annual: f64, deepest: f64) -> Option<f64> {
    ratio(annual, deepest.abs())
}

/// Deepest fall of `values` from the highest so far, `start` included; 0 or below.
pub(super) fn deepest(start: f64, values: &[f64]) -> f64 {
    let (mut peak, mut trough, mut deepest) = (start, start, 1.0_f64);
    for value in values {
        if *value > peak {
            (peak, trough) = (*value, *value);
        } else if *value < trough {
            trough = *value;
            deepest = deepest.min(trough / peak);
        }
    }
    deepest - 1.0
}

/// Longest run of values below the highest so far, `start` included.
pub(super) fn longest(start: f64, values: &[f64]) -> f64 {
    let (mut peak, mut run, mut longest) = (start, 0_usize, 0_usize);
    for value in values {
        if *value >= peak {
            peak = *value;
            run = 0;
        } else {
            run = run.saturating_add(1);
            longest = longest.max(run);
        }
    }
    float(longest)
}

/// `count` of `all`, a fraction.
pub(super) fn part(count: u64, all: usize) -> Option<f64> {
    ratio(float(usize::try_from(count).unwrap_or(usize::MAX)), float(all))
}

/// Value traded per year to the mean equity.
pub(super) fn turnover(outcome: &Outcome, values: usize, days_per_year: u32) -> Option<f64> {
    let years = float(values.saturating_sub(1)) / f64::from(days_per_year);
    let mean = outcome.equity.iter().sum::<f64>() / float(outcome.equity.len());
    ratio(outcome.traded_usd, mean * years)
}

/// Alpha (per year, arithmetic) and beta of our returns against the market's, by least squares.
pub(super) fn relation(ours: &[f64], theirs: &[f64], days_per_year: u32) -> Option<(f64, f64)> {
    let theirs = theirs.get(..ours.len())?;
    let count = float(ours.len());
    let sum = |returns: &[f64]| returns.iter().sum::<f64>();
    let (mean, market_mean) = (sum(ours) / count, sum(theirs) / count);
    let (mut together, mut alone) = (0.0, 0.0);
    for (our, their) in ours.iter().zip(theirs) {
        let away = their - market_mean;
        together += (our - mean) * away;
        alone += away * away;
    }
    let beta = ratio(together, alone)?;
    let alpha = finite((mean - beta * market_mean) * f64::from(days_per_year))?;
    Some((alpha, beta))
}

/// The returns between values.
pub(crate) fn changes(values: &[f64]) -> Vec<f64> {
    values.iter().zip(values.iter().skip(1)).map(|(before, after)| after / before - 1.0).collect()
}

fn deviation(returns: &[f64], mean: f64) -> Option<f64> {
    let squares = returns.iter().fold(0.0, |sum, change| {
        let away = change - mean;
        sum + away * away
    });
    let freedom = returns.len().checked_sub(1).filter(|freedom| *freedom > 0)?;
    finite((squares / float(freedom)).sqrt())
}

/// The percentile, linear between ranks as numpy has it, and the mean of what is at or below it.
fn tail(returns: &[f64]) -> (Option<f64>, Option<f64>) {
    let Some(last) = returns.len().checked_sub(1) else { return (None, None) };
    let hundredths = last.saturating_mul(TAIL_PERCENT);
    let rank = hundredths.checked_div(100).unwrap_or(0);
    let between = float(hundredths.checked_rem(100).unwrap_or(0)) / 100.0;
    let mut sorted = returns.to_vec();
    let (_, low, above) = sorted.select_nth_unstable_by(rank, f64::total_cmp);
    let low = *low;
    let next = above.iter().copied().min_by(f64::total_cmp).unwrap_or(low);
    let percentile = low + (next - low) * between;
    let worst = returns.iter().copied().filter(|change| *change <= percentile);
    let (sum, count) =
        worst.fold((0.0, 0_usize), |(sum, count), change| (sum + change, count.saturating_add(1)));
    (finite(percentile), ratio(sum, float(count)))
}

/// A quotient, where there is one.
pub(super) fn ratio(numerator: f64, denominator: f64) -> Option<f64> {
    if denominator > 0.0 { finite(numerator / denominator) } else { None }
}

pub(super) fn finite(value: f64) -> Option<f64> {
    value.is_finite().then_some(value)
}

/// A count as a number to divide by.
pub(super) fn float(count: usize) -> f64 {
    f64::from(u32::try_from(count).unwrap_or(u32::MAX))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn close(found: Option<f64>, expected: f64) {
        let found = found.unwrap();
        let scale = expected.abs().max(1.0);
        assert!((found - expected).abs() < 1e-12 * scale, "{found} {expected}");
    }

    /// Returns 10 %, −10 %, 20 %: mean 1/15, variance (ddof 1) 7/300.
    #[test]
    fn each_metric_is_its_formula() {
        let found = ReturnMetrics::of(&[0.1, -0.1, 0.2], 252);
        close(found.total_return, 0.188);
        close(found.annual_return, 1.188_f64.powi(84) - 1.0);
        close(found.annual_volatility, (7.0_f64 / 300.0 * 252.0).sqrt());
        close(found.sharpe_ratio, (1.0 / 15.0) / (7.0_f64 / 300.0).sqrt() * 252.0_f64.sqrt());
        close(found.sortino_ratio, (1.0 / 15.0) / (0.01_f64 / 3.0).sqrt() * 252.0_f64.sqrt());
        close(found.omega_ratio, 3.0);
        close(Some(found.max_drawdown), -0.1);
        close(Some(found.max_drawdown_days), 1.0);
        close(found.var_95, -0.1 + 0.2 * 0.1);
        close(found.cvar_95, -0.1);
    }

    #[test]
    fn what_is_not_defined_is_absent_and_never_a_false_number() {
        let none = ReturnMetrics::of(&[], 252);
        assert_eq!((none.sharpe_ratio, none.var_95, none.annual_return), (None, None, None));
        let flat = ReturnMetrics::of(&[0.0, 0.0], 252);
        assert_eq!((flat.sharpe_ratio, flat.sortino_ratio, flat.omega_ratio), (None, None, None));
        assert_eq!(flat.annual_volatility, Some(0.0));
        let lost = ReturnMetrics::of(&[-1.5, 0.1], 252);
        assert_eq!(lost.annual_return, None, "a root of less than nothing");
    }

    #[test]
    fn beta_is_the_slope_and_alpha_what_it_leaves() {
        // Ours are half of the market's and one percent more.
        let (alpha, beta) = relation(&[0.06, -0.04], &[0.1, -0.1, 0.5], 252).unwrap();
        close(Some(beta), 0.5);
        close(Some(alpha), 0.01 * 252.0);
    }
}
