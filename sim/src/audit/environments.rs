//! Slots and CPUs: which environments exist, where they run, and what the public
//! table shows of them.
//!
//! The hard thing is that the kernel keeps each of these facts twice, for speed: a
//! slot and the list of free slots, an environment's CPU and the CPU's
//! environment, a status and its copy in the public table.

use super::verdict::{Verdict, check};
use abi::env::NENV;
use abi::exception::DELIVERABLE;
use abi::layout::UTOP;
use abi::trap::{FLAG_IF, FLAG_IOPL, FLAG_NT, FLAG_VM, USER_CODE, USER_DATA};
use abi::{EnvType, PublicEnv, TrapFrame};
use kcore::env::mirror::Mirror;
use kcore::env::{Env, Exceptions, Progress, Wait};
use kcore::watch::Watcher;
use kcore::{CpuSet, Kernel, PhysMem};
use std::mem::offset_of;

/// Checks I5, I8 and the public table.
pub(super) fn slots<M: PhysMem, W: Watcher>(kernel: &Kernel<'_, M, W>) -> Verdict {
    let mirror = Mirror {
        base: kernel.config().uenvs,
    };
    let mut live = 0;
    for slot in kernel.envs().used() {
        let env = &kernel.envs()[slot];
        let at = u32::from(slot.0);
        check(env.id.slot() == slot.0 as usize, "I5: ids match slots", at)?;
        let entry = mirror.address(slot);
        let status = kernel
            .memory()
            .read(entry + offset_of!(PublicEnv, status) as u32);
        check(
            status == env.status() as u32,
            "mirror: status is the derived one",
            at,
        )?;
        let id = kernel
            .memory()
            .read(entry + offset_of!(PublicEnv, id) as u32);
        check(id == env.id.0 as u32, "mirror: id", at)?;
        if !env.alive {
            let owns = env.runnable || env.on_cpu.is_some() || env.pending.is_some();
            let owns = owns || env.fpu_saved || env.progress != Progress::None;
            let owns = owns || (env.priority, env.shares, env.pass) != (0, 0, 0) || env.ending;
            let owns = owns || env.exceptions != Exceptions::default();
            let owns = owns || env.deadline != 0 || env.alarm != 0;
            check(!owns, "I5: a free slot owns nothing", at)?;
            continue;
        }
        live += 1;
        if env.on_cpu.is_none() {
            saved_frame(env.kind, &env.frame, at)?;
        }
        waits(env, at)?;
    }
    free_slots(kernel, live)
}

/// Checks I7 and that what an environment waits for, and where, fits together.
fn waits(env: &Env, at: u32) -> Verdict {
    let waits = env.receives() || matches!(env.wait, Wait::Reply(_) | Wait::MessageOf(_));
    check(
        !waits || env.on_cpu.is_none(),
        "I7: a receiver is on no CPU",
        at,
    )?;
    check(
        env.started || !env.runnable,
        "an unborn environment is not runnable",
        at,
    )?;
    check(
        env.pending.is_none() || env.on_cpu.is_none(),
        "pending only when off",
        at,
    )?;
    check(
        env.progress == Progress::None || env.pending.is_some(),
        "a call makes progress only while it is pending",
        at,
    )?;
    let sends = env.sends_to().is_some();
    check(
        !sends || env.on_cpu.is_none(),
        "a sender that waits is on no CPU",
        at,
    )?;
    let sane = !waits || env.inbox.dstva >= UTOP || env.inbox.dstva.is_multiple_of(4096);
    check(sane, "I7: a receiver's address is sane", at)?;
    let foreign = env.exceptions.mask & !DELIVERABLE;
    check(
        foreign == 0,
        "I8: a handler gets only what is a program's",
        at,
    )
}

/// Checks I5: a slot without a living environment is free, and listed as free, or others still
/// wait for the dead one.
fn free_slots<M: PhysMem, W: Watcher>(kernel: &Kernel<'_, M, W>, live: usize) -> Verdict {
    let mourned = kernel.mourned().count();
    check(
        live + mourned + kernel.envs().free_slots() == NENV,
        "I5: live + mourned + free slots",
        live as u32,
    )?;
    for slot in kernel.mourned() {
        let env = &kernel.envs()[slot];
        let missed = !env.senders.is_empty() || env.callers > 0;
        check(
            !env.alive && missed,
            "I5: the mourned are dead, and somebody waits for them",
            slot.0.into(),
        )?;
    }
    let listed = kernel.envs().free_list().count();
    check(
        listed == kernel.envs().state.freed as usize,
        "I5: free list length",
        listed as u32,
    )?;
    for slot in kernel.envs().free_list() {
        check(
            !kernel.envs()[slot].alive,
            "I5: free list holds free slots",
            slot.0.into(),
        )?;
    }
    Ok(())
}

fn saved_frame(kind: EnvType, frame: &TrapFrame, at: u32) -> Verdict {
    // Selectors that ring 3 can load: restoring any other could fault.
    let data = |word: u32| match word & 0xfffc {
        0 => true,
        selector => selector | 3 == USER_CODE || selector | 3 == USER_DATA,
    };
    let selectors = frame.cs & 0xffff == USER_CODE
        && frame.ss & 0xffff == USER_DATA
        && data(frame.ds)
        && data(frame.es);
    check(selectors, "I8: user selectors", at)?;
    let privileged = kind == EnvType::FileServer;
    let iopl = frame.eflags & FLAG_IOPL == 0 || privileged;
    check(iopl, "I8: IOPL 0", at)?;
    check(frame.eflags & FLAG_IF != 0, "I8: interrupts on", at)?;
    check(
        frame.eflags & (FLAG_VM | FLAG_NT) == 0,
        "I8: VM and NT clear",
        at,
    )
}

/// Checks I6: environment and CPU agree on which runs on which.
pub(super) fn cpus<M: PhysMem, W: Watcher>(kernel: &Kernel<'_, M, W>) -> Verdict {
    for cpu in CpuSet(u32::MAX).iter() {
        let at = u32::from(cpu.0);
        let used = kernel.cpus()[cpu].fpu && kernel.cpus().current(cpu).is_none();
        check(!used, "x87 registers in use are an environment's", at)?;
        if let Some(slot) = kernel.cpus().current(cpu) {
            let env = &kernel.envs()[slot];
            check(
                env.alive && env.on_cpu == Some(cpu),
                "I6: a CPU's environment is on it",
                at,
            )?;
            check(
                !kernel.sched().idle.contains(cpu),
                "I6: an idle CPU has none",
                at,
            )?;
            check(
                kernel.cpus()[cpu].timer,
                "an environment's CPU has its timer running",
                at,
            )?;
        }
    }
    let mut on_cpus = 0;
    for slot in kernel.envs().used() {
        if let Some(cpu) = kernel.envs()[slot].on_cpu {
            on_cpus += 1;
            let at = u32::from(slot.0);
            check(
                kernel.cpus().current(cpu) == Some(slot),
                "I6: on_cpu is that CPU's",
                at,
            )?;
            check(
                kernel.envs()[slot].runnable,
                "I6: what runs is runnable",
                at,
            )?;
        }
    }
    let cpus = CpuSet(u32::MAX).iter();
    check(
        cpus.filter_map(|cpu| kernel.cpus().current(cpu)).count() == on_cpus,
        "I6: one environment a CPU",
        on_cpus as u32,
    )?;
    check(
        kernel.sched().running as usize == on_cpus,
        "running count",
        on_cpus as u32,
    )
}
