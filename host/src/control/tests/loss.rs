//! The control database lost, replaced, damaged or foreign: a host that cannot see the switches stops everything,
//! and nobody writes to a file that is something else.

use super::*;
use std::fs;

/// Opens a host, spoils the database, and gives the reason for which everything stops then.
fn spoil(room: &Room, spoil: impl FnOnce(&Path)) -> (Control, String) {
    let control = room.open();
    let running = control.enter(run(1), "read").expect("nothing is on");
    spoil(&room.path);
    until("what runs is told to end", || running.why().is_some());
    let why = control.enter(run(2), "write").expect_err("it sees nothing");
    assert_eq!((why.origin, why.target.clone()), (Origin::Host, Target::All));
    (control, why.to_string())
}

fn beside(path: &Path, suffix: &str) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push(suffix);
    PathBuf::from(name)
}

#[test]
fn a_deleted_file_stops_everything() {
    let room = Room::new();
    let (_control, why) = spoil(&room, |path| fs::remove_file(path).expect("it was there"));
    assert!(why.contains("restart the host") && why.contains("ledger.db-control"), "{why}");
}

#[test]
fn a_file_made_again_is_not_the_one_that_was_lost() {
    let room = Room::new();
    let mut host = Hand::open(&room);
    for suffix in ["", "-wal", "-shm"] {
        fs::remove_file(beside(&room.path, suffix)).expect("it was there");
    }
    let other = room.open();
    assert!(room.kill(&tool("other")).all_stopped, "the new file knows the new host alone");
    for _ in 0..20 {
        host.watcher.look();
    }
    let why = host.enter(run(1), "read").expect_err("its switches are lost");
    assert!(why.why.contains("another file") && other.enter(run(1), "read").is_ok(), "{why}");
}

#[test]
fn a_file_replaced_by_a_sound_one_stops_everything() {
    let (room, other) = (Room::new(), Room::new());
    drop(other.open());
    let (_control, why) = spoil(&room, |path| fs::rename(&other.path, path).expect("one file system"));
    assert!(why.contains("another file"), "{why}");
}

#[test]
fn a_lost_log_or_index_stops_everything() {
    for suffix in ["-wal", "-shm"] {
        let room = Room::new();
        let (_control, why) =
            spoil(&room, |path| fs::remove_file(beside(path, suffix)).expect("it was there"));
        assert!(why.contains(suffix), "{why}");
    }
}

/// Whose times no look asks for: it changes with every switch.
#[test]
fn an_overwritten_log_stops_everything_within_a_hundred_looks_or_so() {
    use std::os::unix::fs::FileExt;
    let room = Room::new();
    let mut host = Hand::open(&room);
    let log = fs::OpenOptions::new().write(true).open(beside(&room.path, "-wal")).expect("it is ours");
    let bytes = log.metadata().expect("it is there").len();
    log.write_all_at(&vec![0x55; bytes as usize], 0).expect("it is ours");
    for _ in 0..110 {
        host.watcher.look();
    }
    assert!(host.enter(run(1), "read").is_err());
}

#[test]
fn an_overwritten_file_stops_everything() {
    for bytes in [vec![0x55; 40_960], Vec::new()] {
        let room = Room::new();
        // As hosts find it after a while: all of it in the file, nothing in the log.
        drop(room.open());
        let (_control, why) = spoil(&room, |path| fs::write(path, &bytes).expect("it is ours"));
        assert!(why.contains("ledger.db-control"), "{why}");
    }
}

/// Of the tables that a host does not write when it opens: what it has written stands in the log, sound.
#[test]
fn a_damaged_page_stops_everything_also_one_that_no_look_reads_and_the_operator_is_told_too() {
    use std::os::unix::fs::FileExt;
    for table in ["switches", "acknowledgements", "sqlite_autoindex_switches_1"] {
        let room = Room::new();
        room.kill(&tool("other"));
        room.unkill(&tool("other")).expect("it was on");
        let root = format!("SELECT rootpage FROM sqlite_schema WHERE name = '{table}'");
        let page: u32 = {
            let connection = rusqlite::Connection::open(&room.path).expect("a database");
            connection.query_row(&root, [], |row| row.get(0)).expect("a table")
        };
        let (control, why) = spoil(&room, |path| {
            let file = fs::OpenOptions::new().write(true).open(path).expect("it is ours");
            file.write_all_at(&[0xFF; 100], u64::from(page - 1) * 4_096).expect("it is ours");
        });
        assert!(why.contains("damaged"), "{table}: {why}");
        let order = Kill { target: &Target::All, why: "", now_ms: 1, wait: Duration::ZERO, force: false };
        assert!(matches!(kill(&room.path, &order), Err(ControlError::Damaged { .. })), "{table}");
        drop(control);
    }
}

