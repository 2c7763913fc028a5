//! Which part of the trading day a moment is in.

use chrono::{DateTime, Days, Utc};

use crate::assets::AssetClass;
use crate::calendar::{self, Hours};

/// A part of the trading day of stocks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Phase {
    /// Between the opening and the closing auction.
    Regular,
    /// Before the open or after the close: only orders that ask for it trade.
    Extended,
    Closed,
}

/// A phase and how long it lasts, so that a tick need not ask the calendar.
#[derive(Clone, Copy, Debug)]
pub(crate) struct PhaseWindow {
    pub(crate) phase: Phase,
    pub(crate) from: DateTime<Utc>,
    /// The first moment after it.
    pub(crate) until: DateTime<Utc>,
}

impl Phase {
    /// Whether an order may trade in this phase.
    pub(crate) fn admits(self, class: AssetClass, extended_hours: bool) -> bool {
        match (class, self) {
            (AssetClass::Crypto, _) | (AssetClass::UsEquity, Self::Regular) => true,
            (AssetClass::UsEquity, Self::Extended) => extended_hours,
            (AssetClass::UsEquity, Self::Closed) => false,
        }
    }
}

impl PhaseWindow {
    /// A window that holds no moment.
    pub(crate) const NEVER: Self = Self {
        phase: Phase::Closed,
        from: DateTime::<Utc>::MAX_UTC,
        until: DateTime::<Utc>::MIN_UTC,
    };

    pub(crate) fn contains(&self, at: DateTime<Utc>) -> bool {
        self.from <= at && at < self.until
    }

    /// The window around a moment.
    pub(crate) fn around(hours: Hours, at: DateTime<Utc>) -> Self {
        let date = calendar::new_york_date(at);
        let day = calendar::new_york(date, 0, 0);
        let next_day = calendar::new_york(date + Days::new(1), 0, 0);
        let (Some(regular), Some(extended)) = (hours.session_on(date), hours.extended_on(date))
        else {
            return Self { phase: Phase::Closed, from: day, until: next_day };
        };
        let edges = [
            (Phase::Closed, day, extended.open),
            (Phase::Extended, extended.open, regular.open),
            (Phase::Regular, regular.open, regular.close),
            (Phase::Extended, regular.close, extended.close),
            (Phase::Closed, extended.close, next_day),
        ];
        edges
            .into_iter()
            .map(|(phase, from, until)| Self { phase, from, until })
            .find(|window| window.contains(at))
            .unwrap_or(Self { phase: Phase::Closed, from: day, until: next_day })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_trading_day_has_five_parts_and_a_holiday_one() {
        let phase = |time: &str| PhaseWindow::around(Hours::Nyse, time.parse().unwrap()).phase;
        assert_eq!(phase("2026-03-02T08:59:59Z"), Phase::Closed);
        assert_eq!(phase("2026-03-02T09:00:00Z"), Phase::Extended);
        assert_eq!(phase("2026-03-02T14:29:59Z"), Phase::Extended);
        assert_eq!(phase("2026-03-02T14:30:00Z"), Phase::Regular);
        assert_eq!(phase("2026-03-02T21:00:00Z"), Phase::Extended);
        assert_eq!(phase("2026-03-03T01:00:00Z"), Phase::Closed);
        assert_eq!(phase("2026-12-25T15:00:00Z"), Phase::Closed);
        let always = PhaseWindow::around(Hours::Always, "2026-12-25T15:00:00Z".parse().unwrap());
        assert_eq!(always.phase, Phase::Regular);
    }
}
