//! The embedded cluster: each trap its prototype fell into.
//!
//! As root (containers, CI) postgres runs as another user or in a user namespace; as a normal user
//! it runs as that user. The tests hold for both and assert what applies.
#![expect(clippy::unwrap_used, reason = "a test may panic, and so may its helpers")]

use std::fs;
use std::os::unix::fs::{MetadataExt, PermissionsExt, symlink};
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::Duration;

use sqlx::{Connection, Executor};
use storage::{Durability, EmbeddedPostgres, PgConnection};
use tempfile::TempDir;

use crate::support::poll_until;

fn start(dir: &Path) -> EmbeddedPostgres {
    EmbeddedPostgres::start(dir, Durability::Test).unwrap()
}

fn start_error(dir: &Path) -> storage::EmbeddedError {
    EmbeddedPostgres::start(dir, Durability::Test).map(drop).unwrap_err()
}

async fn connect(server: &EmbeddedPostgres) -> PgConnection {
    PgConnection::connect(&server.url("postgres")).await.unwrap()
}

async fn write_row(server: &EmbeddedPostgres) {
    let mut connection = connect(server).await;
    connection.execute("create table if not exists kept (n bigint)").await.unwrap();
    connection.execute("insert into kept values (1)").await.unwrap();
    connection.close().await.unwrap();
}

async fn rows(server: &EmbeddedPostgres) -> i64 {
    let mut connection = connect(server).await;
    let count = sqlx::query_scalar("select count(*) from kept").fetch_one(&mut connection).await;
    connection.close().await.unwrap();
    count.unwrap()
}

fn set_mode(path: &Path, mode: u32) {
    fs::set_permissions(path, fs::Permissions::from_mode(mode)).unwrap();
}

fn owner(path: &Path) -> u32 {
    fs::metadata(path).unwrap().uid()
}

fn is_root(dir: &TempDir) -> bool {
    owner(dir.path()) == 0
}

#[tokio::test]
async fn a_cluster_keeps_its_rows_from_start_to_start_and_is_safe_against_power_cuts() {
    let dir = tempfile::tempdir().unwrap();
    let mut server = EmbeddedPostgres::start(dir.path(), Durability::Production).unwrap();
    write_row(&server).await;
    let mut connection = connect(&server).await;
    for (setting, expected) in [
        ("fsync", "on"),
        ("synchronous_commit", "on"),
        ("full_page_writes", "on"),
        ("data_checksums", "on"),
        ("listen_addresses", ""),
    ] {
        let value: String = sqlx::query_scalar("select current_setting($1)")
            .bind(setting)
            .fetch_one(&mut connection)
            .await
            .unwrap();
        assert_eq!(value, expected, "{setting}");
    }
    connection.close().await.unwrap();
    server.stop().unwrap();
    assert!(server.exited().is_some());
    server.stop().unwrap();
    drop(server);
    let server = EmbeddedPostgres::start(dir.path(), Durability::Production).unwrap();
    assert!(!server.is_reattached());
    assert_eq!(rows(&server).await, 1);
}

#[tokio::test]
async fn in_a_directory_open_to_all_root_runs_postgres_as_another_user() {
    let dir = tempfile::tempdir().unwrap();
    set_mode(dir.path(), 0o755);
    let server = start(&dir.path().join("pg"));
    let process_owner = owner(Path::new(&format!("/proc/{}", server.pid())));
    let data_owner = owner(&dir.path().join("pg/data"));
    assert_eq!(process_owner, data_owner);
    // Files we make are root's exactly when we are root.
    assert_eq!(data_owner != owner(dir.path()), is_root(&dir));
    assert_eq!(fs::metadata(dir.path().join("pg/run")).unwrap().mode() & 0o777, 0o700);
    write_row(&server).await;
}

#[tokio::test]
async fn below_a_directory_closed_to_others_root_runs_postgres_in_a_user_namespace() {
    let dir = tempfile::tempdir().unwrap();
    set_mode(dir.path(), 0o700);
    let server = start(&dir.path().join("pg"));
    // Root's namespace maps root to a normal user inside: outside, the files stay root's.
    assert_eq!(owner(&dir.path().join("pg/data")), owner(dir.path()));
    let namespace = |process: &str| fs::read_link(format!("/proc/{process}/ns/user")).unwrap();
    let apart = namespace(&server.pid().to_string()) != namespace("self");
    assert_eq!(apart, is_root(&dir));
    write_row(&server).await;
}

#[tokio::test]
async fn data_made_in_one_way_is_taken_over_when_another_way_is_needed() {
    let dir = tempfile::tempdir().unwrap();
    for mode in [0o700, 0o755, 0o700] {
        set_mode(dir.path(), mode);
        let mut server = start(&dir.path().join("pg"));
        write_row(&server).await;
        server.stop().unwrap();
    }
    let server = start(&dir.path().join("pg"));
    assert_eq!(rows(&server).await, 3);
}

