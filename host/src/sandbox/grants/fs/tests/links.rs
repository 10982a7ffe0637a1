//! Links of both kinds: none is followed, none is made, none is written through.

use super::*;
use crate::sandbox::grants::fs::beneath::Place;
use rustix::fs::{CWD, Mode, OFlags, RenameFlags, mkfifoat, renameat_with};
use std::os::fd::AsFd;
use std::sync::atomic::{AtomicBool, Ordering};

/// Links inside the grant: to a file and a folder outside, to a file inside, and to nothing.
fn with_links() -> Call {
    let call = Call::writable();
    fs::create_dir(call.host("outside")).unwrap();
    fs::write(call.host("outside/x"), "outside").unwrap();
    symlink("../secret", call.host("work/file")).unwrap();
    symlink(call.host("outside"), call.host("work/folder")).unwrap();
    symlink("a.txt", call.host("work/inside")).unwrap();
    symlink("../made", call.host("work/dangling")).unwrap();
    symlink("loop", call.host("work/loop")).unwrap();
    call
}

const LINKS: [&str; 10] =
    ["file", "file/", "file/.", "folder", "folder/", "folder/.", "folder/x", "inside", "dangling", "loop"];

#[tokio::test]
async fn no_link_is_followed_to_read() {
    let mut call = with_links();
    for path in LINKS {
        let refused = call.read_all(path).await.unwrap_err();
        // With a slash behind it a link is no folder, which a listing shows anyway.
        let slash = path.ends_with(['/', '.']);
        assert_eq!(refused, if slash { ErrorCode::NotDirectory } else { ErrorCode::NoEntry }, "{path}");
    }
}

#[tokio::test]
async fn a_step_up_behind_a_link_cancels_it_on_paper() {
    let mut call = with_links();
    assert_eq!(call.read_all("folder/../a.txt").await.unwrap(), b"alpha");
    assert_eq!(call.read_all("folder/../secret").await, Err(ErrorCode::NoEntry));
    assert_eq!(call.read_all("folder/../../secret").await, Err(ErrorCode::NoEntry));
}

#[tokio::test]
async fn no_link_is_followed_to_change_anything() {
    let mut call = with_links();
    let root = call.root();
    for path in LINKS {
        for (flags, mode) in [(CREATE, WRITE), (OpenFlags::TRUNCATE, WRITE), (none(), READ | WRITE)] {
            assert!(call.open(path, flags, mode).await.is_err(), "{path}");
        }
        let now = types::NewTimestamp::Now;
        let path = || path.to_owned();
        let mut view = call.view();
        view.set_times_at(at(&root), PathFlags::SYMLINK_FOLLOW, path(), now, now).await.unwrap_err();
        view.create_directory_at(at(&root), path()).await.unwrap_err();
        view.remove_directory_at(at(&root), path()).await.unwrap_err();
        view.rename_at(at(&root), "sub".to_owned(), at(&root), path()).await.unwrap_err();
        view.rename_at(at(&root), path(), at(&root), "moved".to_owned()).await.unwrap_err();
    }
    assert_eq!(fs::read(call.host("secret")).unwrap(), b"secret");
    assert_eq!(fs::read(call.host("outside/x")).unwrap(), b"outside");
    assert_eq!(fs::read(call.host("work/a.txt")).unwrap(), b"alpha");
    assert!(!call.host("made").exists());
}

#[tokio::test]
async fn a_link_is_listed_as_a_link_but_its_text_is_not_shown() {
    let mut call = with_links();
    let root = call.root();
    let mut view = call.view();
    let stat = view.stat_at(at(&root), PathFlags::empty(), "file".to_owned()).await.unwrap();
    assert_eq!(stat.type_, types::DescriptorType::SymbolicLink);
    let followed = view.stat_at(at(&root), PathFlags::SYMLINK_FOLLOW, "file".to_owned()).await;
    assert_eq!(code(followed).unwrap_err(), ErrorCode::NoEntry);
    for (path, expected) in [
        ("file", ErrorCode::NoEntry),
        ("none", ErrorCode::NoEntry),
        ("a.txt", ErrorCode::Invalid),
        ("../secret", ErrorCode::NoEntry),
    ] {
        assert_eq!(code(view.readlink_at(at(&root), path.to_owned()).await), Err(expected), "{path}");
    }
}

#[tokio::test]
async fn removing_a_link_leaves_what_it_leads_to() {
    let mut call = with_links();
    let root = call.root();
    call.view().unlink_file_at(at(&root), "file".to_owned()).await.unwrap();
    assert_eq!(fs::read(call.host("secret")).unwrap(), b"secret");
}

