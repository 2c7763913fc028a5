//! Alpaca's history and asset list over REST. `apca` has its data host built in and knows neither
//! coins nor several symbols.

use super::{Endpoints, Keys};
use chrono::{DateTime, SecondsFormat, Utc};
use engine::bar::{Bar, BarBuilder, Step};
use engine::{Asset, AssetClass, Ticker, Timestamp};
use rust_decimal::Decimal;
use secrecy::ExposeSecret as _;
use serde::Deserialize;
use serde::de::DeserializeOwned;
use std::collections::BTreeMap;
use std::time::Duration;
use thiserror::Error;

/// How long one request may take.
const REQUEST_TIMEOUT: Duration = Duration::from_secs(10);

/// Rows of one page; the most that Alpaca gives.
const PAGE_LIMIT: &str = "10000";

/// `apca` writes quantities with eight decimals and rounds what is finer, so nothing finer is
/// ever ordered.
const APCA_STEP_MIN: Decimal = Decimal::from_parts(1, 0, 0, false, 8);

/// Pages that one question may take: more is a mistake of the question.
const PAGES_MAX: usize = 20;

/// Why there is no history.
#[derive(Debug, Error)]
pub(crate) enum DataError {
    /// No answer, or not a readable one.
    #[error("{0}")]
    Unreachable(#[from] reqwest::Error),
    /// An answer that is a refusal.
    #[error("{path}: status {status}: {body}")]
    Refused {
        /// What was asked.
        path: String,
        /// HTTP status.
        status: u16,
        /// The first characters of the answer.
        body: String,
    },
}

/// Reads history and assets.
#[derive(Clone, Debug)]
pub(crate) struct DataClient {
    http: reqwest::Client,
    trading_url: String,
    data_url: String,
    keys: Keys,
}

#[derive(Deserialize)]
struct BarsPage {
    bars: Option<BTreeMap<String, Vec<WireBar>>>,
    next_page_token: Option<String>,
}

#[derive(Deserialize)]
struct TradesPage {
    trades: Option<BTreeMap<String, Vec<WireTrade>>>,
    next_page_token: Option<String>,
}

#[derive(Deserialize)]
struct WireBar {
    t: DateTime<Utc>,
    o: f64,
    h: f64,
    l: f64,
    c: f64,
    v: f64,
    n: Option<u64>,
}

#[derive(Deserialize)]
struct WireTrade {
    t: DateTime<Utc>,
    p: f64,
    s: f64,
}

#[derive(Deserialize)]
struct WireAsset {
    class: String,
    symbol: String,
    tradable: bool,
    fractionable: bool,
    min_order_size: Option<Decimal>,
    min_trade_increment: Option<Decimal>,
}

impl DataClient {
    pub(crate) fn new(endpoints: &Endpoints, keys: Keys) -> Result<Self, DataError> {
        let http = reqwest::Client::builder()
            .timeout(REQUEST_TIMEOUT)
            .redirect(reqwest::redirect::Policy::none())
            .build()?;
        let (trading_url, data_url) = (endpoints.trading_url.clone(), endpoints.data_url.clone());
        Ok(Self { http, trading_url, data_url, keys })
    }

    /// The tradable universe.
    pub(crate) async fn assets(&self) -> Result<Vec<Asset>, DataError> {
        let url = format!("{}/v2/assets", self.trading_url);
        let assets: Vec<WireAsset> = self.get(&url, &[("status", "active")]).await?;
        Ok(assets.iter().filter_map(asset).collect())
    }

    /// Closed bars of `seconds` that start at `from` or later and end by `until`, in order.
    pub(crate) async fn bars(
        &self,
        asset: &Asset,
        seconds: u32,
        (from, until): (Timestamp, Timestamp),
    ) -> Result<Vec<Bar>, DataError> {
        let bars = match timeframe(seconds) {
            Some((timeframe, length)) => {
                let parts = self.wire_bars(asset, &timeframe, (from, until)).await?;
                merge(seconds, parts.into_iter().map(|part| part.bar(length)))
            }
            None => self.bars_of_trades(asset, seconds, (from, until)).await?,
        };
        Ok(bars.into_iter().filter(|bar| bar.at >= from && bar.end() <= until).collect())
    }

    async fn wire_bars(
        &self,
        asset: &Asset,
        timeframe: &str,
        range: (Timestamp, Timestamp),
    ) -> Result<Vec<WireBar>, DataError> {
        let mut bars = Vec::new();
        let mut token = None;
        for _ in 0..PAGES_MAX {
            let query = [("timeframe", timeframe), ("adjustment", "all")];
            let mut page: BarsPage = self.page(asset, "bars", range, &query, token).await?;
            let of_asset = page.bars.as_mut().and_then(|all| all.remove(asset.ticker.as_str()));
            bars.extend(of_asset.unwrap_or_default());
            token = page.next_page_token;
            if token.is_none() {
                break;
            }
        }
        Ok(bars)
    }

    async fn bars_of_trades(
        &self,
        asset: &Asset,
        seconds: u32,
        range: (Timestamp, Timestamp),
    ) -> Result<Vec<Bar>, DataError> {
        let mut builder = BarBuilder::new(seconds);
        let mut bars = Vec::new();
        let mut token = None;
        for _ in 0..PAGES_MAX {
            let mut page: TradesPage = self.page(asset, "trades", range, &[], token).await?;
            let of_asset = page.trades.as_mut().and_then(|all| all.remove(asset.ticker.as_str()));
            for trade in of_asset.unwrap_or_default() {
                if let Step::Closed(bar) = builder.on_trade(trade.t, trade.p, trade.s) {
                    bars.push(bar);
                }
            }
            token = page.next_page_token;
            if token.is_none() {
                break;
            }
        }
        bars.extend(builder.on_time(range.1));
        Ok(bars)
    }

