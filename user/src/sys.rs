//! The system calls, typed.
//!
//! Names, arguments and errors are JOS's; environments and errors have types.
//! Where an `EnvId` is an argument, [`EnvId::NONE`] means the caller.
//! Addresses are byte addresses.
//!
//! The hard thing is what is `unsafe`. A call is safe if no argument can make
//! it change memory that Rust code relies on, in this environment or in a child,
//! or have Rust code run that is not ready to. Mapping, unmapping, resuming
//! elsewhere, starting and renumbering can, so they are not; killing, printing
//! and plain messages cannot.

use core::sync::atomic::AtomicU32;

use abi::layout::UTOP;
use abi::{Call, EnvId, EnvState, EnvStatus, Error, PageRange, Perm, Personality, TrapFrame};

use crate::entry::{Entry, Int, Sysenter};
use crate::interface::{Interface, Numbers};

/// Enters the kernel for `$call` by the best entry known.
macro_rules! enter {
    ($call:expr, $arity:ident $(, $argument:expr)*) => {{
        const NUMBERS: Numbers = Numbers::of($call);
        let known = Interface::known();
        if known.has_sysenter() {
            Sysenter::$arity(NUMBERS.pick(known) $(, $argument)*)
        } else {
            let interface = if NUMBERS.differ() { Interface::get() } else { known };
            Int::$arity(NUMBERS.pick(interface) $(, $argument)*)
        }
    }};
}

/// A negative result is an error.
#[inline(always)]
fn check(result: i32) -> Result<u32, Error> {
    if result >= 0 {
        Ok(result as u32)
    } else {
        Err(Error::from_value(result.unsigned_abs()).unwrap_or(Error::Unspecified))
    }
}

/// Prints `text` up to its first NUL byte. Up to 1 KiB are never mixed with
/// what others print.
pub fn cputs(text: &[u8]) {
    // SAFETY: only reads, and `text` is readable.
    unsafe { enter!(Call::Cputs, call2, text.as_ptr() as u32, text.len() as u32) };
}

/// The next byte of console input, if there is one. Never waits.
pub fn cgetc() -> Option<u8> {
    // SAFETY: touches no memory of ours.
    let byte = unsafe { enter!(Call::Cgetc, call0) };
    (byte > 0).then_some(byte as u8)
}

/// The caller's id.
#[inline]
pub fn getenvid() -> EnvId {
    // SAFETY: touches no memory of ours.
    EnvId(unsafe { enter!(Call::GetEnvId, call0) })
}

/// [`getenvid`] by a chosen entry, with nothing around it: for measuring.
#[inline(always)]
pub fn getenvid_by<E: Entry>(_: E) -> EnvId {
    const NUMBER: u32 = Numbers::of(Call::GetEnvId).everywhere();
    // SAFETY: touches no memory of ours; an `E` says that the kernel has it.
    EnvId(unsafe { E::call0(NUMBER) })
}

/// Ends `env`: the caller or a child of it.
///
/// # Errors
/// `BadEnv`.
pub fn env_destroy(env: EnvId) -> Result<(), Error> {
    // SAFETY: ours is either gone or unchanged.
    check(unsafe { enter!(Call::EnvDestroy, call1, env.0 as u32) })?;
    Ok(())
}

/// Lets others run.
#[inline]
pub fn yield_now() {
    // SAFETY: touches no memory of ours.
    unsafe { enter!(Call::Yield, call0) };
}

/// [`yield_now`] by a chosen entry, with nothing around it: for measuring.
#[inline(always)]
pub fn yield_by<E: Entry>(_: E, interface: Interface) {
    const NUMBERS: Numbers = Numbers::of(Call::Yield);
    // SAFETY: touches no memory of ours; an `E` says that the kernel has it, and
    // an `Interface` comes from `Interface::get`, so the number is right.
    unsafe { E::call0(NUMBERS.pick(interface)) };
}

/// Makes an empty child with a copy of the caller's registers, not runnable.
///
/// # Errors
/// `NoFreeEnv`, `NoMem`.
///
/// # Safety
/// If the child is ever run with these registers it comes out of this call
/// too, with a result of 0, on whatever stack it was given. The compiler knows
/// nothing of that second time: a stack copied while the caller already went
/// on may have lost what the child still needs. So the child never runs, or
/// its frame is replaced before it does; to have it go on here, use
/// [`crate::exofork::exofork`].
#[inline(always)]
pub unsafe fn exofork() -> Result<EnvId, Error> {
    const NUMBER: u32 = Numbers::of(Call::Exofork).everywhere();
    // SAFETY: touches no memory of ours; about the child see above.
    let child = unsafe { Int::call0(NUMBER) };
    Ok(EnvId(check(child)? as i32))
}

