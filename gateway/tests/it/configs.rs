//! Trading configs.

use std::sync::atomic::Ordering;

use gateway::{EngineRefusal, RefusalKind};
use serde_json::{Value, json};

use crate::support::{Answer, Call, Gateway, code, pairs, text};

const CONFIGS: &str = "/v1/trading/configs";

async fn create(gateway: &Gateway, token: &str, body: &Value) -> Answer {
    gateway.send(Call::post(CONFIGS).bearer(token).json(body)).await
}

/// Creates a config of that name; answers its path.
async fn created(gateway: &Gateway, token: &str, name: &str) -> String {
    let answer = create(gateway, token, &json!({"name": name, "tickers": ["AAPL"]})).await;
    assert_eq!(answer.status, 201, "{}", answer.text());
    format!("{CONFIGS}/{}", text(&answer.json()["id"]))
}

async fn patch(gateway: &Gateway, token: &str, path: &str, body: &Value) -> Answer {
    gateway.send(Call::new("PATCH", path).bearer(token).json(body)).await
}

async fn post(gateway: &Gateway, token: &str, path: String) -> Answer {
    gateway.send(Call::post(path).bearer(token)).await
}

#[tokio::test]
async fn a_created_config_is_answered_listed_and_found_on_both_faces() {
    let gateway = Gateway::start().await;
    let token = gateway.token_of("trader123").await;
    let body = json!({"name": " My Strategy ", "tickers": ["aapl", "MSFT", "btc/usd"]});
    let answer = create(&gateway, &token, &body).await;
    assert_eq!(answer.status, 201, "{}", answer.text());
    let config = answer.json();
    let id = text(&config["id"]);
    assert_eq!(answer.header("location"), format!("{CONFIGS}/{id}"));
    assert_eq!(answer.header("cache-control"), "no-store");
    let expected = json!({
        "id": id,
        "name": "My Strategy",
        "tickers": ["AAPL", "MSFT", "BTC/USD"],
        "check_interval": 300,
        "is_active": false,
        "strategies": null,
        "capital_share": 1,
        "created_at": "2026-02-02T02:40:00Z",
        "updated_at": "2026-02-02T02:40:00Z",
    });
    assert_eq!(config, expected);
    for face in ["/v1", "/api"] {
        let list = gateway.send(Call::get(format!("{face}/trading/configs")).bearer(&token)).await;
        let expected = json!({"configs": [config], "total": 1, "limit": 100, "offset": 0});
        assert_eq!((list.status, list.json()), (200, expected));
        let one = Call::get(format!("{face}/trading/configs/{id}")).bearer(&token);
        assert_eq!(gateway.send(one).await.json(), config);
    }
    assert_eq!(gateway.audited().await.last().unwrap(), "config.created");
    gateway.test.drop_database().await;
}

#[tokio::test]
async fn what_a_creation_answers_is_what_is_read_later() {
    let gateway = Gateway::start().await;
    let token = gateway.token_of("trader123").await;
    gateway.clock.forward_ns(123_456_789);
    let body = json!({"name": "mine", "tickers": ["AAPL"], "capital_share": "0.5000"});
    let config = create(&gateway, &token, &body).await.json();
    assert_eq!(config["created_at"], "2026-02-02T02:40:00.123456Z");
    let path = format!("{CONFIGS}/{}", text(&config["id"]));
    assert_eq!(gateway.send(Call::get(path).bearer(&token)).await.json(), config);
    gateway.test.drop_database().await;
}

