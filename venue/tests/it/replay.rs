//! Recorded data: what the tape shows, and at which prices orders meet it.
#![expect(clippy::unwrap_used, reason = "a test may panic")]

use std::fmt::Write;
use std::fs::write;
use std::path::Path;
use std::pin::Pin;
use std::sync::Arc;
use std::time::Duration;

use serde_json::{Value, json};
use tempfile::TempDir;
use tokio::sync::Semaphore;
use venue::{
    FillOptions, Pacer, RealisticOptions, ReplayOptions, Source, Speed, Store, Venue, VenueError,
    VenueOptions,
};

use crate::support::{DEADLINE, Http, Socket, start, steady_now};

/// Three days of `ABC` whose prices are easy to tell apart.
const DAYS: &str = "timestamp,open,high,low,close,volume\n\
    2024-01-02,100,110,90,105,1003\n\
    2024-01-03,106,120,104,111,1000\n\
    2024-01-04,112,115,80,85,1000\n";

fn recordings(files: &[(&str, &str)]) -> TempDir {
    let directory = tempfile::tempdir().unwrap();
    for (name, text) in files {
        write(directory.path().join(name), text).unwrap();
    }
    directory
}

fn options(directory: &Path) -> VenueOptions {
    VenueOptions {
        source: Source::Replay(ReplayOptions::new(directory)),
        requests_per_minute: 100_000,
        ..VenueOptions::default()
    }
}

/// Subscribes, and calls `react` for each frame until the tape has ended. The venue waits for the
/// client between steps, so what `react` does happens between two steps of the tape.
async fn follow(
    venue: &Venue,
    symbol: &str,
    path: &str,
    mut react: impl AsyncFnMut(&[Value]),
) -> Vec<Value> {
    let subscribe = json!({"action": "subscribe", "trades": [symbol], "quotes": [symbol],
        "bars": [symbol], "dailyBars": [symbol]});
    let mut socket = Socket::data(venue, path, subscribe).await;
    let mut seen = Vec::new();
    let reading = async {
        loop {
            let frame = socket.next().await;
            let messages = frame.as_array().unwrap();
            react(messages).await;
            seen.extend(messages.iter().cloned());
        }
    };
    tokio::select! {
        () = reading => {}
        () = venue.replay_finished() => {}
        () = tokio::time::sleep(DEADLINE) => panic!("the tape never ended"),
    }
    seen
}

fn is_over(messages: &[Value], day: &str) -> bool {
    messages.iter().any(|one| one["T"] == "d" && one["t"].as_str().unwrap().starts_with(day))
}

#[tokio::test]
async fn a_bar_is_shown_as_open_two_extremes_close_and_then_its_end() {
    let directory = recordings(&[("ABC_1d.csv", DAYS)]);
    let (venue, _http) = start(options(directory.path())).await;
    let seen = follow(&venue, "ABC", "/v2/sip", async |_| {}).await;
    let first: Vec<String> = seen
        .iter()
        .take(6)
        .map(|one| format!("{} {} {}", one["T"], one["p"], one["t"]).replace('"', ""))
        .collect();
    assert_eq!(
        first,
        [
            "t 100.0 2024-01-02T00:00:00Z",
            "t 90.0 2024-01-02T06:00:00Z",
            "t 110.0 2024-01-02T12:00:00Z",
            "t 105.0 2024-01-02T23:59:59.999Z",
            "d null 2024-01-02T00:00:00Z",
            "q null 2024-01-03T00:00:00Z",
        ]
    );
    let sizes: i64 = seen.iter().take(4).map(|one| one["s"].as_i64().unwrap()).sum();
    assert_eq!(sizes, 1003);
    assert_eq!((seen[5]["bp"].as_f64(), seen[5]["bs"].as_i64()), (Some(105.0), Some(0)));
    let progress = venue.replay_progress().unwrap();
    assert_eq!((progress.rows, progress.bars, progress.done), (3, 3, true));
    assert_eq!(progress.position, Some("2024-01-05T00:00:00Z".parse().unwrap()));
    assert_eq!(
        venue.clock().now(),
        "2024-01-05T00:00:00Z".parse::<chrono::DateTime<chrono::Utc>>().unwrap()
    );
    venue.stop().await;
}

