//! Needs: what a component says it needs, against what the policy grants.
//!
//! Not here: reading components. Both differences are warnings: a grant too many is a risk and a grant
//! too few a tool that will fail, and the person who reads them knows which is meant.

use super::capability::Capability;
use super::compiled::{Grants, Policy};
use super::diagnostic::{Diagnostic, Diagnostics};

/// Unused grants and unmet needs of one tool. A tool that the policy does not have, or can never run,
/// has neither.
pub fn check_needs(policy: &Policy, tool: &str, needs: &[Capability]) -> Diagnostics {
    let mut diagnostics = Diagnostics::default();
    let Some(tool) = policy.tools.get(tool) else {
        return diagnostics;
    };
    for capability in Capability::ALL {
        let place = tool.place(&format!("grants.{capability}"));
        match (needs.contains(&capability), is_granted(&tool.grants, capability)) {
            (false, true) => {
                let message = format!("`{}` is granted `{capability}` and does not need it", tool.name);
                diagnostics
                    .push(Diagnostic::warning("unused_grant", &place, message).help("take the grant out"));
            }
            (true, false) if tool.can_run() => {
                let message = format!("`{}` needs `{capability}`, and nothing grants it", tool.name);
                let help = match capability.is_grantable() {
                    true => format!("add it under `[tools.{}.grants]`", tool.name),
                    false => "no policy of this version can grant it".to_owned(),
                };
                diagnostics.push(Diagnostic::warning("unmet_need", &place, message).help(help));
            }
            _ => {}
        }
    }
    diagnostics.sorted()
}

fn is_granted(grants: &Grants, capability: Capability) -> bool {
    match capability {
        Capability::Fs => !grants.fs.is_empty(),
        Capability::Env => !grants.env.is_empty(),
        Capability::Clock => grants.clock,
        Capability::Random => grants.random,
        Capability::Log => grants.log,
        Capability::Http | Capability::Secret => false,
    }
}
