//! The fs grant as a guest meets it: the host functions called on a real folder, without any guest.

use super::*;
use crate::policy::{Access, FsGrant};
use std::fs;
use std::os::unix::fs::symlink;
use std::path::Path;
use tempfile::TempDir;
use types::{
    Descriptor, DescriptorFlags, ErrorCode, HostDescriptor, HostDirectoryEntryStream, OpenFlags, PathFlags,
};
use wasmtime::component::Resource;
use wasmtime_wasi::p2::bindings::filesystem::preopens::Host as _;
use wasmtime_wasi::p2::bindings::filesystem::types::Host as _;
use wasmtime_wasi::p2::{FsResult, StreamError};

mod contents;
mod links;
mod opening;
mod quotas;

const READ: DescriptorFlags = DescriptorFlags::READ;
const WRITE: DescriptorFlags = DescriptorFlags::WRITE;
const CREATE: OpenFlags = OpenFlags::CREATE;

fn none() -> OpenFlags {
    OpenFlags::empty()
}

/// One call with one grant on `home/work`; `home/secret` lies beside it.
struct Call {
    home: TempDir,
    ctx: FsCtx,
    table: ResourceTable,
}

fn grant(host: &Path, access: Access, bytes_max: u64, files_max: u64) -> FsGrant {
    FsGrant { host: host.to_owned(), guest: "/work".to_owned(), access, bytes_max, files_max }
}

impl Call {
    fn new(access: Access, bytes_max: u64, files_max: u64) -> Self {
        let home = tempfile::tempdir().unwrap();
        fs::create_dir_all(home.path().join("work/sub")).unwrap();
        fs::write(home.path().join("work/a.txt"), "alpha").unwrap();
        fs::write(home.path().join("secret"), "secret").unwrap();
        let root = Root::open(&grant("work".as_ref(), access, bytes_max, files_max), home.path()).unwrap();
        let mut table = ResourceTable::new();
        table.set_max_capacity(256);
        Self { home, ctx: FsCtx::new(&[root]), table }
    }

    fn writable() -> Self {
        Self::new(Access::ReadWrite, 1 << 20, 100)
    }

    fn readable() -> Self {
        Self::new(Access::Read, 1 << 20, 100)
    }

    fn view(&mut self) -> FsView<'_> {
        FsView { ctx: &mut self.ctx, table: &mut self.table }
    }

    fn root(&mut self) -> Resource<Descriptor> {
        self.view().get_directories().unwrap().remove(0).0
    }

    fn host(&self, path: &str) -> std::path::PathBuf {
        self.home.path().join(path)
    }

    async fn open(
        &mut self,
        path: &str,
        flags: OpenFlags,
        mode: DescriptorFlags,
    ) -> Result<Resource<Descriptor>, ErrorCode> {
        let root = self.root();
        let opened =
            self.view().open_at(at(&root), PathFlags::SYMLINK_FOLLOW, path.to_owned(), flags, mode).await;
        self.close(root);
        code(opened)
    }

    async fn read_all(&mut self, path: &str) -> Result<Vec<u8>, ErrorCode> {
        let fd = self.open(path, none(), READ).await?;
        let read = code(self.view().read(at(&fd), 1 << 30, 0).await);
        self.close(fd);
        Ok(read?.0)
    }

    fn close(&mut self, fd: Resource<Descriptor>) {
        HostDescriptor::drop(&mut self.view(), fd).unwrap();
    }
}

fn at(fd: &Resource<Descriptor>) -> Resource<Descriptor> {
    Resource::new_borrow(fd.rep())
}

/// The guest's error code; a trap fails the test.
fn code<T>(result: FsResult<T>) -> Result<T, ErrorCode> {
    result.map_err(|error| error.downcast().unwrap())
}

/// All ways to change something by path; each must leave the folder as it was.
async fn try_all_changes(call: &mut Call, path: &str) -> Vec<ErrorCode> {
    let root = call.root();
    let mut refused = Vec::new();
    for (flags, mode) in
        [(none(), WRITE), (none(), READ | WRITE), (CREATE, READ), (OpenFlags::TRUNCATE, READ)]
    {
        refused.push(call.open(path, flags, mode).await.unwrap_err());
    }
    let now = types::NewTimestamp::Now;
    let path = || path.to_owned();
    let mut view = call.view();
    refused.push(code(view.create_directory_at(at(&root), path()).await).unwrap_err());
    refused.push(code(view.unlink_file_at(at(&root), path()).await).unwrap_err());
    refused.push(code(view.remove_directory_at(at(&root), path()).await).unwrap_err());
    refused.push(code(view.rename_at(at(&root), path(), at(&root), "z".to_owned()).await).unwrap_err());
    refused.push(code(view.rename_at(at(&root), "a.txt".to_owned(), at(&root), path()).await).unwrap_err());
    refused.push(code(view.set_times_at(at(&root), PathFlags::empty(), path(), now, now).await).unwrap_err());
    refused
}