#[tokio::test]
async fn a_market_order_sent_on_the_close_fills_at_the_next_open_exactly() {
    let directory = recordings(&[("ABC_1d.csv", DAYS)]);
    let (venue, http) = start(options(directory.path())).await;
    follow(&venue, "ABC", "/v2/sip", async |messages| {
        if is_over(messages, "2024-01-02") {
            let order = http
                .order(json!({"symbol": "ABC", "qty": 5, "side": "buy", "type": "market",
                    "time_in_force": "day", "client_order_id": "a"}))
                .await;
            assert_eq!(order["created_at"], "2024-01-03T00:00:00Z");
        }
    })
    .await;
    let order = http.get("/v2/orders:by_client_order_id?client_order_id=a").await;
    assert_eq!((&order["status"], &order["filled_avg_price"]), (&json!("filled"), &json!("106")));
    assert_eq!(order["filled_at"], "2024-01-03T00:00:00Z");
    venue.stop().await;
}

#[tokio::test]
async fn a_limit_order_fills_at_its_limit_inside_a_bar_and_at_the_open_when_that_is_better() {
    let directory = recordings(&[("ABC_1d.csv", DAYS)]);
    let (venue, http) = start(options(directory.path())).await;
    let limit = |id: &str, price: &str| {
        json!({"symbol": "ABC", "qty": 1, "side": "buy", "type": "limit", "limit_price": price,
            "time_in_force": "gtc", "client_order_id": id})
    };
    follow(&venue, "ABC", "/v2/sip", async |messages| {
        if is_over(messages, "2024-01-02") {
            for (id, price) in
                [("inside", "104.5"), ("open", "107"), ("deep", "82"), ("never", "79")]
            {
                http.order(limit(id, price)).await;
            }
        }
    })
    .await;
    let price = async |id: &str| {
        let path = format!("/v2/orders:by_client_order_id?client_order_id={id}");
        http.get(&path).await["filled_avg_price"].clone()
    };
    assert_eq!(price("inside").await, "104.5");
    assert_eq!(price("open").await, "106");
    assert_eq!(price("deep").await, "82");
    assert_eq!(price("never").await, Value::Null);
    venue.stop().await;
}

#[tokio::test]
async fn a_day_order_expires_at_the_end_of_the_first_day_that_traded_after_it() {
    let directory = recordings(&[("ABC_1d.csv", DAYS)]);
    let (venue, http) = start(options(directory.path())).await;
    follow(&venue, "ABC", "/v2/sip", async |messages| {
        if is_over(messages, "2024-01-02") {
            http.order(json!({"symbol": "ABC", "qty": 1, "side": "buy", "type": "limit",
                "limit_price": 85, "time_in_force": "day", "client_order_id": "a"}))
                .await;
        }
    })
    .await;
    let order = http.get("/v2/orders:by_client_order_id?client_order_id=a").await;
    assert_eq!(
        (&order["status"], &order["expired_at"]),
        (&json!("expired"), &json!("2024-01-04T00:00:00Z"),)
    );
    venue.stop().await;
}

#[tokio::test]
async fn with_recorded_quotes_a_market_order_fills_at_the_newest_quote() {
    let quotes = "timestamp,bid,bid_size,ask,ask_size\n\
        2024-08-08T10:00:00Z,100,1,100.1,1\n\
        2024-08-08T10:01:00.5Z,101,1,101.1,1\n\
        2024-08-08T10:02:01Z,102,1,102.1,1\n";
    let directory = recordings(&[("XUSDT_l1.csv", quotes)]);
    let (venue, http) = start(options(directory.path())).await;
    assert_eq!(venue.instruments()[0].class, venue::AssetClass::Crypto);
    follow(&venue, "XUSDT", "/v1beta3/crypto/us", async |messages| {
        if messages.iter().any(|one| one["bp"] == 101.0) {
            let order = json!({"symbol": "XUSDT", "qty": "0.5", "side": "buy", "type": "market",
                "time_in_force": "gtc", "client_order_id": "a"});
            http.order(order).await;
        }
    })
    .await;
    let order = http.get("/v2/orders:by_client_order_id?client_order_id=a").await;
    assert_eq!(order["filled_avg_price"], "101.1");
    venue.stop().await;
}

