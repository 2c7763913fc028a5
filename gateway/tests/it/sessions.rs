//! Tokens after the login: `GET /auth/me`, `GET /users/me`, `POST /auth/refresh`,
//! `POST /auth/logout`.

use serde_json::json;

use crate::support::{Answer, Call, Gateway, PASSWORD, code, pairs, text};

async fn refresh(gateway: &Gateway, token: &str) -> Answer {
    let body = json!({"refresh_token": token});
    gateway.send(Call::post("/v1/auth/refresh").json(&body)).await
}

async fn me(gateway: &Gateway, token: &str) -> Answer {
    gateway.send(Call::get("/v1/auth/me").bearer(token)).await
}

/// Logs in as a browser does; answers its cookies.
async fn browse(gateway: &Gateway, name: &str) -> String {
    let body = json!({"username": name, "password": PASSWORD});
    let answer = gateway.send(Call::post("/api/auth/login").same_origin().json(&body)).await;
    assert_eq!(answer.status, 200, "{}", answer.text());
    answer.cookies()
}

#[tokio::test]
async fn the_profile_is_answered_as_the_contract_says() {
    let gateway = Gateway::start().await;
    let id = gateway.register("trader123").await;
    let token = text(&gateway.login("trader123").await["access_token"]);
    let expected = json!({
        "id": id,
        "email": "trader123@example.com",
        "username": "trader123",
        "first_name": "John",
        "last_name": "Doe",
        "role": "user",
        "is_verified": false,
        "initial_capital": 10000.00,
        "risk_per_trade": 0.02,
        "max_positions": 5,
        "paper_trading": true,
        "created_at": "2026-02-02T02:40:00Z",
    });
    for path in ["/v1/users/me", "/v1/auth/me", "/api/users/me", "/api/auth/me"] {
        let answer = gateway.send(Call::get(path).bearer(&token)).await;
        assert_eq!((answer.status, answer.json()), (200, expected.clone()), "{path}");
        assert!(answer.text().contains("\"initial_capital\":10000.00"), "every digit survives");
    }
    gateway.test.drop_database().await;
}

#[tokio::test]
async fn without_a_good_token_nobody_is_anybody() {
    let gateway = Gateway::start().await;
    let token = gateway.token_of("trader123").await;
    let nothing = gateway.send(Call::get("/v1/auth/me")).await;
    assert_eq!(nothing.problem(), code(401, "authentication_required"));
    let other_scheme = Call::get("/v1/auth/me").header("authorization", "Basic dXNlcjpwYXNz");
    assert_eq!(gateway.send(other_scheme).await.problem(), code(401, "token_invalid"));
    let forged = format!("{token}x");
    assert_eq!(me(&gateway, &forged).await.problem(), code(401, "token_invalid"));
    gateway.clock.forward(3599);
    assert_eq!(me(&gateway, &token).await.status, 200);
    gateway.clock.forward(1);
    assert_eq!(me(&gateway, &token).await.problem(), code(401, "token_expired"));
    gateway.test.drop_database().await;
}

#[tokio::test]
async fn a_refresh_token_is_exchanged_for_new_ones() {
    let gateway = Gateway::start().await;
    gateway.register("trader123").await;
    let login = gateway.login("trader123").await;
    gateway.clock.forward(4000);
    let answer = refresh(&gateway, &text(&login["refresh_token"])).await;
    assert_eq!(answer.status, 200, "{}", answer.text());
    let mut body = answer.json();
    let (access, next) = (text(&body["access_token"]), text(&body["refresh_token"]));
    assert_ne!(next, text(&login["refresh_token"]));
    body["access_token"] = json!("access");
    body["refresh_token"] = json!("refresh");
    let expected = json!({
        "access_token": "access",
        "refresh_token": "refresh",
        "token_type": "bearer",
        "expires_in": 3600,
    });
    assert_eq!(body, expected);
    assert_eq!(me(&gateway, &access).await.status, 200);
    assert_eq!(refresh(&gateway, &next).await.status, 200);
    gateway.test.drop_database().await;
}