    async fn page<T: DeserializeOwned>(
        &self,
        asset: &Asset,
        what: &str,
        (from, until): (Timestamp, Timestamp),
        more: &[(&str, &str)],
        token: Option<String>,
    ) -> Result<T, DataError> {
        let base = match asset.class {
            AssetClass::UsEquity => format!("{}/v2/stocks/{what}", self.data_url),
            AssetClass::Crypto => format!("{}/v1beta3/crypto/us/{what}", self.data_url),
        };
        let (start, end) = (rfc3339(from), rfc3339(until));
        let mut query = vec![
            ("symbols", asset.ticker.as_str()),
            ("start", &start),
            ("end", &end),
            ("limit", PAGE_LIMIT),
        ];
        query.extend_from_slice(more);
        if let Some(token) = &token {
            query.push(("page_token", token));
        }
        self.get(&base, &query).await
    }

    async fn get<T: DeserializeOwned>(
        &self,
        url: &str,
        query: &[(&str, &str)],
    ) -> Result<T, DataError> {
        let request = self
            .http
            .get(url)
            .query(query)
            .header("APCA-API-KEY-ID", &self.keys.key_id)
            .header("APCA-API-SECRET-KEY", self.keys.secret.expose_secret());
        let answer = request.send().await?;
        let status = answer.status();
        if !status.is_success() {
            let body = answer.text().await?.chars().take(200).collect();
            return Err(DataError::Refused { path: url.to_owned(), status: status.as_u16(), body });
        }
        Ok(answer.json().await?)
    }
}

impl WireBar {
    fn bar(self, seconds: u32) -> Bar {
        Bar {
            at: self.t,
            seconds,
            open: self.o,
            high: self.h,
            low: self.l,
            close: self.c,
            volume: self.v,
            trades: self.n.unwrap_or(0),
        }
    }
}

/// Alpaca's name for the largest of its bars that fits into bars of `seconds`, and its length;
/// `None` below a minute: those are made of trades.
fn timeframe(seconds: u32) -> Option<(String, u32)> {
    match seconds {
        86_400 => Some(("1Day".to_owned(), 86_400)),
        seconds if seconds % 3_600 == 0 => Some(("1Hour".to_owned(), 3_600)),
        seconds if seconds % 60 == 0 => Some(("1Min".to_owned(), 60)),
        _ => None,
    }
}

/// Joins bars into longer ones.
fn merge(seconds: u32, parts: impl Iterator<Item = Bar>) -> Vec<Bar> {
    let mut bars: Vec<Bar> = Vec::new();
    for part in parts {
        let start = engine::bar::interval_start(part.at, seconds);
        // A daily bar is stamped with New York's midnight; its day is what counts.
        match bars.last_mut().filter(|bar| bar.at == start && part.seconds < seconds) {
            Some(bar) => {
                bar.high = bar.high.max(part.high);
                bar.low = bar.low.min(part.low);
                bar.close = part.close;
                bar.volume += part.volume;
                bar.trades += part.trades;
            }
            None => bars.push(Bar { at: start, seconds, ..part }),
        }
    }
    bars
}

fn asset(wire: &WireAsset) -> Option<Asset> {
    let class = match wire.class.as_str() {
        "us_equity" => AssetClass::UsEquity,
        "crypto" => AssetClass::Crypto,
        _ => return None,
    };
    // Stocks are bought in whole shares: part of one takes only market day orders and no replace.
    let whole = class == AssetClass::UsEquity || !wire.fractionable;
    let quantity_step =
        if whole { Decimal::ONE } else { wire.min_trade_increment?.max(APCA_STEP_MIN) };
    let least = if whole { Decimal::ONE } else { wire.min_order_size.unwrap_or(quantity_step) };
    Some(Asset {
        ticker: Ticker::new(&wire.symbol).ok()?,
        class,
        tradable: wire.tradable,
        quantity_step,
        quantity_min: least.max(quantity_step),
    })
}

fn rfc3339(at: Timestamp) -> String {
    at.to_rfc3339_opts(SecondsFormat::Nanos, true)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bars_are_asked_for_in_the_largest_length_that_fits() {
        let length = |seconds| timeframe(seconds).map(|(_, length)| length);
        assert_eq!(length(86_400), Some(86_400));
        assert_eq!(length(7_200), Some(3_600));
        assert_eq!(length(300), Some(60));
        assert_eq!(length(90), None);
    }

    #[test]
    fn minutes_join_into_longer_bars() {
        let part = |minute: i64, price: f64| Bar {
            at: DateTime::from_timestamp(minute * 60, 0).unwrap(),
            seconds: 60,
            open: price,
            high: price + 1.0,
            low: price - 1.0,
            close: price,
            volume: 2.0,
            trades: 1,
        };
        let bars = merge(300, [part(0, 5.0), part(4, 9.0), part(5, 7.0)].into_iter());
        assert_eq!(bars.len(), 2);
        assert_eq!((bars[0].open, bars[0].high, bars[0].low, bars[0].close), (5.0, 10.0, 4.0, 9.0));
        assert_eq!((bars[0].trades, bars[1].trades), (2, 1));
    }
}
