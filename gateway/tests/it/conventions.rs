//! What holds for every request.

use std::time::Duration;

use serde_json::json;

use crate::support::{Call, Gateway, code, pairs};

#[tokio::test]
async fn every_answer_has_an_id_the_state_of_the_limit_and_the_security_headers() {
    let gateway = Gateway::start().await;
    for path in ["/health/live", "/v1/auth/me", "/nowhere", "/docs", "/v1/openapi.json"] {
        let answer = gateway.send(Call::get(path)).await;
        for name in ["x-request-id", "content-security-policy", "permissions-policy"] {
            assert_ne!(answer.header(name), "", "{name} of {path}");
        }
        assert_eq!(answer.header("x-ratelimit-limit"), "1000", "{path}");
        assert!(answer.header("x-ratelimit-remaining").parse::<u32>().is_ok(), "{path}");
        assert_eq!(answer.header("x-ratelimit-reset"), "1770000060", "{path}");
        assert_eq!(answer.header("x-content-type-options"), "nosniff");
        assert_eq!(answer.header("x-frame-options"), "DENY");
        assert_eq!(answer.header("referrer-policy"), "no-referrer");
        assert!(answer.header("strict-transport-security").starts_with("max-age="));
    }
    gateway.test.drop_database().await;
}

#[tokio::test]
async fn a_sane_request_id_is_kept_and_another_is_replaced() {
    let gateway = Gateway::start().await;
    let answer = gateway.send(Call::get("/v1/auth/me").header("x-request-id", "abc-123")).await;
    assert_eq!(answer.header("x-request-id"), "abc-123");
    assert_eq!(answer.problem(), code(401, "authentication_required"));
    let answer = gateway.send(Call::get("/health/live").header("x-request-id", "a b{}")).await;
    assert!(answer.header("x-request-id").parse::<uuid::Uuid>().is_ok());
    gateway.test.drop_database().await;
}

#[tokio::test]
async fn what_is_not_there_or_cannot_be_done_is_a_problem_too() {
    let gateway = Gateway::start().await;
    let rows = [
        ("GET", "/nowhere", 404, "not_found"),
        ("GET", "/v1/nowhere", 404, "not_found"),
        ("GET", "/api/nowhere", 404, "not_found"),
        ("DELETE", "/v1/auth/login", 405, "method_not_allowed"),
        ("PUT", "/health/live", 405, "method_not_allowed"),
    ];
    for (method, path, status, name) in rows {
        let answer = gateway.send(Call::new(method, path)).await;
        assert_eq!(answer.problem(), code(status, name), "{method} {path}");
    }
    let answer = gateway.send(Call::new("DELETE", "/v1/auth/login")).await;
    assert_eq!(answer.header("allow"), "POST");
    gateway.test.drop_database().await;
}

#[tokio::test]
async fn a_body_must_be_json_of_a_sane_size() {
    let gateway = Gateway::start().await;
    let login = || Call::post("/v1/auth/login");
    let broken = gateway.send(login().raw("application/json", "{\"username\": ")).await;
    assert_eq!(broken.problem(), code(400, "invalid_json"));
    let form = gateway.send(login().raw("application/x-www-form-urlencoded", "username=a")).await;
    assert_eq!(form.problem(), code(415, "unsupported_media_type"));
    let large = json!({"username": "a".repeat(20_000), "password": "b"});
    assert_eq!(gateway.send(login().json(&large)).await.problem(), code(413, "body_too_large"));
    let unknown = gateway.send(login().json(&json!({"user": "a"}))).await;
    assert_eq!(unknown.wrong_fields(), pairs(&[("user", "unknown_field")]));
    gateway.test.drop_database().await;
}

#[tokio::test]
async fn requests_are_limited_per_user_and_per_address() {
    let gateway = Gateway::start_with(|s| s.limits.requests_per_minute = 5).await;
    let token = gateway.token_of("trader123").await;
    let anonymous = |address: &str| gateway.send(Call::get("/v1/auth/me").from(address));
    for left in ["4", "3", "2", "1", "0"] {
        let answer = anonymous("198.51.100.1").await;
        assert_eq!((answer.status, answer.header("x-ratelimit-remaining")), (401, left));
    }
    gateway.clock.forward(20);
    let answer = anonymous("198.51.100.1").await;
    assert_eq!(answer.problem(), code(429, "rate_limited"));
    assert_eq!(answer.header("retry-after"), "40");
    assert_eq!(anonymous("198.51.100.2").await.status, 401);
    // A user has a limit of their own, wherever they are; a forged token is nobody's.
    let user = |address: &str| gateway.send(Call::get("/v1/auth/me").bearer(&token).from(address));
    for number in 0..5 {
        assert_eq!(user(&format!("198.51.100.{number}")).await.status, 200);
    }
    assert_eq!(user("203.0.113.1").await.status, 429);
    let forged = Call::get("/v1/auth/me").bearer("x.y.z").from("198.51.100.1");
    assert_eq!(gateway.send(forged).await.status, 429);
    let health = Call::get("/health/live").from("198.51.100.1");
    assert_eq!(gateway.send(health).await.status, 200, "health is not counted");
    gateway.clock.forward(40);
    assert_eq!(anonymous("198.51.100.1").await.status, 401);
    gateway.test.drop_database().await;
}

#[tokio::test]
async fn an_answer_that_takes_too_long_is_given_up() {
    let gateway = Gateway::start_with(|s| s.request_timeout = Duration::from_secs(2)).await;
    let token = gateway.token_of("trader123").await;
    let body = json!({"name": "mine", "tickers": ["AAPL"]});
    let config = gateway.send(Call::post("/v1/trading/configs").bearer(&token).json(&body)).await;
    let path = format!("{}/activate", config.header("location"));
    let held = gateway.engine.gate.lock().await;
    let answer = gateway.send(Call::post(path).bearer(&token)).await;
    assert_eq!(answer.problem(), code(504, "timeout"));
    assert_eq!(answer.header("x-ratelimit-limit"), "1000");
    drop(held);
    gateway.test.drop_database().await;
}

#[tokio::test]
async fn pages_of_named_origins_may_call_with_cookies_and_others_may_not() {
    let gateway = Gateway::start().await;
    let preflight = |origin: &str| {
        let call = Call::new("OPTIONS", "/api/auth/login").header("origin", origin);
        let call = call.header("access-control-request-method", "POST");
        gateway.send(call.header("access-control-request-headers", "content-type"))
    };
    let friend = preflight("https://friend.example").await;
    assert_eq!(friend.header("access-control-allow-origin"), "https://friend.example");
    assert_eq!(friend.header("access-control-allow-credentials"), "true");
    let stranger = preflight("https://stranger.example").await;
    assert_eq!(stranger.header("access-control-allow-origin"), "");
    let refused = Call::get("/api/auth/me").header("origin", "https://friend.example");
    let refused = gateway.send(refused).await;
    assert_eq!(refused.header("access-control-allow-origin"), "https://friend.example");
    assert!(refused.header("access-control-expose-headers").contains("x-request-id"));
    gateway.test.drop_database().await;
}
