//! A SQLite VFS that does what the system's does, and asks a test before each write and each sync.
//!
//! The only unsafe code of the tests. A file is the system's own file with our data behind it; its table of
//! methods is a copy in which those that change the disk are ours. Invariant: what the test does not answer
//! otherwise, the system does.
#![expect(
    unsafe_code,
    reason = "SQLite's VFS is a C interface; this shim is how the tests see SQLite's own writes and syncs"
)]

use rusqlite::ffi;
use std::ffi::{CStr, CString, c_char, c_int, c_void};
use std::path::{Path, PathBuf};
use std::ptr;

/// What becomes of a write or a sync.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Fate {
    /// The system does it.
    Done,
    /// Nothing is done, and it is said to have gone well.
    Skipped,
    /// It fails.
    Failed {
        /// Of a write, how many bytes are written all the same.
        bytes: usize,
        /// The error, as SQLite numbers it.
        code: c_int,
    },
}

/// Who is asked and told. Files without a name, which are SQLite's own temporary ones, ask nobody.
pub trait Tap: Send + Sync + 'static {
    /// A file was opened, and perhaps made.
    fn opened(&self, _path: &Path) {}

    /// A file is about to be removed.
    fn removing(&self, _path: &Path) {}

    /// A file is about to be cut or extended to this many bytes.
    fn truncating(&self, _path: &Path, _size: usize) {}

    /// Bytes are about to be written, from this one on.
    fn write(&self, path: &Path, at: usize, bytes: &[u8]) -> Fate;

    /// The system has written what `write` let through.
    fn written(&self, _path: &Path) {}

    /// A file is about to be made durable.
    fn sync(&self, path: &Path) -> Fate;
}

/// Registers a VFS for good. Two may not have one name.
pub fn register(name: &str, tap: impl Tap) {
    let name = CString::new(name).expect("a name has no zeros");
    // SAFETY: SQLite gives its default VFS, which lives for ever; our copy, its name and the tap are never
    // freed, so they do too.
    let code = unsafe {
        let system = ffi::sqlite3_vfs_find(ptr::null());
        let mut vfs = *system;
        vfs.zName = name.into_raw();
        vfs.pNext = ptr::null_mut();
        vfs.szOsFile += size_of::<Extra>() as c_int;
        vfs.xOpen = Some(open);
        vfs.xDelete = Some(delete);
        let shim = Box::into_raw(Box::new(Shim { vfs, tap: Box::new(tap) }));
        ffi::sqlite3_vfs_register(shim.cast::<ffi::sqlite3_vfs>(), 0)
    };
    assert_eq!(code, ffi::SQLITE_OK, "SQLite did not take the VFS");
}

/// What SQLite takes for a VFS, and whom it asks.
#[repr(C)]
struct Shim {
    vfs: ffi::sqlite3_vfs,
    tap: Box<dyn Tap>,
}

/// What we keep behind the system's file.
struct Extra {
    system: *const ffi::sqlite3_io_methods,
    ours: ffi::sqlite3_io_methods,
    path: Option<PathBuf>,
    tap: &'static dyn Tap,
}

/// The system's VFS.
fn system() -> *mut ffi::sqlite3_vfs {
    // SAFETY: a look-up by name; the system's VFS is registered as long as the process lives.
    unsafe { ffi::sqlite3_vfs_find(c"unix".as_ptr()) }
}

/// Whom a VFS asks.
///
/// # Safety
/// `vfs` was made by [`register`].
unsafe fn tap_of(vfs: *mut ffi::sqlite3_vfs) -> &'static dyn Tap {
    // SAFETY: the VFS is the first field of a shim that is never freed, and nobody writes to its second.
    unsafe {
        let tap: *const Box<dyn Tap> = &raw const (*vfs.cast::<Shim>()).tap;
        &**tap
    }
}

/// Our data of an open file.
///
/// # Safety
/// `file` was opened by [`open`] and not closed.
unsafe fn extra<'a>(file: *mut ffi::sqlite3_file) -> &'a mut Extra {
    // SAFETY: `open` was given `szOsFile` bytes, the system's and then ours, and wrote ours there; both sizes
    // are multiples of 8, and SQLite aligns files to 8.
    unsafe { &mut *file.cast::<u8>().add((*system()).szOsFile as usize).cast::<Extra>() }
}

