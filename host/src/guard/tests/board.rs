//! The board: what it misses, and what it keeps.

use super::super::Scope;
use super::*;

#[test]
fn the_lineage_the_principal_and_the_tool_are_missed_one_after_another() {
    let mut world = World::new();
    world.open(2, Some(1));
    world.board.take_changed().unwrap();
    let snapshots: Vec<_> = {
        let mut board = world.board.clone();
        board.touch_all();
        board.take_changed().unwrap()
    };
    world.board.forget();
    assert!(world.board.is_empty());
    let mut missed = Vec::new();
    while let Some(scope) = world.board.missing(run(2), Some("t")) {
        let snapshot = snapshots.iter().find(|(of, ..)| *of == scope);
        world.board.insert(scope.clone(), snapshot.map(|(_, seq, text)| (*seq, text.as_str()))).unwrap();
        missed.push(scope);
    }
    let principal = Scope::Principal("p".to_owned());
    assert_eq!(missed, [Scope::Run(run(2)), Scope::Run(run(1)), principal, Scope::Tool("t".to_owned())]);
}

#[test]
fn an_ending_finds_its_tool_though_only_the_run_is_loaded() {
    let mut world = World::new();
    let (call, _) = world.start(1, 100).unwrap();
    let snapshots = world.board.take_changed().unwrap();
    world.board.forget();
    let ended = Ended { call, blame: Blame::Works, spent: None, result: None, slow_ms: None };
    let event = Event { seq: 99, run: run(1), at_ms: world.now, kind: Kind::Ended(ended) };
    let mut missed = 0;
    while let Some(scope) = world.board.missing_for(&event) {
        let (_, seq, text) = snapshots.iter().find(|(of, ..)| *of == scope).unwrap();
        world.board.insert(scope, Some((*seq, text))).unwrap();
        missed += 1;
    }
    assert_eq!(missed, 3, "the run, its principal and the tool");
    world.board.apply(&event);
    assert_eq!(world.board.take_changed().unwrap().len(), 3);
}

#[test]
fn a_record_is_taken_once() {
    let mut world = World::new();
    world.start(1, 100).unwrap();
    world.board.take_changed().unwrap();
    for event in world.events.clone() {
        world.board.apply(&event);
    }
    assert!(world.board.take_changed().unwrap().is_empty());
}

#[test]
fn only_what_is_in_its_snapshot_is_forgotten() {
    let mut world = World::new();
    world.call(1, 100).unwrap();
    world.board.forget();
    assert_eq!(world.board.len(), 3);
    world.board.take_changed().unwrap();
    world.board.forget();
    assert_eq!(world.board.len(), 0);
}

#[test]
fn a_snapshot_that_cannot_be_read_changes_nothing() {
    let mut world = World::new();
    for text in ["", "{}x", "7", r#"{"unknown":1}"#] {
        assert!(world.board.insert(Scope::Run(run(1)), Some((9, text))).is_err(), "{text}");
    }
    assert!(world.asked(1, 100).is_ok());
}

#[test]
fn a_chain_of_runs_that_has_no_end_refuses() {
    let mut world = World::new();
    world.guards.depth = u32::MAX;
    world.open(7, Some(8));
    world.open(8, Some(7));
    assert_eq!(world.asked(7, 100).unwrap_err().code, Denial::DepthExceeded);
}

#[test]
fn of_a_tool_that_was_not_loaded_nothing_is_retried() {
    let mut world = World::new();
    let retry = world.tool.retry;
    assert!(!world.board.may_retry("t", &retry, world.now));
    let (call, _) = world.start(1, 100).unwrap();
    for n in 0..12 {
        assert_eq!(world.board.may_retry("t", &retry, world.now), n < 10, "{n}");
        world.happen(1, Kind::Retried { call, slow_ms: None });
    }
}
