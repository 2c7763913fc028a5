//! VWAP reversion: what trades far from the session's average price comes back to it.
//!
//! The average and the volume-weighted deviation begin again with every session (UTC day), and a position does
//! not outlive its session: it is left when the session's last bar ends at midnight, or with the first bar of
//! the next. A bar of a day is a session by itself and has nothing to come back to, so on daily bars the rule
//! is the one traders use there: the average of the last 20 bars, and per cent for deviations.

use crate::prelude::*;
use chrono::NaiveDate;
use engine::bar::BAR_SECONDS_MAX;
use engine::indicator::{RollingVwap, Vwap};

/// Bars of the average on daily bars.
const DAILY_PERIOD: u16 = 20;

/// The catalogue's entry.
pub(crate) const DEFINITION: Definition = Definition {
    name: "vwap_reversion",
    description: "Long when the close is below the session's VWAP by the deviations until it is back or the session ends; short is the mirror. On daily bars: per cent below the VWAP of 20 bars.",
    tickers: 1,
    params: &[ParamSpec::number(
        "deviations",
        "Distance to enter at: standard deviations, on daily bars per cent.",
        "factor",
        2.0,
        (0.1, 50.0),
    )],
    check: |_| Ok(()),
    build: |params| {
        Box::new(VwapReversion {
            deviations: number(params, "deviations"),
            session: Vwap::new(),
            rolling: RollingVwap::new(DAILY_PERIOD),
            day: None,
            level: None,
            stance: None,
        })
    },
};

#[derive(Clone, Debug, Serialize, Deserialize)]
struct VwapReversion {
    deviations: f64,
    session: Vwap,
    rolling: RollingVwap,
    /// The session of the newest bar.
    day: Option<NaiveDate>,
    level: Option<Level>,
    stance: Option<Stance>,
}

#[derive(Clone, Copy, Debug, Serialize, Deserialize)]
struct Level {
    vwap: f64,
    /// Distance from the average to enter at, US dollars.
    reach: f64,
}

impl Strategy for VwapReversion {
    fn on_bar(&mut self, bar: &Bar) -> Option<Stance> {
        let is_daily = bar.seconds >= BAR_SECONDS_MAX;
        self.level = if is_daily { self.daily_level(bar) } else { self.session_level(bar) };
        let Some(Level { vwap, reach }) = self.level else { return self.stance };
        let close = bar.close;
        let enter = if close < vwap - reach {
            Some(Stance::Long)
        } else if close > vwap + reach {
            Some(Stance::Short)
        } else {
            None
        };
        let ends = !is_daily && bar.end().date_naive() != bar.at.date_naive();
        let enter = enter.filter(|_| !ends);
        self.stance = after(self.stance, enter, |side| match side {
            _ if ends => true,
            Stance::Long => close >= vwap,
            Stance::Short => close <= vwap,
            Stance::Flat => false,
        });
        self.stance
    }

    fn indicators(&self) -> Indicators {
        let values = |level: Level| {
            Indicators::from([
                ("vwap", level.vwap),
                ("upper", level.vwap + level.reach),
                ("lower", level.vwap - level.reach),
            ])
        };
        self.level.map(values).unwrap_or_default()
    }

    fn warmup_bars(&self) -> u32 {
        2
    }

    fn wants_session(&self) -> bool {
        true
    }
}

impl VwapReversion {
    fn daily_level(&mut self, bar: &Bar) -> Option<Level> {
        let vwap = self.rolling.next(bar)?;
        Some(Level { vwap, reach: vwap * self.deviations / 100.0 })
    }

    fn session_level(&mut self, bar: &Bar) -> Option<Level> {
        let day = bar.at.date_naive();
        if self.day.replace(day).is_some_and(|before| before != day) {
            self.stance = after(self.stance, None, |_| true);
        }
        let lines = self.session.next(bar)?;
        // One price, or the same price all along, is no distribution to be far from.
        let reach = self.deviations * lines.deviation;
        (reach > 0.0).then_some(Level { vwap: lines.vwap, reach })
    }
}

#[cfg(test)]
mod tests {
    use crate::testing::{FLAT, LONG, bars, stances};
    use chrono::TimeDelta;

    #[test]
    fn it_buys_far_below_the_average_and_leaves_at_it() {
        let closes = [10.0, 10.0, 10.0, 10.0, 8.0, 9.0, 10.0];
        let stances = stances("vwap_reversion deviations=1.5", &bars(&closes));
        assert_eq!(stances[..4], [None; 4]);
        assert_eq!(stances[4..], [LONG, LONG, FLAT]);
    }

    #[test]
    fn a_position_does_not_outlive_its_session() {
        let mut bars = bars(&[10.0, 10.0, 10.0, 10.0, 8.0, 8.0]);
        bars[5].at += TimeDelta::days(1);
        assert_eq!(stances("vwap_reversion deviations=1.5", &bars)[4..], [LONG, FLAT]);
        bars[4].at = bars[4].at.date_naive().and_hms_opt(23, 59, 0).unwrap().and_utc();
        assert_eq!(
            stances("vwap_reversion deviations=1.5", &bars)[4],
            None,
            "the last bar ends it"
        );
    }
}
