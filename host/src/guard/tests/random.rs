//! Chance without a clock: a small generator, and random lives of a board.

use super::super::Scope;
use super::*;
use proptest::prelude::*;
use std::collections::HashMap;

/// SplitMix64.
pub(super) struct Chance(pub(super) u64);

impl Chance {
    pub(super) fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        z ^ (z >> 31)
    }

    pub(super) fn below(&mut self, n: u64) -> u64 {
        self.next() % n
    }
}

const RUNS: u8 = 6;

/// A family of runs, small budgets, and tools that fail; `steps` of it.
pub(super) fn life(seed: u64, steps: u64, check: impl Fn(&World)) -> World {
    let mut chance = Chance(seed);
    let mut world = World::new();
    world.guards.budgets.steps = 1 + chance.below(60);
    world.guards.budgets.proposals = 1 + chance.below(300);
    world.guards.budgets.cost_micro_usd = chance.below(3_000);
    world.guards.budgets.fuel = Some(1 + chance.below(3_000));
    world.guards.budgets.host_calls = Some(1 + chance.below(300));
    world.guards.refusals_in_a_row = 1_000;
    world.spend.hour_micro_usd = chance.below(3_000);
    world.tool.breaker = Some(Breaker { failures: 3, percent: 30, window_ms: 10_000, cooldown_ms: 3_000 });
    for n in 2..=RUNS {
        world.open_as(n, (chance.below(3) > 0).then(|| 1 + chance.below(n as u64 - 1) as u8), "p", n == 3);
    }
    let mut running: Vec<(u8, CallId, Hold)> = Vec::new();
    for _ in 0..steps {
        world.now += chance.below(700);
        let n = 1 + chance.below(RUNS.into()) as u8;
        match chance.below(12) {
            0..6 => {
                world.worst =
                    Hold { cost_micro_usd: chance.below(300), fuel: 200, host_calls: 30, ..Hold::default() };
                let tool = ["a", "b", "c"][chance.below(3) as usize];
                let ask = world.ask(n, tool, chance.below(2_000));
                if let Ok((call, admission)) = world.start_ask(n, &ask) {
                    running.push((n, call, admission.allowed));
                }
            }
            6..10 if !running.is_empty() => {
                let (n, call, held) = running.swap_remove(chance.below(running.len() as u64) as usize);
                let spent = match chance.below(4) {
                    0 => None,
                    1 => Some(held),
                    _ => Some(Hold { cost_micro_usd: held.cost_micro_usd / 2, ..held }),
                };
                let blame = [Blame::Works, Blame::Fails(world.tool.breaker), Blame::Misused, Blame::Nothing]
                    [chance.below(4) as usize];
                world.end(n, call, blame, spent, (chance.below(2) == 0).then(|| chance.below(3)));
            }
            10 => world.refuse(n, [None, Some(Denial::Malformed)][chance.below(2) as usize], None),
            11 if !running.is_empty() => {
                let (n, call, _) = running[chance.below(running.len() as u64) as usize];
                world.happen(n, Kind::Retried { call, slow_ms: None });
            }
            _ => {
                let reported = Steer::Tokens(chance.below(99));
                let steers = [Steer::Continued, reported, Steer::Reported, Steer::Paused(String::new())];
                world.steer(n, steers.into_iter().nth(chance.below(4) as usize).unwrap());
            }
        }
        check(&world);
    }
    world
}

fn spent_of(world: &World, family: &[u8]) -> (u64, Hold) {
    let mut holds: HashMap<CallId, Hold> = HashMap::new();
    for event in world.events.iter().filter(|event| family.iter().any(|n| run(*n) == event.run)) {
        match &event.kind {
            Kind::Admitted(admitted) => drop(holds.insert(admitted.call, admitted.hold)),
            Kind::Ended(Ended { call, spent: Some(spent), .. }) => drop(holds.insert(*call, *spent)),
            _ => {}
        }
    }
    (holds.len() as u64, holds.values().fold(Hold::default(), |all, hold| all.plus(*hold)))
}

