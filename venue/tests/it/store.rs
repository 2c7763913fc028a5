//! The books on disk: nothing that a client was told is lost.
#![expect(clippy::unwrap_used, reason = "a test may panic")]

use std::fs::{OpenOptions, read, write};
use std::io::Write;
use std::path::Path;

use reqwest::Method;
use serde_json::{Value, json};
use venue::{Store, Venue, VenueError, VenueOptions};

use crate::support::{Http, start, synthetic};

fn stored(directory: &Path) -> VenueOptions {
    VenueOptions { store: Store::Directory(directory.to_owned()), ..synthetic() }
}

/// What must be the same after a restart.
async fn books(http: &Http) -> Vec<Value> {
    let mut books = Vec::new();
    for path in ["/v2/orders?status=all", "/v2/account/activities"] {
        books.push(http.get(path).await);
    }
    books.push(http.get("/v2/account").await["cash"].clone());
    for position in http.get("/v2/positions").await.as_array().unwrap() {
        books.push(json!([position["symbol"], position["qty"], position["avg_entry_price"]]));
    }
    books
}

async fn trade(http: &Http) {
    let order = json!({"symbol": "AAPL", "qty": 10, "side": "buy", "type": "market",
        "time_in_force": "day", "client_order_id": "bought"});
    let order = http.order(order).await;
    http.order_in(order["id"].as_str().unwrap(), "filled").await;
    let resting = json!({"symbol": "BTC/USD", "qty": "0.01", "side": "buy", "type": "limit",
        "limit_price": 1000, "time_in_force": "gtc"});
    http.order(resting.clone()).await;
    let canceled = http.order(resting).await;
    let path = format!("/v2/orders/{}", canceled["id"].as_str().unwrap());
    assert_eq!(http.send(Method::DELETE, &path, None).await.status, 204);
}

#[tokio::test]
async fn a_venue_that_was_dropped_without_a_stop_has_the_same_books_afterwards() {
    let directory = tempfile::tempdir().unwrap();
    let (venue, http) = start(stored(directory.path())).await;
    trade(&http).await;
    let before = books(&http).await;
    // A copy taken while the venue runs is what a kill would leave.
    let left_behind = tempfile::tempdir().unwrap();
    let file = "synthetic/books.jsonl";
    std::fs::create_dir(left_behind.path().join("synthetic")).unwrap();
    let bytes = read(directory.path().join(file)).unwrap();
    write(left_behind.path().join(file), bytes).unwrap();
    drop(venue);

    let (venue, http) = start(stored(left_behind.path())).await;
    assert_eq!(books(&http).await, before);
    let again = json!({"symbol": "AAPL", "qty": 1, "side": "buy", "type": "market",
        "time_in_force": "day", "client_order_id": "bought"});
    assert_eq!(http.post_order(again).await.status, 422);
    let order = json!({"symbol": "AAPL", "qty": 1, "side": "buy", "type": "market",
        "time_in_force": "day"});
    let order = http.order(order).await;
    assert!(!before[0].to_string().contains(order["id"].as_str().unwrap()));
    venue.stop().await;
}

#[tokio::test]
async fn a_torn_last_line_is_cut_off_and_a_broken_one_before_it_is_an_error() {
    let directory = tempfile::tempdir().unwrap();
    let (venue, http) = start(stored(directory.path())).await;
    trade(&http).await;
    let before = books(&http).await;
    venue.stop().await;
    let path = directory.path().join("synthetic/books.jsonl");
    let append = |text: &str| {
        let mut file = OpenOptions::new().append(true).open(&path).unwrap();
        file.write_all(text.as_bytes()).unwrap();
    };
    append("{\"ids\":{\"salt\":\"torn");
    let (venue, http) = start(stored(directory.path())).await;
    assert_eq!(books(&http).await, before);
    venue.stop().await;

    append("nonsense\n");
    append("{\"ids\":{\"salt\":\"torn");
    let error = Venue::start(stored(directory.path())).await.unwrap_err();
    assert!(matches!(error, VenueError::StoreDamaged { .. }), "{error}");
}

#[tokio::test]
async fn two_venues_never_share_a_directory() {
    let directory = tempfile::tempdir().unwrap();
    let (venue, _http) = start(stored(directory.path())).await;
    let error = Venue::start(stored(directory.path())).await.unwrap_err();
    assert!(matches!(error, VenueError::StoreLocked { .. }), "{error}");
    venue.stop().await;
    let (venue, _http) = start(stored(directory.path())).await;
    venue.stop().await;
}
