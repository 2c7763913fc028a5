//! The market-data API: `/v2/stocks` and `/v1beta3/crypto`.

use std::collections::HashMap;
use std::sync::Arc;

use axum::Router;
use axum::extract::{Path, Query, State};
use axum::response::Response;
use axum::routing::get;
use serde_json::{Map, Value, json};

use super::data_latest::{Newest, newest};
use super::data_page::{Items, Page, PageQuery};
use super::data_query::{
    Feed, Tense, assets, check_currency, given, named_assets, page_query, stock_parameters,
    timeframe,
};
use super::{Parameters, json as answer, on_a_core};
use crate::adjustment::{Adjustment, Factor, adjusted};
use crate::assets::{Asset, AssetClass};
use crate::auction::{self, Auction};
use crate::corporate_actions::CorporateAction;
use crate::data_wire::{self, Codec, Naming};
use crate::history::History;
use crate::refusal::Refusal;
use crate::server::Server;
use crate::timeframe::Timeframe;

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
    Auctions,
    OrderBooks,
    Snapshots,
}

impl Kind {
    fn of(word: &str) -> Result<Self, Refusal> {
        match word {
            "bars" => Ok(Self::Bars),
            "trades" => Ok(Self::Trades),
            "quotes" => Ok(Self::Quotes),
            "auctions" => Ok(Self::Auctions),
            "orderbooks" => Ok(Self::OrderBooks),
            "snapshots" | "snapshot" => Ok(Self::Snapshots),
            _ => Err(no_endpoint()),
        }
    }

    /// The member that carries a list.
    fn plural(self) -> &'static str {
        match self {
            Self::Bars => "bars",
            Self::Trades => "trades",
            Self::Quotes => "quotes",
            Self::Auctions => "auctions",
            Self::OrderBooks => "orderbooks",
            Self::Snapshots => "snapshots",
        }
    }

    /// The newest item, and the member that carries one symbol's.
    fn newest(self, class: AssetClass) -> Result<(Newest, &'static str), Refusal> {
        match self {
            Self::Bars => Ok((Newest::Bar, "bar")),
            Self::Trades => Ok((Newest::Trade, "trade")),
            Self::Quotes => Ok((Newest::Quote, "quote")),
            Self::OrderBooks if class == AssetClass::Crypto => Ok((Newest::OrderBook, "orderbook")),
            Self::Auctions | Self::OrderBooks | Self::Snapshots => Err(no_endpoint()),
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
    let assets = named_assets(&server, &parameters, AssetClass::UsEquity)?;
    if kind == Kind::Snapshots {
        let feed = latest_feed(&server, &parameters)?;
        let snapshots = newest(&server, Newest::Snapshot, assets, feed).await?;
        return Ok(answer(&json!(snapshots)));
    }
    let page = stock_page(&server, kind, assets, &parameters).await?;
    let mut body = json!({kind.plural(): page.by_symbol, "next_page_token": page.next});
    add_currency(&mut body, &parameters);
    Ok(answer(&body))
}

async fn stock_or_latest(
    State(server): SharedServer,
    Path((first, second)): Path<(String, String)>,
    Query(parameters): Query<Parameters>,
) -> Result<Response, Refusal> {
    if second == "latest" {
        let kind = Kind::of(&first)?;
        let (what, _) = kind.newest(AssetClass::UsEquity)?;
        let assets = named_assets(&server, &parameters, AssetClass::UsEquity)?;
        let feed = latest_feed(&server, &parameters)?;
        let found = newest(&server, what, assets, feed).await?;
        let mut body = json!({kind.plural(): found});
        add_currency(&mut body, &parameters);
        return Ok(answer(&body));
    }
    let kind = Kind::of(&second)?;
    let assets = assets(&server, std::slice::from_ref(&first), AssetClass::UsEquity)?;
    if kind == Kind::Snapshots {
        let feed = latest_feed(&server, &parameters)?;
        let found = newest(&server, Newest::Snapshot, assets, feed).await?;
        return single(found, &first, None, &parameters);
    }
    let mut page = stock_page(&server, kind, assets, &parameters).await?;
    let mut body = json!({
        kind.plural(): page.by_symbol.remove(&first),
        "symbol": first,
        "next_page_token": page.next,
    });
    add_currency(&mut body, &parameters);
    Ok(answer(&body))
}

async fn stock_latest(
    State(server): SharedServer,
    Path((symbol, kind)): Path<(String, String)>,
    Query(parameters): Query<Parameters>,
) -> Result<Response, Refusal> {
    let (what, member) = Kind::of(&kind)?.newest(AssetClass::UsEquity)?;
    let assets = assets(&server, std::slice::from_ref(&symbol), AssetClass::UsEquity)?;
    let feed = latest_feed(&server, &parameters)?;
    single(newest(&server, what, assets, feed).await?, &symbol, Some(member), &parameters)
}

async fn crypto(
    State(server): SharedServer,
    Path((location, kind)): Path<(String, String)>,
    Query(parameters): Query<Parameters>,
) -> Result<Response, Refusal> {
    let kind = crypto_kind(&location, &kind)?;
    let assets = named_assets(&server, &parameters, AssetClass::Crypto)?;
    if kind == Kind::Snapshots {
        let snapshots = newest(&server, Newest::Snapshot, assets, Feed::Sip).await?;
        return Ok(answer(&json!({"snapshots": snapshots})));
    }
    if matches!(kind, Kind::Auctions | Kind::OrderBooks) {
        return Err(no_endpoint());
    }
    let query = page_query(&server, assets, &parameters)?;
    let page = page(&server, kind, query, &parameters, Feed::Sip).await?;
    Ok(answer(&json!({kind.plural(): page.by_symbol, "next_page_token": page.next})))
}

async fn crypto_latest(
    State(server): SharedServer,
    Path((location, kind)): Path<(String, String)>,
    Query(parameters): Query<Parameters>,
) -> Result<Response, Refusal> {
    let kind = crypto_kind(&location, &kind)?;
    let (what, _) = kind.newest(AssetClass::Crypto)?;
    let assets = named_assets(&server, &parameters, AssetClass::Crypto)?;
    let found = newest(&server, what, assets, Feed::Sip).await?;
    Ok(answer(&json!({kind.plural(): found})))
}

fn crypto_kind(location: &str, kind: &str) -> Result<Kind, Refusal> {
    if is_location(location) { Kind::of(kind) } else { Err(no_endpoint()) }
}

fn latest_feed(server: &Server, parameters: &Parameters) -> Result<Feed, Refusal> {
    check_currency(parameters)?;
    Feed::of(parameters, &server.data_plan, Tense::Latest)
}

/// One symbol's newest item, in the member of that name or spread into the answer.
fn single(
    mut found: Map<String, Value>,
    symbol: &str,
    member: Option<&str>,
    parameters: &Parameters,
) -> Result<Response, Refusal> {
    let item = found
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
    add_currency(&mut body, parameters);
    Ok(answer(&body))
}

/// The currency is said when it was asked for.
fn add_currency(body: &mut Value, parameters: &Parameters) {
    if let Some(currency) = given(parameters, "currency") {
        body["currency"] = currency.into();
    }
}

async fn stock_page(
    server: &Arc<Server>,
    kind: Kind,
    assets: Vec<Arc<Asset>>,
    parameters: &Parameters,
) -> Result<Page, Refusal> {
    if kind == Kind::OrderBooks {
        return Err(no_endpoint());
    }
    let mut query = page_query(server, assets, parameters)?;
    let feed = stock_parameters(server, parameters, &mut query)?;
    page(server, kind, query, parameters, feed).await
}

async fn page(
    server: &Arc<Server>,
    kind: Kind,
    query: PageQuery,
    parameters: &Parameters,
    feed: Feed,
) -> Result<Page, Refusal> {
    let timeframe = if kind == Kind::Bars { timeframe(parameters)? } else { Timeframe::MINUTE };
    let adjustment = Adjustment::of(given(parameters, "adjustment"))?;
    let worker = Arc::clone(server);
    on_a_core(server, move || {
        Pages { server: &worker, feed, timeframe, adjustment }.read(kind, &query)
    })
    .await
}

/// What the items of a page depend on.
struct Pages<'a> {
    server: &'a Server,
    feed: Feed,
    timeframe: Timeframe,
    adjustment: Adjustment,
}

