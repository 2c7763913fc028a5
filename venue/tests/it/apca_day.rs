//! A user of the unchanged `apca` crate and their day: what apca read, the trade stream told and the
//! venue's own JSON says must be one story.
#![expect(clippy::unwrap_used, reason = "a test may panic")]
#![expect(clippy::future_not_send, reason = "each test has a runtime of one thread")]

use std::collections::BTreeMap;
use std::pin::Pin;

use apca::api::v2::account_activities::{ActivityReq, ActivityType};
use apca::api::v2::{
    account, account_activities, clock, order, orders, position, positions, updates,
};
use apca::data::v2::{bars, last_quotes, quotes, trades};
use apca::{ApiInfo, Client, Subscribable};
use chrono::{DateTime, Utc};
use futures_util::{Stream, StreamExt};
use http_endpoint::{Bytes, Endpoint, Str};
use num_decimal::Num;
use serde_json::{Value, json};
use updates::OrderStatus::{Canceled, Expired, Filled, New, PartialFill, Replaced};
use venue::{AdminOptions, SyntheticOptions, Venue, VenueOptions};

use crate::support::{DEADLINE, Http, KEY, SECRET, start, synthetic};

type Update = Result<updates::OrderUpdate, Box<dyn std::error::Error>>;

const ADMIN_TOKEN: &str = "a token of the tests' own";

/// A user with a client, a trade stream, and everything that was heard on it.
struct Desk {
    venue: Venue,
    http: Http,
    client: Client,
    updates: Pin<Box<dyn Stream<Item = Update>>>,
    _subscription: <updates::OrderUpdates as Subscribable>::Subscription,
    heard: Vec<updates::OrderUpdate>,
}

impl Desk {
    async fn open(options: VenueOptions) -> Self {
        let (venue, http) = start(options).await;
        let address = venue.address();
        let mut info = ApiInfo::from_parts(format!("http://{address}"), KEY, SECRET).unwrap();
        info.api_stream_url = format!("ws://{address}/stream").parse().unwrap();
        info.data_stream_base_url = format!("ws://{address}").parse().unwrap();
        let client = Client::new(info);
        let (stream, subscription) = client.subscribe::<updates::OrderUpdates>().await.unwrap();
        let updates = Box::pin(stream.map(|item| Ok(item.unwrap()?)));
        Self { venue, http, client, updates, _subscription: subscription, heard: Vec::new() }
    }

    async fn send(&self, request: &order::CreateReq) -> order::Order {
        self.client.issue::<order::Create>(request).await.unwrap()
    }

    async fn read(&self, id: order::Id) -> order::Order {
        self.client.issue::<order::Get>(&id).await.unwrap()
    }

    /// Waits for an event of an order, then reads the order, which the venue has committed by then.
    async fn done(&mut self, id: order::Id, event: updates::OrderStatus) -> order::Order {
        while !self.heard.iter().any(|update| update.order.id == id && update.event == event) {
            let next = tokio::time::timeout(DEADLINE, self.updates.next()).await;
            self.heard.push(next.unwrap().unwrap().unwrap());
        }
        self.read(id).await
    }

    async fn fill(&mut self, request: &order::CreateReq) -> order::Order {
        let placed = self.send(request).await;
        self.done(placed.id, Filled).await
    }

    /// All executions, over pages of three.
    async fn executions(&self) -> Vec<account_activities::TradeActivity> {
        let mut request = ActivityReq {
            types: vec![ActivityType::Fill],
            direction: account_activities::Direction::Ascending,
            page_size: Some(3),
            ..ActivityReq::default()
        };
        let mut found = Vec::new();
        loop {
            let page = self.client.issue::<account_activities::Get>(&request).await.unwrap();
            let count = page.len();
            request.page_token = page.last().map(|activity| activity.id().to_owned());
            found.extend(page.into_iter().map(|activity| activity.into_trade().unwrap()));
            if count < 3 {
                return found;
            }
        }
    }

