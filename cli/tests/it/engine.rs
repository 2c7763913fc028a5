//! The whole engine as a process: trading, killed, started again, refused, replayed.
#![expect(clippy::unwrap_used, clippy::panic, reason = "a test may panic")]
#![expect(clippy::disallowed_methods, reason = "it waits for another process")]

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::io::{BufRead, BufReader, Read, Write as _};
use std::net::{TcpListener, TcpStream};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use serde_json::Value;

use crate::binary::{outcome, troupe};

/// Longest wait for something that must happen.
const PATIENCE: Duration = Duration::from_mins(2);

const VENUE_KEYS: &[(&str, &str)] =
    &[("apca-api-key-id", "PKVENUEDEMO"), ("apca-api-secret-key", "venue-demo-secret")];

/// A running `troupe run`; killed when the test ends early.
struct Engine {
    process: Child,
    log: Arc<Mutex<Vec<String>>>,
    data_dir: PathBuf,
}

impl Engine {
    fn start(data_dir: &Path, arguments: &[&str]) -> Self {
        let mut command =
            troupe(&["run", "--listen", "127.0.0.1:0", "--venue-listen", "127.0.0.1:0"]);
        command.args(["--data-dir", data_dir.to_str().unwrap()]).args(arguments);
        let mut process = command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
        let log = Arc::new(Mutex::new(Vec::new()));
        for pipe in [
            Box::new(process.stderr.take().unwrap()) as Box<dyn Read + Send>,
            Box::new(process.stdout.take().unwrap()),
        ] {
            let log = Arc::clone(&log);
            std::thread::spawn(move || {
                for line in BufReader::new(pipe).lines().map_while(Result::ok) {
                    log.lock().unwrap().push(line);
                }
            });
        }
        Self { process, log, data_dir: data_dir.to_owned() }
    }

    /// Lines of the log, and of stdout, that hold this text.
    fn lines(&self, text: &str) -> Vec<String> {
        let log = self.log.lock().unwrap();
        log.iter().filter(|line| line.contains(text)).cloned().collect()
    }

    /// Waits until so many lines hold this text.
    fn wait_for(&self, text: &str, count: usize) -> Vec<String> {
        wait(|| {
            let lines = self.lines(text);
            (lines.len() >= count).then_some(lines)
        })
        .unwrap_or_else(|| panic!("never {count} times `{text}`: {:#?}", self.log.lock().unwrap()))
    }

    fn address(&self, text: &str) -> String {
        let lines = self.wait_for(text, 1);
        let rest = lines[0].split("http://").nth(1).unwrap();
        rest.split([' ', '\u{1b}']).next().unwrap().to_owned()
    }

    fn gateway(&self) -> String {
        self.address("troupe serves http://")
    }

    fn venue(&self) -> String {
        self.address("venue on http://")
    }

    /// The demo user's bearer token.
    fn token(&self) -> String {
        let password = std::fs::read_to_string(self.data_dir.join("demo-password")).unwrap();
        let body =
            serde_json::json!({ "username": "demo", "password": password.trim() }).to_string();
        let answer = http(&self.gateway(), "POST", "/v1/auth/login", &[], &body);
        answer["access_token"].as_str().unwrap().to_owned()
    }

    fn signal(&self, name: &str) {
        let pid = self.process.id().to_string();
        assert!(Command::new("kill").args([name, &pid]).status().unwrap().success());
    }

    fn stop(mut self) -> Option<i32> {
        self.signal("-TERM");
        self.process.wait().unwrap().code()
    }
}

impl Drop for Engine {
    fn drop(&mut self) {
        // It may have ended by itself.
        self.process.kill().ok();
        self.process.wait().ok();
    }
}

fn wait<T>(mut look: impl FnMut() -> Option<T>) -> Option<T> {
    let end = Instant::now() + PATIENCE;
    while Instant::now() < end {
        if let Some(found) = look() {
            return Some(found);
        }
        std::thread::sleep(Duration::from_millis(50));
    }
    None
}

