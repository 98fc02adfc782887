//! The functions that the page calls.
//!
//! A WebAssembly instance has one machine, made by [`boot`]; for another run the page
//! makes another instance, and so gives all memory back. Bytes come in through
//! [`input`], and answers are read from where [`answer`] says, as long as the returned
//! number. Positions are passed as f64, which holds them exactly up to 2^53.
//!
//! The hard thing is to need nothing unsafe but the names: the page writes and reads in
//! this program's memory, but only in buffers that are borrowed by nobody between two
//! calls.

// A name that the page can call is unsafe, as it might be another function's too: these
// are made for this one module, and nothing else is linked to it but Rust's own library.
// On the host, where much else is, they have no such names.
#![cfg_attr(target_family = "wasm", expect(unsafe_code))]

use crate::request::Request;
use crate::session::Session;
use crate::steps::Unit;
use crate::{memory, state};
use abi::EnvId;
use kcore::CpuId;
use std::cell::RefCell;

#[derive(Default)]
struct Instance {
    session: Option<Session>,
    input: Vec<u8>,
    answer: Vec<u8>,
}

thread_local! {
    static INSTANCE: RefCell<Instance> = RefCell::default();
}

/// Does something with the session; without one, nothing.
fn with<R: Default>(act: impl FnOnce(&mut Session) -> R) -> R {
    INSTANCE.with_borrow_mut(|own| own.session.as_mut().map(act).unwrap_or_default())
}

/// Puts an answer where the page reads it.
fn reply(bytes: Vec<u8>) -> u32 {
    INSTANCE.with_borrow_mut(|own| {
        own.answer = bytes;
        own.answer.len() as u32
    })
}

fn reply_words(words: impl IntoIterator<Item = u32>) -> u32 {
    reply(words.into_iter().flat_map(u32::to_le_bytes).collect())
}

fn take_input() -> Vec<u8> {
    INSTANCE.with_borrow_mut(|own| std::mem::take(&mut own.input))
}

fn take_text() -> String {
    String::from_utf8_lossy(&take_input()).into_owned()
}

fn position(position: f64) -> u64 {
    position as u64
}

fn id(env: u32) -> EnvId {
    EnvId(env.cast_signed())
}

/// Makes room for bytes from the page, and says where.
#[cfg_attr(target_family = "wasm", unsafe(no_mangle))]
pub extern "C" fn input(length: u32) -> *mut u8 {
    INSTANCE.with_borrow_mut(|own| {
        own.input = vec![0; length as usize];
        own.input.as_mut_ptr()
    })
}

/// Where the last answer is.
#[cfg_attr(target_family = "wasm", unsafe(no_mangle))]
pub extern "C" fn answer() -> *const u8 {
    INSTANCE.with_borrow(|own| own.answer.as_ptr())
}

/// Boots what the input says: the request, so many bytes of a program, the rest an
/// archive. The answer is empty, or says why not.
#[cfg_attr(target_family = "wasm", unsafe(no_mangle))]
pub extern "C" fn boot(request: u32, program: u32) -> u32 {
    // A panic is a bug of this program; the page shows where.
    std::panic::set_hook(Box::new(|panic| {
        INSTANCE.with(|own| {
            if let Ok(mut own) = own.try_borrow_mut() {
                own.answer = panic.to_string().into();
            }
        });
    }));
    let mut text = take_input();
    let mut program_and_archive = text.split_off(text.len().min(request as usize));
    let split = program_and_archive.len().min(program as usize);
    let archive = program_and_archive.split_off(split);
    let booted = Request::parse(&String::from_utf8_lossy(&text))
        .and_then(|request| Session::boot(&request, program_and_archive, archive));
    match booted {
        Ok(session) => {
            INSTANCE.with_borrow_mut(|own| own.session = Some(session));
            reply(Vec::new())
        }
        Err(why) => reply(why.into()),
    }
}

/// Goes to a position; returns where it then is.
#[cfg_attr(target_family = "wasm", unsafe(no_mangle))]
pub extern "C" fn go_to(to: f64) -> f64 {
    with(|session| session.go_to(position(to)) as f64)
}

/// Goes on by at most so many positions; returns where it then is.
#[cfg_attr(target_family = "wasm", unsafe(no_mangle))]
pub extern "C" fn run(most: f64) -> f64 {
    with(|session| session.run(position(most)) as f64)
}

