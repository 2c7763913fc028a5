//! The market data API over REST: order books, auctions, news, screener, codes, and bad requests.

use reqwest::Method;
use serde_json::{Value, json};
use venue::{DataPlan, VenueOptions};

use crate::support::{start, synthetic};

#[tokio::test]
async fn an_order_book_stands_around_the_quote_best_prices_first() {
    let (venue, http) = start(synthetic()).await;
    let answer = http.get("/v1beta3/crypto/us/latest/orderbooks?symbols=BTC/USD,ETH/USD").await;
    for symbol in ["BTC/USD", "ETH/USD"] {
        let book = &answer["orderbooks"][symbol];
        let prices = |side: &str| -> Vec<f64> {
            let levels = book[side].as_array().unwrap();
            levels.iter().map(|level| level["p"].as_f64().unwrap()).collect()
        };
        let (bids, asks) = (prices("b"), prices("a"));
        assert!(bids.len() == 10 && asks.len() == 10, "{book}");
        assert!(bids.is_sorted_by(|left, right| left > right), "{bids:?}");
        assert!(asks.is_sorted_by(|left, right| left < right), "{asks:?}");
        assert!(bids[0] < asks[0]);
    }
    let snapshots = http.get("/v1beta3/crypto/us/snapshots?symbols=BTC%2FUSD").await;
    assert!(snapshots["snapshots"]["BTC/USD"]["latestQuote"]["bp"].is_f64(), "{snapshots}");
    venue.stop().await;
}

#[tokio::test]
async fn an_auction_is_the_first_and_the_last_trade_of_its_session() {
    let options = VenueOptions { requests_per_minute: 10_000, ..VenueOptions::default() };
    let (venue, http) = start(options).await;
    let path = "/v2/stocks/auctions?symbols=AAPL&start=2026-11-16&end=2026-11-18T12:00:00Z";
    let auctions = http.get(path).await["auctions"]["AAPL"].clone();
    let dates: Vec<&str> =
        auctions.as_array().unwrap().iter().map(|day| day["d"].as_str().unwrap()).collect();
    assert_eq!(dates, ["2026-11-16", "2026-11-17"]);
    let trades = |range: &str| format!("/v2/stocks/AAPL/trades?{range}&limit=1");
    let open = "start=2026-11-16T14:30:00Z&end=2026-11-16T14:40:00Z";
    let close = "start=2026-11-16T20:50:00Z&end=2026-11-16T20:59:59.999Z&sort=desc";
    for (print, condition, range) in
        [(&auctions[0]["o"][0], "Q", open), (&auctions[0]["c"][0], "M", close)]
    {
        let trade = &http.get(&trades(range)).await["trades"][0];
        assert_eq!((&print["t"], &print["p"]), (&trade["t"], &trade["p"]), "{condition}");
        assert_eq!(print["c"], condition);
    }
    let single = http.get("/v2/stocks/AAPL/auctions?start=2026-11-16&end=2026-11-17&sort=desc");
    assert_eq!(single.await["auctions"][0]["d"], "2026-11-16");
    venue.stop().await;
}

#[tokio::test]
async fn news_are_paged_newest_first_and_carry_content_when_asked_for() {
    let (venue, http) = start(synthetic()).await;
    let path = "/v1beta1/news?start=2026-11-19T00:00:00Z&end=2026-11-20T00:00:00Z";
    let mut seen: Vec<Value> = Vec::new();
    let mut token = String::new();
    loop {
        let page = http.get(&format!("{path}&limit=50&page_token={token}")).await;
        seen.extend(page["news"].as_array().unwrap().iter().cloned());
        match page["next_page_token"].as_str() {
            Some(next) => next.clone_into(&mut token),
            None => break,
        }
    }
    assert!(seen.len() > 50, "{}", seen.len());
    let times: Vec<&str> = seen.iter().map(|one| one["created_at"].as_str().unwrap()).collect();
    assert!(times.is_sorted_by(|left, right| left >= right));
    assert!(seen.iter().all(|one| one["content"] == "" && one["url"].is_null()));
    let tesla = http.get("/v1beta1/news?symbols=TSLA&limit=3&include_content=True").await;
    let tesla = tesla["news"].as_array().unwrap();
    assert_eq!(tesla.len(), 3);
    assert!(tesla.iter().all(|one| one["symbols"] == json!(["TSLA"]) && one["content"] != ""));
    venue.stop().await;
}

