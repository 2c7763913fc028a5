//! The health endpoints.

use gateway::EngineHealth;
use serde_json::json;

use crate::support::{Call, Gateway};

#[tokio::test]
async fn ready_is_what_can_trade_and_live_is_what_answers() {
    let gateway = Gateway::start().await;
    let words = |ok: bool| if ok { "ok" } else { "unavailable" };
    for (journal_ok, venue_connected) in [(true, true), (false, true), (true, false)] {
        *gateway.engine.health.lock().unwrap() = EngineHealth { journal_ok, venue_connected };
        let all = journal_ok && venue_connected;
        let answer = gateway.send(Call::get("/health/ready")).await;
        let checks = json!({
            "database": "ok",
            "journal": words(journal_ok),
            "venue": words(venue_connected),
        });
        assert_eq!(answer.json(), json!({"status": words(all), "checks": checks}));
        assert_eq!(answer.status, if all { 200 } else { 503 });
    }
    let live = gateway.send(Call::get("/health/live")).await;
    assert_eq!((live.status, live.json()), (200, json!({"status": "ok"})));
    gateway.test.drop_database().await;
}

#[tokio::test]
async fn a_database_that_is_away_is_named_and_the_rest_goes_on() {
    let gateway = Gateway::start().await;
    let token = gateway.token_of("trader123").await;
    gateway.test.database().close().await;
    let ready = gateway.send(Call::get("/health/ready")).await;
    assert_eq!((ready.status, &ready.json()["checks"]["database"]), (503, &json!("unavailable")));
    assert_eq!(gateway.send(Call::get("/health/live")).await.status, 200);
    let me = gateway.send(Call::get("/v1/auth/me").bearer(&token)).await;
    assert_eq!(me.problem(), (503, "database_unavailable".to_owned()));
    assert_eq!(me.header("retry-after"), "5");
    gateway.test.drop_database().await;
}
