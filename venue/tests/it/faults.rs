//! Faults on demand: each does what it says, to whom it says, as often as it says.
#![expect(clippy::unwrap_used, clippy::panic, reason = "a test may panic")]

use std::time::Duration;

use reqwest::Method;
use serde_json::{Value, json};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use venue::{
    Cut, Delay, Fault, FaultKind, FaultPlan, FaultScope, FaultTrigger, HaltedOrders, Source,
    StreamKind, SyntheticOptions, Venue, VenueError, VenueOptions,
};

use crate::support::{DEADLINE, Http, KEY, SECRET, Socket, start, steady_now, synthetic};

/// Long enough to be noticed when it does not come, short enough to wait for every time.
const SILENCE: Duration = Duration::from_millis(300);

fn market_buy(symbol: &str, id: &str) -> Value {
    // Coins know no day orders, and one of them is too much for the account.
    let (qty, time_in_force) = if symbol.contains('/') { ("0.01", "gtc") } else { ("1", "day") };
    json!({"symbol": symbol, "qty": qty, "side": "buy", "type": "market",
        "time_in_force": time_in_force, "client_order_id": id})
}

fn arm(venue: &Venue, fault: Fault) -> u64 {
    venue.faults().arm(fault).unwrap()
}

/// Posts an order; `None` when the connection is lost instead of an answer.
async fn attempt(http: &Http, order: &Value) -> Option<u16> {
    http.attempt(Method::POST, "/v2/orders", Some(&order.to_string())).await
}

async fn is_known(http: &Http, client_order_id: &str) -> bool {
    let path = format!("/v2/orders:by_client_order_id?client_order_id={client_order_id}");
    http.send(Method::GET, &path, None).await.status == 200
}

#[tokio::test]
async fn a_burst_of_429_ends_after_its_count_and_spares_other_paths() {
    let scope = FaultScope { method: Some("POST".to_owned()), ..FaultScope::path("/v2/orders") };
    let burst = Fault::new(FaultKind::RateLimit { retry_after_s: 2 })
        .within(scope)
        .when(FaultTrigger::first(3));
    let plan = FaultPlan { seed: 1, faults: vec![burst] };
    let (venue, http) = start(VenueOptions { faults: plan, ..synthetic() }).await;
    for number in 0..3 {
        let order = market_buy("BTC/USD", &format!("burst-{number}"));
        let answer = http.raw(Method::POST, "/v2/orders", Some(&order.to_string())).await;
        assert_eq!(answer.status(), 429);
        assert_eq!(answer.headers()["retry-after"], "2");
        let body: Value = serde_json::from_str(&answer.text().await.unwrap()).unwrap();
        assert_eq!(body, json!({"code": 42_910_000, "message": "rate limit exceeded"}));
        http.get("/v2/account").await;
    }
    http.order(market_buy("BTC/USD", "burst-over")).await;
    assert!(!is_known(&http, "burst-0").await);
    let armed = venue.faults().list().remove(0);
    assert_eq!((armed.calls, armed.injected), (4, 3));
    venue.stop().await;
}

#[tokio::test]
async fn a_server_error_stands_before_or_after_the_order_is_taken() {
    let (venue, http) = start(synthetic()).await;
    for (committed, status, id) in [(false, 503, "before"), (true, 504, "after")] {
        let kind = FaultKind::ServerError { status, committed };
        let fault = Fault::new(kind).within(FaultScope::path("/v2/orders"));
        arm(&venue, fault.when(FaultTrigger::first(1)));
        let answer = http.post_order(market_buy("BTC/USD", id)).await;
        assert_eq!(answer.status, status);
        assert_eq!(answer.body["code"], u32::from(status) * 100_000 + 10_000);
        assert_eq!(is_known(&http, id).await, committed);
    }
    venue.stop().await;
}

#[tokio::test]
async fn a_lost_answer_leaves_the_order_in_the_books_and_a_lost_request_does_not() {
    let (venue, http) = start(synthetic()).await;
    for (kind, id, known) in [
        (FaultKind::LostAnswer {}, "lost-answer", true),
        (FaultKind::CutAnswer { bytes: 30 }, "cut-answer", true),
        (FaultKind::LostRequest {}, "lost-request", false),
    ] {
        let scope =
            FaultScope { symbol: Some("BTCUSD".to_owned()), ..FaultScope::path("/v2/orders") };
        let id_of_fault = arm(&venue, Fault::new(kind).within(scope).when(FaultTrigger::nth(1)));
        assert_eq!(attempt(&http, &market_buy("ETH/USD", &format!("other-{id}"))).await, Some(200));
        assert_eq!(attempt(&http, &market_buy("BTC/USD", id)).await, None, "{id}");
        assert_eq!(is_known(&http, id).await, known, "{id}");
        assert_eq!(venue.faults().injected(id_of_fault), 1);
    }
    venue.stop().await;
}