    /// Orders, executions, positions and cash must agree with each other and with the raw JSON.
    async fn assert_books_agree(&self) {
        let mut cash = Num::from(100_000);
        let mut held = BTreeMap::<String, Num>::new();
        let mut filled = BTreeMap::<String, Num>::new();
        for execution in self.executions().await {
            let bought = execution.side == account_activities::Side::Buy;
            let signed =
                if bought { execution.quantity.clone() } else { -execution.quantity.clone() };
            cash -= &signed * &execution.price;
            *held.entry(execution.symbol.replace('/', "")).or_default() += &signed;
            *filled.entry(execution.order_id.to_string()).or_default() += execution.quantity;
        }
        for charge in self.http.get("/v2/account/activities").await.as_array().unwrap() {
            if charge["activity_type"] != "FILL" {
                cash += number(&charge["net_amount"]);
            }
        }
        held.retain(|_, quantity| *quantity != Num::from(0));
        let positions = self.client.issue::<positions::List>(&()).await.unwrap();
        let found: BTreeMap<_, _> =
            positions.into_iter().map(|one| (one.symbol.clone(), signed_quantity(one))).collect();
        assert_eq!(found, held);
        let account = self.client.issue::<account::Get>(&()).await.unwrap();
        assert_eq!(account.cash, cash);
        self.assert_orders_agree(&filled).await;
    }

    async fn assert_orders_agree(&self, filled: &BTreeMap<String, Num>) {
        let all = orders::ListReq {
            status: orders::Status::All,
            limit: Some(500),
            nested: false,
            ..orders::ListReq::default()
        };
        let parsed = self.client.issue::<orders::List>(&all).await.unwrap();
        let said = self.http.get("/v2/orders?status=all&limit=500").await;
        let said = said.as_array().unwrap();
        assert_eq!(parsed.len(), said.len());
        for (order, said) in parsed.iter().zip(said) {
            let id = order.id.to_string();
            assert_eq!(id, said["id"]);
            assert_eq!(order.filled_quantity, filled.get(&id).cloned().unwrap_or_default());
            assert_eq!(order.filled_quantity, number(&said["filled_qty"]));
            assert_eq!(order.average_fill_price, optional(&said["filled_avg_price"]));
            assert_eq!(order.limit_price, optional(&said["limit_price"]));
            assert_eq!(order.stop_price, optional(&said["stop_price"]));
            assert_eq!(order.client_order_id, said["client_order_id"]);
            assert_eq!(order.symbol, said["symbol"]);
        }
    }
}

fn number(value: &Value) -> Num {
    value.as_str().unwrap().parse().unwrap()
}

fn optional(value: &Value) -> Option<Num> {
    (!value.is_null()).then(|| number(value))
}

/// apca drops the sign of a quantity and keeps the side.
fn signed_quantity(position: position::Position) -> Num {
    match position.side {
        position::Side::Long => position.quantity,
        position::Side::Short => -position.quantity,
    }
}

fn market(symbol: &str, side: order::Side, quantity: i32) -> order::CreateReq {
    order::CreateReqInit::default().init(symbol, side, order::Amount::quantity(quantity))
}

fn limit(symbol: &str, side: order::Side, quantity: i32, price: &Num) -> order::CreateReq {
    let init = order::CreateReqInit {
        type_: order::Type::Limit,
        limit_price: Some(price.clone()),
        ..order::CreateReqInit::default()
    };
    init.init(symbol, side, order::Amount::quantity(quantity))
}

/// Sends requests for history to the client's own host; apca's types name Alpaca's.
macro_rules! at_the_venue {
    ($name:ident, $endpoint:ty) => {
        struct $name;

        impl Endpoint for $name {
            type Input = <$endpoint as Endpoint>::Input;
            type Output = <$endpoint as Endpoint>::Output;
            type Error = <$endpoint as Endpoint>::Error;
            type ConversionError = <$endpoint as Endpoint>::ConversionError;
            type ApiError = <$endpoint as Endpoint>::ApiError;

            fn method() -> http::Method {
                <$endpoint>::method()
            }

            fn path(input: &Self::Input) -> Str {
                <$endpoint>::path(input)
            }

            fn query(input: &Self::Input) -> Result<Option<Str>, Self::ConversionError> {
                <$endpoint>::query(input)
            }

            fn body(input: &Self::Input) -> Result<Option<Bytes>, Self::ConversionError> {
                <$endpoint>::body(input)
            }

            fn parse(body: &[u8]) -> Result<Self::Output, Self::ConversionError> {
                <$endpoint>::parse(body)
            }

            fn parse_err(body: &[u8]) -> Result<Self::ApiError, Vec<u8>> {
                <$endpoint>::parse_err(body)
            }

            fn evaluate(
                status: http::StatusCode,
                body: &[u8],
            ) -> Result<Self::Output, Self::Error> {
                <$endpoint>::evaluate(status, body)
            }
        }
    };
}

at_the_venue!(Bars, bars::List);
at_the_venue!(Trades, trades::List);
at_the_venue!(Quotes, quotes::List);
at_the_venue!(NewestQuotes, last_quotes::Get);

