//! Running the binary.
#![expect(clippy::unwrap_used, reason = "a test may panic")]

use std::io::Write;
use std::process::{Command, Output, Stdio};

/// Variables that change what `troupe` does, and must not leak in from the person who tests.
const OURS: [&str; 5] =
    ["DATABASE_URL", "REDIS_URL", "APCA_API_KEY_ID", "APCA_API_SECRET_KEY", "APCA_API_BASE_URL"];

/// The binary, with a clean environment.
pub(crate) fn troupe(arguments: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_troupe"));
    command.args(arguments).stdin(Stdio::null());
    for name in OURS {
        command.env_remove(name);
    }
    for (name, _) in std::env::vars_os() {
        if name.to_string_lossy().starts_with("TROUPE__") {
            command.env_remove(name);
        }
    }
    command
}

/// Runs to the end: exit status, stdout, stderr.
pub(crate) fn outcome(mut command: Command) -> (i32, String, String) {
    let Output { status, stdout, stderr } = command.output().unwrap();
    let text = |bytes: Vec<u8>| String::from_utf8(bytes).unwrap();
    (status.code().unwrap_or(-1), text(stdout), text(stderr))
}

/// The same, with something on stdin.
pub(crate) fn with_input(mut command: Command, input: &str) -> (i32, String, String) {
    command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut child = command.spawn().unwrap();
    child.stdin.take().unwrap().write_all(input.as_bytes()).unwrap();
    let Output { status, stdout, stderr } = child.wait_with_output().unwrap();
    let text = |bytes: Vec<u8>| String::from_utf8(bytes).unwrap();
    (status.code().unwrap_or(-1), text(stdout), text(stderr))
}

/// A data directory that does not exist yet.
pub(crate) fn data_dir(directory: &tempfile::TempDir) -> String {
    directory.path().join("data").to_str().unwrap().to_owned()
}