#[tokio::test]
async fn a_cut_answer_is_cut_at_its_byte() {
    let (venue, _http) = start(synthetic()).await;
    arm(&venue, Fault::new(FaultKind::CutAnswer { bytes: 25 }));
    let mut socket = TcpStream::connect(venue.address()).await.unwrap();
    let request = format!(
        "GET /v2/clock HTTP/1.1\r\nhost: x\r\napca-api-key-id: {KEY}\r\n\
         apca-api-secret-key: {SECRET}\r\n\r\n"
    );
    socket.write_all(request.as_bytes()).await.unwrap();
    let received = read_to_the_end(&mut socket).await;
    assert_eq!(received.len(), 25);
    assert!(received.starts_with(b"HTTP/1.1 200 OK\r\n"));
    venue.stop().await;
}

#[tokio::test]
async fn a_slow_answer_comes_late_and_the_order_was_taken_in_time() {
    let (venue, http) = start(synthetic()).await;
    let delay = Delay::UniformMs([400, 500]);
    let slow = Fault::new(FaultKind::SlowAnswer { delay }).within(FaultScope::path("/v2/orders"));
    arm(&venue, slow.when(FaultTrigger::nth(1)));
    let mut updates = Socket::trade_updates(&venue).await;
    let asked = steady_now();
    let order = market_buy("BTC/USD", "slow");
    let (answer, filled_after) = tokio::join!(http.order(order), async {
        updates.update("fill").await;
        asked.elapsed()
    });
    let answered_after = asked.elapsed();
    assert!(answered_after >= Duration::from_millis(400), "{answered_after:?}");
    assert!(filled_after < answered_after);
    assert_eq!(answer["client_order_id"], "slow");
    venue.stop().await;
}

#[tokio::test]
async fn unauthorized_refuses_requests_and_streams_of_one_account_for_a_while() {
    let (venue, http) = start(synthetic()).await;
    let scope = FaultScope { account: Some(KEY.to_owned()), ..FaultScope::default() };
    let id = arm(&venue, Fault::new(FaultKind::Unauthorized {}).within(scope));
    let answer = http.send(Method::GET, "/v2/account", None).await;
    assert_eq!((answer.status, &answer.body["code"]), (401, &json!(40_110_000)));
    let auth = json!({"action": "auth", "key": KEY, "secret": SECRET});
    let mut trade = Socket::open(&venue, "/stream").await;
    trade.send(&auth).await;
    assert_eq!(trade.next().await["data"]["status"], "unauthorized");
    let mut data = Socket::open(&venue, "/v2/iex").await;
    data.next().await;
    data.send(&auth).await;
    assert_eq!(data.next().await[0]["code"], 402);
    assert_eq!(venue.faults().remove(id).unwrap().injected, 3);
    http.get("/v2/account").await;
    Socket::trade_updates(&venue).await;
    venue.stop().await;
}

/// The events of an order that is filled, in the order in which they arrive.
async fn events_of_a_fill(socket: &mut Socket, http: &Http, id: &str, count: usize) -> Vec<Value> {
    http.order(market_buy("BTC/USD", id)).await;
    let mut events = Vec::new();
    while events.len() < count {
        events.push(socket.next().await["data"].clone());
    }
    events
}

fn names(events: &[Value]) -> Vec<&str> {
    events.iter().map(|event| event["event"].as_str().unwrap()).collect()
}

#[tokio::test]
async fn a_repeated_update_is_the_same_in_every_member() {
    let (venue, http) = start(synthetic()).await;
    let mut socket = Socket::trade_updates(&venue).await;
    let delay = Delay::FixedMs(50);
    let repeat = Fault::new(FaultKind::RepeatUpdate { times: 2, delay });
    arm(&venue, repeat.within(FaultScope::event("fill")));
    let events = events_of_a_fill(&mut socket, &http, "repeated", 5).await;
    assert_eq!(names(&events), ["pending_new", "new", "fill", "fill", "fill"]);
    assert!(events[3] == events[2] && events[4] == events[2]);
    assert!(events[2]["execution_id"].is_string());
    venue.stop().await;
}

