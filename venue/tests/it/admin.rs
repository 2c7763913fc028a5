//! The admin port: accounts, faults, prices and the clock.
#![expect(clippy::unwrap_used, reason = "a test may panic")]

use std::net::SocketAddr;

use reqwest::Method;
use secrecy::SecretString;
use serde_json::{Value, json};
use venue::{AdminOptions, Source, Store, SyntheticOptions, Venue, VenueError, VenueOptions};

use crate::support::{Answer, Http, KEY, Socket, synthetic};

const TOKEN: &str = "a-token-that-nobody-guesses";

/// A client of the admin port.
struct Admin {
    client: reqwest::Client,
    base: String,
    token: &'static str,
}

impl Admin {
    async fn send(&self, method: Method, path: &str, body: Value) -> Answer {
        let request = self
            .client
            .request(method, format!("{}{path}", self.base))
            .header("authorization", format!("Bearer {}", self.token));
        let request = if body.is_null() { request } else { request.body(body.to_string()) };
        let response = request.send().await.unwrap();
        let status = response.status().as_u16();
        let text = response.text().await.unwrap();
        let body = if text.is_empty() { Value::Null } else { serde_json::from_str(&text).unwrap() };
        Answer { status, body }
    }

    async fn get(&self, path: &str) -> Value {
        let answer = self.send(Method::GET, path, Value::Null).await;
        assert_eq!(answer.status, 200, "{path}: {}", answer.body);
        answer.body
    }

    async fn post(&self, path: &str, body: Value) -> Answer {
        self.send(Method::POST, path, body).await
    }

    /// Posts what has to succeed.
    async fn done(&self, path: &str, body: Value) -> Value {
        let answer = self.post(path, body).await;
        assert!((200..300).contains(&answer.status), "{path}: {}", answer.body);
        answer.body
    }
}

fn with_admin(options: VenueOptions) -> VenueOptions {
    let listen = SocketAddr::from(([127, 0, 0, 1], 0));
    let admin = AdminOptions { listen, token: SecretString::from(TOKEN) };
    VenueOptions { admin: Some(admin), ..options }
}

async fn start(options: VenueOptions) -> (Venue, Http, Admin) {
    let venue = Venue::start(with_admin(options)).await.unwrap();
    let http = Http::new(&venue);
    let base = format!("http://{}", venue.admin_address().unwrap());
    let admin = Admin { client: reqwest::Client::new(), base, token: TOKEN };
    (venue, http, admin)
}

/// A Monday at ten o'clock in New York, on a clock of its own.
fn monday() -> VenueOptions {
    let options = SyntheticOptions {
        start: Some("2026-03-02T15:00:00Z".parse().unwrap()),
        partial_fill_chance: 0.0,
        ..SyntheticOptions::default()
    };
    VenueOptions { source: Source::Synthetic(options), ..synthetic() }
}

#[tokio::test]
async fn nobody_gets_in_without_the_token_not_even_to_a_wrong_path() {
    let (venue, _http, admin) = start(synthetic()).await;
    for token in ["", "wrong", "a-token-that-nobody-guesseS", "a-token-that-nobody-guesses2"] {
        let other = Admin { client: reqwest::Client::new(), base: admin.base.clone(), token };
        for path in ["/status", "/accounts", "/nowhere"] {
            let answer = other.send(Method::GET, path, Value::Null).await;
            assert_eq!((answer.status, &answer.body["code"]), (401, &json!(40_110_000)), "{token}");
        }
    }
    assert_eq!(admin.send(Method::GET, "/nowhere", Value::Null).await.status, 404);
    assert_eq!(admin.get("/status").await["accounts"], 1);
    venue.stop().await;
}

