//! `troupe indicator` and `troupe strategy`.
#![expect(clippy::unwrap_used, reason = "a test may panic")]

use serde_json::Value;

use crate::bars::wave;
use crate::binary::{outcome, troupe};
use crate::support::root;

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

/// A copy of what `strategy new` reads and writes.
fn sources() -> tempfile::TempDir {
    let copy = tempfile::tempdir().unwrap();
    for path in LISTS {
        let to = copy.path().join(path);
        std::fs::create_dir_all(to.parent().unwrap()).unwrap();
        std::fs::copy(root().join(path), to).unwrap();
    }
    copy
}

const LISTS: [&str; 3] =
    ["strategies/src/lib.rs", "strategies/src/registry.rs", "strategies/tests/it/main.rs"];

#[test]
fn a_new_strategy_is_written_listed_and_followed_by_what_to_do_next() {
    let copy = sources();
    let mut command = troupe(&["strategy", "new", "gap_fade_x"]);
    // From anywhere inside the sources.
    let (status, stdout, stderr) = outcome({
        command.current_dir(copy.path().join("strategies/src"));
        command
    });
    assert_eq!((status, stderr.as_str()), (0, ""));
    let next: Vec<&str> = stdout.lines().filter(|line| line.starts_with("  ")).collect();
    assert_eq!(next.len(), 3, "{stdout}");
    assert!(next.iter().all(|line| line.contains("gap_fade_x")), "{stdout}");
    let read = |path: &str| std::fs::read_to_string(copy.path().join(path)).unwrap();
    assert!(read("strategies/src/gap_fade_x.rs").contains("impl Strategy for GapFadeX"));
    assert!(read("strategies/tests/it/gap_fade_x.rs").contains("#[test]"));
    assert!(read(LISTS[0]).contains("\nmod gap_fade_x;\n"));
    assert!(read(LISTS[1]).contains("gap_fade_x::DEFINITION,"));
    assert!(read(LISTS[2]).contains("\nmod gap_fade_x;\n"));
}

#[test]
fn a_name_that_is_taken_or_none_and_a_place_without_sources_are_refused_and_nothing_is_written() {
    let copy = sources();
    let folder = copy.path().to_str().unwrap();
    let before = std::fs::read_to_string(copy.path().join(LISTS[0])).unwrap();
    std::fs::write(copy.path().join("strategies/tests/it/mine.rs"), "mine").unwrap();
    for (name, words) in [
        ("sma_cross", "there is a strategy `sma_cross` already"),
        ("GapFade", "cannot be a strategy's name"),
        ("../evil", "cannot be a strategy's name"),
        ("mine", "strategies/tests/it/mine.rs: cannot be written"),
    ] {
        let new = ["strategy", "new", name, "--sources", folder];
        let (status, stdout, stderr) = outcome(troupe(&new));
        assert_eq!((status, stdout.as_str()), (1, ""), "{name}");
        assert!(stderr.contains(words), "{stderr}");
    }
    assert!(!copy.path().join("strategies/src/mine.rs").exists(), "half of it was left behind");
    assert_eq!(std::fs::read_to_string(copy.path().join(LISTS[0])).unwrap(), before);
    let elsewhere = tempfile::tempdir().unwrap();
    let mut command = troupe(&["strategy", "new", "gap_fade_x"]);
    command.current_dir(elsewhere.path());
    let (status, _, stderr) = outcome(command);
    assert_eq!(status, 1);
    assert!(stderr.contains("clone the repository") && stderr.contains("--sources"), "{stderr}");
}
