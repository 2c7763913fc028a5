//! A running strategy: it remembers its stance and turns a change of mind into a signal.

use crate::bar::{BAR_SECONDS_MAX, Bar};
use crate::clock::Timestamp;
use crate::ids::{InstanceId, SignalId};
use crate::market::{PricePoint, Trade};
use crate::strategy::{Params, Snapshot, SnapshotError, Stance, Strategy};
use crate::ticker::Ticker;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use std::fmt::Write as _;

/// What makes two configs share one instance.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct InstanceKey {
    /// Name of the strategy in the registry.
    pub strategy: String,
    /// All its parameters, defaults filled in.
    pub params: Params,
    /// What it watches.
    pub ticker: Ticker,
    /// Length of the bars it decides on.
    pub seconds: u32,
}

/// A change of mind.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Signal {
    /// Computed from the instance, the instant and the stance.
    pub id: SignalId,
    /// Who changed its mind.
    pub instance: InstanceId,
    /// Name of the strategy.
    pub strategy: String,
    /// About what.
    pub ticker: Ticker,
    /// Length of the bars it decides on.
    pub seconds: u32,
    /// The new side.
    pub stance: Stance,
    /// When: the end of the bar that made it, by the venue's clock.
    pub at: Timestamp,
    /// The newest price the instance knows: the bar's close, or a later one when it is told again.
    pub reference: PricePoint,
    /// The values that made it.
    pub indicators: BTreeMap<String, f64>,
}

/// A strategy at work on one ticker and bar length.
#[derive(Debug)]
pub struct Instance {
    id: InstanceId,
    key: InstanceKey,
    strategy: Box<dyn Strategy>,
    latest: Option<Signal>,
    newest: Option<PricePoint>,
    bars: u64,
}

/// A running strategy as it was after some bar, to go on from.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct InstanceSnapshot {
    key: InstanceKey,
    strategy: Snapshot,
    latest: Option<Signal>,
    newest: Option<PricePoint>,
    bars: u64,
}

impl InstanceKey {
    /// The instance's id, the same text for the same key.
    pub fn id(&self) -> InstanceId {
        let mut text = format!("{}(", self.strategy);
        for (index, (name, value)) in self.params.iter().enumerate() {
            let comma = if index == 0 { "" } else { "," };
            // Writing to a String cannot fail.
            let written = write!(text, "{comma}{name}={value}");
            debug_assert!(written.is_ok());
        }
        InstanceId::new(format!("{text})@{}/{}s", self.ticker, self.seconds))
    }
}

impl Instance {
    /// Puts `strategy` to work.
    pub fn new(key: InstanceKey, strategy: Box<dyn Strategy>) -> Self {
        Self { id: key.id(), key, strategy, latest: None, newest: None, bars: 0 }
    }

    /// Its id.
    pub fn id(&self) -> &InstanceId {
        &self.id
    }

    /// What it was made from.
    pub fn key(&self) -> &InstanceKey {
        &self.key
    }

    /// Bars seen so far, warm-up included.
    pub fn bars(&self) -> u64 {
        self.bars
    }

    /// Whether it wants every print.
    pub fn wants_trades(&self) -> bool {
        self.strategy.wants_trades()
    }

    /// Takes a closed bar; a signal when the strategy has changed its mind.
    pub fn on_bar(&mut self, bar: &Bar) -> Option<Signal> {
        self.bars = self.bars.saturating_add(1);
        let at = bar.end();
        self.newest = Some(PricePoint { price: bar.close, at });
        let stance = self.strategy.on_bar(bar)?;
        self.note(stance, at, bar.close)
    }

    /// Takes a print, if the strategy wants them.
    pub fn on_trade(&mut self, trade: &Trade) -> Option<Signal> {
        let stance = self.strategy.on_trade(trade)?;
        self.newest = Some(PricePoint { price: trade.price, at: trade.at });
        self.note(stance, trade.at, trade.price)
    }

    /// The present stance as a signal, for a config that joins late: the same id as when it was
    /// new, with the newest price.
    pub fn standing(&self) -> Option<Signal> {
        let mut signal = self.latest.clone()?;
        if let Some(newest) = self.newest {
            signal.reference = newest;
        }
        Some(signal)
    }

    /// Bars of history that make its opinions what they would be had it always run: those that the
    /// strategy must have seen, and the session's if it needs them.
    pub fn warmup_bars(&self) -> u32 {
        let session = BAR_SECONDS_MAX.checked_div(self.key.seconds).unwrap_or(0);
        let session = if self.strategy.wants_session() { session } else { 0 };
        self.strategy.warmup_bars().max(session)
    }

    /// Its state, whole.
    pub fn snapshot(&self) -> Result<InstanceSnapshot, SnapshotError> {
        Ok(InstanceSnapshot {
            key: self.key.clone(),
            strategy: self.strategy.snapshot()?,
            latest: self.latest.clone(),
            newest: self.newest,
            bars: self.bars,
        })
    }

