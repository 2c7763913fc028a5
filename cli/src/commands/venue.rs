//! `troupe venue`: the exchange alone, until Ctrl-C.

use config::Settings;
use venue::{Source, Venue};

use crate::{exchange, output, signals};

/// Starts the exchange and serves until it is told to stop.
pub(crate) async fn venue(settings: &Settings) -> anyhow::Result<()> {
    let options = exchange::options(settings)?;
    let keys: Vec<String> = options.accounts.iter().map(|account| account.key_id.clone()).collect();
    let prices = match &options.source {
        Source::Synthetic(synthetic) => format!("synthetic prices, seed {}", synthetic.seed),
        Source::Replay(replay) => format!("replay of {}", replay.dir.display()),
    };
    let venue = Venue::start(options).await?;
    let address = venue.address();
    output::line(&format!("venue on http://{address} ({prices}); Ctrl-C stops it"))?;
    output::line(&format!("keys: {}", keys.join(", ")))?;
    output::line(&format!("try: APCA_API_BASE_URL=http://{address} with any Alpaca client"))?;
    signals::stop_requested().await?;
    venue.stop().await?;
    Ok(())
}
