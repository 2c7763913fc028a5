//! Who did what, for the audit log.

use storage::PgConnection;
use storage::StorageError;
use storage::audit::{self, AuditEntry};
use uuid::Uuid;

use crate::app::App;
use crate::extract::Client;

/// Something worth remembering.
#[derive(Debug)]
pub(crate) struct Entry {
    action: &'static str,
    user_id: Option<Uuid>,
    resource: Option<(&'static str, Uuid)>,
}

impl Entry {
    /// Somebody did something to their own account.
    pub(crate) fn of_user(action: &'static str, user_id: Uuid) -> Self {
        let resource = Some(("user", user_id));
        Self { action, user_id: Some(user_id), resource }
    }

    /// Something happened to a login.
    pub(crate) fn of_session(action: &'static str, user_id: Uuid, family_id: Uuid) -> Self {
        let resource = Some(("session", family_id));
        Self { action, user_id: Some(user_id), resource }
    }

    /// Somebody did something to a trading config.
    pub(crate) fn of_config(action: &'static str, user_id: Uuid, config_id: Uuid) -> Self {
        let resource = Some(("trading_config", config_id));
        Self { action, user_id: Some(user_id), resource }
    }

    /// Somebody tried to be `target`, who may be nobody.
    pub(crate) fn failed_login(target: Option<Uuid>) -> Self {
        let resource = target.map(|user_id| ("user", user_id));
        Self { action: "auth.login_failed", user_id: None, resource }
    }
}

/// Writes it down.
pub(crate) async fn write(
    app: &App,
    connection: &mut PgConnection,
    entry: Entry,
    client: &Client,
) -> Result<(), StorageError> {
    let entry = AuditEntry {
        id: app.ids.uuid(),
        user_id: entry.user_id,
        action: entry.action.to_owned(),
        resource_type: entry.resource.map(|(kind, _)| kind.to_owned()),
        resource_id: entry.resource.map(|(_, id)| id),
        details: None,
        ip_address: Some(client.address),
        created_at: app.now(),
    };
    audit::insert(connection, &entry).await
}
