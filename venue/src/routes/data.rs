//! The market-data API: `/v2/stocks` and `/v1beta3/crypto`.

use std::collections::BTreeMap;
use std::sync::Arc;

use axum::Router;
use axum::extract::{Path, Query, State};
use axum::response::Response;
use axum::routing::get;
use chrono::{DateTime, NaiveDate, NaiveTime, Utc};
use serde_json::{Map, Value, json};

use super::data_page::{Items, Page, PageQuery, Token};
use super::{Parameters, ascending, json as answer, list};
use crate::activities::parse_time;
use crate::assets::{Asset, AssetClass};
use crate::calendar;
use crate::data_wire::{self, Codec, Naming};
use crate::history::{Direction, History, Range};
use crate::refusal::Refusal;
use crate::server::Server;
use crate::timeframe::Timeframe;

const LIMIT_DEFAULT: usize = 1_000;
const LIMIT_MAX: usize = 10_000;
/// How far back the newest bar is looked for, in intervals.
const LATEST_BAR_SEARCH: usize = 5_000;

pub(super) fn routes() -> Router<Arc<Server>> {
    Router::new()
        .route("/v2/stocks/{first}", get(stocks))
        .route("/v2/stocks/{first}/{second}", get(stock_or_latest))
        .route("/v2/stocks/{first}/{second}/latest", get(stock_latest))
        .route("/v1beta3/crypto/{location}/{kind}", get(crypto))
        .route("/v1beta3/crypto/{location}/latest/{kind}", get(crypto_latest))
}

/// Whether the venue serves a crypto location.
pub(super) fn is_location(location: &str) -> bool {
    matches!(location, "us" | "us-1" | "us-2" | "eu-1" | "bs-1")
}

/// What is asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Kind {
    Bars,
    Trades,
    Quotes,
    Snapshots,
}

impl Kind {
    fn of(word: &str) -> Result<Self, Refusal> {
        match word {
            "bars" => Ok(Self::Bars),
            "trades" => Ok(Self::Trades),
            "quotes" => Ok(Self::Quotes),
            "snapshots" | "snapshot" => Ok(Self::Snapshots),
            _ => Err(Refusal::not_found("endpoint not found")),
        }
    }

    /// The member that carries one symbol's newest item, and the one that carries a list.
    fn members(self) -> (&'static str, &'static str) {
        match self {
            Self::Bars => ("bar", "bars"),
            Self::Trades => ("trade", "trades"),
            Self::Quotes => ("quote", "quotes"),
            Self::Snapshots => ("snapshot", "snapshots"),
        }
    }
}

/// Where a date in a query starts: recordings are stamped in UTC days.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Days {
    NewYork,
    Utc,
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

type SharedServer = State<Arc<Server>>;

async fn stocks(
    State(server): SharedServer,
    Path(kind): Path<String>,
    Query(parameters): Query<Parameters>,
) -> Result<Response, Refusal> {
    let kind = Kind::of(&kind)?;
    let assets = assets(&server, &list(&parameters, "symbols"), AssetClass::UsEquity)?;
    if kind == Kind::Snapshots {
        let snapshots = latest(server, kind, assets).await?;
        return Ok(answer(&json!(snapshots)));
    }
    let page = page(server, kind, assets, &parameters).await?;
    Ok(answer(&json!({kind.members().1: page.by_symbol, "next_page_token": page.next})))
}

async fn stock_or_latest(
    State(server): SharedServer,
    Path((first, second)): Path<(String, String)>,
    Query(parameters): Query<Parameters>,
) -> Result<Response, Refusal> {
    if second == "latest" {
        let kind = Kind::of(&first)?;
        let assets = assets(&server, &list(&parameters, "symbols"), AssetClass::UsEquity)?;
        let newest = latest(server, kind, assets).await?;
        return Ok(answer(&json!({kind.members().1: newest})));
    }
    let kind = Kind::of(&second)?;
    let assets = assets(&server, std::slice::from_ref(&first), AssetClass::UsEquity)?;
    if kind == Kind::Snapshots {
        return single(latest(server, kind, assets).await?, &first, None);
    }
    let mut page = page(server, kind, assets, &parameters).await?;
    let items = page.by_symbol.remove(&first);
    Ok(answer(&json!({
        kind.members().1: items,
        "symbol": first,
        "next_page_token": page.next,
    })))
}

