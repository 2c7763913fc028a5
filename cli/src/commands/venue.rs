//! `troupe venue`: the exchange alone, until Ctrl-C.

use config::Settings;
use serde::Serialize;
use venue::{Source, Venue, VenueOptions};

use crate::args::Format;
use crate::{exchange, output, signals};

/// Where it is, for programs that start it.
#[derive(Debug, Serialize)]
struct Started {
    /// What to set `APCA_API_BASE_URL` to.
    url: String,
    /// The admin port.
    #[serde(skip_serializing_if = "Option::is_none")]
    admin_url: Option<String>,
    /// Where the prices come from.
    prices: String,
    /// The accounts that may trade.
    key_ids: Vec<String>,
}

/// Starts the exchange and serves until it is told to stop.
pub(crate) async fn venue(settings: &Settings, format: Format) -> anyhow::Result<()> {
    let options =
        VenueOptions { admin: exchange::admin(settings)?, ..exchange::options(settings)? };
    let key_ids: Vec<String> =
        options.accounts.iter().map(|account| account.key_id.clone()).collect();
    let prices = match &options.source {
        Source::Synthetic(synthetic) => format!("synthetic prices, seed {}", synthetic.seed),
        Source::Replay(replay) => format!("replay of {}", replay.dir.display()),
    };
    let mut stop = signals::StopSignal::listen()?;
    let venue = Venue::start(options).await?;
    let admin_url = venue.admin_address().map(|address| format!("http://{address}"));
    let url = format!("http://{}", venue.address());
    let started = Started { url, admin_url, prices, key_ids };
    match format {
        Format::Json => output::json(&started)?,
        Format::Human => output::line(&started.for_people())?,
    }
    stop.received().await?;
    venue.stop().await;
    Ok(())
}

impl Started {
    fn for_people(&self) -> String {
        let admin = self.admin_url.as_ref().map(|url| format!("\nadmin port: {url}"));
        format!(
            "venue on {url} ({prices}); Ctrl-C stops it\n\
             keys: {keys}; try APCA_API_BASE_URL={url} with any Alpaca client{admin}",
            admin = admin.unwrap_or_default(),
            url = self.url,
            prices = self.prices,
            keys = self.key_ids.join(", ")
        )
    }
}
