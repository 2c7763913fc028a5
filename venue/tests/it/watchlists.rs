//! Watchlists, by id and by name.
#![expect(clippy::unwrap_used, reason = "a test may panic")]

use reqwest::Method;
use serde_json::{Value, json};
use venue::{Store, VenueOptions};

use crate::support::{Answer, Http, fixture, same_shape, start, synthetic};

async fn send(http: &Http, method: Method, path: &str, body: Value) -> Answer {
    http.send(method, path, Some(&body.to_string())).await
}

fn symbols(list: &Value) -> Vec<&str> {
    let assets = list["assets"].as_array().unwrap();
    assets.iter().map(|asset| asset["symbol"].as_str().unwrap()).collect()
}

#[tokio::test]
async fn a_list_is_made_read_changed_and_deleted_by_id_and_by_name_and_survives_a_restart() {
    let directory = tempfile::tempdir().unwrap();
    let options =
        || VenueOptions { store: Store::Directory(directory.path().to_owned()), ..synthetic() };
    let (venue, http) = start(options()).await;
    let made = json!({"name": "my core", "symbols": ["AAPL", "BTCUSD", "AAPL"], "other": null});
    let made = send(&http, Method::POST, "/v2/watchlists", made).await;
    assert_eq!((made.status, symbols(&made.body)), (200, vec!["AAPL", "BTC/USD"]));
    let mut expected = fixture("watchlist.json");
    same_shape("watchlist", &expected, &made.body);
    expected.as_object_mut().unwrap().remove("assets");
    same_shape("watchlists", &json!([expected]), &http.get("/v2/watchlists").await);

    let by_id = format!("/v2/watchlists/{}", made.body["id"].as_str().unwrap().replace('-', ""));
    let by_name = "/v2/watchlists:by_name?name=my%20core";
    let added = send(&http, Method::POST, &by_id, json!({"symbol": "MSFT"})).await;
    assert_eq!(symbols(&added.body), ["AAPL", "BTC/USD", "MSFT"]);
    let added = send(&http, Method::POST, by_name, json!({"symbol": "IBM"})).await;
    assert_eq!(symbols(&added.body), ["AAPL", "BTC/USD", "MSFT", "IBM"]);
    for path in [
        format!("{by_id}/MSFT"),
        format!("{by_id}/BTC/USD"),
        "/v2/watchlists:by_name/AAPL?name=my+core".to_owned(),
    ] {
        assert_eq!(http.send(Method::DELETE, &path, None).await.status, 200, "{path}");
    }
    venue.stop().await;

    let (venue, http) = start(options()).await;
    assert_eq!(symbols(&http.get(by_name).await), ["IBM"]);
    let renamed = send(&http, Method::PUT, by_name, json!({"name": "other"})).await;
    assert_eq!((&renamed.body["name"], symbols(&renamed.body)), (&json!("other"), vec!["IBM"]));
    let replaced = send(&http, Method::PUT, &by_id, json!({"symbols": ["KO", "V"]})).await;
    assert_eq!(
        (&replaced.body["name"], symbols(&replaced.body)),
        (&json!("other"), vec!["KO", "V"])
    );
    let gone = http.send(Method::DELETE, "/v2/watchlists:by_name?name=other", None).await;
    assert_eq!((gone.status, gone.body), (204, Value::Null));
    assert_eq!(http.get("/v2/watchlists").await, json!([]));
    venue.stop().await;
}

#[tokio::test]
async fn what_a_list_cannot_be_is_refused_by_name() {
    let (venue, http) = start(synthetic()).await;
    let made = json!({"name": "one", "symbols": ["AAPL"]});
    assert_eq!(send(&http, Method::POST, "/v2/watchlists", made.clone()).await.status, 200);
    let missing = "/v2/watchlists/33333333-3333-4333-8333-333333333333";
    let rows = [
        (Method::POST, "/v2/watchlists", made, 422, "watchlist name must be unique"),
        (Method::POST, "/v2/watchlists", json!({"symbols": []}), 422, "name is required"),
        (
            Method::POST,
            "/v2/watchlists",
            json!({"name": "x".repeat(65)}),
            422,
            "1 to 64 characters",
        ),
        (Method::POST, "/v2/watchlists", json!({"name": ""}), 422, "1 to 64 characters"),
        (
            Method::POST,
            "/v2/watchlists",
            json!({"name": "two", "symbols": ["NOPE"]}),
            404,
            "asset not found for NOPE",
        ),
        (Method::POST, "/v2/watchlists", json!([1]), 400, "request body is not valid"),
        (Method::POST, missing, json!({"symbol": "AAPL"}), 404, "watchlist not found for 33333333"),
        (Method::PUT, missing, json!({"name": "two"}), 404, "watchlist not found"),
        (
            Method::POST,
            "/v2/watchlists:by_name",
            json!({"symbol": "AAPL"}),
            422,
            "name is required",
        ),
        (
            Method::POST,
            "/v2/watchlists:by_name?name=one",
            json!({"symbol": "AAPL"}),
            422,
            "AAPL is on the watchlist already",
        ),
        (Method::POST, "/v2/watchlists:by_name?name=one", json!({}), 422, "symbol is required"),
    ];
    for (method, path, body, status, message) in rows {
        let answer = send(&http, method, path, body).await;
        let said = answer.body["message"].as_str().unwrap();
        assert_eq!(answer.status, status, "{path}: {said}");
        assert!(said.contains(message), "{path}: {said}");
    }
    for path in ["/v2/watchlists/nonsense", "/v2/watchlists:by_name/KO?name=one"] {
        assert_eq!(http.send(Method::DELETE, path, None).await.status, 404, "{path}");
    }
    venue.stop().await;
}
