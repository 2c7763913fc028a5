//! A user of the unchanged `apca` crate and their day: what apca read, the trade stream told and the
//! venue's own JSON says must be one story.
#![expect(clippy::unwrap_used, reason = "a test may panic")]
#![expect(clippy::future_not_send, reason = "each test has a runtime of one thread")]

use apca::api::v2::updates::OrderStatus::{Canceled, Expired, Filled, New, PartialFill, Replaced};
use apca::api::v2::{clock, order, position, positions};
use apca::data::v2::{bars, last_quotes, quotes, trades};
use chrono::{DateTime, Utc};
use num_decimal::Num;
use serde_json::json;
use venue::{AdminOptions, SyntheticOptions, Venue, VenueOptions};

use crate::apca_desk::{Bars, Desk, NewestQuotes, Quotes, Trades, limit, market};
use crate::support::synthetic;

const ADMIN_TOKEN: &str = "a token of the tests' own";

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
