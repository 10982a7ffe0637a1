//! What is in files and folders: read, written, streamed, listed, described.

use super::*;

#[tokio::test]
async fn a_writable_grant_makes_writes_moves_and_removes() {
    let mut call = Call::writable();
    let root = call.root();
    let fd = call.open("new.txt", CREATE | OpenFlags::EXCLUSIVE, READ | WRITE).await.unwrap();
    let mut view = call.view();
    assert_eq!(view.write(at(&fd), b"hello world".to_vec(), 0).await.unwrap(), 11);
    view.set_size(at(&fd), 5).await.unwrap();
    view.sync(at(&fd)).await.unwrap();
    view.sync_data(at(&root)).await.unwrap();
    view.create_directory_at(at(&root), "made/".to_owned()).await.unwrap();
    view.rename_at(at(&root), "new.txt".to_owned(), at(&root), "made/moved.txt".to_owned()).await.unwrap();
    assert_eq!(fs::read(call.host("work/made/moved.txt")).unwrap(), b"hello");
    let mut view = call.view();
    assert_eq!(code(view.remove_directory_at(at(&root), "made".to_owned()).await), Err(ErrorCode::NotEmpty));
    assert_eq!(code(view.unlink_file_at(at(&root), "made".to_owned()).await), Err(ErrorCode::IsDirectory));
    view.unlink_file_at(at(&root), "made/moved.txt".to_owned()).await.unwrap();
    view.remove_directory_at(at(&root), "made".to_owned()).await.unwrap();
    assert!(!call.host("work/made").exists());
}

#[tokio::test]
async fn streams_read_write_and_append() {
    let mut call = Call::writable();
    let fd = call.open("a.txt", none(), READ | WRITE).await.unwrap();
    let writer = call.view().write_via_stream(at(&fd), 1).unwrap();
    let appender = call.view().append_via_stream(at(&fd)).unwrap();
    let reader = call.view().read_via_stream(at(&fd), 0).unwrap();
    call.close(fd);
    let writer = call.table.get_mut(&writer).unwrap();
    writer.blocking_write_and_flush("LP".into()).await.unwrap();
    writer.write("H".into()).unwrap();
    call.table.get_mut(&appender).unwrap().blocking_write_and_flush("!?".into()).await.unwrap();
    let reader = call.table.get_mut(&reader).unwrap();
    assert_eq!(reader.blocking_read(3).await.unwrap(), "aLP");
    assert_eq!(reader.blocking_skip(1).await.unwrap(), 1);
    assert_eq!(reader.blocking_read(usize::MAX).await.unwrap(), "a!?");
    assert!(matches!(reader.blocking_read(1).await, Err(StreamError::Closed)));
}

#[tokio::test]
async fn one_read_gives_64_kib_at_most_and_tells_the_end() {
    let mut call = Call::readable();
    fs::write(call.host("work/big"), vec![7; 100_000]).unwrap();
    let fd = call.open("big", none(), READ).await.unwrap();
    let mut view = call.view();
    let (first, at_end) = view.read(at(&fd), u64::MAX, 0).await.unwrap();
    assert_eq!((first.len(), at_end), (64 * 1024, false));
    assert_eq!(view.read(at(&fd), 10, 100_000).await.unwrap(), (vec![], true));
    assert_eq!(view.read(at(&fd), 0, 0).await.unwrap(), (vec![], false));
    assert_eq!(code(view.read(at(&fd), 1, u64::MAX).await), Err(ErrorCode::Invalid));
}

#[tokio::test]
async fn a_listing_names_each_entry_once_and_leaves_out_what_is_not_utf8() {
    use std::os::unix::ffi::OsStrExt;
    let mut call = Call::readable();
    for i in 0..500 {
        fs::write(call.host(&format!("work/sub/{i}")), "").unwrap();
    }
    fs::write(call.host("work/sub").join(std::ffi::OsStr::from_bytes(b"\xff")), "").unwrap();
    let sub = call.open("sub", none(), READ).await.unwrap();
    let list = call.view().read_directory(at(&sub)).await.unwrap();
    let mut names = std::collections::BTreeSet::new();
    loop {
        let borrowed = Resource::new_borrow(list.rep());
        let Some(entry) = call.view().read_directory_entry(borrowed).await.unwrap() else {
            break;
        };
        assert_eq!(entry.type_, types::DescriptorType::RegularFile);
        assert!(names.insert(entry.name));
    }
    assert_eq!(names.len(), 500);
    HostDirectoryEntryStream::drop(&mut call.view(), list).unwrap();
}

#[tokio::test]
async fn stat_and_hashes_tell_files_apart_and_changes_too() {
    let mut call = Call::writable();
    let root = call.root();
    let hash = async |call: &mut Call, path: &str| {
        let hash =
            call.view().metadata_hash_at(at(&root), PathFlags::empty(), path.to_owned()).await.unwrap();
        (hash.lower, hash.upper)
    };
    let before = hash(&mut call, "a.txt").await;
    assert_eq!(before, hash(&mut call, "./sub/../a.txt").await);
    assert_ne!(before, hash(&mut call, "sub").await);
    let fd = call.open("a.txt", none(), READ | WRITE).await.unwrap();
    call.view().write(at(&fd), b"longer than before".to_vec(), 0).await.unwrap();
    assert_ne!(before, hash(&mut call, "a.txt").await);
    let stat = call.view().stat(at(&fd)).await.unwrap();
    assert_eq!((stat.size, stat.link_count, stat.type_), (18, 1, types::DescriptorType::RegularFile));
    assert!(call.view().is_same_object(at(&fd), at(&fd)).await.unwrap());
    assert!(!call.view().is_same_object(at(&fd), at(&root)).await.unwrap());
}

#[tokio::test]
async fn times_are_set_within_the_kernels_range() {
    let mut call = Call::writable();
    let root = call.root();
    let datetime = |seconds, nanoseconds| {
        types::NewTimestamp::Timestamp(wasmtime_wasi::p2::bindings::clocks::wall_clock::Datetime {
            seconds,
            nanoseconds,
        })
    };
    let mut set = async |access, modified| {
        let path = "a.txt".to_owned();
        code(call.view().set_times_at(at(&root), PathFlags::empty(), path, access, modified).await)
    };
    set(types::NewTimestamp::NoChange, datetime(1_000_000, 5)).await.unwrap();
    assert_eq!(set(datetime(1, 1_000_000_000), types::NewTimestamp::Now).await, Err(ErrorCode::Invalid));
    assert_eq!(set(datetime(u64::MAX, 0), types::NewTimestamp::Now).await, Err(ErrorCode::Overflow));
    let stat = call.view().stat_at(at(&root), PathFlags::empty(), "a.txt".to_owned()).await.unwrap();
    assert_eq!(stat.data_modification_timestamp.unwrap().seconds, 1_000_000);
}
