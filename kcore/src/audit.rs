//! The invariants, as one function that checks them all.
//!
//! Run on the host only, after every step of a simulated machine. Each invariant
//! has a name; the first that is broken is reported. The numbers are those of
//! `docs/promises.md`.
//!
//! The hard thing is to recompute, not to repeat: what the kernel keeps up to
//! date incrementally (counts, queues, both ends of "runs on") is counted here
//! from scratch, by walking every list and every page table.

use crate::env::{Env, Queue, Wait};
use crate::ids::Slot;
use crate::kernel::Kernel;
use crate::paging::Pte;
use crate::paging::space::USER_TABLES;
use crate::phys::{Pfn, PhysMem};
use crate::watch::Watcher;
use abi::env::NENV;
use abi::layout::{NPTENTRIES, UTOP, UVPT, pdx};
use abi::trap::{FLAG_IF, FLAG_IOPL, FLAG_NT, FLAG_VM, USER_CODE, USER_DATA};
use abi::{EnvStatus, EnvType, Perm, PublicEnv};
use core::mem::offset_of;

/// A broken invariant: its number and name, and the frame or slot concerned.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Broken {
    /// The invariant.
    pub what: &'static str,
    /// Number of the frame, slot or CPU at which it shows.
    pub at: u32,
}

type Verdict = Result<(), Broken>;

#[inline]
fn check(holds: bool, what: &'static str, at: u32) -> Verdict {
    if holds {
        Ok(())
    } else {
        Err(Broken { what, at })
    }
}

/// Checks every invariant. `holds` is scratch space, one word for each frame in
/// the table; its content does not matter.
///
/// Call it when the last step's effects are done and it is settled.
pub fn audit<M: PhysMem, W: Watcher>(kernel: &Kernel<'_, M, W>, holds: &mut [u32]) -> Verdict {
    holds.fill(0);
    slots(kernel)?;
    cpus(kernel)?;
    queues(kernel)?;
    ending(kernel)?;
    senders(kernel)?;
    spaces(kernel, holds)?;
    frames(kernel, holds)?;
    check(
        kernel.console.state.lost == 0,
        "console: no kernel line is lost",
        0,
    )?;
    check(
        kernel.frames.outside.count == 0,
        "I1: no entry names a frame outside the table",
        0,
    )
}

/// I5, I8 and the public table.
fn slots<M: PhysMem, W: Watcher>(kernel: &Kernel<'_, M, W>) -> Verdict {
    let mut live = 0;
    for slot in kernel.envs.used() {
        let env = &kernel.envs[slot];
        let at = u32::from(slot.0);
        check(env.id.slot() == slot.0 as usize, "I5: ids match slots", at)?;
        let entry = kernel.mirror.address(slot);
        let status = kernel
            .mem
            .read(entry + offset_of!(PublicEnv, status) as u32);
        check(
            status == env.status() as u32,
            "mirror: status is the derived one",
            at,
        )?;
        let id = kernel.mem.read(entry + offset_of!(PublicEnv, id) as u32);
        check(id == env.id.0 as u32, "mirror: id", at)?;
        if !env.alive {
            let owns = env.runnable || env.on_cpu.is_some() || env.pending.is_some();
            check(!owns, "I5: a free slot owns nothing", at)?;
            continue;
        }
        live += 1;
        if env.on_cpu.is_none() {
            saved_frame(env.kind, &env.frame, at)?;
        }
        let waits = env.wait == Wait::Message;
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
        let sends = matches!(env.wait, Wait::Receiver(_));
        check(
            !sends || env.on_cpu.is_none(),
            "a sender that waits is on no CPU",
            at,
        )?;
        let sane = !waits || env.inbox.dstva >= UTOP || env.inbox.dstva.is_multiple_of(4096);
        check(sane, "I7: a receiver's address is sane", at)?;
    }
    check(
        live + kernel.envs.free_slots() == NENV,
        "I5: live + free slots",
        live as u32,
    )?;
    let listed = kernel.envs.free_list().count();
    check(
        listed == kernel.envs.state.freed as usize,
        "I5: free list length",
        listed as u32,
    )?;
    for slot in kernel.envs.free_list() {
        check(
            !kernel.envs[slot].alive,
            "I5: free list holds free slots",
            slot.0.into(),
        )?;
    }
    Ok(())
}

