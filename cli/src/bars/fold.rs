//! Longer bars out of shorter ones, or out of prints.

use chrono::{DateTime, NaiveTime, Utc};
use chrono_tz::America::New_York;
use engine::bar::{BAR_SECONDS_MAX, Bar, interval_start};

/// Whose midnight a day begins at.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Session {
    /// Coins and currencies: that of UTC.
    Utc,
    /// US shares: that of New York, so that trading after hours stays in its day.
    NewYork,
}

/// What pairs are quoted in, in names such as BTCUSDT.
const QUOTED_IN: [&str; 5] = ["USD", "USDT", "USDC", "BTC", "PERP"];

impl Session {
    /// Guessed from the symbol: a pair trades round the clock.
    pub(super) fn of(ticker: &str) -> Self {
        let is_pair = ticker.contains('/')
            || (ticker.len() >= 6 && QUOTED_IN.iter().any(|quote| ticker.ends_with(quote)));
        if is_pair { Self::Utc } else { Self::NewYork }
    }
}

/// Puts bars together, one interval after the other.
///
/// Intervals start at whole multiples of their length since the epoch, as in live trading; a day
/// is that of the [`Session`] and bears the midnight in UTC of its date, as daily files do.
#[derive(Debug)]
pub(super) struct Fold {
    seconds: u32,
    session: Session,
    current: Option<Bar>,
}

impl Fold {
    pub(super) fn new(seconds: u32, session: Session) -> Self {
        Self { seconds, session, current: None }
    }

    /// Takes the next bar or print; answers the bar that it ends, if it ends one.
    pub(super) fn take(&mut self, part: &Bar) -> Option<Bar> {
        let start = self.start_of(part.at);
        match &mut self.current {
            Some(bar) if bar.at == start => {
                bar.high = bar.high.max(part.high);
                bar.low = bar.low.min(part.low);
                bar.close = part.close;
                bar.volume += part.volume;
                bar.trades += part.trades;
                None
            }
            current => current.replace(Bar { at: start, seconds: self.seconds, ..*part }),
        }
    }

    /// The last bar.
    pub(super) fn finish(&mut self) -> Option<Bar> {
        self.current.take()
    }

    fn start_of(&self, at: DateTime<Utc>) -> DateTime<Utc> {
        if self.seconds == BAR_SECONDS_MAX && self.session == Session::NewYork {
            let date = at.with_timezone(&New_York).date_naive();
            return date.and_time(NaiveTime::MIN).and_utc();
        }
        interval_start(at, self.seconds)
    }
}