#[tokio::test]
async fn a_guest_makes_no_link_of_either_kind() {
    let mut call = Call::writable();
    let root = call.root();
    let text = |text: &str| text.to_owned();
    let mut view = call.view();
    for target in ["a.txt", "../secret", "/etc/passwd"] {
        assert_eq!(
            code(view.symlink_at(at(&root), text(target), text("l")).await),
            Err(ErrorCode::NotPermitted)
        );
    }
    let linked = view.link_at(at(&root), PathFlags::empty(), text("a.txt"), at(&root), text("l")).await;
    assert_eq!(code(linked), Err(ErrorCode::NotPermitted));
    assert!(!call.host("work/l").exists());
}

#[tokio::test]
async fn a_file_with_a_second_name_is_read_and_never_changed() {
    let mut call = Call::writable();
    fs::hard_link(call.host("secret"), call.host("work/hard")).unwrap();
    let root = call.root();
    assert_eq!(call.read_all("hard").await.unwrap(), b"secret");
    for (flags, mode) in [(none(), WRITE), (CREATE, READ | WRITE), (OpenFlags::TRUNCATE, READ)] {
        assert_eq!(call.open("hard", flags, mode).await.unwrap_err(), ErrorCode::NotPermitted);
    }
    let (now, path) = (types::NewTimestamp::Now, "hard".to_owned());
    let set = call.view().set_times_at(at(&root), PathFlags::empty(), path, now, now).await;
    assert_eq!(code(set), Err(ErrorCode::NotPermitted));
    assert_eq!(fs::read(call.host("secret")).unwrap(), b"secret");
}

#[tokio::test]
async fn a_folder_swapped_for_a_link_while_open_leads_nowhere_new() {
    let mut call = Call::writable();
    fs::write(call.host("work/sub/x"), "mine").unwrap();
    fs::create_dir(call.host("outside")).unwrap();
    fs::write(call.host("outside/x"), "outside").unwrap();
    let sub = call.open("sub", none(), READ).await.unwrap();
    fs::rename(call.host("work/sub"), call.host("work/old")).unwrap();
    symlink(call.host("outside"), call.host("work/sub")).unwrap();
    let held = call.view().open_at(at(&sub), PathFlags::empty(), "x".to_owned(), none(), READ).await.unwrap();
    assert_eq!(call.view().read(held, 10, 0).await.unwrap().0, b"mine");
    assert_eq!(call.read_all("sub/x").await, Err(ErrorCode::NoEntry));
}

#[tokio::test]
async fn a_symlink_race_never_reads_outside() {
    let mut call = Call::readable();
    fs::create_dir(call.host("outside")).unwrap();
    fs::write(call.host("outside/x"), "outside").unwrap();
    fs::write(call.host("work/sub/x"), "inside").unwrap();
    symlink(call.host("outside"), call.host("work/lure")).unwrap();
    let (sub, lure) = (call.host("work/sub"), call.host("work/lure"));
    let stop = Arc::new(AtomicBool::new(false));
    let stopped = Arc::clone(&stop);
    let swapper = std::thread::spawn(move || {
        while !stopped.load(Ordering::Relaxed) {
            renameat_with(CWD, &sub, CWD, &lure, RenameFlags::EXCHANGE).unwrap();
        }
    });
    let (mut inside, mut refused) = (0, 0);
    while inside < 500 || refused < 500 {
        match call.read_all("sub/x").await {
            Ok(bytes) => {
                assert_eq!(bytes, b"inside");
                inside += 1;
            }
            Err(error) => {
                assert_eq!(error, ErrorCode::NoEntry);
                refused += 1;
            }
        }
    }
    stop.store(true, Ordering::Relaxed);
    swapper.join().unwrap();
}

#[test]
fn what_turns_into_a_link_or_a_pipe_between_look_and_open_does_not_open() {
    let call = Call::readable();
    symlink(call.host("secret"), call.host("work/link")).unwrap();
    mkfifoat(CWD, call.host("work/pipe"), Mode::RWXU).unwrap();
    let root = &call.ctx.granted[0].root.fd;
    for (name, flags) in [
        ("link", OFlags::RDONLY),
        ("link", OFlags::WRONLY),
        ("pipe", OFlags::RDONLY),
        ("pipe", OFlags::WRONLY),
        ("pipe", OFlags::RDWR),
    ] {
        let opened = Place::find(root.as_fd(), name).unwrap().open_file(flags);
        assert_eq!(opened.unwrap_err(), ErrorCode::NoEntry, "{name}");
    }
}