fn at(text: &str) -> DateTime<Utc> {
    text.parse().unwrap()
}

#[tokio::test]
async fn apca_trades_and_every_book_agrees() {
    let mut desk = Desk::open(synthetic()).await;
    let bought = desk.fill(&market("AAPL", order::Side::Buy, 10)).await;
    let price = bought.average_fill_price.unwrap();
    desk.fill(&market("MSFT", order::Side::Buy, 3)).await;
    desk.fill(&market("AAPL", order::Side::Sell, 4)).await;

    let low = (price * Num::new(8, 10)).round_with(2);
    let resting = desk.send(&limit("AAPL", order::Side::Buy, 2, &low)).await;
    desk.client.issue::<order::Delete>(&resting.id).await.unwrap();
    let canceled = desk.done(resting.id, Canceled).await;
    assert_eq!(canceled.status, order::Status::Canceled);
    assert!(canceled.canceled_at.is_some());

    desk.assert_books_agree().await;
    desk.venue.stop().await;
}

#[tokio::test]
async fn apca_hears_partial_fills_and_they_add_up() {
    let mut options = synthetic();
    if let venue::Source::Synthetic(source) = &mut options.source {
        source.partial_fill_chance = 1.0;
    }
    let mut desk = Desk::open(options).await;
    let filled = desk.fill(&market("INTC", order::Side::Buy, 20)).await;
    let mut cumulative = Num::from(0);
    let mut slices = 0;
    for update in desk.heard.iter().filter(|update| update.order.id == filled.id) {
        if matches!(update.event, Filled | PartialFill) {
            assert!(update.order.filled_quantity > cumulative);
            cumulative = update.order.filled_quantity.clone();
            slices += 1;
        }
    }
    assert!(slices >= 2, "{slices} execution");
    assert_eq!(cumulative, Num::from(20));
    assert_eq!(desk.executions().await.len(), slices);
    desk.assert_books_agree().await;
    desk.venue.stop().await;
}

fn cents(price: &Num, percent: i32) -> Num {
    (price * Num::new(percent, 100)).round_with(2)
}

#[tokio::test]
async fn apca_sends_every_kind_of_order_that_rests() {
    let mut desk = Desk::open(synthetic()).await;
    let price = desk.fill(&market("MSFT", order::Side::Buy, 1)).await.average_fill_price.unwrap();
    let (stop, above) = (Some(cents(&price, 120)), Some(cents(&price, 121)));
    let kinds = [
        order::CreateReqInit {
            type_: order::Type::Stop,
            stop_price: stop.clone(),
            ..order::CreateReqInit::default()
        },
        order::CreateReqInit {
            type_: order::Type::StopLimit,
            stop_price: stop,
            limit_price: above,
            ..order::CreateReqInit::default()
        },
        order::CreateReqInit {
            type_: order::Type::TrailingStop,
            trail_percent: Some(Num::from(20)),
            ..order::CreateReqInit::default()
        },
    ];
    for init in kinds {
        let init =
            order::CreateReqInit { time_in_force: order::TimeInForce::UntilCanceled, ..init };
        let request = init.init("MSFT", order::Side::Buy, order::Amount::quantity(2));
        let placed = desk.send(&request).await;
        let resting = desk.done(placed.id, New).await;
        assert_eq!((resting.type_, resting.status), (request.type_, order::Status::New));
        assert_eq!(resting.trail_percent, request.trail_percent);
        assert!(resting.stop_price.is_some());
        desk.client.issue::<order::Delete>(&placed.id).await.unwrap();
        desk.done(placed.id, Canceled).await;
    }
    desk.assert_books_agree().await;
    desk.venue.stop().await;
}

#[tokio::test]
async fn apca_replaces_an_order_until_it_fills() {
    let mut desk = Desk::open(synthetic()).await;
    let price = desk.fill(&market("JPM", order::Side::Buy, 1)).await.average_fill_price.unwrap();
    let first = desk.send(&limit("JPM", order::Side::Buy, 2, &cents(&price, 80))).await;
    desk.done(first.id, New).await;
    let change = order::ChangeReq {
        quantity: Some(Num::from(3)),
        limit_price: Some(cents(&price, 110)),
        ..order::ChangeReq::default()
    };
    let second = desk.client.issue::<order::Change>(&(first.id, change)).await.unwrap();
    assert_ne!(second.id, first.id);
    assert_eq!(desk.done(first.id, Replaced).await.status, order::Status::Replaced);
    assert_eq!(desk.done(second.id, Filled).await.filled_quantity, Num::from(3));
    desk.assert_books_agree().await;
    desk.venue.stop().await;
}

