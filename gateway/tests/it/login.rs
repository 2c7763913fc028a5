//! `POST /auth/login`.

use secrecy::ExposeSecret as _;
use serde_json::{Value, json};
use storage::users;

use crate::support::{Call, Gateway, PASSWORD, code, pairs, text};

fn credentials(name: &str, password: &str) -> Value {
    json!({"username": name, "password": password})
}

#[tokio::test]
async fn the_bearer_face_answers_tokens_as_the_contract_says() {
    let gateway = Gateway::start().await;
    let id = gateway.register("trader123").await;
    let mut body = gateway.login("trader123").await;
    assert_eq!(text(&body["access_token"]).split('.').count(), 3);
    assert_eq!(text(&body["refresh_token"]).len(), 64);
    body["access_token"] = json!("access");
    body["refresh_token"] = json!("refresh");
    let expected = json!({
        "access_token": "access",
        "refresh_token": "refresh",
        "token_type": "bearer",
        "expires_in": 3600,
        "user": {"id": id, "email": "trader123@example.com", "username": "trader123"},
    });
    assert_eq!(body, expected);
    assert_eq!(gateway.audited().await, ["auth.registered", "auth.login"]);
    gateway.test.drop_database().await;
}

#[tokio::test]
async fn the_cookie_face_answers_the_user_and_sets_cookies_no_script_can_read() {
    let gateway = Gateway::start().await;
    let id = gateway.register("trader123").await;
    let body = credentials("trader123", PASSWORD);
    let answer = gateway.send(Call::post("/api/auth/login").same_origin().json(&body)).await;
    assert_eq!(answer.status, 200);
    let user = json!({"id": id, "email": "trader123@example.com", "username": "trader123"});
    assert_eq!(answer.json(), json!({"user": user}));
    for (name, age) in [("access_token", "900"), ("refresh_token", "604800")] {
        let cookie = answer.cookie(name).unwrap();
        for part in ["HttpOnly", "Secure", "SameSite=Lax", "Path=/", &format!("Max-Age={age}")] {
            assert!(cookie.split("; ").any(|found| found == part), "{part} in {cookie}");
        }
    }
    let me = Call::get("/api/auth/me").header("cookie", &answer.cookies());
    assert_eq!(gateway.send(me).await.json()["username"], "trader123");
    gateway.test.drop_database().await;
}

#[tokio::test]
async fn cookies_travel_over_plain_http_only_where_that_is_set() {
    let gateway = Gateway::start_with(|settings| settings.cookie_secure = false).await;
    gateway.register("trader123").await;
    let body = credentials("trader123", PASSWORD);
    let answer = gateway.send(Call::post("/api/auth/login").same_origin().json(&body)).await;
    assert!(!answer.cookie("access_token").unwrap().contains("Secure"));
    assert_eq!(answer.header("strict-transport-security"), "");
    gateway.test.drop_database().await;
}

#[tokio::test]
async fn an_address_is_as_good_as_a_name() {
    let gateway = Gateway::start().await;
    gateway.register("trader123").await;
    for body in [
        json!({"email": "trader123@example.com", "password": PASSWORD}),
        json!({"username": "Trader123@Example.com", "password": PASSWORD}),
        json!({"username": "TRADER123", "password": PASSWORD}),
    ] {
        let answer = gateway.send(Call::post("/v1/auth/login").json(&body)).await;
        assert_eq!(answer.status, 200, "{body}");
    }
    gateway.test.drop_database().await;
}

#[tokio::test]
async fn a_wrong_password_and_an_unknown_user_look_the_same() {
    let gateway = Gateway::start().await;
    gateway.register("trader123").await;
    let mut answers = Vec::new();
    for body in [credentials("trader123", "WrongPass123!"), credentials("nobody", PASSWORD)] {
        let answer = gateway.send(Call::post("/v1/auth/login").json(&body)).await;
        assert_eq!(answer.problem(), code(401, "invalid_credentials"));
        assert_eq!(answer.header("www-authenticate"), "Bearer realm=\"troupe\"");
        answers.push(answer.json()["detail"].clone());
    }
    assert_eq!(answers[0], answers[1]);
    let audited = gateway.audited().await;
    assert_eq!(audited, ["auth.registered", "auth.login_failed", "auth.login_failed"]);
    gateway.test.drop_database().await;
}

