//! `wasi:filesystem/types` and `preopens`, function by function, on this room's files and folders.
//!
//! The stock bindings name the stock resource types; a guest only ever holds their numbers. In the table
//! stand our own types under those numbers, so the stock implementation is never reached. A number that
//! names something else traps, as any forged handle does.

use super::convert::{descriptor_stat, descriptor_type, metadata_hash, timestamps};
use super::file::{At, File};
use super::folder::{Folder, Opened};
use super::io::{Reader, Writer};
use super::listing::Listing;
use super::{FsView, beneath};
use rustix::fs::{FileType, Stat, fdatasync, fstat, fsync};
use rustix::io::Errno;
use std::os::fd::OwnedFd;
use std::sync::Arc;
use types::{Descriptor, DirectoryEntryStream, ErrorCode, NewTimestamp, PathFlags};
use wasmtime::component::{Resource, ResourceTableError};
use wasmtime_wasi::p2::bindings::filesystem::{preopens, types};
use wasmtime_wasi::p2::{DynInputStream, DynOutputStream, FsError, FsResult, IoError};

/// What stands in the table for a descriptor.
enum Node {
    File(Arc<File>),
    Folder(Folder),
}

impl Node {
    fn fd(&self) -> &Arc<OwnedFd> {
        match self {
            Self::File(file) => &file.fd,
            Self::Folder(folder) => &folder.fd,
        }
    }

    fn writable(&self) -> bool {
        match self {
            Self::File(file) => file.granted.writable(),
            Self::Folder(folder) => folder.granted.writable(),
        }
    }

    fn stat(&self) -> Result<Stat, ErrorCode> {
        fstat(self.fd()).map_err(beneath::code)
    }
}

impl FsView<'_> {
    fn node(&self, fd: &Resource<Descriptor>) -> FsResult<&Node> {
        Ok(self.table.get(&Resource::<Node>::new_borrow(fd.rep()))?)
    }

    fn file(&self, fd: &Resource<Descriptor>) -> FsResult<&Arc<File>> {
        match self.node(fd)? {
            Node::File(file) => Ok(file),
            Node::Folder(_) => Err(ErrorCode::IsDirectory.into()),
        }
    }

    fn folder(&self, fd: &Resource<Descriptor>) -> FsResult<&Folder> {
        match self.node(fd)? {
            Node::Folder(folder) => Ok(folder),
            Node::File(_) => Err(ErrorCode::NotDirectory.into()),
        }
    }

    /// A full table is the guest's error, not a trap: a tool may close something and go on.
    fn push<T: Send + 'static>(&mut self, entry: T) -> FsResult<Resource<T>> {
        self.table.push(entry).map_err(|error| match error {
            ResourceTableError::Full => ErrorCode::InsufficientMemory.into(),
            other => FsError::trap(other),
        })
    }

    /// What a sync has to reach; nothing under a read-only grant.
    fn to_sync(&self, fd: &Resource<Descriptor>) -> FsResult<Option<Arc<OwnedFd>>> {
        let node = self.node(fd)?;
        Ok(node.writable().then(|| Arc::clone(node.fd())))
    }

    fn writer(&mut self, fd: &Resource<Descriptor>, at: At) -> FsResult<Resource<DynOutputStream>> {
        let file = Arc::clone(self.file(fd)?);
        file.writes()?;
        let writer: DynOutputStream = Box::new(Writer::new(file, at));
        self.push(writer)
    }
}

/// Syncs off the async threads: a slow disk holds up nobody else.
async fn off_thread(fd: Option<Arc<OwnedFd>>, sync: fn(Arc<OwnedFd>) -> Result<(), Errno>) -> FsResult<()> {
    let Some(fd) = fd else { return Ok(()) };
    let synced = tokio::task::spawn_blocking(move || sync(fd)).await;
    Ok(synced.map_err(|_| ErrorCode::Io)?.map_err(beneath::code)?)
}

impl preopens::Host for FsView<'_> {
    fn get_directories(&mut self) -> wasmtime::Result<Vec<(Resource<Descriptor>, String)>> {
        let mut directories = Vec::new();
        for granted in &self.ctx.granted {
            let node = self.table.push(Node::Folder(Folder::root(granted)))?;
            directories.push((Resource::new_own(node.rep()), granted.root.grant().guest.clone()));
        }
        Ok(directories)
    }
}

