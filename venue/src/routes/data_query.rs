//! What a request for market data asks for: symbols, range, feed and the rest of its parameters.

use std::collections::BTreeMap;
use std::sync::Arc;

use chrono::{DateTime, NaiveDate, NaiveTime, TimeDelta, Timelike, Utc};
use chrono_tz::America::New_York;

use super::data_page::{PageQuery, Token};
use super::{Parameters, ascending, list};
use crate::activities::parse_time;
use crate::assets::{Asset, AssetClass};
use crate::calendar;
use crate::history::{Direction, Range};
use crate::options::DataPlan;
use crate::refusal::Refusal;
use crate::server::Server;
use crate::timeframe::Timeframe;

const LIMIT_DEFAULT: usize = 1_000;
pub(super) const LIMIT_MAX: usize = 10_000;
/// How far behind the delayed feed is, and how old consolidated data is on the free plan.
pub(crate) const DELAY: TimeDelta = TimeDelta::minutes(15);

/// Where stock prices are taken from. This venue has one market: the two feeds of the day show all
/// of it, the two of the night what of it happens between 20:00 and 04:00.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Feed {
    Iex,
    Sip,
    DelayedSip,
    Otc,
    Boats,
    Overnight,
}

/// Whether a request is about the past or about the newest prices: each has feeds of its own.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Tense {
    History,
    Latest,
}

/// Where a date in a query starts: recordings are stamped in UTC days.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Days {
    NewYork,
    Utc,
}

impl Feed {
    /// The feed that a request names, or the best one that the plan has.
    pub(super) fn of(
        parameters: &Parameters,
        plan: &DataPlan,
        tense: Tense,
    ) -> Result<Self, Refusal> {
        let feed = match (given(parameters, "feed"), tense) {
            (None, Tense::Latest) if !plan.recent_sip => return Ok(Self::Iex),
            (None | Some("sip"), _) => Self::Sip,
            (Some("iex"), _) => Self::Iex,
            (Some("boats"), _) => Self::Boats,
            (Some("otc"), _) => Self::Otc,
            (Some("delayed_sip"), Tense::Latest) => Self::DelayedSip,
            (Some("overnight"), Tense::Latest) => Self::Overnight,
            (Some(other), _) => return Err(Refusal::bad_request(format!("invalid feed: {other}"))),
        };
        if feed == Self::Sip && tense == Tense::Latest && !plan.recent_sip {
            return Err(recent_sip());
        }
        Ok(feed)
    }

    /// Whether something that happened at a time is on the feed.
    pub(super) fn shows(self, at: DateTime<Utc>) -> bool {
        match self {
            Self::Iex | Self::Sip | Self::DelayedSip => true,
            Self::Otc => false,
            Self::Boats | Self::Overnight => is_night(at),
        }
    }
}

impl Days {
    fn parse(self, name: &str, text: &str) -> Result<DateTime<Utc>, Refusal> {
        match (self, text.parse::<NaiveDate>()) {
            (Self::Utc, Ok(date)) => Ok(date.and_time(NaiveTime::MIN).and_utc()),
            (_, _) => parse_time(name, text),
        }
    }

    fn start_of_day(self, now: DateTime<Utc>) -> DateTime<Utc> {
        match self {
            Self::NewYork => calendar::new_york(calendar::new_york_date(now), 0, 0),
            Self::Utc => now.date_naive().and_time(NaiveTime::MIN).and_utc(),
        }
    }
}

/// Whether a time lies in the overnight session, 20:00 to 04:00 in New York.
pub(crate) fn is_night(at: DateTime<Utc>) -> bool {
    let hour = at.with_timezone(&New_York).hour();
    !(4..20).contains(&hour)
}

/// A parameter that is there and not empty.
pub(super) fn given<'a>(parameters: &'a Parameters, name: &str) -> Option<&'a str> {
    parameters.get(name).map(String::as_str).filter(|text| !text.is_empty())
}