#[tokio::test]
async fn updates_go_missing_come_late_and_change_places() {
    let (venue, http) = start(synthetic()).await;
    let mut socket = Socket::trade_updates(&venue).await;
    for (kind, event, expected) in [
        (FaultKind::DropUpdate {}, "new", vec!["pending_new", "fill"]),
        (
            FaultKind::ReorderUpdates { after: 1, at_most_ms: 60_000 },
            "new",
            vec!["pending_new", "fill", "new"],
        ),
        (
            FaultKind::ReorderUpdates { after: 2, at_most_ms: 60_000 },
            "pending_new",
            vec!["new", "fill", "pending_new"],
        ),
        // Nothing comes after a fill: it is let go when its time is over.
        (
            FaultKind::ReorderUpdates { after: 1, at_most_ms: 100 },
            "fill",
            vec!["pending_new", "new", "fill"],
        ),
        (
            FaultKind::LateUpdate { delay: Delay::FixedMs(150) },
            "new",
            vec!["pending_new", "fill", "new"],
        ),
    ] {
        let id = arm(&venue, Fault::new(kind.clone()).within(FaultScope::event(event)));
        let events =
            events_of_a_fill(&mut socket, &http, &format!("moved-{id}"), expected.len()).await;
        assert_eq!(names(&events), expected, "{kind:?}");
        assert_eq!(venue.faults().remove(id).unwrap().injected, 1);
    }
    venue.stop().await;
}

#[tokio::test]
async fn a_bust_names_the_execution_that_it_is_about_and_may_overtake_it() {
    let (venue, http) = start(synthetic()).await;
    let mut socket = Socket::trade_updates(&venue).await;
    for (before, expected) in [
        (true, ["pending_new", "new", "trade_bust", "fill"]),
        (false, ["pending_new", "new", "fill", "trade_bust"]),
    ] {
        let id = arm(&venue, Fault::new(FaultKind::Bust { before }));
        let events = events_of_a_fill(&mut socket, &http, &format!("bust-{before}"), 4).await;
        assert_eq!(names(&events), expected);
        let (fill, bust) = if before { (&events[3], &events[2]) } else { (&events[2], &events[3]) };
        assert_eq!(bust["previous_execution_id"], fill["execution_id"]);
        assert_ne!(bust["execution_id"], fill["execution_id"]);
        assert!(bust["event_id"].as_str() > fill["event_id"].as_str());
        assert_eq!((&bust["price"], &bust["qty"]), (&fill["price"], &fill["qty"]));
        venue.faults().remove(id);
    }
    venue.stop().await;
}

#[tokio::test]
async fn a_stalled_stream_stays_open_says_nothing_and_answers_no_ping() {
    let (venue, http) = start(synthetic()).await;
    let mut trade = Socket::trade_updates(&venue).await;
    let subscribe = json!({"action": "subscribe", "trades": ["BTC/USD"]});
    let mut data = Socket::data(&venue, "/v1beta3/crypto/us", subscribe).await;
    data.next().await;
    let stall = Fault::new(FaultKind::Stall { for_ms: None });
    let id = arm(&venue, stall.within(FaultScope::stream(StreamKind::Trade)));
    http.order(market_buy("BTC/USD", "unheard")).await;
    assert!(!trade.ping_is_answered(SILENCE).await);
    assert!(data.ping_is_answered(DEADLINE).await, "only one kind of streams was meant");
    assert_eq!(venue.faults().injected(id), 1);
    venue.faults().remove(id);
    let late = trade.update("fill").await;
    assert_eq!(late["order"]["client_order_id"], "unheard");
    let stall = Fault::new(FaultKind::Stall { for_ms: Some(100) });
    arm(&venue, stall.when(FaultTrigger::first(2)));
    assert!(trade.ping_is_answered(DEADLINE).await, "it is over by itself");
    assert!(data.ping_is_answered(DEADLINE).await);
    venue.stop().await;
}

#[tokio::test]
async fn a_disconnect_in_the_middle_of_a_frame_leaves_half_of_it_on_the_wire() {
    let (venue, http) = start(synthetic()).await;
    let cut = Fault::new(FaultKind::Disconnect { at: Cut::MidFrame, close_code: None });
    arm(&venue, cut.within(FaultScope::stream(StreamKind::Trade)).when(FaultTrigger::nth(2)));
    let mut socket = raw_trade_stream(&venue).await;
    http.order(market_buy("BTC/USD", "half")).await;
    let whole = read_frame(&mut socket).await;
    assert!(whole.is_complete, "the first frame is not touched");
    let half = read_frame(&mut socket).await;
    assert!(!half.is_complete && half.length > 100, "{half:?}");
    assert!((half.received * 2).abs_diff(half.length) < 16, "{half:?}");
    Socket::trade_updates(&venue).await;
    venue.stop().await;
}

