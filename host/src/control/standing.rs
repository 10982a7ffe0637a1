//! Where a run stands when the switches are counted in.
//!
//! Not here: where it stands otherwise (`guard/`), and which switches are on. Invariant: a run whose every call would be
//! refused is never called safe.

use super::target::{Killed, Target};
use crate::guard::Standing;

/// Counts in what stops calls of the run: all of them, which is critical, or those of a tool, which is a reason alone.
/// `say` has the words for whoever is told.
pub fn count_in(standing: &mut Standing, on: &[Killed], say: impl Fn(&Killed) -> String) {
    let (of_tools, of_all): (Vec<_>, Vec<_>) =
        on.iter().partition(|killed| matches!(killed.target, Target::Tool(_)));
    // The last that is put first stands first.
    of_all.iter().rev().for_each(|killed| standing.stop(say(killed)));
    of_tools.iter().for_each(|killed| standing.reasons.push(say(killed)));
}

#[cfg(test)]
mod tests {
    use super::super::target::Origin;
    use super::*;
    use crate::call::RunId;
    use crate::guard::event::{Event, Kind, Opened};
    use crate::guard::settings::{RunGuards, SpendGuards};
    use crate::guard::{Board, NextAction, Status};

    /// Of a run that has done nothing.
    fn safe() -> Standing {
        let (mut board, run) = (Board::new(), RunId::new(1, [1; 10]));
        let opened = Opened { principal: "p".to_owned(), parent: None, goal: false };
        let event = Event { seq: 1, run, at_ms: 1, kind: Kind::Opened(opened) };
        while let Some(scope) = board.missing_for(&event) {
            board.insert(scope, None).expect("no snapshot");
        }
        board.apply(&event);
        while let Some(scope) = board.missing(run, None) {
            board.insert(scope, None).expect("no snapshot");
        }
        board.standing(run, &RunGuards::default(), &SpendGuards::default(), 2).expect("it is open")
    }

    fn killed(target: Target, origin: Origin) -> Killed {
        Killed { target, since_ms: 1, why: "a secret reason".to_owned(), origin }
    }

    #[test]
    fn a_killed_run_is_critical_and_one_without_a_tool_is_as_it_was() {
        let mut standing = safe();
        let tool = killed(Target::Tool("pay".to_owned()), Origin::Switch);
        count_in(&mut standing, std::slice::from_ref(&tool), Killed::status_text);
        assert_eq!((standing.status, standing.next_action), (Status::Safe, NextAction::Continue));
        assert_eq!(standing.reasons, ["An operator has switched the tool `pay` off."]);
        for origin in [Origin::Switch, Origin::Host] {
            let mut standing = safe();
            let all = [killed(Target::All, origin), tool.clone()];
            count_in(&mut standing, &all, Killed::status_text);
            assert_eq!(
                (standing.status, standing.next_action),
                (Status::Critical, NextAction::EmergencyHalt)
            );
            assert_eq!(standing.reasons.len(), 2);
            assert_eq!(standing.reasons[0], all[0].agent_text());
            assert!(!standing.reasons.concat().contains("secret"));
        }
    }
}