/// Lets `env` run (`Runnable`) or keeps it from running (`NotRunnable`).
///
/// # Errors
/// `BadEnv`; `Inval` for any other status.
///
/// # Safety
/// To make it runnable, its memory and registers must be complete. Those of a child
/// that was runnable before are, and so are those of a
/// [`NewEnv`](crate::exofork::NewEnv) that [`crate::spawn::prepare`] made.
pub unsafe fn env_set_status(env: EnvId, status: EnvStatus) -> Result<(), Error> {
    // SAFETY: touches no memory of ours; the child is the caller's obligation.
    check(unsafe { enter!(Call::EnvSetStatus, call2, env.0 as u32, status as u32) })?;
    Ok(())
}

/// Gives `env` new registers; selectors and privileged flags are forced.
/// Lab 5 and later.
///
/// # Errors
/// `BadEnv`; `Inval` in lab 4.
///
/// # Safety
/// `env` goes on as `frame` says, with whatever its memory holds.
pub unsafe fn env_set_trapframe(env: EnvId, frame: &TrapFrame) -> Result<(), Error> {
    let frame = core::ptr::from_ref(frame) as u32;
    // SAFETY: the kernel only reads the frame; the rest is the caller's.
    check(unsafe { enter!(Call::EnvSetTrapframe, call2, env.0 as u32, frame) })?;
    Ok(())
}

/// Stops `env`, a child, where it is, and writes its state. If it waits, the call in which
/// it does is pending; the call that waits for a reply fails with `Inval`.
///
/// # Errors
/// `BadEnv`; `Inval` for the caller itself, or where there is no such call.
pub fn env_get_state(env: EnvId, state: &mut EnvState) -> Result<(), Error> {
    let place = core::ptr::from_mut(state);
    let words = place.cast::<u32>();
    // SAFETY:
    // 1. The kernel writes to the state only, which is borrowed mutably and may hold any
    //    words.
    // 2. It handles no page fault there. So both ends are written first: pages that are
    //    copied on write are our own then.
    check(unsafe {
        words.write_volatile(0);
        words.add(EnvState::WORDS - 1).write_volatile(0);
        enter!(Call::EnvGetState, call2, env.0 as u32, place as u32)
    })?;
    Ok(())
}

/// Gives `env`, a stopped child, this state.
///
/// # Errors
/// `BadEnv`; `Inval` for the caller itself, for a child that is not stopped, for a state that
/// does not fit it, or where there is no such call.
///
/// # Safety
/// When it is started, `env` goes on as `state` says, with whatever its memory holds.
pub unsafe fn env_set_state(env: EnvId, state: &EnvState) -> Result<(), Error> {
    let place = core::ptr::from_ref(state) as u32;
    // SAFETY: the kernel only reads the state; the rest is the caller's.
    check(unsafe { enter!(Call::EnvSetState, call2, env.0 as u32, place) })?;
    Ok(())
}

/// Names the function that `env` enters at a page fault; 0 for none.
///
/// # Errors
/// `BadEnv`.
///
/// # Safety
/// `entry` obeys the protocol of page-fault upcalls in `env`.
pub unsafe fn env_set_pgfault_upcall(env: EnvId, entry: u32) -> Result<(), Error> {
    // SAFETY: the caller's.
    check(unsafe { enter!(Call::EnvSetPgfaultUpcall, call2, env.0 as u32, entry) })?;
    Ok(())
}

/// Names the function that `env` enters at the exceptions whose vectors are set
/// in `mask`; 0 for none.
///
/// # Errors
/// `BadEnv`; `Inval` for a vector that is never a program's, or where there is
/// no such call.
///
/// # Safety
/// `entry` obeys the protocol of exception upcalls in `env`: see
/// [`abi::exception`].
pub unsafe fn env_set_exception_upcall(env: EnvId, entry: u32, mask: u32) -> Result<(), Error> {
    // SAFETY: the caller's.
    check(unsafe {
        enter!(
            Call::EnvSetExceptionUpcall,
            call3,
            env.0 as u32,
            entry,
            mask
        )
    })?;
    Ok(())
}

