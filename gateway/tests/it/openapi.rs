//! The committed description of the API.

use std::collections::BTreeSet;

use serde_json::Value;

use crate::support::{Call, Gateway};

const UPDATE: &str = "TROUPE_UPDATE_OPENAPI";

#[test]
fn the_committed_description_is_the_one_of_this_code() {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/openapi.json");
    let fresh = gateway::openapi_json().unwrap();
    if std::env::var_os(UPDATE).is_some() {
        std::fs::write(path, &fresh).unwrap();
    }
    let committed = std::fs::read_to_string(path).unwrap();
    assert!(
        committed == fresh,
        "gateway/openapi.json is stale: run the tests of the gateway with {UPDATE}=1 and commit it"
    );
}

#[test]
fn every_operation_has_a_name_of_its_own_and_says_what_it_refuses() {
    let document: Value = serde_json::from_str(&gateway::openapi_json().unwrap()).unwrap();
    assert_eq!(document["openapi"], "3.1.0");
    let mut names = BTreeSet::new();
    for (path, item) in document["paths"].as_object().unwrap() {
        for (method, operation) in item.as_object().unwrap() {
            let Some(name) = operation["operationId"].as_str() else { continue };
            assert!(names.insert(name.to_owned()), "{name} is there twice");
            assert!(operation["summary"].is_string(), "{method} {path} has no summary");
            let answers = operation["responses"].as_object().unwrap();
            let refusals = answers.keys().filter(|status| status.as_str() >= "4").count();
            assert!(refusals > 0 || path == "/health/live", "{method} {path} refuses nothing");
        }
    }
    assert_eq!(names.len(), 19);
}

#[tokio::test]
async fn the_server_describes_itself_on_both_faces_and_shows_it_to_people() {
    let gateway = Gateway::start().await;
    let expected: Value = serde_json::from_str(&gateway::openapi_json().unwrap()).unwrap();
    for path in ["/v1/openapi.json", "/api/openapi.json"] {
        let answer = gateway.send(Call::get(path)).await;
        assert_eq!((answer.status, answer.json()), (200, expected.clone()));
        assert_eq!(answer.header("content-type"), "application/json");
    }
    let page = gateway.send(Call::get("/docs")).await;
    assert_eq!(page.status, 200);
    assert!(
        page.text().contains("data-url=\"/v1/openapi.json\"")
            && page.text().contains("integrity=\"sha384-")
    );
    let policy = page.header("content-security-policy");
    assert!(policy.contains("script-src https://cdn.jsdelivr.net;"), "{policy}");
    gateway.test.drop_database().await;
}

#[tokio::test]
async fn the_first_page_lists_every_operation_and_loads_nothing() {
    let gateway = Gateway::start().await;
    let page = gateway.send(Call::get("/")).await;
    assert_eq!(page.status, 200);
    for text in ["Troupe is running", "/trading/configs/{config_id}/activate", "/ws/prices"] {
        assert!(page.text().contains(text), "{text}: {}", page.text());
    }
    let policy = page.header("content-security-policy");
    assert!(policy.contains("default-src 'none'") && !policy.contains("script-src"), "{policy}");
    gateway.test.drop_database().await;
}
