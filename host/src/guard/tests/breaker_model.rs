//! The breaker beside a plain model: a million random sequences, each under settings of its own, and some long ones.
//!
//! Not here: the known bugs by name (`breaker.rs`). Invariant: both are told the same, and after every step the breaker
//! answers as the model does, to the millisecond.

use super::super::breaker::{BreakerState, Gate};
use super::random::Chance;
use super::*;

/// The rules, written as plainly as possible: all that happened since the last turn is a list.
struct Model {
    settings: Breaker,
    /// Opened at, while it is not closed.
    open: Option<u64>,
    /// A probe had its turn since it opened.
    half_open: bool,
    probe: Option<(u64, u64)>,
    /// Slot of every ending since it closed, and whether it failed.
    endings: Vec<(u64, bool)>,
    /// Calls that started since the last turn.
    current: Vec<u64>,
}

impl Model {
    fn new(settings: Breaker) -> Self {
        Self { settings, open: None, half_open: false, probe: None, endings: Vec::new(), current: Vec::new() }
    }

    fn gate(&self, at: u64) -> Gate {
        match (self.open, self.probe) {
            (None, _) => Gate::Pass,
            (Some(since), None) if !self.half_open && at < since + self.settings.cooldown_ms => {
                Gate::Wait { retry_after_ms: since + self.settings.cooldown_ms - at, probing: false }
            }
            (Some(_), Some((_, until))) if at < until => {
                Gate::Wait { retry_after_ms: 1_000.min(until - at), probing: true }
            }
            (Some(_), _) => Gate::Probe,
        }
    }

    fn start(&mut self, call: u64, until: u64, at: u64) {
        if self.open.is_some() && self.probe.is_none_or(|(_, until)| at >= until) {
            (self.probe, self.half_open) = (Some((call, until)), true);
        }
        self.current.push(call);
    }

    fn end(&mut self, call: u64, blame: Blame, at: u64) {
        let Some(place) = self.current.iter().position(|current| *current == call) else { return };
        self.current.swap_remove(place);
        match (self.open, self.probe) {
            (None, _) if blame == Blame::Nothing => {}
            (None, _) => {
                self.endings.push((self.slot(at), matches!(blame, Blame::Fails(_))));
                if matches!(blame, Blame::Fails(Some(_))) && self.trips(at) {
                    self.turn(Some(at));
                }
            }
            (Some(_), Some((probe, _))) if probe == call => match blame {
                Blame::Works => self.turn(None),
                Blame::Fails(_) => self.turn(Some(at)),
                Blame::Misused | Blame::Nothing => self.probe = None,
            },
            (Some(_), _) => {}
        }
    }

    fn trips(&self, at: u64) -> bool {
        let first = self.slot(at.saturating_sub(self.settings.window_ms));
        let (mut ended, mut failed) = (0, 0);
        for (_, fails) in self.endings.iter().filter(|(slot, _)| *slot >= first) {
            ended += 1;
            failed += u64::from(*fails);
        }
        failed >= self.settings.failures.into() && failed * 100 >= ended * u64::from(self.settings.percent)
    }

    /// Windows up to a minute are counted finely.
    fn slot(&self, at: u64) -> u64 {
        at / if self.settings.window_ms <= 60_000 { 100 } else { 10_000 }
    }

    fn turn(&mut self, open: Option<u64>) {
        *self = Self { open, ..Self::new(self.settings) };
    }
}

/// How often what was seen.
#[derive(Default)]
struct Seen {
    opened: u64,
    opened_by_probe: u64,
    closed: u64,
    slot_left: u64,
    slot_overdue: u64,
    late: u64,
}

/// One breaker and its model, from their beginning.
struct Sequence {
    chance: Chance,
    settings: Breaker,
    breaker: BreakerState,
    model: Model,
    now: u64,
    /// The longest pause between two steps, and how long a call may run.
    pace_ms: u64,
    deadline_ms: u64,
    running: Vec<u64>,
}

