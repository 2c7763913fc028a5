//! How a backtest was run, in words: for the terminal, the report and whoever reads it next year.

use chrono::{DateTime, Utc};
use engine::AssetClass;
use engine::backtest::{Direction, Fees, FillAt, Protection, Sizing, Spec};
use engine::strategy::Params;
use rust_decimal::Decimal;
use rust_decimal::prelude::ToPrimitive;

use crate::figures;

/// `fast 10, slow 20`.
pub(crate) fn parameters(params: &Params) -> String {
    params.iter().map(|(name, value)| format!("{name} {value}")).collect::<Vec<_>>().join(", ")
}

/// `daily bars`, `5Min bars`.
pub(crate) fn timeframe(name: &str) -> String {
    match name {
        "1D" => "daily bars".to_owned(),
        "1H" => "hourly bars".to_owned(),
        "1Min" => "one-minute bars".to_owned(),
        other => format!("{other} bars"),
    }
}

/// A bar's time: the date, and the hour where bars are shorter than days.
pub(crate) fn moment(at: DateTime<Utc>, timeframe: &str) -> String {
    at.format(if timeframe == "1D" { "%Y-%m-%d" } else { "%Y-%m-%d %H:%M" }).to_string()
}

/// Each rule with its words.
pub(crate) fn of(spec: &Spec) -> Vec<(&'static str, String)> {
    vec![
        ("Cash", format!("{} USD", figures::grouped(number(spec.cash.amount()), 2))),
        ("Costs", costs(spec)),
        ("Fills", fills(spec.fill).to_owned()),
        ("Size", size(spec)),
        ("Sides", direction(spec.direction).to_owned()),
        ("Exits", exits(&spec.protection)),
        ("Year", year(spec.class).to_owned()),
        ("Decisions", "on the close of a bar, from that bar and those before it".to_owned()),
        ("Dividends", "none; prices are taken as they are in the file".to_owned()),
    ]
}

/// The whole in one line.
pub(crate) fn in_short(spec: &Spec) -> String {
    let cash = figures::grouped(number(spec.cash.amount()), 2);
    let fill = match spec.fill {
        FillAt::NextOpen => "next open",
        FillAt::NextClose => "next close",
        FillAt::SameClose => "same close",
    };
    let sides = match spec.direction {
        Direction::Long => "long only",
        Direction::LongShort => "long and short",
    };
    let step = if spec.quantity_step == Decimal::ONE { "whole shares" } else { "parts of a share" };
    format!("cash {cash}, {}, fills at the {fill}, {step}, {sides}", costs(spec))
}

fn costs(spec: &Spec) -> String {
    let fees = match spec.costs.fees {
        Fees::Free => "no commission".to_owned(),
        Fees::Rate { rate } if rate.is_zero() => "no commission".to_owned(),
        Fees::Rate { rate } => format!("commission {}% of each side", percent(rate)),
        Fees::MakerTaker { maker, taker } => {
            format!("{}% for what waits, {}% for what takes", percent(maker), percent(taker))
        }
        Fees::UsEquity(_) => "Alpaca's: regulatory fees, no commission".to_owned(),
    };
    if spec.costs.slippage_bps.is_zero() {
        return format!("{fees}, no slippage");
    }
    format!("{fees}, slippage {} basis points", spec.costs.slippage_bps.normalize())
}

const fn fills(fill: FillAt) -> &'static str {
    match fill {
        FillAt::NextOpen => {
            "at the open of the bar after the decision; a stop that is jumped over at the open"
        }
        FillAt::NextClose => "at the close of the bar after the decision",
        FillAt::SameClose => "at the very close that decided: optimistic, nobody can do that",
    }
}

fn size(spec: &Spec) -> String {
    let step = if spec.quantity_step == Decimal::ONE {
        "in whole shares"
    } else {
        "in parts of a share, to nine decimals"
    };
    let how = match spec.sizing {
        Sizing::Equity { fraction } => {
            format!(
                "{}% of the equity at the fill, in equal parts for the tickers",
                percent(fraction)
            )
        }
        Sizing::EquityAtDecision { fraction } => {
            format!("{}% of the equity at the decision", percent(fraction))
        }
        Sizing::Live { risk_per_trade, stop_fraction } => format!(
            "as in live trading: {}% of the capital at risk over a stop {}% away, sized at the decision",
            percent(risk_per_trade),
            percent(stop_fraction)
        ),
        Sizing::Quantity { quantity } => format!("{} at a time", quantity.normalize()),
    };
    format!("{how}, {step}")
}

const fn direction(direction: Direction) -> &'static str {
    match direction {
        Direction::Long => "long only: a short signal closes",
        Direction::LongShort => {
            "long and short, short against a collateral of the full value, without interest"
        }
    }
}

fn exits(protection: &Protection) -> String {
    let parts = [
        ("stop-loss", protection.stop_loss),
        ("take-profit", protection.take_profit),
        ("trailing stop", protection.trailing_stop),
    ];
    let words: Vec<String> = parts
        .into_iter()
        .filter_map(|(name, at)| at.map(|at| format!("{name} {}% away", percent(at))))
        .collect();
    if words.is_empty() { "by the strategy alone".to_owned() } else { words.join(", ") }
}

const fn year(class: AssetClass) -> &'static str {
    match class {
        AssetClass::UsEquity => "252 days",
        AssetClass::Crypto => "365 days",
    }
}

fn percent(fraction: Decimal) -> String {
    fraction.checked_mul(Decimal::ONE_HUNDRED).unwrap_or(fraction).normalize().to_string()
}

fn number(amount: Decimal) -> f64 {
    amount.to_f64().unwrap_or(f64::NAN)
}
