//! What an agent says about its own run.

use super::super::GuardName;
use super::*;

const FINISHED: Steer = Steer::Finished { reached: true };

fn turn(world: &World, n: u8, words: &[&Steer]) -> Result<Vec<bool>, Refusal> {
    world.board.turn(run(n), words, &world.guards, world.now)
}

/// Which guard refuses, and with which code.
fn refused(world: &World, n: u8, word: &Steer) -> (GuardName, Denial) {
    let refusal = turn(world, n, &[word]).unwrap_err();
    (refusal.why.guard(), refusal.code)
}

#[test]
fn a_run_that_goes_on_is_turned_by_what_changes_anything() {
    let mut world = world();
    let words = [&Steer::Tokens(5), &Steer::Reported, &Steer::Refreshed, &FINISHED];
    assert_eq!(turn(&world, 1, &words), Ok(vec![true, true, false, true]));
    world.steer(1, Steer::Tokens(5));
    world.now += world.guards.segment_ms;
    assert_eq!(turn(&world, 1, &words), Ok(vec![false, true, true, true]));
    assert_eq!(turn(&world, 1, &[&Steer::Tokens(6)]), Ok(vec![true]));
    world.steer(1, Steer::Refreshed);
    assert_eq!(turn(&world, 1, &[&Steer::Tokens(5), &Steer::Refreshed]), Ok(vec![false, false]));
}

#[test]
fn tokens_of_a_descendant_are_none_of_the_run_that_tells() {
    let mut world = world();
    world.open(2, Some(1));
    world.steer(2, Steer::Tokens(100));
    assert_eq!(turn(&world, 1, &[&Steer::Tokens(50)]), Ok(vec![true]));
}

#[test]
fn a_run_that_stands_is_not_turned_and_neither_is_one_below_it() {
    for (steer, code) in [
        (Steer::Paused("look".to_owned()), Denial::RunPaused),
        (Steer::Halted("loop".to_owned()), Denial::RunHalted),
        (FINISHED, Denial::RunHalted),
    ] {
        let mut world = world();
        world.open(2, Some(1));
        world.steer(1, steer);
        for n in [1, 2] {
            for word in [&Steer::Reported, &Steer::Refreshed, &FINISHED] {
                assert_eq!(refused(&world, n, word), (GuardName::Course, code));
            }
            assert_eq!(turn(&world, n, &[&Steer::Tokens(9)]), Ok(vec![false]), "and nothing is lost");
        }
    }
}

#[test]
fn what_is_said_is_bounded_by_the_proposals_of_the_run_and_of_those_above_it() {
    let mut world = world();
    world.open(2, Some(1));
    world.guards.budgets.proposals = 2;
    (0..2).for_each(|_| world.refuse(1, None, None));
    assert_eq!(refused(&world, 1, &Steer::Reported), (GuardName::Proposals, Denial::BudgetExhausted));
    let refusal = turn(&world, 2, &[&Steer::Reported]).unwrap_err();
    assert_eq!((refusal.halts, refusal.inherited, refusal.run), (true, true, run(1)));
    assert_eq!(turn(&world, 1, &[&FINISHED]), Ok(vec![true]), "a run can always be ended");
    assert_eq!(turn(&world, 1, &[&Steer::Refreshed]), Ok(vec![false]), "and read");
}

#[test]
fn a_run_that_was_not_loaded_is_unknown() {
    let world = world();
    assert_eq!(refused(&world, 9, &Steer::Reported), (GuardName::Course, Denial::UnknownRun));
}