#[tokio::test]
async fn strategies_interval_and_share_are_kept_as_given() {
    let gateway = Gateway::start().await;
    let token = gateway.token_of("trader123").await;
    let strategies = json!({
        "AAPL": {"strategy": "sma_cross", "params": {"fast": 10, "slow": 20.5}},
        "*": {"strategy": "sma_cross", "params": {}},
    });
    let body = json!({
        "name": "a", "tickers": ["AAPL", "MSFT"], "check_interval": 1,
        "strategies": {"aapl": strategies["AAPL"], "*": {"strategy": "sma_cross"}},
        "capital_share": "0.25",
    });
    let answer = create(&gateway, &token, &body).await;
    assert_eq!(answer.status, 201, "{}", answer.text());
    let path = format!("{CONFIGS}/{}", text(&answer.json()["id"]));
    let config = gateway.send(Call::get(path).bearer(&token)).await.json();
    assert_eq!(config["strategies"], strategies);
    assert_eq!((&config["check_interval"], &config["capital_share"]), (&json!(1), &json!(0.25)));
    gateway.test.drop_database().await;
}

#[tokio::test]
async fn every_wrong_field_of_a_config_is_named() {
    let gateway = Gateway::start().await;
    let token = gateway.token_of("trader123").await;
    let many: Vec<String> = (0..51).map(|number| format!("T{number}")).collect();
    let sma = json!({"strategy": "sma_cross"});
    let rows = [
        (json!({}), vec![("name", "required"), ("tickers", "required")]),
        (json!({"name": "x".repeat(101), "tickers": ["AAPL"]}), vec![("name", "too_long")]),
        (json!({"name": "a\n", "tickers": []}), vec![("tickers", "required")]),
        (json!({"name": "a", "tickers": many}), vec![("tickers", "too_many")]),
        (json!({"name": "a", "tickers": ["AAPL", "aapl"]}), vec![("tickers", "duplicate_ticker")]),
        (json!({"name": "a", "tickers": ["A;PL"]}), vec![("tickers", "invalid_ticker")]),
        (json!({"name": "a", "tickers": ["AAPL", "NOPE"]}), vec![("tickers", "unknown_ticker")]),
        (
            json!({"name": "a", "tickers": ["AAPL"], "check_interval": 0}),
            vec![("check_interval", "out_of_range")],
        ),
        (
            json!({"name": "a", "tickers": ["AAPL"], "check_interval": 86401}),
            vec![("check_interval", "out_of_range")],
        ),
        (
            json!({"name": "a", "tickers": ["AAPL"], "check_interval": "300"}),
            vec![("check_interval", "wrong_type")],
        ),
        (
            json!({"name": "a", "tickers": ["AAPL"], "capital_share": 0}),
            vec![("capital_share", "out_of_range")],
        ),
        (
            json!({"name": "a", "tickers": ["AAPL"], "capital_share": 1.01}),
            vec![("capital_share", "out_of_range")],
        ),
        (
            json!({"name": "a", "tickers": ["AAPL"], "capital_share": 0.00001}),
            vec![("capital_share", "too_precise")],
        ),
        (json!({"name": "a", "tickers": ["AAPL"], "colour": 1}), vec![("colour", "unknown_field")]),
        (
            json!({"name": "a", "tickers": ["AAPL"], "strategies": {"MSFT": sma}}),
            vec![("strategies.MSFT", "ticker_not_in_config")],
        ),
        (
            json!({"name": "a", "tickers": ["AAPL"], "strategies": {"AAPL": {"strategy": "magic"}}}),
            vec![("strategies.AAPL", "unknown_strategy")],
        ),
        (
            json!({"name": "a", "tickers": ["AAPL"], "strategies": {"*": {"strategy": "sma_cross", "params": {"medium": 1}}}}),
            vec![("strategies.*", "unknown_param")],
        ),
        (
            json!({"name": "a", "tickers": ["AAPL"], "strategies": {"AAPL": {"strategy": "sma_cross", "params": {"fast": "1"}}}}),
            vec![("strategies.AAPL.params.fast", "wrong_type")],
        ),
        (
            json!({"name": "a", "tickers": ["AAPL"], "strategies": {"AAPL": {"strategy": "sma_cross", "color": 1}}}),
            vec![("strategies.AAPL.color", "unknown_field")],
        ),
    ];
    for (body, expected) in rows {
        let answer = create(&gateway, &token, &body).await;
        assert_eq!(answer.wrong_fields(), pairs(&expected), "{body}");
    }
    let answer = create(&gateway, &token, &json!({"name": "a", "tickers": ["NOPE"]})).await;
    assert!(text(&answer.json()["errors"][0]["message"]).contains("NOPE"));
    gateway.test.drop_database().await;
}

