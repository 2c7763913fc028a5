//! `troupe indicator`: the values of one indicator over a file of bars.

use std::fmt::Write as _;

use chrono::{DateTime, SecondsFormat, Utc};
use engine::indicator::{self, Stream};
use engine::strategy::Params;
use serde::Serialize;

use crate::args::{Format, IndicatorArgs};
use crate::bars::Series;
use crate::{output, research};

/// The values as programs read them.
#[derive(Debug, Serialize)]
struct Document<'a> {
    indicator: &'a str,
    params: Params,
    ticker: &'a str,
    timeframe: String,
    columns: &'a [&'a str],
    /// Start of the bar, then a value for each column; `null` before the first valid one.
    rows: Vec<(DateTime<Utc>, Vec<Option<f64>>)>,
}

/// Writes CSV, or JSON when that is asked for.
pub(crate) fn indicator(flags: &IndicatorArgs, format: Format) -> anyhow::Result<()> {
    let definition = indicator::find(&flags.name)?;
    let given: Params = flags.params.iter().cloned().collect();
    let params = definition.complete(&given)?;
    let mut stream = Stream::new(&flags.name, &params)?;
    let mut all = research::read(&flags.bars)?;
    let (Some(series), true) = (all.pop(), all.is_empty()) else {
        anyhow::bail!("an indicator is of one ticker: name one file with --data, or a --ticker");
    };
    let rows = series.bars.iter().map(|bar| (bar.at, stream.next(bar).to_vec())).collect();
    match format {
        Format::Human => output::text(&csv(definition.columns, &rows)),
        Format::Json => output::compact_json(&document(definition, params, &series, rows)),
    }
}

type Row = (DateTime<Utc>, Vec<Option<f64>>);

fn document<'a>(
    definition: &'static indicator::Definition,
    params: Params,
    series: &'a Series,
    rows: Vec<Row>,
) -> Document<'a> {
    Document {
        indicator: definition.name,
        params,
        ticker: &series.name,
        timeframe: series.timeframe.to_string(),
        columns: definition.columns,
        rows,
    }
}

/// A header, then a line per bar. Numbers have the digits they need to be read back exactly.
fn csv(columns: &[&str], rows: &Vec<Row>) -> String {
    let mut text = format!("timestamp,{}\n", columns.join(","));
    for (at, values) in rows {
        text.push_str(&at.to_rfc3339_opts(SecondsFormat::AutoSi, true));
        for value in values {
            text.push(',');
            if let Some(value) = value {
                // Writing to a text cannot fail.
                write!(text, "{value}").ok();
            }
        }
        text.push('\n');
    }
    text
}
