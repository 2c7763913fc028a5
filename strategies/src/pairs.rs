//! Pairs: two tickers that move together are traded against each other when they part.
//!
//! E. Gatev, W. Goetzmann and K. G. Rouwenhorst, *Pairs Trading: Performance of a Relative-Value Arbitrage
//! Rule*, Review of Financial Studies 19(3), 2006. The spread is what a least-squares line through the
//! logarithms of the last `lookback` closes leaves over, ln A - (a + b ln B); its score is that of the newest
//! bar in population standard deviations of them all. After a stop the pair rests until the spread is back
//! within the exit. A time at which one of the two has no bar changes nothing.

use crate::prelude::*;
use std::collections::VecDeque;

/// The catalogue's entry.
pub(crate) const DEFINITION: Definition = Definition {
    name: "pairs",
    description: "Two tickers: long the first and short the second when their spread is far below its mean, until it is back or beyond the stop; the mirror far above.",
    tickers: 2,
    params: &[
        ParamSpec::bars("lookback", "Bars that the spread is measured over.", 60.0, 3.0),
        ParamSpec::number("entry", "Enter beyond this score.", "deviations", 2.0, (0.0, 10.0)),
        ParamSpec::number(
            "exit",
            "Leave within this score; less than the entry.",
            "deviations",
            0.5,
            (0.0, 10.0),
        ),
        ParamSpec::number(
            "stop",
            "Give up beyond this score; more than the entry.",
            "deviations",
            3.0,
            (0.0, 100.0),
        ),
    ],
    check: |params| {
        consistent("pairs", params, ("exit", "entry"), "`exit` must be less than `entry`")?;
        consistent("pairs", params, ("entry", "stop"), "`entry` must be less than `stop`")
    },
    build: |params| {
        Box::new(Pairs {
            lookback: whole(params, "lookback"),
            entry: number(params, "entry"),
            exit: number(params, "exit"),
            stop: number(params, "stop"),
            closes: VecDeque::new(),
            fit: None,
            rests: false,
            stance: None,
        })
    },
};

#[derive(Clone, Debug, Serialize, Deserialize)]
struct Pairs {
    lookback: u16,
    entry: f64,
    exit: f64,
    stop: f64,
    /// Logarithms of both closes, oldest first; at most `lookback`.
    closes: VecDeque<(f64, f64)>,
    fit: Option<Fit>,
    /// Stopped, and not back within the exit since.
    rests: bool,
    /// Towards the first ticker; the other side of it towards the second.
    stance: Option<Stance>,
}

/// A line through the logarithms, and where the newest bar lies.
#[derive(Clone, Copy, Debug, Serialize, Deserialize)]
struct Fit {
    beta: f64,
    score: f64,
}

impl Strategy for Pairs {
    fn on_bar(&mut self, _bar: &Bar) -> Option<Stance> {
        None
    }

    fn indicators(&self) -> Indicators {
        let values = |fit: Fit| Indicators::from([("beta", fit.beta), ("zscore", fit.score)]);
        self.fit.map(values).unwrap_or_default()
    }

    fn warmup_bars(&self) -> u32 {
        u32::from(self.lookback)
    }

    fn tickers(&self) -> usize {
        2
    }

    fn on_bars(&mut self, bars: &[Option<&Bar>], stances: &mut [Option<Stance>]) {
        if let [Some(first), Some(second)] = bars {
            self.take(first.close, second.close);
        }
        if let [first, second] = stances {
            *first = self.stance;
            *second = self.stance.map(opposite);
        }
    }
}

impl Pairs {
    fn take(&mut self, first: f64, second: f64) {
        self.closes.push_back((first.ln(), second.ln()));
        while self.closes.len() > usize::from(self.lookback) {
            self.closes.pop_front();
        }
        self.fit =
            if self.closes.len() == usize::from(self.lookback) { fit(&self.closes) } else { None };
        let Some(Fit { score, .. }) = self.fit else { return };
        self.rests &= score.abs() >= self.exit;
        let enter = match score.abs() {
            distance if self.rests || distance <= self.entry || distance > self.stop => None,
            _ if score < 0.0 => Some(Stance::Long),
            _ => Some(Stance::Short),
        };
        let held = matches!(self.stance, Some(Stance::Long | Stance::Short));
        self.rests |= held && score.abs() > self.stop;
        self.stance = after(self.stance, enter, |_| score.abs() < self.exit || self.rests);
    }
}