fn saved_frame(kind: EnvType, frame: &abi::TrapFrame, at: u32) -> Verdict {
    // What ring 3 can have loaded: no others are harmless to restore.
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

/// I6: both ends of "runs on" agree.
fn cpus<M: PhysMem, W: Watcher>(kernel: &Kernel<'_, M, W>) -> Verdict {
    for cpu in crate::CpuSet(u32::MAX).iter() {
        let at = u32::from(cpu.0);
        if let Some(slot) = kernel.cpus.current(cpu) {
            let env = &kernel.envs[slot];
            check(
                env.alive && env.on_cpu == Some(cpu),
                "I6: a CPU's environment is on it",
                at,
            )?;
            check(
                !kernel.sched.idle.contains(cpu),
                "I6: an idle CPU has none",
                at,
            )?;
        }
    }
    let mut on_cpus = 0;
    for slot in kernel.envs.used() {
        if let Some(cpu) = kernel.envs[slot].on_cpu {
            on_cpus += 1;
            let at = u32::from(slot.0);
            check(
                kernel.cpus.current(cpu) == Some(slot),
                "I6: on_cpu is that CPU's",
                at,
            )?;
            check(kernel.envs[slot].runnable, "I6: what runs is runnable", at)?;
        }
    }
    check(
        kernel.cpus.count_running() == on_cpus,
        "I6: one environment a CPU",
        on_cpus as u32,
    )?;
    check(
        kernel.sched.running as usize == on_cpus,
        "running count",
        on_cpus as u32,
    )
}

/// Exactly those who wait are in the queue they wait in.
fn queues<M: PhysMem, W: Watcher>(kernel: &Kernel<'_, M, W>) -> Verdict {
    let sched = &kernel.sched;
    queue(kernel, sched.ready.all(), Env::is_queued, "the ready queue")?;
    let waits = |for_what| move |env: &Env| env.alive && env.wait == for_what;
    queue(
        kernel,
        &sched.console,
        waits(Wait::Console),
        "the console's queue",
    )?;
    queue(
        kernel,
        &sched.input,
        waits(Wait::Input),
        "the queue for input",
    )?;
    let readers = sched.input.len();
    check(
        readers == 0 || kernel.console.state.input_len == 0,
        "nobody waits for a byte that is there",
        readers,
    )
}

/// In the queue are those who `belong`, and nobody else.
fn queue<M: PhysMem, W: Watcher>(
    kernel: &Kernel<'_, M, W>,
    queue: &Queue,
    belongs: impl Fn(&Env) -> bool,
    name: &'static str,
) -> Verdict {
    let envs = &kernel.envs;
    let expected = envs.used().filter(|&slot| belongs(&envs[slot])).count() as u32;
    check(queue.len() == expected, name, expected)?;
    check(queue.iter(envs).count() as u32 == expected, name, expected)?;
    queue
        .iter(envs)
        .try_for_each(|slot| check(belongs(&envs[slot]), name, slot.0.into()))
}

/// Members of jobs whose end has begun are counted, and wait for nothing but
/// their end.
fn ending<M: PhysMem, W: Watcher>(kernel: &Kernel<'_, M, W>) -> Verdict {
    let mut count = 0;
    for slot in kernel.envs.used() {
        let env = &kernel.envs[slot];
        if !env.alive || !env.job.ending {
            continue;
        }
        count += 1;
        let ends = env.on_cpu.is_some() || env.is_queued() || env.wait == Wait::Console;
        check(
            ends || kernel.is_doomed(slot),
            "who is to end gets there",
            slot.0.into(),
        )?;
    }
    check(kernel.sched.ending == count, "how many are to end", count)
}

/// Exactly those who wait for a receiver are in its queue.
fn senders<M: PhysMem, W: Watcher>(kernel: &Kernel<'_, M, W>) -> Verdict {
    let (mut waiting, mut queued) = (0, 0);
    for slot in kernel.envs.used() {
        let env = &kernel.envs[slot];
        waiting += u32::from(env.alive && matches!(env.wait, Wait::Receiver(_)));
        queued += env.senders.len();
        check(
            env.alive || env.senders.is_empty(),
            "nobody waits for the dead",
            slot.0.into(),
        )?;
        let mut counted = 0;
        for sender in env.senders.iter(&kernel.envs) {
            counted += 1;
            let theirs = kernel.envs[sender].wait == Wait::Receiver(slot);
            check(
                theirs,
                "who is in a receiver's queue waits for it",
                sender.0.into(),
            )?;
        }
        check(
            counted == env.senders.len(),
            "a receiver's queue's length",
            slot.0.into(),
        )?;
    }
    check(
        waiting == queued,
        "who waits for a receiver is in its queue",
        waiting,
    )
}

/// I3 and I4; counts what every page table holds.
fn spaces<M: PhysMem, W: Watcher>(kernel: &Kernel<'_, M, W>, holds: &mut [u32]) -> Verdict {
    for slot in kernel.envs.used() {
        let env = &kernel.envs[slot];
        if env.alive {
            space(kernel, holds, env.space.pgdir, slot)?;
        }
    }
    let reaper = &kernel.reaper;
    check(
        reaper.fresh.head == 0,
        "settled: no fresh dead space",
        reaper.fresh.head,
    )?;
    for directory in kernel.frames.iter_list(reaper.ready) {
        tables(kernel, holds, directory)?;
    }
    Ok(())
}

fn space<M: PhysMem, W: Watcher>(
    kernel: &Kernel<'_, M, W>,
    holds: &mut [u32],
    directory: Pfn,
    slot: Slot,
) -> Verdict {
    let at = u32::from(slot.0);
    let kernel_directory = kernel.config.kernel_pgdir.address();
    for index in pdx(UTOP)..NPTENTRIES {
        let entry = Pte(kernel.mem.read(directory.address() + index * 4)).without_usage();
        let expected = if index == pdx(UVPT) {
            Pte::new(directory, Perm::READ)
        } else {
            Pte(kernel.mem.read(kernel_directory + index * 4)).without_usage()
        };
        check(
            entry == expected,
            "I4: the kernel's half is the kernel's",
            at,
        )?;
    }
    tables(kernel, holds, directory)
}

fn tables<M: PhysMem, W: Watcher>(
    kernel: &Kernel<'_, M, W>,
    holds: &mut [u32],
    directory: Pfn,
) -> Verdict {
    hold(holds, directory)?;
    for index in 0..USER_TABLES {
        let table = Pte(kernel.mem.read(directory.address() + index * 4));
        if !table.is_present() {
            continue;
        }
        hold(holds, table.frame())?;
        check(
            kernel.frames.count(table.frame()) == 1,
            "I3: a page table has one owner and is mapped by nobody",
            table.frame().0,
        )?;
        for i in 0..NPTENTRIES {
            let entry = Pte(kernel.mem.read(table.frame().address() + i * 4));
            if entry.is_present() {
                let perm = entry.without_usage().perm();
                let valid = Perm::from_argument(perm.bits()).is_some();
                check(valid, "I4: user entries have valid permissions", entry.0)?;
                hold(holds, entry.frame())?;
            } else {
                check(entry == Pte::EMPTY, "I4: an absent entry is empty", entry.0)?;
            }
        }
    }
    Ok(())
}

#[inline]
fn hold(holds: &mut [u32], frame: Pfn) -> Verdict {
    match holds.get_mut(frame.0 as usize) {
        Some(count) => {
            *count += 1;
            Ok(())
        }
        None => Err(Broken {
            what: "I1: a frame in the table",
            at: frame.0,
        }),
    }
}

/// I1, I2 and I12: counts, free list, nothing lost.
fn frames<M: PhysMem, W: Watcher>(kernel: &Kernel<'_, M, W>, holds: &[u32]) -> Verdict {
    let frames = &kernel.frames;
    let limbo = frames.state.limbo;
    check(
        limbo.head == 0 && limbo.len == 0,
        "settled: limbo is empty",
        limbo.head,
    )?;
    let mut owned = 0;
    for (number, &held) in holds.iter().enumerate() {
        let frame = Pfn(number as u32);
        check(
            frames.count(frame) == held,
            "I1: count = mappings + roles",
            frame.0,
        )?;
        owned += u32::from(held > 0);
    }
    let free = frames.state.free;
    check(
        frames.iter_list(free).count() as u32 == free.len,
        "I2: free list's length",
        free.len,
    )?;
    for frame in frames.iter_list(free) {
        check(
            frames.count(frame) == 0,
            "I2: a free frame has no holds",
            frame.0,
        )?;
    }
    check(
        owned + frames.available() == frames.total(),
        "I12: free + owned = total",
        owned,
    )
}

/// How many environments are alive, and how many frames are in use: what must
/// be as at boot when everything has died.
pub fn census<M: PhysMem, W: Watcher>(kernel: &Kernel<'_, M, W>) -> (usize, u32) {
    let live = kernel
        .envs
        .used()
        .filter(|&slot| kernel.envs[slot].status() != EnvStatus::Free)
        .count();
    (live, kernel.frames.total() - kernel.frames.available())
}
