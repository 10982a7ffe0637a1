//! The sandbox without the pipeline around it, for what only its own entry shows.

use std::sync::Arc;
use std::time::{Duration, Instant};
use toolgate::call::{CallId, RunId};
use toolgate::policy::Limits;
use toolgate::sandbox::{Admission, Job, OpenGrants, Ran, Sandbox, compile};

/// A sandbox and its admission.
pub(super) struct Bare {
    pub(super) sandbox: Sandbox,
    pub(super) admission: Admission,
}

impl Bare {
    /// Two calls at once, with this tick.
    pub(super) fn open(tick: Duration) -> Self {
        let sandbox = Sandbox::open_with_tick(2, tick).expect("the sandbox opens");
        Self { sandbox, admission: Admission::new(2, 16) }
    }

    /// Runs the one tool of a component once, always as the same call.
    pub(super) async fn run(&self, component: &[u8], tool: &str, change: impl FnOnce(&mut Job)) -> Ran {
        let loaded = self.sandbox.load(&compile(component).expect("it compiles")).expect("it loads");
        let mut job = job(tool);
        change(&mut job);
        let ticket = self.admission.ticket(tool).expect("a place");
        self.sandbox.execute(&loaded, &ticket, job).await
    }
}

fn job(tool: &str) -> Job {
    Job {
        tool: tool.to_owned(),
        arguments_json: "{}".to_owned(),
        run: RunId::new(1, [1; 10]),
        call: CallId::new(1, [2; 10]),
        attempt: 1,
        key: None,
        started_unix: Duration::from_secs(1_700_000_000),
        deadline: Instant::now() + Duration::from_secs(60),
        // Fuel must end a spinner long before the deadline does, on the slowest machine.
        limits: Limits { fuel: 300_000_000, deadline: Duration::from_secs(60), ..Limits::BUILT_IN },
        charge_micro_usd_max: 1_000_000,
        grants: Arc::new(OpenGrants::default()),
        progress: None,
        admitted: Arc::default(),
        running: None,
    }
}
