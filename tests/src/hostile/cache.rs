//! The compiled cache: nothing that was tampered with is loaded, and nothing but the owner may tamper.

use super::room::alone;
use super::wat;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use tempfile::TempDir;
use toolgate::catalog::{Cache, Entry, digest};
use toolgate::sandbox::{compatibility, compile};
use toolgate::{Gate, RunOptions};

const DIGEST: [u8; 32] = [7; 32];

fn entry() -> Entry {
    Entry { definitions: Vec::new(), code: b"native code".repeat(50) }
}

fn open(folder: &Path) -> Cache {
    Cache::open(folder, "here".to_owned()).expect("the cache opens")
}

/// The one entry's file.
fn file(folder: &Path) -> PathBuf {
    let mut files = std::fs::read_dir(folder).expect("readable").map(|file| file.expect("readable").path());
    let one = files.next().expect("an entry");
    assert!(files.next().is_none(), "only the entry is left in the folder");
    one
}

fn mode(path: &Path) -> u32 {
    std::fs::metadata(path).expect("it is there").permissions().mode() & 0o777
}

fn a_cache() -> (TempDir, PathBuf) {
    let home = tempfile::tempdir().expect("a temporary folder");
    let folder = home.path().join("cache");
    (home, folder)
}

#[test]
fn an_entry_reads_back_and_only_its_owner_may_touch_it() {
    let (_home, folder) = a_cache();
    let cache = open(&folder);
    assert!(cache.read(&DIGEST).is_none());
    cache.write(&DIGEST, &entry()).expect("it writes");
    assert_eq!(cache.read(&DIGEST).expect("it is there").code, entry().code);
    assert_eq!(open(&folder).read(&DIGEST).expect("in the next process too").code, entry().code);
    assert_eq!(mode(&folder), 0o700);
    assert_eq!(mode(&folder.with_extension("key")), 0o600);
    assert_eq!(mode(&file(&folder)), 0o600);
}

#[test]
fn an_entry_with_any_byte_changed_or_cut_off_is_not_believed() {
    let (_home, folder) = a_cache();
    let cache = open(&folder);
    cache.write(&DIGEST, &entry()).expect("it writes");
    let path = file(&folder);
    let whole = std::fs::read(&path).expect("readable");
    for at in 0..whole.len() {
        let mut other = whole.clone();
        other[at] ^= 0x01;
        std::fs::write(&path, &other).expect("writable");
        assert!(cache.read(&DIGEST).is_none(), "byte {at} of {}", whole.len());
        std::fs::write(&path, &whole[..at]).expect("writable");
        assert!(cache.read(&DIGEST).is_none(), "cut to {at} bytes");
    }
    std::fs::write(&path, [&whole[..], b"x"].concat()).expect("writable");
    assert!(cache.read(&DIGEST).is_none(), "one byte longer");
    std::fs::write(&path, &whole).expect("writable");
    assert!(cache.read(&DIGEST).is_some(), "as it was");
}

#[test]
fn an_entry_of_another_key_component_or_configuration_is_not_believed() {
    let (_home, folder) = a_cache();
    let cache = open(&folder);
    cache.write(&DIGEST, &entry()).expect("it writes");
    let path = file(&folder);
    let name = |cache: &Cache, digest: &[u8; 32]| {
        cache.write(digest, &entry()).expect("it writes");
    };
    // A true entry under another component's name.
    let other_digest = [8; 32];
    let other_path = folder.join(path.file_name().expect("a name").to_string_lossy().replace("07", "08"));
    std::fs::copy(&path, &other_path).expect("copied");
    assert!(cache.read(&other_digest).is_none(), "another component");
    std::fs::remove_file(&other_path).expect("removed");
    // A true entry of another configuration under this one's name.
    let elsewhere = Cache::open(&folder, "else".to_owned()).expect("the cache opens");
    assert!(elsewhere.read(&DIGEST).is_none());
    let else_path = folder.join(path.file_name().expect("a name").to_string_lossy().replace("here", "else"));
    std::fs::copy(&path, &else_path).expect("copied");
    assert!(elsewhere.read(&DIGEST).is_none(), "another configuration");
    std::fs::remove_file(&else_path).expect("removed");
    // The same bytes under another key.
    std::fs::remove_file(folder.with_extension("key")).expect("removed");
    let rekeyed = open(&folder);
    assert!(rekeyed.read(&DIGEST).is_none(), "another key");
    name(&rekeyed, &DIGEST);
    assert!(rekeyed.read(&DIGEST).is_some() && cache.read(&DIGEST).is_none());
}