#[tokio::test]
async fn apca_sends_a_bracket_whose_profit_cancels_its_stop() {
    let mut desk = Desk::open(synthetic()).await;
    let price = desk.fill(&market("TSLA", order::Side::Buy, 1)).await.average_fill_price.unwrap();
    let init = order::CreateReqInit {
        class: order::Class::Bracket,
        take_profit: Some(order::TakeProfit::Limit(cents(&price, 130))),
        stop_loss: Some(order::StopLoss::Stop(cents(&price, 70))),
        ..order::CreateReqInit::default()
    };
    let request = init.init("TSLA", order::Side::Buy, order::Amount::quantity(2));
    let entry = desk.send(&request).await;
    let [profit, stop] = entry.legs.as_slice() else { panic!("legs: {:?}", entry.legs) };
    desk.done(entry.id, Filled).await;
    desk.done(profit.id, New).await;
    let change =
        order::ChangeReq { limit_price: Some(cents(&price, 90)), ..order::ChangeReq::default() };
    let taken = desk.client.issue::<order::Change>(&(profit.id, change)).await.unwrap();
    desk.done(taken.id, Filled).await;
    assert_eq!(desk.done(stop.id, Canceled).await.status, order::Status::Canceled);
    desk.assert_books_agree().await;
    desk.venue.stop().await;
}

#[tokio::test]
async fn apca_sells_short_and_buys_back() {
    let mut desk = Desk::open(synthetic()).await;
    desk.fill(&market("KO", order::Side::Sell, 5)).await;
    let symbol = apca::api::v2::asset::Symbol::Sym("KO".to_owned());
    let short = desk.client.issue::<position::Get>(&symbol).await.unwrap();
    assert_eq!((short.side, short.quantity), (position::Side::Short, Num::from(5)));
    desk.assert_books_agree().await;
    let closing = desk.client.issue::<position::Delete>(&symbol).await.unwrap();
    desk.done(closing.id, Filled).await;
    assert!(desk.client.issue::<positions::List>(&()).await.unwrap().is_empty());
    desk.assert_books_agree().await;
    desk.venue.stop().await;
}

#[tokio::test]
async fn apca_reads_history_page_by_page_as_the_venue_tells_it() {
    let desk = Desk::open(synthetic()).await;
    let (from, to) = (at("2026-11-20T15:00:00Z"), at("2026-11-20T15:10:00Z"));
    let span = "start=2026-11-20T15:00:00Z&end=2026-11-20T15:10:00Z&limit=10000";

    let mut request = bars::ListReqInit { limit: Some(4), ..bars::ListReqInit::default() }.init(
        "SPY",
        from,
        to,
        bars::TimeFrame::OneMinute,
    );
    let mut found = Vec::new();
    loop {
        let page = desk.client.issue::<Bars>(&request).await.unwrap();
        found.extend(page.bars);
        request.page_token = page.next_page_token;
        if request.page_token.is_none() {
            break;
        }
    }
    let said = desk.http.get(&format!("/v2/stocks/SPY/bars?timeframe=1Min&{span}")).await;
    let said = said["bars"].as_array().unwrap();
    assert_eq!((found.len(), found.len()), (said.len(), 11));
    for (bar, said) in found.iter().zip(said) {
        assert_eq!(bar.time, at(said["t"].as_str().unwrap()));
        assert_eq!(bar.close.to_f64().unwrap().to_string(), said["c"].to_string());
        assert_eq!(bar.volume.to_string(), said["v"].to_string());
    }

    let request = trades::ListReqInit { limit: Some(10_000), ..trades::ListReqInit::default() };
    let page = desk.client.issue::<Trades>(&request.init("SPY", from, to)).await.unwrap();
    let said = desk.http.get(&format!("/v2/stocks/SPY/trades?{span}")).await;
    assert_eq!(page.trades.len(), said["trades"].as_array().unwrap().len());

    let request = quotes::ListReqInit { limit: Some(10_000), ..quotes::ListReqInit::default() };
    let page = desk.client.issue::<Quotes>(&request.init("SPY", from, to)).await.unwrap();
    let said = desk.http.get(&format!("/v2/stocks/SPY/quotes?{span}")).await;
    assert_eq!(page.quotes.len(), said["quotes"].as_array().unwrap().len());

    let request = last_quotes::GetReqInit::default().init(["AAPL", "SPY"]);
    let newest = desk.client.issue::<NewestQuotes>(&request).await.unwrap();
    assert_eq!(newest.len(), 2);
    desk.venue.stop().await;
}

