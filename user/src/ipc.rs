//! Messages that wait: a word, and perhaps a page, from one environment to
//! another.
//!
//! A JOS kernel keeps no queue: a send succeeds only while the receiver waits.
//! The hard thing is therefore the sender's patience, which JOS's library
//! expresses by trying again and yielding in between. A kernel that offers
//! `ipc_send` keeps senders in a queue, in order; then nobody polls.
//!
//! A page that two environments have is memory that two threads have, so only
//! a [`Page`] can be sent and only a `Page` be replaced by what is received.

use core::time::Duration;

use abi::call::{FEATURE_IPC_SEND, WANTS_PAGE};
use abi::layout::UTOP;
use abi::{EnvId, EnvType, Error, Perm};

use crate::env::Env;
use crate::interface::Interface;
use crate::share::Page;
use crate::sys;
use crate::time::{self, Instant};

/// A received message.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Message {
    /// Who sent it.
    pub from: EnvId,
    /// What was sent.
    pub value: u32,
    /// Rights of the page that came with it; none if none did.
    pub perm: Perm,
}

/// Sends `value` to `env`, waiting until it receives.
///
/// # Errors
/// `BadEnv` if there is no such environment, or no longer.
#[inline]
pub fn send(env: EnvId, value: u32) -> Result<(), Error> {
    // SAFETY: an address of UTOP means no page.
    unsafe { send_from(env, value, UTOP, Perm::empty()) }
}

/// Sends `value` and, with the rights `perm`, `page` to `env`, waiting until it
/// receives. If it does not want a page it gets the value alone.
///
/// # Errors
/// `BadEnv` if there is no such environment, or no longer; `Inval` if `perm`
/// has more rights than the caller; `NoMem`.
pub fn send_page(env: EnvId, value: u32, page: &'static Page, perm: Perm) -> Result<(), Error> {
    // SAFETY: the page is only ever used as atomics.
    unsafe { send_from(env, value, core::ptr::from_ref(page) as u32, perm) }
}

/// # Safety
/// No Rust code relies on the page at `va` not being changed by the other; or
/// `va` is [`UTOP`], and there is none.
#[inline(always)]
unsafe fn send_from(env: EnvId, value: u32, va: u32, perm: Perm) -> Result<(), Error> {
    // lab: ipc_send, without {
    let known = Interface::known();
    if let Some(entry) = known.sysenter_and(FEATURE_IPC_SEND) {
        // SAFETY: the caller's.
        return unsafe { sys::ipc_send_page_by(entry, env, value, va, perm) };
    }
    // lab: ipc_send }
    // SAFETY: the caller's.
    unsafe { send_patiently(env, value, va, perm) }
}

/// [`send_from`], before it is known what the kernel offers or if that is not the best.
///
/// # Safety
/// As for [`send_from`].
#[cold]
unsafe fn send_patiently(env: EnvId, value: u32, va: u32, perm: Perm) -> Result<(), Error> {
    // lab: ipc_send {
    if Interface::get().has_ipc_send() {
        // SAFETY: the caller's.
        return unsafe { sys::ipc_send_page(env, value, va, perm) };
    }
    loop {
        // SAFETY: the caller's.
        match unsafe { sys::ipc_try_send_page(env, value, va, perm) } {
            Err(Error::IpcNotRecv) => sys::yield_now(),
            result => return result,
        }
    }
    // lab: ipc_send }
}

/// Waits for a message from anybody; a page that comes with it is not taken.
///
/// # Errors
/// `Inval` if the wait was cancelled.
#[inline]
pub fn recv() -> Result<Message, Error> {
    sys::ipc_recv()?;
    Ok(last_message())
}

/// Waits for a message from anybody; a page that comes with it takes the place
/// of `page`. One that came without [`Perm::W`] must not be written.
///
/// # Errors
/// `Inval` if the wait was cancelled.
pub fn recv_page(page: &'static Page) -> Result<Message, Error> {
    // SAFETY: all users of `page` have it as atomics, and expect them to
    // change.
    unsafe { sys::ipc_recv_page(core::ptr::from_ref(page) as u32)? };
    Ok(last_message())
}

