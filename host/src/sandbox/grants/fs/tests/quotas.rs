//! What a call may write, and what it may not.

use super::*;

#[tokio::test]
async fn writes_are_charged_to_the_last_byte_and_no_further() {
    let mut call = Call::new(Access::ReadWrite, 10, 1);
    let fd = call.open("n", CREATE, WRITE).await.unwrap();
    let mut view = call.view();
    assert_eq!(code(view.write(at(&fd), vec![1; 11], 0).await), Err(ErrorCode::Quota));
    assert_eq!(code(view.write(at(&fd), vec![1; 10], 0).await), Ok(10));
    assert_eq!(code(view.write(at(&fd), vec![1], 0).await), Err(ErrorCode::Quota));
    assert_eq!(code(view.write(at(&fd), vec![], 1 << 60).await), Ok(0));
    assert_eq!(fs::metadata(call.host("work/n")).unwrap().len(), 10);
    assert_eq!(call.ctx.usage(), FsUsage { bytes_written: 10, files_made: 1 });
}

#[tokio::test]
async fn rewriting_the_same_bytes_is_charged_each_time() {
    let mut call = Call::new(Access::ReadWrite, 9, 0);
    let fd = call.open("a.txt", none(), WRITE).await.unwrap();
    call.view().write(at(&fd), b"abcde".to_vec(), 0).await.unwrap();
    assert_eq!(code(call.view().write(at(&fd), b"abcde".to_vec(), 0).await), Err(ErrorCode::Quota));
}

#[tokio::test]
async fn a_sparse_file_costs_its_whole_length() {
    let mut call = Call::new(Access::ReadWrite, 1000, 0);
    let fd = call.open("a.txt", none(), WRITE).await.unwrap();
    let mut view = call.view();
    for offset in [1 << 40, 1005, i64::MAX.unsigned_abs() - 1] {
        assert_eq!(code(view.write(at(&fd), vec![1], offset).await), Err(ErrorCode::Quota), "{offset}");
    }
    for offset in [u64::MAX, u64::MAX - 1, 1 << 63] {
        assert_eq!(
            code(view.write(at(&fd), vec![1], offset).await),
            Err(ErrorCode::FileTooLarge),
            "{offset}"
        );
        assert_eq!(code(view.set_size(at(&fd), offset).await), Err(ErrorCode::FileTooLarge), "{offset}");
    }
    assert_eq!(code(view.set_size(at(&fd), 1006).await), Err(ErrorCode::Quota));
    view.write(at(&fd), vec![1], 504).await.unwrap();
    view.set_size(at(&fd), 1005).await.unwrap();
    assert_eq!(code(view.set_size(at(&fd), 1006).await), Err(ErrorCode::Quota));
    view.set_size(at(&fd), 0).await.unwrap();
    assert_eq!(code(view.set_size(at(&fd), 1).await), Err(ErrorCode::Quota));
    assert_eq!(call.ctx.usage().bytes_written, 1000);
}

#[tokio::test]
async fn a_million_files_end_at_the_quota() {
    let mut call = Call::new(Access::ReadWrite, 1 << 20, 5);
    let root = call.root();
    for i in 0..1000 {
        let made = call.open(&format!("n{i}"), CREATE, WRITE).await;
        match made {
            Ok(fd) => call.close(fd),
            Err(error) => assert_eq!(error, ErrorCode::Quota),
        }
        let folder = call.view().create_directory_at(at(&root), format!("d{i}")).await;
        assert!(code(folder).is_ok_and(|()| i < 3) || i > 1);
    }
    assert_eq!(fs::read_dir(call.host("work")).unwrap().count(), 2 + 5);
    assert_eq!(call.ctx.usage().files_made, 5);
}

