//! The file of corporate actions beside a recording.

use std::path::Path;

use chrono::NaiveDate;
use rust_decimal::Decimal;
use serde::Deserialize;

use super::{ACTIONS_MAX, CorporateAction, CorporateActionKind};
use crate::error::VenueError;
use crate::exchange::Exchange;

/// Its name in the directory of the recordings.
pub(crate) const FILE_NAME: &str = "corporate_actions.csv";
const EXPECTED: &str = "symbol,kind,ex_date,pay_date,amount with lines such as \
    AAPL,dividend,2020-08-07,2020-08-13,0.82 and AAPL,split,2020-08-31,,4:1";

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Row {
    symbol: String,
    kind: String,
    ex_date: NaiveDate,
    pay_date: Option<NaiveDate>,
    amount: String,
}

/// Reads a table. Unlike a line of a tape a wrong line is not passed over: without a split every
/// number after it would be wrong.
pub(crate) fn read(path: &Path) -> Result<Vec<CorporateAction>, VenueError> {
    let refused = |line: u64, reason: String| VenueError::CorporateActions {
        path: path.to_owned(),
        line,
        reason,
        expected: EXPECTED,
    };
    let mut reader = csv::ReaderBuilder::new()
        .trim(csv::Trim::All)
        .comment(Some(b'#'))
        .from_path(path)
        .map_err(|error| refused(0, error.to_string()))?;
    let mut actions = Vec::new();
    for (index, row) in reader.deserialize::<Row>().enumerate() {
        let line = u64::try_from(index).unwrap_or(u64::MAX).saturating_add(2);
        let action = row.map_err(|error| error.to_string()).and_then(Row::action);
        actions.push(action.map_err(|reason| refused(line, reason))?);
        if actions.len() > ACTIONS_MAX {
            return Err(refused(line, format!("there are more than {ACTIONS_MAX} lines")));
        }
    }
    Ok(actions)
}

/// Announces the corporate actions of the table beside a recording, if there is one.
pub(crate) fn announce_table(exchange: &Exchange, directory: &Path) -> Result<(), VenueError> {
    let path = directory.join(FILE_NAME);
    if !path.is_file() {
        return Ok(());
    }
    for action in read(&path)? {
        if exchange.assets.find(&action.symbol).is_none() {
            tracing::warn!(symbol = %action.symbol, "a corporate action of a symbol that is not recorded");
            continue;
        }
        announce(exchange, action)?;
    }
    Ok(())
}

/// Announces one action.
pub(crate) fn announce(exchange: &Exchange, action: CorporateAction) -> Result<(), VenueError> {
    let value = format!("{} of {}", action.symbol, action.ex_date);
    exchange.announce(vec![action]).map_err(|refusal| {
        tracing::warn!(action = %value, reason = %refusal.message, "refused a corporate action");
        VenueError::Option {
            option: "corporate action",
            value,
            expected: "an action of a listed symbol with sensible dates and amounts",
        }
    })
}

impl Row {
    fn action(self) -> Result<CorporateAction, String> {
        let Self { symbol, kind, ex_date, pay_date, amount } = self;
        let number = |text: &str| {
            text.parse::<Decimal>().map_err(|_invalid| format!("{text} is not a number"))
        };
        let kind = match kind.as_str() {
            "dividend" => CorporateActionKind::Dividend {
                per_share: number(&amount)?,
                pay_date: pay_date.unwrap_or(ex_date),
            },
            "split" => {
                let (new, old) = amount.split_once(':').unwrap_or((&amount, "1"));
                CorporateActionKind::Split { new: number(new)?, old: number(old)? }
            }
            other => return Err(format!("{other} is neither dividend nor split")),
        };
        let action = CorporateAction { symbol, ex_date, kind };
        match action.fault() {
            None => Ok(action),
            Some(fault) => Err(fault.to_owned()),
        }
    }
}

#[cfg(test)]
mod tests {
    use std::io::Write;

    use super::*;

    fn file(text: &str) -> tempfile::NamedTempFile {
        let mut file = tempfile::NamedTempFile::new().unwrap();
        file.write_all(text.as_bytes()).unwrap();
        file
    }

    #[test]
    fn a_table_of_dividends_and_splits_is_read() {
        let table = file(
            "symbol,kind,ex_date,pay_date,amount\n\
             AAPL,dividend,2020-08-07,2020-08-13,0.82\n\
             # a comment\n\
             AAPL,split,2020-08-31,,4:1\n",
        );
        let actions = read(table.path()).unwrap();
        let date = |month, day| NaiveDate::from_ymd_opt(2020, month, day).unwrap();
        let dividend =
            CorporateActionKind::Dividend { per_share: Decimal::new(82, 2), pay_date: date(8, 13) };
        let split = CorporateActionKind::Split { new: Decimal::from(4), old: Decimal::ONE };
        assert_eq!((actions[0].kind, actions[0].ex_date), (dividend, date(8, 7)));
        assert_eq!((actions[1].kind, actions[1].symbol.as_str()), (split, "AAPL"));
    }

    #[test]
    fn a_wrong_line_is_named_with_what_is_wrong() {
        for (line, expected) in [
            ("AAPL,merger,2020-08-07,,1", "line 2: merger is neither"),
            ("AAPL,split,2020-08-07,,0:1", "both sides of the ratio"),
            ("AAPL,split,2020-08-07,,four", "four is not a number"),
            ("AAPL,dividend,2020-08-07,2020-08-01,1", "must not be before the ex-date"),
            ("AAPL,dividend,someday,,1", "line 2"),
        ] {
            let text = format!("symbol,kind,ex_date,pay_date,amount\n{line}\n");
            let error = read(file(&text).path()).unwrap_err().to_string();
            assert!(error.contains(expected), "{error}");
        }
    }
}
