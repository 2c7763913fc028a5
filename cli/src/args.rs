//! The command line: what can be asked of `troupe`, and which setting each flag is.
#![expect(clippy::doc_markdown, reason = "these comments are the help texts")]

mod research;
mod run;
mod user;
mod venue;

use std::path::PathBuf;

use clap::{Args, Parser, Subcommand, ValueEnum};
use config::Overrides;

pub(crate) use research::{
    BacktestArgs, BarArgs, EvaluateArgs, IndicatorArgs, SizingName, StrategyArgs, StrategyCommand,
    TradingArgs,
};
pub(crate) use run::RunArgs;
pub(crate) use user::{RoleName, UserArgs, UserCommand};
pub(crate) use venue::VenueArgs;

/// A multi-user, real-time trading engine.
///
/// Troupe follows the market, lets strategies decide, checks risk, places orders at Alpaca (or at
/// its own paper exchange, the venue), keeps every fact in Postgres and shows it live.
#[derive(Debug, Parser)]
#[command(name = "troupe", version, propagate_version = true, after_help = AFTER_HELP)]
pub(crate) struct Arguments {
    /// What to do.
    #[command(subcommand)]
    pub(crate) command: Command,
    /// Flags of every command.
    #[command(flatten)]
    pub(crate) common: CommonArgs,
}

const AFTER_HELP: &str = "\
Every flag is also a setting: of a file (--config), or a variable TROUPE__SECTION__KEY, such as
TROUPE__SERVER__LISTEN. The command line wins over variables, variables over the file, the file
over the defaults.

Exit status: 0 done, 1 failed (the last line says what and what to do), 2 wrong usage.";

/// The commands.
#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Start the whole engine: database, venue, actors, gateway.
    Run(RunArgs),
    /// Start the exchange alone, for any Alpaca client.
    Venue(VenueArgs),
    /// Try a strategy on bars of the past.
    Backtest(BacktestArgs),
    /// Try many strategies with many parameters on many tickers, and rank them.
    Evaluate(EvaluateArgs),
    /// Write an indicator's values over a file of bars as CSV.
    Indicator(IndicatorArgs),
    /// Show the catalogue of strategies, or write a new one.
    Strategy(StrategyArgs),
    /// Bring the database to the newest schema.
    Migrate(MigrateArgs),
    /// Look at machine, settings, database and keys, and say what to do.
    Doctor(DoctorArgs),
    /// Add, list and promote users from the shell.
    User(UserArgs),
}

/// Flags of every command.
#[derive(Debug, Default, Clone, Args)]
#[command(next_help_heading = "Everywhere")]
pub(crate) struct CommonArgs {
    /// Settings file (TOML) laid over the defaults.
    #[arg(long, value_name = "FILE", global = true)]
    pub(crate) config: Option<PathBuf>,
    /// Shape of the output on stdout: for people, or one JSON document for programs.
    #[arg(long, value_name = "FORMAT", global = true, value_enum, default_value_t)]
    pub(crate) format: Format,
    /// Shape of the log lines on stderr [setting log.format].
    #[arg(long, value_name = "FORMAT", global = true, value_enum)]
    log_format: Option<LogFormatName>,
    /// What is logged: a level or target=level rules [setting log.filter].
    #[arg(long, value_name = "FILTER", global = true)]
    log_filter: Option<String>,
}

/// Shape of a command's output.
#[derive(Debug, Default, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum Format {
    // Lines for people.
    #[default]
    Human,
    // One JSON document.
    Json,
}

#[derive(Debug, Clone, Copy, ValueEnum)]
enum LogFormatName {
    Human,
    Json,
}

/// Where the state is: the flags shared by all commands that touch the database.
#[derive(Debug, Default, Clone, Args)]
pub(crate) struct StorageArgs {
    /// Directory of all state: database, venue, keys [setting storage.data_dir, default ./data].
    #[arg(long, value_name = "DIR", global = true)]
    data_dir: Option<String>,
    /// Postgres 15+ server instead of the embedded one [setting storage.database_url, variable
    /// DATABASE_URL].
    // Rather the variable than the flag: other users of the machine can see flags.
    #[arg(long, value_name = "URL", global = true)]
    database_url: Option<String>,
}

/// Flags of `troupe migrate`.
#[derive(Debug, Args)]
pub(crate) struct MigrateArgs {
    /// Where the database is.
    #[command(flatten)]
    storage: StorageArgs,
    /// Change nothing: list what would be done, and fail when that is anything.
    #[arg(long)]
    pub(crate) check: bool,
}

/// Flags of `troupe doctor`.
#[derive(Debug, Args)]
pub(crate) struct DoctorArgs {
    /// Where the database is.
    #[command(flatten)]
    storage: StorageArgs,
    /// Look at the settings for real Alpaca, as `troupe run --no-venue` would use them.
    #[arg(long)]
    no_venue: bool,
    /// Also ask Alpaca whether it accepts the keys. Places no order.
    #[arg(long)]
    pub(crate) online: bool,
}

impl Arguments {
    /// What the flags set, for [`config::Sources`].
    pub(crate) fn overrides(&self) -> Overrides {
        let mut overrides = Overrides::default();
        self.common.set(&mut overrides);
        match &self.command {
            Command::Run(flags) => flags.set(&mut overrides),
            Command::Venue(flags) => flags.set(&mut overrides),
            Command::Migrate(flags) => flags.storage.set(&mut overrides),
            Command::Doctor(flags) => flags.set(&mut overrides),
            Command::User(flags) => flags.storage.set(&mut overrides),
            Command::Backtest(flags) => flags.set(&mut overrides),
            Command::Evaluate(flags) => flags.set(&mut overrides),
            Command::Indicator(_) | Command::Strategy(_) => {}
        }
        overrides
    }
}

