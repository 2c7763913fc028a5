//! The embedded cluster all test processes share, and the watcher that stops it.
//!
//! Each process that uses it leaves a file named by its id in `users/`. A shell script, started
//! with the server, looks after them: files of processes that are gone are removed, and when none
//! has been there for a while, the server is stopped. The race between a process that comes and the
//! watcher that goes is settled by order: the process writes its file and then looks for
//! `stopping`; the watcher writes `stopping` and then looks for files.

use std::fs::{self, File, OpenOptions};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::str::FromStr;
use std::sync::OnceLock;
use std::time::Duration;

use sqlx::postgres::PgConnectOptions;
use sqlx::{AssertSqlSafe, ConnectOptions, Connection, Executor};

use crate::embedded::parts::{Cluster, Deadline, Lifetime, leave_terminal};
use crate::embedded::{Durability, EmbeddedError};

/// Starts or joins the shared cluster; answers the URL of its maintenance database.
pub(super) fn join() -> Result<String, EmbeddedError> {
    static JOINED: OnceLock<String> = OnceLock::new();
    if let Some(url) = JOINED.get() {
        return Ok(url.clone());
    }
    let place = Place::new();
    fs::create_dir_all(place.users())
        .map_err(EmbeddedError::io("cannot create", &place.users()))?;
    let own = place.users().join(std::process::id().to_string());
    fs::write(&own, "").map_err(EmbeddedError::io("cannot write", &own))?;
    // Without effect when the watcher finds our file and thinks better of it.
    Deadline::after(STOPPING_PATIENCE).wait_until(|| !place.stopping().exists());

    let _lock = place.lock()?;
    let cluster = Cluster::prepare(place.cluster()?, Durability::Test)?;
    let server = match cluster.start_or_attach(Lifetime::UntilStopped) {
        // Without fsync a power cut leaves data that cannot be started; nobody misses it.
        Err(EmbeddedError::StartFailed { .. }) => {
            let data = place.root.join("cluster/data");
            fs::remove_dir_all(&data).map_err(EmbeddedError::io("cannot remove", &data))?;
            Cluster::prepare(place.cluster()?, Durability::Test)?
                .start_or_attach(Lifetime::UntilStopped)?
        }
        started => started?,
    };
    if !server.is_reattached() {
        place.start_watcher(server.pid())?;
        // What killed tests left. Best effort: a database too many harms no test.
        drop(drop_leftovers(&cluster.url("postgres")));
    }
    Ok(JOINED.get_or_init(|| cluster.url("postgres")).clone())
}

/// Drops the databases of tests; the caller holds the start lock of a server nobody uses yet.
fn drop_leftovers(url: &str) -> Result<(), sqlx::Error> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    runtime.block_on(async {
        let mut connection = PgConnectOptions::from_str(url)?.connect().await?;
        let names: Vec<String> =
            sqlx::query_scalar("select datname from pg_database where datname like 't\\_%'")
                .fetch_all(&mut connection)
                .await?;
        for name in names {
            let sql = format!("drop database if exists {name} with (force)");
            connection.execute(AssertSqlSafe(sql)).await?;
        }
        connection.close().await
    })
}

/// Stops the shared cluster now, if it runs; tests that still use it fail.
pub fn stop_shared_cluster() -> Result<(), EmbeddedError> {
    let place = Place::new();
    if !place.root.join("cluster/data/PG_VERSION").exists() {
        return Ok(());
    }
    let _lock = place.lock()?;
    let cluster = Cluster::prepare(place.cluster()?, Durability::Test)?;
    match cluster.running()? {
        Some(mut server) => server.stop(),
        None => Ok(()),
    }
}

struct Place {
    root: PathBuf,
}

impl Place {
    /// Beside the build's output: where this program was built, or where cargo builds.
    fn new() -> Self {
        let named = std::env::var_os("CARGO_TARGET_DIR").map(PathBuf::from);
        let target = named.or_else(target_of_this_program).unwrap_or_else(std::env::temp_dir);
        Self { root: target.join("test-postgres") }
    }

    fn users(&self) -> PathBuf {
        self.root.join("users")
    }

    fn stopping(&self) -> PathBuf {
        self.root.join("stopping")
    }

