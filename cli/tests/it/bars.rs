//! Files of bars for the tests of research commands.
#![expect(clippy::unwrap_used, reason = "a test may panic")]

use std::fmt::Write as _;
use std::path::Path;

/// Daily bars of a wave around 100: averages of a few days cross many times.
pub(crate) fn wave(folder: &Path, ticker: &str, days: u32) -> String {
    let mut rows = String::from("timestamp,open,high,low,close,volume\n");
    let mut open = 100.0_f64;
    let start = "2023-01-02".parse::<chrono::NaiveDate>().unwrap();
    // Weekdays only, as of a share.
    let weekdays = start.iter_days().filter(|day| {
        !matches!(chrono::Datelike::weekday(day), chrono::Weekday::Sat | chrono::Weekday::Sun)
    });
    for (number, day) in weekdays.take(usize::try_from(days).unwrap()).enumerate() {
        let number = f64::from(u32::try_from(number).unwrap());
        let close: f64 =
            ((100.0 + 12.0 * (number / 9.0).sin() + number / 20.0) * 100.0).round() / 100.0;
        let (high, low) = (open.max(close) + 0.5, open.min(close) - 0.5);
        writeln!(rows, "{day},{open},{high},{low},{close},1000").unwrap();
        open = close;
    }
    let path = folder.join(format!("{ticker}_1d.csv"));
    std::fs::write(&path, rows).unwrap();
    path.to_str().unwrap().to_owned()
}