impl Sequence {
    fn new(seed: u64) -> Self {
        let mut chance = Chance(seed);
        let mut pick = |of: &[u64]| of[chance.below(of.len() as u64) as usize];
        let settings = Breaker {
            failures: pick(&[1, 1, 2, 3, 5]) as u32,
            percent: pick(&[0, 0, 20, 50, 75, 100]) as u8,
            window_ms: pick(&[100, 1_000, 10_000, 60_000, 60_001, 600_000, 3_600_000]),
            cooldown_ms: pick(&[0, 1, 500, 5_000, 60_000]),
        };
        let (pace_ms, deadline_ms) = (pick(&[1, 100, 800, 8_000, 60_000]), pick(&[10, 1_000, 30_000]));
        let (breaker, model) = (BreakerState::default(), Model::new(settings));
        Self { chance, settings, breaker, model, now: 0, pace_ms, deadline_ms, running: Vec::new() }
    }

    /// So many steps; `name` is how to find it again.
    fn play(&mut self, steps: u64, seen: &mut Seen, name: u64) {
        for step in 0..steps {
            self.now += self.chance.below(self.pace_ms + 1);
            let gate = self.breaker.gate(&self.settings, self.now);
            assert_eq!(gate, self.model.gate(self.now), "sequence {name}, step {step}, {:?}", self.settings);
            match self.chance.below(16) {
                // One in 32 comes from a host without a breaker and is not asked.
                0..7 if !matches!(gate, Gate::Wait { .. }) || self.chance.below(32) == 0 => {
                    self.start(step, seen)
                }
                7..14 if !self.running.is_empty() => self.end(seen),
                // Its host dies; the mark comes whenever it comes, or never.
                14 if !self.running.is_empty() && self.chance.below(4) == 0 => {
                    self.running.swap_remove(0);
                }
                15 if self.chance.below(16) == 0 => {
                    let text = serde_json::to_string(&self.breaker).unwrap();
                    self.breaker = serde_json::from_str(&text).unwrap();
                }
                _ => {}
            }
        }
    }

    fn start(&mut self, call: u64, seen: &mut Seen) {
        let until = self.now + self.deadline_ms;
        seen.slot_overdue += u64::from(self.model.probe.is_some_and(|(_, until)| self.now >= until));
        self.breaker.admitted(CallId::new(call, [0; 10]), until, self.now);
        self.model.start(call, until, self.now);
        self.running.push(call);
    }

    fn end(&mut self, seen: &mut Seen) {
        let call = self.running.swap_remove(self.chance.below(self.running.len() as u64) as usize);
        let fails = Blame::Fails(Some(self.settings));
        let blame = match self.chance.below(16) {
            0..4 => Blame::Works,
            4..13 => fails,
            13 => Blame::Fails(None),
            14 => Blame::Misused,
            _ => Blame::Nothing,
        };
        let (before, probed) = (self.model.open, self.model.probe.is_some());
        seen.late += u64::from(!self.model.current.contains(&call));
        self.breaker.ended(CallId::new(call, [0; 10]), blame, self.now);
        self.model.end(call, blame, self.now);
        match (before, self.model.open) {
            (None, Some(_)) => seen.opened += 1,
            (Some(_), None) => seen.closed += 1,
            (Some(_), Some(_)) if probed && !self.model.half_open => seen.opened_by_probe += 1,
            (Some(_), Some(_)) => seen.slot_left += u64::from(probed && self.model.probe.is_none()),
            (None, None) => {}
        }
    }
}

#[test]
fn a_million_random_sequences_agree_with_the_plain_model() {
    let mut seen = Seen::default();
    for name in 0..1_000_000 {
        let mut sequence = Sequence::new(name);
        let steps = 4 + sequence.chance.below(21);
        sequence.play(steps, &mut seen, name);
    }
    let Seen { opened, opened_by_probe, closed, slot_left, slot_overdue, late } = seen;
    for often in [opened, opened_by_probe, closed, slot_left, slot_overdue, late] {
        assert!(often > 10_000, "{:?}", [opened, opened_by_probe, closed, slot_left, slot_overdue, late]);
    }
}

#[test]
fn two_thousand_long_sequences_agree_with_the_plain_model() {
    (0..2_000).for_each(|name| Sequence::new(name).play(500, &mut Seen::default(), name));
}
