//! The settings: do they load, what was changed, what is set to no effect or to danger.

use config::{Settings, Sources};
use tracing_subscriber::EnvFilter;

use super::Finding;

/// The settings when they load, and what there is to say about them.
pub(super) fn look(sources: &Sources) -> (Option<Settings>, Vec<Finding>) {
    let loaded = match sources.load() {
        Ok(loaded) => loaded,
        Err(error) => {
            let findings = error.problems().iter().map(|problem| {
                Finding::fail("settings", problem.to_string(), "correct it where it is set")
            });
            return (None, findings.collect());
        }
    };
    let settings = loaded.settings;
    let changed: Vec<String> =
        loaded.origins.iter().map(|(key, place)| format!("{key} ({place})")).collect();
    let mut findings = vec![Finding::ok(
        "settings",
        match changed.as_slice() {
            [] => "all at their defaults".to_owned(),
            keys => format!("valid; not at their defaults: {}", keys.join(", ")),
        },
    )];
    findings.extend(doubts(&settings));
    (Some(settings), findings)
}

/// What is allowed, but would surprise.
fn doubts(settings: &Settings) -> Vec<Finding> {
    let mut findings = Vec::new();
    if EnvFilter::try_new(&settings.log.filter).is_err() {
        findings.push(Finding::fail(
            "settings",
            format!("log.filter \"{}\" is no filter", settings.log.filter),
            "give a level (error, warn, info, debug, trace) or rules such as \"info,actors=debug\"",
        ));
    }
    if settings.demo.enabled
        && let Err(error) =
            strategies::complete_single(&settings.demo.strategy, &settings.demo.params)
    {
        findings.push(Finding::fail(
            "settings",
            format!("demo.strategy, demo.params: {error}"),
            "correct them, or start with --no-demo",
        ));
    }
    if let Err(error) = settings.check_run() {
        findings.extend(error.problems().iter().map(|problem| {
            let check = if problem.key.starts_with("broker.") { "keys" } else { "settings" };
            Finding::fail(check, problem.to_string(), "troupe run refuses to start like this")
        }));
    }
    if settings.storage.redis_url.is_some() {
        findings.push(Finding::warn(
            "redis",
            "storage.redis_url is set, but this version serves its caches in-process",
            "nothing: it is not used yet",
        ));
    }
    if !settings.server.listen.ip().is_loopback() {
        findings.push(Finding::warn(
            "exposure",
            format!("the gateway listens on {}, without TLS", settings.server.listen),
            "put a proxy with TLS in front of it, or listen on 127.0.0.1",
        ));
        if settings.demo.enabled {
            findings.push(Finding::warn(
                "exposure",
                "the demo user is on, and others can reach the gateway",
                "start with --no-demo",
            ));
        }
    }
    if settings.venue.enabled && !settings.venue.listen.ip().is_loopback() {
        findings.push(Finding::warn(
            "exposure",
            format!("the venue listens on {}; its demo keys are public", settings.venue.listen),
            "listen on 127.0.0.1, or give accounts of your own (venue.accounts)",
        ));
    }
    findings
}