#[tokio::test]
async fn removing_gives_nothing_back_and_failing_costs_nothing() {
    let mut call = Call::new(Access::ReadWrite, 0, 1);
    let root = call.root();
    assert!(call.view().create_directory_at(at(&root), "sub".to_owned()).await.is_err());
    assert!(call.open("none/x", CREATE, WRITE).await.is_err());
    assert_eq!(call.ctx.usage().files_made, 0);
    call.view().create_directory_at(at(&root), "d".to_owned()).await.unwrap();
    call.view().remove_directory_at(at(&root), "d".to_owned()).await.unwrap();
    assert_eq!(call.open("x", CREATE, WRITE).await.unwrap_err(), ErrorCode::Quota);
    call.open("a.txt", CREATE, WRITE).await.expect("a file that exists costs no file");
}

#[tokio::test]
async fn a_stream_draws_on_the_same_quota_and_tells_the_guest_why_it_failed() {
    let mut call = Call::new(Access::ReadWrite, 6, 0);
    let fd = call.open("a.txt", none(), WRITE).await.unwrap();
    let stream = call.view().append_via_stream(at(&fd)).unwrap();
    call.close(fd);
    let writer = call.table.get_mut(&stream).unwrap();
    writer.write("123456".into()).unwrap();
    let Err(StreamError::LastOperationFailed(error)) = writer.write("7".into()) else {
        panic!("one byte too many")
    };
    assert!(matches!(writer.check_write(), Err(StreamError::Closed)));
    assert!(matches!(writer.write("8".into()), Err(StreamError::Closed)));
    let error = call.table.push(error).unwrap();
    assert_eq!(call.view().filesystem_error_code(error).unwrap(), Some(ErrorCode::Quota));
    assert_eq!(fs::read(call.host("work/a.txt")).unwrap(), b"alpha123456");
}

#[tokio::test]
async fn two_calls_have_a_quota_each_and_two_grants_too() {
    let home = tempfile::tempdir().unwrap();
    for name in ["one", "two"] {
        fs::create_dir(home.path().join(name)).unwrap();
    }
    let roots = ["one", "two"]
        .map(|name| Root::open(&grant(name.as_ref(), Access::ReadWrite, 0, 1), home.path()).unwrap());
    for round in 0..2 {
        let (mut ctx, mut table) = (FsCtx::new(&roots), ResourceTable::new());
        let mut view = FsView { ctx: &mut ctx, table: &mut table };
        let folders = view.get_directories().unwrap();
        for (folder, _) in &folders {
            view.create_directory_at(at(folder), format!("d{round}")).await.unwrap();
            assert_eq!(
                code(view.create_directory_at(at(folder), "e".to_owned()).await),
                Err(ErrorCode::Quota)
            );
        }
        let moved =
            view.rename_at(at(&folders[0].0), format!("d{round}"), at(&folders[1].0), "m".to_owned()).await;
        assert_eq!(code(moved), Err(ErrorCode::CrossDevice));
    }
}

#[tokio::test]
async fn calls_that_append_at_once_lose_nothing() {
    let home = tempfile::tempdir().unwrap();
    let root = Root::open(&grant(".".as_ref(), Access::ReadWrite, 1 << 20, 1), home.path()).unwrap();
    let tasks: Vec<_> = (0..4)
        .map(|_| {
            let root = root.clone();
            tokio::task::spawn_blocking(move || {
                let (mut ctx, mut table) = (FsCtx::new(&[root]), ResourceTable::new());
                let mut view = FsView { ctx: &mut ctx, table: &mut table };
                let folder = view.get_directories().unwrap().remove(0).0;
                let open = view.open_at(folder, PathFlags::empty(), "log".to_owned(), CREATE, WRITE);
                let fd = tokio::runtime::Handle::current().block_on(open).unwrap();
                let stream = view.append_via_stream(fd).unwrap();
                for _ in 0..500 {
                    view.table.get_mut(&stream).unwrap().write("0123456789\n".into()).unwrap();
                }
            })
        })
        .collect();
    for task in tasks {
        task.await.unwrap();
    }
    let log = fs::read_to_string(home.path().join("log")).unwrap();
    assert_eq!(log.lines().filter(|line| *line == "0123456789").count(), 2000);
}
