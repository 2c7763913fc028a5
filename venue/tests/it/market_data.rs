//! History over REST is what the stream has sent.

use serde_json::{Value, json};

use crate::support::{Socket, start, synthetic};

#[tokio::test]
async fn history_over_rest_is_exactly_what_the_stream_sent() {
    let (venue, http) = start(synthetic()).await;
    let subscribe = json!({"action": "subscribe", "trades": ["ETH/USD"]});
    let mut socket = Socket::data(&venue, "/v1beta3/crypto/us", subscribe).await;
    let mut streamed: Vec<Value> = Vec::new();
    while streamed.len() < 14 {
        streamed.extend(socket.next().await.as_array().unwrap().iter().cloned());
    }
    for trade in &mut streamed {
        let members = trade.as_object_mut().unwrap();
        members.remove("T");
        members.remove("S");
    }
    let (first, last) = (&streamed[0]["t"], &streamed[streamed.len() - 1]["t"]);
    let range = format!("start={}&end={}", first.as_str().unwrap(), last.as_str().unwrap());
    let path = format!("/v1beta3/crypto/us/trades?symbols=ETH%2FUSD&{range}");
    assert_eq!(http.get(&path).await["trades"]["ETH/USD"], json!(streamed));

    // A whole second in the middle is the bar of its trades.
    let second = streamed[5]["t"].as_str().unwrap().split('.').next().unwrap().to_owned();
    let inside: Vec<&Value> =
        streamed.iter().filter(|one| one["t"].as_str().unwrap().starts_with(&second)).collect();
    let path = format!(
        "/v1beta3/crypto/us/bars?symbols=ETH%2FUSD&timeframe=1Sec&start={second}Z&end={second}Z"
    );
    let bar = http.get(&path).await["bars"]["ETH/USD"][0].clone();
    assert_eq!(bar["n"], json!(inside.len()));
    assert_eq!(bar["o"], inside[0]["p"]);
    assert_eq!(bar["c"], inside[inside.len() - 1]["p"]);
    let prices = inside.iter().map(|one| one["p"].as_f64().unwrap());
    assert_eq!(bar["h"].as_f64(), prices.clone().reduce(f64::max));
    assert_eq!(bar["l"].as_f64(), prices.reduce(f64::min));
    venue.stop().await;
}

#[tokio::test]
async fn pages_of_several_symbols_join_to_the_whole_in_both_directions() {
    let (venue, http) = start(synthetic()).await;
    let range = "start=2026-11-20T15:00:00Z&end=2026-11-20T15:06:00Z&timeframe=1Min";
    for sort in ["asc", "desc"] {
        let path = format!("/v2/stocks/bars?symbols=MSFT,AAPL&{range}&sort={sort}");
        let whole = http.get(&path).await;
        assert_eq!(whole["next_page_token"], Value::Null);
        assert_eq!(whole["bars"]["AAPL"].as_array().unwrap().len(), 7);
        let mut joined = json!({"AAPL": [], "MSFT": []});
        let mut token = String::new();
        let mut pages = 0;
        loop {
            let page = http.get(&format!("{path}&limit=4&page_token={token}")).await;
            for (symbol, bars) in page["bars"].as_object().unwrap() {
                let joined = joined[symbol].as_array_mut().unwrap();
                joined.extend(bars.as_array().unwrap().iter().cloned());
            }
            pages += 1;
            match page["next_page_token"].as_str() {
                Some(next) => next.clone_into(&mut token),
                None => break,
            }
        }
        assert_eq!((pages, &joined), (4, &whole["bars"]));
    }
    venue.stop().await;
}

#[tokio::test]
async fn the_newest_prices_are_recent_and_crypto_history_needs_no_key() {
    let (venue, http) = start(synthetic()).await;
    let newest = http.get("/v2/stocks/trades/latest?symbols=AAPL,IBM,NOPE").await;
    assert_eq!(newest["trades"].as_object().unwrap().len(), 2);
    let single = http.get("/v2/stocks/IBM/quotes/latest").await;
    assert!(single["quote"]["ap"].as_f64() > single["quote"]["bp"].as_f64());
    let crypto = http.get("/v1beta3/crypto/us/latest/quotes?symbols=BTC/USD").await;
    let at: chrono::DateTime<chrono::Utc> =
        crypto["quotes"]["BTC/USD"]["t"].as_str().unwrap().parse().unwrap();
    assert!((venue.clock().now() - at).num_seconds() < 10);
    let address = venue.address();
    let path = format!("http://{address}/v1beta3/crypto/us/bars?symbols=BTC/USD&timeframe=1Hour");
    assert_eq!(reqwest::get(path).await.unwrap().status().as_u16(), 200);
    venue.stop().await;
}

#[tokio::test]
async fn stocks_have_prices_before_the_open_when_extended_hours_are_on() {
    for extended_hours in [true, false] {
        let source = venue::SyntheticOptions {
            start: Some("2026-11-20T13:00:00Z".parse().unwrap()),
            extended_hours,
            ..venue::SyntheticOptions::default()
        };
        let options =
            venue::VenueOptions { source: venue::Source::Synthetic(source), ..synthetic() };
        let (venue, http) = start(options).await;
        let path = "/v2/stocks/AAPL/bars?timeframe=1Min&start=2026-11-20T12:00:00Z&limit=3";
        let bars = http.get(path).await["bars"].clone();
        assert_eq!(bars.is_array(), extended_hours, "{bars}");
        assert_eq!(http.get("/v2/clock").await["is_open"], false);
        let order = json!({"symbol": "AAPL", "qty": 1, "side": "buy", "type": "limit",
            "limit_price": 9999, "time_in_force": "day", "extended_hours": true});
        let order = http.order(order).await;
        if extended_hours {
            http.order_in(order["id"].as_str().unwrap(), "filled").await;
        }
        venue.stop().await;
    }
}