async fn stock_latest(
    State(server): SharedServer,
    Path((symbol, kind)): Path<(String, String)>,
) -> Result<Response, Refusal> {
    let kind = Kind::of(&kind)?;
    let assets = assets(&server, std::slice::from_ref(&symbol), AssetClass::UsEquity)?;
    single(latest(server, kind, assets).await?, &symbol, Some(kind.members().0))
}

async fn crypto(
    State(server): SharedServer,
    Path((location, kind)): Path<(String, String)>,
    Query(parameters): Query<Parameters>,
) -> Result<Response, Refusal> {
    let kind = crypto_kind(&location, &kind)?;
    let assets = assets(&server, &list(&parameters, "symbols"), AssetClass::Crypto)?;
    if kind == Kind::Snapshots {
        let snapshots = latest(server, kind, assets).await?;
        return Ok(answer(&json!({"snapshots": snapshots})));
    }
    let page = page(server, kind, assets, &parameters).await?;
    Ok(answer(&json!({kind.members().1: page.by_symbol, "next_page_token": page.next})))
}

async fn crypto_latest(
    State(server): SharedServer,
    Path((location, kind)): Path<(String, String)>,
    Query(parameters): Query<Parameters>,
) -> Result<Response, Refusal> {
    let kind = crypto_kind(&location, &kind)?;
    let assets = assets(&server, &list(&parameters, "symbols"), AssetClass::Crypto)?;
    let newest = latest(server, kind, assets).await?;
    Ok(answer(&json!({kind.members().1: newest})))
}

fn crypto_kind(location: &str, kind: &str) -> Result<Kind, Refusal> {
    if !is_location(location) {
        return Err(Refusal::not_found("endpoint not found"));
    }
    Kind::of(kind)
}

/// One symbol's newest item, in the member of that name or spread into the answer.
fn single(
    mut newest: Map<String, Value>,
    symbol: &str,
    member: Option<&str>,
) -> Result<Response, Refusal> {
    let item = newest
        .remove(symbol)
        .ok_or_else(|| Refusal::not_found(format!("no data for {symbol} yet")))?;
    let mut body = json!({"symbol": symbol});
    match (member, item) {
        (Some(member), item) => body[member] = item,
        (None, Value::Object(members)) => {
            for (name, value) in members {
                body[name] = value;
            }
        }
        (None, _) => {}
    }
    Ok(answer(&body))
}

