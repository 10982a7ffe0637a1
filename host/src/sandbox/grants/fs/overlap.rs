//! Grants that may not stand together, found before anything runs.
//!
//! A writable grant may not reach what decides about it: the policy, the ledger, the cache, keys,
//! components. "Reach" is decided on the ways of the file system, not on spellings:
//!
//! - Every path is resolved link by link, and **every place the way passes** counts: a link that leads
//!   to the policy is as good as the policy, since whoever can replace it chooses the policy.
//! - Folders are compared by device and inode too, so a bind mount of a granted folder is that folder.
//! - What does not exist yet counts by where it would be.
//! - Both ways round: a grant around a protected thing, and a grant inside a protected folder.
//! - Links inside a granted folder need no search: guests can neither follow nor make them, and a file
//!   with a second name is never opened for change (`file::one_name_only`).
//!
//! Not seen: another file system mounted inside a granted folder, and what is moved after the check.
//! Invariant: a path that cannot be resolved is an error, never a pass.

use crate::policy::{Access, FsGrant};
use std::collections::VecDeque;
use std::ffi::OsString;
use std::io;
use std::os::unix::fs::MetadataExt;
use std::path::{Component, Path, PathBuf};

/// Links followed in one path before it is given up (Linux: 40).
const LINKS_MAX: usize = 40;

/// Something that no tool may change: a file, or a folder with all that is in it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Protected {
    /// What it is, for the message: `the policy`, `a component`, …
    pub what: &'static str,
    /// Where it is, or will be; a relative path starts at the policy's folder.
    pub path: PathBuf,
}

/// Grants that may not stand together; for the operator.
#[derive(Debug, thiserror::Error)]
pub enum OverlapError {
    /// A writable grant reaches something protected.
    #[error(
        "tool `{tool}`: the read-write grant of `{}` reaches {what} (`{}`), so the tool could widen its own \
         power: grant a folder that holds nothing of the kind, or move that elsewhere",
        grant.display(), path.display()
    )]
    SelfWidening {
        /// The tool.
        tool: String,
        /// The granted folder as the policy writes it.
        grant: PathBuf,
        /// What it reaches.
        what: &'static str,
        /// Where that is.
        path: PathBuf,
    },
    /// A folder would be read-only by one grant and writable by another.
    #[error(
        "tool `{tool}`: the read grant of `{}` and the read-write grant of `{}` overlap, so the first would \
         promise what the second breaks: separate them, or grant one of them",
        read.display(), write.display()
    )]
    ReadAndWrite {
        /// The tool.
        tool: String,
        /// The folder granted for reading.
        read: PathBuf,
        /// The folder granted for writing.
        write: PathBuf,
    },
    /// A path cannot be followed to its end.
    #[error("`{}` cannot be resolved, so it is not known what lies there: {source}", path.display())]
    Unresolved {
        /// The path.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
}

/// Refuses every read-write grant that contains, lies in, or reaches by a link something protected.
/// Each grant comes with the name of its tool; relative paths start at `base`, the policy's folder.
///
/// # Errors
/// The first grant that does, or a path that cannot be resolved.
pub fn refuse_self_widening(
    grants: &[(String, FsGrant)],
    protected: &[Protected],
    base: &Path,
) -> Result<(), OverlapError> {
    let protected: Vec<(&Protected, Way)> =
        protected.iter().map(|thing| Ok((thing, Way::of(&thing.path, base)?))).collect::<Result<_, _>>()?;
    for (tool, grant) in grants.iter().filter(|(_, grant)| grant.access == Access::ReadWrite) {
        let way = Way::of(&grant.host, base)?;
        let reached = protected.iter().find(|(_, thing)| thing.passes(&way.end) || way.ends_in(&thing.end));
        if let Some((thing, _)) = reached {
            return Err(OverlapError::SelfWidening {
                tool: tool.clone(),
                grant: grant.host.clone(),
                what: thing.what,
                path: thing.path.clone(),
            });
        }
    }
    Ok(())
}

