//! The exchange as a process of its own.
#![expect(clippy::unwrap_used, reason = "a test may panic")]

use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpStream;
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use crate::binary::{data_dir, outcome, troupe};

/// A running `troupe venue`; killed when the test ends early.
struct Exchange {
    process: Child,
    address: String,
}

impl Exchange {
    /// Starts it on a free port and waits for the line that says where.
    fn start(arguments: &[&str]) -> Self {
        let mut command = troupe(&["venue", "--listen", "127.0.0.1:0", "--always-open"]);
        command.args(arguments).stdout(Stdio::piped());
        let mut process = command.spawn().unwrap();
        let mut lines = BufReader::new(process.stdout.take().unwrap()).lines();
        let first = lines.next().unwrap().unwrap();
        let address = first.split("http://").nth(1).unwrap().split(' ').next().unwrap().to_owned();
        // Whatever it says later must not fill the pipe.
        std::thread::spawn(move || lines.for_each(drop));
        Self { process, address }
    }

    /// Status line and body of a GET with these keys.
    fn get(&self, path: &str, key_id: &str, secret: &str) -> String {
        let mut stream = TcpStream::connect(&self.address).unwrap();
        stream.set_read_timeout(Some(Duration::from_secs(10))).unwrap();
        write!(
            stream,
            "GET {path} HTTP/1.1\r\nhost: {}\r\nconnection: close\r\n\
             apca-api-key-id: {key_id}\r\napca-api-secret-key: {secret}\r\n\r\n",
            self.address
        )
        .unwrap();
        let mut answer = String::new();
        stream.read_to_string(&mut answer).unwrap();
        answer
    }

    /// Asks it to stop, as a service manager does; answers its exit status.
    fn stop(mut self) -> Option<i32> {
        let pid = self.process.id().to_string();
        assert!(Command::new("kill").args(["-TERM", &pid]).status().unwrap().success());
        self.process.wait().unwrap().code()
    }
}

impl Drop for Exchange {
    fn drop(&mut self) {
        // It may have ended by itself.
        self.process.kill().ok();
        self.process.wait().ok();
    }
}

#[test]
fn the_venue_serves_the_demo_account_and_stops_when_asked() {
    let exchange = Exchange::start(&["--ephemeral"]);
    let answer = exchange.get("/v2/account", "PKVENUEDEMO", "venue-demo-secret");
    assert!(answer.starts_with("HTTP/1.1 200"), "{answer}");
    assert!(answer.contains("\"cash\":\"100000\""), "{answer}");
    assert_eq!(exchange.stop(), Some(0));
}

#[test]
fn an_accounts_file_replaces_the_demo_account() {
    let directory = tempfile::tempdir().unwrap();
    let file = directory.path().join("accounts.json");
    std::fs::write(&file, r#"[{"key_id": "PKONE", "secret_key": "one", "cash": "5000"}]"#).unwrap();
    let exchange = Exchange::start(&["--ephemeral", "--accounts", file.to_str().unwrap()]);
    let answer = exchange.get("/v2/account", "PKONE", "one");
    assert!(answer.contains("\"cash\":\"5000\""), "{answer}");
    let refused = exchange.get("/v2/account", "PKVENUEDEMO", "venue-demo-secret");
    assert!(!refused.starts_with("HTTP/1.1 200"), "{refused}");
    assert_eq!(exchange.stop(), Some(0));
}

#[test]
fn a_port_in_use_is_named_with_what_to_do() {
    let exchange = Exchange::start(&["--ephemeral"]);
    let (status, _, stderr) =
        outcome(troupe(&["venue", "--ephemeral", "--listen", &exchange.address]));
    assert_eq!(status, 1);
    assert!(stderr.contains(&exchange.address), "{stderr}");
    assert_eq!(exchange.stop(), Some(0));
}

#[test]
fn doctor_online_says_whether_the_keys_are_accepted() {
    let exchange = Exchange::start(&["--ephemeral"]);
    let directory = tempfile::tempdir().unwrap();
    for (secret, status, expected) in
        [("venue-demo-secret", 0, "accepted by"), ("wrong", 1, "refused by")]
    {
        let mut command =
            troupe(&["doctor", "--online", "--no-venue", "--data-dir", &data_dir(&directory)]);
        command
            .env("TROUPE__SERVER__LISTEN", "127.0.0.1:0")
            .env("APCA_API_BASE_URL", format!("http://{}", exchange.address))
            .env("APCA_API_KEY_ID", "PKVENUEDEMO")
            .env("APCA_API_SECRET_KEY", secret);
        let (found, stdout, _) = outcome(command);
        assert_eq!(found, status, "{stdout}");
        assert!(stdout.contains(expected), "{stdout}");
        assert!(!stdout.contains(secret), "{stdout}");
    }
    assert_eq!(exchange.stop(), Some(0));
}
