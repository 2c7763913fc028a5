//! The venue's options, from the settings. Used by `troupe venue` and `troupe run`.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use anyhow::Context;
use chrono::{DateTime, Utc};
use config::{Settings, VenueDataPlan, VenueFills, VenueSettings};
use secrecy::{ExposeSecret, SecretString};
use uuid::Uuid;
use venue::{
    AccountSpec, AdminOptions, DataPlan, FaultPlan, FeeRates, FillOptions, Latency,
    RealisticOptions, ReplayOptions, Source, Speed, Store, SyntheticOptions, VenueOptions,
};

use crate::{accounts_file, output};

/// What the settings say of the venue. The tape of a replay starts at once; `troupe run` changes
/// that.
pub(crate) fn options(settings: &Settings) -> anyhow::Result<VenueOptions> {
    let chosen = &settings.venue;
    let fills = match chosen.fills {
        VenueFills::Alpaca => FillOptions::Alpaca,
        VenueFills::Realistic => FillOptions::Realistic(realistic(chosen)?),
    };
    let source = match &chosen.replay {
        None => Source::Synthetic(SyntheticOptions {
            seed: chosen.seed,
            always_open: chosen.always_open,
            start: chosen.start.as_deref().map(start_time).transpose()?,
            speed: clock_speed(chosen)?,
            extended_hours: chosen.extended_hours,
            ..SyntheticOptions::default()
        }),
        Some(dir) => Source::Replay(ReplayOptions {
            speed: match chosen.speed {
                config::Speed::Times(times) => Speed::Times(times),
                config::Speed::Max => Speed::Max,
            },
            ..ReplayOptions::new(dir)
        }),
    };
    let (accounts, long_only) = match &chosen.accounts {
        None => (vec![AccountSpec::demo()], BTreeSet::new()),
        Some(path) => accounts_file::read(path)?,
    };
    Ok(VenueOptions {
        listen: chosen.listen,
        store: store(settings),
        source,
        fills,
        fees: chosen.fees.then(FeeRates::default),
        accounts,
        long_only,
        data_plan: match chosen.data_plan {
            VenueDataPlan::Unlimited => DataPlan::unlimited(),
            VenueDataPlan::Basic => DataPlan::basic(),
        },
        requests_per_minute: chosen.requests_per_minute,
        faults: match &chosen.faults {
            None => FaultPlan::default(),
            Some(path) => FaultPlan::read(path)?,
        },
        ..VenueOptions::default()
    })
}

/// The admin port that the settings ask for. A token that is made here is told to whoever starts the
/// program, on stderr and nowhere else.
pub(crate) fn admin(settings: &Settings) -> anyhow::Result<Option<AdminOptions>> {
    let Some(listen) = settings.venue.admin_listen else { return Ok(None) };
    let Some(path) = &settings.venue.admin_token_file else {
        let admin = AdminOptions::with_new_token(listen)?;
        output::error_line(&format!("admin token: {}", admin.token.expose_secret()));
        return Ok(Some(admin));
    };
    let shown = path.display();
    let text = std::fs::read_to_string(path)
        .with_context(|| format!("cannot read the admin token's file {shown}"))?;
    anyhow::ensure!(!text.trim().is_empty(), "{shown} holds no token: write one line into it");
    Ok(Some(AdminOptions { listen, token: SecretString::from(text.trim()) }))
}

fn start_time(text: &str) -> anyhow::Result<DateTime<Utc>> {
    let time = DateTime::parse_from_rfc3339(text).with_context(|| {
        format!("venue.start is \"{text}\": expected a time such as 2026-03-02T14:30:00Z")
    })?;
    Ok(time.with_timezone(&Utc))
}

/// The speed of a clock with a start of its own. The machine's clock has none.
fn clock_speed(chosen: &VenueSettings) -> anyhow::Result<f64> {
    match chosen.speed {
        config::Speed::Times(times) if chosen.start.is_some() => Ok(times),
        config::Speed::Max if chosen.start.is_some() => anyhow::bail!(
            "venue.speed is max, which only a replay can do: give a number with venue.start"
        ),
        config::Speed::Times(_) | config::Speed::Max => Ok(1.0),
    }
}

/// The realistic model with its settings.
fn realistic(chosen: &VenueSettings) -> anyhow::Result<RealisticOptions> {
    let plain = RealisticOptions::default();
    let median_us = i64::try_from(chosen.latency_ms.saturating_mul(1_000))?;
    let minimum_us = plain.latency.minimum_us.min(median_us);
    Ok(RealisticOptions {
        seed: chosen.seed,
        latency: Latency { minimum_us, median_us, ..plain.latency },
        impact_bps: chosen.impact_bps,
        ..plain
    })
}

/// Each recording has books of its own: its prices and times are not those of another market.
fn store(settings: &Settings) -> Store {
    if settings.venue.ephemeral {
        return Store::Ephemeral;
    }
    let data_dir = &settings.storage.data_dir;
    Store::Directory(match &settings.venue.replay {
        None => data_dir.join("venue"),
        Some(recording) => data_dir.join("venue-replay").join(recording_name(recording)),
    })
}

/// A folder name for a recording: its own, and a digest of where it is.
pub(crate) fn recording_name(recording: &Path) -> String {
    let place: PathBuf = std::fs::canonicalize(recording).unwrap_or_else(|_| recording.into());
    let digest = Uuid::new_v5(&Uuid::NAMESPACE_URL, place.to_string_lossy().as_bytes()).simple();
    let name = place.file_name().unwrap_or_default().to_string_lossy().into_owned();
    format!("{name}-{}", digest.to_string().chars().take(8).collect::<String>())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn two_recordings_of_one_name_have_books_of_their_own() {
        let (one, other) =
            (recording_name(Path::new("/a/tape")), recording_name(Path::new("/b/tape")));
        assert!(one.starts_with("tape-") && other.starts_with("tape-"));
        assert_ne!(one, other);
    }
}
