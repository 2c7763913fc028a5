//! Which strategies are tried with which parameters: the built-in grids, or those of a file.

use std::collections::BTreeMap;
use std::path::Path;

use anyhow::Context;
use engine::evaluation::{COMBINATIONS_MAX, Candidate, Grid};
use engine::strategy::{ParamError, Params};
use serde::Deserialize;
use strategies::Definition;

/// Largest grid file: a person writes a few lines.
const FILE_BYTES_MAX: u64 = 1024 * 1024;

/// Strategies of a grid file, each with its parameters.
type GridFile = BTreeMap<String, BTreeMap<String, Axis>>;

/// Values of one parameter as a file gives them.
#[derive(Debug, Deserialize)]
#[serde(untagged)]
enum Axis {
    /// One value.
    One(f64),
    /// Each of them.
    List(Vec<f64>),
    /// From the first to the last, both included.
    Range(Range),
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Range {
    from: f64,
    to: f64,
    step: f64,
}

/// The strategies named, each with the parameters to try. None named: those of the file, or all.
pub(super) fn of(named: &[String], file: Option<&Path>) -> anyhow::Result<Vec<Candidate>> {
    let grids = file.map(read).transpose()?;
    let names: Vec<String> = match (&grids, named) {
        (_, [_, ..]) => {
            let mut unique: Vec<String> = named.to_vec();
            unique.sort();
            unique.dedup();
            unique
        }
        (Some(grids), []) => grids.keys().cloned().collect(),
        (None, []) => strategies::catalogue().iter().map(|one| one.name.to_owned()).collect(),
    };
    names.iter().map(|name| candidate(name, grids.as_ref())).collect()
}

fn candidate(name: &str, grids: Option<&BTreeMap<String, Grid>>) -> anyhow::Result<Candidate> {
    let definition = strategies::definition(name)?;
    let grid = match grids {
        Some(grids) => grids.get(name).cloned().unwrap_or_default(),
        None => Grid::default_of(name, definition.params),
    };
    let params = sets(definition, &grid)?;
    anyhow::ensure!(!params.is_empty(), "{name}: no combination of its grid is allowed");
    Ok(Candidate { strategy: name.to_owned(), tickers: definition.tickers, params })
}

/// The grid's combinations with defaults filled in. What cannot be together (a fast average slower
/// than the slow one) is no mistake in a grid: it is left out. A value out of bounds is one.
fn sets(definition: &Definition, grid: &Grid) -> anyhow::Result<Vec<Params>> {
    let mut sets = Vec::new();
    for combination in grid.combinations() {
        match strategies::complete(definition.name, &combination) {
            Ok(params) => sets.push(params),
            Err(ParamError::Inconsistent { .. }) => {}
            Err(error) => return Err(error).context("--grid"),
        }
    }
    Ok(sets)
}

fn read(path: &Path) -> anyhow::Result<BTreeMap<String, Grid>> {
    let shown = path.display();
    let length = std::fs::metadata(path).with_context(|| format!("--grid {shown}"))?.len();
    anyhow::ensure!(length <= FILE_BYTES_MAX, "--grid {shown}: more than {FILE_BYTES_MAX} bytes");
    let text = std::fs::read_to_string(path).with_context(|| format!("--grid {shown}"))?;
    grids(&text).with_context(|| format!("--grid {shown}"))
}

fn grids(text: &str) -> anyhow::Result<BTreeMap<String, Grid>> {
    let file: GridFile = toml::from_str(text).map_err(|error| {
        anyhow::anyhow!(
            "{}; write strategies as [sma_cross], parameters as fast = [5, 10] or \
             fast = {{ from = 5, to = 50, step = 5 }}",
            error.to_string().trim_end().replace('\n', " ")
        )
    })?;
    anyhow::ensure!(!file.is_empty(), "names no strategy");
    let mut grids = BTreeMap::new();
    for (strategy, axes) in file {
        let mut values = BTreeMap::new();
        for (name, axis) in axes {
            let axis = axis.values().with_context(|| format!("{strategy}, {name}"))?;
            values.insert(name, axis);
        }
        let grid = Grid::new(values).with_context(|| strategy.clone())?;
        grids.insert(strategy, grid);
    }
    Ok(grids)
}

impl Axis {
    fn values(self) -> anyhow::Result<Vec<f64>> {
        match self {
            Self::One(value) => Ok(vec![value]),
            Self::List(values) => {
                anyhow::ensure!(values.len() <= COMBINATIONS_MAX, "too many values");
                Ok(values)
            }
            Self::Range(Range { from, to, step }) => Ok(Grid::range(from, to, step)?),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn tried(text: &str) -> anyhow::Result<Vec<Params>> {
        let grids = grids(text)?;
        Ok(candidate("sma_cross", Some(&grids))?.params)
    }

    #[test]
    fn lists_ranges_and_single_values_make_all_combinations_that_can_be() {
        let params =
            tried("[sma_cross]\nfast = { from = 10, to = 30, step = 10 }\nslow = [20, 40]")
                .unwrap();
        let pairs: Vec<(f64, f64)> = params.iter().map(|p| (p["fast"], p["slow"])).collect();
        assert_eq!(pairs, [(10.0, 20.0), (10.0, 40.0), (20.0, 40.0), (30.0, 40.0)]);
        let one = tried("[sma_cross]\nfast = 7").unwrap();
        assert_eq!((one.len(), one[0]["fast"], one[0]["slow"]), (1, 7.0, 20.0));
    }

    #[test]
    fn what_is_wrong_with_a_grid_is_named() {
        for (text, words) in [
            ("[sma_cross]\nfast = []", "`fast` has no values"),
            ("[sma_cross]\nfast = { from = 9, to = 1, step = 1 }", "is no range"),
            ("[sma_cross]\nfast = { from = 1, to = 9 }", "write strategies as [sma_cross]"),
            ("[sma_cross]\nfsat = [5]", "no parameter `fsat`"),
            ("[sma_cross]\nfast = [0]", "`fast` = 0 must be"),
            ("[sma_cross]\nfast = [50]\nslow = [20]", "no combination of its grid is allowed"),
            ("fast", "write strategies as [sma_cross]"),
            ("", "names no strategy"),
        ] {
            let error = format!("{:#}", tried(text).unwrap_err());
            assert!(error.contains(words), "{text}: {error}");
        }
        let error = of(&["sma_crss".to_owned()], None).unwrap_err().to_string();
        assert!(error.contains("there is no strategy `sma_crss`"), "{error}");
    }

    #[test]
    fn a_file_names_the_strategies_and_without_one_all_are_tried() {
        let all = of(&[], None).unwrap();
        assert_eq!(all.len(), strategies::catalogue().len());
        assert!(all.iter().all(|candidate| !candidate.params.is_empty()));
        let twice = ["rsi".to_owned(), "rsi".to_owned()];
        assert_eq!(of(&twice, None).unwrap().len(), 1, "named twice, tried once");
    }
}
