//! Guests with a folder, on their way out of it or beyond their share of it.

use super::hostile;
use super::room::{Room, Tool, alone};
use serde_json::{Value, json};
use std::os::unix::fs::symlink;
use std::path::Path;
use std::time::Duration;
use tempfile::TempDir;

hostile! {
    fs_open => |name| alone(no_path_leads_out(name));
    fs_make_links => |name| alone(no_links_are_made(name));
    fs_fill_the_disk => |name| alone(the_disk_fills_to_the_quota(name));
    fs_million_files => |name| alone(files_are_made_to_the_quota(name));
    fs_sparse_file => |name| alone(empty_space_counts(name));
    fs_100k_opens => |name| alone(opens_are_counted(name));
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