#[test]
fn a_link_out_of_the_folder_is_not_followed() {
    let (home, folder) = a_cache();
    let cache = open(&folder);
    cache.write(&DIGEST, &entry()).expect("it writes");
    let (path, outside) = (file(&folder), home.path().join("outside.bin"));
    std::fs::rename(&path, &outside).expect("moved");
    std::os::unix::fs::symlink(&outside, &path).expect("a link");
    assert!(cache.read(&DIGEST).is_none());
}

#[test]
fn a_folder_or_key_that_others_may_change_or_read_is_refused() {
    let (_home, folder) = a_cache();
    open(&folder);
    let set = |path: &Path, mode| {
        std::fs::set_permissions(path, std::fs::Permissions::from_mode(mode)).expect("ours")
    };
    let refused = |why: &str| {
        let error = Cache::open(&folder, "here".to_owned()).err().expect("it is refused").to_string();
        assert!(error.contains(why), "{error}");
    };
    for others in [0o770, 0o702, 0o777] {
        set(&folder, others);
        refused("chmod 700");
    }
    set(&folder, 0o700);
    let key = folder.with_extension("key");
    for others in [0o640, 0o604, 0o666] {
        set(&key, others);
        refused("chmod 600");
    }
    set(&key, 0o600);
    std::fs::write(&key, b"short").expect("writable");
    refused("cut short");
}

#[test]
fn a_file_where_the_cache_should_be_is_said_to_be_no_folder() {
    let (_home, folder) = a_cache();
    std::fs::write(&folder, "mine").expect("writable");
    let error = Cache::open(&folder, "here".to_owned()).err().expect("it is refused").to_string();
    assert!(error.contains("not a folder") && error.contains("`cache`"), "{error}");
}

/// From the outside: the gate opens, the tool answers, and a true entry stands there again.
#[test]
fn a_gate_compiles_again_what_was_tampered_with() {
    alone(async {
        let home = tempfile::tempdir().expect("a temporary folder");
        let component = wat::component("echo");
        std::fs::write(home.path().join("echo.wasm"), &component).expect("writable");
        let policy = home.path().join("policy.toml");
        let text = "[host]\nconcurrency = 2\n[tools.echo]\ncomponent = \"echo.wasm\"\nverdict = \"allow\"\neffect = \"read-only\"\n";
        std::fs::write(&policy, text).expect("writable");
        let folder = home.path().join(".toolgate/cache");
        // Native code of another component, well formed: loading it would run the wrong tool.
        let other = compile(&wat::component("keeps_state")).expect("it compiles");
        for change in ["nothing", "a flipped byte", "other code", "an empty file", "no file"] {
            let gate = Gate::open(&policy).await.unwrap_or_else(|error| panic!("{change}: {error}"));
            let run = gate.run(RunOptions::default()).await.expect("a run");
            let outcome = run.call("echo", serde_json::json!({"a": change})).await;
            assert_eq!(outcome.output, Some(serde_json::json!({"a": change})), "{outcome:?}");
            drop(run);
            gate.close().await.expect("it closes");
            let cache = Cache::open(&folder, compatibility().expect("a text")).expect("the cache opens");
            assert!(cache.read(&digest(&component)).is_some(), "after {change} a true entry stands there");
            let path = file(&folder);
            let mut bytes = std::fs::read(&path).expect("readable");
            match change {
                "nothing" => *bytes.last_mut().expect("bytes") ^= 1,
                "a flipped byte" => {
                    bytes.truncate(bytes.len() / 2);
                    bytes.extend_from_slice(&other);
                }
                "other code" => bytes.clear(),
                _ => {}
            }
            std::fs::write(&path, &bytes).expect("writable");
            if change == "an empty file" {
                std::fs::remove_file(&path).expect("removed");
            }
        }
    });
}
