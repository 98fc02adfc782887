//! Whose turn it is.

use abi::Personality;

use super::*;

/// As many environments as there are names here, made before anything runs.
const ALL: [u32; 3] = [0x1000, 0x1001, 0x1002];

/// A machine with three environments, which no other exercise is needed for.
#[track_caller]
fn with_three<R>(cpus: u8, f: impl FnOnce(&mut Machine<'_>) -> R) -> R {
    let spec = Spec {
        cpus,
        ..Spec::default()
    };
    let mut store = Store::new(&spec);
    let mut machine = Machine::new(&mut store, spec);
    for id in ALL {
        assert_eq!(machine.boot(0x80_0020, Personality::Lab4).0 as u32, id);
    }
    machine.calm_down();
    f(&mut machine)
}

#[test]
fn all_have_their_turn_in_a_circle() {
    with_three(1, |machine| {
        assert_eq!(on(machine, CPU0), Some(ALL[0]), "the first one begins");
        for turn in [1, 2, 0, 1, 2, 0] {
            call(machine, Call::Yield, &[]);
            let next = on(machine, CPU0);
            assert_eq!(next, Some(ALL[turn]), "whoever has waited longest is next");
        }
    });
}

#[test]
fn whoever_left_is_runnable_and_comes_again() {
    with_three(1, |machine| {
        call(machine, Call::Yield, &[]);
        let found = status(machine, ALL[0]);
        assert_eq!(
            found,
            EnvStatus::Runnable,
            "who gave up the CPU can still run"
        );
        call(machine, Call::EnvDestroy, &[0]);
        assert_eq!(on(machine, CPU0), Some(ALL[2]), "the second has ended");
        call(machine, Call::Yield, &[]);
        assert_eq!(on(machine, CPU0), Some(ALL[0]), "so the first is next");
    });
}

#[test]
fn the_call_returns_when_the_turn_comes() {
    with_three(1, |machine| {
        let before = machine.cpu(CPU0).frame;
        for _ in ALL {
            call(machine, Call::Yield, &[]);
        }
        let after = machine.cpu(CPU0).frame;
        assert_eq!(after.regs.eax, 0, "yield returns 0");
        assert_eq!(after.eip, before.eip, "where it was called");
    });
}

#[test]
fn whoever_is_alone_goes_on() {
    with_machine(1, |machine| {
        for _ in 0..3 {
            let answer = call(machine, Call::Yield, &[]);
            assert_eq!(answer, DONE, "nobody waits, so the caller goes on at once");
        }
    });
}

#[test]
fn two_cpus_share_one_circle() {
    with_three(2, |machine| {
        let running = [on(machine, CPU0), on(machine, CPU1)];
        assert_eq!(running, [Some(ALL[0]), Some(ALL[1])], "a CPU each");
        call_on(machine, CPU1, Call::Yield, &[]);
        assert_eq!(on(machine, CPU1), Some(ALL[2]), "the third has waited");
        call_on(machine, CPU0, Call::Yield, &[]);
        assert_eq!(on(machine, CPU0), Some(ALL[1]), "and now the second");
    });
}

#[test]
fn an_idle_cpu_is_remembered() {
    with_machine(2, |machine| {
        machine.calm_down();
        assert_eq!(on(machine, CPU1), None, "nobody is left for the other CPU");
        let idle = machine.kernel.sched().idle;
        assert!(idle.contains(CPU1), "it is among those that can be woken");
    });
}
