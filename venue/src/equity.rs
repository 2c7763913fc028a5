//! Equity over time: sampled from the books, kept per account, coarser the older it is.

use std::collections::{HashMap, VecDeque};

use chrono::{DateTime, DurationRound, TimeDelta, Utc};
use rust_decimal::Decimal;
use uuid::Uuid;

use crate::accounts::Reserved;
use crate::books::Change;
use crate::exchange::{Exchange, Inner, Step};

/// Points that all accounts keep together in one resolution; many accounts keep less each.
const POINTS_MAX: usize = 4_000_000;

/// The resolutions, as seconds and points: minutes for a week, quarters of an hour for a month,
/// days for ten years.
const RESOLUTIONS: [(i64, usize); 3] = [(60, 10_080), (900, 2_976), (86_400, 3_660)];

/// Equity at a moment, in USD.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Point {
    /// Seconds since 1970, UTC.
    pub(crate) at: i64,
    pub(crate) equity: Decimal,
}

/// One account's equity over time. Only changes are kept: between two points it stands still.
#[derive(Clone, Debug, Default)]
pub(crate) struct Curve {
    series: [VecDeque<Point>; RESOLUTIONS.len()],
}

/// Every account's curve.
#[derive(Debug, Default)]
pub(crate) struct Curves {
    by_account: HashMap<Uuid, Curve>,
}

/// When the next sample is due.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Sampler {
    interval: TimeDelta,
    due: Option<DateTime<Utc>>,
}

impl Curve {
    /// Takes a sample in. When time has gone back, because a tape was started again, what comes
    /// after it belongs to the earlier run and is forgotten.
    fn push(&mut self, point: Point, share: usize) {
        for (series, (seconds, points_max)) in self.series.iter_mut().zip(RESOLUTIONS) {
            while series.back().is_some_and(|last| last.at > point.at) {
                series.pop_back();
            }
            // The opening stays as it was: gains count from it.
            let is_opening = series.len() == 1;
            // A moment on a boundary ends the slot before it.
            let slot = |at: i64| (at - 1).div_euclid(seconds);
            match series.back_mut() {
                Some(last) if last.equity == point.equity => continue,
                Some(last) if slot(last.at) == slot(point.at) && !is_opening => {
                    *last = point;
                }
                _ => series.push_back(point),
            }
            if series.len() > points_max.min(share) {
                series.pop_front();
            }
        }
    }

    /// The equity as of a moment; `None` before the first sample.
    pub(crate) fn as_of(&self, moment: DateTime<Utc>) -> Option<Decimal> {
        let at = moment.timestamp();
        self.series.iter().find_map(|series| {
            let after = series.partition_point(|point| point.at <= at);
            series.get(after.checked_sub(1)?).map(|point| point.equity)
        })
    }

    /// Every point that a curve with the same answers can be built from, oldest first.
    fn points(&self) -> Vec<Point> {
        let mut points: Vec<Point> = Vec::new();
        for (index, series) in self.series.iter().enumerate().rev() {
            let finer = self.series.iter().take(index).rev().find_map(|finer| finer.front());
            let until = finer.map_or(i64::MAX, |first| first.at);
            points.extend(series.iter().filter(|point| point.at < until));
        }
        points
    }
}

impl Curves {
    pub(crate) fn of(&self, account_id: Uuid) -> Option<&Curve> {
        self.by_account.get(&account_id)
    }

    /// Drops the curve of an account.
    pub(crate) fn forget(&mut self, account_id: Uuid) {
        self.by_account.remove(&account_id);
    }

    pub(crate) fn push(&mut self, account_id: Uuid, point: Point) {
        let share = POINTS_MAX / (self.by_account.len() + 1);
        self.by_account.entry(account_id).or_default().push(point, share.max(1));
    }

    /// Each account's points, as seconds and equity.
    pub(crate) fn points(&self) -> impl Iterator<Item = (Uuid, Vec<(i64, Decimal)>)> {
        self.by_account.iter().map(|(account_id, curve)| {
            let points = curve.points().into_iter();
            (*account_id, points.map(|point| (point.at, point.equity)).collect())
        })
    }

    fn newest(&self, account_id: Uuid) -> Option<Point> {
        self.of(account_id)?.series.first()?.back().copied()
    }
}

impl Default for Sampler {
    fn default() -> Self {
        Self { interval: TimeDelta::minutes(1), due: None }
    }
}

impl Exchange {
    /// Samples less often than every minute: a tape may show years in seconds.
    pub(crate) fn sample_equity_every(&self, interval: TimeDelta) {
        self.lock().sampler.interval = interval;
    }