#[tokio::test]
async fn a_disconnect_before_or_after_a_frame_cuts_there_with_or_without_a_goodbye() {
    let (venue, http) = start(synthetic()).await;
    for (at, close_code, heard) in
        [(Cut::Before, None, 1), (Cut::After, None, 2), (Cut::After, Some(1012), 2)]
    {
        let cut = Fault::new(FaultKind::Disconnect { at, close_code });
        let mut socket = Socket::trade_updates(&venue).await;
        // An order elsewhere would be counted too, so the fault comes after the stream.
        let fault = cut.within(FaultScope::stream(StreamKind::Trade));
        let fault = match at {
            // An idle stream is a call of its own.
            Cut::Before => fault.when(FaultTrigger::nth(3)),
            Cut::MidFrame | Cut::After => fault.when(FaultTrigger::nth(2)),
        };
        let id = arm(&venue, fault);
        tokio::time::timeout(DEADLINE, async {
            while at == Cut::Before && venue.faults().list()[0].calls == 0 {
                tokio::time::sleep(Duration::from_millis(5)).await;
            }
        })
        .await
        .unwrap();
        http.order(market_buy("BTC/USD", &format!("cut-{at:?}-{close_code:?}"))).await;
        for _ in 0..heard {
            socket.next_frame().await;
        }
        assert_eq!(socket.close_code().await, close_code, "{at:?}");
        venue.faults().remove(id);
    }
    venue.stop().await;
}

#[tokio::test]
async fn the_data_stream_says_406_to_a_newcomer_and_407_to_a_listener() {
    let (venue, _http) = start(synthetic()).await;
    let auth = json!({"action": "auth", "key": KEY, "secret": SECRET});
    arm(&venue, Fault::new(FaultKind::StreamError { code: 406 }).when(FaultTrigger::first(1)));
    let mut refused = Socket::open(&venue, "/v2/iex").await;
    refused.next().await;
    refused.send(&auth).await;
    let error = json!([{"T": "error", "code": 406, "msg": "connection limit exceeded"}]);
    assert_eq!(refused.next().await, error);
    assert!(refused.frame_or_end().await.is_none());
    let subscribe = json!({"action": "subscribe", "trades": ["*"]});
    let mut listener = Socket::data(&venue, "/v1beta3/crypto/us", subscribe).await;
    listener.next().await;
    arm(&venue, Fault::new(FaultKind::StreamError { code: 407 }).when(FaultTrigger::first(1)));
    let mut last = Value::Null;
    while let Some(frame) = listener.frame_or_end().await {
        last = serde_json::from_slice(&frame.into_data()).unwrap();
    }
    assert_eq!(last, json!([{"T": "error", "code": 407, "msg": "slow client"}]));
    venue.stop().await;
}

#[tokio::test]
async fn a_halted_symbol_says_so_and_its_orders_wait_or_are_refused() {
    let (venue, http) = start(synthetic()).await;
    let subscribe = json!({"action": "subscribe", "statuses": ["AAPL"], "trades": ["MSFT"]});
    let mut data = Socket::data(&venue, "/v2/iex", subscribe).await;
    let halt = |orders| Fault::new(FaultKind::Halt { orders }).within(FaultScope::symbol("AAPL"));
    let id = arm(&venue, halt(HaltedOrders::Rest));
    assert_eq!(status_of(&mut data, "AAPL").await["sc"], "H");
    let resting = http.order(market_buy("AAPL", "rests")).await;
    let other = http.order(market_buy("MSFT", "trades")).await;
    http.order_in(other["id"].as_str().unwrap(), "filled").await;
    let path = format!("/v2/orders/{}", resting["id"].as_str().unwrap());
    assert_eq!(http.get(&path).await["filled_qty"], "0");
    let stricter = arm(&venue, halt(HaltedOrders::Refuse));
    let refused = http.post_order(market_buy("AAPL", "refused")).await;
    assert_eq!(refused.status, 422);
    assert_eq!(refused.body["message"], "asset \"AAPL\" is not tradable");
    venue.faults().remove(id);
    venue.faults().remove(stricter);
    assert_eq!(status_of(&mut data, "AAPL").await["sc"], "T");
    http.order_in(resting["id"].as_str().unwrap(), "filled").await;
    venue.stop().await;
}

