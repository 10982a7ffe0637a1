//! What opens, what never does, and how many at once.

use super::*;
use rustix::fs::{CWD, Mode, mkfifoat};

#[tokio::test]
async fn opening_follows_open_2() {
    let mut call = Call::writable();
    let exclusive = CREATE | OpenFlags::EXCLUSIVE;
    assert_eq!(call.open("a.txt", exclusive, WRITE).await.unwrap_err(), ErrorCode::Exist);
    assert_eq!(call.open("sub", exclusive, READ).await.unwrap_err(), ErrorCode::Exist);
    assert_eq!(call.open("sub", none(), WRITE).await.unwrap_err(), ErrorCode::IsDirectory);
    assert_eq!(call.open("a.txt", OpenFlags::DIRECTORY, READ).await.unwrap_err(), ErrorCode::NotDirectory);
    assert_eq!(call.open("a.txt/", none(), READ).await.unwrap_err(), ErrorCode::NotDirectory);
    assert_eq!(call.open("new/", CREATE, WRITE).await.unwrap_err(), ErrorCode::IsDirectory);
    assert_eq!(call.open("none", OpenFlags::DIRECTORY, READ).await.unwrap_err(), ErrorCode::NoEntry);
    assert_eq!(
        call.open("a.txt", none(), READ | DescriptorFlags::DATA_INTEGRITY_SYNC).await.unwrap_err(),
        ErrorCode::Unsupported
    );
    assert_eq!(call.open("sub", OpenFlags::DIRECTORY | CREATE, READ).await.unwrap_err(), ErrorCode::Invalid);
    call.open("sub/", OpenFlags::DIRECTORY, READ).await.unwrap();
    call.open("a.txt", OpenFlags::TRUNCATE, WRITE).await.unwrap();
    assert!(fs::read(call.host("work/a.txt")).unwrap().is_empty());
}

#[tokio::test]
async fn a_folder_opened_beneath_does_not_lead_back_up() {
    let mut call = Call::readable();
    let sub = call.open("sub", OpenFlags::DIRECTORY, READ).await.unwrap();
    let up = call.view().open_at(at(&sub), PathFlags::empty(), "../a.txt".to_owned(), none(), READ).await;
    assert_eq!(code(up).unwrap_err(), ErrorCode::NoEntry);
}

#[tokio::test]
async fn pipes_devices_and_sockets_never_block_an_open_and_never_open() {
    let mut call = Call::writable();
    mkfifoat(CWD, call.host("work/pipe"), Mode::RWXU).unwrap();
    let _socket = std::os::unix::net::UnixListener::bind(call.host("work/socket")).unwrap();
    for path in ["pipe", "socket"] {
        for (flags, mode) in
            [(none(), READ), (none(), WRITE), (CREATE, READ | WRITE), (OpenFlags::TRUNCATE, WRITE)]
        {
            assert_eq!(call.open(path, flags, mode).await.unwrap_err(), ErrorCode::NoEntry, "{path}");
        }
    }
    let root = Root::open(&grant("/dev".as_ref(), Access::Read, 0, 0), "/".as_ref()).unwrap();
    call.ctx = FsCtx::new(&[root]);
    assert_eq!(call.open("null", none(), READ).await.unwrap_err(), ErrorCode::NoEntry);
}

#[tokio::test]
async fn files_of_the_kernel_do_not_open_even_where_the_folder_is_granted() {
    let root = Root::open(&grant("/proc/self".as_ref(), Access::Read, 0, 0), "/".as_ref()).unwrap();
    let mut call = Call::readable();
    call.ctx = FsCtx::new(&[root]);
    for path in ["environ", "mem", "root/etc/passwd", "cwd", "fd/0"] {
        assert_eq!(call.open(path, none(), READ).await.unwrap_err(), ErrorCode::NoEntry, "{path}");
    }
}

#[tokio::test]
async fn a_hundred_thousand_opens_end_in_an_error_and_leave_room_after_closing() {
    let mut call = Call::readable();
    let mut open = Vec::new();
    let mut refused = 0;
    for _ in 0..100_000 {
        match call.open("a.txt", none(), READ).await {
            Ok(fd) => open.push(fd),
            Err(error) => {
                assert_eq!(error, ErrorCode::InsufficientMemory);
                refused += 1;
            }
        }
    }
    assert_eq!((open.len(), refused), (OPEN_MAX, 100_000 - OPEN_MAX));
    call.close(open.pop().unwrap());
    call.open("a.txt", none(), READ).await.unwrap();
}

#[tokio::test]
async fn a_full_table_is_an_error_and_no_trap() {
    let mut call = Call::readable();
    let root = call.root();
    call.table.set_max_capacity(1);
    let opened = call.view().open_at(at(&root), PathFlags::empty(), "a.txt".to_owned(), none(), READ).await;
    assert_eq!(code(opened).unwrap_err(), ErrorCode::InsufficientMemory);
}

#[tokio::test]
async fn a_forged_handle_traps() {
    let mut call = Call::readable();
    let other = call.table.push(7u32).unwrap();
    let forged = call.view().stat(Resource::new_borrow(other.rep())).await.unwrap_err();
    assert!(forged.downcast_ref().is_none());
    assert!(call.view().stat(Resource::new_borrow(99)).await.unwrap_err().downcast_ref().is_none());
}
