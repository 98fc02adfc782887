//! Sleeping, deadlines, and the clock: who is woken when, by which CPU, and with what.

use abi::layout::UTOP;
use abi::{Call, EnvId, EnvStatus, Error};
use kcore::env::Wait;
use kcore::{CpuId, Event};
use sim::machine::call::Answer;
use sim::machine::{Machine, Mode, Spec, Store};

const CPU0: CpuId = CpuId(0);
const CPU1: CpuId = CpuId(1);
const RUN: u32 = EnvStatus::Runnable as u32;
const STOP: u32 = EnvStatus::NotRunnable as u32;
const PARENT: u32 = 0x1000;
const CHILD: u32 = 0x1001;
const TIMED_OUT: u32 = (Error::TimedOut as u32).wrapping_neg();
/// A microsecond in the machine's nanoseconds.
const US: u64 = 1000;

fn call_on(machine: &mut Machine<'_>, cpu: CpuId, call: Call, arguments: [u32; 5]) -> Answer {
    let answer = machine.call(cpu, call, arguments);
    assert_eq!(machine.check(), Ok(()));
    answer
}

fn call(machine: &mut Machine<'_>, call: Call, arguments: [u32; 5]) -> Answer {
    call_on(machine, CPU0, call, arguments)
}

fn sleep_until(machine: &mut Machine<'_>, microseconds: u64) -> Answer {
    let [low, high] = words(microseconds);
    call(machine, Call::SleepUntil, [low, high, 0, 0, 0])
}

fn set_deadline(machine: &mut Machine<'_>, microseconds: u64) {
    let [low, high] = words(microseconds);
    let done = call(machine, Call::EnvSetDeadline, [low, high, 0, 0, 0]);
    assert_eq!(done, Answer::Value(0));
}

fn words(time: u64) -> [u32; 2] {
    [time as u32, (time >> 32) as u32]
}

fn on(machine: &Machine<'_>, cpu: CpuId) -> u32 {
    machine.env_on(cpu).map_or(0, |id| id.0 as u32)
}

fn eax(machine: &Machine<'_>) -> u32 {
    machine.cpu(CPU0).frame.regs.eax
}

/// The timer of a CPU that idles is due: time passes until then, and it interrupts.
fn wait_for_alarm(machine: &mut Machine<'_>) {
    assert!(machine.wait_for_alarm(), "a timer runs");
    machine.calm_down();
    assert_eq!(machine.check(), Ok(()));
}