#[tokio::test]
async fn a_venue_that_is_away_is_said_to_be() {
    let gateway = Gateway::start().await;
    let token = gateway.token_of("trader123").await;
    *gateway.engine.venue_unavailable.lock().unwrap() = true;
    let answer = create(&gateway, &token, &json!({"name": "a", "tickers": ["AAPL"]})).await;
    assert_eq!(answer.problem(), code(503, "venue_unavailable"));
    assert_eq!(answer.header("retry-after"), "5");
    gateway.test.drop_database().await;
}

#[tokio::test]
async fn a_name_is_unique_among_the_configs_of_one_user() {
    let gateway = Gateway::start().await;
    let token = gateway.token_of("trader123").await;
    created(&gateway, &token, "mine").await;
    let other = created(&gateway, &token, "other").await;
    let again = create(&gateway, &token, &json!({"name": "mine", "tickers": ["AAPL"]})).await;
    assert_eq!(again.problem(), code(409, "name_taken"));
    let renamed = patch(&gateway, &token, &other, &json!({"name": "mine"})).await;
    assert_eq!(renamed.problem(), code(409, "name_taken"));
    let somebody = gateway.token_of("somebody").await;
    created(&gateway, &somebody, "mine").await;
    gateway.test.drop_database().await;
}

#[tokio::test]
async fn another_users_config_is_not_there() {
    let gateway = Gateway::start().await;
    let owner = gateway.token_of("owner").await;
    let path = created(&gateway, &owner, "mine").await;
    let stranger = gateway.token_of("stranger").await;
    let calls = [
        Call::get(&path),
        Call::new("PATCH", &path).json(&json!({"name": "stolen"})),
        Call::new("DELETE", &path),
        Call::post(format!("{path}/activate")),
        Call::post(format!("{path}/deactivate")),
        Call::get(format!("{CONFIGS}/00000000-0000-0000-0000-000000000000")),
        Call::get(format!("{CONFIGS}/no-id")),
    ];
    for call in calls {
        assert_eq!(gateway.send(call.bearer(&stranger)).await.problem(), code(404, "not_found"));
    }
    let list = gateway.send(Call::get(CONFIGS).bearer(&stranger)).await.json();
    assert_eq!(list["total"], 0);
    let config = gateway.send(Call::get(&path).bearer(&owner)).await.json();
    assert_eq!(config["name"], "mine");
    gateway.test.drop_database().await;
}

#[tokio::test]
async fn a_config_is_activated_and_deactivated_once_or_twice() {
    let gateway = Gateway::start().await;
    let token = gateway.token_of("trader123").await;
    let path = created(&gateway, &token, "mine").await;
    let id = path.rsplit('/').next().unwrap().to_owned();
    for (verb, status, active) in
        [("activate", "activated", true), ("deactivate", "deactivated", false)]
    {
        for _ in 0..2 {
            let answer = post(&gateway, &token, format!("{path}/{verb}")).await;
            let expected = json!({"status": status, "config_id": id});
            assert_eq!((answer.status, answer.json()), (200, expected));
        }
        let config = gateway.send(Call::get(&path).bearer(&token)).await.json();
        assert_eq!(config["is_active"], active);
    }
    gateway.test.drop_database().await;
}

#[tokio::test]
async fn the_engines_refusals_reach_the_client() {
    let gateway = Gateway::start().await;
    let token = gateway.token_of("trader123").await;
    let path = created(&gateway, &token, "mine").await;
    let rows = [
        (RefusalKind::NotFound, "not_found", 404),
        (RefusalKind::Unusable, "no_ticker", 422),
        (RefusalKind::Blocked, "account_halted", 409),
        (RefusalKind::TryLater, "engine_busy", 503),
    ];
    for (kind, name, status) in rows {
        let message = "the reason".to_owned();
        *gateway.engine.refusal.lock().unwrap() = Some(EngineRefusal { kind, code: name, message });
        let answer = post(&gateway, &token, format!("{path}/activate")).await;
        assert_eq!(answer.problem(), code(status, name));
        assert_eq!(answer.json()["detail"], "the reason");
    }
    gateway.test.drop_database().await;
}