/// Goes to the next or last thing of a kind; returns whether there is one.
#[cfg_attr(target_family = "wasm", unsafe(no_mangle))]
pub extern "C" fn step(unit: u32, back: bool) -> bool {
    with(|session| Unit::from_number(unit).is_some_and(|unit| session.step(unit, back)))
}

/// A CPU moves next; returns whether it can.
#[cfg_attr(target_family = "wasm", unsafe(no_mangle))]
pub extern "C" fn choose(cpu: u32, length: u32) -> bool {
    with(|session| session.choose(CpuId(cpu as u8), length.into()))
}

/// Types the input.
#[cfg_attr(target_family = "wasm", unsafe(no_mangle))]
pub extern "C" fn type_in() {
    let bytes = take_input();
    with(|session| session.type_in(&bytes));
}

/// Does again what the input says was done by hand. The answer is empty, or says what
/// was not understood.
#[cfg_attr(target_family = "wasm", unsafe(no_mangle))]
pub extern "C" fn repeat() -> u32 {
    let text = take_text();
    let done = with(|session| session.repeat(&text).err());
    reply(done.unwrap_or_default().into())
}

/// The machine where it stands.
#[cfg_attr(target_family = "wasm", unsafe(no_mangle))]
pub extern "C" fn state() -> u32 {
    reply(with(|session| state::state(session)).into())
}

/// What was printed, from a byte on.
#[cfg_attr(target_family = "wasm", unsafe(no_mangle))]
pub extern "C" fn console(from: u32) -> u32 {
    reply(with(|session| {
        let all = session.story.console();
        all.get(from as usize..).unwrap_or_default().to_vec()
    }))
}

/// How many records there are.
#[cfg_attr(target_family = "wasm", unsafe(no_mangle))]
pub extern "C" fn records() -> u32 {
    with(|session| session.story.len() as u32)
}

/// Marks for a timeline, from a record on: five words each.
#[cfg_attr(target_family = "wasm", unsafe(no_mangle))]
pub extern "C" fn marks(from: u32) -> u32 {
    reply_words(with(|session| session.story.marks(from as usize)))
}

/// Who had which CPU, from a tenure on: position in two words, CPU, environment.
#[cfg_attr(target_family = "wasm", unsafe(no_mangle))]
pub extern "C" fn tenures(from: u32) -> u32 {
    reply_words(with(|session| {
        let tenures = session.story.tenures(from as usize).iter();
        let words = tenures.flat_map(|own| {
            [
                own.place as u32,
                (own.place >> 32) as u32,
                own.cpu.into(),
                own.env,
            ]
        });
        words.collect::<Vec<u32>>()
    }))
}

/// Which CPU moved in each part of a stretch: start in two words, positions, CPU.
#[cfg_attr(target_family = "wasm", unsafe(no_mangle))]
pub extern "C" fn moves(from: f64, to: f64) -> u32 {
    reply_words(with(|session| {
        let moves = session.moves(position(from), position(to));
        let words = moves.into_iter().flat_map(|(start, length, cpu)| {
            [
                start as u32,
                (start >> 32) as u32,
                length as u32,
                cpu.into(),
            ]
        });
        words.collect::<Vec<u32>>()
    }))
}

/// The step of the kernel that a record belongs to.
#[cfg_attr(target_family = "wasm", unsafe(no_mangle))]
pub extern "C" fn step_of(record: u32) -> u32 {
    reply(with(|session| state::step_of(session, record as usize)).into())
}

/// What an environment has mapped.
#[cfg_attr(target_family = "wasm", unsafe(no_mangle))]
pub extern "C" fn mappings(env: u32) -> u32 {
    reply(with(|session| memory::mappings(&session.pc, id(env))).into())
}

/// The walk of an address in an environment's page tables.
#[cfg_attr(target_family = "wasm", unsafe(no_mangle))]
pub extern "C" fn walk(env: u32, va: u32) -> u32 {
    reply(with(|session| memory::walk(&session.pc, id(env), va)).into())
}

/// The machine where it stands, as a number.
#[cfg_attr(target_family = "wasm", unsafe(no_mangle))]
pub extern "C" fn digest() -> u32 {
    reply(with(|session| session.digest()).into())
}