/// A parent, which is on CPU 0, and children, which have been started.
fn with_children<R>(cpus: u8, children: u32, f: impl FnOnce(&mut Machine<'_>) -> R) -> R {
    let spec = Spec {
        cpus,
        frames: 256 + children * 4,
        ..Spec::default()
    };
    let mut store = Store::new(&spec);
    let mut machine = Machine::with_one_env(&mut store, spec);
    for child in CHILD..CHILD + children {
        let made = machine.call(CPU0, Call::Exofork, [0; 5]);
        assert_eq!(made, Answer::Value(child));
        machine.call(CPU0, Call::EnvSetStatus, [child, RUN, 0, 0, 0]);
    }
    machine.calm_down();
    assert_eq!(on(&machine, CPU0), PARENT);
    f(&mut machine)
}

#[test]
fn the_time_is_in_two_words() {
    with_children(1, 0, |machine| {
        machine.now = (5 << 32) * US + 7 * US + US - 1;
        assert_eq!(call(machine, Call::TimeUsec, [0; 5]), Answer::Value(0));
        let regs = machine.cpu(CPU0).frame.regs;
        assert_eq!([regs.ebx, regs.edi], [7, 5]);
    });
}

/// At the tick at which a sleeper wakes, it is as late as it wanted, and a tick before it is
/// not, whatever the rate of the counter.
#[test]
fn times_are_rounded_up() {
    for ten_ms in [1, 3, 7_777_777, 29_999_999] {
        let spec = Spec {
            ten_ms,
            ..Spec::default()
        };
        let mut store = Store::new(&spec);
        let mut machine = Machine::with_one_env(&mut store, spec);
        for step in 1..50 {
            let time = step * 33_331;
            assert!(matches!(sleep_until(&mut machine, time), Answer::Left(_)));
            let due = machine.cpu(CPU0).due.expect("a timer runs");
            let microseconds = |ticks: u64| ticks * 10_000 / ten_ms;
            assert!(microseconds(due) >= time && microseconds(due - 1) < time);
            wait_for_alarm(&mut machine);
            call(&mut machine, Call::TimeUsec, [0; 5]);
            assert!(u64::from(machine.cpu(CPU0).frame.regs.ebx) >= time);
        }
    }
}

/// The counter of one CPU is behind that of another.
#[test]
fn the_time_never_goes_back() {
    with_children(1, 0, |machine| {
        machine.now = 30_000 * US;
        call(machine, Call::TimeUsec, [0; 5]);
        machine.now = 20_000 * US;
        call(machine, Call::TimeUsec, [0; 5]);
        assert_eq!(machine.cpu(CPU0).frame.regs.ebx, 30_000);
        let msec = machine.call_as(CPU0, abi::Personality::Lab4, Call::SleepUntil, [30_000; 5]);
        assert!(matches!(msec, Answer::Left(_)), "the upper word counts");
    });
}

/// Nor does one that was told that its time is up find on another CPU that it is not.
#[test]
fn a_deadline_that_has_passed_has_passed_on_every_cpu() {
    with_children(1, 0, |machine| {
        set_deadline(machine, 30_000);
        machine.now = 30_000 * US;
        let answer = call(machine, Call::Getc, [0; 5]);
        assert_eq!(answer, Answer::Failed(Error::TimedOut));
        machine.now -= US;
        call(machine, Call::TimeUsec, [0; 5]);
        assert_eq!(machine.cpu(CPU0).frame.regs.ebx, 30_000);
    });
}

#[test]
fn a_sleeper_wakes_when_it_is_time_and_not_before() {
    with_children(1, 0, |machine| {
        machine.now = 3 * US;
        assert_eq!(sleep_until(machine, 5), Answer::Left(None));
        let sleeper = machine.kernel.envs().find(EnvId(PARENT as i32));
        let sleeper = sleeper.expect("it lives");
        assert_eq!(
            machine.kernel.envs()[sleeper].status(),
            EnvStatus::NotRunnable
        );
        assert_eq!(machine.cpu(CPU0).due, Some(5 * US));
        machine.now = 5 * US - 1;
        machine.run_event(CPU0, Event::Timer);
        assert_eq!(machine.cpu(CPU0).mode, Mode::Idle);
        assert_eq!(machine.cpu(CPU0).due, Some(5 * US));
        wait_for_alarm(machine);
        assert_eq!((on(machine, CPU0), eax(machine)), (PARENT, 0));
        call(machine, Call::TimeUsec, [0; 5]);
        assert_eq!(machine.cpu(CPU0).frame.regs.ebx, 5);
    });
}

#[test]
fn a_time_that_has_come_is_not_waited_for() {
    with_children(1, 0, |machine| {
        machine.now = 7 * US;
        for time in [0, 1, 6, 7] {
            assert_eq!(sleep_until(machine, time), Answer::Value(0));
        }
        assert!(machine.kernel.sched().timers.is_empty());
    });
}

#[test]
fn sleepers_wake_in_the_order_of_their_times() {
    const TIMES: [u64; 6] = [50, 20, 40, 20, 30, 10];
    with_children(1, TIMES.len() as u32, |machine| {
        call(machine, Call::Yield, [0; 5]);
        for time in TIMES {
            sleep_until(machine, time);
        }
        assert_eq!(on(machine, CPU0), PARENT);
        call(machine, Call::IpcRecv, [UTOP, 0, 0, 0, 0]);
        let mut woken = Vec::new();
        // One wait and one call for each, or a wait for two.
        for _ in 0..TIMES.len() * 2 - 1 {
            let slot = on(machine, CPU0).checked_sub(CHILD);
            match slot {
                None => wait_for_alarm(machine),
                Some(index) => {
                    woken.push((machine.now / US, index));
                    call(machine, Call::EnvDestroy, [0; 5]);
                    machine.calm_down();
                }
            }
        }
        assert!(machine.end.is_some());
        // Two whose times are equal wake in the order in which they went to sleep.
        let wanted = [(10, 5), (20, 1), (20, 3), (30, 4), (40, 2), (50, 0)];
        assert_eq!(woken, wanted);
    });
}

/// Each call that waits for somebody ends when the deadline has passed.
#[test]
fn every_wait_times_out() {
    for (number, arguments) in [
        (Call::IpcRecv, [UTOP, 0, 0, 0, 0]),
        (Call::IpcSend, [CHILD, 0, UTOP, 0, 0]),
        (Call::IpcCall, [CHILD, 0, 0, 0, 0]),
        (Call::IpcReply, [0; 5]),
        (Call::Getc, [0; 5]),
    ] {
        with_children(1, 1, |machine| {
            set_deadline(machine, 500);
            assert_eq!(
                call(machine, number, arguments),
                Answer::Left(Some(EnvId(CHILD as i32)))
            );
            // Before its quantum is over: the timer rings for the deadline.
            assert_eq!(machine.cpu(CPU0).due, Some(500 * US));
            machine.now = 500 * US;
            machine.run_event(CPU0, Event::Timer);
            assert_eq!(machine.check(), Ok(()));
            assert_eq!(on(machine, CPU0), CHILD, "its quantum goes on");
            assert_eq!(machine.cpu(CPU0).due, Some(10_000 * US));
            call(machine, Call::Yield, [0; 5]);
            assert_eq!(
                (on(machine, CPU0), eax(machine)),
                (PARENT, TIMED_OUT),
                "{number:?}"
            );
            // The deadline is none any more.
            assert!(matches!(call(machine, number, arguments), Answer::Left(_)));
            assert!(machine.kernel.sched().timers.is_empty());
        });
    }
}

/// A caller whose message was taken waits for the reply; the server that replies too late
/// learns it.
#[test]
fn a_reply_can_be_too_late() {
    with_children(1, 1, |machine| {
        call(machine, Call::Yield, [0; 5]);
        call(machine, Call::IpcReply, [0; 5]);
        assert_eq!(on(machine, CPU0), PARENT);
        set_deadline(machine, 100);
        call(machine, Call::IpcCall, [CHILD, 0, 1, 2, 0]);
        assert_eq!((on(machine, CPU0), eax(machine)), (CHILD, PARENT));
        machine.now = 100 * US;
        machine.run_event(CPU0, Event::Timer);
        assert_eq!(machine.check(), Ok(()));
        let reply = call(machine, Call::IpcReply, [PARENT, 0, 3, 4, 0]);
        assert_eq!(reply, Answer::Failed(Error::IpcNotRecv));
        call(machine, Call::Yield, [0; 5]);
        assert_eq!((on(machine, CPU0), eax(machine)), (PARENT, TIMED_OUT));
    });
}

/// Once the deadline has passed, the next wait ends at once; what need not wait succeeds.
#[test]
fn a_deadline_that_has_passed_ends_the_next_wait() {
    with_children(1, 1, |machine| {
        set_deadline(machine, 5);
        machine.now = 5 * US;
        let send = call(machine, Call::IpcTrySend, [CHILD, 0, UTOP, 0, 0]);
        assert_eq!(send, Answer::Failed(Error::IpcNotRecv));
        assert_eq!(call(machine, Call::GetEnvId, [0; 5]), Answer::Value(PARENT));
        let receive = call(machine, Call::IpcRecv, [UTOP, 0, 0, 0, 0]);
        assert_eq!(receive, Answer::Failed(Error::TimedOut));
        // A request goes out although there is no time to wait for the reply.
        call(machine, Call::Yield, [0; 5]);
        call(machine, Call::IpcReply, [0; 5]);
        set_deadline(machine, 1);
        let asked = call(machine, Call::IpcCall, [CHILD, 0, 5, 6, 0]);
        assert_eq!(asked, Answer::Failed(Error::TimedOut));
        call(machine, Call::Yield, [0; 5]);
        let regs = machine.cpu(CPU0).frame.regs;
        assert_eq!((on(machine, CPU0), regs.eax, regs.ebx), (CHILD, PARENT, 5));
        let replied = call(machine, Call::IpcReply, [PARENT, 0, 7, 8, 0]);
        assert_eq!(replied, Answer::Failed(Error::IpcNotRecv));
        // Nothing is left of the deadline.
        call(machine, Call::IpcReply, [0; 5]);
        call(machine, Call::IpcCall, [CHILD, 0, 0, 0, 0]);
        assert_eq!(on(machine, CPU0), CHILD);
        // A reply goes out although there is no time to wait for the next message.
        set_deadline(machine, 1);
        let replied = call(machine, Call::IpcReply, [PARENT, 0, 8, 9, 0]);
        assert_eq!(replied, Answer::Failed(Error::TimedOut));
        call(machine, Call::Yield, [0; 5]);
        let regs = machine.cpu(CPU0).frame.regs;
        assert_eq!((on(machine, CPU0), regs.eax, regs.ebx), (PARENT, 0, 8));
    });
}

/// A wait that ends well leaves the deadline to the next one, and so does a sleep.
#[test]
fn a_deadline_is_for_the_next_wait_too() {
    with_children(1, 1, |machine| {
        set_deadline(machine, 900);
        call(machine, Call::IpcRecv, [UTOP, 0, 0, 0, 0]);
        call(machine, Call::IpcTrySend, [PARENT, 3, UTOP, 0, 0]);
        call(machine, Call::Yield, [0; 5]);
        assert_eq!((on(machine, CPU0), eax(machine)), (PARENT, 0));
        // Beyond the deadline, and so is the next wait.
        sleep_until(machine, 1000);
        assert_eq!(on(machine, CPU0), CHILD);
        machine.now = 950 * US;
        machine.run_event(CPU0, Event::Timer);
        call(machine, Call::Yield, [0; 5]);
        assert_eq!(
            on(machine, CPU0),
            CHILD,
            "the deadline does not end the sleep"
        );
        machine.now = 1000 * US;
        machine.run_event(CPU0, Event::Timer);
        call(machine, Call::Yield, [0; 5]);
        assert_eq!((on(machine, CPU0), eax(machine)), (PARENT, 0));
        let receive = call(machine, Call::IpcRecv, [UTOP, 0, 0, 0, 0]);
        assert_eq!(receive, Answer::Failed(Error::TimedOut));
    });
}

#[test]
fn a_deadline_can_be_cleared() {
    with_children(1, 1, |machine| {
        set_deadline(machine, 900);
        call(machine, Call::IpcRecv, [UTOP, 0, 0, 0, 0]);
        call(machine, Call::IpcTrySend, [PARENT, 3, UTOP, 0, 0]);
        call(machine, Call::Yield, [0; 5]);
        assert!(
            !machine.kernel.sched().timers.is_empty(),
            "the alarm is still set"
        );
        set_deadline(machine, 0);
        assert!(machine.kernel.sched().timers.is_empty());
        machine.now = 1000 * US;
        let receive = call(machine, Call::IpcRecv, [UTOP, 0, 0, 0, 0]);
        assert!(matches!(receive, Answer::Left(_)));
    });
}

/// Death, and a parent's order to stop, take an alarm with them.
#[test]
fn nobody_is_woken_who_does_not_sleep_any_more() {
    for number in [Call::EnvDestroy, Call::EnvSetStatus] {
        with_children(1, 2, |machine| {
            call(machine, Call::Yield, [0; 5]);
            sleep_until(machine, 300);
            sleep_until(machine, 400);
            assert_eq!(on(machine, CPU0), PARENT);
            call(machine, number, [CHILD, STOP, 0, 0, 0]);
            let timers = machine.kernel.sched().timers;
            assert_eq!(timers.iter(machine.kernel.envs()).count(), 1);
            call(machine, Call::IpcRecv, [UTOP, 0, 0, 0, 0]);
            wait_for_alarm(machine);
            assert_eq!((on(machine, CPU0), machine.now), (CHILD + 1, 400 * US));
        });
    }
}

/// A sleeper that is stopped and started again gets an error, like all others that wait.
#[test]
fn a_sleep_can_be_cancelled() {
    with_children(1, 1, |machine| {
        call(machine, Call::Yield, [0; 5]);
        sleep_until(machine, 300);
        call(machine, Call::EnvSetStatus, [CHILD, RUN, 0, 0, 0]);
        call(machine, Call::Yield, [0; 5]);
        let invalid = (Error::Inval as u32).wrapping_neg();
        assert_eq!((on(machine, CPU0), eax(machine)), (CHILD, invalid));
    });
}

/// A receiver dies for which somebody waits until a deadline.
#[test]
fn the_death_of_a_receiver_comes_before_the_deadline() {
    with_children(1, 2, |machine| {
        call(machine, Call::Yield, [0; 5]);
        set_deadline(machine, 900);
        call(machine, Call::IpcSend, [CHILD + 1, 0, UTOP, 0, 0]);
        assert_eq!(on(machine, CPU0), CHILD + 1);
        call(machine, Call::EnvDestroy, [0; 5]);
        machine.calm_down();
        call(machine, Call::Yield, [0; 5]);
        let bad = (Error::BadEnv as u32).wrapping_neg();
        assert_eq!((on(machine, CPU0), eax(machine)), (CHILD, bad));
        // The deadline is still there.
        machine.now = 900 * US;
        let receive = call(machine, Call::IpcRecv, [UTOP, 0, 0, 0, 0]);
        assert_eq!(receive, Answer::Failed(Error::TimedOut));
    });
}

/// A quantum begins although the timer is started for less, and none does when it is
/// started for the rest of one.
#[test]
fn an_alarm_hides_no_quantum() {
    with_children(2, 2, |machine| {
        sleep_until(machine, 2_000);
        call_on(machine, CPU1, Call::SleepUntil, [14_000, 0, 0, 0, 0]);
        // CPU 0 rings for the parent, which CPU 1 gets, and goes on being the keeper.
        machine.now = 2_000 * US;
        machine.run_event(CPU0, Event::Timer);
        machine.calm_down();
        call_on(machine, CPU1, Call::SleepUntil, [18_000, 0, 0, 0, 0]);
        assert_eq!([on(machine, CPU0), on(machine, CPU1)], [CHILD + 1, 0]);
        assert_eq!(machine.cpu(CPU0).due, Some(10_000 * US));
        assert!(!machine.kernel.has_begun_quantum(CPU0));
        // Nobody else wants CPU 0.
        machine.now = 10_000 * US;
        machine.run_event(CPU0, Event::Timer);
        assert_eq!(machine.check(), Ok(()));
        assert_eq!(machine.cpu(CPU0).due, Some(14_000 * US));
        assert!(machine.kernel.has_begun_quantum(CPU0));
    });
}

/// Only the CPU that is to ring the first alarm has a timer while it idles.
#[test]
fn one_idle_cpu_has_a_timer() {
    with_children(2, 1, |machine| {
        assert_eq!(on(machine, CPU1), CHILD);
        call_on(machine, CPU1, Call::SleepUntil, [70_000, 0, 0, 0, 0]);
        sleep_until(machine, 75_000);
        let dues = |machine: &Machine<'_>| [CPU0, CPU1].map(|cpu| machine.cpu(cpu).due);
        assert_eq!(dues(machine), [None, Some(70_000 * US)]);
        wait_for_alarm(machine);
        assert_eq!((on(machine, CPU1), machine.now), (CHILD, 70_000 * US));
        assert_eq!(machine.cpu(CPU0).mode, Mode::Idle);
        // The next alarm is rung by the same CPU, although it is busy.
        assert_eq!(machine.cpu(CPU1).due, Some(75_000 * US));
        machine.now = 75_000 * US;
        machine.run_event(CPU1, Event::Timer);
        machine.calm_down();
        assert_eq!(machine.check(), Ok(()));
        assert_eq!([on(machine, CPU0), on(machine, CPU1)], [PARENT, CHILD]);
    });
}

/// A CPU that sets an earlier alarm takes over.
#[test]
fn an_earlier_alarm_makes_its_cpu_the_keeper() {
    with_children(2, 1, |machine| {
        sleep_until(machine, 80_000);
        assert_eq!(machine.cpu(CPU0).due, Some(80_000 * US));
        call_on(machine, CPU1, Call::SleepUntil, [70_000, 0, 0, 0, 0]);
        assert_eq!(machine.cpu(CPU1).due, Some(70_000 * US));
        wait_for_alarm(machine);
        assert_eq!((on(machine, CPU1), machine.now), (CHILD, 70_000 * US));
        assert_eq!(machine.cpu(CPU1).due, Some(80_000 * US));
    });
}

/// The CPU that is to ring an alarm loses its environment to another's call.
#[test]
fn a_keeper_that_is_stopped_rings_all_the_same() {
    with_children(2, 2, |machine| {
        assert_eq!(on(machine, CPU1), CHILD);
        call_on(machine, CPU1, Call::SleepUntil, [500, 0, 0, 0, 0]);
        assert_eq!(on(machine, CPU1), CHILD + 1);
        call(machine, Call::EnvDestroy, [CHILD + 1, 0, 0, 0, 0]);
        machine.calm_down();
        assert_eq!(machine.check(), Ok(()));
        assert_eq!(machine.cpu(CPU1).mode, Mode::Idle);
        wait_for_alarm(machine);
        assert_eq!((on(machine, CPU1), machine.now), (CHILD, 500 * US));
    });
}

/// A run does not end while somebody's wait has an end, and ends when nobody's has.
#[test]
fn a_run_lasts_as_long_as_somebody_sleeps() {
    with_children(1, 1, |machine| {
        set_deadline(machine, 40_000);
        call(machine, Call::IpcRecv, [UTOP, 0, 0, 0, 0]);
        sleep_until(machine, 60_000);
        for time in [40_000, 60_000] {
            assert_eq!(machine.end, None);
            wait_for_alarm(machine);
            assert_eq!(machine.now, time * US);
            call(machine, Call::IpcRecv, [UTOP, 0, 0, 0, 0]);
        }
        assert!(machine.end.is_some());
    });
}

/// A step rings no more than 64 alarms; the rest is rung by the steps that follow.
#[test]
fn a_thousand_wake_in_many_steps() {
    const SLEEPERS: u32 = 1000;
    with_children(1, SLEEPERS, |machine| {
        machine.call(CPU0, Call::Yield, [0; 5]);
        while on(machine, CPU0) != PARENT {
            let number = on(machine, CPU0) % 7;
            machine.call(CPU0, Call::SleepUntil, [20_000 - number, 0, 0, 0, 0]);
        }
        assert_eq!(machine.check(), Ok(()));
        machine.call(CPU0, Call::IpcRecv, [UTOP, 0, 0, 0, 0]);
        machine.now = 20_000 * US;
        let sleepers = |machine: &Machine<'_>| {
            let envs = machine.kernel.envs();
            envs.used()
                .filter(|&slot| envs[slot].wait == Wait::Alarm)
                .count()
        };
        let mut left = SLEEPERS as usize;
        while left > 0 {
            let now = machine.now;
            assert!(machine.cpu(CPU0).due.is_some_and(|due| due <= now));
            machine.run_event(CPU0, Event::Timer);
            let now_left = sleepers(machine);
            assert_eq!(left - now_left, left.min(64));
            left = now_left;
        }
        assert_eq!(machine.check(), Ok(()));
    });
}

/// A time that no clock reaches is waited for, and disturbs nobody.
#[test]
fn the_end_of_time_is_far() {
    with_children(1, 1, |machine| {
        machine.now = 30 * US;
        set_deadline(machine, u64::MAX);
        sleep_until(machine, u64::MAX - 1);
        assert_eq!(on(machine, CPU0), CHILD);
        assert_eq!(machine.cpu(CPU0).due, Some(10_000 * US));
    });
}

/// A child has no deadline of its own.
#[test]
fn a_deadline_is_not_inherited() {
    with_children(1, 0, |machine| {
        set_deadline(machine, 5);
        call(machine, Call::Exofork, [0; 5]);
        call(machine, Call::EnvSetStatus, [CHILD, RUN, 0, 0, 0]);
        machine.now = 9 * US;
        call(machine, Call::Yield, [0; 5]);
        assert_eq!(on(machine, CPU0), CHILD);
        let receive = call(machine, Call::IpcRecv, [UTOP, 0, 0, 0, 0]);
        assert!(matches!(receive, Answer::Left(_)));
    });
}