#[test]
fn without_a_grant_there_is_no_folder() {
    let (mut ctx, mut table) = (FsCtx::default(), ResourceTable::new());
    assert!(FsView { ctx: &mut ctx, table: &mut table }.get_directories().unwrap().is_empty());
}

#[test]
fn a_grant_shows_its_guest_path() {
    let mut call = Call::readable();
    let folders = call.view().get_directories().unwrap();
    assert_eq!(folders[0].1, "/work");
}

#[tokio::test]
async fn a_granted_file_is_read() {
    let mut call = Call::readable();
    assert_eq!(call.read_all("a.txt").await.unwrap(), b"alpha");
    assert_eq!(call.read_all("sub/../a.txt").await.unwrap(), b"alpha");
}

#[tokio::test]
async fn every_path_that_leads_out_looks_like_a_missing_file() {
    let mut call = Call::writable();
    let missing = call.read_all("missing").await.unwrap_err();
    let absolute = call.host("secret").display().to_string();
    for path in ["../secret", "sub/../../secret", "..", "/etc/passwd", "", "a\0b", "sub/../..", &absolute] {
        assert_eq!(call.read_all(path).await.unwrap_err(), missing, "{path:?}");
        for refused in try_all_changes(&mut call, path).await {
            assert_eq!(refused, missing, "{path:?}");
        }
    }
    assert_eq!(fs::read(call.host("secret")).unwrap(), b"secret");
}

#[tokio::test]
async fn a_path_through_a_file_is_missing_like_a_path_through_nothing() {
    let mut call = Call::readable();
    assert_eq!(call.read_all("a.txt/x").await, Err(ErrorCode::NoEntry));
    assert_eq!(call.read_all("nothing/x").await, Err(ErrorCode::NoEntry));
}

#[tokio::test]
async fn a_read_grant_refuses_every_change_alike_whether_or_not_the_file_exists() {
    let mut call = Call::readable();
    for path in ["a.txt", "missing", "sub"] {
        for refused in try_all_changes(&mut call, path).await {
            assert_eq!(refused, ErrorCode::ReadOnly, "{path}");
        }
    }
    let fd = call.open("a.txt", none(), READ).await.unwrap();
    let now = types::NewTimestamp::Now;
    let mut view = call.view();
    assert_eq!(code(view.write(at(&fd), b"x".to_vec(), 0).await), Err(ErrorCode::BadDescriptor));
    assert_eq!(code(view.set_size(at(&fd), 0).await), Err(ErrorCode::BadDescriptor));
    assert_eq!(code(view.set_times(at(&fd), now, now).await), Err(ErrorCode::ReadOnly));
    assert!(view.write_via_stream(at(&fd), 0).is_err());
    assert!(view.append_via_stream(at(&fd)).is_err());
    view.sync(at(&fd)).await.unwrap();
    assert_eq!(fs::read(call.host("work/a.txt")).unwrap(), b"alpha");
    assert_eq!(fs::read_dir(call.host("work")).unwrap().count(), 2);
}

#[test]
fn a_root_says_what_is_wrong_with_it() {
    let home = tempfile::tempdir().unwrap();
    fs::write(home.path().join("file"), "").unwrap();
    let open = |host: &str| Root::open(&grant(host.as_ref(), Access::Read, 0, 0), home.path()).map(drop);
    assert!(matches!(open("none"), Err(FsGrantError::Missing(_))));
    assert!(matches!(open("file"), Err(FsGrantError::NotAFolder(_))));
    assert!(open(".").is_ok());
}

#[test]
fn the_linker_takes_both_interfaces() {
    struct State(FsCtx, ResourceTable);
    let mut linker = Linker::<State>::new(&wasmtime::Engine::default());
    add_to_linker(&mut linker, |state| FsView { ctx: &mut state.0, table: &mut state.1 }).unwrap();
}
