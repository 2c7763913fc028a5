//! `troupe backtest` as a person and a program meet it.
#![expect(clippy::unwrap_used, reason = "a test may panic")]

use serde_json::Value;

use crate::bars::wave;
use crate::binary::{outcome, troupe};

fn json(arguments: &[&str]) -> Value {
    let mut command = troupe(&["backtest", "--format", "json"]);
    command.args(arguments);
    let (status, stdout, stderr) = outcome(command);
    assert_eq!(status, 0, "{stderr}");
    serde_json::from_str(&stdout).unwrap()
}

#[test]
fn the_document_has_the_names_of_the_contract_and_adds_up() {
    let directory = tempfile::tempdir().unwrap();
    let data = wave(directory.path(), "ACME", 250);
    let report = json(&[
        "--strategy",
        "sma_cross",
        "--param",
        "fast=3",
        "--param",
        "slow=8",
        "--data",
        &data,
    ]);
    assert_eq!(report["strategy"], "sma_cross");
    assert_eq!((&report["ticker"], &report["timeframe"]), (&"ACME".into(), &"1D".into()));
    assert_eq!((&report["bars"], &report["from"]), (&250.into(), &"2023-01-02T00:00:00Z".into()));
    assert_eq!(report["params"]["fast"].as_f64(), Some(3.0));
    let trades = report["trades"].as_array().unwrap();
    assert!(trades.len() > 3, "{trades:#?}");
    let names = [
        "side",
        "quantity",
        "entry_time",
        "entry_price",
        "exit_time",
        "exit_price",
        "commission",
        "pnl",
        "return",
    ];
    for name in names {
        assert!(trades[0].get(name).is_some(), "{name} is not in {}", trades[0]);
    }
    let number = |value: &Value| value.as_f64().unwrap();
    for trade in trades {
        let value = number(&trade["quantity"])
            * (number(&trade["entry_price"]) + number(&trade["exit_price"]));
        let commission = number(&trade["commission"]);
        assert!((commission - 0.002 * value).abs() < 1e-6, "0.2 % of both sides: {trade}");
    }
    let equity = report["equity"].as_array().unwrap();
    assert_eq!((equity.len(), &equity[0][0]), (250, &report["from"]));
    let last = number(&equity[249][1]);
    assert_eq!(report["metrics"]["final_equity"].as_f64(), Some(last));
    assert_eq!(report["metrics"]["trades"].as_u64(), u64::try_from(trades.len()).ok());
    let open = &report["open_position"];
    let profits: f64 = trades.iter().map(|trade| number(&trade["pnl"])).sum();
    let unrealised = if open.is_null() { 0.0 } else { number(&open["pnl"]) };
    assert!((10_000.0 + profits + unrealised - last).abs() < 0.01, "{profits} {unrealised} {last}");
}

#[test]
fn every_flag_of_the_contract_changes_what_it_says() {
    let directory = tempfile::tempdir().unwrap();
    let data = wave(directory.path(), "ACME", 250);
    let run = |more: &[&str]| {
        let common =
            ["--strategy", "sma_cross", "--param", "fast=3", "--param", "slow=8", "--data", &data];
        json(&[&common[..], more].concat())
    };
    let last = |report: &Value| report["metrics"]["final_equity"].as_f64().unwrap();
    let plain = run(&[]);
    assert!(last(&run(&["--commission", "0"])) > last(&plain), "costs cost");
    assert!(last(&run(&["--slippage-bps", "50"])) < last(&plain), "slippage costs");
    let rich = run(&["--cash", "20000"]);
    assert!(rich["trades"][0]["quantity"].as_f64() > plain["trades"][0]["quantity"].as_f64());
    let parts = run(&["--fractional"]);
    assert!(parts["trades"][0]["quantity"].as_f64().unwrap().fract() > 0.0);
    let both = run(&["--direction", "long-short"]);
    let sides: Vec<&str> =
        both["trades"].as_array().unwrap().iter().filter_map(|t| t["side"].as_str()).collect();
    assert!(sides.contains(&"short") && sides.contains(&"long"), "{sides:?}");
    let same = run(&["--fill", "same-close"]);
    assert!(same["trades"][0]["entry_time"].as_str() < plain["trades"][0]["entry_time"].as_str());
    let some = run(&["--from", "2023-03-01", "--to", "2023-06-30", "--ticker", "OTHER"]);
    assert_eq!(
        (&some["from"], &some["to"]),
        (&"2023-03-01T00:00:00Z".into(), &"2023-06-30T00:00:00Z".into())
    );
    assert_eq!(some["ticker"], "OTHER");
    let stopped = run(&["--stop-loss", "0.01"]);
    assert!(
        stopped["trades"].as_array().unwrap().len() >= plain["trades"].as_array().unwrap().len()
    );
    let live = run(&["--sizing", "live"]);
    assert!(live["trades"][0]["quantity"].as_f64() < plain["trades"][0]["quantity"].as_f64());
}

#[test]
fn a_setting_stands_in_for_a_flag_and_the_flag_wins() {
    let directory = tempfile::tempdir().unwrap();
    let data = wave(directory.path(), "ACME", 100);
    let run = |flags: &[&str]| {
        let mut command =
            troupe(&["backtest", "--strategy", "sma_cross", "--data", &data, "--format", "json"]);
        command.args(flags).env("TROUPE__RESEARCH__CASH", "500");
        let (status, stdout, stderr) = outcome(command);
        assert_eq!(status, 0, "{stderr}");
        serde_json::from_str::<Value>(&stdout).unwrap()["equity"][0][1].as_f64()
    };
    assert_eq!(run(&[]), Some(500.0));
    assert_eq!(run(&["--cash", "700"]), Some(700.0));
}

