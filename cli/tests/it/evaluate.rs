//! `troupe evaluate`: everything tried, ranked, and kept.
#![expect(clippy::unwrap_used, reason = "a test may panic")]

use std::io::{BufRead, BufReader, Read};
use std::process::{Command, Stdio};

use serde_json::Value;

use crate::bars::wave;
use crate::binary::{data_dir, outcome, troupe, with_input};

fn document(arguments: &[&str]) -> Value {
    let mut command = troupe(&["evaluate", "--format", "json"]);
    command.args(arguments);
    let (status, stdout, stderr) = outcome(command);
    assert_eq!(status, 0, "{stderr}");
    serde_json::from_str(&stdout).unwrap()
}

fn grid(directory: &tempfile::TempDir) -> String {
    let path = directory.path().join("grid.toml");
    let text =
        "[sma_cross]\nfast = [3, 5]\nslow = { from = 8, to = 14, step = 3 }\n[rsi]\nperiod = 7\n";
    std::fs::write(&path, text).unwrap();
    path.to_str().unwrap().to_owned()
}

#[test]
fn all_combinations_are_ranked_the_same_for_any_number_of_jobs() {
    let directory = tempfile::tempdir().unwrap();
    let data = directory.path().join("data");
    std::fs::create_dir(&data).unwrap();
    wave(&data, "AAA", 300);
    wave(&data, "BBB", 200);
    let (grid, data) = (grid(&directory), data.to_str().unwrap().to_owned());
    let run = |jobs: &str| document(&["--data", &data, "--grid", &grid, "--jobs", jobs]);
    let one = run("1");
    assert_eq!(one, run("3"), "threads do not matter");
    assert_eq!((one["metric"].as_str(), one["runs"].as_u64()), (Some("sharpe_ratio"), Some(14)));
    let results = one["results"].as_array().unwrap();
    assert_eq!(results.len() + one["skipped"].as_array().unwrap().len(), 14);
    let scores: Vec<f64> = results.iter().filter_map(|run| run["score"].as_f64()).collect();
    assert!(scores.is_sorted_by(|a, b| a >= b), "{scores:?}");
    for ticker in ["AAA", "BBB"] {
        let of_ticker = results.iter().find(|run| run["tickers"][0] == ticker).unwrap();
        assert_eq!(&one["best"][ticker], of_ticker, "the first of the ranking");
    }
    let least = document(&["--data", &data, "--grid", &grid, "--metric", "annual_volatility"]);
    let scores: Vec<f64> = least["results"]
        .as_array()
        .unwrap()
        .iter()
        .filter_map(|run| run["score"].as_f64())
        .collect();
    assert!(scores.is_sorted(), "less volatility is better: {scores:?}");
}

#[test]
fn one_strategy_of_the_ranking_is_what_a_backtest_says() {
    let directory = tempfile::tempdir().unwrap();
    let data = wave(directory.path(), "AAA", 300);
    let grid = grid(&directory);
    let found = document(&["--data", &data, "--grid", &grid, "--strategy", "sma_cross"]);
    assert_eq!(found["runs"].as_u64(), Some(6));
    let best = &found["best"]["AAA"];
    let param = |name: &str| format!("{name}={}", best["params"][name]);
    let (fast, slow) = (param("fast"), param("slow"));
    let flags = ["backtest", "--strategy", "sma_cross", "--param", &fast, "--param", &slow];
    let (status, stdout, stderr) =
        outcome(troupe(&[&flags[..], &["--data", &data, "--format", "json"]].concat()));
    assert_eq!(status, 0, "{stderr}");
    let report: Value = serde_json::from_str(&stdout).unwrap();
    assert_eq!(report["metrics"], best["metrics"]);
}

