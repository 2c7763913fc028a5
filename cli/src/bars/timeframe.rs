//! Lengths of bars and how they are written.

use std::fmt;
use std::str::FromStr;

use engine::bar::BAR_SECONDS_MAX;

/// The length of a bar: a whole part of a day, or a day.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Timeframe(u32);

impl Timeframe {
    /// One day, the longest.
    pub(crate) const DAY: Self = Self(BAR_SECONDS_MAX);

    /// So many seconds, if days are made of whole bars of that length.
    pub(crate) fn new(seconds: u32) -> Option<Self> {
        (seconds > 0 && BAR_SECONDS_MAX.is_multiple_of(seconds)).then_some(Self(seconds))
    }

    /// The same for a length that is known to be one.
    pub(super) const fn from_seconds(seconds: u32) -> Self {
        Self(seconds)
    }

    /// Its length.
    pub(crate) fn seconds(self) -> u32 {
        self.0
    }

    /// Whether bars of this length can be put together from bars of `other`.
    pub(super) fn is_multiple_of(self, other: Self) -> bool {
        self.0.is_multiple_of(other.0)
    }
}

impl fmt::Display for Timeframe {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(&engine::backtest::timeframe(self.0))
    }
}

impl FromStr for Timeframe {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let wrong = || format!("`{text}` is no length of a bar: {EXAMPLES}");
        let digits = text.chars().take_while(char::is_ascii_digit).count();
        let (number, unit) = text.split_at_checked(digits).ok_or_else(wrong)?;
        let number: u32 = number.parse().map_err(|_not_a_number| wrong())?;
        // A large M is a month everywhere else.
        let unit = match unit {
            "m" => "min".to_owned(),
            "M" => return Err(wrong()),
            other => other.to_lowercase(),
        };
        let seconds = match unit.as_str() {
            "s" | "sec" => 1,
            "min" => 60,
            "h" | "hour" => 3_600,
            "d" | "day" => 86_400,
            _ => return Err(wrong()),
        };
        number.checked_mul(seconds).and_then(Self::new).ok_or_else(wrong)
    }
}

const EXAMPLES: &str = "a whole part of a day, such as 1Min, 5Min, 15Min, 1H, 4H, or 1D";

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lengths_are_read_as_people_write_them_and_shown_in_one_way() {
        for (text, shown) in [
            ("1Min", "1Min"),
            ("1m", "1Min"),
            ("60min", "1H"),
            ("1H", "1H"),
            ("4hour", "4H"),
            ("24h", "1D"),
            ("1D", "1D"),
            ("5s", "5Sec"),
        ] {
            assert_eq!(text.parse::<Timeframe>().unwrap().to_string(), shown, "{text}");
        }
    }

    #[test]
    fn what_does_not_divide_a_day_is_refused() {
        for text in
            ["", "Min", "0Min", "7Min", "2D", "1M", "1W", "1Mo", "-1H", "99999999999H", "1é"]
        {
            let refused = text.parse::<Timeframe>().unwrap_err();
            assert!(refused.contains("such as 1Min"), "{text}: {refused}");
        }
    }
}
