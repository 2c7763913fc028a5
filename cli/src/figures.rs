//! Numbers as people read them, the same in the terminal and in reports.

use engine::metrics::Metric;

/// What a metric is called, and how it reads.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Unit {
    Dollars,
    SignedDollars,
    Percent,
    SignedPercent,
    Ratio,
    Count,
}

/// A number with commas between the thousands. The sign is that of what is shown: never `-0.00`.
pub(crate) fn grouped(value: f64, decimals: usize) -> String {
    let text = format!("{:.decimals$}", value.abs());
    let (whole, fraction) =
        text.split_once('.').map_or((text.as_str(), None), |(w, f)| (w, Some(f)));
    let mut shown = String::new();
    if value < 0.0 && text.chars().any(|digit| ('1'..='9').contains(&digit)) {
        shown.push('-');
    }
    for (place, digit) in whole.chars().enumerate() {
        if place > 0 && (whole.len() - place).is_multiple_of(3) {
            shown.push(',');
        }
        shown.push(digit);
    }
    if let Some(fraction) = fraction {
        shown.push('.');
        shown.push_str(fraction);
    }
    shown
}

/// The same with a plus where it is above zero.
pub(crate) fn signed(value: f64, decimals: usize) -> String {
    let shown = grouped(value, decimals);
    let above = value > 0.0 && shown.chars().any(|digit| ('1'..='9').contains(&digit));
    if above { format!("+{shown}") } else { shown }
}

/// A fraction in percent: 0.2419 is `24.19%`.
pub(crate) fn percent(fraction: f64) -> String {
    format!("{}%", grouped(fraction * 100.0, 2))
}

/// A fraction in percent, with its sign.
pub(crate) fn signed_percent(fraction: f64) -> String {
    format!("{}%", signed(fraction * 100.0, 2))
}

/// A price or an amount with the decimals it needs: two, or more for what is small.
pub(crate) fn price(value: f64) -> String {
    let decimals = if value.abs() >= 1.0 || value == 0.0 { 2 } else { 6 };
    grouped(value, decimals)
}

/// A value beside an axis, short: `950`, `60,000`, `1.25 M`, `808.9 bn`.
pub(crate) fn short(value: f64) -> String {
    let size = value.abs();
    if size < 1_000_000.0 {
        let decimals = if size >= 100.0 || value.fract() == 0.0 { 0 } else { 2 };
        return if size > 0.0 && size < 1.0 { price(value) } else { grouped(value, decimals) };
    }
    let (unit, name) = if size < 1e9 { (1e6, "M") } else { (1e9, "bn") };
    let text = grouped(value / unit, 2);
    let text = text.trim_end_matches('0').trim_end_matches('.');
    format!("{text} {name}")
}

/// A count.
pub(crate) fn count(value: usize) -> String {
    let digits = value.to_string();
    let mut shown = String::new();
    for (place, digit) in digits.chars().enumerate() {
        if place > 0 && (digits.len() - place).is_multiple_of(3) {
            shown.push(',');
        }
        shown.push(digit);
    }
    shown
}

/// `1 trade`, `2 trades`.
pub(crate) fn counted(value: usize, one: &str) -> String {
    format!("{} {one}{}", count(value), if value == 1 { "" } else { "s" })
}

/// A metric's value in its unit; a dash where it is not defined.
pub(crate) fn metric(metric: Metric, value: Option<f64>) -> String {
    let Some(value) = value else { return "–".to_owned() };
    match unit(metric) {
        Unit::Dollars => grouped(value, 2),
        Unit::SignedDollars => signed(value, 2),
        Unit::Percent => percent(value),
        Unit::SignedPercent => signed_percent(value),
        Unit::Ratio => grouped(value, 3),
        Unit::Count => grouped(value, 0),
    }
}

