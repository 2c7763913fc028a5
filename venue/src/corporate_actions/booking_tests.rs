use std::sync::Arc;

use rust_decimal::Decimal;
use secrecy::SecretString;
use uuid::Uuid;

use super::*;
use crate::assets::AssetTable;
use crate::books::Books;
use crate::calendar::Hours;
use crate::clock::VenueClock;
use crate::fills::Fills;
use crate::market::{Happening, MarketEvent, Quote};
use crate::options::AccountSpec;
use crate::order_request::{Amount, OrderRequest};
use crate::orders::{OrderStatus, OrderType, TimeInForce};
use crate::store::Opened;
use crate::universe;

fn dec(text: &str) -> Decimal {
    text.parse().unwrap()
}

fn date(day: u32) -> NaiveDate {
    NaiveDate::from_ymd_opt(2026, 3, day).unwrap()
}

/// One account that bought ten KO at 100 on the second of March.
struct World {
    exchange: Exchange,
    account_id: Uuid,
}

impl World {
    fn new() -> Self {
        let now = "2026-03-02T15:00:00Z".parse().unwrap();
        let assets = AssetTable::new(universe::assets());
        let fills = Fills::Paper { seed: 1, partial_chance: 0.0 };
        let clock = VenueClock::simulated(now);
        let exchange = Exchange::new(clock, assets, Hours::Always, fills, Opened::ephemeral());
        let spec = AccountSpec {
            key_id: "K".to_owned(),
            secret: SecretString::from("s"),
            cash: dec("10000"),
            multiplier: 1,
        };
        let account_id = exchange.open_account(&spec).unwrap();
        let world = Self { exchange, account_id };
        world.quote(now, "100");
        world.buy("10", None);
        world
    }

    fn quote(&self, at: DateTime<Utc>, price: &str) {
        let (price, size) = (dec(price), Decimal::TEN);
        let quote = Quote { at, bid: price, bid_size: size, ask: price, ask_size: size };
        let asset = Arc::clone(self.exchange.assets.find("KO").unwrap());
        self.exchange.on_events(&[MarketEvent { asset, at, what: Happening::Quote(quote) }]);
    }

    fn buy(&self, qty: &str, limit: Option<&str>) {
        let amount = Amount::Quantity(dec(qty));
        let order_type = if limit.is_some() { OrderType::Limit } else { OrderType::Market };
        let market = OrderRequest::market("KO".to_owned(), Side::Buy, amount, TimeInForce::Gtc);
        let request = OrderRequest { order_type, limit_price: limit.map(dec), ..market };
        self.exchange.submit(self.account_id, &request).unwrap();
    }

    fn announce(&self, ex_date: NaiveDate, kind: CorporateActionKind) {
        let symbol = "KO".to_owned();
        self.exchange.announce(vec![CorporateAction { symbol, ex_date, kind }]).unwrap();
    }

    fn noon_of(&self, day: u32) {
        let noon = calendar::new_york(date(day), 12, 0);
        self.exchange.clock.advance_to(noon);
        self.exchange.pass_time(noon);
    }

    fn cash(&self) -> Decimal {
        self.exchange.read(|inner| inner.books.account(self.account_id).unwrap().cash)
    }

    fn held(&self) -> (Decimal, Decimal) {
        self.exchange.read(|inner| {
            let position = &inner.books.account(self.account_id).unwrap().positions["KO"];
            (position.qty, position.average_entry_price)
        })
    }
}

#[test]
fn a_dividend_is_earned_at_the_ex_date_and_paid_once_at_the_pay_date() {
    let world = World::new();
    let kind = CorporateActionKind::Dividend { per_share: dec("0.485"), pay_date: date(5) };
    world.announce(date(3), kind);
    world.announce(date(3), kind);
    world.noon_of(3);
    world.quote(calendar::new_york(date(3), 13, 0), "100");
    world.buy("10", None);
    assert_eq!(world.cash(), dec("8000"), "nothing is paid before its date");
    world.noon_of(5);
    world.noon_of(6);
    assert_eq!(world.cash(), dec("8004.85"), "on the ten shares of before the ex-date");
    let paid = world.exchange.read(|inner| inner.books.non_trades_of(world.account_id).to_vec());
    assert_eq!(paid.len(), 1);
    assert_eq!((paid[0].kind, paid[0].qty), (NonTradeKind::Dividend, Some(dec("10"))));
}

#[test]
fn a_split_changes_holdings_averages_and_open_orders_and_pays_for_the_broken_share() {
    let world = World::new();
    world.buy("5", None);
    world.buy("8", Some("90.01"));
    world.announce(date(4), CorporateActionKind::Split { new: dec("3"), old: dec("2") });
    world.noon_of(3);
    assert_eq!(world.held(), (dec("15"), dec("100")));
    world.noon_of(4);
    world.noon_of(5);
    let (qty, average) = world.held();
    assert_eq!((qty, average.round_dp(4)), (dec("22"), dec("66.6667")));
    assert_eq!(world.cash(), dec("8533.33"), "half a share at two thirds of 100");
    world.exchange.read(|inner| {
        let open: Vec<&Order> = inner.books.open_orders_of(world.account_id).collect();
        assert_eq!(open.len(), 1);
        assert_eq!((open[0].qty, open[0].limit_price), (Some(dec("12")), Some(dec("60.00"))));
        let price = inner.market.price("KO").unwrap().round_dp(4);
        assert_eq!(price, dec("66.6667"), "what is held keeps its value before the first print");
        let mut again = Books::default();
        for change in inner.books.as_changes() {
            let text = serde_json::to_string(&change).unwrap();
            again.apply(serde_json::from_str(&text).unwrap());
        }
        assert!(again.actions.due(date(9)).is_empty(), "a restart does not split again");
    });
}

#[test]
fn a_reverse_split_cancels_an_order_of_which_no_whole_share_is_left() {
    let world = World::new();
    world.buy("7", Some("50"));
    world.announce(date(4), CorporateActionKind::Split { new: dec("1"), old: dec("8") });
    world.noon_of(4);
    assert_eq!(world.held(), (dec("1"), dec("800")));
    let status = world
        .exchange
        .read(|inner| inner.books.orders_of(world.account_id).last().map(|order| order.status));
    assert_eq!(status, Some(OrderStatus::Canceled));
}

#[test]
fn an_action_of_an_unknown_symbol_or_without_sense_is_refused() {
    let world = World::new();
    let action =
        |symbol: &str, kind| CorporateAction { symbol: symbol.to_owned(), ex_date: date(4), kind };
    let two = CorporateActionKind::Split { new: dec("2"), old: dec("1") };
    let nothing = CorporateActionKind::Dividend { per_share: Decimal::ZERO, pay_date: date(4) };
    assert!(world.exchange.announce(vec![action("NOPE", two)]).is_err());
    assert!(world.exchange.announce(vec![action("KO", nothing)]).is_err());
}
