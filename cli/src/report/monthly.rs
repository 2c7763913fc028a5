//! Returns by month and by year.

use std::collections::BTreeMap;

use chrono::{DateTime, Datelike, Utc};

/// One year: a return for each month that was traded in, and the year's own.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Year {
    pub(super) number: i32,
    /// January first.
    pub(super) months: [Option<f64>; 12],
    pub(super) total: Option<f64>,
}

/// Returns from the close of one month to the close of the next; the first from the start.
pub(super) fn by_month(start: f64, equity: &[(DateTime<Utc>, f64)]) -> Vec<Year> {
    let mut ends: BTreeMap<(i32, usize), f64> = BTreeMap::new();
    for (at, value) in equity {
        let month = usize::try_from(at.month0()).unwrap_or(0);
        ends.insert((at.year(), month), *value);
    }
    let mut years: BTreeMap<i32, Year> = BTreeMap::new();
    let (mut month_start, mut year_start) = (start, start);
    let mut current: Option<i32> = None;
    for ((year, month), end) in ends {
        if current.is_some_and(|current| current != year) {
            year_start = month_start;
        }
        current = Some(year);
        let row =
            years.entry(year).or_insert(Year { number: year, months: [None; 12], total: None });
        if let Some(cell) = row.months.get_mut(month) {
            *cell = change(month_start, end);
        }
        row.total = change(year_start, end);
        month_start = end;
    }
    years.into_values().collect()
}

fn change(from: f64, to: f64) -> Option<f64> {
    let change = to / from - 1.0;
    (from > 0.0 && change.is_finite()).then_some(change)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn months_and_years_compound_to_the_whole() {
        let at = |text: &str| format!("{text}T00:00:00Z").parse::<DateTime<Utc>>().unwrap();
        let equity = [
            (at("2023-11-10"), 100.0),
            (at("2023-11-30"), 110.0),
            (at("2023-12-29"), 99.0),
            (at("2024-02-01"), 198.0),
        ];
        let years = by_month(100.0, &equity);
        assert_eq!(years.len(), 2);
        let near = |found: Option<f64>, expected: f64| (found.unwrap() - expected).abs() < 1e-12;
        assert!(near(years[0].months[10], 0.1) && near(years[0].months[11], -0.1));
        assert!(near(years[0].total, -0.01) && near(years[1].total, 1.0));
        assert!(near(years[1].months[1], 1.0), "a month without bars belongs to the next");
        assert_eq!(years[1].months[0], None);
    }

    #[test]
    fn nothing_is_divided_by_what_is_lost() {
        let at = "2024-01-01T00:00:00Z".parse().unwrap();
        assert_eq!(by_month(0.0, &[(at, 10.0)])[0].total, None);
        assert!(by_month(10.0, &[]).is_empty());
    }
}
