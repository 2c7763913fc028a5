//! The exchange as a process of its own.
#![expect(clippy::unwrap_used, reason = "a test may panic")]

use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpStream;
use std::process::{Child, Command, Stdio};
use std::sync::mpsc;
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

    /// Posts an order of the demo account; whether it was answered 200.
    fn order(address: &str, body: &str) -> bool {
        let post = || -> std::io::Result<String> {
            let mut stream = TcpStream::connect(address)?;
            stream.set_read_timeout(Some(Duration::from_secs(10)))?;
            write!(
                stream,
                "POST /v2/orders HTTP/1.1\r\nhost: {address}\r\nconnection: close\r\n\
                 apca-api-key-id: PKVENUEDEMO\r\napca-api-secret-key: venue-demo-secret\r\n\
                 content-length: {}\r\n\r\n{body}",
                body.len()
            )?;
            let mut answer = String::new();
            stream.read_to_string(&mut answer)?;
            Ok(answer)
        };
        post().is_ok_and(|answer| answer.starts_with("HTTP/1.1 200"))
    }

    /// The body of a GET of the demo account.
    fn body(&self, path: &str) -> String {
        let answer = self.get(path, "PKVENUEDEMO", "venue-demo-secret");
        assert!(answer.starts_with("HTTP/1.1 200"), "{path}: {answer}");
        answer.split_once("\r\n\r\n").unwrap().1.to_owned()
    }

    /// Ends it in the middle of whatever it does.
    fn kill(mut self) {
        self.process.kill().unwrap();
        self.process.wait().unwrap();
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

/// What must be the same after a restart, as far as no price is in it.
fn books(exchange: &Exchange) -> Vec<String> {
    ["/v2/orders?status=all&limit=500", "/v2/account/activities", "/v2/watchlists"]
        .map(|path| exchange.body(path))
        .to_vec()
}

#[test]
fn no_kill_loses_an_order_that_was_answered() {
    let directory = tempfile::tempdir().unwrap();
    let arguments = ["--data-dir", &data_dir(&directory)];
    let mut answered: Vec<String> = Vec::new();
    for round in 0..5 {
        let exchange = Exchange::start(&arguments);
        let address = exchange.address.clone();
        let (sender, orders) = mpsc::channel();
        // Orders come without a pause until the exchange is gone: the kill hits one of them.
        let trader = std::thread::spawn(move || {
            for number in 0.. {
                let id = format!("round-{round}-{number}");
                let body = format!(
                    "{{\"symbol\":\"BTC/USD\",\"qty\":\"0.0001\",\"side\":\"buy\",\"type\":\"market\",\
                     \"time_in_force\":\"gtc\",\"client_order_id\":\"{id}\"}}"
                );
                if !Exchange::order(&address, &body) || sender.send(id).is_err() {
                    return;
                }
            }
        });
        answered.extend(orders.iter().take(5 + 4 * round));
        exchange.kill();
        answered.extend(orders.iter());
        trader.join().unwrap();

        let exchange = Exchange::start(&arguments);
        let before = books(&exchange);
        for id in &answered {
            assert!(before[0].contains(&format!("\"{id}\"")), "{id} is gone after round {round}");
        }
        assert_eq!(exchange.stop(), Some(0));
        let exchange = Exchange::start(&arguments);
        let after = books(&exchange);
        let fills = |text: &str| text.matches("\"activity_type\":\"FILL\"").count();
        assert!(fills(&after[1]) >= fills(&before[1]), "a stop loses nothing either");
        assert_eq!(
            after[0].matches("client_order_id").count(),
            before[0].matches("client_order_id").count()
        );
        exchange.kill();
    }
    assert!(answered.len() >= 5 + 9 + 13 + 17 + 21, "{}", answered.len());
}

#[test]
fn the_admin_port_and_a_fault_plan_come_with_flags() {
    let directory = tempfile::tempdir().unwrap();
    let file = |name: &str, text: &str| {
        let path = directory.path().join(name);
        std::fs::write(&path, text).unwrap();
        path.to_str().unwrap().to_owned()
    };
    let plan = file(
        "plan.toml",
        "seed = 3\n[[fault]]\ninject = { kind = \"server_error\", status = 503 }\n\
         scope = { path = \"/v2/clock\" }\ntrigger = { count = 1 }\n",
    );
    let token = file("token", "a-token-that-nobody-guesses\n");
    let admin = ["--admin-listen", "127.0.0.1:0", "--admin-token-file", &token];
    let start = ["--ephemeral", "--faults", &plan, "--start", "2026-03-02T15:00:00Z"];
    let exchange = Exchange::start(&[&start[..], &admin].concat());
    let first = exchange.get("/v2/clock", "PKVENUEDEMO", "venue-demo-secret");
    assert!(first.starts_with("HTTP/1.1 503"), "{first}");
    assert!(exchange.body("/v2/clock").contains("2026-03-02T10:0"));
    assert_eq!(exchange.stop(), Some(0));

    let wrong = file("wrong.toml", "[[fault]]\ninject = { kind = \"earthquake\" }\n");
    let (status, _, stderr) = outcome(troupe(&["venue", "--ephemeral", "--faults", &wrong]));
    assert_eq!(status, 1);
    assert!(stderr.contains("wrong.toml") && stderr.contains("earthquake"), "{stderr}");
    let (status, _, stderr) =
        outcome(troupe(&["venue", "--ephemeral", "--admin-listen", "0.0.0.0:0"]));
    assert_eq!(status, 1);
    assert!(stderr.contains("admin_listen"), "{stderr}");
}