/// The JSON that a request is answered with.
fn http(address: &str, method: &str, path: &str, headers: &[(&str, &str)], body: &str) -> Value {
    let mut stream = TcpStream::connect(address).unwrap();
    stream.set_read_timeout(Some(Duration::from_secs(30))).unwrap();
    let mut request = format!(
        "{method} {path} HTTP/1.1\r\nhost: {address}\r\nconnection: close\r\n\
         content-type: application/json\r\ncontent-length: {}\r\n",
        body.len()
    );
    for (name, value) in headers {
        write!(request, "{name}: {value}\r\n").unwrap();
    }
    write!(stream, "{request}\r\n{body}").unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).unwrap();
    let body = answer.split("\r\n\r\n").nth(1).unwrap();
    serde_json::from_str(body).unwrap_or_else(|error| panic!("{error}: {answer}"))
}

/// Client order id → filled quantity, of what was filled at the venue.
fn filled_at_venue(engine: &Engine) -> BTreeMap<String, String> {
    let path = "/v2/orders?status=all&limit=500";
    let orders = http(&engine.venue(), "GET", path, VENUE_KEYS, "");
    let orders = orders.as_array().unwrap();
    assert!(orders.len() < 500, "more orders than one page: compare fewer");
    let filled = orders.iter().filter(|order| order["filled_qty"] != "0");
    let pair = |order: &Value| {
        let text = |name: &str| order[name].as_str().unwrap().to_owned();
        (text("client_order_id"), text("filled_qty"))
    };
    let pairs: Vec<_> = filled.map(pair).collect();
    let map: BTreeMap<_, _> = pairs.iter().cloned().collect();
    assert_eq!(map.len(), pairs.len(), "an id is at the venue twice");
    map
}

/// Order id → quantity, of what the history lists.
fn booked(engine: &Engine, bearer: &str) -> BTreeMap<String, String> {
    let headers = [("authorization", bearer)];
    let trades = http(&engine.gateway(), "GET", "/v1/trades/history?limit=1000", &headers, "");
    let mut sums: BTreeMap<String, rust_decimal::Decimal> = BTreeMap::new();
    for trade in trades["trades"].as_array().unwrap() {
        let quantity = trade["quantity"].to_string().parse::<rust_decimal::Decimal>().unwrap();
        *sums.entry(trade["order_id"].as_str().unwrap().to_owned()).or_default() += quantity;
    }
    let text = |(id, sum): (String, rust_decimal::Decimal)| (id, sum.normalize().to_string());
    sums.into_iter().map(text).collect()
}

/// Ends the demo config's trading and waits until nothing is open.
fn calm(engine: &Engine, bearer: &str) {
    let headers = [("authorization", bearer)];
    let configs = http(&engine.gateway(), "GET", "/v1/trading/configs", &headers, "");
    let id = configs["configs"][0]["id"].as_str().unwrap();
    let path = format!("/v1/trading/configs/{id}/deactivate");
    let answer = http(&engine.gateway(), "POST", &path, &headers, "");
    assert_eq!(answer["status"], "deactivated");
    wait(|| {
        let open = http(&engine.venue(), "GET", "/v2/orders?status=open", VENUE_KEYS, "");
        open.as_array().unwrap().is_empty().then_some(())
    })
    .unwrap();
}

#[test]
fn killed_while_trading_it_goes_on_with_a_whole_history_and_nothing_placed_twice() {
    let directory = tempfile::tempdir().unwrap();
    let fill = "fill ";
    for round in 0..3 {
        let engine = Engine::start(directory.path(), &["--always-open"]);
        engine.wait_for(fill, 4 + round);
        engine.signal("-KILL");
    }
    let engine = Engine::start(directory.path(), &["--always-open"]);
    engine.wait_for(fill, 4);
    let bearer = format!("Bearer {}", engine.token());
    calm(&engine, &bearer);
    let filled = filled_at_venue(&engine);
    let same = wait(|| (booked(&engine, &bearer) == filled).then_some(()));
    assert!(same.is_some(), "{:#?} is not {filled:#?}", booked(&engine, &bearer));
    assert!(filled.len() >= 8, "{filled:#?}");
    assert_eq!(engine.stop(), Some(0));
}