/// Maps a fresh page of zeros at `va` in `env`, instead of what was there.
///
/// # Errors
/// `BadEnv`, `Inval`, `NoMem`.
///
/// # Safety
/// No Rust code in `env` relies on what was mapped there.
#[inline]
pub unsafe fn page_alloc(env: EnvId, va: u32, perm: Perm) -> Result<(), Error> {
    // SAFETY: the caller's.
    check(unsafe { enter!(Call::PageAlloc, call3, env.0 as u32, va, perm.bits()) })?;
    Ok(())
}

/// Maps the page at `from_va` of `from` at `to_va` of `to`, instead of what
/// was there.
///
/// # Errors
/// `BadEnv`, `Inval`, `NoMem`.
///
/// # Safety
/// No Rust code in `to` relies on what was mapped there, and none in either
/// relies on the page not being changed by the other.
#[inline]
pub unsafe fn page_map(
    from: EnvId,
    from_va: u32,
    to: EnvId,
    to_va: u32,
    perm: Perm,
) -> Result<(), Error> {
    // SAFETY: the caller's.
    let result = unsafe {
        enter!(
            Call::PageMap,
            call5,
            from.0 as u32,
            from_va,
            to.0 as u32,
            to_va,
            perm.bits()
        )
    };
    check(result)?;
    Ok(())
}

/// Unmaps the page at `va` of `env`, if there is one.
///
/// # Errors
/// `BadEnv`, `Inval`.
///
/// # Safety
/// No Rust code in `env` relies on what is mapped there.
#[inline]
pub unsafe fn page_unmap(env: EnvId, va: u32) -> Result<(), Error> {
    // SAFETY: the caller's.
    check(unsafe { enter!(Call::PageUnmap, call2, env.0 as u32, va) })?;
    Ok(())
}

/// Maps a copy of the page at `from_va` of `from` at `to_va` of `to`, instead of what
/// was there. An extension: ask [`Interface::offers`] for `FEATURE_PAGES` first.
///
/// # Errors
/// `BadEnv`, `Inval`, `NoMem`.
///
/// # Safety
/// No Rust code in `to` relies on what was mapped there, unless that is the page
/// itself and `perm` still allows what is done with it.
#[inline]
pub unsafe fn page_copy(
    from: EnvId,
    from_va: u32,
    to: EnvId,
    to_va: u32,
    perm: Perm,
) -> Result<(), Error> {
    // SAFETY: the caller's.
    let result = unsafe {
        enter!(
            Call::PageCopy,
            call4,
            from.0 as u32,
            from_va,
            to.0 as u32,
            to_va | perm.bits()
        )
    };
    check(result)?;
    Ok(())
}

/// Shares, copies, maps and unmaps pages as the entries of `list` say, one entry
/// after the other, and notes in each how far it came. An extension: ask
/// [`Interface::offers`] for `FEATURE_PAGES` first.
///
/// # Errors
/// `Inval` for more than [`PageRange::MAX`] entries. The error of an entry ends the
/// work, and is returned; the entry has it too. The call can be made again with
/// the same list, and then goes on.
///
/// # Safety
/// As [`page_alloc`], [`page_map`], [`page_copy`] and [`page_unmap`], for each page.
/// `list` stays writeable meanwhile.
pub unsafe fn page_ranges(list: &mut [PageRange]) -> Result<(), Error> {
    let length = list.len() as u32;
    let place = list.as_mut_ptr() as u32;
    // SAFETY: the kernel writes to the list, which is borrowed mutably; the pages
    // are the caller's obligation.
    let finished = check(unsafe { enter!(Call::PageRanges, call2, place, length) })?;
    match list.get(finished as usize) {
        None => Ok(()),
        Some(failed) => check(failed.result).map(|_| ()),
    }
}

/// Hands `value` to `env` if it waits for a message.
///
/// # Errors
/// `BadEnv`, `IpcNotRecv`.
#[inline]
pub fn ipc_try_send(env: EnvId, value: u32) -> Result<(), Error> {
    // SAFETY: no page goes along, so no memory changes; the receiver's is its
    // own affair.
    unsafe { ipc_try_send_page(env, value, UTOP, Perm::empty()) }
}

