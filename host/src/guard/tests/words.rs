//! What agent and operator read.

use super::super::{Budget, Why};
use super::*;

/// A refusal, as text, hint and operator's sentence.
fn said(refusal: &Refusal) -> [String; 3] {
    [refusal.text("t"), refusal.hint(), refusal.operator("t")]
}

#[test]
fn a_used_up_budget_tells_the_agent_to_finish_and_the_operator_the_line() {
    let mut world = World::new();
    (0..20).for_each(|n| drop(world.call(1, n * 100).unwrap()));
    let [text, hint, operator] = said(&world.asked(1, 9_000).unwrap_err());
    assert_eq!(text, "This run has used 20 of 20 calls.");
    assert_eq!(hint, "Make no more calls. Finish with what you have, and say what is missing.");
    assert!(operator.starts_with("run.budgets.steps is 20 calls; run_"), "{operator}");
}

#[test]
fn money_is_said_in_dollars_with_what_the_call_may_cost() {
    let mut world = World::new();
    world.worst = money(400_000);
    world.call(1, 100).unwrap();
    world.worst = money(100_125);
    let [text, _, operator] = said(&world.asked(1, 200).unwrap_err());
    assert_eq!(text, "This run has used $0.40 of $0.50. This call may cost $0.100125.");
    assert!(operator.contains("run.budgets.cost is $0.50"), "{operator}");
}

#[test]
fn a_repeat_is_told_what_to_change() {
    let mut world = World::new();
    world.call(1, 700).unwrap();
    let notice = world.call(1, 700).unwrap().notices.remove(0).text();
    assert_eq!(
        notice,
        "This is the same call 2 times in a row. Use the result that you have; change the arguments or call \
         something else. The next repeat is refused."
    );
    let [text, hint, _] = said(&world.call(1, 700).unwrap_err());
    assert_eq!(text, "This is the same call 3 times in a row.");
    assert_eq!(hint, "Use the result that you have; change the arguments or call something else.");
    world.call(1, 700).unwrap_err();
    let [_, hint, _] = said(&world.call(1, 700).unwrap_err());
    assert_eq!(hint, "Stop. Make no more calls, and tell the user what is done and what is not.");
}

#[test]
fn whoever_must_wait_is_told_how_long() {
    let mut world = World::new();
    world.tool.breaker = Some(Breaker { failures: 1, ..Breaker::default() });
    world.fail(1, 100).unwrap();
    let [text, hint, operator] = said(&world.asked(1, 200).unwrap_err());
    assert_eq!(text, "`t` has failed too often and is left alone.");
    assert_eq!(hint, "Go on with something else. Ask again in 60 s.");
    assert!(operator.contains("tools.t.breaker"), "{operator}");
}

#[test]
fn what_a_person_wrote_is_for_the_operator_alone() {
    let mut world = World::new();
    for steer in [Steer::Paused("s3cret".to_owned()), Steer::Halted("s3cret".to_owned())] {
        world.steer(1, steer);
        let [text, hint, operator] = said(&world.asked(1, 100).unwrap_err());
        assert!(!text.contains("s3cret") && !hint.contains("s3cret"));
        assert!(!text.contains("toolgate") && !hint.contains("toolgate"), "an agent has no command line");
        assert!(operator.contains("s3cret") && operator.contains("toolgate run resume run_"));
    }
}

#[test]
fn a_run_halted_by_proposals_or_by_its_burn_rate_goes_on_once_their_line_allows_it() {
    let halted = |why: Why, line: &str| {
        let mut world = World::new();
        world.steer(1, Steer::Halted(why.sentence()));
        let [_, _, operator] = said(&world.asked(1, 100).unwrap_err());
        assert!(operator.ends_with(&format!("continues it{line}")), "{operator}");
    };
    let proposals = Why::Budget { budget: Budget::Proposals, used: 8, held: 0, asked: 1, limit: 6 };
    halted(proposals, " once run.budgets.proposals allows it");
    halted(Why::BurnRate { hourly: 6_000_000, limit: 5_000_000 }, " once spend.hour allows it");
    halted(Why::Refusals { used: 5, limit: 5 }, "");
}

#[test]
fn whose_segment_is_old_is_told_how_to_go_on() {
    let mut world = World::new();
    world.now += 3_600_000;
    let [_, hint, operator] = said(&world.asked(1, 100).unwrap_err());
    for sentence in [&hint, &operator] {
        assert!(sentence.contains(r#"`toolgate_status` with {"refresh": true}"#), "{sentence}");
    }
    assert!(operator.starts_with("run.segment is 60 min; "), "{operator}");
}

#[test]
fn no_agents_sentence_names_a_key_of_the_policy() {
    let mut seen = 0;
    for seed in 0..40 {
        let mut world = random::life(seed, 150, |_| {});
        for n in 1..=6 {
            let Err(refusal) = world.asked(n, 100) else { continue };
            let [text, hint, operator] = said(&refusal);
            seen += 1;
            for sentence in [&text, &hint] {
                assert!(sentence.ends_with('.'), "{sentence}");
                for key in ["run.", "spend.", "tools.", "toolgate "] {
                    assert!(!sentence.trim_end_matches('.').contains(key), "{sentence}");
                }
            }
            assert!(!operator.is_empty());
        }
    }
    assert!(seen > 20, "{seen}");
}
