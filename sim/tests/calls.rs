//! `ipc_call` and `ipc_reply`: who gets what, who runs next, and for how long.

use abi::call::WANTS_PAGE;
use abi::layout::UTOP;
use abi::{Call, EnvId, EnvStatus, Error};
use kcore::env::Env;
use kcore::paging::UserPage;
use kcore::{CpuId, Event};
use sim::machine::call::Answer;
use sim::machine::{Machine, Spec, Store};

const CPU0: CpuId = CpuId(0);
const RUN: u32 = EnvStatus::Runnable as u32;
const STOP: u32 = EnvStatus::NotRunnable as u32;
const PARENT: u32 = 0x1000;
const SERVER: u32 = 0x1001;
/// An environment that waits for the CPU.
pub const OTHER: u32 = 0x1002;
const A: u32 = 0x40_0000;
const B: u32 = 0x80_0000;
const RW: u32 = 7;

fn call(machine: &mut Machine<'_>, call: Call, arguments: [u32; 5]) -> Answer {
    let answer = machine.call(CPU0, call, arguments);
    assert_eq!(machine.check(), Ok(()));
    answer
}

fn on_cpu(machine: &Machine<'_>) -> u32 {
    machine.env_on(CPU0).map_or(0, |id| id.0 as u32)
}

/// How many wait for a CPU.
fn ready(machine: &Machine<'_>) -> usize {
    let queue = machine.kernel.sched().ready.all();
    queue.iter(machine.kernel.envs()).count()
}

/// eax, ebx and edi of the environment on the CPU.
fn got(machine: &Machine<'_>) -> [u32; 3] {
    let regs = machine.cpu(CPU0).frame.regs;
    [regs.eax, regs.ebx, regs.edi]
}