impl CommonArgs {
    fn set(&self, overrides: &mut Overrides) {
        if let Some(format) = self.log_format {
            let name = match format {
                LogFormatName::Human => "human",
                LogFormatName::Json => "json",
            };
            overrides.set("--log-format", "log.format", name);
        }
        set_text(overrides, "--log-filter", "log.filter", self.log_filter.as_deref());
    }
}

impl StorageArgs {
    fn is_given(&self) -> bool {
        self.data_dir.is_some() || self.database_url.is_some()
    }

    fn set(&self, overrides: &mut Overrides) {
        set_text(overrides, "--data-dir", "storage.data_dir", self.data_dir.as_deref());
        set_text(overrides, "--database-url", "storage.database_url", self.database_url.as_deref());
    }
}

impl DoctorArgs {
    fn set(&self, overrides: &mut Overrides) {
        self.storage.set(overrides);
        if self.no_venue {
            overrides.set("--no-venue", "venue.enabled", false);
        }
    }
}

fn set_text(overrides: &mut Overrides, flag: &'static str, key: &str, value: Option<&str>) {
    if let Some(value) = value {
        overrides.set(flag, key, value);
    }
}

/// A seed as settings files can hold it.
fn seed(text: &str) -> Result<i64, String> {
    match text.parse::<i64>() {
        Ok(seed) if seed >= 0 => Ok(seed),
        _ => Err(format!("a whole number from 0 to {}", i64::MAX)),
    }
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory;

    use super::*;

    fn parsed(line: &str) -> Result<Arguments, clap::Error> {
        Arguments::try_parse_from(line.split(' '))
    }

    fn settings(line: &str) -> config::Settings {
        let overrides = parsed(line).unwrap().overrides();
        config::Sources { overrides, ..config::Sources::default() }.load().unwrap().settings
    }

    #[test]
    fn the_grammar_is_consistent() {
        Arguments::command().debug_assert();
    }

    #[test]
    fn every_flag_of_run_reaches_its_setting() {
        let settings = settings(
            "troupe run --listen 127.0.0.1:1 --data-dir d --database-url postgres://h/d \
             --redis-url redis://h --seed 7 --venue-listen 127.0.0.1:2 --no-demo --always-open \
             --replay r --speed max --log-format json --log-filter debug",
        );
        assert_eq!(settings.server.listen.port(), 1);
        assert_eq!(settings.venue.listen.port(), 2);
        assert_eq!(settings.storage.data_dir.to_str(), Some("d"));
        assert!(settings.storage.database_url.is_some() && settings.storage.redis_url.is_some());
        assert_eq!(settings.venue.seed, 7);
        assert!(settings.venue.always_open && settings.venue.enabled && !settings.demo.enabled);
        assert_eq!(settings.venue.replay.unwrap().to_str(), Some("r"));
        assert_eq!(settings.venue.speed, config::Speed::Max);
        assert_eq!(settings.log.format, config::LogFormat::Json);
        assert_eq!(settings.log.filter, "debug");
    }

    #[test]
    fn every_flag_of_venue_reaches_its_setting() {
        let settings = settings(
            "troupe venue --listen 127.0.0.1:3 --ephemeral --seed 9 --replay r --speed 60 \
             --accounts a.json --fills realistic --no-fees --always-open --faults f.toml \
             --admin-listen 127.0.0.1:4 --admin-token-file t --extended-hours --data-plan basic",
        );
        assert_eq!(settings.venue.listen.port(), 3);
        assert!(settings.venue.ephemeral && settings.venue.always_open && !settings.venue.fees);
        assert_eq!(settings.venue.fills, config::VenueFills::Realistic);
        assert!(settings.venue.extended_hours);
        assert_eq!(settings.venue.data_plan, config::VenueDataPlan::Basic);
        assert_eq!(settings.venue.seed, 9);
        assert_eq!(settings.venue.speed, config::Speed::Times(60.0));
        assert_eq!(settings.venue.accounts.unwrap().to_str(), Some("a.json"));
        assert_eq!(settings.venue.faults.unwrap().to_str(), Some("f.toml"));
        assert_eq!(settings.venue.admin_listen.unwrap().port(), 4);
        assert_eq!(settings.venue.admin_token_file.unwrap().to_str(), Some("t"));
    }

    #[test]
    fn wrong_usage_is_refused_with_status_two() {
        for line in [
            "troupe",
            "troupe dance",
            "troupe run --listen localhost",
            "troupe run --seed -1",
            "troupe run --speed 0",
            "troupe run --speed max",
            "troupe run --no-venue --replay d",
            "troupe venue --ephemeral --data-dir d",
            "troupe venue --fills hopeful",
            "troupe venue --speed 60",
            "troupe venue --start 2026-03-02T14:30:00Z --replay d",
            "troupe user add",
            "troupe user role demo king",
            "troupe user add x --email x@example.org --password y",
        ] {
            let error = parsed(line).expect_err(line);
            assert_eq!(error.exit_code(), 2, "{line}: {error}");
        }
    }
}
