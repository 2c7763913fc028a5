//! `POST /auth/register`.

use serde_json::json;

use crate::support::{Call, Gateway, code, pairs, registration};

#[tokio::test]
async fn a_registered_user_is_answered_as_the_contract_says_on_both_faces() {
    let gateway = Gateway::start().await;
    for (face, name) in [("/v1", "trader123"), ("/api", "trader124")] {
        let call = Call::post(format!("{face}/auth/register")).same_origin();
        let answer = gateway.send(call.json(&registration(name))).await;
        assert_eq!(answer.status, 201, "{}", answer.text());
        let mut body = answer.json();
        assert!(body["id"].as_str().unwrap().parse::<uuid::Uuid>().is_ok());
        body["id"] = json!("uuid");
        let expected = json!({
            "id": "uuid",
            "email": format!("{name}@example.com"),
            "username": name,
            "created_at": "2026-02-02T02:40:00Z",
        });
        assert_eq!(body, expected);
    }
    assert_eq!(gateway.audited().await, ["auth.registered", "auth.registered"]);
    gateway.test.drop_database().await;
}

#[tokio::test]
async fn names_are_optional() {
    let gateway = Gateway::start().await;
    let body = json!({"email": "a@example.com", "username": "ann", "password": "SecurePass123!"});
    assert_eq!(gateway.send(Call::post("/v1/auth/register").json(&body)).await.status, 201);
    let token = gateway.login("ann").await["access_token"].as_str().unwrap().to_owned();
    let profile = gateway.send(Call::get("/v1/users/me").bearer(&token)).await.json();
    assert_eq!((&profile["first_name"], &profile["last_name"]), (&json!(null), &json!(null)));
    gateway.test.drop_database().await;
}

#[tokio::test]
async fn a_taken_name_or_address_is_refused_whatever_its_case() {
    let gateway = Gateway::start().await;
    gateway.register("trader123").await;
    let rows = [
        ("TRADER123", "other@example.com", "username_taken"),
        ("other", "Trader123@Example.com", "email_taken"),
    ];
    for (username, email, expected) in rows {
        let mut body = registration(username);
        body["email"] = json!(email);
        let answer = gateway.send(Call::post("/v1/auth/register").json(&body)).await;
        assert_eq!(answer.problem(), code(409, expected));
    }
    gateway.test.drop_database().await;
}

#[tokio::test]
async fn every_wrong_field_is_named_at_once() {
    let gateway = Gateway::start().await;
    let answer = gateway.send(Call::post("/v1/auth/register").json(&json!({}))).await;
    let missing = [("email", "required"), ("username", "required"), ("password", "required")];
    assert_eq!(answer.wrong_fields(), pairs(&missing));
    let body = json!({
        "email": "user@example",
        "username": "a@b",
        "password": "hunter",
        "first_name": "x".repeat(101),
        "last_name": "a\u{0}b",
    });
    let answer = gateway.send(Call::post("/v1/auth/register").json(&body)).await;
    let wrong = [
        ("email", "invalid_email"),
        ("username", "invalid_username"),
        ("password", "password_too_short"),
        ("password", "password_needs_upper_case"),
        ("password", "password_needs_digit"),
        ("password", "password_needs_special"),
        ("first_name", "too_long"),
        ("last_name", "invalid"),
    ];
    assert_eq!(answer.wrong_fields(), pairs(&wrong));
    assert!(!answer.text().contains("hunter"), "the password is not repeated");
    gateway.test.drop_database().await;
}

#[tokio::test]
async fn nobody_can_give_themselves_a_role() {
    let gateway = Gateway::start().await;
    let mut body = registration("trader123");
    body["role"] = json!("admin");
    let answer = gateway.send(Call::post("/v1/auth/register").json(&body)).await;
    assert_eq!(answer.wrong_fields(), pairs(&[("role", "unknown_field")]));
    gateway.test.drop_database().await;
}
