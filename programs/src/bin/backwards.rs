//! The direction flag is an environment's own: whatever the kernel does meanwhile,
//! it is as it was, and the kernel does it forwards.
//!
//! The hard thing is a kernel that works backwards: what it copies then is not what
//! was asked for. So texts, page contents and messages are looked at, not only the
//! flag.

#![no_std]
#![no_main]

use core::sync::atomic::{AtomicU32, Ordering::SeqCst};

use programs::direction::{self, DF};
use programs::{attack, lives};
use user::abi::UTrapFrame;
use user::abi::layout::PGSIZE;
use user::env::Env;
use user::{EnvId, Fork, fork, ipc, page_fault, println, share, sys, vm};

const CPUTS: u32 = 0;
const GETENVID: u32 = 2;
const PAGE_ALLOC: u32 = 4;
const YIELD: u32 = 10;
/// Nothing is there.
const PLACE: u32 = 0xa000_0000;
const ROUNDS: u32 = 100;
/// Half a dozen quanta of it are over before this, on any machine.
const LONG: u32 = 30_000_000;

user::program!(main);

fn main() {
    calls();
    faults();
    pre_emption();
    messages();
}

fn call(number: u32, arguments: [u32; 4]) -> i32 {
    // SAFETY: the calls here allocate where nothing is, or only read.
    let (result, flags) = unsafe { direction::int(number, arguments) };
    assert!(flags & DF != 0, "call {number} cleared the flag");
    result
}

fn calls() {
    const TEXT: &str = "said with the flag set\n";
    assert!(call(CPUTS, [TEXT.as_ptr() as u32, TEXT.len() as u32, 0, 0]) == 0);
    for round in 0..ROUNDS {
        let place = PLACE + round * PGSIZE;
        assert!(call(GETENVID, [0; 4]) == sys::getenvid().0);
        assert!(call(PAGE_ALLOC, [0, place, 7, 0]) == 0);
        for word in (place..place + PGSIZE).step_by(4) {
            // SAFETY: a word of the new page.
            let found = unsafe { attack::load(word) };
            assert!(found == 0, "a page that is not clean");
        }
        call(YIELD, [0; 4]);
    }
    println!("calls are made forwards");
}

/// Each fault's frame is pushed by the kernel and the handler called by it.
fn faults() {
    let handler = |fault: &UTrapFrame| {
        assert!(fault.eflags & DF != 0, "the frame has lost the flag");
        vm::allocate(fault.fault_va & !(PGSIZE - 1)).expect("page_alloc");
    };
    // SAFETY: the handler works with integers only.
    unsafe { page_fault::set_handler(handler) }.expect("a handler");
    for round in 0..ROUNDS {
        let place = PLACE + (ROUNDS + round) * PGSIZE;
        // SAFETY: nothing is there; the handler puts a page there.
        let flags = unsafe { direction::store(place, round) };
        assert!(flags & DF != 0, "a fault cleared the flag");
        // SAFETY: as above.
        assert!(unsafe { attack::load(place) } == round);
    }
    println!("faults are handled forwards");
}

/// Beside a neighbour with the flag clear, on as many CPUs as there are.
fn pre_emption() {
    let done: &AtomicU32 = &share::words(1).expect("memory")[0];
    let mut children = [EnvId::NONE; 4];
    for (index, child) in children.iter_mut().enumerate() {
        match fork().expect("fork") {
            Fork::Parent(id) => *child = id,
            Fork::Child => {
                let wanted = index % 2 == 0;
                let flags = if wanted {
                    direction::count_down(LONG)
                } else {
                    programs::selectors::flags()
                };
                while !wanted && done.load(SeqCst) < 2 {
                    assert!(programs::selectors::flags() & DF == 0, "a neighbour's flag");
                }
                assert!((flags & DF != 0) == wanted, "a tick changed the flag");
                done.fetch_add(u32::from(wanted), SeqCst);
                user::exit()
            }
        }
    }
    for child in children {
        lives::wait_for(child);
    }
    println!("{} kept it", done.load(SeqCst));
}

/// Both wait and are woken with the flag set.
fn messages() {
    let parent = sys::getenvid();
    match fork().expect("fork") {
        Fork::Child => {
            for round in 0..ROUNDS {
                ipc::send(parent, round).expect("send");
            }
        }
        Fork::Parent(child) => {
            const IPC_RECV: u32 = 12;
            for round in 0..ROUNDS {
                call(IPC_RECV, [u32::MAX, 0, 0, 0]);
                let got = Env::this();
                assert!(got.ipc_value() == round && got.ipc_from() == child);
            }
            println!("{ROUNDS} messages came");
        }
    }
}