/// The assets of a request in the order of their symbols. A name of the right shape that is not
/// listed here is passed over, as the real service does; a stock named without letters is an error.
fn assets(
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

async fn page(
    server: Arc<Server>,
    kind: Kind,
    assets: Vec<Arc<Asset>>,
    parameters: &Parameters,
) -> Result<Page, Refusal> {
    let now = server.exchange.clock.now();
    let days = if server.exchange.clock.is_simulated() { Days::Utc } else { Days::NewYork };
    let query = page_query(assets, parameters, now, days)?;
    let timeframe = match (kind, parameters.get("timeframe")) {
        (Kind::Bars, None) => return Err(Refusal::bad_request("timeframe is required")),
        (Kind::Bars, Some(text)) => Timeframe::parse(text)
            .ok_or_else(|| Refusal::bad_request(format!("invalid timeframe: {text}")))?,
        (_, _) => Timeframe::MINUTE,
    };
    let history = Arc::clone(&server.history);
    on_a_core(&server, move || read_page(&history, kind, &query, timeframe, now)).await
}

fn page_query(
    assets: Vec<Arc<Asset>>,
    parameters: &Parameters,
    now: DateTime<Utc>,
    days: Days,
) -> Result<PageQuery, Refusal> {
    let time = |name: &str| {
        let given = parameters.get(name).filter(|text| !text.is_empty());
        given.map(|text| days.parse(name, text)).transpose()
    };
    let limit = match parameters.get("limit").map(|text| text.parse::<usize>()) {
        None => LIMIT_DEFAULT,
        Some(Ok(limit)) if (1..=LIMIT_MAX).contains(&limit) => limit,
        Some(_) => {
            return Err(Refusal::bad_request(
                "invalid limit: larger than the allowed maximum of 10000",
            ));
        }
    };
    let until = time("end")?.unwrap_or(now).min(now);
    let direction = if ascending(parameters, "sort", true)? {
        Direction::Ascending
    } else {
        Direction::Descending
    };
    let range =
        Range { from: time("start")?.unwrap_or_else(|| days.start_of_day(now)), until, direction };
    let token = parameters.get("page_token").filter(|text| !text.is_empty());
    let token = token.map(|text| Token::parse(text)).transpose()?;
    Ok(PageQuery { assets, range, limit, token })
}

fn read_page(
    history: &History,
    kind: Kind,
    query: &PageQuery,
    timeframe: Timeframe,
    now: DateTime<Utc>,
) -> Page {
    match kind {
        Kind::Bars => query.read(
            history,
            &Items {
                read: &|history, asset, range| history.bars(asset, timeframe, range, now),
                write: &|asset, bar| json!(data_wire::bar(asset, bar, None, Codec::Json)),
            },
        ),
        Kind::Trades => query.read(
            history,
            &Items {
                read: &|history, asset, range| history.trades(asset, range, now),
                write: &|asset, one| json!(data_wire::trade(asset, one, Naming::Bare, Codec::Json)),
            },
        ),
        Kind::Quotes | Kind::Snapshots => query.read(
            history,
            &Items {
                read: &|history, asset, range| history.quotes(asset, range, now),
                write: &|asset, one| json!(data_wire::quote(asset, one, Naming::Bare, Codec::Json)),
            },
        ),
    }
}

/// Each asset's newest item.
async fn latest(
    server: Arc<Server>,
    kind: Kind,
    assets: Vec<Arc<Asset>>,
) -> Result<Map<String, Value>, Refusal> {
    let worker = Arc::clone(&server);
    on_a_core(&server, move || {
        let mut newest = Map::new();
        for asset in assets {
            let item = match kind {
                Kind::Bars => latest_bars(&worker, &asset, native(&asset), 1).into_iter().next(),
                Kind::Trades => latest_trade(&worker, &asset),
                Kind::Quotes => latest_quote(&worker, &asset),
                Kind::Snapshots => Some(snapshot(&worker, &asset)),
            };
            if let Some(item) = item {
                newest.insert(asset.symbol.clone(), item);
            }
        }
        newest
    })
    .await
}

fn snapshot(server: &Server, asset: &Asset) -> Value {
    let minute = latest_bars(server, asset, native(asset), 1).into_iter().next();
    let mut days = latest_bars(server, asset, Timeframe::DAY, 2).into_iter();
    json!({
        "latestTrade": latest_trade(server, asset),
        "latestQuote": latest_quote(server, asset),
        "minuteBar": minute,
        "dailyBar": days.next(),
        "prevDailyBar": days.next(),
    })
}

/// The newest bars first.
fn latest_bars(server: &Server, asset: &Asset, timeframe: Timeframe, count: usize) -> Vec<Value> {
    let now = server.exchange.clock.now();
    let range = Range { from: DateTime::UNIX_EPOCH, until: now, direction: Direction::Descending };
    server
        .history
        .bars(asset, timeframe, range, now)
        .take(LATEST_BAR_SEARCH)
        .flat_map(|portion| portion.items)
        .take(count)
        .map(|bar| json!(data_wire::bar(asset, &bar, None, Codec::Json)))
        .collect()
}

fn latest_trade(server: &Server, asset: &Asset) -> Option<Value> {
    server.exchange.read(|inner| {
        let trade = inner.market.newest(&asset.symbol)?.trade.as_ref()?;
        Some(json!(data_wire::trade(asset, trade, Naming::Bare, Codec::Json)))
    })
}

fn latest_quote(server: &Server, asset: &Asset) -> Option<Value> {
    server.exchange.read(|inner| {
        let quote = inner.market.newest(&asset.symbol)?.quote.as_ref()?;
        Some(json!(data_wire::quote(asset, quote, Naming::Bare, Codec::Json)))
    })
}

/// A minute, or the length of the recorded bars where that is longer.
fn native(asset: &Asset) -> Timeframe {
    match asset.bar_seconds {
        Some(seconds) if seconds >= 86_400 => Timeframe::DAY,
        Some(seconds) => Timeframe::Seconds(i64::from(seconds).max(60)),
        None => Timeframe::MINUTE,
    }
}

/// Runs work that may keep a core busy away from the connections, and not too much of it at once.
async fn on_a_core<T: Send + 'static>(
    server: &Server,
    work: impl FnOnce() -> T + Send + 'static,
) -> Result<T, Refusal> {
    let _permit = server.history_pages.acquire().await.map_err(|_closed| Refusal::internal())?;
    tokio::task::spawn_blocking(work).await.map_err(|error| {
        tracing::error!(%error, "a page of history could not be made");
        Refusal::internal()
    })
}
