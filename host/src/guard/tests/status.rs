//! Where a run stands.

use super::super::{Course, NextAction, Standing, Status};
use super::*;

fn standing(world: &World, n: u8) -> Standing {
    world.board.standing(run(n), &world.guards, &world.spend, world.now).unwrap()
}

#[track_caller]
fn assert_stands(world: &World, status: Status, next_action: NextAction, reason: &str) {
    let standing = standing(world, 1);
    assert_eq!((standing.status, standing.next_action), (status, next_action), "{standing:#?}");
    assert_eq!(standing.reasons.first().map_or("", String::as_str), reason);
}

#[test]
fn a_new_run_is_safe() {
    let world = world();
    assert_stands(&world, Status::Safe, NextAction::Continue, "");
    let json = serde_json::to_value(standing(&world, 1)).unwrap();
    assert_eq!(json["status"], "safe");
    assert_eq!(json["next_action"], "continue");
    assert_eq!(json["remaining"]["steps"], 20);
    assert_eq!(json["remaining"]["cost_usd"], 0.5);
    assert_eq!(json["remaining"]["fuel"], serde_json::Value::Null);
    assert_eq!(json["usage"]["steps"], 0);
}

#[test]
fn a_run_below_a_paused_one_stands_though_its_own_course_runs() {
    let mut world = world();
    world.open(2, Some(1));
    assert_eq!(standing(&world, 2).stands, None);
    world.steer(1, Steer::Paused("look".to_owned()));
    let below = standing(&world, 2);
    assert_eq!((below.stands.is_some(), below.course), (true, Course::Running));
}

#[test]
fn most_of_a_budget_used_is_a_warning_and_all_of_it_critical() {
    let mut world = world();
    (0..16).for_each(|n| drop(world.call(1, n * 100).unwrap()));
    let reason = "The run has used 16 of 20 calls.";
    assert_stands(&world, Status::Warning, NextAction::Continue, reason);
    (16..20).for_each(|n| drop(world.call(1, n * 100).unwrap()));
    let reason = "The run has used 20 of 20 calls.";
    assert_stands(&world, Status::Critical, NextAction::WakeEngineer, reason);
}

#[test]
fn money_that_is_spent_is_an_emergency() {
    let mut world = world();
    world.worst = money(500_000);
    world.call(1, 100).unwrap();
    let reason = "The run has used $0.50 of $0.50.";
    assert_stands(&world, Status::Critical, NextAction::EmergencyHalt, reason);
}

#[test]
fn an_old_segment_asks_for_a_checkpoint() {
    let mut world = world();
    world.now += 3_600_000;
    let reason = "This segment of the run is 60 min old: time for a fresh start.";
    assert_stands(&world, Status::Warning, NextAction::CheckpointAndRefresh, reason);
}

#[test]
fn a_paused_run_waits_for_a_person_and_a_halted_one_is_an_emergency() {
    let mut world = world();
    world.steer(1, Steer::Paused("look".to_owned()));
    assert_stands(&world, Status::Warning, NextAction::WakeEngineer, "The run is paused: look");
    world.steer(1, Steer::Halted("loop".to_owned()));
    assert_stands(&world, Status::Critical, NextAction::EmergencyHalt, "The run was halted: loop");
}

#[test]
fn a_finished_run_is_safe_and_goes_on_no_more() {
    let mut world = world();
    world.steer(1, Steer::Finished { reached: true });
    assert_stands(&world, Status::Safe, NextAction::EmergencyHalt, "The run is finished.");
}

#[test]
fn what_stops_a_run_names_its_line_once_and_what_is_near_does_not() {
    let mut world = world();
    world.guards.budgets.proposals = 4;
    world.open(2, Some(1));
    (0..4).for_each(|n| drop(world.call(2, n * 100).unwrap()));
    world.guards.budgets.steps = 5;
    let standing = standing(&world, 2);
    assert_eq!(standing.lines, ["run.budgets.proposals is 4 suggested calls"], "{standing:#?}");
    assert!(serde_json::to_value(&standing).unwrap().get("lines").is_none());
}

#[test]
fn what_is_left_is_what_the_ancestor_with_the_least_has() {
    let mut world = world();
    world.open(2, Some(1));
    (0..17).for_each(|n| drop(world.call(1, n * 100).unwrap()));
    world.call(2, 100).unwrap();
    let standing = standing(&world, 2);
    assert_eq!((standing.usage.steps, standing.remaining.steps), (1, 2));
    assert_eq!(standing.reasons, ["Of a run that this run is part of: The run has used 18 of 20 calls."]);
}
