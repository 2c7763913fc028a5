//! The unchanged `apca` crate against the venue: it refuses what is not shaped as Alpaca's.
#![expect(clippy::unwrap_used, reason = "a test may panic")]

use apca::api::v2::{
    account, account_activities, account_config, asset, assets, calendar, clock, order, orders,
    position, positions, updates,
};
use apca::data::v2::stream::{Data, IEX, MarketData, RealtimeData, drive};
use apca::data::v2::{bars, quotes, trades};
use apca::{ApiInfo, Client, RequestError};
use futures_util::{FutureExt, StreamExt};
use num_decimal::Num;
use venue::Venue;

use crate::support::{DEADLINE, KEY, SECRET, start, synthetic};

async fn connect() -> (Venue, Client) {
    let (venue, _http) = start(synthetic()).await;
    let address = venue.address();
    let mut info = ApiInfo::from_parts(format!("http://{address}"), KEY, SECRET).unwrap();
    info.api_stream_url = format!("ws://{address}/stream").parse().unwrap();
    info.data_stream_base_url = format!("ws://{address}").parse().unwrap();
    (venue, Client::new(info))
}

fn limit(price: i64, client_order_id: &str) -> order::CreateReq {
    let init = order::CreateReqInit {
        type_: order::Type::Limit,
        limit_price: Some(Num::from(price)),
        client_order_id: Some(client_order_id.to_owned()),
        ..order::CreateReqInit::default()
    };
    init.init("AAPL", order::Side::Buy, order::Amount::quantity(1))
}

#[tokio::test]
async fn apca_reads_account_assets_clock_and_calendar() {
    let (venue, client) = connect().await;
    let account = client.issue::<account::Get>(&()).await.unwrap();
    assert_eq!(account.cash, Num::from(100_000));
    assert_eq!(account.status, account::Status::Active);
    client.issue::<account_config::Get>(&()).await.unwrap();

    for symbol in ["AAPL", "BTC/USD", "AAPL:NASDAQ"] {
        // Its parser knows no slash; the type takes one, and sends it as it is.
        let name = symbol.parse().unwrap_or_else(|_| asset::Symbol::Sym(symbol.to_owned()));
        let found = client.issue::<asset::Get>(&name).await;
        let symbol = symbol.split(':').next().unwrap();
        assert_eq!(found.unwrap().symbol, symbol);
    }
    let crypto = assets::ListReq { class: asset::Class::Crypto, ..assets::ListReq::default() };
    assert!(client.issue::<assets::List>(&crypto).await.unwrap().len() >= 8);

    assert!(client.issue::<clock::Get>(&()).await.unwrap().open);
    let days = calendar::ListReqInit::default()
        .init("2026-11-02".parse().unwrap(), "2026-11-06".parse().unwrap());
    assert_eq!(client.issue::<calendar::List>(&days).await.unwrap().len(), 5);
    venue.stop().await;
}

#[tokio::test]
async fn apca_places_finds_lists_and_cancels_an_order() {
    let (venue, client) = connect().await;
    let placed = client.issue::<order::Create>(&limit(1, "a b/c")).await.unwrap();
    let by_id = client.issue::<order::Get>(&placed.id).await.unwrap();
    assert_eq!(by_id.status, order::Status::New);
    let id = "a b/c".to_owned();
    let by_client_id = client.issue::<order::GetByClientId>(&id).await.unwrap();
    assert_eq!(by_client_id.id, placed.id);
    let open = client.issue::<orders::List>(&orders::ListReq::default()).await.unwrap();
    assert_eq!(open.iter().map(|order| order.id).collect::<Vec<_>>(), [placed.id]);
    client.issue::<order::Delete>(&placed.id).await.unwrap();
    match client.issue::<order::Delete>(&placed.id).await.unwrap_err() {
        RequestError::Endpoint(order::DeleteError::NotCancelable(_)) => {}
        other => panic!("unexpected {other:?}"),
    }
    match client.issue::<order::Create>(&limit(1, "a b/c")).await.unwrap_err() {
        RequestError::Endpoint(order::CreateError::InvalidInput(_)) => {}
        other => panic!("unexpected {other:?}"),
    }
    venue.stop().await;
}

