//! The fs grant: `wasi:filesystem` on folders of the host, by nothing but what a grant names.
//!
//! Without a grant there is no folder to start from. With one, every path is walked one plain name at a
//! time beneath the open folder and no link is ever followed (`beneath`); only regular files and folders
//! open; bytes and files are charged to the call's allowance before they come to be (`allowance`); links
//! of both kinds cannot be made. What is missing and what is refused look the same: `no-entry`. A wish to
//! change something under a read-only grant is `read-only` whether or not it exists.
//!
//! Not here: which folders may be granted at all (`overlap` refuses those that would let a tool widen
//! its own power). The stock implementation of `wasi:filesystem` is never linked.

mod allowance;
mod beneath;
mod convert;
mod descriptor;
mod file;
mod folder;
mod io;
mod listing;
mod overlap;
mod path;
mod root;
#[cfg(test)]
mod tests;

pub use overlap::{OverlapError, Protected, refuse_overlapping, refuse_self_widening};
pub use root::{FsGrantError, Root};

use allowance::{Granted, OPEN_MAX};
use std::sync::Arc;
use tokio::sync::Semaphore;
use wasmtime::component::{HasData, Linker, ResourceTable};
use wasmtime_wasi::p2::bindings::filesystem::{preopens, types};

/// One call's granted folders and what is left of their quotas. The default has none.
#[derive(Debug, Default)]
pub struct FsCtx {
    granted: Vec<Arc<Granted>>,
}

/// What one call changed under all its fs grants.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct FsUsage {
    /// Bytes written or grown by.
    pub bytes_written: u64,
    /// Files and folders made.
    pub files_made: u64,
}

impl FsCtx {
    /// A fresh call's share of the roots: full quotas, nothing open.
    pub fn new(roots: &[Root]) -> Self {
        let open = Arc::new(Semaphore::new(OPEN_MAX));
        let granted = |root: &Root| Arc::new(Granted::new(root.clone(), Arc::clone(&open)));
        Self { granted: roots.iter().map(granted).collect() }
    }

    /// What was charged so far.
    pub fn usage(&self) -> FsUsage {
        let mut usage = FsUsage::default();
        for granted in &self.granted {
            let (grant, (bytes, files)) = (granted.root.grant(), granted.allowance.left());
            usage.bytes_written = usage.bytes_written.saturating_add(grant.bytes_max.saturating_sub(bytes));
            usage.files_made = usage.files_made.saturating_add(grant.files_max.saturating_sub(files));
        }
        usage
    }
}

/// Where the host functions find their state: the call's context and its resource table.
pub struct FsView<'a> {
    /// The grants.
    pub ctx: &'a mut FsCtx,
    /// The table of the call's handles.
    pub table: &'a mut ResourceTable,
}

struct HasFs;

impl HasData for HasFs {
    type Data<'a> = FsView<'a>;
}

/// Links `wasi:filesystem/types` and `wasi:filesystem/preopens`.
///
/// # Errors
/// When one of them is linked already.
pub fn add_to_linker<T: Send + 'static>(
    linker: &mut Linker<T>,
    get: fn(&mut T) -> FsView<'_>,
) -> wasmtime::Result<()> {
    types::add_to_linker::<T, HasFs>(linker, get)?;
    preopens::add_to_linker::<T, HasFs>(linker, get)
}
