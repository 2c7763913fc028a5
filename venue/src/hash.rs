//! Numbers that look random and are a pure function of their arguments.

/// Mixes two words into one; every bit of the result depends on every bit of both.
pub(crate) fn mix(first: u64, second: u64) -> u64 {
    let mut word = first ^ second.wrapping_mul(0x9E37_79B9_7F4A_7C15).rotate_left(29);
    word = (word ^ (word >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
    word = (word ^ (word >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
    word ^ (word >> 31)
}

/// A word for a text.
pub(crate) fn of_text(seed: u64, text: &str) -> u64 {
    text.bytes().fold(mix(seed, 0x7472_6F75_7065), |word, byte| mix(word, u64::from(byte)))
}

/// A number in `0.0..1.0`.
#[expect(clippy::cast_precision_loss, reason = "53 bits fit a double exactly")]
pub(crate) fn unit(word: u64) -> f64 {
    (word >> 11) as f64 / (1_u64 << 53) as f64
}

/// A number with mean 0 and variance 1, near a normal one and never beyond 3.5: the sum of four
/// uniform ones.
pub(crate) fn normal(word: u64) -> f64 {
    let quarters = [word, word >> 16, word >> 32, word >> 48];
    let sum: f64 = quarters
        .into_iter()
        .map(|quarter| f64::from(u16::try_from(quarter & 0xFFFF).unwrap_or(0)) / 65_535.0)
        .sum();
    (sum - 2.0) * 3.0_f64.sqrt()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn normal_numbers_have_mean_zero_and_variance_one() {
        let numbers: Vec<f64> = (0..20_000).map(|index| normal(mix(7, index))).collect();
        let mean = numbers.iter().sum::<f64>() / 20_000.0;
        let variance = numbers.iter().map(|value| value * value).sum::<f64>() / 20_000.0;
        assert!(mean.abs() < 0.03, "mean {mean}");
        assert!((variance - 1.0).abs() < 0.05, "variance {variance}");
    }
}
