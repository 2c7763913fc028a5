//! Trading configs: what a user wants traded.

mod checks;

pub(crate) mod activate;
pub(crate) mod create;
pub(crate) mod deactivate;
pub(crate) mod delete;
pub(crate) mod get;
pub(crate) mod list;
pub(crate) mod update;

use storage::configs::ConfigError;

use crate::problem::Problem;

/// Why the database did not take a config, for the client.
fn write_refusal(error: ConfigError) -> Problem {
    match error {
        ConfigError::NameTaken => {
            Problem::conflict("name_taken", "you have another config of this name")
        }
        ConfigError::Invalid { constraint } => {
            let field = match constraint.as_str() {
                "valid_name" => "name",
                "valid_tickers" => "tickers",
                "valid_check_interval" => "check_interval",
                "valid_strategies" => "strategies",
                "valid_capital_share" => "capital_share",
                _ => "body",
            };
            Problem::field(field, "invalid", "the database does not take this value")
        }
        ConfigError::Storage(error) => error.into(),
        other => Problem::internal().with_cause(other),
    }
}
