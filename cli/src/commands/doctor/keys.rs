//! The keys: are they set where they are needed, and does Alpaca accept them.

use std::time::Duration;

use config::{BrokerSettings, Settings};
use secrecy::ExposeSecret;

use super::Finding;

/// Host of the trading API that moves real money.
const LIVE_HOST: &str = "://api.alpaca.markets";

/// What there is to say about the keys; asks Alpaca only when `online`.
pub(super) async fn look(settings: &Settings, online: bool) -> Vec<Finding> {
    if settings.venue.enabled {
        return vec![Finding::ok("keys", "not needed: orders go to the built-in venue")];
    }
    let broker = &settings.broker;
    // The look at the settings has said so already.
    if broker.key_id.is_none() || broker.secret_key.is_none() {
        return Vec::new();
    }
    let mut findings = Vec::new();
    if broker.base_url.contains(LIVE_HOST) {
        findings.push(Finding::warn(
            "keys",
            format!("{} trades with real money", broker.base_url),
            "for paper trading leave broker.base_url at its default",
        ));
    }
    findings.push(if online { asked(broker).await } else { Finding::ok("keys", UNTRIED) });
    findings
}

const UNTRIED: &str = "set; troupe doctor --online asks Alpaca whether it accepts them";

/// Reads the account, which changes nothing there.
async fn asked(broker: &BrokerSettings) -> Finding {
    let (Some(key_id), Some(secret_key)) = (&broker.key_id, &broker.secret_key) else {
        return Finding::ok("keys", UNTRIED);
    };
    let url = format!("{}/v2/account", broker.base_url.trim_end_matches('/'));
    let timeout = Duration::from_millis(broker.request_timeout_ms);
    let answer = match reqwest::Client::builder().timeout(timeout).build() {
        Ok(client) => {
            let request = client.get(&url).header("APCA-API-KEY-ID", key_id.expose_secret());
            request.header("APCA-API-SECRET-KEY", secret_key.expose_secret()).send().await
        }
        Err(error) => Err(error),
    };
    match answer.map(|answer| answer.status().as_u16()) {
        Ok(200) => Finding::ok("keys", format!("accepted by {url}")),
        Ok(401 | 403) => Finding::fail(
            "keys",
            format!("refused by {url}"),
            "are they of the same account kind (paper or live) as broker.base_url?",
        ),
        Ok(status) => Finding::warn(
            "keys",
            format!("{url} answered {status}"),
            "try again; if it stays, check broker.base_url",
        ),
        Err(error) => Finding::warn(
            "keys",
            format!("{url} cannot be asked: {}", root_cause(&error)),
            "check the network and broker.base_url",
        ),
    }
}

/// The innermost reason, which is the one that says something.
fn root_cause(error: &dyn std::error::Error) -> String {
    let mut cause = error;
    while let Some(inner) = cause.source() {
        cause = inner;
    }
    cause.to_string()
}
