//! `GET /admin/actors`.

use gateway::ActorReport;
use serde_json::{Value, json};
use storage::users::Role;

use crate::support::{Call, Gateway, at, code, text};

fn report(path: &str, kind: &str, state: &str) -> ActorReport {
    ActorReport {
        path: path.to_owned(),
        kind: kind.to_owned(),
        state: state.to_owned(),
        started_at: Some(at(0)),
        restarts: 1,
        sent: 10,
        handled: 8,
        dropped: 1,
        mailbox: 1,
        busy_us: 250,
        last_message: Some("tick".to_owned()),
        last_error: None,
        summary: json!({"positions": 2}),
    }
}

fn outline(node: &Value) -> Value {
    let children = node["children"].as_array().unwrap().iter().map(outline);
    json!([node["path"], node["kind"], node["state"], children.collect::<Vec<_>>()])
}

#[tokio::test]
async fn operators_and_administrators_see_the_tree_and_users_do_not() {
    let gateway = Gateway::start().await;
    let id = gateway.register("trader123").await;
    // The token says `user` all the time: the row decides.
    let token = text(&gateway.login("trader123").await["access_token"]);
    let rows = [(Role::User, 403), (Role::Operator, 200), (Role::Admin, 200), (Role::User, 403)];
    for (role, status) in rows {
        gateway.set_role(id, role).await;
        for face in ["/v1", "/api"] {
            let call = Call::get(format!("{face}/admin/actors")).bearer(&token);
            let answer = gateway.send(call).await;
            assert_eq!(answer.status, status, "{role:?}");
            if status == 403 {
                assert_eq!(answer.problem(), code(403, "forbidden"));
            }
        }
    }
    let nobody = gateway.send(Call::get("/v1/admin/actors")).await;
    assert_eq!(nobody.problem(), code(401, "authentication_required"));
    gateway.test.drop_database().await;
}

#[tokio::test]
async fn the_flat_list_becomes_a_tree_with_groups_for_the_levels_between() {
    let gateway = Gateway::start().await;
    let id = gateway.register("trader123").await;
    gateway.set_role(id, Role::Operator).await;
    let token = text(&gateway.login("trader123").await["access_token"]);
    *gateway.engine.reports.lock().unwrap() = vec![
        report("hub", "hub", "running"),
        report("desk/b/account", "account", "failed"),
        report("desk/a/account", "account", "running"),
        report("desk/a", "desk", "running"),
        report("desk/a/broker", "broker", "running"),
    ];
    let answer = gateway.send(Call::get("/v1/admin/actors").bearer(&token)).await.json();
    let tree: Vec<Value> = answer["actors"].as_array().unwrap().iter().map(outline).collect();
    let expected = json!([
        [
            "desk",
            "group",
            "failed",
            [
                [
                    "desk/a",
                    "desk",
                    "running",
                    [
                        ["desk/a/account", "account", "running", []],
                        ["desk/a/broker", "broker", "running", []],
                    ]
                ],
                ["desk/b", "group", "failed", [["desk/b/account", "account", "failed", []]]],
            ]
        ],
        ["hub", "hub", "running", []],
    ]);
    assert_eq!(json!(tree), expected);
    let hub = json!({
        "name": "hub",
        "path": "hub",
        "kind": "hub",
        "state": "running",
        "started_at": "2026-02-02T02:40:00Z",
        "restarts": 1,
        "sent": 10,
        "handled": 8,
        "dropped": 1,
        "mailbox": 1,
        "busy_us": 250,
        "last_message": "tick",
        "last_error": null,
        "summary": {"positions": 2},
        "children": [],
    });
    assert_eq!(answer["actors"][1], hub);
    gateway.test.drop_database().await;
}
