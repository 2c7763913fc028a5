//! Orders from their acceptance to their end, at prices and times that the test chooses.

use std::sync::Arc;

use chrono::{DateTime, Utc};
use rust_decimal::Decimal;
use secrecy::SecretString;
use uuid::Uuid;

use crate::accounts::Configuration;
use crate::assets::AssetTable;
use crate::calendar::Hours;
use crate::clock::VenueClock;
use crate::exchange::Exchange;
use crate::fills::Fills;
use crate::market::{Happening, MarketEvent, Quote, Trade};
use crate::options::AccountSpec;
use crate::order_request::{OrderRequest, parse};
use crate::orders::{Order, OrderStatus, Role};
use crate::refusal::Refusal;
use crate::replace_request;
use crate::rules::{DayOrderEnd, Rules};
use crate::store::Opened;
use crate::universe;

const MONDAY_TEN: &str = "2026-03-02T15:00:00Z";

/// One account on an exchange whose market the test moves.
struct Stage {
    exchange: Exchange,
    account_id: Uuid,
}

impl Stage {
    fn new(fills: Fills, hours: Hours, multiplier: u8) -> Self {
        Self::under(Rules::default(), fills, hours, multiplier)
    }

    fn under(rules: Rules, fills: Fills, hours: Hours, multiplier: u8) -> Self {
        let clock = VenueClock::simulated(MONDAY_TEN.parse().unwrap());
        let assets = AssetTable::new(universe::assets());
        let exchange = Exchange::new(clock, assets, hours, fills, Opened::ephemeral());
        let exchange = exchange.with_rules(rules);
        let spec = AccountSpec {
            key_id: "K".to_owned(),
            secret: SecretString::from("s"),
            cash: Decimal::from(10_000),
            multiplier,
        };
        let account_id = exchange.open_account(&spec).unwrap();
        Self { exchange, account_id }
    }

    /// Paper fills in full, in sessions; the market stands at 100.
    fn paper() -> Self {
        let stage = Self::new(Fills::Paper { seed: 1, partial_chance: 0.0 }, Hours::Nyse, 2);
        stage.trade("99.99");
        stage.quote("99.98", "100");
        stage
    }

    /// A tape, round the clock; the market stands at 100.
    fn tape() -> Self {
        let stage = Self::new(Fills::Recorded, Hours::Always, 2);
        stage.event(Happening::OpenTrade, "100");
        stage
    }

    fn now(&self) -> DateTime<Utc> {
        self.exchange.clock.now()
    }

    fn pass_to(&self, time: &str) {
        let time = time.parse().unwrap();
        self.exchange.clock.advance_to(time);
        self.exchange.pass_time(time);
    }

    fn happen(&self, symbol: &str, what: Happening) {
        let asset = Arc::clone(self.exchange.assets.find(symbol).unwrap());
        self.exchange.on_events(&[MarketEvent { asset, at: self.now(), what }]);
    }

    fn event(&self, what: impl Fn(Trade) -> Happening, price: &str) {
        let price = price.parse().unwrap();
        let trade = Trade { at: self.now(), price, size: Decimal::TEN, id: 1, taker_buys: true };
        self.happen("KO", what(trade));
    }

    fn trade(&self, price: &str) {
        self.event(Happening::Trade, price);
    }

    fn path(&self, price: &str) {
        self.event(Happening::PathTrade, price);
    }

    fn quote(&self, bid: &str, ask: &str) {
        let (bid, ask) = (bid.parse().unwrap(), ask.parse().unwrap());
        let (bid_size, ask_size) = (Decimal::TEN, Decimal::TEN);
        self.happen("KO", Happening::Quote(Quote { at: self.now(), bid, bid_size, ask, ask_size }));
    }