/// A metric's name for people.
pub(crate) const fn label(metric: Metric) -> &'static str {
    match metric {
        Metric::FinalEquity => "Final equity",
        Metric::TotalReturn => "Total return",
        Metric::AnnualReturn => "Annual return",
        Metric::AnnualVolatility => "Annual volatility",
        Metric::SharpeRatio => "Sharpe ratio",
        Metric::SortinoRatio => "Sortino ratio",
        Metric::CalmarRatio => "Calmar ratio",
        Metric::OmegaRatio => "Omega ratio",
        Metric::MaxDrawdown => "Maximum drawdown",
        Metric::MaxDrawdownDays => "Longest drawdown, days",
        Metric::Var95 => "Value at risk, 95%",
        Metric::Cvar95 => "Expected shortfall, 95%",
        Metric::WinRate => "Win rate",
        Metric::ProfitFactor => "Profit factor",
        Metric::Expectancy => "Expectancy, USD a trade",
        Metric::PayoffRatio => "Payoff ratio",
        Metric::Exposure => "Exposure",
        Metric::Turnover => "Turnover a year",
        Metric::BestTrade => "Best trade",
        Metric::WorstTrade => "Worst trade",
        Metric::Alpha => "Alpha a year",
        Metric::Beta => "Beta",
        Metric::Trades => "Closed trades",
    }
}

const fn unit(metric: Metric) -> Unit {
    match metric {
        Metric::FinalEquity => Unit::Dollars,
        Metric::Expectancy => Unit::SignedDollars,
        Metric::AnnualVolatility | Metric::WinRate | Metric::Exposure => Unit::Percent,
        Metric::TotalReturn
        | Metric::AnnualReturn
        | Metric::MaxDrawdown
        | Metric::Var95
        | Metric::Cvar95
        | Metric::BestTrade
        | Metric::WorstTrade
        | Metric::Alpha => Unit::SignedPercent,
        Metric::SharpeRatio
        | Metric::SortinoRatio
        | Metric::CalmarRatio
        | Metric::OmegaRatio
        | Metric::ProfitFactor
        | Metric::PayoffRatio
        | Metric::Turnover
        | Metric::Beta => Unit::Ratio,
        Metric::MaxDrawdownDays | Metric::Trades => Unit::Count,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn thousands_are_grouped_and_nothing_is_minus_zero() {
        let rows = [
            (63_341.191_36, 2, "63,341.19"),
            (999.0, 0, "999"),
            (1_000.0, 0, "1,000"),
            (-1_234_567.8, 1, "-1,234,567.8"),
            (-0.001, 2, "0.00"),
            (0.0, 2, "0.00"),
        ];
        for (value, decimals, shown) in rows {
            assert_eq!(grouped(value, decimals), shown);
        }
        assert_eq!(signed(0.001, 2), "0.00");
        assert_eq!(signed_percent(0.241_928), "+24.19%");
        assert_eq!(signed_percent(-0.200_173), "-20.02%");
        assert_eq!(
            (price(0.012_345), price(105_573.73)),
            ("0.012345".to_owned(), "105,573.73".to_owned())
        );
        let rows = [
            (0.0, "0"),
            (0.25, "0.250000"),
            (12.5, "12.50"),
            (950.0, "950"),
            (60_000.0, "60,000"),
            (1_250_000.0, "1.25 M"),
            (-1_100_000_000.0, "-1.1 bn"),
        ];
        for (value, shown) in rows {
            assert_eq!(short(value), shown);
        }
        assert_eq!((count(0), count(130_708)), ("0".to_owned(), "130,708".to_owned()));
        assert_eq!(
            (counted(1, "trade"), counted(1_200, "trade")),
            ("1 trade".to_owned(), "1,200 trades".to_owned())
        );
    }

    #[test]
    fn every_metric_has_a_label_of_its_own_and_an_undefined_one_a_dash() {
        let labels: std::collections::BTreeSet<&str> =
            Metric::ALL.iter().map(|m| label(*m)).collect();
        assert_eq!(labels.len(), Metric::ALL.len());
        for one in Metric::ALL {
            assert_eq!(metric(*one, None), "–");
        }
        assert_eq!(metric(Metric::SharpeRatio, Some(1.081_405)), "1.081");
        assert_eq!(metric(Metric::Trades, Some(46.0)), "46");
    }
}
