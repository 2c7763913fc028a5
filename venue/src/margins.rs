//! What a position must be backed with.

use rust_decimal::Decimal;

use crate::assets::AssetClass;

/// Equity below which an account is a cash account, in USD: FINRA rule 4210 (b)(4).
pub(crate) const MARGIN_EQUITY_MIN: Decimal = Decimal::from_parts(2_000, 0, 0, false, 0);
/// Of the value of stocks, when they are bought or sold short: Regulation T, 12 CFR 220.12.
const INITIAL_SHARE: Decimal = Decimal::from_parts(5, 0, 0, false, 1);
/// Of the value of stocks, while they are held: Alpaca's requirement for most stocks.
const MAINTENANCE_SHARE: Decimal = Decimal::from_parts(3, 0, 0, false, 1);
/// Cheaper long stocks are backed in full: 2.50 USD.
const CHEAP_LONG: Decimal = Decimal::from_parts(25, 0, 0, false, 1);
/// What a short share is backed with at least, in USD; cheaper ones in full if that is more.
const SHORT_SHARE_MIN: Decimal = Decimal::from_parts(5, 0, 0, false, 0);
/// And cheaper short ones with this: 2.50 USD.
const CHEAP_SHORT_SHARE_MIN: Decimal = Decimal::from_parts(25, 0, 0, false, 1);

/// Equity that a new position of this value needs; `leveraged` where the account has margin.
pub(crate) fn initial(class: AssetClass, value: Decimal, leveraged: bool) -> Decimal {
    match class {
        AssetClass::UsEquity if leveraged => value.abs() * INITIAL_SHARE,
        AssetClass::UsEquity | AssetClass::Crypto => value.abs(),
    }
}

/// Equity that a position needs while it is held; `qty` is below zero for a short one.
pub(crate) fn maintenance(class: AssetClass, qty: Decimal, price: Decimal) -> Decimal {
    let value = (qty * price).abs();
    if class == AssetClass::Crypto {
        return value;
    }
    if qty.is_sign_positive() {
        return if price < CHEAP_LONG { value } else { value * MAINTENANCE_SHARE };
    }
    let per_share = if price < SHORT_SHARE_MIN { CHEAP_SHORT_SHARE_MIN } else { SHORT_SHARE_MIN };
    let share = if price < SHORT_SHARE_MIN { value } else { value * MAINTENANCE_SHARE };
    share.max(qty.abs() * per_share)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn cheap_stocks_and_short_ones_need_more() {
        let hundred = Decimal::ONE_HUNDRED;
        let need = |qty: Decimal, price: &str| {
            maintenance(AssetClass::UsEquity, qty, price.parse().unwrap())
        };
        assert_eq!(need(hundred, "100"), Decimal::from(3_000));
        assert_eq!(need(hundred, "2"), Decimal::from(200));
        assert_eq!(need(-hundred, "100"), Decimal::from(3_000));
        assert_eq!(need(-hundred, "10"), Decimal::from(500));
        assert_eq!(need(-hundred, "4"), Decimal::from(400));
        assert_eq!(need(-hundred, "1"), Decimal::from(250));
        assert_eq!(initial(AssetClass::UsEquity, -hundred, true), Decimal::from(50));
        assert_eq!(initial(AssetClass::Crypto, hundred, true), hundred);
    }
}