impl Pages<'_> {
    /// What each asset's prices are multiplied by.
    fn factors(&self, query: &PageQuery) -> HashMap<String, Vec<Factor>> {
        if self.adjustment.is_raw() {
            return HashMap::new();
        }
        let actions: Vec<CorporateAction> = self.server.exchange.read(|inner| {
            inner.books.actions.iter().map(|announced| announced.action.clone()).collect()
        });
        let (history, now) = (&self.server.history, self.server.exchange.clock.now());
        let assets = query.assets.iter();
        assets
            .map(|asset| {
                let factors = self.adjustment.factors(asset, &actions, history, now);
                (asset.symbol.clone(), factors)
            })
            .filter(|(_, factors)| !factors.is_empty())
            .collect()
    }

    fn read(&self, kind: Kind, query: &PageQuery) -> Page {
        let now = self.server.exchange.clock.now();
        let history: &History = &self.server.history;
        let (feed, timeframe) = (self.feed, self.timeframe);
        let factors = self.factors(query);
        match kind {
            Kind::Bars => query.read(
                history,
                &Items {
                    read: &|history, asset, range| history.bars(asset, timeframe, range, now),
                    keep: &|bar| timeframe >= Timeframe::DAY || feed.shows(bar.at),
                    write: &|asset, bar| {
                        let bar = match factors.get(&asset.symbol) {
                            Some(factors) => &adjusted(history, bar, factors),
                            None => bar,
                        };
                        json!(data_wire::bar(asset, bar, None, Codec::Json))
                    },
                },
            ),
            Kind::Trades => query.read(
                history,
                &Items {
                    read: &|history, asset, range| history.trades(asset, range, now),
                    keep: &|trade| feed.shows(trade.at),
                    write: &|asset, one| {
                        json!(data_wire::trade(asset, one, Naming::Bare, Codec::Json))
                    },
                },
            ),
            Kind::Auctions => {
                let hours = self.server.exchange.hours;
                query.read(
                    history,
                    &Items {
                        read: &|history, asset, range| {
                            auction::portions(history, asset, hours, range, now)
                        },
                        keep: &|_: &Auction| feed != Feed::Otc,
                        write: &|_, auction| auction.json(),
                    },
                )
            }
            Kind::Quotes | Kind::OrderBooks | Kind::Snapshots => query.read(
                history,
                &Items {
                    read: &|history, asset, range| history.quotes(asset, range, now),
                    keep: &|quote| feed.shows(quote.at),
                    write: &|asset, one| {
                        json!(data_wire::quote(asset, one, Naming::Bare, Codec::Json))
                    },
                },
            ),
        }
    }
}

fn no_endpoint() -> Refusal {
    Refusal::not_found("endpoint not found")
}