#[tokio::test]
async fn codes_have_meanings_and_what_is_not_there_is_empty() {
    let (venue, http) = start(synthetic()).await;
    assert_eq!(http.get("/v2/stocks/meta/exchanges").await["V"], "IEX");
    let trade = http.get("/v2/stocks/meta/conditions/trade?tape=C").await;
    assert_eq!(trade["@"], "Regular Sale");
    let quote = http.get("/v2/stocks/meta/conditions/quote?tape=A").await;
    assert_eq!(quote["R"], "Regular, Two-Sided Open");
    let actions = http.get("/v1/corporate-actions?symbols=AAPL&types=cash_dividend").await;
    assert_eq!(actions, json!({"corporate_actions": {}, "next_page_token": null}));
    let missing = http.get("/v2/stocks/NOPE/bars?timeframe=1Min").await;
    assert_eq!(missing, json!({"bars": null, "symbol": "NOPE", "next_page_token": null}));
    let crypto = http.get("/v1beta3/crypto/us/bars?symbols=NOPE/USD&timeframe=1Min").await;
    assert_eq!(crypto, json!({"bars": {}, "next_page_token": null}));
    let otc = http.get("/v2/stocks/AAPL/trades/latest?feed=delayed_sip&currency=USD").await;
    assert_eq!(otc["currency"], "USD");
    let at: chrono::DateTime<chrono::Utc> = otc["trade"]["t"].as_str().unwrap().parse().unwrap();
    assert!((venue.clock().now() - at).num_minutes() >= 15, "{at}");
    venue.stop().await;
}

#[tokio::test]
async fn a_bad_request_for_data_is_400_or_404_and_names_what_is_wrong() {
    let (venue, http) = start(synthetic()).await;
    let bars = "/v2/stocks/AAPL/bars";
    for (path, status, named) in [
        ("/v2/stocks/bars?timeframe=1Min".to_owned(), 400, "symbols is required"),
        ("/v2/stocks/bars?timeframe=1Min&symbols=A*".to_owned(), 400, "invalid symbol: A*"),
        (bars.to_owned(), 400, "timeframe is required"),
        (format!("{bars}?timeframe=60Min"), 400, "invalid timeframe: 60Min"),
        (
            format!("{bars}?timeframe=1Min&limit=10001"),
            400,
            "invalid limit: larger than the allowed maximum of 10000",
        ),
        (format!("{bars}?timeframe=1Min&limit=0"), 400, "invalid limit"),
        (format!("{bars}?timeframe=1Min&limit=ten"), 400, "invalid limit"),
        (format!("{bars}?timeframe=1Min&feed=dark"), 400, "invalid feed: dark"),
        (format!("{bars}?timeframe=1Min&feed=overnight"), 400, "invalid feed: overnight"),
        (format!("{bars}?timeframe=1Min&adjustment=best"), 400, "invalid adjustment: best"),
        (format!("{bars}?timeframe=1Min&asof=then"), 400, "invalid asof: then"),
        (format!("{bars}?timeframe=1Min&currency=EUR"), 400, "invalid currency: EUR"),
        (format!("{bars}?timeframe=1Min&page_token=zz"), 400, "invalid page_token"),
        (format!("{bars}?timeframe=1Min&sort=up"), 422, "sort must be"),
        (format!("{bars}?timeframe=1Min&start=soon"), 422, "start must be"),
        ("/v2/stocks/orderbooks?symbols=AAPL".to_owned(), 404, "endpoint not found"),
        ("/v1beta3/crypto/mars/bars?symbols=BTC/USD".to_owned(), 404, "endpoint not found"),
        ("/v1beta3/crypto/us/auctions?symbols=BTC/USD".to_owned(), 404, "endpoint not found"),
        ("/v1beta1/screener/bonds/movers".to_owned(), 404, "endpoint not found"),
        ("/v1beta1/screener/stocks/movers?top=51".to_owned(), 400, "invalid top"),
        ("/v1beta1/screener/stocks/most-actives?by=luck".to_owned(), 400, "invalid by"),
        ("/v1beta1/news?limit=51".to_owned(), 400, "invalid limit"),
        ("/v1beta1/news?page_token=zz".to_owned(), 400, "invalid page_token"),
        ("/v2/stocks/meta/conditions/trade".to_owned(), 400, "tape is required"),
        ("/v2/stocks/meta/conditions/trade?tape=Z".to_owned(), 400, "invalid tape"),
        ("/v2/stocks/meta/conditions/luck?tape=A".to_owned(), 404, "endpoint not found"),
        ("/v1/corporate-actions?types=party".to_owned(), 400, "invalid types"),
        ("/v3/anything".to_owned(), 404, "endpoint not found"),
    ] {
        let answer = http.send(Method::GET, &path, None).await;
        let message = answer.body["message"].as_str().unwrap();
        assert!(answer.status == status && message.contains(named), "{path}: {answer:?}");
    }
    venue.stop().await;
}

