//! What a run says at its end.

use std::fmt::Write as _;
use std::time::Duration;

use actors::StatusView;
use rust_decimal::Decimal;
use venue::ReplayProgress;

use super::status::profit;

/// The summary, one figure a line.
pub(super) fn text(status: &StatusView, replay: Option<&ReplayProgress>, took: Duration) -> String {
    let counters = &status.counters;
    let mut lines = vec![("took", format!("{:.1} s", took.as_secs_f64()))];
    if let Some(replay) = replay {
        let position = replay.position.map_or_else(|| "start".to_owned(), |at| at.to_rfc3339());
        let end = if replay.done { "its end" } else { &position };
        lines.push(("tape", format!("played to {end}: {} rows read", replay.rows)));
        lines.push((
            "",
            format!(
                "{} bars, {} trades, {} quotes; {} broken lines, {} bars left out for finer data",
                replay.bars, replay.trades, replay.quotes, replay.broken_lines, replay.dropped_bars
            ),
        ));
    }
    lines.push(("ticks in", format!("{} prints, {} quotes", counters.trades, counters.quotes)));
    let recovered = counters.bars_recovered;
    lines.push(("bars", format!("{} closed, {recovered} read from history", counters.bars)));
    lines.push(("signals", counters.signals.to_string()));
    lines.push((
        "orders",
        format!("{}, {} denied by our own checks", counters.orders, counters.orders_denied),
    ));
    lines.push(("fills", counters.fills.to_string()));
    lines.push(("rejected", counters.orders_rejected.to_string()));
    let open: usize = status.accounts.iter().map(|account| account.open_orders).sum();
    lines.push(("open orders", open.to_string()));
    lines.push((
        "profit",
        profit(status).map_or_else(|| "unknown: a holding has no price".to_owned(), usd),
    ));
    let mut text = String::new();
    for (name, value) in lines {
        // Writing to a String cannot fail.
        let written = writeln!(text, "{name:<12} {value}");
        debug_assert!(written.is_ok());
    }
    text.trim_end().to_owned()
}

/// US dollars with cents and a sign that says which way.
pub(super) fn usd(amount: Decimal) -> String {
    let rounded = amount.round_dp(2);
    let sign = if rounded > Decimal::ZERO { "+" } else { "" };
    format!("{sign}{rounded:.2} USD")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn money_is_shown_with_cents_and_the_sign_of_what_is_shown() {
        assert_eq!(usd("12.345".parse().unwrap()), "+12.34 USD");
        assert_eq!(usd("-0.5".parse().unwrap()), "-0.50 USD");
        assert_eq!(usd("0.001".parse().unwrap()), "0.00 USD");
    }
}
