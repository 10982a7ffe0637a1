//! A SQLite VFS that does what the system's does and records every write, truncation, sync and removal.
//!
//! The only unsafe code of the tests. A file is the system's own file with our data behind it; its table of
//! methods is a copy in which the three that change the disk are ours. Invariant: what is recorded
//! happened, in this order; nothing else of the system's behaviour is changed.
#![expect(
    unsafe_code,
    reason = "SQLite's VFS is a C interface; this shim is how the test sees SQLite's own syncs"
)]

use super::log::{self, Event};
use rusqlite::ffi;
use std::ffi::{CStr, c_char, c_int, c_void};
use std::path::{Path, PathBuf};
use std::ptr;
use std::sync::OnceLock;

/// The name to open a ledger with.
pub const NAME: &str = "power-loss-recorder";
const NAME_C: &CStr = c"power-loss-recorder";

/// Registers the VFS, once in a process.
pub fn register() {
    static REGISTERED: OnceLock<()> = OnceLock::new();
    REGISTERED.get_or_init(|| {
        // SAFETY: SQLite gives its default VFS, which lives for ever; our copy is leaked, so it does too.
        let code = unsafe {
            let system = ffi::sqlite3_vfs_find(ptr::null());
            let mut shim = *system;
            shim.zName = NAME_C.as_ptr();
            shim.pNext = ptr::null_mut();
            shim.szOsFile += size_of::<Extra>() as c_int;
            shim.xOpen = Some(open);
            shim.xDelete = Some(delete);
            ffi::sqlite3_vfs_register(Box::leak(Box::new(shim)), 0)
        };
        assert_eq!(code, ffi::SQLITE_OK, "SQLite did not take the VFS");
    });
}

/// What we keep behind the system's file.
struct Extra {
    system: *const ffi::sqlite3_io_methods,
    ours: ffi::sqlite3_io_methods,
    path: Option<PathBuf>,
}

/// The system's VFS.
fn system() -> *mut ffi::sqlite3_vfs {
    // SAFETY: a look-up by name; the system's VFS is registered as long as the process lives.
    unsafe { ffi::sqlite3_vfs_find(c"unix".as_ptr()) }
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
    _: *mut ffi::sqlite3_vfs,
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
        let path = (!name.is_null()).then(|| path_of(name));
        if let Some(path) = &path {
            log::record(path, Event::Named(path.clone()));
        }
        let mut ours = *(*file).pMethods;
        ours.xWrite = Some(write);
        ours.xTruncate = Some(truncate);
        ours.xSync = Some(sync);
        ours.xClose = Some(close);
        let place = ptr::from_mut(extra(file));
        place.write(Extra { system: (*file).pMethods, ours, path });
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
        if let Some(path) = &extra.path {
            let bytes = std::slice::from_raw_parts(bytes.cast::<u8>(), count as usize).to_vec();
            log::record(path, Event::Write { path: path.clone(), at: at as usize, bytes });
        }
        (*extra.system).xWrite.map_or(ffi::SQLITE_ERROR, |write| write(file, bytes, count, at))
    }
}

unsafe extern "C" fn truncate(file: *mut ffi::sqlite3_file, size: i64) -> c_int {
    // SAFETY: the file is open.
    unsafe {
        let extra = extra(file);
        if let Some(path) = &extra.path {
            log::record(path, Event::Truncate { path: path.clone(), size: size as usize });
        }
        (*extra.system).xTruncate.map_or(ffi::SQLITE_ERROR, |truncate| truncate(file, size))
    }
}

unsafe extern "C" fn sync(file: *mut ffi::sqlite3_file, _: c_int) -> c_int {
    // SAFETY: the file is open. The real sync is left out: the images are made from the record.
    unsafe {
        if let Some(path) = &extra(file).path {
            log::record_sync(path);
        }
    }
    ffi::SQLITE_OK
}

unsafe extern "C" fn delete(_: *mut ffi::sqlite3_vfs, name: *const c_char, sync_folder: c_int) -> c_int {
    // SAFETY: SQLite gives a path that ends with a zero.
    unsafe {
        let path = path_of(name);
        log::record(&path, Event::Removed(path.clone()));
        (*system()).xDelete.map_or(ffi::SQLITE_ERROR, |delete| delete(system(), name, sync_folder))
    }
}

/// # Safety
/// `name` is a C string.
unsafe fn path_of(name: *const c_char) -> PathBuf {
    // SAFETY: the caller's promise.
    Path::new(unsafe { CStr::from_ptr(name) }.to_str().unwrap_or_default()).to_owned()
}