/// Refuses a tool that has a folder for reading only and the same one, or one around or inside it, for
/// writing. Two tools may share a folder: what one may not change the other may.
///
/// # Errors
/// The first such pair, or a path that cannot be resolved.
pub fn refuse_overlapping(grants: &[(String, FsGrant)], base: &Path) -> Result<(), OverlapError> {
    for (tool, read) in grants.iter().filter(|(_, grant)| grant.access == Access::Read) {
        let way = Way::of(&read.host, base)?;
        for (_, write) in
            grants.iter().filter(|(name, grant)| name == tool && grant.access == Access::ReadWrite)
        {
            let other = Way::of(&write.host, base)?;
            if way.ends_in(&other.end) || other.ends_in(&way.end) {
                return Err(OverlapError::ReadAndWrite {
                    tool: tool.clone(),
                    read: read.host.clone(),
                    write: write.host.clone(),
                });
            }
        }
    }
    Ok(())
}

/// How a path is followed to its end.
#[derive(Debug)]
struct Way {
    /// Every file, folder and link that it passes, each by the path that leads there without links.
    places: Vec<PathBuf>,
    /// Where it ends.
    end: PathBuf,
}

impl Way {
    fn of(path: &Path, base: &Path) -> Result<Self, OverlapError> {
        std::path::absolute(base.join(path))
            .and_then(|absolute| Self::follow(&absolute))
            .map_err(|source| OverlapError::Unresolved { path: path.to_owned(), source })
    }

    fn follow(path: &Path) -> io::Result<Self> {
        let mut way = Self { places: Vec::new(), end: PathBuf::from("/") };
        let mut ahead: VecDeque<OsString> = steps(path).collect();
        let mut links = 0;
        while let Some(step) = ahead.pop_front() {
            match Path::new(&step).components().next() {
                Some(Component::Normal(name)) => {
                    let place = way.end.join(name);
                    way.places.push(place.clone());
                    let Some(target) = link_target(&place)? else {
                        way.end = place;
                        continue;
                    };
                    links += 1;
                    if links > LINKS_MAX {
                        return Err(io::Error::other("too many links on the way"));
                    }
                    for step in steps(&target).collect::<Vec<_>>().into_iter().rev() {
                        ahead.push_front(step);
                    }
                }
                Some(Component::ParentDir) => drop(way.end.pop()),
                Some(Component::RootDir) => way.end = PathBuf::from("/"),
                _ => {}
            }
        }
        Ok(way)
    }

    /// True when any place on the way is the folder or lies in it.
    fn passes(&self, folder: &Path) -> bool {
        self.places.iter().any(|place| lies_in(place, folder))
    }

    /// True when the way's end is the folder or lies in it.
    fn ends_in(&self, folder: &Path) -> bool {
        lies_in(&self.end, folder)
    }
}

fn steps(path: &Path) -> impl Iterator<Item = OsString> {
    path.components().map(|component| component.as_os_str().to_owned())
}

/// What a link points to; None for everything else, also for what does not exist yet.
fn link_target(place: &Path) -> io::Result<Option<PathBuf>> {
    match place.symlink_metadata() {
        Ok(metadata) if metadata.is_symlink() => place.read_link().map(Some),
        Ok(_) => Ok(None),
        Err(error) if matches!(error.kind(), io::ErrorKind::NotFound | io::ErrorKind::NotADirectory) => {
            Ok(None)
        }
        Err(error) => Err(error),
    }
}