/// `None` where one of the two stands still, or both move as one: there is no spread.
fn fit(closes: &VecDeque<(f64, f64)>) -> Option<Fit> {
    let count = f64::from(u16::try_from(closes.len()).ok()?);
    let (first_sum, second_sum) =
        closes.iter().fold((0.0, 0.0), |sums, close| (sums.0 + close.0, sums.1 + close.1));
    let (first_mean, second_mean) = (first_sum / count, second_sum / count);
    let (mut both, mut squares) = (0.0, 0.0);
    for (first, second) in closes {
        both += (first - first_mean) * (second - second_mean);
        squares += (second - second_mean).powi(2);
    }
    if squares <= 0.0 {
        return None;
    }
    let beta = both / squares;
    let rest = |(first, second): &(f64, f64)| (first - first_mean) - beta * (second - second_mean);
    let variance = closes.iter().map(|close| rest(close).powi(2)).sum::<f64>() / count;
    // Logarithms that differ in their last digits only lie on one line.
    let is_one_line = variance.sqrt() <= 1e-12;
    (!is_one_line).then_some(Fit { beta, score: rest(closes.back()?) / variance.sqrt() })
}

fn opposite(stance: Stance) -> Stance {
    match stance {
        Stance::Long => Stance::Short,
        Stance::Flat => Stance::Flat,
        Stance::Short => Stance::Long,
    }
}

#[cfg(test)]
mod tests {
    use crate::registry::build;
    use crate::testing::{FLAT, LONG, SHORT, bars, params};
    use engine::strategy::Stance;

    /// B goes up and down; A with it, but for a push on some bars.
    fn run(pushes: &[(usize, f64)]) -> Vec<[Option<Stance>; 2]> {
        let of_second = |index: usize| [10.0, 11.0, 12.0, 11.0][index % 4];
        let push = |index| pushes.iter().find(|(at, _)| *at == index).map_or(1.0, |(_, by)| *by);
        let noise = |index: usize| if index.is_multiple_of(2) { 1.001 } else { 0.999 };
        let second: Vec<_> = (0..40).map(of_second).collect();
        let first: Vec<_> =
            (0..40).map(|index| 2.0 * of_second(index) * push(index) * noise(index)).collect();
        let (name, params) = params("pairs lookback=20 exit=0.9");
        let mut pairs = build(name, &params).unwrap();
        let mut both = [None; 2];
        let step = |(first, second)| {
            pairs.on_bars(&[Some(first), Some(second)], &mut both);
            both
        };
        bars(&first).iter().zip(&bars(&second)).map(step).collect()
    }

    #[test]
    fn the_cheap_one_is_bought_and_the_dear_one_sold_until_they_are_back_together() {
        // Scores of the noise are 1 and -0.8 by turns; the push makes one of -2.2.
        let stances = run(&[(25, 0.9985)]);
        assert_eq!(stances[24], [None; 2]);
        assert_eq!(stances[25..28], [[LONG, SHORT], [LONG, SHORT], [FLAT, FLAT]]);
    }

    #[test]
    fn a_spread_beyond_the_stop_is_not_entered() {
        assert_eq!(run(&[(25, 0.9)])[25], [None; 2]);
    }

    #[test]
    fn a_spread_that_runs_away_is_given_up_and_left_alone_until_it_is_back() {
        let stances = run(&[(25, 0.9985), (26, 0.95), (27, 0.95), (28, 0.95)]);
        assert_eq!(stances[25], [LONG, SHORT]);
        assert_eq!(stances[26], [FLAT, FLAT]);
        assert_eq!(stances[28], [FLAT, FLAT], "no entry on the way back");
    }

    #[test]
    fn a_bar_of_one_alone_changes_nothing() {
        let (name, params) = params("pairs lookback=3");
        let mut pairs = build(name, &params).unwrap();
        let mut stances = [None; 2];
        for bar in &bars(&[10.0, 11.0, 12.0, 13.0]) {
            pairs.on_bars(&[Some(bar), None], &mut stances);
        }
        assert_eq!((stances, pairs.indicators().len()), ([None; 2], 0));
    }
}