    /// Keeps what every account is worth, if it is time to.
    pub(crate) fn sample_equity(&self, inner: &mut Inner, now: DateTime<Utc>) {
        if inner.sampler.due.is_some_and(|due| now < due) {
            return;
        }
        let interval = inner.sampler.interval;
        let start = now.duration_trunc(interval).unwrap_or(now);
        inner.sampler.due = Some(start + interval);
        let at = now.timestamp();
        let changed: Vec<(Uuid, Decimal)> = inner
            .books
            .accounts()
            .map(|account| {
                let price = |symbol: &str| inner.market.price(symbol);
                (account.id, account.value(price, Reserved::default()).equity)
            })
            .filter(|(account_id, equity)| {
                let newest = inner.books.curves.newest(*account_id);
                newest.is_none_or(|newest| {
                    newest.at > at || (newest.at < at && newest.equity != *equity)
                })
            })
            .collect();
        if changed.is_empty() {
            return;
        }
        let change = Change::Equity { at, equities: changed };
        if self.commit(inner, vec![Step { change, update: None }]).is_err() {
            tracing::error!("a sample of the accounts' equity could not be written");
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn curve(points: impl IntoIterator<Item = (i64, i64)>) -> Curve {
        let mut curve = Curve::default();
        for (at, equity) in points {
            curve.push(Point { at, equity: Decimal::from(equity) }, POINTS_MAX);
        }
        curve
    }

    fn as_of(curve: &Curve, at: i64) -> Option<Decimal> {
        curve.as_of(DateTime::UNIX_EPOCH + TimeDelta::seconds(at))
    }

    #[test]
    fn a_curve_answers_with_the_newest_sample_before_a_moment_and_nothing_before_its_first() {
        let curve = curve([(60, 100), (120, 100), (180, 101), (240, 103)]);
        assert_eq!(as_of(&curve, 59), None);
        assert_eq!(as_of(&curve, 60), Some(Decimal::from(100)));
        assert_eq!(as_of(&curve, 179), Some(Decimal::from(100)));
        assert_eq!(as_of(&curve, 9_999), Some(Decimal::from(103)));
    }

    #[test]
    fn old_minutes_go_and_their_quarters_and_days_stay() {
        let minutes = i64::try_from(RESOLUTIONS[0].1).unwrap() * 3;
        let curve = curve((1..=minutes).map(|minute| (minute * 60, minute)));
        assert_eq!(curve.series[0].len(), RESOLUTIONS[0].1);
        assert_eq!(as_of(&curve, minutes * 60), Some(Decimal::from(minutes)));
        assert_eq!(as_of(&curve, 15 * 60), Some(Decimal::from(15)));
        assert_eq!(as_of(&curve, 15 * 60 + 120), Some(Decimal::from(15)));
    }

    #[test]
    fn a_curve_that_is_built_from_its_points_gives_the_same_answers() {
        let minutes = i64::try_from(RESOLUTIONS[0].1).unwrap() * 2;
        let first = curve((1..=minutes).map(|minute| (minute * 60, minute * minute % 97)));
        let mut second = Curve::default();
        for point in first.points() {
            second.push(point, POINTS_MAX);
        }
        for at in (0..minutes * 60 + 120).step_by(900) {
            assert_eq!(as_of(&second, at), as_of(&first, at), "{at}");
        }
    }

    #[test]
    fn a_tape_that_starts_again_forgets_what_came_later_in_the_run_before() {
        let curve = curve([(60, 100), (120, 200), (180, 300), (90, 150)]);
        assert_eq!(as_of(&curve, 1_000), Some(Decimal::from(150)));
        assert_eq!(as_of(&curve, 60), Some(Decimal::from(100)));
    }

    #[test]
    fn compacted_books_have_the_same_curve() {
        let mut curves = Curves::default();
        let account_id = Uuid::from_u128(1);
        for at in 0..20_000 {
            let equity = Decimal::from(at * at % 1_009);
            curves.push(account_id, Point { at: at * 60, equity });
        }
        let mut books = crate::books::Books::default();
        for (account_id, points) in curves.points() {
            books.apply(Change::EquityCurve { account_id, points });
        }
        let mut again = crate::books::Books::default();
        for change in books.as_changes() {
            let text = serde_json::to_string(&change).unwrap();
            again.apply(serde_json::from_str(&text).unwrap());
        }
        let (before, after) = (curves.of(account_id), again.curves.of(account_id));
        for at in (0..1_200_000).step_by(600) {
            let (before, after) = (before.unwrap(), after.unwrap());
            assert_eq!(as_of(before, at), as_of(after, at), "{at}");
        }
    }

    #[test]
    fn many_accounts_keep_less_each() {
        let mut curve = Curve::default();
        for at in 1..1_000 {
            curve.push(Point { at: at * 60, equity: Decimal::from(at) }, 10);
        }
        assert!(curve.series.iter().all(|series| series.len() <= 10));
    }
}
