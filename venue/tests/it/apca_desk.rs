//! The desk of a user of the unchanged `apca` crate: a client, a trade stream, and whether all that
//! was read agrees with the venue's own JSON.
#![expect(clippy::unwrap_used, reason = "a test may panic")]
#![expect(clippy::future_not_send, reason = "each test has a runtime of one thread")]

use std::collections::BTreeMap;
use std::pin::Pin;

use apca::api::v2::account_activities::{ActivityReq, ActivityType};
use apca::api::v2::{account, account_activities, order, orders, position, positions, updates};
use apca::data::v2::{bars, last_quotes, quotes, trades};
use apca::{ApiInfo, Client, Subscribable};
use futures_util::{Stream, StreamExt};
use http_endpoint::{Bytes, Endpoint, Str};
use num_decimal::Num;
use serde_json::Value;
use updates::OrderStatus::Filled;
use venue::{Venue, VenueOptions};

use crate::support::{DEADLINE, Http, KEY, SECRET, start};

type Update = Result<updates::OrderUpdate, Box<dyn std::error::Error>>;

/// A user with a client, a trade stream, and everything that was heard on it.
pub(crate) struct Desk {
    pub(crate) venue: Venue,
    pub(crate) http: Http,
    pub(crate) client: Client,
    updates: Pin<Box<dyn Stream<Item = Update>>>,
    _subscription: <updates::OrderUpdates as Subscribable>::Subscription,
    pub(crate) heard: Vec<updates::OrderUpdate>,
}

impl Desk {
    pub(crate) async fn open(options: VenueOptions) -> Self {
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

    pub(crate) async fn send(&self, request: &order::CreateReq) -> order::Order {
        self.client.issue::<order::Create>(request).await.unwrap()
    }

    pub(crate) async fn read(&self, id: order::Id) -> order::Order {
        self.client.issue::<order::Get>(&id).await.unwrap()
    }

    /// Waits for an event of an order, then reads the order, which the venue has committed by then.
    pub(crate) async fn done(
        &mut self,
        id: order::Id,
        event: updates::OrderStatus,
    ) -> order::Order {
        while !self.heard.iter().any(|update| update.order.id == id && update.event == event) {
            let next = tokio::time::timeout(DEADLINE, self.updates.next()).await;
            self.heard.push(next.unwrap().unwrap().unwrap());
        }
        self.read(id).await
    }

    pub(crate) async fn fill(&mut self, request: &order::CreateReq) -> order::Order {
        let placed = self.send(request).await;
        self.done(placed.id, Filled).await
    }

    /// All executions, over pages of three.
    pub(crate) async fn executions(&self) -> Vec<account_activities::TradeActivity> {
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
    pub(crate) async fn assert_books_agree(&self) {
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

pub(crate) fn market(symbol: &str, side: order::Side, quantity: i32) -> order::CreateReq {
    order::CreateReqInit::default().init(symbol, side, order::Amount::quantity(quantity))
}

pub(crate) fn limit(
    symbol: &str,
    side: order::Side,
    quantity: i32,
    price: &Num,
) -> order::CreateReq {
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
        pub(crate) struct $name;

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
