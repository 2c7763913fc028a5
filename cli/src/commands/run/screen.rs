//! The live status: on a terminal a calm block of lines, redrawn in place once a second; elsewhere
//! the log lines say what happens.

use std::convert::Infallible;
use std::io::{self, Write as _};
use std::time::Duration;

use actors::{StatusView, Troupe};
use crossterm::{cursor, queue, style, terminal};
use rust_decimal::Decimal;
use venue::Venue;

use super::status::{Look, Watcher, profit};
use super::summary::usd;

/// How often the block is redrawn.
const REDRAW: Duration = Duration::from_secs(1);

/// Holdings shown.
const HOLDINGS_MAX: usize = 8;

/// Shows the status until the process ends; fails when the terminal is gone.
pub(super) async fn show(
    troupe: &Troupe,
    venue: Option<&Venue>,
    watcher: &Watcher,
    on_terminal: bool,
) -> anyhow::Result<Infallible> {
    if !on_terminal {
        return std::future::pending().await;
    }
    let mut shown = 0;
    let mut interval = tokio::time::interval(REDRAW);
    interval.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Skip);
    loop {
        interval.tick().await;
        let look = watcher.look(troupe).await;
        let position = venue.and_then(Venue::replay_progress);
        let position = position.and_then(|progress| progress.position);
        let mut lines = lines(&look);
        if let Some(position) = position {
            lines.insert(1, format!("tape      {}", position.format("%Y-%m-%d %H:%M:%S UTC")));
        }
        shown = draw(&lines, shown)?;
    }
}

/// Draws over the block before; cut to the width, so that no line wraps.
fn draw(lines: &[String], shown: u16) -> io::Result<u16> {
    let width = usize::from(terminal::size().map_or(80, |(columns, _)| columns));
    let mut out = io::stdout().lock();
    if shown > 0 {
        queue!(out, cursor::MoveToPreviousLine(shown))?;
    }
    queue!(out, terminal::Clear(terminal::ClearType::FromCursorDown))?;
    for line in lines {
        let cut: String = line.chars().take(width.saturating_sub(1)).collect();
        queue!(out, style::Print(cut), style::Print("\n"))?;
    }
    out.flush()?;
    Ok(u16::try_from(lines.len()).unwrap_or(u16::MAX))
}

fn lines(look: &Look) -> Vec<String> {
    let status = &look.status;
    let counters = &status.counters;
    let feed = if status.venue_connected { "connected" } else { "NOT CONNECTED, trying again" };
    let journal = if status.journal_ok { "" } else { "  JOURNAL WAITS FOR THE DATABASE" };
    let open: usize = status.accounts.iter().map(|account| account.open_orders).sum();
    let mut lines = vec![
        format!("up        {}{journal}", clock(look.up_s)),
        format!(
            "feed      {feed}, {:.0} events/s, {} prints, {} quotes, {} late",
            look.events_per_s, counters.trades, counters.quotes, counters.late_trades
        ),
        format!(
            "actors    {} running, {} failures, {} bars closed",
            status.actors, counters.actor_failures, counters.bars
        ),
        format!(
            "signals   {}   orders {}   fills {}   open {open}   denied {}   rejected {}",
            counters.signals,
            counters.orders,
            counters.fills,
            counters.orders_denied,
            counters.orders_rejected
        ),
        format!("equity    {}", equity(status)),
    ];
    for account in &status.accounts {
        if let Some(reason) = &account.not_trading {
            lines.push(format!("account   {} does not trade: {reason}", account.user));
        }
    }
    lines.push(format!("holds     {}", holdings(status)));
    lines
}

fn equity(status: &StatusView) -> String {
    match (status.equity, profit(status)) {
        (Some(equity), Some(profit)) => {
            let percent = profit
                .checked_mul(Decimal::ONE_HUNDRED)
                .and_then(|hundredfold| hundredfold.checked_div(status.capital))
                .map_or_else(String::new, |percent| format!(", {:+.2} %", percent.round_dp(2)));
            format!("{:.2} USD  ({}{percent})", equity.round_dp(2), usd(profit))
        }
        _ => "unknown until every holding has a price".to_owned(),
    }
}

fn holdings(status: &StatusView) -> String {
    let books = status.accounts.iter().flat_map(|account| &account.books);
    let all: Vec<_> = books.flat_map(|book| &book.holdings).collect();
    if all.is_empty() {
        return "nothing".to_owned();
    }
    let shown = all.iter().take(HOLDINGS_MAX).map(|holding| {
        format!(
            "{} {} at {}",
            holding.quantity.normalize(),
            holding.ticker,
            holding.average_price.round_dp(2)
        )
    });
    let shown: Vec<_> = shown.collect();
    let rest = all.len().saturating_sub(HOLDINGS_MAX);
    let more = if rest == 0 { String::new() } else { format!(", and {rest} more") };
    format!("{}{more}", shown.join(", "))
}

fn clock(seconds: u64) -> String {
    format!("{:02}:{:02}:{:02}", seconds / 3_600, seconds / 60 % 60, seconds % 60)
}