#[tokio::test]
async fn finer_data_wins_and_broken_lines_are_counted() {
    let ticks = "timestamp,price,size\n2024-01-03T15:00:00Z,107,10\n\
        2024-01-03T15:00:00Z,108,ten\n2024-01-03T15:00:01Z,109,5\n";
    let directory = recordings(&[
        ("ABC_1d.csv", DAYS),
        ("ABC_1d_adj.csv", DAYS),
        ("ABC_trades.csv", ticks),
        ("DEF.csv", "date,close\n2024-01-01,5\n"),
        ("notes.txt", "not a recording"),
    ]);
    let (venue, _http) = start(options(directory.path())).await;
    let seen = follow(&venue, "ABC", "/v2/sip", async |_| {}).await;
    let progress = venue.replay_progress().unwrap();
    assert_eq!((progress.bars, progress.dropped_bars), (2, 1));
    assert_eq!((progress.trades, progress.broken_lines), (2, 1));
    let ids: Vec<u64> = seen.iter().filter_map(|one| one["i"].as_u64()).collect();
    assert_eq!(ids.len(), 10);
    assert!(ids.windows(2).all(|pair| pair[0] < pair[1]), "{ids:?}");
    venue.stop().await;
}

#[tokio::test]
async fn a_directory_without_a_usable_recording_is_an_error_that_says_what_was_found() {
    let directory = recordings(&[("DEF.csv", "date,close\n2024-01-01,5\n")]);
    let error = Venue::start(options(directory.path())).await.unwrap_err();
    assert!(
        matches!(&error, VenueError::NothingToReplay { reason, .. } if reason.contains("DEF.csv"))
    );
    let missing = Venue::start(options(&directory.path().join("missing"))).await.unwrap_err();
    assert!(matches!(missing, VenueError::Recordings { .. }), "{missing}");
}

#[tokio::test]
async fn a_paced_replay_keeps_the_distances_of_the_tape() {
    let ticks = "timestamp,price,size\n2024-01-03T15:00:00Z,1,1\n2024-01-03T15:00:30Z,2,1\n";
    let directory = recordings(&[("ABC_trades.csv", ticks)]);
    let mut options = options(directory.path());
    options.source = Source::Replay(ReplayOptions {
        speed: Speed::Times(60.0),
        ..ReplayOptions::new(directory.path())
    });
    let (venue, _http) = start(options).await;
    let mut times = Vec::new();
    follow(&venue, "ABC", "/v2/iex", async |_| times.push(steady_now())).await;
    let distance = times[1] - times[0];
    assert!(distance.as_millis() >= 450, "{distance:?} for half a second");
    venue.stop().await;
}

#[tokio::test]
async fn the_carried_recordings_replay_thirteen_years_of_four_stocks() {
    let directory = Path::new(env!("CARGO_MANIFEST_DIR")).join("replay");
    let mut options = options(&directory);
    if let Source::Replay(replay) = &mut options.source {
        replay.wait_for_subscriber = false;
    }
    let venue = Venue::start(options).await.unwrap();
    let symbols: Vec<String> = venue.instruments().into_iter().map(|one| one.symbol).collect();
    assert_eq!(symbols, ["AAPL", "GOOG", "IBM", "MSFT"]);
    tokio::time::timeout(DEADLINE, venue.replay_finished()).await.unwrap();
    let progress = venue.replay_progress().unwrap();
    assert_eq!((progress.bars, progress.broken_lines), (3 * 3_270 + 2_148, 0));
    let http = Http::new(&venue);
    let path = "/v2/stocks/AAPL/bars?timeframe=1Day&start=2013-02-25&end=2013-03-01";
    let bars = http.get(path).await;
    assert_eq!(bars["bars"].as_array().unwrap().len(), 5, "{bars}");
    venue.stop().await;
}

/// Lets the tape go one step for each permit.
#[derive(Debug)]
struct StepByStep(Semaphore);