/// Hands `value`, and the page at `va` with `perm`, to `env` if it waits for a
/// message. The page moves only if the receiver wants one.
///
/// # Errors
/// `BadEnv`, `IpcNotRecv`, `Inval`, `NoMem`.
///
/// # Safety
/// No Rust code relies on the page not being changed by the other.
#[inline]
pub unsafe fn ipc_try_send_page(env: EnvId, value: u32, va: u32, perm: Perm) -> Result<(), Error> {
    // SAFETY: the caller's.
    let result = unsafe {
        enter!(
            Call::IpcTrySend,
            call4,
            env.0 as u32,
            value,
            va,
            perm.bits()
        )
    };
    match check(result) {
        Ok(_) => Ok(()),
        // The edition of 2014 numbers this error 8, which is not otherwise an
        // answer to this call.
        Err(Error::Eof) => Err(Error::IpcNotRecv),
        Err(error) => Err(error),
    }
}

/// As [`ipc_try_send_page`], but waits until `env` receives; several that wait
/// for the same one are served in order, by `ipc_recv` nobody twice in a row. An
/// extension: ask [`Interface::has_ipc_send`] first.
///
/// # Errors
/// `BadEnv`, also if `env` dies meanwhile; `Inval`, also if the wait was
/// cancelled; `NoMem`.
///
/// # Safety
/// No Rust code relies on the page not being changed by the other.
pub unsafe fn ipc_send_page(env: EnvId, value: u32, va: u32, perm: Perm) -> Result<(), Error> {
    // SAFETY: the caller's.
    let result = unsafe { enter!(Call::IpcSend, call4, env.0 as u32, value, va, perm.bits()) };
    check(result)?;
    Ok(())
}

/// [`ipc_send_page`] by a chosen entry, with nothing around it.
///
/// # Errors
/// As for [`ipc_send_page`].
///
/// # Safety
/// As for [`ipc_send_page`]; and the kernel has this call.
#[inline(always)]
pub(crate) unsafe fn ipc_send_page_by<E: Entry>(
    _: E,
    env: EnvId,
    value: u32,
    va: u32,
    perm: Perm,
) -> Result<(), Error> {
    const NUMBER: u32 = Numbers::of(Call::IpcSend).everywhere();
    // SAFETY: the caller's; an `E` says that the kernel has this entry.
    check(unsafe { E::call4(NUMBER, env.0 as u32, value, va, perm.bits()) })?;
    Ok(())
}

/// Waits for a message, which then stands in this environment's entry of the
/// public table.
///
/// # Errors
/// `Inval` if the wait was cancelled.
#[inline]
pub fn ipc_recv() -> Result<(), Error> {
    // SAFETY: no page is wanted, so no memory changes.
    unsafe { ipc_recv_page(UTOP) }
}

/// Waits for a message; a page that comes with it is mapped at `va`.
///
/// # Errors
/// `Inval` if `va` is not on a page boundary or the wait was cancelled.
///
/// # Safety
/// No Rust code relies on what was mapped there.
#[inline]
pub unsafe fn ipc_recv_page(va: u32) -> Result<(), Error> {
    // SAFETY: the caller's.
    check(unsafe { enter!(Call::IpcRecv, call1, va) })?;
    Ok(())
}

/// As [`ipc_recv_page`], but takes only what `from` sends. Others wait meanwhile, as if this
/// environment did not receive. An extension.
///
/// # Errors
/// `BadEnv`, also if `from` dies meanwhile; `Inval` for the caller itself, if `va` is not on
/// a page boundary, if the wait was cancelled, or where there is no such call.
///
/// # Safety
/// No Rust code relies on what was mapped there.
pub unsafe fn ipc_recv_from(from: EnvId, va: u32) -> Result<(), Error> {
    // SAFETY: the caller's.
    check(unsafe { enter!(Call::IpcRecvFrom, call2, from.0 as u32, va) })?;
    Ok(())
}

/// Milliseconds since boot. Lab 6.
///
/// # Errors
/// `Inval` in earlier labs.
pub fn time_msec() -> Result<u32, Error> {
    // SAFETY: touches no memory of ours.
    check(unsafe { enter!(Call::TimeMsec, call0) })
}

// Extensions. Where a kernel lacks them, they fail with `Inval`.

/// The next byte of console input; waits until there is one.
///
/// # Errors
/// `Inval` where there is no such call, or if the wait was cancelled.
pub fn getc() -> Result<u8, Error> {
    // SAFETY: touches no memory of ours.
    let byte = check(unsafe { enter!(Call::Getc, call0) })?;
    Ok(byte as u8)
}

