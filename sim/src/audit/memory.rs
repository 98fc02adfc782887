//! Frames and address spaces: every hold has an owner, and no frame is lost.
//!
//! The hard thing is what counts as a hold: a user mapping, and a role as page
//! table or directory, also in a dead address space until it is taken apart.

use super::verdict::{Broken, Verdict, check};
use abi::Perm;
use abi::layout::{NPTENTRIES, UTOP, UVPT, pdx};
use kcore::env::Slot;
use kcore::frames::PART;
use kcore::paging::Pte;
use kcore::paging::space::USER_TABLES;
use kcore::watch::Watcher;
use kcore::{Kernel, Pfn, PhysMem};

/// Checks I3 and I4, and counts the holds of every page table.
pub(super) fn spaces<M: PhysMem, W: Watcher>(
    kernel: &Kernel<'_, M, W>,
    holds: &mut [u32],
) -> Verdict {
    for slot in kernel.envs().used() {
        let env = &kernel.envs()[slot];
        if env.alive {
            space(kernel, holds, env.space.pgdir, slot)?;
        }
    }
    let reaper = kernel.reaper();
    check(
        reaper.fresh.head == 0,
        "settled: no fresh dead space",
        reaper.fresh.head,
    )?;
    for directory in kernel.frames().iter_list(reaper.ready) {
        tables(kernel, holds, directory, Space::Dead)?;
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
    let kernel_directory = kernel.config().kernel_pgdir.address();
    for index in pdx(UTOP)..NPTENTRIES {
        let entry = Pte(kernel.memory().read(directory.address() + index * 4)).without_usage();
        let expected = if index == pdx(UVPT) {
            Pte::new(directory, Perm::READ)
        } else {
            Pte(kernel.memory().read(kernel_directory + index * 4)).without_usage()
        };
        check(
            entry == expected,
            "I4: the kernel's half is the kernel's",
            at,
        )?;
    }
    for index in 0..USER_TABLES {
        let table = Pte(kernel.memory().read(directory.address() + index * 4));
        let marked = kernel.frames().marks(directory) >> (index / PART) & 1 != 0;
        check(
            marked || !table.is_present(),
            "I3: a part of a directory with page tables is marked",
            at,
        )?;
    }
    tables(kernel, holds, directory, Space::Living)
}

/// Whose an address space is.
#[derive(PartialEq, Eq)]
enum Space {
    Living,
    /// In a table that is being taken apart, parts that are done have no marks.
    Dead,
}

fn tables<M: PhysMem, W: Watcher>(
    kernel: &Kernel<'_, M, W>,
    holds: &mut [u32],
    directory: Pfn,
    space: Space,
) -> Verdict {
    hold(holds, directory)?;
    for index in 0..USER_TABLES {
        let table = Pte(kernel.memory().read(directory.address() + index * 4));
        if !table.is_present() {
            continue;
        }
        hold(holds, table.frame())?;
        check(
            kernel.frames().count(table.frame()) == 1,
            "I3: a page table has one owner and is mapped by nobody",
            table.frame().0,
        )?;
        let marks = kernel.frames().marks(table.frame());
        for i in 0..NPTENTRIES {
            let entry = Pte(kernel.memory().read(table.frame().address() + i * 4));
            let marked = marks >> (i / PART) & 1 != 0;
            if !marked && space == Space::Dead {
                continue;
            }
            if entry.is_present() {
                check(
                    marked,
                    "I3: a part of a page table with entries is marked",
                    i,
                )?;
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

/// Checks I17, and counts the kernel's own holds: each CPU's clean frame is nobody else's,
/// and is clean. Returns how many there are.
pub(super) fn clean_frames<M: PhysMem, W: Watcher>(
    kernel: &Kernel<'_, M, W>,
    holds: &mut [u32],
) -> Result<u32, Broken> {
    let mut count = 0;
    for cpu in kcore::CpuSet(u32::MAX).iter() {
        let frame = kernel.cpus()[cpu].clean;
        if frame == Pfn(0) {
            continue;
        }
        let held = holds.get(frame.0 as usize).copied();
        check(
            held == Some(0),
            "I17: a CPU's clean frame is nobody else's",
            frame.0,
        )?;
        let word = |index| kernel.memory().read(frame.address() + index * 4);
        let mut sample = (0..NPTENTRIES).step_by(31);
        check(
            sample.all(|index| word(index) == 0),
            "I17: a CPU's clean frame is clean",
            frame.0,
        )?;
        hold(holds, frame)?;
        count += 1;
    }
    Ok(count)
}

/// Checks I1, I2 and I12: counts, the free list, and that no frame is lost.
/// `own` frames are the kernel's own.
pub(super) fn frames<M: PhysMem, W: Watcher>(
    kernel: &Kernel<'_, M, W>,
    holds: &[u32],
    own: u32,
) -> Verdict {
    let frames = kernel.frames();
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
    free_frames(kernel)?;
    let set_aside = frames.state.set_aside;
    let slots = kernel.envs().used();
    let begun = slots.filter_map(|slot| kernel.envs()[slot].heap_move());
    check(
        begun.map(|begun| begun.set_aside).sum::<u32>() == set_aside,
        "frames are set aside for calls that have begun",
        set_aside,
    )?;
    check(
        set_aside <= frames.state.free.len + frames.state.rest_len,
        "I12: frames that are set aside are free",
        set_aside,
    )?;
    check(
        owned + frames.available() + set_aside == frames.total() + own,
        "I12: free + owned = total",
        owned,
    )
}

/// Free frames of a list whose content is looked at; each is among the first before it is
/// taken.
const LOOKED_INTO: usize = 4;

/// Checks I2: the lists of free frames, and what is in those that contain something known.
fn free_frames<M: PhysMem, W: Watcher>(kernel: &Kernel<'_, M, W>) -> Verdict {
    let frames = kernel.frames();
    let state = &frames.state;
    for list in [state.free, state.zeroed, state.directories] {
        check(
            frames.iter_list(list).count() as u32 == list.len,
            "I2: a free list's length",
            list.len,
        )?;
        for frame in frames.iter_list(list) {
            let unheld = frames.count(frame) == 0;
            check(unheld, "I2: a free frame has no holds", frame.0)?;
        }
    }
    let fresh: u32 = state.fresh.iter().map(|(start, end)| end - start).sum();
    check(
        fresh + state.zeroed.len + state.directories.len == state.rest_len,
        "I2: frames that are not in the free list are counted",
        state.rest_len,
    )?;
    let memory = kernel.memory();
    let word = |frame: Pfn, index: u32| memory.read(frame.address() + index * 4);
    let entry = |frame: Pfn, index: u32| Pte(word(frame, index)).without_usage();
    let kernels = kernel.config().kernel_pgdir;
    let is_new = |directory: Pfn, index: u32| match index {
        _ if index < pdx(UTOP) => word(directory, index) == 0,
        _ if index == pdx(UVPT) => true,
        _ => entry(directory, index) == entry(kernels, index),
    };
    for table in frames.iter_list(state.zeroed).take(LOOKED_INTO) {
        let zero = (0..NPTENTRIES).all(|index| word(table, index) == 0);
        check(zero, "I2: an empty page table is empty", table.0)?;
    }
    for directory in frames.iter_list(state.directories).take(LOOKED_INTO) {
        let new = (0..NPTENTRIES).all(|index| is_new(directory, index));
        check(new, "I2: a free directory is as good as new", directory.0)?;
    }
    Ok(())
}