#[tokio::test]
async fn an_address_that_others_can_reach_and_a_short_token_are_refused() {
    for (listen, token, option) in [
        ("0.0.0.0:0", TOKEN, "admin_listen"),
        ("[::]:0", TOKEN, "admin_listen"),
        ("127.0.0.1:0", "short", "admin_token"),
    ] {
        let admin =
            AdminOptions { listen: listen.parse().unwrap(), token: SecretString::from(token) };
        let error =
            Venue::start(VenueOptions { admin: Some(admin), ..synthetic() }).await.unwrap_err();
        assert!(!error.to_string().contains(TOKEN) && !error.to_string().contains("short "));
        match error {
            VenueError::Option { option: named, .. } => assert_eq!(named, option, "{listen}"),
            other => assert_eq!(other.to_string(), option),
        }
    }
}

#[tokio::test]
async fn an_account_is_opened_paid_into_reset_and_closed() {
    let (venue, mut http, admin) = start(synthetic()).await;
    let opened = admin.done("/accounts", json!({"cash": "5000.50", "multiplier": 1})).await;
    http.key = opened["key_id"].as_str().unwrap().to_owned();
    http.secret = opened["secret_key"].as_str().unwrap().to_owned();
    assert_eq!((http.key.len(), http.secret.len()), (20, 40));
    assert_eq!(http.get("/v2/account").await["cash"], "5000.5");
    let path = format!("/accounts/{}", http.key);
    admin.done(&format!("{path}/deposit"), json!({"amount": "99.50"})).await;
    let paid = admin.done(&format!("{path}/withdraw"), json!({"amount": 100})).await;
    assert_eq!(paid["cash"], "5000");
    let activities = http.get("/v2/account/activities").await;
    let kinds: Vec<&Value> =
        activities.as_array().unwrap().iter().map(|one| &one["activity_type"]).collect();
    assert!(kinds.contains(&&json!("CSD")) && kinds.contains(&&json!("CSW")), "{kinds:?}");
    let too_much = admin.post(&format!("{path}/withdraw"), json!({"amount": "5000.01"})).await;
    assert_eq!((too_much.status, &too_much.body["available"]), (403, &json!("5000")));

    let order = http
        .order(json!({"symbol": "BTC/USD", "qty": "0.01", "side": "buy", "type": "market",
            "time_in_force": "gtc", "client_order_id": "mine"}))
        .await;
    http.order_in(order["id"].as_str().unwrap(), "filled").await;
    let listed = admin.get("/accounts").await;
    let mine = listed.as_array().unwrap().iter().find(|one| one["key_id"] == http.key.as_str());
    assert!(mine.unwrap()["positions"]["BTC/USD"].is_string());
    assert!(!listed.to_string().contains(&http.secret), "a secret is told once");

    let reset = admin.done(&format!("{path}/reset"), json!({"cash": 777})).await;
    assert_eq!((&reset["cash"], &reset["orders"]), (&json!("777"), &json!(0)));
    assert_eq!(http.get("/v2/positions").await, json!([]));
    assert_eq!(http.get("/v2/orders?status=all").await, json!([]));
    assert_ne!(reset["id"], opened["id"]);

    assert_eq!(admin.send(Method::DELETE, &path, Value::Null).await.status, 204);
    assert_eq!(http.send(Method::GET, "/v2/account", None).await.status, 401);
    assert_eq!(admin.send(Method::DELETE, &path, Value::Null).await.status, 404);
    assert_eq!(admin.get("/accounts").await.as_array().unwrap().len(), 1);
    venue.stop().await;
}

#[tokio::test]
async fn an_account_of_the_admin_port_is_there_after_a_restart_and_stays_closed() {
    let directory = tempfile::tempdir().unwrap();
    let stored =
        || VenueOptions { store: Store::Directory(directory.path().to_owned()), ..synthetic() };
    let (venue, _http, admin) = start(stored()).await;
    for key_id in ["PKKEPT", "PKCLOSED"] {
        let body = json!({"key_id": key_id, "secret_key": "a-secret", "cash": 42});
        assert_eq!(admin.post("/accounts", body).await.status, 201);
    }
    let again = json!({"key_id": "PKKEPT", "secret_key": "other"});
    assert_eq!(admin.post("/accounts", again).await.status, 422);
    assert_eq!(admin.send(Method::DELETE, "/accounts/PKCLOSED", Value::Null).await.status, 204);
    drop((venue, admin));
    let (venue, mut http, admin) = start_when_free(stored()).await;
    (http.key, http.secret) = ("PKKEPT".to_owned(), "a-secret".to_owned());
    assert_eq!(http.get("/v2/account").await["cash"], "42");
    assert_eq!(admin.get("/accounts").await.as_array().unwrap().len(), 2);
    assert_eq!(admin.get("/status").await["books"]["torn_bytes_at_start"], 0);
    venue.stop().await;
}

