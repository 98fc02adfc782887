//! gdb's breakpoints and watches.
//!
//! The hard thing is that gdb takes them all out whenever the machine stands, and leaves
//! one out to lead a thread past it. Then it believes that no other thread moves; here
//! others do, so what was taken out still counts for them.

use gdbstub::target::TargetResult;
use gdbstub::target::ext::breakpoints::{
    Breakpoints, HwBreakpoint, HwBreakpointOps, HwWatchpoint, HwWatchpointOps, SwBreakpoint,
    SwBreakpointOps, WatchKind,
};

use super::Debugged;
use crate::debug::stops::{LONGEST_WATCH, Watch, Watched};

/// What gdb calls it.
pub(super) fn to_gdb(kind: Watched) -> WatchKind {
    match kind {
        Watched::Change => WatchKind::Write,
        Watched::Read => WatchKind::Read,
        Watched::Access => WatchKind::ReadWrite,
    }
}

fn from_gdb(kind: WatchKind) -> Watched {
    match kind {
        WatchKind::Write => Watched::Change,
        WatchKind::Read => Watched::Read,
        WatchKind::ReadWrite => Watched::Access,
    }
}

impl Debugged<'_, '_> {
    /// Tells the session what gdb has inserted.
    fn hand_over(&mut self) {
        let all = self.software.union(&self.hardware);
        self.session.stops.breakpoints = all.copied().collect();
    }
}

impl Breakpoints for Debugged<'_, '_> {
    fn support_sw_breakpoint(&mut self) -> Option<SwBreakpointOps<'_, Self>> {
        Some(self)
    }

    fn support_hw_breakpoint(&mut self) -> Option<HwBreakpointOps<'_, Self>> {
        Some(self)
    }

    fn support_hw_watchpoint(&mut self) -> Option<HwWatchpointOps<'_, Self>> {
        Some(self)
    }
}

impl SwBreakpoint for Debugged<'_, '_> {
    fn add_sw_breakpoint(&mut self, address: u32, _kind: usize) -> TargetResult<bool, Self> {
        self.software.insert(address);
        self.removed.remove(&address);
        self.hand_over();
        Ok(true)
    }

    fn remove_sw_breakpoint(&mut self, address: u32, _kind: usize) -> TargetResult<bool, Self> {
        let was_there = self.software.remove(&address);
        self.removed.insert(address);
        self.hand_over();
        Ok(was_there)
    }
}

impl HwBreakpoint for Debugged<'_, '_> {
    fn add_hw_breakpoint(&mut self, address: u32, _kind: usize) -> TargetResult<bool, Self> {
        self.hardware.insert(address);
        self.removed.remove(&address);
        self.hand_over();
        Ok(true)
    }

    fn remove_hw_breakpoint(&mut self, address: u32, _kind: usize) -> TargetResult<bool, Self> {
        let was_there = self.hardware.remove(&address);
        self.removed.insert(address);
        self.hand_over();
        Ok(was_there)
    }
}

impl HwWatchpoint for Debugged<'_, '_> {
    fn add_hw_watchpoint(
        &mut self,
        va: u32,
        len: u32,
        kind: WatchKind,
    ) -> TargetResult<bool, Self> {
        if len > LONGEST_WATCH {
            return Ok(false);
        }
        let on_focus = || self.session.pc.machine.env_on(self.session.focus);
        let known = self.watched.get(&(va, len)).copied();
        let Some(env) = known.or_else(on_focus) else {
            return Ok(false);
        };
        self.watched.insert((va, len), env);
        let kind = from_gdb(kind);
        let watch = Watch { env, va, len, kind };
        if !self.session.stops.watches.contains(&watch) {
            self.session.stops.watches.push(watch);
        }
        Ok(true)
    }

    fn remove_hw_watchpoint(
        &mut self,
        va: u32,
        len: u32,
        kind: WatchKind,
    ) -> TargetResult<bool, Self> {
        let watches = &mut self.session.stops.watches;
        let before = watches.len();
        let gone = (va, len, from_gdb(kind));
        watches.retain(|watch| (watch.va, watch.len, watch.kind) != gone);
        Ok(watches.len() < before)
    }
}
