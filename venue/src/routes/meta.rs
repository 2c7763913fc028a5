//! `/v2/stocks/meta`: what the codes on trades and quotes mean.

use std::sync::Arc;

use axum::Router;
use axum::extract::{Path, Query};
use axum::response::Response;
use axum::routing::get;
use serde_json::{Map, Value};

use super::data_query::given;
use super::guard::Caller;
use super::{Parameters, json};
use crate::refusal::Refusal;
use crate::server::Server;

/// Exchanges by their one-letter code, as the consolidated tapes have them.
const EXCHANGES: &[(&str, &str)] = &[
    ("A", "NYSE American (AMEX)"),
    ("B", "NASDAQ OMX BX"),
    ("C", "National Stock Exchange"),
    ("D", "FINRA ADF"),
    ("E", "Market Independent"),
    ("H", "MIAX"),
    ("I", "International Securities Exchange"),
    ("J", "Cboe EDGA"),
    ("K", "Cboe EDGX"),
    ("L", "Long Term Stock Exchange"),
    ("M", "Chicago Stock Exchange"),
    ("N", "New York Stock Exchange"),
    ("P", "NYSE Arca"),
    ("Q", "NASDAQ OMX"),
    ("S", "NASDAQ Small Cap"),
    ("T", "NASDAQ Int"),
    ("U", "Members Exchange"),
    ("V", "IEX"),
    ("W", "CBOE"),
    ("X", "NASDAQ OMX PSX"),
    ("Y", "Cboe BYX"),
    ("Z", "Cboe BZX"),
];

/// Conditions of trades on the NASDAQ tape.
const TRADE_CONDITIONS_UTP: &[(&str, &str)] = &[
    ("@", "Regular Sale"),
    ("A", "Acquisition"),
    ("B", "Bunched Trade"),
    ("C", "Cash Sale"),
    ("D", "Distribution"),
    ("F", "Intermarket Sweep"),
    ("G", "Bunched Sold Trade"),
    ("H", "Price Variation Trade"),
    ("I", "Odd Lot Trade"),
    ("K", "Rule 155 Trade (AMEX)"),
    ("L", "Sold Last"),
    ("M", "Market Center Official Close"),
    ("N", "Next Day"),
    ("O", "Opening Prints"),
    ("P", "Prior Reference Price"),
    ("Q", "Market Center Official Open"),
    ("R", "Seller"),
    ("S", "Split Trade"),
    ("T", "Form T"),
    ("U", "Extended Trading Hours (Sold Out of Sequence)"),
    ("V", "Contingent Trade"),
    ("W", "Average Price Trade"),
    ("X", "Cross Trade"),
    ("Y", "Yellow Flag Regular Trade"),
    ("Z", "Sold (Out of Sequence)"),
    ("1", "Stopped Stock (Regular Trade)"),
    ("4", "Derivatively Priced"),
    ("5", "Re-Opening Prints"),
    ("6", "Closing Prints"),
    ("7", "Qualified Contingent Trade"),
    ("8", "Placeholder for 611 Exempt"),
    ("9", "Corrected Consolidated Close"),
];

/// Conditions of trades on the NYSE tapes.
const TRADE_CONDITIONS_CTA: &[(&str, &str)] = &[
    (" ", "Regular Sale"),
    ("B", "Average Price Trade"),
    ("C", "Cash Trade (Same Day Clearing)"),
    ("E", "Automatic Execution"),
    ("F", "Inter-market Sweep Order"),
    ("H", "Price Variation Trade"),
    ("I", "Odd Lot Trade"),
    ("K", "Rule 127 (NYSE only) or Rule 155 (NYSE MKT only)"),
    ("L", "Sold Last (Late Reporting)"),
    ("M", "Market Center Official Close"),
    ("N", "Next Day Trade (Next Day Clearing)"),
    ("O", "Market Center Opening Trade"),
    ("P", "Prior Reference Price"),
    ("Q", "Market Center Official Open"),
    ("R", "Seller"),
    ("T", "Extended Hours Trade"),
    ("U", "Extended Hours Sold (Out of Sequence)"),
    ("V", "Contingent Trade"),
    ("X", "Cross Trade"),
    ("Z", "Sold (Out of Sequence)"),
    ("4", "Derivatively Priced"),
    ("5", "Market Center Reopening Trade"),
    ("6", "Market Center Closing Trade"),
    ("7", "Qualified Contingent Trade"),
    ("9", "Corrected Consolidated Close Price as per Listing Market"),
];

/// Conditions of quotes, on every tape.
const QUOTE_CONDITIONS: &[(&str, &str)] = &[
    ("A", "Slow Quote Offer Side"),
    ("B", "Slow Quote Bid Side"),
    ("C", "Closing Quote"),
    ("H", "Slow Quote Bid and Offer Side"),
    ("I", "Order Imbalance"),
    ("L", "Closed Quote"),
    ("N", "Non-Firm Quote"),
    ("O", "Opening Quote"),
    ("R", "Regular, Two-Sided Open"),
    ("U", "Slow Due to a Set Slow List"),
    ("W", "Slow Due to a Reference Price"),
    ("Y", "Regular, One-Sided Open"),
    ("4", "On Demand Intra-Day Auction"),
];

pub(super) fn routes() -> Router<Arc<Server>> {
    Router::new()
        .route("/v2/stocks/meta/exchanges", get(exchanges))
        .route("/v2/stocks/meta/conditions/{kind}", get(conditions))
}

async fn exchanges(_caller: Caller) -> Response {
    json(&table(EXCHANGES))
}

async fn conditions(
    _caller: Caller,
    Path(kind): Path<String>,
    Query(parameters): Query<Parameters>,
) -> Result<Response, Refusal> {
    let tape = given(&parameters, "tape")
        .ok_or_else(|| Refusal::bad_request("tape is required: A, B or C"))?;
    let rows = match (kind.as_str(), tape) {
        ("trade", "A" | "B") => TRADE_CONDITIONS_CTA,
        ("trade", "C") => TRADE_CONDITIONS_UTP,
        ("quote", "A" | "B" | "C") => QUOTE_CONDITIONS,
        ("trade" | "quote", _) => {
            return Err(Refusal::bad_request(format!("invalid tape: {tape} (A, B or C)")));
        }
        _ => return Err(Refusal::not_found("endpoint not found")),
    };
    Ok(json(&table(rows)))
}

fn table(rows: &[(&str, &str)]) -> Value {
    let pairs = rows.iter().map(|(code, meaning)| ((*code).to_owned(), Value::from(*meaning)));
    Value::Object(pairs.collect::<Map<String, Value>>())
}