/// A server waits for calls, and its parent is on the only CPU. A third environment
/// waits for the CPU.
fn with_server<R>(window: u32, f: impl FnOnce(&mut Machine<'_>) -> R) -> R {
    let spec = Spec::default();
    let mut store = Store::new(&spec);
    let mut machine = Machine::with_one_env(&mut store, spec);
    for child in [SERVER, OTHER] {
        call(&mut machine, Call::Exofork, [0; 5]);
        call(&mut machine, Call::EnvSetStatus, [child, RUN, 0, 0, 0]);
    }
    call(&mut machine, Call::Yield, [0; 5]);
    assert_eq!(on_cpu(&machine), SERVER);
    call(&mut machine, Call::IpcReply, [0, WANTS_PAGE, 0, 0, window]);
    assert_eq!(on_cpu(&machine), OTHER);
    call(&mut machine, Call::Yield, [0; 5]);
    assert_eq!(on_cpu(&machine), PARENT);
    f(&mut machine)
}

#[test]
fn the_cpu_goes_to_the_server_and_back() {
    with_server(UTOP, |machine| {
        call(machine, Call::IpcCall, [SERVER, 0, 11, 12, 0]);
        assert_eq!(on_cpu(machine), SERVER, "not to whoever waited longest");
        assert_eq!(got(machine), [PARENT, 11, 12]);
        call(machine, Call::IpcReply, [PARENT, 0, 21, 22, 0]);
        assert_eq!(on_cpu(machine), PARENT);
        assert_eq!(got(machine), [0, 21, 22]);
    });
}

/// Two that call each other have one quantum between them.
#[test]
fn the_quantum_is_lent() {
    assert_eq!(after_a_lent_quantum(), OTHER);
}

/// Who has the CPU when those two have had a quantum together; `OTHER` waits for it.
pub fn after_a_lent_quantum() -> u32 {
    with_server(UTOP, |machine| {
        let quantum = machine.kernel.config().quantum;
        machine.tick(CPU0);
        assert_eq!(on_cpu(machine), OTHER);
        machine.tick(CPU0);
        assert_eq!(on_cpu(machine), PARENT);
        for to in [SERVER, PARENT, SERVER] {
            machine.now += quantum / 4;
            let number = if to == SERVER {
                Call::IpcCall
            } else {
                Call::IpcReply
            };
            call(machine, number, [to, 0, 0, 0, 0]);
            assert_eq!(on_cpu(machine), to);
        }
        machine.now += quantum / 4;
        machine.run_event(CPU0, Event::Timer);
        on_cpu(machine)
    })
}

/// While the server works, its next client waits in its queue.
#[test]
fn requests_queue_and_are_served_in_order() {
    with_server(UTOP, |machine| {
        call(machine, Call::IpcCall, [SERVER, 0, 1, 2, 0]);
        machine.tick(CPU0);
        assert_eq!(on_cpu(machine), OTHER);
        call(machine, Call::IpcCall, [SERVER, 0, 3, 4, 0]);
        assert_eq!(on_cpu(machine), SERVER);
        // The reply lets the first client go on, and the next request is there.
        let next = call(machine, Call::IpcReply, [PARENT, 0, 5, 6, 0]);
        assert_eq!((on_cpu(machine), next), (SERVER, Answer::Value(OTHER)));
        assert_eq!(got(machine), [OTHER, 3, 4]);
        call(machine, Call::IpcReply, [OTHER, 0, 7, 8, 0]);
        assert_eq!((on_cpu(machine), got(machine)), (OTHER, [0, 7, 8]));
        machine.tick(CPU0);
        assert_eq!((on_cpu(machine), got(machine)), (PARENT, [0, 5, 6]));
    });
}

/// Another child, which waits for the CPU; returns its id.
fn start_another(machine: &mut Machine<'_>) -> u32 {
    let Answer::Value(id) = call(machine, Call::Exofork, [0; 5]) else {
        panic!("no child");
    };
    call(machine, Call::EnvSetStatus, [id, RUN, 0, 0, 0]);
    id
}

/// A server that lost the CPU while it served one goes on with the next one's, for what is
/// left of that one's quantum.
#[test]
fn a_busy_server_gets_the_next_clients_cpu() {
    with_server(UTOP, |machine| {
        let another = start_another(machine);
        call(machine, Call::IpcCall, [SERVER, 0, 1, 2, 0]);
        machine.tick(CPU0);
        assert_eq!(on_cpu(machine), OTHER);
        let began = machine.now;
        machine.now += machine.kernel.config().quantum / 4;
        call(machine, Call::IpcCall, [SERVER, 0, 3, 4, 0]);
        assert_eq!(on_cpu(machine), SERVER, "not to whoever waited longest");
        assert_eq!(machine.kernel.cpus()[CPU0].since, began);
        assert_eq!(got(machine), [PARENT, 1, 2]);
        call(machine, Call::IpcReply, [PARENT, 0, 5, 6, 0]);
        call(machine, Call::IpcReply, [OTHER, 0, 7, 8, 0]);
        assert_eq!((on_cpu(machine), got(machine)), (OTHER, [0, 7, 8]));
        machine.tick(CPU0);
        assert_eq!(on_cpu(machine), another);
    });
}

/// But not one that has to finish an entry first.
#[test]
fn a_server_in_the_middle_of_a_call_finishes_it_in_its_turn() {
    with_server(UTOP, |machine| {
        let another = start_another(machine);
        call(machine, Call::IpcCall, [SERVER, 0, 1, 2, 0]);
        machine.call(CPU0, Call::Sbrk, [40 * 4096, 0, 0, 0, 0]);
        machine.calm_down();
        assert_eq!(on_cpu(machine), OTHER);
        call(machine, Call::IpcCall, [SERVER, 0, 3, 4, 0]);
        assert_eq!(on_cpu(machine), another);
        while on_cpu(machine) != SERVER {
            machine.call(CPU0, Call::Yield, [0; 5]);
            machine.calm_down();
        }
        assert_ne!(got(machine)[0], PARENT, "the heap has grown");
        let next = call(machine, Call::IpcReply, [PARENT, 0, 5, 6, 0]);
        assert_eq!(next, Answer::Value(OTHER));
    });
}

#[test]
fn a_page_goes_along_each_way() {
    with_server(A, |machine| {
        call(machine, Call::PageAlloc, [0, B, RW, 0, 0]);
        machine.store(CPU0, B, 77);
        let place = B | RW | WANTS_PAGE;
        call(machine, Call::IpcCall, [SERVER, place, 1, 2, A]);
        assert_eq!((on_cpu(machine), got(machine)), (SERVER, [PARENT, 1, 2]));
        assert_eq!(machine.load(CPU0, A), Some(77));
        machine.store(CPU0, A, 78);
        call(machine, Call::IpcReply, [PARENT, A | 5, 3, 4, 0]);
        assert_eq!((on_cpu(machine), got(machine)), (PARENT, [0, 3, 4]));
        assert_eq!(machine.load(CPU0, A), Some(78));
        let kernel = &machine.kernel;
        let slot = kernel.envs().find(EnvId(PARENT as i32)).expect("it lives");
        let page = UserPage::new(A).expect("a page");
        let entry = kernel.envs()[slot].space.entry(kernel.memory(), page);
        assert_eq!(entry.without_usage().perm().bits(), 5);
        assert_eq!(kernel.envs()[slot].inbox.perm, 5);
    });
}

#[test]
fn what_cannot_be_is_refused() {
    with_server(UTOP, |machine| {
        for (number, arguments, error) in [
            (Call::IpcCall, [SERVER, WANTS_PAGE, 0, 0, 1], Error::Inval),
            (Call::IpcCall, [0x7777, 0, 0, 0, 0], Error::BadEnv),
            (Call::IpcCall, [0x7777, WANTS_PAGE, 0, 0, 1], Error::Inval),
            (Call::IpcCall, [0, 0, 0, 0, 0], Error::Inval),
            (Call::IpcCall, [PARENT, 0, 0, 0, 0], Error::Inval),
            (Call::IpcCall, [SERVER, B | RW, 0, 0, 0], Error::Inval),
            (Call::IpcCall, [SERVER, B | 2, 0, 0, 0], Error::Inval),
            (Call::IpcCall, [OTHER, B | RW, 0, 0, 0], Error::Inval),
            (Call::IpcReply, [0x7777, 0, 0, 0, 0], Error::BadEnv),
            (Call::IpcReply, [SERVER, 0, 0, 0, 0], Error::IpcNotRecv),
            (Call::IpcReply, [PARENT, 0, 0, 0, 0], Error::IpcNotRecv),
            (Call::IpcReply, [0, WANTS_PAGE, 0, 0, 1], Error::Inval),
        ] {
            let answer = call(machine, number, arguments);
            assert_eq!(answer, Answer::Failed(error), "{number:?} {arguments:x?}");
        }
    });
}

/// Whoever waits for a reply learns that nobody is left to give one.
#[test]
fn the_end_of_a_server_ends_the_waits() {
    with_server(UTOP, |machine| {
        call(machine, Call::IpcCall, [SERVER, 0, 1, 2, 0]);
        machine.tick(CPU0);
        assert_eq!(on_cpu(machine), OTHER);
        call(machine, Call::IpcCall, [SERVER, 0, 3, 4, 0]);
        assert_eq!(on_cpu(machine), SERVER);
        call(machine, Call::EnvDestroy, [0; 5]);
        machine.calm_down();
        for _ in 0..2 {
            let bad = (Error::BadEnv as u32).wrapping_neg();
            assert_eq!(got(machine)[0], bad, "{:x}", on_cpu(machine));
            machine.tick(CPU0);
        }
    });
}

/// A parent may end its child's wait; the reply then finds nobody.
#[test]
fn a_wait_for_a_reply_can_be_cancelled() {
    with_server(UTOP, |machine| {
        machine.tick(CPU0);
        assert_eq!(on_cpu(machine), OTHER);
        call(machine, Call::IpcCall, [SERVER, 0, 3, 4, 0]);
        machine.tick(CPU0);
        assert_eq!(on_cpu(machine), PARENT);
        call(machine, Call::EnvSetStatus, [OTHER, STOP, 0, 0, 0]);
        machine.tick(CPU0);
        assert_eq!(on_cpu(machine), SERVER);
        let reply = call(machine, Call::IpcReply, [OTHER, 0, 0, 0, 0]);
        assert_eq!(reply, Answer::Failed(Error::IpcNotRecv));
    });
}

/// A member of a job that is being ended, and waits for calls or has been woken to end, gets
/// no CPU by being called.
#[test]
fn a_call_does_not_revive_who_is_to_end() {
    call_who_is_to_end(Env::receives);
    call_who_is_to_end(Env::is_queued);
}

fn call_who_is_to_end(has_state: impl Fn(&Env) -> bool) {
    const MEMBERS: u32 = 200;
    let spec = Spec {
        frames: 1000,
        ..Spec::default()
    };
    let mut store = Store::new(&spec);
    let mut machine = Machine::with_one_env(&mut store, spec);
    call(&mut machine, Call::Exofork, [0; 5]);
    call(&mut machine, Call::JobCreate, [SERVER, 0, 0, 0, 0]);
    call(&mut machine, Call::EnvSetStatus, [SERVER, RUN, 0, 0, 0]);
    call(&mut machine, Call::Yield, [0; 5]);
    assert_eq!(on_cpu(&machine), SERVER);
    for _ in 1..MEMBERS {
        let Answer::Value(id) = machine.call(CPU0, Call::Exofork, [0; 5]) else {
            panic!("a member is made")
        };
        machine.call(CPU0, Call::EnvSetStatus, [id, RUN, 0, 0, 0]);
    }
    while on_cpu(&machine) == SERVER {
        machine.tick(CPU0);
    }
    while on_cpu(&machine) != PARENT || ready(&machine) > 1 {
        if on_cpu(&machine) == PARENT || on_cpu(&machine) == SERVER {
            machine.tick(CPU0);
        } else {
            machine.call(CPU0, Call::IpcReply, [0; 5]);
        }
    }
    assert!(matches!(
        call(&mut machine, Call::JobDestroy, [SERVER, 0, 0, 0, 0]),
        Answer::Value(1..)
    ));
    let envs = machine.kernel.envs();
    let marked = |slot: &kcore::env::Slot| envs[*slot].ending && has_state(&envs[*slot]);
    let member = envs.used().find(marked).expect("a member of that kind");
    let id = envs[member].id.0 as u32;
    call(&mut machine, Call::IpcCall, [id, 0, 1, 2, 0]);
    for _ in 0..1000 {
        machine.calm_down();
        assert_ne!(on_cpu(&machine), id);
        if on_cpu(&machine) == PARENT {
            break;
        }
        machine.tick(CPU0);
    }
    let bad = (Error::BadEnv as u32).wrapping_neg();
    assert_eq!((on_cpu(&machine), got(&machine)[0]), (PARENT, bad));
}

/// Many whose letters cannot be delivered are told so in several steps.
#[test]
fn letters_are_refused_in_pieces() {
    const SENDERS: usize = 300;
    let spec = Spec {
        frames: 1400,
        ..Spec::default()
    };
    let mut store = Store::new(&spec);
    let mut machine = Machine::with_one_env(&mut store, spec);
    call(&mut machine, Call::PageAlloc, [0, A, RW, 0, 0]);
    let children: Vec<u32> = (0..SENDERS)
        .map(|_| {
            let Answer::Value(id) = machine.call(CPU0, Call::Exofork, [0; 5]) else {
                panic!("a child is made")
            };
            machine.call(CPU0, Call::PageMap, [0, A, id, A, RW]);
            machine.call(CPU0, Call::EnvSetStatus, [id, RUN, 0, 0, 0]);
            id
        })
        .collect();
    machine.call(CPU0, Call::Yield, [0; 5]);
    while on_cpu(&machine) != PARENT {
        machine.call(CPU0, Call::IpcSend, [PARENT, 1, A, RW, 0]);
    }
    for id in children {
        machine.call(CPU0, Call::PageUnmap, [id, A, 0, 0, 0]);
    }
    let slot = machine.kernel.envs().find(EnvId(PARENT as i32));
    let slot = slot.expect("it lives");
    let waiting = |machine: &Machine<'_>| {
        let envs = machine.kernel.envs();
        envs[slot].senders.iter(envs).count()
    };
    assert_eq!(waiting(&machine), SENDERS);
    call(&mut machine, Call::IpcReply, [0; 5]);
    assert_eq!(waiting(&machine), SENDERS - 256);
    while waiting(&machine) > 0 {
        machine.calm_down();
        machine.tick(CPU0);
    }
    machine.calm_down();
    let bad = (Error::Inval as u32).wrapping_neg();
    assert_eq!(got(&machine)[0], bad);
    assert_eq!(machine.check(), Ok(()));
}