/// By path, or by device and inode for folders that exist.
fn lies_in(place: &Path, folder: &Path) -> bool {
    let id = |path: &Path| path.symlink_metadata().ok().map(|metadata| (metadata.dev(), metadata.ino()));
    let same = |outer: &Path| id(outer).is_some_and(|outer| Some(outer) == id(folder));
    place.starts_with(folder) || place.ancestors().any(same)
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::fs;
    use std::os::unix::fs::symlink;

    fn grant(host: &str, access: Access) -> (String, FsGrant) {
        let grant = FsGrant { host: host.into(), guest: "/w".to_owned(), access, bytes_max: 1, files_max: 1 };
        ("t".to_owned(), grant)
    }

    fn protected(what: &'static str, path: &str) -> Protected {
        Protected { what, path: path.into() }
    }

    /// A home with a workspace, and a policy beside it.
    fn home() -> tempfile::TempDir {
        let home = tempfile::tempdir().unwrap();
        fs::create_dir_all(home.path().join("work/inner")).unwrap();
        fs::create_dir_all(home.path().join("conf/cache")).unwrap();
        fs::write(home.path().join("conf/policy.toml"), "").unwrap();
        home
    }

    fn widens(home: &tempfile::TempDir, granted: &str, thing: &str) -> bool {
        let grants = [grant(granted, Access::ReadWrite)];
        match refuse_self_widening(&grants, &[protected("the policy", thing)], home.path()) {
            Ok(()) => false,
            Err(OverlapError::SelfWidening { .. }) => true,
            Err(other) => panic!("{other}"),
        }
    }

    #[test]
    fn a_folder_beside_the_policy_may_be_granted() {
        let home = home();
        assert!(!widens(&home, "work", "conf/policy.toml"));
        assert!(!widens(&home, "conf/cache", "conf/policy.toml"));
    }

    #[test]
    fn a_writable_grant_over_the_policy_is_refused_however_it_is_spelled() {
        let home = home();
        for granted in ["conf", ".", "work/../conf", "conf/.", "/"] {
            assert!(widens(&home, granted, "conf/policy.toml"), "{granted}");
        }
    }

    #[test]
    fn a_read_grant_over_the_policy_is_allowed() {
        let home = home();
        let grants = [grant("conf", Access::Read)];
        refuse_self_widening(&grants, &[protected("the policy", "conf/policy.toml")], home.path()).unwrap();
    }

    #[test]
    fn a_grant_that_is_a_link_to_the_policys_folder_is_refused() {
        let home = home();
        symlink("conf", home.path().join("innocent")).unwrap();
        assert!(widens(&home, "innocent", "conf/policy.toml"));
    }

    #[test]
    fn a_policy_reached_over_a_link_inside_the_grant_is_refused() {
        let home = home();
        symlink("../conf", home.path().join("work/settings")).unwrap();
        symlink(home.path().join("conf/policy.toml"), home.path().join("work/policy.toml")).unwrap();
        assert!(widens(&home, "work", "work/settings/policy.toml"));
        assert!(widens(&home, "work", "work/policy.toml"));
        assert!(!widens(&home, "work/inner", "work/policy.toml"));
    }

    #[test]
    fn what_does_not_exist_yet_counts_by_its_folder() {
        let home = home();
        assert!(widens(&home, "work", "work/state/ledger.db"));
        assert!(widens(&home, "work/state", "work/state/ledger.db"));
        symlink("../work/later", home.path().join("conf/ledger.db")).unwrap();
        assert!(widens(&home, "work", "conf/ledger.db"));
    }

    #[test]
    fn a_grant_inside_a_protected_folder_is_refused() {
        let home = home();
        assert!(widens(&home, "conf/cache/x", "conf/cache"));
        assert!(widens(&home, "conf/cache", "conf/cache"));
    }

    #[test]
    fn a_ring_of_links_is_an_error_and_no_pass() {
        let home = home();
        symlink("b", home.path().join("a")).unwrap();
        symlink("a", home.path().join("b")).unwrap();
        let refused = refuse_self_widening(&[grant("a", Access::ReadWrite)], &[], home.path());
        assert!(matches!(refused, Err(OverlapError::Unresolved { .. })));
    }

    #[test]
    fn the_refusal_names_the_tool_the_grant_and_what_it_reaches() {
        let home = home();
        let things = [protected("the policy", "conf/policy.toml")];
        let refused = refuse_self_widening(&[grant("conf", Access::ReadWrite)], &things, home.path());
        let text = refused.unwrap_err().to_string();
        for word in ["`t`", "`conf`", "reaches the policy (`conf/policy.toml`)"] {
            assert!(text.contains(word), "{text}");
        }
    }

    #[test]
    fn names_that_only_begin_alike_do_not_overlap() {
        let home = home();
        fs::create_dir(home.path().join("con")).unwrap();
        assert!(!widens(&home, "con", "conf/policy.toml"));
    }

    #[test]
    fn one_tool_may_not_have_a_folder_both_read_only_and_writable() {
        let home = home();
        symlink("work", home.path().join("alias")).unwrap();
        for (read, write) in
            [("work", "work/inner"), ("work/inner", "work"), ("work", "alias"), ("alias", "work")]
        {
            let grants = [grant(read, Access::Read), grant(write, Access::ReadWrite)];
            let refused = refuse_overlapping(&grants, home.path());
            assert!(matches!(refused, Err(OverlapError::ReadAndWrite { .. })), "{read} {write}");
        }
        let apart = [grant("conf", Access::Read), grant("work", Access::ReadWrite)];
        refuse_overlapping(&apart, home.path()).unwrap();
    }

    #[test]
    fn two_tools_may_share_a_folder() {
        let home = home();
        let mut grants = [grant("work", Access::Read), grant("work", Access::ReadWrite)];
        grants[1].0 = "other".to_owned();
        refuse_overlapping(&grants, home.path()).unwrap();
    }
}
