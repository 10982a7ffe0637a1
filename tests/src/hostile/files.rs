//! Guests with a folder, on their way out of it or beyond their share of it.

use super::hostile;
use super::room::{Room, Tool, alone};
use crate::support::PATIENCE;
use rustix::fs::{CWD, RenameFlags, renameat_with};
use serde_json::{Value, json};
use std::os::unix::fs::symlink;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};
use tempfile::TempDir;

hostile! {
    fs_open => |name| alone(no_path_leads_out(name));
    fs_make_links => |name| alone(no_links_are_made(name));
    fs_fill_the_disk => |name| alone(the_disk_fills_to_the_quota(name));
    fs_million_files => |name| alone(files_are_made_to_the_quota(name));
    fs_sparse_file => |name| alone(empty_space_counts(name));
    fs_100k_opens => |name| alone(opens_are_counted(name));
    fs_symlink_race => |name| alone(a_race_for_a_link_is_never_won(name));
}

// Places in `error-code`.
const QUOTA: u64 = 6;
const NO_ENTRY: u64 = 20;
const INSUFFICIENT_MEMORY: u64 = 22;
const OPENED: u64 = 100;

/// A gate where the guest has `folder` as `/work`.
async fn room(name: &str, folder: &Path, more: &str) -> Room {
    let grant =
        format!("[[tools.{name}.grants.fs]]\nhost = \"{}\"\nguest = \"/work\"\n{more}", folder.display());
    Room::open(&[Tool::guest(name).with(&grant)]).await.expect("the gate opens")
}

async fn number(room: &Room, name: &str, arguments: Value) -> u64 {
    let outcome = tokio::time::timeout(Duration::from_secs(20), room.run.call(name, arguments)).await;
    let outcome = outcome.expect("no open blocks");
    outcome.output.as_ref().and_then(Value::as_u64).unwrap_or_else(|| panic!("it completes: {outcome:?}"))
}

fn a_folder() -> TempDir {
    tempfile::tempdir().expect("a temporary folder")
}

const READ_WRITE: &str = "access = \"read-write\"\nbytes_max = \"1MiB\"\nfiles_max = 10";

/// The same answer for what is refused and for what is not there.
async fn no_path_leads_out(name: &str) {
    let (outside, inside) = (a_folder(), a_folder());
    std::fs::write(outside.path().join("secret"), "s").expect("writable");
    std::fs::create_dir(inside.path().join("sub")).expect("writable");
    std::fs::write(inside.path().join("mine"), "m").expect("writable");
    symlink(outside.path(), inside.path().join("away")).expect("a link");
    symlink(outside.path().join("secret"), inside.path().join("leak")).expect("a link");
    symlink("../mine", inside.path().join("sub/near")).expect("a link");
    symlink("turn", inside.path().join("turn")).expect("a link");
    let fifo = inside.path().join("fifo");
    assert!(std::process::Command::new("mkfifo").arg(&fifo).status().expect("mkfifo runs").success());
    let _socket = std::os::unix::net::UnixListener::bind(inside.path().join("socket")).expect("a socket");
    let room = room(name, inside.path(), "").await;
    for path in ["mine", "./mine", "sub/../mine", "sub/./../mine", "sub//../mine"] {
        assert_eq!(number(&room, name, json!({"path": path})).await, OPENED, "{path}");
    }
    let (out, home) =
        (outside.path().display().to_string(), inside.path().file_name().expect("a name").to_string_lossy());
    let absolute = format!("{out}/secret");
    let up_and_back = format!("../{home}/mine");
    let away = format!("sub/../../../../../../../..{out}/secret");
    let deep = "../".repeat(100) + "etc/passwd";
    for path in [
        "..",
        "../",
        "../mine",
        "sub/../..",
        "sub/../../etc/passwd",
        "/",
        "/etc/passwd",
        "/work/mine",
        "//mine",
        "/proc/self/environ",
        "away",
        "away/secret",
        "leak",
        "sub/near",
        "turn",
        "fifo",
        "socket",
        "missing",
        "",
        "..%2fmine",
        "..\\mine",
        "....//mine",
        "sub/..;/mine",
        "．．/mine",
        "mine/../../mine",
        &absolute,
        &up_and_back,
        &away,
        &deep,
    ] {
        assert_eq!(number(&room, name, json!({"path": path})).await, NO_ENTRY, "{path}");
    }
    room.good_call().await;
}

