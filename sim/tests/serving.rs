//! Many clients and one server: how often each is served.
//!
//! The hard thing is resonance. Client and server pass the CPU to each other thousands of
//! times in a quantum, and where that ends, in the one or in the other, may decide who is
//! next. So work and quanta of many lengths are tried, and everybody's count is looked at.

use abi::{Call, EnvStatus};
use kcore::{CpuId, Event};
use sim::machine::call::Answer;
use sim::machine::{Machine, Mode, Spec, Store};
use sim::random::Stream;
use std::collections::BTreeMap;

const CPU0: CpuId = CpuId(0);
const RUN: u32 = EnvStatus::Runnable as u32;
const SERVER: u32 = 0x1000;
const CLIENTS: u32 = 8;
/// Ticks.
const QUANTUM: u64 = 1000;
/// Each client could have so many quanta on one CPU.
const ROUNDS: u64 = 24;

/// What programs do between two calls, in ticks.
#[derive(Clone, Copy, Debug)]
struct Work {
    client: u64,
    server: u64,
    /// Whether that is the most, and each time something else.
    varies: bool,
}

/// How often each of the clients is served.
fn serve(cpus: u8, work: Work) -> BTreeMap<u32, u64> {
    let spec = Spec {
        cpus,
        quantum: QUANTUM,
        ..Spec::default()
    };
    let mut store = Store::new(&spec);
    let mut machine = Machine::with_one_env(&mut store, spec);
    let mut served = BTreeMap::new();
    for _ in 0..CLIENTS {
        let Answer::Value(client) = machine.call(CPU0, Call::Exofork, [0; 5]) else {
            panic!("no child");
        };
        machine.call(CPU0, Call::EnvSetStatus, [client, RUN, 0, 0, 0]);
        served.insert(client, 0);
    }
    machine.calm_down();
    machine.cpu_mut(CPU0).frame.regs.eax = 0;
    let mut stream = Stream::new(1);
    let mut needs = |id: u32| {
        let most = if id == SERVER {
            work.server
        } else {
            work.client
        };
        match work.varies {
            true => 1 + u64::from(stream.word()) % most,
            false => most,
        }
    };
    let mut left: BTreeMap<u32, u64> = served.keys().map(|&id| (id, needs(id))).collect();
    left.insert(SERVER, work.server);
    let end = machine.now + QUANTUM * ROUNDS * u64::from(CLIENTS);
    while machine.now < end {
        let running = running(&machine);
        let moments = running.iter().map(|&(cpu, id)| {
            let due = machine.cpu(cpu).due.expect("a timer runs");
            (due.min(machine.now + left[&id]), cpu, id)
        });
        let (at, cpu, id) = moments.min().expect("somebody runs");
        let passed = at.saturating_sub(machine.now);
        for (_, id) in running {
            let left = left.get_mut(&id).expect("known");
            *left = left.saturating_sub(passed);
        }
        machine.now += passed;
        if left[&id] > 0 {
            machine.run_event(cpu, Event::Timer);
        } else {
            left.insert(id, needs(id));
            call(&mut machine, cpu, id, &mut served);
        }
        machine.calm_down();
    }
    assert_eq!(machine.check(), Ok(()));
    served
}

/// The CPUs that have an environment, each with its id.
fn running(machine: &Machine<'_>) -> Vec<(CpuId, u32)> {
    let in_user_mode = |&cpu: &CpuId| machine.cpu(cpu).mode == Mode::User;
    let with_id = |cpu| Some((cpu, machine.env_on(cpu)?.0 as u32));
    machine
        .cpu_ids()
        .filter(in_user_mode)
        .filter_map(with_id)
        .collect()
}

/// `id`, on `cpu`, has done its work: a client asks, the server replies.
fn call(machine: &mut Machine<'_>, cpu: CpuId, id: u32, served: &mut BTreeMap<u32, u64>) {
    if id != SERVER {
        machine.call(cpu, Call::IpcCall, [SERVER, 0, 1, 2, 0]);
        return;
    }
    let client = machine.cpu(cpu).frame.regs.eax;
    if let Some(count) = served.get_mut(&client) {
        *count += 1;
    }
    machine.call(cpu, Call::IpcReply, [client, 0, 3, 4, 0]);
}

/// Nobody gets less or more than an equal share, by more than 5 %.
fn check_shares(cpus: u8, varies: bool) {
    for client in [1, 3, 7, 20] {
        for server in [1, 2, 5, 11, 30] {
            let work = Work {
                client,
                server,
                varies,
            };
            let served = serve(cpus, work);
            let equal = served.values().sum::<u64>() / u64::from(CLIENTS);
            for &count in served.values() {
                let differs = count.abs_diff(equal) * 20 > equal;
                assert!(!differs, "{served:?} on {cpus} CPUs, {work:?}");
            }
        }
    }
}

#[test]
fn clients_of_one_server_get_equal_shares() {
    check_shares(1, false);
    check_shares(1, true);
}

/// Here work varies: if several CPUs keep in step for ever, those clients do better that
/// never meet another one at the server.
#[test]
fn so_they_do_on_four_cpus() {
    check_shares(4, true);
}
