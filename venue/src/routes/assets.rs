//! `/v2/assets`.

use std::sync::Arc;

use axum::Router;
use axum::extract::{Path, Query, State};
use axum::response::Response;
use axum::routing::get;
use serde_json::{Value, json};

use super::guard::Caller;
use super::{Parameters, json as answer, list};
use crate::assets::Asset;
use crate::number::text;
use crate::refusal::Refusal;
use crate::server::Server;

/// The classes that Alpaca knows; only the first two are traded here.
const ASSET_CLASSES: &[&str] =
    &["us_equity", "crypto", "us_option", "ipo", "crypto_perp", "us_index"];
/// What every asset of this venue can do.
const ATTRIBUTES: &[&str] = &["fractional_eh_enabled"];

pub(super) fn routes() -> Router<Arc<Server>> {
    Router::new()
        .route("/v2/assets", get(all))
        .route("/v2/assets/{symbol}", get(one))
        .route("/v2/assets/{symbol}/{quote}", get(pair))
}

async fn all(
    State(server): State<Arc<Server>>,
    _caller: Caller,
    Query(parameters): Query<Parameters>,
) -> Result<Response, Refusal> {
    let given = |name: &str| parameters.get(name).filter(|text| !text.is_empty());
    let one_of = |name: &str, known: &[&str]| match given(name) {
        Some(text) if !known.contains(&text.as_str()) => {
            let known = known.join(", ");
            Err(Refusal::invalid(format!("{name} must be one of {known}, not {text}")))
        }
        _ => Ok(()),
    };
    one_of("status", &["active", "inactive"])?;
    one_of("asset_class", ASSET_CLASSES)?;
    let attributes = list(&parameters, "attributes");
    let assets: Vec<Value> = server
        .exchange
        .assets
        .iter()
        .filter(|asset| !asset.test_only)
        .filter(|_| given("status").is_none_or(|status| status == "active"))
        .filter(|asset| given("asset_class").is_none_or(|class| class == asset.class.as_str()))
        .filter(|asset| given("exchange").is_none_or(|exchange| exchange == asset.exchange))
        .filter(|_| {
            attributes.is_empty() || attributes.iter().any(|one| ATTRIBUTES.contains(&one.as_str()))
        })
        .map(|asset| body(asset))
        .collect();
    Ok(answer(&Value::Array(assets)))
}

async fn one(
    State(server): State<Arc<Server>>,
    _caller: Caller,
    Path(symbol): Path<String>,
) -> Result<Response, Refusal> {
    Ok(answer(&body(find(&server, &symbol)?)))
}

async fn pair(
    State(server): State<Arc<Server>>,
    _caller: Caller,
    Path((base, quote)): Path<(String, String)>,
) -> Result<Response, Refusal> {
    Ok(answer(&body(find(&server, &format!("{base}/{quote}"))?)))
}

/// The asset with a symbol or an id.
pub(super) fn find<'a>(server: &'a Server, name: &str) -> Result<&'a Arc<Asset>, Refusal> {
    server
        .exchange
        .assets
        .find(name)
        .ok_or_else(|| Refusal::not_found(format!("asset not found for {name}")))
}

/// An asset as clients see it.
pub(super) fn body(asset: &Asset) -> Value {
    let crypto = asset.is_crypto();
    let margin = if crypto { 100 } else { 30 };
    let mut body = json!({
        "id": asset.id,
        "class": asset.class.as_str(),
        "exchange": asset.exchange,
        "symbol": asset.symbol,
        "name": asset.name,
        "status": "active",
        "tradable": !asset.test_only,
        "marginable": !crypto,
        "maintenance_margin_requirement": margin,
        "margin_requirement_long": margin.to_string(),
        "margin_requirement_short": margin.to_string(),
        "shortable": !crypto,
        "easy_to_borrow": !crypto,
        "fractionable": true,
        "attributes": ATTRIBUTES,
    });
    if crypto {
        body["min_order_size"] = text(asset.order_size_min).into();
        body["min_trade_increment"] = text(asset.quantity_increment).into();
        body["price_increment"] = text(asset.price_increment).into();
    } else {
        body["borrow_status"] = "easy_to_borrow".into();
    }
    body
}