async fn no_links_are_made(name: &str) {
    let inside = a_folder();
    std::fs::write(inside.path().join("mine"), "m").expect("writable");
    let room = room(name, inside.path(), READ_WRITE).await;
    for path in ["mine", "/etc/passwd", ".."] {
        assert!(number(&room, name, json!({"path": path})).await > 0);
        assert!(inside.path().join("link").symlink_metadata().is_err(), "{path}");
    }
    room.good_call().await;
}

async fn the_disk_fills_to_the_quota(name: &str) {
    let inside = a_folder();
    let room = room(name, inside.path(), READ_WRITE).await;
    assert_eq!(number(&room, name, json!({})).await, QUOTA);
    assert_eq!(std::fs::metadata(inside.path().join("big")).expect("it was made").len(), 1 << 20);
    room.good_call().await;
}

async fn files_are_made_to_the_quota(name: &str) {
    let inside = a_folder();
    let room = room(name, inside.path(), READ_WRITE).await;
    assert_eq!(number(&room, name, json!({})).await, QUOTA);
    assert_eq!(std::fs::read_dir(inside.path()).expect("readable").count(), 10);
    room.good_call().await;
}

async fn empty_space_counts(name: &str) {
    let inside = a_folder();
    let room = room(name, inside.path(), READ_WRITE).await;
    assert_eq!(number(&room, name, json!({})).await, 2 * QUOTA);
    assert_eq!(std::fs::metadata(inside.path().join("sparse")).expect("it was made").len(), 0);
    room.good_call().await;
}

async fn opens_are_counted(name: &str) {
    let inside = a_folder();
    let room = room(name, inside.path(), "").await;
    let open_before = std::fs::read_dir("/proc/self/fd").expect("Linux has it").count();
    assert_eq!(number(&room, name, json!({})).await, INSUFFICIENT_MEMORY);
    let open_after = std::fs::read_dir("/proc/self/fd").expect("Linux has it").count();
    assert!(open_after <= open_before + 8, "{open_before} open before, {open_after} after");
    room.good_call().await;
}

/// Swaps two names for as long as it lives. At every moment each of them stands for something.
struct Swapper {
    stop: Arc<AtomicBool>,
    thread: Option<JoinHandle<()>>,
}

impl Swapper {
    fn start(one: PathBuf, other: PathBuf) -> Self {
        let stop = Arc::new(AtomicBool::new(false));
        let stopped = Arc::clone(&stop);
        let swap = move || {
            while !stopped.load(Ordering::Relaxed) {
                renameat_with(CWD, &one, CWD, &other, RenameFlags::EXCHANGE).expect("they swap");
            }
        };
        Self { stop, thread: Some(std::thread::spawn(swap)) }
    }
}

impl Drop for Swapper {
    fn drop(&mut self) {
        self.stop.store(true, Ordering::Relaxed);
        let ended = self.thread.take().map(JoinHandle::join);
        assert!(std::thread::panicking() || ended.is_some_and(|ended| ended.is_ok()), "the swaps failed");
    }
}

/// One folder of the path turns into a link out of the grant and back all the time. Whoever follows links reads the
/// secret now and then, as this test does; the guest reads its own file or finds nothing.
async fn a_race_for_a_link_is_never_won(name: &str) {
    let (outside, inside) = (a_folder(), a_folder());
    let path = inside.path().join("dir/secret");
    std::fs::write(outside.path().join("secret"), "outside").expect("writable");
    std::fs::create_dir(inside.path().join("dir")).expect("writable");
    std::fs::write(&path, "inside").expect("writable");
    symlink(outside.path(), inside.path().join("lure")).expect("a link");
    let room = room(name, inside.path(), "").await;
    let swapper = Swapper::start(inside.path().join("dir"), inside.path().join("lure"));
    let (started, mut raced, mut naive) = (Instant::now(), 0, 0);
    while raced < 5 || naive < 5 {
        assert!(started.elapsed() < PATIENCE, "no race: {raced} calls saw both, {naive} reads went out");
        let sum = number(&room, name, json!({"path": "dir/secret"})).await;
        let (secret, own, refused) = (sum / 1_000_000_000_000, sum / 1_000_000 % 1_000_000, sum % 1_000_000);
        assert_eq!((secret, own + refused), (0, 500), "{own} opens found its own file, {refused} nothing");
        raced += u32::from(own > 0 && refused > 0);
        naive += u32::from(std::fs::read(&path).expect("both are readable") == b"outside");
    }
    drop(swapper);
    room.good_call().await;
}
