//! Flags of `troupe run`.

use std::net::SocketAddr;

use clap::Args;
use config::{Overrides, Speed};

use super::{StorageArgs, seed, set_text};

/// Flags of `troupe run`.
#[derive(Debug, Default, Args)]
pub(crate) struct RunArgs {
    /// Address and port of REST, WebSocket and web pages [setting server.listen, default
    /// 127.0.0.1:8000].
    #[arg(long, value_name = "ADDR")]
    listen: Option<SocketAddr>,
    /// Where the state is.
    #[command(flatten)]
    storage: StorageArgs,
    /// Redis server instead of in-process services [setting storage.redis_url, variable REDIS_URL].
    #[arg(long, value_name = "URL")]
    redis_url: Option<String>,
    /// Seed of the venue's synthetic prices [setting venue.seed, default 42].
    #[arg(long, value_name = "N", value_parser = seed, allow_negative_numbers = true)]
    seed: Option<i64>,
    /// Address and port of the venue [setting venue.listen, default 127.0.0.1:8100].
    #[arg(long, value_name = "ADDR")]
    venue_listen: Option<SocketAddr>,
    /// Trade at real Alpaca, with the keys of APCA_API_KEY_ID and APCA_API_SECRET_KEY [setting
    /// venue.enabled].
    #[arg(long, conflicts_with_all = ["seed", "venue_listen", "replay"])]
    no_venue: bool,
    /// Start without the demo user [setting demo.enabled].
    #[arg(long)]
    no_demo: bool,
    /// Stock sessions round the clock: day orders fill at any hour [setting venue.always_open].
    // `./run` gives it, and its caller may, too.
    #[arg(long, overrides_with = "always_open")]
    always_open: bool,
    /// Play the CSV recordings of a directory instead of synthetic prices [setting venue.replay].
    #[arg(long, value_name = "DIR")]
    replay: Option<String>,
    /// Speed of the replay: times real time, or max [setting venue.speed, default 1].
    #[arg(long, value_name = "N|max", requires = "replay")]
    speed: Option<Speed>,
}

impl RunArgs {
    pub(super) fn set(&self, overrides: &mut Overrides) {
        self.storage.set(overrides);
        set_text(overrides, "--redis-url", "storage.redis_url", self.redis_url.as_deref());
        set_text(overrides, "--replay", "venue.replay", self.replay.as_deref());
        for (flag, key, address) in [
            ("--listen", "server.listen", self.listen),
            ("--venue-listen", "venue.listen", self.venue_listen),
        ] {
            if let Some(address) = address {
                overrides.set(flag, key, address.to_string());
            }
        }
        for (flag, key, given, value) in [
            ("--no-venue", "venue.enabled", self.no_venue, false),
            ("--no-demo", "demo.enabled", self.no_demo, false),
            ("--always-open", "venue.always_open", self.always_open, true),
        ] {
            if given {
                overrides.set(flag, key, value);
            }
        }
        if let Some(seed) = self.seed {
            overrides.set("--seed", "venue.seed", seed);
        }
        if let Some(speed) = self.speed {
            overrides.set("--speed", "venue.speed", speed.to_string());
        }
    }
}
