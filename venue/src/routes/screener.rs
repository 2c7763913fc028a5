//! `/v1beta1/screener`: the most active and the most moved names of the day so far.

use std::sync::Arc;

use axum::Router;
use axum::extract::{Path, Query, State};
use axum::response::Response;
use axum::routing::get;
use chrono::DateTime;
use rust_decimal::Decimal;
use serde_json::{Value, json};

use super::data_query::given;
use super::guard::Caller;
use super::{Parameters, json as answer, on_a_core};
use crate::assets::AssetClass;
use crate::history::{Direction, Range};
use crate::market::Bar;
use crate::number::Number;
use crate::order_wire::timestamp;
use crate::refusal::Refusal;
use crate::server::Server;
use crate::timeframe::Timeframe;

const TOP_DEFAULT: usize = 10;
const ACTIVES_MAX: usize = 100;
const MOVERS_MAX: usize = 50;

pub(super) fn routes() -> Router<Arc<Server>> {
    Router::new()
        .route("/v1beta1/screener/stocks/most-actives", get(most_actives))
        .route("/v1beta1/screener/{market}/movers", get(movers))
}

/// A name and its two newest days.
struct Day {
    symbol: String,
    today: Bar,
    yesterday_close: Option<Decimal>,
}

impl Day {
    /// The change since the close before, in USD and in percent.
    fn change(&self) -> Option<(Decimal, Decimal)> {
        let before = self.yesterday_close.filter(|close| !close.is_zero())?;
        let change = self.today.close - before;
        Some((change, (change / before * Decimal::ONE_HUNDRED).round_dp(2)))
    }

    fn json(&self, change: Decimal, percent: Decimal) -> Value {
        json!({
            "symbol": self.symbol,
            "percent_change": Number::of(percent),
            "change": Number::of(change.round_dp(4)),
            "price": Number::of(self.today.close),
        })
    }
}

async fn most_actives(
    State(server): State<Arc<Server>>,
    _caller: Caller,
    Query(parameters): Query<Parameters>,
) -> Result<Response, Refusal> {
    let top = top(&parameters, ACTIVES_MAX)?;
    let by_trades = match given(&parameters, "by") {
        None | Some("volume") => false,
        Some("trades") => true,
        Some(other) => {
            return Err(Refusal::bad_request(format!("invalid by: {other} (volume or trades)")));
        }
    };
    let mut days = days(&server, AssetClass::UsEquity).await?;
    days.sort_by(|left, right| {
        let order = if by_trades {
            right.today.trades.cmp(&left.today.trades)
        } else {
            right.today.volume.cmp(&left.today.volume)
        };
        order.then_with(|| left.symbol.cmp(&right.symbol))
    });
    let actives: Vec<Value> = days
        .iter()
        .take(top)
        .map(|day| {
            json!({
                "symbol": day.symbol,
                "volume": Number::of(day.today.volume.round()),
                "trade_count": day.today.trades,
            })
        })
        .collect();
    let now = timestamp(server.exchange.clock.now());
    Ok(answer(&json!({"most_actives": actives, "last_updated": now})))
}

async fn movers(
    State(server): State<Arc<Server>>,
    _caller: Caller,
    Path(market): Path<String>,
    Query(parameters): Query<Parameters>,
) -> Result<Response, Refusal> {
    let class = match market.as_str() {
        "stocks" => AssetClass::UsEquity,
        "crypto" => AssetClass::Crypto,
        _ => return Err(Refusal::not_found("endpoint not found")),
    };
    let top = top(&parameters, MOVERS_MAX)?;
    let days = days(&server, class).await?;
    let mut moved: Vec<(&Day, Decimal, Decimal)> = days
        .iter()
        .filter_map(|day| day.change().map(|(change, percent)| (day, change, percent)))
        .collect();
    moved.sort_by(|left, right| right.2.cmp(&left.2).then(left.0.symbol.cmp(&right.0.symbol)));
    let write = |(day, change, percent): &(&Day, Decimal, Decimal)| day.json(*change, *percent);
    let gainers: Vec<Value> =
        moved.iter().filter(|one| one.2 > Decimal::ZERO).take(top).map(write).collect();
    let losers: Vec<Value> =
        moved.iter().rev().filter(|one| one.2 < Decimal::ZERO).take(top).map(write).collect();
    Ok(answer(&json!({
        "gainers": gainers,
        "losers": losers,
        "market_type": market,
        "last_updated": timestamp(server.exchange.clock.now()),
    })))
}

/// The newest days of every asset of a class that has traded.
async fn days(server: &Arc<Server>, class: AssetClass) -> Result<Vec<Day>, Refusal> {
    let worker = Arc::clone(server);
    on_a_core(server, move || {
        let now = worker.exchange.clock.now();
        let direction = Direction::Descending;
        let range = Range { from: DateTime::UNIX_EPOCH, until: now, direction };
        let assets = worker.exchange.assets.iter();
        assets
            .filter(|asset| asset.class == class && !asset.test_only)
            .filter_map(|asset| {
                let portions = worker.history.bars(asset, Timeframe::DAY, range, now);
                // Beyond the longest break of the exchange there is nothing either.
                let mut bars = portions.take(14).flat_map(|portion| portion.items);
                let today = bars.next()?;
                let yesterday_close = bars.next().map(|bar| bar.close);
                Some(Day { symbol: asset.symbol.clone(), today, yesterday_close })
            })
            .collect()
    })
    .await
}

fn top(parameters: &Parameters, maximum: usize) -> Result<usize, Refusal> {
    match given(parameters, "top").map(str::parse::<usize>) {
        None => Ok(TOP_DEFAULT),
        Some(Ok(top)) if (1..=maximum).contains(&top) => Ok(top),
        Some(_) => Err(Refusal::bad_request(format!("invalid top: must be 1 to {maximum}"))),
    }
}
