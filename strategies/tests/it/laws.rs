//! What holds for every strategy on any prices.

use crate::support::{Stances, copy_of, goog, nervous, run, step, wandering};
use engine::params::Params;
use engine::strategy::Strategy;
use proptest::prelude::{ProptestConfig, any, prop_assert_eq, proptest};
use proptest::sample::Index;

fn names() -> impl Iterator<Item = &'static str> {
    strategies::catalogue().iter().map(|definition| definition.name)
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 48, ..ProptestConfig::default() })]

    /// Taken out as text after any bar, put back and gone on with: the same stances, and the same
    /// values behind them, bit for bit.
    #[test]
    fn a_restored_strategy_goes_on_as_if_nothing_had_happened(bars in wandering(), cut in any::<Index>()) {
        let (before, after) = bars.split_at(cut.index(bars.len()));
        for name in names() {
            let mut strategy = nervous(name);
            let mut stances = run(strategy.as_mut(), before).pop().unwrap_or_default();
            let mut copy = copy_of(strategy.as_ref(), name);
            let mut copied: Stances = stances.clone();
            for bar in after {
                step(strategy.as_mut(), bar, &mut stances);
                step(copy.as_mut(), bar, &mut copied);
                prop_assert_eq!(&stances, &copied, "{}", name);
                let bits = |strategy: &dyn Strategy| {
                    let values = strategy.indicators().into_iter();
                    values.map(|(name, value)| (name, value.to_bits())).collect::<Vec<_>>()
                };
                prop_assert_eq!(bits(strategy.as_ref()), bits(copy.as_ref()), "{}", name);
            }
        }
    }

    /// What comes after a bar cannot change what was thought at it.
    #[test]
    fn a_strategy_sees_nothing_of_the_future(
        bars in wandering(),
        others in wandering(),
        cut in any::<Index>(),
    ) {
        let cut = cut.index(bars.len());
        let mut other_future = bars[..cut].to_vec();
        other_future.extend(others.into_iter().skip(cut));
        for name in names() {
            let ours = run(nervous(name).as_mut(), &bars);
            let theirs = run(nervous(name).as_mut(), &other_future);
            prop_assert_eq!(&ours[..cut], &theirs[..cut], "{}", name);
        }
    }

    /// The way without a virtual call per bar answers as the other one does.
    #[test]
    fn history_at_once_is_history_bar_by_bar(bars in wandering()) {
        for name in names().filter(|name| strategies::definition(name).unwrap().tickers == 1) {
            let mut at_once = Vec::new();
            nervous(name).on_history(&bars, &mut at_once);
            let one_by_one: Vec<_> =
                run(nervous(name).as_mut(), &bars).into_iter().map(|stances| stances[0]).collect();
            prop_assert_eq!(at_once, one_by_one, "{}", name);
        }
    }

    #[test]
    fn no_strategy_has_an_opinion_before_it_is_warm(bars in wandering()) {
        for name in names() {
            let mut strategy = nervous(name);
            let cold = usize::try_from(strategy.warmup_bars()).unwrap().saturating_sub(1);
            for stances in run(strategy.as_mut(), &bars[..cold.min(bars.len())]) {
                prop_assert_eq!(stances.into_iter().flatten().next(), None, "{}", name);
            }
        }
    }
}

#[test]
fn every_strategy_comes_to_an_opinion_and_can_say_why() {
    let bars = goog();
    for name in names() {
        let mut strategy = strategies::build(name, &Params::new()).unwrap();
        let stances = run(strategy.as_mut(), &bars);
        assert!(stances.iter().flatten().any(Option::is_some), "{name}");
        assert_eq!(strategy.indicators().is_empty(), name == "buy_and_hold", "{name}");
    }
}

#[test]
fn a_snapshot_of_something_else_is_refused() {
    for name in names() {
        let error = nervous(name).restore(&serde_json::json!({ "of": "another" })).unwrap_err();
        assert!(error.to_string().contains("start from history instead"), "{name}: {error}");
    }
}