    fn cluster(&self) -> Result<PathBuf, EmbeddedError> {
        let dir = self.root.join("cluster");
        fs::create_dir_all(&dir).map_err(EmbeddedError::io("cannot create", &dir))?;
        fs::canonicalize(&dir).map_err(EmbeddedError::io("cannot open", &dir))
    }

    /// One process at a time starts, joins or stops.
    fn lock(&self) -> Result<File, EmbeddedError> {
        let path = self.root.join("start.lock");
        let file = OpenOptions::new()
            .create(true)
            .truncate(false)
            .write(true)
            .open(&path)
            .map_err(EmbeddedError::io("cannot open", &path))?;
        file.lock().map_err(EmbeddedError::io("cannot lock", &path))?;
        Ok(file)
    }

    fn start_watcher(&self, server_pid: i32) -> Result<(), EmbeddedError> {
        let mut command = Command::new("sh");
        command.arg("-c").arg(WATCHER).arg("test-postgres-watcher");
        command.arg(&self.root).arg(server_pid.to_string()).arg(IDLE_SECONDS.to_string());
        command.current_dir("/").stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
        leave_terminal(&mut command);
        // Not waited for: it outlives this process, as the server does.
        command.spawn().map(drop).map_err(EmbeddedError::io("cannot run", Path::new("sh")))
    }
}

/// Long enough for nextest to get from one test to the next on a busy machine.
const IDLE_SECONDS: u32 = 10;
const STOPPING_PATIENCE: Duration = Duration::from_secs(40);

const WATCHER: &str = r#"
root=$1 server=$2 idle_max=$3 idle=0
anybody() {
    found=1
    for file in "$root"/users/*; do
        [ -e "$file" ] || continue
        if kill -0 "${file##*/}" 2>/dev/null; then found=0; else rm -f "$file"; fi
    done
    return $found
}
while kill -0 "$server" 2>/dev/null; do
    if anybody; then idle=0; else idle=$((idle + 1)); fi
    if [ "$idle" -ge "$idle_max" ]; then
        : > "$root/stopping"
        if anybody; then
            rm -f "$root/stopping"
            idle=0
        else
            kill -INT "$server"
            # Not for ever: where nobody reaps it, the id stays.
            left=30
            while [ "$left" -gt 0 ] && kill -0 "$server" 2>/dev/null; do
                left=$((left - 1))
                sleep 1
            done
            break
        fi
    fi
    sleep 1
done
rm -f "$root/stopping"
"#;

/// `target` of `target/debug/deps/it-0123`.
fn target_of_this_program() -> Option<PathBuf> {
    let program = std::env::current_exe().ok()?;
    let profile = program.ancestors().find(|dir| dir.join(".fingerprint").is_dir())?;
    profile.parent().map(Path::to_owned)
}

#[cfg(test)]
mod tests {
    use std::fs;
    use std::os::unix::process::ExitStatusExt;
    use std::process::{Child, Command};
    use std::time::Duration;

    use super::{Deadline, WATCHER};

    #[test]
    fn the_watcher_stops_the_server_when_the_last_user_is_gone_and_not_before() {
        let root = tempfile::tempdir().unwrap();
        let users = root.path().join("users");
        fs::create_dir(&users).unwrap();
        let mut gone = Command::new("true").spawn().unwrap();
        gone.wait().unwrap();
        let of_gone = users.join(gone.id().to_string());
        let of_us = users.join(std::process::id().to_string());
        for file in [&of_gone, &of_us] {
            fs::write(file, "").unwrap();
        }
        let mut server = Command::new("sleep").arg("600").spawn().unwrap();
        let pid = server.id().to_string();
        let mut watcher = Command::new("sh")
            .args(["-c", WATCHER, "watcher"])
            .arg(root.path())
            .args([pid.as_str(), "1"])
            .spawn()
            .unwrap();

        let patience = || Deadline::after(Duration::from_secs(20));
        assert!(patience().wait_until(|| !of_gone.exists()));
        assert!(of_us.exists() && !ended(&mut server) && !ended(&mut watcher));
        fs::remove_file(&of_us).unwrap();
        assert!(patience().wait_until(|| ended(&mut server)));
        assert_eq!(server.wait().unwrap().signal(), Some(2));
        assert!(patience().wait_until(|| ended(&mut watcher)));
        assert!(!root.path().join("stopping").exists());
    }

    fn ended(child: &mut Child) -> bool {
        child.try_wait().is_ok_and(|status| status.is_some())
    }
}