#[tokio::test]
async fn a_change_is_stored_and_what_is_not_named_stays() {
    let gateway = Gateway::start().await;
    let token = gateway.token_of("trader123").await;
    let path = created(&gateway, &token, "mine").await;
    gateway.clock.forward(60);
    let strategies = json!({"MSFT": {"strategy": "sma_cross", "params": {"fast": 2}}});
    let change = json!({"tickers": ["MSFT"], "strategies": strategies, "capital_share": 0.5});
    let answer = patch(&gateway, &token, &path, &change).await;
    assert_eq!(answer.status, 200, "{}", answer.text());
    let config = answer.json();
    assert_eq!((&config["name"], &config["check_interval"]), (&json!("mine"), &json!(300)));
    assert_eq!((&config["tickers"], &config["strategies"]), (&json!(["MSFT"]), &strategies));
    assert_eq!(config["updated_at"], "2026-02-02T02:41:00Z");
    let answer = patch(&gateway, &token, &path, &json!({"name": "renamed"})).await;
    assert_eq!(answer.json()["strategies"], strategies);
    let answer = patch(&gateway, &token, &path, &json!({"strategies": null})).await;
    assert_eq!(answer.json()["strategies"], json!(null));
    gateway.test.drop_database().await;
}

#[tokio::test]
async fn a_ticker_does_not_leave_its_strategy_behind() {
    let gateway = Gateway::start().await;
    let token = gateway.token_of("trader123").await;
    let path = created(&gateway, &token, "mine").await;
    let strategies = json!({"strategies": {"AAPL": {"strategy": "sma_cross"}}});
    assert_eq!(patch(&gateway, &token, &path, &strategies).await.status, 200);
    let answer = patch(&gateway, &token, &path, &json!({"tickers": ["MSFT"]})).await;
    assert_eq!(answer.wrong_fields(), pairs(&[("strategies.AAPL", "ticker_not_in_config")]));
    let answer = patch(
        &gateway,
        &token,
        &path,
        &json!({"check_interval": -1, "tickers": ["NOPE"], "strategies": null}),
    )
    .await;
    let wrong = [("check_interval", "out_of_range"), ("tickers", "unknown_ticker")];
    assert_eq!(answer.wrong_fields(), pairs(&wrong));
    gateway.test.drop_database().await;
}

#[tokio::test]
async fn what_a_running_strategy_stands_on_changes_only_when_it_does_not_run() {
    let gateway = Gateway::start().await;
    let token = gateway.token_of("trader123").await;
    let path = created(&gateway, &token, "mine").await;
    assert_eq!(post(&gateway, &token, format!("{path}/activate")).await.status, 200);
    for change in [
        json!({"tickers": ["MSFT"]}),
        json!({"check_interval": 60}),
        json!({"capital_share": 0.5}),
        json!({"strategies": {"AAPL": {"strategy": "sma_cross"}}}),
    ] {
        let answer = patch(&gateway, &token, &path, &change).await;
        assert_eq!(answer.problem(), code(409, "config_active"), "{change}");
    }
    let same =
        json!({"name": "renamed", "tickers": ["aapl"], "check_interval": 300, "strategies": null});
    let answer = patch(&gateway, &token, &path, &same).await;
    assert_eq!((answer.status, &answer.json()["name"]), (200, &json!("renamed")));
    gateway.test.drop_database().await;
}