/// A venue that was dropped needs a moment to let go of its directory.
async fn start_when_free(options: VenueOptions) -> (Venue, Http, Admin) {
    let wait = async {
        loop {
            match Venue::start(with_admin(options.clone())).await {
                Err(VenueError::StoreLocked { .. }) => {
                    tokio::time::sleep(std::time::Duration::from_millis(10)).await;
                }
                other => return other.unwrap(),
            }
        }
    };
    let venue = tokio::time::timeout(crate::support::DEADLINE, wait).await.unwrap();
    let http = Http::new(&venue);
    let base = format!("http://{}", venue.admin_address().unwrap());
    (venue, http, Admin { client: reqwest::Client::new(), base, token: TOKEN })
}

#[tokio::test]
async fn faults_are_armed_listed_and_removed() {
    let (venue, http, admin) = start(synthetic()).await;
    let fault = json!({"inject": {"kind": "server_error", "status": 503},
        "scope": {"path": "/v2/account"}, "trigger": {"count": 2}});
    let armed = admin.post("/faults", fault.clone()).await;
    assert_eq!((armed.status, &armed.body["injected"]), (201, &json!(0)));
    assert_eq!(http.send(Method::GET, "/v2/account", None).await.status, 503);
    let listed = admin.get("/faults").await;
    assert_eq!(listed["faults"][0]["injected"], 1);
    assert_eq!(listed["faults"][0]["scope"]["path"], "/v2/account");
    let path = format!("/faults/{}", armed.body["id"]);
    assert_eq!(admin.send(Method::DELETE, &path, Value::Null).await.status, 204);
    assert_eq!(admin.send(Method::DELETE, &path, Value::Null).await.status, 404);
    http.get("/v2/account").await;
    let plan = json!({"seed": 9, "fault": [fault]});
    let replaced = admin.send(Method::PUT, "/faults", plan).await;
    assert_eq!((replaced.status, &replaced.body["seed"]), (200, &json!(9)));
    assert_eq!(admin.send(Method::DELETE, "/faults", Value::Null).await.status, 204);
    assert_eq!(admin.get("/faults").await["faults"], json!([]));
    for (wrong, named) in [
        (json!({"inject": {"kind": "earthquake"}}), "earthquake"),
        (json!({"inject": {"kind": "stall"}, "scope": {"path": "/v2"}}), "scope.path"),
        (json!({"inject": {"kind": "end_day"}}), "end_day"),
        (json!([]), "the body"),
    ] {
        let answer = admin.post("/faults", wrong).await;
        assert_eq!((answer.status, &answer.body["code"]), (422, &json!(40_010_001)));
        let message = answer.body["message"].as_str().unwrap();
        assert!(message.contains(named), "{message}");
    }
    venue.stop().await;
}

