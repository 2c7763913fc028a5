//! How the desks are put together: who supervises whom, and at which path.

use super::account::AccountRole;
use super::broker::Broker;
use super::office::Office;
use super::{AccountMessage, BrokerMessage, DeskSettings, OfficeMessage};
use crate::alpaca::{Endpoints, Keys};
use crate::market::{FloorMessage, KnownTicker};
use crate::record::JournalMessage;
use crate::stage::{
    Address, AskError, Fault, Role as _, Stage, Supervised, group, pool, supervised,
};
use apca::{ApiInfo, Client};
use engine::{Ticker, UserId};
use ractor_supervisor::{Restart, SupervisorStrategy};
use secrecy::ExposeSecret as _;
use std::sync::Arc;
use std::time::Duration;
use storage::Database;

/// Pool of desks.
pub(super) const DESKS: &str = "desk";

/// Users that trade on one engine.
const DESKS_MAX: usize = 100_000;

/// How long the venue's list of tickers may take to answer.
const KNOWN_TIMEOUT: Duration = Duration::from_secs(2);

/// What a desk is made of.
#[derive(Clone)]
pub(crate) struct DeskParts {
    pub(crate) database: Database,
    pub(crate) journal: Address<JournalMessage>,
    pub(crate) journal_timeout: Duration,
    pub(crate) floor: Address<FloorMessage>,
    pub(crate) history: crate::market::HistoryAddress,
    pub(crate) settings: DeskSettings,
    pub(crate) endpoints: Endpoints,
    pub(crate) keys: Keys,
}

pub(super) fn desk_path(user: UserId) -> String {
    format!("{DESKS}/{user}")
}

/// The desks as a child of the root.
pub(crate) fn desks(
    stage: &Arc<Stage>,
    parts: &DeskParts,
    office: &Address<OfficeMessage>,
) -> Supervised {
    let office = supervised(stage, office, {
        let parts = parts.clone();
        move || Office { parts: parts.clone() }
    });
    let children = vec![pool(stage, DESKS, DESKS_MAX), office];
    let policy = (SupervisorStrategy::OneForOne, Restart::Permanent);
    group(stage, "desks", policy, children)
}

/// The office's address.
pub(crate) fn office_address(stage: &Arc<Stage>) -> Address<OfficeMessage> {
    stage.address("desks/office", Office::KIND)
}

/// A user's account's address.
pub(crate) fn account_address(stage: &Arc<Stage>, user: UserId) -> Address<AccountMessage> {
    stage.address(&format!("{}/account", desk_path(user)), AccountRole::KIND)
}

/// A user's broker's address.
pub(super) fn broker_address(stage: &Arc<Stage>, user: UserId) -> Address<BrokerMessage> {
    stage.address(&format!("{}/broker", desk_path(user)), Broker::KIND)
}

impl DeskParts {
    /// One user's desk: a failed account takes its broker with it, a failed broker only itself.
    pub(crate) fn desk(&self, stage: &Arc<Stage>, user: UserId) -> Supervised {
        let (parts, also) = (self.clone(), self.clone());
        let account = supervised(stage, &account_address(stage, user), move || AccountRole {
            user,
            parts: parts.clone(),
        });
        let broker = supervised(stage, &broker_address(stage, user), move || Broker {
            user,
            parts: also.clone(),
        });
        let policy = (SupervisorStrategy::RestForOne, Restart::Temporary);
        group(stage, &desk_path(user), policy, vec![account, broker])
    }

    /// What is known of a ticker.
    pub(super) async fn known(&self, ticker: &Ticker) -> KnownTicker {
        known(&self.history, ticker).await.unwrap_or(KnownTicker::Unavailable)
    }

    pub(super) fn client(&self) -> Result<Client, Fault> {
        let keys = &self.keys;
        let mut info = ApiInfo::from_parts(
            &self.endpoints.trading_url,
            &keys.key_id,
            keys.secret.expose_secret(),
        )?;
        info.api_stream_url = self.endpoints.trade_stream_url.parse()?;
        Ok(Client::new(info))
    }
}

/// Asks history about a ticker.
pub(crate) async fn known(
    history: &crate::market::HistoryAddress,
    ticker: &Ticker,
) -> Result<KnownTicker, AskError> {
    let ticker = ticker.clone();
    history.ask(KNOWN_TIMEOUT, |reply| crate::market::HistoryMessage::Known { ticker, reply }).await
}
