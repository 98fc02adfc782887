//! Digests: one number for a state, by which two kernels are compared.
//!
//! [`quick`] covers what every step touches and is cheap enough to take after
//! each; [`full`] covers every slot, every frame and every page table. The hard
//! thing is what to leave out: accessed and dirty bits, which the MMU writes
//! when it likes, and the content of user frames, which belongs to user space.
//!
//! The mixing function is FNV-1a over 64-bit words with a final avalanche. That
//! guards against chance, not against malice.

use core::hash::{Hash, Hasher};
use kcore::kernel::Kernel;
use kcore::paging::Pte;
use kcore::phys::PhysMem;
use kcore::watch::Watcher;

/// FNV-1a over words.
#[derive(Clone, Copy, Debug)]
pub struct Digest(u64);

impl Default for Digest {
    fn default() -> Digest {
        Digest(0xcbf2_9ce4_8422_2325)
    }
}

impl Hasher for Digest {
    fn write(&mut self, bytes: &[u8]) {
        for &byte in bytes {
            self.write_u64(u64::from(byte));
        }
    }

    fn write_u8(&mut self, value: u8) {
        self.write_u64(u64::from(value));
    }

    fn write_u16(&mut self, value: u16) {
        self.write_u64(u64::from(value));
    }

    fn write_u32(&mut self, value: u32) {
        self.write_u64(u64::from(value));
    }

    fn write_u64(&mut self, value: u64) {
        self.0 = (self.0 ^ value)
            .wrapping_mul(0x0000_0100_0000_01b3)
            .rotate_left(29);
    }

    // As 64 bits, so that a 32-bit guest and a 64-bit host agree.
    fn write_usize(&mut self, value: usize) {
        self.write_u64(value as u64);
    }

    fn write_isize(&mut self, value: isize) {
        self.write_u64(value as u64);
    }

    fn finish(&self) -> u64 {
        let mut value = self.0;
        value = (value ^ value >> 33).wrapping_mul(0xff51_afd7_ed55_8ccd);
        value = (value ^ value >> 33).wrapping_mul(0xc4ce_b9fe_1a85_ec53);
        value ^ value >> 33
    }
}

/// A digest of the scheduler, the lists' heads, the console and what each CPU
/// runs.
pub fn quick<M: PhysMem, W: Watcher>(kernel: &Kernel<'_, M, W>) -> u64 {
    let mut digest = Digest::default();
    let frames = &kernel.frames().state;
    (frames.free, frames.zeroed, frames.directories).hash(&mut digest);
    (frames.limbo, frames.rest_len).hash(&mut digest);
    let envs = &kernel.envs().state;
    (envs.free, envs.freed, envs.used).hash(&mut digest);
    let console = &kernel.console().state;
    (console.start, console.len, console.busy, console.input_len).hash(&mut digest);
    let reaper = kernel.reaper();
    (reaper.fresh, reaper.ready, reaper.cursor).hash(&mut digest);
    let sched = kernel.sched();
    (
        sched.ready,
        sched.console,
        sched.input,
        sched.idle,
        sched.running,
    )
        .hash(&mut digest);
    (
        sched.doomed,
        sched.mourned,
        sched.ending,
        sched.ended,
        sched.told,
    )
        .hash(&mut digest);
    (sched.unswept, sched.timers, sched.words).hash(&mut digest);
    for cpu in kcore::CpuSet(u32::MAX).iter() {
        kernel.cpus()[cpu].clean.hash(&mut digest);
        if let Some(slot) = kernel.cpus().current(cpu) {
            let env = &kernel.envs()[slot];
            (cpu, slot, env.id, env.runs, kernel.cpus()[cpu]).hash(&mut digest);
        }
    }
    digest.finish()
}

/// A digest of everything: [`quick`], every slot, every frame's count, every
/// page table.
pub fn full<M: PhysMem, W: Watcher>(kernel: &Kernel<'_, M, W>) -> u64 {
    let mut digest = Digest::default();
    digest.write_u64(quick(kernel));
    for slot in kernel.envs().used() {
        let env = &kernel.envs()[slot];
        env_fields(env, &mut digest);
        if env.alive {
            tables(kernel, env.space, &mut digest);
        }
    }
    for (number, frame) in kernel.frames().table.iter().enumerate() {
        if frame.count > 0 {
            (number, frame.count).hash(&mut digest);
        }
    }
    digest.finish()
}

/// Names every field, so that the compiler reports one that is forgotten.
fn env_fields(env: &kcore::env::Env, digest: &mut Digest) {
    let kcore::env::Env {
        id,
        birth,
        parent,
        parent_birth,
        kind,
        personality,
        space,
        job,
        priority,
        shares,
        pass,
        ending,
        alive,
        runnable,
        started,
        ran,
        on_cpu,
        wait,
        cpunum,
        runs,
        frame,
        pending,
        fpu_saved,
        progress,
        heap_start,
        heap_end,
        upcall,
        exceptions,
        inbox,
        letter,
        second,
        senders,
        callers,
        hurries,
        deadline,
        alarm,
        next,
        prev,
        stopped,
        sibling,
        elder,
        later,
        sooner,
    } = *env;
    (
        id,
        birth,
        parent,
        parent_birth,
        kind,
        personality,
        space,
        job,
    )
        .hash(digest);
    (priority, shares, pass, ending).hash(digest);
    (alive, runnable, started, ran, on_cpu, wait, cpunum, runs).hash(digest);
    (pending, fpu_saved, progress).hash(digest);
    (heap_start, heap_end, upcall, exceptions).hash(digest);
    (inbox, letter, second, senders, callers).hash(digest);
    (hurries, deadline, alarm).hash(digest);
    (next, prev, stopped, sibling, elder, later, sooner).hash(digest);
    // While it runs, its registers are on the CPU, and what is here is stale.
    if on_cpu.is_none() {
        frame.hash(digest);
    }
}

fn tables<M: PhysMem, W: Watcher>(
    kernel: &Kernel<'_, M, W>,
    space: kcore::paging::Space,
    digest: &mut Digest,
) {
    for (va, entry) in space.mappings(kernel.memory()) {
        let Pte(word) = entry.without_usage();
        (va, word).hash(digest);
    }
}