async fn status_of(data: &mut Socket, symbol: &str) -> Value {
    loop {
        let batch = data.next().await;
        let found = batch.as_array().unwrap().iter().find(|one| one["T"] == "s").cloned();
        if let Some(status) = found {
            assert_eq!(status["S"], symbol);
            return status;
        }
    }
}

#[tokio::test]
async fn stale_quotes_stop_while_the_trades_go_on() {
    let (venue, _http) = start(synthetic()).await;
    let subscribe = json!({"action": "subscribe", "quotes": ["AAPL", "MSFT"], "trades": ["AAPL"]});
    let mut data = Socket::data(&venue, "/v2/iex", subscribe).await;
    let stale = Fault::new(FaultKind::StaleQuote {}).within(FaultScope::symbol("AAPL"));
    let id = arm(&venue, stale);
    tokio::time::timeout(DEADLINE, async {
        while venue.faults().injected(id) == 0 {
            data.next().await;
        }
    })
    .await
    .unwrap();
    // What was on its way before the fault has been read once a few of the others were.
    let (mut trades, mut quotes, mut others) = (0, 0, 0);
    while trades < 6 || others < 6 {
        for message in data.next().await.as_array().unwrap() {
            match (message["T"].as_str().unwrap(), message["S"].as_str().unwrap()) {
                ("t", _) => trades += 1,
                ("q", "MSFT") => others += 1,
                _ if trades > 2 => quotes += 1,
                _ => {}
            }
        }
    }
    assert_eq!(quotes, 0);
    venue.stop().await;
}

#[tokio::test]
async fn a_rejected_order_was_accepted_first() {
    let (venue, http) = start(synthetic()).await;
    let mut socket = Socket::trade_updates(&venue).await;
    let reject = Fault::new(FaultKind::RejectOrder {}).within(FaultScope::symbol("BTCUSD"));
    arm(&venue, reject.when(FaultTrigger::first(1)));
    let order = http.order(market_buy("BTC/USD", "rejected")).await;
    assert_eq!(order["status"], "pending_new");
    assert_eq!(socket.update("pending_new").await["order"]["status"], "pending_new");
    let update = socket.update("rejected").await;
    assert_eq!(update["order"]["id"], order["id"]);
    let rejected = http.order_in(order["id"].as_str().unwrap(), "rejected").await;
    assert!(rejected["failed_at"].is_string() && rejected["filled_qty"] == "0");
    let next = http.order(market_buy("BTC/USD", "taken")).await;
    http.order_in(next["id"].as_str().unwrap(), "filled").await;
    venue.stop().await;
}

/// A venue on a Monday at ten o'clock in New York, on a clock of its own.
fn monday() -> VenueOptions {
    let options = SyntheticOptions {
        start: Some("2026-03-02T15:00:00Z".parse().unwrap()),
        partial_fill_chance: 0.0,
        ..SyntheticOptions::default()
    };
    VenueOptions { source: Source::Synthetic(options), ..synthetic() }
}

#[tokio::test]
async fn the_day_ends_on_demand_and_day_orders_with_it() {
    let (venue, http) = start(monday()).await;
    assert_eq!(http.get("/v2/clock").await["is_open"], true);
    let resting = http
        .order(json!({"symbol": "AAPL", "qty": "1", "side": "buy", "type": "limit",
            "limit_price": "1.00", "time_in_force": "day"}))
        .await;
    let end = Fault::new(FaultKind::EndDay {}).within(FaultScope::path("/v2/account"));
    arm(&venue, end.when(FaultTrigger::nth(1)));
    http.get("/v2/account").await;
    http.order_in(resting["id"].as_str().unwrap(), "expired").await;
    let clock = http.get("/v2/clock").await;
    assert_eq!(clock["is_open"], false);
    assert!(clock["timestamp"].as_str().unwrap().starts_with("2026-03-02T16:00:"), "{clock}");
    assert_eq!(clock["next_open"], "2026-03-03T09:30:00-05:00");
    venue.stop().await;
    let (venue, _http) = start(synthetic()).await;
    let error = venue.faults().arm(Fault::new(FaultKind::EndDay {})).unwrap_err();
    assert!(matches!(error, VenueError::Fault { member: "inject.kind", .. }), "{error}");
    venue.stop().await;
}