impl Pacer for StepByStep {
    fn settled(&self) -> Pin<Box<dyn Future<Output = ()> + Send + '_>> {
        Box::pin(async { self.0.acquire().await.unwrap().forget() })
    }
}

#[tokio::test]
async fn the_tape_and_its_clock_stand_still_until_the_engine_has_settled() {
    let directory = recordings(&[("ABC_1d.csv", DAYS)]);
    let pacer = Arc::new(StepByStep(Semaphore::new(0)));
    let mut options = options(directory.path());
    options.pacer = Arc::<StepByStep>::clone(&pacer);
    if let Source::Replay(replay) = &mut options.source {
        replay.wait_for_subscriber = false;
    }
    let venue = Venue::start(options).await.unwrap();
    let steps = async |expected: u64| {
        let wait = async {
            while venue.replay_progress().unwrap().steps < expected {
                tokio::time::sleep(Duration::from_millis(1)).await;
            }
        };
        tokio::time::timeout(DEADLINE, wait).await.unwrap();
    };
    let times = ["2024-01-02T00:00:00Z", "2024-01-02T06:00:00Z", "2024-01-02T12:00:00Z"];
    for (count, time) in (1..).zip(times) {
        pacer.0.add_permits(1);
        steps(count).await;
        // The next step waits for a permit that nobody has given.
        assert_eq!(venue.clock().now(), time.parse::<chrono::DateTime<chrono::Utc>>().unwrap());
        assert_eq!(venue.replay_progress().unwrap().steps, count);
    }
    venue.stop().await;
}

#[tokio::test]
async fn a_replay_that_is_started_again_knows_its_orders_and_takes_none_twice() {
    let directory = recordings(&[("ABC_1d.csv", DAYS)]);
    let books = tempfile::tempdir().unwrap();
    let mut answers = Vec::new();
    for _ in 0..2 {
        let store = Store::Directory(books.path().to_owned());
        let (venue, http) = start(VenueOptions { store, ..options(directory.path()) }).await;
        follow(&venue, "ABC", "/v2/sip", async |messages| {
            if is_over(messages, "2024-01-02") {
                let order = json!({"symbol": "ABC", "qty": 5, "side": "buy", "type": "market",
                    "time_in_force": "day", "client_order_id": "a"});
                answers.push(http.post_order(order).await.status);
            }
        })
        .await;
        let snapshot = venue.book_snapshot(crate::support::KEY).unwrap();
        assert_eq!((snapshot.orders, snapshot.executions, snapshot.open_orders), (1, 1, 0));
        assert_eq!(snapshot.cash.to_string(), "99470");
        venue.stop().await;
    }
    assert_eq!(answers, [200, 422]);
}

#[tokio::test]
async fn a_client_that_does_not_read_is_told_and_let_go_and_the_tape_goes_on() {
    let mut minutes = "timestamp,open,high,low,close,volume\n".to_owned();
    for minute in 0..30_000 {
        let at = chrono::DateTime::from_timestamp(1_700_000_040 + minute * 60, 0).unwrap();
        writeln!(minutes, "{},10,11,9,10,8", at.to_rfc3339()).unwrap();
    }
    let directory = recordings(&[("ABC_1m.csv", &minutes)]);
    let mut options = options(directory.path());
    if let Source::Replay(replay) = &mut options.source {
        replay.speed = Speed::Times(1e12);
    }
    let (venue, _http) = start(options).await;
    let subscribe = json!({"action": "subscribe", "trades": ["*"], "quotes": ["*"]});
    let mut stuck = Socket::data(&venue, "/v2/sip", subscribe).await;
    tokio::time::timeout(DEADLINE, venue.replay_finished()).await.unwrap();
    assert_eq!(venue.replay_progress().unwrap().bars, 30_000);
    let mut last = None;
    while let Some(frame) = stuck.frame_or_end().await {
        last = Some(frame);
    }
    let goodbye: Value = serde_json::from_slice(&last.unwrap().into_data()).unwrap();
    assert_eq!(goodbye, json!([{"T": "error", "code": 407, "msg": "slow client"}]));
    venue.stop().await;
}

