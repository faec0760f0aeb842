//! Processes that are killed at one of their calls, and signals.

use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::{Arc, Mutex};
use std::thread;
use std::time::Duration;

use tests::{Account, Emulator, Proxy, Tool, Verdict};

/// Starts a tool, of whose output nobody reads anything but stderr.
pub(crate) fn start(tool: &Tool) -> Child {
    tool.command().stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::piped()).spawn().unwrap()
}

pub(crate) fn signal(id: u32, name: &str) {
    drop(Command::new("/bin/kill").args(["-s", name, &id.to_string()]).status());
}

/// At which call to die, by whom, and whether IAM hears of the call.
type Plan = Arc<Mutex<Option<(usize, u32, bool)>>>;

/// Kills processes.
pub(crate) struct Killer {
    plan: Plan,
    pub(crate) proxy: Proxy,
}

impl Killer {
    pub(crate) fn new() -> Self {
        let plan = Plan::default();
        let state = Arc::clone(&plan);
        let proxy = Proxy::new(Emulator::shared()).rule("*", move |_| {
            let mut plan = state.lock().unwrap();
            match &mut *plan {
                Some((1, victim, heard)) => {
                    signal(*victim, "KILL");
                    let heard = *heard;
                    *plan = None;
                    if heard { Verdict::CutAfter } else { Verdict::CutBefore }
                }
                Some((left, ..)) => {
                    *left -= 1;
                    Verdict::Pass
                }
                None => Verdict::Pass,
            }
        });
        Self { plan, proxy }
    }

    /// The account, as those see it who may be killed.
    pub(crate) fn at(&self, account: &Account) -> Account {
        account.through(&self.proxy)
    }

    /// Runs a tool up to that call, counted from 1. Answers how it ended where it made fewer.
    pub(crate) fn run(&self, tool: &Tool, at: usize, heard: bool) -> Option<ExitStatus> {
        let mut child = {
            // Nobody calls before the plan is made.
            let mut plan = self.plan.lock().unwrap();
            let child = start(tool);
            *plan = Some((at, child.id(), heard));
            child
        };
        let ended = child.wait().unwrap();
        let survived = self.plan.lock().unwrap().take().is_some();
        if !survived {
            // What IAM was told it does.
            thread::sleep(Duration::from_millis(50));
        }
        survived.then_some(ended)
    }
}