#[tokio::test]
async fn a_symbol_is_halted_quoted_and_resumed() {
    let (venue, http, admin) = start(synthetic()).await;
    let subscribe = json!({"action": "subscribe", "quotes": ["AAPL"]});
    let mut data = Socket::data(&venue, "/v2/iex", subscribe).await;
    let buy = |id: &str| {
        json!({"symbol": "AAPL", "qty": "1", "side": "buy", "type": "market",
            "time_in_force": "day", "client_order_id": id})
    };
    admin.done("/halt", json!({"symbol": "AAPL"})).await;
    let resting = http.order(buy("halted")).await;
    assert_eq!(resting["status"], "accepted");
    admin.done("/halt", json!({"symbol": "AAPL", "orders": "refuse"})).await;
    assert_eq!(http.post_order(buy("refused")).await.status, 422);
    let resumed = admin.done("/resume", json!({"symbol": "AAPL"})).await;
    assert_eq!(resumed["removed_faults"].as_array().unwrap().len(), 1, "the later one replaced it");
    http.order_in(resting["id"].as_str().unwrap(), "filled").await;

    let quote = json!({"symbol": "AAPL", "bid": "12.30", "ask": "12.34", "hold": true});
    admin.done("/quote", quote).await;
    let order = http.order(buy("at-the-quote")).await;
    let filled = http.order_in(order["id"].as_str().unwrap(), "filled").await;
    assert_eq!(filled["filled_avg_price"], "12.34");
    loop {
        let batch = data.next().await;
        if batch.as_array().unwrap().iter().any(|one| one["ap"] == json!(12.34)) {
            break;
        }
    }
    admin.done("/resume", json!({"symbol": "AAPL"})).await;
    for (path, wrong, status) in [
        ("/quote", json!({"symbol": "AAPL", "bid": 2, "ask": 1}), 422),
        ("/quote", json!({"symbol": "AAPL", "bid": 0, "ask": 1}), 422),
        ("/quote", json!({"symbol": "NOSUCH", "bid": 1, "ask": 1}), 404),
        ("/halt", json!({}), 422),
    ] {
        assert_eq!(admin.post(path, wrong.clone()).await.status, status, "{path} {wrong}");
    }
    venue.stop().await;
}

#[tokio::test]
async fn the_clock_moves_forward_to_a_time_by_a_span_or_to_the_end_of_the_day() {
    let (venue, http, admin) = start(monday()).await;
    let noon = json!({"advance_to": "2026-03-02T17:00:00Z"});
    let moved = admin.done("/clock", noon.clone()).await;
    assert!(moved["now"].as_str().unwrap().starts_with("2026-03-02T17:00:0"), "{moved}");
    assert_eq!((&moved["kind"], &moved["is_open"]), (&json!("own"), &json!(true)));
    assert_eq!(admin.post("/clock", noon).await.status, 422, "it never goes back");
    admin.done("/clock", json!({"advance_ms": 3_600_000})).await;
    assert!(venue.clock().now().to_rfc3339().as_str() >= "2026-03-02T18:00:00");
    // Prices follow: an order fills at the market of the new time.
    let order = http
        .order(json!({"symbol": "AAPL", "qty": "1", "side": "buy", "type": "market",
            "time_in_force": "day"}))
        .await;
    let filled = http.order_in(order["id"].as_str().unwrap(), "filled").await;
    assert!(filled["filled_at"].as_str().unwrap().starts_with("2026-03-02T18:0"), "{filled}");
    let ended = admin.done("/clock", json!({"end_day": true})).await;
    assert_eq!(ended["is_open"], false);
    for wrong in [
        json!({}),
        json!({"end_day": true, "advance_ms": 1}),
        json!({"advance_ms": -5}),
        json!({"advance_ms": i64::MAX}),
        json!({"advance_to": "9999-01-01T00:00:00Z"}),
        json!({"advance_to": "soon"}),
    ] {
        assert_eq!(admin.post("/clock", wrong.clone()).await.status, 422, "{wrong}");
    }
    venue.stop().await;

    let (venue, _http, admin) = start(synthetic()).await;
    let fixed = admin.post("/clock", json!({"end_day": true})).await;
    assert_eq!(fixed.status, 403);
    assert!(fixed.body["message"].as_str().unwrap().contains("--start"), "{}", fixed.body);
    assert_eq!(admin.get("/clock").await["kind"], "wall");
    let known = venue.book_snapshot(KEY);
    assert!(known.is_some());
    venue.stop().await;
}
