//! Every rule against an independent computation over whole series.

use crate::support::{goog, run};
use engine::params::Params;
use engine::strategy::Stance;
use std::collections::BTreeMap;

#[test]
fn every_strategy_changes_its_mind_at_the_bars_at_which_the_reference_does() {
    let bars = goog();
    let mut changes: BTreeMap<&str, Vec<(usize, &str)>> = BTreeMap::new();
    for line in include_str!("../fixtures/goog_1d_stances.csv").lines().skip(1) {
        let [strategy, bar, stance] = line.split(',').collect::<Vec<_>>()[..] else {
            panic!("{line}")
        };
        changes.entry(strategy).or_default().push((bar.parse().unwrap(), stance));
    }
    assert_eq!(changes.len(), 16, "every strategy of one ticker that comes with Troupe");
    for (name, theirs) in changes {
        let mut strategy = strategies::build(name, &Params::new()).unwrap();
        let mut before = None;
        let mut ours = Vec::new();
        for (bar, stances) in run(strategy.as_mut(), &bars).into_iter().enumerate() {
            if stances[0] != before {
                ours.push((bar, stances[0].map_or("", Stance::code)));
                before = stances[0];
            }
        }
        assert_eq!(ours, theirs, "{name}");
    }
}
