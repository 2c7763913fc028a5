//! Flags of `troupe venue`.

use std::net::SocketAddr;

use clap::{ArgGroup, Args, ValueEnum};
use config::{Overrides, Speed};

use super::{seed, set_text};

/// Flags of `troupe venue`.
#[expect(clippy::struct_excessive_bools, reason = "each is a flag of its own")]
#[derive(Debug, Default, Args)]
#[command(group(ArgGroup::new("timeline").args(["replay", "start"])))]
pub(crate) struct VenueArgs {
    /// Address and port [setting venue.listen, default 127.0.0.1:8100].
    #[arg(long, value_name = "ADDR")]
    listen: Option<SocketAddr>,
    /// Directory that keeps the books, below venue/ [setting storage.data_dir, default ./data].
    #[arg(long, value_name = "DIR")]
    data_dir: Option<String>,
    /// Forget the books at the end [setting venue.ephemeral].
    #[arg(long, conflicts_with = "data_dir")]
    ephemeral: bool,
    /// Seed of the synthetic prices [setting venue.seed, default 42].
    #[arg(long, value_name = "N", value_parser = seed, allow_negative_numbers = true)]
    seed: Option<i64>,
    /// Play the CSV recordings of a directory instead of synthetic prices [setting venue.replay].
    #[arg(long, value_name = "DIR")]
    replay: Option<String>,
    /// Speed of the replay, or of a clock with a --start: times real time, or max (the replay only)
    /// [setting venue.speed, default 1].
    #[arg(long, value_name = "N|max", requires = "timeline")]
    speed: Option<Speed>,
    /// Start the clock of the synthetic prices there, such as 2026-03-02T14:30:00Z
    /// [setting venue.start].
    #[arg(long, value_name = "TIME")]
    start: Option<String>,
    /// Accounts instead of the one of the demo: TOML or JSON, as docs/venue-accounts.example.toml
    /// [setting venue.accounts].
    #[arg(long, value_name = "FILE")]
    accounts: Option<String>,
    /// How orders fill [setting venue.fills, default alpaca].
    #[arg(long, value_name = "HOW", value_enum)]
    fills: Option<FillsName>,
    /// Charge no fees [setting venue.fees].
    #[arg(long)]
    no_fees: bool,
    /// Stock sessions round the clock: day orders fill at any hour [setting venue.always_open].
    #[arg(long)]
    always_open: bool,
    /// Plan of faults that are armed from the start, TOML [setting venue.faults].
    #[arg(long, value_name = "FILE")]
    faults: Option<String>,
    /// Address of the admin port, of this machine only; none when left out
    /// [setting venue.admin_listen].
    #[arg(long, value_name = "ADDR")]
    admin_listen: Option<SocketAddr>,
    /// File with the admin port's token; a new one is printed on stderr when left out
    /// [setting venue.admin_token_file].
    #[arg(long, value_name = "FILE")]
    admin_token_file: Option<String>,
    /// Stock prices from 04:00 to 20:00 New York time [setting venue.extended_hours].
    #[arg(long)]
    extended_hours: bool,
    /// What accounts may see of the market data [setting venue.data_plan, default unlimited].
    #[arg(long, value_name = "PLAN", value_enum)]
    data_plan: Option<DataPlanName>,
}

#[derive(Debug, Clone, Copy, ValueEnum)]
enum DataPlanName {
    /// Everything, without bounds.
    Unlimited,
    /// As Alpaca's free plan: IEX, 30 symbols, one connection per stream.
    Basic,
}

#[derive(Debug, Clone, Copy, ValueEnum)]
enum FillsName {
    /// As Alpaca's own paper trading does.
    Alpaca,
    /// Against an order book, with queues, sizes, latency and impact.
    Realistic,
}

impl VenueArgs {
    pub(super) fn set(&self, overrides: &mut Overrides) {
        set_text(overrides, "--data-dir", "storage.data_dir", self.data_dir.as_deref());
        set_text(overrides, "--replay", "venue.replay", self.replay.as_deref());
        set_text(overrides, "--accounts", "venue.accounts", self.accounts.as_deref());
        set_text(overrides, "--start", "venue.start", self.start.as_deref());
        set_text(overrides, "--faults", "venue.faults", self.faults.as_deref());
        let token_file = self.admin_token_file.as_deref();
        set_text(overrides, "--admin-token-file", "venue.admin_token_file", token_file);
        if let Some(address) = self.admin_listen {
            overrides.set("--admin-listen", "venue.admin_listen", address.to_string());
        }
        if let Some(address) = self.listen {
            overrides.set("--listen", "venue.listen", address.to_string());
        }
        if let Some(seed) = self.seed {
            overrides.set("--seed", "venue.seed", seed);
        }
        if let Some(speed) = self.speed {
            overrides.set("--speed", "venue.speed", speed.to_string());
        }
        if let Some(fills) = self.fills {
            let name = match fills {
                FillsName::Alpaca => "alpaca",
                FillsName::Realistic => "realistic",
            };
            overrides.set("--fills", "venue.fills", name);
        }
        if let Some(plan) = self.data_plan {
            let name = match plan {
                DataPlanName::Unlimited => "unlimited",
                DataPlanName::Basic => "basic",
            };
            overrides.set("--data-plan", "venue.data_plan", name);
        }
        if self.no_fees {
            overrides.set("--no-fees", "venue.fees", false);
        }
        for (flag, key, given) in [
            ("--ephemeral", "venue.ephemeral", self.ephemeral),
            ("--always-open", "venue.always_open", self.always_open),
            ("--extended-hours", "venue.extended_hours", self.extended_hours),
        ] {
            if given {
                overrides.set(flag, key, true);
            }
        }
    }
}