#[tokio::test]
async fn a_login_without_name_or_password_or_with_two_names_is_refused() {
    let gateway = Gateway::start().await;
    let rows = [
        (json!({}), vec![("username", "required"), ("password", "required")]),
        (json!({"username": " ", "password": "x"}), vec![("username", "required")]),
        (json!({"username": "a", "email": "b", "password": "x"}), vec![("email", "redundant")]),
        (credentials("a\u{0}", "x"), vec![("username", "invalid")]),
        (credentials("a", &"x".repeat(257)), vec![("password", "too_long")]),
    ];
    for (body, expected) in rows {
        let answer = gateway.send(Call::post("/v1/auth/login").json(&body)).await;
        assert_eq!(answer.wrong_fields(), pairs(&expected), "{body}");
    }
    gateway.test.drop_database().await;
}

#[tokio::test]
async fn an_account_is_locked_after_five_failures_from_anywhere_until_the_window_ends() {
    let gateway = Gateway::start().await;
    gateway.register("trader123").await;
    let attempt = |password: &str, address: String| {
        let call = Call::post("/v1/auth/login").json(&credentials("trader123", password));
        gateway.send(call.from(&address))
    };
    for number in 1..=5 {
        let answer = attempt("WrongPass123!", format!("198.51.100.{number}")).await;
        assert_eq!(answer.status, 401);
    }
    gateway.clock.forward(100);
    let answer = attempt(PASSWORD, "198.51.100.6".to_owned()).await;
    assert_eq!(answer.problem(), code(429, "too_many_logins"));
    assert_eq!(answer.header("retry-after"), "800");
    gateway.clock.forward(800);
    assert_eq!(attempt(PASSWORD, "198.51.100.6".to_owned()).await.status, 200);
    gateway.test.drop_database().await;
}

#[tokio::test]
async fn an_address_is_locked_after_five_failures_whatever_the_name() {
    let gateway = Gateway::start().await;
    gateway.register("trader123").await;
    let attempt = |name: String, address: &'static str| {
        let call = Call::post("/v1/auth/login").json(&credentials(&name, PASSWORD));
        gateway.send(call.from(address))
    };
    for number in 1..=5 {
        assert_eq!(attempt(format!("nobody{number}"), "198.51.100.1").await.status, 401);
    }
    let answer = attempt("trader123".to_owned(), "198.51.100.1").await;
    assert_eq!(answer.problem(), code(429, "too_many_logins"));
    assert_eq!(attempt("trader123".to_owned(), "198.51.100.2").await.status, 200);
    gateway.test.drop_database().await;
}

#[tokio::test]
async fn many_logins_at_once_do_not_get_past_the_limit_and_right_ones_do_not_count() {
    let gateway = Gateway::start().await;
    gateway.register("trader123").await;
    for _ in 0..8 {
        gateway.login("trader123").await;
    }
    let wrong = credentials("trader123", "WrongPass123!");
    let tries = (0..12).map(|_| gateway.send(Call::post("/v1/auth/login").json(&wrong)));
    let answers = futures_util::future::join_all(tries).await;
    let refused = answers.iter().filter(|answer| answer.status == 401).count();
    let limited = answers.iter().filter(|answer| answer.status == 429).count();
    assert_eq!((refused, limited), (5, 7));
    gateway.test.drop_database().await;
}

#[tokio::test]
async fn a_hash_of_an_older_cost_is_renewed_at_the_next_login() {
    let gateway = Gateway::start().await;
    let id = gateway.register("trader123").await;
    let dear = gateway::PasswordCost { memory_kb: 16, iterations: 1 };
    let other = gateway::password::hash(&PASSWORD.into(), dear).unwrap();
    let mut connection = gateway.test.pool().acquire().await.unwrap();
    let now = crate::support::at(0);
    assert!(users::set_password_hash(&mut connection, id, &other, now).await.unwrap());
    gateway.login("trader123").await;
    let user = users::by_id(&mut connection, id).await.unwrap().unwrap();
    assert!(user.password_hash.expose_secret().contains("m=8,t=1"));
    assert_eq!(user.last_login, Some(now));
    drop(connection);
    gateway.login("trader123").await;
    gateway.test.drop_database().await;
}
