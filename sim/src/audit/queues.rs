//! Queues: each holds exactly the environments that wait for its event.
//!
//! The hard thing is that an environment has one pair of links, and only its state
//! says which queue they belong to. So the audit walks both: from the queues to
//! the states, and back.

use super::verdict::{Verdict, check};
use abi::env::NENV;
use kcore::env::{Env, Link, Queue, Slot, Wait};
use kcore::watch::Watcher;
use kcore::{Kernel, PhysMem};

/// Checks that every queue holds exactly the environments that wait in it.
pub(super) fn queues<M: PhysMem, W: Watcher>(kernel: &Kernel<'_, M, W>) -> Verdict {
    let sched = kernel.sched();
    queue(kernel, sched.ready.all(), Env::is_queued, "the ready queue")?;
    check(
        sched.ready.is_consistent(kernel.envs()),
        "the policy's choice follows from who waits",
        sched.ready.next().map_or(0, |slot| slot.0.into()),
    )?;
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
    let input_len = kernel.console().state.input_len;
    check(
        sched.input.is_empty() || input_len == 0,
        "nobody waits for a byte that is there",
        input_len as u32,
    )
}

/// Checks that a queue holds the environments that `belong`, and no others.
fn queue<M: PhysMem, W: Watcher>(
    kernel: &Kernel<'_, M, W>,
    queue: &Queue,
    belongs: impl Fn(&Env) -> bool,
    name: &'static str,
) -> Verdict {
    let envs = kernel.envs();
    let expected = envs.used().filter(|&slot| belongs(&envs[slot])).count() as u32;
    check(queue.iter(envs).count() as u32 == expected, name, expected)?;
    queue
        .iter(envs)
        .try_for_each(|slot| check(belongs(&envs[slot]), name, slot.0.into()))
}

/// Checks that members of jobs whose end has begun are counted, and wait only for
/// that end.
pub(super) fn ending<M: PhysMem, W: Watcher>(kernel: &Kernel<'_, M, W>) -> Verdict {
    let mut count = 0;
    for slot in kernel.envs().used() {
        let env = &kernel.envs()[slot];
        if !env.alive || !env.ending {
            continue;
        }
        count += 1;
        let ends = env.on_cpu.is_some() || env.is_queued() || env.wait == Wait::Console;
        let ends = ends || slot.0 < kernel.sched().unswept;
        check(
            ends || kernel.is_doomed(slot),
            "who is to end gets there",
            slot.0.into(),
        )?;
    }
    let sched = kernel.sched();
    check(
        count > 0 || sched.unswept == 0,
        "only who is to end is to be woken",
        sched.unswept.into(),
    )?;
    check(sched.ending == count, "how many are to end", count)
}

/// Checks that a receiver's queue holds exactly the senders that wait for it.
pub(super) fn senders<M: PhysMem, W: Watcher>(kernel: &Kernel<'_, M, W>) -> Verdict {
    let (mut waiting, mut queued) = (0, 0);
    for slot in kernel.envs().used() {
        let env = &kernel.envs()[slot];
        waiting += u32::from(env.alive && env.sends_to().is_some());
        check(
            env.alive || env.senders.is_empty() || kernel.mourned().any(|dead| dead == slot),
            "nobody waits for the dead but the mourned",
            slot.0.into(),
        )?;
        for sender in env.senders.iter(kernel.envs()) {
            queued += 1;
            let theirs = kernel.envs()[sender].sends_to() == Some(slot);
            check(
                theirs,
                "who is in a receiver's queue waits for it",
                sender.0.into(),
            )?;
        }
    }
    check(
        waiting == queued,
        "who waits for a receiver is in its queue",
        waiting,
    )
}

/// Checks that the queues of words hold exactly the environments that wait for words, each
/// in the queue of its own.
pub(super) fn words<M: PhysMem, W: Watcher>(kernel: &Kernel<'_, M, W>) -> Verdict {
    let envs = kernel.envs();
    let words = &kernel.sched().words;
    let waits = |slot: Slot| envs[slot].alive && matches!(envs[slot].wait, Wait::Word(_));
    let mut queued = 0;
    for queue in words.all() {
        for slot in queue.iter(envs) {
            queued += 1;
            let at = slot.0.into();
            check(waits(slot), "who is in a queue of words waits for one", at)?;
            let own = words.queue(envs[slot].second) == *queue;
            check(own, "who waits for a word is in its queue", at)?;
            let off = envs[slot].on_cpu.is_none() && envs[slot].runnable;
            check(off, "who waits for a word is on no CPU", at)?;
        }
    }
    let waiting = envs.used().filter(|&slot| waits(slot)).count() as u32;
    check(
        waiting == queued,
        "who waits for a word is in a queue",
        waiting,
    )
}

/// Checks that the timer queue is sorted, and holds exactly those whose alarm is set;
/// and that it is set for all whose wait has an end.
pub(super) fn timers<M: PhysMem, W: Watcher>(kernel: &Kernel<'_, M, W>) -> Verdict {
    let envs = kernel.envs();
    let (mut listed, mut last, mut before) = (0, 0, Link::NONE);
    for slot in kernel.sched().timers.iter(envs) {
        let env = &envs[slot];
        let at = slot.0.into();
        check(env.alive && env.runnable, "an alarm is somebody's", at)?;
        check(env.alarm >= last, "alarms are sorted", at)?;
        check(env.sooner == before, "the timer queue's links", at)?;
        (listed, last, before) = (listed + 1, env.alarm, Link::to(slot));
    }
    let set = envs.used().filter(|&slot| envs[slot].alarm != 0).count();
    check(
        listed == set,
        "who has an alarm is in the queue",
        set as u32,
    )?;
    for slot in envs.used() {
        let env = &envs[slot];
        let right = match env.wait {
            Wait::Alarm => env.alarm != 0,
            Wait::Nothing | Wait::Console => env.alarm == 0 || env.alarm == env.deadline,
            _ => env.alarm == env.deadline,
        };
        check(
            env.hurries == (env.deadline != 0),
            "who has a deadline hurries",
            slot.0.into(),
        )?;
        check(right, "an alarm is for what it waits for", slot.0.into())?;
    }
    Ok(())
}

/// Checks that each environment counts those that wait for its reply or its message, or
/// for a word that it owns; and that nobody waits for a message that waits to be taken.
pub(super) fn callers<M: PhysMem, W: Watcher>(kernel: &Kernel<'_, M, W>) -> Verdict {
    let envs = kernel.envs();
    let mut waiting = [0; NENV];
    for slot in envs.used().filter(|&slot| envs[slot].alive) {
        let awaited = match envs[slot].wait {
            Wait::Reply(one) | Wait::MessageOf(one) => Some(one),
            Wait::Word(owner) => owner.get(),
            _ => None,
        };
        if let Wait::MessageOf(one) = envs[slot].wait {
            let missed = envs[one].sends_to() == Some(slot);
            check(!missed, "who waits for one takes its letter", slot.0.into())?;
        }
        if let Some(awaited) = awaited {
            waiting[usize::from(awaited.0)] += 1;
        }
    }
    for slot in envs.used() {
        let env = &envs[slot];
        let counted = env.callers == waiting[usize::from(slot.0)];
        let at = slot.0.into();
        check(counted, "who waits for a reply or an owner is counted", at)?;
        let missed = env.alive || env.callers == 0 || kernel.mourned().any(|dead| dead == slot);
        check(
            missed,
            "nobody waits for a reply of the dead but the mourned, or a word of theirs",
            at,
        )?;
    }
    Ok(())
}
