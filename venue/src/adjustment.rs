//! Which corporate actions past prices are adjusted for.

use crate::refusal::Refusal;

/// What bars are adjusted for.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Adjustment {
    split: bool,
    dividend: bool,
}

impl Adjustment {
    /// Reads Alpaca's list: `raw`, `split`, `dividend`, `spin-off`, `all`. There are no spin-offs
    /// on this venue.
    pub(crate) fn of(text: Option<&str>) -> Result<Self, Refusal> {
        let mut adjustment = Self::default();
        for word in text.into_iter().flat_map(|text| text.split(',')).map(str::trim) {
            match word {
                "raw" | "spin-off" => {}
                "split" => adjustment.split = true,
                "dividend" => adjustment.dividend = true,
                "all" => adjustment = Self { split: true, dividend: true },
                _ => return Err(Refusal::bad_request(format!("invalid adjustment: {word}"))),
            }
        }
        Ok(adjustment)
    }
}