/// Sends two words to `env`, waits until it has taken them and replied, and returns
/// the words of the reply.
///
/// # Errors
/// `BadEnv`, also if `env` dies meanwhile; `Inval` to itself, if the wait was
/// cancelled, or where there is no such call.
#[inline]
pub fn ipc_call(env: EnvId, words: [u32; 2]) -> Result<[u32; 2], Error> {
    let [word, second] = words;
    // SAFETY: no page goes along and none is wanted, so no memory changes.
    let (result, words) =
        unsafe { enter!(Call::IpcCall, call4_words, env.0 as u32, 0, word, second) };
    check(result).map(|_| words)
}

/// Replies to `client`, unless that is [`EnvId::NONE`], and waits for the next message
/// from anybody. Returns who sent it, and its words.
///
/// # Errors
/// `BadEnv`; `IpcNotRecv` unless `client` waits for the caller's reply; then nothing
/// was waited for. `Inval` if the wait was cancelled, or where there is no such call.
#[inline]
pub fn ipc_reply(client: EnvId, words: [u32; 2]) -> Result<(EnvId, [u32; 2]), Error> {
    let [word, second] = words;
    // SAFETY: as in `ipc_call`.
    let (result, words) = unsafe {
        enter!(
            Call::IpcReply,
            call4_words,
            client.0 as u32,
            0,
            word,
            second
        )
    };
    check(result).map(|from| (EnvId(from as i32), words))
}

/// As [`ipc_call`], with a page each way: `place` says which goes along, as
/// [`abi::call::WANTS_PAGE`] describes, and the reply's is mapped at `va` if it is wanted.
///
/// # Errors
/// As [`ipc_call`]; `Inval` for a place that makes no sense, `NoMem`.
///
/// # Safety
/// 1. No Rust code relies on what was mapped at `va`.
/// 2. No Rust code relies on the page that goes along not being changed by the other.
pub unsafe fn ipc_call_page(
    env: EnvId,
    place: u32,
    [word, second]: [u32; 2],
    va: u32,
) -> Result<[u32; 2], Error> {
    let arguments = [env.0 as u32, place, word, second, va];
    // SAFETY: the caller's.
    let (result, words) = unsafe { enter!(Call::IpcCall, call5_words, arguments) };
    check(result).map(|_| words)
}

/// As [`ipc_reply`], with a page each way, as in [`ipc_call_page`].
///
/// # Errors
/// As [`ipc_reply`]; `Inval` for a place that makes no sense, `NoMem`.
///
/// # Safety
/// As [`ipc_call_page`].
pub unsafe fn ipc_reply_page(
    client: EnvId,
    place: u32,
    [word, second]: [u32; 2],
    va: u32,
) -> Result<(EnvId, [u32; 2]), Error> {
    let arguments = [client.0 as u32, place, word, second, va];
    // SAFETY: the caller's.
    let (result, words) = unsafe { enter!(Call::IpcReply, call5_words, arguments) };
    check(result).map(|from| (EnvId(from as i32), words))
}

/// Moves the end of the caller's heap by `increment` bytes, and returns where it
/// was. Growing maps zeroed pages where none are, shrinking unmaps whole pages.
/// One call moves it by at most 1,024 pages.
///
/// # Errors
/// `NoMem`; `Inval` if the end would be outside of the lower 2 GiB, for a longer
/// way, or where there is no such call.
///
/// # Safety
/// No Rust code relies on what is mapped between the new end and the old.
pub unsafe fn sbrk(increment: i32) -> Result<u32, Error> {
    // SAFETY: the caller's.
    check(unsafe { enter!(Call::Sbrk, call1, increment as u32) })
}

/// Chooses the numbers and error values for a child that has never run.
///
/// # Errors
/// `BadEnv`; `Inval` if it has run.
///
/// # Safety
/// The code in the child does not know another numbering already. A copy of
/// this program does, and would make calls that it does not mean; a program
/// that was loaded does not.
pub unsafe fn env_set_personality(env: EnvId, personality: Personality) -> Result<(), Error> {
    // SAFETY: touches no memory of ours; the child is the caller's obligation.
    let result = unsafe {
        enter!(
            Call::EnvSetPersonality,
            call2,
            env.0 as u32,
            personality as u32
        )
    };
    check(result)?;
    Ok(())
}

/// Makes a child that has never run the first member of a new job, whose name is
/// the child's id. Whatever members make are members.
///
/// # Errors
/// `BadEnv`; `Inval` if the child has run, or if the caller is itself a member of
/// a job.
pub fn job_create(child: EnvId) -> Result<(), Error> {
    // SAFETY: touches no memory of ours.
    check(unsafe { enter!(Call::JobCreate, call1, child.0 as u32) })?;
    Ok(())
}