#[tokio::test]
async fn a_refresh_token_used_twice_ends_the_session_and_is_audited() {
    let gateway = Gateway::start().await;
    gateway.register("trader123").await;
    gateway.clock.forward(1);
    let login = gateway.login("trader123").await;
    let stolen = text(&login["refresh_token"]);
    let renewed = refresh(&gateway, &stolen).await.json();
    let answer = refresh(&gateway, &stolen).await;
    assert_eq!(answer.problem(), code(401, "refresh_token_reused"));
    let answer = refresh(&gateway, &text(&renewed["refresh_token"])).await;
    assert_eq!(answer.problem(), code(401, "session_revoked"));
    for token in [&login["access_token"], &renewed["access_token"]] {
        assert_eq!(me(&gateway, &text(token)).await.problem(), code(401, "token_revoked"));
    }
    let audited = gateway.audited().await;
    assert_eq!(audited, ["auth.registered", "auth.login", "auth.refresh_token_reused"]);
    gateway.test.drop_database().await;
}

#[tokio::test]
async fn refresh_tokens_that_are_no_use_are_refused() {
    let gateway = Gateway::start().await;
    gateway.register("trader123").await;
    let login = gateway.login("trader123").await;
    let answer = refresh(&gateway, &"0".repeat(64)).await;
    assert_eq!(answer.problem(), code(401, "refresh_token_unknown"));
    let answer = gateway.send(Call::post("/v1/auth/refresh")).await;
    assert_eq!(answer.wrong_fields(), pairs(&[("refresh_token", "required")]));
    gateway.clock.forward(2_592_000);
    let answer = refresh(&gateway, &text(&login["refresh_token"])).await;
    assert_eq!(answer.problem(), code(401, "refresh_token_expired"));
    gateway.test.drop_database().await;
}

#[tokio::test]
async fn a_browser_refreshes_by_its_cookie_and_never_sees_a_token() {
    let gateway = Gateway::start().await;
    gateway.register("trader123").await;
    let cookies = browse(&gateway, "trader123").await;
    gateway.clock.forward(1000);
    let call =
        |cookies: &str| Call::post("/api/auth/refresh").same_origin().header("cookie", cookies);
    let answer = gateway.send(call(&cookies)).await;
    assert_eq!((answer.status, answer.json()), (200, json!({"expires_in": 900})));
    let next = answer.cookies();
    let me = Call::get("/api/auth/me").header("cookie", &next);
    assert_eq!(gateway.send(me).await.status, 200);
    let reused = gateway.send(call(&cookies)).await;
    assert_eq!(reused.problem(), code(401, "refresh_token_reused"));
    assert!(reused.cookie("refresh_token").unwrap().contains("Max-Age=0"), "useless cookies go");
    gateway.test.drop_database().await;
}

#[tokio::test]
async fn logging_out_ends_the_session_at_once_for_every_token_of_it() {
    let gateway = Gateway::start().await;
    gateway.register("trader123").await;
    gateway.clock.forward(1);
    let first = gateway.login("trader123").await;
    let second = gateway.login("trader123").await;
    let renewed = refresh(&gateway, &text(&first["refresh_token"])).await.json();
    let access = text(&renewed["access_token"]);
    let answer = gateway.send(Call::post("/v1/auth/logout").bearer(&access)).await;
    assert_eq!((answer.status, answer.body.len()), (204, 0));
    for token in [&first["access_token"], &renewed["access_token"]] {
        assert_eq!(me(&gateway, &text(token)).await.problem(), code(401, "token_revoked"));
    }
    let answer = refresh(&gateway, &text(&renewed["refresh_token"])).await;
    assert_eq!(answer.problem(), code(401, "session_revoked"));
    assert_eq!(me(&gateway, &text(&second["access_token"])).await.status, 200, "another login");
    assert_eq!(gateway.audited().await.last().unwrap(), "auth.logout");
    gateway.test.drop_database().await;
}