impl types::Host for FsView<'_> {
    fn convert_error_code(&mut self, error: FsError) -> wasmtime::Result<ErrorCode> {
        error.downcast()
    }

    fn filesystem_error_code(&mut self, error: Resource<IoError>) -> wasmtime::Result<Option<ErrorCode>> {
        Ok(self.table.get(&error)?.downcast_ref::<ErrorCode>().copied())
    }
}

impl types::HostDirectoryEntryStream for FsView<'_> {
    async fn read_directory_entry(
        &mut self,
        stream: Resource<DirectoryEntryStream>,
    ) -> FsResult<Option<types::DirectoryEntry>> {
        Ok(self.table.get_mut(&Resource::<Listing>::new_borrow(stream.rep()))?.next()?)
    }

    fn drop(&mut self, stream: Resource<DirectoryEntryStream>) -> wasmtime::Result<()> {
        self.table.delete(Resource::<Listing>::new_own(stream.rep()))?;
        Ok(())
    }
}

impl types::HostDescriptor for FsView<'_> {
    fn read_via_stream(
        &mut self,
        fd: Resource<Descriptor>,
        offset: u64,
    ) -> FsResult<Resource<DynInputStream>> {
        let file = Arc::clone(self.file(&fd)?);
        let reader: DynInputStream = Box::new(Reader { file, offset });
        self.push(reader)
    }

    fn write_via_stream(
        &mut self,
        fd: Resource<Descriptor>,
        offset: u64,
    ) -> FsResult<Resource<DynOutputStream>> {
        self.writer(&fd, At::Offset(offset))
    }

    fn append_via_stream(&mut self, fd: Resource<Descriptor>) -> FsResult<Resource<DynOutputStream>> {
        self.writer(&fd, At::End)
    }

    /// Advice changes nothing that a guest could see, so it is taken and left.
    async fn advise(&mut self, fd: Resource<Descriptor>, _: u64, _: u64, _: types::Advice) -> FsResult<()> {
        self.file(&fd).map(drop)
    }

    async fn sync_data(&mut self, fd: Resource<Descriptor>) -> FsResult<()> {
        off_thread(self.to_sync(&fd)?, fdatasync).await
    }

    async fn sync(&mut self, fd: Resource<Descriptor>) -> FsResult<()> {
        off_thread(self.to_sync(&fd)?, fsync).await
    }

    async fn get_flags(&mut self, fd: Resource<Descriptor>) -> FsResult<types::DescriptorFlags> {
        Ok(match self.node(&fd)? {
            Node::File(file) => file.flags(),
            Node::Folder(folder) if folder.granted.writable() => {
                types::DescriptorFlags::READ | types::DescriptorFlags::MUTATE_DIRECTORY
            }
            Node::Folder(_) => types::DescriptorFlags::READ,
        })
    }

    async fn get_type(&mut self, fd: Resource<Descriptor>) -> FsResult<types::DescriptorType> {
        Ok(descriptor_type(match self.node(&fd)? {
            Node::File(_) => FileType::RegularFile,
            Node::Folder(_) => FileType::Directory,
        }))
    }

    async fn set_size(&mut self, fd: Resource<Descriptor>, size: u64) -> FsResult<()> {
        Ok(self.file(&fd)?.resize(size)?)
    }

    async fn set_times(
        &mut self,
        fd: Resource<Descriptor>,
        access: NewTimestamp,
        modified: NewTimestamp,
    ) -> FsResult<()> {
        let times = timestamps(access, modified)?;
        match self.node(&fd)? {
            Node::File(file) => file.set_times(&times)?,
            Node::Folder(folder) => folder.set_times_at(".", &times)?,
        }
        Ok(())
    }

    async fn read(&mut self, fd: Resource<Descriptor>, len: u64, offset: u64) -> FsResult<(Vec<u8>, bool)> {
        let len = usize::try_from(len).unwrap_or(usize::MAX);
        let bytes = self.file(&fd)?.read(len, offset)?;
        let at_end = bytes.is_empty() && len > 0;
        Ok((bytes, at_end))
    }

    async fn write(&mut self, fd: Resource<Descriptor>, bytes: Vec<u8>, offset: u64) -> FsResult<u64> {
        self.file(&fd)?.write(&bytes, At::Offset(offset))?;
        Ok(bytes.len() as u64)
    }

    async fn read_directory(&mut self, fd: Resource<Descriptor>) -> FsResult<Resource<DirectoryEntryStream>> {
        let listing = self.folder(&fd)?.list()?;
        Ok(Resource::new_own(self.push(listing)?.rep()))
    }

    async fn create_directory_at(&mut self, fd: Resource<Descriptor>, path: String) -> FsResult<()> {
        Ok(self.folder(&fd)?.make_folder(&path)?)
    }

    async fn stat(&mut self, fd: Resource<Descriptor>) -> FsResult<types::DescriptorStat> {
        Ok(descriptor_stat(&self.node(&fd)?.stat()?))
    }

    async fn stat_at(
        &mut self,
        fd: Resource<Descriptor>,
        flags: PathFlags,
        path: String,
    ) -> FsResult<types::DescriptorStat> {
        Ok(descriptor_stat(&self.folder(&fd)?.stat_at(&path, follows(flags))?))
    }

    async fn set_times_at(
        &mut self,
        fd: Resource<Descriptor>,
        _: PathFlags,
        path: String,
        access: NewTimestamp,
        modified: NewTimestamp,
    ) -> FsResult<()> {
        let times = timestamps(access, modified)?;
        Ok(self.folder(&fd)?.set_times_at(&path, &times)?)
    }

    /// A hard link would give bytes a name that no quota covers.
    async fn link_at(
        &mut self,
        fd: Resource<Descriptor>,
        _: PathFlags,
        _: String,
        _: Resource<Descriptor>,
        _: String,
    ) -> FsResult<()> {
        self.folder(&fd)?;
        Err(ErrorCode::NotPermitted.into())
    }

    async fn open_at(
        &mut self,
        fd: Resource<Descriptor>,
        _: PathFlags,
        path: String,
        flags: types::OpenFlags,
        mode: types::DescriptorFlags,
    ) -> FsResult<Resource<Descriptor>> {
        let node = match self.folder(&fd)?.open(&path, flags, mode)? {
            Opened::File(file) => Node::File(Arc::new(file)),
            Opened::Folder(folder) => Node::Folder(folder),
        };
        Ok(Resource::new_own(self.push(node)?.rep()))
    }

    /// A link's text is a path of the host, so it is not shown; everything else is no link.
    async fn readlink_at(&mut self, fd: Resource<Descriptor>, path: String) -> FsResult<String> {
        self.folder(&fd)?.stat_at(&path, true)?;
        Err(ErrorCode::Invalid.into())
    }

    async fn remove_directory_at(&mut self, fd: Resource<Descriptor>, path: String) -> FsResult<()> {
        Ok(self.folder(&fd)?.remove_folder(&path)?)
    }

    async fn rename_at(
        &mut self,
        fd: Resource<Descriptor>,
        from: String,
        target: Resource<Descriptor>,
        to: String,
    ) -> FsResult<()> {
        Ok(self.folder(&fd)?.rename(&from, self.folder(&target)?, &to)?)
    }

    /// A link could lead a program outside the sandbox somewhere it did not mean to go.
    async fn symlink_at(&mut self, fd: Resource<Descriptor>, _: String, _: String) -> FsResult<()> {
        self.folder(&fd)?;
        Err(ErrorCode::NotPermitted.into())
    }

    async fn unlink_file_at(&mut self, fd: Resource<Descriptor>, path: String) -> FsResult<()> {
        Ok(self.folder(&fd)?.remove_file(&path)?)
    }

    async fn is_same_object(
        &mut self,
        a: Resource<Descriptor>,
        b: Resource<Descriptor>,
    ) -> wasmtime::Result<bool> {
        let stat = |fd| Ok::<_, FsError>(self.node(fd)?.stat()?);
        let (a, b) = (stat(&a)?, stat(&b)?);
        Ok((a.st_dev, a.st_ino) == (b.st_dev, b.st_ino))
    }

    async fn metadata_hash(&mut self, fd: Resource<Descriptor>) -> FsResult<types::MetadataHashValue> {
        Ok(metadata_hash(&self.node(&fd)?.stat()?))
    }

    async fn metadata_hash_at(
        &mut self,
        fd: Resource<Descriptor>,
        flags: PathFlags,
        path: String,
    ) -> FsResult<types::MetadataHashValue> {
        Ok(metadata_hash(&self.folder(&fd)?.stat_at(&path, follows(flags))?))
    }

    fn drop(&mut self, fd: Resource<Descriptor>) -> wasmtime::Result<()> {
        self.table.delete(Resource::<Node>::new_own(fd.rep()))?;
        Ok(())
    }
}

fn follows(flags: PathFlags) -> bool {
    flags.contains(PathFlags::SYMLINK_FOLLOW)
}