#[test]
fn other_files_are_refused_and_left_as_they_are() {
    let contents = |sql: &str| {
        let room = Room::new();
        fs::create_dir_all(room.path.parent().expect("a folder")).expect("a folder");
        room.sql(sql);
        room
    };
    let foreign = contents("CREATE TABLE a (b)");
    let ledger = contents("PRAGMA application_id = 0x54474C52; PRAGMA user_version = 1; CREATE TABLE a (b)");
    let later = contents("PRAGMA application_id = 0x54474354; PRAGMA user_version = 2; CREATE TABLE a (b)");
    let text = contents("");
    fs::write(&text.path, "name,price\n".repeat(500)).expect("it is ours");
    for room in [foreign, ledger, later, text] {
        let before = fs::read(&room.path).expect("it is there");
        let order = Kill { target: &Target::All, why: "", now_ms: 1, wait: Duration::ZERO, force: false };
        let errors = [
            Control::open(&room.path, NOW_MS).expect_err("it is something else"),
            kill(&room.path, &order).expect_err("it is something else"),
            unkill(&room.path, &Target::All).expect_err("it is something else"),
            switches(&room.path).expect_err("it is something else"),
        ];
        for error in errors {
            let known = matches!(
                error,
                ControlError::NotControl { .. } | ControlError::OtherVersion { found: 2, expected: 1, .. }
            );
            assert!(known && error.to_string().contains("left as it is"), "{error}");
        }
        assert_eq!(fs::read(&room.path).expect("it is there"), before);
    }
}

#[test]
fn an_empty_file_has_lost_its_switches_and_is_not_taken_for_a_new_one() {
    let room = Room::new();
    room.kill(&Target::All);
    fs::write(&room.path, "").expect("it is ours");
    assert!(matches!(Control::open(&room.path, NOW_MS), Err(ControlError::Damaged { .. })));
    assert!(matches!(unkill(&room.path, &Target::All), Err(ControlError::Damaged { .. })));
    assert_eq!(fs::metadata(&room.path).expect("it is there").len(), 0);
}

#[test]
fn a_database_made_by_a_kill_knows_no_host_that_ran_before() {
    let room = Room::new();
    let report = room.kill(&Target::All);
    assert_eq!((report.written, report.all_stopped), (Written::New, true));
    let report = room.kill(&Target::All);
    assert_eq!((report.written, report.all_stopped), (Written::Watched, true));
    for left in ["ledger.db", "ledger.db-host-1", "ledger.db-control-host-1"] {
        let room = Room::new();
        let folder = room.path.parent().expect("a folder");
        fs::create_dir_all(folder).expect("a folder");
        fs::write(folder.join("ledger.db.bak"), "").expect("it is ours");
        fs::write(folder.join(left), "").expect("it is ours");
        let report = room.kill(&Target::All);
        assert_eq!((report.written, report.all_stopped), (Written::Remade, false), "{left}");
        assert!(room.open().enter(run(1), "read").is_err(), "the switch is on all the same");
    }
}

#[test]
fn a_link_that_leads_nowhere_is_an_error_for_everybody() {
    let room = Room::new();
    fs::create_dir_all(room.path.parent().expect("a folder")).expect("a folder");
    std::os::unix::fs::symlink("nowhere", &room.path).expect("a link");
    let order = Kill { target: &Target::All, why: "", now_ms: 1, wait: Duration::ZERO, force: false };
    let errors = [
        kill(&room.path, &order).expect_err("nothing can be written"),
        unkill(&room.path, &Target::All).expect_err("nothing can be read"),
        switches(&room.path).expect_err("nothing can be read"),
        hosts(&room.path).expect_err("nothing can be read"),
    ];
    assert!(errors.iter().all(|error| matches!(error, ControlError::Open { .. })), "{errors:#?}");
}

#[test]
fn a_folder_in_its_place_is_refused() {
    let room = Room::new();
    fs::create_dir_all(&room.path).expect("a folder");
    assert!(matches!(Control::open(&room.path, NOW_MS), Err(ControlError::Open { .. })));
}
