//! Trades as comma-separated values (RFC 4180).

use crate::wire::trade::TradeDocument;

const HEADER: &str = "id,ticker,strategy_name,action,quantity,price,total_value,executed_at,\
                      config_id,order_id\r\n";

/// The header and one line per trade.
pub(super) fn of_trades(trades: &[TradeDocument]) -> String {
    let mut text = String::from(HEADER);
    for trade in trades {
        let fields = [
            trade.id.to_string(),
            trade.ticker.clone(),
            trade.strategy_name.clone(),
            trade.action.to_owned(),
            trade.quantity.0.to_string(),
            trade.price.0.to_string(),
            trade.total_value.0.to_string(),
            trade.executed_at.to_rfc3339_opts(chrono::SecondsFormat::AutoSi, true),
            trade.config_id.map(|id| id.to_string()).unwrap_or_default(),
            trade.order_id.clone().unwrap_or_default(),
        ];
        let quoted: Vec<String> = fields.iter().map(|field| quote(field)).collect();
        text.push_str(&quoted.join(","));
        text.push_str("\r\n");
    }
    text
}

/// A field that would break the line, or be read as a formula by a spreadsheet, is quoted.
fn quote(field: &str) -> String {
    let is_formula =
        field.starts_with(['=', '+', '@']) || field.starts_with('-') && !is_number(field);
    if is_formula {
        return format!("\"'{}\"", field.replace('"', "\"\""));
    }
    if field.contains([',', '"', '\r', '\n']) {
        return format!("\"{}\"", field.replace('"', "\"\""));
    }
    field.to_owned()
}

fn is_number(field: &str) -> bool {
    field.parse::<rust_decimal::Decimal>().is_ok()
}

#[cfg(test)]
mod tests {
    use super::quote;

    #[test]
    fn a_field_cannot_break_out_of_its_column() {
        let rows = [
            ("AAPL", "AAPL"),
            ("-1.5", "-1.5"),
            ("sma_cross(fast=3,slow=8)", "\"sma_cross(fast=3,slow=8)\""),
            ("say \"hi\"", "\"say \"\"hi\"\"\""),
            ("=1+1", "\"'=1+1\""),
            ("-cmd", "\"'-cmd\""),
        ];
        for (field, quoted) in rows {
            assert_eq!(quote(field), quoted);
        }
    }
}
