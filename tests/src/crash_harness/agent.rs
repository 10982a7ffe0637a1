//! The agent: what it asks for, from a seed; what it was answered; and what it asks for again because it was not.
//!
//! Invariant: a request that is sent again is the very same, run, arguments and key; an answer counts from the
//! moment its whole line was read.

use super::effects::Tool;
use crate::support::chance::Chance;
use serde_json::{Value, json};
use std::collections::BTreeSet;
use toolgate::call::{CallId, CallMeta, Outcome};

/// Requests without an answer beyond which the agent asks for nothing new.
const UNANSWERED_MAX: usize = 24;

/// One thing that the agent wants done.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Request {
    /// Its number, from 0.
    pub(super) number: u64,
    /// Its run's.
    pub(super) season: u64,
    /// With what.
    pub(super) tool: Tool,
}

impl Request {
    /// The name of its run.
    pub(super) fn run(&self) -> String {
        format!("season-{}", self.season)
    }

    /// What the tool is given; it tells the request from every other.
    pub(super) fn text(&self) -> String {
        format!("r{}", self.number)
    }

    /// The client's idempotency key. What is `once` gets one from the host; the rest goes without.
    pub(super) fn key(&self) -> Option<String> {
        (self.tool == Tool::Keyed).then(|| format!("key-{}", self.number))
    }

    /// The arguments of its call.
    pub(super) fn arguments(&self) -> Value {
        json!({ "text": self.text() })
    }

    /// What goes beside them.
    pub(super) fn meta(&self) -> CallMeta {
        CallMeta { idempotency_key: self.key(), ..CallMeta::default() }
    }

    /// As a worker reads it.
    pub(super) fn line(&self) -> String {
        format!("{} {} {}", self.number, self.season, self.tool.as_str())
    }

    /// Reads a line.
    pub(super) fn parse(line: &str) -> Option<Self> {
        let mut words = line.split(' ');
        let (number, season) = (words.next()?.parse().ok()?, words.next()?.parse().ok()?);
        Some(Self { number, season, tool: Tool::parse(words.next()?)? })
    }
}

/// What the agent was told about a request.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Answer {
    /// The request's number.
    pub(super) number: u64,
    /// The call that was made for it.
    pub(super) call: CallId,
    /// `completed`, or the reason code.
    pub(super) word: String,
    /// Whether it was given again from the ledger.
    pub(super) recorded: bool,
}

impl Answer {
    /// How a request's call ended.
    pub(super) fn new(request: &Request, outcome: &Outcome) -> Self {
        let word = crate::support::word(outcome).to_owned();
        Self { number: request.number, call: outcome.call, word, recorded: outcome.recorded }
    }

    /// True when what was asked for is done.
    pub(super) fn is_done(&self) -> bool {
        self.word == "completed"
    }

    /// As a worker prints it.
    pub(super) fn line(&self) -> String {
        format!("{} {} {} {}", self.number, self.call, self.word, self.recorded)
    }

    /// Reads a line.
    pub(super) fn parse(line: &str) -> Option<Self> {
        let mut words = line.split(' ');
        let (number, call) = (words.next()?.parse().ok()?, words.next()?.parse().ok()?);
        let (word, recorded) = (words.next()?.to_owned(), words.next()?.parse().ok()?);
        Some(Self { number, call, word, recorded })
    }
}

/// One agent, over all lives of its hosts.
pub(super) struct Agent {
    chance: Chance,
    requests: Vec<Request>,
    unanswered: BTreeSet<u64>,
    answers: Vec<Answer>,
}

impl Agent {
    /// An agent that has asked for nothing yet.
    pub(super) fn new(seed: u64) -> Self {
        Self {
            chance: Chance::new(seed),
            requests: Vec::new(),
            unanswered: BTreeSet::new(),
            answers: Vec::new(),
        }
    }

    /// What it asks for next, in a run: first what it has no answer to, then new things, and now and then
    /// something that it was answered before.
    pub(super) fn ask(&mut self, season: u64) -> Vec<Request> {
        let mut asked = self.ask_again();
        let new = 4 + self.chance.below(12);
        for _ in 0..new {
            if self.unanswered.len() < UNANSWERED_MAX {
                let tool = match self.chance.below(100) {
                    0..20 => Tool::Echo,
                    20..60 => Tool::Once,
                    60..85 => Tool::Keyed,
                    _ => Tool::Idempotent,
                };
                asked.push(self.want(season, tool));
            }
        }
        for _ in 0..self.chance.below(3) {
            if !self.answers.is_empty() {
                let at = self.chance.index(self.answers.len());
                let number = self.answers[at].number;
                // What is on the list already would meet itself in flight.
                if asked.iter().all(|request| request.number != number) {
                    asked.push(self.requests[number as usize].clone());
                }
            }
        }
        asked
    }

    /// What it has no answer to, and nothing else.
    pub(super) fn ask_again(&self) -> Vec<Request> {
        self.unanswered.iter().map(|number| self.requests[*number as usize].clone()).collect()
    }

    /// One new request.
    pub(super) fn want(&mut self, season: u64, tool: Tool) -> Request {
        let request = Request { number: self.requests.len() as u64, season, tool };
        self.unanswered.insert(request.number);
        self.requests.push(request.clone());
        request
    }

    /// Takes answers.
    pub(super) fn hear(&mut self, answers: Vec<Answer>) {
        for answer in &answers {
            self.unanswered.remove(&answer.number);
        }
        self.answers.extend(answers);
    }

    /// All it ever asked for, by number.
    pub(super) fn requests(&self) -> &[Request] {
        &self.requests
    }

    /// All it was ever told.
    pub(super) fn answers(&self) -> &[Answer] {
        &self.answers
    }
}