/// As [`recv`], but takes only what `from` sends. Others who send meanwhile wait, or fail as
/// if nobody received.
///
/// # Errors
/// `BadEnv` if there is no such environment, or no longer; `Inval` if it is the caller, if
/// the wait was cancelled, or where one cannot choose: `FEATURE_RECV_FROM` of
/// [`Interface::offers`] tells.
pub fn recv_from(from: EnvId) -> Result<Message, Error> {
    // SAFETY: no page is wanted, so no memory changes.
    unsafe { sys::ipc_recv_from(from, UTOP)? };
    Ok(last_message())
}

/// As [`recv_page`], but takes only what `from` sends.
///
/// # Errors
/// As for [`recv_from`].
pub fn recv_page_from(from: EnvId, page: &'static Page) -> Result<Message, Error> {
    // SAFETY: as in `recv_page`.
    unsafe { sys::ipc_recv_from(from, core::ptr::from_ref(page) as u32)? };
    Ok(last_message())
}

/// As [`recv`], but waits for no longer than this. A message that is there already is
/// received however short the time.
///
/// # Errors
/// `TimedOut`; `Inval` if the wait was cancelled; `NotSupp` where waits have no end.
pub fn recv_timeout(time: Duration) -> Result<Message, Error> {
    time::until(Instant::now()?.after(time), recv)
}

/// The pages of a call, or of a reply: none unless they are named.
#[derive(Clone, Copy, Default)]
pub struct Pages {
    /// What goes along, with which rights.
    pub sent: Option<(&'static Page, Perm)>,
    /// What is replaced by the page that comes back. One that comes without [`Perm::W`] must
    /// not be written.
    pub wanted: Option<&'static Page>,
}

impl Pages {
    /// The argument that says what goes along and whether a page is wanted; and where.
    fn arguments(self) -> (u32, u32) {
        let sent = self.sent.map_or(0, |(page, perm)| {
            core::ptr::from_ref(page) as u32 | (perm & Perm::SYSCALL).bits()
        });
        match self.wanted {
            None => (sent, UTOP),
            Some(page) => (sent | WANTS_PAGE, core::ptr::from_ref(page) as u32),
        }
    }

    /// The rights of the page that came.
    fn received(self) -> Perm {
        match self.wanted {
            None => Perm::empty(),
            Some(_) => Env::this().ipc_perm(),
        }
    }
}

/// Sends two words to `server`, waits until it has taken them and replied, and returns the
/// words of the reply and the rights of the page that came with it.
///
/// # Errors
/// `BadEnv` if there is no such environment, or no longer; `Inval` if it is the caller, if
/// the wait was cancelled, for rights that the caller has not, and where there are no such
/// calls: `FEATURE_CALL` of [`Interface::offers`] tells; `NoMem`.
pub fn call(server: EnvId, words: [u32; 2], pages: Pages) -> Result<([u32; 2], Perm), Error> {
    let (place, va) = pages.arguments();
    // SAFETY: pages are only ever used as atomics, and expected to change.
    let words = unsafe { sys::ipc_call_page(server, place, words, va)? };
    Ok((words, pages.received()))
}

/// A request, or another message, that came to one who waits in [`reply`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Request {
    /// Who sent it.
    pub from: EnvId,
    /// What was sent; of a message by [`send`] the second is 0.
    pub words: [u32; 2],
    /// Rights of the page that came with it; none if none did.
    pub perm: Perm,
}

/// Replies to `client`, unless that is [`EnvId::NONE`], and waits for the next request from
/// anybody.
///
/// # Errors
/// `IpcNotRecv` unless `client` waits for the caller's reply, and otherwise as [`call`].
/// Then the client, if it is there, still waits, unless the wait was cancelled.
pub fn reply(client: EnvId, words: [u32; 2], pages: Pages) -> Result<Request, Error> {
    let (place, va) = pages.arguments();
    // SAFETY: as in `call`.
    let (from, words) = unsafe { sys::ipc_reply_page(client, place, words, va)? };
    Ok(Request {
        from,
        words,
        perm: pages.received(),
    })
}

#[inline(always)]
fn last_message() -> Message {
    let this = Env::this();
    Message {
        from: this.ipc_from(),
        value: this.ipc_value(),
        perm: this.ipc_perm(),
    }
}

/// The first environment of a type, dead or alive.
pub fn find_env(env_type: EnvType) -> Option<EnvId> {
    Env::all()
        .find(|env| env.env_type() == env_type as u32)
        .map(Env::id)
        .filter(|&id| id != EnvId::NONE)
}
