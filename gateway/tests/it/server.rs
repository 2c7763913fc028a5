//! Binding, serving and ending.

use std::time::Duration;

use gateway::GatewayError;
use serde_json::json;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;

use crate::support::{Call, Gateway, PATIENCE, Served, text};

#[tokio::test]
async fn a_port_in_use_is_named_with_what_to_do() {
    let taken = gateway::bind(([127, 0, 0, 1], 0).into()).await.unwrap();
    let address = taken.local_addr().unwrap();
    let error = gateway::bind(address).await.unwrap_err();
    assert_eq!(error.code(), "address_in_use");
    let text = error.to_string();
    assert!(text.contains(&address.to_string()) && text.contains("server.listen"), "{text}");
}

#[tokio::test]
async fn a_short_secret_is_refused_before_anything_is_served() {
    let gateway = Gateway::start().await;
    let mut parts = gateway.parts();
    parts.settings.auth.jwt_secret = "short".into();
    assert!(matches!(gateway::router(parts).await, Err(GatewayError::SecretTooShort)));
    let mut parts = gateway.parts();
    parts.settings.auth.password.memory_kb = 1;
    assert!(matches!(gateway::router(parts).await, Err(GatewayError::Password(_))));
    gateway.test.drop_database().await;
}

#[tokio::test]
async fn an_origin_that_no_browser_sends_is_named() {
    let gateway = Gateway::start().await;
    for origin in ["*", "null", "example.org", "https://example.org/", "ftp://a", "https://a@b"] {
        let mut parts = gateway.parts();
        parts.settings.cors_origins = vec![origin.parse().unwrap()];
        let error = gateway::router(parts).await.unwrap_err();
        assert_eq!(error.code(), "origin_invalid", "{origin}");
        assert!(error.to_string().contains(origin));
    }
    for origin in ["https://example.org", "http://localhost:3000", "http://[::1]:3000"] {
        let mut parts = gateway.parts();
        parts.settings.cors_origins = vec![origin.parse().unwrap()];
        assert!(gateway::router(parts).await.is_ok(), "{origin}");
    }
    gateway.test.drop_database().await;
}

#[tokio::test]
async fn a_request_over_tcp_is_answered_and_the_server_ends_when_told() {
    let gateway = Gateway::start().await;
    let served = Served::of(&gateway).await;
    let mut stream = TcpStream::connect(served.address).await.unwrap();
    let request = "GET /health/live HTTP/1.1\r\nhost: localhost\r\nconnection: close\r\n\r\n";
    stream.write_all(request.as_bytes()).await.unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).await.unwrap();
    assert!(
        answer.starts_with("HTTP/1.1 200 OK") && answer.ends_with("{\"status\":\"ok\"}"),
        "{answer}"
    );
    let address = served.address;
    served.stop().await;
    assert!(TcpStream::connect(address).await.is_err(), "nobody listens any more");
    gateway.test.drop_database().await;
}

#[tokio::test]
async fn expired_refresh_tokens_are_forgotten() {
    let gateway = Gateway::start().await;
    gateway.register("trader123").await;
    let old = text(&gateway.login("trader123").await["refresh_token"]);
    gateway.clock.forward(2_000_000);
    let young = text(&gateway.login("trader123").await["refresh_token"]);
    gateway.clock.forward(1_000_000);
    let served = Served::of(&gateway).await;
    let code_of = async |token: &str| {
        let body = json!({"refresh_token": token});
        gateway.send(Call::post("/v1/auth/refresh").json(&body)).await.problem().1
    };
    let forgotten = async {
        while code_of(&old).await != "refresh_token_unknown" {
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    };
    tokio::time::timeout(PATIENCE, forgotten).await.unwrap();
    let body = json!({"refresh_token": young});
    assert_eq!(gateway.send(Call::post("/v1/auth/refresh").json(&body)).await.status, 200);
    served.stop().await;
    gateway.test.drop_database().await;
}

#[tokio::test]
async fn a_connection_that_does_not_end_is_dropped_after_the_grace() {
    let gateway = Gateway::start_with(|s| s.shutdown_grace = Duration::from_millis(50)).await;
    let served = Served::of(&gateway).await;
    let mut stream = TcpStream::connect(served.address).await.unwrap();
    // A body that never comes.
    let request = "POST /v1/auth/login HTTP/1.1\r\nhost: localhost\r\n\
                   content-type: application/json\r\ncontent-length: 10\r\n\r\n{";
    stream.write_all(request.as_bytes()).await.unwrap();
    served.stop().await;
    gateway.test.drop_database().await;
}