#[tokio::test]
async fn a_change_waits_for_an_activation_that_is_under_way() {
    let gateway = Gateway::start().await;
    let token = gateway.token_of("trader123").await;
    let path = created(&gateway, &token, "mine").await;
    let held = gateway.engine.gate.lock().await;
    let body = json!({"tickers": ["MSFT"]});
    let both = async {
        let activate = post(&gateway, &token, format!("{path}/activate"));
        let change = async {
            // The activation reaches the engine first, and waits there.
            while gateway.engine.at_gate.load(Ordering::SeqCst) == 0 {
                tokio::task::yield_now().await;
            }
            patch(&gateway, &token, &path, &body).await
        };
        let release = async {
            while gateway.engine.at_gate.load(Ordering::SeqCst) == 0 {
                tokio::task::yield_now().await;
            }
            drop(held);
        };
        let (activated, changed, ()) = tokio::join!(activate, change, release);
        (activated, changed)
    };
    let (activated, changed) = both.await;
    assert_eq!(activated.status, 200);
    assert_eq!(changed.problem(), code(409, "config_active"));
    gateway.test.drop_database().await;
}

#[tokio::test]
async fn an_active_config_is_deactivated_before_it_is_deleted() {
    let gateway = Gateway::start().await;
    let token = gateway.token_of("trader123").await;
    let path = created(&gateway, &token, "mine").await;
    assert_eq!(post(&gateway, &token, format!("{path}/activate")).await.status, 200);
    let answer = gateway.send(Call::new("DELETE", &path).bearer(&token)).await;
    assert_eq!((answer.status, answer.body.len()), (204, 0));
    assert_eq!(*gateway.engine.calls.lock().unwrap(), ["Active", "Inactive"]);
    let gone = gateway.send(Call::get(&path).bearer(&token)).await;
    assert_eq!(gone.problem(), code(404, "not_found"));
    let idle = created(&gateway, &token, "idle").await;
    assert_eq!(gateway.send(Call::new("DELETE", &idle).bearer(&token)).await.status, 204);
    assert_eq!(gateway.engine.calls.lock().unwrap().len(), 2, "an idle one is just deleted");
    gateway.test.drop_database().await;
}

#[tokio::test]
async fn a_config_that_cannot_be_deactivated_is_not_deleted() {
    let gateway = Gateway::start().await;
    let token = gateway.token_of("trader123").await;
    let path = created(&gateway, &token, "mine").await;
    assert_eq!(post(&gateway, &token, format!("{path}/activate")).await.status, 200);
    let (kind, message) = (RefusalKind::TryLater, "busy".to_owned());
    let refusal = EngineRefusal { kind, code: "engine_busy", message };
    *gateway.engine.refusal.lock().unwrap() = Some(refusal);
    let answer = gateway.send(Call::new("DELETE", &path).bearer(&token)).await;
    assert_eq!(answer.problem(), code(503, "engine_busy"));
    assert_eq!(gateway.send(Call::get(&path).bearer(&token)).await.status, 200);
    gateway.test.drop_database().await;
}

#[tokio::test]
async fn a_list_is_cut_into_pages_and_a_user_has_a_hundred_configs_at_most() {
    let gateway = Gateway::start().await;
    let token = gateway.token_of("trader123").await;
    for number in 0..100 {
        created(&gateway, &token, &format!("config {number:02}")).await;
    }
    let answer = create(&gateway, &token, &json!({"name": "more", "tickers": ["AAPL"]})).await;
    assert_eq!(answer.problem(), code(409, "too_many_configs"));
    let page = format!("{CONFIGS}?limit=2&offset=98");
    let page = gateway.send(Call::get(page).bearer(&token)).await.json();
    let names: Vec<_> = page["configs"].as_array().unwrap().iter().map(|c| &c["name"]).collect();
    assert_eq!(names, ["config 98", "config 99"]);
    assert_eq!(
        (&page["total"], &page["limit"], &page["offset"]),
        (&json!(100), &json!(2), &json!(98))
    );
    for (query, field) in [("limit=0", "limit"), ("limit=1001", "limit"), ("offset=-1", "offset")] {
        let answer = gateway.send(Call::get(format!("{CONFIGS}?{query}")).bearer(&token)).await;
        assert_eq!(answer.wrong_fields(), pairs(&[(field, "invalid")]), "{query}");
    }
    gateway.test.drop_database().await;
}
