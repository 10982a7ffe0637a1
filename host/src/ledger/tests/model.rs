//! Random operations against the ledger and against a model that fits on a page.

use super::*;
use proptest::prelude::*;
use std::collections::HashMap;

#[derive(Debug, Clone)]
enum Op {
    Start { key: Option<u8>, arguments: u8, effect: Effect, synced: bool },
    End { pick: usize, completed: bool, in_doubt: bool },
    Refuse,
    Crash,
    Close,
}

fn op() -> impl Strategy<Value = Op> {
    let effect = prop_oneof![
        Just(Effect::ReadOnly),
        Just(Effect::Idempotent),
        Just(Effect::Keyed),
        Just(Effect::Once)
    ];
    let start = (proptest::option::of(0..3_u8), 0..2_u8, effect, any::<bool>())
        .prop_map(|(key, arguments, effect, synced)| Op::Start { key, arguments, effect, synced });
    let end = (any::<usize>(), any::<bool>(), proptest::bool::weighted(0.2))
        .prop_map(|(pick, completed, in_doubt)| Op::End { pick, completed, in_doubt });
    prop_oneof![8 => start, 6 => end, 1 => Just(Op::Refuse), 1 => Just(Op::Crash), 1 => Just(Op::Close)]
}

#[derive(Default)]
struct Model {
    calls: Vec<(CallId, CallState)>,
    running: Vec<(u64, Effect, Option<u8>)>,
    keys: HashMap<u8, (u64, u8, CallState, Effect)>,
    next: u64,
}

impl Model {
    /// What the ledger must answer, as its debug form up to the variant and the call it names.
    fn start(&mut self, key: Option<u8>, arguments: u8, effect: Effect) -> String {
        let n = self.next;
        if let Some((holder, bound, state, _)) = key.and_then(|key| self.keys.get(&key)).copied() {
            if bound != arguments {
                return format!("mismatch {}", call(holder));
            }
            match state {
                CallState::Started => return format!("in flight {}", call(holder)),
                CallState::Completed => return format!("recorded {}", call(holder)),
                _ if effect == Effect::Once => return format!("in doubt {}", call(holder)),
                _ => {}
            }
        }
        let is_doubted = |(_, bound, state, first): &(u64, u8, CallState, Effect)| {
            (*bound, *state, *first) == (arguments, CallState::InDoubt, Effect::Once)
        };
        if matches!(effect, Effect::Keyed | Effect::Once) && self.keys.values().any(is_doubted) {
            return "in doubt".to_owned();
        }
        self.next += 1;
        self.calls.push((call(n), CallState::Started));
        self.running.push((n, effect, key));
        if let Some(key) = key {
            self.keys.insert(key, (n, arguments, CallState::Started, effect));
        }
        "fresh".to_owned()
    }

    fn end(&mut self, index: usize, state: CallState) {
        let (n, _, key) = self.running.remove(index);
        self.calls.iter_mut().filter(|(id, _)| *id == call(n)).for_each(|(_, now)| *now = state);
        let Some(key) = key else { return };
        match state {
            CallState::Completed | CallState::InDoubt => {
                self.keys.entry(key).and_modify(|held| held.2 = state);
            }
            _ => {
                self.keys.remove(&key);
            }
        }
    }

    fn crash(&mut self) {
        while let Some((_, effect, _)) = self.running.first().copied() {
            self.end(0, if effect == Effect::ReadOnly { CallState::Abandoned } else { CallState::InDoubt });
        }
    }
}

fn told(start: &Start) -> String {
    match start {
        Start::Fresh(_) => "fresh".to_owned(),
        Start::Refused(_) | Start::Unapproved(_) => "refused".to_owned(),
        Start::Recorded(outcome) => format!("recorded {}", outcome.call),
        Start::InFlight(flight) => format!("in flight {}", flight.call),
        Start::KeyMismatch { call } => format!("mismatch {call}"),
        Start::InDoubt { call } => format!("in doubt {call}"),
    }
}

async fn compare(ops: Vec<Op>) {
    let mut fixture = Fixture::new().await;
    let mut model = Model::default();
    let run = fixture.run;
    for op in ops {
        match op {
            Op::Start { key, arguments, effect, synced } => {
                let key_text = key.map(|key| format!("key {key}"));
                let plain = intent(run, model.next);
                let intent = Intent { key: key_text, arguments_digest: [arguments; 32], effect, ..plain };
                let durability = if synced { Durability::Synced } else { Durability::Committed };
                let start = fixture.ledger.start(intent, durability).await.unwrap().start;
                let expected = model.start(key, arguments, effect);
                // Of several doubts under other keys, any may be named.
                assert!(told(&start).starts_with(&expected), "{} is not {expected}", told(&start));
            }
            Op::End { pick, completed, in_doubt } if !model.running.is_empty() => {
                let index = pick % model.running.len();
                let n = model.running[index].0;
                let status = if completed { Status::Completed } else { Status::Failed };
                fixture.end(Ending { in_doubt, ..ending(run, n, status) }).await;
                let state = match (in_doubt, completed) {
                    (true, _) => CallState::InDoubt,
                    (false, true) => CallState::Completed,
                    (false, false) => CallState::Failed,
                };
                model.end(index, state);
            }
            Op::End { .. } => {}
            Op::Refuse => {
                fixture.ledger.refuse(refusal(run, model.next)).await.unwrap();
                model.calls.push((call(model.next), CallState::Refused));
                model.next += 1;
            }
            Op::Crash => {
                fixture = fixture.crash();
                model.crash();
            }
            Op::Close => {
                fixture.ledger.clone().close().await.unwrap();
                fixture = fixture.crash();
                model.crash();
            }
        }
    }
    assert_eq!(fixture.states(), model.calls);
    fixture.assert_sound();
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 48, ..ProptestConfig::default() })]

    #[test]
    fn the_ledger_does_what_the_model_does(ops in proptest::collection::vec(op(), 1..40)) {
        tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap().block_on(compare(ops));
    }
}