/// How many members of a job are alive that the caller made; of any other, 0.
///
/// # Errors
/// `Inval` where there is no such call.
pub fn job_size(job: EnvId) -> Result<u32, Error> {
    // SAFETY: touches no memory of ours.
    check(unsafe { enter!(Call::JobSize, call1, job.0 as u32) })
}

/// Ends some members of a job that the caller made, and returns how many are
/// left: to end it, call again until that is 0. From the first call on no member
/// can make children.
///
/// # Errors
/// `Inval` where there is no such call.
pub fn job_destroy(job: EnvId) -> Result<u32, Error> {
    // SAFETY: touches no memory of ours.
    check(unsafe { enter!(Call::JobDestroy, call1, job.0 as u32) })
}

/// Microseconds since boot. The time never goes back.
///
/// # Errors
/// `Inval` where there is no such call.
pub fn time_usec() -> Result<u64, Error> {
    // SAFETY: touches no memory of ours.
    let (result, [low, high]) = unsafe { enter!(Call::TimeUsec, call4_words, 0, 0, 0, 0) };
    check(result).map(|_| u64::from(high) << 32 | u64::from(low))
}

/// Waits until somebody wakes `word`, if it is `expected`. Returns whether it was, and
/// then waited. A wait may also end for no reason.
///
/// # Errors
/// `BadEnv` if `owner` is not alive, or dies meanwhile; with [`EnvId::NONE`] there is none.
/// `TimedOut`; `Inval` if the wait was cancelled, or where there is no such call.
pub fn futex_wait(word: &AtomicU32, expected: u32, owner: EnvId) -> Result<bool, Error> {
    let place = word.as_ptr() as u32;
    // SAFETY: the kernel only reads the word.
    let result = unsafe { enter!(Call::FutexWait, call3, place, expected, owner.0 as u32) };
    check(result).map(|changed| changed == 0)
}

/// Ends the waits of at most `count` environments for `word`, and of no more than 64. Returns
/// of how many: those that have waited longest.
///
/// # Errors
/// `Inval` where there is no such call.
pub fn futex_wake(word: &AtomicU32, count: u32) -> Result<u32, Error> {
    let place = word.as_ptr() as u32;
    // SAFETY: touches no memory of ours.
    check(unsafe { enter!(Call::FutexWake, call3, place, count, 0) })
}

/// As [`futex_wake`]; and the others that have named an owner depend from now on on the one
/// that was woken last.
///
/// # Errors
/// `Inval` where there is no such call.
pub fn futex_pass_on(word: &AtomicU32, count: u32) -> Result<u32, Error> {
    let place = word.as_ptr() as u32;
    // SAFETY: touches no memory of ours.
    check(unsafe { enter!(Call::FutexWake, call3, place, count, 1) })
}

/// Sets the time, in microseconds since boot, from which on this environment waits for
/// nobody: the wait that this time ends, or the next one, fails with `TimedOut`, and then
/// there is no deadline any more. 0 clears it.
///
/// # Errors
/// `Inval` where there is no such call.
pub fn env_set_deadline(time: u64) -> Result<(), Error> {
    let [low, high] = [time as u32, (time >> 32) as u32];
    // SAFETY: touches no memory of ours.
    check(unsafe { enter!(Call::EnvSetDeadline, call2, low, high) })?;
    Ok(())
}

/// Waits until this time, in microseconds since boot.
///
/// # Errors
/// `Inval` if the wait was cancelled, or where there is no such call.
pub fn sleep_until(time: u64) -> Result<(), Error> {
    let [low, high] = [time as u32, (time >> 32) as u32];
    // SAFETY: touches no memory of ours.
    check(unsafe { enter!(Call::SleepUntil, call2, low, high) })?;
    Ok(())
}

/// Sets both numbers by which policies tell environments apart, for the caller or a
/// child; [`crate::scheduling`] is the way with names. Returns the number of the policy
/// in force.
///
/// # Errors
/// `BadEnv`; `Inval` for more than the caller has, for no shares, and where there is no
/// such call.
pub fn env_set_scheduling(env: EnvId, priority: u8, shares: u16) -> Result<u32, Error> {
    let [priority, shares] = [priority.into(), shares.into()];
    // SAFETY: touches no memory of ours.
    check(unsafe {
        enter!(
            Call::EnvSetScheduling,
            call3,
            env.0 as u32,
            priority,
            shares
        )
    })
}