#[tokio::test]
async fn a_stale_pid_file_that_names_a_living_program_does_not_stop_the_start() {
    let dir = tempfile::tempdir().unwrap();
    let mut server = start(dir.path());
    write_row(&server).await;
    let pid_file = dir.path().join("data/postmaster.pid");
    let running = fs::read_to_string(&pid_file).unwrap();
    server.stop().unwrap();
    drop(server);
    // After a reboot: the file of a server that was ready, its id now ours.
    let rest = running.split_once('\n').unwrap().1;
    fs::write(&pid_file, format!("{}\n{rest}", std::process::id())).unwrap();
    let server = start(dir.path());
    assert!(!server.is_reattached());
    assert_eq!(rows(&server).await, 1);
}

#[tokio::test]
async fn pid_and_lock_files_emptied_by_a_power_cut_do_not_stop_the_start() {
    let dir = tempfile::tempdir().unwrap();
    let mut server = start(dir.path());
    write_row(&server).await;
    server.stop().unwrap();
    drop(server);
    fs::write(dir.path().join("data/postmaster.pid"), "").unwrap();
    fs::write(dir.path().join("run/.s.PGSQL.5432.lock"), "").unwrap();
    let server = start(dir.path());
    assert_eq!(rows(&server).await, 1);
}

#[tokio::test]
async fn a_second_engine_on_the_directory_is_refused_and_the_first_goes_on() {
    let dir = tempfile::tempdir().unwrap();
    let server = start(dir.path());
    let error = start_error(dir.path());
    assert_eq!(error.code(), "embedded_already_in_use");
    assert!(error.to_string().contains("another engine"), "{error}");
    write_row(&server).await;
    assert_eq!(rows(&server).await, 1);
}

#[tokio::test]
async fn a_path_too_long_for_a_socket_and_full_of_odd_signs_works() {
    let dir = tempfile::tempdir().unwrap();
    let long = dir.path().join("a b%20&c?d#e/".repeat(12));
    let mut server = start(&long);
    write_row(&server).await;
    let first_url = server.url("postgres");
    assert!(!long.join("run").exists());
    server.stop().unwrap();
    drop(server);
    let server = start(&long);
    assert_eq!(server.url("postgres"), first_url);
    assert_eq!(rows(&server).await, 1);
    drop(server);
    let socket_dir = first_url.split_once("host=").unwrap().1;
    assert!(socket_dir.starts_with(std::env::temp_dir().to_str().unwrap()), "{socket_dir}");
    fs::remove_dir_all(socket_dir).unwrap();
}

#[tokio::test]
async fn a_path_through_a_symbolic_link_is_the_same_cluster() {
    let dir = tempfile::tempdir().unwrap();
    let server = start(&dir.path().join("pg"));
    symlink(dir.path().join("pg"), dir.path().join("link")).unwrap();
    assert_eq!(start_error(&dir.path().join("link")).code(), "embedded_already_in_use");
    drop(server);
}

#[tokio::test]
async fn data_of_another_major_version_is_refused_and_left_alone() {
    let dir = tempfile::tempdir().unwrap();
    let data = dir.path().join("data");
    fs::create_dir(&data).unwrap();
    fs::write(data.join("PG_VERSION"), "9\n").unwrap();
    let error = start_error(dir.path());
    assert_eq!(error.code(), "embedded_other_major_version");
    assert!(error.to_string().contains("made by PostgreSQL 9"), "{error}");
    assert_eq!(fs::read_to_string(data.join("PG_VERSION")).unwrap(), "9\n");
    fs::write(data.join("PG_VERSION"), "what").unwrap();
    assert_eq!(start_error(dir.path()).code(), "embedded_data_damaged");
    fs::remove_file(data.join("PG_VERSION")).unwrap();
    assert_eq!(start_error(dir.path()).code(), "embedded_data_damaged");
}

#[tokio::test]
async fn a_half_finished_initdb_is_made_again() {
    let dir = tempfile::tempdir().unwrap();
    fs::create_dir_all(dir.path().join("data.tmp/base")).unwrap();
    fs::write(dir.path().join("data.tmp/PG_VERSION"), "15\n").unwrap();
    let server = start(dir.path());
    assert!(!dir.path().join("data.tmp").exists());
    write_row(&server).await;
}