#[tokio::test]
async fn a_session_that_has_ended_stays_so_when_the_server_starts_anew() {
    let mut gateway = Gateway::start().await;
    gateway.register("trader123").await;
    gateway.clock.forward(1);
    let over = text(&gateway.login("trader123").await["access_token"]);
    let alive = text(&gateway.login("trader123").await["access_token"]);
    assert_eq!(gateway.send(Call::post("/v1/auth/logout").bearer(&over)).await.status, 204);
    gateway.clock.forward(10);
    gateway.restart().await;
    assert_eq!(me(&gateway, &over).await.problem(), code(401, "token_revoked"));
    assert_eq!(me(&gateway, &alive).await.status, 200);
    gateway.test.drop_database().await;
}

#[tokio::test]
async fn a_browser_logs_out_by_its_cookies_even_when_the_access_token_is_old() {
    let gateway = Gateway::start().await;
    gateway.register("trader123").await;
    let cookies = browse(&gateway, "trader123").await;
    gateway.clock.forward(901);
    let call = Call::post("/api/auth/logout").same_origin().header("cookie", &cookies);
    let answer = gateway.send(call).await;
    assert_eq!(answer.status, 204);
    for name in ["access_token", "refresh_token"] {
        let line = answer.cookie(name).unwrap();
        assert!(line.starts_with(&format!("{name}=;")) && line.contains("Max-Age=0"), "{line}");
    }
    let call = Call::post("/api/auth/refresh").same_origin().header("cookie", &cookies);
    assert_eq!(gateway.send(call).await.problem(), code(401, "session_revoked"));
    gateway.test.drop_database().await;
}

#[tokio::test]
async fn there_is_no_logging_out_without_a_session() {
    let gateway = Gateway::start().await;
    let answer = gateway.send(Call::post("/v1/auth/logout")).await;
    assert_eq!(answer.problem(), code(401, "authentication_required"));
    gateway.test.drop_database().await;
}

#[tokio::test]
async fn both_faces_take_both_credentials() {
    let gateway = Gateway::start().await;
    let token = gateway.token_of("trader123").await;
    let cookies = browse(&gateway, "trader123").await;
    for face in ["/v1", "/api"] {
        let path = format!("{face}/auth/me");
        assert_eq!(gateway.send(Call::get(&path).bearer(&token)).await.status, 200, "{face}");
        let by_cookie = Call::get(&path).header("cookie", &cookies);
        assert_eq!(gateway.send(by_cookie).await.status, 200, "{face}");
    }
    gateway.test.drop_database().await;
}

#[tokio::test]
async fn cookies_have_no_power_in_a_request_of_another_site() {
    let gateway = Gateway::start().await;
    gateway.register("trader123").await;
    let cookies = browse(&gateway, "trader123").await;
    let create = json!({"name": "mine", "tickers": ["AAPL"]});
    let call = |face: &str| {
        Call::post(format!("{face}/trading/configs")).header("cookie", &cookies).json(&create)
    };
    let evil = "https://evil.example";
    for call in
        [call("/api").header("origin", evil), call("/v1").header("origin", evil), call("/api")]
    {
        assert_eq!(gateway.send(call).await.problem(), code(403, "csrf_refused"));
    }
    let login = json!({"username": "trader123", "password": PASSWORD});
    let answer = gateway.send(Call::post("/api/auth/login").json(&login)).await;
    assert_eq!(answer.problem(), code(403, "csrf_refused"), "nor is anybody logged in by one");
    assert_eq!(gateway.send(call("/api").same_origin()).await.status, 201);
    gateway.test.drop_database().await;
}

#[tokio::test]
async fn a_token_of_a_user_who_is_not_there_has_no_power() {
    let (here, elsewhere) = (Gateway::start().await, Gateway::start().await);
    let token = elsewhere.token_of("trader123").await;
    assert_eq!(me(&elsewhere, &token).await.status, 200);
    assert_eq!(me(&here, &token).await.problem(), code(401, "token_revoked"));
    here.test.drop_database().await;
    elsewhere.test.drop_database().await;
}