    /// Goes on from `snapshot`, which an instance of the same key made. On an error nothing has
    /// changed.
    pub fn restore(&mut self, snapshot: InstanceSnapshot) -> Result<(), SnapshotError> {
        if snapshot.key != self.key {
            let (found, wanted) = (snapshot.key.id().to_string(), self.id.to_string());
            return Err(SnapshotError::Foreign { found, wanted });
        }
        self.strategy.restore(&snapshot.strategy)?;
        self.latest = snapshot.latest;
        self.newest = snapshot.newest;
        self.bars = snapshot.bars;
        Ok(())
    }

    fn note(&mut self, stance: Stance, at: Timestamp, price: f64) -> Option<Signal> {
        let before = self.latest.as_ref().map(|signal| signal.stance);
        // Nobody holds anything yet, so a first opinion of "own nothing" is no change.
        if before == Some(stance) || (before.is_none() && stance == Stance::Flat) {
            return None;
        }
        let signal = Signal {
            id: SignalId::of(&self.id, at, stance),
            instance: self.id.clone(),
            strategy: self.key.strategy.clone(),
            ticker: self.key.ticker.clone(),
            seconds: self.key.seconds,
            stance,
            at,
            reference: PricePoint { price, at },
            indicators: self
                .strategy
                .indicators()
                .into_iter()
                .map(|(name, value)| (name.to_owned(), value))
                .collect(),
        };
        self.latest = Some(signal.clone());
        Some(signal)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::strategy::Indicators;

    #[derive(Debug, Serialize, Deserialize)]
    struct Scripted(Vec<Option<Stance>>);

    impl Strategy for Scripted {
        fn on_bar(&mut self, _bar: &Bar) -> Option<Stance> {
            self.0.remove(0)
        }

        fn indicators(&self) -> Indicators {
            Indicators::new()
        }

        fn warmup_bars(&self) -> u32 {
            0
        }
    }

    fn bar(index: i64) -> Bar {
        let at = chrono::DateTime::from_timestamp(index * 60, 0).unwrap();
        let price = 100.0;
        Bar {
            at,
            seconds: 60,
            open: price,
            high: price,
            low: price,
            close: price,
            volume: 1.0,
            trades: 1,
        }
    }

    fn instance(script: &[Option<Stance>]) -> Instance {
        let key = InstanceKey {
            strategy: "scripted".to_owned(),
            params: Params::from([("fast".to_owned(), 3.0), ("slow".to_owned(), 8.0)]),
            ticker: Ticker::new("AAPL").unwrap(),
            seconds: 60,
        };
        Instance::new(key, Box::new(Scripted(script.to_vec())))
    }

    #[test]
    fn only_a_change_of_mind_is_a_signal() {
        use Stance::{Flat, Long};
        let mut instance =
            instance(&[None, Some(Flat), Some(Long), Some(Long), None, Some(Flat), Some(Long)]);
        let stances: Vec<_> =
            (0..7).map(|index| instance.on_bar(&bar(index)).map(|signal| signal.stance)).collect();
        assert_eq!(stances, [None, None, Some(Long), None, None, Some(Flat), Some(Long)]);
    }

    #[test]
    fn the_id_names_the_strategy_its_parameters_ticker_and_bar_length() {
        assert_eq!(instance(&[]).id().as_str(), "scripted(fast=3,slow=8)@AAPL/60s");
    }

    #[test]
    fn a_late_joiner_is_told_the_standing_signal_with_its_first_id_and_the_newest_price() {
        let mut instance = instance(&[Some(Stance::Long), Some(Stance::Long)]);
        let first = instance.on_bar(&bar(1)).unwrap();
        instance.on_bar(&bar(2));
        let standing = instance.standing().unwrap();
        assert_eq!(standing.id, first.id);
        assert_eq!(standing.at, first.at);
        assert_eq!(standing.reference.at, bar(2).end());
    }

    #[test]
    fn an_instance_goes_on_from_a_snapshot_as_if_nothing_had_happened() {
        use Stance::{Flat, Long};
        let script = [Some(Long), Some(Flat), Some(Long)];
        let (mut original, mut copy) = (instance(&script), instance(&script));
        original.on_bar(&bar(0));
        let text = serde_json::to_string(&original.snapshot().unwrap()).unwrap();
        copy.restore(serde_json::from_str(&text).unwrap()).unwrap();
        assert_eq!(copy.standing(), original.standing());
        for index in 1..3 {
            assert_eq!(copy.on_bar(&bar(index)), original.on_bar(&bar(index)));
        }
        assert_eq!(copy.bars(), 3);
    }

    #[test]
    fn the_snapshot_of_another_instance_is_refused_and_changes_nothing() {
        let mut foreign = instance(&[]).snapshot().unwrap();
        foreign.key.seconds = 300;
        let mut instance = instance(&[Some(Stance::Long)]);
        let error = instance.restore(foreign).unwrap_err().to_string();
        assert!(error.contains("/300s, not of scripted(fast=3,slow=8)@AAPL/60s"), "{error}");
        assert!(instance.on_bar(&bar(0)).is_some());
    }
}
