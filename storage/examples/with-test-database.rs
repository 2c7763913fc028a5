//! Runs a command with `DATABASE_URL` naming a fresh, migrated database, and drops it afterwards.
//! `storage/prepare` checks the statements that way.

use std::process::{Command, ExitCode};

use secrecy::ExposeSecret;
use storage::testing::TestDatabase;

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<ExitCode, std::io::Error> {
    let mut arguments = std::env::args_os().skip(1);
    let program = arguments
        .next()
        .ok_or_else(|| std::io::Error::other("usage: with-test-database COMMAND [ARGUMENT]..."))?;
    let test = TestDatabase::create().await;
    let status = Command::new(program)
        .args(arguments)
        .env("DATABASE_URL", test.url().expose_secret())
        .status();
    test.drop_database().await;
    Ok(if status?.success() { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}