#[test]
fn people_get_a_table_and_a_report_that_needs_nothing_else() {
    let directory = tempfile::tempdir().unwrap();
    let data = wave(directory.path(), "ACME", 400);
    let page = directory.path().join("report.html");
    let page = page.to_str().unwrap();
    let arguments = ["backtest", "--strategy", "sma_cross", "--data", &data, "--report", page];
    let (status, stdout, stderr) = outcome(troupe(&arguments));
    assert_eq!((status, stderr.as_str()), (0, ""), "{stdout}");
    for words in ["sma_cross (fast 10, slow 20) on ACME", "Sharpe ratio", "Buy and hold", page] {
        assert!(stdout.contains(words), "{words} is not in:\n{stdout}");
    }
    let html = std::fs::read_to_string(page).unwrap();
    for words in [
        "<title>sma_cross on ACME",
        "Monthly returns",
        "Drawdown",
        "How it was run",
        "prefers-color-scheme: dark",
        "</html>",
    ] {
        assert!(html.contains(words), "{words} is not in the report");
    }
    // Names of XML are no addresses that a browser opens.
    let loaded = html.replace("http://www.w3.org/2000/svg", "");
    for outside in ["http:", "https:", "<script", "src=", "@import", "url("] {
        assert!(!loaded.contains(outside), "{outside} is in the report");
    }
    let nowhere = directory.path().join("no/report.html");
    let (status, _, stderr) =
        outcome(troupe(&[&arguments[..6], &[nowhere.to_str().unwrap()]].concat()));
    assert_eq!(status, 1);
    assert!(stderr.contains("report.html cannot be written"), "{stderr}");
}

#[test]
fn what_is_wrong_is_said_in_one_line_that_names_it() {
    let directory = tempfile::tempdir().unwrap();
    let data = wave(directory.path(), "ACME", 30);
    let broken = directory.path().join("BAD.csv");
    let header = "timestamp,open,high,low,close,volume";
    std::fs::write(&broken, format!("{header}\n2024-01-02,1,2,1,NaN,5\n")).unwrap();
    let broken = broken.to_str().unwrap();
    let folder = directory.path().to_str().unwrap();
    let rows: [(&[&str], &str); 9] = [
        (&["--strategy", "sma_crss", "--data", &data], "there is no strategy `sma_crss`"),
        (
            &["--strategy", "rsi", "--param", "perod=3", "--data", &data],
            "rsi has no parameter `perod`",
        ),
        (&["--strategy", "sma_cross", "--param", "fast=0", "--data", &data], "`fast` = 0 must be"),
        (
            &["--strategy", "sma_cross", "--param", "fast=20", "--data", &data],
            "`fast` must be less than `slow`",
        ),
        (
            &["--strategy", "sma_cross", "--data", broken],
            "BAD.csv, row 2: close `NaN` is not a finite number",
        ),
        (
            &["--strategy", "sma_cross", "--data", "/nowhere/X.csv"],
            "/nowhere/X.csv: cannot be read",
        ),
        (
            &["--strategy", "sma_cross", "--data", &data, "--timeframe", "1H"],
            "bars of 1H cannot be put together",
        ),
        (&["--strategy", "sma_cross", "--data", &data, "--to", "2020-01-01"], "has no bar between"),
        (&["--strategy", "sma_cross", "--data", folder, "--ticker", "IBM"], "no file of IBM"),
    ];
    for (arguments, words) in rows {
        let mut command = troupe(&["backtest"]);
        command.args(arguments);
        let (status, stdout, stderr) = outcome(command);
        assert_eq!((status, stdout.as_str()), (1, ""), "{arguments:?}: {stderr}");
        assert!(stderr.contains(words) && stderr.lines().count() == 1, "{arguments:?}: {stderr}");
    }
    for arguments in [
        &["--data", &data][..],
        &["--strategy", "rsi"],
        &["--strategy", "rsi", "--data", &data, "--param", "period"],
        &["--strategy", "rsi", "--data", &data, "--param", "period=x"],
        &["--strategy", "rsi", "--data", &data, "--timeframe", "7Min"],
        &["--strategy", "rsi", "--data", &data, "--from", "yesterday"],
        &["--strategy", "rsi", "--data", &data, "--fill", "best"],
        &["--strategy", "rsi", "--data", &data, "--commission", "2"],
    ] {
        let mut command = troupe(&["backtest"]);
        command.args(arguments);
        let (status, _, stderr) = outcome(command);
        assert_eq!(status, 2, "{arguments:?}: {stderr}");
    }
}

#[test]
fn a_folder_is_traded_together_with_one_purse() {
    let directory = tempfile::tempdir().unwrap();
    wave(directory.path(), "AAA", 120);
    wave(directory.path(), "BBB", 120);
    let folder = directory.path().to_str().unwrap();
    let report = json(&["--strategy", "sma_cross", "--data", folder, "--commission", "0"]);
    assert_eq!(report["ticker"], "AAA,BBB");
    let trades = report["trades"].as_array().unwrap();
    let first = |ticker: &str| trades.iter().find(|trade| trade["ticker"] == ticker).unwrap();
    let cost = |trade: &Value| {
        trade["quantity"].as_f64().unwrap() * trade["entry_price"].as_f64().unwrap()
    };
    let costs = [cost(first("AAA")), cost(first("BBB"))];
    assert!(costs.iter().all(|cost| *cost > 4_500.0 && *cost <= 5_000.0), "half each: {costs:?}");
}
