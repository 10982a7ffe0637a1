//! The state in memory against a model: any order of entries, endings, switches and acknowledgements.

use super::super::board::{Acknowledgement, Board};
use super::*;
use proptest::collection::vec;
use proptest::prelude::*;

const TOOLS: [&str; 3] = ["read", "write", "read2"];

#[derive(Debug, Clone)]
enum Step {
    Enter(u8, usize),
    Leave(usize),
    Throw(Target),
    Lift(usize),
    Tell,
    Shut,
    Reopen,
}

fn step() -> impl Strategy<Value = Step> {
    let target = prop_oneof![
        3 => (0..3u8).prop_map(|number| Target::Run(run(number))),
        3 => (0..3usize).prop_map(|index| tool(TOOLS[index])),
        1 => Just(Target::All),
    ];
    prop_oneof![
        8 => (0..3u8, 0..3usize).prop_map(|(run, tool)| Step::Enter(run, tool)),
        6 => any::<usize>().prop_map(Step::Leave),
        3 => target.prop_map(Step::Throw),
        3 => any::<usize>().prop_map(Step::Lift),
        4 => Just(Step::Tell),
        1 => Just(Step::Shut),
        1 => Just(Step::Reopen),
    ]
}

/// Run 2 is part of run 1, which is part of run 0.
fn lineage(of: RunId) -> Lineage {
    let above = [run(1), run(0)];
    match of {
        of if of == run(2) => Lineage::new(of, &above),
        of if of == run(1) => Lineage::new(of, &above[1..]),
        of => of.into(),
    }
}

/// The plainest thing that could be right.
#[derive(Default)]
struct Model {
    on: Vec<Switch>,
    shut: bool,
    alive: Vec<(u64, RunId, &'static str, bool)>,
    acknowledged: Vec<u64>,
    next: u64,
}

impl Model {
    fn means(&self, run: RunId, tool: &str) -> bool {
        self.shut || self.on.iter().any(|switch| switch.target.means(&lineage(run), tool))
    }

    fn tell(&mut self) {
        let (on, shut) = (&self.on, self.shut);
        for (_, run, tool, told) in &mut self.alive {
            *told |= shut || on.iter().any(|switch| switch.target.means(&lineage(*run), tool));
        }
    }

    fn alive(&self, target: &Target) -> u64 {
        self.alive.iter().filter(|(_, run, tool, _)| target.means(&lineage(*run), tool)).count() as u64
    }

    fn take(
        &mut self,
        step: Step,
        board: &mut Board,
        calls: &mut Vec<(u64, Arc<super::super::board::Call>)>,
    ) {
        match step {
            Step::Enter(number, index) => {
                let (run, tool) = (run(number), TOOLS[index]);
                let entered = board.enter(lineage(run), tool);
                assert_eq!(entered.is_err(), self.means(run, tool));
                assert_eq!(board.stopped(&lineage(run), tool).is_some(), self.means(run, tool));
                if let Ok((id, call)) = entered {
                    self.alive.push((id, run, tool, false));
                    calls.push((id, call));
                }
            }
            Step::Leave(index) if !calls.is_empty() => {
                let (id, _) = calls.remove(index % calls.len());
                let was_told = self.alive.iter().any(|(alive, _, _, told)| *alive == id && *told);
                self.alive.retain(|(alive, ..)| *alive != id);
                let was_last = was_told && !self.alive.iter().any(|(.., told)| *told);
                assert_eq!(board.leave(id), was_last);
            }
            Step::Throw(target) if !self.on.iter().any(|switch| switch.target == target) => {
                self.next += 1;
                self.on.push(Switch { target, since_ms: 1, why: String::new(), generation: self.next });
                board.set(&self.on);
                self.tell();
            }
            Step::Lift(index) if !self.on.is_empty() => {
                self.on.remove(index % self.on.len());
                board.set(&self.on);
            }
            Step::Tell => {
                let due = board.due();
                for Acknowledgement { generation, running, .. } in &due {
                    let switch = self.on.iter().find(|switch| switch.generation == *generation);
                    let switch = switch.expect("only of switches that are on");
                    assert_eq!(*running, self.alive(&switch.target));
                    if *running == 0 {
                        assert!(!self.acknowledged.contains(generation), "twice");
                        self.acknowledged.push(*generation);
                    }
                }
                board.told(&due);
                let idle = self.on.iter().filter(|switch| self.alive(&switch.target) == 0);
                idle.for_each(|switch| assert!(self.acknowledged.contains(&switch.generation)));
            }
            Step::Shut => {
                let why =
                    Killed { target: Target::All, since_ms: 1, why: String::new(), origin: Origin::Host };
                board.shut(why);
                self.shut = true;
                self.tell();
            }
            Step::Reopen => {
                board.reopen();
                self.shut = false;
            }
            _ => {}
        }
        for ((id, call), (alive, _, _, told)) in calls.iter().zip(&self.alive) {
            assert_eq!((id, call.killed().is_some()), (alive, *told));
        }
        assert_eq!(board.is_idle(), calls.is_empty());
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(2_000))]
    #[test]
    fn no_order_of_events_lets_a_call_past_a_switch_or_acknowledges_one_that_runs(steps in vec(step(), 1..60)) {
        let (mut board, mut model, mut calls) = (Board::default(), Model::default(), Vec::new());
        for step in steps {
            model.take(step, &mut board, &mut calls);
        }
    }
}

#[test]
fn a_call_that_two_switches_mean_counts_for_both() {
    let mut board = Board::default();
    let (id, _call) = board.enter(run(1).into(), "read").expect("nothing is on");
    let switch = |target, generation| Switch { target, since_ms: 1, why: String::new(), generation };
    board.set(&[switch(tool("read"), 1), switch(Target::All, 2)]);
    assert!(board.leave(id));
    let stopped: Vec<u64> = board.due().iter().map(|due| due.stopped).collect();
    assert_eq!(stopped, [1, 1]);
}

#[test]
fn what_stops_a_run_is_told_before_what_stops_a_tool() {
    let mut board = Board::default();
    let switch = |target, generation| Switch { target, since_ms: 1, why: String::new(), generation };
    let targets = [tool("write"), Target::Run(run(0)), tool("read"), Target::Run(run(2)), Target::All];
    let switches: Vec<Switch> = (1..).zip(targets).map(|(number, target)| switch(target, number)).collect();
    board.set(&switches);
    let about: Vec<Target> = board.about(&lineage(run(1))).into_iter().map(|killed| killed.target).collect();
    assert_eq!(about, [Target::All, Target::Run(run(0)), tool("read"), tool("write")]);
}