#[tokio::test]
async fn faults_combine_and_the_books_stay_true() {
    let faults = vec![
        Fault::new(FaultKind::SlowAnswer { delay: Delay::ExponentialMs(5) }),
        Fault::new(FaultKind::LostAnswer {})
            .within(FaultScope::path("/v2/orders"))
            .when(FaultTrigger::chance(0.3)),
        Fault::new(FaultKind::ServerError { status: 502, committed: true })
            .within(FaultScope::path("/v2/orders"))
            .when(FaultTrigger { every: 4, ..FaultTrigger::default() }),
        Fault::new(FaultKind::RepeatUpdate { times: 1, delay: Delay::FixedMs(5) }),
        Fault::new(FaultKind::DropUpdate {}).when(FaultTrigger::chance(0.2)),
        Fault::new(FaultKind::RejectOrder {})
            .when(FaultTrigger { every: 5, ..FaultTrigger::default() }),
    ];
    let plan = FaultPlan { seed: 11, faults };
    let mut runs = Vec::new();
    for _ in 0..2 {
        let (venue, http) = start(VenueOptions { faults: plan.clone(), ..synthetic() }).await;
        let mut answers = Vec::new();
        for number in 0..20 {
            answers.push(attempt(&http, &market_buy("BTC/USD", &format!("c-{number}"))).await);
        }
        let snapshot = venue.book_snapshot(KEY).unwrap();
        assert_eq!((snapshot.orders, snapshot.open_orders, snapshot.executions), (20, 0, 16));
        let counts: Vec<u64> = venue.faults().list().iter().map(|armed| armed.injected).collect();
        assert_eq!(counts[5], 4);
        runs.push((answers, counts));
        venue.stop().await;
    }
    assert_eq!(runs[0], runs[1], "the same plan and the same requests, the same faults");
    let answers = &runs[0].0;
    for expected in [None, Some(502), Some(200)] {
        assert!(answers.contains(&expected), "{expected:?} in {answers:?}");
    }
}

/// A trade stream by hand, to see the bytes of its frames.
async fn raw_trade_stream(venue: &Venue) -> TcpStream {
    let mut socket = TcpStream::connect(venue.address()).await.unwrap();
    let request = "GET /stream HTTP/1.1\r\nhost: x\r\nconnection: upgrade\r\nupgrade: websocket\r\n\
                   sec-websocket-version: 13\r\nsec-websocket-key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n";
    socket.write_all(request.as_bytes()).await.unwrap();
    let mut head = Vec::new();
    while !head.ends_with(b"\r\n\r\n") {
        head.push(socket.read_u8().await.unwrap());
    }
    assert!(head.starts_with(b"HTTP/1.1 101"));
    for message in [
        json!({"action": "auth", "key": KEY, "secret": SECRET}),
        json!({"action": "listen", "data": {"streams": ["trade_updates"]}}),
    ] {
        let text = message.to_string();
        let mut frame = vec![0x81, 0x80 | u8::try_from(text.len()).unwrap(), 0, 0, 0, 0];
        frame.extend_from_slice(text.as_bytes());
        socket.write_all(&frame).await.unwrap();
        assert!(read_frame(&mut socket).await.is_complete);
    }
    socket
}

#[derive(Debug)]
struct RawFrame {
    length: usize,
    received: usize,
    is_complete: bool,
}

/// Reads one frame, or what there is of it.
async fn read_frame(socket: &mut TcpStream) -> RawFrame {
    let read = async {
        let _kind = socket.read_u8().await.unwrap();
        let length = match socket.read_u8().await.unwrap() {
            126 => usize::from(socket.read_u16().await.unwrap()),
            127 => panic!("a longer frame than any update"),
            short => usize::from(short),
        };
        let mut received = 0;
        let mut buffer = vec![0; length];
        while received < length {
            match socket.read(&mut buffer[received..]).await {
                Ok(0) | Err(_) => break,
                Ok(read) => received += read,
            }
        }
        RawFrame { length, received, is_complete: received == length }
    };
    tokio::time::timeout(DEADLINE, read).await.unwrap()
}

async fn read_to_the_end(socket: &mut TcpStream) -> Vec<u8> {
    let mut received = Vec::new();
    let mut buffer = [0; 1024];
    let read = async {
        while let Ok(read @ 1..) = socket.read(&mut buffer).await {
            received.extend_from_slice(&buffer[..read]);
        }
    };
    tokio::time::timeout(DEADLINE, read).await.unwrap();
    received
}