/// The assets of a request in the order of their symbols. A name of the right shape that is not
/// listed here is passed over, as the real service does; a stock named without letters is an error.
pub(super) fn assets(
    server: &Server,
    symbols: &[String],
    class: AssetClass,
) -> Result<Vec<Arc<Asset>>, Refusal> {
    if symbols.is_empty() {
        return Err(Refusal::bad_request("symbols is required"));
    }
    let mut found = BTreeMap::new();
    for symbol in symbols {
        let plausible = |letter: char| letter.is_ascii_alphanumeric() || "./-".contains(letter);
        if !symbol.chars().all(plausible) {
            return Err(Refusal::bad_request(format!("invalid symbol: {symbol}")));
        }
        if let Some(asset) = server.exchange.assets.find(symbol)
            && asset.class == class
        {
            found.insert(asset.symbol.clone(), Arc::clone(asset));
        }
    }
    Ok(found.into_values().collect())
}

/// The assets that the parameter `symbols` names.
pub(super) fn named_assets(
    server: &Server,
    parameters: &Parameters,
    class: AssetClass,
) -> Result<Vec<Arc<Asset>>, Refusal> {
    assets(server, &list(parameters, "symbols"), class)
}

/// The range, the limit and the place to go on from.
pub(super) fn page_query(
    server: &Server,
    assets: Vec<Arc<Asset>>,
    parameters: &Parameters,
) -> Result<PageQuery, Refusal> {
    let now = server.exchange.clock.now();
    let days = if server.is_tape() { Days::Utc } else { Days::NewYork };
    let time = |name: &str| given(parameters, name).map(|text| days.parse(name, text)).transpose();
    let limit = limit(parameters, LIMIT_DEFAULT, LIMIT_MAX)?;
    let until = time("end")?.unwrap_or(now).min(now);
    let direction = if ascending(parameters, "sort", true)? {
        Direction::Ascending
    } else {
        Direction::Descending
    };
    let from = time("start")?.unwrap_or_else(|| days.start_of_day(now));
    let token = given(parameters, "page_token").map(Token::parse).transpose()?;
    Ok(PageQuery { assets, range: Range { from, until, direction }, limit, token })
}

/// What stock requests have beside the range: the feed, and parameters that leave this venue's data
/// as it is but have to make sense.
pub(super) fn stock_parameters(
    server: &Server,
    parameters: &Parameters,
    query: &mut PageQuery,
) -> Result<Feed, Refusal> {
    let feed = Feed::of(parameters, &server.data_plan, Tense::History)?;
    let recent = server.exchange.clock.now() - DELAY;
    if feed == Feed::Sip && !server.data_plan.recent_sip && query.range.until > recent {
        if given(parameters, "end").is_some() {
            return Err(recent_sip());
        }
        query.range.until = recent;
    }
    check_currency(parameters)?;
    if let Some(text) = given(parameters, "asof").filter(|text| *text != "-") {
        text.parse::<NaiveDate>()
            .map_err(|_invalid| Refusal::bad_request(format!("invalid asof: {text}")))?;
    }
    Ok(feed)
}

/// Prices are in US dollars; another currency is an error rather than a wrong number.
pub(super) fn check_currency(parameters: &Parameters) -> Result<(), Refusal> {
    match given(parameters, "currency") {
        None | Some("USD") => Ok(()),
        Some(other) => Err(Refusal::bad_request(format!(
            "invalid currency: {other} (this venue quotes in USD)"
        ))),
    }
}

/// The length of the bars that are asked for.
pub(super) fn timeframe(parameters: &Parameters) -> Result<Timeframe, Refusal> {
    let text = given(parameters, "timeframe")
        .ok_or_else(|| Refusal::bad_request("timeframe is required"))?;
    Timeframe::parse(text).ok_or_else(|| Refusal::bad_request(format!("invalid timeframe: {text}")))
}

/// How many items a page may have.
pub(super) fn limit(
    parameters: &Parameters,
    default: usize,
    maximum: usize,
) -> Result<usize, Refusal> {
    match given(parameters, "limit").map(str::parse::<usize>) {
        None => Ok(default),
        Some(Ok(limit)) if (1..=maximum).contains(&limit) => Ok(limit),
        Some(Ok(limit)) if limit > maximum => Err(Refusal::bad_request(format!(
            "invalid limit: larger than the allowed maximum of {maximum}"
        ))),
        Some(Ok(_) | Err(_)) => {
            Err(Refusal::bad_request(format!("invalid limit: must be 1 to {maximum}")))
        }
    }
}

fn recent_sip() -> Refusal {
    let mut refusal = Refusal::forbidden("subscription does not permit querying recent SIP data");
    refusal.code = 42_210_000;
    refusal
}