#[tokio::test]
async fn a_server_that_cannot_start_says_why() {
    let dir = tempfile::tempdir().unwrap();
    let mut server = start(dir.path());
    server.stop().unwrap();
    drop(server);
    let settings = dir.path().join("data/postgresql.auto.conf");
    fs::write(&settings, "no_such_setting = 7\n").unwrap();
    let error = start_error(dir.path());
    assert_eq!(error.code(), "embedded_start_failed");
    assert!(error.to_string().contains("no_such_setting"), "{error}");
}

#[tokio::test]
async fn a_server_outlives_the_thread_that_started_it_and_ignores_our_terminal() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().to_owned();
    let server = std::thread::spawn(move || start(&path)).join().unwrap();
    // The kernel's signal would come at once, and the shutdown take a tenth of a second.
    let mut notice = server.exit_notice();
    let ended = tokio::time::timeout(Duration::from_millis(700), notice.changed()).await;
    assert!(ended.is_err(), "the server ended with the thread");
    let stat = fs::read_to_string(format!("/proc/{}/stat", server.pid())).unwrap();
    // After the name in brackets: state, parent, process group, session.
    let session = stat.rsplit_once(')').unwrap().1.split_whitespace().nth(3).unwrap();
    assert_eq!(session, server.pid().to_string());
    write_row(&server).await;
}

#[tokio::test]
async fn the_engine_learns_that_postgres_died_and_starts_it_again_with_its_rows() {
    let dir = tempfile::tempdir().unwrap();
    let mut server = EmbeddedPostgres::start(dir.path(), Durability::Production).unwrap();
    write_row(&server).await;
    let url = server.url("postgres");
    let mut notice = server.exit_notice();
    assert_eq!(server.exited(), None);
    kill_hard(server.pid());
    let told = notice.wait_for(Option::is_some);
    tokio::time::timeout(Duration::from_secs(10), told).await.unwrap().unwrap();
    assert!(server.exited().is_some());
    server.restart().unwrap();
    assert_eq!((server.exited(), server.url("postgres")), (None, url));
    assert_eq!(rows(&server).await, 1);
}

#[tokio::test]
async fn an_engine_killed_hard_loses_no_acknowledged_row_and_takes_postgres_with_it() {
    if let Some(dir) = std::env::var_os(OWNER_DIR) {
        return commit_rows_until_killed(Path::new(&dir)).await;
    }
    let dir = tempfile::tempdir().unwrap();
    let name =
        "embedded::an_engine_killed_hard_loses_no_acknowledged_row_and_takes_postgres_with_it";
    for _ in 0..3 {
        let mut owner = Command::new(std::env::current_exe().unwrap())
            .args(["--exact", name])
            .env(OWNER_DIR, dir.path())
            .stdout(Stdio::null())
            .spawn()
            .unwrap();
        let before = acknowledged(dir.path());
        let written = || acknowledged(dir.path()) >= before + 50;
        poll_until("the owner to commit rows", written).await;
        owner.kill().unwrap();
        owner.wait().unwrap();
        let acknowledged = acknowledged(dir.path());
        let server =
            EmbeddedPostgres::start(&dir.path().join("pg"), Durability::Production).unwrap();
        let kept = rows(&server).await;
        assert!(kept >= acknowledged, "{acknowledged} rows acknowledged, {kept} kept");
        assert!(kept <= acknowledged + 1, "{acknowledged} rows acknowledged, {kept} kept");
    }
}

const OWNER_DIR: &str = "TROUPE_TEST_OWNER_DIR";

/// The other side of the test above, in a process of its own.
async fn commit_rows_until_killed(dir: &Path) {
    let server = EmbeddedPostgres::start(&dir.join("pg"), Durability::Production).unwrap();
    write_and_acknowledge(dir, &server).await;
}

async fn write_and_acknowledge(dir: &Path, server: &EmbeddedPostgres) {
    let mut connection = connect(server).await;
    connection.execute("create table if not exists kept (n bigint)").await.unwrap();
    // Ends by itself when the test that should kill it is gone.
    for _ in 0..100_000 {
        let count: i64 = sqlx::query_scalar(
            "with added as (insert into kept values (1) returning n) \
             select (select count(*) from kept) + (select count(*) from added)",
        )
        .fetch_one(&mut connection)
        .await
        .unwrap();
        // Renamed into place: a torn number would be read as a small one.
        fs::write(dir.join("acknowledged.new"), count.to_string()).unwrap();
        fs::rename(dir.join("acknowledged.new"), dir.join("acknowledged")).unwrap();
    }
}

fn acknowledged(dir: &Path) -> i64 {
    fs::read_to_string(dir.join("acknowledged")).map_or(0, |text| text.parse().unwrap())
}

fn kill_hard(pid: i32) {
    let status = Command::new("kill").args(["-KILL", &pid.to_string()]).status().unwrap();
    assert!(status.success());
}