#[tokio::test]
async fn apca_hears_of_a_fill_and_finds_it_in_positions_and_activities() {
    let (venue, client) = connect().await;
    let (stream, _subscription) = client.subscribe::<updates::OrderUpdates>().await.unwrap();
    let request =
        order::CreateReqInit::default().init("AAPL", order::Side::Buy, order::Amount::quantity(3));
    let placed = client.issue::<order::Create>(&request).await.unwrap();
    let filled = stream.filter_map(|update| {
        let update = update.unwrap().unwrap();
        assert_eq!(update.order.id, placed.id);
        std::future::ready((update.event == updates::OrderStatus::Filled).then_some(update))
    });
    let mut filled = Box::pin(filled);
    let update = tokio::time::timeout(DEADLINE, filled.next()).await.unwrap().unwrap();
    assert_eq!(update.order.filled_quantity, Num::from(3));

    let symbol = asset::Symbol::Sym("AAPL".to_owned());
    let position = client.issue::<position::Get>(&symbol).await.unwrap();
    assert_eq!(position.quantity, Num::from(3));
    let request = account_activities::ActivityReq::default();
    let activities = client.issue::<account_activities::Get>(&request).await.unwrap();
    let account_activities::Activity::Trade(trade) = &activities[0] else {
        panic!("not a trade: {:?}", activities[0])
    };
    assert_eq!((trade.order_id, &trade.quantity), (placed.id, &Num::from(3)));
    client.issue::<position::Delete>(&symbol).await.unwrap();
    let sold = tokio::time::timeout(DEADLINE, async {
        while !client.issue::<positions::List>(&()).await.unwrap().is_empty() {
            tokio::task::yield_now().await;
        }
    });
    sold.await.unwrap();
    venue.stop().await;
}

/// The crate's own client asks a fixed host for history, so its types read our answers instead.
#[tokio::test]
async fn apca_reads_pages_of_bars_trades_and_quotes() {
    let (venue, http) = start(synthetic()).await;
    let day = "start=2026-11-20T15:00:00Z&end=2026-11-20T15:01:00Z&limit=2";
    let text =
        async |kind: &str| http.get(&format!("/v2/stocks/SPY/{kind}&{day}")).await.to_string();
    let page: bars::Bars = serde_json::from_str(&text("bars?timeframe=1Min").await).unwrap();
    assert_eq!((page.symbol.as_str(), page.bars.len()), ("SPY", 2));
    let page: trades::Trades = serde_json::from_str(&text("trades?feed=iex").await).unwrap();
    assert_eq!((page.trades.len(), page.next_page_token.is_some()), (2, true));
    let page: quotes::Quotes = serde_json::from_str(&text("quotes?feed=iex").await).unwrap();
    assert_eq!(page.quotes.len(), 2);
    venue.stop().await;
}

#[tokio::test]
async fn apca_streams_trades_and_quotes() {
    let (venue, client) = connect().await;
    let (mut stream, mut subscription) = client.subscribe::<RealtimeData<IEX>>().await.unwrap();
    let mut data = MarketData::default();
    data.set_trades(["AAPL"]);
    data.set_quotes(["AAPL"]);
    let subscribe = subscription.subscribe(&data).boxed();
    drive(subscribe, &mut stream).await.unwrap().unwrap().unwrap();
    let (mut trades, mut quotes) = (0, 0);
    while trades == 0 || quotes == 0 {
        let next = tokio::time::timeout(DEADLINE, stream.next()).await.unwrap();
        match next.unwrap().unwrap().unwrap() {
            Data::Trade(trade) => {
                assert_eq!(trade.symbol, "AAPL");
                trades += 1;
            }
            Data::Quote(quote) => {
                assert!(quote.ask_price > quote.bid_price);
                quotes += 1;
            }
            other => panic!("not subscribed: {other:?}"),
        }
    }
    venue.stop().await;
}