unsafe extern "C" fn open(
    vfs: *mut ffi::sqlite3_vfs,
    name: ffi::sqlite3_filename,
    file: *mut ffi::sqlite3_file,
    flags: c_int,
    out_flags: *mut c_int,
) -> c_int {
    // SAFETY: the arguments are SQLite's for exactly this call; our data lies behind the system's file.
    unsafe {
        let Some(system_open) = (*system()).xOpen else { return ffi::SQLITE_ERROR };
        let code = system_open(system(), name, file, flags, out_flags);
        if code != ffi::SQLITE_OK || (*file).pMethods.is_null() {
            return code;
        }
        let tap = tap_of(vfs);
        let path = (!name.is_null()).then(|| path_of(name));
        if let Some(path) = &path {
            tap.opened(path);
        }
        let mut ours = *(*file).pMethods;
        ours.xWrite = Some(write);
        ours.xTruncate = Some(truncate);
        ours.xSync = Some(sync);
        ours.xClose = Some(close);
        let place = ptr::from_mut(extra(file));
        place.write(Extra { system: (*file).pMethods, ours, path, tap });
        (*file).pMethods = &raw const (*place).ours;
        code
    }
}

unsafe extern "C" fn close(file: *mut ffi::sqlite3_file) -> c_int {
    // SAFETY: SQLite closes a file once; our data is read out before the system forgets the file.
    unsafe {
        let extra = ptr::from_mut(extra(file)).read();
        (*file).pMethods = extra.system;
        (*extra.system).xClose.map_or(ffi::SQLITE_ERROR, |close| close(file))
    }
}

unsafe extern "C" fn write(
    file: *mut ffi::sqlite3_file,
    bytes: *const c_void,
    count: c_int,
    at: i64,
) -> c_int {
    // SAFETY: `bytes` has `count` bytes, and the file is open.
    unsafe {
        let extra = extra(file);
        let Some(system_write) = (*extra.system).xWrite else { return ffi::SQLITE_ERROR };
        let Some(path) = &extra.path else { return system_write(file, bytes, count, at) };
        let content = std::slice::from_raw_parts(bytes.cast::<u8>(), count as usize);
        let (through, failure) = match extra.tap.write(path, at as usize, content) {
            Fate::Done => (count, ffi::SQLITE_OK),
            Fate::Skipped => return ffi::SQLITE_OK,
            Fate::Failed { bytes, code } => (bytes.min(content.len()) as c_int, code),
        };
        let written = if through > 0 { system_write(file, bytes, through, at) } else { ffi::SQLITE_OK };
        extra.tap.written(path);
        if written == ffi::SQLITE_OK { failure } else { written }
    }
}

unsafe extern "C" fn truncate(file: *mut ffi::sqlite3_file, size: i64) -> c_int {
    // SAFETY: the file is open.
    unsafe {
        let extra = extra(file);
        if let Some(path) = &extra.path {
            extra.tap.truncating(path, size as usize);
        }
        (*extra.system).xTruncate.map_or(ffi::SQLITE_ERROR, |truncate| truncate(file, size))
    }
}

unsafe extern "C" fn sync(file: *mut ffi::sqlite3_file, flags: c_int) -> c_int {
    // SAFETY: the file is open.
    unsafe {
        let extra = extra(file);
        let fate = extra.path.as_ref().map_or(Fate::Done, |path| extra.tap.sync(path));
        match fate {
            Fate::Done => (*extra.system).xSync.map_or(ffi::SQLITE_ERROR, |sync| sync(file, flags)),
            Fate::Skipped => ffi::SQLITE_OK,
            Fate::Failed { code, .. } => code,
        }
    }
}

unsafe extern "C" fn delete(vfs: *mut ffi::sqlite3_vfs, name: *const c_char, sync_folder: c_int) -> c_int {
    // SAFETY: SQLite gives a path that ends with a zero.
    unsafe {
        tap_of(vfs).removing(&path_of(name));
        (*system()).xDelete.map_or(ffi::SQLITE_ERROR, |delete| delete(system(), name, sync_folder))
    }
}

/// # Safety
/// `name` is a C string.
unsafe fn path_of(name: *const c_char) -> PathBuf {
    // SAFETY: the caller's promise.
    Path::new(unsafe { CStr::from_ptr(name) }.to_str().unwrap_or_default()).to_owned()
}