#[test]
fn people_get_a_ranking_and_every_mistake_a_line() {
    let directory = tempfile::tempdir().unwrap();
    let data = wave(directory.path(), "AAA", 300);
    let grid = grid(&directory);
    let (status, stdout, stderr) =
        outcome(troupe(&["evaluate", "--data", &data, "--grid", &grid, "--top", "2"]));
    assert_eq!((status, stderr.as_str()), (0, ""), "{stdout}");
    assert!(stdout.contains("ranked by sharpe_ratio") && stdout.contains("and 5 more"), "{stdout}");
    let rows: [(&[&str], &str); 4] = [
        (&["--metric", "sharp"], "there is no metric `sharp`"),
        (&["--strategy", "sma_crss"], "there is no strategy `sma_crss`"),
        (&["--grid", "/nowhere.toml"], "--grid /nowhere.toml"),
        (&["--strategy", "pairs"], "a pair needs two tickers"),
    ];
    for (arguments, words) in rows {
        let mut command = troupe(&["evaluate", "--data", &data]);
        command.args(arguments);
        let (status, stdout, stderr) = outcome(command);
        assert_eq!((status, stdout.as_str()), (1, ""), "{arguments:?}");
        assert!(stderr.contains(words) && stderr.lines().count() == 1, "{arguments:?}: {stderr}");
    }
}

#[test]
fn results_and_the_best_of_each_ticker_are_kept_for_a_user() {
    let directory = tempfile::tempdir().unwrap();
    let bars = wave(directory.path(), "AAA", 300);
    let (grid, data) = (grid(&directory), data_dir(&directory));
    let evaluate =
        ["evaluate", "--data", &bars, "--grid", &grid, "--format", "json", "--data-dir", &data];
    let (status, _, stderr) = outcome(troupe(&evaluate));
    assert_eq!(status, 1);
    assert!(stderr.contains("run troupe migrate first"), "{stderr}");
    assert_eq!(outcome(troupe(&["migrate", "--data-dir", &data])).0, 0);
    let (status, _, stderr) = outcome(troupe(&evaluate));
    assert_eq!(status, 1);
    assert!(stderr.contains("troupe user add"), "{stderr}");
    for name in ["ann", "bob"] {
        let email = format!("{name}@example.org");
        let add = ["user", "add", name, "--email", &email, "--data-dir", &data];
        assert_eq!(with_input(troupe(&add), "Correct-horse-7\n").0, 0);
        let (status, stdout, stderr) = outcome(troupe(&evaluate));
        if name == "ann" {
            assert_eq!(status, 0, "the only user: {stderr}");
            let found: Value = serde_json::from_str(&stdout).unwrap();
            assert!(found["task_id"].is_string(), "{found}");
        } else {
            assert_eq!(status, 1);
            assert!(stderr.contains("--user NAME"), "{stderr}");
        }
    }
    let (status, stdout, stderr) = outcome(troupe(&[&evaluate[..], &["--user", "bob"]].concat()));
    assert_eq!(status, 0, "{stderr}");
    assert!(stdout.contains("task_id"), "{stdout}");
}

#[test]
fn ctrl_c_stops_it_and_what_is_done_is_ranked() {
    let directory = tempfile::tempdir().unwrap();
    let data = wave(directory.path(), "AAA", 2_000);
    let grid = directory.path().join("grid.toml");
    let range = |from, to| format!("{{ from = {from}, to = {to}, step = 1 }}");
    let text = format!("[sma_cross]\nfast = {}\nslow = {}\n", range(2, 250), range(251, 600));
    std::fs::write(&grid, text).unwrap();
    let mut command =
        troupe(&["evaluate", "--data", &data, "--format", "json", "--log-filter", "debug"]);
    command.args(["--grid", grid.to_str().unwrap()]).stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut process = command.spawn().unwrap();
    let mut log = BufReader::new(process.stderr.take().unwrap());
    let mut line = String::new();
    while !line.contains("backtests to do") {
        line.clear();
        assert!(log.read_line(&mut line).unwrap() > 0, "it ended before it began");
    }
    let pid = process.id().to_string();
    assert!(Command::new("kill").args(["-INT", &pid]).status().unwrap().success());
    // Read beside the log, so that neither pipe fills up.
    let mut stdout = process.stdout.take().unwrap();
    let reader = std::thread::spawn(move || {
        let mut text = String::new();
        stdout.read_to_string(&mut text).map(|_| text)
    });
    let mut rest = String::new();
    log.read_to_string(&mut rest).unwrap();
    assert_eq!(process.wait().unwrap().code(), Some(1), "{rest}");
    assert!(rest.contains("stopped after"), "{rest}");
    let found: Value = serde_json::from_str(&reader.join().unwrap().unwrap()).unwrap();
    let done = found["results"].as_array().unwrap().len();
    assert_eq!(found["canceled"], true);
    assert!(u64::try_from(done).unwrap() < found["runs"].as_u64().unwrap(), "{done}");
}
