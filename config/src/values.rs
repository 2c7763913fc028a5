//! Kinds of value that a setting can have beyond numbers and texts, and how they are read.

use std::fmt;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::str::FromStr;

use rust_decimal::Decimal;
use secrecy::SecretString;
use serde::de::{self, Deserialize, Deserializer, Visitor};

/// How fast a replay runs.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Speed {
    /// This many times real time; finite and above zero.
    Times(f64),
    /// As fast as the engine can follow.
    Max,
}

/// Shape of a log line.
#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum LogFormat {
    /// For people.
    Human,
    /// For programs: one JSON object per line.
    Json,
}

/// Which stock feed an Alpaca account pays for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum StockFeed {
    /// One exchange, free.
    Iex,
    /// All exchanges.
    Sip,
}

/// How the venue fills orders.
#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum VenueFills {
    /// As Alpaca's paper trading does.
    Alpaca,
    /// Against an order book, with queues, sizes, latency and impact.
    Realistic,
}

/// What accounts may see of the venue's market data.
#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum VenueDataPlan {
    /// Everything, without bounds.
    Unlimited,
    /// As Alpaca's free plan.
    Basic,
}

/// What each side of a trade costs in a backtest.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Commission {
    /// This part of the value: 0.002 takes 2 dollars of 1 000; from 0 to below 1.
    Rate(Decimal),
    /// What Alpaca passes on.
    Alpaca,
}

/// When an order that was decided on a close is filled.
#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum FillMoment {
    /// At the open of the next bar.
    NextOpen,
    /// At the very close that decided it: optimistic.
    SameClose,
}

/// Which sides of the market are traded.
#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Sides {
    /// Bought and sold.
    Long,
    /// Sold short too.
    LongShort,
}

/// A text that is no commission.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("a commission is a rate per side from 0 to below 1, such as 0.002, or \"alpaca\"")]
pub struct CommissionError;

impl FromStr for Commission {
    type Err = CommissionError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        if text.eq_ignore_ascii_case("alpaca") {
            return Ok(Self::Alpaca);
        }
        match Decimal::from_str(text) {
            Ok(rate) if rate >= Decimal::ZERO && rate < Decimal::ONE => Ok(Self::Rate(rate)),
            _ => Err(CommissionError),
        }
    }
}

impl fmt::Display for Commission {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Rate(rate) => write!(formatter, "{rate}"),
            Self::Alpaca => formatter.write_str("alpaca"),
        }
    }
}

impl<'de> Deserialize<'de> for Commission {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(Scalar)?.parse().map_err(de::Error::custom)
    }
}

/// A text that is not a replay speed.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("a speed is \"max\" or a number above 0 (times real time)")]
pub struct SpeedError;

impl FromStr for Speed {
    type Err = SpeedError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        if text.eq_ignore_ascii_case("max") {
            return Ok(Self::Max);
        }
        match text.parse::<f64>() {
            Ok(times) if times.is_finite() && times > 0.0 => Ok(Self::Times(times)),
            _ => Err(SpeedError),
        }
    }
}

impl fmt::Display for Speed {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Times(times) => write!(formatter, "{times}"),
            Self::Max => formatter.write_str("max"),
        }
    }
}

impl<'de> Deserialize<'de> for Speed {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(Scalar)?.parse().map_err(de::Error::custom)
    }
}

/// Reads a secret; the empty text is "not set".
pub(crate) fn optional_secret<'de, D: Deserializer<'de>>(
    deserializer: D,
) -> Result<Option<SecretString>, D::Error> {
    let text = String::deserialize(deserializer)?;
    Ok((!text.is_empty()).then(|| SecretString::from(text)))
}

/// Reads a path; the empty text is "not set".
pub(crate) fn optional_path<'de, D: Deserializer<'de>>(
    deserializer: D,
) -> Result<Option<PathBuf>, D::Error> {
    let text = String::deserialize(deserializer)?;
    Ok((!text.is_empty()).then(|| PathBuf::from(text)))
}

/// Reads a text; the empty one is "not set".
pub(crate) fn optional_text<'de, D: Deserializer<'de>>(
    deserializer: D,
) -> Result<Option<String>, D::Error> {
    let text = String::deserialize(deserializer)?;
    Ok((!text.is_empty()).then_some(text))
}

/// Reads an address with its port; the empty text is "not set".
pub(crate) fn optional_address<'de, D: Deserializer<'de>>(
    deserializer: D,
) -> Result<Option<SocketAddr>, D::Error> {
    let text = String::deserialize(deserializer)?;
    if text.is_empty() {
        return Ok(None);
    }
    let wrong =
        |_invalid| de::Error::custom(format!("\"{text}\" is no address such as 127.0.0.1:8101"));
    text.parse().map(Some).map_err(wrong)
}

/// Reads an exact amount from a text or a number.
pub(crate) fn decimal<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Decimal, D::Error> {
    let text = deserializer.deserialize_any(Scalar)?;
    Decimal::from_str(&text).map_err(|error| {
        de::Error::custom(format!("an amount is a decimal number such as \"25000.50\" ({error})"))
    })
}

/// Takes a text or a number and hands it on as its text, because people write `speed = 60` and
/// `speed = "60"` and mean the same.
struct Scalar;

impl Visitor<'_> for Scalar {
    type Value = String;

    fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("a number or a text")
    }

    fn visit_str<E: de::Error>(self, value: &str) -> Result<String, E> {
        Ok(value.trim().to_owned())
    }

    fn visit_i64<E: de::Error>(self, value: i64) -> Result<String, E> {
        Ok(value.to_string())
    }

    fn visit_u64<E: de::Error>(self, value: u64) -> Result<String, E> {
        Ok(value.to_string())
    }

    fn visit_f64<E: de::Error>(self, value: f64) -> Result<String, E> {
        Ok(value.to_string())
    }
}