#[test]
fn the_embedded_database_may_end_under_it_and_trading_resumes() {
    let directory = tempfile::tempdir().unwrap();
    let engine = Engine::start(directory.path(), &["--always-open"]);
    engine.wait_for("fill ", 2);
    let file = directory.path().join("pg/data/postmaster.pid");
    let pid = std::fs::read_to_string(file).unwrap().lines().next().unwrap().to_owned();
    assert!(Command::new("kill").args(["-KILL", &pid]).status().unwrap().success());
    engine.wait_for("the embedded database runs again", 1);
    let before = engine.lines("fill ").len();
    engine.wait_for("fill ", before + 3);
    let bearer = format!("Bearer {}", engine.token());
    calm(&engine, &bearer);
    let filled = filled_at_venue(&engine);
    let same = wait(|| (booked(&engine, &bearer) == filled).then_some(()));
    assert!(same.is_some(), "{:#?} is not {filled:#?}", booked(&engine, &bearer));
    assert_eq!(engine.stop(), Some(0));
}

#[test]
fn a_recording_is_played_to_its_end_and_a_broken_line_is_named() {
    let (directory, tape) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    let mut rows = String::from("timestamp,open,high,low,close,volume\n");
    for day in 1..=28 {
        let close = 100.0 + 10.0 * (f64::from(day) / 3.0).sin();
        writeln!(rows, "2024-02-{day:02}T00:00:00Z,100,120,80,{close:.2},1000").unwrap();
    }
    for day in 1..=28 {
        let close = if day == 5 { "oops".to_owned() } else { format!("{}", 100 + day % 7 * 3) };
        writeln!(rows, "2024-03-{day:02}T00:00:00Z,100,130,80,{close},1000").unwrap();
    }
    std::fs::write(tape.path().join("ACME_1d.csv"), rows).unwrap();
    let path = tape.path().to_str().unwrap();
    let mut engine = Engine::start(directory.path(), &["--replay", path, "--speed", "max"]);
    assert_eq!(wait(|| engine.process.try_wait().unwrap()).unwrap().code(), Some(0));
    let summary = engine.wait_for("profit ", 1);
    assert!(summary[0].contains("USD"), "{summary:?}");
    assert!(engine.lines("55 bars, 0 trades, 0 quotes; 1 broken lines").len() == 1);
    let broken = engine.lines("ACME_1d.csv");
    assert!(
        broken.iter().any(|line| line.contains("34") && line.contains("close")),
        "file, line and column: {broken:?}"
    );
}

#[test]
fn a_port_in_use_is_named_and_nothing_is_started() {
    let directory = tempfile::tempdir().unwrap();
    let taken = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = taken.local_addr().unwrap().to_string();
    for (flag, other) in [("--listen", "--venue-listen"), ("--venue-listen", "--listen")] {
        let mut command = troupe(&["run", flag, &address, other, "127.0.0.1:0"]);
        command.args(["--data-dir", directory.path().to_str().unwrap()]);
        let (code, _, stderr) = outcome(command);
        assert_eq!(code, 1, "{stderr}");
        assert!(stderr.lines().last().unwrap().contains(&address), "{stderr}");
    }
}

#[test]
fn a_database_that_cannot_be_reached_is_named_without_its_password() {
    let directory = tempfile::tempdir().unwrap();
    let mut command = troupe(&["run", "--listen", "127.0.0.1:0", "--venue-listen", "127.0.0.1:0"]);
    command.args(["--data-dir", directory.path().to_str().unwrap()]);
    command.env("DATABASE_URL", "postgres://someone:hush@127.0.0.1:1/nowhere");
    let (code, _, stderr) = outcome(command);
    assert_eq!(code, 1, "{stderr}");
    let last = stderr.lines().last().unwrap();
    assert!(last.contains("127.0.0.1:1") && last.contains("DATABASE_URL"), "{stderr}");
    assert!(!stderr.contains("hush"), "{stderr}");
}

#[test]
fn a_second_engine_on_one_data_directory_is_refused() {
    let directory = tempfile::tempdir().unwrap();
    let engine = Engine::start(directory.path(), &["--always-open"]);
    engine.gateway();
    let mut command = troupe(&["run", "--listen", "127.0.0.1:0", "--venue-listen", "127.0.0.1:0"]);
    command.args(["--data-dir", directory.path().to_str().unwrap()]);
    let (code, _, stderr) = outcome(command);
    assert_eq!(code, 1, "{stderr}");
    assert!(stderr.lines().last().unwrap().contains("another engine"), "{stderr}");
    assert_eq!(engine.stop(), Some(0));
}
