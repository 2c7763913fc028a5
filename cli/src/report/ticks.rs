//! Where an axis is marked: round values, round times.

use chrono::{DateTime, Datelike, Months, NaiveDate, TimeDelta, Utc};

/// Round values from `low` to `high`, about so many.
pub(super) fn round_values(low: f64, high: f64, about: u32) -> Vec<f64> {
    let span = high - low;
    if !(span.is_finite() && span > 0.0) {
        return vec![low];
    }
    let rough = span / f64::from(about.max(1));
    let magnitude = 10_f64.powf(rough.log10().floor());
    let step = [1.0, 2.0, 2.5, 5.0, 10.0]
        .into_iter()
        .map(|factor| factor * magnitude)
        .find(|step| *step >= rough)
        .unwrap_or(rough);
    let mut values = Vec::new();
    let mut place = (low / step).ceil();
    while place * step <= high + step * 1e-9 && values.len() < 100 {
        values.push(place * step);
        place += 1.0;
    }
    values
}

/// Distance between two marks of a time axis.
#[derive(Debug, Clone, Copy)]
enum Step {
    Months(u32),
    Seconds(i64),
}

const DAY_SECONDS: i64 = 86_400;

const STEPS: [Step; 18] = [
    Step::Seconds(60),
    Step::Seconds(300),
    Step::Seconds(900),
    Step::Seconds(3_600),
    Step::Seconds(3 * 3_600),
    Step::Seconds(6 * 3_600),
    Step::Seconds(12 * 3_600),
    Step::Seconds(DAY_SECONDS),
    Step::Seconds(2 * DAY_SECONDS),
    Step::Seconds(7 * DAY_SECONDS),
    Step::Months(1),
    Step::Months(3),
    Step::Months(6),
    Step::Months(12),
    Step::Months(24),
    Step::Months(60),
    Step::Months(120),
    Step::Months(600),
];

/// Round times from `first` to `last`, at most so many, with the words to write at each.
pub(super) fn round_times(
    first: DateTime<Utc>,
    last: DateTime<Utc>,
    at_most: usize,
) -> Vec<(DateTime<Utc>, String)> {
    for step in STEPS {
        if step.roughly_seconds() * i64::try_from(at_most).unwrap_or(1)
            < (last - first).num_seconds()
        {
            continue;
        }
        return step.times(first, last).map(|at| (at, step.label(at))).collect();
    }
    Vec::new()
}

impl Step {
    fn roughly_seconds(self) -> i64 {
        match self {
            Self::Months(months) => i64::from(months) * 30 * DAY_SECONDS,
            Self::Seconds(seconds) => seconds,
        }
    }

    fn times(
        self,
        first: DateTime<Utc>,
        last: DateTime<Utc>,
    ) -> impl Iterator<Item = DateTime<Utc>> {
        let start = self.before(first);
        std::iter::successors(start, move |at| match self {
            Self::Months(months) => at.checked_add_months(Months::new(months)),
            Self::Seconds(seconds) => at.checked_add_signed(TimeDelta::seconds(seconds)),
        })
        .skip_while(move |at| *at < first)
        .take_while(move |at| *at <= last)
    }

    /// A round time at or before `at`.
    fn before(self, at: DateTime<Utc>) -> Option<DateTime<Utc>> {
        match self {
            Self::Months(months) if months >= 12 => {
                let years = i32::try_from(months / 12).ok()?;
                midnight(at.year().div_euclid(years) * years, 1)
            }
            Self::Months(months) => midnight(at.year(), at.month0() / months * months + 1),
            Self::Seconds(seconds) => {
                DateTime::from_timestamp(at.timestamp().div_euclid(seconds) * seconds, 0)
            }
        }
    }

    fn label(self, at: DateTime<Utc>) -> String {
        let pattern = match self {
            Self::Months(months) if months >= 12 => "%Y",
            Self::Months(_) => "%b %Y",
            Self::Seconds(seconds) if seconds >= DAY_SECONDS => "%-d %b",
            Self::Seconds(_) => "%H:%M",
        };
        at.format(pattern).to_string()
    }
}

fn midnight(year: i32, month: u32) -> Option<DateTime<Utc>> {
    Some(NaiveDate::from_ymd_opt(year, month, 1)?.and_hms_opt(0, 0, 0)?.and_utc())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_are_round_and_inside() {
        assert_eq!(round_values(9_500.0, 64_000.0, 5), [20_000.0, 40_000.0, 60_000.0]);
        assert_eq!(
            round_values(-0.2, 0.0, 4),
            [-0.2, -0.15, -0.1, -0.05, 0.0].map(|v: f64| (v / 0.05).round() * 0.05)
        );
        assert_eq!(round_values(5.0, 5.0, 4), [5.0]);
        assert_eq!(round_values(f64::NAN, 5.0, 4).len(), 1);
    }

    #[test]
    fn times_are_round_inside_and_not_too_many() {
        let at = |text: &str| text.parse::<DateTime<Utc>>().unwrap();
        let labels = |first: &str, last: &str, most| -> Vec<String> {
            round_times(at(first), at(last), most).into_iter().map(|(_, label)| label).collect()
        };
        let years = labels("2004-08-19T00:00:00Z", "2013-03-01T00:00:00Z", 10);
        assert_eq!(years, ["2005", "2006", "2007", "2008", "2009", "2010", "2011", "2012", "2013"]);
        let few = labels("2004-08-19T00:00:00Z", "2013-03-01T00:00:00Z", 5);
        assert_eq!(few, ["2006", "2008", "2010", "2012"]);
        let hours = labels("2024-01-03T14:30:00Z", "2024-01-03T21:00:00Z", 8);
        assert_eq!(hours, ["15:00", "16:00", "17:00", "18:00", "19:00", "20:00", "21:00"]);
        let days = labels("2025-05-20T00:00:00Z", "2025-06-18T00:00:00Z", 6);
        assert!(days.len() <= 6 && days.len() >= 2, "{days:?}");
        let one = at("2024-01-03T14:30:00Z");
        assert!(round_times(one, one, 6).len() <= 1);
    }
}
