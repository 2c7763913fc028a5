//! `/v1/corporate-actions`: the dividends and splits that the venue knows.

use std::collections::BTreeMap;
use std::sync::Arc;

use axum::Router;
use axum::extract::{Query, State};
use axum::response::Response;
use axum::routing::get;
use serde_json::{Value, json};

use super::data_query::{given, limit};
use super::guard::Caller;
use super::{Parameters, ascending, json as answer, list};
use crate::activities::parse_time;
use crate::calendar;
use crate::corporate_actions::{CorporateAction, CorporateActionKind};
use crate::number::Number;
use crate::refusal::Refusal;
use crate::server::Server;

const LIMIT_DEFAULT: usize = 100;
const LIMIT_MAX: usize = 1_000;

/// The types that Alpaca knows.
const TYPES: &[&str] = &[
    "reverse_split",
    "forward_split",
    "unit_split",
    "cash_dividend",
    "stock_dividend",
    "spin_off",
    "cash_merger",
    "stock_merger",
    "stock_and_cash_merger",
    "redemption",
    "name_change",
    "worthless_removal",
    "rights_distribution",
    "partial_call",
];

pub(super) fn routes() -> Router<Arc<Server>> {
    Router::new()
        .route("/v1/corporate-actions", get(corporate_actions))
        .route("/v1beta1/corporate-actions", get(corporate_actions))
}

async fn corporate_actions(
    State(server): State<Arc<Server>>,
    _caller: Caller,
    Query(parameters): Query<Parameters>,
) -> Result<Response, Refusal> {
    let types = list(&parameters, "types");
    if let Some(unknown) = types.iter().find(|name| !TYPES.contains(&name.as_str())) {
        return Err(Refusal::bad_request(format!("invalid types: {unknown}")));
    }
    let date = |name: &str| {
        let time = given(&parameters, name).map(|text| parse_time(name, text)).transpose();
        time.map(|time| time.map(calendar::new_york_date))
    };
    let (start, end) = (date("start")?, date("end")?);
    let (symbols, ids) = (list(&parameters, "symbols"), list(&parameters, "ids"));
    let limit = limit(&parameters, LIMIT_DEFAULT, LIMIT_MAX)?;
    let first = given(&parameters, "page_token").map_or(Ok(0), |text| {
        usize::from_str_radix(text, 16).map_err(|_invalid| {
            Refusal::bad_request("invalid page_token: use the one of the page before")
        })
    })?;
    let is_wanted = |action: &CorporateAction| {
        let (kind, _) = names(action);
        start.is_none_or(|start| action.ex_date >= start)
            && end.is_none_or(|end| action.ex_date <= end)
            && (symbols.is_empty() || symbols.contains(&action.symbol))
            && (types.is_empty() || types.iter().any(|name| name == kind))
            && (ids.is_empty() || ids.contains(&action.id().to_string()))
    };
    let mut found: Vec<CorporateAction> = server.exchange.read(|inner| {
        let actions = inner.books.actions.iter().map(|announced| &announced.action);
        actions.filter(|action| is_wanted(action)).cloned().collect()
    });
    found.sort_by(|left, right| {
        (left.ex_date, &left.symbol, left.id()).cmp(&(right.ex_date, &right.symbol, right.id()))
    });
    if !ascending(&parameters, "sort", true)? {
        found.reverse();
    }
    let mut groups: BTreeMap<&str, Vec<Value>> = BTreeMap::new();
    for action in found.iter().skip(first).take(limit) {
        groups.entry(names(action).1).or_default().push(body(action));
    }
    let next = first.saturating_add(limit);
    let next = (next < found.len()).then(|| format!("{next:08x}"));
    Ok(answer(&json!({"corporate_actions": groups, "next_page_token": next})))
}

/// The type of an action, and the member that lists its kind.
fn names(action: &CorporateAction) -> (&'static str, &'static str) {
    match action.kind {
        CorporateActionKind::Dividend { .. } => ("cash_dividend", "cash_dividends"),
        CorporateActionKind::Split { new, old } if new > old => ("forward_split", "forward_splits"),
        CorporateActionKind::Split { .. } => ("reverse_split", "reverse_splits"),
    }
}

fn body(action: &CorporateAction) -> Value {
    let ex_date = action.ex_date.to_string();
    let mut body = json!({
        "id": action.id(),
        "symbol": action.symbol,
        "cusip": "",
        "ex_date": ex_date,
        "record_date": ex_date,
        "process_date": ex_date,
        "payable_date": ex_date,
    });
    match action.kind {
        CorporateActionKind::Dividend { per_share, pay_date } => {
            body["rate"] = json!(Number::of(per_share));
            body["special"] = false.into();
            body["foreign"] = false.into();
            body["process_date"] = pay_date.to_string().into();
            body["payable_date"] = pay_date.to_string().into();
        }
        CorporateActionKind::Split { new, old } => {
            body["new_rate"] = json!(Number::of(new));
            body["old_rate"] = json!(Number::of(old));
            if new < old {
                // Alpaca tells the identifiers of the shares before and after a reverse split.
                body["old_cusip"] = "".into();
                body["new_cusip"] = "".into();
            }
        }
    }
    body
}
