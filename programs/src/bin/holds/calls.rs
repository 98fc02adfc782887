//! Calls that one entry makes whole, each with the arguments that take longest.
//!
//! The hard thing is that most of that is page tables: a page at an address that is
//! the first of its table needs two frames of zeroes. So every round uses another
//! table, and the addresses are used up.

use core::cell::{Cell, RefCell};

use programs::measure::Partner;
use user::abi::layout::PTSIZE;
use user::abi::{Call, EnvState, Personality, TrapFrame};
use user::entry::{Entry, Int};
use user::{EnvId, EnvStatus, Perm, share, sys};

use super::gap::print_least;

/// Nothing of this program lives from here on.
const PLACE: u32 = 0x1000_0000;
/// Where there is a page.
const PAGE: u32 = 0x0f00_0000;

pub fn all() {
    let none = || ();
    print_least("getenvid", none, || {
        sys::getenvid_by(Int);
    });
    print_least("time_msec", none, || {
        let _ = sys::time_msec();
    });
    print_least("time_usec", none, || {
        let _ = sys::time_usec();
    });
    print_least("env_set_deadline", none, || {
        let _ = sys::env_set_deadline(u64::MAX);
    });
    sys::env_set_deadline(0).expect("env_set_deadline");
    print_least("cgetc", none, || {
        sys::cgetc();
    });
    print_least("yield", none, sys::yield_now);
    let features = Personality::Lab4.number(Call::Features).expect("a call");
    print_least("features", none, || {
        // SAFETY: touches no memory.
        unsafe { Int::call0(features) };
    });
    words();
    pages();
    children();
    messages();
}

/// Addresses of tables that nobody has used, one after the other.
fn fresh_table() -> u32 {
    use core::sync::atomic::{AtomicU32, Ordering::Relaxed};
    static NEXT: AtomicU32 = AtomicU32::new(PLACE);
    NEXT.fetch_add(PTSIZE, Relaxed)
}

/// One waits for a word that is on a page of its own, over and over, whenever it is its turn.
fn words() {
    let word = &share::words(1).expect("memory to share")[0];
    let own = sys::getenvid();
    let watcher = Partner::new(|| {
        let _ = sys::futex_wait(word, 0, own);
    });
    let wake = || {
        sys::futex_wake(word, 1).expect("futex_wake");
    };
    print_least("futex_wait", wake, sys::yield_now);
    drop(watcher);
}

fn pages() {
    let va = Cell::new(0);
    let next = || va.set(fresh_table());
    // SAFETY: nothing of ours is at these addresses, in this function.
    unsafe {
        sys::page_alloc(EnvId::NONE, PAGE, Perm::WRITE).expect("page_alloc");
        print_least("page_alloc", next, || {
            sys::page_alloc(EnvId::NONE, va.get(), Perm::WRITE).expect("page_alloc");
        });
        print_least(
            "page_unmap",
            || (),
            || {
                sys::page_unmap(EnvId::NONE, va.get()).expect("page_unmap");
            },
        );
        print_least("page_copy", next, || {
            let own = EnvId::NONE;
            sys::page_copy(own, PAGE, own, va.get(), Perm::WRITE).expect("page_copy");
        });
        print_least("page_map", next, || {
            let own = EnvId::NONE;
            sys::page_map(own, PAGE, own, va.get(), Perm::WRITE).expect("page_map");
        });
    }
}

fn children() {
    let child = Cell::new(EnvId::NONE);
    let exofork = || {
        // SAFETY: it never runs code of ours.
        child.set(unsafe { sys::exofork() }.expect("exofork"));
    };
    let frame = TrapFrame::default();
    let state = RefCell::new(EnvState::default());

    print_least("exofork", || (), exofork);
    // SAFETY: children that never run.
    unsafe {
        print_least("env_set_trapframe", exofork, || {
            sys::env_set_trapframe(child.get(), &frame).expect("env_set_trapframe");
        });
        print_least("env_set_pgfault_upcall", exofork, || {
            sys::env_set_pgfault_upcall(child.get(), PLACE).expect("env_set_pgfault_upcall");
        });
        print_least("env_set_exception_upcall", exofork, || {
            sys::env_set_exception_upcall(child.get(), PLACE, 1).expect("exception upcall");
        });
        print_least("env_set_personality", exofork, || {
            sys::env_set_personality(child.get(), Personality::Lab6).expect("personality");
        });
        print_least("job_create", exofork, || {
            sys::job_create(child.get()).expect("job_create");
        });
        print_least("env_get_state", exofork, || {
            sys::env_get_state(child.get(), &mut state.borrow_mut()).expect("env_get_state");
        });
        print_least("env_set_state", exofork, || {
            sys::env_set_state(child.get(), &state.borrow()).expect("env_set_state");
        });
        print_least("env_set_scheduling", exofork, || {
            sys::env_set_scheduling(child.get(), 1, 1).expect("env_set_scheduling");
        });
        print_least("env_set_status", exofork, || {
            sys::env_set_status(child.get(), EnvStatus::NotRunnable).expect("env_set_status");
        });
    }
}

/// Messages with a page, to where there is no page table.
fn messages() {
    let own = sys::getenvid();
    let receiver = Partner::new(|| {
        // SAFETY: nothing is there.
        let _ = unsafe { sys::ipc_recv_page(fresh_table()) };
    });
    // SAFETY: the partners' pages are where nothing of theirs is.
    unsafe {
        print_least("ipc_try_send", sys::yield_now, || {
            sys::ipc_try_send_page(receiver.id(), 1, PAGE, Perm::READ).expect("ipc_try_send");
        });
        print_least("ipc_send", sys::yield_now, || {
            sys::ipc_send_page(receiver.id(), 1, PAGE, Perm::READ).expect("ipc_send");
        });
        drop(receiver);
        let sender = Partner::new(|| {
            let _ = sys::ipc_send_page(own, 1, PAGE, Perm::READ);
        });
        let va = Cell::new(0);
        let prepare = || {
            va.set(fresh_table());
            sys::yield_now();
        };
        print_least("ipc_recv", prepare, || {
            sys::ipc_recv_page(va.get()).expect("ipc_recv");
        });
        drop(sender);
    }
    let server = Partner::new(|| {
        let (mut client, mut words) = sys::ipc_reply(EnvId::NONE, [0; 2]).expect("ipc_reply");
        loop {
            (client, words) = sys::ipc_reply(client, words).expect("ipc_reply");
        }
    });
    print_least("ipc_call", sys::yield_now, || {
        sys::ipc_call(server.id(), [1, 2]).expect("ipc_call");
    });
}
