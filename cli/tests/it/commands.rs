//! The binary as a person meets it: its words, its exit status, and what it leaves behind.

use std::net::TcpListener;
use std::path::Path;

use serde_json::Value;

use crate::binary::{data_dir, outcome, troupe, with_input};

#[test]
fn help_lists_every_command_and_succeeds() {
    let (status, stdout, _) = outcome(troupe(&["--help"]));
    assert_eq!(status, 0);
    for name in [
        "run",
        "venue",
        "backtest",
        "evaluate",
        "indicator",
        "strategy",
        "migrate",
        "doctor",
        "user",
    ] {
        assert!(stdout.contains(&format!("\n  {name} ")), "{name} is not in:\n{stdout}");
    }
}

#[test]
fn the_help_of_run_names_every_flag_of_the_contract_and_its_setting() {
    let (status, stdout, _) = outcome(troupe(&["run", "--help"]));
    assert_eq!(status, 0);
    for flag in [
        "--listen",
        "--data-dir",
        "--database-url",
        "--redis-url",
        "--config",
        "--seed",
        "--venue-listen",
        "--no-venue",
        "--no-demo",
        "--always-open",
        "--replay",
        "--speed",
    ] {
        assert!(stdout.contains(flag), "{flag} is not in:\n{stdout}");
    }
    assert!(stdout.contains("[setting server.listen"), "{stdout}");
}

#[test]
fn wrong_usage_ends_with_status_two() {
    let (status, _, stderr) = outcome(troupe(&["dance"]));
    assert_eq!(status, 2);
    assert!(stderr.contains("dance"), "{stderr}");
}

#[test]
fn a_wrong_setting_stops_the_start_and_names_itself_and_its_place() {
    let mut command = troupe(&["migrate"]);
    command.env("TROUPE__SERVER__LISTN", "127.0.0.1:1");
    let (status, stdout, stderr) = outcome(command);
    assert_eq!((status, stdout.as_str()), (1, ""));
    assert!(stderr.contains("did you mean TROUPE__SERVER__LISTEN?"), "{stderr}");
}

#[test]
fn a_database_that_is_not_there_is_named_without_its_password() {
    let url = "postgres://ann:hunter2@127.0.0.1:1/shop";
    let (status, _, stderr) = outcome(troupe(&["migrate", "--database-url", url]));
    assert_eq!(status, 1);
    assert!(stderr.contains("127.0.0.1:1") && !stderr.contains("hunter2"), "{stderr}");
}

#[test]
fn migrate_says_what_is_pending_does_it_and_then_has_nothing_to_do() {
    let directory = tempfile::tempdir().unwrap();
    let data = data_dir(&directory);
    let (status, stdout, stderr) = outcome(troupe(&["migrate", "--check", "--data-dir", &data]));
    assert_eq!(status, 1, "{stderr}");
    assert!(stdout.contains("pending 0001") && stderr.contains("run troupe migrate"), "{stdout}");
    let (status, stdout, stderr) =
        outcome(troupe(&["migrate", "--data-dir", &data, "--format", "json"]));
    assert_eq!(status, 0, "{stderr}");
    let report: Value = serde_json::from_str(&stdout).unwrap();
    assert_eq!(report["applied"], true);
    assert_eq!(report["migrations"][0]["version"], 1);
    let (status, stdout, stderr) = outcome(troupe(&["migrate", "--check", "--data-dir", &data]));
    assert_eq!(status, 0, "{stderr}");
    assert!(stdout.contains("up to date"), "{stdout}");
    assert!(no_server_is_left(&directory.path().join("data/pg")));
}

/// Whether the cluster's server has ended, by the file it keeps while it runs.
fn no_server_is_left(cluster: &Path) -> bool {
    let mut waiting = vec![cluster.to_path_buf()];
    while let Some(directory) = waiting.pop() {
        for entry in std::fs::read_dir(directory).into_iter().flatten().flatten() {
            let path = entry.path();
            if path.file_name().is_some_and(|name| name == "postmaster.pid") {
                return false;
            }
            if path.is_dir() && path.components().count() < cluster.components().count() + 3 {
                waiting.push(path);
            }
        }
    }
    true
}

