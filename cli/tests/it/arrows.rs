//! Which crate may use which: the table of the design, asked of `cargo metadata`.
//!
//! A test may reach further than the code it tests: the second list of each row is for
//! `dev-dependencies`. The third names outside crates that would carry a forbidden job in.

use std::collections::BTreeMap;
use std::process::Command;

use serde::Deserialize;

use crate::support::root;

/// One row: what a crate may use of ours, what its tests may use besides, what it must not use.
struct Row {
    name: &'static str,
    uses: &'static [&'static str],
    tests_use: &'static [&'static str],
    never: &'static [&'static str],
}

const PURE: &[&str] = &[
    "tokio",
    "sqlx",
    "tracing",
    "rand",
    "ractor",
    "axum",
    "apca",
    "reqwest",
    "fred",
    "metrics",
    "futures-util",
    "libc",
    "moka",
];

const TABLE: [Row; 9] = [
    Row { name: "engine", uses: &[], tests_use: &[], never: PURE },
    Row { name: "strategies", uses: &["engine"], tests_use: &[], never: PURE },
    Row {
        name: "storage",
        uses: &["engine"],
        tests_use: &[],
        never: &["ractor", "ractor-supervisor", "axum", "axum-extra", "apca", "utoipa", "clap"],
    },
    Row {
        name: "actors",
        uses: &["engine", "strategies", "storage"],
        // A desk is tested against the real exchange of the house.
        tests_use: &["venue"],
        never: &["axum", "axum-extra", "utoipa", "sqlx", "fred", "clap"],
    },
    Row {
        name: "gateway",
        uses: &["actors", "storage", "engine"],
        tests_use: &["strategies", "venue"],
        never: &["apca", "sqlx", "fred", "reqwest", "ta-lib", "clap"],
    },
    Row {
        name: "venue",
        uses: &[],
        tests_use: &[],
        never: &["ractor", "ractor-supervisor", "sqlx", "fred", "apca", "clap"],
    },
    Row {
        name: "config",
        uses: &[],
        tests_use: &[],
        never: &["tokio", "sqlx", "ractor", "axum", "apca", "clap"],
    },
    Row {
        name: "cli",
        uses: &["engine", "strategies", "storage", "actors", "gateway", "venue", "config"],
        tests_use: &[],
        never: &["sqlx", "fred", "axum"],
    },
    Row {
        name: "benches",
        uses: &["engine", "strategies", "storage", "actors", "gateway", "venue", "config"],
        tests_use: &[],
        never: &["sqlx", "fred"],
    },
];

/// All that may stand in the engine's own dependencies: nothing else is pure for certain.
const ENGINE_MAY_USE: [&str; 7] =
    ["chrono", "rust_decimal", "serde", "serde_json", "ta-lib", "thiserror", "uuid"];

#[derive(Deserialize)]
struct Metadata {
    packages: Vec<Package>,
}

#[derive(Deserialize)]
struct Package {
    name: String,
    dependencies: Vec<Dependency>,
}

#[derive(Deserialize)]
struct Dependency {
    name: String,
    kind: Option<String>,
}

#[test]
fn no_crate_uses_another_that_the_design_does_not_allow() {
    let packages = packages();
    let ours: Vec<&str> = TABLE.iter().map(|row| row.name).collect();
    let mut wrong = Vec::new();
    for row in TABLE {
        let Some(dependencies) = packages.get(row.name) else {
            wrong.push(format!("{} is in the table but not in the workspace", row.name));
            continue;
        };
        for dependency in dependencies {
            let (name, dev) = (dependency.name.as_str(), dependency.kind.as_deref() == Some("dev"));
            let own = ours.contains(&name) && name != row.name;
            let allowed = row.uses.contains(&name) || (dev && row.tests_use.contains(&name));
            if own && !allowed {
                wrong.push(format!("{} must not use {name}{}", row.name, in_tests(dev)));
            }
            if row.never.contains(&name) && !dev {
                wrong.push(format!("{} must not use {name}", row.name));
            }
            if row.name == "engine" && !dev && !ENGINE_MAY_USE.contains(&name) {
                wrong.push(format!("engine is pure and must not use {name}"));
            }
        }
    }
    for name in packages.keys().filter(|name| !ours.contains(&name.as_str())) {
        wrong.push(format!("{name} has no row in this table"));
    }
    assert!(wrong.is_empty(), "arrows that DESIGN.md does not allow:\n{}", wrong.join("\n"));
}

fn in_tests(dev: bool) -> &'static str {
    if dev { " in its tests" } else { "" }
}

/// Each crate of the workspace with its dependencies.
#[expect(clippy::unwrap_used, reason = "a test may panic")]
fn packages() -> BTreeMap<String, Vec<Dependency>> {
    let output = Command::new(env!("CARGO"))
        .args(["metadata", "--format-version", "1", "--no-deps", "--offline"])
        .current_dir(root())
        .output()
        .unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let metadata: Metadata = serde_json::from_slice(&output.stdout).unwrap();
    metadata.packages.into_iter().map(|package| (package.name, package.dependencies)).collect()
}