/// Moves a venue's clock over its admin port.
async fn advance_to(venue: &Venue, time: &str) {
    let url = format!("http://{}/clock", venue.admin_address().unwrap());
    let body = json!({"advance_to": time}).to_string();
    let request = reqwest::Client::new().post(url).bearer_auth(ADMIN_TOKEN).body(body);
    assert_eq!(request.send().await.unwrap().status(), 200);
}

/// Monday 2 March 2026 from 9:20 in New York, ten times as fast as the machine's clock.
fn a_day() -> VenueOptions {
    let options = SyntheticOptions {
        partial_fill_chance: 0.1,
        start: Some(at("2026-03-02T14:20:00Z")),
        speed: 10.0,
        ..SyntheticOptions::default()
    };
    VenueOptions {
        source: venue::Source::Synthetic(options),
        requests_per_minute: 100_000,
        admin: Some(AdminOptions {
            listen: "127.0.0.1:0".parse().unwrap(),
            token: ADMIN_TOKEN.to_owned().into(),
        }),
        ..VenueOptions::default()
    }
}

/// The newest day's bar of a symbol, as apca reads it.
async fn session_bar(desk: &Desk, symbol: &str) -> bars::Bar {
    let (from, to) = (at("2026-03-02T00:00:00Z"), desk.venue.clock().now());
    let request = bars::ListReqInit::default().init(symbol, from, to, bars::TimeFrame::OneDay);
    let mut page = desk.client.issue::<Bars>(&request).await.unwrap();
    assert_eq!(page.bars.len(), 1);
    page.bars.remove(0)
}

fn auction(
    symbol: &str,
    side: order::Side,
    quantity: i32,
    time_in_force: order::TimeInForce,
) -> order::CreateReq {
    let init = order::CreateReqInit { time_in_force, ..order::CreateReqInit::default() };
    init.init(symbol, side, order::Amount::quantity(quantity))
}

#[tokio::test]
async fn apca_trades_a_whole_day_from_before_the_open_into_the_evening() {
    let mut desk = Desk::open(a_day()).await;
    let (open, close) = (at("2026-03-02T14:30:00Z"), at("2026-03-02T21:00:00Z"));
    let now = desk.client.issue::<clock::Get>(&()).await.unwrap();
    assert_eq!((now.open, now.next_open, now.next_close), (false, open, close));

    // What is sent before the open waits for it.
    let waiting = desk.send(&market("AAPL", order::Side::Buy, 10)).await;
    let request = auction("MSFT", order::Side::Buy, 5, order::TimeInForce::UntilMarketOpen);
    let opening = desk.send(&request).await;
    for order in [&waiting, &opening] {
        assert_eq!(order.status, order::Status::Accepted);
    }
    advance_to(&desk.venue, "2026-03-02T14:29:50Z").await;
    assert!(desk.done(waiting.id, Filled).await.filled_at.unwrap() >= open);
    let filled = desk.done(opening.id, Filled).await;
    assert_eq!(filled.average_fill_price, Some(session_bar(&desk, "MSFT").await.open));
    assert!(desk.client.issue::<clock::Get>(&()).await.unwrap().open);

    // One order outlives the day, one ends with it, one fills in the closing auction.
    desk.fill(&market("JPM", order::Side::Buy, 6)).await;
    let far = limit("IBM", order::Side::Buy, 1, &Num::from(100));
    let stays =
        order::CreateReq { time_in_force: order::TimeInForce::UntilCanceled, ..far.clone() };
    let stays = desk.send(&stays).await;
    let ends = desk.send(&far).await;
    desk.done(ends.id, New).await;
    let request = auction("AAPL", order::Side::Sell, 10, order::TimeInForce::UntilMarketClose);
    let closing = desk.send(&request).await;
    desk.assert_books_agree().await;
    advance_to(&desk.venue, "2026-03-02T20:59:50Z").await;
    let expired = desk.done(ends.id, Expired).await;
    assert!(expired.expired_at.unwrap() >= close);
    let filled = desk.done(closing.id, Filled).await;
    assert_eq!(filled.average_fill_price, Some(session_bar(&desk, "AAPL").await.close));
    assert_eq!(desk.read(stays.id).await.status, order::Status::New);

    let evening = desk.client.issue::<clock::Get>(&()).await.unwrap();
    assert_eq!((evening.open, evening.next_open), (false, at("2026-03-03T14:30:00Z")));
    desk.assert_books_agree().await;
    desk.venue.stop().await;
}
