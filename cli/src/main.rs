//! `troupe`: parses the command line, reads the settings once, and hands them on. Decides nothing.

mod accounts_file;
mod args;
mod bars;
mod commands;
mod conventions;
mod database;
mod edge;
mod exchange;
mod figures;
mod key_file;
mod logging;
mod output;
mod report;
mod research;
mod signals;

use std::io::Write;
use std::process::ExitCode;

use clap::Parser;
use config::Sources;

use args::{Arguments, Command};
use logging::LogTo;

/// Many small messages from many threads: measurably faster than the system's allocator.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn main() -> ExitCode {
    let arguments = Arguments::parse();
    match started(arguments) {
        Ok(code) => code,
        Err(error) => {
            let line = format!("troupe: {error:#}\n");
            // Nobody is left to tell when stderr is closed.
            drop(std::io::stderr().write_all(line.as_bytes()));
            ExitCode::FAILURE
        }
    }
}

fn started(arguments: Arguments) -> anyhow::Result<ExitCode> {
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build()?;
    let code = runtime.block_on(dispatch(arguments))?;
    // A blocking read of stdin or of a file must not hold up the end.
    runtime.shutdown_background();
    Ok(code)
}

async fn dispatch(arguments: Arguments) -> anyhow::Result<ExitCode> {
    // Every TLS connection of this process uses ring. An error means that it is installed already.
    rustls::crypto::ring::default_provider().install_default().ok();
    let sources = Sources::of_process(arguments.common.config.clone(), arguments.overrides());
    let format = arguments.common.format;
    // The doctor reports wrong settings as one finding among others.
    if let Command::Doctor(flags) = &arguments.command {
        return commands::doctor::doctor(&sources, flags, format).await;
    }
    let settings = sources.load()?.settings;
    if !matches!(arguments.command, Command::Run(_)) {
        logging::start(&settings.log, &LogTo::Stderr)?;
    }
    match &arguments.command {
        Command::Run(flags) => commands::run::run(settings, flags).await?,
        Command::Venue(_) => commands::venue::venue(&settings, format).await?,
        Command::Migrate(flags) => commands::migrate::migrate(&settings, flags, format).await?,
        Command::Backtest(flags) => commands::backtest::backtest(&settings, flags, format).await?,
        Command::Evaluate(flags) => commands::evaluate::evaluate(&settings, flags, format).await?,
        Command::Indicator(flags) => commands::indicator::indicator(flags, format)?,
        Command::Strategy(flags) => commands::strategy::strategy(flags, format)?,
        Command::User(flags) => commands::user::user(&settings, flags, format).await?,
        Command::Doctor(_) => {}
    }
    Ok(ExitCode::SUCCESS)
}
