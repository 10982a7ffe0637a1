//! Hostile guests: one small program per fear, a test of the same name, and what the sandbox promises.
//!
//! Not here: how the SDK's tools behave (other rooms). Invariant: every file in `tests/guests` has a test
//! of its name and every such test a file; the test below fails otherwise.

mod about;
mod bare;
mod bombs;
mod cache;
mod calls;
mod crowd;
mod fairness;
mod features;
mod files;
mod fuel;
mod limits;
mod load;
mod memory;
mod printing;
mod results;
mod room;
mod stack;
mod state;
mod time;
mod values;
pub(crate) mod wat;
mod worker;

/// One line per guest: its name, and what must become of it.
macro_rules! hostile {
    ($($(#[$doc:meta])* $name:ident => $test:expr;)+) => {
        /// The guests that this file tests.
        pub(super) const TESTED: &[&str] = &[$(stringify!($name)),+];
        $($(#[$doc])* #[test] fn $name() { $crate::hostile::Test::run($test, stringify!($name)) })+
    };
}
use hostile;

/// What a line of the table may hold: a case, or a function that is given the guest's name.
trait Test {
    fn run(self, name: &'static str);
}

impl Test for room::Case {
    fn run(self, name: &'static str) {
        Self::run(self, name);
    }
}

impl<F: FnOnce(&'static str)> Test for F {
    fn run(self, name: &'static str) {
        self(name);
    }
}

const TABLES: &[&[&str]] = &[
    calls::TESTED,
    files::TESTED,
    load::TESTED,
    memory::TESTED,
    printing::TESTED,
    stack::TESTED,
    state::TESTED,
    time::TESTED,
    values::TESTED,
];

#[test]
fn every_guest_has_its_test_and_every_test_its_guest() {
    let mut tested: Vec<String> = TABLES.concat().into_iter().map(str::to_owned).collect();
    tested.sort();
    let files = std::fs::read_dir(wat::folder()).expect("the folder of the guests");
    let mut guests: Vec<String> = files
        .map(|file| file.expect("its entries are readable").path())
        .filter(|path| path.extension().is_some_and(|extension| extension == "wat"))
        .map(|path| path.file_stem().expect("a file has a name").to_string_lossy().into_owned())
        .collect();
    guests.sort();
    assert_eq!(tested, guests);
    assert!(guests.len() >= 40, "{}", guests.len());
}

#[test]
fn a_guest_is_small_and_says_what_it_does() {
    for file in std::fs::read_dir(wat::folder()).expect("the folder of the guests") {
        let path = file.expect("its entries are readable").path();
        if path.extension().is_some_and(|extension| extension == "wat") {
            let text = std::fs::read_to_string(&path).expect("a guest is readable");
            assert!(text.starts_with(";; "), "{}", path.display());
            assert!(text.lines().count() <= 50, "{}", path.display());
        }
    }
}