    fn request(members: &str) -> OrderRequest {
        let body = format!(r#"{{"symbol":"KO","time_in_force":"day",{members}}}"#);
        parse(body.as_bytes()).unwrap()
    }

    fn try_order(&self, members: &str) -> Result<Order, Refusal> {
        self.exchange.submit(self.account_id, &Self::request(members)).map(|placed| placed.order)
    }

    /// Sends an order and expects it to be taken.
    fn order(&self, members: &str) -> Uuid {
        self.try_order(members).unwrap_or_else(|refusal| panic!("{members}: {refusal:?}")).id
    }

    fn message(&self, members: &str) -> String {
        self.try_order(members).unwrap_err().message
    }

    fn get(&self, id: Uuid) -> Order {
        self.exchange.read(|inner| inner.books.order_by_id(self.account_id, id).unwrap().clone())
    }

    fn get_in(&self, inner: &crate::exchange::Inner, id: Uuid) -> Order {
        inner.books.order_by_id(self.account_id, id).unwrap().clone()
    }

    fn status(&self, id: Uuid) -> OrderStatus {
        self.get(id).status
    }

    /// Status and average price.
    fn outcome(&self, id: Uuid) -> (OrderStatus, Option<Decimal>) {
        let order = self.get(id);
        (order.status, order.filled_average_price())
    }

    /// The newest member of an order's group with a role.
    fn leg(&self, id: Uuid, role: Role) -> Order {
        let group = self.get(id).membership.unwrap().group;
        let found = self.exchange.read(|inner| {
            inner.books.group(group).filter(|order| order.role() == Some(role)).last().cloned()
        });
        found.unwrap()
    }

    fn replace(&self, id: Uuid, body: &str) -> Result<Order, Refusal> {
        let request = replace_request::parse(body.as_bytes())?;
        self.exchange.replace(self.account_id, id, &request).map(|placed| placed.order)
    }

    fn position(&self) -> Decimal {
        self.exchange.read(|inner| inner.position_qty(self.account_id, "KO"))
    }

    fn buying_power(&self) -> Decimal {
        self.exchange.read(|inner| {
            inner.value(inner.books.account(self.account_id).unwrap(), None).buying_power
        })
    }

    fn configure(&self, change: impl FnOnce(&mut Configuration)) {
        let mut configuration = self
            .exchange
            .read(|inner| inner.books.account(self.account_id).unwrap().configuration.clone());
        change(&mut configuration);
        self.exchange.configure(self.account_id, configuration).unwrap();
    }
}

fn at(price: &str) -> Option<Decimal> {
    price.parse().ok()
}

const BUY_TEN: &str = r#""side":"buy","type":"market","qty":10"#;
const BRACKET: &str = r#""side":"buy","type":"limit","limit_price":99,"qty":10,
    "order_class":"bracket","take_profit":{"limit_price":105},"stop_loss":{"stop_price":95}"#;

#[test]
fn a_stop_waits_for_a_trade_at_its_price_and_then_fills_at_the_touch() {
    let stage = Stage::paper();
    let id = stage.order(r#""side":"buy","type":"stop","qty":10,"stop_price":"101""#);
    stage.quote("101.5", "101.6");
    assert_eq!(stage.outcome(id), (OrderStatus::New, None));
    stage.trade("101.55");
    assert_eq!(stage.outcome(id), (OrderStatus::Filled, at("101.6")));
}

#[test]
fn a_trade_outside_the_quote_elects_nothing() {
    let stage = Stage::paper();
    let id = stage.order(r#""side":"buy","type":"stop","qty":10,"stop_price":"101""#);
    stage.trade("150");
    assert_eq!(stage.status(id), OrderStatus::New);
}

#[test]
fn on_a_tape_a_stop_fills_at_its_price_on_the_way_and_at_the_open_beyond_it() {
    let stage = Stage::tape();
    stage.order(BUY_TEN);
    stage.event(Happening::OpenTrade, "100");
    let inside = stage.order(r#""side":"sell","type":"stop","qty":5,"stop_price":"95""#);
    stage.path("90");
    assert_eq!(stage.outcome(inside), (OrderStatus::Filled, at("95")));
    let beyond = stage.order(r#""side":"sell","type":"stop","qty":5,"stop_price":"85""#);
    stage.event(Happening::OpenTrade, "80");
    assert_eq!(stage.outcome(beyond), (OrderStatus::Filled, at("80")));
}

#[test]
fn a_stop_limit_never_fills_beyond_its_limit() {
    let stage = Stage::tape();
    let members =
        r#""side":"buy","type":"stop_limit","qty":10,"stop_price":"105","limit_price":"106""#;
    let on_the_way = stage.order(members);
    stage.path("110");
    assert_eq!(stage.outcome(on_the_way), (OrderStatus::Filled, at("105")));
    let members =
        r#""side":"buy","type":"stop_limit","qty":10,"stop_price":"115","limit_price":"112""#;
    let beyond = stage.order(members);
    stage.event(Happening::OpenTrade, "116");
    assert_eq!(stage.outcome(beyond), (OrderStatus::New, None));
    stage.path("111");
    assert_eq!(stage.outcome(beyond), (OrderStatus::Filled, at("112")));
}

#[test]
fn a_trailing_stop_follows_the_best_price_and_never_steps_back() {
    let stage = Stage::paper();
    stage.order(BUY_TEN);
    let members = r#""side":"sell","type":"trailing_stop","qty":10,"trail_percent":"2""#;
    let id = stage.order(members);
    let (hwm, stop) = (stage.get(id).hwm, stage.get(id).stop_price);
    assert_eq!((hwm, stop), (at("99.99"), at("97.99")));
    for (bid, ask, price) in [("104.99", "105.01", "105"), ("103.49", "103.51", "103.5")] {
        stage.quote(bid, ask);
        stage.trade(price);
    }
    assert_eq!((stage.get(id).hwm, stage.get(id).stop_price), (at("105"), at("102.9")));
    stage.quote("102.8", "102.9");
    stage.trade("102.9");
    assert_eq!(stage.outcome(id), (OrderStatus::Filled, at("102.8")));
    assert_eq!(stage.position(), Decimal::ZERO);
}

#[test]
fn a_trailing_stop_stands_still_outside_the_regular_session() {
    let stage = Stage::paper();
    stage.order(BUY_TEN);
    let members = r#""side":"sell","type":"trailing_stop","qty":10,"trail_price":"1",
        "time_in_force":"gtc""#;
    let members = members.replace('\n', "");
    let body = format!(r#"{{"symbol":"KO",{members}}}"#);
    let request = parse(body.as_bytes()).unwrap();
    let id = stage.exchange.submit(stage.account_id, &request).unwrap().order.id;
    stage.pass_to("2026-03-02T22:00:00Z");
    stage.quote("109.9", "110");
    stage.trade("110");
    assert_eq!(stage.get(id).hwm, at("99.99"));
    stage.trade("50");
    assert_eq!(stage.status(id), OrderStatus::New);
}

#[test]
fn the_legs_of_a_bracket_wait_for_the_entry_and_one_ends_the_other() {
    let stage = Stage::paper();
    let id = stage.order(BRACKET);
    assert_eq!(stage.leg(id, Role::TakeProfit).status, OrderStatus::Held);
    assert_eq!(stage.leg(id, Role::StopLoss).status, OrderStatus::Held);
    stage.quote("98.9", "98.95");
    assert_eq!(stage.outcome(id), (OrderStatus::Filled, at("98.95")));
    assert_eq!(stage.leg(id, Role::TakeProfit).status, OrderStatus::New);
    assert_eq!(stage.leg(id, Role::StopLoss).status, OrderStatus::New);
    stage.quote("105.1", "105.2");
    let profit = stage.leg(id, Role::TakeProfit);
    assert_eq!((profit.status, profit.filled_average_price()), (OrderStatus::Filled, at("105.1")));
    assert_eq!(stage.leg(id, Role::StopLoss).status, OrderStatus::Canceled);
    assert_eq!(stage.position(), Decimal::ZERO);
}

#[test]
fn on_a_tape_the_stop_of_a_bracket_can_be_met_on_the_way_on_which_it_was_opened() {
    let stage = Stage::tape();
    let id = stage.order(BRACKET);
    stage.path("90");
    assert_eq!(stage.outcome(id), (OrderStatus::Filled, at("99")));
    let stop = stage.leg(id, Role::StopLoss);
    assert_eq!((stop.status, stop.filled_average_price()), (OrderStatus::Filled, at("95")));
    assert_eq!(stage.leg(id, Role::TakeProfit).status, OrderStatus::Canceled);
}

#[test]
fn canceling_any_member_cancels_the_group() {
    for role in [Role::Entry, Role::TakeProfit, Role::StopLoss] {
        let stage = Stage::paper();
        let id = stage.order(BRACKET);
        stage.exchange.cancel(stage.account_id, stage.leg(id, role).id).unwrap();
        for member in [Role::Entry, Role::TakeProfit, Role::StopLoss] {
            assert_eq!(stage.leg(id, member).status, OrderStatus::Canceled, "{role:?}");
        }
        assert_eq!(stage.buying_power(), Decimal::from(20_000));
    }
}

#[test]
fn an_unfilled_day_bracket_expires_with_its_legs() {
    let stage = Stage::paper();
    let id = stage.order(BRACKET);
    stage.pass_to("2026-03-02T21:00:00Z");
    for role in [Role::Entry, Role::TakeProfit, Role::StopLoss] {
        assert_eq!(stage.leg(id, role).status, OrderStatus::Expired, "{role:?}");
    }
}

#[test]
fn what_one_exit_sells_the_other_no_longer_does() {
    let partial = Fills::Paper { seed: 1, partial_chance: 1.0 };
    let stage = Stage::new(partial, Hours::Nyse, 2);
    stage.trade("100");
    stage.quote("99.9", "100");
    let id = stage.order(
        r#""side":"buy","type":"market","qty":10,"order_class":"bracket",
        "take_profit":{"limit_price":105},"stop_loss":{"stop_price":95}"#,
    );
    while stage.status(id) != OrderStatus::Filled {
        stage.quote("99.9", "100");
    }
    stage.quote("105", "105.1");
    let (profit, stop) = (stage.leg(id, Role::TakeProfit), stage.leg(id, Role::StopLoss));
    assert_eq!(profit.status, OrderStatus::PartiallyFilled);
    assert_eq!(stop.qty, Some(Decimal::TEN - profit.filled_qty));
    while stage.leg(id, Role::TakeProfit).status != OrderStatus::Filled {
        stage.quote("105", "105.1");
    }
    assert_eq!(stage.leg(id, Role::StopLoss).status, OrderStatus::Canceled);
    assert_eq!(stage.position(), Decimal::ZERO);
}

#[test]
fn an_oco_is_an_exit_that_holds_the_position_once() {
    let stage = Stage::paper();
    let oco = r#""side":"sell","type":"limit","qty":10,"order_class":"oco",
        "take_profit":{"limit_price":105},"stop_loss":{"stop_price":95,"limit_price":94}"#;
    assert_eq!(stage.message(oco), "oco orders must be exit orders");
    stage.order(BUY_TEN);
    let id = stage.order(oco);
    let stop = stage.leg(id, Role::StopLoss);
    assert_eq!((stage.status(id), stop.status), (OrderStatus::New, OrderStatus::New));
    assert_eq!(
        stage.message(r#""side":"sell","type":"limit","qty":1,"limit_price":120"#),
        "insufficient qty available for order (requested: 1, available: 0)"
    );
    stage.quote("94.9", "95");
    stage.trade("94.95");
    assert_eq!(stage.leg(id, Role::StopLoss).filled_average_price(), at("94.9"));
    assert_eq!(stage.status(id), OrderStatus::Canceled);
}

#[test]
fn an_oto_has_one_exit_that_begins_when_the_entry_has_filled() {
    let stage = Stage::paper();
    let id = stage.order(
        r#""side":"sell","type":"market","qty":10,"order_class":"oto",
        "stop_loss":{"stop_price":101}"#,
    );
    assert_eq!(stage.position(), -Decimal::TEN);
    assert_eq!(stage.leg(id, Role::StopLoss).status, OrderStatus::New);
    stage.quote("101", "101.1");
    stage.trade("101.05");
    assert_eq!(stage.position(), Decimal::ZERO);
    assert_eq!(stage.replace(id, r#"{"qty":5}"#).unwrap_err().status.as_u16(), 422);
}

#[test]
fn legs_lie_on_their_sides_of_the_price() {
    let stage = Stage::paper();
    let bracket = |profit: &str, stop: &str| {
        format!(
            r#""side":"buy","type":"limit","limit_price":99,"qty":10,"order_class":"bracket",
            "take_profit":{{"limit_price":{profit}}},"stop_loss":{{"stop_price":{stop}}}"#
        )
    };
    let refusal = stage.try_order(&bracket("99", "95")).unwrap_err();
    assert_eq!(refusal.message, "take_profit.limit_price must be >= base_price + 0.01");
    assert_eq!(refusal.extra, [("base_price", "99".to_owned())]);
    assert_eq!(
        stage.message(&bracket("105", "99")),
        "stop_loss.stop_price must be <= base_price - 0.01"
    );
    let short = r#""side":"sell","type":"limit","limit_price":101,"qty":10,
        "order_class":"bracket","take_profit":{"limit_price":101},"stop_loss":{"stop_price":103}"#;
    assert_eq!(stage.message(short), "take_profit.limit_price must be <= base_price - 0.01");
}

#[test]
fn a_replacement_continues_the_order_with_what_has_filled() {
    let stage = Stage::paper();
    let id = stage.order(r#""side":"buy","type":"limit","limit_price":99,"qty":10"#);
    let new = stage.replace(id, r#"{"limit_price":"98.5","qty":"20","stop_price":null}"#).unwrap();
    assert_ne!(new.id, id);
    assert_eq!((new.replaces, new.qty, new.limit_price), (Some(id), at("20"), at("98.5")));
    let old = stage.get(id);
    assert_eq!((old.status, old.replaced_by), (OrderStatus::Replaced, Some(new.id)));
    assert_eq!(stage.buying_power(), Decimal::from(20_000 - 1_970));
    let rows = [
        (id, r#"{"qty":5}"#, "order already replaced"),
        (new.id, "{}", "order parameters are not changed"),
        (new.id, r#"{"limit_price":"98.5"}"#, "order parameters are not changed"),
        (new.id, r#"{"stop_price":"98"}"#, "limit orders require no stop price"),
        (new.id, r#"{"trail":"1"}"#, "trail can be changed for trailing stop orders only"),
        (new.id, r#"{"qty":5000}"#, "insufficient buying power"),
    ];
    for (id, body, message) in rows {
        assert_eq!(stage.replace(id, body).unwrap_err().message, message, "{body}");
    }
    stage.quote("98.4", "98.5");
    assert_eq!(stage.outcome(new.id), (OrderStatus::Filled, at("98.5")));
    let refusal = stage.replace(new.id, r#"{"qty":30}"#).unwrap_err();
    assert_eq!(refusal.message, "unable to replace order, order is not open");
}

#[test]
fn a_part_that_has_filled_counts_in_the_replacement() {
    let stage = Stage::new(Fills::Paper { seed: 1, partial_chance: 1.0 }, Hours::Nyse, 2);
    stage.trade("100");
    stage.quote("99.9", "100");
    let id = stage.order(r#""side":"buy","type":"limit","limit_price":100,"qty":100"#);
    let filled = stage.get(id).filled_qty;
    assert!(filled > Decimal::ONE && filled < Decimal::ONE_HUNDRED, "{filled}");
    let refusal = stage.replace(id, r#"{"qty":1}"#).unwrap_err();
    assert_eq!(refusal.message, "qty must be > filled_qty");
    let qty = filled + Decimal::ONE;
    let new = stage.replace(id, &format!(r#"{{"qty":"{qty}"}}"#)).unwrap();
    assert_eq!((new.filled_qty, new.status), (filled, OrderStatus::PartiallyFilled));
    stage.quote("99.9", "100");
    assert_eq!(stage.status(new.id), OrderStatus::Filled);
    assert_eq!(stage.position(), qty);
}

#[test]
fn the_legs_of_a_replaced_entry_follow_the_new_one() {
    let stage = Stage::paper();
    let id = stage.order(BRACKET);
    let refusal = stage.replace(id, r#"{"qty":5}"#).unwrap_err();
    assert_eq!(refusal.message, "qty cannot be changed for advanced orders");
    let new = stage.replace(id, r#"{"limit_price":"98"}"#).unwrap();
    stage.quote("97.9", "98");
    assert_eq!(stage.status(new.id), OrderStatus::Filled);
    let stop = stage.leg(new.id, Role::StopLoss);
    let moved = stage.replace(stop.id, r#"{"stop_price":"96"}"#).unwrap();
    let under: Vec<Uuid> = stage.exchange.read(|inner| {
        inner.books.legs_of(&stage.get_in(inner, new.id)).map(|leg| leg.id).collect()
    });
    assert!(under.contains(&moved.id) && !under.contains(&stop.id), "{under:?}");
    stage.quote("95.8", "95.9");
    stage.trade("95.9");
    assert_eq!(stage.outcome(moved.id), (OrderStatus::Filled, at("95.8")));
    assert_eq!(stage.leg(new.id, Role::TakeProfit).status, OrderStatus::Canceled);
}

#[test]
fn a_short_sale_reserves_more_than_it_brings_and_is_never_sold_through_zero() {
    let stage = Stage::paper();
    stage.order(r#""side":"sell","type":"limit","limit_price":101,"qty":10"#);
    assert_eq!(stage.buying_power(), Decimal::from(20_000 - 1_030));
    stage.exchange.cancel_all(stage.account_id);
    let short = stage.order(r#""side":"sell","type":"market","qty":10"#);
    assert_eq!(stage.get(short).intent().as_str(), "sell_to_open");
    assert_eq!(stage.position(), -Decimal::TEN);
    let account = stage.exchange.read(|inner| inner.books.account(stage.account_id).cloned());
    assert_eq!(account.unwrap().cash, Decimal::new(1_099_980, 2));
    assert_eq!(
        stage.message(r#""side":"buy","type":"market","qty":11"#),
        "insufficient qty available for order (requested: 11, available: 10)"
    );
    assert_eq!(
        stage.message(r#""side":"buy","type":"market","qty":"0.5""#),
        "fractional orders cannot cover a short position"
    );
    let intent = r#""side":"buy","type":"market","qty":10,"position_intent":"buy_to_open""#;
    assert_eq!(
        stage.message(intent),
        "position intent mismatch, inferred: buy_to_close, specified: buy_to_open"
    );
    stage.order(BUY_TEN);
    assert_eq!(stage.position(), Decimal::ZERO);
}

#[test]
fn a_position_is_opened_in_one_direction_at_a_time() {
    let stage = Stage::paper();
    let short = stage.order(r#""side":"sell","type":"limit","limit_price":110,"qty":1"#);
    assert_eq!(
        stage.message(r#""side":"buy","type":"limit","limit_price":90,"qty":1"#),
        "cannot open a long buy while a short sell order is open"
    );
    stage.exchange.cancel(stage.account_id, short).unwrap();
    stage.order(r#""side":"buy","type":"limit","limit_price":90,"qty":1"#);
    assert_eq!(
        stage.message(r#""side":"sell","type":"limit","limit_price":110,"qty":1"#),
        "cannot open a short sell while a long buy order is open"
    );
}

#[test]
fn a_notional_buy_beside_a_closing_order_is_refused() {
    let stage = Stage::paper();
    stage.order(BUY_TEN);
    stage.order(r#""side":"sell","type":"limit","limit_price":110,"qty":1"#);
    assert_eq!(
        stage.message(r#""side":"buy","type":"limit","limit_price":90,"notional":100"#),
        "unable to open new notional orders while having open closing position orders"
    );
}

#[test]
fn each_type_reserves_what_it_may_cost() {
    let rows = [
        (r#""side":"buy","type":"market","qty":10"#, "1000"),
        (r#""side":"buy","type":"limit","limit_price":90,"qty":10"#, "900"),
        (r#""side":"buy","type":"stop","stop_price":110,"qty":10"#, "1127.5"),
        (r#""side":"buy","type":"stop_limit","stop_price":110,"limit_price":111,"qty":10"#, "1110"),
        (r#""side":"sell","type":"stop","stop_price":90,"qty":10"#, "1030"),
        (r#""side":"sell","type":"limit","limit_price":110,"qty":10"#, "1100"),
    ];
    for (members, expected) in rows {
        let stage = Stage::paper();
        stage.trade("100");
        // Nothing is quoted any more, so a market order rests and shows what it holds.
        stage.exchange.clock.advance_to("2026-03-02T15:05:00Z".parse().unwrap());
        let id = stage.order(members);
        let reserved = stage.get(id).reserved_value();
        assert_eq!(reserved, expected.parse().unwrap(), "{members}");
    }
}

#[test]
fn outside_the_session_plain_orders_wait_and_extended_ones_trade() {
    let stage = Stage::paper();
    stage.pass_to("2026-03-02T22:00:00Z");
    let plain = stage.order(r#""side":"buy","type":"limit","limit_price":105,"qty":1"#);
    let extended = stage
        .order(r#""side":"buy","type":"limit","limit_price":105,"qty":1,"extended_hours":true"#);
    assert_eq!(stage.status(plain), OrderStatus::Accepted);
    let refusal = stage.replace(plain, r#"{"qty":2}"#).unwrap_err();
    assert_eq!(refusal.message, "unable to replace order, order isn't sent to exchange yet");
    stage.quote("103.9", "104");
    assert_eq!(stage.outcome(extended), (OrderStatus::Filled, at("104")));
    assert_eq!(stage.status(plain), OrderStatus::Accepted);
    stage.pass_to("2026-03-03T09:30:00Z");
    stage.quote("101.9", "102");
    assert_eq!(stage.status(plain), OrderStatus::Accepted);
    stage.pass_to("2026-03-03T14:30:00Z");
    stage.quote("101.9", "102");
    assert_eq!(stage.outcome(plain), (OrderStatus::Filled, at("102")));
}

#[test]
fn a_day_order_ends_with_its_session_and_an_extended_one_in_the_evening() {
    let stage = Stage::paper();
    let plain = stage.order(r#""side":"buy","type":"limit","limit_price":90,"qty":1"#);
    let extended = stage
        .order(r#""side":"buy","type":"limit","limit_price":90,"qty":1,"extended_hours":true"#);
    stage.pass_to("2026-03-02T21:00:00Z");
    assert_eq!(stage.status(plain), OrderStatus::Expired);
    assert_eq!(stage.status(extended), OrderStatus::New);
    stage.pass_to("2026-03-03T01:00:00Z");
    assert_eq!(stage.status(extended), OrderStatus::Expired);
}

#[test]
fn a_lasting_order_rests_at_night_and_ends_on_the_last_close_within_ninety_days() {
    let stage = Stage::paper();
    let body = r#"{"symbol":"KO","time_in_force":"gtc","side":"buy","type":"limit",
        "limit_price":90,"qty":1}"#;
    let request = parse(body.as_bytes()).unwrap();
    let id = stage.exchange.submit(stage.account_id, &request).unwrap().order.id;
    assert_eq!(stage.get(id).expires_at, Some("2026-05-29T20:00:00Z".parse().unwrap()));
    stage.pass_to("2026-03-02T22:00:00Z");
    stage.quote("80", "81");
    assert_eq!(stage.status(id), OrderStatus::New);
    stage.pass_to("2026-03-03T15:00:00Z");
    stage.quote("80", "81");
    assert_eq!(stage.outcome(id), (OrderStatus::Filled, at("81")));
}

fn auction(stage: &Stage, time_in_force: &str, limit: Option<&str>) -> Result<Order, Refusal> {
    let price = limit.map_or_else(
        || r#""type":"market""#.to_owned(),
        |limit| format!(r#""type":"limit","limit_price":"{limit}""#),
    );
    let body = format!(
        r#"{{"symbol":"KO","time_in_force":"{time_in_force}","side":"buy","qty":1,{price}}}"#
    );
    let request = parse(body.as_bytes())?;
    stage.exchange.submit(stage.account_id, &request).map(|placed| placed.order)
}

#[test]
fn an_order_for_the_opening_auction_has_the_first_print_or_nothing() {
    let stage = Stage::paper();
    let message = "opg orders must be submitted after 7:00pm and before 9:28am";
    assert_eq!(auction(&stage, "opg", None).unwrap_err().message, message);
    stage.pass_to("2026-03-03T00:00:01Z");
    let market = auction(&stage, "opg", None).unwrap().id;
    let limit = auction(&stage, "opg", Some("100")).unwrap().id;
    assert_eq!(stage.status(market), OrderStatus::Accepted);
    stage.pass_to("2026-03-03T14:30:00Z");
    stage.quote("100.9", "101");
    assert_eq!(stage.status(market), OrderStatus::Accepted);
    stage.trade("100.95");
    assert_eq!(stage.outcome(market), (OrderStatus::Filled, at("100.95")));
    assert_eq!(stage.status(limit), OrderStatus::Canceled);
}

#[test]
fn an_order_for_the_closing_auction_has_the_last_print_or_nothing() {
    let stage = Stage::paper();
    let market = auction(&stage, "cls", None).unwrap().id;
    let limit = auction(&stage, "cls", Some("90")).unwrap().id;
    stage.pass_to("2026-03-02T20:59:59Z");
    stage.quote("101.9", "102");
    stage.trade("101.95");
    assert_eq!(stage.status(market), OrderStatus::New);
    let message = "cls orders must be submitted after 7:00pm and before 3:55pm";
    assert_eq!(auction(&stage, "cls", None).unwrap_err().message, message);
    stage.pass_to("2026-03-02T21:00:00Z");
    assert_eq!(stage.outcome(market), (OrderStatus::Filled, at("101.95")));
    assert_eq!(stage.status(limit), OrderStatus::Canceled);
}

#[test]
fn what_the_owner_of_an_account_has_set_is_kept() {
    let stage = Stage::paper();
    stage.configure(|settings| settings.fractional_trading = false);
    assert_eq!(
        stage.message(r#""side":"buy","type":"market","qty":"0.5""#),
        "fractional trading is switched off for this account"
    );
    stage.configure(|settings| settings.no_shorting = true);
    assert_eq!(
        stage.message(r#""side":"sell","type":"market","qty":1"#),
        "account is not allowed to short"
    );
    assert_eq!(stage.buying_power(), Decimal::from(20_000));
    stage.configure(|settings| settings.max_margin_multiplier = "1".to_owned());
    assert_eq!(stage.buying_power(), Decimal::from(10_000));
    stage.configure(|settings| settings.suspend_trade = true);
    assert_eq!(stage.message(BUY_TEN), "new orders are rejected by user request");
}

#[test]
fn the_end_of_a_day_is_written_down_and_the_days_profit_starts_anew() {
    let stage = Stage::paper();
    stage.order(BUY_TEN);
    stage.quote("109.98", "110");
    stage.trade("110");
    // An order that comes first in the new day does not hide that the old one has ended.
    stage.exchange.clock.advance_to("2026-03-03T05:00:01Z".parse().unwrap());
    stage.order(r#""side":"buy","type":"limit","limit_price":1,"qty":1"#);
    stage.pass_to("2026-03-03T15:00:00Z");
    let (equity, day_cost) = stage.exchange.read(|inner| {
        let account = inner.books.account(stage.account_id).unwrap();
        (account.last_equity, account.positions["KO"].day_cost)
    });
    assert_eq!((equity, day_cost), (Decimal::from(10_100), at("1100")));
}

#[test]
fn the_old_rule_on_day_trades_can_be_switched_on() {
    let rules = Rules { pattern_day_trader: true, ..Rules::default() };
    let fills = Fills::Paper { seed: 1, partial_chance: 0.0 };
    let stage = Stage::under(rules, fills, Hours::Nyse, 2);
    stage.trade("99.99");
    stage.quote("99.98", "100");
    let sell = r#""side":"sell","type":"market","qty":1"#;
    for _ in 0..3 {
        stage.order(r#""side":"buy","type":"market","qty":1"#);
        stage.order(sell);
    }
    stage.order(r#""side":"buy","type":"market","qty":1"#);
    let refusal = stage.try_order(sell).unwrap_err();
    assert_eq!(refusal.code, 40_310_100);
    assert_eq!(refusal.message, "trade denied due to pattern day trading protection");
    stage.pass_to("2026-03-03T15:00:00Z");
    stage.quote("99.98", "100");
    assert!(stage.try_order(sell).is_ok(), "what was opened yesterday is no day trade");
}

#[test]
fn the_other_reading_of_a_rule_can_be_chosen() {
    let rules = Rules {
        day_order_end: DayOrderEnd::Canceled,
        terminal_cancel_refused: false,
        duplicate_client_order_id_code: 42_210_000,
        extended_hours_gtc: false,
        fractional_limits: false,
        ..Rules::default()
    };
    let fills = Fills::Paper { seed: 1, partial_chance: 0.0 };
    let stage = Stage::under(rules, fills, Hours::Nyse, 2);
    stage.trade("100");
    let limit = r#""side":"buy","type":"limit","limit_price":90,"client_order_id":"a""#;
    assert_eq!(
        stage.message(&format!(r#"{limit},"qty":"0.5""#)),
        "fractional orders must be market orders"
    );
    let id = stage.order(&format!(r#"{limit},"qty":1"#));
    assert_eq!(stage.try_order(&format!(r#"{limit},"qty":1"#)).unwrap_err().code, 42_210_000);
    stage.pass_to("2026-03-02T21:00:00Z");
    assert_eq!(stage.status(id), OrderStatus::Canceled);
    assert!(stage.exchange.cancel(stage.account_id, id).is_ok());
}

#[test]
fn a_market_buy_of_coins_is_paid_for_with_a_collar() {
    let stage = Stage::new(Fills::Paper { seed: 1, partial_chance: 0.0 }, Hours::Nyse, 2);
    let (bid, ask) = (Decimal::from(99), Decimal::from(100));
    let one = Decimal::ONE;
    let quote = Quote { at: stage.now(), bid, bid_size: one, ask, ask_size: one };
    stage.happen("BTC/USD", Happening::Quote(quote));
    let order = |members: &str| {
        let body = format!(
            r#"{{"symbol":"BTC/USD","time_in_force":"gtc","type":"market","side":"buy",{members}}}"#
        );
        let placed = stage.exchange.submit(stage.account_id, &parse(body.as_bytes()).unwrap());
        placed.map(|placed| placed.order.id)
    };
    assert_eq!(order(r#""qty":99"#).unwrap_err().message, "insufficient buying power");
    let id = order(r#""notional":1020"#).unwrap();
    let filled = stage.get(id);
    assert_eq!((filled.status, filled.filled_qty), (OrderStatus::Filled, Decimal::TEN));
}