#[tokio::test]
async fn an_execution_is_heard_of_before_any_later_price() {
    let minutes = "timestamp,open,high,low,close,volume\n\
        2024-01-02T10:00:00Z,100,101,99,100,8\n\
        2024-01-02T10:01:00Z,102,103,101,102,8\n\
        2024-01-02T10:02:00Z,104,105,103,104,8\n";
    let directory = recordings(&[("ABC_1m.csv", minutes)]);
    let (venue, http) = start(options(directory.path())).await;
    let mut updates = Socket::trade_updates(&venue).await;
    let subscribe = json!({"action": "subscribe", "bars": ["ABC"], "trades": ["ABC"]});
    let mut data = Socket::data(&venue, "/v2/sip", subscribe).await;
    while !data.next().await.as_array().unwrap().iter().any(|one| one["T"] == "b") {}
    http.order(json!({"symbol": "ABC", "qty": 5, "side": "buy", "type": "market",
        "time_in_force": "day"}))
        .await;
    let mut prices = Vec::new();
    let fill = loop {
        tokio::select! {
            update = updates.update("fill") => break update,
            frame = data.next() => prices.extend(frame.as_array().unwrap().iter().cloned()),
        }
    };
    assert_eq!(
        (&fill["price"], &fill["timestamp"]),
        (&json!("102"), &json!("2024-01-02T10:01:00Z"),)
    );
    // The tape waits for this client, which has not answered the ping after its fill.
    assert_eq!(
        venue.clock().now(),
        "2024-01-02T10:01:00Z".parse::<chrono::DateTime<chrono::Utc>>().unwrap()
    );
    assert!(prices.iter().all(|one| one["p"].as_f64() == Some(102.0)), "{prices:?}");
    venue.stop().await;
}

#[tokio::test]
async fn the_table_beside_a_recording_splits_what_is_held_before_the_first_price_of_its_day() {
    let directory = recordings(&[
        ("ABC_1d.csv", DAYS),
        (
            "corporate_actions.csv",
            "symbol,kind,ex_date,pay_date,amount\nABC,split,2024-01-04,,2:1\n\
             ABC,dividend,2024-01-04,2024-01-04,0.50\n",
        ),
    ]);
    let (venue, http) = start(options(directory.path())).await;
    follow(&venue, "ABC", "/v2/sip", async |messages| {
        if is_over(messages, "2024-01-02") {
            http.order(json!({"symbol": "ABC", "qty": 5, "side": "buy", "type": "market",
                "time_in_force": "day"}))
                .await;
        }
    })
    .await;
    let position = http.get("/v2/positions/ABC").await;
    assert_eq!((&position["qty"], &position["avg_entry_price"]), (&json!("10"), &json!("53")));
    let paid = http.get("/v2/account/activities/DIV").await;
    assert_eq!((&paid[0]["net_amount"], &paid[0]["symbol"]), (&json!("2.5"), &json!("ABC")));
    venue.stop().await;
}

#[tokio::test]
async fn realistic_fills_on_a_bar_get_a_share_of_its_volume_at_a_worse_price_than_printed() {
    let directory = recordings(&[("ABC_1d.csv", DAYS)]);
    let realistic = FillOptions::Realistic(RealisticOptions::default());
    let options = VenueOptions { fills: realistic, ..options(directory.path()) };
    let (venue, http) = start(options).await;
    follow(&venue, "ABC", "/v2/sip", async |messages| {
        if is_over(messages, "2024-01-02") {
            http.order(json!({"symbol": "ABC", "qty": 40, "side": "buy", "type": "market",
                "time_in_force": "gtc", "client_order_id": "a"}))
                .await;
        }
    })
    .await;
    let fills = http.get("/v2/account/activities/FILL?direction=asc").await;
    let first = &fills[0];
    assert_eq!((&first["qty"], &first["price"]), (&json!("25"), &json!("106.02")));
    assert_eq!(first["transaction_time"], "2024-01-03T00:00:00.000000Z");
    assert_eq!(fills[1]["qty"], "15", "the rest at the next print");
    venue.stop().await;
}
