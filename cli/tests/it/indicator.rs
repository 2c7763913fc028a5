//! `troupe indicator` and `troupe strategy`.

use serde_json::Value;

use crate::bars::wave;
use crate::binary::{outcome, troupe};

fn csv(arguments: &[&str]) -> Vec<Vec<String>> {
    let mut command = troupe(&["indicator"]);
    command.args(arguments);
    let (status, stdout, stderr) = outcome(command);
    assert_eq!((status, stderr.as_str()), (0, ""), "{stdout}");
    stdout.lines().map(|line| line.split(',').map(str::to_owned).collect()).collect()
}

#[test]
fn values_stand_beside_their_bars_and_are_empty_before_the_first_valid_one() {
    let directory = tempfile::tempdir().unwrap();
    let data = wave(directory.path(), "ACME", 40);
    let rows = csv(&["--name", "sma", "--param", "period=3", "--data", &data]);
    assert_eq!(rows[0], ["timestamp", "sma"]);
    assert_eq!(rows.len(), 41);
    assert_eq!(
        (rows[1][0].as_str(), rows[1][1].as_str(), rows[2][1].as_str()),
        ("2023-01-02T00:00:00Z", "", "")
    );
    let text = std::fs::read_to_string(&data).unwrap();
    let close = |row: usize| -> f64 {
        text.lines().nth(row).unwrap().split(',').nth(4).unwrap().parse().unwrap()
    };
    for (row, cells) in rows.iter().enumerate().skip(3) {
        let mean = (close(row - 2) + close(row - 1) + close(row)) / 3.0;
        let value: f64 = cells[1].parse().unwrap();
        assert!((value / mean - 1.0).abs() < 1e-12, "row {row}: {value} {mean}");
    }
    let macd = csv(&["--name", "macd", "--data", &data]);
    assert_eq!(macd[0], ["timestamp", "macd", "signal", "histogram"]);
}

#[test]
fn the_same_values_come_as_one_json_document() {
    let directory = tempfile::tempdir().unwrap();
    let data = wave(directory.path(), "ACME", 40);
    let rows = csv(&["--name", "rsi", "--data", &data]);
    let (status, stdout, stderr) =
        outcome(troupe(&["indicator", "--name", "rsi", "--data", &data, "--format", "json"]));
    assert_eq!(status, 0, "{stderr}");
    let document: Value = serde_json::from_str(&stdout).unwrap();
    assert_eq!(
        (&document["columns"][0], document["params"]["period"].as_f64()),
        (&"rsi".into(), Some(14.0))
    );
    let last = &document["rows"][39];
    assert_eq!(last[1][0].as_f64(), rows[40][1].parse().ok(), "every digit is there");
    assert!(document["rows"][13][1][0].is_null() && !document["rows"][14][1][0].is_null());
}

#[test]
fn an_unknown_indicator_or_parameter_is_named_with_what_there_is() {
    let directory = tempfile::tempdir().unwrap();
    let data = wave(directory.path(), "ACME", 40);
    for (arguments, words) in [
        (&["--name", "smaa"][..], "smaa"),
        (&["--name", "sma", "--param", "len=3"], "sma has no parameter `len`; it has: period"),
        (&["--name", "sma", "--param", "period=0.5"], "`period` = 0.5 must be a whole number"),
    ] {
        let mut command = troupe(&["indicator", "--data", &data]);
        command.args(arguments);
        let (status, stdout, stderr) = outcome(command);
        assert_eq!((status, stdout.as_str()), (1, ""));
        assert!(stderr.contains(words) && stderr.lines().count() == 1, "{stderr}");
    }
    wave(directory.path(), "OTHER", 40);
    let folder = directory.path().to_str().unwrap();
    let (status, _, stderr) = outcome(troupe(&["indicator", "--name", "sma", "--data", folder]));
    assert_eq!(status, 1);
    assert!(stderr.contains("of one ticker"), "{stderr}");
    assert_eq!(csv(&["--name", "sma", "--data", folder, "--ticker", "OTHER"]).len(), 41);
}

#[test]
fn the_catalogue_shows_parameters_with_their_bounds_in_words_and_as_data() {
    let (status, stdout, _) = outcome(troupe(&["strategy", "list"]));
    assert_eq!(status, 0);
    assert!(stdout.contains("sma_cross") && stdout.contains("fast = 10"), "{stdout}");
    let (status, stdout, _) = outcome(troupe(&["strategy", "list", "--format", "json"]));
    assert_eq!(status, 0);
    let catalogue: Value = serde_json::from_str(&stdout).unwrap();
    let all = catalogue["strategies"].as_array().unwrap();
    let sma = all.iter().find(|one| one["name"] == "sma_cross").unwrap();
    let fast = &sma["params"][0];
    assert_eq!((&fast["name"], fast["default"].as_f64()), (&"fast".into(), Some(10.0)));
    for bound in ["min", "max", "unit", "whole", "description"] {
        assert!(!fast[bound].is_null(), "{bound} is not in {fast}");
    }
}
