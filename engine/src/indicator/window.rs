//! The last n numbers, and their sum without drift.
#![cfg_attr(
    not(test),
    expect(clippy::float_arithmetic, reason = "market data is f64; money never is")
)]

use super::PERIOD_MAX;
use serde::{Deserialize, Serialize};

/// The newest `capacity` values, oldest first.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(try_from = "WindowState")]
pub(super) struct Window {
    capacity: usize,
    values: Vec<f64>,
    /// Place of the oldest value once the window is full.
    oldest: usize,
}

/// A window as it comes from a snapshot, not yet checked.
#[derive(Deserialize)]
struct WindowState {
    capacity: usize,
    values: Vec<f64>,
    oldest: usize,
}

/// A value from some bars ago.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Lag(Window);

/// The sum of the values in a window, kept with the part that rounding loses.
///
/// A plain running sum drifts (TA-Lib's by 7e-9 after 130 000 minutes at a price of 100 000), and a
/// moving-average cross then sees crossings that are not there. Here each step's rounding error is
/// computed exactly (Knuth's two-sum, *The Art of Computer Programming* 2, 4.2.2) and added to a
/// second number, so the sum stays right to the last bit or two whatever the length.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(super) struct RollingSum {
    window: Window,
    sum: f64,
    lost: f64,
}

impl Window {
    /// An empty window of `capacity` values.
    pub(super) fn new(capacity: u16) -> Self {
        let capacity = usize::from(capacity.max(1));
        Self { capacity, values: Vec::with_capacity(capacity), oldest: 0 }
    }

    /// Takes a value; the one that fell out, once the window is full.
    #[inline]
    pub(super) fn push(&mut self, value: f64) -> Option<f64> {
        if self.values.len() < self.capacity {
            self.values.push(value);
            return None;
        }
        let slot = self.values.get_mut(self.oldest)?;
        let next = self.oldest.saturating_add(1);
        self.oldest = if next == self.capacity { 0 } else { next };
        Some(std::mem::replace(slot, value))
    }

    /// Whether it holds as many values as it can.
    pub(super) fn is_full(&self) -> bool {
        self.values.len() == self.capacity
    }

    /// The values in the order in which they are kept, which is the order in which TA-Lib sums its
    /// own windows.
    pub(super) fn kept(&self) -> &[f64] {
        &self.values
    }

    /// The values, oldest first.
    pub(super) fn iter(&self) -> impl DoubleEndedIterator<Item = f64> + '_ {
        let (newer, older) = self.values.split_at_checked(self.oldest).unwrap_or_default();
        older.iter().chain(newer).copied()
    }
}

impl Lag {
    /// From `bars` ago, 1 to [`PERIOD_MAX`].
    pub fn new(bars: u16) -> Self {
        Self(Window::new(bars.clamp(1, PERIOD_MAX)))
    }

    /// Takes the next value; the one `bars` before it, once there is one.
    #[inline]
    pub fn next(&mut self, value: f64) -> Option<f64> {
        self.0.push(value)
    }
}

impl TryFrom<WindowState> for Window {
    type Error = String;

    fn try_from(state: WindowState) -> Result<Self, String> {
        let WindowState { capacity, mut values, oldest } = state;
        let most = usize::from(PERIOD_MAX).saturating_add(1);
        let turned = oldest == 0 || (values.len() == capacity && oldest < capacity);
        if capacity == 0 || capacity > most || values.len() > capacity || !turned {
            return Err(format!(
                "a window of {capacity} with {} values from {oldest}",
                values.len()
            ));
        }
        values.reserve_exact(capacity.saturating_sub(values.len()));
        Ok(Self { capacity, values, oldest })
    }
}

impl RollingSum {
    /// The sum of no values yet, of a window of `period`.
    pub(super) fn new(period: u16) -> Self {
        Self { window: Window::new(period), sum: 0.0, lost: 0.0 }
    }

    /// Takes a value; the sum, once the window is full.
    #[inline]
    pub(super) fn push(&mut self, value: f64) -> Option<f64> {
        let (change, change_lost) = match self.window.push(value) {
            Some(old) => two_sum(value, -old),
            None => (value, 0.0),
        };
        let (sum, sum_lost) = two_sum(self.sum, change);
        self.sum = sum;
        self.lost += change_lost + sum_lost;
        self.window.is_full().then_some(self.sum + self.lost)
    }

    /// The values, oldest first.
    pub(super) fn window(&self) -> &Window {
        &self.window
    }
}

/// `a + b` rounded, and exactly what the rounding lost.
#[inline]
fn two_sum(a: f64, b: f64) -> (f64, f64) {
    let sum = a + b;
    let b_part = sum - a;
    let a_part = sum - b_part;
    (sum, (a - a_part) + (b - b_part))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_sum_of_a_window_is_the_same_whenever_it_was_started() {
        let value =
            |index: u32| 100_000.0 + f64::from(index.wrapping_mul(2_654_435_761) >> 12) / 7.0;
        let mut long = RollingSum::new(20);
        let mut last = None;
        for index in 0..200_000 {
            last = long.push(value(index));
        }
        let mut short = RollingSum::new(20);
        let fresh = (199_980..200_000).map(|index| short.push(value(index))).last().flatten();
        assert_eq!(last, fresh);
    }

    #[test]
    fn a_window_gives_its_values_oldest_first() {
        let mut window = Window::new(3);
        let fallen: Vec<_> = [1.0, 2.0, 3.0, 4.0, 5.0].map(|value| window.push(value)).into();
        assert_eq!(fallen, [None, None, None, Some(1.0), Some(2.0)]);
        assert_eq!(window.iter().collect::<Vec<_>>(), [3.0, 4.0, 5.0]);
    }

    #[test]
    fn a_window_that_cannot_be_is_not_restored() {
        for text in [
            r#"{"capacity":0,"values":[],"oldest":0}"#,
            r#"{"capacity":2,"values":[1.0,2.0,3.0],"oldest":0}"#,
            r#"{"capacity":2,"values":[1.0,2.0],"oldest":2}"#,
            r#"{"capacity":3,"values":[1.0,2.0],"oldest":1}"#,
            r#"{"capacity":60000,"values":[],"oldest":0}"#,
        ] {
            assert!(serde_json::from_str::<Window>(text).is_err(), "{text}");
        }
    }
}