/// The run and all below it, from the events alone.
fn family(world: &World, of: u8) -> Vec<u8> {
    let mut family = vec![of];
    for event in &world.events {
        if let Kind::Opened(Opened { parent: Some(parent), .. }) = &event.kind
            && family.iter().any(|n| run(*n) == *parent)
        {
            family.extend((1..=RUNS).find(|n| run(*n) == event.run));
        }
    }
    family
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(40))]

    /// From the events alone, by adding up, for every run with all its descendants; endings may be lost or late.
    #[test]
    fn no_budget_is_ever_exceeded_by_a_run_and_its_descendants(seed: u64) {
        life(seed, 150, |world| {
            let budgets = &world.guards.budgets;
            for n in 1..=RUNS {
                let (steps, taken) = spent_of(world, &family(world, n));
                assert!(steps <= budgets.steps, "{steps} steps of {n}");
                assert!(taken.cost_micro_usd <= budgets.cost_micro_usd, "money of {n}");
                assert!(taken.fuel <= budgets.fuel.unwrap(), "fuel of {n}");
                assert!(taken.host_calls <= budgets.host_calls.unwrap(), "host calls of {n}");
            }
            let (_, taken) = spent_of(world, &[1, 2, 3, 4, 5, 6]);
            assert!(taken.cost_micro_usd <= world.spend.hour_micro_usd, "the principal's hour");
        });
    }

    /// Two hosts follow one ledger, write snapshots when they like, forget and crash; both agree with the fold of all.
    #[test]
    fn a_snapshot_and_the_records_after_it_give_the_same_state_as_all_records(seed: u64) {
        let world = life(seed, 200, |_| {});
        let mut chance = Chance(seed ^ 1);
        let mut store = Store::default();
        let mut hosts = [(Board::new(), 0), (Board::new(), 0)];
        while hosts.iter().any(|(_, at)| *at < world.events.len()) {
            let (board, at) = &mut hosts[chance.below(2) as usize];
            for event in world.events.iter().skip(*at).take(chance.below(9) as usize) {
                store.follow(board, event);
                *at += 1;
            }
            match chance.below(16) {
                0..3 => store.save(board, *at),
                3 => board.forget(),
                4 => (*board, *at) = (Board::new(), store.position),
                _ => {}
            }
        }
        let whole = state_of(&world.board);
        for (mut board, _) in hosts {
            whole.keys().for_each(|scope| store.load(&mut board, scope));
            prop_assert_eq!(state_of(&board), whole.clone());
        }
    }

    #[test]
    fn to_ask_changes_nothing(seed: u64) {
        let mut world = life(seed, 60, |_| {});
        let ask = world.ask(1, "a", 5);
        let first = world.decide(&ask);
        let before = state_of(&world.board);
        prop_assert_eq!(world.board.admit(&ask).answer, first);
        prop_assert_eq!(state_of(&world.board), before);
    }
}

/// Every scope as JSON, for comparing.
fn state_of(board: &Board) -> HashMap<Scope, (u64, String)> {
    let mut copy = board.clone();
    copy.take_changed().unwrap();
    copy.touch_all();
    copy.take_changed().unwrap().into_iter().map(|(scope, seq, text)| (scope, (seq, text))).collect()
}

/// What hosts share beside the ledger.
#[derive(Default)]
struct Store {
    snapshots: HashMap<Scope, (u64, String)>,
    position: usize,
}

impl Store {
    fn follow(&self, board: &mut Board, event: &Event) {
        while let Some(scope) = board.missing_for(event) {
            self.insert(board, scope);
        }
        board.apply(event);
    }

    fn insert(&self, board: &mut Board, scope: Scope) {
        let snapshot = self.snapshots.get(&scope).map(|(seq, text)| (*seq, text.as_str()));
        board.insert(scope, snapshot).unwrap();
    }

    /// Unless it is in memory.
    fn load(&self, board: &mut Board, scope: &Scope) {
        if !state_of(board).contains_key(scope) {
            self.insert(board, scope.clone());
        }
    }

    fn save(&mut self, board: &mut Board, at: usize) {
        for (scope, seq, text) in board.take_changed().unwrap() {
            let stored = self.snapshots.entry(scope).or_default();
            if stored.0 < seq {
                *stored = (seq, text);
            }
        }
        self.position = self.position.max(at);
    }
}