#[tokio::test]
async fn the_free_plan_sees_old_consolidated_data_only_and_has_a_bucket_of_its_own() {
    let options = VenueOptions {
        data_plan: DataPlan { requests_per_minute: Some(5), ..DataPlan::basic() },
        ..synthetic()
    };
    let (venue, http) = start(options).await;
    let now = venue.clock().now();
    let stamp = |minutes: i64| {
        let at = now - chrono::TimeDelta::minutes(minutes);
        at.to_rfc3339_opts(chrono::SecondsFormat::Secs, true)
    };
    let path = |end: i64| {
        let (start, end) = (stamp(40), stamp(end));
        format!("/v2/stocks/AAPL/bars?timeframe=1Min&feed=sip&start={start}&end={end}")
    };
    let recent = http.send(Method::GET, &path(5), None).await;
    assert_eq!((recent.status, &recent.body["code"]), (403, &json!(42_210_000)));
    assert_eq!(recent.body["message"], "subscription does not permit querying recent SIP data");
    assert!(http.get(&path(20)).await["bars"].is_array());
    let latest = "/v2/stocks/AAPL/quotes/latest";
    assert_eq!(http.send(Method::GET, &format!("{latest}?feed=sip"), None).await.status, 403);
    assert!(http.get(latest).await["quote"].is_object());
    http.get(latest).await;
    let sixth = http.send(Method::GET, latest, None).await;
    assert_eq!((sixth.status, &sixth.body["message"]), (429, &json!("too many requests.")));
    assert_eq!(http.send(Method::GET, "/v2/clock", None).await.status, 200);
    venue.stop().await;
}

#[tokio::test]
async fn adjusted_bars_carry_later_splits_and_dividends_and_raw_ones_do_not() {
    let tape = tempfile::tempdir().unwrap();
    let rows = "timestamp,open,high,low,close,volume\n\
        2024-01-02,400,400,400,400,1000\n\
        2024-01-03,100,100,100,100,4000\n\
        2024-01-04,98,98,98,98,4000\n";
    std::fs::write(tape.path().join("ABC_1d.csv"), rows).unwrap();
    let actions = "symbol,kind,ex_date,pay_date,amount\n\
        ABC,split,2024-01-03,,4:1\n\
        ABC,dividend,2024-01-04,2024-01-05,2\n";
    std::fs::write(tape.path().join("corporate_actions.csv"), actions).unwrap();
    let options = VenueOptions {
        source: venue::Source::Replay(venue::ReplayOptions::new(tape.path())),
        requests_per_minute: 100_000,
        ..VenueOptions::default()
    };
    let (venue, http) = start(options).await;
    let subscribe = json!({"action": "subscribe", "bars": ["ABC"]});
    let mut socket = crate::support::Socket::data(&venue, "/v2/iex", subscribe).await;
    let reading = async { while socket.frame_or_end().await.is_some() {} };
    tokio::select! {
        () = reading => {}
        () = venue.replay_finished() => {}
    }
    for (adjustment, closes, volume) in [
        ("raw", [400.0, 100.0, 98.0], 1_000),
        ("split", [100.0, 100.0, 98.0], 4_000),
        ("dividend", [392.0, 98.0, 98.0], 1_000),
        ("all", [98.0, 98.0, 98.0], 4_000),
        ("split,dividend", [98.0, 98.0, 98.0], 4_000),
    ] {
        let path = "/v2/stocks/ABC/bars?timeframe=1Day&start=2024-01-01";
        let bars = http.get(&format!("{path}&adjustment={adjustment}")).await["bars"].clone();
        let found: Vec<f64> =
            bars.as_array().unwrap().iter().map(|bar| bar["c"].as_f64().unwrap()).collect();
        assert_eq!(found, closes, "{adjustment}");
        assert_eq!(bars[0]["v"], volume, "{adjustment}");
    }
    let actions = http.get("/v1/corporate-actions?symbols=ABC&limit=1").await;
    assert_eq!(actions["corporate_actions"]["forward_splits"][0]["new_rate"], 4);
    let next = actions["next_page_token"].as_str().unwrap();
    let rest = http.get(&format!("/v1/corporate-actions?symbols=ABC&page_token={next}")).await;
    assert_eq!(rest["corporate_actions"]["cash_dividends"][0]["payable_date"], "2024-01-05");
    assert_eq!(rest["next_page_token"], Value::Null);
    let none = http.get("/v1/corporate-actions?types=reverse_split").await;
    assert_eq!(none["corporate_actions"], json!({}));
    venue.stop().await;
}

#[tokio::test]
async fn every_answer_has_a_number_and_is_compressed_on_request() {
    let (venue, http) = start(synthetic()).await;
    let mut numbers = std::collections::BTreeSet::new();
    for path in ["/v2/clock", "/v3/nothing", "/", "/v2/stocks/bars", "/v2/iex"] {
        let response = http.raw(Method::GET, path, None).await;
        let number = response.headers()["x-request-id"].to_str().unwrap().to_owned();
        assert!(numbers.insert(number), "{path}");
    }
    let response = reqwest::Client::new()
        .get(format!("http://{}/v2/assets", venue.address()))
        .header("apca-api-key-id", crate::support::KEY)
        .header("apca-api-secret-key", crate::support::SECRET)
        .header("accept-encoding", "gzip")
        .send()
        .await
        .unwrap();
    assert_eq!(response.headers()["content-encoding"], "gzip");
    let bytes = response.bytes().await.unwrap();
    assert_eq!(&bytes[..2], [0x1f, 0x8b], "the magic number of gzip");
    venue.stop().await;
}