#[test]
fn doctor_reports_each_thing_it_looked_at_as_one_json_document() {
    let directory = tempfile::tempdir().unwrap();
    let mut command = troupe(&["doctor", "--data-dir", &data_dir(&directory), "--format", "json"]);
    command
        .env("TROUPE__SERVER__LISTEN", "127.0.0.1:0")
        .env("TROUPE__VENUE__LISTEN", "127.0.0.1:0");
    let (status, stdout, stderr) = outcome(command);
    let report: Value = serde_json::from_str(&stdout).unwrap();
    assert_eq!(status, 0, "{stdout}{stderr}");
    let checks: Vec<&str> =
        report["findings"].as_array().unwrap().iter().filter_map(|f| f["check"].as_str()).collect();
    for check in
        ["settings", "cores", "memory", "clock", "data", "disk", "port", "database", "keys"]
    {
        assert!(checks.contains(&check), "{check} is not in {checks:?}");
    }
    assert!(!directory.path().join("data").exists(), "the doctor left something behind");
}

#[test]
fn doctor_fails_on_a_taken_port_and_on_wrong_settings_and_says_what_to_do() {
    let taken = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = taken.local_addr().unwrap().to_string();
    let directory = tempfile::tempdir().unwrap();
    let mut command = troupe(&["doctor", "--data-dir", &data_dir(&directory)]);
    command.env("TROUPE__SERVER__LISTEN", &address).env("TROUPE__VENUE__LISTEN", "127.0.0.1:0");
    let (status, stdout, _) = outcome(command);
    assert_eq!(status, 1);
    assert!(stdout.contains(&format!("{address} is in use")), "{stdout}");
    assert!(stdout.contains("what to do:") && stdout.contains("--listen"), "{stdout}");

    let mut command = troupe(&["doctor"]);
    command.env("TROUPE__VENUE__SEED", "soon");
    let (status, stdout, _) = outcome(command);
    assert_eq!(status, 1);
    assert!(stdout.contains("venue.seed") && stdout.contains("cores"), "{stdout}");
}

#[test]
fn doctor_without_the_venue_asks_for_keys() {
    let directory = tempfile::tempdir().unwrap();
    let mut command = troupe(&["doctor", "--no-venue", "--data-dir", &data_dir(&directory)]);
    command.env("TROUPE__SERVER__LISTEN", "127.0.0.1:0");
    let (status, stdout, _) = outcome(command);
    assert_eq!(status, 1);
    assert!(stdout.contains("APCA_API_KEY_ID"), "{stdout}");
}

#[test]
fn users_are_added_with_the_password_from_stdin_listed_and_promoted() {
    let directory = tempfile::tempdir().unwrap();
    let data = data_dir(&directory);
    let add = ["user", "add", "ann", "--email", "ann@example.org", "--data-dir", &data];
    let (status, _, stderr) = with_input(troupe(&add), "hush\n");
    assert_eq!(status, 1, "{stderr}");
    assert!(!stderr.contains("hush"), "the password is not repeated: {stderr}");
    let (status, _, stderr) = with_input(troupe(&add), "Correct-horse-7\n");
    assert_eq!(status, 1);
    assert!(stderr.contains("run troupe migrate first"), "{stderr}");
    assert_eq!(outcome(troupe(&["migrate", "--data-dir", &data])).0, 0);
    let (status, stdout, stderr) = with_input(troupe(&add), "Correct-horse-7\n");
    assert_eq!(status, 0, "{stderr}");
    assert!(stdout.contains("ann"), "{stdout}");
    let (status, _, stderr) = with_input(troupe(&add), "Correct-horse-7\n");
    assert_eq!(status, 1);
    assert!(stderr.contains("another user has this"), "{stderr}");

    let role = ["user", "role", "ann", "operator", "--data-dir", &data];
    assert_eq!(outcome(troupe(&role)).0, 0);
    let (status, _, stderr) =
        outcome(troupe(&["user", "role", "bob", "admin", "--data-dir", &data]));
    assert_eq!(status, 1);
    assert!(stderr.contains("bob") && stderr.contains("troupe user list"), "{stderr}");

    let list = ["user", "list", "--format", "json", "--data-dir", &data];
    let (status, stdout, stderr) = outcome(troupe(&list));
    assert_eq!(status, 0, "{stderr}");
    let users: Value = serde_json::from_str(&stdout).unwrap();
    assert_eq!(users["total"], 1);
    assert_eq!(users["users"][0]["role"], "operator");
    assert_eq!(users["users"][0]["email"], "ann@example.org");
    assert!(!stdout.contains("argon2"), "{stdout}");
}
